package smart_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/drieluik/drieluik/auth/smart"
	"github.com/drieluik/drieluik/auth/upstream"
	"github.com/drieluik/drieluik/fhir"
)

const (
	bsnSystem   = "http://fhir.nl/fhir/NamingSystem/bsn"
	elsewhereID = "burger"
	idpSecret   = "geheim-van-de-server"
)

// idp is an OpenID provider on loopback. change may forge what it says.
type idp struct {
	*httptest.Server
	t   *testing.T
	w   *world
	key *testKey

	mu       sync.Mutex
	asked    url.Values                                        // of the last authorisation request
	claims   func(map[string]any)                              // changes the claims of the next id_token
	forge    func(header, claims string) string                // makes the id_token; nil: signed as it should be
	token    func(w http.ResponseWriter, r *http.Request) bool // answers the token request itself
	hits     int
	discover int // status of the discovery document and the keys; 0: 200
}

// idpKey is one for all: keys are slow to make.
var idpKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

func newIDP(t *testing.T) *idp {
	t.Helper()
	raw, err := idpKey()
	check(t, err)
	i := &idp{t: t, key: &testKey{kid: "idp-key", rsa: raw}}
	mux := http.NewServeMux()
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		i.mu.Lock()
		defer i.mu.Unlock()
		if i.hits++; i.discover != 0 {
			w.WriteHeader(i.discover)
			return
		}
		i.answer(w, map[string]any{
			"issuer": i.URL, "authorization_endpoint": i.URL + "/authorize", "token_endpoint": i.URL + "/token",
			"jwks_uri": i.URL + "/jwks", "id_token_signing_alg_values_supported": []string{"RS384", "RS256"},
		})
	})
	mux.HandleFunc("/jwks", func(w http.ResponseWriter, _ *http.Request) {
		i.mu.Lock()
		defer i.mu.Unlock()
		if i.discover != 0 {
			w.WriteHeader(i.discover)
			return
		}
		i.answer(w, jwks(i.key))
	})
	mux.HandleFunc("/token", i.redeem)
	i.Server = httptest.NewServer(mux)
	t.Cleanup(i.Close)
	return i
}

func (i *idp) answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(v); err != nil {
		i.t.Error(err)
	}
}

// redeem is the token endpoint: it wants the client, the address and the verifier of the request.
func (i *idp) redeem(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.token != nil && i.token(w, r) {
		return
	}
	id, secret, basic := r.BasicAuth()
	sum := sha256.Sum256([]byte(r.FormValue("code_verifier")))
	if !basic || id != "drieluik" || secret != idpSecret || r.FormValue("code") != "code-1" ||
		r.FormValue("redirect_uri") != i.asked.Get("redirect_uri") || b64(sum[:]) != i.asked.Get("code_challenge") {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	now := i.w.clock().Unix()
	claims := map[string]any{
		"iss": i.URL, "sub": "sub-1", "aud": "drieluik", "exp": now + 300, "iat": now, "auth_time": now - 30,
		"nonce": i.asked.Get("nonce"), "acr": "high", "bsn": "999990019",
	}
	if i.claims != nil {
		i.claims(claims)
	}
	header, body := string(toJSON(i.key.header())), string(toJSON(claims))
	token := i.key.compact(header, body)
	if i.forge != nil {
		token = i.forge(header, body)
	}
	i.answer(w, map[string]any{"access_token": "at-1", "token_type": "Bearer", "id_token": token})
}

// abroad is a world with a login elsewhere.
type abroad struct {
	*world
	idp    *idp
	bearer map[string][]fhir.Ref // system|value → who bears it
}

func newAbroad(t *testing.T, change ...func(*upstream.Config)) *abroad {
	t.Helper()
	a := &abroad{idp: newIDP(t), bearer: map[string][]fhir.Ref{bsnSystem + "|999990019": {parentRef}}}
	c := upstream.Config{
		ID: elsewhereID, Name: upstream.Name{NL: "Burger-id <b>", SV: "Medborgar-id", EN: "Citizen id"}, Issuer: a.idp.URL, ClientID: "drieluik",
		SecretFile: "secret", Scopes: []string{"profile"}, ACRMin: []string{"high", "substantial"},
		Match: &upstream.Match{Claim: "bsn", System: bsnSystem},
	}
	for _, f := range change {
		f(&c)
	}
	a.world = newWorld(t, func(s *smart.Config) {
		p, err := upstream.New(c, s.Clock, func(string) ([]byte, error) { return []byte(idpSecret + "\n"), nil })
		check(t, err)
		s.Upstream = smart.Upstream{Providers: []*upstream.Provider{p}, Identified: func(_ context.Context, id fhir.Identifier) ([]fhir.Ref, error) {
			return a.bearer[id.System+"|"+id.Value], nil
		}}
	})
	a.idp.w = a.world
	check(t, a.users.Bind(t.Context(), parentLogin, smart.Binding{FHIRUser: parentRef, Upstream: elsewhereID}))
	return a
}

// depart goes from the login page to the provider and returns the way back, as an honest one gives it.
func (a *abroad) depart(u *browser) url.Values {
	a.t.Helper()
	link, _, found := strings.Cut(u.page.body, `<form method="post" action="/auth/login">`)
	i := strings.Index(link, `href="/auth/upstream/`)
	if !found || i < 0 {
		a.t.Fatalf("no button before the form: %s", u.page.body)
	}
	link, _, _ = strings.Cut(link[i+len(`href="`):], `"`)
	u.get(link)
	to, err := url.Parse(u.page.header.Get("Location"))
	check(a.t, err)
	a.idp.mu.Lock()
	a.idp.asked = to.Query()
	a.idp.mu.Unlock()
	if u.page.status != http.StatusSeeOther || !strings.HasPrefix(to.String(), a.idp.URL+"/authorize?") {
		a.t.Fatalf("%d to %s: %s", u.page.status, to, u.page.body)
	}
	return url.Values{"code": {"code-1"}, "state": {to.Query().Get("state")}, "iss": {a.idp.URL}}
}

// arrive comes back from the provider. The browser says that another site sent it.
func (u *browser) arrive(q url.Values) {
	u.w.t.Helper()
	u.send(http.MethodGet, upstreamCallback+"?"+q.Encode(), nil, "Sec-Fetch-Site", "cross-site")
}

const upstreamCallback = "/auth/upstream/" + elsewhereID + "/callback"

// claimsOf reads the claims of a JWS without looking at its signature.
func claimsOf(t *testing.T, compact string) map[string]any {
	t.Helper()
	parts := strings.Split(compact, ".")
	if len(parts) != 3 {
		t.Fatalf("no JWS: %q", compact)
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[1])
	check(t, err)
	var m map[string]any
	check(t, json.Unmarshal(raw, &m))
	return m
}
