package main_test

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"html"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// demoBase starts a demo and returns its base URL.
func demoBase(t *testing.T) string {
	t.Helper()
	text, _ := startDemo(t, filepath.Join(t.TempDir(), "data"))
	return regexp.MustCompile(`http://127\.0\.0\.1:\d+`).FindString(text)
}

// browser is a person's browser: it keeps cookies, follows redirects within the server and fills
// forms. Cookies of __Host- are Secure; a browser takes them on loopback, net/http's jar does not.
type browser struct {
	t       *testing.T
	base    string
	cookies map[string]string
}

type page struct {
	status int
	body   string
}

func (b *browser) open(method, path string, form url.Values) page {
	b.t.Helper()
	for range 10 {
		req, err := http.NewRequest(method, b.base+path, strings.NewReader(form.Encode()))
		if err != nil {
			b.t.Fatal(err)
		}
		if form != nil {
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			req.Header.Set("Origin", b.base)
		}
		for name, value := range b.cookies {
			req.AddCookie(&http.Cookie{Name: name, Value: value})
		}
		res, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			b.t.Fatal(err)
		}
		text, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if err != nil {
			b.t.Fatal(err)
		}
		for _, c := range res.Cookies() {
			b.cookies[c.Name] = c.Value
		}
		if res.StatusCode != http.StatusSeeOther && res.StatusCode != http.StatusFound {
			return page{res.StatusCode, string(text)}
		}
		method, form, path = http.MethodGet, nil, strings.TrimPrefix(res.Header.Get("Location"), b.base)
	}
	b.t.Fatal("redirected in a circle")
	return page{}
}

var (
	inputTag  = regexp.MustCompile(`<input[^>]*>`)
	actionTag = regexp.MustCompile(`<form[^>]*action="([^"]*)"`)
	backLink  = regexp.MustCompile(`(?:url=|class="button" href=")([^"]*/app/[^"]*)"`)
)

func attribute(tag, name string) string {
	m := regexp.MustCompile(` ` + name + `="([^"]*)"`).FindStringSubmatch(tag)
	if m == nil {
		return ""
	}
	return html.UnescapeString(m[1])
}

// submit posts the first form of a page: hidden fields, every box ticked, the first radio of each
// group, and more.
func (b *browser) submit(p page, more url.Values) page {
	b.t.Helper()
	form := url.Values{}
	for _, tag := range inputTag.FindAllString(p.body, -1) {
		name, value := attribute(tag, "name"), attribute(tag, "value")
		switch attribute(tag, "type") {
		case "hidden", "checkbox":
			form.Add(name, value)
		case "radio":
			if !form.Has(name) {
				form.Set(name, value)
			}
		}
	}
	for name, values := range more {
		form[name] = values
	}
	action := actionTag.FindStringSubmatch(p.body)
	if action == nil {
		b.t.Fatalf("no form on the page (%d): %.300s", p.status, p.body)
	}
	return b.open(http.MethodPost, html.UnescapeString(action[1]), form)
}

// permit goes through login, choice of child and consent, and returns where the browser is sent.
func (b *browser) permit(login, password, scope, challenge string, consent url.Values) *url.URL {
	b.t.Helper()
	p := b.open(http.MethodGet, "/auth/authorize?"+url.Values{
		"response_type": {"code"}, "client_id": {"demo-parent-app"}, "redirect_uri": {b.base + "/app/"}, "scope": {scope},
		"state": {"s 1"}, "aud": {b.base + "/fhir"}, "code_challenge": {challenge}, "code_challenge_method": {"S256"},
	}.Encode(), nil)
	p = b.submit(p, url.Values{"login": {login}, "password": {password}})
	p = b.submit(p, nil)
	p = b.submit(p, consent)
	m := backLink.FindStringSubmatch(p.body)
	if m == nil {
		b.t.Fatalf("not sent back (%d): %.300s", p.status, p.body)
	}
	u, err := url.Parse(html.UnescapeString(m[1]))
	if err != nil {
		b.t.Fatal(err)
	}
	return u
}

// redeem turns a code into tokens.
func (b *browser) redeem(code, verifier string) map[string]any {
	b.t.Helper()
	res, err := http.PostForm(b.base+"/auth/token", url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {b.base + "/app/"},
		"client_id": {"demo-parent-app"}, "code_verifier": {verifier},
	})
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		b.t.Fatalf("token: %d %v %.300s", res.StatusCode, err, text)
	}
	return object(b.t, text)
}

const parentAsks = "launch/patient openid fhirUser offline_access patient/Patient.r patient/CarePlan.rs patient/Consent.rs"

func newVerifier(t *testing.T) (verifier, challenge string) {
	t.Helper()
	var raw [32]byte
	if _, err := rand.Read(raw[:]); err != nil {
		t.Fatal(err)
	}
	verifier = base64.RawURLEncoding.EncodeToString(raw[:])
	sum := sha256.Sum256([]byte(verifier))
	return verifier, base64.RawURLEncoding.EncodeToString(sum[:])
}

