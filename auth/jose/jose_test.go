package jose_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"strings"
	"testing"

	"github.com/drieluik/drieluik/auth/jose"
)

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func toJSON(t testing.TB, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	check(t, err)
	return b
}

// keys of one P-384 and one RSA client key with their JWKS.
type keys struct {
	ec  *ecdsa.PrivateKey
	rsa *rsa.PrivateKey
	set *jose.KeySet
}

func newKeys(t testing.TB) keys {
	t.Helper()
	ec, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	check(t, err)
	rs, err := rsa.GenerateKey(rand.Reader, 2048)
	check(t, err)
	set, err := jose.ParseKeySet(toJSON(t, map[string]any{"keys": []any{ecJWK(t, &ec.PublicKey, "ec"), rsaJWK(&rs.PublicKey, "rsa")}}))
	check(t, err)
	return keys{ec, rs, set}
}

func ecJWK(t testing.TB, k *ecdsa.PublicKey, kid string) map[string]any {
	t.Helper()
	raw, err := k.Bytes()
	check(t, err)
	n := (len(raw) - 1) / 2
	return map[string]any{"kty": "EC", "crv": k.Curve.Params().Name, "kid": kid, "x": b64(raw[1 : 1+n]), "y": b64(raw[1+n:])}
}

func rsaJWK(k *rsa.PublicKey, kid string) map[string]any {
	return map[string]any{"kty": "RSA", "kid": kid, "n": b64(k.N.Bytes()), "e": b64(big.NewInt(int64(k.E)).Bytes())}
}

func (k keys) signEC(t testing.TB, input string) []byte {
	t.Helper()
	h := sha512.Sum384([]byte(input))
	r, s, err := ecdsa.Sign(rand.Reader, k.ec, h[:])
	check(t, err)
	out := make([]byte, 96)
	r.FillBytes(out[:48])
	s.FillBytes(out[48:])
	return out
}

func (k keys) signRSA(t testing.TB, input string) []byte {
	t.Helper()
	h := sha512.Sum384([]byte(input))
	sig, err := rsa.SignPKCS1v15(rand.Reader, k.rsa, crypto.SHA384, h[:])
	check(t, err)
	return sig
}

const (
	goodHeader = `{"alg":"ES384","kid":"ec","typ":"JWT"}`
	goodClaims = `{"iss":"c","sub":"c","aud":"https://as.example/auth/token","exp":1700000300,"jti":"j1"}`
)

func input(header, claims string) string { return b64([]byte(header)) + "." + b64([]byte(claims)) }

// judge parses and verifies with the allowed algorithms, and returns the rule of the refusal.
func (k keys) judge(compact string, allowed ...string) string {
	if len(allowed) == 0 {
		allowed = []string{jose.RS384, jose.ES384}
	}
	a, err := jose.ParseAssertion(compact)
	if err == nil {
		err = a.Verify(k.set, allowed)
	}
	if err == nil {
		return ""
	}
	return jose.RuleOf(err)
}

