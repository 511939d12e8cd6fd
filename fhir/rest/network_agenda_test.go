package rest_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/drieluik/drieluik/auth"
)

// TestAMemberWithTheAgendaSeesWhenOthersHelp (network.md 5): times of all, without names; its own agreements whole;
// nothing by which the rest could be searched for, and nothing once it has withdrawn or others hold the consent.
func TestAMemberWithTheAgendaSeesWhenOthersHelp(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, "boris/01-kind.json")
	n.person("neighbour", auth.Helper, n.kin["n2"], "SUPNWK")
	other := n.get("grandfather", "/fhir/"+n.kin["t3"]).want(t, http.StatusOK).body
	for _, shown := range []string{"netwerk-frequentie", "woensdag", `"wed"`, "twee-weken", "2026-10-07", "SUBSETTED"} {
		if !strings.Contains(other, shown) {
			t.Errorf("the time of others lacks %s: %s", shown, other)
		}
	}
	for _, hidden := range []string{"Administratie", n.kin["n3"], "netwerk-aanbod", "performer", "identifier"} {
		if strings.Contains(other, hidden) {
			t.Errorf("the time of others tells %s: %s", hidden, other)
		}
	}
	if own := n.get("grandfather", "/fhir/"+n.kin["t1"]).want(t, http.StatusOK).body; !strings.Contains(own, "Opa haalt Boris op") {
		t.Errorf("its own agreement: %s", own)
	}
	if all := n.search("grandfather", "/fhir/CarePlan?patient="+n.patient).ids(); len(all) != 3 {
		t.Errorf("the agenda holds %d agreements", len(all))
	}
	if found := n.search("grandfather", "/fhir/CarePlan?performer="+n.kin["n3"]).Entry; len(found) != 0 {
		t.Error("who helps can be searched for")
	}
	if found := n.search("grandfather", "/fhir/RelatedPerson?_has:CarePlan:performer:status=draft").Entry; len(found) != 0 {
		t.Error("who helps can be told from a chain")
	}
	n.get("grandfather", "/fhir/"+n.kin["taak-t3"]).want(t, http.StatusNotFound)
	n.get("neighbour", "/fhir/"+n.kin["t1"]).want(t, http.StatusNotFound)
	n.get("neighbour", "/fhir/"+n.kin["t3"]).want(t, http.StatusNotFound)
	n.to("home", n.kin["taak-t3"], "rejected").want(t, http.StatusOK)
	n.get("grandfather", "/fhir/"+n.kin["t3"]).want(t, http.StatusNotFound)
	n.to("grandfather", n.kin["n1-ziet"], "inactive").want(t, http.StatusNoContent)
	n.get("grandfather", "/fhir/"+n.kin["t1"]).want(t, http.StatusForbidden)
}
