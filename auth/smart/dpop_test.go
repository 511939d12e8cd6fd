package smart_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/auth/smart"
	"github.com/drieluik/drieluik/fhir"
	"github.com/google/go-cmp/cmp"
)

// proofKey is the key of a client that binds its tokens.
type proofKey struct{ private *ecdsa.PrivateKey }

func newProofKey(t testing.TB) proofKey {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(t, err)
	return proofKey{k}
}

func (k proofKey) jwk() map[string]any {
	raw, err := k.private.PublicKey.Bytes()
	if err != nil {
		panic(err)
	}
	return map[string]any{"kty": "EC", "crv": "P-256", "x": b64(raw[1:33]), "y": b64(raw[33:])}
}

// thumbprint is that of RFC 7638, of members in their order.
func (k proofKey) thumbprint() string {
	j := k.jwk()
	sum := sha256.Sum256([]byte(`{"crv":"P-256","kty":"EC","x":"` + j["x"].(string) + `","y":"` + j["y"].(string) + `"}`))
	return b64(sum[:])
}

// compact signs header and claims with ES256.
func (k proofKey) compact(header, claims map[string]any) string {
	input := b64(toJSON(header)) + "." + b64(toJSON(claims))
	sum := sha256.Sum256([]byte(input))
	r, s, err := ecdsa.Sign(rand.Reader, k.private, sum[:])
	if err != nil {
		panic(err)
	}
	sig := make([]byte, 64)
	r.FillBytes(sig[:32])
	s.FillBytes(sig[32:])
	return input + "." + b64(sig)
}

func (k proofKey) header() map[string]any {
	return map[string]any{"typ": "dpop+jwt", "alg": "ES256", "jwk": k.jwk()}
}

// proof is a right proof for a request, with changed claims; a nil value removes one.
func (b *bench) proof(k proofKey, method, path string, changes map[string]any) string {
	claims := map[string]any{"htm": method, "htu": base + path, "iat": b.clock().Unix(), "jti": newJTI()}
	return k.compact(k.header(), merge(claims, changes))
}

func (b *bench) tokenProof(k proofKey) string { return b.proof(k, "POST", "/auth/token", nil) }

func athOf(token string) map[string]any {
	sum := sha256.Sum256([]byte(token))
	return map[string]any{"ath": base64.RawURLEncoding.EncodeToString(sum[:])}
}

// fhirRequest is a right FHIR request with a bound token; headers change it, "" removes.
func (b *bench) fhirRequest(k proofKey, token string, changes map[string]any) *http.Request {
	r := httptest.NewRequest("GET", "/fhir/CarePlan?patient=boris", nil)
	r.Header.Set("Authorization", "DPoP "+token)
	r.Header.Set("DPoP", b.proof(k, "GET", "/fhir/CarePlan", merge(athOf(token), changes)))
	return r
}

// wantUnproven holds that the FHIR endpoint refuses the proof by a rule.
func (b *bench) wantUnproven(t *testing.T, r *http.Request, rule string) {
	t.Helper()
	p, err := b.server.Authenticate(r)
	if p.State == auth.TokenActive || fhir.KindOf(err) != fhir.Unauthenticated {
		t.Fatalf("%v, %v, want a refusal", p.State, err)
	}
	if d := cmp.Diff([]string{rule}, rulesOf(err)); d != "" {
		t.Errorf("rules (-want +got):\n%s", d)
	}
}

func rulesOf(err error) []string {
	var e *fhir.Error
	var out []string
	if errors.As(err, &e) {
		for _, i := range e.Issues {
			out = append(out, i.Diagnostics)
		}
	}
	return out
}

// boundBench is a bench with a backend client and a bound token of it.
func boundBench(t *testing.T) (b *bench, k proofKey, token string) {
	t.Helper()
	b = newBench(t)
	k, token = b.bound(t)
	return b, k, token
}

