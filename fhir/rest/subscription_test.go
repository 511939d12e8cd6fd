package rest_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/auth/egress"
	"github.com/drieluik/drieluik/auth/smart"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/exchange"
	"github.com/drieluik/drieluik/fhir/notify"
)

const topics = "https://drieluik.example/fhir/SubscriptionTopic/"

// receiver is the endpoint of a subscriber on loopback.
type receiver struct {
	t      testing.TB
	url    string
	mu     sync.Mutex
	status int // of its answers
	got    []told
	seen   http.Header // of the last request
	body   string      // of the last request
}

// told is what a notification says.
type told struct {
	Kind, Status, Events string
	Number, Focus        string // of the event
	Resource             string // of the entry behind: type and version
}

func newReceiver(t testing.TB) *receiver {
	t.Helper()
	r := &receiver{t: t, status: http.StatusOK}
	sv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			t.Error(err)
		}
		answer{body: string(body)}.valid(t)
		r.mu.Lock()
		defer r.mu.Unlock()
		r.seen, r.body = req.Header.Clone(), string(body)
		r.got = append(r.got, toldIn(t, string(body))...)
		w.WriteHeader(r.status)
	}))
	t.Cleanup(sv.Close)
	r.url = sv.URL
	return r
}

// toldIn reads a Bundle of notifications: one row for each event, or one without.
func toldIn(t testing.TB, body string) []told {
	t.Helper()
	b := decode[struct {
		Type  string
		Entry []struct {
			FullURL  string
			Resource struct {
				ResourceType string
				Meta         struct{ VersionID string }
				Parameter    []statusParam
			}
			Request struct{ Method string }
		}
	}](t, body)
	if len(b.Entry) == 0 || b.Entry[0].Resource.ResourceType != "Parameters" {
		t.Fatalf("no notification: %s", body)
	}
	out := statusOf(b.Entry[0].Resource.Parameter)
	for _, e := range b.Entry[1:] {
		for i := range out {
			if strings.HasSuffix(e.FullURL, out[i].Focus) {
				out[i].Resource = strings.TrimSpace(e.Request.Method + " " + e.Resource.ResourceType + " " + e.Resource.Meta.VersionID)
			}
		}
	}
	return out
}

type statusParam struct {
	Name, ValueCode, ValueString string
	ValueReference               struct{ Reference string }
	Part                         []struct {
		Name, ValueString string
		ValueReference    struct{ Reference string }
	}
}

// statusOf reads the parameters of a status: a row for each event, or one without.
func statusOf(params []statusParam) []told {
	var one told
	var out []told
	for _, p := range params {
		switch p.Name {
		case "type":
			one.Kind = p.ValueCode
		case "status":
			one.Status = p.ValueCode
		case "events-since-subscription-start":
			one.Events = p.ValueString
		case "notification-event":
			event := one
			for _, part := range p.Part {
				switch part.Name {
				case "event-number":
					event.Number = part.ValueString
				case "focus":
					event.Focus = strings.TrimPrefix(part.ValueReference.Reference, base+"/")
				}
			}
			out = append(out, event)
		}
	}
	if out == nil {
		out = []told{one}
	}
	return out
}

// take returns what came since the last time.
func (r *receiver) take() []told {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := r.got
	r.got = nil
	return out
}

// answers sets the status of the next answers.
func (r *receiver) answers(status int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.status = status
}

// hooked is a rig whose subscribers are told.
type hooked struct {
	*rig
	hook    *receiver
	deliver *exchange.Deliverer
}

func newHooked(t *testing.T) *hooked {
	t.Helper()
	h := &hooked{rig: newRig(t), hook: newReceiver(t)}
	h.connect()
	return h
}

// connect wires a process that delivers; again for a second one, or for the first after a restart.
func (h *hooked) connect() {
	h.t.Helper()
	client := notify.New(egress.Guard{LoopbackHTTP: true, Loopback: true}, "test", nil)
	secret := make([]byte, 32)
	h.outlet = &exchange.Outlet{
		Allowed: client.Allowed, Post: client.Post,
		Seal: func(label string, v any) ([]byte, error) { return smart.Seal(rand.Reader, secret, label, v) },
		Open: func(label string, sealed []byte, v any) error { return smart.Unseal(secret, label, sealed, v) },
		Client: func(_ context.Context, id, purpose string) (auth.Principal, error) {
			p := h.principals[id]
			p.Purpose = purpose
			return p, nil
		},
	}
	h.wire(h.store)
	h.deliver = h.exchange.Deliverer()
}

