package smart_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/auth/smart"
	"github.com/drieluik/drieluik/fhir"
	"github.com/google/go-cmp/cmp"
)

func TestSMART201_AnEHRGetsAHandleAndAnAddress(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	a := w.launch(nil)
	handle := a.text("launch")
	want := map[string]any{
		"launch": handle, "expires_in": float64(300),
		"launch_url": viewerLaunch + "&iss=" + url.QueryEscape(base+"/fhir") + "&launch=" + handle,
	}
	if d := cmp.Diff(want, a.json); a.status != http.StatusCreated || d != "" {
		t.Errorf("%d (-want +got):\n%s", a.status, d)
	}
	if !strings.HasPrefix(handle, "drl_") || len(handle) != 47 || a.header.Get("Cache-Control") != "no-store" || a.header.Get("X-Request-Id") == "" {
		t.Errorf("%s %v", handle, a.header)
	}
	if w.handle(nil) == handle {
		t.Error("the same handle twice")
	}
	reader := w.family.looked[0]
	if reader.Principal.Role != auth.System || reader.Principal.Organization.ID != "org-90000001" || reader.Principal.Client != "ehr" ||
		reader.RequestID != a.header.Get("X-Request-Id") || reader.Address == "" {
		t.Errorf("looked as %+v", reader)
	}
	for _, part := range []string{`"launch_created"`, `"app":"viewer"`, `"client_id":"ehr"`, `"user":"Practitioner/pr1"`, `"patient":"Patient/boris"`} {
		if !strings.Contains(w.log.String(), part) {
			t.Errorf("the log has no %s", part)
		}
	}
}

func TestSMART201_OnlyAKnownLauncher(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	body := string(toJSON(order(nil)))
	rows := []struct {
		name, header string
		status       int
		code, rule   string
	}{
		{"no token", "", 401, "invalid_token", "token.none"},
		{"guessed token", "Bearer dra_" + strings.Repeat("A", 43), 401, "invalid_token", "token.invalid"},
		{"a secret as token", "Bearer " + w.secret.Reveal(), 401, "invalid_token", "token.invalid"},
		{"Basic", fmtBasic("viewer", w.secret.Reveal()), 401, "invalid_token", "token.invalid"},
		{"a launch handle", "Bearer " + w.handle(nil), 401, "invalid_token", "token.invalid"},
		{"a parent", "Bearer " + w.tokens().text("access_token"), 401, "invalid_token", "token.invalid"},
	}
	for _, row := range rows {
		a := w.launchBody(body, "Authorization", row.header)
		if code, _ := a.json["error"].(string); a.status != row.status || code != row.code || a.rule() != row.rule {
			t.Errorf("%s: %d %s", row.name, a.status, a.body)
		}
		if row.header == "" && a.header.Get("WWW-Authenticate") != `Bearer realm="drieluik"` {
			t.Errorf("%s: %v", row.name, a.header)
		}
		if row.status == 401 && !strings.HasPrefix(a.header.Get("WWW-Authenticate"), `Bearer realm="drieluik"`) {
			t.Errorf("%s: %v", row.name, a.header)
		}
	}
	w.advance(301 * time.Second)
	if a := w.launch(nil); a.status != 401 {
		t.Errorf("an old token: %d", a.status)
	}
}

func TestATT72_ALaunchNeedsScopeAndRegistration(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	k := ecKey(t, "k2")
	w.add(smart.Client{ID: "weak", Name: "Weak", Type: smart.TypeBackend, Scope: "drieluik/launch system/CarePlan.rs", JWKS: jwks(k), Organization: "urn:ura|90000001"})
	body := string(toJSON(order(nil)))
	a := w.launchBody(body, "Authorization", "Bearer "+w.bearer("weak", k))
	wantFault(t, a, 403, "insufficient_scope", "token.scope")
	if !strings.Contains(a.header.Get("WWW-Authenticate"), `error="insufficient_scope"`) || !strings.Contains(a.body, "drieluik/launch") {
		t.Errorf("%v %s", a.header, a.body)
	}
	wantFault(t, w.launchBody(body, "Authorization", "Bearer "+w.bearer("weak", k, "scope", "drieluik/launch")), 403, "access_denied", "launch.denied")
	if len(w.family.looked) != 0 {
		t.Error("a record was looked at")
	}
}

