package rest_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/conformance/artifacts"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/coordination"
)

// clinics is a child in the care of two clinics, "home" and "hospital", that do not know of each other.
type clinics struct {
	*rig
	patient fhir.Ref
}

// twoClinics opens a rig that looks for overlap.
func twoClinics(t *testing.T) *clinics {
	t.Helper()
	all, err := artifacts.All()
	if err != nil {
		t.Fatal(err)
	}
	g := &rig{
		t: t, log: &logBuffer{}, principals: map[string]auth.Principal{}, orgs: map[string]fhir.Ref{}, settings: auth.Settings{Jurisdiction: "se"},
		overlap: &coordination.Rules{Settings: coordination.Defaults("se"), Groups: coordination.NewGroups(all)},
	}
	g.open(nil)
	id := g.create("home", "Patient", `{"resourceType":"Patient","birthDate":"2018-03-02","name":[{"given":["Olle"]}]}`)
	return &clinics{rig: g, patient: fhir.Ref{Type: "Patient", ID: id}}
}

// plan is a CarePlan of an organisation with one activity, which has an id of its own.
func (c *clinics) plan(id, org, status, start, need string) string {
	return fmt.Sprintf(`{"resourceType":"CarePlan","id":%q,"status":"active","intent":"plan","subject":{"reference":%q},"author":{"reference":%q},
		"activity":[{"id":"a","detail":{"status":%q,"code":{"coding":[{"system":"https://drieluik.example/fhir/CodeSystem/insats","code":%q}]},
		"reasonCode":[{"coding":[{"system":"https://drieluik.example/fhir/CodeSystem/behov","code":%q}]}],
		"performer":[{"reference":%q}],"scheduledPeriod":{"start":%q}}}]}`,
		id, c.patient, c.orgs[org], status, "insats-"+need, need, c.orgs[org], start)
}

func (c *clinics) put(as, path, body string, header ...string) answer {
	return c.do(as, http.MethodPut, path, body, header...)
}

// meet lets home plan a start on 1 December, and hospital one on 26 November, which finds the other.
func (c *clinics) meet() (issue string) {
	c.t.Helper()
	c.put("home", "/fhir/CarePlan/ph", c.plan("ph", "home", "scheduled", "2026-12-01", "fetma")).want(c.t, http.StatusCreated)
	a := c.put("hospital", "/fhir/CarePlan/px", c.plan("px", "hospital", "scheduled", "2026-11-26", "oro")).want(c.t, http.StatusCreated)
	for _, ref := range a.header.Values("X-Coordination-Issue") {
		if strings.Contains(c.get("hospital", "/fhir/"+ref).want(c.t, http.StatusOK).body, `"O2"`) {
			issue = ref
		}
	}
	if issue == "" {
		c.t.Fatalf("no issue is told: %v %s", a.header, c.log)
	}
	return issue
}

// TestAnUnawareStartIsToldInTheWriteThatBringsIt, and to the one who was there first when it looks.
func TestAnUnawareStartIsToldInTheWriteThatBringsIt(t *testing.T) {
	t.Parallel()
	c := twoClinics(t)
	issue := c.meet()
	for _, who := range []string{"home", "hospital"} {
		c.get(who, "/fhir/"+issue).want(t, http.StatusOK)
	}
	c.get("other", "/fhir/"+issue).want(t, http.StatusNotFound)
}
