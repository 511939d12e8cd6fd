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
	d20140521 = 1400630400000.0           // 2014-05-21T00:00:00Z
	m20140521 = d20140521 - 2*3600*1000.0 // 2014-05-21T00:00:00+02:00, midnight of the server
)

func tokenRow(p, system, value string) search.Row {
	return search.Row{Param: p, Kind: search.Token, System: system, Value: value}
}

func referenceRow(p, system, value string) search.Row {
	return search.Row{Param: p, Kind: search.Reference, System: system, Value: value}
}

func dateRow(p string, low, high float64) search.Row {
	return search.Row{Param: p, Kind: search.Date, Low: low, High: high}
}

func textRow(p, value, shown string) search.Row {
	return search.Row{Param: p, Kind: search.String, Value: value, Text: shown}
}

// indexCases are resources and their rows of the named parameters.
var indexCases = []struct {
	name, src string
	params    []string
	want      []search.Row
}{
	{"a concept gives a row for each coding, and one for its text",
		`{"resourceType":"CarePlan","category":[{"coding":[{"system":"http://snomed.info/sct","code":"1"},{"code":"2"}],"text":"plan"},{"coding":[{"system":"s"}]}]}`,
		[]string{"category"},
		[]search.Row{tokenRow("category", "http://snomed.info/sct", "1"), tokenRow("category", "", "2"),
			{Param: "category", Kind: search.Token, Text: "plan"}, tokenRow("category", "s", "")}},
	{"a text that a coding displays needs no row of its own",
		`{"resourceType":"CarePlan","category":[{"coding":[{"code":"2","display":"Plán"}],"text":"plan"}]}`, []string{"category"},
		[]search.Row{{Param: "category", Kind: search.Token, Value: "2", Text: "plan"}}},
	{"an identifier has rows for its type",
		`{"resourceType":"Patient","identifier":[{"type":{"coding":[{"system":"t","code":"MR"}],"text":"Number"},"value":"7"}]}`,
		[]string{"identifier", "identifier:of-type"},
		[]search.Row{{Param: "identifier", Kind: search.Token, Value: "7", Text: "number"}, tokenRow("identifier:of-type", "t", "MR|7")}},
	{"a code has the system of its required binding",
		`{"resourceType":"Patient","gender":"female"}`, []string{"gender"},
		[]search.Row{tokenRow("gender", "http://hl7.org/fhir/administrative-gender", "female")}},
	{"a boolean has the system of special values",
		`{"resourceType":"Patient","active":true}`, []string{"active"},
		[]search.Row{tokenRow("active", "http://terminology.hl7.org/CodeSystem/special-values", "true")}},
	{"an expression that gives a truth is a token",
		`{"resourceType":"Patient","deceasedDateTime":"2014-05-21"}`, []string{"deceased", "death-date"},
		[]search.Row{dateRow("death-date", m20140521, m20140521+msPerDay), tokenRow("deceased", "http://terminology.hl7.org/CodeSystem/special-values", "true")}},
	{"an identifier is a token, and so is a contact point without a system",
		`{"resourceType":"Patient","identifier":[{"system":"http://fhir.nl/fhir/NamingSystem/bsn","value":"999900000"}],"telecom":[{"system":"phone","value":"06-1"},{"system":"email","value":"a@b"}]}`,
		[]string{"identifier", "telecom", "email"},
		[]search.Row{tokenRow("email", "", "a@b"), tokenRow("identifier", "http://fhir.nl/fhir/NamingSystem/bsn", "999900000"), tokenRow("telecom", "", "06-1"), tokenRow("telecom", "", "a@b")}},
	{"relative and absolute local references are type and id, others their URL",
		`{"resourceType":"CarePlan","subject":{"reference":"Patient/p/_history/3"},"careTeam":[{"reference":"https://drieluik.example/fhir/CareTeam/c"},{"reference":"https://other.example/fhir/CareTeam/c"},{"reference":"#x"},{"reference":"urn:uuid:1"}]}`,
		[]string{"subject", "patient", "care-team"},
		[]search.Row{referenceRow("care-team", "CareTeam", "c"), referenceRow("care-team", "", "https://other.example/fhir/CareTeam/c"), referenceRow("care-team", "", "urn:uuid:1"), referenceRow("patient", "Patient", "p"), referenceRow("subject", "Patient", "p")}},
	{"a group is the subject but no patient",
		`{"resourceType":"CarePlan","subject":{"reference":"Group/g"}}`,
		[]string{"subject", "patient"}, []search.Row{referenceRow("subject", "Group", "g")}},
	{"a logical reference has an identifier row, under patient too when it says its type",
		`{"resourceType":"CarePlan","subject":{"type":"Patient","identifier":{"system":"s","value":"1"}}}`,
		[]string{"subject", "subject:identifier", "patient:identifier"},
		[]search.Row{tokenRow("patient:identifier", "s", "1"), tokenRow("subject:identifier", "s", "1")}},
	{"a canonical is found with and without its version",
		`{"resourceType":"CarePlan","instantiatesCanonical":["http://x.example/PlanDefinition/p|1.0"]}`,
		[]string{"instantiates-canonical"},
		[]search.Row{referenceRow("instantiates-canonical", "", "http://x.example/PlanDefinition/p"), referenceRow("instantiates-canonical", "", "http://x.example/PlanDefinition/p|1.0")}},
	{"a period with one end is open at the other",
		`{"resourceType":"CarePlan","period":{"start":"2014-05-21"}}`, []string{"date"},
		[]search.Row{dateRow("date", m20140521, math.MaxFloat64)}},
	{"a timing has its outer limits",
		`{"resourceType":"CarePlan","activity":[{"detail":{"scheduledTiming":{"event":["2014-05-22","2014-05-21"],"repeat":{"boundsPeriod":{"end":"2014-05-30"}}}}},{"detail":{"scheduledString":"soon"}}]}`,
		[]string{"activity-date"},
		[]search.Row{dateRow("activity-date", -math.MaxFloat64, m20140521+10*msPerDay)}},
	{"an instant is one second wide, in its own zone",
		`{"resourceType":"Observation","effectiveInstant":"2014-05-21T02:00:00+02:00"}`, []string{"date"},
		[]search.Row{dateRow("date", d20140521, d20140521+1000)}},
	{"names and addresses give a row for each part, folded",
		`{"resourceType":"Patient","name":[{"family":"Öberg","given":["Zoë  Anne"],"text":"Zoë"}],"address":[{"city":"Malmö","line":["Å 1"]}]}`,
		[]string{"family", "name", "address"},
		[]search.Row{textRow("address", "a 1", "Å 1"), textRow("address", "malmo", "Malmö"), textRow("family", "oberg", "Öberg"), textRow("name", "zoe", "Zoë"), textRow("name", "oberg", "Öberg"), textRow("name", "zoe anne", "Zoë  Anne")}},
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
	{"a part of a composite may look at the resource",
		`{"resourceType":"MolecularSequence","referenceSeq":{"chromosome":{"coding":[{"code":"7"}]}},"variant":[{"start":1,"end":2}]}`,
		[]string{"chromosome-variant-coordinate$1", "chromosome-variant-coordinate$2", "chromosome-variant-coordinate$3"},
		[]search.Row{
			{Param: "chromosome-variant-coordinate$1", Kind: search.Token, Value: "7", Group: 1},
			{Param: "chromosome-variant-coordinate$2", Kind: search.Number, Low: 1, High: 1, Group: 1},
			{Param: "chromosome-variant-coordinate$3", Kind: search.Number, Low: 2, High: 2, Group: 1},
		}},
	{"an extension is indexed by its value",
		`{"resourceType":"Patient","extension":[{"url":"http://hl7.org/fhir/StructureDefinition/patient-extensions-Patient-mothersMaidenName","valueString":"Bos"}]}`,
		[]string{"mothersMaidenName"}, []search.Row{textRow("mothersMaidenName", "bos", "Bos")}},
	{"a place has latitude and longitude",
		`{"resourceType":"Location","position":{"latitude":52.1,"longitude":5.2}}`, []string{"near"},
		[]search.Row{{Param: "near", Kind: search.Special, Low: 52.1, High: 5.2}}},
	{"a bundle is found by its first resource",
		`{"resourceType":"Bundle","type":"document","entry":[{"resource":{"resourceType":"Composition","id":"c"}},{"resource":{"resourceType":"Patient","id":"p"}}]}`,
		[]string{"composition"}, []search.Row{referenceRow("composition", "Composition", "c")}},
}