func TestSMART322_ATT01_03_04_06_07_Headers(t *testing.T) {
	t.Parallel()
	k := newKeys(t)
	cases := map[string]struct{ header, rule string }{
		"straight":                   {goodHeader, ""},
		"no typ":                     {`{"alg":"ES384","kid":"ec"}`, ""},
		"typ in lower case":          {`{"alg":"ES384","kid":"ec","typ":"jwt"}`, ""},
		"typ of RFC 7523bis":         {`{"alg":"ES384","kid":"ec","typ":"client-authentication+jwt"}`, ""},
		"unknown member":             {`{"alg":"ES384","kid":"ec","cty":"x"}`, ""},
		"other typ":                  {`{"alg":"ES384","kid":"ec","typ":"at+jwt"}`, "jwt.typ"},
		"typ is a number":            {`{"alg":"ES384","kid":"ec","typ":1}`, "jwt.typ"},
		"ATT-06 crit":                {`{"alg":"ES384","kid":"ec","crit":["exp"],"exp":1}`, "jwt.header"},
		"ATT-06 b64":                 {`{"alg":"ES384","kid":"ec","b64":false}`, "jwt.header"},
		"ATT-06 zip":                 {`{"alg":"ES384","kid":"ec","zip":"DEF"}`, "jwt.header"},
		"ATT-04 jwk":                 {`{"alg":"ES384","kid":"ec","jwk":{}}`, "jwt.header"},
		"ATT-04 x5c":                 {`{"alg":"ES384","kid":"ec","x5c":[]}`, "jwt.header"},
		"ATT-04 x5u":                 {`{"alg":"ES384","kid":"ec","x5u":"https://evil.example"}`, "jwt.header"},
		"x5t":                        {`{"alg":"ES384","kid":"ec","x5t":"a"}`, "jwt.header"},
		"x5t#S256":                   {`{"alg":"ES384","kid":"ec","x5t#S256":"a"}`, "jwt.header"},
		"escaped name of jwk":        {`{"alg":"ES384","kid":"ec","\u006awk":{}}`, "jwt.header"},
		"jku is a number":            {`{"alg":"ES384","kid":"ec","jku":1}`, "jwt.jku"},
		"jku is empty":               {`{"alg":"ES384","kid":"ec","jku":""}`, "jwt.jku"},
		"ATT-01 none":                {`{"alg":"none","kid":"ec"}`, "jwt.alg"},
		"ATT-01 None":                {`{"alg":"None","kid":"ec"}`, "jwt.alg"},
		"ATT-01 nOnE":                {`{"alg":"nOnE","kid":"ec"}`, "jwt.alg"},
		"alg absent":                 {`{"kid":"ec"}`, "jwt.alg"},
		"alg is an array":            {`{"alg":["ES384"],"kid":"ec"}`, "jwt.alg"},
		"alg in lower case":          {`{"alg":"es384","kid":"ec"}`, "jwt.alg"},
		"ATT-03 PS384 unlisted":      {`{"alg":"PS384","kid":"rsa"}`, "jwt.alg"},
		"ATT-03 RS384 for EC":        {`{"alg":"RS384","kid":"ec"}`, "jwt.kid"},
		"ATT-03 ES384 for RSA":       {`{"alg":"ES384","kid":"rsa"}`, "jwt.kid"},
		"ATT-07 kid absent":          {`{"alg":"ES384"}`, "jwt.kid"},
		"ATT-07 kid unknown":         {`{"alg":"ES384","kid":"other"}`, "jwt.kid"},
		"ATT-07 kid is a number":     {`{"alg":"ES384","kid":1}`, "jwt.kid"},
		"ATT-07 kid of 10 kB":        {`{"alg":"ES384","kid":"` + strings.Repeat("k", 10_000) + `"}`, "jwt.kid"},
		"ATT-07 kid is a path":       {`{"alg":"ES384","kid":"../../etc/passwd"}`, "jwt.kid"},
		"ATT-07 kid is SQL":          {`{"alg":"ES384","kid":"' OR 1=1 --"}`, "jwt.kid"},
		"duplicate member":           {`{"alg":"ES384","alg":"none","kid":"ec"}`, "jwt.json"},
		"escaped duplicate":          {`{"alg":"ES384","\u0061lg":"none","kid":"ec"}`, "jwt.json"},
		"duplicate deeper":           {`{"alg":"ES384","kid":"ec","x":{"a":1,"a":2}}`, "jwt.json"},
		"header is an array":         {`["ES384"]`, "jwt.json"},
		"header has a tail":          {goodHeader + `{}`, "jwt.json"},
		"header is cut":              {`{"alg":"ES384"`, "jwt.json"},
		"header is not UTF-8":        {"{\"alg\":\"ES384\",\"kid\":\"\xff\"}", "jwt.json"},
		"white space in the header":  {"{ \"alg\" : \"ES384\",\n\"kid\":\"ec\" } ", ""},
		"member after a nested one":  {`{"x":{"y":[1,2]},"alg":"ES384","kid":"ec"}`, ""},
		"forbidden member is nested": {`{"x":{"jwk":1},"alg":"ES384","kid":"ec"}`, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := input(c.header, goodClaims)
			if got := k.judge(in + "." + b64(k.signEC(t, in))); got != c.rule {
				t.Errorf("rule = %q, want %q", got, c.rule)
			}
		})
	}
}

