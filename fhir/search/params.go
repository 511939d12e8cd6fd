package search

import (
	"slices"

	"github.com/drieluik/drieluik/fhir"
)

// modifiers are what each kind accepts after the colon. "type" stands for the name of a type that
// the parameter may point to.
var modifiers = map[Kind][]string{
	Token:     {"missing", "not"},
	Reference: {"identifier", "missing", "type"},
	Date:      {"missing"},
	String:    {"contains", "exact", "missing"},
	Number:    {"missing"},
	Quantity:  {"missing"},
	URI:       {"missing"},
}

// Params returns the parameters of t that Parse accepts, in alphabetical order. Composite and
// special parameters are indexed but not yet accepted.
func Params(t fhir.Type) []Param {
	all, err := parametersOf(t)
	if err != nil {
		return nil
	}
	var out []Param
	for i := range all {
		if p := &all[i]; accepted(p) {
			out = append(out, Param{Code: p.code, Kind: p.kind, Definition: p.definition, Modifiers: slices.Clone(modifiersOf(p))})
		}
	}
	return out
}

func accepted(p *parameter) bool {
	_, ok := parsers[p.kind]
	return ok
}

// modifiersOf returns the modifiers of a parameter: none for those that every resource has.
func modifiersOf(p *parameter) []string {
	if kept(p.code) {
		return nil
	}
	return modifiers[p.kind]
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
