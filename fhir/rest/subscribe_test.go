package rest_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/exchange"
)

// TestOnlySystemsOfAnOrganisationSubscribe to what this server does, with the scopes for it.
func TestOnlySystemsOfAnOrganisationSubscribe(t *testing.T) {
	t.Parallel()
	h := newHooked(t)
	h.principals["nurse"] = auth.Principal{
		State: auth.TokenActive, Role: auth.Professional, Client: "ecd", Organization: h.orgs["home"],
		FHIRUser: fhir.Ref{Type: "Practitioner", ID: "p"}, Scopes: h.scopes("user/*.cruds"), Purpose: "TREAT",
	}
	h.principals["narrow"] = system("narrow", h.orgs["home"], "system/Subscription.cruds system/Task.r")
	h.principals["blind"] = system("blind", h.orgs["home"], "system/Subscription.cruds")
	admin := system("admin", h.orgs["home"], "system/*.cruds")
	admin.Role, admin.Purpose = auth.Admin, "HSYSADMIN"
	h.principals["admin"] = admin
	for _, c := range []struct {
		name, as, body string
		status         int
		rule           string
	}{
		{"a user", "nurse", h.subscription("transfer"), 403, "subscription-client"},
		{"an operator", "admin", h.subscription("transfer"), 403, "subscription-client"},
		{"without a scope for what is told", "blind", h.subscription("transfer"), 403, "scope-missing"},
		{"a filter without a scope to search", "narrow", h.subscription("transfer", filtered("Task?status=requested")...), 403, "scope-missing"},
		{"a topic of others", "home", h.subscription("x"), 422, "subscription-topic"},
		{"no https", "home", h.subscription("transfer", "channel.endpoint", `"http://hooks.example/"`), 422, "subscription-endpoint"},
		{"a secret in the address", "home", h.subscription("transfer", "channel.endpoint", `"https://u:p@hooks.example/"`), 422, "subscription-endpoint"},
		{"an end that has passed", "home", h.subscription("transfer", "end", `"2020-01-01T00:00:00Z"`), 422, "subscription-end"},
		{"a kept header that is not there", "home", h.subscription("transfer", "channel.header", `["Authorization: (kept)"]`), 422, "subscription-header"},
	} {
		before := h.position()
		h.do(c.as, http.MethodPost, "/fhir/Subscription", c.body).want(t, c.status).wantIssue(t, c.rule, "")
		if len(h.position().Notices) != len(before.Notices) {
			t.Errorf("%s: something was written", c.name)
		}
	}
}

// TestAnOrganisationHasItsOwnSubscriptions, and so many of them.
func TestAnOrganisationHasItsOwnSubscriptions(t *testing.T) {
	t.Parallel()
	h := newHooked(t)
	admin := system("admin", h.orgs["home"], "system/*.cruds")
	admin.Role, admin.Purpose = auth.Admin, "HSYSADMIN"
	h.principals["admin"] = admin
	many := func(n int) answer {
		entry := `{"request":{"method":"POST","url":"Subscription"},"resource":` + h.subscription("transfer") + `}`
		return h.do("home", http.MethodPost, "/fhir", `{"resourceType":"Bundle","type":"transaction","entry":[`+strings.Repeat(entry+",", n-1)+entry+`]}`)
	}
	many(51).want(t, 422).wantIssue(t, "subscription-many", "")
	many(49).want(t, 200)
	id := h.create("home", "Subscription", h.subscription("transfer"))
	h.do("home", http.MethodPost, "/fhir/Subscription", h.subscription("transfer")).want(t, 422).wantIssue(t, "subscription-many", "Subscription")
	all := func(as, query string, want int) answer {
		return h.get(as, "/fhir/Subscription/$status"+query).want(t, want)
	}
	for query, want := range map[string]int{"": 50, "?id=" + id: 1, "?status=active": 0, "?status=active,requested&id=" + id: 1, "?id=none": 0} {
		b := decode[bundleOf](t, all("home", query, 200).valid(t).body)
		if len(b.Entry) != want || *b.Total != want {
			t.Errorf("$status%s has %d entries", query, len(b.Entry))
		}
	}
	if b := decode[bundleOf](t, all("other", "?id="+id, 200).body); len(b.Entry) > 0 {
		t.Error("$status tells another organisation")
	}
	all("home", "?name=x", 400)
	h.principals["readers"] = system("readers", h.orgs["home"], "system/Subscription.r")
	all("readers", "", 403)
	h.do("other", http.MethodPut, "/fhir/Subscription/"+id, h.subscription("transfer", "id", `"`+id+`"`)).want(t, 404)
	h.do("hospital", http.MethodDelete, "/fhir/Subscription/"+id, "").want(t, 404)
	sent := h.subscription("transfer", "id", `"`+id+`"`, "status", `"off"`, "channel.header", `["Authorization: secret"]`)
	h.do("admin", http.MethodPut, "/fhir/Subscription/"+id, sent).want(t, http.StatusOK)
	if a := h.get("home", "/fhir/Subscription/"+id).want(t, http.StatusOK); !strings.Contains(a.body, `"off"`) || strings.Contains(a.body, "Authorization") {
		t.Errorf("ended by an operator: %s", a.body)
	}
}

