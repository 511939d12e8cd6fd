package smart_test

import (
	"compress/gzip"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/drieluik/drieluik/auth/smart"
)

func TestSMART303_TokenForES384AndRS384(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ec, rs := ecKey(t, "ec-1"), rsaKey(t, "rsa-1")
	b.backend("homecare", ec, rs)
	for _, k := range []*testKey{ec, rs} {
		a := b.token("homecare", k)
		if a.status != http.StatusOK {
			t.Fatalf("%s: %d %s", k.alg(), a.status, a.body)
		}
		if !regexp.MustCompile(`^dra_[A-Za-z0-9_-]{43}$`).MatchString(a.text("access_token")) {
			t.Errorf("access_token has another form")
		}
		if a.json["token_type"] != "Bearer" || a.json["expires_in"] != 300.0 || a.json["scope"] != "system/CarePlan.rs" {
			t.Errorf("answer = %s", a.body)
		}
		if len(a.json) != 4 {
			t.Errorf("a backend token has no other member: %s", a.body)
		}
	}
}

func TestSMART301_Transport(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	form := "application/x-www-form-urlencoded"
	many := strings.Repeat("a=1&", 100) + "a=1"
	cases := map[string]struct {
		method, target, body string
		headers              []string
		status               int
		rule                 string
	}{
		"GET":                   {"GET", "/auth/token", "", []string{"Content-Type", form}, 405, "form.method"},
		"PUT":                   {"PUT", "/auth/token", "", []string{"Content-Type", form}, 405, "form.method"},
		"override is ignored":   {"GET", "/auth/token", "", []string{"Content-Type", form, "X-HTTP-Method-Override", "POST"}, 405, "form.method"},
		"JSON":                  {"POST", "/auth/token", "{}", []string{"Content-Type", "application/json"}, 415, "form.type"},
		"multipart":             {"POST", "/auth/token", "", []string{"Content-Type", "multipart/form-data; boundary=x"}, 415, "form.type"},
		"no type":               {"POST", "/auth/token", "", nil, 415, "form.type"},
		"two types":             {"POST", "/auth/token", "", []string{"Content-Type", form, "Content-Type", form}, 415, "form.type"},
		"latin1":                {"POST", "/auth/token", "", []string{"Content-Type", form + "; charset=iso-8859-1"}, 415, "form.type"},
		"utf-8 is fine":         {"POST", "/auth/token", "", []string{"Content-Type", form + "; charset=UTF-8"}, 400, "form.missing"},
		"compressed":            {"POST", "/auth/token", gzipped(t), []string{"Content-Type", form, "Content-Encoding", "gzip"}, 415, "form.type"},
		"65 KiB":                {"POST", "/auth/token", "a=" + strings.Repeat("b", 65<<10), []string{"Content-Type", form}, 413, "form.size"},
		"64 KiB is read":        {"POST", "/auth/token", "a=" + strings.Repeat("b", 64<<10-2), []string{"Content-Type", form}, 400, "form.missing"},
		"101 keys":              {"POST", "/auth/token", many, []string{"Content-Type", form}, 400, "form.encoding"},
		"bad percent":           {"POST", "/auth/token", "grant_type=%zz", []string{"Content-Type", form}, 400, "form.encoding"},
		"invalid UTF-8":         {"POST", "/auth/token", "grant_type=%ff", []string{"Content-Type", form}, 400, "form.encoding"},
		"NUL":                   {"POST", "/auth/token", "grant_type=%00", []string{"Content-Type", form}, 400, "form.encoding"},
		"SMART-302 query":       {"POST", "/auth/token?grant_type=client_credentials", "", []string{"Content-Type", form}, 400, "form.query"},
		"SMART-302 empty query": {"POST", "/auth/token?", "", []string{"Content-Type", form}, 400, "form.query"},
		"SMART-302 repeated":    {"POST", "/auth/token", "scope=a&scope=a", []string{"Content-Type", form}, 400, "form.repeat"},
		"repeated, one empty":   {"POST", "/auth/token", "scope=&scope=a", []string{"Content-Type", form}, 400, "form.repeat"},
		"repeated, escaped":     {"POST", "/auth/token", "scope=a&sc%6fpe=a", []string{"Content-Type", form}, 400, "form.repeat"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest(c.method, c.target, strings.NewReader(c.body))
			for i := 0; i < len(c.headers); i += 2 {
				r.Header.Add(c.headers[i], c.headers[i+1])
			}
			a := b.do(r)
			wantFault(t, a, c.status, "invalid_request", c.rule)
			if c.status == 405 && a.header.Get("Allow") == "" {
				t.Error("405 without Allow")
			}
		})
	}
}

