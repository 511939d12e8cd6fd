package smart_test

import (
	"encoding/xml"
	"errors"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/drieluik/drieluik/auth/smart"
)

// screens visits every page in a language and returns what was seen, by name.
func (w *world) screens(lang string) map[string]answer {
	w.t.Helper()
	u := w.browser()
	seen := map[string]answer{}
	note := func(name string) { seen[name] = u.page }
	u.authorize("ui_locales", "fr-FR "+lang)
	u.get(u.at + "&lang=" + lang)
	note("login")
	u.submit("login", parentLogin, "password", "wrong-wrong-wrong")
	note("login failed")
	u.login(parentLogin)
	note("child")
	u.submit()
	note("child none")
	u.submit("child", "Patient/anna")
	note("consent")
	u.submit("decision", "allow")
	note("consent none")
	at := u.at
	u.submit("decision", "allow", "group", "plan", "duration", "3m")
	note("continue")
	u.get(at)
	note("late")
	u.authorize()
	u.submit("child", "Patient/anna")
	u.submit("decision", "refuse")
	note("refused")
	u.get("/auth/authorize?client_id=x")
	note("broken")
	u.get("/auth/apps")
	note("apps")
	u.get("/auth/apps?stop=Consent/c1")
	note("withdraw")
	u.submit()
	note("apps none")
	u.get("/auth/logout")
	note("logout")
	u.submit()
	note("logged out")
	w.family.set(func(f *family) { f.granted = nil; clear(f.inactive) })
	w.staffScreens(seen, lang)
	return seen
}

var placeholder = regexp.MustCompile(`\{[a-z]+\}|ZgotmplZ|%!`)

func TestEveryPageInEveryLanguage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	title := map[string]string{"nl": "<title>Toestemming – Ouder-app</title>", "sv": "<title>Samtycke – Ouder-app</title>", "en": "<title>Permission – Ouder-app</title>"}
	for lang, want := range title {
		seen := w.screens(lang)
		if !strings.Contains(seen["consent"].body, want) {
			t.Errorf("%s: consent has no %s", lang, want)
		}
		for name, page := range seen {
			body := page.body
			if !strings.Contains(body, `<html lang="`+lang+`">`) {
				t.Errorf("%s %s: language: %.80s", lang, name, body)
			}
			for _, never := range []string{"<script", "javascript:", " style=", " onclick", "http-equiv=\"Set", "<img", "<iframe"} {
				if strings.Contains(body, never) {
					t.Errorf("%s %s holds %s", lang, name, never)
				}
			}
			if found := placeholder.FindString(body); found != "" {
				t.Errorf("%s %s: %s is left", lang, name, found)
			}
			if err := wellFormed(body); err != nil {
				t.Errorf("%s %s: %v", lang, name, err)
			}
			wantPageHeaders(t, lang+" "+name, page)
		}
	}
}

var (
	voidElement = regexp.MustCompile(`<(meta|link|input|br)([^>]*)>`)
	bareValue   = regexp.MustCompile(` (required|checked|disabled|formnovalidate)([ />])`)
)

// wellFormed checks that every element is closed, and that no id occurs twice.
func wellFormed(body string) error {
	text := voidElement.ReplaceAllString(strings.TrimPrefix(body, "<!DOCTYPE html>"), "<$1$2/>")
	for bareValue.MatchString(text) {
		text = bareValue.ReplaceAllString(text, ` $1="$1"$2`)
	}
	d := xml.NewDecoder(strings.NewReader(text))
	d.Entity = xml.HTMLEntity
	ids := map[string]bool{}
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		element, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		for _, a := range element.Attr {
			if a.Name.Local == "id" && ids[a.Value] {
				return errors.New("id " + a.Value + " occurs twice")
			}
			if a.Name.Local == "id" {
				ids[a.Value] = true
			}
		}
	}
}

func wantPageHeaders(t *testing.T, name string, a answer) {
	t.Helper()
	for header, want := range map[string]string{
		"Content-Type":               "text/html; charset=utf-8",
		"Content-Security-Policy":    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
		"X-Frame-Options":            "DENY",
		"Referrer-Policy":            "no-referrer",
		"Cache-Control":              "no-store",
		"X-Content-Type-Options":     "nosniff",
		"Cross-Origin-Opener-Policy": "same-origin",
	} {
		if got := a.header.Get(header); got != want {
			t.Errorf("%s: %s is %q", name, header, got)
		}
	}
	if a.header.Get("X-Request-Id") == "" {
		t.Errorf("%s: no X-Request-Id", name)
	}
}

