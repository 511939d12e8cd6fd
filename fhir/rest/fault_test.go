package rest_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/exchange"
	"github.com/drieluik/drieluik/fhir/search"
)

// brittle is a store that fails at one of the looks that a request takes at it, or at its commit.
type brittle struct {
	exchange.Store
	failAt  atomic.Int64 // which look fails, from 1; 0: none
	looks   atomic.Int64
	commits atomic.Bool // no commit succeeds
}

var errBrittle = &fhir.Error{Kind: fhir.Unavailable, Op: "test", Err: errors.New(marker)}

// look fails when it is the one that shall.
func (b *brittle) look() error {
	if n := b.looks.Add(1); n == b.failAt.Load() {
		return errBrittle
	}
	return nil
}

func (b *brittle) View(ctx context.Context, f func(exchange.Snapshot) error) error {
	if err := b.look(); err != nil {
		return err
	}
	return b.Store.View(ctx, func(v exchange.Snapshot) error { return f(brittleSnapshot{v, b}) })
}

func (b *brittle) Commit(ctx context.Context, u exchange.Unit) ([]exchange.Written, error) {
	if b.commits.Load() {
		return nil, errBrittle
	}
	return b.Store.Commit(ctx, u)
}

type brittleSnapshot struct {
	exchange.Snapshot
	b *brittle
}

func (s brittleSnapshot) Read(ref fhir.Ref) (exchange.Stored, error) {
	if err := s.b.look(); err != nil {
		return exchange.Stored{}, err
	}
	return s.Snapshot.Read(ref)
}

func (s brittleSnapshot) Identified(t fhir.Type, id fhir.Identifier) ([]exchange.Stored, error) {
	if err := s.b.look(); err != nil {
		return nil, err
	}
	return s.Snapshot.Identified(t, id)
}

func (s brittleSnapshot) Compartment(id string, types ...fhir.Type) ([]exchange.Stored, exchange.State, error) {
	if err := s.b.look(); err != nil {
		return nil, exchange.State{}, err
	}
	return s.Snapshot.Compartment(id, types...)
}

func (s brittleSnapshot) State(id string) (exchange.State, error) {
	if err := s.b.look(); err != nil {
		return exchange.State{}, err
	}
	return s.Snapshot.State(id)
}

func (s brittleSnapshot) Heads(compartment string, t fhir.Type) ([]auth.ResourceFacts, error) {
	if err := s.b.look(); err != nil {
		return nil, err
	}
	return s.Snapshot.Heads(compartment, t)
}

func (s brittleSnapshot) Deleted(compartment string, t fhir.Type) ([]auth.ResourceFacts, error) {
	if err := s.b.look(); err != nil {
		return nil, err
	}
	return s.Snapshot.Deleted(compartment, t)
}

func (s brittleSnapshot) Related(party fhir.Ref) ([]string, error) {
	if err := s.b.look(); err != nil {
		return nil, err
	}
	return s.Snapshot.Related(party)
}

func (s brittleSnapshot) Held(organization fhir.Ref) ([]string, error) {
	if err := s.b.look(); err != nil {
		return nil, err
	}
	return s.Snapshot.Held(organization)
}

func (s brittleSnapshot) Strays(t fhir.Type, patient string) ([]string, error) {
	if err := s.b.look(); err != nil {
		return nil, err
	}
	return s.Snapshot.Strays(t, patient)
}

func (s brittleSnapshot) Record(key string) ([]exchange.RecordVersion, error) {
	if err := s.b.look(); err != nil {
		return nil, err
	}
	return s.Snapshot.Record(key)
}

func (s brittleSnapshot) Recent(compartment string, seq int64, most int) ([]exchange.AuditRow, error) {
	if err := s.b.look(); err != nil {
		return nil, err
	}
	return s.Snapshot.Recent(compartment, seq, most)
}

func (s brittleSnapshot) Search(p search.Plan, f auth.Filter) (exchange.Page, error) {
	if err := s.b.look(); err != nil {
		return exchange.Page{}, err
	}
	return s.Snapshot.Search(p, f)
}

func (s brittleSnapshot) History(span exchange.Span) (exchange.Page, error) {
	if err := s.b.look(); err != nil {
		return exchange.Page{}, err
	}
	return s.Snapshot.History(span)
}

