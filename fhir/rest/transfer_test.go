package rest_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/drieluik/drieluik/fhir"
)

// transfer is a child on its way from the hospital to home care.
type transfer struct {
	*rig
	patient, task, composition string // Type/id
}

// leaving pushes what home care and hospital know of boris, and his transfer.
func leaving(t *testing.T) *transfer {
	t.Helper()
	g := newRig(t)
	g.submit("home", record(t, "boris/01-kind.json")).want(t, http.StatusCreated)
	g.submit("hospital", record(t, "boris/02-kind-ziekenhuis.json")).want(t, http.StatusCreated)
	return g.sent(record(t, "boris/11-overdracht-ziekenhuis-naar-huis.json"))
}

// sent pushes a transfer of the hospital.
func (g *rig) sent(doc string) *transfer {
	g.t.Helper()
	s := &transfer{rig: g}
	s.locate(g.submit("hospital", doc).want(g.t, http.StatusCreated))
	return s
}

func (s *transfer) locate(a answer) {
	s.t.Helper()
	for _, e := range decode[bundleOf](s.t, a.body).Entry {
		switch kind, _, _ := strings.Cut(e.Response.Location, "/"); kind {
		case "Patient":
			s.patient = e.Response.Location
		case "Task":
			s.task = e.Response.Location
		case "Composition":
			s.composition = e.Response.Location
		}
	}
	if s.patient == "" {
		s.patient = decode[struct{ For struct{ Reference string } }](s.t, s.get("hospital", "/fhir/"+s.task).body).For.Reference
	}
}

// move writes the Task with another status, and other members as JSON, as it is read.
func (s *transfer) move(as, status string, members ...string) answer {
	s.t.Helper()
	return s.moveTask(s.task, as, status, members...)
}

func (g *rig) moveTask(task, as, status string, members ...string) answer {
	g.t.Helper()
	r, issues := fhir.Parse([]byte(g.get(as, "/fhir/"+task).want(g.t, http.StatusOK).body), fhir.Limits{})
	if fhir.HasErrors(issues) {
		g.t.Fatal(issues)
	}
	edits := []fhir.Edit{{Path: []string{"status"}, JSON: `"` + status + `"`}}
	for i := 0; i+1 < len(members); i += 2 {
		edits = append(edits, fhir.Edit{Path: strings.Split(members[i], "."), JSON: members[i+1]})
	}
	r, err := r.Edit(edits...)
	if err != nil {
		g.t.Fatal(err)
	}
	return g.do(as, http.MethodPut, "/fhir/"+task, string(r.Bytes()))
}

// status is the status of a Task and the code that is its reason.
func (s *transfer) status() (status, reason string) {
	s.t.Helper()
	v := decode[struct {
		Status       string
		StatusReason struct{ Coding []struct{ Code string } }
	}](s.t, s.get("hospital", "/fhir/"+s.task).want(s.t, http.StatusOK).body)
	if len(v.StatusReason.Coding) > 0 {
		reason = v.StatusReason.Coding[0].Code
	}
	return v.Status, reason
}

type consentView struct {
	ID, Status, DateTime string
	Provision            struct {
		Period struct{ Start, End string }
		Actor  []struct{ Reference struct{ Reference string } }
	}
}

// implied returns the implied consents of the child, as the sender sees them.
func (s *transfer) implied() []consentView {
	s.t.Helper()
	b := decode[struct {
		Entry []struct{ Resource consentView }
	}](s.t,
		s.get("hospital", "/fhir/Consent?category=verondersteld&patient="+s.patient).want(s.t, http.StatusOK).body)
	out := []consentView{}
	for _, e := range b.Entry {
		out = append(out, e.Resource)
	}
	return out
}

// rulesIn are the rule ids of a refusal.
func rulesIn(t *testing.T, a answer) []string {
	t.Helper()
	var out []string
	for _, i := range decode[outcome](t, a.body).Issue {
		if i.Details.Text == "" {
			t.Errorf("issue %s says nothing", i.Diagnostics)
		}
		out = append(out, i.Diagnostics)
	}
	return out
}

func TestAnAcceptanceOpensTheTransferToItsReceiver(t *testing.T) {
	t.Parallel()
	s := leaving(t)
	s.get("home", "/fhir/"+s.composition).want(t, http.StatusNotFound)
	if got := rulesIn(t, s.move("home", "completed").want(t, http.StatusUnprocessableEntity)); !slices.Equal(got, []string{"task-transition", "G1"}) {
		t.Errorf("completed before it was accepted: %v", got)
	}
	s.move("home", "accepted").want(t, http.StatusOK)
	s.get("home", "/fhir/"+s.composition).want(t, http.StatusOK)
	s.get("other", "/fhir/"+s.composition).want(t, http.StatusNotFound)
	got := s.implied()
	if len(got) != 1 {
		t.Fatalf("consents %+v", got)
	}
	js, _ := json.Marshal(got)
	t.Log(string(js))
	t.Log(s.get("hospital", "/fhir/Consent/"+got[0].ID).valid(t).body)
	s.move("home", "completed").want(t, http.StatusOK)
	t.Log(s.implied())
	t.Log(s.get("hospital", "/fhir/Provenance?target=Consent/"+got[0].ID).body)
}