// bound is a token of the client c that is bound to a key.
func (b *bench) bound(t *testing.T) (k proofKey, token string) {
	t.Helper()
	k = newProofKey(t)
	client := ecKey(t, "k")
	b.backend("c", client)
	a := b.post("/auth/token", tokenForm(b.assertion("c", client, nil)), "DPoP", b.tokenProof(k))
	if a.status != 200 || a.text("token_type") != "DPoP" {
		t.Fatalf("%d %s", a.status, a.body)
	}
	return k, a.text("access_token")
}

func TestSMART711_WhatIsWrongInAProofAtTheTokenEndpoint(t *testing.T) {
	t.Parallel()
	b, k := newBench(t), newProofKey(t)
	client := ecKey(t, "k")
	b.backend("c", client)
	now := b.clock().Unix()
	header := func(name string, value any) string {
		return k.compact(merge(k.header(), map[string]any{name: value}), map[string]any{
			"htm": "POST", "htu": base + "/auth/token", "iat": now, "jti": newJTI()})
	}
	claim := func(name string, value any) string {
		return b.proof(k, "POST", "/auth/token", map[string]any{name: value})
	}
	private := k.jwk()
	private["d"] = "AA"
	cases := map[string]struct {
		proofs []string
		rule   string // "" passes
	}{
		"a right one":              {[]string{b.tokenProof(k)}, ""},
		"host in capitals":         {[]string{claim("htu", strings.Replace(base, "http", "HTTP", 1)+"/auth/token")}, ""},
		"two proofs":               {[]string{b.tokenProof(k), b.tokenProof(k)}, "dpop.form"},
		"an empty one":             {[]string{""}, "dpop.form"},
		"typ":                      {[]string{header("typ", "jwt")}, "dpop.typ"},
		"alg":                      {[]string{header("alg", "HS256")}, "dpop.alg"},
		"a private key":            {[]string{header("jwk", private)}, "dpop.jwk"},
		"the key of another":       {[]string{header("jwk", newProofKey(t).jwk())}, "dpop.sig"},
		"method":                   {[]string{claim("htm", "GET")}, "dpop.htm"},
		"method in lower case":     {[]string{claim("htm", "post")}, "dpop.htm"},
		"another path":             {[]string{claim("htu", base+"/auth/par")}, "dpop.htu"},
		"another host":             {[]string{claim("htu", "http://evil.example/auth/token")}, "dpop.htu"},
		"another port":             {[]string{claim("htu", "http://127.0.0.1:8081/auth/token")}, "dpop.htu"},
		"userinfo":                 {[]string{claim("htu", "http://a@127.0.0.1:8080/auth/token")}, "dpop.htu"},
		"query":                    {[]string{claim("htu", base+"/auth/token?x=1")}, "dpop.htu"},
		"fragment":                 {[]string{claim("htu", base+"/auth/token#x")}, "dpop.htu"},
		"a path alone":             {[]string{claim("htu", "/auth/token")}, "dpop.htu"},
		"iat 60 s ago":             {[]string{claim("iat", now-60)}, ""},
		"iat 60 s ahead":           {[]string{claim("iat", now+60)}, ""},
		"iat 61 s ago":             {[]string{claim("iat", now-61)}, "dpop.iat"},
		"iat 61 s ahead":           {[]string{claim("iat", now+61)}, "dpop.iat"},
		"no jti":                   {[]string{claim("jti", nil)}, "dpop.jti"},
		"ath counts at FHIR alone": {[]string{claim("ath", "anything")}, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var headers []string
			for _, p := range c.proofs {
				headers = append(headers, "DPoP", p)
			}
			a := b.post("/auth/token", tokenForm(b.assertion("c", client, nil)), headers...)
			if c.rule != "" {
				wantFault(t, a, 400, "invalid_dpop_proof", c.rule)
			} else if a.status != 200 || a.text("token_type") != "DPoP" {
				t.Errorf("%d %s", a.status, a.body)
			}
		})
	}
}

