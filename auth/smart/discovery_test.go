package smart_test

import (
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/drieluik/drieluik/auth/smart"
	"github.com/google/go-cmp/cmp"
)

func discoveryPaths() []string {
	return []string{"/fhir/.well-known/smart-configuration", "/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"}
}

func TestSMART002_TheDocumentClaimsWhatWorks(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	got := b.do(httptest.NewRequest("GET", "/fhir/.well-known/smart-configuration", nil)).json
	want := map[string]any{
		"issuer":                                base,
		"token_endpoint":                        base + "/auth/token",
		"introspection_endpoint":                base + "/auth/introspect",
		"revocation_endpoint":                   base + "/auth/revoke",
		"grant_types_supported":                 []any{"client_credentials"},
		"token_endpoint_auth_methods_supported": []any{"private_key_jwt"},
		"token_endpoint_auth_signing_alg_values_supported": []any{"RS384", "ES384"},
		"dpop_signing_alg_values_supported":                []any{"ES256", "ES384", "PS256"},
		"scopes_supported":                                 []any{"system/CarePlan.cruds", "system/Patient.rus", "system/Observation.rs", "drieluik/introspect"},
		"capabilities":                                     []any{"client-confidential-asymmetric", "permission-v1", "permission-v2"},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("smart-configuration (-want +got):\n%s", d)
	}
	for name, value := range got { // every endpoint that is named answers
		endpoint, _ := value.(string)
		if !strings.HasSuffix(name, "_endpoint") {
			continue
		}
		if a := b.post(strings.TrimPrefix(endpoint, base), nil); a.status == 404 || a.status == 405 {
			t.Errorf("%s answers %d", name, a.status)
		}
	}
}

func TestSMART001_AnyAccept(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for _, path := range discoveryPaths() {
		for _, accept := range []string{"", "application/json", "application/fhir+xml"} {
			r := httptest.NewRequest("GET", path, nil)
			if accept != "" {
				r.Header.Set("Accept", accept)
			}
			a := b.do(r)
			if a.status != 200 || a.header.Get("Content-Type") != "application/json" || a.header.Get("Cache-Control") != "public, max-age=300" {
				t.Errorf("%s with Accept %q: %d %v", path, accept, a.status, a.header)
			}
		}
	}
}

func TestSMART005_TheDocumentsAgree(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	want := b.do(httptest.NewRequest("GET", discoveryPaths()[0], nil)).json
	delete(want, "capabilities")
	for _, path := range discoveryPaths()[1:] {
		if d := cmp.Diff(want, b.do(httptest.NewRequest("GET", path, nil)).json); d != "" {
			t.Errorf("%s (-want +got):\n%s", path, d)
		}
	}
}

func TestSMART004_EveryListedScopeCanBeGranted(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	k := ecKey(t, "k")
	b.add(smart.Client{ID: "all", Name: "All", Type: smart.TypeBackend, Scope: "system/*.cruds drieluik/introspect", JWKS: jwks(k), Organization: "urn:x|1"})
	listed, _ := b.do(httptest.NewRequest("GET", discoveryPaths()[0], nil)).json["scopes_supported"].([]any)
	if len(listed) == 0 {
		t.Fatal("no scope is listed")
	}
	for _, s := range listed {
		if a := b.token("all", k, "scope", s.(string)); a.json["scope"] != s {
			t.Errorf("%v: %s", s, a.body)
		}
	}
}

func TestSMART008_CORSOfDiscovery(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for _, method := range []string{"GET", "HEAD", "OPTIONS"} {
		r := httptest.NewRequest(method, discoveryPaths()[0], nil)
		r.Header.Set("Origin", "https://any.example")
		a := b.do(r)
		if a.status != map[string]int{"GET": 200, "HEAD": 200, "OPTIONS": 204}[method] {
			t.Errorf("%s: %d", method, a.status)
		}
		if a.header.Get("Access-Control-Allow-Origin") != "*" || a.header.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("%s: %v", method, a.header)
		}
	}
	if a := b.do(httptest.NewRequest("POST", discoveryPaths()[0], nil)); a.status != 405 || a.header.Get("Allow") == "" {
		t.Errorf("POST: %d %v", a.status, a.header)
	}
}

func TestSMART009_RequestHeadersChangeNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for _, path := range discoveryPaths() {
		plain := b.do(httptest.NewRequest("GET", path, nil)).body
		r := httptest.NewRequest("GET", path, nil)
		r.Host = "evil.example"
		r.Header.Set("X-Forwarded-Host", "evil.example")
		r.Header.Set("X-Forwarded-Proto", "gopher")
		r.Header.Set("Forwarded", "host=evil.example;proto=gopher")
		if got := b.do(r).body; got != plain {
			t.Errorf("%s changed: %s", path, got)
		}
	}
}

func TestErrorsPageExplainsEveryRule(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	page := b.do(httptest.NewRequest("GET", "/auth/errors", nil))
	if page.status != 200 || page.header.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Fatalf("%d %v", page.status, page.header)
	}
	for _, rule := range []string{"form.method", "client.auth", "jwt.replay", "jwks.addr", "scope.none", "target", "token.scope", "state.down"} {
		if !strings.Contains(page.body, `id="`+rule+`"`) {
			t.Errorf("%s is not explained", rule)
		}
	}
	if strings.Contains(page.body, "{base}") || strings.Contains(page.body, "{name}") {
		t.Error("a placeholder is left")
	}
}

func TestUnknownPathsAre404(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for _, path := range []string{"/auth/authorize", "/auth/jwks", "/auth/register", "/auth/token/", "/auth/", "/auth/nothing"} {
		if a := b.do(httptest.NewRequest("GET", path, nil)); a.status != 404 {
			t.Errorf("%s: %d, want 404", path, a.status)
		}
	}
}

func TestPreflightOfStrangers(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for path, status := range map[string]int{"/auth/token": 204, "/auth/revoke": 204, "/auth/introspect": 405} {
		r := httptest.NewRequest("OPTIONS", path, nil)
		r.Header.Set("Origin", "https://evil.example")
		a := b.do(r)
		if a.status != status || a.header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: %d %v", path, a.status, a.header)
		}
	}
}

func TestNewNamesEveryFault(t *testing.T) {
	t.Parallel()
	_, err := smart.New(smart.Config{Base: "http://x/", Settings: smart.Settings{JWKSPrivateHosts: []string{"h"}, TokenRate: -1}})
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{"base URL", "Clock", "Random", "State", "Registry", "Served", "Log", "backendTokenTTL", "assertionAlgs", "jwksPrivateHosts", "tokenRate"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%s is not named: %v", want, err)
		}
	}
	bad := []string{"", "as.example", "ftp://as.example", "https://as.example/", "https://as.example/x", "https://as.example?x", "https://u@as.example", "https://as.example#f"}
	for _, base := range slices.Concat(bad, []string{"https://"}) {
		if _, err := smart.New(smart.Config{Base: base}); err == nil || !strings.Contains(err.Error(), "base URL") {
			t.Errorf("%q: %v", base, err)
		}
	}
}
