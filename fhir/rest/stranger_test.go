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

const ruleSource = fhir.Canonical + "/mks/workflow#"

// TestNobodyPosesAsARule: a Task that says a rule wrote it would make the server write to the family, and
// tell its writer who holds authority.
func TestNobodyPosesAsARule(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	patient, _, _, _ := g.parents()
	task := fmt.Sprintf(`{"resourceType":"Task","meta":{"source":"%sbtg-review"},"status":"requested","intent":"order","authoredOn":"2026-11-01T10:00:00Z",
		"for":{"reference":%q},"requester":{"reference":%q}}`, ruleSource, patient, g.orgs["other"])
	g.do("other", http.MethodPost, "/fhir/Task", task).want(t, http.StatusForbidden).wantIssue(t, "write-role", "")
	id := g.create("other", "Task", strings.Replace(task, ruleSource, "urn:own:", 1))
	changed := strings.Replace(g.get("other", "/fhir/Task/"+id).body, "urn:own:", ruleSource, 1)
	g.do("other", http.MethodPut, "/fhir/Task/"+id, changed).want(t, http.StatusForbidden)
	g.tick()
	if got := g.search("other", "/fhir/Communication?patient="+patient.ID).ids(); len(got) > 0 {
		t.Errorf("the server wrote %v", got)
	}
}

// TestWhatARuleWroteStaysItsOwn: who moves the Task on does not have to say from where it came.
func TestWhatARuleWroteStaysItsOwn(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	patient, _, _, _ := g.parents()
	g.may(familyScopes, "mother")
	g.finalDraft()
	path := "/fhir/" + g.search("mother", "/fhir/Task?patient="+patient.ID+"&code=approve").ids()[0]
	task := decode[map[string]any](t, g.get("home", path).body)
	delete(task, "meta")
	task["status"] = "cancelled"
	g.do("home", http.MethodPut, path, encode(t, task)).want(t, http.StatusOK)
	g.tick()
	now := decode[struct {
		Status string
		Meta   struct{ Source string }
	}](t, g.get("home", path).want(t, http.StatusOK).body)
	if now.Status != "cancelled" || now.Meta.Source != ruleSource+"7.6" {
		t.Errorf("%+v", now)
	}
}

// TestAnEmergencyThroughAnOperationIsReviewedToo: what $completeness tells leaves the server as by a read.
func TestAnEmergencyThroughAnOperationIsReviewedToo(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	patient, _, _, _ := g.parents()
	p := system("ehr", g.orgs["other"], "user/*.rs")
	p.Role, p.Purpose, p.FHIRUser = auth.Professional, "BTG", fhir.Ref{Type: "Practitioner", ID: "spoedarts"}
	p.BTG = &auth.BreakGlass{Reason: "Bewusteloos binnengebracht", At: g.clock().Add(-time.Minute), Exp: g.clock().Add(time.Hour)}
	g.principals["doctor"] = p
	g.get("doctor", "/fhir/"+patient.String()+"/$completeness").want(t, http.StatusOK)
	if got := g.tasks("home", patient.ID, "btg-review"); len(got) != 1 {
		t.Errorf("reviews: %v", got)
	}
}

// TestAStrangerAsksNoQuestionBack: a Task of its own making does not make it the receiver of what another sent.
func TestAStrangerAsksNoQuestionBack(t *testing.T) {
	t.Parallel()
	s := leaving(t)
	s.create("other", "Task", fmt.Sprintf(taskBody, s.composition, s.patient, s.orgs["other"], s.orgs["other"]))
	s.create("other", "Communication", fmt.Sprintf(backBody, s.patient, `"about":[{"reference":"`+s.composition+`"}],`))
	if got := s.search("other", "/fhir/Task?code=terugvraag&patient="+s.patient).ids(); len(got) > 0 {
		t.Errorf("a stranger is told of the nurse by %v", got)
	}
}

// TestAQuestionKeepsItsLabels: what is kept from the family in the question is kept from it in the Task.
func TestAQuestionKeepsItsLabels(t *testing.T) {
	t.Parallel()
	s := leaving(t)
	s.mother("patient/*.rs")
	label := `{"resourceType":"Communication","meta":{"security":[{"system":"` + fhir.Canonical + `/CodeSystem/access-label","code":"not-for-patient"}],
		"tag":[{"system":"` + fhir.Canonical + `/CodeSystem/mks-domein","code":"sociaal"}]},`
	body := strings.Replace(fmt.Sprintf(backBody, s.patient, `"about":[{"reference":"`+s.composition+`"}],`), `{"resourceType":"Communication",`, label, 1)
	s.create("home", "Communication", body)
	path := "/fhir/" + s.search("home", "/fhir/Task?code=terugvraag&patient="+s.patient).ids()[0]
	s.get("mother", path).want(t, http.StatusNotFound)
	if a := s.get("hospital", path).want(t, http.StatusOK).valid(t); !strings.Contains(a.body, "sociaal") {
		t.Errorf("no domain in %s", a.body)
	}
}
