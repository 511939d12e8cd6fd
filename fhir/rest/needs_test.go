package rest_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/drieluik/drieluik/fhir"
)

// TestTheNeedOfAParentIsThatParentsToRead: of the family nobody else sees it, neither as a need nor in
// the form that tells of it.
func TestTheNeedOfAParentIsThatParentsToRead(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	patient, _, _, _ := g.parents()
	for _, name := range []string{"mother", "father"} {
		p := g.principals[name]
		p.Scopes = g.scopes("patient/Condition.rs patient/QuestionnaireResponse.rs")
		g.principals[name] = p
	}
	g.submit("home", record(t, "boris/05-hulpbehoeftescan-herhaling.json")).want(t, http.StatusCreated)
	need := func(id string) string {
		found := g.search("home", "/fhir/Condition?identifier="+url.QueryEscape(fhir.Canonical+"/bron/90000001/ecd/behoefte|hbs-1002#"+id)).ids()
		if len(found) != 1 {
			t.Fatalf("need %s: %v", id, found)
		}
		return "/fhir/" + found[0]
	}
	form := "/fhir/" + g.search("home", "/fhir/QuestionnaireResponse?patient="+patient.ID).ids()[0]
	for path, father := range map[string]int{need("b4"): http.StatusNotFound, form: http.StatusNotFound, need("b1"): http.StatusOK} {
		g.reads("mother", path, http.StatusOK, "")
		g.reads("father", path, father, "")
	}
	category := "/fhir/Condition?patient=" + patient.ID + "&category=hulpbehoefte"
	if m, f := len(g.search("mother", category).Entry), len(g.search("father", category).Entry); m != 5 || f != 4 {
		t.Errorf("the mother finds %d needs, the father %d", m, f)
	}
}

func TestAnEvaluationSaysWhatBecomesOfAGoalUntilItIsWithdrawn(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	patient, _, _, _ := g.parents()
	doc := strings.Replace(record(t, "boris/09-evaluatie-ouders.json"), `"zp-1001/2"`, `"zp-1001/3"`, 1)
	said := func(status string) int {
		return len(g.search("home", "/fhir/Goal?patient="+patient.ID+"&achievement-status="+status).Entry)
	}
	g.submit("home", doc).want(t, http.StatusCreated)
	g.submit("home", doc).want(t, http.StatusOK)
	if n := said("in-progress"); n != 1 {
		t.Errorf("%d goals are in progress", n)
	}
	withdrawn := strings.Replace(strings.Replace(doc, `"versie": 1`, `"versie": 2`, 1), `"definitief"`, `"ingetrokken","intrekReden":"dubbel"`, 1)
	g.submit("home", withdrawn).want(t, http.StatusCreated)
	if n := said("in-progress"); n != 0 {
		t.Errorf("%d goals are in progress after the withdrawal", n)
	}
}
