package smart_test

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/drieluik/drieluik/auth/smart"
)

const (
	viewerLaunch = "https://viewer.example/launch?x=1"
	viewerBack   = "https://viewer.example/back"
	viewerScope  = "launch launch/encounter openid fhirUser online_access patient/Patient.r patient/CarePlan.rs user/CarePlan.rs user/ActivityDefinition.rs"
)

// ward is a world with an EHR that may launch and a viewer that it launches.
type ward struct {
	*world
	ehr    string // bearer token
	secret smart.Secret
}

func newWard(t *testing.T, change ...func(*smart.Config)) *ward {
	t.Helper()
	w := &ward{world: newWorld(t, change...)}
	k := ecKey(t, "ehr-key")
	w.add(smart.Client{
		ID: "ehr", Name: "EPD", Type: smart.TypeBackend, Scope: "drieluik/launch system/CarePlan.rs", JWKS: jwks(k),
		Organization: "urn:ura|90000001", MayLaunch: true,
	})
	w.ehr = w.bearer("ehr", k, "scope", "drieluik/launch")
	w.secret = w.viewer("viewer")
	return w
}

// viewer registers a confidential app that an EHR can start, without a page of permission.
func (w *ward) viewer(id string, change ...func(*smart.Client)) smart.Secret {
	w.t.Helper()
	c := smart.Client{
		ID: id, Name: "Inkijk-app", Type: smart.TypeConfidential, Scope: viewerScope + " patient/Encounter.r", RedirectURIs: []string{viewerBack},
		LaunchURIs: []string{viewerLaunch, "https://viewer.example/second"}, SkipConsent: true, Organization: "urn:x|2", OrganizationName: "Kijk & Co",
	}
	for _, f := range change {
		f(&c)
	}
	return w.add(c).Secret
}

// order is a right launch request with changes; a nil value removes a member.
func order(changes map[string]any) map[string]any {
	return merge(map[string]any{"client_id": "viewer", "patient": "Patient/boris", "user": nurseRef.String()}, changes)
}

// launchBody posts a body as the EHR would; headers change or remove.
func (w *ward) launchBody(body string, headers ...string) answer {
	w.t.Helper()
	r := httptest.NewRequest(http.MethodPost, "/auth/launch", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+w.ehr)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Del(headers[i])
		if headers[i+1] != "" {
			r.Header.Set(headers[i], headers[i+1])
		}
	}
	return w.do(r)
}

func (w *ward) launch(changes map[string]any) answer {
	w.t.Helper()
	return w.launchBody(string(toJSON(order(changes))))
}

// handle is the handle of a launch that works.
func (w *ward) handle(changes map[string]any) string {
	w.t.Helper()
	a := w.launch(changes)
	if a.status != http.StatusCreated {
		w.t.Fatalf("launch: %d %s", a.status, a.body)
	}
	return a.text("launch")
}

// launched is the authorisation request of an app that an EHR started.
func launched(handle string, pairs ...string) []string {
	return append([]string{"client_id", "viewer", "redirect_uri", viewerBack, "scope", viewerScope, "launch", handle}, pairs...)
}

// open goes through login, when it is asked for, and returns the code.
func (u *browser) open(handle string, pairs ...string) string {
	u.w.t.Helper()
	u.authorize(launched(handle, pairs...)...)
	if strings.HasPrefix(u.at, "/auth/login") {
		u.login(nurse)
	}
	code := u.back().Get("code")
	if code == "" {
		u.w.t.Fatalf("no code on %s: %d %s", u.at, u.page.status, u.page.body)
	}
	return code
}

// redeemAs redeems a code of the viewer; form and headers may be changed.
func (w *ward) redeemAs(code string, headers []string, pairs ...string) answer {
	w.t.Helper()
	return w.post("/auth/token", redeemForm(code, append([]string{"client_id", "", "redirect_uri", viewerBack}, pairs...)...), headers...)
}

func (w *ward) basic() []string {
	return []string{"Authorization", fmtBasic("viewer", w.secret.Reveal())}
}

// opened are the tokens of a launch.
func (w *ward) opened(changes map[string]any, pairs ...string) answer {
	w.t.Helper()
	a := w.redeemAs(w.browser().open(w.handle(changes), pairs...), w.basic())
	if a.status != http.StatusOK {
		w.t.Fatalf("token: %d %s", a.status, a.body)
	}
	return a
}

func (w *ward) refreshAs(token string, headers []string, pairs ...string) answer {
	f := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}}
	for i := 0; i < len(pairs); i += 2 {
		f.Set(pairs[i], pairs[i+1])
	}
	return w.post("/auth/token", f, headers...)
}

func (w *ward) hide(who string) {
	w.family.set(func(f *family) {
		f.hidden = maps.Clone(f.hidden)
		f.hidden[who] = true
	})
}

// contextIn are the members of a token answer that say where the app was started.
func contextIn(a answer) map[string]any {
	m := map[string]any{}
	for _, name := range []string{"patient", "encounter", "need_patient_banner", "smart_style_url", "intent", "fhirContext"} {
		if v, sent := a.json[name]; sent {
			m[name] = v
		}
	}
	return m
}

// staffScreens adds the pages that a professional meets.
func (w *world) staffScreens(seen map[string]answer, lang string) {
	w.t.Helper()
	if _, err := w.registry.Show(w.t.Context(), "staff-app"); err != nil {
		w.app("staff-app", func(c *smart.Client) { c.Scope = "user/CarePlan.cruds user/ActivityDefinition.rs patient/Patient.r" })
	}
	u := w.browser()
	ask := func(scope string) {
		u.authorize("client_id", "staff-app", "scope", scope, "ui_locales", lang)
		u.get(u.at + "&lang=" + lang)
	}
	ask("user/CarePlan.cruds user/ActivityDefinition.rs")
	u.login(nurse)
	seen["staff"] = u.page
	u.submit("decision", "allow")
	seen["opened"] = u.page
	ask("patient/Patient.r")
	seen["nothing"] = u.page
	u.get("/auth/apps?lang=" + lang)
	seen["apps staff"] = u.page
	if _, err := w.registry.Show(w.t.Context(), "acute"); err != nil {
		w.app("acute", func(c *smart.Client) { c.Scope, c.Purposes = "user/CarePlan.cruds", []string{"BTG"} })
		w.permitEmergency("urn:ura|90000001")
	}
	u.authorize("client_id", "acute", "scope", "user/CarePlan.cruds", "purpose_of_use", "BTG", "ui_locales", lang)
	u.get(u.at + "&lang=" + lang)
	seen["emergency"] = u.page
	u.submit("decision", "allow", "reason", "<b>")
	seen["emergency short"] = u.page
}
