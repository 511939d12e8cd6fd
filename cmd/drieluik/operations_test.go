package main_test

import (
	"net/http"
	"strings"
	"testing"
)

// onInstance are the operations that only a resource has, not its type.
var onInstance = map[any]bool{
	"everything": true, "document": true, "explain-access": true, "completeness": true, "discharge-check": true,
	"ecomap": true, "load": true, "actions": true, "events": true,
}

// posted are the operations that take a POST alone.
var posted = map[any]bool{"populate": true, "extract": true}

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
				if onInstance[o["name"]] { // asked for by checkOperations
					continue
				}
				path := "/fhir/" + res["type"].(string) + "/$" + o["name"].(string)
				if path == "/fhir/Group/$export" { // of one Group alone
					path = "/fhir/Group/x/$export"
				}
				if o["name"] == "validate" {
					body := []byte(`{"resourceType":"` + res["type"].(string) + `","id":""}`)
					if r, err := c.do(http.MethodPost, path, "application/fhir+json", body); err != nil || r.status != http.StatusOK {
						t.Errorf("%s is listed and answers %d %v", path, r.status, err)
					}
					continue
				}
				if o["name"] == "status" { // of all that the caller's organisation has
					if r, all := c.get(t, path); r.status != http.StatusOK || all["resourceType"] != "Bundle" {
						t.Errorf("%s is listed and answers %d", path, r.status)
					}
				} else if posted[o["name"]] {
					if r, err := c.do(http.MethodPost, path, "application/fhir+json", []byte(`{"resourceType":"Parameters"}`)); err != nil || r.status != http.StatusBadRequest {
						t.Errorf("%s is listed and answers %d %v", path, r.status, err)
					}
				} else if r, outcome := c.get(t, path); r.status != http.StatusBadRequest || outcome["resourceType"] != "OperationOutcome" {
					t.Errorf("%s is listed and answers %d", path, r.status)
				}
				if definition, ok := o["definition"].(string); !ok || !strings.Contains(strings.ToLower(definition), strings.ToLower(res["type"].(string)+"-")) || !strings.HasSuffix(definition, "-"+o["name"].(string)) {
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
