package smart_test

import (
	"strings"
	"testing"
	"time"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/auth/smart"
	"github.com/drieluik/drieluik/fhir"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestTheWholeWayFromLoginToWithdrawal(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	u := w.browser()
	a := w.post("/auth/token", redeemForm(u.permit("nonce", "n-1")))
	got := map[string]any{"token_type": a.json["token_type"], "expires_in": a.json["expires_in"], "scope": a.json["scope"], "patient": a.json["patient"]}
	want := map[string]any{"token_type": "Bearer", "expires_in": 900.0, "patient": "boris",
		"scope": "launch/patient openid fhirUser offline_access patient/Patient.r patient/CarePlan.rs patient/Observation.rs patient/Task.rs"}
	if d := cmp.Diff(want, got); d != "" {
		t.Fatalf("token (-want +got):\n%s", d)
	}
	p := w.principal(a.text("access_token"))
	wantPrincipal := auth.Principal{State: auth.TokenActive, Role: auth.Guardian, Client: "app", ClientName: "Ouder-app",
		FHIRUser: parentRef, Patient: fhir.Ref{Type: "Patient", ID: "boris"}, Purpose: "FAMRQT", Launch: "standalone", Issued: w.clock(), Expires: w.clock().Add(900 * time.Second)}
	if d := cmp.Diff(wantPrincipal, p, cmpopts.IgnoreFields(auth.Principal{}, "Scopes", "Grant", "Subject")); d != "" {
		t.Errorf("principal (-want +got):\n%s", d)
	}
	if p.Grant == "" || p.Subject == "" || !p.Scopes.Allows("patient", "CarePlan", 'r') || p.Scopes.Allows("patient", "Task", 'c') {
		t.Errorf("principal: %+v", p)
	}
	refreshed := w.refresh(a.text("refresh_token"))
	if refreshed.status != 200 || refreshed.json["scope"] != a.json["scope"] || refreshed.json["patient"] != "boris" {
		t.Fatalf("refresh: %d %s", refreshed.status, refreshed.body)
	}
	u.get("/auth/apps")
	if !strings.Contains(u.page.body, "Ouder-app") {
		t.Fatalf("apps: %s", u.page.body)
	}
	u.get("/auth/apps?stop=Consent/c1")
	u.submit()
	if strings.Contains(u.page.body, "Ouder-app") || u.at != "/auth/apps" {
		t.Errorf("after withdrawal: %s %s", u.at, u.page.body)
	}
	w.wantDead("withdrawn", refreshed.text("access_token"))
	wantFault(t, w.refresh(refreshed.text("refresh_token")), 400, "invalid_grant", "refresh.withdrawn")
}

func TestSMART110_TheConsentSaysWhatTheUserPermitted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.family.set(func(f *family) {
		f.children[parentRef][0].Until = w.clock().Add(40 * 24 * time.Hour)
	})
	u := w.browser()
	u.authorize()
	u.login(parentLogin)
	u.submit("child", "Patient/boris")
	u.submit("decision", "allow", "group", "child", "category", "vital-signs", "change", "plan", "duration", "1y")
	w.family.set(func(f *family) {
		got := f.granted[0]
		want := smart.ConsentGrant{
			User: smart.User{Subject: got.User.Subject, FHIRUser: parentRef}, Patient: fhir.Ref{Type: "Patient", ID: "boris"}, Performer: parentRef,
			ClientID: "app", ClientName: "Ouder-app", Organization: fhir.Ref{Type: "Organization", ID: "org-1"}, Purpose: "FAMRQT",
			Scopes: []string{
				"patient/Observation.rs?category=http://terminology.hl7.org/CodeSystem/observation-category|vital-signs",
				"patient/Patient.r", "patient/Task.cud",
			},
			Types: []fhir.Type{"Patient", "Task", "Observation"}, Write: true, From: w.clock(), Until: w.clock().Add(40 * 24 * time.Hour),
			Language: "nl", TextVersion: 4,
			Text: "De app “Ouder-app” van Zorg & Co wil gegevens van Boris lezen.\n- Naam, geboortedatum en contact\n- Metingen en uitslagen\n" +
				"  Hartslag, adem, temperatuur en gewicht\nDe app mag ook iets veranderen:\n- Taken\nHoe lang mag dit? 1 jaar\nU kunt dit altijd stoppen.",
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("consent (-want +got):\n%s", d)
		}
	})
	a := w.post("/auth/token", redeemForm(u.back().Get("code")))
	want := "launch/patient openid fhirUser offline_access patient/Patient.r patient/Observation.rs?category=http://terminology.hl7.org/CodeSystem/observation-category|vital-signs patient/Task.cud"
	if a.json["scope"] != want {
		t.Errorf("scope %v, want %s", a.json["scope"], want)
	}
}