// restart ends the process that delivers as a server does, and begins another.
func (h *hooked) restart() {
	h.t.Helper()
	ended, end := context.WithCancel(context.Background())
	end()
	h.deliver.Run(ended)
	h.connect()
}

// told delivers, and returns what the receiver got.
func (h *hooked) told() []told {
	h.t.Helper()
	if err := h.deliver.Once(context.Background()); err != nil {
		h.t.Fatal(err)
	}
	return h.hook.take()
}

// subscription is the body of a Subscription. changes holds paths and JSON in turn.
func (h *hooked) subscription(topic string, changes ...string) string {
	h.t.Helper()
	r, issues := fhir.Parse(fmt.Appendf(nil, `{"resourceType":"Subscription","status":"requested","reason":"test","criteria":%q,
		"channel":{"type":"rest-hook","endpoint":%q,"payload":"application/fhir+json"}}`, topics+topic, h.hook.url), fhir.Limits{})
	if fhir.HasErrors(issues) {
		h.t.Fatal(issues)
	}
	for i := 0; i+1 < len(changes); i += 2 {
		var err error
		if r, err = r.Edit(fhir.Edit{Path: strings.Split(changes[i], "."), JSON: changes[i+1]}); err != nil {
			h.t.Fatal(err)
		}
	}
	return string(r.Bytes())
}

// subscribed makes a Subscription whose handshake is done, and returns its id.
func (h *hooked) subscribed(as, topic string, changes ...string) string {
	h.t.Helper()
	id := h.create(as, "Subscription", h.subscription(topic, changes...))
	if got := h.told(); len(got) != 1 || got[0].Kind != "handshake" || got[0].Status != "requested" {
		h.t.Fatalf("the handshake: %+v", got)
	}
	if s := h.standing(as, id); s != "active" {
		h.t.Fatalf("%s after the handshake", s)
	}
	return id
}

// standing is the status of a Subscription.
func (h *hooked) standing(as, id string) string {
	h.t.Helper()
	return decode[struct{ Status string }](h.t, h.get(as, "/fhir/Subscription/"+id).want(h.t, http.StatusOK).body).Status
}

const filterURL = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-filter-criteria"

func filtered(query string) []string {
	b, err := json.Marshal(map[string]any{"extension": []any{map[string]string{"url": filterURL, "valueString": query}}})
	if err != nil {
		panic(err)
	}
	return []string{"_criteria", string(b)}
}

func telling(code string) []string {
	return []string{"channel._payload", `{"extension":[{"url":"http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-payload-content","valueCode":"` + code + `"}]}`}
}

// event is what is told of event n.
func event(n int, focus string) told {
	return told{Kind: "event-notification", Status: "active", Events: fmt.Sprint(n), Number: fmt.Sprint(n), Focus: focus}
}

func wantTold(t *testing.T, what string, got []told, want ...told) {
	t.Helper()
	if d := gocmp.Diff(want, got); d != "" {
		t.Errorf("%s (-want +got):\n%s", what, d)
	}
}

// TestHomeCareIsToldOfATransferAndPullsIt is the straight line: a push, one POST at the receiver, a pull.
func TestHomeCareIsToldOfATransferAndPullsIt(t *testing.T) {
	t.Parallel()
	h := newHooked(t)
	h.submit("home", record(t, "boris/01-kind.json")).want(t, http.StatusCreated)
	h.submit("hospital", record(t, "boris/02-kind-ziekenhuis.json")).want(t, http.StatusCreated)
	id := h.subscribed("home", "transfer", filtered("Task?owner="+h.orgs["home"].String()+"&status=requested,accepted")...)
	s := h.sent(record(t, "boris/11-overdracht-ziekenhuis-naar-huis.json"))
	task, _, _ := strings.Cut(s.task, "/_history")
	wantTold(t, "a transfer", h.told(), event(1, task))
	s.rig.get("home", "/fhir/"+task).want(t, http.StatusOK)
	if got := h.told(); got != nil {
		t.Errorf("told twice: %+v", got)
	}
	row := slices.IndexFunc(h.eventsOf(strings.TrimPrefix(s.patient, "Patient/")), func(e auditEvent) bool {
		return e.Subtype[0].Code == "notify" && slices.ContainsFunc(e.Entity, func(o struct {
			What  struct{ Reference string }
			Query string
		}) bool {
			return strings.HasPrefix(o.What.Reference, task+"/_history/")
		})
	})
	if row < 0 {
		t.Error("the log of the child does not say that home care was told")
	}
	s.move("home", "accepted").want(t, http.StatusOK)
	wantTold(t, "its acceptance", h.told(), event(2, task))
	status := h.get("home", "/fhir/Subscription/"+id+"/$status").want(t, http.StatusOK).valid(t)
	wantTold(t, "status", toldIn(t, status.body), told{Kind: "query-status", Status: "active", Events: "2"})
	for as, want := range map[string]int{"hospital": 404, "other": 404} {
		h.get(as, "/fhir/Subscription/"+id).want(t, want)
		h.get(as, "/fhir/Subscription/"+id+"/$status").want(t, want)
		h.get(as, "/fhir/Subscription/"+id+"/$events").want(t, want)
	}

}

