package workflow_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/workflow"
)

const own = "https://drieluik.example/fhir/CodeSystem/"

func everything(string, fhir.Type, bool) (bool, error) { return true, nil }

// whole is a file that lacks nothing, and the transfer that brings what the hospital knows.
func whole(t testing.TB) (shelf, *fhir.Resource) {
	t.Helper()
	code := func(system, code string) string {
		return fmt.Sprintf(`{"coding":[{"system":%q,"code":%q}]}`, system, code)
	}
	about := `"subject":{"reference":"Patient/kim"}`
	level := func(link, code string) string {
		return fmt.Sprintf(`{"linkId":%q,"item":[{"linkId":%q,"answer":[{"valueCoding":{"code":%q}}]}]}`, link, link+".niveau", code)
	}
	k := shelf{}.put(t, hospital, readinessText,
		`{"resourceType":"Composition","id":"ovd","status":"final","type":`+code("http://snomed.info/sct", "11171000146100")+`,`+about+`,
			"date":"2026-11-21","title":"Overdracht","author":[{"reference":"PractitionerRole/nurse"}],"section":[
			{"code":`+code("http://snomed.info/sct", "371524004")+`,"section":[
				{"code":`+code("http://snomed.info/sct", "52870002")+`,"entry":[{"reference":"Condition/d"}]},
				{"code":`+code("http://snomed.info/sct", "420134006")+`,"emptyReason":`+code("http://terminology.hl7.org/CodeSystem/list-empty-reason", "nilknown")+`},
				{"code":`+code("http://snomed.info/sct", "308813009")+`,"entry":[{"reference":"Flag/f"}]}]},
			{"entry":[{"reference":"NutritionOrder/n"},{"reference":"DeviceUseStatement/u"},{"reference":"Observation/m"},
				{"reference":"Observation/w"},{"reference":"Observation/g"},{"reference":"Observation/o"}]}]}`,
		`{"resourceType":"Condition","id":"d","code":{"text":"Groeiachterstand"},`+about+`}`,
		`{"resourceType":"Flag","id":"f","status":"active","code":{"text":"aspiratie"},`+about+`}`,
		`{"resourceType":"NutritionOrder","id":"n","status":"active","intent":"order","dateTime":"2026-11-20","patient":{"reference":"Patient/kim"},
			"note":[{"text":"om de drie uur"}],"oralDiet":{"type":[{"text":"fles"}]}}`,
		`{"resourceType":"DeviceUseStatement","id":"u","status":"active","device":{"reference":"Device/x"},`+about+`}`,
		`{"resourceType":"Observation","id":"m","status":"final","category":[`+code("http://terminology.hl7.org/CodeSystem/observation-category", "vital-signs")+`],
			"code":{"text":"gewicht"},"effectiveDateTime":"2026-11-18T08:00:00+01:00",`+about+`}`,
		`{"resourceType":"Observation","id":"w","status":"final","code":`+code("http://snomed.info/sct", "365508006")+`,`+about+`}`,
		`{"resourceType":"Observation","id":"g","status":"final","code":`+code(own+"mks-observatie", "gezinssituatie-kind")+`,`+about+`}`,
		`{"resourceType":"Observation","id":"o","status":"final","code":`+code("http://snomed.info/sct", "251803000")+`,`+about+`}`,
	).put(t, home,
		`{"resourceType":"CarePlan","id":"zp","status":"active","intent":"plan","category":[`+code(own+"mks-categorie", "zorgplan")+`],`+about+`}`,
		`{"resourceType":"CarePlan","id":"np","status":"active","intent":"plan","category":[`+code(own+"plan-soort", "noodplan")+`],`+about+`}`,
		`{"resourceType":"RelatedPerson","id":"mother","active":true,"relationship":[`+code("urn:oid:2.16.840.1.113883.2.4.3.11.22.472", "01")+`],"patient":{"reference":"Patient/kim"}}`,
		`{"resourceType":"Observation","id":"s","status":"final","code":`+code(own+"mks-observatie", "opvang-onderwijs")+`,`+about+`}`,
		`{"resourceType":"QuestionnaireResponse","id":"old","status":"completed","authored":"2026-01-01","questionnaire":"https://drieluik.example/fhir/Questionnaire/mks-hulpbehoeftescan|1.0.0",`+about+`}`,
		`{"resourceType":"QuestionnaireResponse","id":"scan","status":"amended","authored":"2026-10-01","questionnaire":"https://drieluik.example/fhir/Questionnaire/mks-hulpbehoeftescan|1.0.0",`+about+`,
			"item":[{"linkId":"hbs.soc","item":[`+level("hbs.soc.draagkracht", "0")+`,`+level("hbs.soc.respijt", "2")+`]},
			{"linkId":"hbs.ont","item":[`+level("hbs.ont.spel", "1")+`,`+level("hbs.ont.onderwijs", "3")+`]}]}`,
	)
	return k, parse(t, `{"resourceType":"Patient","id":"kim","birthDate":"2025-05-04","extension":[{"url":"https://drieluik.example/fhir/StructureDefinition/gezag",
		"extension":[{"url":"gecontroleerdOp","valueDate":"2026-10-30"}]}]}`)
}

