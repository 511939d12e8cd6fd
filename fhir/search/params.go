package search

import (
	"slices"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/r4"
)

// modifiers are what each kind accepts after the colon. "type" stands for the name of a type that
// the parameter may point to.
var modifiers = map[Kind][]string{
	Token:     {"above", "below", "in", "missing", "not", "not-in", "text"},
	Reference: {"identifier", "missing", "type"},
	Date:      {"missing"},
	String:    {"contains", "exact", "missing"},
	Number:    {"missing"},
	Quantity:  {"missing"},
	URI:       {"above", "below", "missing"},
}

// identifierModifiers are those of a token parameter of identifiers.
var identifierModifiers = append(slices.Clone(modifiers[Token]), "of-type")

// Params returns the parameters of t that Parse accepts, in alphabetical order.
func Params(t fhir.Type) []Param {
	all, err := parametersOf(t)
	if err != nil {
		return nil
	}
	var out []Param
	for i := range all {
		if p := &all[i]; accepted(p) {
			out = append(out, Param{
				Code: p.code, Kind: p.kind, Definition: p.definition, Modifiers: slices.Clone(modifiersOf(p)), Targets: slices.Clone(p.targets),
			})
		}
	}
	return out
}

// accepted reports whether Parse takes the parameter; special ones are indexed alone.
func accepted(p *parameter) bool {
	_, ok := parsers[p.kind]
	return ok
}

// modifiersOf returns the modifiers of a parameter: none for those that every resource has.
func modifiersOf(p *parameter) []string {
	switch {
	case kept(p.code):
		return nil
	case p.identifiers:
		return identifierModifiers
	case p.kind == Reference && len(p.targets) == 0:
		return []string{"identifier", "missing"}
	}
	return modifiers[p.kind]
}

// apart are the types that are not kept as resources: the log is in chains of its own.
var apart = map[fhir.Type]bool{"AuditEvent": true}

// Apart reports whether a type is searched by itself alone: no chain, include or search of several
// types comes to it.
func Apart(t fhir.Type) bool { return apart[t] }

// itself stands, among the parameters of a compartment, for the resource that it is about.
const itself = "{def}"

// compartmentParams returns the parameters by which a type belongs to a compartment.
func compartmentParams(owner, t fhir.Type) ([]string, bool) {
	params, ok := r4.Compartment(string(owner), string(t))
	return params, ok && len(params) > 0 && !apart[t]
}

// CompartmentTypes returns the types that can be in a compartment of that kind, in alphabetical
// order; none when R4 has no such compartment.
func CompartmentTypes(owner fhir.Type) []fhir.Type {
	var out []fhir.Type
	for _, t := range fhir.Types() {
		if _, ok := compartmentParams(owner, t); ok {
			out = append(out, t)
		}
	}
	return out
}

// lookup returns the parameter of t with a code, if Parse accepts it.
func lookup(params []parameter, code string) (*parameter, bool) {
	i, ok := slices.BinarySearchFunc(params, code, func(p parameter, code string) int {
		switch {
		case p.code < code:
			return -1
		case p.code > code:
			return 1
		}
		return 0
	})
	if !ok || !accepted(&params[i]) {
		return nil, false
	}
	return &params[i], true
}
