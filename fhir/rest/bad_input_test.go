package rest_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// marker stands in inputs where patient values would, so that none may come back in an error or
// stand in a log line.
const marker = "Zzmerknaam"

// badInput is a request that must be refused.
type badInput struct {
	name         string
	as           string // default: hospital
	method, path string
	body         string
	header       []string
	status       int
	rule, at     string // issue; "": any
}

func badInputs(patient, plan string) []badInput {
	valid := strings.Replace(patientBody, "Testkind", marker, 1)
	put := strings.Replace(valid, "{", `{"id":"`+patient+`",`, 1)
	post := func(name, body string, status int, rule, at string) badInput {
		return badInput{name: name, method: "POST", path: "/fhir/Patient", body: body, status: status, rule: rule, at: at}
	}
	search := func(name, query, rule string) badInput {
		return badInput{name: name, method: "GET", path: "/fhir/Patient?" + query, status: 400, rule: rule}
	}
	typed := func(name, contentType, rule string) badInput {
		return badInput{name: name, method: "POST", path: "/fhir/Patient", body: valid, header: []string{"Content-Type", contentType}, status: 415, rule: rule}
	}
	return []badInput{
		post("a body that is not JSON", `{"resourceType":"Patient","name":"`+marker, 400, "FHIR-JSON-SYNTAX", ""),
		post("a duplicate key", strings.Replace(valid, `"gender"`, `"birthDate":"1999-01-01","gender"`, 1), 400, "FHIR-JSON-DUPLICATE", "Patient.birthDate"),
		post("an unknown type", `{"resourceType":"`+marker+`"}`, 400, "FHIR-JSON-TYPE", ""),
		post("another type than the URL", `{"resourceType":"Basic","id":"`+marker+`"}`, 400, "type-differs", "resourceType"),
		post("a gender that is no code", strings.Replace(valid, "male", marker, 1), 422, "", "Patient.gender"),
		post("an element that R4 has not", strings.Replace(valid, `"gender"`, `"geslacht":"`+marker+`","gender"`, 1), 422, "", "Patient.geslacht"),
		post("a reference to a wrong type", strings.Replace(valid, `"gender"`, `"managingOrganization":{"reference":"Patient/`+marker+`"},"gender"`, 1), 422, "", "Patient.managingOrganization"),
		post("a date that is none", strings.Replace(valid, "2020-05-04", "2020-13-"+marker, 1), 422, "", "Patient.birthDate"),
		post("a body over the limit", `{"resourceType":"Patient","language":"`+strings.Repeat(marker, maxBody/10+1)+`"}`, 413, "body-size", ""),
		post("no body", "", 415, "content-type", ""),
		typed("XML", "application/fhir+xml", "content-type"),
		typed("another charset", "application/fhir+json; charset=latin1", "content-type"),
		typed("another FHIR version", "application/fhir+json; fhirVersion=3.0", "content-type"),
		{name: "a compressed body", method: "POST", path: "/fhir/Patient", body: valid, header: []string{"Content-Encoding", "gzip"}, status: 415, rule: "content-encoding"},
		{name: "a condition that is not known", method: "POST", path: "/fhir/Patient", body: valid, header: []string{"If-None-Exist", "achternaam=" + marker}, status: 400, rule: "SEARCH-PARAM-UNKNOWN"},
		{name: "a condition that says nothing", method: "POST", path: "/fhir/Patient", body: valid, header: []string{"If-None-Exist", "_format=json"}, status: 400, rule: "condition-empty"},
		{name: "a condition that is not encoded", method: "PUT", path: "/fhir/Patient?name=%zz" + marker, body: valid, status: 400, rule: "query-form"},
		{name: "an update of a whole type", method: "PUT", path: "/fhir/CarePlan", body: valid, status: 400, rule: "condition-empty"},
		{name: "a deletion of a whole type", method: "DELETE", path: "/fhir/CarePlan", status: 400, rule: "condition-empty"},
		{name: "a deletion of a child", method: "DELETE", path: "/fhir/Patient/" + patient, status: 405, rule: "delete-refused"},
		{name: "a history that asks for more", method: "GET", path: "/fhir/Patient/" + patient + "/_history?naam=" + marker, status: 400, rule: "history-parameter"},
		{name: "a history since nothing", method: "GET", path: "/fhir/Patient/_history?_since=" + marker, status: 400, rule: "history-parameter"},
		{name: "a history page that was changed", method: "GET", path: "/fhir/Patient/_history?_page=" + marker, status: 403, rule: "link-foreign"},
		{name: "another id than the URL", method: "PUT", path: "/fhir/Patient/" + patient, body: strings.Replace(put, patient, marker, 1), status: 400, rule: "id-differs", at: "Patient.id"},
		{name: "an update of nothing", as: "updater", method: "PUT", path: "/fhir/Patient/" + marker, body: strings.Replace(put, patient, marker, 1), status: 404, rule: "not-found"},
		{name: "an update without an id", method: "PUT", path: "/fhir/Patient/" + patient, body: valid, status: 400, rule: "id-differs"},
		{name: "a change of the patient", method: "PUT", path: "/fhir/CarePlan/" + plan, body: strings.Replace(fmt.Sprintf(planBody, marker), "{", `{"id":"`+plan+`",`, 1), status: 422, rule: "write-patient-change"},
		{name: "an AuditEvent", method: "POST", path: "/fhir/AuditEvent", body: `{"resourceType":"AuditEvent","id":"` + marker + `"}`, status: 405, rule: "immutable"},
		{name: "a type that R4 has not", method: "GET", path: "/fhir/" + marker, status: 404, rule: "type-unknown"},
		{name: "a path that is not served", method: "GET", path: "/fhir/Patient/x/" + marker, status: 404, rule: "path-unknown"},
		{name: "an id that is none", method: "GET", path: "/fhir/Patient/" + marker + "!", status: 404, rule: "not-found"},
		{name: "XML wanted", method: "GET", path: "/fhir/Patient/" + patient, header: []string{"Accept", "application/fhir+xml"}, status: 406, rule: "format"},
		{name: "XML wanted by _format", method: "GET", path: "/fhir/Patient?_format=xml&name=" + marker, status: 406, rule: "format"},
		search("an unknown parameter", "achternaam="+marker, ""),
		search("a date that is none in a search", "birthdate=morgen"+marker, ""),
		search("a query that is not encoded", "name=%zz"+marker, "query-form"),
		search("a count that is none", "_count="+marker, ""),
		{name: "a page link that was changed", method: "GET", path: "/fhir/Patient?_page=" + marker, status: 403, rule: "link-foreign"},
		{name: "a search form of another type", method: "POST", path: "/fhir/Patient/_search", body: `{"name":"` + marker + `"}`, status: 415, rule: "content-type"},
		{name: "no token", as: "-", method: "GET", path: "/fhir/Patient/" + marker, status: 401, rule: "token-missing"},
		{name: "an unknown token", as: marker, method: "GET", path: "/fhir/Patient/" + marker, status: 401, rule: "token-invalid"},
		{name: "a proof that fails", as: "unproven", method: "GET", path: "/fhir/Patient/" + marker, status: 401, rule: "dpop.htu"},
		{name: "a scope that is missing", as: "narrow", method: "POST", path: "/fhir/Patient", body: valid, status: 403, rule: "scope-missing"},
	}
}

