package smart_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/auth/smart"
	"github.com/google/go-cmp/cmp"
)

// ask introspects or revokes a token as a client with a fresh assertion.
func (b *bench) ask(path, client string, k *testKey, token string) answer {
	return b.post(path, url.Values{
		"token": {token}, "client_assertion_type": {jwtBearer}, "client_assertion": {b.assertion(client, k, nil)},
	})
}

func TestSMART502_OwnToken(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	k := ecKey(t, "k")
	b.backend("homecare", k)
	token := b.bearer("homecare", k, "scope", "system/CarePlan.read system/Patient.r")
	got := b.ask("/auth/introspect", "homecare", k, token)
	now := float64(b.clock().Unix())
	want := map[string]any{
		"active": true, "scope": "system/CarePlan.read system/Patient.r", "client_id": "homecare", "sub": "homecare",
		"exp": now + 300, "iat": now, "token_type": "Bearer", "iss": base, "aud": base + "/fhir",
	}
	if d := cmp.Diff(want, got.json); d != "" {
		t.Errorf("introspection (-want +got):\n%s", d)
	}
}

func TestSMART503_ATT71_Inactive(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	k := ecKey(t, "k")
	b.backend("homecare", k)
	b.backend("hospital", k)
	b.backend("stopped", k)
	expired := b.bearer("homecare", k)
	b.advance(300 * time.Second)
	stopped, live := b.bearer("stopped", k), b.bearer("homecare", k)
	check(t, b.registry.Disable(t.Context(), "stopped"))
	revoked := b.bearer("homecare", k)
	b.ask("/auth/revoke", "homecare", k, revoked)
	for name, token := range map[string]string{
		"expired": expired, "revoked": revoked, "unknown": "dra_x", "malformed": "\t", "of a disabled client": stopped,
		"an assertion": b.assertion("homecare", k, nil),
	} {
		if a := b.ask("/auth/introspect", "homecare", k, token); a.status != 200 || a.body != `{"active":false}` {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	if a := b.ask("/auth/introspect", "hospital", k, live); a.body != `{"active":false}` {
		t.Errorf("foreign: %s", a.body)
	}
	wantFault(t, b.ask("/auth/introspect", "homecare", k, ""), 400, "invalid_request", "form.missing")
}

func TestSMART501_ATT71_WhoMayAsk(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	k := ecKey(t, "k")
	b.backend("homecare", k)
	b.add(smart.Client{ID: "watcher", Name: "Watcher", Type: smart.TypeBackend, Scope: scope, JWKS: jwks(k),
		MayIntrospect: true, Organization: "urn:x|1"})
	b.add(smart.Client{ID: "app", Name: "App", Type: smart.TypePublic, Scope: "patient/Patient.r",
		RedirectURIs: []string{"https://app.example/cb"}, Organization: "urn:x|1"})
	token := b.bearer("homecare", k)
	form := url.Values{"token": {token}}

	if a := b.ask("/auth/introspect", "watcher", k, token); a.json["active"] != true {
		t.Errorf("may_introspect: %s", a.body)
	}
	with := b.bearer("homecare", k, "scope", "drieluik/introspect")
	if a := b.post("/auth/introspect", form, "Authorization", "Bearer "+with); a.json["active"] != true {
		t.Errorf("bearer with the scope: %d %s", a.status, a.body)
	}
	wantFault(t, b.post("/auth/introspect", form, "Authorization", "Bearer "+token), 403, "insufficient_scope", "token.scope")
	dead := b.post("/auth/introspect", form, "Authorization", "Bearer dra_x")
	wantFault(t, dead, 401, "invalid_token", "token.invalid")
	if dead.header.Get("WWW-Authenticate") != `Bearer realm="drieluik", error="invalid_token"` {
		t.Errorf("challenge = %q", dead.header.Get("WWW-Authenticate"))
	}
	wantFault(t, b.post("/auth/introspect", form), 401, "invalid_client", "client.none")
	wantFault(t, b.post("/auth/introspect", url.Values{"token": {token}, "client_id": {"app"}}), 401, "invalid_client", "client.auth")
	both := url.Values{"token": {token}, "client_assertion_type": {jwtBearer}, "client_assertion": {b.assertion("homecare", k, nil)}}
	wantFault(t, b.post("/auth/introspect", both, "Authorization", "Bearer "+with), 400, "invalid_request", "client.two")
}

func TestATT71_GuessingTokens(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	k := ecKey(t, "k")
	b.backend("homecare", k)
	token := b.bearer("homecare", k, "scope", "drieluik/introspect")
	guess := func(with string) answer {
		return b.post("/auth/introspect", url.Values{"token": {"dra_guess"}}, "Authorization", "Bearer "+with)
	}
	for range 600 {
		if a := guess(token); a.body != `{"active":false}` {
			t.Fatalf("guess: %d %s", a.status, a.body)
		}
		wantFault(t, guess("dra_guess"), 401, "invalid_token", "token.invalid")
	}
	wantFault(t, guess(token), 429, "temporarily_unavailable", "client.rate")
	wantFault(t, guess("dra_guess"), 429, "temporarily_unavailable", "client.rate")
}

func TestSMART511_Revoke(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	k := ecKey(t, "k")
	b.backend("homecare", k)
	b.backend("hospital", k)
	own, foreign := b.bearer("homecare", k), b.bearer("hospital", k)
	for name, token := range map[string]string{"own": own, "foreign": foreign, "unknown": "dra_x"} {
		for range 2 { // a repeat is no error
			if a := b.ask("/auth/revoke", "homecare", k, token); a.status != http.StatusOK || a.body != "" {
				t.Errorf("%s: %d %q", name, a.status, a.body)
			}
		}
	}
	// SMART-512: effective on the next request.
	if p, err := b.server.Authenticate(withBearer(own)); err != nil || p.State != auth.TokenInvalid {
		t.Errorf("own token: %v, %v, want invalid", p.State, err)
	}
	if p, err := b.server.Authenticate(withBearer(foreign)); err != nil || p.State != auth.TokenActive {
		t.Errorf("foreign token: %v, %v, want active", p.State, err)
	}
	wantFault(t, b.ask("/auth/revoke", "homecare", k, ""), 400, "invalid_request", "form.missing")
	wantFault(t, b.post("/auth/revoke", url.Values{"token": {own}}), 401, "invalid_client", "client.none")
}
