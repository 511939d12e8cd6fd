package smart_test

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/drieluik/drieluik/auth/smart"
	"github.com/drieluik/drieluik/fhir"
)

func TestSMART308_ATT22_23_25_CodesAreBound(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.app("other")
	rows := []struct{ name, value, rule string }{
		{"client_id", "other", "code.client"},
		{"redirect_uri", "", "code.redirect"},
		{"redirect_uri", appRedirect + "/", "code.redirect"},
		{"code_verifier", "", "code.pkce"},
		{"code_verifier", " ", "code.pkce"},
		{"code_verifier", "wrong-wrong-wrong-wrong-wrong-wrong-wrong-wrong", "code.pkce"},
		{"code_verifier", challengeOf(verifier), "code.pkce"},
		{"code_verifier", verifier[:42], "code.pkce"},
		{"code_verifier", strings.Repeat("v", 129), "code.pkce"},
	}
	u := w.browser()
	for _, row := range rows {
		code := u.permit()
		wantFault(t, w.post("/auth/token", redeemForm(code, row.name, row.value)), 400, "invalid_grant", row.rule)
		wantFault(t, w.post("/auth/token", redeemForm(code)), 400, "invalid_grant", "code.used")
	}
	wantFault(t, w.post("/auth/token", redeemForm("", "x", "y")), 400, "invalid_request", "form.missing")
	wantFault(t, w.post("/auth/token", redeemForm("drc_guess")), 400, "invalid_grant", "code.unknown")
	wantFault(t, w.post("/auth/token", redeemForm(u.permit(), "client_id", "")), 401, "invalid_client", "client.none")
}

func TestSMART108_CodesLiveAMinute(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	u := w.browser()
	code := u.permit()
	w.advance(59 * time.Second)
	if a := w.post("/auth/token", redeemForm(code)); a.status != 200 {
		t.Errorf("after 59 s: %s", a.body)
	}
	code = u.permit()
	w.advance(60 * time.Second)
	wantFault(t, w.post("/auth/token", redeemForm(code)), 400, "invalid_grant", "code.expired")
}

func TestSMART109_AReplayedCodeKillsTheGrant(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	code := w.browser().permit()
	a := w.post("/auth/token", redeemForm(code))
	w.advance(10 * time.Minute)
	wantFault(t, w.post("/auth/token", redeemForm(code)), 400, "invalid_grant", "code.used")
	w.wantDead("replayed", a.text("access_token"))
	wantFault(t, w.refresh(a.text("refresh_token")), 400, "invalid_grant", "refresh.withdrawn")
	if !strings.Contains(w.log.String(), "code_replay") {
		t.Error("the replay is not logged")
	}
}

// race sends the same request n times at once and returns the answers with status 200.
func (w *world) race(n int, f url.Values) []answer {
	var mu sync.Mutex
	var won []answer
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			a := w.post("/auth/token", f)
			mu.Lock()
			defer mu.Unlock()
			if a.status == http.StatusOK {
				won = append(won, a)
			} else if a.json["error"] != "invalid_grant" {
				w.t.Errorf("%d %s", a.status, a.body)
			}
		})
	}
	wg.Wait()
	return won
}

func TestATT21_OfFiftyRedemptionsOneWins(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	won := w.race(50, redeemForm(w.browser().permit()))
	if len(won) != 1 {
		t.Fatalf("%d tokens", len(won))
	}
	w.wantDead("raced", won[0].text("access_token"))
}

func TestATT61_OfFiftyRefreshesOneWins(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.tokens()
	won := w.race(50, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {a.text("refresh_token")}})
	if len(won) != 1 {
		t.Fatalf("%d tokens", len(won))
	}
	w.wantDead("raced", won[0].text("access_token"))
	wantFault(t, w.refresh(won[0].text("refresh_token")), 400, "invalid_grant", "refresh.withdrawn")
}

