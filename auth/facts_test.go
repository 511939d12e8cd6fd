package auth_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
)

func refs(list ...string) []fhir.Ref {
	var out []fhir.Ref
	for _, s := range list {
		out = append(out, refOf(s))
	}
	return out
}

// standsFor resolves the references of these tests.
func standsFor(ref fhir.Ref) []fhir.Ref {
	return map[fhir.Ref][]fhir.Ref{
		refOf("RelatedPerson/mother"): refs("Patient/kim"),
		refOf("CarePlan/a"):           refs("Patient/kim"),
		refOf("CarePlan/b"):           refs("Patient/ann", "Patient/kim"),
	}[ref]
}

func TestPatientsOfAResource(t *testing.T) {
	for name, c := range map[string]struct {
		resource string
		want     []fhir.Ref
	}{
		"a Patient is its own":                    {`{"resourceType":"Patient","id":"kim","link":[{"other":{"reference":"Patient/x"},"type":"seealso"}]}`, refs("Patient/kim")},
		"subject":                                 {`{"resourceType":"CarePlan","id":"a","subject":{"reference":"Patient/kim"},"author":{"reference":"Patient/ann"}}`, refs("Patient/kim")},
		"a group is no patient":                   {`{"resourceType":"CarePlan","id":"a","subject":{"reference":"Group/g"}}`, nil},
		"patient":                                 {`{"resourceType":"Consent","id":"a","patient":{"reference":"Patient/kim"}}`, refs("Patient/kim")},
		"for":                                     {`{"resourceType":"Task","id":"a","for":{"reference":"Patient/kim"},"owner":{"reference":"Patient/ann"}}`, refs("Patient/kim")},
		"beneficiary":                             {`{"resourceType":"Coverage","id":"a","beneficiary":{"reference":"Patient/kim"}}`, refs("Patient/kim")},
		"several, in id order, once":              {`{"resourceType":"Account","id":"a","subject":[{"reference":"Patient/kim"},{"reference":"Patient/ann"},{"reference":"Patient/kim"}]}`, refs("Patient/ann", "Patient/kim")},
		"an appointment of a parent":              {`{"resourceType":"Appointment","id":"a","participant":[{"actor":{"reference":"RelatedPerson/mother"}},{"actor":{"reference":"Patient/ann"}}]}`, refs("Patient/ann", "Patient/kim")},
		"an appointment about a plan":             {`{"resourceType":"Appointment","id":"a","supportingInformation":[{"reference":"CarePlan/a"}],"participant":[{"actor":{"reference":"Practitioner/p"}}]}`, refs("Patient/kim")},
		"an appointment with both":                {`{"resourceType":"Appointment","id":"a","supportingInformation":[{"reference":"CarePlan/b"}],"participant":[{"actor":{"reference":"Patient/kim"}}]}`, refs("Patient/kim")},
		"a provenance has those of its targets":   {`{"resourceType":"Provenance","id":"a","target":[{"reference":"CarePlan/b"}]}`, refs("Patient/ann", "Patient/kim")},
		"a log row":                               {`{"resourceType":"AuditEvent","id":"a","entity":[{"what":{"reference":"CarePlan/a"}},{"what":{"reference":"Patient/kim"}}]}`, refs("Patient/kim")},
		"an older version of a Patient is itself": {`{"resourceType":"Goal","id":"a","subject":{"reference":"Patient/kim/_history/2"}}`, refs("Patient/kim")},
		"a directory type has none":               {`{"resourceType":"Medication","id":"a"}`, nil},
		"a person has none":                       {`{"resourceType":"Person","id":"a","link":[{"target":{"reference":"Patient/kim"}}]}`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			got := auth.FactsOf(parse(t, []byte(c.resource)), nil, standsFor).Patients
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestFactsOfAResource(t *testing.T) {
	r := parse(t, []byte(`{"resourceType":"Composition","id":"c","meta":{"source":"https://drieluik.example/fhir/bron/00000001/app#overdracht/r1/3",
		"tag":[{"system":"`+domainSystem+`","code":"medisch"},{"system":"urn:x","code":"sociaal"}],
		"security":[{"system":"`+accessSystem+`","code":"seal-person","extension":[{"url":"https://drieluik.example/fhir/StructureDefinition/barred-party","valueReference":{"reference":"RelatedPerson/father"}}]}]},
		"status":"final","type":{"coding":[{"system":"http://snomed.info/sct","code":"1"}]},"category":[{"coding":[{"code":"2"}]}],
		"subject":{"reference":"Patient/kim"},"encounter":{"reference":"Encounter/e"},"date":"2026-11-02","title":"x",
		"author":[{"reference":"Organization/home"}],
		"section":[{"entry":[{"reference":"Observation/o"}],"section":[{"entry":[{"reference":"Goal/g"}]}]}]}`))
	got := auth.FactsOf(r, nil, nil)
	want := auth.ResourceFacts{
		Ref: refOf("Composition/c"), Patients: refs("Patient/kim"), Status: "final", Domains: []string{"medisch"},
		When:    time.Date(2026, 11, 1, 23, 0, 0, 0, time.UTC),
		Labels:  []auth.Label{{Coding: auth.Coding{System: accessSystem, Code: "seal-person"}, Barred: refs("RelatedPerson/father")}},
		Source:  "https://drieluik.example/fhir/bron/00000001/app#overdracht/r1",
		Codings: []auth.Coding{{Code: "2"}, {System: "http://snomed.info/sct", Code: "1"}, {System: domainSystem, Code: "medisch"}, {System: "urn:x", Code: "sociaal"}},
		Refs:    refs("RelatedPerson/father", "Patient/kim", "Encounter/e", "Organization/home", "Observation/o", "Goal/g"),
		Down:    refs("Encounter/e", "Observation/o", "Goal/g"),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestClinicalTypesNeedADomain(t *testing.T) {
	for kind, want := range map[fhir.Type]bool{"CarePlan": true, "Observation": true, "Task": false, "Patient": false, "Organization": false} {
		if got := auth.MissingDomain(kind, auth.ResourceFacts{}); got != want {
			t.Errorf("%s: %v", kind, got)
		}
	}
	if auth.MissingDomain("CarePlan", auth.ResourceFacts{Domains: []string{"sociaal"}}) {
		t.Error("a plan with a domain")
	}
}

func TestPartiesAndSpeakers(t *testing.T) {
	f := auth.FactsOf(parse(t, []byte(task("accepted", home, hospital))), nil, nil)
	if f.Owner != refOf(home) || f.Requester != refOf(hospital) || !cmp.Equal(f.Parties, refs(home, hospital)) {
		t.Errorf("task: %v %v %v", f.Owner, f.Requester, f.Parties)
	}
	f = auth.FactsOf(parse(t, []byte(held(yes(`"provision":[`+provisionFor("deny", stranger, "")+`]`), hospital))), nil, nil)
	if !cmp.Equal(f.Parties, refs(hospital, home)) || !cmp.Equal(f.By, refs(giverMother)) {
		t.Errorf("consent: %v by %v", f.Parties, f.By)
	}
	f = auth.FactsOf(parse(t, []byte(leadTeam)), nil, nil)
	if !cmp.Equal(f.Parties, refs(home)) {
		t.Errorf("team: %v", f.Parties)
	}
}
