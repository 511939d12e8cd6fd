package search

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/drieluik/drieluik/fhir"
)

// Bounds of one search. Each has an issue that names it.
const (
	maxValues   = 1000 // alternatives of all conditions together
	maxClauses  = 32   // conditions on one resource
	maxSteps    = 5    // hops one after the other
	maxHops     = 64   // hops in all, with those to each type that an untyped chain may mean
	maxSorts    = 8
	maxIncludes = 20
	maxElements = 100
	maxFaults   = 50 // issues of one answer
)

// budget is what one search has used of its bounds, over all its parts.
type budget struct{ values, hops int }

// parsing is the state of one Parse, for one resource type.
type parsing struct {
	options *Options
	typ     fhir.Type
	params  []parameter
	plan    *Plan
	issues  []fhir.Issue
	used    *budget
	steps   int // hops that led here
}

// Parse reads a query string into a Plan. Every fault is one issue: an unknown parameter names the
// known ones. The Plan is usable unless an issue is an error; with Options.Lenient what was left out
// is a warning. The paging cursor is no parameter of a search: the caller takes it out before.
func Parse(t fhir.Type, query url.Values, o Options) (Plan, []fhir.Issue) {
	plan := Plan{Type: t, Count: o.Count}
	where, issues := parseType(t, query, o.prepared(), &plan, &budget{})
	return finish(plan, []Part{{t, where}}, issues)
}

// ParseAll reads a query over several types: each condition and sort key must be one of every type.
func ParseAll(types []fhir.Type, query url.Values, o Options) (Plan, []fhir.Issue) {
	plan := Plan{Count: o.Count}
	var parts []Part
	var issues []fhir.Issue
	used := &budget{}
	prepared := o.prepared()
	for _, t := range types {
		one := Plan{Count: o.Count}
		where, more := parseType(t, query, prepared, &one, used)
		if len(parts) > 0 && !slices.Equal(one.Sort, plan.Sort) {
			more = append(more, issue("_sort", "not-supported", "SEARCH-SORT-MIXED", "A sort key of several types must be of one kind in all of them; sort by _lastUpdated or _id."))
		}
		one.Include, one.Ignored = union(plan.Include, one.Include), union(plan.Ignored, one.Ignored)
		plan = one
		parts = append(parts, Part{t, where})
		issues = union(issues, more)
	}
	if query, left := without(query, plan.Ignored); left && len(parts) > 1 { // what one type does not know counts for none
		again, _ := ParseAll(types, query, o)
		again.Ignored = plan.Ignored
		return again, issues
	}
	return finish(plan, parts, issues)
}

// union returns a with what b adds to it.
func union[T comparable](a, b []T) []T {
	for _, v := range b {
		if !slices.Contains(a, v) {
			a = append(a, v)
		}
	}
	return a
}

// without returns a query without some names, and whether there were any.
func without(query url.Values, names []string) (url.Values, bool) {
	left := maps.Clone(query)
	maps.DeleteFunc(left, func(name string, _ []string) bool { return slices.Contains(names, name) })
	return left, len(names) > 0
}

// finish puts the conditions into the plan, unless there is a fault.
func finish(plan Plan, parts []Part, issues []fhir.Issue) (Plan, []fhir.Issue) {
	if fhir.HasErrors(issues) {
		return Plan{}, issues
	}
	if plan.Type != "" {
		plan.Where = parts[0].Where
		return plan, issues
	}
	plan.Parts = parts
	return plan, issues
}

// prepared returns o with what its zero members mean.
func (o Options) prepared() *Options {
	o.Base = withoutSlash(o.Base)
	if o.Now.IsZero() {
		o.Now = time.Now()
	}
	return &o
}

