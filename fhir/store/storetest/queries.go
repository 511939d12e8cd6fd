package storetest

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"pgregory.net/rapid"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/exchange"
	"github.com/drieluik/drieluik/fhir/search"
)

// value makes one alternative of a clause, near what rows hold.
func (w *world) value(rt *rapid.T, kind search.Kind) search.Value {
	r := w.row(rt)
	v := search.Value{System: r.System, Value: r.Value, Low: r.Low, High: r.High, AnySystem: rapid.Bool().Draw(rt, "any system")}
	v.Op = search.Op(rapid.IntRange(0, int(search.Ap)).Draw(rt, "op"))
	switch kind {
	case search.Reference:
		to := w.target(rt)
		v.Value, v.System = to.ID, string(to.Type)
	case search.URI:
		v.Value = rapid.SampledFrom(urls).Draw(rt, "wanted url")
	case search.Date, search.Number, search.Quantity:
		v.Low = float64(rapid.IntRange(0, 6).Draw(rt, "value low"))
		v.High = v.Low + float64(rapid.IntRange(0, 3).Draw(rt, "value span"))
	}
	if (kind == search.Token || kind == search.Quantity) && rapid.IntRange(0, 3).Draw(rt, "whole system") == 0 {
		v.Value = ""
	}
	return v
}

// kindModifiers are the modifiers of the model beside missing and not.
var kindModifiers = map[search.Kind][]string{
	search.Reference: {"identifier", "Patient"}, search.String: {"exact", "contains"},
	search.URI: {"above", "below"}, search.Token: {"text", "of-type"},
}

// condition makes a clause on the rows of one resource.
func (w *world) condition(rt *rapid.T) search.Clause {
	names := slices.DeleteFunc(params(), func(p string) bool { return slices.Contains(derived, p) })
	p := rapid.SampledFrom(append(names, "_id", "_lastUpdated", "unknown", "pair", "pair")).Draw(rt, "clause")
	c := search.Clause{Param: p, Kind: kinds[p]}
	modifiers := append([]string{"", "", "missing", "not"}, kindModifiers[c.Kind]...)
	switch p {
	case "pair":
		return pair(rt)
	case "_id", "unknown":
		c.Kind = search.Token
	case "_lastUpdated":
		c.Kind = search.Date
	}
	c.Modifier = rapid.SampledFrom(modifiers).Draw(rt, "modifier")
	if c.Modifier == "missing" {
		c.Values = []search.Value{{Value: rapid.SampledFrom([]string{"true", "false"}).Draw(rt, "missing")}}
		return c
	}
	_, kind := c.Column()
	for range rapid.IntRange(1, 2).Draw(rt, "values") {
		v := w.value(rt, kind)
		if p == "_id" {
			v.Value, v.System = w.target(rt).ID, ""
		}
		if p == "_lastUpdated" && len(w.all) > 0 {
			own := rapid.SampledFrom(w.all).Draw(rt, "instant of").rows
			v.Low, v.High = own[len(own)-1].Low, own[len(own)-1].High
		}
		c.Values = append(c.Values, v)
	}
	return c
}

func pair(rt *rapid.T) search.Clause {
	c := search.Clause{Param: "pair", Kind: search.Composite, Parts: []search.Kind{search.Token, search.Quantity}}
	for range rapid.IntRange(1, 2).Draw(rt, "pairs wanted") {
		low := float64(rapid.IntRange(0, 2).Draw(rt, "wanted value"))
		c.Values = append(c.Values, search.Value{Parts: []search.Value{
			{AnySystem: true, Value: rapid.SampledFrom([]string{"a", "b"}).Draw(rt, "wanted code")},
			{AnySystem: true, Low: low, High: low},
		}})
	}
	return c
}

// clause makes a condition, alternatives, a chain or a _has.
func (w *world) clause(rt *rapid.T) search.Clause { return w.deep(rt, 2) }

// hidden draws ids of which something is withheld, mostly none.
func (w *world) hidden(rt *rapid.T) []string {
	if len(w.all) == 0 || rapid.IntRange(0, 3).Draw(rt, "withheld") > 0 {
		return nil
	}
	return rapid.SliceOfN(rapid.Map(rapid.SampledFrom(w.all), func(k *known) string { return k.write.Ref.ID }), 1, 5).Draw(rt, "hidden")
}

func (w *world) deep(rt *rapid.T, steps int) search.Clause {
	c := w.open(rt, steps)
	c.Hidden = w.hidden(rt)
	return c
}

