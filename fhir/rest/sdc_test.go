package rest_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drieluik/drieluik/conformance/validate"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/path"
)

const boris = "Patient/857f7414-61fd-5f7b-8cc1-57f7dccedb87"

// transferred is a rig with the child, the hospital's view of it, and the transfer.
func transferred(t *testing.T) *rig {
	g := newRig(t)
	g.submit("home", record(t, "boris/01-kind.json")).want(t, 201)
	g.submit("hospital", record(t, "boris/02-kind-ziekenhuis.json")).want(t, 201)
	g.submit("hospital", record(t, "boris/11-overdracht-ziekenhuis-naar-huis.json")).want(t, 201)
	return g
}

// subject is the Parameters of $populate for a subject, with more parameters.
func subject(ref string, more ...string) string {
	return `{"resourceType":"Parameters","parameter":[{"name":"subject","valueReference":{"reference":"` + ref + `"}}` +
		strings.Join(append([]string{""}, more...), ",") + `]}`
}

// answersOf are the answers of a prefilled form by linkId, as JSON, and the rules of its issues.
func answersOf(t *testing.T, a answer) (map[string]string, []string) {
	t.Helper()
	whole, _ := fhir.Parse([]byte(a.valid(t).body), fhir.Limits{})
	issues := []string{}
	var r fhir.Node
	for one := range whole.Root().All("parameter") {
		if one.Member("name").Text() == "response" {
			r = one.Member("resource")
		}
		for i := range one.Member("resource").All("issue") {
			issues = append(issues, i.Member("diagnostics").Text())
		}
	}
	response, _ := fhir.Parse([]byte(r.Raw()), fhir.Limits{})
	checks := validate.New(validate.Options{Definition: find(t)})
	if found := checks.Resource(response); fhir.HasErrors(found) {
		t.Errorf("our own validator finds %+v", found)
	}
	out := map[string]string{}
	all, err := path.Compile("descendants().where(answer.exists())")
	if err != nil {
		t.Fatal(err)
	}
	items, err := all.Eval(path.World{}, response.Root())
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range items {
		var values []string
		for v := range i.Node().All("answer") {
			values = append(values, v.Raw())
		}
		out[i.Node().Member("linkId").Text()] = strings.Join(values, " ")
	}
	return out, issues
}

func find(t *testing.T) func(string) (fhir.Node, bool) {
	_, find, err := published()
	if err != nil {
		t.Fatal(err)
	}
	return find
}

func TestAFormIsPrefilledFromWhatTheHospitalSent(t *testing.T) {
	t.Parallel()
	g := transferred(t)
	for form, want := range map[string]map[string]string{
		"mks-verwijsboom": {
			"vb.leeftijd": `{"valueInteger":1}`, "vb.wlzIndicatie": `{"valueBoolean":false}`,
			"vb.handelingenLijst": `{"valueString":"Sondevoeding geven"} {"valueString":"Sonde controleren voor iedere voeding"} {"valueString":"Knuffel Beer eerst laten voordoen"}`,
		},
		"mks-hulpbehoeftescan": {
			"hbs.alg.soort":                    `{"valueCoding":{"system":"https://drieluik.example/fhir/CodeSystem/scan-soort","code":"eerste","display":"Eerste scan"}}`,
			"hbs.med.voeding.toelichting":      `{"valueString":"voorbeeldvoeding"}`,
			"hbs.med.ademhaling.toelichting":   `{"valueString":"SpO2 96%"}`,
			"hbs.med.hulpmiddelen.toelichting": `{"valueString":"neusmaagsonde, saturatiemeter"}`,
			"hbs.med.verpltech.toelichting":    `{"valueString":"Sondevoeding geven; Sonde controleren voor iedere voeding; Knuffel Beer eerst laten voordoen"}`,
		},
		"mks-beslisboom": {"bb.leeftijd": `{"valueInteger":1}`, "bb.overleden": `{"valueBoolean":false}`, "bb.wlz": `{"valueBoolean":false}`},
	} {
		got, issues := answersOf(t, g.do("hospital", http.MethodPost, "/fhir/Questionnaire/"+form+"/$populate", subject(boris)).want(t, 200))
		if diff := cmp.Diff(want, got); diff != "" || len(issues) > 0 {
			t.Errorf("%s: %v %s", form, issues, diff)
		}
	}
}

