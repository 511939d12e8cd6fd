package main_test

import (
	"net/http"
	"strings"
	"testing"
)

// TestEveryListedOperationIsServed asks for each operation that the CapabilityStatement lists at a
// type without parameters: it says what is missing. One that is not listed is not served.
func TestEveryListedOperationIsServed(t *testing.T) {
	t.Parallel()
	sv := newSite(t).start(t)
	c := sv.login(t, "homecare", "")
	_, statement := c.get(t, "/fhir/metadata")
	served := 0
	for _, rest := range list(statement, "rest") {
		for _, res := range list(rest, "resource") {
			for _, o := range list(res, "operation") {
				served++
				path := "/fhir/" + res["type"].(string) + "/$" + o["name"].(string)
				if r, outcome := c.get(t, path); r.status != http.StatusBadRequest || outcome["resourceType"] != "OperationOutcome" {
					t.Errorf("%s is listed and answers %d", path, r.status)
				}
				if definition, ok := o["definition"].(string); !ok || !strings.HasSuffix(definition, res["type"].(string)+"-"+o["name"].(string)) {
					t.Errorf("%s has the definition %s", path, definition)
				}
			}
		}
	}
	if served < 5 {
		t.Errorf("only %d operations are listed", served)
	}
	if r, _ := c.get(t, "/fhir/ConceptMap/$closure"); r.status != http.StatusNotFound {
		t.Errorf("an operation that is not listed answers %d", r.status)
	}
	if r, set := c.get(t, "/fhir/ValueSet/hulpbehoefte-item/$expand?count=1"); r.status != http.StatusOK || set["resourceType"] != "ValueSet" {
		t.Errorf("our own list answers %d", r.status)
	}
}