// everyPath is one request of each kind that is answered when the store is well.
func everyPath(w *town) []query {
	plan := strings.Replace(kinRecords[8].text(w.rig, ours), "zza plan", "zza ander plan", 1)
	newPlan := fmt.Sprintf(planBody, "zza-Patient")
	visit := `{"resourceType":"Appointment","status":"proposed","participant":[{"actor":{"reference":"RelatedPerson/zza-RelatedPerson"},"status":"accepted"}]}`
	form := []string{"Content-Type", "application/x-www-form-urlencoded"}
	prefilled, scanned := asking(w.t, "CarePlan?patient=zza-Patient", "Observation/zza-Observation"), pushedScan
	return []query{
		{method: "GET", path: "/fhir/CarePlan/zza-CarePlan"}, {method: "GET", path: "/fhir/CarePlan/zza-CarePlan/_history/1"},
		{method: "GET", path: "/fhir/CarePlan/zza-CarePlan/_history"}, {method: "GET", path: "/fhir/CarePlan/_history"}, {method: "GET", path: "/fhir/_history"},
		{method: "GET", path: "/fhir/CarePlan/zza-missing"}, {method: "GET", path: "/fhir/CarePlan"}, {method: "GET", path: "/fhir/CarePlan?patient=zza-Patient&_include=*&_revinclude=*&_include:iterate=*"},
		{method: "GET", path: "/fhir/Observation?patient.family=zza&_summary=count"}, {method: "GET", path: "/fhir/Patient?_has:CarePlan:patient:status=active"},
		{method: "GET", path: "/fhir/CarePlan?_count=1&_total=accurate"}, {method: "POST", path: "/fhir/CarePlan/_search", body: "status=active", header: form},
		{method: "GET", path: "/fhir/Patient/zza-Patient/CarePlan"}, {method: "GET", path: "/fhir/?_type=CarePlan,Goal"}, {method: "GET", path: "/fhir/Appointment?patient=zza-Patient"},
		{method: "GET", path: "/fhir/Patient/zza-Patient/$everything"}, {method: "GET", path: "/fhir/Composition/zza-Composition/$document"},
		{method: "POST", path: "/fhir/Questionnaire/$populate", body: prefilled}, {method: "POST", path: "/fhir/QuestionnaireResponse/$extract", body: scanned},
		{method: "GET", path: "/fhir/Patient/zza-Patient/$completeness"}, {method: "GET", path: "/fhir/Patient/zza-Patient/$actions"},
		{method: "GET", path: "/fhir/Patient/$export", header: async},
		{method: "GET", path: "/fhir/AuditEvent?patient=zza-Patient"}, {method: "POST", path: "/fhir/CarePlan/zza-CarePlan/$validate"},
		{method: "GET", path: "/fhir/Organization"}, {method: "GET", path: "/fhir/Organization?_summary=count"},
		{method: "POST", path: "/fhir", body: transaction(ask("GET", "CarePlan/zza-CarePlan", ""), ask("GET", "Goal?patient=zza-Patient", ""))},
		{method: "POST", path: "/fhir/CarePlan", body: newPlan}, {method: "POST", path: "/fhir/CarePlan", body: newPlan, header: []string{"If-None-Exist", "identifier=urn:none|1"}},
		{method: "PUT", path: "/fhir/CarePlan/zza-CarePlan", body: plan}, {method: "PUT", path: "/fhir/CarePlan?identifier=urn:kin%7Czza-2", body: plan},
		{method: "PATCH", path: "/fhir/CarePlan/zza-CarePlan", body: titlePatch, header: []string{"Content-Type", jsonPatch}},
		{method: "POST", path: "/fhir/Appointment", body: visit}, // about the patient of the person it names
		{method: "DELETE", path: "/fhir/Flag/zza-Flag"}, {method: "DELETE", path: "/fhir/CarePlan?identifier=urn:none%7C1"},
		{method: "POST", path: "/fhir", body: transaction(entry("POST", "CarePlan", "", newPlan), entry("PUT", "CarePlan/zza-CarePlan", "", plan), ask("GET", "Goal/zza-Goal", ""))},
	}
}

// wantClosed fails unless an answer is that of access.md 9 and tells nothing.
func (a answer) wantClosed(t *testing.T, what string, rules ...string) {
	t.Helper()
	if a.status != http.StatusServiceUnavailable || a.header.Get("Retry-After") == "" {
		t.Errorf("%s: %d, Retry-After %q: %.500s", what, a.status, a.header.Get("Retry-After"), a.body)
		return
	}
	if strings.Contains(a.body, "zza") || strings.Contains(a.body, marker) || a.header.Get("ETag") != "" || a.header.Get("Location") != "" || a.header.Get("Last-Modified") != "" {
		t.Errorf("%s: the answer tells something: %v %s", what, a.header, a.body)
	}
	o := decode[outcome](t, a.body)
	for _, rule := range rules {
		if len(o.Issue) == 1 && o.Issue[0].Diagnostics == rule {
			return
		}
	}
	t.Errorf("%s: %s, want one of %v", what, a.body, rules)
}

// TestAStoreThatFailsAtAnyStepClosesEveryPath makes each look that a request takes at the store fail in
// turn, and then its commit: each time the answer is 503 without content, nothing is stored, and the same
// request is served when the store is well again (access.md 9).
func TestAStoreThatFailsAtAnyStepClosesEveryPath(t *testing.T) {
	t.Parallel()
	b := &brittle{}
	w := newTown(t, auth.Settings{Jurisdiction: "nl", ParentRead1215: "deny-on-child-objection"}, false, func(s exchange.Store) exchange.Store {
		b.Store = s
		return b
	})
	for _, as := range []string{"zza mother", "hospital", "home"} {
		for _, q := range everyPath(w) {
			w.fails(t, b, as, q)
		}
	}
}

