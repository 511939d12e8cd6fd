package mks_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/drieluik/drieluik/conformance/validate"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
	"github.com/drieluik/drieluik/mapping/mappingtest"
	"github.com/drieluik/drieluik/mapping/mks"
)

// storyNow is the clock of the sample records.
var storyNow = time.Date(2026, 11, 21, 20, 0, 0, 0, time.FixedZone("", 3600))

// transferAfter maps a record after others were stored, and returns its result with all issues.
func transferAfter(t *testing.T, file string, before ...string) (*mappingtest.Known, mapping.Result) {
	t.Helper()
	known := mappingtest.New()
	for _, f := range before {
		source, result := mapTransferFile(t, known, f)
		if fhir.HasErrors(result.Issues) {
			t.Fatalf("%s: %v", f, result.Issues)
		}
		known.Apply(source, result, storyNow)
	}
	_, result := mapTransferFile(t, known, file)
	return known, result
}

func mapTransferFile(t *testing.T, known *mappingtest.Known, file string) (mapping.Source, mapping.Result) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("../../testdata/mks", file))
	if err != nil {
		t.Fatal(err)
	}
	return mapTransfer(t, known, b)
}

func mapTransfer(t *testing.T, known *mappingtest.Known, b []byte) (mapping.Source, mapping.Result) {
	t.Helper()
	doc, issues := fhir.ParseDocument(b, fhir.Limits{})
	if fhir.HasErrors(issues) {
		t.Fatal(issues)
	}
	source, issues := mks.Format{}.Read(doc, storyNow)
	result, err := mks.Format{}.Map(source, known, storyNow)
	if err != nil {
		t.Fatal(err)
	}
	result.Issues = append(issues, result.Issues...)
	return source, result
}

func TestTransferOfBorisBecomesTheResourcesOfTheTable(t *testing.T) {
	t.Parallel()
	_, result := transferAfter(t, "boris/11-overdracht-ziekenhuis-naar-huis.json", "boris/01-kind.json", "boris/02-kind-ziekenhuis.json")
	if fhir.HasErrors(result.Issues) {
		t.Fatal(result.Issues)
	}
	counts := map[string]int{}
	for _, m := range result.Resources {
		counts[string(m.Resource.Type())]++
		if issues := validate.Resource(m.Resource); fhir.HasErrors(issues) {
			t.Errorf("%s is not valid: %v", m.Resource.Ref(), issues)
		}
	}
	want := map[string]int{ // mks.md 8
		"Observation": 11, "Condition": 4, "AllergyIntolerance": 1, "Flag": 1, "CarePlan": 3, "Encounter": 3,
		"Device": 2, "DeviceUseStatement": 2, "NutritionOrder": 1, "DocumentReference": 1,
		"QuestionnaireResponse": 1, "Composition": 1, "Task": 1, "Provenance": 1,
	}
	if d := cmp.Diff(want, counts); d != "" {
		t.Errorf("resources (-want +got):\n%s", d)
	}
	if got := result.Anchor.String(); got != "Composition/e2a25bed-6435-5c5a-9e4d-46086152a070" {
		t.Errorf("anchor = %s", got)
	}
}
