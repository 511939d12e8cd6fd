package mks_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
	"github.com/drieluik/drieluik/mapping/mks"
	"github.com/drieluik/drieluik/mapping/mks/tofhir"
)

// TestACodeThatItsLoadedSystemDoesNotHoldIsToldAndKept (ENV-17): a warning at each code, and nothing of a system that
// is not loaded or that holds it; what is stored is the same.
func TestACodeThatItsLoadedSystemDoesNotHoldIsToldAndKept(t *testing.T) {
	t.Parallel()
	const plan = "boris/07-zorgplan-v3.json"
	loaded := mks.Format{Holds: func(system, code string) (held, loaded bool) {
		return code == "229912004", system == tofhir.SNOMED
	}}
	var texts [2][]string
	var found [2][]fhir.Issue
	for i, f := range []mks.Format{{}, loaded} {
		k := mapping.NewMemory()
		store(t, k, "boris/01-kind.json")
		s, issues := f.Read(document(t, sample(t, plan)), receipt)
		r, err := f.Map(s, k, receipt)
		if err != nil {
			t.Fatal(err)
		}
		found[i] = append(issues, r.Issues...)
		for _, m := range r.Resources {
			texts[i] = append(texts[i], string(m.Resource.Bytes()))
		}
	}
	if diff := cmp.Diff(texts[0], texts[1]); diff != "" || len(texts[0]) == 0 {
		t.Errorf("what is stored of %d resources differs: %s", len(texts[0]), diff)
	}
	known := told(found[0])
	added := slices.DeleteFunc(told(found[1]), func(i string) bool { return slices.Contains(known, i) })
	if diff := cmp.Diff([]string{"warning MKS-ENV-17 /inhoud/problemen/0/code/sct"}, added); diff != "" {
		t.Error(diff)
	}
	for _, i := range found[1] {
		if i.Diagnostics == "MKS-ENV-17" && (i.Code != "code-invalid" || i.In.NL == "" || i.In.NL == i.Text) {
			t.Errorf("it is told as %+v", i)
		}
	}
}