// TestAClockThatGoesBackClosesEveryPath: when the clock is more than five seconds behind the newest row of
// the log nothing is answered and nothing stored, also by a process that has just begun; a little is borne.
func TestAClockThatGoesBackClosesEveryPath(t *testing.T) {
	t.Parallel()
	w := newTown(t, auth.Settings{Jurisdiction: "nl", ParentRead1215: "deny-on-child-objection"}, false, nil)
	w.get("hospital", "/fhir/metadata")
	w.get("", "/fhir/CarePlan").want(t, http.StatusUnauthorized) // a row of the system
	before := w.position()
	w.advance(-6 * time.Second)
	for _, begun := range []bool{false, true} {
		if begun {
			w.wire(w.store)
		}
		for _, as := range []string{"zza mother", "home", ""} {
			for _, q := range everyPath(w) {
				w.do(as, q.method, q.path, q.body, q.header...).wantClosed(t, fmt.Sprint(as, ": ", q), "clock-skew")
			}
		}
	}
	if diff := cmp.Diff(before, w.position()); diff != "" {
		t.Errorf("stored: %s", diff)
	}
	w.get("home", "/fhir/metadata").want(t, http.StatusOK)
	w.advance(2 * time.Second)
	w.get("hospital", "/fhir/CarePlan/zza-CarePlan").want(t, http.StatusOK)
}

// startled is a store whose look at a child panics, as a fault in policy would.
type startled struct {
	exchange.Store
	on atomic.Bool
}

func (b *startled) View(ctx context.Context, f func(exchange.Snapshot) error) error {
	return b.Store.View(ctx, func(v exchange.Snapshot) error { return f(startledSnapshot{v, b}) })
}

type startledSnapshot struct {
	exchange.Snapshot
	b *startled
}

func (s startledSnapshot) State(id string) (exchange.State, error) {
	if s.b.on.Load() && id != exchange.DirectoryCompartment {
		panic(marker)
	}
	return s.Snapshot.State(id)
}

// TestAPanicOfPolicyClosesAndIsInTheLog: whoever asks for what policy stumbles over is told 503, nothing
// leaves, nothing is stored, and the log has the failure; the next request is served.
func TestAPanicOfPolicyClosesAndIsInTheLog(t *testing.T) {
	t.Parallel()
	b := &startled{}
	w := newTown(t, auth.Settings{Jurisdiction: "nl", ParentRead1215: "deny-on-child-objection"}, false, func(s exchange.Store) exchange.Store {
		b.Store = s
		return b
	})
	for _, as := range []string{"zza mother", "home"} {
		for _, q := range everyPath(w) {
			if a := w.do(as, q.method, q.path, q.body, q.header...); a.status >= 500 {
				t.Fatalf("%s %s: %d", as, q, a.status)
			}
			before, rows := w.position(), len(w.bodies(exchange.SystemCompartment))
			b.on.Store(true)
			a := w.do(as, q.method, q.path, q.body, q.header...)
			b.on.Store(false)
			if a.status < http.StatusInternalServerError { // policy of no child was asked
				continue
			}
			a.wantClosed(t, fmt.Sprint(as, ": ", q), "policy-unavailable")
			if diff := cmp.Diff(before, w.position()); diff != "" {
				t.Errorf("%s: %s: stored in part: %s", as, q, diff)
			}
			told := w.bodies(exchange.SystemCompartment)[rows:]
			if len(told) != 1 || !strings.Contains(told[0], `"outcome":"8","outcomeDesc":"policy-unavailable"`) {
				t.Errorf("%s: %s: the log has %v", as, q, told)
			}
		}
	}
	if strings.Contains(w.log.String(), marker) {
		t.Error("the server's log holds the value of a panic")
	}
}

// fails makes every step of one request fail.
func (w *town) fails(t *testing.T, b *brittle, as string, q query) {
	t.Helper()
	before := w.position()
	ask := func() answer { return w.do(as, q.method, q.path, q.body, q.header...) }
	b.commits.Store(true)
	ask().wantClosed(t, fmt.Sprint(as, " without commits: ", q), "audit-unavailable")
	b.commits.Store(false)
	for step := int64(1); step < 2_000; step += 1 + step*thin/24 {
		b.looks.Store(0)
		b.failAt.Store(step)
		a := ask()
		b.failAt.Store(0)
		if b.looks.Load() < step { // all went well
			return
		}
		if a.status == http.StatusOK && strings.Contains(q.body, `"POST"`) && strings.Contains(a.body, "503 Service") { // after the writes
			if strings.Contains(a.body, "zza doel") {
				t.Errorf("%s at look %d: the read that failed has content: %s", as, step, a.body)
			}
			before = w.position()
			continue
		}
		a.wantClosed(t, fmt.Sprint(as, " at look ", step, ": ", q), "policy-unavailable")
		if diff := cmp.Diff(before, w.position()); diff != "" {
			t.Fatalf("%s at look %d: %s: stored in part: %s", as, step, q, diff)
		}
	}
	t.Errorf("%s %s takes too many looks at the store", as, q)
}
