package storetest

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/exchange"
	"github.com/drieluik/drieluik/fhir/search"
)

// searches holds a store's search equal to search.Matches over a model, under random data, plans
// and filters. Every round has a type and compartments of its own, so that rounds do not meet.
func searches(t *testing.T, open Open) {
	s := open(t)
	round := 0
	rapid.Check(t, func(rt *rapid.T) {
		round++
		w := &world{name: fmt.Sprintf("t%d", round), s: s}
		w.fill(rt)
		for range 6 {
			w.compare(rt)
		}
	})
}

// world is the model of one round.
type world struct {
	name string
	s    exchange.Store
	all  []*known // in the order in which they first came
}

// known is the current version of one resource in the model.
type known struct {
	write exchange.Write
	rows  []search.Row // with those of _id and _lastUpdated
}

func (w *world) typ() fhir.Type         { return fhir.Type("Type" + w.name) }
func (w *world) comp(i int) string      { return fmt.Sprintf("%s-c%d", w.name, i) }
func (w *world) org(i int) fhir.Ref     { return ref("Organization", fmt.Sprintf("%s-o%d", w.name, i)) }
func (w *world) patient(i int) fhir.Ref { return ref("Patient", w.comp(i)) }

// fill writes resources, with updates and deletions among them.
func (w *world) fill(rt *rapid.T) {
	units := rapid.IntRange(1, 4).Draw(rt, "units")
	for range units {
		var u exchange.Unit
		for range rapid.IntRange(1, 8).Draw(rt, "writes") {
			k := w.next(rt)
			u.Writes = append(u.Writes, k.write)
		}
		out, err := w.s.Commit(context.Background(), u)
		if err != nil {
			rt.Fatalf("commit: %v", err)
		}
		for i, x := range u.Writes {
			for _, k := range w.all {
				if k.write.Ref == x.Ref {
					k.rows = append(slices.Clone(x.Rows), search.OwnRows(x.Ref.ID, out[i].Updated)...)
				}
			}
		}
	}
}

// next makes a new resource, or the next version of one.
func (w *world) next(rt *rapid.T) *known {
	n := rapid.IntRange(0, len(w.all)+3).Draw(rt, "which")
	if n >= len(w.all) {
		n = len(w.all)
		w.all = append(w.all, &known{write: exchange.Write{Ref: fhir.Ref{Type: w.typ(), ID: fmt.Sprintf("r%d", n)}}})
	}
	k := w.all[n]
	x := exchange.Write{Ref: k.write.Ref}
	x.Ref.Version++
	x.Compartments = rapid.SliceOfNDistinct(rapid.Map(rapid.IntRange(0, 2), w.comp), 1, 2, rapid.ID[string]).Draw(rt, "compartments")
	for _, c := range x.Compartments {
		x.Facts.Patients = append(x.Facts.Patients, ref("Patient", c))
	}
	x.Facts.Custodian = w.org(rapid.IntRange(0, 2).Draw(rt, "custodian"))
	x.Facts.Author = rapid.SampledFrom([]fhir.Ref{w.org(0), w.org(1), w.patient(0), {}}).Draw(rt, "author")
	if x.Ref.Version == 1 || rapid.IntRange(0, 4).Draw(rt, "deleted") > 0 {
		x.Body = fmt.Appendf(nil, `{"resourceType":"x","id":%q,"v":%d}`, x.Ref.ID, x.Ref.Version)
		x.Rows = rapid.SliceOfN(rapid.Custom(w.row), 0, 10).Draw(rt, "rows")
	}
	k.write = x
	return k
}

// kinds are the parameters of the model.
var kinds = map[string]search.Kind{
	"status": search.Token, "identifier": search.Token, "subject": search.Reference, "patient": search.Reference,
	"date": search.Date, "name": search.String, "dose": search.Quantity, "chance": search.Number, "url": search.URI,
	"subject:identifier": search.Token,
}

func params() []string {
	v := make([]string, 0, len(kinds))
	for p := range kinds {
		v = append(v, p)
	}
	slices.Sort(v)
	return v
}

func (w *world) row(rt *rapid.T) search.Row {
	p := rapid.SampledFrom(params()).Draw(rt, "param")
	r := search.Row{Param: p, Kind: kinds[p], Value: rapid.SampledFrom([]string{"a", "ab", "b"}).Draw(rt, "value")}
	system := rapid.SampledFrom([]string{"", "urn:s", "urn:t"})
	bounds := rapid.IntRange(0, 6)
	switch r.Kind {
	case search.Token, search.URI:
		r.System = system.Draw(rt, "system")
	case search.Reference:
		r.System = rapid.SampledFrom([]string{"Patient", "Patient", "Group", ""}).Draw(rt, "target")
		r.Value = w.comp(rapid.IntRange(0, 2).Draw(rt, "id"))
	case search.String:
		r.Text = rapid.SampledFrom([]string{"a", "A", "Ab"}).Draw(rt, "text")
		r.Value = search.Normalize(r.Text)
	case search.Quantity:
		r.System, r.Text = system.Draw(rt, "unit system"), rapid.SampledFrom([]string{"", "a", "mg"}).Draw(rt, "unit")
	}
	if r.Kind == search.Date || r.Kind == search.Number || r.Kind == search.Quantity {
		r.Low = float64(bounds.Draw(rt, "low"))
		r.High = r.Low + float64(bounds.Draw(rt, "span"))/2
	}
	return r
}

