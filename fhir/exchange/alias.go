package exchange

import (
	"slices"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/search"
	"github.com/drieluik/drieluik/mapping"
)

// identified returns the resources of a type that bear an identifier, under any system that means the same.
func identified(v Lookups, t fhir.Type, id fhir.Identifier) ([]Stored, error) {
	var out []Stored
	for _, same := range mapping.Aliases(id) {
		found, err := v.Identified(t, same)
		if err != nil {
			return nil, err
		}
		for _, st := range found {
			if !slices.ContainsFunc(out, func(x Stored) bool { return x.Ref == st.Ref }) {
				out = append(out, st)
			}
		}
	}
	return out, nil
}

// alias makes a plan that asks for an identifier ask for it under each system that means the same.
func alias(plan *search.Plan) {
	aliasIn(plan.Where)
	for i := range plan.Parts {
		aliasIn(plan.Parts[i].Where)
	}
}

func aliasIn(where []search.Clause) {
	for i := range where {
		c := &where[i]
		aliasIn(c.Any)
		for j := range c.Hops {
			one := []search.Clause{c.Hops[j].Where}
			aliasIn(one)
			c.Hops[j].Where = one[0]
		}
		if c.Kind != search.Token && c.Modifier != "identifier" {
			continue
		}
		for _, v := range slices.Clone(c.Values) {
			for _, id := range mapping.Aliases(fhir.Identifier{System: v.System, Value: v.Value}) {
				if !slices.ContainsFunc(c.Values, func(x search.Value) bool { return x.System == id.System && x.Value == id.Value }) {
					also := v
					also.System = id.System
					c.Values = append(slices.Clip(c.Values), also)
				}
			}
		}
	}
}
