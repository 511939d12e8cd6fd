package search

import (
	"fmt"
	"slices"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/path"
)

// References returns the local resources to which a reference parameter of r leads, "*" for all of
// them, each once. base is the FHIR base URL.
func References(r *fhir.Resource, base, param string) ([]fhir.Ref, error) {
	params, err := compiledOf(r.Type())
	if err != nil {
		return nil, err
	}
	x := extraction{base: withoutSlash(base)}
	root := path.Typed(r.Root())
	for i := range params {
		p := &params[i]
		if p.kind != Reference || param != "*" && p.code != param {
			continue
		}
		if err := x.parameter(p, root); err != nil {
			return nil, fmt.Errorf("search: %s.%s: %w", r.Type(), p.code, err)
		}
	}
	var out []fhir.Ref
	for _, row := range x.rows {
		ref := fhir.Ref{Type: fhir.Type(row.System), ID: row.Value}
		if row.Kind == Reference && row.System != "" && !slices.Contains(out, ref) {
			out = append(out, ref)
		}
	}
	return out, nil
}

// Targets returns the types to which a reference parameter of t leads.
func Targets(t fhir.Type, param string) []fhir.Type {
	params, err := parametersOf(t)
	if err != nil {
		return nil
	}
	known, ok := lookup(params, param)
	if !ok {
		return nil
	}
	out := make([]fhir.Type, len(known.targets))
	for i, name := range known.targets {
		out[i] = fhir.Type(name)
	}
	return out
}

// Referring returns the condition that a resource of type t refers to one of the values by a
// reference parameter, "*" for any of them.
func Referring(t fhir.Type, param string, values []Value) Clause {
	if param != "*" {
		return Clause{Param: param, Kind: Reference, Values: values}
	}
	params, err := parametersOf(t)
	if err != nil {
		return Clause{Any: []Clause{}}
	}
	any := []Clause{}
	for _, code := range references(params) {
		any = append(any, Clause{Param: code, Kind: Reference, Values: values})
	}
	return Clause{Any: any}
}
