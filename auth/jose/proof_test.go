package jose_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/json"
	"strings"
	"testing"

	"github.com/drieluik/drieluik/auth/jose"
	"github.com/google/go-cmp/cmp"
)

// prover signs proofs with one key of each family, also what no honest client would.
type prover struct {
	p256, p384 *ecdsa.PrivateKey
	rsa        *rsa.PrivateKey
}

func newProver(t testing.TB) prover {
	t.Helper()
	p256, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(t, err)
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	check(t, err)
	rs, err := rsa.GenerateKey(rand.Reader, 2048)
	check(t, err)
	return prover{p256, p384, rs}
}

// public is the JWK of the key for alg, without kid as clients send it.
func (p prover) public(t testing.TB, alg string) map[string]any {
	t.Helper()
	var k map[string]any
	switch alg {
	case jose.ES384:
		k = ecJWK(t, &p.p384.PublicKey, "")
	case jose.PS256, jose.RS256:
		k = rsaJWK(&p.rsa.PublicKey, "")
	default:
		k = ecJWK(t, &p.p256.PublicKey, "")
	}
	delete(k, "kid")
	return k
}

func (p prover) sign(t testing.TB, alg, input string) []byte {
	t.Helper()
	sum := sha256.Sum256([]byte(input))
	switch alg {
	case jose.ES384:
		return keys{ec: p.p384}.signEC(t, input)
	case jose.PS256:
		sig, err := rsa.SignPSS(rand.Reader, p.rsa, crypto.SHA256, sum[:], &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
		check(t, err)
		return sig
	case jose.RS256:
		sig, err := rsa.SignPKCS1v15(rand.Reader, p.rsa, crypto.SHA256, sum[:])
		check(t, err)
		return sig
	case "HS256":
		mac := hmac.New(sha256.New, toJSON(t, p.public(t, jose.ES256)))
		mac.Write([]byte(input))
		return mac.Sum(nil)
	}
	r, s, err := ecdsa.Sign(rand.Reader, p.p256, sum[:])
	check(t, err)
	out := make([]byte, 64)
	r.FillBytes(out[:32])
	s.FillBytes(out[32:])
	return out
}

const proofClaims = `{"htm":"POST","htu":"https://as.example/auth/token","iat":1700000000,"jti":"j1"}`

// proof is a right proof for alg with changes of its header; nil removes a member.
func (p prover) proof(t testing.TB, alg, claims string, changes map[string]any) string {
	t.Helper()
	header := map[string]any{"typ": "dpop+jwt", "alg": alg, "jwk": p.public(t, alg)}
	for name, v := range changes {
		if header[name] = v; v == nil {
			delete(header, name)
		}
	}
	in := input(string(toJSON(t, header)), claims)
	return in + "." + b64(p.sign(t, alg, in))
}

func TestSMART711_ProofsVerifyWithTheirOwnKey(t *testing.T) {
	t.Parallel()
	p := newProver(t)
	for _, alg := range jose.ProofAlgs() {
		claims := strings.Replace(proofClaims, "}", `,"ath":"hash","nonce":"n"}`, 1)
		got, err := jose.ParseProof(p.proof(t, alg, claims, map[string]any{"kid": "mine"}))
		if err != nil {
			t.Errorf("%s: %v", alg, err)
			continue
		}
		public := p.public(t, alg)
		public["kid"] = "k"
		set, err := jose.ParseKeySet(toJSON(t, map[string]any{"keys": []any{public}}))
		check(t, err)
		jkt, err := set.Thumbprint("k")
		check(t, err)
		want := &jose.Proof{Method: "POST", URL: "https://as.example/auth/token", ID: "j1", TokenHash: "hash", IssuedAt: jose.At(1700000000), Thumbprint: jkt}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", alg, d)
		}
	}
}