func TestHSTSWithHTTPS(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *smart.Config) { c.Base = "https://as.example" })
	u := w.browser()
	u.get("/auth/logout")
	if u.page.header.Get("Strict-Transport-Security") == "" {
		t.Error("no HSTS")
	}
}

func TestTheContinuePageLeadsBackWithoutJavaScript(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.app("native", func(c *smart.Client) {
		c.ApplicationType, c.RedirectURIs = "native", []string{"nl.example.app:/cb?a=1&b='2'"}
	})
	u := w.browser()
	u.authorize("client_id", "native", "redirect_uri", "nl.example.app:/cb?a=1&b='2'", "state", `"'><x y;`)
	u.login(parentLogin)
	u.submit("child", "Patient/boris")
	u.submit("decision", "allow", "group", "plan")
	link := anchor.FindStringSubmatch(u.page.body)
	if u.page.status != 200 || link == nil || !strings.HasPrefix(link[1], "nl.example.app:/cb?a=1&amp;b=") {
		t.Fatalf("%d %s", u.page.status, u.page.body)
	}
	meta := regexp.MustCompile(`<meta http-equiv="refresh" content="0;url=([^"]*)">`).FindStringSubmatch(u.page.body)
	if meta == nil || !strings.HasPrefix(meta[1], "nl.example.app:/cb?a=1&amp;b=") || !strings.Contains(meta[1], "state=%22%27%3E%3Cx%20y%3B") {
		t.Errorf("meta %v", meta)
	}
}

func TestLanguageOfAPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	rows := []struct{ locales, cookie, accept, want string }{
		{"", "", "", "nl"},
		{"", "", "fr, sv-FI;q=0.8, en", "sv"},
		{"", "en", "sv", "en"},
		{"en-GB", "sv", "nl", "en"},
		{"fr", "xx", "de", "nl"},
	}
	for _, row := range rows {
		u := w.browser()
		if row.cookie != "" {
			u.jar["__Host-drl_l"] = row.cookie
		}
		u.send("GET", "/auth/authorize?client_id=x&ui_locales="+row.locales, nil, "Accept-Language", row.accept)
		if !strings.Contains(u.page.body, `<html lang="`+row.want+`">`) {
			t.Errorf("%+v: %.60s", row, u.page.body)
		}
	}
}

// TestTheLanguageChangesWithoutTheForm: after a form was refused, the other languages are addresses of
// the same interaction, which goes on.
func TestTheLanguageChangesWithoutTheForm(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	u := w.browser()
	to := func(lang, wants string) {
		t.Helper()
		link := regexp.MustCompile(`<a href="([^"]*)" lang="` + lang + `"`).FindStringSubmatch(u.page.body)
		if link == nil || strings.Contains(link[1], "password") || strings.Contains(link[1], "csrf") {
			t.Fatalf("no switch to %s, or one with the form: %v", lang, link)
		}
		u.get(html.UnescapeString(link[1]))
		if !strings.Contains(u.page.body, `<html lang="`+lang+`">`) || !strings.Contains(u.page.body, wants) {
			t.Fatalf("in %s it shows %.900s", lang, u.page.body)
		}
	}
	u.authorize()
	u.submit("login", parentLogin, "password", "wrong-wrong-wrong")
	to("sv", `name="password"`)
	u.submit("login", parentLogin, "password", "wrong-wrong-wrong")
	to("en", `name="password"`)
	u.login(parentLogin)
	u.submit()
	to("sv", "Välj barnet")
	u.submit("child", "Patient/anna")
	u.submit("decision", "allow")
	to("en", "Choose what the app may see.")
	u.submit("decision", "allow", "group", "plan", "duration", "3m")

	u.authorize() // a second time, for something else than before
	u.submit("child", "Patient/anna")
	u.get(u.at + "&choose=1")
	u.submit("decision", "allow")
	to("sv", "Välj vad appen får se.")
	u.get("/auth/apps?stop=Consent/c1")
	to("nl", "Wilt u")
	u.submit()
	u.get("/auth/consent?ixn=none")
	to("sv", "Sidan har gått ut")
}

