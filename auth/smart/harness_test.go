package smart_test

import (
	"bytes"
	"cmp"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/drieluik/drieluik/auth/smart"
	"github.com/drieluik/drieluik/auth/state"
	"github.com/drieluik/drieluik/auth/state/statetest"
	"github.com/drieluik/drieluik/fhir"
)

const (
	base  = "http://127.0.0.1:8080"
	scope = "system/CarePlan.rs system/Patient.r drieluik/introspect"
)

// settings is a SettingStore in memory.
type settings struct {
	mu   sync.Mutex
	rows map[string][]byte
	down error
}

func (s *settings) Setting(_ context.Context, key string) ([]byte, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, ok := s.rows[key]
	return v, ok, s.down
}

func (s *settings) Settings(_ context.Context, prefix string) (map[string][]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := maps.Clone(s.rows)
	maps.DeleteFunc(out, func(k string, _ []byte) bool { return !strings.HasPrefix(k, prefix) })
	return out, s.down
}

func (s *settings) SaveSetting(_ context.Context, key string, value []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.rows[key] = value; value == nil {
		delete(s.rows, key)
	}
	return s.down
}

// named counts the settings whose key begins with a prefix.
func (s *settings) named(prefix string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for key := range s.rows {
		if strings.HasPrefix(key, prefix) {
			n++
		}
	}
	return n
}

// syncBuffer is a log sink for several goroutines.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// bench is a server on memory with a clock that the test moves.
type bench struct {
	t        testing.TB
	server   *smart.Server
	handler  http.Handler
	registry *smart.Registry
	store    *settings
	table    *statetest.Memory
	log      *syncBuffer
	orgs     []smart.Organization
	orgDown  error
	orgName  string       // of an Organization that is stored already
	now      atomic.Int64 // Unix milliseconds
}

func (b *bench) clock() time.Time        { return time.UnixMilli(b.now.Load()).UTC() }
func (b *bench) advance(d time.Duration) { b.now.Add(d.Milliseconds()) }