func gzipped(t *testing.T) string {
	t.Helper()
	var sb strings.Builder
	w := gzip.NewWriter(&sb)
	_, err := w.Write([]byte("grant_type=client_credentials"))
	check(t, err)
	check(t, w.Close())
	return sb.String()
}

func TestSMART302_RepeatedParameterIsNamedOnlyWhenKnown(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	post := func(body string) string {
		r := httptest.NewRequest("POST", "/auth/token", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		return b.do(r).text("error_description")
	}
	if d := post("scope=a&scope=b"); !strings.HasSuffix(d, " scope") {
		t.Errorf("description %q must name scope", d)
	}
	if d := post("bsn999990019=a&bsn999990019=b"); strings.Contains(d, "999990019") {
		t.Errorf("description %q echoes input", d)
	}
}

func TestSMART304_HeadersOfEveryAnswer(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	k := ecKey(t, "k")
	b.backend("homecare", k)
	answers := map[string]answer{
		"success": b.token("homecare", k),
		"400":     b.post("/auth/token", url.Values{}),
		"401":     b.token("nobody", k),
		"405":     b.do(httptest.NewRequest("GET", "/auth/token", nil)),
		"415":     b.do(httptest.NewRequest("POST", "/auth/token", nil)),
	}
	want := map[string]string{
		"Content-Type": "application/json", "Cache-Control": "no-store", "Pragma": "no-cache", "X-Content-Type-Options": "nosniff",
	}
	for name, a := range answers {
		for header, value := range want {
			if got := a.header.Get(header); got != value {
				t.Errorf("%s: %s = %q, want %q", name, header, got, value)
			}
		}
		if a.header.Get("X-Request-Id") == "" {
			t.Errorf("%s: no X-Request-Id", name)
		}
	}
}

func TestSMART305_ErrorForm(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	k := ecKey(t, "k")
	a := b.token("nobody", k)
	for _, r := range a.text("error_description") {
		if r < ' ' || r > '~' || r == '"' || r == '\\' {
			t.Errorf("description holds %q", r)
		}
	}
	if want := base + "/auth/errors#client.auth"; a.text("error_uri") != want {
		t.Errorf("error_uri = %q, want %q", a.text("error_uri"), want)
	}
	if len(a.json) != 3 {
		t.Errorf("error has other members: %s", a.body)
	}
}

func TestSMART306_GrantTypes(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	k := ecKey(t, "k")
	b.backend("homecare", k)
	cases := map[string]struct{ grant, code, rule string }{
		"absent":             {"", "invalid_request", "form.missing"},
		"password":           {"password", "unsupported_grant_type", "grant.type"},
		"implicit":           {"implicit", "unsupported_grant_type", "grant.type"},
		"token exchange":     {"urn:ietf:params:oauth:grant-type:token-exchange", "unsupported_grant_type", "grant.type"},
		"jwt bearer":         {"urn:ietf:params:oauth:grant-type:jwt-bearer", "unsupported_grant_type", "grant.type"},
		"upper case":         {"CLIENT_CREDENTIALS", "unsupported_grant_type", "grant.type"},
		"code of a backend":  {"authorization_code", "unauthorized_client", "grant.client"},
		"refresh, a backend": {"refresh_token", "unauthorized_client", "grant.client"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantFault(t, b.token("homecare", k, "grant_type", c.grant), 400, c.code, c.rule)
		})
	}
}

