package smart_test

import (
	"crypto"
	"crypto/hmac"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/drieluik/drieluik/auth/smart"
	"github.com/drieluik/drieluik/auth/upstream"
	"github.com/drieluik/drieluik/fhir"
	"github.com/google/go-cmp/cmp"
)

const (
	textFailed  = "Het inloggen elders is niet gelukt."
	textUnknown = "Wij kennen u hier nog niet."
)

func TestALoginElsewhereOpensTheAccountThatIsBoundToIt(t *testing.T) {
	t.Parallel()
	w := newAbroad(t)
	u := w.browser()
	u.authorize("nonce", "n-1")
	back := w.depart(u)
	asked := w.idp.asked
	got := map[string]string{}
	for _, name := range []string{"response_type", "client_id", "redirect_uri", "scope", "code_challenge_method", "acr_values", "prompt"} {
		got[name] = asked.Get(name)
	}
	want := map[string]string{
		"response_type": "code", "client_id": "drieluik", "redirect_uri": base + upstreamCallback, "scope": "openid profile",
		"code_challenge_method": "S256", "acr_values": "high substantial", "prompt": "",
	}
	if d := cmp.Diff(want, got); d != "" || len(asked.Get("nonce")) < 22 || len(asked.Get("code_challenge")) != 43 {
		t.Errorf("asked %v (-want +got):\n%s", asked, d)
	}
	u.arrive(back)
	if !strings.HasPrefix(u.at, "/auth/child") || !strings.Contains(u.page.body, "Boris") {
		t.Fatalf("%s: %d %s", u.at, u.page.status, u.page.body)
	}
	u.submit("child", "Patient/boris")
	u.submit("decision", "allow", "group", "child", "group", "plan")
	a := w.post("/auth/token", redeemForm(u.back().Get("code")))
	if p := w.principal(a.text("access_token")); p.FHIRUser != parentRef || p.Patient.ID != "boris" {
		t.Errorf("%+v", p)
	}
	claims := claimsOf(t, a.text("id_token"))
	if claims["acr"] != "high" || claims["auth_time"] != float64(w.clock().Unix()-30) || claims["sub"] == "sub-1" || claims["nonce"] != "n-1" {
		t.Errorf("id_token: %v", claims)
	}
	for _, never := range []string{"sub-1", "999990019", asked.Get("nonce"), asked.Get("state"), "at-1", "code-1"} {
		kept := w.log.String()
		for _, v := range w.table.Values() {
			kept += string(v)
		}
		if strings.Contains(kept, never) {
			t.Errorf("%s is kept or logged", never)
		}
	}
	u.get("/auth/apps")
	if u.at != "/auth/apps" {
		t.Errorf("the login does not hold: %s", u.at)
	}
}

func TestSMART112_AFreshLoginIsFreshElsewhereToo(t *testing.T) {
	t.Parallel()
	w := newAbroad(t)
	for name, row := range map[string]struct {
		at int64 // auth_time, against now; 1: none
		in bool
	}{"now": {0, true}, "an hour ago": {-3600, false}, "not said": {1, false}} {
		u := w.browser()
		u.authorize("prompt", "login")
		back := w.depart(u)
		if w.idp.asked.Get("prompt") != "login" || w.idp.asked.Get("max_age") != "0" {
			t.Errorf("%s: asked %v", name, w.idp.asked)
		}
		w.idp.claims = func(c map[string]any) {
			if c["auth_time"] = w.clock().Unix() + row.at; row.at == 1 {
				delete(c, "auth_time")
			}
		}
		u.arrive(back)
		if in := strings.HasPrefix(u.at, "/auth/child"); in != row.in || !in && u.jar["__Host-drl_s"] != "" {
			t.Errorf("%s: %s %s", name, u.at, u.page.body)
		}
	}
}