func TestSMART424_RotationAndReuse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.tokens()
	second := w.refresh(first.text("refresh_token"))
	third := w.refresh(second.text("refresh_token"), "client_id", "app")
	if third.status != 200 || third.text("refresh_token") == second.text("refresh_token") {
		t.Fatalf("%s", third.body)
	}
	if p := w.principal(first.text("access_token")); p.Grant == "" {
		t.Error("a refresh killed the old access token")
	}
	w.advance(time.Hour)
	wantFault(t, w.refresh(first.text("refresh_token")), 400, "invalid_grant", "refresh.used")
	wantFault(t, w.refresh(third.text("refresh_token")), 400, "invalid_grant", "refresh.withdrawn")
	if !strings.Contains(w.log.String(), "refresh_reuse") {
		t.Error("the reuse is not logged")
	}
}

func TestConfidentialClientsHaveAGrace(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	secret := w.app("server", func(c *smart.Client) { c.Type, c.AuthMethod = smart.TypeConfidential, smart.AuthBasic }).Secret
	basic := fmtBasic("server", secret.Reveal())
	code := w.browser().permit("client_id", "server")
	wantFault(t, w.post("/auth/token", redeemForm(code, "client_id", "server")), 401, "invalid_client", "client.none")
	a := w.post("/auth/token", redeemForm(code, "client_id", ""), "Authorization", basic)
	f := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {a.text("refresh_token")}}
	wantFault(t, w.post("/auth/token", f), 401, "invalid_client", "client.none")
	next := w.post("/auth/token", f, "Authorization", basic)
	w.advance(10 * time.Second)
	wantFault(t, w.post("/auth/token", f, "Authorization", basic), 400, "invalid_grant", "refresh.used")
	if p := w.principal(next.text("access_token")); p.Grant == "" {
		t.Error("a second worker within the grace killed the grant")
	}
	w.advance(time.Second)
	wantFault(t, w.post("/auth/token", f, "Authorization", basic), 400, "invalid_grant", "refresh.used")
	w.wantDead("after the grace", next.text("access_token"))
}

func TestSMART422_ClientOfARefresh(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.app("other")
	a := w.tokens()
	wantFault(t, w.refresh(a.text("refresh_token"), "client_id", "other"), 400, "invalid_grant", "refresh.client")
	wantFault(t, w.refresh("drr_guess"), 400, "invalid_grant", "refresh.unknown")
	wantFault(t, w.refresh(a.text("access_token")), 400, "invalid_grant", "refresh.unknown")
	if got := w.refresh(a.text("refresh_token")); got.status != 200 {
		t.Errorf("a stranger consumed the token: %s", got.body)
	}
}

func TestSMART423_NarrowerAndWider(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.tokens()
	for _, wider := range []string{"patient/Task.c", "patient/Condition.r", "patient/Patient.rs", "system/Patient.r"} {
		wantFault(t, w.refresh(a.text("refresh_token"), "scope", wider), 400, "invalid_scope", "scope.wider")
	}
	narrow := w.refresh(a.text("refresh_token"), "scope", "patient/CarePlan.r openid")
	if narrow.json["scope"] != "patient/CarePlan.r openid" || narrow.text("refresh_token") == "" {
		t.Fatalf("%s", narrow.body)
	}
	if p := w.principal(narrow.text("access_token")); p.Scopes.Allows("patient", "CarePlan", 's') || p.Scopes.Allows("patient", "Patient", 'r') {
		t.Error("the token is not narrower")
	}
	if whole := w.refresh(narrow.text("refresh_token")); whole.json["scope"] != a.json["scope"] {
		t.Errorf("the grant changed: %s", whole.body)
	}
}

