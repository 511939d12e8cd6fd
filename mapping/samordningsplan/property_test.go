package samordningsplan_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/drieluik/drieluik/conformance/validate"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
	"github.com/drieluik/drieluik/mapping/samordningsplan"
)

// odd are values that a source system may send anywhere.
var odd = []string{
	`null`, `[]`, `{}`, `""`, `" "`, `"x"`, `0`, `1`, `12`, `1.0`, `1.5`, `true`, `false`, `"2026-02-30"`, `"2025-02-28"`, `"2027-12-31"`,
	`"2026-10-20T15:00:00.5+02:00"`, `"2026-10-20T15:00:00Z"`, `"person"`, `"A1"`, `"A3"`, `"F1"`, `"F2"`, `"M1"`, `"M2"`, `"I1"`, `"I2"`,
	`["M1","M1","M2"]`, `["A2","A1"]`, `{"okand":[1,{"a":null}]}`, `"annan"`, `"avbruten"`, `"makulerad"`, `"utkast"`, `"avvaktar"`,
	`"planerad"`, `"ersatts"`, `"ersatter-ej"`, `"annat"`, `"a/b~c"`, `"\u0001"`, `["sekretessmarkering","skyddadFolkbokforing"]`,
	`"SE4000000010-X1"`, `"4000000028"`, `["motas"]`, `"Två ord\nen rad till"`,
	`{"datum":"2026-10-01","orsak":"annat","slututvardering":"Flyttade"}`, `"LMA"`, `"1234567890"`, `"foretradare"`, `"enskild"`,
}

// place is one member of a document, or an element of a list.
type place struct {
	name string
	set  func(any)
	drop func()
}

// places returns every place of a document.
func places(v any, name string) []place {
	var out []place
	switch v := v.(type) {
	case map[string]any:
		names := make([]string, 0, len(v))
		for name := range v {
			names = append(names, name)
		}
		slices.Sort(names)
		for _, name := range names {
			out = append(out, place{name, func(x any) { v[name] = x }, func() { delete(v, name) }})
			out = append(out, places(v[name], name)...)
		}
	case []any:
		for i := range v {
			out = append(out, place{name, func(x any) { v[i] = x }, func() { v[i] = v[0] }})
			out = append(out, places(v[i], name)...)
		}
	}
	return out
}

// pool are the values that members of a name have somewhere.
func pool(seeds [][]byte) map[string][]json.RawMessage {
	out := map[string][]json.RawMessage{"": {}}
	var walk func(text json.RawMessage)
	walk = func(text json.RawMessage) {
		var members map[string]json.RawMessage
		var items []json.RawMessage
		if json.Unmarshal(text, &members) == nil {
			for name, v := range members {
				out[name] = append(out[name], v)
				walk(v)
			}
		} else if json.Unmarshal(text, &items) == nil {
			for _, v := range items {
				walk(v)
			}
		}
	}
	for _, s := range seeds {
		walk(s)
	}
	for name := range out {
		slices.SortFunc(out[name], func(a, b json.RawMessage) int { return bytes.Compare(a, b) })
		out[name] = slices.CompactFunc(out[name], func(a, b json.RawMessage) bool { return bytes.Equal(a, b) })
	}
	return out
}

// drawn is a document that a source system may send: a sample, some of whose members are left out, or have
// what the member has elsewhere, or something odd.
func drawn(rt *rapid.T, seeds [][]byte, known map[string][]json.RawMessage) []byte {
	var doc map[string]any
	if err := json.Unmarshal(rapid.SampledFrom(seeds).Draw(rt, "file"), &doc); err != nil {
		rt.Fatal(err)
	}
	doc["status"] = rapid.SampledFrom([]string{"utkast", "aktiv", "avbruten", "makulerad"}).Draw(rt, "status")
	for range rapid.IntRange(1, 5).Draw(rt, "edits") {
		all := places(doc, "")
		at := all[rapid.IntRange(0, len(all)-1).Draw(rt, "place")]
		var text json.RawMessage
		switch how := rapid.IntRange(0, 9).Draw(rt, "how"); {
		case how < 3:
			at.drop()
			continue
		case how < 9 && len(known[at.name]) > 0:
			text = rapid.SampledFrom(known[at.name]).Draw(rt, "other")
		default:
			text = json.RawMessage(rapid.SampledFrom(odd).Draw(rt, "value"))
		}
		var x any
		if err := json.Unmarshal(text, &x); err != nil {
			rt.Fatal(err)
		}
		at.set(x)
	}
	if rapid.IntRange(0, 4).Draw(rt, "own") == 0 {
		doc["egen/uppgift"] = map[string]any{"a~b": []any{}, "tal": 1.50}
	}
	text, err := json.Marshal(doc)
	if err != nil {
		rt.Fatal(err)
	}
	return text
}