// forged are ways in which a login elsewhere is not what it should be. Each gives the way back.
var forged = map[string]func(w *abroad, back url.Values){
	"another nonce": func(w *abroad, _ url.Values) { w.idp.claims = func(c map[string]any) { c["nonce"] = "other" } },
	"no nonce":      func(w *abroad, _ url.Values) { w.idp.claims = func(c map[string]any) { delete(c, "nonce") } },
	"another state": func(_ *abroad, q url.Values) { q.Set("state", q.Get("state")+"x") },
	"half a state":  func(_ *abroad, q url.Values) { q.Set("state", strings.Split(q.Get("state"), ".")[0]+".") },
	"another issuer": func(w *abroad, _ url.Values) {
		w.idp.claims = func(c map[string]any) { c["iss"] = "https://evil.example" }
	},
	"another issuer in the address": func(_ *abroad, q url.Values) { q.Set("iss", "https://evil.example") },
	"alg none": func(w *abroad, _ url.Values) {
		w.idp.forge = func(_, claims string) string { return b64([]byte(`{"alg":"none"}`)) + "." + b64([]byte(claims)) + "." }
	},
	"an HMAC with the secret": func(w *abroad, _ url.Values) {
		w.idp.forge = func(_, claims string) string {
			in := b64([]byte(`{"alg":"HS256"}`)) + "." + b64([]byte(claims))
			mac := hmac.New(crypto.SHA256.New, []byte(idpSecret))
			mac.Write([]byte(in))
			return in + "." + b64(mac.Sum(nil))
		}
	},
	"another key": func(w *abroad, _ url.Values) {
		other := rsaKey(w.t, "idp-key")
		w.idp.forge = other.compact
	},
	"a level below":       func(w *abroad, _ url.Values) { w.idp.claims = func(c map[string]any) { c["acr"] = "low" } },
	"no level":            func(w *abroad, _ url.Values) { w.idp.claims = func(c map[string]any) { delete(c, "acr") } },
	"a level as a number": func(w *abroad, _ url.Values) { w.idp.claims = func(c map[string]any) { c["acr"] = 4 } },
	"over": func(w *abroad, _ url.Values) {
		w.idp.claims = func(c map[string]any) { c["exp"] = w.clock().Unix() - 1 }
	},
	"issued long ago": func(w *abroad, _ url.Values) {
		w.idp.claims = func(c map[string]any) { c["iat"] = w.clock().Unix() - 3600 }
	},
	"issued tomorrow": func(w *abroad, _ url.Values) {
		w.idp.claims = func(c map[string]any) { c["iat"] = w.clock().Unix() + 3600 }
	},
	"for another client": func(w *abroad, _ url.Values) { w.idp.claims = func(c map[string]any) { c["aud"] = "other" } },
	"for two clients": func(w *abroad, _ url.Values) {
		w.idp.claims = func(c map[string]any) { c["aud"] = []string{"drieluik", "other"} }
	},
	"for another party": func(w *abroad, _ url.Values) { w.idp.claims = func(c map[string]any) { c["azp"] = "other" } },
	"another access token": func(w *abroad, _ url.Values) {
		w.idp.claims = func(c map[string]any) { c["at_hash"] = b64(make([]byte, 24)) }
	},
	"no subject": func(w *abroad, _ url.Values) { w.idp.claims = func(c map[string]any) { c["sub"] = "" } },
	"no id_token": func(w *abroad, _ url.Values) {
		w.idp.token = func(rw http.ResponseWriter, _ *http.Request) bool {
			w.idp.answer(rw, map[string]any{"access_token": "at-1", "token_type": "Bearer"})
			return true
		}
	},
	"a redirect for an answer": func(w *abroad, _ url.Values) {
		w.idp.token = func(rw http.ResponseWriter, r *http.Request) bool {
			http.Redirect(rw, r, "/elsewhere", http.StatusTemporaryRedirect)
			return true
		}
	},
	"another code":     func(_ *abroad, q url.Values) { q.Set("code", "code-2") },
	"two codes":        func(_ *abroad, q url.Values) { q.Add("code", "code-1") },
	"no code":          func(_ *abroad, q url.Values) { q.Del("code") },
	"a code and error": func(_ *abroad, q url.Values) { q.Set("error", "access_denied") },
	"an error": func(_ *abroad, q url.Values) {
		q.Del("code")
		q.Set("error", "server_error")
		q.Set("error_description", `"><script>alert(1)</script>`)
		q.Set("error_uri", "https://evil.example")
	},
}

