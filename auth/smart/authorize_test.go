package smart_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/drieluik/drieluik/auth/smart"
)

// wantReturned checks an error that goes back to the app.
func wantReturned(t *testing.T, u *browser, code, rule string) {
	t.Helper()
	to := u.page.header.Get("Location")
	if u.page.status != http.StatusSeeOther || !strings.HasPrefix(to, appRedirect+"?") {
		t.Fatalf("%d to %q: %s", u.page.status, to, u.page.body)
	}
	q := u.back()
	got, _, _ := strings.Cut(q.Get("error_description"), ":")
	if q.Get("error") != code || got != rule || q.Get("iss") != base || q.Get("code") != "" || q.Get("error_uri") != base+"/auth/errors#"+rule {
		t.Errorf("got %v, want %s by %s", q, code, rule)
	}
}

// wantPage checks a page that leads nowhere.
func wantPage(t *testing.T, u *browser, status int, text string) {
	t.Helper()
	if u.page.status != status || u.page.header.Get("Location") != "" || !strings.Contains(u.page.body, text) {
		t.Errorf("got %d to %q, want %d with %q: %s", u.page.status, u.page.header.Get("Location"), status, text, u.page.body)
	}
}

const (
	textBroken = "De app stuurde een verkeerde vraag."
	textLate   = "Deze pagina is verlopen."
)

func TestSMART101_GetAndPostAreTheSame(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	u := w.browser()
	u.send("POST", "/auth/authorize?client_id=ignored", asking(), "Origin", "https://app.example")
	if !strings.HasPrefix(u.at, "/auth/login?ixn=") || u.page.status != 200 {
		t.Errorf("%s %d", u.at, u.page.status)
	}
	if r := w.browser(); true {
		r.send("POST", "/auth/authorize", asking("state", ""), "Origin", "https://app.example")
		wantReturned(t, r, "invalid_request", "authz.state")
	}
}

func TestSMART101_SizesAndRepetition(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	u := w.browser()
	u.get("/auth/authorize?" + asking().Encode() + "&client_id=app")
	wantPage(t, u, 400, textBroken)
	u.get("/auth/authorize?" + asking().Encode() + "&redirect_uri=https%3A%2F%2Fevil.example")
	wantPage(t, u, 400, textBroken)
	u.get("/auth/authorize?" + asking().Encode() + "&scope=openid")
	wantReturned(t, u, "invalid_request", "form.repeat")
	u.get("/auth/authorize?" + asking("x", strings.Repeat("y", 65<<10)).Encode())
	wantPage(t, u, 413, textBroken)
	u.authorize("state", strings.Repeat("s", 4097))
	wantReturned(t, u, "invalid_request", "authz.state")
	if u.back().Has("state") {
		t.Error("a state that is too long came back")
	}
	u.send("DELETE", "/auth/authorize", nil)
	wantPage(t, u, 405, textBroken)
}

func TestSMART102_103_104_105_107_114_ATT23_26_27_WhatIsWrongGoesToTheApp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	rows := []struct{ name, value, code, rule string }{
		{"response_type", "", "invalid_request", "form.missing"},
		{"response_type", "token", "unsupported_response_type", "authz.response_type"},
		{"response_type", "code token", "unsupported_response_type", "authz.response_type"},
		{"response_type", "id_token", "unsupported_response_type", "authz.response_type"},
		{"response_mode", "fragment", "invalid_request", "authz.mode"},
		{"response_mode", "form_post", "invalid_request", "authz.mode"},
		{"response_mode", "web_message", "invalid_request", "authz.mode"},
		{"state", "", "invalid_request", "authz.state"},
		{"scope", "", "invalid_request", "form.missing"},
		{"scope", "patient/Patient.r\tpatient/CarePlan.r", "invalid_scope", "scope.form"},
		{"scope", strings.Repeat("openid ", 201), "invalid_scope", "scope.form"},
		{"scope", "openid fhirUser", "invalid_scope", "scope.none"},
		{"scope", "system/Patient.r user/Patient.r drieluik/introspect", "invalid_scope", "scope.none"},
		{"scope", "patient/Condition.r patient/ActivityDefinition.r", "invalid_scope", "scope.none"},
		{"scope", "patient/Patient.sr patient/Patient.dus", "invalid_scope", "scope.none"},
		{"scope", "patient/Observation.rs?code:in=x", "invalid_scope", "scope.granular"},
		{"scope", "launch patient/Patient.r", "invalid_request", "authz.launch"},
		{"launch", "drl_x", "invalid_request", "authz.launch"},
		{"aud", "", "invalid_request", "authz.aud"},
		{"aud", base, "invalid_request", "authz.aud"},
		{"aud", base + "/fhir/x", "invalid_request", "authz.aud"},
		{"aud", base + "/fhir//", "invalid_request", "authz.aud"},
		{"aud", "HTTP://127.0.0.1:8080/fhir", "invalid_request", "authz.aud"},
		{"aud", "https://evil.example/fhir", "invalid_request", "authz.aud"},
		{"resource", "https://evil.example/fhir", "invalid_request", "authz.aud"},
		{"code_challenge", "", "invalid_request", "authz.pkce"},
		{"code_challenge", challengeOf(verifier)[:42], "invalid_request", "authz.pkce"},
		{"code_challenge", challengeOf(verifier) + "A", "invalid_request", "authz.pkce"},
		{"code_challenge", challengeOf(verifier)[:42] + "=", "invalid_request", "authz.pkce"},
		{"code_challenge_method", "", "invalid_request", "authz.pkce"},
		{"code_challenge_method", "plain", "invalid_request", "authz.pkce"},
		{"code_challenge_method", "s256", "invalid_request", "authz.pkce"},
		{"request", "e30.e30.", "request_not_supported", "authz.request"},
		{"request_uri", "http://evil.example/r", "request_uri_not_supported", "authz.request_uri"},
		{"registration", "{}", "registration_not_supported", "authz.registration"},
		{"purpose_of_use", "BTG", "invalid_request", "authz.purpose"},
		{"max_age", "-1", "invalid_request", "authz.max_age"},
		{"prompt", "none", "login_required", "authz.login"},
	}
	for _, row := range rows {
		t.Run(row.name+"="+row.value[:min(len(row.value), 30)], func(t *testing.T) {
			u := w.browser()
			u.authorize(row.name, row.value)
			wantReturned(t, u, row.code, row.rule)
			if row.name != "state" && u.back().Get("state") != "st" {
				t.Errorf("state %q", u.back().Get("state"))
			}
		})
	}
}

