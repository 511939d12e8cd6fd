package jose_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"testing"

	"github.com/drieluik/drieluik/auth/jose"
)

func set(keys ...map[string]any) map[string]any {
	list := []any{}
	for _, k := range keys {
		list = append(list, k)
	}
	return map[string]any{"keys": list}
}

func changed(k map[string]any, pairs ...any) map[string]any {
	k = maps.Clone(k)
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] == nil {
			delete(k, pairs[i].(string))
			continue
		}
		k[pairs[i].(string)] = pairs[i+1]
	}
	return k
}

func TestKeySetForm(t *testing.T) {
	t.Parallel()
	curve := func(c elliptic.Curve) map[string]any {
		k, err := ecdsa.GenerateKey(c, rand.Reader)
		check(t, err)
		return ecJWK(t, &k.PublicKey, c.Params().Name)
	}
	ec := curve(elliptic.P384())
	rs, err := rsa.GenerateKey(rand.Reader, 2048)
	check(t, err)
	rk := rsaJWK(&rs.PublicKey, "rsa")
	many := func(n int) map[string]any {
		var keys []map[string]any
		for i := range n {
			keys = append(keys, changed(ec, "kid", fmt.Sprint(i)))
		}
		return set(keys...)
	}
	okp := map[string]any{"kty": "OKP", "crv": "Ed25519", "kid": "okp", "x": b64(make([]byte, 32))}
	cases := map[string]struct {
		set any
		ok  bool
	}{
		"EC and RSA":                {set(ec, rk), true},
		"all three curves":          {set(curve(elliptic.P256()), ec, curve(elliptic.P521())), true},
		"20 keys":                   {many(20), true},
		"21 keys":                   {many(21), false},
		"10,000 keys":               {many(10_000), false},
		"no key":                    {set(), false},
		"no member keys":            {map[string]any{}, false},
		"keys is an object":         {map[string]any{"keys": map[string]any{}}, false},
		"other members":             {map[string]any{"keys": []any{ec}, "x": 1}, true},
		"kid twice":                 {set(ec, changed(rk, "kid", ec["kid"])), false},
		"no kid":                    {set(changed(ec, "kid", nil)), false},
		"kid of 257 bytes":          {set(changed(ec, "kid", strings.Repeat("k", 257))), false},
		"kid is a number":           {set(changed(ec, "kid", 1)), false},
		"private EC":                {set(changed(ec, "d", b64(make([]byte, 48)))), false},
		"private RSA prime":         {set(changed(rk, "p", "AQAB")), false},
		"symmetric":                 {set(ec, map[string]any{"kty": "oct", "kid": "s", "k": "AAAA"}), false},
		"symmetric member":          {set(changed(ec, "k", "AAAA")), false},
		"off the curve":             {set(changed(ec, "y", ec["x"])), false},
		"zero point":                {set(changed(ec, "x", b64(make([]byte, 48)), "y", b64(make([]byte, 48)))), false},
		"no y":                      {set(changed(ec, "y", nil)), false},
		"RSA of 1024 bits":          {set(changed(rk, "n", b64(append([]byte{0x80}, make([]byte, 127)...)))), false},
		"RSA of 8200 bits":          {set(changed(rk, "n", b64(append([]byte{0x80}, make([]byte, 1024)...)))), false},
		"RSA with e = 3":            {set(changed(rk, "e", "Aw")), false},
		"RSA with e = 1":            {set(changed(rk, "e", "AQ")), false},
		"another family beside":     {set(ec, okp), true},
		"another family alone":      {set(okp), false},
		"key_ops is a string":       {set(changed(ec, "key_ops", "verify")), false},
		"a key is a string":         {map[string]any{"keys": []any{"x"}}, false},
		"HTML":                      {json.RawMessage(`"<html>"`), false},
		"larger than 64 KiB":        {map[string]any{"keys": []any{ec}, "x": strings.Repeat("x", 64<<10)}, false},
		"duplicate member in a key": {json.RawMessage(`{"keys":[{"kty":"EC","kty":"RSA"}]}`), false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := jose.ParseKeySet(toRaw(t, c.set))
			if (err == nil) != c.ok {
				t.Fatalf("err = %v, want ok %v", err, c.ok)
			}
			if err != nil && jose.RuleOf(err) != "jwks.form" {
				t.Errorf("rule = %q, want jwks.form", jose.RuleOf(err))
			}
		})
	}
}

// toRaw leaves raw text alone, so that repeated members survive.
func toRaw(t *testing.T, v any) []byte {
	t.Helper()
	if raw, ok := v.(json.RawMessage); ok {
		return raw
	}
	return toJSON(t, v)
}