func seeds(t testing.TB) [][]byte {
	var out [][]byte
	for _, file := range append(files(t, "valid"), accepted(t)...) {
		out = append(out, sample(t, file))
	}
	return out
}

// TestWhateverIsAcceptedIsValidAndComesBack: nothing of a document that is stored is dropped.
func TestWhateverIsAcceptedIsValidAndComesBack(t *testing.T) {
	t.Parallel()
	all, stored := seeds(t), 0
	known := pool(all)
	rapid.Check(t, func(rt *rapid.T) {
		if returned(rt, drawn(rt, all, known)) {
			stored++
		}
	})
	if stored < 5 {
		t.Errorf("%d documents were accepted: the property is asked of too few", stored)
	}
}

// returned reports whether a document is accepted, and holds that it is valid then, traced, and comes back.
func returned(t rapid.TB, text []byte) bool {
	doc, issues := fhir.ParseDocument(text, fhir.Limits{})
	if fhir.HasErrors(issues) {
		return false
	}
	s, found := samordningsplan.Format{}.Read(doc, receipt)
	k := mapping.NewMemory()
	r, err := samordningsplan.Format{}.Map(s, k, receipt)
	if err != nil {
		t.Fatal(err)
	}
	if fhir.HasErrors(found) || fhir.HasErrors(r.Issues) {
		if len(r.Resources) > 0 {
			t.Fatal("a faulty document became resources")
		}
		return false
	}
	for _, m := range r.Resources {
		for _, i := range validate.Resource(m.Resource) {
			if i.Severity == fhir.SeverityError {
				t.Errorf("%s: %s %s\n%s", m.Resource.Ref(), i.Expression, i.Text, text)
			}
		}
	}
	k.Apply(s, r, receipt)
	back, issues, err := samordningsplan.Format{}.Back(k.All(), mapping.Origin{})
	if err != nil || fhir.HasErrors(issues) {
		t.Fatalf("%v %v\n%s", err, issues, text)
	}
	again, _ := fhir.ParseDocument(back, fhir.Limits{})
	if again == nil || !fhir.Equal(doc.Root(), again.Root()) {
		t.Fatalf("sent\n%s\nback\n%s", text, back)
	}
	return true
}

// TestDaysInTheWrongOrderComeBackToo: FHIR has no Period that ends before it starts, and a consent that ran out
// before it was given is not in force.
func TestDaysInTheWrongOrderComeBackToo(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		file    string
		changes []change
	}{
		"a coordinator":           {ylva, []change{set("2026-01-01", "samordnare", "till")}},
		"a person in charge":      {olle, []change{set("2013-01-01", "ansvarig", 0, "till")}},
		"a consent":               {ylva, []change{set("2026-01-01", "samtycke", 0, "giltigTill")}},
		"a consent, withdrawn":    {ylva, []change{set("2026-01-01", "samtycke", 0, "aterkallat")}},
		"a plan that broke off":   {ylva, []change{set("avbruten", "status"), set("2026-01-01", "giltighet", "slut")}},
		"a plan that ended early": {ylva, []change{set("avbruten", "status"), set(map[string]any{"datum": "2026-01-01", "orsak": "flyttat"}, "avslut")}},
	} {
		if !returned(t, edited(t, c.file, c.changes...)) {
			t.Errorf("%s is refused", name)
		}
	}
	r, _ := submit(t, mapping.NewMemory(), edited(t, ylva, set("2026-01-01", "samtycke", 0, "giltigTill")))
	for _, m := range r.Resources {
		n := m.Resource.Root()
		if m.Resource.Type() == "Consent" && n.Member("dateTime").Text() == "2026-08-21" && n.Member("status").Text() != "inactive" {
			t.Error("a consent that ran out before it was given is in force")
		}
	}
}
