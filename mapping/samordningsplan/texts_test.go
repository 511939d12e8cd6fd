package samordningsplan_test

import (
	"testing"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
)

// TestWhatIsWrongIsSaidInThreeLanguages: of the samples that break each rule, every sentence is told in Dutch and
// Swedish too, and none says the same in two of them.
func TestWhatIsWrongIsSaidInThreeLanguages(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, file := range files(t, "invalid") {
		_, issues := submit(t, mapping.NewMemory(), sample(t, file))
		for _, i := range issues {
			seen[i.Diagnostics] = true
			said := i.In
			if said.NL == "" || said.SV == "" || said.NL == said.SV || said.NL == i.Text || said.SV == i.Text {
				t.Errorf("%s in %s: %q, %+v", i.Diagnostics, file, i.Text, said)
			}
		}
	}
	if len(seen) < 25 {
		t.Errorf("only %d rules: %v", len(seen), seen)
	}
	if _, issues := submit(t, mapping.NewMemory(), edited(t, ylva, set(1, "okant"))); len(issues) == 0 || issues[0].In == (fhir.Translations{}) {
		t.Errorf("a member that is not known: %+v", issues)
	}
}