// TestSecretsOfAReceiverAreNeverShown: the value of a header is in no answer, no log and not in the clear in the
// store; what hides it keeps it.
func TestSecretsOfAReceiverAreNeverShown(t *testing.T) {
	t.Parallel()
	h := newHooked(t)
	const secret = "very-secret-token"
	body := h.subscription("care-plan", "channel.header", `["Authorization: Bearer `+secret+`","X-Tenant: 7"]`)
	a := h.do("hospital", http.MethodPost, "/fhir/Subscription", body, "Prefer", "return=representation").want(t, http.StatusCreated)
	id := decode[struct{ ID string }](t, a.body).ID
	h.told()
	if got := h.hook.seen.Get("Authorization"); got != "Bearer "+secret {
		t.Errorf("the receiver got %q", got)
	}
	shown := h.get("hospital", "/fhir/Subscription/"+id).want(t, http.StatusOK)
	if !strings.Contains(shown.body, `"Authorization: (kept)","X-Tenant: (kept)"`) {
		t.Errorf("shown: %s", shown.body)
	}
	h.edit("hospital", "Subscription/"+id, "reason", `"another"`)
	h.hook.mu.Lock()
	h.hook.seen = nil
	h.hook.mu.Unlock()
	h.told() // the handshake again
	if h.hook.seen.Get("Authorization") != "Bearer "+secret || h.hook.seen.Get("X-Tenant") != "7" {
		t.Errorf("after an update the receiver got %v", h.hook.seen)
	}
	settings, err := h.store.Settings(context.Background(), "")
	if err != nil || len(settings) == 0 {
		t.Fatal(settings, err)
	}
	everything := fmt.Sprintf("%s %s %s %s", a.body, shown.body, h.log.String(), h.get("hospital", "/fhir/Subscription/"+id+"/_history").body)
	for _, v := range settings {
		everything += string(v)
	}
	if strings.Contains(everything, secret) {
		t.Error("the secret is shown, logged or stored in the clear")
	}
	h.edit("hospital", "Subscription/"+id, "channel", `{"type":"rest-hook","endpoint":"`+h.hook.url+`","payload":"application/json"}`)
	h.told()
	if h.hook.seen.Get("Authorization") != "" || h.hook.seen.Get("Content-Type") != "application/json" {
		t.Errorf("without headers: %v", h.hook.seen)
	}
}

