package rest_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/exchange"
)

// whereabouts are all that the record of the test tells of where somebody lives, or is to be found.
var whereabouts = []string{
	"Provvägen", "99999", "Provby", "000-0000001", "000-0000010", "000-0000099", "rum 3", "Location/", "Väntrum", "Fristad", "Lillgatan", "berättelsen", "c/o Larsson",
}

// care gives the rig an organisation of Swedish health care whose system asks for coordination.
func (g *rig) care(name, unit string) {
	g.t.Helper()
	ref, err := g.exchange.RegisterOrganization(context.Background(), exchange.Registration{
		Identifier: fhir.Identifier{System: hsaSystem, Value: unit}, NameIfNew: "Enhet " + unit,
		Types: []fhir.Identifier{{System: fhir.Canonical + "/CodeSystem/se-verksamhet", Value: "hsl"}},
	})
	if err != nil {
		g.t.Fatal(err)
	}
	p := system(name, ref, "system/*.cruds")
	p.Purpose = "COC"
	g.orgs[name], g.principals[name] = ref, p
}

// protected is a rig with the plan of a person whose whereabouts are protected, kept by "hab", in care at "bup" too, and what else is kept of
// her; the mother reads, and a friend with her consent.
func protected(t *testing.T) (g *rig, patient string) {
	g = newRigWith(t, auth.Settings{Jurisdiction: "se"}, nil)
	g.care("hab", "SE4000000010-HAB1")
	g.care("bup", "SE4000000010-BUP1")
	doc := decode[map[string]any](t, coordinated(t, "valid/02-ylva.json", nil))
	person := doc["person"].(map[string]any)
	person["skydd"], person["telefon"], person["coAdress"] = []any{"sekretessmarkering"}, "000-0000099", "c/o Larsson"
	g.submit("hab", coordinated(t, "valid/02-ylva.json", map[string]any{"person": person})).want(t, 201)
	patient = g.search("hab", "/fhir/Patient?family=XXX_Exempel").ids()[0]
	relatives := map[string]string{}
	for _, e := range g.search("hab", "/fhir/RelatedPerson?patient="+patient).ids() {
		relatives[e] = g.get("hab", "/fhir/"+e).body
	}
	mother := ""
	for ref, body := range relatives {
		if strings.Contains(body, "Amina") {
			mother = ref
		}
	}
	admin := system("admin", g.orgs["hab"], "system/*.cruds")
	admin.Role, admin.Purpose = auth.Admin, "HSYSADMIN"
	g.principals["admin"] = admin
	home := g.create("admin", "Location", `{"resourceType":"Location","name":"Väntrum","address":{"city":"Provby"}}`)
	on := `"subject":{"reference":"` + patient + `"}`
	g.create("hab", "Encounter", `{"resourceType":"Encounter","status":"finished","class":{"code":"HH"},`+on+`,
		"location":[{"location":{"reference":"Location/`+home+`"}}],"hospitalization":{"origin":{"display":"Fristad"}}}`)
	g.create("hab", "Appointment", `{"resourceType":"Appointment","status":"proposed","participant":[{"actor":{"reference":"`+patient+`"},"status":"accepted"},
		{"actor":{"reference":"Location/`+home+`"},"status":"accepted"},{"actor":{"display":"Fristad"},"status":"accepted"}]}`)
	g.create("hab", "Composition", `{"resourceType":"Composition","meta":{"tag":[{"system":"https://drieluik.example/fhir/CodeSystem/mks-domein","code":"medisch"}]},
		"status":"final","type":{"text":"x"},`+on+`,"date":"2026-11-20","author":[{"reference":"`+g.orgs["hab"].String()+`"}],"title":"Epikris",
		"section":[{"title":"Hem","text":{"status":"additional","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">berättelsen</div>"}}]}`)
	g.create("hab", "ServiceRequest", `{"resourceType":"ServiceRequest","meta":{"tag":[{"system":"https://drieluik.example/fhir/CodeSystem/mks-domein","code":"medisch"}]},
		"status":"completed","intent":"order",`+on+`,"extension":[{"url":"urn:x","valueAddress":{"line":["Lillgatan"]}}],"locationReference":[{"reference":"Location/`+home+`"}]}`)
	friend := g.create("hab", "RelatedPerson", `{"resourceType":"RelatedPerson","active":true,"patient":{"reference":"`+patient+`"},"address":[{"line":["Provvägen 4"]}]}`)
	for name, who := range map[string]fhir.Ref{"mother": refOf(mother), "friend": {Type: "RelatedPerson", ID: friend}} {
		p := auth.Principal{State: auth.TokenActive, Role: auth.Guardian, Client: "app", Subject: name, FHIRUser: who, Patient: refOf(patient), Purpose: "FAMRQT", Grant: name}
		if name == "friend" {
			p.Role, p.Purpose = auth.Helper, "SUPNWK"
		}
		p.Scopes, _ = auth.ParseScopes("patient/*.rs patient/Consent.c")
		g.principals[name] = p
	}
	g.create("mother", "Consent", `{"resourceType":"Consent","status":"active","scope":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/consentscope","code":"patient-privacy"}]},
		"category":[{"coding":[{"system":"http://loinc.org","code":"59284-0"}]}],"patient":{"reference":"`+patient+`"},"dateTime":"2026-10-01","performer":[{"reference":"`+mother+`"}],"policyRule":{"text":"x"},
		"provision":{"type":"permit","actor":[{"role":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ParticipationType","code":"IRCP"}]},"reference":{"reference":"RelatedPerson/`+friend+`"}}]}}`)
	nurse := g.principals["bup"]
	nurse.Role, nurse.FHIRUser = auth.Professional, fhir.Ref{Type: "Practitioner", ID: "nurse"}
	nurse.Scopes, _ = auth.ParseScopes("user/*.rs")
	g.principals["nurse"] = nurse
	return g, patient
}