// parseType reads the query for one type: the conditions are returned, all else goes into plan.
func parseType(t fhir.Type, query url.Values, o *Options, plan *Plan, used *budget) ([]Clause, []fhir.Issue) {
	p := parsing{options: o, typ: t, plan: plan, used: used}
	var err error
	if p.params, err = parametersOf(t); err != nil {
		return nil, []fhir.Issue{issue("", "not-supported", "SEARCH-TYPE-UNKNOWN", "This resource type cannot be searched.")}
	}
	if plan.Type == "" && apart[t] {
		p.apart("_type", t)
	}
	var where []Clause
	for _, name := range slices.Sorted(maps.Keys(query)) {
		code, modifier, _ := strings.Cut(name, ":")
		if read, ok := controls[code]; ok && len(query[name]) > 0 {
			read(&p, modifier, query[name])
			continue
		}
		for i, value := range query[name] {
			if p.spent() || len(where) > maxClauses {
				break
			}
			if slices.Index(query[name], value) < i { // said before
				continue
			}
			if c, ok := p.named(name, value); ok {
				where = append(where, c)
			}
		}
	}
	p.together()
	if len(where) > maxClauses {
		p.fault("", "too-costly", "SEARCH-TOO-MANY", "The search has more than %d conditions. Ask with fewer.", maxClauses)
	}
	if used.values > maxValues {
		p.fault("", "too-costly", "SEARCH-TOO-MANY", "The search has more than %d values. Split it into several.", maxValues)
	}
	if len(p.issues) >= maxFaults {
		p.fault("", "too-costly", "SEARCH-FAULTS", "The search has more faults than the %d that are told; mend these first.", maxFaults)
	}
	return where, p.issues
}

// spent reports whether a bound is reached, so that the rest of the query need not be read.
func (p *parsing) spent() bool { return p.used.values > maxValues || len(p.issues) >= maxFaults }

// named parses a condition; what nobody knows is left out of a lenient search.
func (p *parsing) named(name, value string) (Clause, bool) {
	before := len(p.issues)
	c, ok := p.condition(name, value)
	if ok || !p.options.Lenient {
		return c, ok
	}
	for i := before; i < len(p.issues); i++ {
		if unknown[p.issues[i].Diagnostics] {
			p.issues[i].Severity = fhir.SeverityWarning
			p.plan.Ignored = union(p.plan.Ignored, []string{name})
		}
	}
	return c, false
}

// unknown are the rules by which a parameter as a whole is not known here.
var unknown = map[string]bool{
	"SEARCH-PARAM-UNKNOWN": true, "SEARCH-PARAM-UNSUPPORTED": true, "SEARCH-CHAIN-UNKNOWN": true,
}

func issue(name, code, rule, text string) fhir.Issue {
	i := fhir.Issue{Severity: fhir.SeverityError, Code: code, Diagnostics: rule, Text: text}
	if name != "" && name != unreadable {
		i.Expression = "http." + name
	}
	return i
}

// fault adds an issue about a parameter. name must be safe to show.
func (p *parsing) fault(name, code, rule, format string, args ...any) {
	p.issues = append(p.issues, issue(name, code, rule, fmt.Sprintf(format, args...)))
}

// unreadable stands for a name that cannot be shown.
const unreadable = "(unreadable)"

// shown returns a name from the query as it may be echoed: a plain name, or a placeholder.
func shown(name string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_-:.", r)
	}
	if name == "" || len(name) > 64 || strings.ContainsFunc(name, func(r rune) bool { return !plain(r) }) {
		return unreadable
	}
	return name
}

// names lists what the type can be searched by.
func (p *parsing) names() []string {
	names := append(slices.Sorted(maps.Keys(controls)), "_has")
	for i := range p.params {
		if accepted(&p.params[i]) {
			names = append(names, p.params[i].code)
		}
	}
	return names
}

// split cuts a text at a separator that no backslash escapes. The parts keep their escapes.
func split(s string, separator byte) []string {
	var parts []string
	start := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case separator:
			parts = append(parts, s[start:i])
			start = i + 1
		}
	}
	return append(parts, s[start:])
}

// unescaper undoes the escapes of a query value.
var unescaper = strings.NewReplacer(`\,`, ",", `\|`, "|", `\$`, "$", `\\`, `\`)

func unescape(s string) string { return unescaper.Replace(s) }

var escaper = strings.NewReplacer(`\`, `\\`, "|", `\|`, ",", `\,`, "$", `\$`)

// Escape writes a value, or one part of a token, so that a search parameter reads it as it is (R4 search,
// 3.1.1.4.0.1).
func Escape(s string) string { return escaper.Replace(s) }
