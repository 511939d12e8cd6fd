package rest_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// withContact is the record of boris in which the family turns to the hospital, a member of the network.
func withContact(t *testing.T, version int, organisation string) string {
	t.Helper()
	return strings.NewReplacer(
		`"versie": 1`, fmt.Sprintf(`"versie": %d`, version),
		`"organisatie": "Kinderthuiszorg Voorbeeld"`, fmt.Sprintf("%q: %q", "organisatie", organisation),
		`"leden": [`, `"leden": [{"id":"n6","naam":"Ziekenhuis Voorbeeld","soort":"organisatie","kring":4,"sterkte":"matig","richting":"naar-client","ura":"90000002"},`,
		`"status": "voorgesteld"`, `"status": "voorgesteld", "reserve": "n1"`,
		`"status": "loopt"`, `"status": "gestopt"`,
	).Replace(networkFile(t, "valid/01-boris.json"))
}

// TestWhomAFamilyTurnsTo (network.md 4, 5): the contact at an organisation sees what another care organisation
// does, and also who is proposed, what members do not want, and agreements that are over; it asks for help in the
// network of who keeps it. All of it ends with its role, and with the consent of the member.
func TestWhomAFamilyTurnsTo(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, "boris/01-kind.json")
	n.mother("patient/*.cruds")
	n.share("hospital", n.orgs["hospital"].String())
	n.share("other", n.orgs["other"].String())
	n.to("mother", n.kin["taak-t2"], "cancelled").want(t, http.StatusOK)
	ask := func() answer {
		return n.do("hospital", http.MethodPost, "/fhir/Task", n.help(n.orgs["hospital"].String(), n.kin["n2"], `,"basedOn":[{"reference":"`, n.kin["t3"], `"}]`), "Prefer", "return=OperationOutcome")
	}
	n.create("home", "Observation", fmt.Sprintf(`{"resourceType":"Observation","status":"final","code":{"coding":[{"system":"https://drieluik.example/fhir/CodeSystem/netwerk-meting","code":"belasting"}]},
		"subject":{"reference":%q},"focus":[{"reference":%q}],"effectiveDateTime":"2026-11-01","valueInteger":4}`, n.patient, n.kin["n2"]))
	ask().want(t, http.StatusForbidden).wantIssue(t, "write-role", "")
	for version, role := range []struct {
		organisation string
		contact      bool
	}{{"Ziekenhuis  voorbeeld", true}, {"Kinderthuiszorg Voorbeeld", false}} {
		n.submit("home", withContact(t, version+2, role.organisation)).want(t, http.StatusCreated)
		n.contactSees("hospital", role.contact)
		n.contactSees("other", false)
	}
	ask().want(t, http.StatusForbidden)
	n.submit("home", withContact(t, 4, "Ziekenhuis Voorbeeld")).want(t, http.StatusCreated)
	a := ask().want(t, http.StatusCreated)
	a.wantIssue(t, "NW-R04", "Task.owner")
	if strings.Contains(a.body, n.kin["n1"]) {
		t.Errorf("who may not know the reserve is told of them: %s", a.body)
	}
	made := n.search("hospital", "/fhir/Task?status=requested&requester="+n.orgs["hospital"].String()).ids()[0]
	n.reads("home", made, []string{n.orgs["hospital"].String()}, nil)
	n.to("hospital", made, "accepted", prepared).want(t, http.StatusUnprocessableEntity)
	n.to("hospital", made, "cancelled").want(t, http.StatusOK)
	n.to("mother", n.kin["n3-ziet"], "inactive").want(t, http.StatusNoContent)
	n.reads("hospital", n.kin["n3"], nil, []string{"XXX_Vader"})
}

// contactSees holds what an organisation that the family turns to sees, or one that it does not.
func (n *network) contactSees(who string, contact bool) {
	n.t.Helper()
	always := []string{"netwerk-aanbod", "netwerk-besluit", `"zwak"`}
	never := []string{"gespannen", "netwerk-onderling", "netwerk-kring", "netwerk-richting", "netwerk-relatie"}
	if over := n.get(who, "/fhir/"+n.kin["t2"]); over.status == http.StatusOK != contact {
		n.t.Errorf("%s, contact %v: an agreement that is over answers %d", who, contact, over.status)
	}
	n.reads(who, n.kin["n1"], []string{`"familie"`}, []string{"XXX_Opa", "000-0000101"})
	n.reads(who, n.kin["n1-belasting"], []string{"belasting"}, []string{"valueInteger"})
	picture := n.get(who, "/fhir/"+n.team+"/$ecomap").want(n.t, http.StatusOK).body
	if strings.Contains(picture, "XXX_Vader") != contact || strings.Contains(picture, "XXX_Opa") {
		n.t.Errorf("%s, contact %v: its picture is %s", who, contact, picture)
	}
	found := len(n.search(who, "/fhir/RelatedPerson?name=XXX_Vader").Entry)
	if !contact {
		n.reads(who, n.team, always, append(never, "netwerk-niet", "netwerk-grens"))
		n.reads(who, n.kin["n3"], []string{"vrijwilliger"}, []string{"XXX_Vader"})
	} else {
		n.reads(who, n.team, append(always, "netwerk-niet", "begeleidt geen koopavond", "SUBSETTED"), never)
		n.reads(who, n.kin["n3"], []string{"XXX_Vader"}, nil)
	}
	if found == 1 != contact {
		n.t.Errorf("%s, contact %v: finds %d by their name", who, contact, found)
	}
}

// reads holds what stands in a resource as somebody reads it, and what does not.
func (n *network) reads(who, ref string, shown, hidden []string) {
	n.t.Helper()
	body := n.get(who, "/fhir/"+ref).want(n.t, http.StatusOK).body
	for _, want := range shown {
		if !strings.Contains(body, want) {
			n.t.Errorf("%s does not see %s in %s", who, want, body)
		}
	}
	for _, none := range hidden {
		if strings.Contains(body, none) {
			n.t.Errorf("%s sees %s in %s", who, none, body)
		}
	}
}