func TestSMART323_OptionalMembersMustFit(t *testing.T) {
	t.Parallel()
	k := newKeys(t)
	in := input(goodHeader, goodClaims)
	compact := in + "." + b64(k.signEC(t, in))
	ec := ecJWK(t, &k.ec.PublicKey, "ec")
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(t, err)
	cases := map[string]struct {
		key  map[string]any
		rule string
	}{
		"none of them":         {ec, ""},
		"use sig":              {changed(ec, "use", "sig"), ""},
		"use enc":              {changed(ec, "use", "enc"), "jwt.kid"},
		"alg ES384":            {changed(ec, "alg", "ES384"), ""},
		"alg ES512":            {changed(ec, "alg", "ES512"), "jwt.kid"},
		"alg ECDH-ES":          {changed(ec, "alg", "ECDH-ES"), "jwt.kid"},
		"key_ops verify":       {changed(ec, "key_ops", []string{"verify"}), ""},
		"key_ops encrypt":      {changed(ec, "key_ops", []string{"encrypt"}), "jwt.kid"},
		"ATT-03 another curve": {ecJWK(t, &other.PublicKey, "ec"), "jwt.kid"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := jose.ParseKeySet(toJSON(t, set(c.key)))
			check(t, err)
			if got := (keys{set: s}).judge(compact); got != c.rule {
				t.Errorf("rule = %q, want %q", got, c.rule)
			}
		})
	}
}

func TestGeneratedKeysSignAndVerify(t *testing.T) {
	t.Parallel()
	for _, alg := range []string{jose.ES384, jose.RS384, jose.ES256, jose.PS384} {
		t.Run(alg, func(t *testing.T) {
			t.Parallel()
			k, err := jose.GenerateKey(alg)
			check(t, err)
			secret, err := k.Secret()
			check(t, err)
			k, err = jose.ParsePrivateKey(secret) // as the command line reads it from its file
			check(t, err)
			public, err := jose.PublicSet(k)
			check(t, err)
			s, err := jose.ParseKeySet(public)
			check(t, err)
			compact, err := k.SignAssertion(jose.Claims{Issuer: "c", Subject: "c", Audience: "a", ID: "j", Expires: jose.At(1)})
			check(t, err)
			if got := (keys{set: s}).judge(compact, alg); got != "" {
				t.Errorf("rule = %q", got)
			}
			thumb, err := s.Thumbprint(k.KeyID())
			check(t, err)
			if thumb != k.KeyID() {
				t.Errorf("kid = %q, want the thumbprint %q", k.KeyID(), thumb)
			}
		})
	}
}

// The example of RFC 7638 3.1.
func TestThumbprintOfRFC7638(t *testing.T) {
	t.Parallel()
	const n = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
	s, err := jose.ParseKeySet(toJSON(t, set(map[string]any{"kty": "RSA", "n": n, "e": "AQAB", "alg": "RS256", "kid": "2011-04-29"})))
	check(t, err)
	got, err := s.Thumbprint("2011-04-29")
	check(t, err)
	if want := "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"; got != want {
		t.Errorf("thumbprint = %q, want %q", got, want)
	}
}

func TestPublicSetHasNoPrivateMember(t *testing.T) {
	t.Parallel()
	ec, err := jose.GenerateKey(jose.ES384)
	check(t, err)
	rs, err := jose.GenerateKey(jose.RS256)
	check(t, err)
	public, err := jose.PublicSet(ec, rs)
	check(t, err)
	var doc struct{ Keys []map[string]any }
	check(t, json.Unmarshal(public, &doc))
	if len(doc.Keys) != 2 || doc.Keys[0]["alg"] != "ES384" || doc.Keys[1]["alg"] != "RS256" || doc.Keys[1]["use"] != "sig" {
		t.Errorf("set = %s", public)
	}
	for _, k := range doc.Keys {
		for _, member := range []string{"d", "p", "q", "dp", "dq", "qi", "k"} {
			if _, found := k[member]; found {
				t.Errorf("private member %s is published", member)
			}
		}
	}
	if n, ok := doc.Keys[1]["n"].(string); !ok || len(n) != 512 { // 3072 bits
		t.Errorf("RSA modulus has %d characters, want 512", len(n))
	}
}

func TestPrivateKeyPrintsNothing(t *testing.T) {
	t.Parallel()
	k, err := jose.GenerateKey(jose.ES384)
	check(t, err)
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "key", k)
	for _, text := range []string{fmt.Sprint(k), fmt.Sprintf("%+v", k), fmt.Sprintf("%#v", k), fmt.Sprintf("%x", k), fmt.Sprintf("%d", k), string(toJSON(t, k)), log.String()} {
		if !strings.Contains(text, "***") || len(text) > 200 {
			t.Errorf("printed %q", text)
		}
	}
}

func TestParsePrivateKeyRefuses(t *testing.T) {
	t.Parallel()
	k, err := jose.GenerateKey(jose.ES384)
	check(t, err)
	public, err := jose.PublicSet(k)
	check(t, err)
	secret, err := k.Secret()
	check(t, err)
	var m map[string]any
	check(t, json.Unmarshal(secret, &m))
	cases := map[string][]byte{
		"no JSON":           []byte("-----BEGIN PRIVATE KEY-----"),
		"a set":             public,
		"no d":              toJSON(t, changed(m, "d", nil)),
		"no kid":            toJSON(t, changed(m, "kid", nil)),
		"alg does not fit":  toJSON(t, changed(m, "alg", "RS384")),
		"symmetric":         []byte(`{"kty":"oct","kid":"s","d":"AA","k":"AAAA"}`),
		"members are wrong": toJSON(t, changed(m, "x", "!")),
	}
	for name, src := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := jose.ParsePrivateKey(src)
			if err == nil {
				t.Fatal("accepted")
			}
			if d, _ := m["d"].(string); strings.Contains(err.Error(), d) {
				t.Error("the error repeats the key")
			}
		})
	}
}