func TestSMART711_WhatIsWrongInAProof(t *testing.T) {
	t.Parallel()
	p := newProver(t)
	header := func(alg string, changes map[string]any) string { return p.proof(t, alg, proofClaims, changes) }
	claims := func(old, now string) string {
		return p.proof(t, jose.ES256, strings.Replace(proofClaims, old, now, 1), nil)
	}
	with := func(name string, value any) map[string]any {
		k := p.public(t, jose.ES256)
		k[name] = value
		return map[string]any{"jwk": k}
	}
	good := header(jose.ES256, nil)
	parts := strings.Split(good, ".")
	other := newProver(t)
	cases := map[string]struct{ compact, rule string }{
		"nothing":                   {"", "dpop.form"},
		"two parts":                 {parts[0] + "." + parts[1], "dpop.form"},
		"padding":                   {good + "=", "dpop.form"},
		"more than 8 KiB":           {header(jose.ES256, map[string]any{"x": strings.Repeat("x", 8<<10)}), "dpop.form"},
		"a header that is no JSON":  {b64([]byte("x")) + "." + parts[1] + "." + parts[2], "dpop.form"},
		"jti twice":                 {claims(`"jti":"j1"`, `"jti":"j1","jti":"j2"`), "dpop.form"},
		"crit":                      {header(jose.ES256, map[string]any{"crit": []string{"b64"}}), "dpop.form"},
		"jku":                       {header(jose.ES256, map[string]any{"jku": "https://evil.example"}), "dpop.form"},
		"x5c":                       {header(jose.ES256, map[string]any{"x5c": []string{"AA"}}), "dpop.form"},
		"no typ":                    {header(jose.ES256, map[string]any{"typ": nil}), "dpop.typ"},
		"typ JWT":                   {header(jose.ES256, map[string]any{"typ": "JWT"}), "dpop.typ"},
		"alg none":                  {header(jose.ES256, map[string]any{"alg": "none"}), "dpop.alg"},
		"HS256":                     {header("HS256", nil), "dpop.alg"},
		"RS256":                     {header(jose.RS256, nil), "dpop.alg"},
		"no alg":                    {header(jose.ES256, map[string]any{"alg": nil}), "dpop.alg"},
		"no jwk":                    {header(jose.ES256, map[string]any{"jwk": nil}), "dpop.jwk"},
		"jwk is text":               {header(jose.ES256, map[string]any{"jwk": "{}"}), "dpop.jwk"},
		"a private jwk":             {header(jose.ES256, with("d", "AA")), "dpop.jwk"},
		"a symmetric jwk":           {header(jose.ES256, map[string]any{"jwk": map[string]any{"kty": "oct", "k": "AA"}}), "dpop.jwk"},
		"jwk of another family":     {header(jose.ES256, map[string]any{"jwk": p.public(t, jose.PS256)}), "dpop.jwk"},
		"jwk of another curve":      {header(jose.ES256, map[string]any{"jwk": p.public(t, jose.ES384)}), "dpop.jwk"},
		"jwk for encryption":        {header(jose.ES256, with("use", "enc")), "dpop.jwk"},
		"jwk for another alg":       {header(jose.ES256, with("alg", "ES384")), "dpop.jwk"},
		"a point beside the curve":  {header(jose.ES256, with("y", b64(make([]byte, 32)))), "dpop.jwk"},
		"jwk of another sender":     {header(jose.ES256, map[string]any{"jwk": other.public(t, jose.ES256)}), "dpop.sig"},
		"zero signature":            {parts[0] + "." + parts[1] + "." + b64(make([]byte, 64)), "dpop.sig"},
		"claims of another proof":   {parts[0] + "." + b64([]byte(strings.Replace(proofClaims, "j1", "j2", 1))) + "." + parts[2], "dpop.sig"},
		"no htm":                    {claims(`"htm":"POST",`, ""), "dpop.htm"},
		"htm is a list":             {claims(`"POST"`, `["POST"]`), "dpop.htm"},
		"no htu":                    {claims(`"htu":"https://as.example/auth/token",`, ""), "dpop.htu"},
		"no iat":                    {claims(`"iat":1700000000,`, ""), "dpop.iat"},
		"iat is text":               {claims("1700000000", `"1700000000"`), "dpop.iat"},
		"iat with a fraction":       {claims("1700000000", "1700000000.5"), "dpop.iat"},
		"iat with an exponent":      {claims("1700000000", "17e8"), "dpop.iat"},
		"no jti":                    {claims(`,"jti":"j1"`, ""), "dpop.jti"},
		"an empty jti":              {claims(`"j1"`, `""`), "dpop.jti"},
		"a long jti":                {claims(`"j1"`, `"`+strings.Repeat("j", 256)+`"`), "dpop.jti"},
		"ath is a number":           {claims(`"jti"`, `"ath":1,"jti"`), "dpop.ath"},
		"members that are not used": {header(jose.ES256, with("x5c", []string{"not a certificate"})), ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := jose.ParseProof(c.compact)
			if got := jose.RuleOf(err); got != c.rule {
				t.Errorf("rule = %q (%v), want %q", got, err, c.rule)
			}
		})
	}
}

func FuzzParseProof(f *testing.F) {
	p := newProver(f)
	good := p.proof(f, jose.ES256, proofClaims, nil)
	f.Add(good)
	f.Add(p.proof(f, jose.PS256, `{"iat":1e400}`, nil))
	f.Add("..")
	f.Fuzz(func(t *testing.T, compact string) {
		proof, err := jose.ParseProof(compact)
		if err != nil {
			if !strings.HasPrefix(jose.RuleOf(err), "dpop.") {
				t.Errorf("a refusal without a rule: %v", err)
			}
			return
		}
		if proof.ID == "" || proof.Method == "" || proof.URL == "" || proof.Thumbprint == "" || !proof.IssuedAt.Sent {
			text, _ := json.Marshal(proof)
			t.Errorf("accepted without a required member: %s", text)
		}
	})
}
