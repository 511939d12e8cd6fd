package mks_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
	"github.com/drieluik/drieluik/mapping/mks"
)

// sentComesBack submits a document and holds that the way back gives it as it was sent.
func sentComesBack(t *testing.T, k *mapping.Memory, text []byte) {
	t.Helper()
	source, r, issues := submit(t, k, text)
	if fhir.HasErrors(issues) {
		t.Fatal(told(issues))
	}
	var all []*fhir.Resource
	for _, m := range r.Resources {
		all = append(all, m.Resource)
	}
	for _, x := range k.All() { // the child; of what is there twice the first counts
		if x.Type() != "CarePlan" {
			all = append(all, x)
		}
	}
	sameDocument(t, source.Doc.Root(), backOf(t, all, source.Doc.Root()))
}

// beforeRecord returns what may be stored of Boris when a record comes.
func beforeRecord(t *testing.T) map[string]*mapping.Memory {
	t.Helper()
	return map[string]*mapping.Memory{
		"alone": mapping.NewMemory(), "after its child": homeChild(t).stored, "after its plan": evaluatedBoris(t).stored,
	}
}

func TestScanComesBackWhateverItHolds(t *testing.T) {
	t.Parallel()
	before := beforeRecord(t)
	withdrawn := func(doc, _ map[string]any) {
		doc["status"], doc["intrekReden"], doc["versie"] = "ingetrokken", "verkeerd kind", 2
	}
	for name, text := range map[string][]byte{
		"every member":                fullScan(t),
		"the domains turned round":    planEdited(t, borisScan, func(_, in map[string]any) { slices.Reverse(in["domeinen"].([]any)) }),
		"the needs turned round":      planEdited(t, borisScan, func(_, in map[string]any) { slices.Reverse(scanDomain(in, 0)["behoeften"].([]any)) }),
		"no needs":                    planEdited(t, borisScan, func(_, in map[string]any) { delete(scanDomain(in, 3), "behoeften") }),
		"empty lists and unknown":     planEdited(t, borisScan, func(_, in map[string]any) { scanDomain(in, 3)["behoeften"], scanDomain(in, 1)["x"] = []any{}, []any{1} }),
		"a note where is no need":     planEdited(t, borisScan, func(_, in map[string]any) { scanNeed(in, 1, 3)["toelichting"] = "gaat goed" }),
		"heard, and why not":          planEdited(t, borisScan, func(_, in map[string]any) { sub(in, "kindGehoord")["ja"] = true }),
		"a code that FHIR refuses":    planEdited(t, borisScan, func(_, in map[string]any) { scanNeed(in, 0, 1)["code"] = map[string]any{"sct": " 1", "nic": "2"} }),
		"a code that is words":        planEdited(t, borisScan, func(_, in map[string]any) { scanNeed(in, 0, 1)["code"] = map[string]any{"tekst": "woorden"} }),
		"a draft":                     planEdited(t, borisScan, func(doc, _ map[string]any) { doc["status"] = "concept" }),
		"withdrawn":                   planEdited(t, borisScan, withdrawn),
		"priority written as a float": edit(t, sample(t, borisScan), "2.0", "inhoud", "domeinen", 0, "behoeften", 1, "prioriteit"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for when, k := range before {
				t.Run(when, func(t *testing.T) { sentComesBack(t, k, text) })
			}
		})
	}
}

func TestLogicalReferencesOfAScanComeBackOnceTheyAreLiteral(t *testing.T) {
	t.Parallel()
	k := mapping.NewMemory()
	apply(t, k, fullScan(t))
	store(t, k, "boris/01-kind.json")
	sent := document(t, fullScan(t)).Root()
	sameDocument(t, sent, backOf(t, k.All(), sent))
}

func TestNewVersionOfAScanComesBackAlone(t *testing.T) {
	t.Parallel()
	k := homeChild(t).stored
	take(t, k, sample(t, borisScan))
	sentComesBack(t, k, scanVersion(t, 2, "definitief", func(in map[string]any) {
		scanDomain(in, 0)["behoeften"] = scanDomain(in, 0)["behoeften"].([]any)[3:]
	}))
}

func TestFormOfAnotherOriginBecomesAScan(t *testing.T) {
	t.Parallel()
	form, issues := fhir.Parse([]byte(`{"resourceType":"QuestionnaireResponse","id":"form-1","meta":{"versionId":"3","lastUpdated":"2026-07-05T16:00:00Z"},
		"questionnaire":"https://drieluik.example/fhir/Questionnaire/mks-hulpbehoeftescan|1.0.0","status":"completed",
		"subject":{"reference":"Patient/x"},"author":{"reference":"PractitionerRole/nurse"},"source":{"reference":"Patient/x"},
		"item":[{"linkId":"hbs.alg","item":[{"linkId":"hbs.alg.soort","answer":[{"valueCoding":{"code":"eerste"}}]}]},
		 {"linkId":"hbs.med","item":[{"linkId":"hbs.med.huid","item":[
		   {"linkId":"hbs.med.huid.niveau","answer":[{"valueCoding":{"code":"2"}}]}]},{"linkId":"hbs.med.pijn"}]}]}`), fhir.Limits{})
	if form == nil {
		t.Fatal(issues)
	}
	_, issues, err := mks.Format{}.Back([]*fhir.Resource{form}, origin)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, i := range issues {
		got = append(got, i.Diagnostics+" "+i.Expression)
	}
	for _, want := range list("MKS-ENV-01 /inhoud/afgenomenOp", "MKS-ENV-01 /inhoud/kindGehoord") {
		if !slices.Contains(got, want) {
			t.Errorf("got %q, want %q among them", got, want)
		}
	}
	for _, i := range got {
		if strings.Contains(i, "/inhoud/domeinen") {
			t.Errorf("the domains lack something: %s", i)
		}
	}
}
