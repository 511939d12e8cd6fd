package smart_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/auth/smart"
	"github.com/drieluik/drieluik/fhir"
)

func TestAProfessionalAloneGetsUserScopesAndNoChild(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	w.app("desk", func(c *smart.Client) { c.Scope = viewerScope + " launch/patient offline_access patient/Observation.rs" })
	u := w.browser()
	u.authorize("client_id", "desk", "scope", "launch/patient openid offline_access patient/Patient.r user/CarePlan.read user/*.rs user/Task.rs")
	u.login(nurse)
	if !strings.HasPrefix(u.at, "/auth/consent") || strings.Contains(u.page.body, "Boris") || !strings.Contains(u.page.body, "ActivityDefinition") {
		t.Fatalf("%s %s", u.at, u.page.body)
	}
	u.submit("decision", "allow")
	a := w.post("/auth/token", redeemForm(u.back().Get("code"), "client_id", "desk"))
	if a.json["scope"] != "openid user/CarePlan.read user/ActivityDefinition.rs user/CarePlan.rs" || a.json["patient"] != nil || a.json["refresh_token"] != nil {
		t.Errorf("%s", a.body)
	}
	p := w.principal(a.text("access_token"))
	if p.Role != auth.Professional || p.Organization.ID != "org-90000001" || !p.Patient.IsZero() || p.Launch != "standalone" || p.Purpose != "TREAT" {
		t.Errorf("%+v", p)
	}
	about := w.post("/auth/introspect", url.Values{"token": {a.text("access_token")}}, "Authorization", "Bearer "+w.introspector())
	if _, sent := about.json["patient"]; sent || about.json["active"] != true {
		t.Errorf("%s", about.body)
	}

	u.authorize("client_id", "desk", "scope", "launch/patient patient/Patient.r")
	if q := u.back(); u.page.status != 403 || q.Get("error") != "invalid_scope" || q.Has("code") {
		t.Errorf("patient/ scopes alone: %d %v", u.page.status, q)
	}
	parent := w.browser()
	parent.authorize("client_id", "desk", "scope", "user/CarePlan.rs")
	parent.login(parentLogin)
	parent.submit("child", "Patient/boris")
	if q := parent.back(); parent.page.status != 403 || q.Get("error") != "invalid_scope" {
		t.Errorf("a parent with user/ scopes alone: %d %v", parent.page.status, q)
	}
}

// introspector is a token that may look at every token.
func (w *ward) introspector() string {
	k := ecKey(w.t, "look")
	w.backend("look", k)
	return w.bearer("look", k, "scope", "drieluik/introspect")
}

func TestSMART425_WhatEndsTheAccessOfAProfessional(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	rows := []struct {
		name       string
		change     func(*browser)
		undo       func()
		alsoClient bool
	}{
		{"log out", func(u *browser) { u.get("/auth/logout"); u.submit() }, func() {}, false},
		{"account disabled", func(*browser) { check(t, w.users.Disable(t.Context(), nurse)) }, func() { check(t, w.users.Enable(t.Context(), nurse)) }, false},
		{"another organisation", func(*browser) {
			check(t, w.users.Bind(t.Context(), nurse, smart.Binding{FHIRUser: nurseRef, Organization: "urn:ura|90000002"}))
		}, func() {
			check(t, w.users.Bind(t.Context(), nurse, smart.Binding{FHIRUser: nurseRef, Organization: "urn:ura|90000001"}))
		}, false},
		{"another practitioner", func(*browser) {
			check(t, w.users.Bind(t.Context(), nurse, smart.Binding{FHIRUser: fhir.Ref{Type: "Practitioner", ID: "pr9"}, Organization: "urn:ura|90000001"}))
		}, func() {
			check(t, w.users.Bind(t.Context(), nurse, smart.Binding{FHIRUser: nurseRef, Organization: "urn:ura|90000001"}))
		}, false},
		{"client disabled", func(*browser) { check(t, w.registry.Disable(t.Context(), "viewer")) }, func() { check(t, w.registry.Enable(t.Context(), "viewer")) }, true},
		{"twelve hours", func(*browser) { w.advance(12 * time.Hour) }, func() {}, false},
	}
	for _, row := range rows {
		u := w.browser()
		a := w.redeemAs(u.open(w.handle(nil)), w.basic())
		if p := w.principal(a.text("access_token")); p.State != auth.TokenActive {
			t.Fatalf("%s: dead before", row.name)
		}
		row.change(u)
		w.wantDead(row.name, a.text("access_token"))
		if b := w.refreshAs(a.text("refresh_token"), w.basic()); b.json["error"] != map[bool]string{true: "invalid_client", false: "invalid_grant"}[row.alsoClient] {
			t.Errorf("%s: refresh %d %s", row.name, b.status, b.body)
		}
		row.undo()
	}
}

