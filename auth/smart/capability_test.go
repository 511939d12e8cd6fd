package smart_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/drieluik/drieluik/auth/smart"
)

// proofs are what each capability of the document stands for: true when it works.
var proofs = map[string]func(w *ward) bool{
	"launch-standalone": func(w *ward) bool { return w.tokens().text("access_token") != "" },
	"launch-ehr":        func(w *ward) bool { return w.opened(nil).text("access_token") != "" },
	"authorize-post": func(w *ward) bool {
		u := w.browser()
		u.send(http.MethodPost, "/auth/authorize", asking(), "Origin", "https://app.example")
		return strings.HasPrefix(u.at, "/auth/login")
	},
	"client-public": func(w *ward) bool { return w.tokens().text("access_token") != "" },
	"client-confidential-symmetric": func(w *ward) bool {
		return !slices.ContainsFunc(w.confidential()[:2], func(m method) bool { return !w.redeems(m) })
	},
	"client-confidential-asymmetric": func(w *ward) bool { return w.redeems(w.confidential()[2]) },
	"sso-openid-connect":             func(w *ward) bool { return strings.Count(w.tokens().text("id_token"), ".") == 2 },
	"context-banner": func(w *ward) bool {
		return w.opened(map[string]any{"need_patient_banner": false}).json["need_patient_banner"] == false
	},
	"context-style": func(w *ward) bool {
		at, ours := strings.CutPrefix(w.opened(fullLaunch).text("smart_style_url"), base)
		return ours && w.do(httptest.NewRequest(http.MethodGet, at, nil)).status == http.StatusOK
	},
	"context-standalone-patient": func(w *ward) bool {
		return w.tokens("scope", "launch/patient patient/Patient.r").json["patient"] == "boris"
	},
	"context-ehr-patient":   func(w *ward) bool { return w.opened(nil).json["patient"] == "boris" },
	"context-ehr-encounter": func(w *ward) bool { return w.opened(fullLaunch).json["encounter"] == "e1" },
	"permission-offline": func(w *ward) bool {
		a := w.tokens("scope", "offline_access patient/Patient.r")
		return strings.Contains(a.text("scope"), "offline_access") && w.refresh(a.text("refresh_token")).status == http.StatusOK
	},
	"permission-online": func(w *ward) bool {
		a := w.opened(nil)
		return strings.Contains(a.text("scope"), "online_access") && w.refreshAs(a.text("refresh_token"), w.basic()).status == http.StatusOK
	},
	"permission-patient": func(w *ward) bool {
		return w.tokens("scope", "patient/CarePlan.rs").json["scope"] == "patient/CarePlan.rs"
	},
	"permission-user": func(w *ward) bool { return strings.Contains(w.opened(nil).text("scope"), "user/CarePlan.rs") },
	"permission-v1": func(w *ward) bool {
		return w.tokens("scope", "patient/CarePlan.read").json["scope"] == "patient/CarePlan.read"
	},
	"permission-v2": func(w *ward) bool {
		granular := "patient/Observation.rs?category=http://terminology.hl7.org/CodeSystem/observation-category|vital-signs"
		return w.tokens("scope", granular).json["scope"] == granular
	},
}

// redeems goes through the code flow as a confidential app.
func (w *ward) redeems(m method) bool {
	return w.redeemBy(m, w.browser().permit("client_id", m.name)).status == http.StatusOK
}

func TestSMART003_EveryCapabilityWorksAndNoOtherIsListed(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	document := w.do(httptest.NewRequest(http.MethodGet, discoveryPaths()[0], nil)).json
	listed, ok := document["capabilities"].([]any)
	if !ok || len(listed) != len(proofs) {
		t.Errorf("%d capabilities are listed, %d are proven: %v", len(listed), len(proofs), listed)
	}
	for _, name := range listed {
		proof := proofs[name.(string)]
		if proof == nil {
			t.Errorf("%v is listed, and nothing proves it", name)
			continue
		}
		t.Run(name.(string), func(t *testing.T) {
			t.Parallel()
			w := newWard(t)
			w.t = t
			if !proof(w) {
				t.Error("it does not work")
			}
		})
	}
}

