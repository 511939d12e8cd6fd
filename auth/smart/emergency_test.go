package smart_test

import (
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/auth/smart"
	"github.com/drieluik/drieluik/fhir"
	"github.com/google/go-cmp/cmp"
)

const emergencyReason = "Bewusteloos binnengebracht, ouders onbereikbaar <geheim>"

// acute registers an app that may ask for a look in an emergency, and one that an EHR starts besides.
func (w *ward) acute() {
	w.t.Helper()
	w.app("acute", func(c *smart.Client) {
		c.Name, c.Scope, c.Purposes = "Spoed-app", "openid offline_access online_access user/Patient.rs user/CarePlan.rs", []string{"BTG", "ETREAT"}
	})
	w.viewer("acute-ehr", func(c *smart.Client) { c.Purposes = []string{"BTG"} })
	w.permitEmergency("urn:ura|90000001")
}

func (w *world) permitEmergency(identifier string) {
	w.t.Helper()
	_, err := w.registry.PermitEmergency(w.t.Context(), identifier, "")
	check(w.t, err)
}

// emergency goes to the emergency screen of the app.
func (w *ward) emergency(pairs ...string) *browser {
	w.t.Helper()
	u := w.browser()
	u.authorize(append([]string{"client_id", "acute", "scope", "openid offline_access online_access user/Patient.rs user/CarePlan.rs", "purpose_of_use", "BTG"}, pairs...)...)
	if strings.HasPrefix(u.at, "/auth/login") {
		u.login(nurse)
	}
	return u
}

func TestSMART115_AProfessionalBreaksTheGlassWithAReason(t *testing.T) {
	t.Parallel()
	for _, purpose := range []string{"BTG", "ETREAT"} {
		w := newWard(t)
		w.acute()
		u := w.emergency("purpose_of_use", purpose)
		if !strings.HasPrefix(u.at, "/auth/consent") || !strings.Contains(u.page.body, "Spoed-app") {
			t.Fatalf("%s %s", u.at, u.page.body)
		}
		u.submit("decision", "allow", "reason", "  "+emergencyReason+"\r\n")
		a := w.post("/auth/token", redeemForm(u.back().Get("code"), "client_id", "acute"))
		if a.json["scope"] != "openid user/Patient.rs user/CarePlan.rs" || a.json["refresh_token"] != nil || a.status != 200 {
			t.Errorf("%s: %s", purpose, a.body)
		}
		p := w.principal(a.text("access_token"))
		want := auth.Principal{
			State: auth.TokenActive, Role: auth.Professional, Client: "acute", ClientName: "Spoed-app", FHIRUser: nurseRef,
			Organization: fhir.Ref{Type: "Organization", ID: "org-90000001"}, Purpose: purpose, Launch: "standalone",
			BTG:     &auth.BreakGlass{Reason: emergencyReason, At: w.clock(), Exp: w.clock().Add(4 * time.Hour)},
			Subject: p.Subject, Scopes: p.Scopes, Grant: p.Grant, Issued: p.Issued, Expires: p.Expires,
		}
		if d := cmp.Diff(want, p, cmp.Comparer(func(a, b auth.Scopes) bool { return a.String() == b.String() })); d != "" {
			t.Errorf("%s: principal (-want +got):\n%s", purpose, d)
		}
		if d := auth.Decide(p, auth.Action{Interaction: auth.Read, Type: "CarePlan"}, auth.Facts{Now: w.clock()}); !d.Permit {
			t.Errorf("%s: %+v", purpose, d)
		}
		w.advance(15 * time.Minute)
		w.wantDead("after its life", a.text("access_token"))
	}
}

