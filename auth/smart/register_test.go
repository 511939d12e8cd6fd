package smart_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/drieluik/drieluik/auth/smart"
	"github.com/drieluik/drieluik/auth/state/statetest"
	"github.com/drieluik/drieluik/fhir"
	"github.com/google/go-cmp/cmp"
)

// registering switches dynamic registration on.
func registering(c *smart.Config) { c.Settings.Register = true }

const initialScope = "launch/patient openid fhirUser offline_access patient/Patient.r patient/CarePlan.rs"

// initial is an initial access token; change adapts what it permits.
func (b *bench) initial(change ...func(*smart.InitialAccess)) string {
	b.t.Helper()
	a := smart.InitialAccess{Scope: initialScope, Uses: 1, TTL: 24 * time.Hour}
	for _, f := range change {
		f(&a)
	}
	token, err := b.registry.IssueInitial(b.t.Context(), a)
	check(b.t, err)
	return token.Reveal()
}

// registerAs posts metadata with a token.
func (b *bench) registerAs(token string, metadata any, headers ...string) answer {
	body, text := metadata.(string)
	if !text {
		body = string(toJSON(metadata))
	}
	r := httptest.NewRequest("POST", "/auth/register", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return b.do(r)
}

// appDocument is what a public app says of itself with changes; nil removes.
func appDocument(changes map[string]any) map[string]any {
	return merge(map[string]any{
		"client_name": "Nieuwe app", "redirect_uris": []string{appRedirect}, "token_endpoint_auth_method": "none",
		"grant_types": []string{"authorization_code", "refresh_token"}, "response_types": []string{"code"}, "scope": initialScope,
	}, changes)
}

func TestSMART721_AnAppRegistersItselfAndWorks(t *testing.T) {
	t.Parallel()
	w := newWorld(t, registering)
	a := w.registerAs(w.initial(), appDocument(map[string]any{
		"client_uri": "https://app.example", "contacts": []string{"x@app.example"}, "admin": true, "may_launch": true,
		"client_id": "chosen", "skip_consent": true, "purposes": []string{"BTG"},
	}))
	id := a.text("client_id")
	if a.status != 201 || !strings.HasPrefix(id, "c_") || a.header.Get("Cache-Control") != "no-store" || a.header.Get("Access-Control-Allow-Origin") != "" {
		t.Fatalf("%d %s", a.status, a.body)
	}
	want := merge(appDocument(nil), map[string]any{"client_id": id, "client_id_issued_at": float64(w.clock().Unix())})
	if d := cmp.Diff(decoded(t, want), a.json); d != "" {
		t.Errorf("document (-want +got):\n%s", d)
	}
	kept, err := w.registry.Show(t.Context(), id)
	check(t, err)
	if kept.Admin || kept.MayLaunch || kept.SkipConsent || len(kept.Purposes) > 0 || !kept.Dynamic || kept.Type != smart.TypePublic {
		t.Errorf("%+v", kept)
	}
	u := w.browser()
	u.authorize("client_id", id, "scope", initialScope)
	u.login(parentLogin)
	u.submit("child", "Patient/boris")
	if !strings.Contains(u.page.body, "van app.example") { // nobody has said whose app it is
		t.Errorf("the page names another organisation: %s", u.page.body)
	}
	tokens := w.post("/auth/token", redeemForm(w.browser().permit("client_id", id, "scope", initialScope), "client_id", id))
	if tokens.status != 200 {
		t.Errorf("%d %s", tokens.status, tokens.body)
	}
	check(t, w.registry.Disable(t.Context(), id)) // the operator keeps the last word
	w.wantDead("disabled", tokens.text("access_token"))
}

// decoded is v as JSON would be read.
func decoded(t *testing.T, v any) map[string]any {
	t.Helper()
	var m map[string]any
	check(t, json.Unmarshal(toJSON(v), &m))
	return m
}

func TestSMART721_WhatKindOfClientComesOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t, registering)
	k := ecKey(t, "k")
	var keys any
	check(t, json.Unmarshal(jwks(k), &keys))
	organised := func(a *smart.InitialAccess) {
		a.Organization, a.OrganizationName, a.Scope = "urn:ura|90000009", "Apotheek", "system/Patient.r"
	}
	secret := w.registerAs(w.initial(), appDocument(map[string]any{"token_endpoint_auth_method": nil, "scope": nil}))
	if secret.status != 201 || secret.text("token_endpoint_auth_method") != "client_secret_basic" || !strings.HasPrefix(secret.text("client_secret"), "drs_") ||
		secret.json["client_secret_expires_at"] != 0.0 || secret.text("scope") != initialScope {
		t.Errorf("%d %s", secret.status, secret.body)
	}
	strict := w.registerAs(w.initial(), appDocument(map[string]any{"dpop_bound_access_tokens": true, "require_pushed_authorization_requests": true}))
	if kept, err := w.registry.Show(t.Context(), strict.text("client_id")); err != nil || kept.DPoP != "required" || !kept.RequirePushed ||
		strict.json["dpop_bound_access_tokens"] != true || strict.json["require_pushed_authorization_requests"] != true {
		t.Errorf("%v %+v %s", err, kept, strict.body)
	}
	backend := w.registerAs(w.initial(organised), map[string]any{
		"client_name": "Apotheek", "grant_types": []string{"client_credentials"}, "token_endpoint_auth_method": "private_key_jwt", "jwks": keys,
	})
	id := backend.text("client_id")
	if backend.status != 201 {
		t.Fatalf("%d %s", backend.status, backend.body)
	}
	p, err := w.server.Authenticate(bearerRequest(w.bearer(id, k, "scope", "system/Patient.r")))
	if err != nil || p.Organization.String() != "Organization/org-90000009" {
		t.Errorf("%v %+v", err, p)
	}
	if d := cmp.Diff([]smart.Organization{{Identifier: fhir.Identifier{System: "urn:ura", Value: "90000009"}, Name: "Apotheek", NameIfNew: "90000009"}}, w.orgs[len(w.orgs)-1:]); d != "" {
		t.Errorf("organisation (-want +got):\n%s", d) // written for the token, never by an app
	}
}