// TestAReceiverThatIsDownMissesNothing: what it did not accept is sent again, later and later, nothing overtakes
// it, and the Subscription says so; another receiver is not kept waiting.
func TestAReceiverThatIsDownMissesNothing(t *testing.T) {
	t.Parallel()
	h := newHooked(t)
	other := newReceiver(t)
	id := h.subscribed("hospital", "care-plan")
	h.create("hospital", "Subscription", h.subscription("care-plan", "channel.endpoint", `"`+other.url+`"`))
	h.told()
	patient, first := h.child("hospital")
	h.hook.answers(http.StatusServiceUnavailable)
	second := h.create("hospital", "CarePlan", fmt.Sprintf(planBody, patient))
	wantTold(t, "the first attempt", h.told(), event(1, "CarePlan/"+first))
	wantTold(t, "the other receiver", other.take()[1:], event(1, "CarePlan/"+first), event(2, "CarePlan/"+second))
	if got := h.told(); got != nil {
		t.Fatalf("tried again at once: %+v", got)
	}
	pause := time.Second
	for range 4 { // 1, 2, 4 and 8 seconds
		h.advance(pause - time.Millisecond)
		if got := h.told(); got != nil {
			t.Fatalf("tried again %s early: %+v", time.Millisecond, got)
		}
		h.advance(time.Millisecond)
		wantTold(t, "again", h.told(), event(1, "CarePlan/"+first))
		pause *= 2
	}
	seen := h.get("hospital", "/fhir/Subscription/"+id).want(t, http.StatusOK).valid(t)
	if now := decode[struct{ Status, Error string }](t, seen.body); now.Status != "error" || !strings.Contains(now.Error, "2xx") {
		t.Errorf("after five attempts: %+v", now)
	}
	h.connect() // a restart in between
	if d := h.deliver.Delivery(); d.Mine {
		t.Errorf("delivers before it began: %+v", d)
	}
	h.hook.answers(http.StatusNoContent)
	h.advance(time.Hour)
	still := event(1, "CarePlan/"+first)
	still.Status = "error"
	wantTold(t, "when it is back", h.told(), still, event(2, "CarePlan/"+second))
	if s := h.standing("hospital", id); s != "active" {
		t.Errorf("%s when it works again", s)
	}
	if got, d := h.told(), h.deliver.Delivery(); got != nil || d != (exchange.Delivery{Mine: true, All: 2}) {
		t.Errorf("at the end: %+v %+v", got, d)
	}
}

// TestWhatIsWithdrawnBetweenEventAndDeliveryIsNotTold: the decision is made anew for each attempt, and no number
// tells of what was left out.
func TestWhatIsWithdrawnBetweenEventAndDeliveryIsNotTold(t *testing.T) {
	t.Parallel()
	h := newHooked(t)
	patient, plan, consent := h.shared()
	h.subscribed("other", "care-plan", telling("full-resource")...)
	update := func(n int) { h.retitle(plan, fmt.Sprint("Plan ", n)) }
	update(1)
	got := h.told()
	if len(got) != 1 || got[0].Resource != "PUT CarePlan 2" {
		t.Fatalf("with consent: %+v", got)
	}
	update(2)
	h.withdraw(consent)
	update(3)
	if got := h.told(); got != nil {
		t.Fatalf("without consent: %+v", got)
	}
	h.restart()
	h.share(patient)
	if got := h.told(); got != nil {
		t.Fatalf("what happened before the consent: %+v", got)
	}
	update(4)
	want := event(2, "CarePlan/"+plan)
	want.Resource = "PUT CarePlan 5"
	wantTold(t, "with a new consent", h.told(), want)
}

