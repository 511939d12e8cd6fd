package rest_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
)

// TestAMemberIsShownToWhomItSaysSo (network.md 5): by its own consent, to those named there, until it takes that
// back; of the decision a member sees who takes it.
func TestAMemberIsShownToWhomItSaysSo(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, "boris/01-kind.json")
	n.mother("patient/*.cruds")
	n.person("neighbour", auth.Helper, n.kin["n2"], "SUPNWK")
	n.person("volunteer", auth.Helper, n.kin["n3"], "SUPNWK")
	n.reads("neighbour", n.kin["n1"], []string{"XXX_Opa Jan", "000-0000101"}, []string{"999912185"})
	n.get("volunteer", "/fhir/"+n.kin["n1"]).want(t, http.StatusNotFound)
	n.get("neighbour", "/fhir/"+n.kin["n3"]).want(t, http.StatusNotFound)
	n.reads("neighbour", n.kin["n2"], []string{"XXX_Els"}, nil)
	n.to("grandfather", n.kin["n1-zichtbaar"], "inactive")
	n.get("neighbour", "/fhir/"+n.kin["n1"]).want(t, http.StatusNotFound)
	n.share("neighbour", n.kin["n2"])
	n.reads("neighbour", n.team, []string{"XXX_Anna Testkind (moeder)"}, []string{"XXX_Petra Regel", "taken toewijzen", "netwerk-sterkte"})
	n.reads("mother", n.team, []string{"XXX_Petra Regel", "taken toewijzen"}, nil)
	n.reads("neighbour", n.kin["n1-belasting"], []string{"belasting"}, []string{"valueInteger"})
	n.reads("neighbour", n.kin["n2-belasting"], []string{`"valueInteger":1`}, nil)
	n.reads("neighbour", n.kin["taak-t1"], []string{`"accepted"`, "2026-12-01"}, []string{"Opa", "voorbereiding", "owner", "Moeder kan werken"})
}

// TestWhatAMemberSeesOfTheChild is what the parents' consent names: goals, and medical facts in short.
func TestWhatAMemberSeesOfTheChild(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, "boris/01-kind.json")
	sees := strings.Replace(networkFile(t, "valid/01-boris.json"), `"versie": 1`, `"versie": 2`, 1)
	sees = strings.Replace(sees, `"agenda",`, `"medisch-kort",`, 1)
	sees = strings.Replace(sees, `"datum": "2026-10-02",`, `"datum": "2026-10-03",`, 1)
	at := strings.Index(sees, `"XXX_Els"`)
	sees = sees[:at] + strings.Replace(sees[at:], `"eigen-taken"`, `"eigen-taken", "doelen"`, 1)
	n.submit("home", sees).want(t, http.StatusCreated)
	n.person("neighbour", auth.Helper, n.kin["n2"], "SUPNWK")
	of := fmt.Sprintf(`"meta":{"tag":[{"system":"%s/CodeSystem/mks-domein","code":"medisch"}]}`, fhir.Canonical)
	goal := n.create("home", "Goal", fmt.Sprintf(`{"resourceType":"Goal",%s,"lifecycleStatus":"active","description":{"text":"zelf drinken"},"subject":{"reference":%q}}`, of, n.patient))
	flag := n.create("home", "Flag", fmt.Sprintf(`{"resourceType":"Flag",%s,"status":"active","code":{"text":"latex"},"subject":{"reference":%q}}`, of, n.patient))
	note := n.create("home", "Condition", fmt.Sprintf(`{"resourceType":"Condition",%s,"code":{"text":"reflux"},"subject":{"reference":%q}}`, of, n.patient))
	for _, c := range []struct {
		who    string
		status [3]int
	}{{"grandfather", [3]int{404, 200, 404}}, {"neighbour", [3]int{200, 404, 404}}} {
		for i, path := range []string{"/fhir/Goal/" + goal, "/fhir/Flag/" + flag, "/fhir/Condition/" + note} {
			if got := n.get(c.who, path).status; got != c.status[i] {
				t.Errorf("%s reads %s: %d, want %d", c.who, path, got, c.status[i])
			}
		}
	}
}

// TestWhoPreparesAHelperKnowsTheirName, and nobody else's, as long as the agreement stands (network.md 5); what its
// helper did once is told in words, by the helper alone.
func TestWhoPreparesAHelperKnowsTheirName(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, "boris/01-kind.json")
	n.mother("patient/*.cruds")
	n.share("hospital", n.orgs["hospital"].String())
	n.reads("hospital", n.kin["n1"], []string{`"familie"`}, []string{"XXX_Opa"})
	guides := strings.NewReplacer(`"versie": 1`, `"versie": 2`, `"door": "n4"`, `"door": "n6"`,
		`"leden": [`, `"leden": [{"id":"n6","naam":"Ziekenhuis","soort":"professional","kring":4,"sterkte":"matig","richting":"naar-client","ura":"90000002"},`)
	n.submit("home", guides.Replace(networkFile(t, "valid/01-boris.json"))).want(t, http.StatusCreated)
	n.reads("hospital", n.kin["n1"], []string{"XXX_Opa Jan"}, nil)
	n.reads("hospital", n.kin["n2"], []string{`"buur"`}, []string{"XXX_Els"})
	n.reads("hospital", n.team, []string{"geen injecties", `-r"`, "SUBSETTED"}, []string{"begeleidt geen koopavond", "netwerk-niet", "gespannen"})
	done := `,"output":[{"type":{"text":"verslag"},"valueString":"ging goed"}]`
	n.to("hospital", n.kin["taak-t2"], "completed", done).want(t, http.StatusForbidden)
	n.to("grandfather", n.kin["taak-t2"], "completed", done).want(t, http.StatusOK)
	n.reads("mother", n.kin["taak-t2"], []string{"ging goed"}, nil)
	n.to("grandfather", n.kin["taak-t1"], "on-hold").want(t, http.StatusOK)
	n.reads("hospital", n.kin["n1"], []string{"XXX_Opa Jan"}, nil)
	n.to("mother", n.kin["taak-t1"], "cancelled").want(t, http.StatusOK)
	n.reads("hospital", n.kin["n1"], []string{`"familie"`}, []string{"XXX_Opa"})
	n.reads("hospital", n.team, []string{"netwerk-aanbod"}, []string{"geen injecties"})
}

// TestTheSideThatDecidedReviews (network.md 4): of the family the one with authority who is called so.
func TestTheSideThatDecidedReviews(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, "boris/01-kind.json")
	n.mother("patient/*.cruds")
	n.advance(4 * 24 * time.Hour) // 25 November, reviews are on 1 December
	n.tick()
	review := "/fhir/Task?code=" + fhir.Canonical + "/CodeSystem/netwerk-taak|evalueren&status=requested"
	if found := n.search("mother", review+"&owner="+n.principals["mother"].FHIRUser.String()).Entry; len(found) != 2 {
		t.Errorf("the mother is asked for %d reviews", len(found))
	}
	if found := n.search("home", review).Entry; len(found) != 2 {
		t.Errorf("%d reviews are asked for", len(found))
	}
}
