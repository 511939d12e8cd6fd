package bundle_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
	"github.com/drieluik/drieluik/mapping/bundle"
)

var (
	noon     = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	hospital = fhir.Ref{Type: "Organization", ID: "hospital"}
)

// pushed takes a Bundle as a push does; ok is false for what is no Bundle or is refused.
func pushed(t testing.TB, b []byte, k mapping.Known) (r mapping.Result, s mapping.Source, ok bool) {
	t.Helper()
	doc, issues := fhir.Parse(b, fhir.Limits{})
	if fhir.HasErrors(issues) || doc.Type() != "Bundle" {
		return r, s, false
	}
	s, issues = bundle.Format{}.Read(doc, noon)
	s.Holder = hospital
	r, err := bundle.Format{}.Map(s, k, noon)
	if err != nil {
		t.Fatalf("Map: %v", err)
	}
	return r, s, !fhir.HasErrors(issues) && !fhir.HasErrors(r.Issues)
}

// FuzzBundle: whatever is pushed, what is taken is about one child, comes out the same again, and is
// found again by the next push.
func FuzzBundle(f *testing.F) {
	seeds, err := filepath.Glob("testdata/*.json")
	if err != nil || len(seeds) == 0 {
		f.Fatal("no seeds", err)
	}
	for _, name := range seeds {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		memory := mapping.NewMemory()
		first, source, ok := pushed(t, b, memory)
		if !ok {
			return
		}
		patients := 0
		for _, m := range first.Resources {
			if _, issues := fhir.Parse(m.Resource.Bytes(), fhir.Limits{}); fhir.HasErrors(issues) {
				t.Fatalf("%s does not parse: %v", m.Resource.Ref(), issues)
			}
			if m.Resource.Type() == "Patient" {
				patients++
			}
		}
		if patients != 1 || first.Patient.IsZero() {
			t.Fatalf("%d patients, %v", patients, first.Patient)
		}
		memory.Apply(source, first, noon)
		again, _, ok := pushed(t, b, memory)
		if !ok {
			t.Fatalf("refused the second time: %v", again.Issues)
		}
		if diff := cmp.Diff(refsOf(first), refsOf(again)); diff != "" {
			t.Fatal(diff)
		}
	})
}

func refsOf(r mapping.Result) []string {
	var out []string
	for _, m := range r.Resources {
		out = append(out, m.Resource.Ref().String())
	}
	return out
}
