package smart_test

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"math/big"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/drieluik/drieluik/auth/smart"
	"github.com/drieluik/drieluik/fhir"
	"github.com/google/go-cmp/cmp"
)

// published returns the keys of /auth/jwks by kid.
func (w *world) published() map[string]*rsa.PublicKey {
	w.t.Helper()
	a := w.do(httptest.NewRequest("GET", "/auth/jwks", nil))
	var set struct{ Keys []map[string]string }
	check(w.t, json.Unmarshal([]byte(a.body), &set))
	out := map[string]*rsa.PublicKey{}
	for _, k := range set.Keys {
		if k["kty"] != "RSA" || k["alg"] != "RS256" || k["use"] != "sig" || k["kid"] == "" || len(k) != 6 {
			w.t.Errorf("key members %v", k)
		}
		n, err := base64.RawURLEncoding.DecodeString(k["n"])
		check(w.t, err)
		out[k["kid"]] = &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: 65537}
	}
	return out
}

// verified returns the claims of an id_token whose signature fits a published key.
func (w *world) verified(token string) map[string]any {
	w.t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		w.t.Fatalf("id_token of %d parts", len(parts))
	}
	decode := func(s string) []byte {
		b, err := base64.RawURLEncoding.DecodeString(s)
		check(w.t, err)
		return b
	}
	var header struct{ Alg, Kid string }
	check(w.t, json.Unmarshal(decode(parts[0]), &header))
	key := w.published()[header.Kid]
	if header.Alg != "RS256" || key == nil || key.N.BitLen() != 3072 {
		w.t.Fatalf("header %+v", header)
	}
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	check(w.t, rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], decode(parts[2])))
	var claims map[string]any
	check(w.t, json.Unmarshal(decode(parts[1]), &claims))
	return claims
}

func TestSMART411_IDToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.tokens("nonce", "n-0S6")
	got := w.verified(a.text("id_token"))
	now := float64(w.clock().Unix())
	want := map[string]any{
		"iss": base, "sub": w.principal(a.text("access_token")).Subject, "aud": "app", "iat": now, "exp": now + 300, "auth_time": now,
		"acr": "urn:drieluik:acr:password", "nonce": "n-0S6", "fhirUser": base + "/fhir/RelatedPerson/rp1",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("claims (-want +got):\n%s", d)
	}
	w.advance(time.Hour)
	again := w.verified(w.refresh(a.text("refresh_token")).text("id_token"))
	want["iat"], want["exp"] = now+3600, now+3900
	delete(want, "nonce")
	if d := cmp.Diff(want, again); d != "" {
		t.Errorf("claims after refresh (-want +got):\n%s", d)
	}
	without := w.tokens("scope", "patient/CarePlan.rs openid")
	if claims := w.verified(without.text("id_token")); claims["fhirUser"] != nil || claims["nonce"] != nil {
		t.Errorf("%v", claims)
	}
}

func TestSMART006_KeysChangeByThemselves(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	states := func() map[string]string {
		t.Helper()
		check(t, w.keys.Prepare(t.Context()))
		list, err := w.keys.List(t.Context())
		check(t, err)
		out := map[string]string{}
		for _, k := range list {
			out[k.ID] = k.State
		}
		if len(w.published()) != len(list) {
			t.Errorf("%d published of %d", len(w.published()), len(list))
		}
		return out
	}
	of := func(m map[string]string, state string) string {
		for id, s := range m {
			if s == state {
				return id
			}
		}
		return ""
	}
	first := states()
	if len(first) != 2 || of(first, smart.KeyActive) == "" || of(first, smart.KeyNext) == "" {
		t.Fatalf("%v", first)
	}
	w.advance(89 * 24 * time.Hour)
	if d := cmp.Diff(first, states()); d != "" {
		t.Errorf("after 89 days:\n%s", d)
	}
	a := w.tokens()
	w.advance(24 * time.Hour)
	second := states()
	if second[of(first, smart.KeyActive)] != smart.KeyRetired || second[of(first, smart.KeyNext)] != smart.KeyActive || len(second) != 3 {
		t.Fatalf("after 90 days: %v, before %v", second, first)
	}
	w.verified(a.text("id_token")) // the old key is still published
	w.advance(24 * time.Hour)
	if third := states(); len(third) != 2 || third[of(first, smart.KeyActive)] != "" {
		t.Errorf("after 91 days: %v", third)
	}
}

func TestKeysRotate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if err := w.keys.Rotate(t.Context(), false); fhir.KindOf(err) != fhir.Conflict {
		t.Errorf("a young key came into use: %v", err)
	}
	w.advance(24 * time.Hour)
	check(t, w.keys.Rotate(t.Context(), false))
	before := w.published()
	check(t, w.keys.Rotate(t.Context(), true))
	for kid := range w.published() {
		if before[kid] != nil {
			t.Error("a stolen key is still published")
		}
	}
	w.verified(w.tokens().text("id_token"))
}

func TestPrivateKeysAreSealed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	value, found, err := w.accounts.Setting(t.Context(), "signing-keys")
	check(t, err)
	if !found || bytes.Contains(value, []byte(`"d"`)) || bytes.Contains(value, []byte(`"p"`)) {
		t.Error("a private member is readable")
	}
	log := slog.New(slog.NewTextHandler(w.log, nil))
	other, err := smart.NewKeys(smart.KeysConfig{Store: w.accounts, Secret: bytes.Repeat([]byte("x"), 32), Clock: w.clock, Random: rand.Reader, Log: log})
	check(t, err)
	if err := other.Prepare(t.Context()); err == nil || !strings.Contains(err.Error(), "secret file") {
		t.Errorf("another secret opened the keys: %v", err)
	}
	after, _, err := w.accounts.Setting(t.Context(), "signing-keys")
	check(t, err)
	if !bytes.Equal(value, after) {
		t.Error("another secret replaced the keys")
	}
	if _, err := smart.NewKeys(smart.KeysConfig{Store: w.accounts, Secret: []byte("short"), Clock: w.clock, Random: rand.Reader, Log: log}); err == nil {
		t.Error("a short secret was taken")
	}
}

func TestSMART006_TheKeySetIsPublic(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.do(httptest.NewRequest("GET", "/auth/jwks", nil))
	keys, _ := a.json["keys"].([]any)
	if a.status != 200 || len(keys) == 0 || a.header.Get("Cache-Control") != "public, max-age=300" || a.header.Get("Content-Type") != "application/json" {
		t.Fatalf("%d %v %s", a.status, a.header, a.body)
	}
	kids := map[any]bool{}
	for _, k := range keys {
		key := k.(map[string]any)
		if key["kty"] != "RSA" || key["alg"] != "RS256" || key["use"] != "sig" || key["n"] == nil || key["e"] == nil || key["kid"] == nil || kids[key["kid"]] {
			t.Errorf("%v", key)
		}
		kids[key["kid"]] = true
		for _, private := range []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k"} {
			if key[private] != nil {
				t.Errorf("member %s is published", private)
			}
		}
	}
}