func TestSMART201_TheFormOfALaunch(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	right := string(toJSON(order(nil)))
	rows := []struct {
		name, body string
		status     int
		rule       string
	}{
		{"twice the same member", `{"client_id":"viewer","client_id":"viewer","patient":"Patient/boris","user":"Practitioner/pr1"}`, 400, "launch.form"},
		{"unknown member", string(toJSON(order(map[string]any{"tenant": "x"}))), 400, "launch.form"},
		{"no object", `["viewer"]`, 400, "launch.form"},
		{"no JSON", `{`, 400, "launch.form"},
		{"nothing", ``, 400, "launch.form"},
		{"null", `{"client_id":null,"patient":"Patient/boris","user":"Practitioner/pr1"}`, 400, "launch.form"},
		{"a number", string(toJSON(order(map[string]any{"intent": 1}))), 400, "launch.form"},
		{"a banner in words", string(toJSON(order(map[string]any{"need_patient_banner": "no"}))), 400, "launch.form"},
		{"deep", `{"client_id":"viewer","style":` + strings.Repeat(`{"a":`, 5000) + "1" + strings.Repeat("}", 5001), 400, "launch.form"},
		{"64 KiB and one", right + strings.Repeat(" ", 64<<10), 413, "launch.size"},
		{"no client", string(toJSON(order(map[string]any{"client_id": nil}))), 400, "form.missing"},
		{"no patient", string(toJSON(order(map[string]any{"patient": nil}))), 400, "form.missing"},
		{"no user", string(toJSON(order(map[string]any{"user": nil}))), 400, "form.missing"},
	}
	for _, row := range rows {
		wantFault(t, w.launchBody(row.body), row.status, "invalid_request", row.rule)
	}
	for _, media := range []string{"application/x-www-form-urlencoded", "text/json", "application/json; charset=latin1", ""} {
		wantFault(t, w.launchBody(right, "Content-Type", media), 415, "invalid_request", "launch.type")
	}
	wantFault(t, w.launchBody(right, "Content-Encoding", "gzip"), 415, "invalid_request", "launch.type")
	if a := w.launchBody(right, "Content-Type", "application/json; charset=UTF-8"); a.status != 201 {
		t.Errorf("with charset: %s", a.body)
	}
	u := w.browser()
	for _, method := range []string{"GET", "PUT", "OPTIONS"} {
		if u.send(method, "/auth/launch", nil); u.page.status != 405 || u.page.header.Get("Allow") != "POST" {
			t.Errorf("%s: %d", method, u.page.status)
		}
	}
}