func TestSMART711_AJTIServesOncePerKeyForThreeMinutes(t *testing.T) {
	t.Parallel()
	b, k := newBench(t), newProofKey(t)
	client := ecKey(t, "k")
	b.backend("c", client)
	ask := func(k proofKey, jti string) answer {
		return b.post("/auth/token", tokenForm(b.assertion("c", client, nil)), "DPoP", b.proof(k, "POST", "/auth/token", map[string]any{"jti": jti}))
	}
	if a := ask(k, "j"); a.status != 200 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	wantFault(t, ask(k, "j"), 400, "invalid_dpop_proof", "dpop.replay")
	if a := ask(newProofKey(t), "j"); a.status != 200 {
		t.Errorf("of another key: %d %s", a.status, a.body)
	}
	b.advance(179 * time.Second)
	wantFault(t, ask(k, "j"), 400, "invalid_dpop_proof", "dpop.replay")
	b.advance(2 * time.Second)
	if a := ask(k, "j"); a.status != 200 {
		t.Errorf("after 181 s: %d %s", a.status, a.body)
	}
	if !strings.Contains(b.log.String(), `"msg":"jti_replay"`) {
		t.Error("the replay is not logged")
	}
}

func TestSMART711_OfSixteenRequestsWithOneProofOneIsServed(t *testing.T) {
	t.Parallel()
	b, k, token := boundBench(t)
	proof := b.fhirRequest(k, token, nil).Header.Get("DPoP")
	var served atomic.Int32
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			r := b.fhirRequest(k, token, nil)
			r.Header.Set("DPoP", proof)
			if p, err := b.server.Authenticate(r); err == nil && p.State == auth.TokenActive {
				served.Add(1)
			}
		})
	}
	all.Wait()
	if served.Load() != 1 {
		t.Errorf("%d were served", served.Load())
	}
}

func TestSMART712_ABoundTokenServesItsKeyAlone(t *testing.T) {
	t.Parallel()
	b, k, token := boundBench(t)
	p, err := b.server.Authenticate(b.fhirRequest(k, token, nil))
	check(t, err)
	if p.State != auth.TokenActive || p.Client != "c" {
		t.Errorf("%+v", p)
	}
	about := b.post("/auth/introspect", url.Values{"token": {token}}, "Authorization", "DPoP "+token,
		"DPoP", b.proof(k, "POST", "/auth/introspect", athOf(token)))
	if about.status != 403 { // the proof is right, the scope is not there
		t.Errorf("%d %s", about.status, about.body)
	}
}

func TestSMART712_IntrospectionNamesTheKey(t *testing.T) {
	t.Parallel()
	b, k, token := boundBench(t)
	asker := ecKey(t, "asker")
	b.backend("asker", asker)
	a := b.post("/auth/token", tokenForm(b.assertion("asker", asker, nil), "scope", "drieluik/introspect"), "DPoP", b.tokenProof(k))
	by := a.text("access_token")
	ask := func(headers ...string) answer {
		return b.post("/auth/introspect", url.Values{"token": {token}}, headers...)
	}
	got := ask("Authorization", "DPoP "+by, "DPoP", b.proof(k, "POST", "/auth/introspect", athOf(by)))
	if got.json["active"] != true || got.json["token_type"] != "DPoP" {
		t.Errorf("%d %s", got.status, got.body)
	}
	if d := cmp.Diff(map[string]any{"jkt": k.thumbprint()}, got.json["cnf"]); d != "" {
		t.Errorf("cnf (-want +got):\n%s", d)
	}
	wantFault(t, ask("Authorization", "Bearer "+by), 401, "invalid_token", "token.invalid")
	stolen := ask("Authorization", "DPoP "+by, "DPoP", b.proof(newProofKey(t), "POST", "/auth/introspect", athOf(by)))
	wantFault(t, stolen, 401, "invalid_dpop_proof", "dpop.jkt")
	if !strings.HasPrefix(stolen.header.Get("WWW-Authenticate"), `DPoP realm="drieluik", error="invalid_dpop_proof"`) {
		t.Errorf("challenge %q", stolen.header.Get("WWW-Authenticate"))
	}
}