func bearerRequest(token string) *http.Request {
	r := httptest.NewRequest("GET", "/fhir/Patient", nil)
	r.Header.Set("Authorization", "Bearer "+token)
	return r
}

func TestSMART721_WhatIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, registering)
	token := w.initial()
	set := func(name string, value any) any { return appDocument(map[string]any{name: value}) }
	cases := map[string]struct {
		metadata any
		status   int
		code     string
		rule     string
	}{
		"a software statement":      {set("software_statement", "e30.e30."), 400, "invalid_client_metadata", "reg.member"},
		"a picture":                 {set("logo_uri", "https://app.example/logo.png"), 400, "invalid_client_metadata", "reg.member"},
		"a key set over http":       {appDocument(map[string]any{"token_endpoint_auth_method": "private_key_jwt", "jwks_uri": "http://127.0.0.1/keys"}), 400, "invalid_client_metadata", "reg.member"},
		"keys by value and by URL":  {appDocument(map[string]any{"token_endpoint_auth_method": "private_key_jwt", "jwks_uri": "https://app.example/k", "jwks": map[string]any{"keys": []any{}}}), 400, "invalid_client_metadata", "reg.member"},
		"a private key":             {appDocument(map[string]any{"token_endpoint_auth_method": "private_key_jwt", "jwks": map[string]any{"keys": []any{map[string]any{"kty": "oct", "k": "AA", "kid": "k"}}}}), 400, "invalid_client_metadata", "reg.member"},
		"no redirect URI":           {set("redirect_uris", nil), 400, "invalid_redirect_uri", "reg.redirect"},
		"a redirect with fragment":  {set("redirect_uris", []string{"https://app.example/#f"}), 400, "invalid_redirect_uri", "reg.redirect"},
		"a redirect over http":      {set("redirect_uris", []string{"http://app.example/back"}), 400, "invalid_redirect_uri", "reg.redirect"},
		"a redirect with wildcard":  {set("redirect_uris", []string{"https://*.app.example/"}), 400, "invalid_redirect_uri", "reg.redirect"},
		"javascript:":               {set("redirect_uris", []string{"javascript:alert(1)"}), 400, "invalid_redirect_uri", "reg.redirect"},
		"redirects that are text":   {set("redirect_uris", appRedirect), 400, "invalid_redirect_uri", "reg.redirect"},
		"more than the token's":     {set("scope", initialScope+" patient/Task.cruds"), 400, "invalid_client_metadata", "reg.scope"},
		"a wider letter":            {set("scope", "patient/Patient.rs"), 400, "invalid_client_metadata", "reg.scope"},
		"system scopes":             {set("scope", "system/Patient.r"), 400, "invalid_client_metadata", "reg.scope"},
		"a scope nobody knows":      {set("scope", "patient/Patient.r profile"), 400, "invalid_client_metadata", "reg.member"},
		"a name that turns text":    {set("client_name", "app\u202egnp"), 400, "invalid_client_metadata", "reg.member"},
		"no name":                   {set("client_name", nil), 400, "invalid_client_metadata", "reg.member"},
		"an unknown method":         {set("token_endpoint_auth_method", "tls_client_auth"), 400, "invalid_client_metadata", "reg.member"},
		"the implicit flow":         {set("grant_types", []string{"implicit"}), 400, "invalid_client_metadata", "reg.member"},
		"an implicit answer":        {set("response_types", []string{"token"}), 400, "invalid_client_metadata", "reg.member"},
		"a backend of nobody":       {set("grant_types", []string{"client_credentials"}), 400, "invalid_client_metadata", "reg.member"},
		"a flag in words":           {set("dpop_bound_access_tokens", "yes"), 400, "invalid_client_metadata", "reg.member"},
		"a member twice":            {`{"client_name":"a","client_name":"b"}`, 400, "invalid_client_metadata", "reg.form"},
		"a list":                    {`[]`, 400, "invalid_client_metadata", "reg.form"},
		"nothing":                   {``, 400, "invalid_client_metadata", "reg.form"},
		"deep":                      {`{"x":` + strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000) + "}", 400, "invalid_client_metadata", "reg.form"},
		"64 KiB and one":            {`{}` + strings.Repeat(" ", 64<<10), 413, "invalid_client_metadata", "reg.size"},
		"a secret that it made up ": {set("client_secret_sha256", []string{"00"}), 201, "", ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			a := w.registerAs(token, c.metadata)
			if c.status == 201 {
				if a.status != 201 {
					t.Errorf("%d %s", a.status, a.body)
				}
				token = w.initial()
				return
			}
			wantFault(t, a, c.status, c.code, c.rule)
			if strings.Contains(a.body, "evil") || strings.Contains(a.body, "alert") {
				t.Error("an input value came back")
			}
		})
	}
	wantFault(t, w.registerAs(token, `{}`, "Content-Type", "text/plain"), 415, "invalid_client_metadata", "reg.type")
	if a := w.registerAs(token, appDocument(nil)); a.status != 201 { // no refusal has used the token up
		t.Errorf("%d %s", a.status, a.body)
	}
}

