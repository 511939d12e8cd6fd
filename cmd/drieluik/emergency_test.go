package main_test

import (
	"html"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// emergencyRoom is a demo with an account of an organisation that has nothing to do with any child, and
// an app that may break the glass for it.
type emergencyRoom struct {
	t     *testing.T
	base  string
	store string
}

func openEmergencyRoom(t *testing.T) *emergencyRoom {
	t.Helper()
	dir, err := os.MkdirTemp("", "btg-") // t.TempDir is too long a path for the socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	data := filepath.Join(dir, "data")
	text, _ := startDemo(t, data)
	r := &emergencyRoom{t: t, store: "sqlite:" + data, base: regexp.MustCompile(`http://127\.0\.0\.1:\d+`).FindString(text)}
	if out, errs, code := tool(t, "client", "add", "--store", "sqlite:"+data, "--id", "acute", "--name", "Spoed-app", "--type", "public",
		"--org", "90000004", "--org-name", "Spoedpost", "--redirect-uri", r.base+"/app/", "--purpose", "BTG",
		"--scope", "openid user/Patient.rs user/CarePlan.cruds user/Observation.rs"); code != 0 {
		t.Fatal(out, errs)
	}
	if out, errs, failed := typed(t, "correct horse battery", "user", "add", "--store", "sqlite:"+data, "--login", "spoedarts",
		"--fhir-user", "Practitioner/spoed-1", "--org", "90000004", "--password-stdin"); failed {
		t.Fatal(out, errs)
	}
	if out, errs, code := tool(t, "emergency", "enable", "90000004", "--store", "sqlite:"+data); code != 0 {
		t.Fatal(out, errs)
	}
	return r
}

// opened is the app in the hands of the doctor; purpose and reason may be empty.
func (r *emergencyRoom) opened(purpose, reason string) (*caller, map[string]any) {
	r.t.Helper()
	b := &browser{t: r.t, base: r.base, cookies: map[string]string{}}
	verifier, challenge := newVerifier(r.t)
	p := b.open(http.MethodGet, "/auth/authorize?"+url.Values{
		"response_type": {"code"}, "client_id": {"acute"}, "redirect_uri": {r.base + "/app/"}, "state": {"s"}, "aud": {r.base + "/fhir"},
		"scope": {"openid offline_access user/Patient.rs user/CarePlan.cruds user/Observation.rs"}, "purpose_of_use": {purpose},
		"code_challenge": {challenge}, "code_challenge_method": {"S256"},
	}.Encode(), nil)
	p = b.submit(p, url.Values{"login": {"spoedarts"}, "password": {"correct horse battery"}})
	if (purpose != "") != strings.Contains(p.body, "<textarea") {
		r.t.Fatalf("purpose %q: %.600s", purpose, p.body)
	}
	p = b.submit(p, url.Values{"decision": {"allow"}, "reason": {reason}})
	m := backLink.FindStringSubmatch(p.body)
	if m == nil {
		r.t.Fatalf("not sent back (%d): %.400s", p.status, p.body)
	}
	to, err := url.Parse(html.UnescapeString(m[1]))
	if err != nil {
		r.t.Fatal(err)
	}
	res, err := http.PostForm(r.base+"/auth/token", url.Values{
		"grant_type": {"authorization_code"}, "code": {to.Query().Get("code")}, "redirect_uri": {r.base + "/app/"},
		"client_id": {"acute"}, "code_verifier": {verifier},
	})
	if err != nil {
		r.t.Fatal(err)
	}
	defer res.Body.Close()
	token := decoded(r.t, res)
	access, _ := token["access_token"].(string)
	return &caller{base: r.base, token: access, http: &http.Client{Timeout: 10 * time.Second}}, token
}

// TestSMART115_ADoctorWithoutRelationOpensAChildInAnEmergency: sees what belongs to care, nothing that
// an emergency leaves closed, changes nothing, and the family reads who it was and why.
func TestSMART115_ADoctorWithoutRelationOpensAChildInAnEmergency(t *testing.T) {
	t.Parallel()
	r := openEmergencyRoom(t)
	family, token := parent(t, r.base, "ouder1", "launch/patient openid patient/Patient.r patient/CarePlan.rs patient/AuditEvent.rs")
	child, _ := token["patient"].(string)
	const reason = "Bewusteloos binnengebracht zonder papieren"
	calm, _ := r.opened("", "")
	if got, _ := calm.get(t, "/fhir/Patient/"+child); got.status != http.StatusNotFound {
		t.Errorf("without an emergency the child answers %d", got.status)
	}
	if _, plans := calm.get(t, "/fhir/CarePlan?patient="+child); len(list(plans, "entry")) != 0 {
		t.Error("without an emergency plans are found")
	}
	doctor, told := r.opened("BTG", reason)
	if told["refresh_token"] != nil || strings.Contains(told["scope"].(string), "access") {
		t.Errorf("%v", told)
	}
	if got, _ := doctor.get(t, "/fhir/Patient/"+child); got.status != http.StatusOK {
		t.Errorf("the child answers %d", got.status)
	}
	_, plans := doctor.get(t, "/fhir/CarePlan?patient="+child)
	if len(list(plans, "entry")) == 0 {
		t.Error("no plan is found")
	}
	for _, e := range list(plans, "entry") {
		plan := within(e, "resource")
		id, _ := plan["id"].(string)
		if got, _ := doctor.get(t, "/fhir/CarePlan/"+id); got.status != http.StatusOK {
			t.Errorf("a plan that is found answers %d", got.status)
		}
		if got, err := doctor.do(http.MethodDelete, "/fhir/CarePlan/"+id, "", nil); err != nil || got.status < 400 {
			t.Errorf("a deletion in an emergency: %d %v", got.status, err)
		}
	}
	for _, domain := range []string{"sociaal", "ontwikkeling"} {
		query := "?_tag=" + url.QueryEscape("https://drieluik.example/fhir/CodeSystem/mks-domein|"+domain) + "&patient=" + child
		for _, kind := range []string{"CarePlan", "Observation"} {
			if _, closed := doctor.get(t, "/fhir/"+kind+query); len(list(closed, "entry")) != 0 {
				t.Errorf("%s of %s is open", kind, domain)
			}
		}
	}
	if got, _ := doctor.get(t, "/fhir/AuditEvent?patient="+child); got.status != http.StatusForbidden {
		t.Errorf("the log answers the doctor %d", got.status)
	}
	got, err := family.do(http.MethodGet, "/fhir/AuditEvent?patient="+child+"&_count=50", "", nil)
	if err != nil || got.status != http.StatusOK {
		t.Fatal(got.status, err)
	}
	for _, said := range []string{reason, `"BTG"`, "Spoedpost"} {
		if !strings.Contains(string(got.body), said) {
			t.Errorf("the family does not read %s in the log", said)
		}
	}
	if out, _, code := tool(t, "emergency", "list", "--store", r.store); code != 0 || !strings.Contains(out, "ura|90000004") || !strings.Contains(out, "Spoedpost") {
		t.Errorf("exit %d %s", code, out)
	}
	if _, errs, code := tool(t, "emergency", "disable", "90000005", "--store", r.store); code != 1 || !strings.Contains(errs, "emergency list") {
		t.Errorf("an organisation that is not there: exit %d %s", code, errs)
	}
	if _, errs, code := tool(t, "emergency", "disable", "90000004", "--store", r.store); code != 0 {
		t.Fatal(errs)
	}
	if got, _ := doctor.get(t, "/fhir/Patient/"+child); got.status != http.StatusUnauthorized {
		t.Errorf("the organisation no longer may, and the child answers %d", got.status)
	}
}

// decoded reads the JSON object of a 200.
func decoded(t *testing.T, res *http.Response) map[string]any {
	t.Helper()
	b, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%d %v %.300s", res.StatusCode, err, b)
	}
	return object(t, b)
}
