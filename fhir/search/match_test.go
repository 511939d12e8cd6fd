package search_test

import (
	"math"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/search"
)

const matched = `{"resourceType":"Observation","id":"o",
 "status":"final",
 "code":{"coding":[{"system":"http://loinc.org","code":"29463-7","display":"Body Weight"}],"text":"Gewicht"},
 "component":[{"code":{"coding":[{"code":"a"}]},"valueQuantity":{"value":1}},{"code":{"coding":[{"code":"b"}]},"valueQuantity":{"value":2}}],
 "subject":{"reference":"Patient/p1","identifier":{"system":"bsn","value":"9"}},
 "performer":[{"reference":"https://other.example/fhir/Practitioner/x"}],
 "effectivePeriod":{"start":"2014-05-21","end":"2014-05-30"},
 "issued":"2014-05-21T10:00:00Z",
 "valueQuantity":{"value":100,"unit":"gram","system":"http://unitsofmeasure.org","code":"g"}}`

const matchedPatient = `{"resourceType":"Patient","id":"p1","name":[{"family":"van Öberg"}],"birthDate":"2014-05-21",
 "identifier":[{"type":{"coding":[{"system":"t","code":"MR"}]},"system":"s","value":"7"}],
 "meta":{"profile":["http://p.example/a|1"]}}`

// matchCases are queries of the observation, or of the patient, and whether they find it.
var matchCases = []struct {
	query       string
	yes, typ    bool // typ: Patient
	description string
}{
	{"status=final", true, false, "a code matches without system"},
	{"status=http://hl7.org/fhir/observation-status|final", true, false, "a code matches with its implied system"},
	{"status=|final", false, false, "a code with an implied system is not without one"},
	{"status=Final", false, false, "codes keep their case"},
	{"status=draft,final", true, false, "one of two is enough"},
	{"status=draft&status=final", false, false, "repeated parameters must all match"},
	{"status:not=draft,final", false, false, "not wants none of them"},
	{"status:not=draft", true, false, "not matches another code"},
	{"category:not=x", true, false, "not matches what has no value"},
	{"code=http://loinc.org|", true, false, "a system alone matches any of its codes"},
	{"code=http://snomed.info/sct|29463-7", false, false, "the system counts"},
	{"subject=p1", true, false, "an id matches any type"},
	{"subject=Patient/p1", true, false, "a typed id matches"},
	{"subject:Patient=p1", true, false, "a type as modifier matches"},
	{"subject:Group=p1", false, false, "another type does not"},
	{"subject=Patient/P1", false, false, "ids keep their case"},
	{"patient=p1", true, false, "the patient is the subject that is a patient"},
	{"subject:identifier=bsn|9", true, false, "a logical reference matches by its identifier"},
	{"subject:identifier=bsn|8", false, false, "another identifier does not"},
	{"performer=x", false, false, "an id does not match a foreign URL"},
	{"performer=https://other.example/fhir/Practitioner/x", true, false, "a foreign URL matches itself"},
	{"encounter:missing=true", true, false, "a parameter without value is missing"},
	{"subject:missing=false", true, false, "a parameter with a value is not"},
	{"subject:missing=true", false, false, "nor is it missing"},
	{"date=2014-05", true, false, "a month contains the period"},
	{"date=2014-05-25", false, false, "a day within does not contain the period"},
	{"date=ne2014-05-25", true, false, "so it is not equal"},
	{"date=gt2014-05-25", true, false, "part of the period is after"},
	{"date=gt2014-05-30", false, false, "no part is after its last day"},
	{"date=lt2014-05-21", false, false, "no part is before its first day"},
	{"date=ge2014-05-30", false, false, "its last day is not within, nor is more after"},
	{"date=sa2014-05-20", true, false, "it starts after the day before"},
	{"date=sa2014-05-21", false, false, "it does not start after its first day"},
	{"date=eb2014-05-31", true, false, "it ends before the day after"},
	{"date=eb2014-05-30", false, false, "it does not end before its last day"},
	{"date=ap2014-05-22", true, false, "about overlaps"},
	{"value-quantity=100", true, false, "a number matches any unit"},
	{"value-quantity=99.6", false, false, "and its own precision"},
	{"value-quantity=1e2", true, false, "and coarser precision"},
	{"value-quantity=gt100", false, false, "nothing is above itself"},
	{"value-quantity=ge100", true, false, "but at least itself"},
	{"value-quantity=lt100.1", true, false, "a compared number is exact"},
	{"value-quantity=sa100", false, false, "nothing starts after itself"},
	{"value-quantity=sa99", true, false, "but after what is below"},
	{"value-quantity=eb100", false, false, "nor ends before itself"},
	{"value-quantity=eb101", true, false, "but before what is above"},
	{"value-quantity=ap105", true, false, "about is a tenth"},
	{"value-quantity=100|http://unitsofmeasure.org|g", true, false, "with its code"},
	{"value-quantity=100|http://unitsofmeasure.org|kg", false, false, "not with another"},
	{"value-quantity=100||gram", true, false, "or with its unit as shown"},
	{"_id=o", true, false, "its own id matches"},
	{"_lastUpdated=ge2014-05", true, false, "its own instant matches"},
	{"family=VAN%20O", true, true, "a string matches its folded beginning"},
	{"family=oberg", false, true, "but not its middle"},
	{"family:contains=OBE", true, true, "unless it may"},
	{"family:exact=van%20%C3%96berg", true, true, "exactly is exact"},
	{"family:exact=van%20%C3%96", false, true, "and whole"},
	{"_profile=http://p.example/a", true, true, "a profile matches without version"},
	{"_profile=http://p.example/a%7C1", true, true, "and with it"},
	{"_profile=http://p.example", false, true, "but not a part of it"},
	{"_profile:below=http://p.example", true, true, "but lies below it"},
	{"_profile:below=http://p.example/", true, true, "with or without a slash"},
	{"_profile:below=http://p.exam", false, true, "at a slash alone"},
	{"_profile:above=http://p.example/a/b", true, true, "and is above what goes on"},
	{"_profile:above=http://p.example/ab", false, true, "at a slash alone too"},
	{"identifier:of-type=t|MR|7", true, true, "an identifier has a type"},
	{"identifier:of-type=t|DL|7", false, true, "and no other"},
	{"code:text=body w", true, false, "a display begins with a text"},
	{"code:text=gewicht", true, false, "as does the text of a concept"},
	{"code:text=weight", false, false, "but it does not begin in its middle"},
	{"code:in=urn:known", false, false, "no code is in the set"},
	{"code:not-in=urn:known", true, false, "so it is not in it"},
	{"component-code:in=urn:known", false, false, "the system of a set counts"},
	{"component-code-value-quantity=a$1", true, false, "a composite matches as a pair"},
	{"component-code-value-quantity=a$2", false, false, "and not across pairs"},
	{"component-code-value-quantity=a$2,b$2", true, false, "or another pair"},
	{"code-value-quantity=http://loinc.org|29463-7$gt99", true, false, "a part has a prefix and a system"},
	{"birthdate=2014-05-21", true, true, "a day matches itself"},
	{"birthdate=2014-05-21T10:00:00Z", false, true, "an instant does not contain the day"},
}