func TestSMART115_PurposesOfAProfessional(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	w.viewer("coc", func(c *smart.Client) { c.Purposes = []string{"COC", "BTG"} })
	coc := map[string]any{"client_id": "coc"}
	code := w.browser().open(w.handle(coc), "client_id", "coc", "purpose_of_use", "COC")
	if code == "" {
		t.Error("COC is registered")
	}
	for _, row := range []struct{ client, purpose string }{{"viewer", "COC"}, {"viewer", "BTG"}, {"coc", "ETREAT"}, {"coc", "HCOMPL"}, {"coc", "treat"}} {
		u := w.browser()
		u.authorize(launched(w.handle(map[string]any{"client_id": row.client}), "client_id", row.client, "purpose_of_use", row.purpose)...)
		if q := u.back(); q.Get("error") != "invalid_request" || !strings.HasPrefix(q.Get("error_description"), "authz.purpose") {
			t.Errorf("%v: %v", row, q)
		}
	}
	u := w.browser()
	u.authorize(launched(w.handle(nil), "purpose_of_use", "FAMRQT")...)
	u.login(nurse)
	if q := u.back(); q.Get("error") != "invalid_request" || q.Has("code") {
		t.Errorf("a purpose of families: %v", q)
	}
	u = w.browser()
	u.authorize("purpose_of_use", "TREAT")
	u.login(parentLogin)
	u.submit("child", "Patient/boris")
	if q := u.back(); q.Get("error") != "invalid_request" || q.Has("code") {
		t.Errorf("a parent who treats: %v", q)
	}
	if a := w.opened(nil, "purpose_of_use", "TREAT"); w.principal(a.text("access_token")).Purpose != "TREAT" {
		t.Errorf("%s", a.body)
	}
}

func TestSMART112_ALaunchWithoutAPage(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	u := w.browser()
	handle := w.handle(nil)
	u.authorize(launched(handle, "prompt", "none")...)
	if q := u.back(); q.Get("error") != "login_required" {
		t.Errorf("%v", q)
	}
	u.open(handle) // a try without a page does not use it up
	u.authorize(launched(w.handle(nil), "prompt", "login")...)
	if !strings.HasPrefix(u.at, "/auth/login") {
		t.Errorf("prompt=login: %s", u.at)
	}
}

func TestAHeadRequestOpensNothing(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	u := w.browser()
	u.open(w.handle(nil))
	head := func(method, target string) answer {
		r := httptest.NewRequest(method, target, nil)
		for name, value := range u.jar {
			r.AddCookie(&http.Cookie{Name: name, Value: value})
		}
		return w.do(r)
	}
	at := head(http.MethodGet, "/auth/authorize?"+asking(launched(w.handle(nil))...).Encode()).header.Get("Location")
	if a := head(http.MethodHead, at); a.status != 200 || strings.Contains(a.body, "code=") {
		t.Errorf("%d %s", a.status, a.body)
	}
	if u.get(at); u.back().Get("code") == "" {
		t.Errorf("%d %s", u.page.status, u.page.body)
	}
}

func TestATT67_ALaunchKeepsAndLogsNoSecret(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	handle := w.handle(fullLaunch)
	u := w.browser()
	a := w.redeemAs(u.open(handle, "state", "marker-state"), w.basic())
	w.launch(map[string]any{"patient": "marker-patient", "intent": "marker-intent"})
	w.launch(map[string]any{"fhirContext": []any{map[string]any{"identifier": map[string]any{"system": "http://fhir.nl/fhir/NamingSystem/bsn", "value": "999990019"}, "type": "Task"}}})
	kept := w.log.String()
	for _, v := range w.table.Values() {
		kept += string(v) + "\n"
	}
	for _, secret := range []string{
		handle, w.ehr, w.secret.Reveal(), a.text("access_token"), a.text("refresh_token"), a.text("id_token"), "marker-", "999990019", "Boris", nurse + `"`, u.jar["__Host-drl_s"],
	} {
		if secret == "" || strings.Contains(kept, secret) {
			t.Errorf("%.12s… is kept or logged", secret)
		}
	}
	if !strings.Contains(kept, `"access_opened"`) {
		t.Error("the opening is not logged")
	}
}
