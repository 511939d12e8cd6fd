package smart_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/auth/smart"
	"github.com/drieluik/drieluik/fhir"
	"github.com/google/go-cmp/cmp"
)

func TestSMART202_TheAppOpensAtTheChildOfTheEHR(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	u := w.browser()
	u.authorize(launched(w.handle(nil))...)
	if !strings.HasPrefix(u.at, "/auth/login") {
		t.Fatalf("at %s", u.at)
	}
	u.login(nurse)
	if !strings.Contains(u.page.body, "Boris &lt;b&gt;") || !strings.Contains(u.page.body, "2020") || strings.Contains(u.page.body, "<form") {
		t.Errorf("the page does not name the child, or asks: %s", u.page.body)
	}
	a := w.redeemAs(u.back().Get("code"), w.basic())
	if a.json["scope"] != "launch openid fhirUser online_access patient/Patient.r patient/CarePlan.rs user/CarePlan.rs user/ActivityDefinition.rs" || a.text("refresh_token") == "" || a.text("id_token") == "" {
		t.Errorf("%s", a.body)
	}
	if d := cmp.Diff(map[string]any{"patient": "boris", "need_patient_banner": true}, contextIn(a)); d != "" {
		t.Errorf("context (-want +got):\n%s", d)
	}
	p := w.principal(a.text("access_token"))
	want := auth.Principal{
		State: auth.TokenActive, Role: auth.Professional, Client: "viewer", ClientName: "Inkijk-app", FHIRUser: nurseRef,
		Organization: fhir.Ref{Type: "Organization", ID: "org-90000001"}, Patient: fhir.Ref{Type: "Patient", ID: "boris"},
		Purpose: "TREAT", Launch: "ehr", Subject: p.Subject, Scopes: p.Scopes, Grant: p.Grant, Issued: p.Issued, Expires: p.Expires,
	}
	if d := cmp.Diff(want, p, cmp.Comparer(func(a, b auth.Scopes) bool { return a.String() == b.String() })); d != "" {
		t.Errorf("principal (-want +got):\n%s", d)
	}
	if len(w.family.granted) != 0 {
		t.Error("a professional gave a consent")
	}
	again := w.browser()
	again.jar = u.jar
	again.authorize(launched(w.handle(nil))...)
	if code := again.back().Get("code"); code == "" || strings.HasPrefix(again.at, "/auth/login") {
		t.Errorf("the login does not hold: %s %s", again.at, again.page.body)
	}
}

func TestSMART202_AnAppThatIsNotTrustedAsksFirst(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	w.viewer("asks", func(c *smart.Client) { c.SkipConsent = false })
	u := w.browser()
	pairs := []string{"client_id", "asks"}
	u.authorize(launched(w.handle(map[string]any{"client_id": "asks"}), pairs...)...)
	u.login(nurse)
	if !strings.HasPrefix(u.at, "/auth/consent") || !strings.Contains(u.page.body, "Boris &lt;b&gt;") || !strings.Contains(u.page.body, "Kijk &amp; Co") {
		t.Fatalf("%s %s", u.at, u.page.body)
	}
	form := u.fields("decision", "allow")
	form.Set("csrf", "forged")
	if u.send("POST", "/auth/consent", form); u.page.status != 403 {
		t.Errorf("a forged form: %d", u.page.status)
	}
	u.get("/auth/consent?ixn=" + url.QueryEscape(form.Get("ixn")))
	u.submit("decision", "allow")
	if u.back().Get("code") == "" {
		t.Errorf("%s", u.page.body)
	}
	u.authorize(launched(w.handle(map[string]any{"client_id": "asks"}), pairs...)...)
	u.submit("decision", "refuse")
	if q := u.back(); q.Get("error") != "access_denied" || q.Has("code") {
		t.Errorf("refused: %v", q)
	}
}

func TestSMART203_AHandleIsForOneUseOfOneAppWithItsScope(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	other := w.viewer
	other("other")
	used := w.handle(nil)
	w.browser().open(used)
	old := w.handle(nil)
	w.advance(300 * time.Second)
	rows := []struct {
		name  string
		pairs []string
	}{
		{"guessed", launched("drl_" + strings.Repeat("A", 43))},
		{"no handle at all", launched("123")},
		{"used", launched(used)},
		{"expired", launched(old)},
		{"scope without a handle", launched("")},
	}
	for _, row := range rows {
		wantLaunchRefused(t, w, row.name, row.pairs)
	}
}

