package rest_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/exchange"
)

// staff gives a professional of an organisation a principal.
func (g *rig) staff(name, org, scopes string, patient fhir.Ref) auth.Principal {
	g.t.Helper()
	p := system("viewer", g.orgs[org], scopes)
	p.Role, p.FHIRUser, p.Subject, p.Patient, p.Launch = auth.Professional, fhir.Ref{Type: "Practitioner", ID: name}, name, patient, "ehr"
	g.principals[name] = p
	return p
}

// TestALaunchShowsWhatAReadWould: a launch names a child to nobody who could not read it, answers alike
// for a hidden child and for none, and every look is in the log.
func TestALaunchShowsWhatAReadWould(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	id := g.create("hospital", "Patient", `{"resourceType":"Patient","birthDate":"2020-05-04","name":[{"given":["Boris","Jan"],"family":"XXX_Testkind"}]}`)
	other := g.create("hospital", "Patient", patientBody)
	visit := g.create("hospital", "Encounter", fmt.Sprintf(`{"resourceType":"Encounter","status":"in-progress","class":{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"IMP"},"subject":{"reference":"Patient/%s"}}`, id))
	patient, encounter := fhir.Ref{Type: "Patient", ID: id}, fhir.Ref{Type: "Encounter", ID: visit}
	absent := fhir.Ref{Type: "Patient", ID: "absent"}
	const scopes = "system/Patient.r system/Encounter.r user/Patient.r user/Encounter.r"
	hospital, stranger := g.staff("nurse", "hospital", scopes, fhir.Ref{}), g.staff("stranger", "other", scopes, fhir.Ref{})
	narrow := system("narrow", g.orgs["hospital"], "system/CarePlan.r")
	rows := []struct {
		name    string
		p       auth.Principal
		ref, of fhir.Ref
		want    exchange.Glimpse
		seen    bool
	}{
		{"the EHR", system("ehr", g.orgs["hospital"], scopes), patient, patient, exchange.Glimpse{GivenName: "Boris", BirthYear: 2020}, true},
		{"its nurse", hospital, patient, patient, exchange.Glimpse{GivenName: "Boris", BirthYear: 2020}, true},
		{"the visit", hospital, encounter, patient, exchange.Glimpse{}, true},
		{"the visit of another child", hospital, encounter, fhir.Ref{Type: "Patient", ID: other}, exchange.Glimpse{}, false},
		{"no such child", hospital, absent, absent, exchange.Glimpse{}, false},
		{"a nurse of another organisation", stranger, patient, patient, exchange.Glimpse{}, false},
		{"her visit", stranger, encounter, patient, exchange.Glimpse{}, false},
		{"without scope", narrow, patient, patient, exchange.Glimpse{}, false},
	}
	for _, row := range rows {
		before := len(g.events())
		got, err := g.exchange.Look(context.Background(), exchange.Call{Principal: row.p, Operation: "launch"}, row.ref, row.of)
		if got != row.want || (err == nil) != row.seen || err != nil && fhir.KindOf(err) != fhir.NotFound {
			t.Errorf("%s: %+v %v", row.name, got, err)
		}
		events := g.events()
		if len(events) != before+1 {
			t.Errorf("%s: %d events", row.name, len(events)-before)
		}
	}
}

// TestAProfessionalReadsByTheRightsOfTheOrganisation: with the launch's child alone under patient/
// scopes, with what the organisation may see under user/ scopes.
func TestAProfessionalReadsByTheRightsOfTheOrganisation(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	child, plan := g.child("hospital")
	sister, sistersPlan := g.child("hospital")
	at := fhir.Ref{Type: "Patient", ID: child}
	g.staff("launched", "hospital", "patient/Patient.r patient/CarePlan.rs", at)
	g.staff("alone", "hospital", "user/Patient.r user/CarePlan.rs", fhir.Ref{})
	g.staff("stranger", "other", "user/Patient.r user/CarePlan.rs patient/Patient.r patient/CarePlan.rs", at)
	rows := []struct {
		as, path string
		status   int
	}{
		{"launched", "/fhir/CarePlan/" + plan, http.StatusOK},
		{"launched", "/fhir/CarePlan/" + sistersPlan, http.StatusNotFound},
		{"launched", "/fhir/Patient/" + sister, http.StatusNotFound},
		{"alone", "/fhir/CarePlan/" + plan, http.StatusOK},
		{"alone", "/fhir/CarePlan/" + sistersPlan, http.StatusOK},
		{"stranger", "/fhir/CarePlan/" + plan, http.StatusNotFound},
		{"stranger", "/fhir/Patient/" + child, http.StatusNotFound},
	}
	for _, row := range rows {
		if a := g.get(row.as, row.path); a.status != row.status {
			t.Errorf("%s %s: %d, want %d", row.as, row.path, a.status, row.status)
		}
	}
	for as, want := range map[string]int{"launched": 1, "alone": 2, "stranger": 0} {
		if ids := g.search(as, "/fhir/CarePlan").ids(); len(ids) != want {
			t.Errorf("%s finds %v", as, ids)
		}
	}
}