func TestSMART421_OnlineAccessDiesWithTheSession(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	u := w.browser()
	online := func() answer {
		u.authorize("scope", "launch/patient online_access patient/CarePlan.rs")
		if strings.HasPrefix(u.at, "/auth/login") {
			u.login(parentLogin)
		}
		u.submit("child", "Patient/boris")
		u.submit("decision", "allow", "group", "plan", "duration", "1y")
		return w.post("/auth/token", redeemForm(u.back().Get("code")))
	}
	a := online()
	if a.json["scope"] != "launch/patient online_access patient/CarePlan.rs" || a.text("refresh_token") == "" {
		t.Fatalf("%s", a.body)
	}
	if got := w.refresh(a.text("refresh_token")); got.status != 200 {
		t.Fatalf("%s", got.body)
	}
	b := online()
	u.get("/auth/logout")
	u.submit()
	w.wantDead("logged out", b.text("access_token"))
	wantFault(t, w.refresh(b.text("refresh_token")), 400, "invalid_grant", "refresh.withdrawn")
	c := online()
	w.advance(30 * time.Minute)
	wantFault(t, w.refresh(c.text("refresh_token")), 400, "invalid_grant", "refresh.unknown")
}

func TestSMART421_NoRefreshTokenWithoutScope(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if a := w.tokens("scope", "patient/CarePlan.rs"); a.json["refresh_token"] != nil || a.json["id_token"] != nil || a.json["patient"] != "boris" {
		t.Errorf("%s", a.body)
	}
	w.app("once", func(c *smart.Client) { c.GrantTypes = []string{smart.GrantCode} })
	u := w.browser()
	if a := w.post("/auth/token", redeemForm(u.permit("client_id", "once"), "client_id", "once")); a.json["refresh_token"] != nil || strings.Contains(a.text("scope"), "line_access") {
		t.Errorf("%s", a.body)
	}
}

func TestSMART425_WhatEndsAGrant(t *testing.T) {
	t.Parallel()
	rows := []struct {
		name string
		end  func(w *world)
		rule string
		dead bool // the access token too, before auth.Decide
	}{
		{"consent withdrawn through FHIR", func(w *world) { w.family.set(func(f *family) { f.inactive["c1"] = true }) }, "refresh.withdrawn", true},
		{"user disabled", func(w *world) { check(w.t, w.users.Disable(w.t.Context(), parentLogin)) }, "refresh.withdrawn", true},
		{"user bound to another person", func(w *world) {
			check(w.t, w.users.Bind(w.t.Context(), parentLogin, smart.Binding{FHIRUser: fhir.Ref{Type: "RelatedPerson", ID: "rp9"}}))
		}, "refresh.withdrawn", true},
		{"custody lost", func(w *world) { w.family.set(func(f *family) { f.barred = true }) }, "refresh.withdrawn", false},
		{"client disabled", func(w *world) { check(w.t, w.registry.Disable(w.t.Context(), "app")) }, "client.none", true},
		{"idle for 90 days", func(w *world) { w.advance(90 * 24 * time.Hour) }, "refresh.unknown", true},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.t = t
			a := w.tokens()
			row.end(w)
			if got := w.refresh(a.text("refresh_token")); got.rule() != row.rule || got.json["access_token"] != nil {
				t.Errorf("%d %s", got.status, got.body)
			}
			if row.dead {
				w.wantDead(row.name, a.text("access_token"))
			}
		})
	}
}

func TestAGrantNeverOutlivesItsEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.family.set(func(f *family) { f.children[parentRef][0].Until = w.clock().Add(10 * time.Minute) })
	a := w.tokens()
	if a.json["expires_in"] != 600.0 {
		t.Errorf("%s", a.body)
	}
	w.advance(10 * time.Minute)
	w.wantDead("after the birthday", a.text("access_token"))
}

func TestLookupErrorsServeNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.tokens()
	w.family.set(func(f *family) { f.down = &fhir.Error{Kind: fhir.Internal, Op: "test"} })
	r, err := http.NewRequest(http.MethodGet, "/fhir/Patient", nil)
	check(t, err)
	r.Header.Set("Authorization", "Bearer "+a.text("access_token"))
	if _, err := w.server.Authenticate(r); fhir.KindOf(err) != fhir.Unavailable {
		t.Errorf("%v", err)
	}
	wantFault(t, w.refresh(a.text("refresh_token")), 503, "temporarily_unavailable", "state.down")
	w.family.set(func(f *family) { f.down = nil })
	if got := w.refresh(a.text("refresh_token")); got.status != 200 {
		t.Errorf("the failure consumed the token: %s", got.body)
	}
}