func TestSMART201_WhatCannotBeUsedIsNamedAndNoMore(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	w.viewer("closed", func(c *smart.Client) { c.LaunchURIs, c.SkipConsent = nil, false })
	w.viewer("scopeless", func(c *smart.Client) { c.Scope = "openid patient/Patient.r" })
	w.viewer("off", func(c *smart.Client) { c.Status = smart.StatusDisabled })
	w.hide("system Patient/hidden")
	w.hide("system Encounter/hidden")
	rows := map[string][]any{
		"client_id":   {"nobody", "closed", "scopeless", "off", "ehr", "", "a b"},
		"patient":     {"Patient/hidden", "boris", "RelatedPerson/rp1", "Patient/boris/_history/1", "https://other.example/fhir/Patient/boris", "Patient/"},
		"user":        {"Device/x", "nurse", "Practitioner/", "https://other.example/fhir/Practitioner/pr1"},
		"encounter":   {"Encounter/hidden", "e1", "Patient/boris"},
		"intent":      {"", "a\nb", strings.Repeat("x", 129)},
		"fhirContext": {[]any{}, []any{"CarePlan/1"}, []any{map[string]any{}}},
		"style":       {map[string]any{}, map[string]any{"color_text": "red;}"}, map[string]any{"script": "red"}, map[string]any{"color_text": 1}},
	}
	for member, values := range rows {
		var texts []any
		for _, v := range values {
			a := w.launch(map[string]any{member: v})
			wantFault(t, a, 422, "invalid_request", "launch.member")
			if texts = append(texts, a.json["error_description"]); texts[0] != texts[len(texts)-1] || !strings.Contains(a.body, "Member "+member+" ") {
				t.Errorf("%s %v: %s", member, v, a.body)
			}
		}
	}
	w.family.set(func(f *family) { f.down = &fhir.Error{Kind: fhir.Unavailable, Op: "test"} })
	if a := w.launch(nil); a.status != 503 || a.json["launch"] != nil {
		t.Errorf("records are down: %d %s", a.status, a.body)
	}
}

func TestSMART402_FHIRContext(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	type m = map[string]any
	id := m{"system": "https://epd.example/orders", "value": "7"}
	rows := []struct {
		name string
		item any
		ok   bool
	}{
		{"a reference", m{"reference": "CarePlan/p1"}, true},
		{"a reference with a role", m{"reference": "CarePlan/p1", "role": "https://epd.example/roles/start"}, true},
		{"the role of SMART", m{"reference": "CarePlan/p1", "role": "launch"}, true},
		{"a canonical", m{"canonical": "https://drieluik.example/fhir/Questionnaire/q|1", "type": "Questionnaire"}, true},
		{"an identifier", m{"identifier": id, "type": "ServiceRequest"}, true},
		{"another patient in another role", m{"reference": "Patient/anna", "role": "https://epd.example/roles/sister"}, true},
		{"a patient", m{"reference": "Patient/anna"}, false},
		{"an encounter", m{"reference": "Encounter/e", "role": "launch"}, false},
		{"a patient by identifier", m{"identifier": id, "type": "Patient"}, false},
		{"an absolute reference", m{"reference": "https://other.example/fhir/CarePlan/p1"}, false},
		{"a relative canonical", m{"canonical": "Questionnaire/q", "type": "Questionnaire"}, false},
		{"a canonical of no type", m{"canonical": "https://drieluik.example/fhir/Questionnaire/q"}, false},
		{"an identifier of no type", m{"identifier": id}, false},
		{"an unknown type", m{"identifier": id, "type": "Fish"}, false},
		{"a national number", m{"identifier": m{"system": "http://fhir.nl/fhir/NamingSystem/bsn", "value": "999990019"}, "type": "RelatedPerson"}, false},
		{"a role that is no address", m{"reference": "CarePlan/p1", "role": "start"}, false},
		{"only a type", m{"type": "CarePlan"}, false},
		{"a member of its own", m{"reference": "CarePlan/p1", "display": "Boris"}, false},
		{"too long", m{"reference": "CarePlan/p1", "role": "https://epd.example/" + strings.Repeat("r", 1100)}, false},
	}
	for _, row := range rows {
		a := w.launch(m{"fhirContext": []any{row.item}})
		if !row.ok {
			if wantFault(t, a, 422, "invalid_request", "launch.member"); t.Failed() {
				t.Fatal(row.name)
			}
			continue
		}
		if got := w.opened(m{"fhirContext": []any{row.item}}).json["fhirContext"]; cmp.Diff([]any{row.item}, got) != "" {
			t.Errorf("%s: %v", row.name, got)
		}
	}
	many := make([]any, 11)
	for i := range many {
		many[i] = m{"reference": "CarePlan/p1"}
	}
	wantFault(t, w.launch(m{"fhirContext": many}), 422, "invalid_request", "launch.member")
}
