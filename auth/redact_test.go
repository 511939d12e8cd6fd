package auth_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drieluik/drieluik/auth"
)

const wholeChild = `{"resourceType":"Patient","id":"kim","meta":{"versionId":"3","tag":[{"system":"urn:x","code":"y"}]},
	"text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">Kim 999912148</div>"},
	"identifier":[{"system":"http://fhir.nl/fhir/NamingSystem/bsn","value":"999912148"},{"system":"urn:local","value":"7"}],
	"active":true,"name":[{"text":"Kim Voorbeeld"},{"family":"Voorbeeld","given":["Kim","Anna"]}],
	"telecom":[{"system":"phone","value":"0612345678"}],"gender":"female","birthDate":"2020-05-04",
	"address":[{"city":"Utrecht"}],"contact":[{"name":{"text":"x"}}]}`

const subsetted = `{"system":"http://terminology.hl7.org/CodeSystem/v3-ObservationValue","code":"SUBSETTED"}`

const redacted = `{"system":"http://terminology.hl7.org/CodeSystem/v3-ObservationValue","code":"REDACTED"}`

func TestObligationsTakeElementsOut(t *testing.T) {
	for name, c := range map[string]struct {
		resource    string
		obligations []string
		want        string
	}{
		"a child in its least form for an organisation": {wholeChild, []string{auth.MinimalPatient},
			`{"resourceType":"Patient","id":"kim","meta":{"versionId":"3","tag":[{"system":"urn:x","code":"y"},` + subsetted + `]},
			"identifier":[{"system":"http://fhir.nl/fhir/NamingSystem/bsn","value":"999912148"}],
			"name":[{"family":"Voorbeeld","given":["Kim"]}],"gender":"female","birthDate":"2020"}`},
		"and for a helper": {wholeChild, []string{auth.MinimalPatient, auth.RedactBSN},
			`{"resourceType":"Patient","id":"kim","meta":{"versionId":"3","tag":[{"system":"urn:x","code":"y"},` + subsetted + `]},
			"name":[{"given":["Kim"]}],"gender":"female","birthDate":"2020"}`},
		"a child with nothing to show": {`{"resourceType":"Patient","id":"kim","name":[{"text":"Kim"}]}`, []string{auth.MinimalPatient},
			`{"resourceType":"Patient","id":"kim","meta":{"tag":[` + subsetted + `]}}`},
		"the least form leaves other types alone": {plan("p"), []string{auth.MinimalPatient}, plan("p")},
		"every national identifier goes for a helper": {
			`{"resourceType":"Task","id":"t","status":"requested","intent":"order","contained":[{"resourceType":"Patient","id":"c","identifier":[{"system":"http://electronichealth.se/identifier/personnummer","value":"202204102384"}]}],
			"for":{"reference":"Patient/kim","identifier":{"system":"http://fhir.nl/fhir/NamingSystem/bsn","value":"999912148"}},"identifier":[{"system":"http://fhir.nl/fhir/NamingSystem/bsn","value":"999912148"}]}`,
			[]string{auth.RedactBSN},
			`{"resourceType":"Task","id":"t","status":"requested","intent":"order","contained":[{"resourceType":"Patient","id":"c"}],"for":{"reference":"Patient/kim"}}`},
		"a narrative without a number stays": {
			`{"resourceType":"Goal","id":"g","text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">doel 1</div>"},"lifecycleStatus":"active","subject":{"reference":"Patient/kim"}}`,
			[]string{auth.RedactBSN},
			`{"resourceType":"Goal","id":"g","text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">doel 1</div>"},"lifecycleStatus":"active","subject":{"reference":"Patient/kim"}}`},
		"a protected address": {wholeChild, []string{auth.RedactProtectedAddress},
			`{"resourceType":"Patient","id":"kim","meta":{"versionId":"3","tag":[{"system":"urn:x","code":"y"}],"security":[` + redacted + `]},
			"identifier":[{"system":"http://fhir.nl/fhir/NamingSystem/bsn","value":"999912148"},{"system":"urn:local","value":"7"}],
			"active":true,"name":[{"text":"Kim Voorbeeld"},{"family":"Voorbeeld","given":["Kim","Anna"]}],"gender":"female","birthDate":"2020-05-04"}`},
		"the place of an appointment": {
			`{"resourceType":"Appointment","id":"a","status":"booked","participant":[{"actor":{"reference":"Patient/kim"},"status":"accepted"},{"actor":{"reference":"Location/clinic"},"status":"accepted"}]}`,
			[]string{auth.RedactProtectedAddress},
			`{"resourceType":"Appointment","id":"a","meta":{"security":[` + redacted + `]},"status":"booked","participant":[{"actor":{"reference":"Patient/kim"},"status":"accepted"}]}`},
		"a place of another server, or of this one by its whole address": {
			`{"resourceType":"Appointment","id":"a","status":"booked","participant":[{"actor":{"reference":"Patient/kim"},"status":"accepted"},{"actor":{"reference":"https://fhir.example/fhir/Location/clinic","display":"Street 1"},"status":"accepted"}]}`,
			[]string{auth.RedactProtectedAddress},
			`{"resourceType":"Appointment","id":"a","meta":{"security":[` + redacted + `]},"status":"booked","participant":[{"actor":{"reference":"Patient/kim"},"status":"accepted"}]}`},
		"a number in the words of a part": {
			`{"resourceType":"Composition","id":"c","status":"final","contained":[{"resourceType":"Patient","id":"p","text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">999990019</div>"},"gender":"female"}],"section":[{"title":"s","text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">999 990 019</div>"}}]}`,
			[]string{auth.RedactBSN},
			`{"resourceType":"Composition","id":"c","status":"final","contained":[{"resourceType":"Patient","id":"p","gender":"female"}],"section":[{"title":"s"}]}`},
		"a meeting of a plan that its reader may not see": {
			`{"resourceType":"Appointment","id":"a","status":"booked","comment":"x","participant":[{"type":[{"coding":[{"system":"https://drieluik.example/fhir/CodeSystem/se-kallelse","code":"kallande"}]}],"actor":{"reference":"HealthcareService/h"},"status":"accepted"},{"actor":{"reference":"RelatedPerson/f"},"status":"declined"}]}`,
			[]string{auth.MeetingView},
			`{"resourceType":"Appointment","id":"a","meta":{"security":[` + subsetted + `]},"status":"booked","participant":[{"type":[{"coding":[{"system":"https://drieluik.example/fhir/CodeSystem/se-kallelse","code":"kallande"}]}],"actor":{"reference":"HealthcareService/h"},"status":"accepted"}]}`},
		"a meeting of others alone": {
			`{"resourceType":"Appointment","id":"a","status":"proposed","participant":[{"actor":{"reference":"RelatedPerson/f"},"status":"declined"}]}`, []string{auth.MeetingView},
			`{"resourceType":"Appointment","id":"a","meta":{"security":[` + subsetted + `]},"status":"proposed","participant":[{"type":[{"coding":[{"system":"https://drieluik.example/fhir/CodeSystem/se-kallelse","code":"inbjudan"}]}],"status":"needs-action"}]}`},
		"the place of a visit": {
			`{"resourceType":"Encounter","id":"e","status":"finished","class":{"code":"AMB"},"subject":{"reference":"Patient/kim"},"location":[{"location":{"reference":"Location/home"}}]}`,
			[]string{auth.RedactProtectedAddress},
			`{"resourceType":"Encounter","id":"e","meta":{"security":[` + redacted + `]},"status":"finished","class":{"code":"AMB"},"subject":{"reference":"Patient/kim"}}`},
		"an issue tells nothing of others": {issue("O4"), []string{auth.IssueView},
			`{"resourceType":"DetectedIssue","id":"issue","meta":{"security":[` + subsetted + `]},"status":"preliminary","code":{"coding":[{"system":"https://drieluik.example/fhir/CodeSystem/overlap-rule","code":"O4"}]},"patient":{"reference":"Patient/kim"}}`},
		"a network for an organisation": {
			`{"resourceType":"CareTeam","id":"n","extension":[{"url":"https://drieluik.example/fhir/StructureDefinition/netwerk-besluit","extension":[{"url":"wie","valueString":"x"}]},{"url":"https://drieluik.example/fhir/StructureDefinition/netwerk-onderling","extension":[{"url":"sterkte","valueCode":"matig"}]},{"url":"https://drieluik.example/fhir/StructureDefinition/source-member","extension":[{"url":"pointer","valueString":"/x"},{"url":"value","valueString":"1"}]}],"participant":[{"extension":[{"url":"https://drieluik.example/fhir/StructureDefinition/netwerk-kring","valueInteger":1},{"url":"https://drieluik.example/fhir/StructureDefinition/netwerk-sterkte","valueCode":"gespannen"},{"url":"https://drieluik.example/fhir/StructureDefinition/netwerk-aanbod","valueCode":"koken"},{"url":"https://drieluik.example/fhir/StructureDefinition/netwerk-niet","valueCode":"oppas"}],"member":{"reference":"RelatedPerson/friend"}}]}`,
			[]string{auth.NetworkView},
			`{"resourceType":"CareTeam","id":"n","meta":{"security":[` + subsetted + `]},"extension":[{"url":"https://drieluik.example/fhir/StructureDefinition/netwerk-besluit","extension":[{"url":"wie","valueString":"x"}]}],"participant":[{"extension":[{"url":"https://drieluik.example/fhir/StructureDefinition/netwerk-sterkte","valueCode":"zwak"},{"url":"https://drieluik.example/fhir/StructureDefinition/netwerk-aanbod","valueCode":"koken"}],"member":{"reference":"RelatedPerson/friend"}}]}`},
		"a network for one of its members": {
			`{"resourceType":"CareTeam","id":"n","extension":[{"url":"https://drieluik.example/fhir/StructureDefinition/netwerk-besluit","extension":[{"url":"wie","valueString":"x"}]},{"url":"https://drieluik.example/fhir/StructureDefinition/netwerk-onderling","extension":[{"url":"sterkte","valueCode":"matig"}]},{"url":"https://drieluik.example/fhir/StructureDefinition/source-member","extension":[{"url":"pointer","valueString":"/x"},{"url":"value","valueString":"1"}]}],"participant":[{"extension":[{"url":"https://drieluik.example/fhir/StructureDefinition/netwerk-kring","valueInteger":1},{"url":"https://drieluik.example/fhir/StructureDefinition/netwerk-sterkte","valueCode":"gespannen"},{"url":"https://drieluik.example/fhir/StructureDefinition/netwerk-aanbod","valueCode":"koken"},{"url":"https://drieluik.example/fhir/StructureDefinition/netwerk-niet","valueCode":"oppas"}],"member":{"reference":"RelatedPerson/friend"}}]}`,
			[]string{auth.RedactBSN, auth.NetworkView},
			`{"resourceType":"CareTeam","id":"n","meta":{"security":[` + subsetted + `]},"extension":[{"url":"https://drieluik.example/fhir/StructureDefinition/netwerk-besluit","extension":[{"url":"wie","valueString":"x"}]}],"participant":[{"member":{"reference":"RelatedPerson/friend"}}]}`},
		"a network for who has authority": {
			`{"resourceType":"CareTeam","id":"n","extension":[{"url":"https://drieluik.example/fhir/StructureDefinition/netwerk-besluit","extension":[{"url":"wie","valueString":"x"}]},{"url":"https://drieluik.example/fhir/StructureDefinition/netwerk-onderling","extension":[{"url":"sterkte","valueCode":"matig"}]},{"url":"https://drieluik.example/fhir/StructureDefinition/source-member","extension":[{"url":"pointer","valueString":"/x"},{"url":"value","valueString":"1"}]}],"participant":[{"extension":[{"url":"https://drieluik.example/fhir/StructureDefinition/netwerk-kring","valueInteger":1},{"url":"https://drieluik.example/fhir/StructureDefinition/netwerk-sterkte","valueCode":"gespannen"},{"url":"https://drieluik.example/fhir/StructureDefinition/netwerk-aanbod","valueCode":"koken"},{"url":"https://drieluik.example/fhir/StructureDefinition/netwerk-niet","valueCode":"oppas"}],"member":{"reference":"RelatedPerson/friend"}}]}`,
			[]string{auth.NetworkCalm},
			`{"resourceType":"CareTeam","id":"n","meta":{"security":[` + subsetted + `]},"extension":[{"url":"https://drieluik.example/fhir/StructureDefinition/netwerk-besluit","extension":[{"url":"wie","valueString":"x"}]}],"participant":[{"extension":[{"url":"https://drieluik.example/fhir/StructureDefinition/netwerk-kring","valueInteger":1},{"url":"https://drieluik.example/fhir/StructureDefinition/netwerk-sterkte","valueCode":"zwak"},{"url":"https://drieluik.example/fhir/StructureDefinition/netwerk-aanbod","valueCode":"koken"},{"url":"https://drieluik.example/fhir/StructureDefinition/netwerk-niet","valueCode":"oppas"}],"member":{"reference":"RelatedPerson/friend"}}]}`},
		"a person of a network": {
			`{"resourceType":"RelatedPerson","id":"p","identifier":[{"system":"https://drieluik.example/fhir/sid/netwerk/90000001","value":"r#n"}],"active":true,"patient":{"reference":"Patient/kim"},
			"relationship":[{"coding":[{"system":"urn:oid:2.16.840.1.113883.2.4.3.11.22.472","code":"19"}]}],"name":[{"text":"Els"}],"telecom":[{"value":"1"}],"birthDate":"1960-01-01"}`,
			[]string{auth.NetworkView},
			`{"resourceType":"RelatedPerson","id":"p","meta":{"security":[` + subsetted + `]},"identifier":[{"system":"https://drieluik.example/fhir/sid/netwerk/90000001","value":"r#n"}],"active":true,"patient":{"reference":"Patient/kim"},"name":[{"text":"buur"}]}`},
		"what a person of a network carries": {
			`{"resourceType":"Observation","id":"o","status":"final","code":{"text":"x"},"valueInteger":3}`, []string{auth.NetworkView},
			`{"resourceType":"Observation","id":"o","meta":{"security":[` + subsetted + `]},"status":"final","code":{"text":"x"}}`},
		"a warning changes nothing": {wholeChild, []string{auth.WarnCustodyStale, auth.BTGReview}, wholeChild},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := auth.Redact(parse(t, json.RawMessage(c.resource)), c.obligations)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(value(t, c.want), value(t, string(got.Bytes()))); diff != "" {
				t.Error(diff)
			}
			if changed := diffed(t, c.resource, string(got.Bytes())); changed && !auth.Redacts(c.obligations) {
				t.Error("changed, though no obligation redacts")
			}
		})
	}
}

func value(t *testing.T, text string) any {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func diffed(t *testing.T, a, b string) bool {
	t.Helper()
	return !cmp.Equal(value(t, a), value(t, b))
}