func TestIndex(t *testing.T) {
	t.Parallel()
	for _, tt := range indexCases {
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

func TestPublishedExamplesHaveTheirValues(t *testing.T) {
	t.Parallel()
	dir := definitions(t)
	tests := []struct {
		file, query string
		want        bool
	}{
		{"nl-core/examples/nl-core-BodyWeight-01.json", "code=http://loinc.org|29463-7", true},
		{"nl-core/examples/nl-core-BodyWeight-01.json", "value-quantity=2400|http://unitsofmeasure.org|g", true},
		{"nl-core/examples/nl-core-BodyWeight-01.json", "date=2013-02-06", true},
		{"nl-core/examples/nl-core-BodyWeight-01.json", "date=gt2013-02-06", false},
		{"nl-core/examples/nl-core-BodyWeight-01.json", "patient=nl-core-Patient-01", true},
		{"nl-core/examples/nl-core-BodyWeight-01.json", "component-value-concept=DIAPER", true},
		{"nl-core/examples/nl-core-BodyWeight-01.json", "_profile=http://nictiz.nl/fhir/StructureDefinition/nl-core-BodyWeight", true},
		{"nl-core/examples/nl-core-CareTeam-01-Patient-01.json", "family=de%20jong", true},
		{"nl-core/examples/nl-core-CareTeam-01-Patient-01.json", "given:exact=Ingrid", true},
		{"nl-core/examples/nl-core-CareTeam-01-Patient-01.json", "birthdate:missing=true", true},
		{"se-base/examples/Patient-PatientExample189602029812.json", "_security=skyddadFolkbokforing", true},
		{"se-base/examples/Patient-PatientExample189602029812.json", "identifier=189602029812", true},
	}
	for _, tt := range tests {
		src, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(tt.file)))
		if err != nil {
			t.Fatal(err)
		}
		r := resource(t, string(src))
		rows, err := search.Index(r, base)
		if err != nil {
			t.Fatal(err)
		}
		plan, issues := parse(t, r.Type(), tt.query)
		if issues != nil {
			t.Fatalf("%s: %v", tt.query, issues)
		}
		if got := search.Matches(rows, plan.Where[0]); got != tt.want {
			t.Errorf("%s?%s = %v, want %v", tt.file, tt.query, got, tt.want)
		}
	}
}