// TestAnAttemptThatFailedIsDecidedAnew: consent is withdrawn while the receiver is down. It is told nothing, and
// the number goes to the next event.
func TestAnAttemptThatFailedIsDecidedAnew(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		sees bool // the receiver: its answer says no, or there is no connection
		want []int
	}{
		{"what never left this machine", false, []int{1}},
		{"what may have arrived", true, []int{1, 2}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := newHooked(t)
			patient, plan, consent := h.shared()
			h.subscribed("other", "care-plan")
			post := h.outlet.Post
			h.outlet.Post = func(ctx context.Context, m exchange.Message) error {
				return exchange.Undelivered{Reason: exchange.UnreachableReceiver, Left: c.sees}
			}
			h.retitle(plan, "A")
			h.told()
			h.withdraw(consent)
			h.outlet.Post = post
			h.advance(time.Minute)
			if got := h.told(); got != nil {
				t.Fatalf("without consent: %+v", got)
			}
			h.share(patient)
			h.retitle(plan, "B")
			var want []told
			for _, n := range c.want {
				want = append(want, event(n, "CarePlan/"+plan))
			}
			wantTold(t, "afterwards", h.told(), want...)
		})
	}
}

// TestEventsAreCaughtUpByNumber: $events tells again, deciding anew.
func TestEventsAreCaughtUpByNumber(t *testing.T) {
	t.Parallel()
	h := newHooked(t)
	patient, plan, consent := h.shared()
	id := h.subscribed("other", "care-plan")
	for _, title := range []string{"A", "B", "C"} {
		h.retitle(plan, title)
	}
	h.told()
	path := "/fhir/Subscription/" + id + "/$events"
	ask := func(query string) []told {
		return toldIn(t, h.get("other", path+query).want(t, http.StatusOK).valid(t).body)
	}
	row := func(n int, focus string) told {
		return told{Kind: "query-event", Status: "active", Events: "3", Number: fmt.Sprint(n), Focus: focus}
	}
	focus := "CarePlan/" + plan
	wantTold(t, "all", ask(""), row(1, focus), row(2, focus), row(3, focus))
	wantTold(t, "a span", ask("?eventsSinceNumber=2&eventsUntilNumber=2"), row(2, focus))
	wantTold(t, "without content", ask("?eventsSinceNumber=3&content=empty"), row(3, ""))
	whole := row(2, focus)
	whole.Resource = "PUT CarePlan 3"
	wantTold(t, "with content", ask("?eventsSinceNumber=2&eventsUntilNumber=2&content=full-resource"), whole)
	posted := h.do("other", http.MethodPost, path, `{"resourceType":"Parameters","parameter":[{"name":"eventsSinceNumber","valueString":"3"}]}`).want(t, http.StatusOK)
	wantTold(t, "by POST", toldIn(t, posted.body), row(3, focus))
	wantTold(t, "beyond the end", ask("?eventsSinceNumber=9"), told{Kind: "query-event", Status: "active", Events: "3"})
	for _, query := range []string{"?eventsSinceNumber=x", "?eventsSinceNumber=-1", "?eventsUntilNumber=0", "?content=all", "?since=1", "?eventsSinceNumber=1&eventsSinceNumber=2"} {
		h.get("other", path+query).want(t, http.StatusBadRequest)
	}
	h.withdraw(consent)
	wantTold(t, "without consent", ask(""), row(1, ""), row(2, ""), row(3, ""))
	if touched := h.eventsOf(patient); len(touched) == 0 || touched[len(touched)-1].Subtype[0].Code == "" {
		t.Error("catching up is not in the log of the child")
	}
}

// TestOneOfTwoProcessesDelivers: both look, one works, and the other takes over when the first one dies.
func TestOneOfTwoProcessesDelivers(t *testing.T) {
	t.Parallel()
	h := newHooked(t)
	h.subscribed("hospital", "care-plan")
	first := h.deliver
	h.connect()
	patient, plan := h.child("hospital")
	if got := h.told(); got != nil {
		t.Fatalf("delivered beside another process: %+v", got)
	}
	var both sync.WaitGroup
	for _, d := range []*exchange.Deliverer{first, h.deliver} {
		both.Go(func() {
			if err := d.Once(context.Background()); err != nil {
				t.Error(err)
			}
		})
	}
	both.Wait()
	wantTold(t, "by one of two", h.hook.take(), event(1, "CarePlan/"+plan))
	second := h.create("hospital", "CarePlan", fmt.Sprintf(planBody, patient))
	h.advance(11 * time.Second) // the first one is heard of no more
	wantTold(t, "by the other one", h.told(), event(2, "CarePlan/"+second))
	if err := first.Once(context.Background()); err != nil || len(h.hook.take()) > 0 {
		t.Errorf("the first one came back and told again: %v", err)
	}
}

