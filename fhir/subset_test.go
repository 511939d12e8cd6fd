package fhir_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drieluik/drieluik/fhir"
)

func TestSelectShowsWhatIsAskedForAndWhatR4Demands(t *testing.T) {
	t.Parallel()
	const mark = `"tag":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ObservationValue","code":"SUBSETTED"}]`
	const report = `{"resourceType":"TestReport","id":"t","text":{"status":"generated"},"_status":{"id":"s"},"status":"completed",` +
		`"testScript":{"reference":"TestScript/a"},"result":"pass","score":1.50,"participant":[{"type":"client","uri":"urn:a","display":"d"}],` +
		`"setup":{"action":[{"operation":{"result":"pass"}}]}}`
	const list = `{"resourceType":"ImplementationGuide","url":"urn:g","name":"n","status":"draft","packageId":"p","fhirVersion":["4.0.1"],` +
		`"dependsOn":[{"uri":"urn:d","packageId":"d"}],"global":[{"type":"Patient","profile":"urn:p"}],"definition":{"resource":[{"reference":{"reference":"Patient/a"}}]}}`
	const device = `{"resourceType":"MedicinalProduct","name":[{"productName":"n","namePart":[{"part":"p","type":{"code":"c"}}]}],` +
		`"specialDesignation":[{"date":"2020"}]}`
	for _, c := range []struct {
		name, source string
		selection    fhir.Selection
		want         string
	}{
		{"nothing is left out", report, fhir.Selection{}, report},
		{"a summary", report, fhir.Selection{Summary: "true"},
			`{"resourceType":"TestReport","id":"t","_status":{"id":"s"},"status":"completed","testScript":{"reference":"TestScript/a"},"result":"pass","score":1.50,"meta":{` + mark + `}}`},
		{"the narrative", report, fhir.Selection{Summary: "text"},
			`{"resourceType":"TestReport","id":"t","text":{"status":"generated"},"_status":{"id":"s"},"status":"completed","testScript":{"reference":"TestScript/a"},"result":"pass","meta":{` + mark + `}}`},
		{"elements by name", report, fhir.Selection{Elements: []string{"setup"}},
			`{"resourceType":"TestReport","id":"t","_status":{"id":"s"},"status":"completed","testScript":{"reference":"TestScript/a"},"result":"pass","setup":{"action":[{"operation":{"result":"pass"}}]},"meta":{` + mark + `}}`},
		{"parts of a part", list, fhir.Selection{Summary: "true"},
			`{"resourceType":"ImplementationGuide","url":"urn:g","name":"n","status":"draft","packageId":"p","fhirVersion":["4.0.1"],"dependsOn":[{"uri":"urn:d","packageId":"d"}],"global":[{"type":"Patient","profile":"urn:p"}],"meta":{` + mark + `}}`},
		{"the parts of a part that belong to a summary", device, fhir.Selection{Summary: "true"},
			`{"resourceType":"MedicinalProduct","name":[{"productName":"n","namePart":[{"part":"p","type":{"code":"c"}}]}],"specialDesignation":[{"date":"2020"}],"meta":{` + mark + `}}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r, issues := fhir.Parse([]byte(c.source), fhir.Limits{})
			if r == nil {
				t.Fatal(issues)
			}
			got, err := r.Select(c.selection)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, string(got.Bytes())); diff != "" {
				t.Error(diff)
			}
			again, err := got.Select(c.selection)
			if err != nil || string(again.Bytes()) != string(got.Bytes()) {
				t.Errorf("selected twice: %v %s", err, again.Bytes())
			}
		})
	}
}
