package validate_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/drieluik/drieluik/conformance/validate"
	"github.com/drieluik/drieluik/fhir"
)

// carePlan is a valid CarePlan of about 4 kB with 12 activities.
func carePlan() []byte {
	activity := `{"detail":{"kind":"ServiceRequest","code":{"coding":[{"system":"http://snomed.info/sct","code":"385949008","display":"Wondzorg"}],"text":"Wondzorg"},` +
		`"status":"in-progress","scheduledTiming":{"repeat":{"boundsPeriod":{"start":"2024-05-01"},"frequency":2,"period":1,"periodUnit":"d"}},` +
		`"performer":[{"reference":"PractitionerRole/thuiszorg-1","display":"Thuiszorg"}],"description":"Wond spoelen en verbinden"}}`
	return []byte(`{"resourceType":"CarePlan","id":"zorgplan-1","meta":{"profile":["https://drieluik.example/fhir/StructureDefinition/zorgplan"]},` +
		`"text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\"><p>Zorgplan</p></div>"},` +
		`"identifier":[{"system":"https://drieluik.example/fhir/zorgplan","value":"1"}],"status":"active","intent":"plan",` +
		`"category":[{"coding":[{"system":"http://snomed.info/sct","code":"736353004"}]}],"title":"Zorgplan","subject":{"reference":"Patient/kind-1"},` +
		`"period":{"start":"2024-05-01","end":"2024-08-01"},"created":"2024-05-01T10:00:00+02:00","author":{"reference":"Practitioner/1"},` +
		`"activity":[` + strings.Repeat(activity+",", 6) + activity + `],"note":[{"time":"2024-05-01T10:00:00+02:00","text":"Overleg met ouders"}]}`)
}

func BenchmarkResource(b *testing.B) {
	src := carePlan()
	r, issues := fhir.Parse(src, fhir.Limits{})
	if r == nil || fhir.HasErrors(validate.Resource(r)) {
		b.Fatal(issues, validate.Resource(r))
	}
	b.SetBytes(int64(len(src)))
	b.ReportAllocs()
	for b.Loop() {
		validate.Resource(r)
	}
}

func BenchmarkParseAndValidate(b *testing.B) {
	src := carePlan()
	b.SetBytes(int64(len(src)))
	b.ReportAllocs()
	for b.Loop() {
		r, issues := fhir.Parse(src, fhir.Limits{})
		if r == nil || fhir.HasErrors(validate.Resource(r)) {
			b.Fatal(issues)
		}
	}
}

// BenchmarkExamples goes through all national examples, when they are there.
func BenchmarkExamples(b *testing.B) {
	files, err := filepath.Glob(filepath.Join(shared(b, "fhir", "nl-core", "examples"), "*.json"))
	if err != nil {
		b.Fatal(err)
	}
	var sources [][]byte
	size := 0
	for _, name := range files {
		src, err := os.ReadFile(name)
		if err != nil {
			b.Fatal(err)
		}
		sources, size = append(sources, src), size+len(src)
	}
	b.SetBytes(int64(size))
	for b.Loop() {
		for _, src := range sources {
			if r, _ := fhir.Parse(src, fhir.Limits{}); r == nil || fhir.HasErrors(validate.Resource(r)) {
				b.Fatal("an example is not valid")
			}
		}
	}
}

// BenchmarkProfiles validates the national examples against the profiles that they claim.
func BenchmarkProfiles(b *testing.B) {
	files, err := filepath.Glob(filepath.Join(shared(b, "fhir", "nl-core", "examples"), "*.json"))
	if err != nil {
		b.Fatal(err)
	}
	v, err := national()
	if err != nil {
		b.Fatal(err)
	}
	var all []*fhir.Resource
	size := 0
	for _, name := range files {
		src, err := os.ReadFile(name)
		if err != nil {
			b.Fatal(err)
		}
		r := parsed(b, string(src))
		v.Resource(r)
		all = append(all, r)
		size += len(src)
	}
	b.SetBytes(int64(size / len(all)))
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		v.Resource(all[i%len(all)])
		i++
	}
}
