package smart_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"html"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drieluik/drieluik/auth/smart"
	"github.com/drieluik/drieluik/fhir"
)

func TestATT26_NoRequestObjectIsFetched(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	host := newKeyHost(t)
	host.serve(func(http.ResponseWriter, *http.Request) {})
	for _, pairs := range [][]string{
		{"request_uri", host.URL + "/request"}, {"request_uri", "urn:ietf:params:oauth:request_uri:guess"},
		{"response_type", "none"}, {"response_type", "code id_token"}, {"response_type", "CODE"}, {"response_mode", "query.jwt"},
	} {
		u := w.browser()
		u.authorize(pairs...)
		if q := u.back(); u.page.status != http.StatusSeeOther || q.Get("error") == "" || q.Has("code") || q.Get("state") != "st" {
			t.Errorf("%v: %d %v", pairs, u.page.status, q)
		}
	}
	if n := host.hits.Load(); n != 0 {
		t.Errorf("the host of the request saw %d requests", n)
	}
}

func TestATT27_TwoAudiences(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	u := w.browser()
	u.get("/auth/authorize?" + asking().Encode() + "&aud=" + url.QueryEscape("https://evil.example/fhir"))
	wantReturned(t, u, "invalid_request", "form.repeat")
	u.authorize("resource", "https://evil.example/fhir")
	wantReturned(t, u, "invalid_request", "authz.aud")
	for _, aud := range []string{"http://127.0.0.1:8080/FHIR", "http://127.0.0.1:8080/fhir?x=1", "http://127.0.0.1/fhir", "127.0.0.1:8080/fhir"} {
		u.authorize("aud", aud)
		wantReturned(t, u, "invalid_request", "authz.aud")
	}
}

func TestATT29_NothingSentSplitsAHeaderOrStandsOnAPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const markup = `"><script>alert(1)</script>`
	long := strings.Repeat("a", 64<<10)
	for _, name := range []string{"state", "scope", "client_id", "nonce", "aud", "redirect_uri", "x"} {
		for what, value := range map[string]string{"a line break": "a\r\nSet-Cookie: drl=1\r\n\r\n" + markup, "markup": markup, "64 kB": long} {
			u := w.browser()
			u.authorize(name, value)
			for header, values := range u.page.header {
				if strings.ContainsAny(strings.Join(values, ""), "\r\n<>\"") && header != "Content-Security-Policy" {
					t.Errorf("%s in %s: header %s is %q", what, name, header, values)
				}
			}
			if u.page.header.Get("Set-Cookie") == "drl=1" || strings.Contains(u.page.body, "<script") || strings.Contains(u.page.body, "alert(1)") {
				t.Errorf("%s in %s came back: %d %.400s", what, name, u.page.status, u.page.body)
			}
			if what == "64 kB" && u.page.status != http.StatusRequestEntityTooLarge {
				t.Errorf("%s in %s: %d", what, name, u.page.status)
			}
		}
	}
}

func TestATT31_EveryAnswerNamesItsIssuer(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	answers := map[string]url.Values{}
	u := w.browser()
	way := regexp.MustCompile(`href="(https://(?:app|viewer)\.example/back[^"]*)"`)
	note := func(name string) {
		t.Helper()
		to := u.page.header.Get("Location")
		if m := way.FindStringSubmatch(u.page.body); to == "" && m != nil {
			to = html.UnescapeString(m[1])
		}
		parsed, err := url.Parse(to)
		check(t, err)
		answers[name] = parsed.Query()
	}
	u.authorize("scope", "x")
	note("an error before login")
	u.authorize()
	note("the way back from login")
	u.login("ouder2")
	note("a user without a child")
	u = w.browser()
	u.authorize()
	u.login(parentLogin)
	note("the way back from the choice")
	u.submit("child", "Patient/boris")
	form := u.fields("decision", "allow", "group", "plan")
	u.submit("decision", "refuse")
	note("refused")
	u.send(http.MethodPost, "/auth/consent", form) // over: leads nowhere
	if way.MatchString(u.page.body) {
		t.Errorf("a page that is over leads to %s", u.page.body)
	}
	u.permit()
	note("a code")
	u.authorize("prompt", "none")
	note("prompt=none")
	u = w.browser()
	u.open(w.handle(nil))
	note("a launch")
	u.authorize(launched("drl_x")...)
	note("a launch that is not known")
	u.authorize(launched(w.handle(map[string]any{"user": "Practitioner/pr2"}))...)
	u.login(nurse)
	note("a launch for another")
	for name, q := range answers {
		if !slices.Equal(q["iss"], []string{base}) || q.Has("code") == q.Has("error") {
			t.Errorf("%s: %v", name, q)
		}
	}
}

func TestATT43_NoPageStandsInAFrame(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, page := range w.screens("nl") {
		if page.header.Get("X-Frame-Options") != "DENY" || !strings.Contains(page.header.Get("Content-Security-Policy"), "frame-ancestors 'none'") {
			t.Errorf("%s: %v", name, page.header)
		}
	}
	errorsPage := w.do(httptest.NewRequest(http.MethodGet, "/auth/errors", nil))
	if !strings.Contains(errorsPage.header.Get("Content-Security-Policy"), "frame-ancestors 'none'") || errorsPage.header.Get("X-Frame-Options") != "DENY" {
		t.Errorf("the catalogue: %v", errorsPage.header)
	}
}

