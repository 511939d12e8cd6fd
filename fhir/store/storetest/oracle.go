package storetest

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/exchange"
	"github.com/drieluik/drieluik/fhir/search"
)

// searches holds a store's search equal to search.Matches over a model, under random data, plans
// and filters. Every round has types and compartments of its own, so that rounds do not meet; the
// patients of all rounds share a type, and differ by id.
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

// alive reports whether the current version is not a deletion.
func (k *known) alive() bool { return len(k.write.Body) > 0 }

func (w *world) typ() fhir.Type         { return fhir.Type("Type" + w.name) }
func (w *world) other() fhir.Type       { return fhir.Type("Other" + w.name) }
func (w *world) types() []fhir.Type     { return []fhir.Type{w.typ(), w.other(), "Patient"} }
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
		w.all = append(w.all, &known{write: exchange.Write{Ref: w.fresh(rt)}})
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
		x.Rows = append(append(x.Rows, pairs(rt)...), w.links(rt)...)
	}
	k.write = x
	return k
}

// fresh names a new resource; a Patient is named as a compartment, as long as there are names.
func (w *world) fresh(rt *rapid.T) fhir.Ref {
	n := len(w.all)
	switch rapid.IntRange(0, 4).Draw(rt, "type") {
	case 0, 1:
		return ref(w.other(), fmt.Sprintf("r%d", n))
	case 2:
		for i := range 3 {
			if !slices.ContainsFunc(w.all, func(k *known) bool { return k.write.Ref.ID == w.comp(i) }) {
				return w.patient(i)
			}
		}
	}
	return ref(w.typ(), fmt.Sprintf("r%d", n))
}

// kinds are the parameters of the model, but for the composite "pair".
var kinds = map[string]search.Kind{
	"status": search.Token, "identifier": search.Token, "subject": search.Reference, "patient": search.Reference,
	"date": search.Date, "name": search.String, "dose": search.Quantity, "chance": search.Number, "url": search.URI,
	"link": search.Reference, "subject:identifier": search.Token, "identifier:of-type": search.Token,
}

// derived are the parameters that only modifiers reach.
var derived = []string{"subject:identifier", "identifier:of-type"}

func params() []string {
	v := make([]string, 0, len(kinds))
	for p := range kinds {
		v = append(v, p)
	}
	slices.Sort(v)
	return v
}

// urls are related as paths.
var urls = []string{"http://a", "http://a/", "http://a/b", "http://a/bc", "http://a/b/c"}

func (w *world) row(rt *rapid.T) search.Row {
	p := rapid.SampledFrom(params()).Draw(rt, "param")
	r := search.Row{Param: p, Kind: kinds[p], Value: rapid.SampledFrom([]string{"a", "ab", "b"}).Draw(rt, "value")}
	system := rapid.SampledFrom([]string{"", "urn:s", "urn:t"})
	bounds := rapid.IntRange(0, 6)
	switch r.Kind {
	case search.Token:
		r.System, r.Text = system.Draw(rt, "system"), rapid.SampledFrom([]string{"", "a", "ab"}).Draw(rt, "display")
		if rapid.IntRange(0, 5).Draw(rt, "text alone") == 0 {
			r.System, r.Value, r.Text = "", "", "b"
		}
	case search.URI:
		r.Value = rapid.SampledFrom(urls).Draw(rt, "url")
	case search.Reference:
		to := w.target(rt)
		r.System, r.Value = string(to.Type), to.ID
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

// target is what a reference may point to: a patient, a resource, or nothing that is there.
func (w *world) target(rt *rapid.T) fhir.Ref {
	n := rapid.IntRange(0, 12).Draw(rt, "target")
	switch {
	case n < 4:
		return w.patient(n % 3)
	case n == 4:
		return ref("Group", w.comp(0))
	case n == 5:
		return fhir.Ref{ID: w.comp(1)} // as a URL that looks like an id
	case len(w.all) > 0:
		return w.all[n%len(w.all)].write.Ref.Current()
	}
	return ref(w.typ(), "r9")
}

// links makes references to resources of the model.
func (w *world) links(rt *rapid.T) []search.Row {
	var rows []search.Row
	for range rapid.IntRange(0, 3).Draw(rt, "links") {
		to := rapid.SampledFrom(w.all).Draw(rt, "linked").write.Ref
		param := rapid.SampledFrom([]string{"link", "link", "subject"}).Draw(rt, "link by")
		rows = append(rows, search.Row{Param: param, Kind: search.Reference, System: string(to.Type), Value: to.ID})
	}
	return rows
}

// pairs makes the rows of a composite of a token and a quantity.
func pairs(rt *rapid.T) []search.Row {
	var rows []search.Row
	for group := range rapid.Int32Range(0, 2).Draw(rt, "pairs") {
		code := rapid.SampledFrom([]string{"a", "b"}).Draw(rt, "pair code")
		low := float64(rapid.IntRange(0, 2).Draw(rt, "pair value"))
		rows = append(rows,
			search.Row{Param: "pair$1", Kind: search.Token, Value: code, Group: group + 1},
			search.Row{Param: "pair$2", Kind: search.Quantity, Value: "mg", Low: low, High: low, Group: group + 1})
	}
	return rows
}
