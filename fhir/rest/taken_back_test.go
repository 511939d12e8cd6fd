package rest_test

import (
	"net/http"
	"strings"
	"testing"
)

// takeBack ends a Consent as an app does that knows of nothing else.
func (g *rig) takeBack(as, id string) {
	g.t.Helper()
	g.do(as, http.MethodPatch, "/fhir/"+id, `[{"op":"replace","path":"/status","value":"inactive"}]`, "Content-Type", "application/json-patch+json").
		want(g.t, http.StatusOK)
}

// TestAPushGivesNoConsentBack: what a mother took back in her app stays so when the record that wrote it down is
// sent in a new version by a system that does not know of it. Given again, on a later day, it is another consent.
func TestAPushGivesNoConsentBack(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	patient, _, _, _ := g.parents()
	g.may(familyScopes+" patient/Consent.u", "mother", "father")
	push := func(version int, change func(content map[string]any), status ...string) answer {
		doc := decode[map[string]any](t, changed(t, "boris/12-toestemming.json", change))
		doc["versie"] = version
		if len(status) > 0 {
			doc["status"] = status[0]
		}
		return g.submit("home", encode(t, doc)).want(t, http.StatusCreated)
	}
	push(1, func(map[string]any) {})
	given := g.search("mother", "/fhir/Consent?patient="+patient.ID+"&status=active").ids()
	if len(given) != 1 {
		t.Fatalf("given: %v", given)
	}
	g.takeBack("mother", given[0])
	if a := push(2, func(in map[string]any) { in["geldigTot"] = "2027-01-31" }); !strings.Contains(a.body, "MKS-TOE-10") {
		t.Errorf("the sender is not told: %s", a.body)
	}
	if a := g.get("home", "/fhir/"+given[0]).want(t, http.StatusOK); !strings.Contains(a.body, `"status":"inactive"`) || !strings.Contains(a.body, "2027-01-31") {
		t.Errorf("after the push: %s", a.body)
	}
	push(3, func(map[string]any) {}, "concept")
	push(4, func(map[string]any) {}, "definitief")
	if a := g.get("home", "/fhir/"+given[0]).want(t, http.StatusOK); !strings.Contains(a.body, `"status":"inactive"`) {
		t.Errorf("after a draft: %s", a.body)
	}
	push(5, func(in map[string]any) {
		for _, giver := range items(in, "gegevenDoor") {
			giver.(map[string]any)["op"] = "2026-11-21T18:30:00+01:00"
		}
	})
	if a := g.get("home", "/fhir/"+given[0]).want(t, http.StatusOK); !strings.Contains(a.body, `"status":"active"`) {
		t.Errorf("given again: %s", a.body)
	}
}

// TestAPlanGivesNoConsentBack is the same of a coordinated plan, of which the organisation that wrote the consents
// down ends them when a guardian asks.
func TestAPlanGivesNoConsentBack(t *testing.T) {
	t.Parallel()
	g, patient, plan := planned(t, nil)
	p := system("school", refOf(g.search("hab", "/fhir/Organization?name=F%C3%B6rskolan").ids()[0]), "system/*.rs")
	p.Purpose = "COC"
	g.principals["school"] = p
	opens := func(whole bool) { // its own measures are left to it
		t.Helper()
		if a := g.get("school", "/fhir/"+plan).want(t, http.StatusOK); strings.Contains(a.body, "Kartläggning") != whole {
			t.Errorf("the plan is whole, or not: %s", a.body)
		}
	}
	opens(true)
	for _, id := range g.search("hab", "/fhir/Consent?patient="+strings.TrimPrefix(patient, "Patient/")+"&status=active").ids() {
		g.takeBack("hab", id)
	}
	opens(false)
	a := g.submit("hab", coordinated(t, "valid/02-ylva.json", map[string]any{"version": 3, "titel": "Samordnad plan, ny titel"})).want(t, http.StatusCreated)
	if !strings.Contains(a.body, "SP-R02b") || !strings.Contains(a.body, `"/samtycke/0"`) {
		t.Errorf("the sender is not told: %s", a.body)
	}
	opens(false)
}