// TestATT60_BoundTokens has a case for each row of the attack.
func TestATT60_BoundTokens(t *testing.T) {
	t.Parallel()
	b, k, token := boundBench(t)
	used := b.fhirRequest(k, token, nil)
	if _, err := b.server.Authenticate(used); err != nil {
		t.Fatal(err)
	}
	private := k.jwk()
	private["d"] = b64(bytes.Repeat([]byte{1}, 32))
	signed := func(header map[string]any) *http.Request {
		r := b.fhirRequest(k, token, nil)
		claims := merge(map[string]any{"htm": "GET", "htu": base + "/fhir/CarePlan", "iat": b.clock().Unix(), "jti": newJTI()}, athOf(token))
		r.Header.Set("DPoP", k.compact(merge(k.header(), header), claims))
		return r
	}
	without := b.fhirRequest(k, token, nil)
	without.Header.Del("DPoP")
	twice := b.fhirRequest(k, token, nil)
	twice.Header.Add("DPoP", b.fhirRequest(k, token, nil).Header.Get("DPoP"))
	replayed := b.fhirRequest(k, token, nil)
	replayed.Header.Set("DPoP", used.Header.Get("DPoP"))
	now := b.clock().Unix()
	cases := map[string]struct {
		request *http.Request
		rule    string
	}{
		"no proof":          {without, "dpop.none"},
		"two proofs":        {twice, "dpop.form"},
		"proof replayed":    {replayed, "dpop.replay"},
		"other key":         {b.fhirRequest(newProofKey(t), token, nil), "dpop.jkt"},
		"htm":               {b.fhirRequest(k, token, map[string]any{"htm": "DELETE"}), "dpop.htm"},
		"htu":               {b.fhirRequest(k, token, map[string]any{"htu": base + "/fhir/Patient"}), "dpop.htu"},
		"htu with query":    {b.fhirRequest(k, token, map[string]any{"htu": base + "/fhir/CarePlan?patient=boris"}), "dpop.htu"},
		"htu of the sender": {b.fhirRequest(k, token, map[string]any{"htu": "http://example.com/fhir/CarePlan"}), "dpop.htu"},
		"ath of another":    {b.fhirRequest(k, token, athOf("dra_other")), "dpop.ath"},
		"no ath":            {b.fhirRequest(k, token, map[string]any{"ath": nil}), "dpop.ath"},
		"iat past":          {b.fhirRequest(k, token, map[string]any{"iat": now - 61}), "dpop.iat"},
		"iat ahead":         {b.fhirRequest(k, token, map[string]any{"iat": now + 61}), "dpop.iat"},
		"private jwk":       {signed(map[string]any{"jwk": private}), "dpop.jwk"},
		"HS256":             {signed(map[string]any{"alg": "HS256"}), "dpop.alg"},
		"none":              {signed(map[string]any{"alg": "none"}), "dpop.alg"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) { b.wantUnproven(t, c.request, c.rule) })
	}
	if log := b.log.String(); !strings.Contains(log, `"msg":"jti_replay","outcome":"refused","rule":"dpop.replay","client_id":"c"`) {
		t.Error("the replay is not logged")
	}
	t.Run("as Bearer", func(t *testing.T) {
		r := b.fhirRequest(k, token, nil)
		r.Header.Set("Authorization", "Bearer "+token)
		if p, err := b.server.Authenticate(r); err != nil || p.State != auth.TokenInvalid {
			t.Errorf("%v %v", p.State, err)
		}
	})
	t.Run("Bearer and DPoP", func(t *testing.T) {
		r := b.fhirRequest(k, token, nil)
		r.Header.Add("Authorization", "Bearer "+token)
		if _, err := b.server.Authenticate(r); fhir.KindOf(err) != fhir.BadRequest {
			t.Errorf("%v", err)
		}
	})
	t.Run("a bearer token with a proof", func(t *testing.T) {
		client := ecKey(t, "plain")
		b.backend("plain", client)
		if p, err := b.server.Authenticate(b.fhirRequest(k, b.bearer("plain", client), nil)); err != nil || p.State != auth.TokenInvalid {
			t.Errorf("%v %v", p.State, err)
		}
	})
	t.Run("a failed proof spends nothing", func(t *testing.T) {
		proof := b.fhirRequest(k, token, map[string]any{"jti": "unspent", "ath": "wrong"})
		b.wantUnproven(t, proof, "dpop.ath")
		if p, err := b.server.Authenticate(b.fhirRequest(k, token, map[string]any{"jti": "unspent"})); err != nil || p.State != auth.TokenActive {
			t.Errorf("%v %v", p.State, err)
		}
	})
}

