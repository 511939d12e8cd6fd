package rest_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drieluik/drieluik/auth"
)

func TestAResourceIsCreatedReadChangedAndKeptInItsVersions(t *testing.T) {
	g := newRig(t)
	created := g.do("hospital", http.MethodPost, "/fhir/Patient", strings.Replace(patientBody, "{", `{"id":"wish",`, 1)).want(t, 201)
	id := decode[struct{ ID string }](t, created.body).ID
	if id == "wish" || id == "" {
		t.Errorf("the id of a create is %q, want one of the server", id)
	}
	path := "/fhir/Patient/" + id
	if got, want := created.header.Get("Location"), base+"/Patient/"+id+"/_history/1"; got != want {
		t.Errorf("Location %q, want %q", got, want)
	}
	if got := created.header.Get("ETag"); got != `W/"1"` {
		t.Errorf("ETag %q", got)
	}
	readBack := g.get("hospital", path).want(t, 200)
	if diff := cmp.Diff(created.body, readBack.body); diff != "" {
		t.Errorf("what is read is not what create answered: %s", diff)
	}
	if !strings.Contains(readBack.body, `"versionId":"1"`) || readBack.header.Get("Last-Modified") == "" {
		t.Errorf("no version in %s", readBack.body)
	}
	changed := strings.Replace(readBack.body, "male", "female", 1)
	updated := g.do("hospital", http.MethodPut, path, changed, "If-Match", `W/"1"`).want(t, 200)
	if updated.header.Get("ETag") != `W/"2"` || !strings.Contains(updated.body, `"gender":"female"`) {
		t.Errorf("update answered %q %s", updated.header.Get("ETag"), updated.body)
	}
	old := g.get("hospital", path+"/_history/1").want(t, 200)
	if diff := cmp.Diff(readBack.body, old.body); diff != "" {
		t.Errorf("version 1 is not what it was: %s", diff)
	}
	g.get("hospital", path+"/_history/3").want(t, 404)
	g.get("hospital", path+"/_history/0").want(t, 404)
}

func TestAnUpdateNamesTheVersionItStartsFrom(t *testing.T) {
	g := newRig(t)
	id, _ := g.child("hospital")
	path, body := "/fhir/Patient/"+id, strings.Replace(patientBody, "{", `{"id":"`+id+`",`, 1)
	g.do("hospital", http.MethodPut, path, body, "If-Match", `W/"1"`).want(t, 200)
	for name, match := range map[string]string{
		"a version that was replaced":  `W/"1"`,
		"a version to come":            `W/"3"`,
		"the ETag of a reduced answer": `W/"2-r"`,
		"no ETag at all":               `2`,
		"any version":                  `*`,
	} {
		t.Run(name, func(t *testing.T) {
			before := g.position()
			a := g.do("hospital", http.MethodPut, path, body, "If-Match", match).want(t, 412)
			if o := decode[outcome](t, a.body); len(o.Issue) != 1 || o.Issue[0].Diagnostics == "" {
				t.Errorf("no rule in %s", a.body)
			}
			if diff := cmp.Diff(before, g.position()); diff != "" {
				t.Error(diff)
			}
		})
	}
	g.do("hospital", http.MethodPut, path, body, "If-Match", `"2"`).want(t, 200)
	g.do("hospital", http.MethodPut, path, body).want(t, 200)
}

func TestPreferSaysWhatAWriteAnswers(t *testing.T) {
	g := newRig(t)
	post := func(prefer string) answer {
		return g.do("hospital", http.MethodPost, "/fhir/Patient", patientBody, "Prefer", prefer).want(t, 201)
	}
	if a := post("return=minimal"); a.body != "" || a.header.Get("Location") == "" || a.header.Get("ETag") == "" {
		t.Errorf("minimal: %q %v", a.body, a.header)
	}
	if a := post("respond-async, return=OperationOutcome; x=y"); !strings.Contains(a.body, `"OperationOutcome"`) {
		t.Errorf("OperationOutcome: %q", a.body)
	}
	if a := post("return=representation"); !strings.Contains(a.body, `"Patient"`) {
		t.Errorf("representation: %q", a.body)
	}
}

// entry is an entry of a transaction; full is its fullUrl, "" for none.
func entry(method, url, full, resource string) string {
	if full != "" {
		full = fmt.Sprintf(`"fullUrl":%q,`, full)
	}
	return fmt.Sprintf(`{%s"resource":%s,"request":{"method":%q,"url":%q}}`, full, resource, method, url)
}