func TestSMART104_AudienceSynonyms(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, pairs := range [][]string{{"aud", base + "/fhir/"}, {"aud", "", "resource", base + "/fhir"}, {"resource", base + "/fhir/"}} {
		u := w.browser()
		u.authorize(pairs...)
		if !strings.HasPrefix(u.at, "/auth/login") {
			t.Errorf("%v: %d %v", pairs, u.page.status, u.page.header)
		}
	}
}

func TestATT24_RedirectsThatAreNotRegistered(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, redirect := range []string{
		"", appRedirect + "/", appRedirect + ".evil", "https://app.example/bac", "https://app.example/x/../back", "https://app.example/%2e%2e/back",
		"//evil.example/back", "https://user@app.example/back", appRedirect + "#f", appRedirect + "?x=1", "https://APP.example/back",
		"https://app.example./back", "https://app.example:8443/back", "https://xn--pp-8ia.example/back", "http://app.example/back",
		"javascript:alert(1)", "data:text/html,x", "https://evil.example", appRedirect + "\r\nX: y", "https://evil.example/" + appRedirect,
	} {
		u := w.browser()
		u.authorize("redirect_uri", redirect)
		wantPage(t, u, 400, textBroken)
		if strings.Contains(u.page.body, "evil") {
			t.Errorf("%q is on the page", redirect)
		}
	}
}

func TestSMART103_ClientsThatMayNotAsk(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.backend("backend", ecKey(t, "k"))
	w.app("off")
	check(t, w.registry.Disable(t.Context(), "off"))
	for _, id := range []string{"", "nobody", "backend", "off", "<script>"} {
		u := w.browser()
		u.authorize("client_id", id)
		wantPage(t, u, 400, textBroken)
	}
}

func TestSMART103_PortOfANativeApp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	native := func(c *smart.Client) {
		c.ApplicationType, c.RedirectURIs = "native", []string{"http://127.0.0.1/cb", "nl.example.app:/cb"}
	}
	w.app("native", native)
	w.app("web", native, func(c *smart.Client) { c.ApplicationType, c.RedirectURIs = "web", []string{"http://127.0.0.1/cb"} })
	rows := []struct {
		client, redirect string
		ok               bool
	}{
		{"native", "http://127.0.0.1:49152/cb", true},
		{"native", "http://127.0.0.1/cb", true},
		{"native", "nl.example.app:/cb", true},
		{"native", "http://127.0.0.1:49152/cb2", false},
		{"native", "http://127.0.0.1:99999/cb", false},
		{"native", "http://127.0.0.1:/cb", false},
		{"native", "http://127.0.0.1:80@evil.example/cb", false},
		{"native", "http://127.0.0.1.evil.example/cb", false},
		{"native", "http://localhost:49152/cb", false},
		{"native", "https://127.0.0.1:49152/cb", false},
		{"web", "http://127.0.0.1:49152/cb", false},
	}
	for _, row := range rows {
		u := w.browser()
		u.authorize("client_id", row.client, "redirect_uri", row.redirect)
		if got := strings.HasPrefix(u.at, "/auth/login"); got != row.ok || !row.ok && u.page.status != 400 {
			t.Errorf("%s %s: %s %d", row.client, row.redirect, u.at, u.page.status)
		}
	}
}