// TestTheIconAndTheStylesheetAreTheOnlyAssets: no page of ours asks for what is not there.
func TestTheIconAndTheStylesheetAreTheOnlyAssets(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	u := w.browser()
	u.get("/auth/logout")
	href := regexp.MustCompile(`<link rel="stylesheet" href="([^"]*)">`).FindStringSubmatch(u.page.body)
	if href == nil || strings.Count(u.page.body, "<link") != 2 {
		t.Fatal(u.page.body)
	}
	a := w.do(httptest.NewRequest("GET", href[1], nil))
	if a.status != 200 || a.header.Get("Content-Type") != "text/css; charset=utf-8" || !strings.Contains(a.header.Get("Cache-Control"), "immutable") {
		t.Errorf("%d %v", a.status, a.header)
	}
	icon := regexp.MustCompile(`<link rel="icon" href="([^"]*)"`).FindStringSubmatch(u.page.body)
	if icon == nil {
		t.Fatal("no icon")
	}
	if i := w.do(httptest.NewRequest("GET", icon[1], nil)); i.status != 200 || i.header.Get("Content-Type") != "image/svg+xml" ||
		!strings.Contains(i.header.Get("Cache-Control"), "immutable") || strings.Contains(i.body, "script") {
		t.Errorf("icon: %d %v %s", i.status, i.header, i.body)
	}
	for _, external := range []string{"url(", "@import", "http"} {
		if strings.Contains(a.body, external) {
			t.Errorf("the stylesheet holds %s", external)
		}
	}
	if a := w.do(httptest.NewRequest("GET", "/auth/assets/app.css", nil)); a.status != 404 {
		t.Errorf("another name: %d", a.status)
	}
	if a := w.do(httptest.NewRequest("POST", href[1], nil)); a.status != 405 {
		t.Errorf("POST: %d", a.status)
	}
}

func TestATT41_ForgedAndReplayedForms(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	u := w.browser()
	u.authorize()
	u.login(parentLogin)
	u.submit("child", "Patient/boris")
	form := u.fields("decision", "allow", "group", "plan")
	without := func(name, value string) map[string][]string {
		f := map[string][]string{}
		for k, v := range form {
			f[k] = v
		}
		delete(f, name)
		if value != "" {
			f[name] = []string{value}
		}
		return f
	}
	for name, f := range map[string]map[string][]string{
		"no field": without("csrf", ""), "another field": without("csrf", "x"), "field twice": {"ixn": form["ixn"], "csrf": {form.Get("csrf"), form.Get("csrf")}},
	} {
		u.send("POST", "/auth/consent", f)
		if u.page.status != 403 {
			t.Errorf("%s: %d", name, u.page.status)
		}
	}
	for _, headers := range [][]string{
		{"Origin", "https://evil.example"}, {"Origin", "null"}, {"Origin", ""}, {"Origin", "", "Sec-Fetch-Site", "cross-site"},
		{"Origin", "", "Sec-Fetch-Site", "same-site"}, {"Origin", base + ".evil.example"},
		{"Origin", "null", "Sec-Fetch-Site", "same-site"}, {"Origin", "null", "Sec-Fetch-Site", "cross-site"},
	} {
		u.send("POST", "/auth/consent", form, headers...)
		if u.page.status != 403 {
			t.Errorf("%v: %d", headers, u.page.status)
		}
	}
	u.send("POST", "/auth/consent", without("group", ""), "Origin", "", "Sec-Fetch-Site", "same-origin")
	if u.page.status != 200 {
		t.Errorf("a browser that sends no origin: %d", u.page.status)
	}
	// Browsers send this of our own pages, as those have Referrer-Policy no-referrer.
	u.send("POST", "/auth/consent", form, "Origin", "null", "Sec-Fetch-Site", "same-origin")
	if u.back().Get("code") == "" {
		t.Fatalf("%d %s", u.page.status, u.page.body)
	}
	u.send("POST", "/auth/consent", form)
	wantPage(t, u, 400, textLate)
	if len(w.family.granted) != 1 {
		t.Errorf("%d grants", len(w.family.granted))
	}
}

func TestATT41_OneFormOfTwoTabsWins(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	u := w.browser()
	u.authorize()
	u.login(parentLogin)
	childForm := u.fields("child", "Patient/anna")
	u.submit("child", "Patient/boris")
	form := u.fields("decision", "allow", "group", "plan")
	u.send("POST", "/auth/child", childForm) // the other tab chooses another child
	if !strings.Contains(u.page.body, "Anna &lt;b&gt;") || strings.Contains(u.page.body, "<b>") {
		t.Error("the name is not escaped")
	}
	u.send("POST", "/auth/consent", form)
	if len(w.family.granted) != 1 || w.family.granted[0].Patient.ID != "anna" {
		t.Fatalf("%+v", w.family.granted)
	}
}

