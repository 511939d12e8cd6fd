package smart_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/drieluik/drieluik/auth/smart"
)

func TestSMART321_307_ATT10_12_AssertionParameters(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	k := ecKey(t, "k")
	b.backend("homecare", k)
	cases := map[string]struct {
		pairs  []string
		status int
		code   string
		rule   string
	}{
		"ATT-12 type absent":      {[]string{"client_assertion_type", ""}, 401, "invalid_client", "jwt.type"},
		"ATT-12 type wrong":       {[]string{"client_assertion_type", jwtBearer + "x"}, 401, "invalid_client", "jwt.type"},
		"type in upper case":      {[]string{"client_assertion_type", strings.ToUpper(jwtBearer)}, 401, "invalid_client", "jwt.type"},
		"assertion absent":        {[]string{"client_assertion", ""}, 401, "invalid_client", "jwt.type"},
		"nothing at all":          {[]string{"client_assertion", "", "client_assertion_type", ""}, 401, "invalid_client", "client.none"},
		"client_id alone":         {[]string{"client_assertion", "", "client_assertion_type", "", "client_id", "homecare"}, 401, "invalid_client", "client.none"},
		"client_id is the same":   {[]string{"client_id", "homecare"}, 200, "", ""},
		"ATT-10 other client_id":  {[]string{"client_id", "hospital"}, 401, "invalid_client", "jwt.iss"},
		"ATT-12 secret beside":    {[]string{"client_secret", "s"}, 400, "invalid_request", "client.two"},
		"larger than 16 KiB":      {[]string{"client_assertion", strings.Repeat("a", 16<<10) + ".b.c"}, 401, "invalid_client", "jwt.form"},
		"SAML bearer is no match": {[]string{"client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"}, 401, "invalid_client", "jwt.type"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := b.token("homecare", k, c.pairs...)
			if c.status == http.StatusOK {
				if a.status != c.status {
					t.Errorf("%d %s", a.status, a.body)
				}
				return
			}
			wantFault(t, a, c.status, c.code, c.rule)
			if a.header.Get("WWW-Authenticate") != "" {
				t.Error("a challenge without Basic") // SMART-307
			}
		})
	}
}

func TestATT12_AssertionTwice(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	k := ecKey(t, "k")
	b.backend("homecare", k)
	f := tokenForm(b.assertion("homecare", k, nil))
	f.Add("client_assertion", b.assertion("homecare", k, nil))
	wantFault(t, b.post("/auth/token", f), 400, "invalid_request", "form.repeat")
}

func TestSMART324_ATT08_09_10_11_Claims(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	k := ecKey(t, "k")
	b.backend("homecare", k)
	b.backend("stopped", k)
	check(t, b.registry.Disable(t.Context(), "stopped"))
	now := b.clock().Unix()
	cases := map[string]struct {
		client string
		change map[string]any
		rule   string
	}{
		"straight":                  {"homecare", nil, ""},
		"aud is the issuer":         {"homecare", map[string]any{"aud": base}, ""},
		"aud is an array of one":    {"homecare", map[string]any{"aud": []string{base + "/auth/token"}}, ""},
		"no iat":                    {"homecare", map[string]any{"iat": nil}, ""},
		"exp 59 s ago":              {"homecare", map[string]any{"exp": now - 59}, ""},
		"exp 360 s ahead":           {"homecare", map[string]any{"exp": now + 360}, ""},
		"nbf 60 s ahead":            {"homecare", map[string]any{"nbf": now + 60}, ""},
		"ATT-08 exp 60 s ago":       {"homecare", map[string]any{"exp": now - 60}, "jwt.exp"},
		"ATT-08 exp 361 s ahead":    {"homecare", map[string]any{"exp": now + 361}, "jwt.exp_far"},
		"exp at 2^53":               {"homecare", map[string]any{"exp": int64(1) << 53}, "jwt.exp_far"},
		"ATT-08 exp negative":       {"homecare", map[string]any{"exp": -1}, "jwt.exp"},
		"ATT-08 exp in ms":          {"homecare", map[string]any{"exp": now * 1000}, "jwt.exp_far"},
		"ATT-08 nbf 61 s ahead":     {"homecare", map[string]any{"nbf": now + 61}, "jwt.nbf"},
		"ATT-08 iat 61 s ahead":     {"homecare", map[string]any{"iat": now + 61}, "jwt.iat"},
		"ATT-09 aud of a stranger":  {"homecare", map[string]any{"aud": "https://evil.example"}, "jwt.aud"},
		"ATT-09 aud is FHIR":        {"homecare", map[string]any{"aud": base + "/fhir"}, "jwt.aud"},
		"ATT-09 aud with a suffix":  {"homecare", map[string]any{"aud": base + "/auth/token/"}, "jwt.aud"},
		"ATT-09 aud is a prefix":    {"homecare", map[string]any{"aud": base + "/auth/toke"}, "jwt.aud"},
		"ATT-09 aud with stranger":  {"homecare", map[string]any{"aud": []string{base + "/auth/token", "https://evil.example"}}, "jwt.aud"},
		"ATT-09 aud array of none":  {"homecare", map[string]any{"aud": []string{}}, "jwt.aud"},
		"ATT-10 iss differs":        {"homecare", map[string]any{"iss": "other"}, "jwt.sub"},
		"ATT-10 sub differs":        {"homecare", map[string]any{"sub": "other"}, "jwt.sub"},
		"ATT-10 unknown client":     {"nobody", nil, "client.auth"},
		"ATT-10 disabled client":    {"stopped", nil, "client.auth"},
		"client id is a path":       {"../homecare", nil, "client.auth"},
		"client id with a NUL":      {"homecare\x00", nil, "client.auth"},
		"ATT-11 jti missing":        {"homecare", map[string]any{"jti": nil}, "jwt.jti"},
		"unknown claims are a gift": {"homecare", map[string]any{"x": map[string]any{"y": 1}}, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := b.post("/auth/token", tokenForm(b.assertion(c.client, k, c.change)))
			if c.rule == "" {
				if a.status != http.StatusOK {
					t.Errorf("%d %s", a.status, a.body)
				}
				return
			}
			wantFault(t, a, 401, "invalid_client", c.rule)
		})
	}
}