func TestAFormShowsNothingThatTheCallerMayNotSee(t *testing.T) {
	t.Parallel()
	g := transferred(t)
	g.principals["stranger"] = system("stranger", fhir.Ref{Type: "Organization", ID: "stranger"}, "system/*.cruds")
	hidden := g.do("stranger", http.MethodPost, "/fhir/Questionnaire/mks-verwijsboom/$populate", subject(boris)).want(t, 404)
	missing := g.do("stranger", http.MethodPost, "/fhir/Questionnaire/mks-verwijsboom/$populate", subject("Patient/none")).want(t, 404)
	if hidden.body != missing.body {
		t.Errorf("a hidden child is told from a missing one: %s, %s", hidden.body, missing.body)
	}
	g.principals["narrow"] = system("hospital", g.orgs["hospital"], "system/Patient.r system/Questionnaire.r")
	got, issues := answersOf(t, g.do("narrow", http.MethodPost, "/fhir/Questionnaire/mks-verwijsboom/$populate", subject(boris)).want(t, 200))
	if diff := cmp.Diff(map[string]string{"vb.leeftijd": `{"valueInteger":1}`}, got); diff != "" || !cmp.Equal(issues, []string{"SDC-ABSENT", "SDC-ABSENT"}) {
		t.Errorf("%v %s", issues, diff)
	}
	g.do("other", http.MethodPost, "/fhir/Questionnaire/none/$populate", subject(boris)).want(t, 404)
}

func TestAFormAndItsContextMayBeSentAlong(t *testing.T) {
	t.Parallel()
	g := transferred(t)
	form := `{"resourceType":"Questionnaire","status":"active","extension":[{"url":"http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-launchContext",
		"extension":[{"url":"name","valueCoding":{"code":"encounter"}}]}],"item":[{"linkId":"1","type":"string","extension":[
		{"url":"http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-initialExpression","valueExpression":{"language":"text/fhirpath",
		"expression":"%encounter.status + %patient.birthDate.toString()"}}]}]}`
	encounter := `{"name":"context","part":[{"name":"name","valueString":"encounter"},{"name":"content","resource":{"resourceType":"Encounter","status":"planned"}}]}`
	a := g.do("home", http.MethodPost, "/fhir/Questionnaire/$populate", subject(boris, `{"name":"questionnaire","resource":`+form+`}`, encounter)).want(t, 200)
	if got, _ := answersOf(t, a); got["1"] != `{"valueString":"planned2025-05-04"}` {
		t.Errorf("%v in %s", got, a.body)
	}
}

func TestWhatPopulateAndExtractDoNotTakeIsToldApart(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	for _, c := range []struct {
		path, body string
		status     int
		rule       string
	}{
		{"Questionnaire/$populate", subject(boris), 400, "populate-form"},
		{"Questionnaire/mks-verwijsboom/$populate", `{"resourceType":"Parameters"}`, 400, "populate-subject"},
		{"Questionnaire/mks-verwijsboom/$populate", subject(boris, `{"name":"subject","valueReference":{"reference":"Patient/x"}}`), 400, "populate-parameter"},
		{"Questionnaire/mks-verwijsboom/$populate", subject(boris, `{"name":"else","valueString":"x"}`), 400, "populate-parameter"},
		{"Questionnaire/$populate", subject(boris, `{"name":"canonical","valueCanonical":"https://example.org/none"}`), 404, "questionnaire-unknown"},
		{"QuestionnaireResponse/$extract", `{"resourceType":"Parameters"}`, 400, "extract-parameter"},
		{"QuestionnaireResponse/$extract", `{"resourceType":"Patient"}`, 400, "extract-parameter"},
		{"QuestionnaireResponse/$extract", `{"resourceType":"QuestionnaireResponse","status":"completed","questionnaire":"https://example.org/none"}`, 422, "questionnaire-unknown"},
		{"QuestionnaireResponse/none/$extract", `{"resourceType":"Parameters"}`, 404, "not-found"},
	} {
		a := g.do("home", http.MethodPost, "/fhir/"+c.path, c.body).want(t, c.status)
		if got := decode[outcome](t, a.body).Issue[0].Diagnostics; got != c.rule {
			t.Errorf("%s %s: %s, want %s", c.path, c.body, got, c.rule)
		}
	}
}

