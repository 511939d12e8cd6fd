package rest_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
)

// family is a child that home care keeps, with two parents who hold custody.
func family(g *rig, born string) (child string, parents [2]string) {
	child = "Patient/" + g.create("home", "Patient", fmt.Sprintf(`{"resourceType":"Patient","birthDate":%q}`, born))
	for i := range parents {
		parents[i] = "RelatedPerson/" + g.create("home", "RelatedPerson", fmt.Sprintf(`{"resourceType":"RelatedPerson","active":true,
			"patient":{"reference":%q},"extension":[{"url":"https://drieluik.example/fhir/StructureDefinition/gezag","extension":[
			{"url":"type","valueCode":"TweehoofdigOuderlijkGezag"},{"url":"gecontroleerdOp","valueDate":"2026-11-01"}]}]}`, child))
	}
	return child, parents
}

type consentOf struct {
	Status, DateTime string
	Performer        []struct{ Reference string }
}

// TestAPersonConsentsForThatPersonAlone: a parent who names the other parent and the child as givers,
// at another time, is heard for itself and now (access.md 5).
func TestAPersonConsentsForThatPersonAlone(t *testing.T) {
	for name, tc := range map[string]struct{ born, status string }{
		"a young child":                              {"2020-01-01", "active"},
		"a child who has to give it too":             {"2013-01-01", "proposed"},
		"a child who has its twelfth birthday today": {"2014-11-21", "proposed"},
	} {
		t.Run(name, func(t *testing.T) {
			g := newRig(t)
			child, parents := family(g, tc.born)
			scopes, err := auth.ParseScopes("patient/Consent.cruds")
			if err != nil {
				t.Fatal(err)
			}
			patient, _ := fhir.ParseRef(child)
			mother, _ := fhir.ParseRef(parents[0])
			g.principals["mother"] = auth.Principal{
				State: auth.TokenActive, Role: auth.Guardian, Client: "app", FHIRUser: mother, Patient: patient,
				Scopes: scopes, Purpose: "FAMRQT",
			}
			a := g.do("mother", "POST", "/fhir/Consent", fmt.Sprintf(`{"resourceType":"Consent","status":"active",
				"scope":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/consentscope","code":"patient-privacy"}]},
				"category":[{"coding":[{"system":"http://loinc.org","code":"59284-0"}]}],"patient":{"reference":%q},
				"dateTime":"2022-01-01","performer":[{"reference":%q},{"reference":%q},{"reference":%q}],
				"policyRule":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"OPTIN"}]},
				"provision":{"type":"permit","actor":[{"role":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ParticipationType",
				"code":"IRCP"}]},"reference":{"reference":%q}}]}}`, child, parents[1], parents[0], child, g.orgs["hospital"])).want(t, 201)
			got := decode[consentOf](t, a.body)
			if len(got.Performer) != 1 || got.Performer[0].Reference != parents[0] {
				t.Errorf("given by %v, want %s alone", got.Performer, parents[0])
			}
			if at, err := time.Parse(time.RFC3339, got.DateTime); err != nil || !at.Equal(g.clock()) {
				t.Errorf("given at %s, want %s", got.DateTime, g.clock())
			}
			if got.Status != tc.status {
				t.Errorf("status %s, want %s", got.Status, tc.status)
			}
		})
	}
}

// TestAnIssueIsFoundByWhoHoldsWhatItImplicates: the party of an overlap finds the issue as it reads it.
func TestAnIssueIsFoundByWhoHoldsWhatItImplicates(t *testing.T) {
	g := newRig(t)
	child, _ := family(g, "2020-01-01")
	plan := g.create("home", "CarePlan", fmt.Sprintf(`{"resourceType":"CarePlan","status":"active","intent":"plan","subject":{"reference":%q}}`, child))
	issue := g.create("other", "DetectedIssue", fmt.Sprintf(`{"resourceType":"DetectedIssue","status":"final","patient":{"reference":%q},
		"code":{"coding":[{"system":"https://drieluik.example/fhir/CodeSystem/overlap-rule","code":"O1"}]},
		"implicated":[{"reference":"CarePlan/%s"}]}`, child, plan))
	g.get("home", "/fhir/DetectedIssue/"+issue).want(t, 200)
	if got := g.search("home", "/fhir/DetectedIssue?code=O1").ids(); len(got) != 1 {
		t.Errorf("found %v", got)
	}
	g.get("hospital", "/fhir/DetectedIssue/"+issue).want(t, 404)
	if got := g.search("hospital", "/fhir/DetectedIssue?code=O1").ids(); len(got) != 0 {
		t.Errorf("a third organisation found %v", got)
	}
}