func TestATT05_JKU(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	k := ecKey(t, "k")
	b.backend("homecare", k)
	for _, jku := range []string{"https://evil.example/jwks", base + "/jwks"} {
		compact := k.compact(string(toJSON(merge(k.header(), map[string]any{"jku": jku}))), string(toJSON(b.claims("homecare"))))
		wantFault(t, b.post("/auth/token", tokenForm(compact)), 401, "invalid_client", "jwt.jku")
	}
}

func TestSMART322_PinnedAlgorithms(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ec, rs := ecKey(t, "ec"), rsaKey(t, "rsa")
	b.add(smart.Client{ID: "pinned", Name: "Pinned", Type: smart.TypeBackend, Scope: scope, JWKS: jwks(ec, rs),
		AssertionAlgs: []string{"ES384", "ES256"}, Organization: "urn:x|1"})
	b.bearer("pinned", ec)
	a := b.token("pinned", rs)
	wantFault(t, a, 401, "invalid_client", "jwt.alg")
	if d := a.text("error_description"); !strings.HasSuffix(d, "Allowed: ES384.") { // ES256 is not in the settings
		t.Errorf("description = %q", d)
	}
}

func TestSMART323_WrongKeys(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	k, stranger := ecKey(t, "k"), ecKey(t, "k")
	b.backend("homecare", k)
	wantFault(t, b.token("homecare", stranger), 401, "invalid_client", "jwt.sig")
	stranger.kid = "other"
	wantFault(t, b.token("homecare", stranger), 401, "invalid_client", "jwt.kid")
	b.bearer("homecare", k)
}

func TestSMART325_ATT11_Replay(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	k := ecKey(t, "k")
	b.backend("homecare", k)
	b.backend("hospital", k)
	used := b.assertion("homecare", k, map[string]any{"jti": "same"})
	form := tokenForm(used)
	if a := b.post("/auth/token", form); a.status != http.StatusOK {
		t.Fatalf("first: %s", a.body)
	}
	wantFault(t, b.post("/auth/token", form), 401, "invalid_client", "jwt.replay")
	again := b.assertion("homecare", k, map[string]any{"jti": "same", "exp": b.clock().Unix() + 200})
	wantFault(t, b.post("/auth/token", tokenForm(again)), 401, "invalid_client", "jwt.replay")
	for _, path := range []string{"/auth/introspect", "/auth/revoke"} { // at T, then elsewhere
		f := url.Values{"token": {"x"}, "client_assertion_type": {jwtBearer}, "client_assertion": {used}}
		wantFault(t, b.post(path, f), 401, "invalid_client", "jwt.replay")
	}
	other := b.assertion("hospital", k, map[string]any{"jti": "same"})
	if a := b.post("/auth/token", tokenForm(other)); a.status != http.StatusOK {
		t.Errorf("the same jti of another client: %s", a.body)
	}
	b.advance(359 * time.Second) // its exp is 59 s ago, within the skew
	wantFault(t, b.post("/auth/token", form), 401, "invalid_client", "jwt.replay")
}

func TestSMART325_AFailedAssertionSpendsNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	k, stranger := ecKey(t, "k"), ecKey(t, "k")
	b.backend("homecare", k)
	wantFault(t, b.post("/auth/token", tokenForm(b.assertion("homecare", stranger, map[string]any{"jti": "mine"}))), 401, "invalid_client", "jwt.sig")
	if a := b.post("/auth/token", tokenForm(b.assertion("homecare", k, map[string]any{"jti": "mine"}))); a.status != http.StatusOK {
		t.Errorf("a stranger spent the jti: %s", a.body)
	}
}

func TestATT14_DuplicateClaim(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	k := ecKey(t, "k")
	b.backend("homecare", k)
	claims := strings.Replace(string(toJSON(b.claims("homecare"))), "{", `{"iss":"hospital",`, 1)
	if !json.Valid([]byte(claims)) {
		t.Fatal("the test's claims are no JSON")
	}
	wantFault(t, b.post("/auth/token", tokenForm(k.compact(string(toJSON(k.header())), claims))), 401, "invalid_client", "jwt.json")
}

func TestATT70_Clock(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	k := ecKey(t, "k")
	b.backend("homecare", k)
	for skew, ok := range map[time.Duration]bool{
		0: true, 60 * time.Second: true, -60 * time.Second: true, 10 * time.Minute: false, -10 * time.Minute: false,
	} {
		at := b.clock().Add(skew).Unix() // the client's clock
		a := b.post("/auth/token", tokenForm(b.assertion("homecare", k, map[string]any{"iat": at, "nbf": at, "exp": at + 300})))
		if (a.status == http.StatusOK) != ok {
			t.Errorf("skew %v: %d %s", skew, a.status, a.body)
		}
	}
}