// TestAProcessThatDiesTellsAgain: what left before it died, and was not noted as accepted, is told again by the
// next one under the same number.
func TestAProcessThatDiesTellsAgain(t *testing.T) {
	t.Parallel()
	h := newHooked(t)
	h.subscribed("hospital", "care-plan")
	ctx, die := context.WithCancel(context.Background())
	post := h.outlet.Post
	h.outlet.Post = func(ctx context.Context, m exchange.Message) error {
		err := post(ctx, m)
		die() // behind the message, before anything is noted
		return err
	}
	_, plan := h.child("hospital")
	if err := h.deliver.Once(ctx); err != nil && ctx.Err() == nil {
		t.Fatal(err)
	}
	wantTold(t, "before the death", h.hook.take(), event(1, "CarePlan/"+plan))
	h.connect()
	h.advance(11 * time.Second)
	wantTold(t, "by the next process", h.told(), event(1, "CarePlan/"+plan))
	if got := h.told(); got != nil {
		t.Errorf("and again: %+v", got)
	}
}

// TestRunTellsWithoutBeingAsked: what is written in the same process is told at once.
func TestRunTellsWithoutBeingAsked(t *testing.T) {
	t.Parallel()
	h := newHooked(t)
	h.subscribed("hospital", "care-plan")
	came := make(chan struct{}, 1)
	post := h.outlet.Post
	h.outlet.Post = func(ctx context.Context, m exchange.Message) error {
		err := post(ctx, m)
		came <- struct{}{}
		return err
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		h.deliver.Run(ctx)
		close(ended)
	}()
	_, plan := h.child("hospital")
	<-came
	stop()
	<-ended
	wantTold(t, "by itself", h.hook.take(), event(1, "CarePlan/"+plan))
	h.connect()
	second := h.get("hospital", "/fhir/CarePlan/"+plan).want(t, http.StatusOK)
	h.do("hospital", http.MethodPut, "/fhir/CarePlan/"+plan, strings.Replace(second.body, `"Plan"`, `"Plan 2"`, 1)).want(t, http.StatusOK)
	got := h.told() // at once: Run gave the lease back
	if last := got[len(got)-1]; last.Number != "2" {
		t.Errorf("after a stop: %+v", got)
	}
}

// shared is a child of home care with a plan, in whose team "other" is, and which a parent shares with it.
func (h *hooked) shared() (patient, plan, consent string) {
	h.t.Helper()
	child, _, _, _ := h.parents()
	plan = h.create("home", "CarePlan", fmt.Sprintf(planBody, child.ID))
	h.create("home", "CareTeam", fmt.Sprintf(`{"resourceType":"CareTeam","status":"active","subject":{"reference":"%s"},"participant":[{"member":{"reference":"%s"}}]}`,
		child, h.orgs["other"]))
	return child.ID, plan, h.share(child.ID)
}

// share makes the consent of a parent.
func (h *hooked) share(patient string) string {
	h.t.Helper()
	id, _, _ := strings.Cut(h.consent("mother", "mother", "permit", fhir.Ref{Type: "Patient", ID: patient}, h.orgs["other"], ""), "/_history")
	return id
}

func (h *hooked) withdraw(consent string) {
	h.t.Helper()
	h.edit("mother", consent, "status", `"inactive"`)
}

func (h *hooked) retitle(plan, title string) {
	h.t.Helper()
	h.edit("home", "CarePlan/"+plan, "title", `"`+title+`"`)
}

// edit reads a resource, changes one member and writes it.
func (h *hooked) edit(as, ref, member, value string) {
	h.t.Helper()
	r, issues := fhir.Parse([]byte(h.get(as, "/fhir/"+ref).want(h.t, http.StatusOK).body), fhir.Limits{})
	if fhir.HasErrors(issues) {
		h.t.Fatal(issues)
	}
	r, err := r.Edit(fhir.Edit{Path: []string{member}, JSON: value})
	if err != nil {
		h.t.Fatal(err)
	}
	h.do(as, http.MethodPut, "/fhir/"+ref, string(r.Bytes())).want(h.t, http.StatusOK)
}