func TestSMART721_ATokenServesSoOftenAndSoLong(t *testing.T) {
	t.Parallel()
	w := newWorld(t, registering)
	twice := w.initial(func(a *smart.InitialAccess) { a.Uses = 2 })
	for range 2 {
		if a := w.registerAs(twice, appDocument(nil)); a.status != 201 {
			t.Fatalf("%d %s", a.status, a.body)
		}
	}
	used := w.registerAs(twice, appDocument(nil))
	wantFault(t, used, 401, "invalid_token", "reg.token")
	if used.header.Get("WWW-Authenticate") != `Bearer realm="drieluik", error="invalid_token"` {
		t.Errorf("challenge %q", used.header.Get("WWW-Authenticate"))
	}
	late := w.initial(func(a *smart.InitialAccess) { a.TTL = time.Hour })
	w.advance(time.Hour)
	wantFault(t, w.registerAs(late, appDocument(nil)), 401, "invalid_token", "reg.token")

	crowd := w.initial(func(a *smart.InitialAccess) { a.Uses = 3 })
	var won atomic.Int32
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			if w.registerAs(crowd, appDocument(nil)).status == 201 {
				won.Add(1)
			}
		})
	}
	all.Wait()
	if won.Load() != 3 {
		t.Errorf("%d registered", won.Load())
	}
}

func TestSMART721_TheTokenIsKeptAsItsHash(t *testing.T) {
	t.Parallel()
	w := newWorld(t, registering)
	token := w.initial()
	answered := w.registerAs(token, appDocument(map[string]any{"token_endpoint_auth_method": nil}))
	kept := w.log.String()
	for key, value := range w.store.rows {
		kept += key + string(value)
	}
	for _, secret := range []string{token, answered.text("client_secret")} {
		if secret == "" || strings.Contains(kept, secret) {
			t.Error("a secret is kept or logged")
		}
	}
}