func TestSMART712_ThePublicClientsRefreshTokenIsBoundToo(t *testing.T) {
	t.Parallel()
	w, k := newWorld(t), newProofKey(t)
	first := w.post("/auth/token", redeemForm(w.browser().permit()), "DPoP", w.tokenProof(k))
	if first.status != 200 || first.text("token_type") != "DPoP" {
		t.Fatalf("%d %s", first.status, first.body)
	}
	if p := w.principal(first.text("access_token")); p.State != auth.TokenInvalid { // sent as a bearer
		t.Error("a bound token serves as bearer")
	}
	refresh := func(token string, headers ...string) answer {
		return w.post("/auth/token", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}}, headers...)
	}
	token := first.text("refresh_token")
	asker := ecKey(t, "asker")
	w.add(smart.Client{ID: "asker", Name: "Asker", Type: smart.TypeBackend, Scope: scope, JWKS: jwks(asker), Organization: "urn:x|1", MayIntrospect: true})
	about := w.post("/auth/introspect", url.Values{"token": {token}, "client_assertion_type": {jwtBearer}, "client_assertion": {w.assertion("asker", asker, nil)}})
	if d := cmp.Diff(map[string]any{"jkt": k.thumbprint()}, about.json["cnf"]); d != "" {
		t.Errorf("cnf (-want +got):\n%s", d)
	}
	wantFault(t, refresh(token), 400, "invalid_dpop_proof", "dpop.jkt")
	wantFault(t, refresh(token, "DPoP", w.tokenProof(newProofKey(t))), 400, "invalid_dpop_proof", "dpop.jkt")
	second := refresh(token, "DPoP", w.tokenProof(k)) // what was refused has not spent it
	if second.status != 200 || second.text("token_type") != "DPoP" {
		t.Fatalf("%d %s", second.status, second.body)
	}
	p, err := w.server.Authenticate(w.fhirRequest(k, second.text("access_token"), nil))
	if err != nil || p.State != auth.TokenActive {
		t.Errorf("%v %v", p.State, err)
	}
	wantFault(t, refresh(second.text("refresh_token")), 400, "invalid_dpop_proof", "dpop.jkt")
}

func TestSMART712_AConfidentialClientMayChangeItsKey(t *testing.T) {
	t.Parallel()
	w, k := newWard(t), newProofKey(t)
	for _, m := range w.confidential() {
		form := redeemForm(w.browser().permit("client_id", m.name), append([]string{"client_id", ""}, m.pairs()...)...)
		first := w.post("/auth/token", form, append(m.headers(), "DPoP", w.tokenProof(k))...)
		next := w.refreshAs(first.text("refresh_token"), append(m.headers(), "DPoP", w.tokenProof(newProofKey(t))), m.pairs()...)
		if first.text("token_type") != "DPoP" || next.status != 200 || next.text("token_type") != "DPoP" {
			t.Errorf("%s: %d %s", m.name, next.status, next.body)
		}
	}
}