func transaction(entries ...string) string {
	return `{"resourceType":"Bundle","type":"transaction","entry":[` + strings.Join(entries, ",") + `]}`
}

func TestATransactionIsStoredWholeOrNotAtAll(t *testing.T) {
	g := newRig(t)
	child := entry("POST", "Patient", "urn:uuid:a", patientBody)
	plan := entry("POST", "CarePlan", "urn:uuid:b", strings.Replace(fmt.Sprintf(planBody, ""), "Patient/", "urn:uuid:a", 1))
	a := g.do("hospital", http.MethodPost, "/fhir", transaction(plan, child)).want(t, 200)
	b := decode[bundleOf](t, a.body)
	if len(b.Entry) != 2 || b.Type != "transaction-response" || b.Entry[0].Response.Status != "201 Created" {
		t.Fatalf("answered %s", a.body)
	}
	patient, _, _ := strings.Cut(b.Entry[1].Response.Location, "/_history")
	got := g.search("hospital", "/fhir/CarePlan?patient="+patient)
	if len(got.Entry) != 1 {
		t.Errorf("the plan is not about the patient of its own transaction: %v", got.ids())
	}
	invalid := strings.Replace(plan, `"active"`, `"actief"`, 1)
	foreign := entry("PUT", patient, "", strings.Replace(patientBody, "{", `{"id":"`+strings.TrimPrefix(patient, "Patient/")+`",`, 1))
	for _, c := range []struct {
		name, as, body string
		status         int
		rule           string
	}{
		{"an entry that is not valid", "hospital", transaction(child, invalid), 422, ""},
		{"an entry that is hidden", "other", transaction(child, foreign), 404, "not-found"},
		{"an entry that names no entry", "hospital", transaction(plan), 422, "bundle-reference"},
		{"two entries for one resource", "hospital", transaction(foreign, foreign), 422, "bundle-twice"},
		{"a method that is none", "hospital", transaction(entry("LOCK", patient, "", patientBody)), 422, "bundle-method"},
		{"a deletion that is refused", "hospital", transaction(child, entry("DELETE", patient, "", patientBody)), 405, "delete-refused"},
		{"no transaction", "hospital", strings.Replace(transaction(child), "transaction", "collection", 1), 400, "bundle-type"},
	} {
		t.Run(c.name, func(t *testing.T) {
			before, events := g.position(), len(g.events())
			a := g.do(c.as, http.MethodPost, "/fhir", c.body).want(t, c.status)
			if c.rule != "" {
				a.wantIssue(t, c.rule, "")
			}
			if diff := cmp.Diff(before, g.position()); diff != "" {
				t.Error(diff)
			}
			if n := len(g.events()) - events; n != 1 {
				t.Fatalf("%d AuditEvents, want one", n)
			}
			checkRefusals(t, g.events(), patient)
		})
	}
	g.do("hospital", http.MethodPost, "/fhir", `{"resourceType":"Bundle","type":"transaction"}`).want(t, 200)
}

// checkRefusals holds the refused transactions of a log to naming nothing but what was stored.
func checkRefusals(t *testing.T, events []auditEvent, stored string) {
	t.Helper()
	for _, e := range events {
		if e.Outcome != "0" && len(e.Subtype) > 0 && e.Subtype[0].Code != "transaction" {
			t.Errorf("the refusal is logged as %v", e.Subtype)
		}
		for _, o := range e.Entity {
			if ref := o.What.Reference; e.Outcome == "4" && ref != "" && !strings.HasPrefix(ref, stored) {
				t.Errorf("the refusal names %s, which was not stored", ref)
			}
		}
	}
}