// greedyScopes are lists that try for more than patient/Patient.r and patient/CarePlan.rs, with the
// most that may come of each; "": refused.
var greedyScopes = map[string]string{
	"patient/CarePlan.dus":                         "",
	"patient/CarePlan.sr":                          "",
	"patient/CarePlan.rr":                          "",
	"patient/CarePlan.":                            "",
	"patient/*.cruds":                              "patient/CarePlan.rs patient/Patient.r",
	"patient/*.*":                                  "patient/CarePlan.rs patient/Patient.r",
	"patient/CarePlan.write patient/Patient.r":     "patient/Patient.r",
	"patient/CarePlan.cruds":                       "patient/CarePlan.rs",
	"patient/Саrе.rs":                              "",
	"pаtient/CarePlan.rs":                          "",
	"PATIENT/CarePlan.rs":                          "",
	"patient/careplan.rs":                          "",
	strings.Repeat("patient/CarePlan.r ", 5000):    "",
	"patient/CarePlan.rs\tpatient/Patient.r":       "",
	"patient/CarePlan.rs\npatient/Patient.r":       "",
	"patient/CarePlan.rs\x00":                      "",
	"system/CarePlan.rs":                           "",
	"system/*.cruds patient/Patient.r":             "patient/Patient.r",
	"user/*.cruds patient/CarePlan.r":              "patient/CarePlan.r",
	"patient/Patient.r?":                           "",
	"patient/CarePlan.rs?code:in=x":                "",
	"patient/CarePlan.rs?patient.name=x":           "",
	"patient/CarePlan.rs?_filter=x":                "",
	"patient/CarePlan.rs?category=x&category=y":    "",
	"patient/*.rs?category=x":                      "",
	"patient/Observation.rs patient/CarePlan.read": "patient/CarePlan.read",
	"drieluik/introspect patient/Patient.r":        "patient/Patient.r",
	"launch/encounter patient/Patient.r":           "patient/Patient.r",
}

func TestATT62_NoScopeGivesMoreThanIsRegistered(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.app("narrow", func(c *smart.Client) { c.Scope = "patient/Patient.r patient/CarePlan.rs" })
	k := ecKey(t, "k")
	w.add(smart.Client{ID: "robot", Name: "Robot", Type: smart.TypeBackend, Scope: "system/Patient.r system/CarePlan.rs", JWKS: jwks(k), Organization: "urn:x|1"})
	for asked, most := range greedyScopes {
		w.advance(time.Second)
		u := w.browser()
		u.authorize("client_id", "narrow", "scope", asked)
		if most == "" {
			to := u.page.header.Get("Location")
			if refused := strings.Contains(to, "error=invalid_scope") || to == "" && u.page.status >= 400 && u.page.status < 500; !refused || strings.Contains(to, "code=") {
				t.Errorf("%.60q: %d to %s", asked, u.page.status, to)
			}
		} else {
			u.login(parentLogin)
			u.submit("child", "Patient/boris")
			u.submit("decision", "allow", "group", "child", "group", "plan", "group", "health", "change", "plan", "change", "child")
			a := w.post("/auth/token", redeemForm(u.back().Get("code"), "client_id", "narrow"))
			if a.json["scope"] != most {
				t.Errorf("%.60q: %v, want %s", asked, a.json["scope"], most)
			}
		}
		system := func(s string) string {
			return strings.NewReplacer("patient/", "system/", "system/", "patient/").Replace(s)
		}
		a := w.token("robot", k, "scope", system(asked))
		if most == "" && (a.json["error"] != "invalid_scope" && a.json["error"] != "invalid_request" || a.json["access_token"] != nil) {
			t.Errorf("backend %.60q: %s", asked, a.body)
		}
		if most != "" && a.json["scope"] != system(most) {
			t.Errorf("backend %.60q: %s, want %s", asked, a.body, system(most))
		}
	}
}