func TestSMART115_TheEmergencyScreenSaysWhatItMeans(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	w.acute()
	u := w.emergency()
	body := u.page.body
	for _, said := range []string{"wie u bent", "de reden", "De familie", "<textarea", `minlength="10"`} {
		if !strings.Contains(body, said) {
			t.Errorf("the screen does not say %s: %s", said, body)
		}
	}
	if strings.Contains(body, " checked") || strings.Contains(body, " selected") || regexp.MustCompile(`<textarea[^>]*>[^<]`).MatchString(body) {
		t.Error("something is chosen beforehand")
	}
	if refuse, allow := strings.Index(body, `value="refuse"`), strings.Index(body, `value="allow"`); refuse < 0 || allow < refuse {
		t.Error("to refuse is not the first button")
	}
	for _, short := range []string{"", "kort", "   \t  123456789  \n ", "          ", "a a a a", strings.Repeat("x", 501), "\u202e\u200f123456789", "a" + strings.Repeat(" \u200b", 12) + " b"} {
		u.submit("decision", "allow", "reason", short)
		if u.page.status != 200 || !strings.Contains(u.page.body, "<textarea") || !strings.Contains(u.page.body, `role="alert"`) {
			t.Errorf("%.20q: %d %s", short, u.page.status, u.page.body)
		}
	}
	u.submit("decision", "allow", "reason", `"></b>`)
	if strings.Contains(u.page.body, "</b>") || !strings.Contains(u.page.body, "&lt;/b&gt;") {
		t.Errorf("what was typed is markup: %s", u.page.body)
	}
	u.submit("decision", "allow", "reason", "ééééééééé")
	if !strings.Contains(u.page.body, ">ééééééééé</textarea>") {
		t.Errorf("what was typed is lost: %s", u.page.body)
	}
	form := u.fields("decision", "allow", "reason", emergencyReason)
	form.Set("csrf", "forged")
	if u.send("POST", "/auth/consent", form); u.page.status != 403 {
		t.Errorf("a forged form: %d", u.page.status)
	}
	u = w.emergency()
	u.submit("decision", "refuse", "reason", emergencyReason)
	if q := u.back(); q.Get("error") != "access_denied" || q.Has("code") {
		t.Errorf("refused: %v", q)
	}
	form = w.emergency().fields("decision", "allow", "reason", emergencyReason)
	if u.send("POST", "/auth/consent", form); u.page.status != 400 {
		t.Errorf("the screen of another browser: %d", u.page.status)
	}
}

func TestSMART115_AnEmergencyNeedsRoleAndRegistration(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	w.acute()
	w.app("calm", func(c *smart.Client) { c.Scope, c.Purposes = "user/CarePlan.rs", []string{"COC", "ETREAT"} })
	w.app("family", func(c *smart.Client) { c.Purposes = []string{"BTG"} })
	u := w.browser()
	u.authorize("client_id", "calm", "scope", "user/CarePlan.rs", "purpose_of_use", "BTG")
	wantReturned(t, u, "invalid_request", "authz.purpose")
	u.authorize("client_id", "family", "purpose_of_use", "BTG")
	u.login(parentLogin)
	u.submit("child", "Patient/boris")
	if q := u.back(); q.Get("error") != "invalid_request" || q.Has("code") {
		t.Errorf("a parent: %v", q)
	}
	k := ecKey(t, "robot")
	w.add(smart.Client{ID: "robot", Name: "Robot", Type: smart.TypeBackend, Scope: scope, JWKS: jwks(k), Organization: "urn:x|1", Purposes: []string{"BTG", "ETREAT"}})
	for _, purpose := range []string{"BTG", "ETREAT"} {
		wantFault(t, w.token("robot", k, "purpose_of_use", purpose), 400, "invalid_request", "authz.purpose")
	}
	u = w.emergency()
	u.submit("decision", "allow", "reason", emergencyReason)
	a := w.post("/auth/token", redeemForm(u.back().Get("code"), "client_id", "acute"))
	c, err := w.registry.Show(t.Context(), "acute")
	check(t, err)
	c.Purposes = nil
	raw := toJSON(map[string]any{"clients": []smart.Client{c}})
	if _, err := w.registry.Import(t.Context(), raw); err != nil {
		t.Fatal(err)
	}
	w.wantDead("no longer registered for it", a.text("access_token"))
}

