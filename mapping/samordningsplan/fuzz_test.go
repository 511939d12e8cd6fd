package samordningsplan_test

import (
	"testing"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
	"github.com/drieluik/drieluik/mapping/samordningsplan"
)

// FuzzDocument holds that no document makes the format panic, and that what it accepts becomes valid
// resources and comes back.
func FuzzDocument(f *testing.F) {
	for _, folder := range []string{"valid", "invalid"} {
		for _, file := range files(f, folder) {
			f.Add(sample(f, file))
		}
	}
	f.Fuzz(func(t *testing.T, text []byte) { returned(t, text) })
}

// FuzzBack holds that no Bundle makes the way back panic.
func FuzzBack(f *testing.F) {
	for _, file := range files(f, "expected") {
		f.Add(sample(f, file))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var all []*fhir.Resource
		bundle, issues := fhir.Parse(text, fhir.Limits{})
		if fhir.HasErrors(issues) {
			return
		}
		for n := range bundle.Root().All("entry", "resource") {
			if r, issues := n.Detach(); r != nil && !fhir.HasErrors(issues) {
				all = append(all, r)
			}
		}
		if _, _, err := (samordningsplan.Format{}).Back(all, mapping.Origin{}); err != nil {
			t.Fatal(err)
		}
	})
}
