package smart_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/auth/smart"
)

// desk opens an app without a launch and returns its tokens.
func (u *browser) desk(login string) answer {
	w := u.w
	w.t.Helper()
	if _, err := w.registry.Show(w.t.Context(), "desk"); err != nil {
		w.app("desk", func(c *smart.Client) {
			c.Name, c.OrganizationName, c.Scope = "Balie <b>", "Zorg & Balie", "online_access user/CarePlan.cruds user/Patient.r"
		})
	}
	u.authorize("client_id", "desk", "scope", "online_access user/CarePlan.cruds user/Patient.r")
	if strings.HasPrefix(u.at, "/auth/login") {
		u.login(login)
	}
	u.submit("decision", "allow")
	return w.post("/auth/token", redeemForm(u.back().Get("code"), "client_id", "desk"))
}

func (w *world) wantAlive(name, token string) {
	w.t.Helper()
	if p := w.principal(token); p.State != auth.TokenActive {
		w.t.Errorf("%s: the token is dead", name)
	}
}

func TestSMART513_AProfessionalSeesWhatWorksInTheirNameAndStopsIt(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	u := w.browser()
	first := w.redeemAs(u.open(w.handle(nil)), w.basic())
	w.advance(4 * time.Minute)
	u = w.browser()
	second := w.redeemAs(u.open(w.handle(nil)), w.basic())
	desk := u.desk(nurse)

	u.get("/auth/apps")
	for _, said := range []string{
		"Apps die in uw naam werken", "Inkijk-app", "Kijk &amp; Co", "Balie &lt;b&gt;", "Zorg &amp; Balie", "21 november 2026, 20:00", // by the clock on the wall
		"Zorgplan en zorg van elke dag", "De app mag ook iets veranderen: Zorgplannen", "22 november 2026, 08:04, of eerder als u uitlogt",
	} {
		if !strings.Contains(u.page.body, said) {
			t.Errorf("the page does not say %q: %s", said, u.page.body)
		}
	}
	if n := strings.Count(u.page.body, "Inkijk-app</h3>"); n != 1 {
		t.Errorf("an app that was opened twice stands %d times", n)
	}
	if strings.Contains(u.page.body, "Boris") || strings.Contains(u.page.body, "Geen enkele app") {
		t.Errorf("the page names a child, or says that there is none: %s", u.page.body)
	}

	u.get("/auth/apps?stop=viewer")
	if !strings.Contains(u.page.body, "Wilt u “Inkijk-app” stoppen?") || !strings.Contains(u.page.body, "in uw naam") {
		t.Fatalf("%s", u.page.body)
	}
	forged := u.fields()
	forged.Set("csrf", "forged")
	if u.send(http.MethodPost, "/auth/apps", forged); u.page.status != http.StatusForbidden {
		t.Errorf("a forged form: %d", u.page.status)
	}
	w.wantAlive("after a forged form", second.text("access_token"))
	u.get("/auth/apps?stop=viewer")
	if u.submit(); u.at != "/auth/apps" || strings.Contains(u.page.body, "Inkijk-app") || !strings.Contains(u.page.body, "Balie") {
		t.Errorf("%s %s", u.at, u.page.body)
	}
	w.wantDead("the first window", first.text("access_token"))
	w.wantDead("the second window", second.text("access_token"))
	if a := w.refreshAs(second.text("refresh_token"), w.basic()); a.json["error"] != "invalid_grant" {
		t.Errorf("refresh: %s", a.body)
	}
	w.wantAlive("another app", desk.text("access_token"))
	if n := w.accounts.named("grant/"); n != 1 {
		t.Errorf("%d grants are listed", n)
	}
	if !strings.Contains(w.log.String(), `"grant_revoked"`) {
		t.Error("the end is not logged")
	}
}