func TestSMART712_DPoPJKTBindsTheCode(t *testing.T) {
	t.Parallel()
	w, k := newWorld(t), newProofKey(t)
	redeem := func(code string, headers ...string) answer {
		return w.post("/auth/token", redeemForm(code), headers...)
	}
	bound := func() string { return w.browser().permit("dpop_jkt", k.thumbprint()) }
	if a := redeem(bound(), "DPoP", w.tokenProof(k)); a.status != 200 || a.text("token_type") != "DPoP" {
		t.Errorf("%d %s", a.status, a.body)
	}
	wantFault(t, redeem(bound()), 400, "invalid_dpop_proof", "dpop.jkt")
	code := bound()
	wantFault(t, redeem(code, "DPoP", w.tokenProof(newProofKey(t))), 400, "invalid_dpop_proof", "dpop.jkt")
	wantFault(t, redeem(code, "DPoP", w.tokenProof(k)), 400, "invalid_grant", "code.used") // the thief has spent it

	u := w.browser()
	u.authorize("dpop_jkt", "short")
	wantReturned(t, u, "invalid_request", "authz.dpop_jkt")
}

func TestSMART712_AProofThatIsPushedBindsTheCode(t *testing.T) {
	t.Parallel()
	w, k := newWorld(t), newProofKey(t)
	push := func(proof string, pairs ...string) answer {
		return w.post("/auth/par", asking(pairs...), "DPoP", proof)
	}
	good := func() string { return w.proof(k, "POST", "/auth/par", nil) }
	wantFault(t, push(w.tokenProof(k)), 400, "invalid_dpop_proof", "dpop.htu")
	wantFault(t, push(good(), "dpop_jkt", newProofKey(t).thumbprint()), 400, "invalid_request", "authz.dpop_jkt")
	a := push(good(), "dpop_jkt", k.thumbprint())
	if a.status != 201 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	u := w.browser()
	u.authorizePushed("app", push(good()).text("request_uri"))
	u.login(parentLogin)
	u.submit("child", "Patient/boris")
	u.submit("decision", "allow", "group", "child", "duration", "3m")
	wantFault(t, w.post("/auth/token", redeemForm(u.back().Get("code"))), 400, "invalid_dpop_proof", "dpop.jkt")
}

func TestSMART712_ModesOfAClient(t *testing.T) {
	t.Parallel()
	modes := func(t *testing.T, on bool) (*bench, map[string]*testKey) {
		b := newBench(t, func(c *smart.Config) { c.Settings.DPoP = on })
		keys := map[string]*testKey{}
		for _, mode := range []string{"", "off", "optional", "required"} {
			keys[mode] = ecKey(t, "k")
			b.add(smart.Client{ID: "c" + mode, Name: "C", Type: smart.TypeBackend, Scope: scope, JWKS: jwks(keys[mode]), Organization: "urn:x|1", DPoP: mode})
		}
		return b, keys
	}
	cases := []struct {
		mode          string
		on, proof     bool
		kind, refusal string
	}{
		{"", true, true, "DPoP", ""}, {"", true, false, "Bearer", ""}, {"", false, true, "Bearer", ""},
		{"optional", true, true, "DPoP", ""}, {"optional", true, false, "Bearer", ""},
		{"off", true, true, "Bearer", ""}, {"off", true, false, "Bearer", ""},
		{"required", true, true, "DPoP", ""}, {"required", true, false, "", "dpop.none"}, {"required", false, true, "", "dpop.none"},
	}
	for _, on := range []bool{true, false} {
		b, keys := modes(t, on)
		for _, c := range cases {
			if c.on != on {
				continue
			}
			var headers []string
			if c.proof {
				headers = []string{"DPoP", b.tokenProof(newProofKey(t))}
			}
			a := b.post("/auth/token", tokenForm(b.assertion("c"+c.mode, keys[c.mode], nil)), headers...)
			if c.refusal != "" {
				wantFault(t, a, 400, "invalid_dpop_proof", c.refusal)
			} else if a.status != 200 || a.text("token_type") != c.kind {
				t.Errorf("%+v: %d %s", c, a.status, a.body)
			}
		}
		algs, _ := b.do(httptest.NewRequest("GET", discoveryPaths()[0], nil)).json["dpop_signing_alg_values_supported"].([]any)
		if slices.Contains(algs, any("ES256")) != on {
			t.Errorf("on %v: discovery says %v", on, algs)
		}
	}
}