func TestSMART106_StateComesBackByteForByte(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, state := range []string{"a b+c%20%2B&=#?", "ü∂😀\t\r\n", `"><script>alert(1)</script>`, strings.Repeat("é", 1024), strings.Repeat("s", 4096)} {
		u := w.browser()
		u.authorize("state", state)
		u.login(parentLogin)
		u.submit("child", "Patient/boris")
		u.submit("decision", "allow", "group", "plan")
		q := u.back()
		if q.Get("state") != state || q.Get("iss") != base || q.Get("code") == "" {
			t.Errorf("state %q came back as %q", state, q.Get("state"))
		}
		if strings.Contains(u.page.body, "<script") || strings.Contains(u.page.header.Get("Location"), "\n") {
			t.Errorf("%q was reflected", state)
		}
	}
}

func TestSMART112_PromptAndMaxAge(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	u := w.browser()
	u.authorize("login_hint", `ou"der1`)
	if !strings.Contains(u.page.body, `value="ou&#34;der1"`) {
		t.Error("login_hint does not fill the field")
	}
	u.login(parentLogin)
	u.authorize("prompt", "none")
	wantReturned(t, u, "consent_required", "authz.consent")
	u.authorize()
	if !strings.HasPrefix(u.at, "/auth/child") {
		t.Errorf("a live session asked for login: %s", u.at)
	}
	u.authorize("prompt", "login")
	if !strings.HasPrefix(u.at, "/auth/login") {
		t.Errorf("prompt=login: %s", u.at)
	}
	w.advance(2 * time.Minute)
	u.authorize("max_age", "60")
	if !strings.HasPrefix(u.at, "/auth/login") {
		t.Errorf("max_age=60: %s", u.at)
	}
	u.authorize("max_age", "600")
	if !strings.HasPrefix(u.at, "/auth/child") {
		t.Errorf("max_age=600: %s", u.at)
	}
}

func TestSMART112_PromptLoginCannotBeSkippedByAddress(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	u := w.browser()
	u.authorize()
	u.login(parentLogin)
	u.authorize("prompt", "login")
	u.get(strings.Replace(u.at, "/auth/login", "/auth/consent", 1))
	if !strings.HasPrefix(u.at, "/auth/login") {
		t.Errorf("at %s", u.at)
	}
}

func TestATT30_TooManyRequestsOfOneAddress(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	statuses := map[int]int{}
	for range 310 {
		u := w.browser()
		u.authorize("prompt", "none")
		statuses[u.page.status]++
	}
	if statuses[303] != 300 || statuses[429] != 10 {
		t.Errorf("%v", statuses)
	}
	u := w.browser()
	u.authorize("scope", "patient/Patient.r "+strings.Repeat("x", 12000), "state", strings.Repeat("s", 4096))
	if u.page.status != 429 {
		t.Errorf("%d", u.page.status)
	}
	w.advance(time.Minute)
	u.authorize("scope", "patient/Patient.r "+strings.Repeat("x", 12000), "state", strings.Repeat("s", 4096))
	wantReturned(t, u, "invalid_scope", "scope.form")
}

// The page of apps begins interactions too, and the address itself is nowhere kept.
func TestATT30_ThePageOfAppsCountsWithAuthorize(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 300 {
		w.do(httptest.NewRequest("GET", "/auth/authorize?"+asking().Encode(), nil))
	}
	r := httptest.NewRequest("GET", "/auth/apps", nil)
	if a := w.do(r); a.status != http.StatusTooManyRequests {
		t.Errorf("%d %s", a.status, a.body)
	}
	address, _, _ := strings.Cut(r.RemoteAddr, ":")
	if bytes.Contains(bytes.Join(w.table.Values(), nil), []byte(address)) {
		t.Error("a counter names the address")
	}
}

func FuzzAuthorizeQuery(f *testing.F) {
	w := newWorld(f)
	f.Add(asking().Encode())
	f.Add(asking("redirect_uri", "https://app.example/back%0d%0aX:y").Encode())
	f.Add("client_id=app&redirect_uri=" + url.QueryEscape(appRedirect) + "&state=%00")
	f.Add("client_id=app&redirect_uri=" + url.QueryEscape(appRedirect) + "&%zz")
	f.Fuzz(func(t *testing.T, query string) {
		r, err := http.NewRequest(http.MethodGet, "http://x/auth/authorize", nil)
		check(t, err)
		r.URL.RawQuery, r.RemoteAddr = query, "192.0.2.1:1"
		w.advance(time.Minute)
		a := w.do(r)
		to := a.header.Get("Location")
		switch {
		case a.status == http.StatusSeeOther && (strings.HasPrefix(to, appRedirect+"?error=") || strings.HasPrefix(to, "/auth/login?ixn=i_")):
			if strings.ContainsAny(to, "\r\n ") {
				t.Errorf("Location %q", to)
			}
		case a.status >= 400 && a.status < 500 && to == "":
		default:
			t.Errorf("%d to %q", a.status, to)
		}
	})
}
