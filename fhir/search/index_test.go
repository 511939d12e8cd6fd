package search_test

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/search"
)

const base = "https://drieluik.example/fhir"

func resource(t testing.TB, src string) *fhir.Resource {
	t.Helper()
	r, issues := fhir.Parse([]byte(src), fhir.Limits{})
	if r == nil {
		t.Fatalf("parse: %v", issues)
	}
	return r
}

// rowsOf indexes a resource and returns the rows of the parameters with one of the names, the name
// itself left out when there is only one.
func rowsOf(t *testing.T, src string, params ...string) []search.Row {
	t.Helper()
	rows, err := search.Index(resource(t, src), base)
	if err != nil {
		t.Fatal(err)
	}
	rows = slices.DeleteFunc(rows, func(r search.Row) bool { return !slices.Contains(params, r.Param) })
	return rows
}

const (
	msPerDay  = 86400_000.0
	d20140521 = 1400630400000.0 // 2014-05-21T00:00:00Z
)

func TestIndex(t *testing.T) {
	t.Parallel()
	token := func(p, system, value string) search.Row {
		return search.Row{Param: p, Kind: search.Token, System: system, Value: value}
	}
	ref := func(p, system, value string) search.Row {
		return search.Row{Param: p, Kind: search.Reference, System: system, Value: value}
	}
	date := func(p string, low, high float64) search.Row {
		return search.Row{Param: p, Kind: search.Date, Low: low, High: high}
	}
	text := func(p, value, shown string) search.Row {
		return search.Row{Param: p, Kind: search.String, Value: value, Text: shown}
	}
	tests := []struct {
		name, src string
		params    []string
		want      []search.Row
	}{
		{"a concept gives a row for each coding, and none for its text",
			`{"resourceType":"CarePlan","category":[{"coding":[{"system":"http://snomed.info/sct","code":"1"},{"code":"2"}],"text":"plan"},{"coding":[{"system":"s"}]}]}`,
			[]string{"category"},
			[]search.Row{token("category", "http://snomed.info/sct", "1"), token("category", "", "2"), token("category", "s", "")}},
		{"a code has the system of its required binding",
			`{"resourceType":"Patient","gender":"female"}`, []string{"gender"},
			[]search.Row{token("gender", "http://hl7.org/fhir/administrative-gender", "female")}},
		{"a boolean has the system of special values",
			`{"resourceType":"Patient","active":true}`, []string{"active"},
			[]search.Row{token("active", "http://terminology.hl7.org/CodeSystem/special-values", "true")}},
		{"an expression that gives a truth is a token",
			`{"resourceType":"Patient","deceasedDateTime":"2014-05-21"}`, []string{"deceased", "death-date"},
			[]search.Row{date("death-date", d20140521, d20140521+msPerDay), token("deceased", "", "true")}},
		{"an identifier is a token, and so is a contact point without a system",
			`{"resourceType":"Patient","identifier":[{"system":"http://fhir.nl/fhir/NamingSystem/bsn","value":"999900000"}],"telecom":[{"system":"phone","value":"06-1"},{"system":"email","value":"a@b"}]}`,
			[]string{"identifier", "telecom", "email"},
			[]search.Row{token("email", "", "a@b"), token("identifier", "http://fhir.nl/fhir/NamingSystem/bsn", "999900000"), token("telecom", "", "06-1"), token("telecom", "", "a@b")}},
		{"relative and absolute local references are type and id, others their URL",
			`{"resourceType":"CarePlan","subject":{"reference":"Patient/p/_history/3"},"careTeam":[{"reference":"https://drieluik.example/fhir/CareTeam/c"},{"reference":"https://other.example/fhir/CareTeam/c"},{"reference":"#x"},{"reference":"urn:uuid:1"}]}`,
			[]string{"subject", "patient", "care-team"},
			[]search.Row{ref("care-team", "CareTeam", "c"), ref("care-team", "", "https://other.example/fhir/CareTeam/c"), ref("care-team", "", "urn:uuid:1"), ref("patient", "Patient", "p"), ref("subject", "Patient", "p")}},
		{"a group is the subject but no patient",
			`{"resourceType":"CarePlan","subject":{"reference":"Group/g"}}`,
			[]string{"subject", "patient"}, []search.Row{ref("subject", "Group", "g")}},
		{"a logical reference has an identifier row, under patient too when it says its type",
			`{"resourceType":"CarePlan","subject":{"type":"Patient","identifier":{"system":"s","value":"1"}}}`,
			[]string{"subject", "subject:identifier", "patient:identifier"},
			[]search.Row{token("patient:identifier", "s", "1"), token("subject:identifier", "s", "1")}},
		{"a canonical is found with and without its version",
			`{"resourceType":"CarePlan","instantiatesCanonical":["http://x.example/PlanDefinition/p|1.0"]}`,
			[]string{"instantiates-canonical"},
			[]search.Row{ref("instantiates-canonical", "", "http://x.example/PlanDefinition/p"), ref("instantiates-canonical", "", "http://x.example/PlanDefinition/p|1.0")}},
		{"a period with one end is open at the other",
			`{"resourceType":"CarePlan","period":{"start":"2014-05-21"}}`, []string{"date"},
			[]search.Row{date("date", d20140521, math.MaxFloat64)}},
		{"a timing has its outer limits",
			`{"resourceType":"CarePlan","activity":[{"detail":{"scheduledTiming":{"event":["2014-05-22","2014-05-21"],"repeat":{"boundsPeriod":{"end":"2014-05-30"}}}}},{"detail":{"scheduledString":"soon"}}]}`,
			[]string{"activity-date"},
			[]search.Row{date("activity-date", -math.MaxFloat64, d20140521+10*msPerDay)}},
		{"an instant is one second wide, in its own zone",
			`{"resourceType":"Observation","effectiveInstant":"2014-05-21T02:00:00+02:00"}`, []string{"date"},
			[]search.Row{date("date", d20140521, d20140521+1000)}},
		{"names and addresses give a row for each part, folded",
			`{"resourceType":"Patient","name":[{"family":"Öberg","given":["Zoë  Anne"],"text":"Zoë"}],"address":[{"city":"Malmö","line":["Å 1"]}]}`,
			[]string{"family", "name", "address"},
			[]search.Row{text("address", "a 1", "Å 1"), text("address", "malmo", "Malmö"), text("family", "oberg", "Öberg"), text("name", "zoe", "Zoë"), text("name", "oberg", "Öberg"), text("name", "zoe anne", "Zoë  Anne")}},
		{"a quantity is a point with its unit, a comparator opens it",
			`{"resourceType":"Observation","valueQuantity":{"value":5.40,"comparator":"<","unit":"mg/l","system":"http://unitsofmeasure.org","code":"mg/L"}}`,
			[]string{"value-quantity"},
			[]search.Row{{Param: "value-quantity", Kind: search.Quantity, System: "http://unitsofmeasure.org", Value: "mg/L", Text: "mg/l", Low: -math.MaxFloat64, High: 5.4}}},
		{"money has its currency as unit",
			`{"resourceType":"Invoice","totalNet":{"value":12,"currency":"EUR"}}`, []string{"totalnet"},
			[]search.Row{{Param: "totalnet", Kind: search.Quantity, System: "urn:iso:std:iso:4217", Value: "EUR", Low: 12, High: 12}}},
		{"a number is a point",
			`{"resourceType":"RiskAssessment","prediction":[{"probabilityDecimal":0.25}]}`, []string{"probability"},
			[]search.Row{{Param: "probability", Kind: search.Number, Low: 0.25, High: 0.25}}},
		{"a uri is itself",
			`{"resourceType":"Patient","meta":{"source":"urn:x","profile":["http://p|2"]}}`, []string{"_source", "_profile"},
			[]search.Row{{Param: "_profile", Kind: search.URI, Value: "http://p"}, {Param: "_profile", Kind: search.URI, Value: "http://p|2"}, {Param: "_source", Kind: search.URI, Value: "urn:x"}}},
		{"the parts of a composite share the group of their repetition",
			`{"resourceType":"Observation","component":[{"code":{"coding":[{"code":"a"}]},"valueQuantity":{"value":1}},{"code":{"coding":[{"code":"b"}]}},{"code":{"coding":[{"code":"c"}]},"valueQuantity":{"value":3}}]}`,
			[]string{"component-code-value-quantity$1", "component-code-value-quantity$2"},
			[]search.Row{
				{Param: "component-code-value-quantity$1", Kind: search.Token, Value: "a", Group: 3},
				{Param: "component-code-value-quantity$2", Kind: search.Quantity, Low: 1, High: 1, Group: 3},
				{Param: "component-code-value-quantity$1", Kind: search.Token, Value: "c", Group: 4},
				{Param: "component-code-value-quantity$2", Kind: search.Quantity, Low: 3, High: 3, Group: 4},
			}},
		{"an extension is indexed by its value",
			`{"resourceType":"Patient","extension":[{"url":"http://hl7.org/fhir/StructureDefinition/patient-extensions-Patient-mothersMaidenName","valueString":"Bos"}]}`,
			[]string{"mothersMaidenName"}, []search.Row{text("mothersMaidenName", "bos", "Bos")}},
		{"a place has latitude and longitude",
			`{"resourceType":"Location","position":{"latitude":52.1,"longitude":5.2}}`, []string{"near"},
			[]search.Row{{Param: "near", Kind: search.Special, Low: 52.1, High: 5.2}}},
		{"a bundle is found by its first resource",
			`{"resourceType":"Bundle","type":"document","entry":[{"resource":{"resourceType":"Composition","id":"c"}},{"resource":{"resourceType":"Patient","id":"p"}}]}`,
			[]string{"composition"}, []search.Row{ref("composition", "Composition", "c")}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, rowsOf(t, tt.src, tt.params...)); diff != "" {
				t.Errorf("rows (-want +got):\n%s", diff)
			}
		})
	}
}

