package mks_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
	"github.com/drieluik/drieluik/mapping/mks"
)

// repeated writes an element many times, with a number for %d where it has one.
func repeated(n int, element string) string {
	all := make([]string, n)
	for i := range all {
		all[i] = strings.ReplaceAll(element, "%d", fmt.Sprint(i))
	}
	return strings.Join(all, ",")
}

// TestLargeResourcesThatAreNamedOverAndOverAreRefused: a few bytes that name a large resource again do not
// become an answer of gigabytes, nor minutes of work.
func TestLargeResourcesThatAreNamedOverAndOverAreRefused(t *testing.T) {
	t.Parallel()
	const source = `"meta":{"source":"https://drieluik.example/fhir/bron/90000001/ecd#%s/r-1/1"}`
	large := strings.Repeat("x", 600_000)
	section := func(code, entry string, n int) string {
		return fmt.Sprintf(`{"code":{"coding":[{"system":"http://snomed.info/sct","code":%q}]},"entry":[%s]}`, code, repeated(n, entry))
	}
	transfer := func(sections ...string) string {
		return `{"resourceType":"Composition","id":"c","extension":[` + envelope("overdracht") + `],"section":[` + strings.Join(sections, ",") + `]}`
	}
	condition := `{"resourceType":"Condition","id":"x","code":{"text":"` + large + `"}}`
	for name, resources := range map[string]string{
		"a diagnosis in every entry": transfer(section("52870002", `{"reference":"Condition/x"}`, 500)) + "," + condition,
		"problems with one intervention": transfer(section("86644006", repeated(3000, `{"reference":"Condition/p"}`)+`,{"reference":"CarePlan/x"}`, 1)) +
			`,{"resourceType":"Condition","id":"p"},{"resourceType":"CarePlan","id":"x","activity":[{"detail":{"description":"` + large + `"}}]}`,
		"a child with many records": `{"resourceType":"Patient","id":"p","telecom":[{"system":"phone","value":"` + large + `"}],"extension":[` +
			repeated(100, envelope("kind", `{"url":"recordId","valueString":"r-%d"}`)) + `]}`,
		"a relative with many ids": `{"resourceType":"Patient","id":"p","extension":[` + envelope("kind") + `]},{"resourceType":"RelatedPerson","id":"b",` + fmt.Sprintf(source, "kind") +
			`,"telecom":[{"system":"phone","value":"` + large + `"}],"identifier":[` + repeated(500, `{"system":"https://drieluik.example/fhir/bron/90000001/ecd/betrokkene","value":"b%d"}`) + `]}`,
		"somebody of many names": `{"resourceType":"Encounter","id":"e","participant":[` + repeated(4000, `{"individual":{"reference":"RelatedPerson/b"}}`) +
			`],"extension":[` + envelope("evaluatie") + `]},{"resourceType":"RelatedPerson","id":"b","identifier":[` + repeated(4000, `{"system":"s","value":"b%d"}`) + `]}`,
		"an envelope of many parts": `{"resourceType":"Encounter","id":"e","participant":[` + repeated(4000, `{"individual":{"identifier":{"system":"s","value":"b"}}}`) +
			`],"extension":[` + envelope("evaluatie", repeated(4000, `{"url":"x","valueBoolean":true}`)) + `]}`,
		"many outcomes of many requests": `{"resourceType":"QuestionnaireResponse","id":"q","extension":[` + envelope("verwijsboom") + `],"item":[` + repeated(3000, `{"linkId":"vb.uitkomst"}`) + `]},` +
			repeated(1000, `{"resourceType":"ServiceRequest","id":"s%d",`+fmt.Sprintf(source, "verwijsboom")+`,"supportingInfo":[{"reference":"QuestionnaireResponse/q"}]}`),
	} {
		text, issues, err := mks.Format{}.Back(resourcesOf(resources), origin)
		if err != nil || text != nil || !fhir.HasErrors(issues) {
			t.Errorf("%s gives %d bytes, %v", name, len(text), err)
		}
		bounded := strings.HasPrefix(name, "a ") || strings.HasPrefix(name, "somebody")
		if bounded && !slices.ContainsFunc(issues, func(i fhir.Issue) bool { return i.Diagnostics == "MKS-BACK-07" }) {
			t.Errorf("%s: %.500s", name, fmt.Sprint(issues))
		}
	}
}