func TestSMART306_PublicClientMayNotUseClientCredentials(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.add(smart.Client{ID: "app", Name: "App", Type: smart.TypePublic, Scope: "patient/Patient.r",
		RedirectURIs: []string{"https://app.example/cb"}, Organization: "urn:x|1"})
	a := b.post("/auth/token", url.Values{"grant_type": {"client_credentials"}, "scope": {"system/*.rs"}, "client_id": {"app"}})
	wantFault(t, a, 400, "unauthorized_client", "grant.client")
}

func TestSMART309_Scopes(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	k := ecKey(t, "k")
	b.backend("homecare", k)
	b.add(smart.Client{ID: "wild", Name: "Wild", Type: smart.TypeBackend, Scope: "system/*.rs system/Observation.rs?category=vital-signs",
		DefaultScope: "system/Patient.r", JWKS: jwks(k), Organization: "urn:x|1"})
	cases := map[string]struct{ client, asked, granted, rule string }{
		"whole":                       {"homecare", "system/CarePlan.rs", "system/CarePlan.rs", ""},
		"order asked is kept":         {"homecare", "system/Patient.r system/CarePlan.rs", "system/Patient.r system/CarePlan.rs", ""},
		"less than asked":             {"homecare", "system/CarePlan.cruds", "system/CarePlan.rs", ""},
		"v1 granted whole stays v1":   {"homecare", "system/CarePlan.read", "system/CarePlan.read", ""},
		"v1 granted in part is v2":    {"homecare", "system/CarePlan.*", "system/CarePlan.rs", ""},
		"wildcard asked is expanded":  {"homecare", "system/*.rs", "system/CarePlan.rs system/Patient.r", ""},
		"wildcard registered stays":   {"wild", "system/*.rs", "system/*.rs", ""},
		"type under a wildcard":       {"wild", "system/Patient.rs", "system/Patient.rs", ""},
		"user levels are dropped":     {"homecare", "patient/Patient.r user/Patient.r openid launch offline_access system/Patient.r", "system/Patient.r", ""},
		"only user levels":            {"homecare", "patient/Patient.r openid", "", "scope.none"},
		"unknown words are dropped":   {"homecare", "system/Patient.dus system/Patient.sr Patient.r x system/Patient.r", "system/Patient.r", ""},
		"unregistered type":           {"homecare", "system/Observation.rs", "", "scope.none"},
		"type that is not served":     {"wild", "system/Basic.rs system/Patient.r", "system/Patient.r", ""},
		"unserved type alone":         {"wild", "system/Basic.rs", "", "scope.none"},
		"own scope":                   {"homecare", "drieluik/introspect", "drieluik/introspect", ""},
		"own scope not registered":    {"wild", "drieluik/introspect", "", "scope.none"},
		"absent":                      {"homecare", "", "", "scope.missing"},
		"blank":                       {"homecare", "  ", "", "scope.missing"},
		"default scope":               {"wild", "", "system/Patient.r", ""},
		"tab":                         {"homecare", "system/Patient.r\tsystem/CarePlan.rs", "", "scope.form"},
		"homoglyph":                   {"homecare", "system/Раtient.r", "", "scope.form"},
		"201 scopes":                  {"homecare", strings.Repeat("system/Patient.r ", 201), "", "scope.form"},
		"runs of blanks":              {"homecare", "  system/Patient.r   system/CarePlan.rs ", "system/Patient.r system/CarePlan.rs", ""},
		"granular with modifier":      {"homecare", "system/Patient.r system/Observation.rs?code:in=x", "", "scope.granular"},
		"granular on a wildcard type": {"homecare", "system/*.rs?code=x", "", "scope.granular"},
		"a repeat is given once":      {"homecare", "system/Patient.r system/Patient.r", "system/Patient.r", ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := b.token(c.client, k, "scope", c.asked)
			if c.rule != "" {
				wantFault(t, a, 400, "invalid_scope", c.rule)
				return
			}
			if a.text("scope") != c.granted {
				t.Errorf("scope = %q (%s), want %q", a.text("scope"), a.body, c.granted)
			}
		})
	}
}