func TestWhatIsExtractedCanBeCarriedOutTwice(t *testing.T) {
	t.Parallel()
	g := transferred(t)
	form := `{"resourceType":"Questionnaire","id":"q","status":"active","item":[{"linkId":"1","type":"decimal","code":[{"system":"http://loinc.org","code":"29463-7"}],
		"extension":[{"url":"http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-observationExtract","valueBoolean":true}]}]}`
	response := `{"resourceType":"QuestionnaireResponse","id":"resp","status":"completed","contained":[` + form + `],"questionnaire":"#q","authored":"2026-11-20",
		"subject":{"reference":"` + boris + `"},"item":[{"linkId":"1","answer":[{"valueDecimal":9.4}]}]}`
	bundle := g.do("hospital", http.MethodPost, "/fhir/QuestionnaireResponse/$extract", response).want(t, 200).valid(t)
	if n := g.search("hospital", "/fhir/Observation?patient="+boris+"&code=29463-7&_total=accurate").Total; n == nil || *n != 1 { // the one of the transfer
		t.Fatalf("$extract left %v Observations", n)
	}
	g.do("hospital", http.MethodPost, "/fhir/QuestionnaireResponse", response).want(t, 201)
	unreferenced := strings.Replace(bundle.body, `"derivedFrom":[{"reference":"QuestionnaireResponse/resp"}],`, "", 1)
	for _, want := range []string{"201", "200"} {
		a := g.do("hospital", http.MethodPost, "/fhir", unreferenced).want(t, 200)
		var out struct {
			Entry []struct{ Response struct{ Status string } }
		}
		if err := json.Unmarshal([]byte(a.body), &out); err != nil || !strings.HasPrefix(out.Entry[0].Response.Status, want) {
			t.Errorf("%v, want %s", out, want)
		}
	}
}

// extracted are the entries of a transaction that $extract answers, by type.
type extracted struct {
	Entry []struct {
		FullURL  string
		Resource struct {
			ResourceType, ID, Status string
			Description              any // a concept in a Goal, text in a Task
			Activity                 []struct{ Detail struct{ Description string } }
		}
		Request struct{ Method, URL string }
	}
}

func (x extracted) count() map[string]int {
	out := map[string]int{}
	for _, e := range x.Entry {
		out[e.Resource.ResourceType+" "+e.Request.Method]++
	}
	return out
}

func TestAPushedScanIsExtractedUnderTheIdsOfItsPush(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.submit("home", record(t, "boris/01-kind.json")).want(t, 201)
	g.submit("home", record(t, "boris/05-hulpbehoeftescan-herhaling.json")).want(t, 201)
	needs := g.search("home", "/fhir/Condition?patient="+boris+"&category=hulpbehoefte").ids()
	scan := "/fhir/QuestionnaireResponse/2424546c-b0f4-5b0c-9179-c75aa3d0e996"
	a := g.do("home", http.MethodPost, scan+"/$extract", "").want(t, 200).valid(t)
	x := decode[extracted](t, a.body)
	if diff := cmp.Diff(map[string]int{"Condition PUT": 5, "Goal PUT": 4, "CarePlan PUT": 1}, x.count()); diff != "" {
		t.Error(diff)
	}
	var ids []string
	for _, e := range x.Entry {
		if e.Resource.ResourceType == "Condition" {
			ids = append(ids, e.Request.URL)
		}
	}
	if diff := cmp.Diff(sorted(needs...), sorted(ids...)); diff != "" {
		t.Errorf("the needs have other ids than their push gave: %s", diff)
	}
	for range 2 {
		g.do("home", http.MethodPost, "/fhir", a.body).want(t, 200)
		for path, want := range map[string]int{"Condition?category=hulpbehoefte&": 5, "Goal?": 4, "CarePlan?status=draft&": 1} {
			if n := g.search("home", "/fhir/"+path+"_total=accurate&patient="+boris).Total; n == nil || *n != want {
				t.Errorf("%s: %v, want %d", path, n, want)
			}
		}
	}
}

func TestNeedsAreAsGuardedAsTheirForm(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	const own, restricted = "https://drieluik.example/fhir/", `{"system":"http://terminology.hl7.org/CodeSystem/v3-Confidentiality","code":"R"}`
	form := `{"resourceType":"QuestionnaireResponse","id":"app-1","status":"completed","authored":"2026-11-20","subject":{"reference":"Patient/x"},"questionnaire":"` + own + `Questionnaire/mks-hulpbehoeftescan",
		"meta":{"security":[` + restricted + `,{"system":"` + own + `CodeSystem/access-label","code":"about-parent"}]},
		"item":[{"linkId":"hbs.med","item":[{"linkId":"hbs.med.huid","item":[{"linkId":"hbs.med.huid.niveau","answer":[{"valueCoding":{"code":"2"}}]}]}]}]}`
	a := g.do("home", http.MethodPost, "/fhir/QuestionnaireResponse/$extract", form).want(t, 200).valid(t)
	if n := strings.Count(a.body, `"security":[`+restricted+`]`); n != 3 {
		t.Errorf("%d of the need, its goal and the plan bear the label of the form alone: %s", n, a.body)
	}
}