// TestTheGrantOfNowCounts: a client that is disabled, or lost a scope, is told nothing, and hears later what it
// may hear then.
func TestTheGrantOfNowCounts(t *testing.T) {
	t.Parallel()
	h := newHooked(t)
	id := h.subscribed("hospital", "care-plan")
	was := h.principals["hospital"]
	disabled := was
	disabled.State = auth.TokenInvalid
	h.principals["operator"] = was // of the same organisation
	h.principals["hospital"] = disabled
	patient, plan := h.child("operator")
	for range 5 {
		if got := h.told(); got != nil {
			t.Fatalf("a disabled client is told %+v", got)
		}
		h.advance(time.Minute)
	}
	if s := h.standing("operator", id); s != "error" {
		t.Errorf("%s while the client is disabled", s)
	}
	h.principals["hospital"] = was
	late := event(1, "CarePlan/"+plan)
	late.Status = "error"
	wantTold(t, "when it is enabled", h.told(), late)

	narrow := was
	narrow.Scopes = h.scopes("system/Subscription.cruds system/Patient.rs")
	h.principals["hospital"] = narrow
	h.create("operator", "CarePlan", fmt.Sprintf(planBody, patient))
	if got := h.told(); got != nil {
		t.Errorf("without the scope: %+v", got)
	}
	h.principals["hospital"] = was
	third := h.create("operator", "CarePlan", fmt.Sprintf(planBody, patient))
	wantTold(t, "with the scope", h.told(), event(2, "CarePlan/"+third))
}

// TestASubscriptionLivesAndEnds: handshake, sign of life, off and on, deletion.
func TestASubscriptionLivesAndEnds(t *testing.T) {
	t.Parallel()
	h := newHooked(t)
	const heartbeat = `[{"url":"http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-heartbeat-period","valueUnsignedInt":60}]`
	id := h.subscribed("hospital", "care-plan", "channel.extension", heartbeat)
	patient, plan := h.child("hospital")
	wantTold(t, "an event", h.told(), event(1, "CarePlan/"+plan))
	h.advance(59 * time.Second)
	if got := h.told(); got != nil {
		t.Errorf("before a minute: %+v", got)
	}
	h.advance(time.Second)
	wantTold(t, "after a minute", h.told(), told{Kind: "heartbeat", Status: "active", Events: "1"})

	h.edit("hospital", "Subscription/"+id, "status", `"off"`)
	h.create("hospital", "CarePlan", fmt.Sprintf(planBody, patient))
	h.advance(time.Hour)
	if got := h.told(); got != nil || h.standing("hospital", id) != "off" {
		t.Errorf("while it is off: %+v", got)
	}
	if d := h.deliver.Delivery(); d != (exchange.Delivery{Mine: true, All: 1}) {
		t.Errorf("while it is off it is behind: %+v", d)
	}
	h.edit("hospital", "Subscription/"+id, "status", `"requested"`)
	wantTold(t, "on again", h.told(), told{Kind: "handshake", Status: "requested", Events: "1"})
	second := h.create("hospital", "CarePlan", fmt.Sprintf(planBody, patient))
	h.do("hospital", http.MethodDelete, "/fhir/CarePlan/"+second, "").want(t, http.StatusNoContent)
	gone := event(3, "CarePlan/"+second)
	gone.Resource = "DELETE"
	wantTold(t, "what came after, and a deletion", h.told(), event(2, "CarePlan/"+second), gone)

	h.do("hospital", http.MethodDelete, "/fhir/Subscription/"+id, "").want(t, http.StatusNoContent)
	h.create("hospital", "CarePlan", fmt.Sprintf(planBody, patient))
	if got := h.told(); got != nil || h.deliver.Delivery().All != 0 {
		t.Errorf("after its deletion: %+v", got)
	}
	for _, prefix := range []string{"subscription/", "event/"} {
		if left, err := h.store.Settings(context.Background(), prefix); err != nil || len(left) > 0 {
			t.Errorf("left behind: %v %v", left, err)
		}
	}
}

