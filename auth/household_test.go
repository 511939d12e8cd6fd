package auth_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
)

// TestAHouseholdNamesWhoActsForTheChild: authority in force, without those the record is sealed from.
func TestAHouseholdNamesWhoActsForTheChild(t *testing.T) {
	t.Parallel()
	const gezag = `"extension":[{"url":"https://drieluik.example/fhir/StructureDefinition/gezag","extension":[{"url":"type","valueCode":"TweehoofdigOuderlijkGezag"}%s]}]`
	person := func(id, custody string) string {
		return `{"resourceType":"RelatedPerson","id":"` + id + `","active":true,"patient":{"reference":"Patient/kind"},` + custody + `}`
	}
	both := []string{person("vader", strings.Replace(gezag, "%s", "", 1)), person("moeder", strings.Replace(gezag, "%s", "", 1)),
		person("ex", strings.Replace(gezag, "%s", `,{"url":"period","valuePeriod":{"end":"2026-01-01"}}`, 1))}
	patient := func(more string) string {
		return `{"resourceType":"Patient","id":"kind","birthDate":"2014-06","identifier":[{"system":"http://fhir.nl/fhir/NamingSystem/bsn","value":"999912148"}]` + more + `}`
	}
	const seal = `,"meta":{"security":[{"system":"https://drieluik.example/fhir/CodeSystem/access-label","code":"seal-person","extension":[
		{"url":"https://drieluik.example/fhir/StructureDefinition/barred-party","valueReference":{"reference":"RelatedPerson/vader"}}]}]}`
	const institution = `,"extension":[{"url":"https://drieluik.example/fhir/StructureDefinition/gezag","extension":[
		{"url":"type","valueCode":"Voogdij"},{"url":"houder","valueReference":{"reference":"Organization/gi"}}]}]`
	for name, c := range map[string]struct {
		patient string
		persons []string
		want    string
	}{
		"both parents":            {patient(""), both, "RelatedPerson/moeder RelatedPerson/vader"},
		"sealed from the father":  {patient(seal), both, "RelatedPerson/moeder"},
		"sealed from all parents": {patient(strings.Replace(seal, "seal-person", "seal-guardians", 1)), both, ""},
		"an institution":          {patient(institution), nil, "Organization/gi"},
		"nobody is known":         {patient(""), nil, ""},
	} {
		m := auth.Material{Compartment: "kind"}
		for _, text := range append([]string{c.patient}, c.persons...) {
			r, issues := fhir.Parse([]byte(text), fhir.Limits{})
			if fhir.HasErrors(issues) {
				t.Fatal(issues)
			}
			m.Resources = append(m.Resources, auth.Stored{Resource: r, Facts: auth.ResourceFacts{Ref: r.Ref(), Custodian: fhir.Ref{Type: "Organization", ID: "home"}}})
		}
		now := time.Date(2026, 6, 14, 22, 30, 0, 0, time.UTC) // 00:30 of the 15th in the Netherlands
		h := auth.NewChild(m).Household(now, auth.Settings{}, nil)
		var got []string
		for _, r := range h.Holders {
			got = append(got, r.String())
		}
		if d := cmp.Diff(c.want, strings.Join(got, " ")); d != "" {
			t.Errorf("%s: %s", name, d)
		}
		if h.Jurisdiction != "nl" || h.Youngest != 11 || h.Oldest != 12 || h.Today.Day() != 15 || !cmp.Equal(h.Changes(), []int{12, 16}) {
			t.Errorf("%s: %+v", name, h)
		}
	}
}