func TestSMART513_NobodyStopsTheAppsOfAColleague(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	desk := w.browser().desk(nurse)
	for _, login := range []string{"nurse2", parentLogin} {
		u := w.browser()
		if u.get("/auth/apps"); strings.Contains(u.page.body, "Uitloggen") {
			t.Fatal("logged in already")
		}
		u.login(login)
		if strings.Contains(u.page.body, "Balie") || !strings.Contains(u.page.body, "Geen enkele app") {
			t.Errorf("%s sees %s", login, u.page.body)
		}
		u.get("/auth/apps?stop=desk")
		if strings.Contains(u.page.body, `action="/auth/apps"`) {
			t.Errorf("%s is asked to stop it", login)
		}
		own := w.redeemAs(w.browser().open(w.handle(nil)), w.basic()) // of the nurse: the field of a form of another
		for _, name := range []string{"desk", "", "no such app"} {
			u.get("/auth/logout")
			form := u.fields("app", name)
			u.send(http.MethodPost, "/auth/apps", form)
			if u.page.status != http.StatusForbidden {
				t.Errorf("%s: the field of another page: %d", login, u.page.status)
			}
		}
		w.wantAlive(login, desk.text("access_token"))
		w.wantAlive(login, own.text("access_token"))
	}
}

func TestTheListOfGrantsOfAProfessionalForgetsThoseThatEnd(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	u := w.browser()
	for _, row := range []struct {
		name string
		end  func(answer)
	}{
		{"the client revokes", func(a answer) {
			w.post("/auth/revoke", url.Values{"token": {a.text("refresh_token")}, "client_id": {"desk"}})
		}},
		{"a refresh token is used twice", func(a answer) {
			w.refresh(a.text("refresh_token"))
			w.refresh(a.text("refresh_token"))
		}},
		{"log out", func(answer) { u.get("/auth/logout"); u.submit() }},
	} {
		a := u.desk(nurse)
		w.wantAlive(row.name, a.text("access_token"))
		if n := w.accounts.named("grant/"); n != 1 {
			t.Fatalf("%s: %d grants are listed before", row.name, n)
		}
		row.end(a)
		w.wantDead(row.name, a.text("access_token"))
		if n := w.accounts.named("grant/"); n != 0 {
			t.Errorf("%s: %d grants are listed after", row.name, n)
		}
	}
	u.desk(nurse)
	w.advance(13 * time.Hour)
	u.get("/auth/apps")
	if u.login(nurse); !strings.Contains(u.page.body, "Geen enkele app leest nu gegevens in uw naam") {
		t.Errorf("%s", u.page.body)
	}
	if u.desk(nurse); w.accounts.named("grant/") != 1 {
		t.Error("a grant that is over stays listed")
	}
}

// TestSMART513_512_OverTwoServers: opened through one, seen and stopped through the other, dead at both.
func TestSMART513_512_AProfessionalStopsAnAppOverTwoServers(t *testing.T) {
	t.Parallel()
	a, b, _ := newTwins(t)
	u := a.browser()
	token := u.desk(nurse).text("access_token")
	b.wantAlive("at the other", token)
	u.w = b
	u.get("/auth/apps?stop=desk")
	u.submit()
	a.wantDead("at the first", token)
	b.wantDead("at the other", token)
	if strings.Contains(u.page.body, "Balie") || a.accounts.named("grant/") != 0 {
		t.Errorf("still listed: %s", u.page.body)
	}
}

// TestTheLogOfATokenNamesItsGrant: from the permission to the end, with user and child (smart.md 9).
func TestTheLogOfATokenNamesItsGrant(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	a := w.opened(nil)
	grant := w.principal(a.text("access_token")).Grant
	b := w.refreshAs(a.text("refresh_token"), w.basic())
	w.post("/auth/revoke", url.Values{"token": {b.text("refresh_token")}}, w.basic()...)
	for _, event := range []string{"access_opened", "token_issued", "token_refreshed", "grant_revoked"} {
		found := false
		for line := range strings.Lines(w.log.String()) {
			whole := strings.Contains(line, nurseRef.String()) && strings.Contains(line, "Patient/boris") || event == "grant_revoked"
			found = found || strings.Contains(line, `"`+event+`"`) && strings.Contains(line, `"grant":"`+grant+`"`) && whole && strings.Contains(line, `"request_id":"`)
		}
		if !found {
			t.Errorf("%s does not name the grant, or not its user and child", event)
		}
	}
}
