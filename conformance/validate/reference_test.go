package validate_test

import "testing"

func TestReferences(t *testing.T) {
	t.Parallel()
	// managingOrganization may be an Organization only
	of := func(reference string) string { return patient(`"managingOrganization":{` + reference + `}`) }
	target := []string{"Patient.managingOrganization.reference FHIR-REF-TARGET"}
	format := []string{"Patient.managingOrganization.reference FHIR-REF-FORMAT"}
	named := []string{"Patient.managingOrganization.type FHIR-REF-TARGET"}
	run(t, []example{
		{"the right type", of(`"reference":"Organization/1"`), nil},
		{"the right type, one version", of(`"reference":"Organization/1/_history/2"`), nil},
		{"the right type, absolute", of(`"reference":"https://e.org/fhir/Organization/1"`), nil},
		{"the right type, absolute, one version", of(`"reference":"https://e.org/fhir/Organization/1/_history/a"`), nil},
		{"another type", of(`"reference":"Patient/1"`), target},
		{"another type, one version", of(`"reference":"Patient/1/_history/2"`), target},
		{"another type, absolute", of(`"reference":"https://e.org/fhir/Patient/1"`), target},
		{"another type, absolute, one version", of(`"reference":"http://e.org/Patient/1/_history/3"`), target},
		{"an absolute URL that tells no type", of(`"reference":"https://e.org/organisaties?nr=1"`), nil},
		{"a URN", of(`"reference":"urn:uuid:c757873d-ec9a-4326-a141-556f43239520"`), nil},
		{"a logical reference", of(`"identifier":{"system":"http://fhir.nl/fhir/NamingSystem/ura","value":"90000001"}`), nil},
		{"a logical reference with its type", of(`"type":"Organization","identifier":{"value":"1"}`), nil},
		{"a logical reference with another type", of(`"type":"Patient","identifier":{"value":"1"}`), named},
		{"a type that differs from the reference", `{"resourceType":"Basic","code":{"text":"A"},"subject":{"reference":"Patient/1","type":"Group"}}`, []string{"Basic.subject.type FHIR-REF-TARGET"}},
		{"text instead of a reference", of(`"reference":"Het ziekenhuis"`), format},
		{"a type that R4 does not have", of(`"reference":"Organisatie/1"`), format},
		{"a relative path", of(`"reference":"fhir/Organization/1"`), format},
		{"a relative path to a version", of(`"reference":"fhir/Organization/1/_history/1"`), format},
		{"a path from the root", of(`"reference":"/Organization/1"`), format},
		{"no id", of(`"reference":"Organization/"`), format},
		{"an id that cannot be", of(`"reference":"Organization/a_b"`), format},
		{"a version that cannot be", of(`"reference":"Organization/1/_history/"`), format},
		{"a search outside a bundle", of(`"reference":"Organization?identifier=1"`), format},
		{"a number", of(`"reference":1`), []string{"Patient.managingOrganization.reference FHIR-TYPE"}},
		{"a contained resource of the right type", patient(`"contained":[{"resourceType":"Organization","id":"o","name":"A"}],"managingOrganization":{"reference":"#o"}`), nil},
		{"a contained resource of another type", patient(`"contained":[{"resourceType":"Group","type":"person","actual":true,"id":"o"}],"managingOrganization":{"reference":"#o"}`), target},
		{"no such contained resource", of(`"reference":"#o"`), []string{"Patient.managingOrganization.reference ref-1"}},
		{"a reference to anything", `{"resourceType":"CarePlan","status":"active","intent":"plan","subject":{"display":"A"},"supportingInfo":[{"reference":"Basic/1"},{"reference":"x"}]}`, []string{"CarePlan.supportingInfo[1].reference FHIR-REF-FORMAT"}},
		{"a reference in a choice", `{"resourceType":"MedicationRequest","status":"active","intent":"order","subject":{"reference":"Patient/1"},"medicationReference":{"reference":"Patient/1"}}`, []string{"MedicationRequest.medicationReference.reference FHIR-REF-TARGET"}},
	})
}

func TestReferencesWithinABundle(t *testing.T) {
	t.Parallel()
	bundle := func(reference string) string {
		return `{"resourceType":"Bundle","type":"transaction","entry":[` +
			`{"fullUrl":"urn:uuid:c757873d-ec9a-4326-a141-556f43239520","resource":{"resourceType":"Patient"},"request":{"method":"POST","url":"Patient"}},` +
			`{"resource":{"resourceType":"Patient","generalPractitioner":[{"reference":"` + reference + `"}]},"request":{"method":"POST","url":"Patient"}}]}`
	}
	path := "Bundle.entry[1].resource.generalPractitioner[0].reference"
	run(t, []example{
		{"an entry of another type", bundle("urn:uuid:c757873d-ec9a-4326-a141-556f43239520"), []string{path + " FHIR-REF-TARGET"}},
		{"an entry that is not there", bundle("urn:uuid:00000000-ec9a-4326-a141-556f43239520"), nil},
		{"a conditional reference", bundle("Practitioner?identifier=1|2"), nil},
		{"a conditional reference with a path in it", bundle("Practitioner?identifier=http://e.org/a|2"), nil},
		{"a conditional reference of another type", bundle("Patient?identifier=1"), []string{path + " FHIR-REF-TARGET"}},
	})
}
