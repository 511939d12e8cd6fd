package auth_test

import (
	"strings"
	"testing"

	"github.com/drieluik/drieluik/auth"
)

// TestAFormOfReadinessIsNoPartOfWhatWasAsked: a party of a transfer may add one; every other input, and
// one of another Task, is of who asked.
func TestAFormOfReadinessIsNoPartOfWhatWasAsked(t *testing.T) {
	t.Parallel()
	const (
		asked = `{"resourceType":"Task","id":"t","status":"accepted","intent":"order","code":{"coding":[{"system":"http://snomed.info/sct","code":"308292007"}]},
			"input":[{"type":{"text":"document"},"valueString":"x"}]}`
		form = `,{"type":{"coding":[{"system":"https://drieluik.example/fhir/CodeSystem/mks-categorie","code":"ontslaggereedheid"}]},"valueString":"y"}]`
	)
	rest := func(text string) string { return auth.FactsOf(parse(t, []byte(text)), nil, nil).Rest }
	with := func(text, more string) string { return strings.Replace(text, `"x"}]`, `"x"}`+more, 1) }
	other := strings.Replace(asked, "308292007", "1", 1)
	for name, c := range map[string]struct {
		a, b string
		same bool
	}{
		"a form of readiness": {asked, with(asked, form), true},
		"another input":       {asked, with(asked, `,{"type":{"text":"z"},"valueString":"z"}]`), false},
		"a changed input":     {asked, strings.Replace(asked, `"x"`, `"z"`, 1), false},
		"of another Task":     {other, with(other, form), false},
	} {
		if same := rest(c.a) == rest(c.b); same != c.same {
			t.Errorf("%s: the rest is the same %v, want %v", name, same, c.same)
		}
	}
}