func (w *world) open(rt *rapid.T, steps int) search.Clause {
	shape := rapid.IntRange(0, 9).Draw(rt, "shape")
	if steps == 0 || shape < 5 {
		return w.condition(rt)
	}
	if shape == 5 {
		return search.Clause{Any: []search.Clause{w.deep(rt, steps-1), w.deep(rt, steps-1)}}
	}
	c := search.Clause{Kind: search.Reference, Param: rapid.SampledFrom([]string{"link", "link", "subject"}).Draw(rt, "over")}
	for range rapid.IntRange(1, 2).Draw(rt, "hops") {
		hop := search.Hop{Type: rapid.SampledFrom(w.types()).Draw(rt, "to"), Where: anything}
		if rapid.Bool().Draw(rt, "condition there") {
			hop.Where = w.deep(rt, steps-1)
		}
		if shape > 7 {
			hop.Back = rapid.SampledFrom([]string{"link", "link", "subject"}).Draw(rt, "back")
			hop.Hidden = w.hidden(rt)
		}
		c.Hops = append(c.Hops, hop)
	}
	return c
}

// anything is a clause that every resource meets.
var anything = search.Clause{Param: "unknown", Kind: search.Token, Modifier: "missing", Values: []search.Value{{Value: "true"}}}

// filters are those of a search by type.
type filters map[fhir.Type]auth.Filter

func (w *world) filters(rt *rapid.T) filters {
	f := filters{}
	for _, t := range w.types() {
		f[t] = w.filter(rt)
	}
	return f
}

func (w *world) filter(rt *rapid.T) auth.Filter {
	var f auth.Filter
	switch rapid.IntRange(0, 6).Draw(rt, "filter") {
	case 0:
		f.None, f.Directory = true, true
	case 1, 2:
		f.Directory = true
	case 3:
		f.Organization = w.org(rapid.IntRange(0, 3).Draw(rt, "organisation"))
	default:
		if rapid.Bool().Draw(rt, "own too") {
			f.Organization = w.org(rapid.IntRange(0, 3).Draw(rt, "organisation"))
		}
		id := rapid.Map(rapid.IntRange(-3, 12), func(n int) string {
			if n < 0 {
				return w.comp(-n - 1)
			}
			return fmt.Sprintf("r%d", n)
		})
		f.Visible = map[string][]string{}
		for range rapid.IntRange(0, 3).Draw(rt, "compartments") {
			f.Visible[w.comp(rapid.IntRange(0, 3).Draw(rt, "compartment"))] = rapid.SliceOfN(id, 0, 8).Draw(rt, "ids")
		}
	}
	if rapid.IntRange(0, 3).Draw(rt, "patient") == 0 {
		f.Patient = w.patient(rapid.IntRange(0, 2).Draw(rt, "of"))
	}
	if rapid.IntRange(0, 2).Draw(rt, "scopes") == 0 {
		f.Scopes = rapid.SliceOfN(rapid.SliceOfN(rapid.Custom(w.condition), 0, 2), 0, 2).Draw(rt, "granular")
	}
	return f
}

// passes is the meaning of auth.Filter.
func passes(k *known, f auth.Filter) bool {
	x := &k.write
	if f.None || !f.Patient.IsZero() && !slices.Equal(x.Facts.Patients, []fhir.Ref{f.Patient}) {
		return false
	}
	in := f.Directory || !f.Organization.IsZero() && (x.Facts.Custodian == f.Organization || x.Facts.Author == f.Organization)
	for _, c := range x.Compartments {
		in = in || slices.Contains(f.Visible[c], x.Ref.ID)
	}
	if !in || f.Scopes == nil {
		return in
	}
	return slices.ContainsFunc(f.Scopes, func(all []search.Clause) bool {
		return !slices.ContainsFunc(all, func(c search.Clause) bool { return !search.Matches(k.rows, c) })
	})
}

// meets is the meaning of a clause: hops lead through visible resources alone.
func (w *world) meets(k *known, c search.Clause, f filters) bool {
	switch {
	case slices.Contains(c.Hidden, k.write.Ref.ID):
		return false
	case c.Any != nil:
		return slices.ContainsFunc(c.Any, func(one search.Clause) bool { return w.meets(k, one, f) })
	case c.Hops == nil:
		return search.Matches(k.rows, c)
	}
	return slices.ContainsFunc(c.Hops, func(hop search.Hop) bool {
		return slices.ContainsFunc(w.all, func(to *known) bool {
			linked := refers(k, c.Param, to)
			if hop.Back != "" {
				linked = refers(to, hop.Back, k) && !slices.Contains(hop.Hidden, to.write.Ref.ID)
			}
			return linked && to.alive() && to.write.Ref.Type == hop.Type && passes(to, f[hop.Type]) && w.meets(to, hop.Where, f)
		})
	})
}

func refers(from *known, param string, to *known) bool {
	return slices.ContainsFunc(from.rows, func(r search.Row) bool {
		return r.Param == param && r.System == string(to.write.Ref.Type) && r.Value == to.write.Ref.ID
	})
}

