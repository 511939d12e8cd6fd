package rest_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// parent gives the child a mother who answers for it, under a name.
func (c *clinics) parent(name string) {
	c.t.Helper()
	id := c.create("home", "RelatedPerson", fmt.Sprintf(`{"resourceType":"RelatedPerson","active":true,"patient":{"reference":%q},"extension":[{"url":
		"https://drieluik.example/fhir/StructureDefinition/gezag","extension":[{"url":"type","valueCode":"TweehoofdigOuderlijkGezag"},
		{"url":"bron","valueCode":"brp"},{"url":"gecontroleerdOp","valueDate":"2026-11-01"}]}]}`, c.patient))
	c.principals[name] = guardian(c.t, c.patient.String(), "RelatedPerson/"+id, "patient/*.rs")
}

// TestWhoHasReadWhatTheOtherDoesKnowsOfIt: the issue of two who read each other's plans is over, until one of them
// changes; before, nobody finds an issue by what it may not read.
func TestWhoHasReadWhatTheOtherDoesKnowsOfIt(t *testing.T) {
	t.Parallel()
	c := twoClinics(t)
	issue := c.meet()
	finds := func(as, query string) bool {
		found := strings.Join(c.search(as, "/fhir/DetectedIssue?_count=100&"+query).ids(), " ")
		return strings.Contains(found, issue)
	}
	own, others := map[string]string{"home": "ph", "hospital": "px"}, map[string]string{"home": "px", "hospital": "ph"}
	for who := range own {
		for query, want := range map[string]bool{
			"implicated=CarePlan/" + own[who]: true, "implicated=CarePlan/" + others[who]: false,
			"implicated:missing=false": true, "implicated:missing=true": false,
			"implicated=CarePlan/" + own[who] + ",CarePlan/" + others[who]: true, "implicated=CarePlan/" + own[who] + "&implicated=CarePlan/" + others[who]: false,
		} {
			if got := finds(who, query); got != want {
				t.Errorf("%s by %s: %t", who, query, got)
			}
		}
	}
	for _, query := range []string{"implicated=CarePlan/ph", "implicated=CarePlan/px", "implicated:missing=false"} {
		if finds("other", query) {
			t.Errorf("a stranger finds by %s", query)
		}
	}
	c.team(c.patient, "home", "hospital")
	c.parent("mother")
	for _, who := range []string{"home", "hospital"} {
		c.consent("mother", "mother", "permit", c.patient, c.orgs[who], "")
	}
	if !finds("home", "implicated=CarePlan/px") || !strings.Contains(c.get("home", "/fhir/"+issue).body, "CarePlan/px") {
		t.Error("who may read it does not find by it")
	}
	status := func() string {
		_, rest, _ := strings.Cut(c.whole(issue), `"status":"`)
		out, _, _ := strings.Cut(rest, `"`)
		return out
	}
	c.advance(time.Second)
	c.get("home", "/fhir/CarePlan/px").want(t, http.StatusOK)
	c.put("home", "/fhir/Goal/g", c.goal("g", "low-priority", "")).want(t, http.StatusCreated)
	touch := func() {
		c.create("home", "Condition", fmt.Sprintf(`{"resourceType":"Condition","subject":{"reference":%q},"code":{"text":"x"}}`, c.patient))
	}
	if touch(); status() != "preliminary" {
		t.Errorf("one of two knows: %s", status())
	}
	c.get("hospital", "/fhir/CarePlan/ph").want(t, http.StatusOK)
	if touch(); status() != "cancelled" {
		t.Errorf("each has read what the other does: %s", status())
	}
	c.advance(time.Second)
	c.put("hospital", "/fhir/CarePlan/px", c.plan("px", "hospital", "scheduled", "2026-11-27", "oro")).want(t, http.StatusOK)
	if status() != "preliminary" {
		t.Errorf("what was read is another now: %s", status())
	}
}