// TestATT03_AnAllowedAlgorithmStillNeedsItsKey: all algorithms are allowed, and each key has its own.
func TestATT03_AnAllowedAlgorithmStillNeedsItsKey(t *testing.T) {
	t.Parallel()
	k := newKeys(t)
	all := []string{jose.RS384, jose.ES384, jose.ES256, jose.PS256, jose.PS384}
	for header, rule := range map[string]string{
		`{"alg":"ES256","kid":"ec"}`: "jwt.kid", `{"alg":"ES256","kid":"rsa"}`: "jwt.kid", `{"alg":"PS384","kid":"ec"}`: "jwt.kid",
		`{"alg":"PS256","kid":"rsa"}`: "jwt.sig", `{"alg":"PS384","kid":"rsa"}`: "jwt.sig", `{"alg":"RS384","kid":"ec"}`: "jwt.kid",
		`{"alg":"ES384","kid":"ec"}`: "",
	} {
		in := input(header, goodClaims)
		sig := k.signEC(t, in)
		if strings.Contains(header, "rsa") {
			sig = k.signRSA(t, in)
		}
		if got := k.judge(in+"."+b64(sig), all...); got != rule {
			t.Errorf("%s: %q, want %q", header, got, rule)
		}
	}
}

func TestSMART321_ATT01_14_CompactForm(t *testing.T) {
	t.Parallel()
	k := newKeys(t)
	in := input(goodHeader, goodClaims)
	sig := b64(k.signEC(t, in))
	head, body, _ := strings.Cut(in, ".")
	huge := input(goodHeader, `{"x":"`+strings.Repeat("a", 13_000)+`"}`)
	cases := map[string]struct{ compact, rule string }{
		"straight":               {in + "." + sig, ""},
		"ATT-01 empty signature": {in + ".", "jwt.form"},
		"ATT-14 two parts":       {in, "jwt.form"},
		"ATT-14 four parts":      {in + "." + sig + "." + sig, "jwt.form"},
		"ATT-14 five parts":      {in + "." + sig + ".a.b", "jwt.form"},
		"ATT-14 padding":         {head + "=." + body + "." + sig, "jwt.form"},
		"ATT-14 blank":           {head + "." + body + " ." + sig, "jwt.form"},
		"ATT-14 line break":      {head + "." + body + "\n." + sig, "jwt.form"},
		"break inside a part":    {in[:5] + "\r\n" + in[5:] + "." + sig, "jwt.form"},
		"plain base64 alphabet":  {head + "." + body + ".+/", "jwt.form"},
		"trailing bits":          {head[:len(head)-1] + "1." + body + "." + sig, "jwt.form"}, // the last one is 0
		"empty":                  {"", "jwt.form"},
		"dots":                   {"..", "jwt.form"},
		"larger than 16 KiB":     {huge + "." + sig, "jwt.form"},
		"JSON serialisation":     {`{"payload":"` + body + `","protected":"` + head + `","signature":"` + sig + `"}`, "jwt.form"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := k.judge(c.compact); got != c.rule {
				t.Errorf("rule = %q, want %q", got, c.rule)
			}
		})
	}
}