func TestSMART203_AHandleWithoutScopeOrOfAnotherApp(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	w.viewer("other")
	handle := w.handle(nil)
	wantLaunchRefused(t, w, "handle without scope", launched(handle, "scope", "openid patient/Patient.r"))
	w.browser().open(handle) // what was wrong in form has not used it up
	handle = w.handle(nil)
	wantLaunchRefused(t, w, "other client", launched(handle, "client_id", "other"))
	wantLaunchRefused(t, w, "after the other client", launched(handle))
}

func wantLaunchRefused(t *testing.T, w *ward, name string, pairs []string) {
	t.Helper()
	u := w.browser()
	u.authorize(pairs...)
	if q := u.back(); u.page.status != http.StatusSeeOther || q.Get("error") != "invalid_request" || !strings.HasPrefix(q.Get("error_description"), "authz.launch: ") || q.Has("code") {
		t.Errorf("%s: %d %v", name, u.page.status, q)
	}
}

func TestSMART203_AnotherUserOpensNothing(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	handle := w.handle(nil)
	u := w.browser()
	u.authorize(launched(handle)...)
	form := u.at
	u.login("nurse2")
	if q := u.back(); u.page.status != 403 || q.Get("error") != "access_denied" || q.Has("code") || u.jar["__Host-drl_s"] != "" {
		t.Errorf("%d %v", u.page.status, q)
	}
	u.get(form)
	if u.page.status != 400 {
		t.Errorf("the launch goes on: %d", u.page.status)
	}
	wantLaunchRefused(t, w, "spent", launched(handle))

	u.get("/auth/apps") // the login of a colleague who left it open does not count
	u.login("nurse2")
	u.authorize(launched(w.handle(nil))...)
	if !strings.HasPrefix(u.at, "/auth/login") {
		t.Fatalf("opened with the login of another: %s", u.at)
	}
	if u.login(nurse); u.back().Get("code") == "" {
		t.Errorf("%s", u.page.body)
	}
}

func TestATT28_AHandleGivesACodeOnceAndForNothingElse(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	handle := w.handle(nil)
	var through atomic.Int32
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			a := w.do(httptest.NewRequest(http.MethodGet, "/auth/authorize?"+asking(launched(handle)...).Encode(), nil))
			if strings.HasPrefix(a.header.Get("Location"), "/auth/login") {
				through.Add(1)
			}
		})
	}
	wg.Wait()
	if through.Load() != 1 {
		t.Errorf("%d of 16 got through", through.Load())
	}

	w.hide("professional Patient/boris") // what the EHR may open, its user may not see
	u := w.browser()
	u.authorize(launched(w.handle(nil))...)
	u.login(nurse)
	if q := u.back(); u.page.status != 403 || q.Get("error") != "access_denied" || q.Has("code") {
		t.Errorf("a hidden child: %d %v", u.page.status, q)
	}

	u.authorize(launched(w.handle(map[string]any{"patient": "Patient/anna"}))...)
	if got := w.redeemAs(u.back().Get("code"), w.basic()); got.json["patient"] != "anna" {
		t.Errorf("%s", got.body)
	}
}

func TestATT28_TheChildOfALaunchCannotBeExchanged(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	w.viewer("portal", func(c *smart.Client) { c.SkipConsent, c.Scope = false, viewerScope+" "+appScope })
	u := w.browser()
	u.authorize(launched(w.handle(map[string]any{"client_id": "portal", "user": parentRef.String()}), "client_id", "portal")...)
	u.login(parentLogin)
	if !strings.HasPrefix(u.at, "/auth/consent") || !strings.Contains(u.page.body, "Boris") {
		t.Fatalf("a parent chooses all the same: %s", u.at)
	}
	f := u.fields()
	u.get("/auth/child?ixn=" + url.QueryEscape(f.Get("ixn")))
	if !strings.HasPrefix(u.at, "/auth/consent") {
		t.Errorf("the choice is open: %s", u.at)
	}
	u.send("POST", "/auth/child", url.Values{"ixn": f["ixn"], "csrf": f["csrf"], "child": {"Patient/anna"}})
	u.submit("decision", "allow", "group", "child")
	a := w.post("/auth/token", redeemForm(u.back().Get("code"), "client_id", "portal", "redirect_uri", viewerBack))
	wantFault(t, a, 401, "invalid_client", "client.none")
	if len(w.family.granted) != 1 || w.family.granted[0].Patient.ID != "boris" {
		t.Errorf("%+v", w.family.granted)
	}

	u.authorize(launched(w.handle(map[string]any{"client_id": "portal", "user": parentRef.String(), "patient": "Patient/stranger"}), "client_id", "portal")...)
	if q := u.back(); u.page.status != 403 || q.Get("error") != "access_denied" {
		t.Errorf("a child that is not theirs: %d %v", u.page.status, q)
	}
}

