package mks_test

import (
	"encoding/json"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
	"github.com/drieluik/drieluik/mapping/mks"
)

// odd are values that a source system may send anywhere.
var odd = []string{
	`null`, `[]`, `{}`, `""`, `" "`, `"x"`, `0`, `-1`, `1.5`, `1e3`, `true`, `"2026-02-30"`, `"2024"`, `"2024-02"`, `"2024-02-29"`,
	`"2026-10-20T15:00:00.5+02:00"`, `"2026-10-20T15:00:00Z"`, `"2026-10-20T15:00:00-00:00"`, `"kind"`, `"ura:90000002"`, `"med-01"`,
	`"bet-01"`, `"org-02"`, `["bet-01","bet-01"]`, `{"onbekend":[1,{"a":null}]}`, `"weigeren"`, `"ingetrokken"`, `"23:59"`, `"\u0001"`, `"a  b"`,
}

// places returns every place of a document with what holds it.
func places(v any) []func(any) {
	var out []func(any)
	switch v := v.(type) {
	case map[string]any:
		names := make([]string, 0, len(v))
		for name := range v {
			names = append(names, name)
		}
		slices.Sort(names)
		for _, name := range names {
			out = append(out, func(x any) { v[name] = x })
			out = append(out, places(v[name])...)
		}
	case []any:
		for i := range v {
			out = append(out, func(x any) { v[i] = x })
			out = append(out, places(v[i])...)
		}
	}
	return out
}

func TestWhateverIsAcceptedIsValidAndTraced(t *testing.T) {
	t.Parallel()
	files := []string{
		"boris/01-kind.json", "boris/02-kind-ziekenhuis.json", "sanne/01-kind.json", "daan/01-kind.json",
		"boris/07-zorgplan-v3.json", "sanne/04-zorgplan.json", "boris/11-overdracht-ziekenhuis-naar-huis.json",
		"boris/05-hulpbehoeftescan-herhaling.json", "sanne/03-hulpbehoeftescan.json",
		"boris/09-evaluatie-ouders.json", "boris/10-evaluatie-client-bespreking.json", "sanne/05-evaluatie-ouders.json",
		"boris/12-toestemming.json", "sanne/07-toestemming-kind-en-moeder.json", "daan/05-toestemming.json",
		"boris/03-verwijsboom.json", "sanne/02-verwijsboom.json", "daan/08-beslisboom.json",
	}
	known := mapping.NewMemory()
	store(t, known, "boris/01-kind.json", "sanne/01-kind.json", "daan/01-kind.json", "daan/04-zorgplan.json", "daan/06-evaluatie-afsluitend.json")
	rapid.Check(t, func(rt *rapid.T) {
		var doc any
		if err := json.Unmarshal(sample(t, rapid.SampledFrom(files).Draw(rt, "file")), &doc); err != nil {
			rt.Fatal(err)
		}
		for range rapid.IntRange(1, 2).Draw(rt, "edits") {
			all := places(doc)
			var value any
			if err := json.Unmarshal([]byte(rapid.SampledFrom(odd).Draw(rt, "value")), &value); err != nil {
				rt.Fatal(err)
			}
			all[rapid.IntRange(0, len(all)-1).Draw(rt, "place")](value)
		}
		text, err := json.Marshal(doc)
		if err != nil {
			rt.Fatal(err)
		}
		accepted(rt, known, text)
	})
}

// accepted checks a document that may be accepted.
func accepted(rt *rapid.T, known *mapping.Memory, text []byte) {
	doc, issues := fhir.ParseDocument(text, fhir.Limits{})
	if fhir.HasErrors(issues) {
		return
	}
	s, found := mks.Format{}.Read(doc, receipt)
	r, err := mks.Format{}.Map(s, known, receipt)
	if err != nil {
		rt.Fatal(err)
	}
	refused := fhir.HasErrors(found) || fhir.HasErrors(r.Issues)
	if refused != (len(r.Resources) == 0) {
		rt.Fatalf("refused is %v with %d resources", refused, len(r.Resources))
	}
	seen := map[fhir.Ref]bool{}
	for _, m := range r.Resources {
		if seen[m.Resource.Ref()] {
			rt.Errorf("%s is written twice", m.Resource.Ref())
		}
		seen[m.Resource.Ref()] = true
		for _, i := range faultsOf(m.Resource) {
			rt.Errorf("%s: %s %s", m.Resource.Ref(), i.Expression, i.Text)
		}
		if t := m.Resource.Type(); t != "QuestionnaireResponse" && t != "ServiceRequest" {
			continue
		}
		for _, i := range misfits(m.Resource) {
			rt.Errorf("%s: %s %s", m.Resource.Ref(), i.Expression, i.Text)
		}
	}
	traced := map[string]bool{}
	for _, x := range r.Trace {
		traced[x.Pointer] = true
	}
	for _, p := range leaves(doc.Root()) {
		if len(r.Resources) > 0 && !covered(traced, p) {
			rt.Errorf("%s has no trace", p)
		}
	}
}