// TestSMART115_AnEmergencyNeedsTheOrganisationToo: of the professional, and at each request.
func TestSMART115_AnEmergencyNeedsTheOrganisationToo(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	w.acute()
	if _, err := w.registry.PermitEmergency(t.Context(), "90000001", ""); fhir.KindOf(err) != fhir.Unprocessable {
		t.Errorf("an identifier without a system: %v", err)
	}
	u := w.emergency()
	u.submit("decision", "allow", "reason", emergencyReason)
	a := w.post("/auth/token", redeemForm(u.back().Get("code"), "client_id", "acute"))
	w.wantAlive("permitted", a.text("access_token"))
	treats := u.desk(nurse).text("access_token")

	check(t, w.registry.BarEmergency(t.Context(), "urn:ura|90000001"))
	w.wantDead("the organisation no longer may", a.text("access_token"))
	w.wantAlive("what is no emergency", treats)
	told := w.post("/auth/introspect", url.Values{"token": {a.text("access_token")}}, "Authorization", "Bearer "+w.introspector())
	if d := cmp.Diff(map[string]any{"active": false}, told.json); d != "" {
		t.Errorf("introspection (-want +got):\n%s", d)
	}
	if err := w.registry.BarEmergency(t.Context(), "urn:ura|90000001"); fhir.KindOf(err) != fhir.NotFound {
		t.Errorf("barred twice: %v", err)
	}
	looks := len(w.family.looked)
	for _, client := range []string{"acute", "acute-ehr"} {
		u := w.browser()
		if client == "acute" {
			u.authorize("client_id", "acute", "scope", "user/Patient.rs", "purpose_of_use", "BTG")
		} else {
			u.authorize(launched(w.handle(map[string]any{"client_id": client}), "client_id", client, "purpose_of_use", "BTG")...)
			looks = len(w.family.looked)
		}
		u.login(nurse)
		if !strings.Contains(u.page.body, "Uw organisatie mag hier in een noodgeval niets openen") || strings.Contains(u.page.body, "<textarea") {
			t.Errorf("%s: %d %s", client, u.page.status, u.page.body)
		}
		if q := u.back(); u.page.status != 403 || q.Get("error") != "invalid_request" || !strings.HasPrefix(q.Get("error_description"), "authz.purpose") || q.Has("code") {
			t.Errorf("%s: %d %v", client, u.page.status, q)
		}
	}
	if len(w.family.looked) != looks {
		t.Error("a record was looked at")
	}
	w.permitEmergency("urn:ura|90000001") // of an Organization that was made anew there are two
	check(t, w.store.SaveSetting(t.Context(), "emergency/before", []byte(`{"identifier":"urn:ura|90000001","ref":"Organization/before"}`)))
	check(t, w.registry.BarEmergency(t.Context(), "urn:ura|90000001"))
	if list, err := w.registry.EmergencyOrganizations(t.Context()); err != nil || len(list) > 0 {
		t.Errorf("after it was barred: %+v %v", list, err)
	}
	w.permitEmergency("urn:ura|90000002") // another one
	if list, err := w.registry.EmergencyOrganizations(t.Context()); err != nil || len(list) != 1 || list[0].Ref != "Organization/org-90000002" {
		t.Errorf("%+v %v", list, err)
	}
	w.wantDead("another organisation may", a.text("access_token"))
}

// TestSMART115_ALaunchInAnEmergencyAsksBeforeItNamesTheChild: also of an app that asks nothing else.
func TestSMART115_ALaunchInAnEmergencyAsksBeforeItNamesTheChild(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	w.acute()
	u := w.browser()
	ask := func(order map[string]any) {
		u.authorize(launched(w.handle(merge(map[string]any{"client_id": "acute-ehr"}, order)), "client_id", "acute-ehr", "purpose_of_use", "BTG")...)
		if strings.HasPrefix(u.at, "/auth/login") {
			u.login(nurse)
		}
	}
	ask(fullLaunch)
	looks := len(w.family.looked)
	if strings.Contains(u.page.body, "Boris") || !strings.Contains(u.page.body, "<textarea") {
		t.Fatalf("the child is named without a reason: %s", u.page.body)
	}
	u.submit("decision", "allow", "reason", emergencyReason)
	if !strings.Contains(u.page.body, "Boris") {
		t.Errorf("%d %s", u.page.status, u.page.body)
	}
	for _, by := range w.family.looked[looks:] {
		if by.Principal.Purpose != "BTG" || by.Principal.BTG == nil || by.Principal.BTG.Reason != emergencyReason {
			t.Errorf("looked as %+v", by.Principal)
		}
	}
	if len(w.family.looked) == looks {
		t.Error("nobody looked at the child")
	}
	w.hide("professional Patient/boris")
	ask(nil)
	u.submit("decision", "allow", "reason", emergencyReason)
	if q := u.back(); u.page.status != 403 || q.Get("error") != "access_denied" || q.Has("code") {
		t.Errorf("hidden also in an emergency: %d %v", u.page.status, q)
	}
}

// TestATT67_TheReasonOfAnEmergencyIsKeptForItsTokenAlone: it stands in no log, no address, and in the
// state only sealed.
func TestATT67_TheReasonOfAnEmergencyIsKeptForItsTokenAlone(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	w.acute()
	u := w.emergency()
	u.submit("decision", "allow", "reason", emergencyReason)
	code := u.back().Get("code")
	a := w.post("/auth/token", redeemForm(code, "client_id", "acute"))
	told := w.post("/auth/introspect", url.Values{"token": {a.text("access_token")}}, "Authorization", "Bearer "+w.introspector())
	kept := w.log.String() + a.body + told.body + u.page.header.Get("Location") + u.at
	for _, v := range w.table.Values() {
		kept += string(v) + "\n"
	}
	for _, part := range []string{"Bewusteloos", "onbereikbaar", url.QueryEscape(emergencyReason)} {
		if strings.Contains(kept, part) {
			t.Errorf("%s is kept or told", part)
		}
	}
	if !strings.Contains(w.log.String(), `"emergency_opened"`) || told.json["active"] != true {
		t.Errorf("no line of the emergency, or %s", told.body)
	}
}