// TestAReceiverConfirmsBeforeItIsTold: without a handshake nothing is sent; one that never answers is given up,
// and so is one that is down for days, without losing what happened.
func TestAReceiverConfirmsBeforeItIsTold(t *testing.T) {
	t.Parallel()
	h := newHooked(t)
	h.hook.answers(http.StatusNotFound)
	id := h.create("hospital", "Subscription", h.subscription("care-plan"))
	tries := 0
	for range 20 {
		tries += len(h.told())
		h.advance(time.Hour)
	}
	if s := h.standing("hospital", id); s != "error" || tries != 8 {
		t.Fatalf("%s after %d handshakes", s, tries)
	}
	patient, _ := h.child("hospital")
	h.hook.answers(http.StatusOK)
	if got := h.told(); got != nil {
		t.Errorf("told without a handshake: %+v", got)
	}
	h.edit("hospital", "Subscription/"+id, "end", fmt.Sprintf("%q", h.clock().Add(20*24*time.Hour).UTC().Format(time.RFC3339)))
	got := h.told()
	if len(got) != 2 || got[0].Kind != "handshake" || got[1].Number != "1" {
		t.Fatalf("asked again: %+v", got)
	}
	h.hook.answers(http.StatusBadGateway)
	plan := h.create("hospital", "CarePlan", fmt.Sprintf(planBody, patient))
	for range 75 {
		h.told()
		h.advance(time.Hour)
	}
	if s := h.standing("hospital", id); s != "off" {
		t.Errorf("%s after three days", s)
	}
	h.hook.answers(http.StatusOK)
	h.edit("hospital", "Subscription/"+id, "status", `"requested"`)
	wantTold(t, "three days later", h.told(), told{Kind: "handshake", Status: "requested", Events: "2"}, event(2, "CarePlan/"+plan))
	h.advance(30 * 24 * time.Hour)
	h.create("hospital", "CarePlan", fmt.Sprintf(planBody, patient))
	if got := h.told(); got != nil || h.standing("hospital", id) != "off" {
		t.Errorf("behind its end: %+v", got)
	}
}

// TestAServerThatTellsNobodyTakesNoSubscription.
func TestAServerThatTellsNobodyTakesNoSubscription(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	h := &hooked{rig: g, hook: &receiver{url: "https://hooks.example/"}}
	g.do("home", http.MethodPost, "/fhir/Subscription", h.subscription("transfer")).want(t, 422).wantIssue(t, "subscription-off", "")
	if err := g.exchange.Deliverer().Once(t.Context()); err != nil {
		t.Error(err)
	}
	if d := g.exchange.Deliverer().Delivery(); d != (exchange.Delivery{}) {
		t.Errorf("%+v", d)
	}
}

// TestAKeptHeaderGoesWhereItWasSentFor: whoever writes a Subscription to another address has to know the values;
// the server hands them to nobody.
func TestAKeptHeaderGoesWhereItWasSentFor(t *testing.T) {
	t.Parallel()
	h := newHooked(t)
	elsewhere := newReceiver(t)
	id := h.subscribed("hospital", "care-plan", "channel.header", `["Authorization: Bearer very-secret-token"]`)
	channel := func(endpoint, header string) answer {
		body := h.subscription("care-plan", "id", `"`+id+`"`, "channel.endpoint", `"`+endpoint+`"`, "channel.header", `["Authorization: `+header+`"]`)
		return h.do("hospital", http.MethodPut, "/fhir/Subscription/"+id, body)
	}
	for _, url := range []string{elsewhere.url, h.hook.url + "/tenant-7"} {
		channel(url, "(kept)").want(t, http.StatusUnprocessableEntity).wantIssue(t, "subscription-header", "Subscription.channel.header")
	}
	h.told()
	if got := elsewhere.take(); got != nil {
		t.Errorf("another receiver was called: %+v", got)
	}
	channel(h.hook.url, "(kept)").want(t, http.StatusOK)
	channel(elsewhere.url, "Bearer another").want(t, http.StatusOK)
	h.told()
	if got := elsewhere.seen.Get("Authorization"); got != "Bearer another" {
		t.Errorf("another receiver got %q", got)
	}
}