func TestSMART324_ATT08_09_10_11_ClaimsAreExact(t *testing.T) {
	t.Parallel()
	k := newKeys(t)
	with := func(member string) string { return strings.TrimSuffix(goodClaims, "}") + "," + member + "}" }
	without := func(name string) string {
		var m map[string]any
		check(t, json.Unmarshal([]byte(goodClaims), &m))
		delete(m, name)
		return string(toJSON(t, m))
	}
	swap := func(old, by string) string { return strings.Replace(goodClaims, old, by, 1) }
	cases := map[string]struct{ claims, rule string }{
		"straight":                 {goodClaims, ""},
		"iat and nbf":              {with(`"iat":1700000000,"nbf":0`), ""},
		"aud array of one":         {swap(`"https://as.example/auth/token"`, `["https://as.example/auth/token"]`), ""},
		"ATT-09 aud array of two":  {swap(`"https://as.example/auth/token"`, `["https://as.example/auth/token","https://evil.example"]`), "jwt.aud"},
		"ATT-09 aud array of none": {swap(`"https://as.example/auth/token"`, `[]`), "jwt.aud"},
		"ATT-09 aud absent":        {without("aud"), "jwt.aud"},
		"aud is an object":         {swap(`"https://as.example/auth/token"`, `{}`), "jwt.aud"},
		"ATT-10 iss absent":        {without("iss"), "jwt.iss"},
		"sub absent":               {without("sub"), "jwt.sub"},
		"sub is null":              {swap(`"sub":"c"`, `"sub":null`), "jwt.sub"},
		"ATT-08 exp absent":        {without("exp"), "jwt.exp"},
		"ATT-08 exp string":        {swap("1700000300", `"1700000300"`), "jwt.exp"},
		"ATT-08 exp float":         {swap("1700000300", "1700000300.5"), "jwt.exp"},
		"exp float without rest":   {swap("1700000300", "1700000300.0"), "jwt.exp"},
		"ATT-08 exp 1e400":         {swap("1700000300", "1e400"), "jwt.exp"},
		"exp with exponent":        {swap("1700000300", "17e8"), "jwt.exp"},
		"exp beyond 2^53":          {swap("1700000300", "9007199254740993"), "jwt.exp"},
		"exp of 30 digits":         {swap("1700000300", strings.Repeat("9", 30)), "jwt.exp"},
		"exp null":                 {swap("1700000300", "null"), "jwt.exp"},
		"nbf string":               {with(`"nbf":"0"`), "jwt.nbf"},
		"iat float":                {with(`"iat":1.5`), "jwt.iat"},
		"ATT-11 jti absent":        {without("jti"), "jwt.jti"},
		"ATT-11 jti empty":         {swap(`"j1"`, `""`), "jwt.jti"},
		"ATT-11 jti number":        {swap(`"j1"`, `1`), "jwt.jti"},
		"jti of 255 bytes":         {swap(`"j1"`, `"`+strings.Repeat("j", 255)+`"`), ""},
		"jti of 256 bytes":         {swap(`"j1"`, `"`+strings.Repeat("j", 256)+`"`), "jwt.jti"},
		"ATT-14 duplicate iss":     {with(`"iss":"other"`), "jwt.json"},
		"claims are a string":      {`"claims"`, "jwt.json"},
		"claims are cut":           {goodClaims[:20], "jwt.json"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := input(goodHeader, c.claims)
			if got := k.judge(in + "." + b64(k.signEC(t, in))); got != c.rule {
				t.Errorf("rule = %q, want %q", got, c.rule)
			}
		})
	}
}

func TestClaimsAreReadAsSent(t *testing.T) {
	t.Parallel()
	k := newKeys(t)
	in := input(goodHeader, `{"iss":"i","sub":"s","aud":["a"],"exp":9007199254740992,"nbf":-5,"jti":"j"}`)
	a, err := jose.ParseAssertion(in + "." + b64(k.signEC(t, in)))
	check(t, err)
	want := jose.Claims{Issuer: "i", Subject: "s", Audience: "a", ID: "j", Expires: jose.At(1 << 53), NotBefore: jose.At(-5)}
	if a.Claims != want {
		t.Errorf("claims = %+v, want %+v", a.Claims, want)
	}
}

func TestATT02_HMACWithThePublicKey(t *testing.T) {
	t.Parallel()
	k := newKeys(t)
	der, err := x509.MarshalPKIXPublicKey(&k.ec.PublicKey)
	check(t, err)
	secrets := map[string][]byte{
		"PEM": pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}),
		"DER": der,
		"JWK": toJSON(t, ecJWK(t, &k.ec.PublicKey, "ec")),
	}
	for name, secret := range secrets {
		for alg, h := range map[string]crypto.Hash{"HS256": crypto.SHA256, "HS384": crypto.SHA384, "HS512": crypto.SHA512} {
			in := input(fmt.Sprintf(`{"alg":"%s","kid":"ec"}`, alg), goodClaims)
			mac := hmac.New(h.New, secret)
			mac.Write([]byte(in))
			// Even a caller that allowed the name gets no symmetric verification.
			for _, allowed := range [][]string{{jose.RS384, jose.ES384}, {alg}} {
				if got := k.judge(in+"."+b64(mac.Sum(nil)), allowed...); got != "jwt.alg" {
					t.Errorf("%s with %s: rule = %q, want jwt.alg", alg, name, got)
				}
			}
		}
	}
}