func TestATT42_AnotherBrowserAndOldSessions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	u := w.browser()
	u.authorize()
	before := u.at
	other := w.browser()
	other.get(before)
	wantPage(t, other, 400, textLate)
	other.authorize() // has a browser cookie of its own now
	other.get(before)
	wantPage(t, other, 400, textLate)
	u.jar["__Host-drl_s"] = "s_" + strings.Repeat("A", 43)
	u.get(before)
	u.login(parentLogin)
	session := u.jar["__Host-drl_s"]
	if session == "s_"+strings.Repeat("A", 43) {
		t.Error("the session was set before login")
	}
	u.get("/auth/logout")
	u.submit()
	u.jar["__Host-drl_s"] = session
	u.get("/auth/apps")
	if !strings.HasPrefix(u.at, "/auth/login") {
		t.Errorf("a session lives after logout: %s", u.at)
	}
}

func TestATT42_AnotherUserOfTheSameBrowserMustLogIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	u := w.browser()
	u.authorize()
	u.login(parentLogin)
	u.submit("child", "Patient/boris")
	consent := u.at
	u.get("/auth/logout")
	u.submit()
	u.get("/auth/apps")
	u.login("ouder2")
	u.get(consent)
	if !strings.HasPrefix(u.at, "/auth/login") {
		t.Errorf("another user is at %s", u.at)
	}
}

func TestATT46_CookieFlags(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	u := w.browser()
	r := httptest.NewRequest("GET", "/auth/authorize?"+asking().Encode(), nil)
	cookies := w.do(r).header.Values("Set-Cookie")
	u.authorize()
	action := formAction.FindStringSubmatch(u.page.body)[1]
	post := httptest.NewRequest("POST", action, strings.NewReader(u.fields("login", parentLogin, "password", parentPass).Encode()))
	post.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	post.Header.Set("Origin", base)
	post.AddCookie(&http.Cookie{Name: "__Host-drl_b", Value: u.jar["__Host-drl_b"]})
	a := w.do(post)
	if a.status != http.StatusSeeOther {
		t.Errorf("a form answers %d", a.status)
	}
	cookies = append(cookies, a.header.Values("Set-Cookie")...)
	if len(cookies) != 2 {
		t.Fatalf("%v", cookies)
	}
	for _, c := range cookies {
		if !strings.HasPrefix(c, "__Host-drl_") || !strings.HasSuffix(c, "; Path=/; HttpOnly; Secure; SameSite=Lax") {
			t.Errorf("%s", c)
		}
	}
}

func TestATT45_NothingLeadsElsewhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	u := w.browser()
	for _, path := range []string{"/auth/logout", "/auth/apps", "/auth/login"} {
		u.get(path + "?return_to=https://evil.example&post_logout_redirect_uri=https://evil.example&next=//evil.example")
		if strings.Contains(u.page.body, "evil") || strings.Contains(u.page.header.Get("Location"), "evil") {
			t.Errorf("%s: %s", path, u.page.body)
		}
	}
	u.get("/auth/login")
	wantPage(t, u, 400, textLate)
}

func TestInteractionsAreOverAfterAQuarterOfAnHour(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	u := w.browser()
	u.authorize()
	w.advance(14 * time.Minute)
	u.login(parentLogin)
	w.advance(14 * time.Minute)
	u.submit("child", "Patient/boris")
	if !strings.HasPrefix(u.at, "/auth/consent") {
		t.Fatalf("a page in time: %s", u.at)
	}
	w.advance(15 * time.Minute)
	u.submit("decision", "allow", "group", "plan")
	wantPage(t, u, 400, textLate)
}

func TestSessionsEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	u := w.browser()
	u.get("/auth/apps")
	u.login(parentLogin)
	for range 25 { // never idle for half an hour
		w.advance(29 * time.Minute)
		if u.get("/auth/apps"); u.at != "/auth/apps" {
			if w.clock().Hour() < 7 {
				t.Errorf("over too early: %s", w.clock())
			}
			break
		}
	}
	if u.at == "/auth/apps" {
		t.Error("a session lives longer than 12 hours")
	}
	u.login(parentLogin)
	w.advance(30 * time.Minute)
	if u.get("/auth/apps"); !strings.HasPrefix(u.at, "/auth/login") {
		t.Error("an idle session lives")
	}
	u.login(parentLogin)
	check(t, w.users.Disable(t.Context(), parentLogin))
	if u.get("/auth/apps"); !strings.HasPrefix(u.at, "/auth/login") {
		t.Error("the session of a disabled user lives")
	}
}