func TestHeadAnswersAsGetWithoutABody(t *testing.T) {
	g := newRig(t)
	id, _ := g.child("hospital")
	server := httptest.NewServer(g.handler)
	defer server.Close()
	headers := func(method, path string) http.Header {
		r, err := http.NewRequest(method, server.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer hospital")
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if body := read(t, resp.Body); (body == "") != (method == http.MethodHead) {
			t.Errorf("%s %s has the body %.80q", method, path, body)
		}
		resp.Header.Del("X-Request-Id")
		resp.Header.Del("Date")
		resp.Header.Set("Status", resp.Status)
		return resp.Header
	}
	for _, path := range []string{"/fhir/Patient/" + id, "/fhir/Patient/none", "/fhir/CarePlan?patient=" + id, "/fhir/metadata"} {
		if diff := cmp.Diff(headers(http.MethodGet, path), headers(http.MethodHead, path)); diff != "" {
			t.Errorf("%s: %s", path, diff)
		}
	}
}

func TestAPathSaysWhichMethodsItTakes(t *testing.T) {
	g := newRig(t)
	for _, c := range []struct{ method, path, allow string }{
		{"DELETE", "/fhir", "GET, HEAD, POST"},
		{"PUT", "/fhir/", "GET, HEAD, POST"},
		{"GET", "/fhir/_search", "POST"},
		{"POST", "/fhir/Patient/x/CarePlan", "GET, HEAD"},
		{"GET", "/fhir/Patient/x/CarePlan/_search", "POST"},
		{"POST", "/fhir/Patient/x", "GET, HEAD, PUT, PATCH, DELETE"},
		{"DELETE", "/fhir/Patient/x/_history", "GET, HEAD"},
		{"PUT", "/fhir/Patient/x/_history/1", "GET, HEAD"},
		{"GET", "/fhir/$submit", "POST"},
		{"GET", "/fhir/Patient/_search", "POST"},
		{"POST", "/fhir/metadata", "GET, HEAD"},
	} {
		a := g.do("hospital", c.method, c.path, "")
		if a.status != 405 || a.header.Get("Allow") != c.allow {
			t.Errorf("%s %s: %d, Allow %q, want 405 and %q", c.method, c.path, a.status, a.header.Get("Allow"), c.allow)
			continue
		}
		a.wantIssue(t, "method", "")
	}
}

// TestSMART601_AChallengeForABoundTokenNamesDPoP: also for an entry of a batch.
func TestSMART601_AChallengeForABoundTokenNamesDPoP(t *testing.T) {
	g := newRig(t)
	const want = `DPoP realm="drieluik", error="%s", algs="ES256 ES384 PS256"`
	bound := system("bound", g.orgs["home"], "system/Patient.r")
	bound.Bound = true
	g.principals["bound"], g.principals["dead"] = bound, auth.Principal{State: auth.TokenInvalid, Bound: true}
	for as, code := range map[string]string{"bound": "insufficient_scope", "dead": "invalid_token"} {
		a := g.get(as, "/fhir/CarePlan/x")
		if got := a.header.Get("WWW-Authenticate"); got != fmt.Sprintf(want, code) || a.status != map[string]int{"bound": 403, "dead": 401}[as] {
			t.Errorf("%s: %d %q", as, a.status, got)
		}
	}
	a := g.do("bound", http.MethodPost, "/fhir", `{"resourceType":"Bundle","type":"transaction","entry":[{"request":{"method":"GET","url":"CarePlan/x"}}]}`)
	if got := a.header.Get("WWW-Authenticate"); a.status != 403 || got != fmt.Sprintf(want, "insufficient_scope") {
		t.Errorf("transaction: %d %q %s", a.status, got, a.body)
	}
}

func TestSMART711_AFailedProofIsAnsweredWithAChallengeForDPoP(t *testing.T) {
	g := newRig(t)
	a := g.get("unproven", "/fhir/CarePlan").want(t, http.StatusUnauthorized)
	const want = `DPoP realm="drieluik", error="invalid_dpop_proof", algs="ES256 ES384 PS256"`
	if got := a.header.Get("WWW-Authenticate"); got != want {
		t.Errorf("challenge %q, want %q", got, want)
	}
	events := g.events()
	if len(events) == 0 || events[len(events)-1].OutcomeDesc != "proof-invalid" {
		t.Errorf("not audited: %+v", events)
	}
}

// What a larger --max-body let in can be read, searched and changed.
func TestAResourceOverFiveMegabytesIsServed(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.limit = 16 << 20
	g.wire(g.store)
	patient := g.create("hospital", "Patient", patientBody)
	note := `{"text":"` + strings.Repeat("x", 1_000_000) + `"}`
	large := strings.Replace(fmt.Sprintf(planBody, patient), "{", `{"note":[`+strings.Repeat(note+",", 5)+note+`],`, 1)
	plan := g.create("hospital", "CarePlan", large)
	g.get("hospital", "/fhir/CarePlan/"+plan).want(t, 200)
	g.get("hospital", "/fhir/CarePlan?_elements=title&patient="+patient).want(t, 200)
	g.do("hospital", "PATCH", "/fhir/CarePlan/"+plan, `[{"op":"replace","path":"/title","value":"P"}]`, "Content-Type", "application/json-patch+json").want(t, 200)
	g.do("hospital", "PUT", "/fhir/CarePlan/"+plan, withID(large, plan)).want(t, 200)
}