func TestATT14_Signatures(t *testing.T) {
	t.Parallel()
	k := newKeys(t)
	in := input(goodHeader, goodClaims)
	h := sha512.Sum384([]byte(in))
	der, err := ecdsa.SignASN1(rand.Reader, k.ec, h[:])
	check(t, err)
	good := k.signEC(t, in)
	flipped := append([]byte{}, good...)
	flipped[50] ^= 1
	rsaIn := input(`{"alg":"RS384","kid":"rsa"}`, goodClaims)
	short := sha256.Sum256([]byte(rsaIn))
	rs256, err := rsa.SignPKCS1v15(rand.Reader, k.rsa, crypto.SHA256, short[:])
	check(t, err)
	cases := map[string]struct{ compact, rule string }{
		"straight ES384":            {in + "." + b64(good), ""},
		"straight RS384":            {rsaIn + "." + b64(k.signRSA(t, rsaIn)), ""},
		"DER form":                  {in + "." + b64(der), "jwt.sig"},
		"zero":                      {in + "." + b64(make([]byte, 96)), "jwt.sig"},
		"truncated":                 {in + "." + b64(good[:95]), "jwt.sig"},
		"lengthened":                {in + "." + b64(append(append([]byte{}, good...), 0)), "jwt.sig"},
		"one bit flipped":           {in + "." + b64(flipped), "jwt.sig"},
		"payload of another":        {input(goodHeader, strings.Replace(goodClaims, "j1", "j2", 1)) + "." + b64(good), "jwt.sig"},
		"RS256 signature for RS384": {rsaIn + "." + b64(rs256), "jwt.sig"},
		"RSA signature for ES384":   {in + "." + b64(k.signRSA(t, in)), "jwt.sig"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := k.judge(c.compact); got != c.rule {
				t.Errorf("rule = %q, want %q", got, c.rule)
			}
		})
	}
}

func TestErrorsHoldNoInput(t *testing.T) {
	t.Parallel()
	const marker = "999990019"
	for _, compact := range []string{
		input(`{"alg":"`+marker+`"}`, goodClaims) + ".AA",
		input(`{"`+marker+`":1,"`+marker+`":2}`, goodClaims) + ".AA",
		input(goodHeader, `{"iss":"`+marker+`","iss":1}`) + ".AA",
		input(goodHeader, `{"iss":`+marker+`}`) + ".AA",
	} {
		if _, err := jose.ParseAssertion(compact); err != nil && strings.Contains(err.Error(), marker) {
			t.Errorf("the error repeats its input: %v", err)
		}
	}
}

func FuzzParseAssertion(f *testing.F) {
	k := newKeys(f)
	in := input(goodHeader, goodClaims)
	f.Add(in + "." + b64(k.signEC(f, in)))
	f.Add(input(`{"alg":"none","kid":"k"}`, `{"exp":1e400}`) + ".AA")
	f.Add("..")
	f.Fuzz(func(t *testing.T, compact string) {
		a, err := jose.ParseAssertion(compact)
		if err != nil {
			if jose.RuleOf(err) == "" {
				t.Errorf("a refusal without a rule: %v", err)
			}
			return
		}
		c := a.Claims
		if c.Issuer == "" || c.Subject == "" || c.ID == "" || !c.Expires.Sent || a.Header.KeyID == "" || a.Header.Alg == "" {
			t.Errorf("accepted without a required member: %+v", a)
		}
		if a.Verify(k.set, []string{jose.RS384, jose.ES384}) == nil && compact[:len(in)] != in {
			t.Error("a forged assertion verifies")
		}
	})
}