func TestSMART502_503_511_IntrospectionAndRevocation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	k := ecKey(t, "k")
	w.add(smart.Client{ID: "watcher", Name: "W", Type: smart.TypeBackend, Scope: scope, JWKS: jwks(k), Organization: "urn:x|1", MayIntrospect: true})
	a := w.tokens()
	got := w.ask("/auth/introspect", "watcher", k, a.text("access_token")).json
	if got["active"] != true || got["patient"] != "boris" || got["fhirUser"] != base+"/fhir/RelatedPerson/rp1" || got["scope"] != a.json["scope"] || got["username"] != nil {
		t.Errorf("%v", got)
	}
	refresh := w.ask("/auth/introspect", "watcher", k, a.text("refresh_token")).json
	if refresh["active"] != true || refresh["client_id"] != "app" || refresh["scope"] != a.json["scope"] {
		t.Errorf("%v", refresh)
	}
	w.app("other")
	revoke := func(client, token string) { // SMART-511
		t.Helper()
		if r := w.post("/auth/revoke", url.Values{"client_id": {client}, "token": {token}}); r.status != 200 || r.body != "" {
			t.Errorf("%d %s", r.status, r.body)
		}
	}
	revoke("other", a.text("refresh_token"))
	revoke("other", a.text("access_token"))
	if p := w.principal(a.text("access_token")); p.Grant == "" {
		t.Error("a foreign client revoked")
	}
	b := w.refresh(a.text("refresh_token"))
	revoke("app", a.text("access_token"))
	w.wantDead("revoked", a.text("access_token"))
	if p := w.principal(b.text("access_token")); p.Grant == "" {
		t.Error("one access token took the grant along")
	}
	revoke("app", b.text("refresh_token"))
	w.wantDead("grant revoked", b.text("access_token"))
	for _, token := range []string{b.text("access_token"), b.text("refresh_token")} {
		if r := w.ask("/auth/introspect", "watcher", k, token); r.body != `{"active":false}` {
			t.Errorf("%s", r.body)
		}
	}
	revoke("app", b.text("refresh_token"))
}

func TestATT59_OnlyAccessTokensAreBearers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	code := w.browser().permit()
	a := w.tokens()
	for name, token := range map[string]string{"code": code, "refresh token": a.text("refresh_token"), "id_token": a.text("id_token")} {
		if token == "" {
			t.Fatalf("no %s", name)
		}
		w.wantDead(name, token)
	}
}

func TestATT58_IntrospectionFollowsTheGrant(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	k := ecKey(t, "k")
	w.add(smart.Client{ID: "watcher", Name: "W", Type: smart.TypeBackend, Scope: scope, JWKS: jwks(k), Organization: "urn:x|1", MayIntrospect: true})
	a := w.tokens()
	w.family.set(func(f *family) { f.inactive["c1"] = true })
	for _, token := range []string{a.text("access_token"), a.text("refresh_token")} {
		if r := w.ask("/auth/introspect", "watcher", k, token); r.body != `{"active":false}` {
			t.Errorf("%s", r.body)
		}
	}
	w.family.set(func(f *family) { f.inactive["c1"] = false })
	a = w.tokens()
	w.advance(15 * time.Minute)
	if r := w.ask("/auth/introspect", "watcher", k, a.text("access_token")); r.body != `{"active":false}` {
		t.Errorf("%s", r.body)
	}
}

func TestATT57_ATokenStaysWithItsChild(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	u := w.browser()
	first := w.post("/auth/token", redeemForm(u.permit()))
	u.authorize()
	u.submit("child", "Patient/anna")
	u.submit("decision", "allow", "group", "plan")
	second := w.post("/auth/token", redeemForm(u.back().Get("code")))
	if second.json["patient"] != "anna" {
		t.Fatalf("%s", second.body)
	}
	if p := w.principal(first.text("access_token")); p.Patient.ID != "boris" {
		t.Errorf("%+v", p.Patient)
	}
	if again := w.refresh(first.text("refresh_token"), "patient", "anna"); again.json["patient"] != "boris" {
		t.Errorf("%s", again.body)
	}
}