// compare runs one random search page by page and compares it with the model.
func (w *world) compare(rt *rapid.T) {
	f := w.filters(rt)
	where := rapid.SliceOfN(rapid.Custom(w.clause), 0, 2)
	p := search.Plan{Type: rapid.SampledFrom(w.types()).Draw(rt, "searched"), Where: where.Draw(rt, "where")}
	if rapid.IntRange(0, 3).Draw(rt, "several") == 0 {
		p.Parts = []search.Part{{Type: w.typ(), Where: p.Where}, {Type: w.other(), Where: where.Draw(rt, "other where")}}
		p.Type, p.Where = "", nil
	}
	if p.Type == "Patient" { // those of this round
		own := search.Clause{Param: "_id", Kind: search.Token}
		for i := range 3 {
			own.Values = append(own.Values, search.Value{AnySystem: true, Value: w.comp(i)})
		}
		p.Where = append(p.Where, own)
	}
	p.Count, p.Total = rapid.IntRange(0, 4).Draw(rt, "count"), rapid.Bool().Draw(rt, "total")
	p.Sort = sorts(rt)
	var want []*known
	for _, part := range p.All() {
		for _, k := range w.all {
			if k.alive() && k.write.Ref.Type == part.Type && passes(k, f[part.Type]) &&
				!slices.ContainsFunc(part.Where, func(c search.Clause) bool { return !w.meets(k, c, f) }) {
				want = append(want, k)
			}
		}
	}
	for t, one := range f {
		one.Unsorted = map[string][]string{"status": w.hidden(rt), "date": w.hidden(rt)}
		f[t] = one
	}
	slices.SortFunc(want, func(a, b *known) int {
		return cmp.Or(order(a, b, p.Sort, f), slices.Index(w.all, a)-slices.Index(w.all, b))
	})
	filter := f[p.Type]
	filter.Via = f
	w.pages(rt, p, filter, want)
}

func sorts(rt *rapid.T) []search.Sort {
	var out []search.Sort
	for range rapid.IntRange(0, 2).Draw(rt, "sorts") {
		name := rapid.SampledFrom([]string{"status", "date", "name", "_id", "_lastUpdated", "dose", "link"}).Draw(rt, "sort")
		kind := kinds[name]
		switch name {
		case "_id":
			kind = search.Token
		case "_lastUpdated":
			kind = search.Date
		}
		out = append(out, search.Sort{Param: name, Kind: kind, Desc: rapid.Bool().Draw(rt, "descending")})
	}
	return out
}

// order compares by the sort keys: least value first, or greatest when descending; absent last.
func order(a, b *known, sorts []search.Sort, f filters) int {
	for _, s := range sorts {
		x, y := key(a, s, f), key(b, s, f)
		switch {
		case len(x) == 0 && len(y) == 0:
			continue
		case len(x) == 0:
			return 1
		case len(y) == 0:
			return -1
		}
		c := cmp.Or(cmp.Compare(x[0].Value, y[0].Value), cmp.Compare(x[0].Low, y[0].Low))
		if s.Desc {
			c = cmp.Or(cmp.Compare(y[0].Value, x[0].Value), cmp.Compare(y[0].High, x[0].High))
		}
		if c != 0 {
			return c
		}
	}
	return 0
}

// key returns the rows that a sort goes by, reduced to what it compares, the first one first.
func key(k *known, s search.Sort, f filters) []search.Row {
	var rows []search.Row
	if slices.Contains(f[k.write.Ref.Type].Unsorted[s.Param], k.write.Ref.ID) {
		return nil
	}
	for _, r := range k.rows {
		ranged := s.Kind == search.Date || s.Kind == search.Number || s.Kind == search.Quantity
		switch {
		case r.Param != s.Param:
		case ranged:
			rows = append(rows, search.Row{Low: r.Low, High: r.High})
		case r.Value != "":
			rows = append(rows, search.Row{Value: r.Value})
		}
	}
	slices.SortFunc(rows, func(a, b search.Row) int {
		if s.Desc {
			return cmp.Or(cmp.Compare(b.Value, a.Value), cmp.Compare(b.High, a.High))
		}
		return cmp.Or(cmp.Compare(a.Value, b.Value), cmp.Compare(a.Low, b.Low))
	})
	return rows
}

func (w *world) pages(rt *rapid.T, p search.Plan, f auth.Filter, want []*known) {
	var got, expected []string
	for _, k := range want {
		expected = append(expected, k.write.Ref.ID)
	}
	err := w.s.View(context.Background(), func(sn exchange.Snapshot) error {
		for {
			page, err := sn.Search(p, f)
			if err != nil {
				return err
			}
			if (p.Total || p.Count == 0) && page.Total != len(want) {
				return fmt.Errorf("total %d, want %d", page.Total, len(want))
			}
			if page.Next != "" && len(page.Matches) != p.Count {
				return fmt.Errorf("a page of %d before the last, want %d", len(page.Matches), p.Count)
			}
			got = append(got, ids(page.Matches)...)
			if p.Cursor = page.Next; p.Cursor == "" {
				return nil
			}
		}
	})
	if err != nil {
		rt.Fatalf("search %+v under %+v: %v", p, f, err)
	}
	if p.Count > 0 && !slices.Equal(got, expected) {
		rt.Fatalf("search %+v under %+v:\ngot  %v\nwant %v", p, f, got, expected)
	}
}