func TestATT48_AForgedLoginElsewhereGivesNoSession(t *testing.T) {
	t.Parallel()
	for name, forge := range forged {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newAbroad(t)
			w.t = t
			u := w.browser()
			u.authorize()
			page := u.at
			back := w.depart(u)
			forge(w, back)
			u.arrive(back)
			if u.page.status != 200 || !strings.Contains(u.page.body, textFailed) || !strings.Contains(u.page.body, `name="password"`) {
				t.Errorf("%d %s", u.page.status, u.page.body)
			}
			if u.jar["__Host-drl_s"] != "" || strings.Contains(w.log.String(), `"login_ok"`) || !strings.Contains(w.log.String(), `"login_failed"`) {
				t.Error("a session, or no line in the log")
			}
			if strings.Contains(u.page.body, "evil") || strings.Contains(u.page.body, "<script") || strings.Contains(w.log.String(), "evil") {
				t.Errorf("what the provider said is shown or logged: %s", u.page.body)
			}
			u.get(page)
			w.idp.claims, w.idp.forge, w.idp.token = nil, nil, nil
			if u.arrive(w.depart(u)); !strings.HasPrefix(u.at, "/auth/child") {
				t.Errorf("an honest login after it: %s", u.at)
			}
		})
	}
}

// TestATT48_AWayBackServesOnce: neither a second time, nor another browser, nor another login.
func TestATT48_AWayBackServesOnce(t *testing.T) {
	t.Parallel()
	w := newAbroad(t)
	u := w.browser()
	u.authorize()
	back := w.depart(u)
	other := w.browser()
	other.authorize()
	other.arrive(back)
	wantPage(t, other, 400, textLate)
	u.arrive(back)
	session := u.jar["__Host-drl_s"]
	if session == "" {
		t.Fatal(u.page.body)
	}
	u.arrive(back)
	if !strings.Contains(u.page.body, textFailed) || u.jar["__Host-drl_s"] != session {
		t.Errorf("replayed: %d %s", u.page.status, u.page.body)
	}
	old := w.browser()
	old.authorize()
	first := w.depart(old)
	old.get(strings.Split(old.at, "?")[0] + "?ixn=" + strings.Split(first.Get("state"), ".")[0]) // begun again
	old.arrive(first)
	if !strings.Contains(old.page.body, textFailed) || old.jar["__Host-drl_s"] != "" {
		t.Errorf("a way back of an earlier attempt: %d %s", old.page.status, old.page.body)
	}
	for _, q := range []string{"", "?state=x", "?code=code-1", "?state=i_" + strings.Repeat("A", 43) + ".x&code=code-1"} {
		u.get(upstreamCallback + q)
		wantPage(t, u, 400, textLate)
	}
	u.get("/auth/upstream/other?ixn=x")
	if u.page.status != 404 {
		t.Errorf("an unknown provider: %d", u.page.status)
	}
	u.send(http.MethodPost, upstreamCallback, back)
	if u.page.status != 405 || u.page.header.Get("Allow") != "GET" {
		t.Errorf("POST: %d", u.page.status)
	}
}

func TestATT48_OfManyThatComeBackAtOnceOneGetsIn(t *testing.T) {
	t.Parallel()
	w := newAbroad(t)
	u := w.browser()
	u.authorize()
	back := w.depart(u)
	var wg sync.WaitGroup
	var mu sync.Mutex
	in := 0
	for range 16 {
		again := &browser{w: w.world, jar: map[string]string{"__Host-drl_b": u.jar["__Host-drl_b"]}}
		wg.Go(func() {
			again.arrive(back)
			mu.Lock()
			defer mu.Unlock()
			if again.jar["__Host-drl_s"] != "" {
				in++
			}
		})
	}
	wg.Wait()
	if in != 1 {
		t.Errorf("%d of 16 logged in", in)
	}
}

