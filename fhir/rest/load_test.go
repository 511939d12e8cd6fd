package rest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// weekly gives the activity of a plan minutes a week.
func weekly(plan string, minutes int) string {
	end := strings.LastIndex(plan, "}}]")
	return plan[:end] + fmt.Sprintf(`,"extension":[{"url":"https://drieluik.example/fhir/StructureDefinition/weekly-burden-minutes","valueInteger":%d}]}}]`, minutes) + plan[end+3:]
}

// loads are the Observations of the load of the family, as a reader gets them.
func (c *clinics) loads(as string) (out []string) {
	c.t.Helper()
	type observation struct {
		EffectivePeriod struct{ Start, End string }
		Value           struct{ Text string } `json:"valueCodeableConcept"`
		Component       []struct {
			Code             struct{ Coding []struct{ Code string } }
			ValueInteger     *int
			ValueQuantity    struct{ Value *int }
			DataAbsentReason struct{ Coding []struct{ Code string } }
		}
	}
	for _, id := range c.search(as, "/fhir/Observation?code=family-load&_sort=date&patient="+c.patient.ID).ids() {
		var o observation
		if err := json.Unmarshal([]byte(c.get(as, "/fhir/"+id).want(c.t, http.StatusOK).valid(c.t).body), &o); err != nil {
			c.t.Fatal(err)
		}
		line := o.EffectivePeriod.Start + " " + o.EffectivePeriod.End + " " + o.Value.Text
		for _, x := range o.Component {
			line += " " + x.Code.Coding[0].Code
			for _, n := range []*int{x.ValueInteger, x.ValueQuantity.Value} {
				if n != nil {
					line += fmt.Sprint(" ", *n)
				}
			}
			if x.DataAbsentReason.Coding != nil {
				line += " " + x.DataAbsentReason.Coding[0].Code
			}
		}
		out = append(out, line)
	}
	return out
}

// TestTheLoadOfTheFamilyIsKept as an Observation of each week in which it is another: the family and who coordinates
// read it, no other organisation does or finds it, and what is as it was is not written again.
func TestTheLoadOfTheFamilyIsKept(t *testing.T) {
	t.Parallel()
	c := twoClinics(t)
	c.put("home", "/fhir/CarePlan/ph", weekly(c.plan("ph", "home", "in-progress", "2026-11-01", "fetma"), 200)).want(t, http.StatusCreated)
	c.put("hospital", "/fhir/CarePlan/px", c.plan("px", "hospital", "scheduled", "2026-11-26", "oro")).want(t, http.StatusCreated)
	mother := c.create("home", "RelatedPerson", fmt.Sprintf(`{"resourceType":"RelatedPerson","active":true,"patient":{"reference":%q},"extension":[{"url":
		"https://drieluik.example/fhir/StructureDefinition/gezag","extension":[{"url":"type","valueCode":"TweehoofdigOuderlijkGezag"},
		{"url":"bron","valueCode":"brp"},{"url":"gecontroleerdOp","valueDate":"2026-11-01"}]}]}`, c.patient))
	c.principals["mother"] = guardian(t, c.patient.String(), "RelatedPerson/"+mother, "patient/*.rs")
	if got := c.loads("mother"); got != nil {
		t.Errorf("before the rules of time: %v", got)
	}
	c.tick()
	week := []string{"2026-11-16 2026-11-22 within starts 0 minutes 200 appointments 0 orgs 1 unknownMinutes 0"}
	if diff := cmp.Diff(week, c.loads("mother")); diff != "" {
		t.Error(diff)
	}
	id := c.search("mother", "/fhir/Observation?code=family-load&patient="+c.patient.ID).ids()[0]
	for _, who := range []string{"home", "hospital", "other"} {
		c.get(who, "/fhir/"+id).want(t, http.StatusNotFound)
		for _, query := range []string{"code=family-load", "component-code=minutes", "_summary=count&code=family-load", "_id=" + strings.TrimPrefix(id, "Observation/")} {
			if got := c.search(who, "/fhir/Observation?"+query+"&patient="+c.patient.ID); len(got.Entry) > 0 || got.Total != nil && *got.Total > 0 {
				t.Errorf("%s finds by %s: %v", who, query, got.ids())
			}
		}
	}
	before := len(c.position().Notices)
	c.tick()
	if n := len(c.position().Notices) - before; n != 0 {
		t.Errorf("what is as it was is written again: %d", n)
	}
	c.coordinator("home")
	c.now.Store(new(time.Date(2026, 11, 23, 0, 1, 0, 0, time.FixedZone("CET", 3600)))) // Monday
	c.tick()
	week = append(week, "2026-11-23 2026-11-29 within starts 1 minutes 200 appointments 0 orgs 2 unknownMinutes 1")
	if diff := cmp.Diff(week, c.loads("home")); diff != "" {
		t.Errorf("who coordinates: %s", diff)
	}
	c.put("home", "/fhir/CarePlan/ph", c.plan("ph", "home", "in-progress", "2026-11-01", "fetma")).want(t, http.StatusOK)
	c.tick()
	week[1] = "2026-11-23 2026-11-29 within starts 1 minutes unknown appointments 0 orgs 2 unknownMinutes 2"
	if diff := cmp.Diff(week, c.loads("home")); diff != "" {
		t.Errorf("the same week: %s", diff)
	}
	if made := c.search("home", "/fhir/Provenance?target="+id).ids(); len(made) != 0 {
		t.Errorf("home keeps the Provenance of what nobody keeps: %v", made)
	}
}