func TestSMART110_RefusalGoesBackWithState(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	u := w.browser()
	u.authorize("state", "a b%20&ü")
	u.login(parentLogin)
	u.submit("child", "Patient/boris")
	u.submit("decision", "refuse")
	q := u.back()
	if q.Get("error") != "access_denied" || q.Get("state") != "a b%20&ü" || q.Get("iss") != base || q.Get("code") != "" {
		t.Errorf("%v", q)
	}
	if len(w.family.granted) != 0 {
		t.Error("a refusal wrote a consent")
	}
}

func TestAChildThatActsForItselfChoosesNoChild(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.family.set(func(f *family) { f.role = auth.ChildRole })
	u := w.browser()
	u.authorize()
	u.login("sanne")
	if !strings.HasPrefix(u.at, "/auth/consent") {
		t.Fatalf("at %s", u.at)
	}
	u.submit("decision", "allow", "group", "plan")
	a := w.post("/auth/token", redeemForm(u.back().Get("code")))
	if p := w.principal(a.text("access_token")); p.Role != auth.ChildRole || p.Purpose != "PATRQT" || p.Patient.ID != "sanne" {
		t.Errorf("%+v", p)
	}
}

func TestAParentWithoutAChildGetsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	u := w.browser()
	u.authorize()
	u.login("ouder2")
	if u.page.status != 403 || u.back().Get("error") != "access_denied" {
		t.Errorf("%d %s", u.page.status, u.page.body)
	}
}

func TestAForeignChildCannotBeChosen(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, child := range []string{"", "Patient/daan", "Patient/sanne", "boris", "RelatedPerson/rp1"} {
		u := w.browser()
		u.authorize()
		u.login(parentLogin)
		u.submit("child", child)
		if !strings.Contains(u.page.body, "Kies een kind.") {
			t.Errorf("%q: %d %s", child, u.page.status, u.at)
		}
	}
}

func TestAuthorityThatEndsBeforeConsentGivesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	u := w.browser()
	u.authorize()
	u.login(parentLogin)
	u.submit("child", "Patient/boris")
	w.family.set(func(f *family) { f.children[parentRef] = f.children[parentRef][1:] })
	u.submit("decision", "allow", "group", "plan")
	if !strings.HasPrefix(u.at, "/auth/child") || len(w.family.granted) != 0 {
		t.Errorf("at %s with %d consents", u.at, len(w.family.granted))
	}
}

func TestAFailedConsentCanBeSentAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	u := w.browser()
	u.authorize()
	u.login(parentLogin)
	u.submit("child", "Patient/boris")
	form := u.fields("decision", "allow", "group", "plan")
	w.family.set(func(f *family) { f.down = &fhir.Error{Kind: fhir.Unavailable, Op: "test"} })
	u.send("POST", "/auth/consent", form)
	if u.page.status != 503 || !strings.Contains(u.page.body, "Het lukt nu niet") {
		t.Fatalf("%d %s", u.page.status, u.page.body)
	}
	w.family.set(func(f *family) { f.down = nil })
	u.send("POST", "/auth/consent", form)
	if u.back().Get("code") == "" {
		t.Errorf("%d %s", u.page.status, u.page.body)
	}
}