// value makes one alternative of a clause, near what rows hold.
func (w *world) value(rt *rapid.T, kind search.Kind) search.Value {
	r := w.row(rt)
	v := search.Value{System: r.System, Value: r.Value, Low: r.Low, High: r.High, AnySystem: rapid.Bool().Draw(rt, "any system")}
	v.Op = search.Op(rapid.IntRange(0, int(search.Ap)).Draw(rt, "op"))
	switch kind {
	case search.Reference:
		v.Value = w.comp(rapid.IntRange(0, 3).Draw(rt, "target id"))
		v.System = rapid.SampledFrom([]string{"Patient", "Group", ""}).Draw(rt, "target type")
	case search.Date, search.Number, search.Quantity:
		v.Low = float64(rapid.IntRange(0, 6).Draw(rt, "value low"))
		v.High = v.Low + float64(rapid.IntRange(0, 3).Draw(rt, "value span"))
	}
	if (kind == search.Token || kind == search.Quantity) && rapid.IntRange(0, 3).Draw(rt, "whole system") == 0 {
		v.Value = ""
	}
	return v
}

func (w *world) clause(rt *rapid.T) search.Clause {
	p := rapid.SampledFrom(append(params()[:len(kinds)-1], "_id", "_lastUpdated", "unknown")).Draw(rt, "clause")
	c := search.Clause{Param: p, Kind: kinds[p]}
	modifiers := []string{"", "", "missing", "not"}
	switch {
	case p == "_id" || p == "unknown":
		c.Kind = search.Token
	case p == "_lastUpdated":
		c.Kind = search.Date
	case c.Kind == search.Reference:
		modifiers = append(modifiers, "identifier", "Patient")
	case c.Kind == search.String:
		modifiers = append(modifiers, "exact", "contains")
	}
	c.Modifier = rapid.SampledFrom(modifiers).Draw(rt, "modifier")
	if c.Modifier == "missing" {
		c.Values = []search.Value{{Value: rapid.SampledFrom([]string{"true", "false"}).Draw(rt, "missing")}}
		return c
	}
	kind := c.Kind
	if c.Modifier == "identifier" {
		kind = search.Token
	}
	for range rapid.IntRange(1, 2).Draw(rt, "values") {
		v := w.value(rt, kind)
		if p == "_id" {
			v.Value, v.System = fmt.Sprintf("r%d", rapid.IntRange(0, 6).Draw(rt, "id")), ""
		}
		if p == "_lastUpdated" && len(w.all) > 0 {
			own := rapid.SampledFrom(w.all).Draw(rt, "instant of").rows
			v.Low, v.High = own[len(own)-1].Low, own[len(own)-1].High
		}
		c.Values = append(c.Values, v)
	}
	return c
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
		id := rapid.Map(rapid.IntRange(0, 12), func(n int) string { return fmt.Sprintf("r%d", n) })
		f.Visible = map[string][]string{}
		for range rapid.IntRange(0, 3).Draw(rt, "compartments") {
			f.Visible[w.comp(rapid.IntRange(0, 3).Draw(rt, "compartment"))] = rapid.SliceOfN(id, 0, 8).Draw(rt, "ids")
		}
	}
	if rapid.IntRange(0, 3).Draw(rt, "patient") == 0 {
		f.Patient = w.patient(rapid.IntRange(0, 2).Draw(rt, "of"))
	}
	if rapid.IntRange(0, 2).Draw(rt, "scopes") == 0 {
		f.Scopes = rapid.SliceOfN(rapid.SliceOfN(rapid.Custom(w.clause), 0, 2), 0, 2).Draw(rt, "granular")
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
	return slices.ContainsFunc(f.Scopes, func(all []search.Clause) bool { return matchesAll(k, all) })
}

func matchesAll(k *known, all []search.Clause) bool {
	return !slices.ContainsFunc(all, func(c search.Clause) bool { return !search.Matches(k.rows, c) })
}

// order compares by the sort keys: least value first, or greatest when descending; absent last.
func order(a, b *known, sorts []search.Sort) int {
	for _, s := range sorts {
		x, y := key(a, s), key(b, s)
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

// key returns the row that a sort goes by, reduced to what it compares.
func key(k *known, s search.Sort) []search.Row {
	var rows []search.Row
	for _, r := range k.rows {
		if r.Param != s.Param {
			continue
		}
		if s.Kind == search.Date || s.Kind == search.Number || s.Kind == search.Quantity {
			rows = append(rows, search.Row{Low: r.Low, High: r.High})
		} else {
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

// compare runs one random search page by page and compares it with the model.
func (w *world) compare(rt *rapid.T) {
	f := w.filter(rt)
	p := search.Plan{Type: w.typ(), Where: rapid.SliceOfN(rapid.Custom(w.clause), 0, 3).Draw(rt, "where")}
	p.Count, p.Total = rapid.IntRange(0, 4).Draw(rt, "count"), rapid.Bool().Draw(rt, "total")
	for range rapid.IntRange(0, 2).Draw(rt, "sorts") {
		name := rapid.SampledFrom([]string{"status", "date", "name", "_id", "_lastUpdated", "dose"}).Draw(rt, "sort")
		kind := kinds[name]
		switch name {
		case "_id":
			kind = search.Token
		case "_lastUpdated":
			kind = search.Date
		}
		p.Sort = append(p.Sort, search.Sort{Param: name, Kind: kind, Desc: rapid.Bool().Draw(rt, "descending")})
	}
	var want []*known
	for _, k := range w.all {
		if len(k.write.Body) > 0 && passes(k, f) && matchesAll(k, p.Where) {
			want = append(want, k)
		}
	}
	slices.SortStableFunc(want, func(a, b *known) int { return order(a, b, p.Sort) })
	w.pages(rt, p, f, want)
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