// newBench starts a server; change may adapt its configuration.
func newBench(t testing.TB, change ...func(*smart.Config)) *bench {
	t.Helper()
	b := &bench{t: t, store: &settings{rows: map[string][]byte{}}, table: statetest.NewMemory(), log: &syncBuffer{}}
	b.now.Store(time.Date(2026, 11, 21, 19, 0, 0, 0, time.UTC).UnixMilli())
	log := slog.New(slog.NewJSONHandler(b.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	st, err := state.New(b.table, b.clock)
	check(t, err)
	b.registry, err = smart.NewRegistry(smart.RegistryConfig{
		Store: b.store, Clock: b.clock, Random: rand.Reader, Log: log,
		RegisterOrganization: func(_ context.Context, o smart.Organization) (smart.OrganizationRecord, error) {
			if b.orgDown != nil {
				return smart.OrganizationRecord{}, b.orgDown
			}
			b.orgs = append(b.orgs, o)
			return smart.OrganizationRecord{
				Ref: fhir.Ref{Type: "Organization", ID: "org-" + o.Identifier.Value, Version: 3}, Name: cmp.Or(o.Name, b.orgName, o.NameIfNew),
			}, nil
		},
	})
	check(t, err)
	c := smart.Config{
		Base: base, Clock: b.clock, Random: rand.Reader, State: st, Lost: func() time.Time { return time.Time{} }, Registry: b.registry, Log: log,
		Settings: smart.DefaultSettings(),
		Served: func() []smart.TypeLetters {
			return []smart.TypeLetters{{Type: "CarePlan", Letters: "cruds"}, {Type: "Patient", Letters: "rus"}, {Type: "Observation", Letters: "rs"}}
		},
	}
	for _, f := range change {
		f(&c)
	}
	b.server, err = smart.New(c)
	check(t, err)
	b.handler = b.server.Handler()
	return b
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// backend registers a backend client with the public keys.
func (b *bench) backend(id string, keys ...*testKey) {
	b.t.Helper()
	b.add(smart.Client{
		ID: id, Name: "Kinderthuiszorg Voorbeeld", Type: smart.TypeBackend, Scope: scope,
		JWKS: jwks(keys...), Organization: "http://fhir.nl/fhir/NamingSystem/ura|90000001",
	})
}

func (b *bench) add(c smart.Client) smart.Added {
	b.t.Helper()
	added, err := b.registry.Add(b.t.Context(), c)
	check(b.t, err)
	return added
}

// testKey signs anything, also what no honest client would.
type testKey struct {
	kid string
	ec  *ecdsa.PrivateKey
	rsa *rsa.PrivateKey
}

func ecKey(t testing.TB, kid string) *testKey {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	check(t, err)
	return &testKey{kid: kid, ec: k}
}

func rsaKey(t testing.TB, kid string) *testKey {
	t.Helper()
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	check(t, err)
	return &testKey{kid: kid, rsa: k}
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func (k *testKey) jwk() map[string]any {
	if k.ec != nil {
		raw, err := k.ec.PublicKey.Bytes()
		if err != nil {
			panic(err)
		}
		return map[string]any{"kty": "EC", "crv": "P-384", "kid": k.kid, "x": b64(raw[1:49]), "y": b64(raw[49:])}
	}
	return map[string]any{"kty": "RSA", "kid": k.kid, "n": b64(k.rsa.N.Bytes()), "e": b64(big.NewInt(int64(k.rsa.E)).Bytes())}
}

func jwks(keys ...*testKey) json.RawMessage {
	list := []any{}
	for _, k := range keys {
		list = append(list, k.jwk())
	}
	return toJSON(map[string]any{"keys": list})
}

func toJSON(v any) json.RawMessage {
	out, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return out
}

func (k *testKey) alg() string {
	if k.ec != nil {
		return "ES384"
	}
	return "RS384"
}

// sign returns the raw JOSE signature of the input.
func (k *testKey) sign(input string) []byte {
	h := crypto.SHA384.New()
	h.Write([]byte(input))
	if k.ec == nil {
		sig, err := rsa.SignPKCS1v15(rand.Reader, k.rsa, crypto.SHA384, h.Sum(nil))
		if err != nil {
			panic(err)
		}
		return sig
	}
	r, s, err := ecdsa.Sign(rand.Reader, k.ec, h.Sum(nil))
	if err != nil {
		panic(err)
	}
	out := make([]byte, 96)
	r.FillBytes(out[:48])
	s.FillBytes(out[48:])
	return out
}

// compact signs header and claims as they are written.
func (k *testKey) compact(header, claims string) string {
	input := b64([]byte(header)) + "." + b64([]byte(claims))
	return input + "." + b64(k.sign(input))
}

var jtiCounter atomic.Int64

func newJTI() string { return "jti-" + strconv.FormatInt(jtiCounter.Add(1), 10) }

// claims are those of a right assertion at the bench's clock.
func (b *bench) claims(client string) map[string]any {
	return map[string]any{
		"iss": client, "sub": client, "aud": base + "/auth/token", "jti": newJTI(),
		"exp": b.clock().Unix() + 300, "iat": b.clock().Unix(),
	}
}

func (k *testKey) header() map[string]any {
	return map[string]any{"alg": k.alg(), "kid": k.kid, "typ": "JWT"}
}

// assertion is a right assertion with some claims changed; a nil value removes the claim.
func (b *bench) assertion(client string, k *testKey, changes map[string]any) string {
	return k.compact(string(toJSON(k.header())), string(toJSON(merge(b.claims(client), changes))))
}

func merge(into, changes map[string]any) map[string]any {
	for name, v := range changes {
		if v == nil {
			delete(into, name)
			continue
		}
		into[name] = v
	}
	return into
}

const jwtBearer = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// tokenForm is a right token request; later pairs of name and value change it, "" removes.
func tokenForm(assertion string, pairs ...string) url.Values {
	f := url.Values{
		"grant_type": {"client_credentials"}, "scope": {"system/CarePlan.rs"},
		"client_assertion_type": {jwtBearer}, "client_assertion": {assertion},
	}
	for i := 0; i < len(pairs); i += 2 {
		f.Del(pairs[i])
		if pairs[i+1] != "" {
			f.Set(pairs[i], pairs[i+1])
		}
	}
	return f
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
	json   map[string]any
}

func (a answer) rule() string {
	d, _ := a.json["error_description"].(string)
	rule, _, _ := strings.Cut(d, ":")
	return rule
}

func (a answer) text(name string) string {
	s, _ := a.json[name].(string)
	return s
}

func (b *bench) post(path string, f url.Values, headers ...string) answer {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(f.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	return b.do(r)
}

func (b *bench) do(r *http.Request) answer {
	w := httptest.NewRecorder()
	b.handler.ServeHTTP(w, r)
	res := w.Result()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Error(err)
	}
	a := answer{status: res.StatusCode, header: res.Header, body: string(body), json: map[string]any{}}
	if strings.HasPrefix(res.Header.Get("Content-Type"), "application/json") && len(body) > 0 {
		if err := json.Unmarshal(body, &a.json); err != nil {
			b.t.Errorf("body is no JSON: %v", err)
		}
	}
	return a
}

// token asks for a token in the straight way.
func (b *bench) token(client string, k *testKey, pairs ...string) answer {
	return b.post("/auth/token", tokenForm(b.assertion(client, k, nil), pairs...))
}

// bearer is a live token of the client.
func (b *bench) bearer(client string, k *testKey, pairs ...string) string {
	b.t.Helper()
	a := b.token(client, k, pairs...)
	if a.status != http.StatusOK {
		b.t.Fatalf("token: %d %s", a.status, a.body)
	}
	return a.text("access_token")
}

func wantFault(t *testing.T, a answer, status int, code, rule string) {
	t.Helper()
	if a.status != status || a.json["error"] != code || a.rule() != rule {
		t.Errorf("got %d %v %s (%s), want %d %s %s", a.status, a.json["error"], a.rule(), a.body, status, code, rule)
	}
	if a.json["access_token"] != nil {
		t.Error("a refusal issued a token")
	}
}

func fmtBasic(id, secret string) string {
	return "Basic " + base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "%s:%s", url.QueryEscape(id), url.QueryEscape(secret)))
}