func TestAtLeastOneGroupMustBeTicked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	u := w.browser()
	u.authorize()
	u.login(parentLogin)
	u.submit("child", "Patient/boris")
	if strings.Contains(u.page.body, `type="checkbox" checked`) || strings.Count(u.page.body, " checked>") != 1 {
		t.Error("something but the shortest duration is preselected")
	}
	u.submit("decision", "allow", "group", "medicines", "type", "Medication")
	if !strings.Contains(u.page.body, "Kies ten minste één soort gegevens.") || len(w.family.granted) != 0 {
		t.Errorf("%d %s", u.page.status, u.page.body)
	}
	u.submit("decision", "allow", "type", "CarePlan")
	if u.back().Get("code") == "" {
		t.Error("the page did not come back usable")
	}
}

func TestRequiredScopesAreLocked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.app("needy", func(c *smart.Client) { c.RequiredScope = "patient/Patient.r patient/Task.u" })
	u := w.browser()
	u.authorize("client_id", "needy")
	u.login(parentLogin)
	u.submit("child", "Patient/boris")
	if !strings.Contains(u.page.body, "Nodig voor deze app") || strings.Contains(u.page.body, `value="child"`) {
		t.Errorf("%s", u.page.body)
	}
	u.submit("decision", "allow")
	a := w.post("/auth/token", redeemForm(u.back().Get("code"), "client_id", "needy"))
	if want := "launch/patient openid fhirUser online_access patient/Patient.r patient/Task.u"; a.json["scope"] != want {
		t.Errorf("scope %v, want %s", a.json["scope"], want)
	}
}

func TestSMART113_WhatWasPermittedBeforeIsConfirmedInShort(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	u := w.browser()
	ask := []string{"scope", "offline_access patient/CarePlan.rs patient/Patient.r"}
	u.permit(ask...)
	w.advance(24 * time.Hour)
	short := func(pairs ...string) bool {
		u.authorize(pairs...)
		if strings.HasPrefix(u.at, "/auth/login") {
			u.login(parentLogin)
		}
		u.submit("child", "Patient/boris")
		return strings.Contains(u.page.body, "U hebt dit al eerder toegestaan. Het mag tot 19 februari 2027.")
	}
	for name, pairs := range map[string][]string{
		"more is asked": {}, "prompt=consent": append([]string{"prompt", "consent"}, ask...), "more letters": {"scope", "patient/CarePlan.rs patient/Task.c"},
	} {
		if short(pairs...) {
			t.Errorf("%s: the short page", name)
		}
	}
	if !short("scope", "offline_access patient/CarePlan.r") {
		t.Fatalf("%s", u.page.body)
	}
	forged := u.fields("decision", "allow")
	forged.Del("remembered")
	if u.send("POST", "/auth/consent", forged); u.page.status != 403 {
		t.Errorf("the short form passed for the long one: %d", u.page.status)
	}
	short("scope", "offline_access patient/CarePlan.r")
	u.submit("decision", "allow")
	a := w.post("/auth/token", redeemForm(u.back().Get("code")))
	if a.json["scope"] != "offline_access patient/CarePlan.r" || a.text("refresh_token") == "" {
		t.Errorf("%s", a.body)
	}
	first, second := w.family.granted[0], w.family.granted[1]
	if !second.Until.Equal(first.Until) || second.Scopes[0] != "patient/CarePlan.r" {
		t.Errorf("until %s, before %s", second.Until, first.Until)
	}
	short("scope", "offline_access patient/CarePlan.r")
	w.family.set(func(f *family) { f.inactive["c1"], f.inactive["c2"] = true, true })
	u.submit("decision", "allow")
	if !strings.Contains(u.page.body, "Kies wat de app mag zien.") || len(w.family.granted) != 2 {
		t.Errorf("a withdrawn permission was confirmed: %s", u.page.body)
	}
}

func TestAnAppThatOnlyWrites(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	u := w.browser()
	u.authorize("scope", "patient/Task.c")
	u.login(parentLogin)
	u.submit("child", "Patient/boris")
	u.submit("decision", "allow")
	if u.page.status != 200 || !strings.Contains(u.page.body, `<a href="#change-plan">Kies ten minste één`) {
		t.Fatalf("%d %s", u.page.status, u.page.body)
	}
	u.submit("decision", "allow", "change", "plan")
	if a := w.post("/auth/token", redeemForm(u.back().Get("code"))); a.json["scope"] != "patient/Task.c" || a.json["patient"] != "boris" {
		t.Errorf("%s", a.body)
	}
}
