package smart_test

import (
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/drieluik/drieluik/auth/smart"
	"github.com/google/go-cmp/cmp"
)

func TestSMART002_TheDocumentWithTheCodeFlow(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	got := w.do(httptest.NewRequest("GET", discoveryPaths()[0], nil)).json
	scopes := got["scopes_supported"]
	delete(got, "scopes_supported")
	want := map[string]any{
		"issuer": base, "jwks_uri": base + "/auth/jwks", "authorization_endpoint": base + "/auth/authorize", "token_endpoint": base + "/auth/token",
		"introspection_endpoint": base + "/auth/introspect", "revocation_endpoint": base + "/auth/revoke", "management_endpoint": base + "/auth/apps",
		"pushed_authorization_request_endpoint": base + "/auth/par",
		"grant_types_supported":                 []any{"authorization_code", "refresh_token", "client_credentials"},
		"response_types_supported":              []any{"code"}, "response_modes_supported": []any{"query"}, "code_challenge_methods_supported": []any{"S256"},
		"token_endpoint_auth_methods_supported":            []any{"private_key_jwt", "client_secret_basic", "client_secret_post", "none"},
		"token_endpoint_auth_signing_alg_values_supported": []any{"RS384", "ES384"},
		"dpop_signing_alg_values_supported":                []any{"ES256", "ES384", "PS256"},
		"authorization_response_iss_parameter_supported":   true, "request_parameter_supported": false, "request_uri_parameter_supported": false,
		"capabilities": []any{
			"launch-standalone", "launch-ehr", "authorize-post", "client-public", "client-confidential-symmetric", "client-confidential-asymmetric",
			"sso-openid-connect", "context-banner", "context-style", "context-standalone-patient", "context-ehr-patient", "context-ehr-encounter",
			"permission-offline", "permission-online", "permission-patient", "permission-user", "permission-v1", "permission-v2",
		},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	openid := w.do(httptest.NewRequest("GET", discoveryPaths()[1], nil)).json
	for name, value := range want {
		if name != "capabilities" && cmp.Diff(value, openid[name]) != "" {
			t.Errorf("%s differs in openid-configuration", name)
		}
	}
	for _, name := range []string{"subject_types_supported", "id_token_signing_alg_values_supported", "claims_supported"} {
		if openid[name] == nil {
			t.Errorf("no %s", name)
		}
	}
	list, ok := scopes.([]any)
	if !ok {
		t.Fatal("no scopes")
	}
	wantEveryFamilyScope(t, w, list)
	wantEveryStaffScope(t, list)
}

// listed returns the scopes of the list that keep says, in its order.
func listed(list []any, keep func(string) bool) string {
	var out []string
	for _, s := range list {
		if text, ok := s.(string); ok && keep(text) {
			out = append(out, text)
		}
	}
	return strings.Join(out, " ")
}

// wantEveryStaffScope does the same for a professional in an EHR launch.
func wantEveryStaffScope(t *testing.T, list []any) {
	t.Helper()
	all := listed(list, func(s string) bool {
		return !strings.HasPrefix(s, "system/") && !strings.HasPrefix(s, "drieluik/") && s != "offline_access"
	})
	w := newWard(t)
	secret := w.viewer("all", func(c *smart.Client) { c.Scope = all })
	code := w.browser().open(w.handle(map[string]any{"client_id": "all", "encounter": "Encounter/e1"}), "client_id", "all", "scope", all)
	if a := w.redeemAs(code, []string{"Authorization", fmtBasic("all", secret.Reveal())}); a.json["scope"] != all {
		t.Errorf("asked %s\n got %v", all, a.body)
	}
}

// wantEveryFamilyScope asks for each listed scope and looks whether it is granted (SMART-004).
func wantEveryFamilyScope(t *testing.T, w *world, list []any) {
	t.Helper()
	all := listed(list, func(s string) bool {
		for _, no := range []string{"system/", "user/", "drieluik/", "online_access", "launch/encounter"} {
			if strings.HasPrefix(s, no) {
				return false
			}
		}
		return s != "launch"
	})
	w.app("all", func(c *smart.Client) { c.Scope = all })
	u := w.browser()
	u.authorize("client_id", "all", "scope", all)
	u.login(parentLogin)
	u.submit("child", "Patient/boris")
	pairs := []string{"decision", "allow", "duration", "1y"}
	for _, g := range []string{"child", "plan", "health"} {
		pairs = append(pairs, "group", g, "change", g)
	}
	u.submit(pairs...)
	a := w.post("/auth/token", redeemForm(u.back().Get("code"), "client_id", "all"))
	if a.json["scope"] != all {
		t.Errorf("asked %s\n got %v", all, a.json["scope"])
	}
}

func TestWildcardsAreSpelledOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if a := w.tokens("scope", "patient/*.read patient/CarePlan.read"); a.json["scope"] != "patient/CarePlan.rs patient/Observation.rs patient/Patient.r patient/Task.rs patient/CarePlan.read" {
		t.Errorf("%v", a.json["scope"])
	}
	if a := w.tokens("scope", "patient/Patient.read"); a.json["scope"] != "patient/Patient.r" {
		t.Errorf("more than the registration: %v", a.json["scope"])
	}
	if a := w.tokens("scope", "patient/CarePlan.read"); a.json["scope"] != "patient/CarePlan.read" {
		t.Errorf("v1 asked, granted whole: %v", a.json["scope"])
	}
}

func TestATT67_TheCodeFlowKeepsAndLogsNoSecret(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.screens("nl")
	u := w.browser()
	code := u.permit("state", "marker-state", "nonce", "marker-nonce", "login_hint", "marker-hint")
	form := u.fields()
	a := w.post("/auth/token", redeemForm(code))
	b := w.refresh(a.text("refresh_token"))
	w.post("/auth/token", redeemForm(code))
	w.refresh(a.text("refresh_token"))
	w.post("/auth/revoke", url.Values{"client_id": {"app"}, "token": {b.text("access_token")}})
	secrets := []string{
		"marker-state", "marker-nonce", "marker-hint", parentLogin, parentPass, "Boris", "Anna", verifier, code, form.Get("csrf"),
		a.text("access_token"), a.text("refresh_token"), a.text("id_token"), b.text("access_token"), u.jar["__Host-drl_b"], u.jar["__Host-drl_s"],
	}
	kept := w.log.String()
	for _, v := range w.table.Values() {
		kept += string(v) + "\n"
	}
	for _, secret := range secrets {
		if secret != "" && strings.Contains(kept, secret) {
			t.Errorf("%.12s… is kept or logged", secret)
		}
	}
	for _, event := range []string{"login_ok", "login_failed", "consent_given", "consent_refused", "token_issued", "token_refreshed", "code_replay", "grant_revoked"} {
		if !strings.Contains(kept, `"`+event+`"`) {
			t.Errorf("no line %s", event)
		}
	}
}