var fullLaunch = map[string]any{
	"encounter": "Encounter/e1", "intent": "show-plan", "need_patient_banner": false,
	"fhirContext": []any{map[string]any{"reference": "CarePlan/p1"}},
	"style":       map[string]any{"color_text": "#112233", "dim_font_size": "13px", "font_family_body": "'Noto Sans', sans-serif"},
}

func TestSMART403_TheContextStaysTheSame(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	a := w.opened(fullLaunch)
	style := a.text("smart_style_url")
	want := map[string]any{
		"patient": "boris", "encounter": "e1", "intent": "show-plan", "need_patient_banner": false, "smart_style_url": style,
		"fhirContext": []any{map[string]any{"reference": "CarePlan/p1"}},
	}
	if d := cmp.Diff(want, contextIn(a)); d != "" {
		t.Errorf("token (-want +got):\n%s", d)
	}
	b := w.refreshAs(a.text("refresh_token"), w.basic())
	if d := cmp.Diff(want, contextIn(b)); d != "" {
		t.Errorf("refresh (-want +got):\n%s", d)
	}
	c := w.post("/auth/introspect", url.Values{"token": {b.text("access_token")}}, w.basic()...)
	if d := cmp.Diff(want, contextIn(c)); d != "" || c.json["fhirUser"] != base+"/fhir/Practitioner/pr1" || c.json["username"] != nil {
		t.Errorf("introspection %s (-want +got):\n%s", c.body, d)
	}
	if !strings.Contains(a.text("scope"), "launch/encounter") {
		t.Error("the encounter is not among the scopes")
	}
}

func TestSMART401_TheStyleIsServedUnderItsContent(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	address := w.opened(fullLaunch).text("smart_style_url")
	path, ours := strings.CutPrefix(address, base)
	a := w.do(httptest.NewRequest("GET", path, nil))
	if d := cmp.Diff(fullLaunch["style"], any(a.json)); !ours || a.status != 200 || d != "" || a.header.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("%s: %d %v\n%s", address, a.status, a.header, d)
	}
	same := map[string]any{"style": map[string]any{"font_family_body": "'Noto Sans', sans-serif", "dim_font_size": "13px", "color_text": "#112233"}}
	if got := w.opened(same).text("smart_style_url"); got != address {
		t.Errorf("the same content at %s", got)
	}
	if got := w.opened(map[string]any{"style": map[string]any{"color_text": "#000"}}).text("smart_style_url"); got == address || got == "" {
		t.Errorf("other content at %s", got)
	}
	for _, name := range []string{"x", strings.Repeat("0", 64), strings.Repeat("0", 64) + ".json", strings.ToUpper(strings.TrimPrefix(path, "/auth/style/"))} {
		if a := w.do(httptest.NewRequest("GET", "/auth/style/"+name, nil)); a.status != 404 {
			t.Errorf("%s: %d", name, a.status)
		}
	}
}

func TestSMART401_AnEncounterThatTheUserMayNotSeeIsLeftOut(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	w.hide("professional Encounter/e1")
	a := w.opened(fullLaunch)
	if a.json["encounter"] != nil || strings.Contains(a.text("scope"), "launch/encounter") || a.json["patient"] != "boris" {
		t.Errorf("%s", a.body)
	}
}

func TestSMART204_UnknownLaunchScopesAreDropped(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	scope := "launch launch/list launch/encounter?role=https://epd.example/r launch/encounter patient/Patient.r"
	if a := w.opened(nil, "scope", scope); a.json["scope"] != "launch patient/Patient.r" {
		t.Errorf("without an encounter: %v", a.json["scope"])
	}
	if a := w.opened(fullLaunch, "scope", scope); a.json["scope"] != "launch launch/encounter patient/Patient.r" {
		t.Errorf("with an encounter: %v", a.json["scope"])
	}
}