func TestNobodyGetsAnAccountByLoggingInElsewhere(t *testing.T) {
	t.Parallel()
	other := fhir.Ref{Type: "RelatedPerson", ID: "rp2"}
	rows := map[string]func(w *abroad){
		"nobody bears the number":      func(w *abroad) { w.bearer = nil },
		"two bear it":                  func(w *abroad) { w.bearer[bsnSystem+"|999990019"] = []fhir.Ref{parentRef, other} },
		"somebody without an account":  func(w *abroad) { w.bearer[bsnSystem+"|999990019"] = []fhir.Ref{{Type: "RelatedPerson", ID: "rp9"}} },
		"an account that logs in here": func(w *abroad) { w.bearer[bsnSystem+"|999990019"] = []fhir.Ref{other} },
		"an account out of use":        func(w *abroad) { check(w.t, w.users.Disable(w.t.Context(), parentLogin)) },
		"an account that stands for others": func(w *abroad) {
			check(w.t, w.users.Bind(w.t.Context(), parentLogin, smart.Binding{FHIRUser: fhir.Ref{Type: "RelatedPerson", ID: "rp7"}}))
		},
		"an account of another subject": func(w *abroad) {
			check(w.t, w.users.Bind(w.t.Context(), parentLogin, smart.Binding{FHIRUser: parentRef, Upstream: elsewhereID + "|sub-2"}))
		},
		"an account of another provider": func(w *abroad) {
			check(w.t, w.users.Bind(w.t.Context(), parentLogin, smart.Binding{FHIRUser: parentRef, Upstream: "other"}))
		},
		"no number":          func(w *abroad) { w.idp.claims = func(c map[string]any) { delete(c, "bsn") } },
		"a number as number": func(w *abroad) { w.idp.claims = func(c map[string]any) { c["bsn"] = 999990019 } },
	}
	for name, change := range rows {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newAbroad(t)
			w.t = t
			change(w)
			before, err := w.users.List(t.Context())
			check(t, err)
			u := w.browser()
			u.authorize()
			u.arrive(w.depart(u))
			if u.page.status != 403 || !strings.Contains(u.page.body, textUnknown) || u.jar["__Host-drl_s"] != "" {
				t.Errorf("%d %s", u.page.status, u.page.body)
			}
			after, err := w.users.List(t.Context())
			check(t, err)
			if d := cmp.Diff(before, after); d != "" {
				t.Errorf("the accounts changed: %s", d)
			}
		})
	}
}

func TestAnAccountIsBoundToASubjectElsewhere(t *testing.T) {
	t.Parallel()
	w := newAbroad(t, func(c *upstream.Config) { c.Match = nil })
	added, err := w.users.Add(t.Context(), smart.NewAccount{Login: "elders", Binding: smart.Binding{FHIRUser: fhir.Ref{Type: "Patient", ID: "sanne"}, Upstream: elsewhereID + "|sub-1"}})
	check(t, err)
	if _, err := w.users.Add(t.Context(), smart.NewAccount{Login: "elders2", Binding: smart.Binding{FHIRUser: parentRef, Upstream: elsewhereID + "|sub-1"}}); fhir.KindOf(err) != fhir.Conflict {
		t.Errorf("two accounts of one subject: %v", err)
	}
	u := w.browser()
	u.authorize()
	for _, password := range []string{"", "x", parentPass} { // it has none here
		u.submit("login", "elders", "password", password)
		if u.jar["__Host-drl_s"] != "" {
			t.Fatalf("logged in with the password %q", password)
		}
	}
	u.arrive(w.depart(u))
	if !strings.HasPrefix(u.at, "/auth/consent") || !strings.Contains(u.page.body, "Sanne") || added.Upstream != elsewhereID+"|sub-1" {
		t.Errorf("%s %s", u.at, u.page.body)
	}
	for _, upstream := range []string{"|sub", "burger|", "Bur ger", "burger|" + strings.Repeat("x", 256)} {
		if err := w.users.Bind(t.Context(), "elders", smart.Binding{FHIRUser: parentRef, Upstream: upstream}); fhir.KindOf(err) != fhir.Unprocessable {
			t.Errorf("%.20q: %v", upstream, err)
		}
	}
}

func TestAProviderNamesTheOrganisationOfAProfessional(t *testing.T) {
	t.Parallel()
	for claim, in := range map[string]bool{"90000001": true, "urn:ura|90000001": true, "90000002": false, "": false} {
		w := newAbroad(t, func(c *upstream.Config) { c.OrgClaim = "ura" })
		w.app("desk", func(c *smart.Client) { c.Scope = "user/CarePlan.rs" })
		check(t, w.users.Bind(t.Context(), nurse, smart.Binding{FHIRUser: nurseRef, Organization: "urn:ura|90000001", Upstream: elsewhereID + "|sub-1"}))
		w.idp.claims = func(c map[string]any) { c["ura"] = claim }
		u := w.browser()
		u.authorize("client_id", "desk", "scope", "user/CarePlan.rs")
		u.arrive(w.depart(u))
		if got := strings.HasPrefix(u.at, "/auth/consent"); got != in || !in && !strings.Contains(u.page.body, textUnknown) {
			t.Errorf("%q: %s %s", claim, u.at, u.page.body)
		}
	}
}