func TestAFormThatAnAppFilledIsExtractedByConditions(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.submit("home", record(t, "boris/01-kind.json")).want(t, 201)
	own := "https://drieluik.example/fhir/"
	coded := func(link, list, code string) string {
		return `{"linkId":"` + link + `","answer":[{"valueCoding":{"system":"` + own + `CodeSystem/` + list + `","code":"` + code + `"}}]}`
	}
	head := `{"resourceType":"QuestionnaireResponse","id":"app-1","status":"completed","authored":"2026-11-20","subject":{"reference":"` + boris + `"},"questionnaire":"` + own + `Questionnaire/`
	for form, c := range map[string]struct {
		items string
		want  map[string]int
	}{
		"mks-hulpbehoeftescan": {`{"linkId":"hbs.med","item":[{"linkId":"hbs.med.voeding","item":[` + coded("hbs.med.voeding.niveau", "behoefte-niveau", "2") +
			`,{"linkId":"hbs.med.voeding.toelichting","answer":[{"valueString":"sonde"}]}]},{"linkId":"hbs.med.huid","item":[` + coded("hbs.med.huid.niveau", "behoefte-niveau", "1") +
			`]},{"linkId":"hbs.med.pijn","item":[` + coded("hbs.med.pijn.niveau", "behoefte-niveau", "9") + `]}]}`,
			map[string]int{"Condition PUT": 2, "Goal PUT": 1, "CarePlan PUT": 1}},
		"mks-verwijsboom": {`{"linkId":"vb.uitkomst","item":[` + coded("vb.uitkomst.wet", "wettelijk-kader", "zvw") + `,` + coded("vb.uitkomst.onderdeel", "zorgonderdeel", "verpleging") + `]}`,
			map[string]int{"ServiceRequest PUT": 1}},
		"mks-beslisboom": {`{"linkId":"bb.andereBehoeften","answer":[{"valueString":"logopedie"}]},` + coded("bb.uitkomst", "beslisboom-uitkomst", "disciplines") + `,` +
			coded("bb.uitkomst", "beslisboom-uitkomst", "jeugdwet") + `,` + coded("bb.informeren", "informeren", "huisarts"),
			map[string]int{"Task PUT": 1, "ServiceRequest PUT": 1, "Communication PUT": 1}},
	} {
		a := g.do("home", http.MethodPost, "/fhir/QuestionnaireResponse/$extract", head+form+`","item":[`+c.items+`]}`).want(t, 200).valid(t)
		x := decode[extracted](t, a.body)
		if diff := cmp.Diff(c.want, x.count()); diff != "" {
			t.Errorf("%s: %s", form, diff)
		}
		for _, e := range x.Entry {
			if !strings.Contains(e.Request.URL, "?identifier=") || !strings.HasPrefix(e.FullURL, "urn:uuid:") {
				t.Errorf("%s: %+v", form, e)
			}
		}
		if form == "mks-hulpbehoeftescan" {
			plan := x.Entry[len(x.Entry)-1].Resource
			if plan.Status != "draft" || len(plan.Activity) != 1 || plan.Activity[0].Detail.Description != "sonde" || !cmp.Equal(x.Entry[1].Resource.Description, any(map[string]any{"text": "Doel bij: Voeding en vocht"})) {
				t.Errorf("%+v", x.Entry)
			}
		}
	}
}

func TestTheNextScanNamesTheOneBeforeWithItsVersion(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.submit("home", record(t, "boris/01-kind.json")).want(t, 201)
	g.submit("home", record(t, "boris/05-hulpbehoeftescan-herhaling.json")).want(t, 201)
	got, _ := answersOf(t, g.do("home", http.MethodPost, "/fhir/Questionnaire/mks-hulpbehoeftescan/$populate", subject(boris)).want(t, 200))
	if diff := cmp.Diff(`{"valueString":"hbs-1002/1"}`, got["hbs.alg.vorige"]); diff != "" {
		t.Error(diff)
	}
}