// TestSMART513_ParentReadsUnderConsentAndStopsAtOnce is the parent's line from login to withdrawal.
func TestSMART513_ParentReadsUnderConsentAndStopsAtOnce(t *testing.T) {
	t.Parallel()
	base := demoBase(t)
	b := &browser{t: t, base: base, cookies: map[string]string{}}
	verifier, challenge := newVerifier(t)
	back := b.permit("ouder1", "demo", parentAsks, challenge, url.Values{"decision": {"allow"}})
	if back.Query().Get("state") != "s 1" || back.Query().Get("iss") != base {
		t.Fatalf("sent back with %v", back.Query())
	}
	token := b.redeem(back.Query().Get("code"), verifier)
	access, ok := token["access_token"].(string)
	if !ok {
		t.Fatal(token)
	}
	c := &caller{base: base, token: access, http: &http.Client{Timeout: 10 * time.Second}}
	patient := "Patient/" + token["patient"].(string)
	if r, _ := c.get(t, "/fhir/"+patient); r.status != http.StatusOK {
		t.Errorf("the child: %d", r.status)
	}
	_, plans := c.get(t, "/fhir/CarePlan?status=active&patient="+patient)
	titles := []any{}
	for _, e := range list(plans, "entry") {
		titles = append(titles, within(e, "resource")["title"])
	}
	if !slices.Contains(titles, any("Zorgplan kind en gezin")) {
		t.Errorf("the plan is not among %v", titles)
	}
	for path, want := range map[string]int{
		"/fhir/Patient/0b0b0b0b-0000-4000-8000-000000000000": http.StatusForbidden, // another child than the token's
		"/fhir/Observation?patient=" + patient:               http.StatusForbidden, // not asked for
	} {
		if r, _ := c.get(t, path); r.status != want && r.status != http.StatusNotFound {
			t.Errorf("%s: %d", path, r.status)
		}
	}
	p := b.open(http.MethodGet, "/auth/apps", nil)
	if !strings.Contains(p.body, "Boris") {
		t.Fatalf("the apps page does not name the child: %.300s", p.body)
	}
	stop := regexp.MustCompile(`href="(/auth/apps\?stop=[^"]*)"`).FindStringSubmatch(p.body)
	if stop == nil {
		t.Fatalf("the apps page offers no way to stop: %.500s", p.body)
	}
	p = b.open(http.MethodGet, html.UnescapeString(stop[1]), nil)
	forms := strings.Split(p.body, "<form") // language, log out and withdraw
	i := slices.IndexFunc(forms, func(f string) bool { return strings.Contains(f, "Consent/") })
	if i < 1 {
		t.Fatalf("the withdraw page has no form: %.500s", p.body)
	}
	b.submit(page{p.status, "<form" + forms[i]}, nil)
	r, err := c.do(http.MethodGet, "/fhir/"+patient, "", nil)
	if err != nil || r.status != http.StatusUnauthorized {
		t.Errorf("after the withdrawal the next read answered %d %v", r.status, err)
	}
}

// TestParentWhoRefusesGrantsNothing: the app hears access_denied and gets no code.
func TestParentWhoRefusesGrantsNothing(t *testing.T) {
	t.Parallel()
	base := demoBase(t)
	b := &browser{t: t, base: base, cookies: map[string]string{}}
	_, challenge := newVerifier(t)
	back := b.permit("ouder2", "demo", parentAsks, challenge, url.Values{"decision": {"refuse"}})
	if q := back.Query(); q.Get("error") != "access_denied" || q.Has("code") || q.Get("state") != "s 1" {
		t.Errorf("sent back with %v", q)
	}
	p := b.open(http.MethodGet, "/auth/apps", nil)
	if strings.Contains(p.body, "Ouder-app") {
		t.Error("the app stands among those that may read")
	}
}

// TestWrongPasswordIsOneSentence: the same for a known and an unknown login.
func TestWrongPasswordIsOneSentence(t *testing.T) {
	t.Parallel()
	base := demoBase(t)
	_, challenge := newVerifier(t)
	var said []string
	for _, login := range []string{"ouder1", "nobody"} {
		b := &browser{t: t, base: base, cookies: map[string]string{}}
		p := b.open(http.MethodGet, "/auth/authorize?"+url.Values{
			"response_type": {"code"}, "client_id": {"demo-parent-app"}, "redirect_uri": {base + "/app/"}, "scope": {parentAsks},
			"state": {"s"}, "aud": {base + "/fhir"}, "code_challenge": {challenge}, "code_challenge_method": {"S256"},
		}.Encode(), nil)
		p = b.submit(p, url.Values{"login": {login}, "password": {"wrong"}})
		if !strings.Contains(p.body, "Inloggen is niet gelukt") {
			t.Errorf("%s: %d %.300s", login, p.status, p.body)
		}
		text := regexp.MustCompile(`value="[^"]*"|action="[^"]*"|href="[^"]*"|<code>[^<]*</code>`).ReplaceAllString(p.body, "")
		said = append(said, strings.ReplaceAll(text, login, ""))
	}
	if said[0] != said[1] {
		t.Errorf("the page tells a known login from an unknown one:\n%s\n%s", said[0], said[1])
	}
}
