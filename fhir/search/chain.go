package search

import (
	"slices"
	"strings"

	"github.com/drieluik/drieluik/fhir"
)

// at returns the parsing of a condition one hop further, on resources of type t.
func (p *parsing) at(t fhir.Type) (*parsing, bool) {
	params, err := parametersOf(t)
	if err != nil {
		return nil, false
	}
	p.used.hops++
	return &parsing{options: p.options, typ: t, params: params, plan: p.plan, used: p.used, steps: p.steps + 1}, true
}

// further reports whether one more hop is within the bounds.
func (p *parsing) further(name string) bool {
	switch {
	case apart[p.typ]:
		p.apart(name, p.typ)
		return false
	case p.steps >= maxSteps:
		p.fault(name, "too-costly", "SEARCH-CHAIN-DEPTH", "A chain has at most %d steps.", maxSteps)
		return false
	case p.used.hops >= maxHops:
		p.fault(name, "too-costly", "SEARCH-CHAIN-WIDE",
			"The chains of one search lead to at most %d types; name the type after a parameter, such as subject:Patient.name.", maxHops)
		return false
	}
	return true
}

// apart refuses to come to, or from, a type that is searched by itself.
func (p *parsing) apart(name string, t fhir.Type) {
	p.fault(name, "not-supported", "SEARCH-TYPE-APART", "%s is searched by itself, by its own parameters; no chain, include or search of several types comes to it.", t)
}

// chain parses param.rest or param:Type.rest. Without a type it leads to every type that the
// parameter refers to and that knows the rest.
func (p *parsing) chain(head, rest, value string) (Clause, bool) {
	code, only, typed := strings.Cut(head, ":")
	known, ok := lookup(p.params, code)
	if !ok {
		p.unknownParam(code)
		return Clause{}, false
	}
	if known.kind != Reference || typed && !slices.Contains(known.targets, only) {
		p.fault(known.code, "not-supported", "SEARCH-CHAIN-TARGET", "%s does not refer to such a type; it refers to: %s.",
			known.code, orNone(known.targets))
		return Clause{}, false
	}
	targets := known.targets
	if typed {
		targets = []string{only}
	}
	c := Clause{Param: known.code, Kind: Reference}
	return c, p.hops(&c, targets, rest, value)
}

func orNone(list []string) string {
	if len(list) == 0 {
		return "none"
	}
	return strings.Join(list, ", ")
}

// hops adds a hop for each target that knows the rest. Faults in the rest count when no target
// takes it: those of the first that knew its names, else those of the only target.
func (p *parsing) hops(c *Clause, targets []string, rest, value string) bool {
	var faults []fhir.Issue
	named := false
	for _, target := range targets {
		if p.spent() || !p.further(c.Param) {
			return false
		}
		there, ok := p.at(fhir.Type(target))
		if !ok || apart[there.typ] {
			continue
		}
		where, ok := there.condition(rest, value)
		if ok {
			c.Hops = append(c.Hops, Hop{Type: there.typ, Where: where})
			continue
		}
		p.used.hops--
		if fault := there.issues[0]; !named && (len(targets) == 1 || !unknown[fault.Diagnostics]) {
			faults, named = there.issues, !unknown[fault.Diagnostics]
		}
		if slices.ContainsFunc(there.issues, isBound) {
			faults, c.Hops = there.issues, nil
			break
		}
	}
	if len(c.Hops) > 0 {
		return true
	}
	if p.issues = append(p.issues, faults...); faults == nil {
		p.fault(c.Param, "not-supported", "SEARCH-CHAIN-UNKNOWN", "No type that %s refers to has the parameter after the point.", c.Param)
	}
	return false
}

// isBound reports whether an issue is about a bound of the search.
func isBound(i fhir.Issue) bool { return i.Code == "too-costly" }

// has parses Type:param:rest, the condition that a resource of Type refers here by param and meets
// the rest.
func (p *parsing) has(text, value string) (Clause, bool) {
	parts := strings.SplitN(text, ":", 3)
	t, ok := fhir.ParseType(parts[0])
	if !ok || len(parts) < 3 {
		p.fault("_has", "invalid", "SEARCH-HAS-FORMAT", "_has needs the form _has:Type:reference-parameter:parameter=value.")
		return Clause{}, false
	}
	if apart[t] {
		p.apart("_has", t)
		return Clause{}, false
	}
	if !p.further("_has") {
		return Clause{}, false
	}
	there, ok := p.at(t)
	if !ok {
		return Clause{}, false
	}
	back, ok := lookup(there.params, parts[1])
	if !ok || back.kind != Reference || !slices.Contains(back.targets, string(p.typ)) {
		p.fault("_has", "not-supported", "SEARCH-HAS-REFERENCE", "%s has no such reference parameter to %s. It has: %s.",
			t, p.typ, orNone(referring(there.params, p.typ)))
		return Clause{}, false
	}
	where, ok := there.condition(parts[2], value)
	p.issues = append(p.issues, there.issues...)
	return Clause{Param: "_has", Hops: []Hop{{Type: t, Back: back.code, Where: where}}}, ok
}

// referring lists the reference parameters that may lead to a type.
func referring(params []parameter, t fhir.Type) []string {
	var out []string
	for i := range params {
		if params[i].kind == Reference && slices.Contains(params[i].targets, string(t)) {
			out = append(out, params[i].code)
		}
	}
	return out
}