func TestSMART721_WhatATokenCannotPermit(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for name, change := range map[string]func(*smart.InitialAccess){
		"no scope":         func(a *smart.InitialAccess) { a.Scope = "" },
		"an unknown scope": func(a *smart.InitialAccess) { a.Scope = "profile" },
		"no use":           func(a *smart.InitialAccess) { a.Uses = 0 },
		"too many uses":    func(a *smart.InitialAccess) { a.Uses = 1001 },
		"no time":          func(a *smart.InitialAccess) { a.TTL = 0 },
		"too long":         func(a *smart.InitialAccess) { a.TTL = 31 * 24 * time.Hour },
		"no organisation":  func(a *smart.InitialAccess) { a.Organization = "90000001" },
	} {
		a := smart.InitialAccess{Scope: initialScope, Uses: 1, TTL: time.Hour}
		change(&a)
		if token, err := b.registry.IssueInitial(t.Context(), a); fhir.KindOf(err) != fhir.Unprocessable || token != "" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestATT72_RegistrationIsOffOrNeedsAToken(t *testing.T) {
	t.Parallel()
	off := newWorld(t)
	if a := off.registerAs(off.initial(), appDocument(nil)); a.status != 404 {
		t.Errorf("off: %d %s", a.status, a.body)
	}
	discovery := func(w *world) any {
		return w.do(httptest.NewRequest("GET", discoveryPaths()[0], nil)).json["registration_endpoint"]
	}
	if got := discovery(off); got != nil {
		t.Errorf("off: discovery names %v", got)
	}
	on := newWorld(t, registering)
	if got := discovery(on); got != base+"/auth/register" {
		t.Errorf("on: discovery names %v", got)
	}
	wantFault(t, on.registerAs("", appDocument(nil)), 401, "invalid_token", "token.none")
	stranger := "dri_" + strings.Repeat("A", 43)
	for _, token := range []string{"x", stranger, "dra_" + strings.Repeat("A", 43)} {
		wantFault(t, on.registerAs(token, appDocument(nil)), 401, "invalid_token", "reg.token")
	}
	wantFault(t, on.registerAs("", appDocument(nil), "Authorization", "DPoP "+on.initial()), 401, "invalid_token", "reg.token")
	wantFault(t, on.do(httptest.NewRequest("GET", "/auth/register", nil)), 405, "invalid_request", "form.method")
	var a answer
	for range 601 {
		a = on.registerAs(stranger, appDocument(nil))
	}
	wantFault(t, a, 429, "temporarily_unavailable", "client.rate")
}

func TestADynamicClientCanBeRotatedWithoutAnOrganization(t *testing.T) {
	t.Parallel()
	w := newWorld(t, registering)
	a := w.registerAs(w.initial(), appDocument(map[string]any{"token_endpoint_auth_method": nil}))
	if _, err := w.registry.Rotate(t.Context(), a.text("client_id"), smart.Rotation{}); err != nil {
		t.Error(err)
	}
}

// A page names the host to which this request leads, not another that the app has registered beside it.
func TestSMART721_PagesNameWhereTheAnswerGoes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, registering)
	const evil = "https://evil.example/back"
	id := w.registerAs(w.initial(), appDocument(map[string]any{"redirect_uris": []string{"https://ziekenhuis.example/", evil}})).text("client_id")
	native := w.registerAs(w.initial(), appDocument(map[string]any{
		"redirect_uris": []string{"com.evil.app:/back"}, "application_type": "native", "client_name": "Ziekenhuis",
	})).text("client_id")
	for _, c := range []struct{ id, redirect, host string }{{id, evil, "evil.example"}, {native, "com.evil.app:/back", "com.evil.app"}} {
		u := w.browser()
		u.authorize("client_id", c.id, "redirect_uri", c.redirect, "scope", initialScope)
		login := u.page.body
		u.login(parentLogin)
		u.submit("child", "Patient/boris")
		for page, body := range map[string]string{"login": login, "consent": u.page.body} {
			if !strings.Contains(body, "van "+c.host) || strings.Contains(body, "ziekenhuis.example") || strings.Contains(body, "van Ziekenhuis") {
				t.Errorf("%s: %s", page, body)
			}
		}
		u.submit("decision", "allow", "group", "child", "duration", "3m")
		u.get("/auth/apps")
		if u.page.status != 200 || strings.Contains(u.page.body, "ziekenhuis.example") || strings.Contains(u.page.body, "<dd>Ziekenhuis</dd>") {
			t.Errorf("apps: %d %s", u.page.status, u.page.body)
		}
	}
}

// A Redis that lost its memory has lost the count of uses, and so the tokens.
func TestATT69_AfterAFlushNoTokenRegistersAgain(t *testing.T) {
	t.Parallel()
	sv := statetest.StartRedis(t)
	w := newWorld(t, onRedis(t, sv), registering)
	token := w.initial()
	if a := w.registerAs(token, appDocument(nil)); a.status != 201 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	check(t, sv.Client(t).FlushAll(t.Context()).Err())
	wantFault(t, w.registerAs(token, appDocument(nil)), 401, "invalid_token", "reg.token")
	w.advance(time.Second)
	if a := w.registerAs(w.initial(), appDocument(nil)); a.status != 201 {
		t.Errorf("a new one: %d %s", a.status, a.body)
	}
}

// Who registered an app, from where and with which token, can be told from the log.
func TestSMART721_ARegistrationIsLogged(t *testing.T) {
	t.Parallel()
	w := newWorld(t, registering)
	token := w.initial()
	a := w.registerAs(token, appDocument(nil))
	sum := sha256.Sum256([]byte(token))
	for line := range strings.Lines(w.log.String()) {
		var got map[string]any
		check(t, json.Unmarshal([]byte(line), &got))
		if got["msg"] != "client_changed" || got["client_id"] != a.text("client_id") {
			continue
		}
		if got["address"] != "192.0.2.1" || got["request_id"] != a.header.Get("X-Request-Id") || got["token"] != hex.EncodeToString(sum[:4]) {
			t.Errorf("%s", line)
		}
		return
	}
	t.Errorf("no line: %s", w.log.String())
}
