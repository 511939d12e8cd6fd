package rest_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
)

// doers are the answer of $actions: who, with the count of a week and of what is done when needed, and the number
// of actions.
func (g *rig) doers(as, patient string) []string {
	g.t.Helper()
	type part struct {
		Name           string
		ValueReference struct{ Reference string }
		ValueDecimal   float64
		ValueInteger   int
	}
	out := []string{}
	body := g.get(as, "/fhir/"+patient+"/$actions").want(g.t, http.StatusOK).valid(g.t).body
	for _, p := range decode[struct{ Parameter []struct{ Part []part } }](g.t, body).Parameter {
		line, actions := "", 0
		for _, x := range p.Part {
			switch x.Name {
			case "who":
				line = x.ValueReference.Reference
			case "perWeek":
				line += fmt.Sprintf(" %g a week", x.ValueDecimal)
			case "asNeeded":
				line += fmt.Sprintf(" %d as needed", x.ValueInteger)
			case "action":
				actions++
			}
		}
		out = append(out, fmt.Sprintf("%s of %d", line, actions))
	}
	return sorted(out...)
}

// TestEachSeesTheActionsOfAWeekThatAreTheirs: the family and the team see who does what, a volunteer its own.
func TestEachSeesTheActionsOfAWeekThatAreTheirs(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	patient, _, mother, father := g.parents()
	volunteer := refOf(g.search("home", "/fhir/RelatedPerson?identifier="+fhir.Canonical+"/bron/90000001/ecd/betrokkene|bet-03").ids()[0])
	nurse := func(local string) string {
		return g.search("home", "/fhir/PractitionerRole?identifier="+fhir.Canonical+"/bron/90000001/ecd/medewerker|"+local).ids()[0]
	}
	want := sorted(
		nurse("med-02")+" 14 a week of 1", nurse("med-03")+" 7 a week of 1", mother.String()+" 21 a week of 1", father.String()+" 14 a week of 2",
		volunteer.String()+" 1 a week of 1", g.orgs["home"].String()+" 1 as needed of 1", patient.String()+" 42 a week of 1")
	for _, as := range []string{"home", "mother"} {
		if d := gocmp.Diff(want, g.doers(as, patient.String())); d != "" {
			t.Errorf("%s (-want +got):\n%s", as, d)
		}
	}
	helper := g.principals["mother"]
	helper.Role, helper.Purpose, helper.FHIRUser = auth.Helper, "SUPNWK", volunteer
	g.principals["volunteer"] = helper
	g.create("home", "Consent", fmt.Sprintf(`{"resourceType":"Consent","status":"active","scope":{"coding":[{"system":
		"http://terminology.hl7.org/CodeSystem/consentscope","code":"patient-privacy"}]},"category":[{"coding":[{"system":"http://loinc.org","code":"59284-0"}]}],
		"patient":{"reference":%q},"dateTime":"2026-11-20","performer":[{"reference":%q}],"organization":[{"reference":%q}],
		"policyRule":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"OPTIN"}]},
		"provision":{"type":"permit","actor":[{"role":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ParticipationType","code":"IRCP"}]},
		"reference":{"reference":%q}}]}}`, patient, mother, g.orgs["home"], volunteer))
	if d := gocmp.Diff([]string{volunteer.String() + " 1 a week of 1"}, g.doers("volunteer", patient.String())); d != "" {
		t.Errorf("the volunteer (-want +got):\n%s", d)
	}
	g.principals["stranger"] = system("stranger", fhir.Ref{Type: "Organization", ID: "elsewhere"}, "system/*.cruds")
	hidden, missing := g.get("stranger", "/fhir/"+patient.String()+"/$actions"), g.get("stranger", "/fhir/Patient/none/$actions")
	if hidden.status != http.StatusNotFound || strings.ReplaceAll(hidden.body, patient.ID, "none") != missing.body {
		t.Errorf("a stranger is told %s", hidden.body)
	}
	g.get("mother", "/fhir/"+patient.String()+"/$actions?week=3").want(t, http.StatusBadRequest).wantIssue(t, "operation-parameter", "")
}
