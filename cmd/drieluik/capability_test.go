package main_test

import (
	"net/http"
	"slices"
	"testing"
)

// TestCapabilityStatementListsExactlyWhatWorks is invariant 7, asked from outside: what is listed
// is served, what is not listed is refused.
func TestCapabilityStatementListsExactlyWhatWorks(t *testing.T) {
	t.Parallel()
	sv := newSite(t).start(t)
	c := sv.login(t, "homecare", "")
	r, statement := c.get(t, "/fhir/metadata")
	if r.status != http.StatusOK {
		t.Fatal(r.status)
	}
	methods := map[string]struct {
		method, path string
		missing      int // status for an id that is not there
	}{
		"read": {http.MethodGet, "/x", 404}, "vread": {http.MethodGet, "/x/_history/1", 404},
		"update": {http.MethodPut, "/x", 404}, "patch": {http.MethodPatch, "/x", 404}, "delete": {http.MethodDelete, "/x", 404},
		"history-instance": {http.MethodGet, "/x/_history", 404}, "history-type": {http.MethodGet, "/_history", 200},
		"create": {http.MethodPost, "", 400}, "search-type": {http.MethodGet, "?_count=1", 200},
	}
	for _, rest := range list(statement, "rest") {
		checkSystem(t, c, rest)
		for _, res := range list(rest, "resource") {
			kind, ok := res["type"].(string)
			if !ok {
				t.Fatal("a resource without type")
			}
			listed := map[any]bool{}
			for _, i := range list(res, "interaction") {
				listed[i["code"]] = true
			}
			checkConditions(t, c, kind, res)
			checkOperations(t, c, kind, res)
			for code, m := range methods {
				body := []byte(nil)
				if m.method == http.MethodPut {
					body = []byte(`{"resourceType":"` + kind + `","id":"x"}`)
				}
				if code == "create" {
					body = []byte(`{}`)
				}
				r, err := c.do(m.method, "/fhir/"+kind+m.path, "application/fhir+json", body)
				if err != nil {
					t.Fatal(err)
				}
				refused := r.status == http.StatusMethodNotAllowed
				if code == "history-type" || code == "history-instance" { // paths that stand for nothing
					refused = refused || r.status == http.StatusNotFound && !listed[code]
				}
				if listed[code] == refused {
					t.Errorf("%s %s: listed %v, answered %d", kind, code, listed[code], r.status)
				}
			}
		}
		searchesSeveral(t, c, rest)
	}
}

// searchesSeveral asks what is listed for the server as a whole: a search of several types, and of
// each kind of compartment.
func searchesSeveral(t *testing.T, c *caller, rest map[string]any) {
	t.Helper()
	listed := false
	for _, i := range list(rest, "interaction") {
		listed = listed || i["code"] == "search-system"
	}
	if r, _ := c.get(t, "/fhir?_type=Patient,CarePlan&_count=1"); listed != (r.status == http.StatusOK) {
		t.Errorf("search-system: listed %v, answered %d", listed, r.status)
	}
	compartments, _ := rest["compartment"].([]any)
	kinds := map[string]string{"patient": "Patient", "encounter": "Encounter", "practitioner": "Practitioner", "relatedperson": "RelatedPerson", "device": "Device"}
	for name, kind := range kinds {
		listed := slices.Contains(compartments, any("http://hl7.org/fhir/CompartmentDefinition/"+name))
		if r, _ := c.get(t, "/fhir/"+kind+"/x/Observation?_count=1"); listed != (r.status == http.StatusOK) {
			t.Errorf("compartment of %s: listed %v, answered %d", kind, listed, r.status)
		}
	}
}

// checkSystem asks for what is listed for the whole server.
func checkSystem(t *testing.T, c *caller, rest map[string]any) {
	t.Helper()
	listed := map[any]bool{}
	for _, i := range list(rest, "interaction") {
		listed[i["code"]] = true
	}
	for code, ask := range map[string]struct{ method, path, body string }{
		"transaction":    {http.MethodPost, "/fhir", `{"resourceType":"Bundle","type":"transaction"}`},
		"batch":          {http.MethodPost, "/fhir", `{"resourceType":"Bundle","type":"batch"}`},
		"history-system": {http.MethodGet, "/fhir/_history?_count=1", ""},
	} {
		r, err := c.do(ask.method, ask.path, "application/fhir+json", []byte(ask.body))
		if err != nil {
			t.Fatal(err)
		}
		if listed[code] != (r.status == http.StatusOK) {
			t.Errorf("%s: listed %v, answered %d", code, listed[code], r.status)
		}
	}
}

// checkOperations asks for what is listed as an operation of a type, of one that is not there.
func checkOperations(t *testing.T, c *caller, kind string, res map[string]any) {
	t.Helper()
	listed := map[any]bool{}
	for _, o := range list(res, "operation") {
		listed[o["name"]] = true
	}
	for _, name := range []string{"everything", "document", "explain-access", "completeness", "discharge-check", "ecomap", "load", "actions", "events"} {
		r, body := c.get(t, "/fhir/"+kind+"/x/$"+name+map[string]string{"explain-access": "?recipient=Organization/x"}[name])
		issue := list(body, "issue")
		if r.status != http.StatusNotFound && r.status != http.StatusForbidden || len(issue) != 1 {
			t.Fatalf("%s $%s answered %d", kind, name, r.status)
		}
		if listed[name] == (issue[0]["diagnostics"] == "path-unknown") {
			t.Errorf("%s $%s: listed %v, answered %v", kind, name, listed[name], issue[0]["diagnostics"])
		}
	}
}

// checkConditions asks for the conditional forms of a type: a condition that says nothing is told from
// one that is not served.
func checkConditions(t *testing.T, c *caller, kind string, res map[string]any) {
	t.Helper()
	for element, method := range map[string]string{
		"conditionalUpdate": http.MethodPut, "conditionalDelete": http.MethodDelete,
	} {
		r, err := c.do(method, "/fhir/"+kind, "application/fhir+json", []byte(`{"resourceType":"`+kind+`"}`))
		if err != nil {
			t.Fatal(err)
		}
		listed := res[element] == true || res[element] == "single"
		if listed != (r.status == http.StatusBadRequest) {
			t.Errorf("%s %s: listed %v, answered %d", kind, element, listed, r.status)
		}
	}
}
