package rest_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/exchange"
)

// other is a second child in the care of the same two clinics.
func (c *clinics) another(number string) *clinics {
	c.t.Helper()
	id := c.create("home", "Patient", dischargedChild(number, "XXX_Visser"))
	return &clinics{rig: c.rig, patient: fhir.Ref{Type: "Patient", ID: id}}
}

// whole is a resource as it is stored.
func (c *clinics) whole(ref string) string {
	c.t.Helper()
	var body string
	err := c.store.View(c.t.Context(), func(v exchange.Snapshot) error {
		st, err := v.Read(refOf(ref))
		body = string(st.Body)
		return err
	})
	if err != nil {
		c.t.Fatal(err)
	}
	return body
}

// coordinator makes an organisation coordinate the child, as the keeper of the child says.
func (c *clinics) coordinator(org string) {
	c.t.Helper()
	c.create("home", "CareTeam", fmt.Sprintf(`{"resourceType":"CareTeam","status":"active","subject":{"reference":%q},"participant":[{"role":[{"coding":[
		{"system":"https://drieluik.example/fhir/CodeSystem/se-roll","code":"samordnare"}]}],"member":{"reference":%q}}]}`, c.patient, c.orgs[org]))
}

// TestAStartIsNotSmuggledPastTheGate: neither under a plan that is no plan yet, nor in the place or under the id of
// what went on before, nor in the name of somebody else.
func TestAStartIsNotSmuggledPastTheGate(t *testing.T) {
	t.Parallel()
	c := twoClinics(t)
	c.meet()
	started := func(id string) string { return c.plan(id, "hospital", "in-progress", "2026-11-21", "somn") }
	over := func(body string) string {
		return strings.Replace(body, `"scheduledPeriod":{"start":"2026-11-21"}`, `"scheduledPeriod":{"start":"2026-11-21","end":"2026-11-22"}`, 1)
	}
	unnamed := func(body string) string { return strings.Replace(body, `"id":"a",`, "", 1) }
	goes := func(body string) string { return strings.Replace(body, `"insats-somn"`, `"kbt"`, 1) }
	mother := fmt.Sprintf(`"performer":[{"reference":"RelatedPerson/%s"}]`, c.create("home", "RelatedPerson",
		fmt.Sprintf(`{"resourceType":"RelatedPerson","patient":{"reference":%q}}`, c.patient)))
	byMother := func(body string) string {
		return strings.Replace(body, fmt.Sprintf(`"performer":[{"reference":%q}]`, c.orgs["hospital"]), mother, 1)
	}
	old := unnamed(over(goes(started("p2"))))
	activity := old[strings.Index(old, `{"detail"`):strings.LastIndex(old, "]}")]
	for name, steps := range map[string][2]string{
		"a draft becomes a plan":      {strings.Replace(started("p1"), `"active"`, `"draft"`, 1), started("p1")},
		"the place of another":        {old, unnamed(started("p2"))},
		"the place of one that moves": {strings.Replace(old, `"p2"`, `"p3"`, 1), strings.TrimSuffix(unnamed(started("p3")), "]}") + "," + activity + "]}"},
		"the id of another":           {over(goes(started("p4"))), started("p4")},
		"from the mother":             {byMother(started("p5")), started("p5")},
	} {
		c.put("hospital", "/fhir/CarePlan/"+idOf(steps[0]), steps[0]).want(t, http.StatusCreated)
		if a := c.put("hospital", "/fhir/CarePlan/"+idOf(steps[1]), steps[1]); a.status != http.StatusConflict {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
		c.do("hospital", http.MethodDelete, "/fhir/CarePlan/"+idOf(steps[0]), "").want(t, http.StatusNoContent)
	}
}

func idOf(body string) string {
	_, rest, _ := strings.Cut(body, `"id":"`)
	id, _, _ := strings.Cut(rest, `"`)
	return id
}

// TestOneTransactionAboutTwoChildrenIsHeldForEach: what cannot be judged for one child lifts no hold for the other,
// and the acknowledgements are those of both.
func TestOneTransactionAboutTwoChildrenIsHeldForEach(t *testing.T) {
	t.Parallel()
	c := twoClinics(t)
	d := c.another("999990020")
	first := c.meet()
	const ack = `; reason="Vi har talats vid i telefon"`
	entries := func(bodies ...string) string {
		var out []string
		for _, b := range bodies {
			out = append(out, fmt.Sprintf(`{"resource":%s,"request":{"method":"PUT","url":"CarePlan/%s"}}`, b, idOf(b)))
		}
		return `{"resourceType":"Bundle","type":"transaction","entry":[` + strings.Join(out, ",") + `]}`
	}
	started := c.plan("px", "hospital", "in-progress", "2026-11-21", "oro")
	large := many(d.plan("pl", "hospital", "scheduled", "2026-12-01", "fetma"), 301)
	c.do("hospital", http.MethodPost, "/fhir", entries(started, large)).want(t, http.StatusConflict).wantIssue(t, "O2", "Bundle.entry[0].resource")
	c.put("home", "/fhir/CarePlan/dh", d.plan("dh", "home", "scheduled", "2026-12-01", "fetma")).want(t, http.StatusCreated)
	there := c.put("hospital", "/fhir/CarePlan/dx", d.plan("dx", "hospital", "scheduled", "2026-11-26", "oro")).want(t, http.StatusCreated)
	var second string
	for _, ref := range there.header.Values("X-Coordination-Issue") {
		if strings.Contains(c.whole(ref), `"O2"`) {
			second = ref
		}
	}
	both := entries(started, d.plan("dx", "hospital", "in-progress", "2026-11-21", "oro"))
	c.do("hospital", http.MethodPost, "/fhir", both, "X-Coordination-Ack", first+ack).want(t, http.StatusConflict).wantIssue(t, "O-ACK", "")
	if strings.Contains(c.whole(first), "Vi har talats") {
		t.Error("what was refused acknowledged an issue")
	}
	c.do("hospital", http.MethodPost, "/fhir", both, "X-Coordination-Ack", first+ack, "X-Coordination-Ack", second+ack).want(t, http.StatusOK)
	for _, ref := range []string{first, second} {
		if !strings.Contains(c.whole(ref), `"final"`) {
			t.Errorf("%s is not acknowledged: %s", ref, c.whole(ref))
		}
	}
}

// many repeats the activity of a plan.
func many(plan string, n int) string {
	one := plan[strings.Index(plan, `{"id":"a"`):strings.LastIndex(plan, "]")]
	var all []string
	for i := range n {
		all = append(all, strings.Replace(one, `"id":"a"`, fmt.Sprintf(`"id":"a%d"`, i), 1))
	}
	return strings.Replace(plan, one, strings.Join(all, ","), 1)
}

// TestManyFindingsAreNotLost: of more than are told the gravest are, and somebody is asked to look at the rest.
func TestManyFindingsAreNotLost(t *testing.T) {
	t.Parallel()
	c := twoClinics(t)
	c.put("home", "/fhir/CarePlan/ph", many(c.plan("ph", "home", "scheduled", "2026-12-01", "fetma"), 101)).want(t, http.StatusCreated)
	c.put("hospital", "/fhir/CarePlan/px", c.plan("px", "hospital", "scheduled", "2026-11-26", "oro")).want(t, http.StatusCreated)
	issues := len(c.search("hospital", "/fhir/DetectedIssue?_count=200&code=O2&patient="+c.patient.ID).ids())
	if tasks := fmt.Sprint(c.kept("hospital", "Task")); issues != 100 || !strings.Contains(tasks, "kontrollera-senare") {
		t.Errorf("%d issues, %s", issues, tasks)
	}
}

// TestManyCodesCostNoWriteItsTime: two plans whose every activity has hundreds of codes are too much to compare, and
// are stored all the same.
func TestManyCodesCostNoWriteItsTime(t *testing.T) {
	t.Parallel()
	c := twoClinics(t)
	coded := func(id, org string) string {
		var codes []string
		for i := range 450 {
			codes = append(codes, fmt.Sprintf(`{"system":"https://drieluik.example/fhir/CodeSystem/behov","code":"%s-%d"}`, id, i))
		}
		body := c.plan(id, org, "scheduled", "2026-12-01", "fetma")
		return many(strings.Replace(body, `"reasonCode":[{"coding":[`, `"reasonCode":[{"coding":[`+strings.Join(codes, ",")+",", 1), 12)
	}
	c.put("home", "/fhir/CarePlan/ph", coded("ph", "home")).want(t, http.StatusCreated)
	c.put("hospital", "/fhir/CarePlan/px", coded("px", "hospital")).want(t, http.StatusCreated)
	if tasks := fmt.Sprint(c.kept("hospital", "Task")); !strings.Contains(tasks, "kontrollera-senare") {
		t.Errorf("Tasks: %s", tasks)
	}
}

// TestTheEntriesOfABatchAreAcknowledgedEach by the header of the batch.
func TestTheEntriesOfABatchAreAcknowledgedEach(t *testing.T) {
	t.Parallel()
	c := twoClinics(t)
	d := c.another("999990020")
	first, second := c.meet(), d.meetAs("dh", "dx")
	const ack = `; reason="Vi har talats vid i telefon"`
	entry := func(body string) string {
		return fmt.Sprintf(`{"resource":%s,"request":{"method":"PUT","url":"CarePlan/%s"}}`, body, idOf(body))
	}
	batch := `{"resourceType":"Bundle","type":"batch","entry":[` + entry(c.plan("px", "hospital", "in-progress", "2026-11-21", "oro")) + "," +
		entry(d.plan("dx", "hospital", "in-progress", "2026-11-21", "oro")) + "]}"
	statuses := func(header ...string) string {
		var out []string
		for _, e := range c.bundle("hospital", batch, header...).Entry {
			out = append(out, e.Response.Status[:3])
		}
		return strings.Join(out, " ")
	}
	if got := statuses("X-Coordination-Ack", "DetectedIssue/nowhere"+ack); got != "409 409" {
		t.Errorf("with a foreign acknowledgement: %s", got)
	}
	if got := statuses("X-Coordination-Ack", first+ack); got != "200 409" {
		t.Errorf("with that of one: %s", got)
	}
	if got := statuses("X-Coordination-Ack", first+ack, "X-Coordination-Ack", second+ack); got != "200 200" {
		t.Errorf("with both: %s", got)
	}
}

// TestAnAcknowledgementServesOnce: the issue of a start that was held and never stored is closed with the next write.
func TestAnAcknowledgementServesOnce(t *testing.T) {
	t.Parallel()
	c := twoClinics(t)
	c.put("home", "/fhir/CarePlan/ph", c.plan("ph", "home", "scheduled", "2026-12-01", "fetma")).want(t, http.StatusCreated)
	started := strings.Replace(c.plan("", "hospital", "in-progress", "2026-11-22", "oro"), `"id":"",`, "", 1)
	held := c.do("hospital", http.MethodPost, "/fhir/CarePlan", started).want(t, http.StatusConflict)
	_, issue, _ := strings.Cut(held.body, "The issue is ")
	issue, _, _ = strings.Cut(issue, ".")
	ack := issue + `; reason="Vi har talats vid i telefon"`
	c.do("hospital", http.MethodPost, "/fhir/CarePlan", started, "X-Coordination-Ack", ack).want(t, http.StatusCreated)
	c.do("hospital", http.MethodPost, "/fhir/CarePlan", started, "X-Coordination-Ack", ack).want(t, http.StatusConflict).wantIssue(t, "O-ACK", "CarePlan")
}

// TestAnIssueIsNotTalkedAwayByHand: no resource of a party's own makes two know of each other, an issue keeps what it
// is about, and its answer tells a party no more than a read does.
func TestAnIssueIsNotTalkedAwayByHand(t *testing.T) {
	t.Parallel()
	c := twoClinics(t)
	issue := c.meet()
	both := `[{"reference":"CarePlan/ph","extension":[{"url":"https://drieluik.example/fhir/StructureDefinition/activity-id","valueString":"a"}]},
		{"reference":"CarePlan/px","extension":[{"url":"https://drieluik.example/fhir/StructureDefinition/activity-id","valueString":"a"}]}]`
	c.create("hospital", "DetectedIssue", fmt.Sprintf(`{"resourceType":"DetectedIssue","status":"final","patient":{"reference":%q},"implicated":%s,
		"mitigation":[{"action":{"text":"Vi har talats vid i telefon"},"date":"2099-01-01"}]}`, c.patient, both))
	c.put("hospital", "/fhir/CarePlan/px", c.plan("px", "hospital", "in-progress", "2026-11-21", "oro")).want(t, http.StatusConflict)
	said := func(reason string, at time.Time) string {
		return fmt.Sprintf(`,"mitigation":[{"action":{"text":%q},"date":%q}]}`, reason, at.Format(time.RFC3339))
	}
	body := func(ref, status, more string) string {
		return strings.Replace(strings.TrimSuffix(c.whole(ref), "}"), `"preliminary"`, `"`+status+`"`, 1) + more
	}
	var headless string
	for id, b := range c.kept("hospital", "DetectedIssue") {
		if strings.Contains(b, `"O8"`) {
			headless = id
		}
	}
	const reason = "Vi har talats vid i telefon"
	for name, sent := range map[string]string{
		"that is about another now":  strings.Replace(body(headless, "final", said(reason, c.clock())), `"implicated":[`, `"implicated":`+both[:len(both)-1]+",", 1),
		"cancelled by a party":       body(issue, "cancelled", said(reason, c.clock())),
		"with no reason":             body(issue, "final", said("ok", c.clock())),
		"settled until a later year": body(issue, "final", said(reason, c.clock().AddDate(1, 0, 0))),
	} {
		if a := c.put("hospital", "/fhir/DetectedIssue/"+idOf(sent), sent); a.status != http.StatusForbidden {
			t.Errorf("an issue %s: %d %s", name, a.status, a.body)
		}
	}
	c.create("hospital", "CareTeam", fmt.Sprintf(`{"resourceType":"CareTeam","status":"active","subject":{"reference":%q},"participant":[{"role":[{"text":"samordnare"}],
		"member":{"reference":%q}}]}`, c.patient, c.orgs["hospital"]))
	made := body(issue, "cancelled", said(reason, c.clock()))
	c.put("hospital", "/fhir/"+issue, made).want(t, http.StatusForbidden) // nobody makes itself the coordinator
	sent := body(issue, "final", said(reason, c.clock().Add(time.Second)))
	a := c.put("hospital", "/fhir/"+issue, sent, "Prefer", "return=representation").want(t, http.StatusOK)
	if strings.Contains(a.body, "CarePlan/ph") {
		t.Errorf("the answer to a party: %s", a.body)
	}
	if log := strings.Join(c.bodies(c.patient.ID), "\n"); !strings.Contains(log, reason) {
		t.Error("the reason of a party is not in the log")
	}
}

// TestWhatOthersSayStaysWithThem: the Task of a child tells an organisation of its own issues alone, reasons and
// urgency too.
func TestWhatOthersSayStaysWithThem(t *testing.T) {
	t.Parallel()
	c := twoClinics(t)
	c.put("home", "/fhir/CarePlan/p8", c.plan("p8", "home", "scheduled", "2027-05-01", "fetma")).want(t, http.StatusCreated)
	c.put("other", "/fhir/CarePlan/po", c.plan("po", "other", "scheduled", "2027-05-01", "oro")).want(t, http.StatusCreated)
	c.meet()
	started := c.plan("px", "hospital", "in-progress", "2026-11-21", "oro")
	held := c.put("hospital", "/fhir/CarePlan/px", started).want(t, http.StatusConflict)
	var header []string
	secret := map[string]bool{} // reasons, by whether they are kept from the other
	for i, text := range strings.Split(held.body, "The issue is ")[1:] {
		issue, _, _ := strings.Cut(text, ".")
		reason := fmt.Sprintf("Vi har talats vid om sak %d", i)
		header = append(header, "X-Coordination-Ack", issue+`; reason="`+reason+`"`)
		secret[reason] = c.get("other", "/fhir/"+issue).status == http.StatusNotFound
	}
	c.put("hospital", "/fhir/CarePlan/px", started, header...).want(t, http.StatusOK)
	tasks := c.kept("other", "Task")
	for id, body := range tasks {
		for reason, hidden := range secret {
			if strings.Contains(body, reason) == hidden {
				t.Errorf("%s tells %q: %t", id, reason, hidden)
			}
		}
		if strings.Contains(body, "restriction") || strings.Contains(body, "priority") {
			t.Errorf("%s tells how urgent the issues of others are: %s", id, body)
		}
	}
	for id := range tasks {
		_, focus, _ := strings.Cut(c.whole(id), `"focus":{"reference":"`)
		focus, _, _ = strings.Cut(focus, `"`)
		seen := c.get("other", "/fhir/"+focus).status == http.StatusOK
		if got := len(c.search("other", "/fhir/Task?focus="+focus).Entry) > 0; got != seen {
			t.Errorf("the other finds its Task by its focus: %t, and may read that: %t", got, seen)
		}
	}
	if len(tasks) != 1 || len(secret) < 2 {
		t.Errorf("%d Tasks, %v", len(tasks), secret)
	}
}

// TestWhatIsMostImportantIsNotMovedByTheBackDoor: not by a plan that is a child plan no longer, and not by a document.
func TestWhatIsMostImportantIsNotMovedByTheBackDoor(t *testing.T) {
	t.Parallel()
	c := twoClinics(t)
	c.put("home", "/fhir/Goal/g1", c.goal("g1", "high-priority", "")).want(t, http.StatusCreated)
	c.put("home", "/fhir/CarePlan/bp", c.childPlan("bp", "g1")).want(t, http.StatusCreated)
	c.create("home", "CareTeam", fmt.Sprintf(`{"resourceType":"CareTeam","status":"active","subject":{"reference":%q},"participant":[{"role":[{"text":"samordnare"}],
		"member":{"reference":%q}}]}`, c.patient, c.orgs["other"]))
	c.put("home", "/fhir/CarePlan/bp", strings.Replace(c.childPlan("bp", "g1"), "BARNPLAN", "SAMORD", 1)).want(t, http.StatusForbidden)
	c.do("home", http.MethodDelete, "/fhir/CarePlan/bp", "").want(t, http.StatusForbidden)
	c.swedish("school", "SE4000000069-ELEV1")
	c.swedish("clinic", "SE4000000077-BUP1")
	const barnplan = "valid/03-barnplan-olle.json"
	c.submit("school", coordinated(t, barnplan, nil)).want(t, http.StatusCreated)
	before := c.position()
	a := c.submit("clinic", coordinated(t, barnplan, map[string]any{"dokumentId": "annan-1", "kallsystemHsaId": "SE4000000077-BUP1", "version": 1,
		"ansvar": map[string]any{"vardgivareHsaId": "SE4000000077-BUP1", "vardenhetHsaId": "SE4000000077-BUP1"}})).want(t, http.StatusUnprocessableEntity)
	if !strings.Contains(a.body, `"O9"`) || len(c.position().Notices) != len(before.Notices) {
		t.Errorf("a second child plan with a most important goal of its own: %s", a.body)
	}
}
