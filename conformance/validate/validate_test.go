package validate_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drieluik/drieluik/conformance/validate"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/r4"
)

// faults validates a resource and returns "path rule" of every error.
func faults(t *testing.T, src string) []string {
	t.Helper()
	r, issues := fhir.Parse([]byte(src), fhir.Limits{})
	if r == nil {
		t.Fatalf("not parsed: %v", issues)
	}
	found := []string{}
	for _, i := range validate.Resource(r) {
		if i.Severity == "" || i.Code == "" || !strings.HasSuffix(i.Text, ".") {
			t.Errorf("incomplete issue: %+v", i)
		}
		if i.Severity != fhir.SeverityError {
			continue
		}
		found = append(found, i.Expression+" "+i.Diagnostics)
	}
	return found
}

// onlyErrors drops what does not refuse a resource.
func onlyErrors(issues []fhir.Issue) []fhir.Issue {
	return slices.DeleteFunc(issues, func(i fhir.Issue) bool { return i.Severity != fhir.SeverityError })
}

// example is a resource and the faults it must have, in order.
type example struct {
	name, resource string
	want           []string
}

func run(t *testing.T, examples []example) {
	t.Helper()
	for _, e := range examples {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			want := e.want
			if want == nil {
				want = []string{}
			}
			if diff := cmp.Diff(want, faults(t, e.resource)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func patient(members string) string { return `{"resourceType":"Patient",` + members + `}` }

func TestStructure(t *testing.T) {
	t.Parallel()
	run(t, []example{
		{"a whole patient is valid", patient(`"id":"p.1-A","active":true,"name":[{"given":["A",null],"_given":[null,{"extension":[{"url":"http://e.org/x","valueCode":"masked"}]}]}],"multipleBirthInteger":2`), nil},
		{"an unknown element", patient(`"birthdate":"2024-01-01"`), []string{"Patient.birthdate FHIR-STRUCT-UNKNOWN"}},
		{"an unknown element deep down", patient(`"contact":[{"name":{"family":"A","nick":"B"}}]`), []string{"Patient.contact[0].name.nick FHIR-STRUCT-UNKNOWN"}},
		{"a member without name", patient(`"extension":[{"":0}]`), []string{"Patient.extension[0] ext-1", "Patient.extension[0].children() FHIR-STRUCT-UNKNOWN", "Patient.extension[0].url FHIR-CARD-MIN"}},
		{"a choice without its type", patient(`"deceased":true`), []string{"Patient.deceased FHIR-STRUCT-UNKNOWN"}},
		{"a choice of a type it does not have", patient(`"deceasedString":"yes"`), []string{"Patient.deceasedString FHIR-STRUCT-UNKNOWN"}},
		{"resourceType in a data type", patient(`"maritalStatus":{"resourceType":"CodeableConcept","text":"A"}`), []string{"Patient.maritalStatus.resourceType FHIR-STRUCT-UNKNOWN"}},
		{"extensions of a primitive", patient(`"_birthDate":{"extension":[{"url":"http://e.org/x","valueTime":"10:00:00"}]}`), nil},
		{"an id of a primitive", patient(`"birthDate":"2020","_birthDate":{"id":"b"}`), nil},
		{"a twin of an element with parts", patient(`"_name":[{"id":"a"}]`), []string{"Patient.name FHIR-STRUCT-UNKNOWN"}},
		{"a twin of nothing", patient(`"_nothing":{"id":"a"}`), []string{"Patient.nothing FHIR-STRUCT-UNKNOWN"}},
		{"a twin that holds a value", patient(`"_birthDate":{"value":"2020-01-01"}`), []string{"Patient.birthDate.value FHIR-STRUCT-UNKNOWN"}},
		{"a twin that is no object", patient(`"birthDate":"2020","_birthDate":"x"`), []string{"Patient.birthDate FHIR-TYPE"}},
		{"a twin of an element id", patient(`"name":[{"id":"a","_id":{"id":"b"},"family":"C"}]`), []string{"Patient.name[0].id FHIR-STRUCT-UNKNOWN"}},
		{"a twin shorter than its values", patient(`"name":[{"given":["A","B"],"_given":[{"id":"a"}]}]`), []string{"Patient.name[0].given FHIR-STRUCT-TWIN"}},
		{"nothing but an id", patient(`"name":[{"id":"a"}]`), []string{"Patient.name[0] ele-1"}},
		{"several faults in the order of the document", patient(`"gender":"jongen","birthDate":"2024-13-77","nope":1,"contact":[{"gender":"x"}],"link":[{"type":"seealso"}]`), []string{
			"Patient.gender FHIR-CODE-REQUIRED", "Patient.birthDate FHIR-FORMAT", "Patient.nope FHIR-STRUCT-UNKNOWN",
			"Patient.contact[0].gender FHIR-CODE-REQUIRED", "Patient.contact[0] pat-1", "Patient.link[0].other FHIR-CARD-MIN",
		}},
	})
}

func TestCardinality(t *testing.T) {
	t.Parallel()
	run(t, []example{
		{"required elements are missing", `{"resourceType":"CarePlan","id":"a"}`, []string{"CarePlan.status FHIR-CARD-MIN", "CarePlan.intent FHIR-CARD-MIN", "CarePlan.subject FHIR-CARD-MIN"}},
		{"a required element of a part is missing", `{"resourceType":"CarePlan","status":"active","intent":"plan","subject":{"reference":"Patient/1"},"activity":[{"detail":{"description":"A"}}]}`, []string{"CarePlan.activity[0].detail.status FHIR-CARD-MIN"}},
		{"a required choice is missing", `{"resourceType":"MedicationRequest","status":"active","intent":"order","subject":{"display":"A"}}`, []string{"MedicationRequest.medication FHIR-CARD-MIN"}},
		{"a required element of a content reference is missing", `{"resourceType":"Questionnaire","status":"draft","item":[{"linkId":"1","type":"group","item":[{"linkId":"1.1"}]}]}`, []string{"Questionnaire.item[0].item[0].type FHIR-CARD-MIN"}},
		{"extensions alone stand for a required primitive", `{"resourceType":"Flag","_status":{"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/data-absent-reason","valueCode":"unknown"}]},"code":{"text":"A"},"subject":{"display":"B"}}`, nil},
		{"an array for a single value", patient(`"birthDate":["2024-01-01"]`), []string{"Patient.birthDate FHIR-CARD-MAX"}},
		{"an array for a single part", patient(`"maritalStatus":[{"text":"A"},{"txt":"B"}]`), []string{"Patient.maritalStatus FHIR-CARD-MAX", "Patient.maritalStatus[1].txt FHIR-STRUCT-UNKNOWN"}},
		{"a single value for an array", patient(`"name":{"family":1}`), []string{"Patient.name FHIR-TYPE", "Patient.name.family FHIR-TYPE"}},
		{"a single primitive for an array", patient(`"name":[{"given":"A"}]`), []string{"Patient.name[0].given FHIR-TYPE"}},
		{"an array in an array", patient(`"name":[[{"family":"A"}]]`), []string{"Patient.name[0] FHIR-TYPE"}},
		{"two types of a choice", patient(`"deceasedBoolean":false,"gender":"male","deceasedDateTime":"2020"`), []string{"Patient.deceasedDateTime FHIR-CHOICE"}},
		{"two types of a choice, one by its twin", patient(`"deceasedBoolean":false,"_deceasedDateTime":{"extension":[{"url":"http://e.org/x","valueCode":"a"}]}`), []string{"Patient.deceasedDateTime FHIR-CHOICE"}},
		{"one type of a choice and its twin", patient(`"deceasedDateTime":"2020","_deceasedDateTime":{"id":"a"}`), nil},
		{"a comparator in a simple quantity", `{"resourceType":"Substance","code":{"text":"A"},"instance":[{"quantity":{"value":1,"comparator":"<"}}]}`, []string{"Substance.instance[0].quantity.comparator FHIR-CARD-MAX"}},
		{"an extension of a narrative", `{"resourceType":"Basic","code":{"text":"A"},"text":{"status":"empty","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">A</div>","_div":{"extension":[{"url":"http://e.org/x","valueCode":"a"}]}}}`, []string{"Basic.text.div.extension FHIR-CARD-MAX"}},
	})
}

func TestExtensions(t *testing.T) {
	t.Parallel()
	run(t, []example{
		{"an extension without url", patient(`"extension":[{"valueString":"A"}]`), []string{"Patient.extension[0].url FHIR-CARD-MIN"}},
		{"a value and extensions", patient(`"extension":[{"url":"http://e.org/x","valueString":"A","extension":[{"url":"y","valueBoolean":true}]}]`), []string{"Patient.extension[0] ext-1"}},
		{"a value by its twin and extensions", patient(`"extension":[{"url":"http://e.org/x","_valueString":{"id":"a"},"extension":[{"url":"y","valueBoolean":true}]}]`), []string{"Patient.extension[0] ext-1"}},
		{"neither value nor extensions", patient(`"modifierExtension":[{"url":"http://e.org/x"}]`), []string{"Patient.modifierExtension[0] ext-1"}},
		{"two values", patient(`"extension":[{"url":"http://e.org/x","valueString":"A","valueCode":"B"}]`), []string{"Patient.extension[0].valueCode FHIR-CHOICE"}},
		{"the url cannot be extended", patient(`"extension":[{"url":"http://e.org/x","_url":{"id":"a"},"valueString":"A"}]`), []string{"Patient.extension[0].url FHIR-STRUCT-UNKNOWN"}},
		{"a fault in a value", patient(`"extension":[{"url":"http://e.org/x","valueHumanName":{"use":"bijnaam"}}]`), []string{"Patient.extension[0].valueHumanName.use FHIR-CODE-REQUIRED"}},
		{"a fault in an extension of a primitive in an array", patient(`"name":[{"given":["A"],"_given":[{"extension":[{"url":"a b","valueString":"C"}]}]}]`), []string{"Patient.name[0].given[0].extension[0].url FHIR-FORMAT"}},
	})
}

func TestCodes(t *testing.T) {
	t.Parallel()
	const system = "http://terminology.hl7.org/CodeSystem/condition-clinical"
	condition := func(status string) string {
		return `{"resourceType":"Condition","subject":{"reference":"Patient/1"},"clinicalStatus":` + status + `}`
	}
	run(t, []example{
		{"a code outside a required set", patient(`"gender":"jongen"`), []string{"Patient.gender FHIR-CODE-REQUIRED"}},
		{"a code in capitals", patient(`"gender":"Male"`), []string{"Patient.gender FHIR-CODE-REQUIRED"}},
		{"a code with a space behind", patient(`"gender":"male "`), []string{"Patient.gender FHIR-FORMAT"}},
		{"a code of a set that lists a few of a system", `{"resourceType":"CarePlan","status":"active","intent":"filler-order","subject":{"display":"A"}}`, []string{"CarePlan.intent FHIR-CODE-REQUIRED"}},
		{"a code of a set that is not listed in full", `{"resourceType":"Binary","contentType":"text/whatever"}`, nil},
		{"a concept in a required set", condition(`{"coding":[{"system":"http://e.org","code":"x"},{"system":"` + system + `","code":"active"}]}`), nil},
		{"a concept outside a required set", condition(`{"coding":[{"system":"` + system + `","code":"actief"}]}`), []string{"Condition.clinicalStatus FHIR-CODE-REQUIRED"}},
		{"a concept of another system", condition(`{"coding":[{"system":"http://e.org","code":"active"}]}`), []string{"Condition.clinicalStatus FHIR-CODE-REQUIRED"}},
		{"a concept without system", condition(`{"coding":[{"code":"active"}]}`), []string{"Condition.clinicalStatus FHIR-CODE-REQUIRED"}},
		{"a concept of text alone", condition(`{"text":"active"}`), []string{"Condition.clinicalStatus FHIR-CODE-REQUIRED"}},
	})
}

func TestInnerResources(t *testing.T) {
	t.Parallel()
	const patientOf = `"subject":{"reference":"Patient/1"}`
	run(t, []example{
		{"a fault in a contained resource", patient(`"contained":[{"resourceType":"Organization","id":"o","name":1}],"managingOrganization":{"reference":"#o"}`), []string{"Patient.contained[0].name FHIR-TYPE"}},
		{"contained in contained", patient(`"contained":[{"resourceType":"Patient","id":"a","contained":[{"resourceType":"Organization","id":"b","name":"A","nope":1}]}]`), []string{"Patient.contained[0] dom-3", "Patient.contained[0].contained[0] dom-2", "Patient.contained[0].contained[0] dom-3", "Patient.contained[0].contained[0].nope FHIR-STRUCT-UNKNOWN"}},
		{"two contained resources of one id", patient(`"contained":[{"resourceType":"Organization","id":"a","name":"A"},{"resourceType":"Organization","id":"b","name":"A"},{"resourceType":"Location","id":"a"}]`), []string{"Patient.contained[0] dom-3", "Patient.contained[1] dom-3", "Patient.contained[2] dom-3", "Patient.contained[2].id FHIR-CONTAINED-ID"}},
		{"a contained resource without type", patient(`"contained":[{"id":"a"}]`), []string{"Patient.contained[0] FHIR-STRUCT-RESOURCE"}},
		{"a contained resource of no R4 type", patient(`"contained":[{"resourceType":"Patiënt"}]`), []string{"Patient.contained[0] FHIR-STRUCT-RESOURCE"}},
		{"a contained resource of an abstract type", patient(`"contained":[{"resourceType":"DomainResource"}]`), []string{"Patient.contained[0] FHIR-STRUCT-RESOURCE"}},
		{"a contained resource that is text", patient(`"contained":["Organization/1"]`), []string{"Patient.contained[0] FHIR-TYPE"}},
		{"a fault in an entry of a bundle", `{"resourceType":"Bundle","type":"collection","entry":[{"resource":` + patient(`"gender":"x"`) + `}]}`, []string{"Bundle.entry[0].resource.gender FHIR-CODE-REQUIRED"}},
		{"a fault in a parameter", `{"resourceType":"Parameters","parameter":[{"name":"a","part":[{"name":"b","resource":` + patient(`"active":"true"`) + `}]}]}`, []string{"Parameters.parameter[0].part[0].resource.active FHIR-TYPE"}},
		{"each entry looks into its own contained resources", `{"resourceType":"Bundle","type":"collection","entry":[` +
			`{"resource":` + patient(`"contained":[{"resourceType":"Organization","id":"o","name":"A"}],"managingOrganization":{"reference":"#o"}`) + `},` +
			`{"resource":` + patient(`"managingOrganization":{"reference":"#o"}`) + `}]}`, []string{"Bundle.entry[1].resource.managingOrganization.reference ref-1"}},
		{"a contained resource refers to its container", `{"resourceType":"CarePlan","status":"active","intent":"plan",` + patientOf + `,"contained":[{"resourceType":"Goal","lifecycleStatus":"active","description":{"text":"A"},` + patientOf + `,"addresses":[{"reference":"#"}]}]}`, []string{"CarePlan.contained[0].addresses[0].reference FHIR-REF-TARGET"}},
	})
}

func TestAllResourceTypesAreKnown(t *testing.T) {
	t.Parallel()
	for _, typ := range fhir.Types() {
		for _, f := range faults(t, `{"resourceType":"`+string(typ)+`","id":"a","meta":{"profile":["http://e.org/p"]}}`) {
			if lacks := strings.HasSuffix(f, " FHIR-CARD-MIN") || strings.HasPrefix(f, string(typ)+" ") && strings.Contains(f, "-"); !lacks {
				t.Errorf("%s: %s", typ, f)
			}
		}
	}
}

func TestNoIssueRepeatsAValue(t *testing.T) {
	t.Parallel()
	const secret = "geheim"
	src := patient(`"gender":"` + secret + `","birthDate":"` + secret + `","active":"` + secret + `","` + secret + `!":"` + secret +
		`","managingOrganization":{"reference":"` + secret + `"},"text":{"status":"` + secret + `","div":"<` + secret + `>"}`)
	r, issues := fhir.Parse([]byte(src), fhir.Limits{})
	if r == nil {
		t.Fatal(issues)
	}
	issues = onlyErrors(validate.Resource(r))
	if len(issues) != 7 {
		t.Errorf("%d issues, want 7", len(issues))
	}
	for _, i := range issues {
		if strings.Contains(i.Text+i.Expression, secret) {
			t.Errorf("a value leaks: %+v", i)
		}
	}
}

func TestTheNumberOfIssuesIsBounded(t *testing.T) {
	t.Parallel()
	src := patient(`"name":[` + strings.Repeat(`{"x":1},`, 5000) + `{"x":1}]`)
	found := faults(t, src)
	if len(found) != 101 || found[100] != "Patient FHIR-MORE" {
		t.Errorf("%d issues, the last one is %s", len(found), found[len(found)-1])
	}
}

func TestAnUnknownElementNamesTheProbableOne(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ member, meant string }{
		{"birthdate", "birthDate"}, {"names", "name"}, {"addres", "address"}, {"nationality", ""}, {"contacts", "contact"},
		{"deceased", "deceasedBoolean"}, {"_Gender", "gender"}, {"photos", "photo"},
	} {
		r, issues := fhir.Parse([]byte(patient(`"`+c.member+`":"a"`)), fhir.Limits{})
		if r == nil {
			t.Fatal(issues)
		}
		text := "R4 does not define this element in Patient; remove it"
		if c.meant != "" {
			text += " or write it as in Patient." + c.meant
		}
		want := []fhir.Issue{{
			Severity: "error", Code: "structure", Expression: "Patient." + strings.TrimPrefix(c.member, "_"),
			Diagnostics: "FHIR-STRUCT-UNKNOWN", Text: text + ".",
		}}
		if diff := cmp.Diff(want, onlyErrors(validate.Resource(r))); diff != "" {
			t.Error(diff)
		}
	}
}

// The walk remembers which elements it saw in the bits of one word.
func TestNoStructureHasMoreElementsThanAWordHasBits(t *testing.T) {
	t.Parallel()
	for name, s := range r4.All() {
		if len(s.Elements) > 64 {
			t.Errorf("%s has %d elements", name, len(s.Elements))
		}
	}
}
