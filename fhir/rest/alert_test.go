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
	"github.com/drieluik/drieluik/fhir/search"
)

// unfiltered is a store whose searches and histories show what the filter hides.
type unfiltered struct {
	exchange.Store
	on bool
}

func (b *unfiltered) View(ctx context.Context, f func(exchange.Snapshot) error) error {
	return b.Store.View(ctx, func(v exchange.Snapshot) error { return f(unfilteredSnapshot{v, b}) })
}

type unfilteredSnapshot struct {
	exchange.Snapshot
	b *unfiltered
}

func (s unfilteredSnapshot) Search(p search.Plan, f auth.Filter) (exchange.Page, error) {
	if s.b.on {
		f = auth.Filter{Directory: true, Via: f.Via}
	}
	return s.Snapshot.Search(p, f)
}

func (s unfilteredSnapshot) History(span exchange.Span) (exchange.Page, error) {
	if s.b.on {
		for t := range span.Filters {
			span.Filters[t] = auth.Filter{Directory: true}
		}
	}
	return s.Snapshot.History(span)
}

// alertRow is what of a Security Alert the tests look at.
type alertRow struct {
	Action, Outcome, OutcomeDesc string
	Type                         struct{ Code string }
	Subtype                      []struct{ Code string }
	Entity                       []struct{ What struct{ Reference string } }
}

// alerts are the Security Alerts of the operator's chain: outcome, reason, subtypes and what each names.
func (g *rig) alerts() (out []string) {
	g.t.Helper()
	for _, body := range g.bodies(exchange.SystemCompartment) {
		row := decode[alertRow](g.t, body)
		if row.Type.Code != "110113" {
			continue
		}
		line := row.Outcome + " " + row.OutcomeDesc
		for _, s := range row.Subtype {
			line += " " + s.Code
		}
		for _, e := range row.Entity {
			if e.What.Reference != "" {
				line += " " + e.What.Reference
			}
		}
		out = append(out, line)
	}
	return out
}

// TestALeakOfTheFilterIsASecurityAlert: what the query shows and the second decision refuses does not
// leave, on no path that has a filter; the operator is told with the resource and the rule, and the log
// of the child has no look that did not happen.
func TestALeakOfTheFilterIsASecurityAlert(t *testing.T) {
	t.Parallel()
	b := &unfiltered{}
	g := newRigWith(t, auth.Settings{Jurisdiction: "nl"}, func(s exchange.Store) exchange.Store {
		b.Store = s
		return b
	})
	patient, plan := g.child("hospital")
	own, _ := g.child("other")
	b.on = true
	before := len(g.bodies(patient))
	about := g.create("hospital", "CarePlan", fmt.Sprintf(planBody, own)) // refers to what the other keeps
	for _, row := range []struct {
		q                 query
		interaction, leak string
	}{
		{query{method: "GET", path: "/fhir/CarePlan"}, "search-type", plan},
		{query{method: "GET", path: "/fhir/Patient?_id=" + own + "&_revinclude=CarePlan:subject"}, "search-type", about},
		{query{method: "GET", path: "/fhir/CarePlan/_history"}, "history-type", plan},
		{query{method: "DELETE", path: "/fhir/CarePlan?_id=" + plan}, "delete", plan},
	} {
		told := len(g.alerts())
		a := g.do("other", row.q.method, row.q.path, "")
		if a.status >= 400 || strings.Contains(a.body, row.leak) {
			t.Errorf("%s: %d %s", row.q, a.status, a.body)
		}
		got := g.alerts()[told:]
		if len(got) != 1 || !strings.HasPrefix(got[0], "4 relation-none "+row.interaction+" filter_leak") || !strings.Contains(got[0], "CarePlan/"+row.leak+"/_history/1") {
			t.Errorf("%s: %v", row.q, got)
		}
	}
	if got := len(g.bodies(patient)); got != before {
		t.Errorf("the log of the child tells of %d looks", got-before)
	}
	if !strings.Contains(g.log.String(), `"msg":"filter leak"`) {
		t.Error("the operator's log says nothing")
	}
	b.on = false
	told := len(g.alerts())
	g.search("other", "/fhir/CarePlan?_revinclude=Provenance:target")
	g.get("hospital", "/fhir/CarePlan/_history").want(t, 200)
	if got := g.alerts()[told:]; len(got) != 0 {
		t.Errorf("alerts without a leak: %v", got)
	}
}

// TestAFloodIsASecurityAlert: a client that asks for too many taken ids is stopped, and each further
// attempt stands in the log as an alert, in the chain of the child whose id it guessed.
func TestAFloodIsASecurityAlert(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	patient, _ := g.child("hospital")
	for range 20 {
		g.do("other", http.MethodPut, "/fhir/Patient/"+patient, withID(patientBody, patient)).want(t, 404)
	}
	before := len(g.bodies(patient))
	g.do("other", http.MethodPut, "/fhir/Patient/"+patient, withID(patientBody, patient)).want(t, http.StatusTooManyRequests)
	rows := g.bodies(patient)
	if len(rows) != before+1 {
		t.Fatalf("%d rows", len(rows)-before)
	}
	if row := decode[alertRow](t, rows[before]); row.Type.Code != "110113" || row.Outcome != "4" || row.OutcomeDesc != "id-guesses" {
		t.Errorf("%s", rows[before])
	}
	told := len(g.alerts())
	g.do("other", http.MethodPut, "/fhir/Patient/free-id", withID(patientBody, "free-id")).want(t, http.StatusTooManyRequests)
	if got := g.alerts()[told:]; len(got) != 1 || !strings.HasPrefix(got[0], "4 id-guesses update") {
		t.Errorf("a free id is told of as %v", got)
	}
}

// TestTheLogNamesTheProcessThatWroteIt: source.observer is the device drieluik with its instance, for
// officers and operators; a family learns nothing of the machine.
func TestTheLogNamesTheProcessThatWroteIt(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	patient, _, _ := g.family()
	observer := fmt.Sprintf(`"observer":{"type":"Device","identifier":{"system":"%s/sid/instance","value":"%s"},"display":"drieluik"}`, fhir.Canonical, instance)
	if err := g.exchange.Note(t.Context(), exchange.Incident{Event: "started"}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []string{patient.ID, exchange.SystemCompartment} {
		for _, body := range g.bodies(c) {
			if !strings.Contains(body, observer) {
				t.Errorf("which process wrote %s?", body)
			}
		}
	}
	for as, tells := range map[string]bool{g.officerOf("home"): true, "mother": false} {
		for _, row := range g.logOf(as, "/fhir/AuditEvent?patient="+patient.ID) {
			if strings.Contains(row.raw, instance) != tells || !strings.Contains(row.raw, `"display":"drieluik"`) {
				t.Errorf("%s reads %s", as, row.raw)
			}
		}
	}
}

// TestThePoliciesOfARowStandInTheirOrder: the rules and their release, the ground, the consents.
func TestThePoliciesOfARowStandInTheirOrder(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.raise(ours)
	rows := g.bodies("zza-Patient")
	found := 0
	for _, body := range rows {
		policy := decode[nenRow](t, body).Agent[0].Policy
		if !strings.Contains(body, "/policy/permit-consent") {
			continue
		}
		found++
		if len(policy) != 3 || !strings.HasPrefix(policy[0], fhir.Canonical+"/policy/access|") || policy[1] != fhir.Canonical+"/policy/permit-consent" || !strings.HasPrefix(policy[2], fhir.Canonical+"/policy/consent/") {
			t.Errorf("the policies are %v", policy)
		}
	}
	if found == 0 {
		t.Errorf("none of %d rows has a consent", len(rows))
	}
}
