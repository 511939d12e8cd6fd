package search

import (
	"slices"
	"strings"

	"github.com/drieluik/drieluik/fhir"
)

// unsupported are the parameters of R4 that this server does not have.
var unsupported = map[string]bool{
	"_contained": true, "_containedType": true, "_filter": true, "_text": true, "_content": true,
	"_list": true, "_query": true, "_score": true, "near": true,
}

// condition parses one parameter with its value; each fault in it is an issue.
func (p *parsing) condition(name, value string) (Clause, bool) {
	if rest, ok := strings.CutPrefix(name, "_has:"); ok {
		return p.has(rest, value)
	}
	if head, rest, ok := strings.Cut(name, "."); ok {
		return p.chain(head, rest, value)
	}
	code, modifier, _ := strings.Cut(name, ":")
	known, ok := lookup(p.params, code)
	if !ok {
		p.unknownParam(code)
		return Clause{}, false
	}
	return p.clause(known, modifier, value)
}

func (p *parsing) unknownParam(code string) {
	if unsupported[code] {
		p.fault(code, "not-supported", "SEARCH-PARAM-UNSUPPORTED", "%s is not supported.", code)
		return
	}
	p.fault(shown(code), "not-supported", "SEARCH-PARAM-UNKNOWN", "The parameter %s is unknown. Known for %s: %s.",
		shown(code), p.typ, strings.Join(p.names(), ", "))
}

// rewrites are the modifiers that stand for another reading of the value.
var rewrites = map[string]valueParser{
	"missing": missing, "identifier": token, "of-type": ofType, "text": text,
}

// clause parses the alternatives of one parameter.
func (p *parsing) clause(known *parameter, modifier, value string) (Clause, bool) {
	c := Clause{Param: known.code, Kind: known.kind, Modifier: modifier}
	if modifier != "" && !p.allows(known, modifier) {
		return Clause{}, false
	}
	if known.kind == Token && terminology[modifier] != nil {
		return terminology[modifier](p, c, value)
	}
	parse := parsers[known.kind]
	if modifier != "" && rewrites[modifier] != nil {
		parse = rewrites[modifier]
	}
	ok := true
	for _, alternative := range split(value, ',') {
		v, fault := parse(query{text: alternative, parameter: known, modifier: modifier, options: p.options})
		if p.used.values++; p.spent() {
			break
		}
		if fault != "" {
			ok = false
			p.fault(known.code, "invalid", "SEARCH-VALUE-FORMAT", "%s %s", known.code, fault)
			break
		}
		c.Values = append(c.Values, v)
	}
	if modifier == "missing" && len(c.Values) > 1 {
		p.fault(known.code, "invalid", "SEARCH-VALUE-FORMAT", "%s:missing needs one of true, false.", known.code)
		return Clause{}, false
	}
	for _, part := range known.components {
		c.Parts = append(c.Parts, part.kind)
	}
	return c, ok
}

// allows reports whether the parameter has the modifier; when not, it says what it has.
func (p *parsing) allows(known *parameter, modifier string) bool {
	list := modifiersOf(known)
	switch {
	case modifier != "type" && slices.Contains(list, modifier):
		return true
	case slices.Contains(list, "type") && slices.Contains(known.targets, modifier):
		return true
	case known.kind == Reference && (modifier == "above" || modifier == "below"):
		p.fault(known.code, "not-supported", "SEARCH-MODIFIER-UNKNOWN",
			"%s:%s needs a hierarchy of resources, which this server does not follow; search each level by a chain.", known.code, modifier)
		return false
	}
	p.fault(known.code, "not-supported", "SEARCH-MODIFIER-UNKNOWN", "%s does not have the modifier %s. It has: %s.",
		known.code, shown(modifier), modifierList(known))
	return false
}

func modifierList(known *parameter) string {
	var list []string
	for _, m := range modifiersOf(known) {
		if m == "type" {
			m = "the name of a type that it refers to"
		}
		list = append(list, m)
	}
	if list == nil {
		return "none"
	}
	return strings.Join(list, ", ")
}

