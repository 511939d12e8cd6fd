package search_test

import (
	"testing"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/search"
)

// TestOwnParametersFindTheirExtensions: each parameter of ours gives a row of its kind for a resource that
// has the extension where the mapping writes it, and none without.
func TestOwnParametersFindTheirExtensions(t *testing.T) {
	t.Parallel()
	const base = fhir.Canonical + "/StructureDefinition/"
	sources := map[string]struct{ with, value string }{
		"CarePlan-uitvoerder-soort":        {`{"resourceType":"CarePlan","extension":[{"url":"` + base + `actie","extension":[{"url":"id","valueString":"a"},{"url":"uitvoerderSoort","valueCode":"ouder"}]}]}`, "ouder"},
		"Composition-overplaatsingsdatum":  {`{"resourceType":"Composition","section":[{"title":"x","extension":[{"url":"` + base + `overplaatsingsdatum","valueDate":"2026-11-21"}]}]}`, ""},
		"Condition-behoefte-niveau":        {`{"resourceType":"Condition","extension":[{"url":"` + base + `behoefte-niveau","valueCoding":{"code":"3"}}]}`, "3"},
		"ServiceRequest-leveringsvorm":     {`{"resourceType":"ServiceRequest","extension":[{"url":"` + base + `leveringsvorm","valueCode":"pgb"}]}`, "pgb"},
		"ServiceRequest-verantwoordelijke": {`{"resourceType":"ServiceRequest","extension":[{"url":"` + base + `verantwoordelijke","valueCode":"gemeente"}]}`, "gemeente"},
	}
	for _, own := range search.OwnParams() {
		src, ok := sources[own.ID()]
		if !ok {
			t.Errorf("%s has no sample", own.ID())
			continue
		}
		for text, want := range map[string]int{src.with: 1, `{"resourceType":"` + string(own.Base) + `","language":"nl"}`: 0} {
			r, issues := fhir.Parse([]byte(text), fhir.Limits{})
			if fhir.HasErrors(issues) {
				t.Fatal(issues)
			}
			rows, err := search.Index(r, fhir.Canonical)
			if err != nil {
				t.Fatal(err)
			}
			found := 0
			for _, row := range rows {
				if row.Param == own.Code && row.Value == src.value {
					found++
				}
			}
			if found != want {
				t.Errorf("%s: %d rows of %s", own.ID(), found, text)
			}
		}
	}
}