func TestSMART310_Resource(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	k := ecKey(t, "k")
	b.backend("homecare", k)
	for _, name := range []string{"resource", "audience"} {
		if a := b.token("homecare", k, name, base+"/fhir"); a.status != 200 {
			t.Errorf("%s of the FHIR base: %s", name, a.body)
		}
		for _, wrong := range []string{base, base + "/fhir/", base + "/fhir/x", "https://evil.example/fhir"} {
			wantFault(t, b.token("homecare", k, name, wrong), 400, "invalid_target", "target")
		}
	}
}

func TestSMART115_PurposeOfUse(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	k := ecKey(t, "k")
	c := smart.Client{ID: "plain", Name: "Plain", Type: smart.TypeBackend, Scope: scope, JWKS: jwks(k), Organization: "urn:x|1"}
	b.add(c)
	c.ID, c.Purposes = "coc", []string{"COC", "BTG", "PUBHLTH"}
	b.add(c)
	c.ID, c.Purposes, c.Admin = "admin", []string{"HCOMPL", "COC"}, true
	b.add(c)
	cases := []struct{ client, asked, purpose string }{
		{"plain", "", "TREAT"}, {"plain", "TREAT", "TREAT"}, {"plain", "COC", ""}, {"plain", "FAMRQT", ""},
		{"coc", "", "TREAT"}, {"coc", "COC", "COC"}, {"coc", "BTG", ""}, {"coc", "PUBHLTH", "PUBHLTH"}, {"plain", "PUBHLTH", ""}, {"admin", "PUBHLTH", ""},
		{"admin", "", "HSYSADMIN"}, {"admin", "HCOMPL", "HCOMPL"}, {"admin", "COC", ""},
	}
	for _, c := range cases {
		t.Run(c.client+" asks "+c.asked, func(t *testing.T) {
			t.Parallel()
			a := b.token(c.client, k, "purpose_of_use", c.asked)
			if c.purpose == "" {
				wantFault(t, a, 400, "invalid_request", "authz.purpose")
				return
			}
			p, err := b.server.Authenticate(withBearer(a.text("access_token")))
			check(t, err)
			if p.Purpose != c.purpose {
				t.Errorf("purpose = %q, want %q", p.Purpose, c.purpose)
			}
		})
	}
}

func TestSMART312_TokenRatePerClient(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(c *smart.Config) { c.Settings.TokenRate, c.Settings.TokenBurst = 1, 3 })
	k := ecKey(t, "k")
	b.backend("homecare", k)
	b.backend("hospital", k)
	for range 3 {
		b.bearer("homecare", k)
	}
	a := b.token("homecare", k)
	wantFault(t, a, 429, "temporarily_unavailable", "client.rate")
	if a.header.Get("Retry-After") == "" {
		t.Error("429 without Retry-After")
	}
	b.bearer("hospital", k) // feels nothing
	b.advance(time.Second)
	b.bearer("homecare", k)
}

func TestSMART312_AssertionFailuresPerAddress(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	k := ecKey(t, "k")
	b.backend("homecare", k)
	for range 600 {
		wantFault(t, b.post("/auth/token", tokenForm("a.b.c")), 401, "invalid_client", "jwt.form")
	}
	wantFault(t, b.post("/auth/token", tokenForm("a.b.c")), 429, "temporarily_unavailable", "client.rate")
	b.bearer("homecare", k) // a stranger's failures lock nobody out
	b.advance(time.Minute)
	wantFault(t, b.post("/auth/token", tokenForm("a.b.c")), 401, "invalid_client", "jwt.form")
}

