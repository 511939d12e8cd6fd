package rest_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/exchange"
)

// meddling is a store in which something happens just before a unit of writes is committed.
type meddling struct {
	exchange.Store
	before func(exchange.Unit) error
}

func (m *meddling) Commit(ctx context.Context, u exchange.Unit) ([]exchange.Written, error) {
	if before := m.before; before != nil && len(u.Writes) > 0 {
		if err := before(u); err != nil {
			return nil, err
		}
	}
	return m.Store.Commit(ctx, u)
}

// TestAWriteIsJudgedAgainWhenPolicyMovesBeforeItIsDurable: a mother answers a questionnaire while
// her custody ends.
func TestAWriteIsJudgedAgainWhenPolicyMovesBeforeItIsDurable(t *testing.T) {
	file := vectors(t)
	i := slices.IndexFunc(file.Cases, func(c accessCase) bool {
		return c.Expected.Reason == "permit-custody" && c.Principal.Scopes == "patient/*.rs" && slices.Contains(c.Use, "RelatedPerson/bet-01")
	})
	if i < 0 {
		t.Skip("the file has no such guardian")
	}
	c := file.Cases[i]
	between := &meddling{}
	g := newRigWith(t, auth.Settings{Jurisdiction: "nl"}, func(s exchange.Store) exchange.Store {
		between.Store = s
		return between
	})
	load(t, g, file, c)
	g.now.Store(&c.Now)
	c.Principal.Scopes = "patient/*.cruds"
	g.principals["mother"] = principalOf(t, c)
	g.principals["custodian"] = system("custodian", refOf("Organization/org-01"), "system/*.cruds")
	answers := `{"resourceType":"QuestionnaireResponse","status":"completed","subject":{"reference":"Patient/kind-1001"},"source":{"reference":"RelatedPerson/bet-01"}}`
	g.do("mother", http.MethodPost, "/fhir/QuestionnaireResponse", answers).want(t, 201)
	for name, body := range map[string]string{
		"write-role":            `{"resourceType":"CarePlan","status":"active","intent":"plan","subject":{"reference":"Patient/kind-1001"}}`,
		"context-other-patient": strings.Replace(answers, "kind-1001", "kind-1002", 1),
	} {
		kind := "QuestionnaireResponse"
		if name == "write-role" {
			kind = "CarePlan"
		}
		g.do("mother", http.MethodPost, "/fhir/"+kind, body).want(t, 403).wantIssue(t, name, "")
	}
	mother := g.get("custodian", "/fhir/RelatedPerson/bet-01").want(t, 200).body
	between.before = func(u exchange.Unit) error {
		between.before = nil
		g.do("custodian", http.MethodPut, "/fhir/RelatedPerson/bet-01", strings.Replace(mother, `"active":true`, `"active":false`, 1)).want(t, 200)
		return nil
	}
	a := g.do("mother", http.MethodPost, "/fhir/QuestionnaireResponse", answers)
	if a.status != 403 {
		t.Errorf("answered %d %.300s", a.status, a.body)
	}
	if all := g.search("custodian", "/fhir/QuestionnaireResponse?patient=kind-1001"); len(all.Entry) > 1 {
		t.Errorf("stored %v", all.ids())
	}
}

func TestARequestThatLosesEveryRaceIsToldToComeBack(t *testing.T) {
	between := &meddling{}
	g := newRigWith(t, auth.Settings{Jurisdiction: "nl"}, func(s exchange.Store) exchange.Store {
		between.Store = s
		return between
	})
	tries := 0
	between.before = func(exchange.Unit) error {
		tries++
		return &fhir.Error{Kind: fhir.Conflict, Op: "test", Reason: "moved", Err: errors.New(marker)}
	}
	before := g.position()
	for name, ask := range map[string]func() answer{
		"create": func() answer { return g.do("hospital", http.MethodPost, "/fhir/Patient", patientBody) },
		"submit": func() answer { return g.submit("home", record(t, childFile)) },
	} {
		tries = 0
		a := ask()
		if a.status != 503 || a.header.Get("Retry-After") == "" || tries < 3 {
			t.Errorf("%s: %d after %d tries: %.300s", name, a.status, tries, a.body)
			continue
		}
		a.wantIssue(t, "contended", "")
	}
	if diff := cmp.Diff(before, g.position()); diff != "" {
		t.Error(diff)
	}
	if n := slices.IndexFunc(g.events(), func(e auditEvent) bool { return e.Outcome == "8" && e.OutcomeDesc == "contended" }); n < 0 {
		t.Error("the failure is not in the log")
	}
}

// TestATT68_AStoreThatCannotBeReadIsSaidClosed: no cached decision is used.
func TestATT68_AStoreThatCannotBeReadIsSaidClosed(t *testing.T) {
	g := newRigWith(t, auth.Settings{Jurisdiction: "nl"}, func(s exchange.Store) exchange.Store { return &blind{Store: s} })
	for _, a := range []answer{
		g.get("hospital", "/fhir/Patient/x"), g.get("hospital", "/fhir/CarePlan"), g.submit("home", record(t, childFile)),
		g.do("hospital", http.MethodPost, "/fhir/Patient", patientBody),
	} {
		a.want(t, 503).wantIssue(t, "policy-unavailable", "")
		if strings.Contains(a.body, marker) {
			t.Errorf("the cause came out: %s", a.body)
		}
	}
}

// blind is a store that can be read once per organisation, for the rig, and then no more.
type blind struct {
	exchange.Store
	looks int
}

func (b *blind) View(ctx context.Context, f func(exchange.Snapshot) error) error {
	if b.looks++; b.looks > 3 {
		return &fhir.Error{Kind: fhir.Unavailable, Op: "test", Err: errors.New(marker)}
	}
	return b.Store.View(ctx, f)
}

func TestATT68_APanicIsAnAnswerWithoutWhatCausedIt(t *testing.T) {
	g := newRigWith(t, auth.Settings{Jurisdiction: "nl"}, func(s exchange.Store) exchange.Store { return &exploding{Store: s} })
	a := g.get("hospital", "/fhir/Patient/x").want(t, 500)
	if strings.Contains(a.body, marker) || strings.Contains(g.log.String(), marker) {
		t.Error("the value of the panic came out")
	}
	if o := decode[outcome](t, a.body); len(o.Issue) != 1 || o.Issue[0].Code != "exception" {
		t.Errorf("answered %s", a.body)
	}
}

// exploding is a store that panics after the rig is there.
type exploding struct {
	exchange.Store
	looks int
}

func (x *exploding) View(ctx context.Context, f func(exchange.Snapshot) error) error {
	if x.looks++; x.looks > 3 {
		panic(marker)
	}
	return x.Store.View(ctx, f)
}