// TestADeletedSubscriptionCountsWhenItComesBack: its id is no way round the number that an organisation may have.
func TestADeletedSubscriptionCountsWhenItComesBack(t *testing.T) {
	t.Parallel()
	h := newHooked(t)
	id := h.create("home", "Subscription", h.subscription("transfer"))
	h.do("home", http.MethodDelete, "/fhir/Subscription/"+id, "").want(t, http.StatusNoContent)
	entry := `{"request":{"method":"POST","url":"Subscription"},"resource":` + h.subscription("transfer") + `}`
	h.do("home", http.MethodPost, "/fhir", `{"resourceType":"Bundle","type":"transaction","entry":[`+strings.Repeat(entry+",", 49)+entry+`]}`).want(t, 200)
	h.do("home", http.MethodPut, "/fhir/Subscription/"+id, h.subscription("transfer", "id", `"`+id+`"`)).want(t, 422).
		wantIssue(t, "subscription-many", "Subscription")
}

// TestAFaultAtOneSubscriberIsOfThatOneAlone: what goes wrong in this server while it tells somebody ends neither
// the server nor what others are told.
func TestAFaultAtOneSubscriberIsOfThatOneAlone(t *testing.T) {
	t.Parallel()
	h := newHooked(t)
	bad := newReceiver(t)
	h.create("home", "Subscription", h.subscription("transfer", "channel.endpoint", `"`+bad.url+`"`))
	post, broken := h.outlet.Post, true
	h.outlet.Post = func(ctx context.Context, m exchange.Message) error {
		if broken && m.URL == bad.url {
			panic("a patient's name")
		}
		return post(ctx, m)
	}
	h.subscribed("hospital", "care-plan")
	if strings.Contains(h.log.String(), "a patient's name") || !strings.Contains(h.log.String(), "panic") {
		t.Error("the log does not tell of the fault, or tells what it held")
	}
	broken = false
	h.advance(time.Minute)
	h.told()
	if got := bad.take(); len(got) != 1 || got[0].Kind != "handshake" {
		t.Errorf("when the fault is over: %+v", got)
	}
}

// TestThoseWhoHangDoNotHoldUpThoseWhoAnswer: however many receivers take a connection and say nothing, who
// answers is told.
func TestThoseWhoHangDoNotHoldUpThoseWhoAnswer(t *testing.T) {
	t.Parallel()
	h := newHooked(t)
	post, over, came := h.outlet.Post, make(chan struct{}), make(chan struct{}, 1)
	h.outlet.Post = func(ctx context.Context, m exchange.Message) error {
		if strings.HasSuffix(m.URL, "/hangs") {
			<-over
			return exchange.Undelivered{Reason: exchange.SlowReceiver}
		}
		if strings.Contains(string(m.Body), "event-notification") {
			came <- struct{}{}
		}
		return post(ctx, m)
	}
	patient, _ := h.child("hospital")
	h.subscribed("hospital", "care-plan")
	entry := `{"request":{"method":"POST","url":"Subscription"},"resource":` + h.subscription("care-plan", "channel.endpoint", `"`+h.hook.url+`/hangs"`) + `}`
	for _, as := range []string{"hospital", "home", "other"} {
		h.do(as, http.MethodPost, "/fhir", `{"resourceType":"Bundle","type":"transaction","entry":[`+strings.Repeat(entry+",", 48)+entry+`]}`).want(t, 200)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { h.deliver.Run(ctx); close(ended) }()
	h.create("hospital", "CarePlan", fmt.Sprintf(planBody, patient))
	select {
	case <-came:
	case <-time.After(15 * time.Second):
		t.Error("who answers waits for those who hang")
	}
	stop()
	close(over)
	<-ended
}