// A proof that fails is a failed authentication, whatever endpoint it was sent to.
func TestSMART712_FailedProofsAreLoggedAlike(t *testing.T) {
	t.Parallel()
	b, k, token := boundBench(t)
	proof := b.proof(k, "GET", "/auth/introspect", athOf(token))
	wantFault(t, b.post("/auth/introspect", url.Values{"token": {token}}, "Authorization", "DPoP "+token, "DPoP", proof), 401, "invalid_dpop_proof", "dpop.htm")
	r := b.fhirRequest(k, token, map[string]any{"htm": "PUT"})
	b.wantUnproven(t, r, "dpop.htm")
	if n := strings.Count(b.log.String(), `"client_auth_failed"`); n != 2 {
		t.Errorf("%d lines: %s", n, b.log.String())
	}
}

func TestSMART711_FailedProofsAreLimitedPerAddress(t *testing.T) {
	t.Parallel()
	b, k := newBench(t), newProofKey(t)
	client := ecKey(t, "k")
	b.backend("c", client)
	bad := b.proof(k, "GET", "/auth/token", nil)
	var a answer
	for range 601 {
		a = b.post("/auth/token", tokenForm(b.assertion("c", client, nil)), "DPoP", bad)
	}
	wantFault(t, a, 429, "temporarily_unavailable", "client.rate")
}

func TestSMART711_ProofsNeedTheState(t *testing.T) {
	t.Parallel()
	b, k, token := boundBench(t)
	b.table.Fail(http.ErrServerClosed)
	if _, err := b.server.Authenticate(b.fhirRequest(k, token, nil)); fhir.KindOf(err) != fhir.Unavailable {
		t.Errorf("%v", err)
	}
}

// A client that normalises URLs leaves the default port out, also where the server is named with it.
func TestSMART711_TheDefaultPortMayBeLeftOut(t *testing.T) {
	t.Parallel()
	for server, accepted := range map[string][]string{
		"https://drieluik.example:443": {"https://drieluik.example:443", "https://drieluik.example", "HTTPS://Drieluik.Example"},
		"https://drieluik.example":     {"https://drieluik.example:443", "https://drieluik.example"},
		"http://127.0.0.1:80":          {"http://127.0.0.1", "http://127.0.0.1:80"},
	} {
		b, k, client := newBench(t, func(c *smart.Config) { c.Base = server }), newProofKey(t), ecKey(t, "k")
		b.backend("c", client)
		ask := func(host string) answer {
			proof := b.proof(k, "POST", "/auth/token", map[string]any{"htu": host + "/auth/token"})
			return b.post("/auth/token", tokenForm(b.assertion("c", client, map[string]any{"aud": server})), "DPoP", proof)
		}
		for _, host := range accepted {
			if a := ask(host); a.status != 200 {
				t.Errorf("%s as %s: %d %s", server, host, a.status, a.body)
			}
		}
		for _, host := range []string{"https://drieluik.example:80", "http://drieluik.example:443", "https://drieluik.example:4430", "https://evil.example"} {
			wantFault(t, ask(host), 400, "invalid_dpop_proof", "dpop.htu")
		}
	}
}

// Proofs cost a stranger nothing, so that only those beside a live code or refresh token are remembered.
func TestATT30_ProofsOfStrangersLeaveNothingBehind(t *testing.T) {
	t.Parallel()
	w, k := newWorld(t), newProofKey(t)
	guess := strings.Repeat("A", 43)
	for range 5 {
		wantFault(t, w.post("/auth/token", redeemForm("drc_"+guess), "DPoP", w.tokenProof(k)), 400, "invalid_grant", "code.unknown")
		form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {"drr_" + guess}, "client_id": {"app"}}
		wantFault(t, w.post("/auth/token", form, "DPoP", w.tokenProof(k)), 400, "invalid_grant", "refresh.unknown")
	}
	for _, kept := range w.table.Values() {
		if bytes.HasPrefix(kept, []byte("dpop ")) {
			t.Fatal("a proof is remembered")
		}
	}
}