// TestNobodyMakesItselfCoordinator: who may read a plan does not come to change it by a team of its
// own that calls it coordinator; the custodian's team does that (access.md 5).
func TestNobodyMakesItselfCoordinator(t *testing.T) {
	const team = `{"resourceType":"CareTeam","status":"active","subject":{"reference":%q},"participant":[{"member":{"reference":%q},
		"role":[{"coding":[{"system":"http://example.org","code":"zorgcoordinator"}]}]}]}`
	for maker, want := range map[string]int{"other": 403, "home": 200} {
		t.Run("made by "+maker, func(t *testing.T) {
			g := newRig(t)
			child, parents := family(g, "2020-01-01")
			g.create("home", "Consent", fmt.Sprintf(`{"resourceType":"Consent","status":"active",
				"scope":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/consentscope","code":"patient-privacy"}]},
				"category":[{"coding":[{"system":"http://loinc.org","code":"59284-0"}]}],"patient":{"reference":%q},
				"dateTime":"2026-11-01","performer":[{"reference":%q}],"organization":[{"reference":%q}],
				"policyRule":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"OPTIN"}]},
				"provision":{"type":"permit","actor":[{"role":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ParticipationType",
				"code":"IRCP"}]},"reference":{"reference":%q}}]}}`, child, parents[0], g.orgs["home"], g.orgs["other"]))
			g.create(maker, "CareTeam", fmt.Sprintf(team, child, g.orgs["other"]))
			plan := g.create("home", "CarePlan", fmt.Sprintf(
				`{"resourceType":"CarePlan","status":"active","intent":"plan","subject":{"reference":%q}}`, child))
			g.get("other", "/fhir/CarePlan/"+plan).want(t, 200)
			body := g.get("home", "/fhir/CarePlan/"+plan).want(t, 200).body
			g.do("other", "PUT", "/fhir/CarePlan/"+plan, body).want(t, want)
		})
	}
}

// TestALongListOfAlternativesIsAnswered: as many alternatives as a URL can hold find what one finds.
func TestALongListOfAlternativesIsAnswered(t *testing.T) {
	g := newRig(t)
	patient, plan := g.child("home")
	for name, query := range map[string]string{
		"ids": "_id=%s" + plan, "patients": "patient=%s" + patient, "codes": "status=%sactive", "identifiers": "identifier=%sx&identifier:missing=true",
	} {
		list := strings.Repeat("none,", 990)
		want := len(g.search("home", "/fhir/CarePlan?"+fmt.Sprintf(query, "")).ids())
		if got := len(g.search("home", "/fhir/CarePlan?"+fmt.Sprintf(query, list)).ids()); got != want {
			t.Errorf("%s: found %d, want %d", name, got, want)
		}
	}
	if got := g.search("home", "/fhir/CarePlan?status:not="+strings.Repeat("none,", 990)+"active").ids(); len(got) != 0 {
		t.Errorf("found %v although it is excluded", got)
	}
}

// TestAPartyOfATaskMovesItOnAndChangesNoMore: an owner accepts what was asked, and hands it to nobody.
func TestAPartyOfATaskMovesItOnAndChangesNoMore(t *testing.T) {
	g := newRig(t)
	child, _ := family(g, "2020-01-01")
	const body = `{"resourceType":"Task","id":%q,"status":%q,"intent":"order","for":{"reference":%q},"requester":{"reference":%q},"owner":{"reference":%q}}`
	task := g.create("home", "Task", fmt.Sprintf(body, "x", "requested", child, g.orgs["home"], g.orgs["hospital"]))
	put := func(status string, owner fhir.Ref) answer {
		return g.do("hospital", "PUT", "/fhir/Task/"+task, fmt.Sprintf(body, task, status, child, g.orgs["home"], owner))
	}
	put("accepted", g.orgs["other"]).want(t, 403)
	put("accepted", g.orgs["hospital"]).want(t, 200)
	put("accepted", g.orgs["other"]).want(t, 403)
	g.get("other", "/fhir/Task/"+task).want(t, 404)
}
