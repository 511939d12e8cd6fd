package smart_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/drieluik/drieluik/auth/smart"
)

func foreignOrigins() []string {
	return []string{"null", "https://app.example.evil", "https://evil-app.example", "http://app.example", "https://app.example:8443", "https://APP.example", "*"}
}

func TestSMART311_PreflightOfARegisteredOrigin(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ask := func(path, origin string) answer {
		r := httptest.NewRequest("OPTIONS", path, nil)
		r.Header.Set("Origin", origin)
		r.Header.Set("Access-Control-Request-Method", "POST")
		return w.do(r)
	}
	for _, path := range []string{"/auth/token", "/auth/revoke"} {
		a := ask(path, "https://app.example")
		if a.status != 204 || a.header.Get("Access-Control-Allow-Origin") != "https://app.example" || a.header.Get("Access-Control-Allow-Methods") != "POST" || a.header.Get("Vary") != "Origin" || a.header.Get("Access-Control-Max-Age") != "600" {
			t.Errorf("%s: %d %v", path, a.status, a.header)
		}
		for _, origin := range foreignOrigins() {
			if a := ask(path, origin); a.status != 204 || a.header.Get("Access-Control-Allow-Origin") != "" {
				t.Errorf("%s from %s: %d %v", path, origin, a.status, a.header)
			}
		}
	}
	check(t, w.registry.Disable(t.Context(), "app"))
	if a := ask("/auth/token", "https://app.example"); a.header.Get("Access-Control-Allow-Origin") != "" {
		t.Error("the origin of a disabled client is allowed")
	}
}

func TestSMART311_ATT47_AForeignPageNeverTouchesTheCode(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	code := w.browser().permit()
	for _, origin := range foreignOrigins() {
		a := w.post("/auth/token", redeemForm(code), "Origin", origin)
		wantFault(t, a, 400, "invalid_request", "client.origin")
		if a.header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s may read", origin)
		}
	}
	a := w.post("/auth/token", redeemForm(code), "Origin", "https://app.example")
	if a.status != 200 || a.header.Get("Access-Control-Allow-Origin") != "https://app.example" || a.header.Get("Access-Control-Allow-Credentials") != "" {
		t.Errorf("%d %v", a.status, a.header)
	}
	f := redeemForm("", "grant_type", "refresh_token", "client_id", "", "refresh_token", a.text("refresh_token"))
	wantFault(t, w.post("/auth/token", f, "Origin", "https://evil.example"), 400, "invalid_request", "client.origin")
	if a := w.post("/auth/token", f, "Origin", "https://app.example"); a.status != 200 || a.header.Get("Access-Control-Allow-Origin") == "" {
		t.Errorf("refresh: %d %s", a.status, a.body)
	}
}

func TestSMART605_ATT47_WhoMayReadFHIRAnswers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.app("other", func(c *smart.Client) { c.Origins = []string{"https://other.example"} })
	token := w.tokens().text("access_token")
	served := 0
	h := w.server.CrossOrigin(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		served++
		rw.WriteHeader(http.StatusTeapot)
	}))
	rows := []struct {
		name, method, origin, token, want string
		status                            int
	}{
		{"the token's own page", "GET", "https://app.example", token, "https://app.example", 418},
		{"another client's page with the token", "GET", "https://other.example", token, "", 418},
		{"another client's page with a bound token", "GET", "https://other.example", "DPoP " + token, "", 418},
		{"a stranger's page", "GET", "https://evil.example", token, "", 418},
		{"no token, any client's page", "GET", "https://other.example", "", "https://other.example", 418},
		{"dead token, any client's page", "GET", "https://other.example", "dra_x", "https://other.example", 418},
		{"no token, a stranger's page", "GET", "https://evil.example", "", "", 418},
		{"no page", "GET", "", token, "", 418},
		{"preflight", "OPTIONS", "https://app.example", "", "https://app.example", 204},
		{"a stranger's preflight", "OPTIONS", "null", "", "", 204},
	}
	for _, row := range rows {
		r := httptest.NewRequest(row.method, "/fhir/Patient", nil)
		if row.method == "OPTIONS" {
			r.Header.Set("Access-Control-Request-Method", "GET")
		}
		if row.origin != "" {
			r.Header.Set("Origin", row.origin)
		}
		if row.token != "" {
			r.Header.Set("Authorization", "Bearer "+row.token)
			if strings.HasPrefix(row.token, "DPoP ") {
				r.Header.Set("Authorization", row.token)
			}
		}
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, r)
		if rec.Code != row.status || rec.Header().Get("Access-Control-Allow-Origin") != row.want || rec.Header().Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("%s: %d %v", row.name, rec.Code, rec.Header())
		}
	}
	if served != 8 {
		t.Errorf("%d requests went on", served)
	}
}

// TestSMART605_311_WhatAPreflightAllows: methods and headers of FHIR, and what a page may read of the answer.
func TestSMART605_311_WhatAPreflightAllows(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	h := w.server.CrossOrigin(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(http.StatusTeapot) }))
	ask := func(handler http.Handler, method, path string) http.Header {
		r := httptest.NewRequest(method, path, nil)
		r.Header.Set("Origin", "https://app.example")
		if method == http.MethodOptions {
			r.Header.Set("Access-Control-Request-Method", "POST")
		}
		rec := httptest.NewRecorder()
		handler.ServeHTTP(rec, r)
		return rec.Result().Header
	}
	want := func(name, got string, words ...string) {
		t.Helper()
		for _, word := range words {
			if !strings.Contains(", "+strings.ToLower(got)+", ", ", "+word+", ") {
				t.Errorf("%s lack %s: %q", name, word, got)
			}
		}
	}
	fhirs := ask(h, http.MethodOptions, "/fhir/Patient")
	want("methods", fhirs.Get("Access-Control-Allow-Methods"), "get", "head", "post", "put", "patch", "delete")
	want("headers", fhirs.Get("Access-Control-Allow-Headers"), "authorization", "content-type", "accept", "dpop", "prefer", "if-match",
		"if-none-match", "if-modified-since", "if-none-exist", "x-coordination-ack")
	want("exposed", ask(h, http.MethodGet, "/fhir/Patient").Get("Access-Control-Expose-Headers"), "location", "content-location", "etag",
		"last-modified", "www-authenticate", "x-request-id", "retry-after", "x-coordination-issue")
	want("headers of the token endpoint", ask(w.handler, http.MethodOptions, "/auth/token").Get("Access-Control-Allow-Headers"), "authorization", "content-type", "accept", "dpop")
}
