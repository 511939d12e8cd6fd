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

// TestWhoReadsItsOwnMeasuresAloneDoesNotKnowOfTheOthers: of a plan that is closed to it a party reads its own; that
// it has read the plan makes nobody believe that it knows of the rest.
func TestWhoReadsItsOwnMeasuresAloneDoesNotKnowOfTheOthers(t *testing.T) {
	t.Parallel()
	c := twoClinics(t)
	c.put("home", "/fhir/CarePlan/ph", c.plan("ph", "home", "scheduled", "2026-12-01", "fetma")).want(t, http.StatusCreated)
	shared := strings.NewReplacer(`"intent":"plan",`, `"intent":"plan","category":[{"coding":[{"system":"https://fhir.inera.se/CodeSystem/typeofcareplan-cs","code":"SIP"}]}],`,
		`"activity":[`, `"activity":[{"id":"h","detail":{"status":"in-progress","description":"Eget","performer":[{"reference":"`+c.orgs["home"].String()+`"}]}},`)
	c.put("hospital", "/fhir/CarePlan/px", shared.Replace(c.plan("px", "hospital", "scheduled", "2026-11-26", "oro"))).want(t, http.StatusCreated)
	c.team(c.patient, "home", "hospital")
	c.parent("mother")
	c.consent("mother", "mother", "permit", c.patient, c.orgs["hospital"], "")
	agreed := c.consent("mother", "mother", "permit", c.patient, c.orgs["home"], `,"data":[{"meaning":"related","reference":{"reference":"CarePlan/px"}}]`)
	whole, _, _ := strings.Cut(agreed, "/_history")
	body := c.get("mother", "/fhir/"+whole).want(t, http.StatusOK).body
	c.put("mother", "/fhir/"+whole, strings.Replace(body, `"status":"active"`, `"status":"inactive"`, 1)).want(t, http.StatusOK)
	open := len(c.open())
	c.advance(time.Second)
	if a := c.get("home", "/fhir/CarePlan/px").want(t, http.StatusOK); !strings.Contains(a.body, "Eget") || strings.Contains(a.body, "insats-oro") {
		t.Errorf("not its own measure alone: %s", a.body)
	}
	c.get("hospital", "/fhir/CarePlan/ph").want(t, http.StatusOK)
	c.create("home", "Condition", fmt.Sprintf(`{"resourceType":"Condition","subject":{"reference":%q},"code":{"text":"x"}}`, c.patient))
	if now := len(c.open()); open == 0 || now != open {
		t.Errorf("%d issues, and then %d", open, now)
	}
}