// terminology reads the modifiers that ask for the codes of a value set or of a branch. Their
// clauses hold the codes, so that a store need not know of them.
var terminology = map[string]func(p *parsing, c Clause, value string) (Clause, bool){
	"in":     func(p *parsing, c Clause, value string) (Clause, bool) { return p.within(c, "", value) },
	"not-in": func(p *parsing, c Clause, value string) (Clause, bool) { return p.within(c, "not", value) },
	"below":  func(p *parsing, c Clause, value string) (Clause, bool) { return p.branch(c, false, value) },
	"above":  func(p *parsing, c Clause, value string) (Clause, bool) { return p.branch(c, true, value) },
}

// within reads the URLs of value sets.
func (p *parsing) within(c Clause, modifier, value string) (Clause, bool) {
	if p.options.Expand == nil {
		return Clause{}, p.noTerminology(c)
	}
	asked := c.Modifier
	c.Modifier, c.Values = modifier, []Value{}
	for _, alternative := range split(value, ',') {
		if p.used.values++; p.spent() {
			break
		}
		codes, known := p.options.Expand(unescape(alternative))
		if !known {
			p.fault(c.Param, "not-found", "SEARCH-VALUESET-UNKNOWN",
				"%s:%s needs the URL of a value set that this server can list in full; search by its codes instead.", c.Param, asked)
			return Clause{}, false
		}
		p.codes(&c, codes)
	}
	return c, true
}

// branch reads codes that stand for all codes below or above them.
func (p *parsing) branch(c Clause, above bool, value string) (Clause, bool) {
	if p.options.Subsumed == nil {
		return Clause{}, p.noTerminology(c)
	}
	asked := c.Modifier
	c.Modifier, c.Values = "", []Value{}
	for _, alternative := range split(value, ',') {
		if p.used.values++; p.spent() {
			break
		}
		v, fault := token(query{text: alternative})
		codes, known := []Code(nil), false
		if fault == "" && !v.AnySystem {
			codes, known = p.options.Subsumed(Code{v.System, v.Value}, above)
		}
		if !known {
			p.fault(c.Param, "not-found", "SEARCH-CODE-UNKNOWN",
				"%s:%s needs system|code of a code system that this server knows in full.", c.Param, asked)
			return Clause{}, false
		}
		p.codes(&c, codes)
	}
	return c, true
}

// codes adds codes as alternatives of a clause.
func (p *parsing) codes(c *Clause, codes []Code) {
	p.used.values += len(codes)
	for _, code := range codes[:min(len(codes), maxValues+1)] {
		c.Values = append(c.Values, Value{System: code.System, Value: code.Code})
	}
}

func (p *parsing) noTerminology(c Clause) bool {
	p.fault(c.Param, "not-supported", "SEARCH-TERMINOLOGY", "%s:%s needs a terminology service, which this server does not have.", c.Param, c.Modifier)
	return false
}

// Compartment returns the condition that a resource of type t is in the compartment of owner, and
// false when resources of t are in no compartment of that kind. It is a chain over the owner, so
// that only who may find the owner finds what is in its compartment.
func Compartment(owner fhir.Ref, t fhir.Type) (Clause, bool) {
	params, ok := compartmentParams(owner.Type, t)
	if !ok {
		return Clause{}, false
	}
	id := Clause{Param: "_id", Kind: Token, Values: []Value{{AnySystem: true, Value: owner.ID}}}
	var any []Clause
	if t == owner.Type {
		any = append(any, id) // a compartment holds its owner
	}
	for _, param := range params {
		if param == itself {
			continue
		}
		any = append(any, Clause{Param: param, Kind: Reference, Hops: []Hop{{Type: owner.Type, Where: id}}})
	}
	if len(any) == 1 {
		return any[0], true
	}
	return Clause{Any: any}, true
}