// definitions returns the folder of third-party definitions, or skips the test.
func definitions(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("DRIELUIK_SHARED")
	for up := "."; dir == ""; up = filepath.Join(up, "..") {
		if _, err := os.Stat(filepath.Join(up, "go.mod")); err == nil {
			dir = filepath.Join(up, "..", "shared")
		} else if abs, err := filepath.Abs(up); err != nil || abs == "/" {
			break
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "fhir")); dir == "" || err != nil {
		t.Skip("third-party definitions are absent: set DRIELUIK_SHARED")
	}
	return filepath.Join(dir, "fhir")
}

func TestIndexTakesThePublishedExamples(t *testing.T) {
	t.Parallel()
	dir := definitions(t)
	files := 0
	for _, pattern := range []string{"nl-core/examples/*.json", "se-base/examples/*.json"} {
		names, err := filepath.Glob(filepath.Join(dir, filepath.FromSlash(pattern)))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			src, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			r, issues := fhir.Parse(src, fhir.Limits{})
			if r == nil {
				t.Errorf("%s: %v", filepath.Base(name), issues)
				continue
			}
			rows, err := search.Index(r, base)
			if err != nil {
				t.Errorf("%s: %v", filepath.Base(name), err)
			}
			checkRows(t, filepath.Base(name), r, rows)
			files++
		}
	}
	if files < 100 {
		t.Errorf("indexed %d examples, want them all", files)
	}
}

// checkRows holds what every row of every resource must hold.
func checkRows(t *testing.T, name string, r *fhir.Resource, rows []search.Row) {
	t.Helper()
	subject := r.Root().At("subject", "reference").Text()
	found := false
	for _, row := range rows {
		found = found || row.System+"/"+row.Value == subject || row.Value == subject
		if row.Low > row.High && row.Kind != search.Special {
			t.Errorf("%s: %s ends before it starts", name, row.Param)
		}
		if row.Kind == search.String && row.Value != search.Normalize(row.Text) {
			t.Errorf("%s: %s is not normalised", name, row.Param)
		}
	}
	if subject != "" && !strings.HasPrefix(subject, "#") && !found {
		t.Errorf("%s: its subject is in no row", name)
	}
}