var sized = regexp.MustCompile(`"(ms|time|request)":[^,}]*`)

func TestBadInputIsRefusedNamedAndChangesNothing(t *testing.T) {
	g := newRig(t)
	g.principals["narrow"] = system("narrow", g.orgs["hospital"], "system/CarePlan.rs")
	g.principals["updater"] = system("updater", g.orgs["hospital"], "system/*.ru")
	patient, plan := g.child("hospital")
	for _, c := range badInputs(patient, plan) {
		t.Run(c.name, func(t *testing.T) {
			as := map[string]string{"": "hospital", "-": ""}[c.as]
			if c.as != "" && c.as != "-" {
				as = c.as
			}
			before, events, logged := g.position(), len(g.events()), len(g.log.String())
			a := g.do(as, c.method, c.path, c.body, c.header...)
			if a.status != c.status {
				t.Fatalf("status %d, want %d: %.600s", a.status, c.status, a.body)
			}
			if o := decode[outcome](t, a.body); o.ResourceType != "OperationOutcome" || len(o.Issue) == 0 || o.Issue[0].Diagnostics == "" {
				t.Errorf("no rule in %.600s", a.body)
			}
			checkIssue(t, a, c)
			if diff := cmp.Diff(before, g.position()); diff != "" {
				t.Errorf("the store changed: %s", diff)
			}
			audited := !strings.Contains("format type-unknown path-unknown not-found", c.rule) || c.rule == ""
			if n := len(g.events()) - events; audited && n != 1 {
				t.Errorf("%d AuditEvents, want one", n)
			}
			said := g.log.String()[logged:]
			if strings.Contains(a.body, marker) || strings.Contains(said, marker) {
				t.Errorf("an input value came back in %.400s or in the log %.800s", a.body, said)
			}
			if strings.Count(said, `"msg":"fhir"`) != 1 || a.header.Get("X-Request-Id") == "" {
				t.Errorf("want one line and a request id: %s", sized.ReplaceAllString(said, ""))
			}
			if challenge := a.header.Get("WWW-Authenticate"); (c.status == 401 || c.rule == "scope-missing") != (challenge != "") {
				t.Errorf("WWW-Authenticate %q with %d", challenge, c.status)
			}
		})
	}
	g.get("hospital", "/fhir/Patient/"+patient).want(t, http.StatusOK)
	for _, e := range g.events() {
		if strings.Contains(fmt.Sprint(e.OutcomeDesc, e.Entity), marker) {
			t.Errorf("a value stands in an AuditEvent: %+v", e)
		}
	}
}

func checkIssue(t *testing.T, a answer, c badInput) {
	t.Helper()
	if c.rule != "" {
		a.wantIssue(t, c.rule, c.at)
		return
	}
	for _, i := range decode[outcome](t, a.body).Issue {
		if c.at == "" || len(i.Expression) == 1 && strings.HasPrefix(i.Expression[0], c.at) {
			return
		}
	}
	t.Errorf("no issue at %s in %.600s", c.at, a.body)
}
