package exchange

import (
	"slices"
	"strings"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/search"
)

// withheld keeps a search from going by values that the principal does not get to see: of what
// leaves with elements taken out, a condition is judged by what is left (access.md 6.1).
type withheld struct {
	w       *world
	p       auth.Principal
	reduced map[fhir.Type][]auth.Reduction
	read    map[fhir.Type][]views
}

// views are the index rows of one resource, of all of it and of what is shown.
type views struct {
	id           string
	whole, shown []search.Row
}

// settle rewrites the plan's conditions, and the orders of the filters of the types searched, where
// something is withheld.
func (w *world) settle(p auth.Principal, plan *search.Plan, own, via map[fhir.Type]auth.Filter) error {
	x := withheld{w: w, p: p, reduced: map[fhir.Type][]auth.Reduction{}, read: map[fhir.Type][]views{}}
	for _, filters := range []map[fhir.Type]auth.Filter{own, via} {
		for t, f := range filters {
			if len(f.Reduced) > 0 {
				x.reduced[t] = append(x.reduced[t], f.Reduced...)
				f.Reduced = nil
				filters[t] = f
			}
		}
	}
	if len(x.reduced) == 0 {
		return nil
	}
	for t, f := range own {
		var err error
		if f.Unsorted, err = x.orders(t, plan.Sort); err != nil {
			return err
		}
		own[t] = f
	}
	var err error
	if plan.Type != "" {
		plan.Where, err = x.conditions(plan.Type, plan.Where)
		return err
	}
	for i := range plan.Parts {
		part := &plan.Parts[i]
		if part.Where, err = x.conditions(part.Type, part.Where); err != nil {
			return err
		}
	}
	return nil
}

// orders returns, by sort parameter, the resources of a type that have no place in the order.
func (x *withheld) orders(t fhir.Type, keys []search.Sort) (map[string][]string, error) {
	out := map[string][]string{}
	for _, key := range keys {
		var err error
		if out[key.Param], err = x.differing(t, key.Param); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (x *withheld) conditions(t fhir.Type, all []search.Clause) ([]search.Clause, error) {
	out := make([]search.Clause, len(all))
	for i, c := range all {
		var err error
		if out[i], err = x.clause(t, c); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// clause rewrites a condition on resources of type t.
func (x *withheld) clause(t fhir.Type, c search.Clause) (search.Clause, error) {
	switch {
	case c.Any != nil:
		any, err := x.conditions(t, c.Any)
		c.Any = any
		return c, err
	case c.Param == "_id", c.Param == "_lastUpdated":
		return c, nil
	}
	var err error
	if c.Hidden, err = x.differing(t, c.Param); err != nil {
		return c, err
	}
	if c.Hops != nil {
		return x.chain(c)
	}
	if len(c.Hidden) == 0 {
		return c, nil
	}
	ids := search.Clause{Param: "_id", Kind: search.Token}
	for _, v := range x.read[t] {
		if slices.Contains(c.Hidden, v.id) && search.Matches(v.shown, c) {
			ids.Values = append(ids.Values, search.Value{AnySystem: true, Value: v.id})
		}
	}
	if ids.Values == nil {
		return c, nil
	}
	return search.Clause{Any: []search.Clause{c, ids}}, nil
}

// chain rewrites what lies behind hops. A reference that is withheld leads nowhere.
func (x *withheld) chain(c search.Clause) (search.Clause, error) {
	c.Hops = slices.Clone(c.Hops)
	for i := range c.Hops {
		hop := &c.Hops[i]
		var err error
		if hop.Where, err = x.clause(hop.Type, hop.Where); err != nil {
			return c, err
		}
		if hop.Back == "" {
			continue
		}
		if hop.Hidden, err = x.differing(hop.Type, hop.Back); err != nil {
			return c, err
		}
	}
	return c, nil
}

// differing returns the ids of the resources of which some value of a parameter is withheld.
func (x *withheld) differing(t fhir.Type, param string) ([]string, error) {
	if len(x.reduced[t]) == 0 || param == "_id" || param == "_lastUpdated" {
		return nil, nil
	}
	all, err := x.views(t)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, v := range all {
		if !slices.Equal(rowsOf(v.whole, param), rowsOf(v.shown, param)) {
			out = append(out, v.id)
		}
	}
	return out, nil
}

// rowsOf returns the rows of a parameter, with those of its parts.
func rowsOf(rows []search.Row, param string) []search.Row {
	return slices.DeleteFunc(slices.Clone(rows), func(r search.Row) bool {
		rest, ok := strings.CutPrefix(r.Param, param)
		return !ok || rest != "" && rest[0] != ':' && rest[0] != '$'
	})
}

// views reads what leaves reduced of a type, once.
func (x *withheld) views(t fhir.Type) ([]views, error) {
	if all, ok := x.read[t]; ok {
		return all, nil
	}
	all := make([]views, 0, len(x.reduced[t]))
	for _, r := range x.reduced[t] {
		st, err := x.w.v.Read(r.Ref.Current())
		if missing(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		one, err := x.w.viewsOf(x.p, st, r.Obligations)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	x.read[t] = all
	return all, nil
}

func (w *world) viewsOf(p auth.Principal, st Stored, obligations []string) (views, error) {
	const op = "exchange.viewsOf"
	out := views{id: st.Ref.ID}
	whole, err := tree(st)
	if err != nil {
		return out, err
	}
	shown, err := w.sight(p, st, whole, obligations)
	if err != nil {
		return out, fhir.Wrap(op, err)
	}
	if out.whole, err = search.Index(whole, w.s.base); err != nil {
		return out, fhir.Wrap(op, err)
	}
	out.shown, err = search.Index(shown, w.s.base)
	return out, fhir.Wrap(op, err)
}
