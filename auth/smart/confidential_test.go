package smart_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/drieluik/drieluik/auth/smart"
)

// method is one way in which a confidential app proves who it is.
type method struct {
	name    string
	headers func() []string
	pairs   func() []string // of the form
}

// confidential registers a parents' app for each method.
func (w *ward) confidential() []method {
	none := func() []string { return nil }
	app := func(id string, more func(*smart.Client)) smart.Secret {
		return w.app(id, func(c *smart.Client) {
			c.Type = smart.TypeConfidential
			more(c)
		}).Secret
	}
	k := ecKey(w.t, "app-key")
	basic := app(smart.AuthBasic, func(c *smart.Client) { c.AuthMethod = smart.AuthBasic })
	posted := app(smart.AuthPosted, func(c *smart.Client) { c.AuthMethod = smart.AuthPosted })
	app(smart.AuthJWT, func(c *smart.Client) { c.AuthMethod, c.JWKS = smart.AuthJWT, jwks(k) })
	return []method{
		{smart.AuthBasic, func() []string { return []string{"Authorization", fmtBasic(smart.AuthBasic, basic.Reveal())} }, none},
		{smart.AuthPosted, none, func() []string { return []string{"client_id", smart.AuthPosted, "client_secret", posted.Reveal()} }},
		{smart.AuthJWT, none, func() []string {
			return []string{"client_assertion_type", jwtBearer, "client_assertion", w.assertion(smart.AuthJWT, k, nil)}
		}},
	}
}

func (w *ward) redeemBy(m method, code string, pairs ...string) answer {
	form := append([]string{"client_id", ""}, pairs...)
	return w.post("/auth/token", redeemForm(code, append(form, m.pairs()...)...), m.headers()...)
}

func TestEXT08_AConfidentialAppGoesThroughTheCodeFlow(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	for _, m := range w.confidential() {
		code := w.browser().permit("client_id", m.name)
		first := w.redeemBy(m, code)
		if first.status != http.StatusOK || first.json["patient"] != "boris" || first.text("refresh_token") == "" {
			t.Fatalf("%s: %d %s", m.name, first.status, first.body)
		}
		second := w.refreshAs(first.text("refresh_token"), m.headers(), m.pairs()...)
		if second.status != http.StatusOK || second.json["patient"] != "boris" || second.json["scope"] != first.json["scope"] {
			t.Fatalf("%s: %d %s", m.name, second.status, second.body)
		}
		if p := w.principal(second.text("access_token")); p.Client != m.name || !p.Organization.IsZero() {
			t.Errorf("%s: %+v", m.name, p)
		}
	}
}

func TestSMART327_AConfidentialAppMustProveWhoItIs(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	w.app("public")
	for _, m := range w.confidential() {
		code := w.browser().permit("client_id", m.name)
		naked := redeemForm(code, "client_id", m.name)
		wantFault(t, w.post("/auth/token", naked), 401, "invalid_client", "client.none")
		wantFault(t, w.post("/auth/token", naked, "Authorization", fmtBasic(m.name, "drs_wrong")), 401, "invalid_client", "client.auth")
		a := w.redeemBy(m, code)
		if a.status != http.StatusOK {
			t.Fatalf("%s: what was refused used the code up: %s", m.name, a.body)
		}
		wantFault(t, w.refreshAs(a.text("refresh_token"), nil), 401, "invalid_client", "client.none")
		wantFault(t, w.refreshAs(a.text("refresh_token"), nil, "client_id", m.name), 401, "invalid_client", "client.none")
		wantFault(t, w.refreshAs(a.text("refresh_token"), nil, "client_id", "public"), 400, "invalid_grant", "refresh.client")
		if b := w.refreshAs(a.text("refresh_token"), m.headers(), m.pairs()...); b.status != http.StatusOK {
			t.Errorf("%s: %s", m.name, b.body)
		}
	}
}

func TestSMART105_PKCEHoldsForConfidentialAppsToo(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	for _, m := range w.confidential() {
		u := w.browser()
		for _, pairs := range [][]string{{"code_challenge", ""}, {"code_challenge_method", ""}, {"code_challenge_method", "plain"}} {
			u.authorize(append(pairs, "client_id", m.name)...)
			if q := u.back(); q.Get("error") != "invalid_request" || q.Has("code") {
				t.Errorf("%s %v: %v", m.name, pairs, q)
			}
		}
		code := w.browser().permit("client_id", m.name)
		wantFault(t, w.redeemBy(m, code, "code_verifier", ""), 400, "invalid_grant", "code.pkce")
	}
}

func TestATT22_ACodeOfAnotherConfidentialApp(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	methods := w.confidential()
	code := w.browser().permit("client_id", methods[0].name)
	wantFault(t, w.redeemBy(methods[1], code), 400, "invalid_grant", "code.client")
	wantFault(t, w.redeemBy(methods[0], code), 400, "invalid_grant", "code.used")
}

func TestSMART424_TwoWorkersOfOneConfidentialApp(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	m := w.confidential()[0]
	a := w.redeemBy(m, w.browser().permit("client_id", m.name))
	won := w.refreshAs(a.text("refresh_token"), m.headers())
	w.advance(10 * time.Second)
	wantFault(t, w.refreshAs(a.text("refresh_token"), m.headers()), 400, "invalid_grant", "refresh.used")
	next := w.refreshAs(won.text("refresh_token"), m.headers())
	if next.status != http.StatusOK {
		t.Fatalf("within the grace the grant died: %s", next.body)
	}
	w.advance(10*time.Second + time.Millisecond)
	wantFault(t, w.refreshAs(won.text("refresh_token"), m.headers()), 400, "invalid_grant", "refresh.used")
	wantFault(t, w.refreshAs(next.text("refresh_token"), m.headers()), 400, "invalid_grant", "refresh.withdrawn")
	w.wantDead("reused after the grace", next.text("access_token"))
}

func TestSMART511_AConfidentialAppRevokesItsOwnAlone(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	a := w.opened(nil)
	other := w.confidential()[0]
	form := url.Values{"token": {a.text("refresh_token")}}
	if r := w.post("/auth/revoke", form, other.headers()...); r.status != 200 {
		t.Errorf("%d", r.status)
	}
	if p := w.principal(a.text("access_token")); p.Client != "viewer" {
		t.Fatal("a stranger revoked it")
	}
	if r := w.post("/auth/revoke", form, w.basic()...); r.status != 200 || strings.TrimSpace(r.body) != "" {
		t.Errorf("%d %s", r.status, r.body)
	}
	w.wantDead("revoked", a.text("access_token"))
}