func TestATT63_HostileBodiesAreRefusedAtOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	const form = "application/x-www-form-urlencoded"
	keys := strings.Builder{}
	for range 10_000 {
		keys.WriteString("k=1&")
	}
	rows := []struct {
		name, target, kind, encoding, body string
		status                             int
	}{
		{"65 KiB", "", form, "", "scope=" + strings.Repeat("x", 65<<10), 413},
		{"10,000 keys", "", form, "", keys.String(), 400},
		{"10,000 keys of their own", "", form, "", strings.ReplaceAll(keys.String(), "k=", "x%41="), 413},
		{"gzip", "", form, "gzip", gzipped(t), 415},
		{"a compressed bomb", "", form, "deflate", strings.Repeat("\x00", 60<<10), 415},
		{"multipart", "", "multipart/form-data; boundary=x", "", "--x--", 415},
		{"JSON", "", "application/json", "", `{"grant_type":"client_credentials"}`, 415},
		{"a query", "?grant_type=client_credentials", form, "", "", 400},
		{"duplicates", "", form, "", "grant_type=a&grant_type=b", 400},
		{"bad encoding", "", form, "", strings.Repeat("%", 60<<10), 400},
	}
	for _, row := range rows {
		var a answer
		took := time.Hour
		for try := 0; took > 100*time.Millisecond && try < 5; try++ { // a busy machine: the best of some counts
			r := httptest.NewRequest(http.MethodPost, "/auth/token"+row.target, strings.NewReader(row.body))
			r.Header.Set("Content-Type", row.kind)
			if row.encoding != "" {
				r.Header.Set("Content-Encoding", row.encoding)
			}
			start := time.Now()
			a = b.do(r)
			took = min(took, time.Since(start))
		}
		if took > 100*time.Millisecond {
			t.Errorf("%s took %s", row.name, took)
		}
		if a.status != row.status || a.json["error"] != "invalid_request" || a.json["access_token"] != nil {
			t.Errorf("%s: %d %s", row.name, a.status, a.body)
		}
	}
}

// TestATT63_NobodyWaitsForABodyThatIsTooLarge: what says that it is, is refused before it is sent.
func TestATT63_NobodyWaitsForABodyThatIsTooLarge(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	sv := httptest.NewServer(w.handler)
	t.Cleanup(sv.Close)
	for path, kind := range map[string]string{
		"/auth/token": "application/x-www-form-urlencoded", "/auth/introspect": "application/x-www-form-urlencoded",
		"/auth/revoke": "application/x-www-form-urlencoded", "/auth/par": "application/x-www-form-urlencoded",
		"/auth/authorize": "application/x-www-form-urlencoded", "/auth/login": "application/x-www-form-urlencoded", "/auth/launch": "application/json",
	} {
		for _, size := range []int{70_000, 100 << 20} { // net/http itself would wait for the smaller
			conn, err := net.Dial("tcp", sv.Listener.Addr().String())
			check(t, err)
			check(t, conn.SetDeadline(time.Now().Add(5*time.Second)))
			_, err = fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\na=", path, w.ehr, kind, size)
			check(t, err)
			line, err := bufio.NewReader(conn).ReadString('\n')
			if err != nil || !strings.HasPrefix(line, "HTTP/1.1 413 ") {
				t.Errorf("%s with %d bytes: %q %v", path, size, line, err)
			}
			check(t, conn.Close())
		}
	}
}

// TestATT68_AFaultInsideTellsNothingOfTheInside: a fixed text, a request id, and the cause in the log.
func TestATT68_AFaultInsideTellsNothingOfTheInside(t *testing.T) {
	t.Parallel()
	const inside = "sqlite: table auth_state is locked at 10.0.0.7:6379"
	w := newWard(t)
	k := ecKey(t, "k")
	w.backend("homecare", k)
	code, handle := w.browser().permit(), w.handle(nil)
	live := w.tokens().text("access_token")
	u := w.browser()
	u.authorize()
	form := u.fields("login", parentLogin, "password", parentPass)
	w.table.Fail(errors.New(inside))
	w.accounts.down = errors.New(inside)
	w.family.set(func(f *family) { f.down = &fhir.Error{Kind: fhir.Internal, Op: "test", Err: errors.New(inside)} })
	answers := map[string]answer{
		"token": w.token("homecare", k), "code": w.post("/auth/token", redeemForm(code)), "refresh": w.refresh("drr_" + strings.Repeat("A", 43)),
		"introspect": w.ask("/auth/introspect", "homecare", k, live), "revoke": w.ask("/auth/revoke", "homecare", k, live),
		"launch": w.launch(nil),
	}
	for name, target := range map[string]string{"authorize": "/auth/authorize?" + asking().Encode(), "launched": "/auth/authorize?" + asking(launched(handle)...).Encode(), "a page": u.at, "apps": "/auth/apps"} {
		r := httptest.NewRequest(http.MethodGet, target, nil)
		for cookie, value := range u.jar {
			r.AddCookie(&http.Cookie{Name: cookie, Value: value})
		}
		answers[name] = w.do(r)
	}
	u.send(http.MethodPost, "/auth/login", form)
	answers["login"] = u.page
	for name, a := range answers {
		text := a.body + a.header.Get("Location")
		for _, word := range []string{"sqlite", "auth_state", "6379", "goroutine", ".go:", "Error"} {
			if strings.Contains(text, word) {
				t.Errorf("%s tells of %s: %s", name, word, text)
			}
		}
		if a.header.Get("X-Request-Id") == "" || a.status < 500 && a.status != http.StatusSeeOther {
			t.Errorf("%s: %d %v %s", name, a.status, a.header, a.body)
		}
		if a.status == http.StatusSeeOther && !strings.Contains(text, "temporarily_unavailable") {
			t.Errorf("%s: sent to %s", name, text)
		}
	}
	if !bytes.Contains([]byte(w.log.String()), []byte(inside)) {
		t.Error("the log does not tell the operator the cause")
	}
}