// TestDocumentsPastTheBoundsAreRefusedAtOnce: a document of many small members is refused by its size alone.
func TestDocumentsPastTheBoundsAreRefusedAtOnce(t *testing.T) {
	t.Parallel()
	wide := json.RawMessage("{" + strings.ReplaceAll(repeated(60_000, `"a%d":1`), " ", "") + "}")
	refs := func(n int) json.RawMessage { return json.RawMessage("[" + repeated(n, `"b%d"`) + "]") }
	for name, c := range map[string]struct {
		text []byte
		at   string
	}{
		"answers that nobody asked for": {tree(t, referral, put("antwoorden", wide)), "/inhoud"},
		"hours of parts of care":        {tree(t, referral, func(_, in, _ map[string]any) { in["indicatie"].(map[string]any)["urenPerWeek"] = wide }), "/inhoud"},
		"people who took part":          {evaluationVersion(t, 1, "definitief", func(in map[string]any) { in["deelnemers"] = refs(50_001) }), "/inhoud"},
		"a long list":                   {evaluationVersion(t, 1, "definitief", func(in map[string]any) { in["deelnemers"] = refs(1001) }), "/inhoud/deelnemers"},
	} {
		_, r, issues := submit(t, planOf(t, "boris/01-kind.json").stored, c.text)
		if d := cmp.Diff([]string{"error MKS-ENV-02 " + c.at}, told(issues)); d != "" || len(r.Resources) > 0 {
			t.Errorf("%s: %d resources (-want +got):\n%.600s", name, len(r.Resources), d)
		}
	}
}

// counting is a Known that counts how often the relatives of a child are looked up.
type counting struct {
	*mapping.Memory
	asked int
}

func (k *counting) Child(patient fhir.Ref, types ...fhir.Type) ([]*mapping.Found, error) {
	k.asked++
	return k.Memory.Child(patient, types...)
}

// TestNobodyIsLookedUpOnceTheReportIsFull bounds what a refused document costs.
func TestNobodyIsLookedUpOnceTheReportIsFull(t *testing.T) {
	t.Parallel()
	k := &counting{Memory: planOf(t, "boris/01-kind.json").stored}
	_, _, issues := submit(t, k, planEdited(t, boris2, func(_, in map[string]any) {
		for i := range 10 {
			in["doelen"] = append(in["doelen"].([]any), map[string]any{"id": fmt.Sprintf("x%d", i), "tekst": "x",
				"opgesteldMet": json.RawMessage("[" + repeated(400, fmt.Sprintf(`"x%d-%%d"`, i)) + "]")})
		}
	}))
	if !fhir.HasErrors(issues) || k.asked > 1100 {
		t.Errorf("%d issues, the relatives were looked up %d times", len(issues), k.asked)
	}
}

// TestLargeFormsAreNotExtracted bounds what a filled form becomes, and what is looked up for it.
func TestLargeFormsAreNotExtracted(t *testing.T) {
	t.Parallel()
	form := func(name, items string) *fhir.Resource {
		return resourcesOf(`{"resourceType":"QuestionnaireResponse","id":"q","status":"completed","questionnaire":"https://drieluik.example/fhir/Questionnaire/` +
			name + `|1.0.0","extension":[` + envelope("hulpbehoeftescan") + `],"item":[` + items + `]}`)[0]
	}
	asked := 0
	stored := func(fhir.Ref) (*fhir.Resource, error) { asked++; return nil, nil }
	need := `{"linkId":"hbs.med.huid","item":[{"linkId":"hbs.med.huid.id","answer":[{"valueString":"b%d"}]},{"linkId":"hbs.med.huid.niveau","answer":[{"valueCoding":{"code":"2"}}]}]}`
	out, _, err := mks.Format{}.Extract(form("mks-hulpbehoeftescan", `{"linkId":"hbs.med","item":[`+repeated(2000, need)+`]}`), stored)
	if err != nil || len(out) != 3 || asked != 3 {
		t.Errorf("a need that is named 2000 times becomes %d resources, %d were looked up, %v", len(out), asked, err)
	}
	for name, items := range map[string]string{
		"mks-verwijsboom": repeated(101, `{"linkId":"vb.uitkomst"}`),
		"mks-beslisboom":  `{"linkId":"bb.andereBehoeften","answer":[` + repeated(101, `{"valueString":"x"}`) + `]}`,
	} {
		if _, own, err := (mks.Format{}).Extract(form(name, items), stored); !own || fhir.KindOf(err) != fhir.Unprocessable {
			t.Errorf("%s: %v", name, err)
		}
	}
}
