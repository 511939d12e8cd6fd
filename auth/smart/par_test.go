package smart_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/drieluik/drieluik/auth/smart"
)

// push pushes a right request of the public app with changes and returns the answer.
func (w *world) push(pairs ...string) answer { return w.post("/auth/par", asking(pairs...)) }

// pushed is the request_uri of a right request with changes.
func (w *world) pushed(pairs ...string) string {
	w.t.Helper()
	a := w.push(pairs...)
	if a.status != http.StatusCreated {
		w.t.Fatalf("push: %d %s", a.status, a.body)
	}
	return a.text("request_uri")
}

func (u *browser) authorizePushed(client, uri string, pairs ...string) {
	u.w.t.Helper()
	q := url.Values{"client_id": {client}, "request_uri": {uri}}
	for i := 0; i < len(pairs); i += 2 {
		q.Add(pairs[i], pairs[i+1])
	}
	u.get("/auth/authorize?" + q.Encode())
}

func TestSMART701_APushedRequestGoesTheWholeWay(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	for _, m := range append(w.confidential(), method{"app", func() []string { return nil }, func() []string { return nil }}) {
		form := asking(append([]string{"client_id", m.name}, m.pairs()...)...)
		a := w.post("/auth/par", form, m.headers()...)
		uri := a.text("request_uri")
		if a.status != 201 || !strings.HasPrefix(uri, "urn:ietf:params:oauth:request_uri:drp_") || a.json["expires_in"] != 60.0 ||
			a.header.Get("Cache-Control") != "no-store" || a.header.Get("Access-Control-Allow-Origin") != "" {
			t.Fatalf("%s: %d %s", m.name, a.status, a.body)
		}
		u := w.browser()
		// What the address says beside client_id and request_uri counts for nothing.
		u.authorizePushed(m.name, uri, "scope", "patient/Task.cruds", "redirect_uri", "https://evil.example/", "state", "other", "state", "twice")
		u.login(parentLogin)
		u.submit("child", "Patient/boris")
		u.submit("decision", "allow", "group", "child", "group", "plan", "duration", "3m")
		back := u.back()
		if back.Get("state") != "st" || back.Get("iss") != base || back.Get("code") == "" {
			t.Fatalf("%s: %v", m.name, back)
		}
		tokens := w.post("/auth/token", redeemForm(back.Get("code"), append([]string{"client_id", m.name}, m.pairs()...)...), m.headers()...)
		if tokens.status != 200 || !strings.Contains(tokens.text("scope"), "patient/CarePlan.rs") {
			t.Errorf("%s: %d %s", m.name, tokens.status, tokens.body)
		}
	}
}

func TestSMART701_ARequestURIIsForOneUseOfItsClient(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.app("other")
	u := w.browser()
	once := w.pushed()
	u.authorizePushed("app", once)
	if !strings.HasPrefix(u.at, "/auth/login") {
		t.Fatalf("%s: %d", u.at, u.page.status)
	}
	u.authorizePushed("app", once)
	wantPage(t, u, 400, textLate)

	foreign := w.pushed()
	for _, client := range []string{"other", "app"} { // the stranger has spent it
		u.authorizePushed(client, foreign)
		wantPage(t, u, 400, textLate)
	}
	late := w.pushed()
	w.advance(61 * time.Second)
	u.authorizePushed("app", late)
	wantPage(t, u, 400, textLate)
	for _, uri := range []string{"urn:ietf:params:oauth:request_uri:drp_guess", once + "x", late + "%00"} {
		u.authorizePushed("app", uri)
		wantPage(t, u, 400, textLate)
	}
	twice := w.pushed()
	u.authorizePushed("app", twice, "request_uri", twice)
	wantPage(t, u, 400, textBroken)
	u.authorizePushed("nobody", w.pushed())
	wantPage(t, u, 400, textBroken)
}

