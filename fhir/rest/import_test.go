package rest_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
)

var inLines = []string{"Content-Type", "application/fhir+ndjson"}

// operator is a client with the role admin, of an organisation.
func operator(org fhir.Ref, scopes string) auth.Principal {
	p := system("operator", org, scopes)
	p.Role, p.Purpose = auth.Admin, "HSYSADMIN"
	return p
}

// TestAnImportWritesEachLineAsItsOrganisation: creates, updates and what is refused, in the order of the lines, each
// decided on and in the log as the request that it is.
func TestAnImportWritesEachLineAsItsOrganisation(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	_, hidden := g.child("other")
	g.principals["operator"] = operator(g.orgs["home"], "system/*.cruds")
	child := strings.Replace(patientBody, `"birthDate"`, `"id":"kind-1","birthDate"`, 1)
	body := strings.Join([]string{
		child, fmt.Sprintf(planBody, "kind-1"), "", `{"resourceType":"CarePlan"`, strings.Replace(fmt.Sprintf(planBody, "kind-1"), `"status"`, `"id":"`+hidden+`","status"`, 1),
		strings.Replace(child, "2020", "2021", 1), `{"resourceType":"Observation","status":"geheim","code":{"text":"x"},"subject":{"reference":"Patient/kind-1"}}`,
	}, "\n")
	before := len(g.events())
	a := g.do("operator", http.MethodPost, "/fhir/$import", body, inLines...).want(t, http.StatusOK)
	var got []string
	for _, e := range decode[struct {
		Type  string
		Entry []struct {
			Response struct{ Status, Location string }
		}
	}](t, a.body).Entry {
		kind, _, _ := strings.Cut(e.Response.Location, "/")
		got = append(got, strings.TrimSpace(e.Response.Status[:3]+" "+kind))
	}
	if diff := cmp.Diff([]string{"201 Patient", "201 CarePlan", "400", "404", "200 Patient", "422"}, got); diff != "" {
		t.Errorf("%s\n%s", diff, a.body)
	}
	if strings.Contains(a.body, "geheim") {
		t.Error("the answer says a value")
	}
	if rows := g.events()[before:]; len(rows) < 5 {
		t.Errorf("%d rows of the log", len(rows))
	}
	if plans := g.search("home", "/fhir/CarePlan?patient=kind-1").Entry; len(plans) != 1 {
		t.Errorf("home care finds %d plans", len(plans))
	}
	g.get("operator", "/fhir/Patient/kind-1").want(t, http.StatusForbidden).wantIssue(t, "admin-no-clinical", "")
}

// TestWhoImportsAndWhat: a client with admin of an organisation, NDJSON, so many lines, and the scopes of each.
func TestWhoImportsAndWhat(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.principals["operator"] = operator(g.orgs["home"], "system/*.cruds")
	g.principals["narrow"] = operator(g.orgs["home"], "system/Observation.cruds")
	person := operator(g.orgs["home"], "user/*.cruds")
	person.FHIRUser = fhir.Ref{Type: "Practitioner", ID: "p"}
	g.principals["person"] = person
	officer := operator(g.orgs["home"], "system/*.cruds")
	officer.Purpose = "HCOMPL"
	g.principals["officer"] = officer
	const path = "/fhir/$import"
	for _, as := range []string{"home", "person", "officer"} {
		before := len(g.events())
		g.do(as, http.MethodPost, path, patientBody, inLines...).want(t, http.StatusForbidden).wantIssue(t, "import-admin", "")
		if n := len(g.events()) - before; n != 1 {
			t.Errorf("%s: %d rows of the log", as, n)
		}
	}
	g.do("", http.MethodPost, path, patientBody, inLines...).want(t, http.StatusUnauthorized)
	g.do("operator", http.MethodPost, path, patientBody).want(t, http.StatusUnsupportedMediaType)
	g.do("operator", http.MethodPost, path, strings.Repeat("{}\n", 1001), inLines...).want(t, http.StatusRequestEntityTooLarge).wantIssue(t, "import-lines", "")
	if a := g.do("narrow", http.MethodPost, path, patientBody, inLines...).want(t, http.StatusOK); !strings.Contains(a.body, `"status":"403`) {
		t.Errorf("without a scope: %s", a.body)
	}
	g.get("operator", path).want(t, http.StatusMethodNotAllowed)
	entry := `{"resourceType":"Bundle","type":"batch","entry":[{"request":{"method":"POST","url":"$import"},"resource":` + patientBody + `}]}`
	if a := g.do("operator", http.MethodPost, "/fhir", entry).want(t, http.StatusOK); !strings.Contains(a.body, `"status":"400`) {
		t.Errorf("as an entry: %s", a.body)
	}
}