// TestWhereAProtectedPersonIsLeavesToItsKeeperAlone: everything that a reader can get, in every way.
func TestWhereAProtectedPersonIsLeavesToItsKeeperAlone(t *testing.T) {
	t.Parallel()
	g, patient := protected(t)
	id := strings.TrimPrefix(patient, "Patient/")
	form := `{"name":"questionnaire","resource":{"resourceType":"Questionnaire","status":"active","extension":[{"url":"http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-launchContext",
		"extension":[{"url":"name","valueCoding":{"code":"patient"}},{"url":"type","valueCode":"Patient"}]}],"item":[{"linkId":"1","type":"string","text":"Var?","extension":[
		{"url":"http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-initialExpression","valueExpression":{"language":"text/fhirpath","expression":"%patient.address.city.first()"}}]}]}}`
	ways := []func(who string) answer{
		func(who string) answer {
			return g.do(who, http.MethodPost, "/fhir/Questionnaire/$populate", subject(patient, form))
		},
		func(who string) answer {
			whole := g.get(who, "/fhir/"+patient+"/$everything?_count=1000")
			return g.do(who, http.MethodPost, "/fhir/$convert?to=samordningsplan/1", whole.body)
		},
	}
	for _, path := range []string{
		patient, patient + "/_history", patient + "/_history/1", patient + "/$everything?_count=1000", "Patient?family=XXX_Exempel", "Patient?family=XXX_Exempel&_elements=address,telecom",
		"RelatedPerson?patient=" + id, "Appointment?patient=" + id, "Appointment?_include=*&_revinclude=Provenance:target", "CareTeam?patient=" + id + "&_include:iterate=*", "CarePlan?subject=" + id + "&_include=*&_revinclude=Provenance:target",
		"Encounter?patient=" + id + "&_include=Encounter:location", "ServiceRequest?patient=" + id + "&_include=*", "Composition?patient=" + id, "PractitionerRole?_include=*", "HealthcareService", "Provenance?patient=" + id,
		"Task?patient=" + id, "Consent?patient=" + id, "QuestionnaireResponse?patient=" + id, "Location?_has:Encounter:location:patient=" + id,
	} {
		ways = append(ways, func(who string) answer { return g.get(who, "/fhir/"+path) })
	}
	kept := ""
	for _, way := range ways {
		kept += way("hab").body
	}
	for _, secret := range whereabouts {
		if !strings.Contains(kept, secret) {
			t.Errorf("its keeper does not see %q", secret)
		}
	}
	for _, who := range []string{"bup", "nurse", "mother", "friend"} {
		seen := 0
		for i, way := range ways {
			a := way(who)
			if a.status == http.StatusOK {
				seen++
			}
			for _, secret := range whereabouts {
				if secret == "Location/" && strings.Contains(a.body, "/fhir/Location/") {
					secret = `"Location/`
				}
				if strings.Contains(a.body, secret) || strings.Contains(fmt.Sprint(a.header), secret) {
					t.Errorf("%s sees %q in %d: %s", who, secret, i, a.body)
				}
			}
		}
		if seen < 3 {
			t.Errorf("%s got %d answers", who, seen)
		}
	}
}

// TestNoSearchFindsAProtectedPersonByPlace: what does not leave is nothing to search for or sort by.
func TestNoSearchFindsAProtectedPersonByPlace(t *testing.T) {
	t.Parallel()
	g, patient := protected(t)
	home := strings.TrimPrefix(g.search("hab", "/fhir/Location").ids()[0], "Location/")
	for _, query := range []string{
		"Patient?address-city=Provby", "Patient?address=Prov", "Patient?address-postalcode=99999", "Patient?phone=000-0000099", "Patient?telecom=000-0000099",
		"RelatedPerson?phone=000-0000001", "RelatedPerson?patient.address-city=Provby", "Encounter?location=Location/" + home, "Encounter?location.name=Väntrum",
		"Patient?_has:Encounter:patient:location=Location/" + home, "Appointment?actor=Location/" + home, "Appointment?location=" + home,
		"CarePlan?subject:Patient.address-city=Provby", "Location?_has:Encounter:location:patient=" + patient, "Patient?_has:RelatedPerson:patient:phone=000-0000001",
	} {
		if n := len(g.search("hab", "/fhir/"+query).Entry); n == 0 {
			t.Errorf("its keeper finds %d by %s", n, query)
		}
		for _, who := range []string{"bup", "nurse", "mother"} {
			a := g.get(who, "/fhir/"+query+"&_total=accurate")
			if a.status != http.StatusOK {
				continue
			}
			if b := decode[bundleOf](t, a.body); len(b.Entry) > 0 || b.Total != nil && *b.Total > 0 {
				t.Errorf("%s finds %d by %s", who, len(b.Entry), query)
			}
		}
	}
	for _, query := range []string{"?address-city=Provby", "?phone=000-0000099"} { // a condition of a write is a search too
		g.do("bup", http.MethodPut, "/fhir/Patient"+query, `{"resourceType":"Patient"}`)
		if a := g.do("bup", http.MethodDelete, "/fhir/RelatedPerson"+query, ""); a.status >= 500 || a.status == http.StatusPreconditionFailed {
			t.Errorf("%s: %d", query, a.status)
		}
	}
	if b := g.search("hab", "/fhir/Patient?address-city=Provby"); len(b.Entry) != 1 {
		t.Errorf("the keeper's own: %v", b.ids())
	}
}