func complete(t testing.TB, k shelf, patient *fhir.Resource, of *workflow.Transfer, shared workflow.Shared) []workflow.Domain {
	t.Helper()
	out, err := workflow.Complete(k, patient, of, now, shared)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func lacking(all []workflow.Domain) []string {
	out := []string{}
	for _, d := range all {
		for _, m := range d.Missing {
			out = append(out, d.Code+": "+m.What.EN+" ("+m.Who.EN+")")
		}
	}
	return out
}

func TestAFileThatLacksNothing(t *testing.T) {
	t.Parallel()
	k, patient := whole(t)
	transfer := transferOf(t, k, task(t, "requested"))
	for name, of := range map[string]*workflow.Transfer{"the file": nil, "the transfer": &transfer} {
		all := complete(t, k, patient, of, everything)
		if got := lacking(all); len(got) > 0 {
			t.Errorf("%s lacks %v", name, got)
		}
		var counts []int
		for _, d := range all {
			counts = append(counts, len(d.Present))
		}
		if want := []int{7, 4, 4, 4}; !slices.Equal(counts, want) {
			t.Errorf("%s holds %v, want %v", name, counts, want)
		}
	}
}

func TestEachThingThatAFileLacks(t *testing.T) {
	t.Parallel()
	gone := func(kind fhir.Type, id string) func(shelf) {
		return func(k shelf) { delete(k, fhir.Ref{Type: kind, ID: id}) }
	}
	for _, c := range []struct {
		change func(shelf)
		want   []string
	}{
		{gone("Composition", "ovd"), []string{"medisch: diagnoses (sending nurse)", "medisch: allergies, or that none are known (sending nurse)"}},
		{gone("Flag", "f"), []string{"medisch: alerts, or that none are known (sending nurse)"}},
		{gone("NutritionOrder", "n"), []string{"medisch: feeding (sending nurse)"}},
		{gone("DeviceUseStatement", "u"), []string{"medisch: devices (sending nurse)"}},
		{gone("Observation", "m"), []string{"medisch: measurements of the last 7 days (sending nurse)"}},
		{gone("CarePlan", "zp"), []string{"medisch: active care plan (zorgcoordinator)"}},
		{gone("CarePlan", "np"), []string{"veiligheid: emergency plan (noodplan) (zorgcoordinator)"}},
		{gone("QuestionnaireResponse", "og"), []string{"veiligheid: trained parents (sending nurse)"}},
		{gone("Observation", "w"), []string{"veiligheid: living situation (woonsituatie) (sending nurse)"}},
		{gone("Observation", "g"), []string{"sociaal: family situation (gezinssituatie) (sending nurse)"}},
		{gone("RelatedPerson", "mother"), []string{"sociaal: first contact person (role 01) (parent)"}},
		{gone("Observation", "s"), []string{"ontwikkeling: day care or school (opvang) (parent)"}},
		{gone("Observation", "o"), []string{"ontwikkeling: development (sending nurse)"}},
		{gone("QuestionnaireResponse", "scan"), []string{
			"sociaal: scan item draagkracht discussed (zorgcoordinator)", "sociaal: scan item respijt discussed (zorgcoordinator)",
			"ontwikkeling: scan item spel discussed (zorgcoordinator)", "ontwikkeling: scan item onderwijs discussed (zorgcoordinator)"}},
	} {
		k, patient := whole(t)
		c.change(k)
		if diff := cmp.Diff(c.want, lacking(complete(t, k, patient, nil, everything))); diff != "" {
			t.Error(diff)
		}
	}
}

func TestWhatIsOldOrOfAnotherTransferDoesNotCount(t *testing.T) {
	t.Parallel()
	k, patient := whole(t)
	stale := edited(t, patient, fhir.Edit{Path: []string{"extension"}, JSON: `[{"url":"https://drieluik.example/fhir/StructureDefinition/gezag",
		"extension":[{"url":"gecontroleerdOp","valueDate":"2026-05-01"}]}]`})
	if got := lacking(complete(t, k, stale, nil, everything)); !slices.Equal(got, []string{"veiligheid: custody (gezag) checked in the last 180 days (zorgcoordinator)"}) {
		t.Error(got)
	}
	k.put(t, hospital, `{"resourceType":"Observation","id":"m","status":"final","category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"vital-signs"}]}],
		"code":{"text":"gewicht"},"effectiveDateTime":"2026-11-13T08:00:00+01:00","subject":{"reference":"Patient/kim"}}`,
		`{"resourceType":"Observation","id":"apart","status":"final","category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"vital-signs"}]}],
		"code":{"text":"gewicht"},"effectiveDateTime":"2026-11-20T08:00:00+01:00","subject":{"reference":"Patient/kim"}}`)
	transfer := transferOf(t, k, task(t, "requested"))
	if got := lacking(complete(t, k, patient, &transfer, everything)); !slices.Equal(got, []string{"medisch: measurements of the last 7 days (sending nurse)"}) {
		t.Errorf("in the transfer: %v", got)
	}
	if got := lacking(complete(t, k, patient, nil, everything)); len(got) > 0 {
		t.Errorf("in the file: %v", got)
	}
}

func TestABabyHasAFeedingPattern(t *testing.T) {
	t.Parallel()
	k, patient := whole(t)
	baby := edited(t, patient, fhir.Edit{Path: []string{"birthDate"}, JSON: `"2026-02-01"`})
	k.put(t, hospital, `{"resourceType":"NutritionOrder","id":"n","status":"active","intent":"order","dateTime":"2026-11-20","patient":{"reference":"Patient/kim"},"oralDiet":{"type":[{"text":"fles"}]}}`)
	if got := lacking(complete(t, k, baby, nil, everything)); !slices.Equal(got, []string{"ontwikkeling: feeding pattern of a baby (sending nurse)"}) {
		t.Error(got)
	}
}

// TestItemsOfAHiddenDomainAreCountedAndNotNamed: whether they are there or not, as those of a hidden type.
func TestItemsOfAHiddenDomainAreCountedAndNotNamed(t *testing.T) {
	t.Parallel()
	_, patient := whole(t)
	got := complete(t, shelf{}, patient, nil, func(domain string, kind fhir.Type, _ bool) (bool, error) {
		return domain == "medisch" && kind != "Observation", nil
	})
	want := []workflow.Domain{
		{Code: "medisch", Missing: got[0].Missing, Hidden: 1},
		{Code: "veiligheid", Present: []workflow.Words{{EN: "custody (gezag) checked in the last 180 days", NL: "gezag gecontroleerd in de laatste 180 dagen"}}, Hidden: 3},
		{Code: "sociaal", Hidden: 4}, {Code: "ontwikkeling", Hidden: 4},
	}
	if diff := cmp.Diff(want, got); diff != "" || len(got[0].Missing) != 6 {
		t.Error(diff)
	}
}