func TestAProviderThatIsDownIsAskedAgain(t *testing.T) {
	t.Parallel()
	w := newAbroad(t)
	w.idp.discover = http.StatusBadGateway
	u := w.browser()
	u.authorize()
	at := strings.Replace(u.at, "/auth/login", "/auth/upstream/"+elsewhereID, 1)
	for range 3 {
		if u.get(at); u.page.status != 200 || !strings.Contains(u.page.body, textFailed) {
			t.Errorf("%d %s", u.page.status, u.page.body)
		}
	}
	if w.idp.hits != 1 {
		t.Errorf("asked %d times within seconds", w.idp.hits)
	}
	w.idp.discover = 0
	w.advance(10 * time.Second)
	u.get(strings.Replace(at, "/auth/upstream/"+elsewhereID, "/auth/login", 1))
	if u.arrive(w.depart(u)); !strings.HasPrefix(u.at, "/auth/child") {
		t.Errorf("%s %s", u.at, u.page.body)
	}
}

// TestKeysOfAProviderServeWhileItIsOut: of what it says of itself, too; and the local login asks it nothing.
func TestKeysOfAProviderServeWhileItIsOut(t *testing.T) {
	t.Parallel()
	w := newAbroad(t)
	u := w.browser()
	u.authorize()
	if u.arrive(w.depart(u)); !strings.HasPrefix(u.at, "/auth/child") {
		t.Fatalf("%s %s", u.at, u.page.body)
	}
	w.idp.mu.Lock()
	hits := w.idp.hits
	w.idp.discover = http.StatusBadGateway // of the keys too
	w.idp.mu.Unlock()
	w.advance(3 * time.Hour)
	u = w.browser()
	u.authorize()
	if u.arrive(w.depart(u)); !strings.HasPrefix(u.at, "/auth/child") {
		t.Errorf("%s %s", u.at, u.page.body)
	}
	u = w.browser()
	u.authorize()
	if u.login(parentLogin); !strings.HasPrefix(u.at, "/auth/child") {
		t.Errorf("the local login: %s %s", u.at, u.page.body)
	}
	w.idp.mu.Lock()
	defer w.idp.mu.Unlock()
	if w.idp.hits > hits+1 {
		t.Errorf("asked %d times", w.idp.hits-hits)
	}
}

// TestALoginElsewhereThatFailsCanBeReadInAnotherLanguage: on the login page again, not on an expired one. An
// address that nobody gave stands on no page.
func TestALoginElsewhereThatFailsCanBeReadInAnotherLanguage(t *testing.T) {
	t.Parallel()
	w := newAbroad(t)
	u := w.browser()
	u.authorize()
	back := w.depart(u)
	u.arrive(url.Values{"state": back["state"], "error": {"access_denied"}})
	if !strings.Contains(u.page.body, textFailed) {
		t.Fatalf("%s", u.page.body)
	}
	link := regexp.MustCompile(`href="([^"]*lang=sv[^"]*)"`).FindStringSubmatch(u.page.body)
	if link == nil {
		t.Fatalf("%s", u.page.body)
	}
	if u.get(html.UnescapeString(link[1])); u.page.status != 200 || !strings.Contains(u.page.body, "Logga in med Medborgar-id") {
		t.Errorf("%s: %d %s", link[1], u.page.status, u.page.body)
	}
	for _, path := range []string{"/auth/upstream/XXX-marker", "/auth/upstream/XXX-marker/callback?state=XXX-marker"} {
		if u.get(path); u.page.status != 404 || strings.Contains(u.page.body, "XXX-marker") {
			t.Errorf("%s: %d %s", path, u.page.status, u.page.body)
		}
	}
}

// TestTheButtonsOfLoginsElsewhereComeFirst: escaped, in the language of the page, as links.
func TestTheButtonsOfLoginsElsewhereComeFirst(t *testing.T) {
	t.Parallel()
	w := newAbroad(t)
	for lang, name := range map[string]string{"nl": "Inloggen met Burger-id &lt;b&gt;", "sv": "Logga in med Medborgar-id", "en": "Log in with Citizen id"} {
		u := w.browser()
		u.authorize("ui_locales", lang)
		u.get(u.at + "&lang=" + lang)
		button, form := strings.Index(u.page.body, name), strings.Index(u.page.body, "<form")
		if button < 0 || form < button {
			t.Errorf("%s: %s", lang, u.page.body)
		}
		if err := wellFormed(u.page.body); err != nil {
			t.Errorf("%s: %v", lang, err)
		}
	}
}