// TestSMART312_AFloodIsLimitedBeforeSignaturesAreVerified: those of assertions, and of proofs that anybody can
// sign. A few a second pass, for an honest neighbour, and another address feels nothing.
func TestSMART312_AFloodIsLimitedBeforeSignaturesAreVerified(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	k, stranger, proof := ecKey(t, "k"), ecKey(t, "k"), newProofKey(t)
	w.backend("homecare", k)
	from := func(address string, f url.Values, headers ...string) answer {
		r := httptest.NewRequest("POST", "/auth/token", strings.NewReader(f.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.RemoteAddr = address + ":1234"
		for i := 0; i < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
		return w.do(r)
	}
	flooded := func(address string, spared int, bad func() answer) {
		t.Helper()
		for range 600 { // cheap ones; the next is too many
			from(address, tokenForm("a.b.c"))
		}
		for range spared {
			bad()
		}
		if a := bad(); a.status != 429 {
			t.Errorf("%s: %d %s", address, a.status, a.body)
		}
		right := w.assertion("homecare", k, nil)
		a := from(address, tokenForm(right))
		wantFault(t, a, 429, "temporarily_unavailable", "client.rate")
		if a.header.Get("Retry-After") != "1" {
			t.Errorf("Retry-After %q", a.header.Get("Retry-After"))
		}
		if a := from("203.0.113.77", tokenForm(w.assertion("homecare", k, nil))); a.status != 200 {
			t.Errorf("another address: %d %s", a.status, a.body)
		}
		w.advance(time.Second)
		if a := from(address, tokenForm(right)); a.status != 200 { // it was not looked at: its jti is free
			t.Errorf("a second later: %d %s", a.status, a.body)
		}
	}
	form := tokenForm(w.assertion("homecare", stranger, nil)) // refused at its signature
	flooded("203.0.113.1", 11, func() answer { return from("203.0.113.1", form) })
	guess := redeemForm("drc_" + strings.Repeat("A", 43))
	flooded("203.0.113.2", 11, func() answer { return from("203.0.113.2", guess, "DPoP", w.tokenProof(proof)) })
}

func TestSMART312_AFloodOfFailuresCostsNoWrites(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for range 601 {
		b.post("/auth/token", tokenForm("a.b.c"))
	}
	b.table.Fail(http.ErrServerClosed) // a write would now answer 503
	wantFault(t, b.post("/auth/token", tokenForm("a.b.c")), 429, "temporarily_unavailable", "client.rate")
	r := httptest.NewRequest("POST", "/auth/token", strings.NewReader(tokenForm("a.b.c").Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.RemoteAddr = "198.51.100.9:1234"
	wantFault(t, b.do(r), 503, "temporarily_unavailable", "state.down") // another address counts for itself
}

func TestStateDownFailsClosed(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	k := ecKey(t, "k")
	b.backend("homecare", k)
	b.table.Fail(http.ErrServerClosed)
	a := b.token("homecare", k)
	wantFault(t, a, 503, "temporarily_unavailable", "state.down")
	if a.header.Get("Retry-After") != "1" {
		t.Error("503 without Retry-After: 1")
	}
	if strings.Contains(a.body, "closed") {
		t.Errorf("the cause reached the client: %s", a.body)
	}
}

func TestATT11_OneAssertionOneToken(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	k := ecKey(t, "k")
	b.backend("homecare", k)
	for range 20 {
		b.advance(time.Minute) // the losers of a round count as failures of their address
		form := tokenForm(b.assertion("homecare", k, nil))
		var issued atomic.Int64
		var done sync.WaitGroup
		start := make(chan struct{})
		for range 32 {
			done.Go(func() {
				<-start
				a := b.post("/auth/token", form)
				if a.status == http.StatusOK {
					issued.Add(1)
					return
				}
				wantFault(t, a, 401, "invalid_client", "jwt.replay")
			})
		}
		close(start)
		done.Wait()
		if n := issued.Load(); n != 1 {
			t.Fatalf("%d tokens for one assertion, want 1", n)
		}
	}
	if !strings.Contains(b.log.String(), `"jti_replay"`) {
		t.Error("no jti_replay in the log")
	}
}