// TestMatches runs queries as a whole: parsed, and held against the rows of a resource.
func TestMatches(t *testing.T) {
	t.Parallel()
	sources := map[string]string{"Observation": matched, "Patient": matchedPatient}
	for _, tt := range matchCases {
		typ := "Observation"
		if tt.typ {
			typ = "Patient"
		}
		t.Run(tt.description+" "+tt.query, func(t *testing.T) {
			t.Parallel()
			r := resource(t, sources[typ])
			rows, err := search.Index(r, base)
			if err != nil {
				t.Fatal(err)
			}
			rows = append(rows, search.OwnRows(r.ID(), time.UnixMilli(d20140521))...)
			values, err := url.ParseQuery(tt.query)
			if err != nil {
				t.Fatal(err)
			}
			plan, issues := search.Parse(r.Type(), values, withTerms)
			if issues != nil {
				t.Fatal(issues)
			}
			got := true
			for _, c := range plan.Where {
				got = got && search.Matches(rows, c)
			}
			if got != tt.yes {
				t.Errorf("matches = %v, want %v", got, tt.yes)
			}
		})
	}
}

func TestNormalize(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"Zoë":                "zoe",
		"Zoe\u0308":          "zoe",
		"  Van  der\tBerg ":  "van der berg",
		"ÅSTRÖM":             "astrom",
		"Straße Æon Łódź":    "strasse aeon lodz",
		"\u0130stanbul 東京 Ж": "istanbul 東京 ж",
		"":                   "",
	}
	for in, want := range tests {
		if got := search.Normalize(in); got != want {
			t.Errorf("Normalize(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestOpenEndsMatchWhatTheyReach(t *testing.T) {
	t.Parallel()
	rows := []search.Row{{Param: "date", Kind: search.Date, Low: d20140521, High: math.MaxFloat64}}
	for query, want := range map[string]bool{"date=gt2050": true, "date=lt2014": false, "date=ge2014-05-21": true, "date=2014": false} {
		plan, issues := parse(t, "CarePlan", query)
		if issues != nil {
			t.Fatal(issues)
		}
		if got := search.Matches(rows, plan.Where[0]); got != want {
			t.Errorf("%s = %v, want %v", query, got, want)
		}
	}
}

func BenchmarkIndex(b *testing.B) {
	src, err := os.ReadFile(filepath.Join("testdata", "careplan.json"))
	if err != nil {
		b.Fatal(err)
	}
	r := resource(b, string(src))
	b.SetBytes(int64(len(src)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := search.Index(r, base); err != nil {
			b.Fatal(err)
		}
	}
}

func FuzzIndex(f *testing.F) {
	f.Add([]byte(matched))
	f.Add([]byte(matchedPatient))
	for _, c := range indexCases {
		f.Add([]byte(c.src))
	}
	f.Add([]byte(`{"resourceType":"Patient","name":"x","_birthDate":[null,{"id":"a"}],"birthDate":{"a":1},"link":[[{"other":[]}]],"telecom":[{"value":1e400}]}`))
	f.Fuzz(func(t *testing.T, src []byte) {
		r, _ := fhir.Parse(src, fhir.Limits{})
		if r == nil {
			return
		}
		rows, err := search.Index(r, base)
		if err != nil {
			t.Fatalf("a parsed resource has no rows: %v", err)
		}
		for _, row := range rows {
			if row.Param == "" || row.Kind == 0 || math.IsNaN(row.Low) || math.IsInf(row.High, 0) {
				t.Errorf("row %+v is not usable", row)
			}
		}
	})
}

func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, issues := parse(b, "CarePlan", "patient=Patient/p1&category=http://snomed.info/sct|734163000&date=ge2026-01-01&_count=50"); issues != nil {
			b.Fatal(issues)
		}
	}
}