func TestATT44_NamesAreText(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const evil = `"><script>alert(1)</script>{{.}}`
	w.app("evil", func(c *smart.Client) { c.Name, c.OrganizationName = evil, evil })
	w.family.set(func(f *family) {
		f.children[parentRef][0].GivenName, f.children[parentRef][0].Organization = evil, evil
		f.children[parentRef][0].DecidesToo = true
	})
	u := w.browser()
	look := func() {
		t.Helper()
		if strings.Contains(u.page.body, "<script") || !strings.Contains(u.page.body, "&lt;script&gt;alert(1)&lt;/script&gt;{{.}}") {
			t.Errorf("%s: %s", u.at, u.page.body)
		}
	}
	u.authorize("client_id", "evil")
	look()
	u.submit("login", evil, "password", evil)
	look()
	u.login(parentLogin)
	look()
	u.submit("child", "Patient/boris")
	look()
	u.submit("decision", "allow", "group", "plan")
	look()
	u.get("/auth/apps")
	look()
	u.get("/auth/apps?stop=Consent/c1")
	look()
}

func TestOnlyTheGiverWithdraws(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.tokens()
	u := w.browser()
	u.get("/auth/apps")
	u.login("ouder2")
	if strings.Contains(u.page.body, "Ouder-app") {
		t.Error("another user sees the app")
	}
	u.get("/auth/logout")
	other := w.browser()
	other.get("/auth/apps")
	other.login(parentLogin)
	other.get("/auth/apps?stop=Consent/c1")
	form := other.fields()
	u.send("POST", "/auth/apps", form) // the field of another session
	if u.page.status != 403 {
		t.Errorf("%d", u.page.status)
	}
	form.Del("csrf")
	if other.send("POST", "/auth/apps", form); other.page.status != 403 {
		t.Errorf("without the field: %d", other.page.status)
	}
	other.get("/auth/apps?stop=Consent/c1")
	form = other.fields()
	form.Set("consent", "Patient/boris")
	if other.send("POST", "/auth/apps", form); other.page.status != 400 {
		t.Errorf("no Consent: %d", other.page.status)
	}
	form.Set("consent", "Consent/c99")
	if other.send("POST", "/auth/apps", form); other.page.status != 400 {
		t.Errorf("not the user's: %d", other.page.status)
	}
	if p := w.principal(a.text("access_token")); p.Grant == "" {
		t.Error("the grant died")
	}
}

// TestThePageOfAppsLeadsToTheLog as long as the app that shows it is in use.
func TestThePageOfAppsLeadsToTheLog(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *smart.Config) { c.LogPage, c.LogClient = "/app/#log", "app" })
	u := w.browser()
	u.authorize()
	u.login(parentLogin)
	u.get("/auth/apps")
	if !strings.Contains(u.page.body, `<a href="/app/#log">Bekijk wie er keek</a>`) {
		t.Errorf("no way to the log: %s", u.page.body)
	}
	check(t, w.registry.Disable(t.Context(), "app"))
	u.get("/auth/apps")
	if strings.Contains(u.page.body, "#log") {
		t.Error("it leads to an app that is out of use")
	}
}

// TestAnAppIsOfTheOrganizationThatIsStored: where the registration gives no name, the page shows the
// one that the organisation has, and the registration stays as it was.
func TestAnAppIsOfTheOrganizationThatIsStored(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.orgName = "Kinderthuiszorg Voorbeeld"
	w.app("app", func(c *smart.Client) { c.ID, c.OrganizationName = "nameless", "" })
	u := w.browser()
	u.authorize("client_id", "nameless")
	if !strings.Contains(u.page.body, "De app “Ouder-app” van Kinderthuiszorg Voorbeeld") {
		t.Errorf("the page says %s", u.page.body)
	}
	if c, err := w.registry.Show(t.Context(), "nameless"); err != nil || c.OrganizationName != "" {
		t.Errorf("the registration has %q, %v", c.OrganizationName, err)
	}
}