func TestSMART111_PatientScopesHaveAPatient(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, scope := range []string{"patient/CarePlan.rs", "openid patient/*.read", "launch/patient patient/CarePlan.rs"} {
		u := w.browser()
		u.authorize("scope", scope)
		u.login(parentLogin)
		if !strings.HasPrefix(u.at, "/auth/child") { // nobody asked for the choice, but the scope needs it
			t.Fatalf("%s: at %s", scope, u.at)
		}
		u.submit("child", "Patient/anna")
		u.submit("decision", "allow", "group", "plan")
		a := w.post("/auth/token", redeemForm(u.back().Get("code")))
		if p := w.principal(a.text("access_token")); a.json["patient"] != "anna" || p.Patient.ID != "anna" {
			t.Errorf("%s: %s", scope, a.body)
		}
	}
}

func TestSMART513_APersonSeesTheAppsAndStopsOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.app("second", func(c *smart.Client) { c.Name = "Tweede app" })
	first := w.tokens("scope", "offline_access patient/CarePlan.rs")
	u := w.browser()
	second := w.post("/auth/token", redeemForm(u.permit("client_id", "second"), "client_id", "second"))
	u.get("/auth/apps")
	for _, said := range []string{"Ouder-app", "Tweede app", "Zorg &amp; Co", "Boris", "Zorgplan en zorg van elke dag", "21 november 2026", "19 februari 2027"} {
		if !strings.Contains(u.page.body, said) {
			t.Errorf("the page does not say %s: %s", said, u.page.body)
		}
	}
	u.get("/auth/apps?stop=Consent/c1")
	if p := w.principal(first.text("access_token")); p.Grant == "" { // asked, not done: a GET changes nothing
		t.Fatal("a look at the page withdrew")
	}
	u.submit()
	if strings.Contains(u.page.body, "Ouder-app") || !strings.Contains(u.page.body, "Tweede app") {
		t.Errorf("after the withdrawal: %s", u.page.body)
	}
	w.family.set(func(f *family) {
		if !f.inactive["c1"] || f.inactive["c2"] {
			t.Errorf("inactive consents: %v", f.inactive)
		}
	})
	w.wantDead("withdrawn", first.text("access_token"))
	wantFault(t, w.refresh(first.text("refresh_token")), 400, "invalid_grant", "refresh.withdrawn")
	if p := w.principal(second.text("access_token")); p.Grant == "" {
		t.Error("the other app is stopped too")
	}
	if !strings.Contains(w.log.String(), `"grant_revoked"`) {
		t.Error("the withdrawal is not logged")
	}
	w.family.set(func(f *family) { f.inactive["c2"] = true }) // the other way: by FHIR
	w.wantDead("inactive by FHIR", second.text("access_token"))
	wantFault(t, w.refresh(second.text("refresh_token")), 400, "invalid_grant", "refresh.withdrawn")
}

// TestSMART513_AWithdrawalThatIsNotWrittenEndsNothing: the Consent comes first.
func TestSMART513_AWithdrawalThatIsNotWrittenEndsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.tokens()
	u := w.browser()
	u.get("/auth/apps")
	u.login(parentLogin)
	u.get("/auth/apps?stop=Consent/c1")
	form := u.fields()
	w.family.set(func(f *family) { f.down = http.ErrServerClosed })
	u.send(http.MethodPost, "/auth/apps", form)
	if u.page.status != http.StatusServiceUnavailable {
		t.Errorf("%d", u.page.status)
	}
	w.family.set(func(f *family) { f.down = nil; clear(f.inactive) })
	if p := w.principal(a.text("access_token")); p.Grant == "" {
		t.Error("the grant ended without its consent")
	}
}
