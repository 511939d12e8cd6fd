package rest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/drieluik/drieluik/fhir"
)

// TestADutchAndASwedishPlanOfOneChildAreCompared: a care plan that came as an MKS record and a child plan that came as
// a Swedish document meet by the same rules, in the needs that both concept maps lead to, and each party learns of it.
func TestADutchAndASwedishPlanOfOneChildAreCompared(t *testing.T) {
	t.Parallel()
	c := &clinics{rig: looking(t)}
	c.swedish("school", "SE4000000069-ELEV1")
	c.patient, _, _, _ = c.parents() // with the record of the child and its care plan
	child := c.patient.String()
	body := decode[map[string]any](t, c.get("home", "/fhir/"+child).body)
	body["identifier"] = append(body["identifier"].([]any), map[string]any{
		"system": "http://electronichealth.se/identifier/personnummer", "value": "201408222394"})
	known, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	c.put("home", "/fhir/"+child, string(known)).want(t, http.StatusOK)
	plan := decode[map[string]any](t, coordinated(t, "valid/03-barnplan-olle.json", nil))
	steps := plan["insatser"].([]any)
	second := steps[1].(map[string]any)
	second["start"], second["behov"] = "2026-11-30", []any{"nutrition"}
	a := c.submit("school", coordinated(t, "valid/03-barnplan-olle.json", map[string]any{"insatser": steps})).want(t, http.StatusCreated)
	if !strings.Contains(a.body, `"O2"`) {
		t.Errorf("the report of the second push: %s", a.body)
	}
	met := false
	for id := range c.kept("home", "DetectedIssue") {
		stored := c.whole(id)
		if strings.Contains(stored, `"O2"`) && strings.Contains(stored, fmt.Sprintf(`{"system":"%s/CodeSystem/behov-grupp","code":"nutrition"}`, fhir.Canonical)) {
			met = true
			c.get("school", "/fhir/"+id).want(t, http.StatusOK)
		}
	}
	if !met {
		t.Errorf("the need of both is not told: %v", c.kept("home", "DetectedIssue"))
	}
}
