package mks_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
	"github.com/drieluik/drieluik/mapping/mks"
)

// receipt is when the records of the tests arrive: later than every vastgelegdOp.
var receipt = time.Date(2026, 12, 1, 9, 0, 0, 0, time.UTC)

// records is the folder of the sample records.
const records = "../../testdata/mks"

// document parses a source document.
func document(t testing.TB, text []byte) *fhir.Resource {
	t.Helper()
	doc, issues := fhir.ParseDocument(text, fhir.Limits{})
	if fhir.HasErrors(issues) {
		t.Fatalf("parse: %v", issues)
	}
	return doc
}

// sample reads a sample record.
func sample(t testing.TB, file string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(records, file))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// submit reads and maps a document with what is known. The issues are those of both steps.
func submit(t testing.TB, k mapping.Known, text []byte) (mapping.Source, mapping.Result, []fhir.Issue) {
	t.Helper()
	s, issues := mks.Format{}.Read(document(t, text), receipt)
	r, err := mks.Format{}.Map(s, k, receipt)
	if err != nil {
		t.Fatalf("map: %v", err)
	}
	issues = append(issues, r.Issues...)
	for _, i := range issues { // whoever mends it reads Dutch
		if i.In.NL == "" || i.In.NL == i.Text || strings.Contains(i.Text, "breaks rule") {
			t.Errorf("%s is told as %q, in Dutch %q", i.Diagnostics, i.Text, i.In.NL)
		}
	}
	return s, r, issues
}

// store submits documents and stores what they become; it fails on an error issue.
func store(t testing.TB, k *mapping.Memory, files ...string) mapping.Result {
	t.Helper()
	var last mapping.Result
	for _, file := range files {
		s, r, issues := submit(t, k, sample(t, file))
		if fhir.HasErrors(issues) {
			t.Fatalf("%s: %v", file, issues)
		}
		k.Apply(s, r, receipt)
		last = r
	}
	return last
}

// counts returns how many resources of each type a result has.
func counts(r mapping.Result) map[string]int {
	out := map[string]int{}
	for _, m := range r.Resources {
		out[string(m.Resource.Type())]++
	}
	return out
}

// edit returns the document with a member, given by its path, set to a JSON value; "" removes it.
func edit(t testing.TB, text []byte, value string, path ...any) []byte {
	t.Helper()
	var doc any
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	var v any
	if value != "" {
		if err := json.Unmarshal([]byte(value), &v); err != nil {
			t.Fatal(err)
		}
	}
	at := doc
	for _, step := range path[:len(path)-1] {
		if i, ok := step.(int); ok {
			at = at.([]any)[i]
			continue
		}
		at = at.(map[string]any)[step.(string)]
	}
	switch last := path[len(path)-1].(type) {
	case int:
		at.([]any)[last] = v
	case string:
		if value == "" {
			delete(at.(map[string]any), last)
			break
		}
		at.(map[string]any)[last] = v
	}
	out, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestKindRecordsOfBorisBecomeTheResourcesOfTheWorkedExample(t *testing.T) {
	t.Parallel()
	k := mapping.NewMemory()
	first := store(t, k, "boris/01-kind.json")
	want := map[string]int{"Patient": 1, "Organization": 9, "Practitioner": 7, "PractitionerRole": 7,
		"RelatedPerson": 4, "Observation": 2, "Coverage": 1, "CareTeam": 1, "Provenance": 1}
	if d := cmp.Diff(want, counts(first)); d != "" {
		t.Errorf("01-kind (-want +got):\n%s", d)
	}
	if got := first.Patient.String(); got != "Patient/857f7414-61fd-5f7b-8cc1-57f7dccedb87" {
		t.Errorf("patient is %s", got)
	}
	second := store(t, k, "boris/02-kind-ziekenhuis.json")
	want = map[string]int{"Organization": 2, "Practitioner": 2, "PractitionerRole": 2,
		"RelatedPerson": 2, "Patient": 1, "Coverage": 1, "Provenance": 1}
	if d := cmp.Diff(want, counts(second)); d != "" {
		t.Errorf("02-kind-ziekenhuis (-want +got):\n%s", d)
	}
	if second.Patient != first.Patient {
		t.Errorf("the hospital's child is %s, not %s", second.Patient, first.Patient)
	}
	// one policy, both parents, the hospital and the paediatrician are known from home care
	shared := map[string]int{"Patient": 1, "Coverage": 1, "Organization": 2, "RelatedPerson": 2, "Practitioner": 1}
	if d := cmp.Diff(shared, both(first, second)); d != "" {
		t.Errorf("shared resources (-want +got):\n%s", d)
	}
}

// both counts the resources that two results write.
func both(a, b mapping.Result) map[string]int {
	out := map[string]int{}
	for _, x := range a.Resources {
		for _, y := range b.Resources {
			if x.Resource.Ref() == y.Resource.Ref() {
				out[string(x.Resource.Type())]++
			}
		}
	}
	return out
}
