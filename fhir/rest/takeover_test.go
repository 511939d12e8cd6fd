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
	"github.com/drieluik/drieluik/mapping"
)

// TestNobodyTakesTheIdsOfPushes: the ids that a push makes can be computed from outside, so that no
// client may create under one, nor learn whether it is taken.
func TestNobodyTakesTheIdsOfPushes(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	known := strings.TrimPrefix(locationsOf(t, g.pushBundle("hospital", discharge{}.String()).want(t, http.StatusCreated))[1], "Patient/")
	for name, id := range map[string]string{"free": mapping.ID("Patient/90000001/ecd/K-9999"), "taken": known} {
		body := fmt.Sprintf(`{"resourceType":"Patient","id":%q,"birthDate":"2024-01-01"}`, id)
		g.do("other", http.MethodPut, "/fhir/Patient/"+id, body).want(t, http.StatusNotFound).wantIssue(t, "not-found", "")
		entry := fmt.Sprintf(`{"resource":%s,"request":{"method":"PUT","url":"Patient/%s"}}`, body, id)
		if a := g.do("other", http.MethodPost, "/fhir", transaction(entry)); a.status != http.StatusNotFound {
			t.Errorf("%s, in a transaction: %d", name, a.status)
		}
	}
	g.do("other", http.MethodPut, "/fhir/Patient/own-1", `{"resourceType":"Patient","id":"own-1"}`).want(t, http.StatusCreated)
}

// TestAPushChangesNoOrganisation: what an organisation is called, numbered and of which kind comes with
// its registration, whoever named it first.
func TestAPushChangesNoOrganisation(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	organization := func(url, name string, uras ...string) string {
		ids := make([]string, len(uras))
		for i, u := range uras {
			ids[i] = fmt.Sprintf(`{"system":%q,"value":%q}`, uraSystem, u)
		}
		return fmt.Sprintf(`,{"fullUrl":%q,"resource":{"resourceType":"Organization","identifier":[%s],"name":%q}}`, url, strings.Join(ids, ","), name)
	}
	const url = "https://other.example/fhir/Organization/1"
	g.pushBundle("other", discharge{Key: "two", More: organization(url, "Twee", "90000776", "90000777")}.String()).want(t, http.StatusUnprocessableEntity).
		wantIssue(t, "bundle-organization", "Bundle.entry[4].resource")
	g.pushBundle("other", discharge{Key: "more", More: organization(url, "Meer", "90000003", "90000777")}.String()).want(t, http.StatusCreated)
	if a := g.get("home", "/fhir/"+g.orgs["other"].String()).want(t, http.StatusOK); strings.Contains(a.body, "90000777") {
		t.Errorf("a second number was added: %s", a.body)
	}
	g.pushBundle("other", discharge{Key: "first", More: organization(url, "Genoemd", "90000777")}.String()).want(t, http.StatusCreated)
	ref, err := g.exchange.RegisterOrganization(context.Background(), exchange.Registration{
		Identifier: fhir.Identifier{System: uraSystem, Value: "90000777"}, Name: "Slachtoffer",
	})
	if err != nil {
		t.Fatal(err)
	}
	if ref == g.orgs["other"] {
		t.Error("two organisations became one")
	}
	for _, uras := range [][]string{{"90000777"}, {"90000003"}} {
		g.pushBundle("other", discharge{Key: "again" + uras[0], More: organization(url, "HACKED", uras...)}.String())
	}
	for _, o := range []fhir.Ref{ref, g.orgs["other"]} {
		if a := g.get("home", "/fhir/"+o.String()).want(t, http.StatusOK); strings.Contains(a.body, "HACKED") {
			t.Errorf("%s", a.body)
		}
	}
}

// TestTheKindOfAnOrganisationIsTakenFromNobody: of a registered one what a Bundle says of it does not
// count, and a new one may not say it.
func TestTheKindOfAnOrganisationIsTakenFromNobody(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	kind := func(ura string) string {
		return fmt.Sprintf(`,{"resource":{"resourceType":"Organization","identifier":[{"system":%q,"value":%q}],"name":"x",
			"type":[{"coding":[{"system":"https://drieluik.example/fhir/CodeSystem/se-verksamhet","code":"hsl"}]}]}}`, uraSystem, ura)
	}
	g.pushBundle("hospital", discharge{Key: "known", More: kind("90000001")}.String()).want(t, http.StatusCreated)
	if a := g.get("home", "/fhir/"+g.orgs["home"].String()).want(t, http.StatusOK); strings.Contains(a.body, "hsl") {
		t.Errorf("%s", a.body)
	}
	g.pushBundle("hospital", discharge{Key: "new", More: kind("90000778")}.String()).want(t, http.StatusUnprocessableEntity).
		wantIssue(t, "bundle-organization", "Bundle.entry[4].resource.type")
}

// TestStaffThatAnotherNamedGivesNoAccess: a role with the number of a colleague does not make its
// sender part of a team.
func TestStaffThatAnotherNamedGivesNoAccess(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	role := func(organization string) string {
		return fmt.Sprintf(`,{"fullUrl":"urn:uuid:3f0c2d34-5a10-4c8e-9a57-0000000000aa","resource":{"resourceType":"PractitionerRole",
			"identifier":[{"system":"http://fhir.nl/fhir/NamingSystem/uzi-nr-pers","value":"123456789"}],
			"organization":{"reference":%q}}}`, organization)
	}
	const own = "urn:uuid:3f0c2d34-5a10-4c8e-9a57-000000000003" // the hospital's, of the Bundle
	seed := discharge{Key: "seed", Patient: dischargedChild("999994669", "XXX_Eigen"), More: role(own)}.String()
	seed = strings.ReplaceAll(strings.ReplaceAll(seed, "90000002", "90000003"), "urn:uuid:3f0c2d34", "urn:uuid:99999999")
	g.pushBundle("other", seed).want(t, http.StatusCreated)
	team := `,{"resource":{"resourceType":"CareTeam","status":"active","subject":{"reference":"` + patientURL + `"},
		"participant":[{"member":{"reference":"urn:uuid:3f0c2d34-5a10-4c8e-9a57-0000000000aa"}}]}}`
	pushed := g.pushBundle("hospital", discharge{More: role(own) + team}.String()).want(t, http.StatusCreated)
	for _, l := range locationsOf(t, pushed) {
		if kind, _, _ := strings.Cut(l, "/"); !auth.IsDirectory(fhir.Type(kind)) {
			g.get("other", "/fhir/"+l).want(t, http.StatusNotFound)
		}
	}
}

// TestADoubleOfAChildDivertsNoPush: who holds the child goes on writing in its own file.
func TestADoubleOfAChildDivertsNoPush(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	first := locationsOf(t, g.pushBundle("hospital", discharge{Key: "1"}.String()).want(t, http.StatusCreated))
	g.do("other", http.MethodPost, "/fhir/Patient", dischargedChild("999990019", "XXX_Dubbel")).want(t, http.StatusCreated)
	fresh := strings.ReplaceAll(discharge{Key: "2"}.String(), "urn:uuid:3f0c2d34", "urn:uuid:77777777")
	second := locationsOf(t, g.pushBundle("hospital", fresh).want(t, http.StatusCreated))
	if first[1] != second[1] {
		t.Errorf("the second push is about %s, not %s", second[1], first[1])
	}
}