func TestSMART701_FaultsAreToldAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	k := ecKey(t, "k")
	w.backend("backend", k)
	cases := map[string]struct {
		pairs  []string
		status int
		code   string
		rule   string
	}{
		"request_uri":         {[]string{"request_uri", "urn:x"}, 400, "invalid_request", "par.request_uri"},
		"request object":      {[]string{"request", "e30.e30."}, 400, "request_not_supported", "authz.request"},
		"redirect_uri":        {[]string{"redirect_uri", "https://evil.example/"}, 400, "invalid_request", "authz.redirect"},
		"no redirect_uri":     {[]string{"redirect_uri", ""}, 400, "invalid_request", "authz.redirect"},
		"response_type":       {[]string{"response_type", "token"}, 400, "unsupported_response_type", "authz.response_type"},
		"state":               {[]string{"state", ""}, 400, "invalid_request", "authz.state"},
		"aud":                 {[]string{"aud", "https://evil.example/fhir"}, 400, "invalid_request", "authz.aud"},
		"plain":               {[]string{"code_challenge_method", "plain"}, 400, "invalid_request", "authz.pkce"},
		"nothing grantable":   {[]string{"scope", "patient/Goal.r"}, 400, "invalid_scope", "scope.none"},
		"purpose":             {[]string{"purpose_of_use", "HMARKT"}, 400, "invalid_request", "authz.purpose"},
		"launch without cure": {[]string{"launch", "drl_x"}, 400, "invalid_request", "authz.launch"},
		"no client":           {[]string{"client_id", ""}, 401, "invalid_client", "client.none"},
		"unknown client":      {[]string{"client_id", "nobody"}, 401, "invalid_client", "client.none"},
		"a wrong secret":      {[]string{"client_secret", "guess"}, 401, "invalid_client", "client.auth"},
		"more than fits":      {[]string{"nonce", strings.Repeat("n", 9000)}, 413, "invalid_request", "par.size"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			wantFault(t, w.push(c.pairs...), c.status, c.code, c.rule)
		})
	}
	backend := asking("client_id", "backend", "client_assertion_type", jwtBearer, "client_assertion", w.assertion("backend", k, nil))
	wantFault(t, w.post("/auth/par", backend), 400, "unauthorized_client", "grant.client")
	wantFault(t, w.do(httptest.NewRequest("GET", "/auth/par?"+asking().Encode(), nil)), 405, "invalid_request", "form.method")
}

func TestSMART701_AnAssertionServesOnceAtEveryEndpoint(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	k := ecKey(t, "k")
	w.app("conf", func(c *smart.Client) { c.Type, c.AuthMethod, c.JWKS = smart.TypeConfidential, smart.AuthJWT, jwks(k) })
	form := asking("client_id", "conf", "client_assertion_type", jwtBearer, "client_assertion", w.assertion("conf", k, nil))
	if a := w.post("/auth/par", form); a.status != 201 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	wantFault(t, w.post("/auth/par", form), 401, "invalid_client", "jwt.replay")
}

func TestSMART701_AClientThatMustPush(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.app("strict", func(c *smart.Client) { c.RequirePushed = true })
	u := w.browser()
	u.authorize("client_id", "strict")
	wantReturned(t, u, "invalid_request", "par.required")
	u.authorizePushed("strict", w.pushed("client_id", "strict"))
	if !strings.HasPrefix(u.at, "/auth/login") {
		t.Errorf("%s: %d %s", u.at, u.page.status, u.page.body)
	}
}

func TestSMART701_OfSixteenBrowsersOneOpensThePage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	uri := w.pushed()
	var opened atomic.Int32
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			r := httptest.NewRequest("GET", "/auth/authorize?"+url.Values{"client_id": {"app"}, "request_uri": {uri}}.Encode(), nil)
			if w.do(r).status == http.StatusSeeOther {
				opened.Add(1)
			}
		})
	}
	all.Wait()
	if opened.Load() != 1 {
		t.Errorf("%d opened", opened.Load())
	}
}

func TestSMART701_FloodsOfStrangersAreLimited(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 300 {
		if a := w.push(); a.status != 201 {
			t.Fatalf("%d %s", a.status, a.body)
		}
	}
	a := w.push()
	wantFault(t, a, 429, "temporarily_unavailable", "client.rate")
	if a.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
}

func TestSMART701_SwitchedOff(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *smart.Config) { c.Settings.PAR = false })
	if a := w.push(); a.status != 404 {
		t.Errorf("%d %s", a.status, a.body)
	}
	if got, named := w.do(httptest.NewRequest("GET", discoveryPaths()[0], nil)).json["pushed_authorization_request_endpoint"]; named {
		t.Errorf("discovery names %v", got)
	}
	u := w.browser()
	u.authorize("request_uri", "urn:ietf:params:oauth:request_uri:drp_x")
	wantReturned(t, u, "request_uri_not_supported", "authz.request_uri")
}

func TestSMART701_APushedRequestIsKeptSealed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	uri := w.pushed("state", "marker-state", "nonce", "marker-nonce")
	kept := string(bytes.Join(w.table.Values(), nil)) + w.log.String()
	for _, secret := range []string{"marker-state", "marker-nonce", challengeOf(verifier), uri[len("urn:ietf:params:oauth:request_uri:"):]} {
		if strings.Contains(kept, secret) {
			t.Errorf("%q is kept or logged", secret)
		}
	}
}

func TestSMART112_PagesSpeakTheLanguageThatTheAppAsks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	u := w.browser()
	for name, ask := range map[string]func(){
		"pushed": func() { u.authorizePushed("app", w.pushed("ui_locales", "sv"), "ui_locales", "en") },
		"plain":  func() { u.authorize("ui_locales", "fr-FR sv-SE") },
	} {
		u = w.browser()
		ask()
		u.login(parentLogin)
		if !strings.HasPrefix(u.at, "/auth/child") || !strings.Contains(u.page.body, `<html lang="sv">`) {
			t.Errorf("%s: %s: %s", name, u.at, u.page.body)
		}
	}
}
