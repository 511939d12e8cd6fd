package rest_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

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

// looking opens a rig that looks for overlap.
func looking(t *testing.T) *rig {
	t.Helper()
	all, err := artifacts.All()
	if err != nil {
		t.Fatal(err)
	}
	g := &rig{
		t: t, log: &logBuffer{}, principals: map[string]auth.Principal{}, orgs: map[string]fhir.Ref{}, settings: auth.Settings{Jurisdiction: "se"},
		overlap: &coordination.Rules{Settings: coordination.Defaults("se"), Groups: coordination.NewGroups(all), Patience: time.Hour},
	}
	g.start(address(t), nil)
	return g
}

// twoClinics is a child at a rig that looks for overlap.
func twoClinics(t *testing.T) *clinics {
	t.Helper()
	g := looking(t)
	id := g.create("home", "Patient", dischargedChild("999990019", "XXX_Jansen"))
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
func (c *clinics) meet() (issue string) { return c.meetAs("ph", "px") }

// meetAs is meet under other ids.
func (c *clinics) meetAs(home, hospital string) (issue string) {
	c.t.Helper()
	c.put("home", "/fhir/CarePlan/"+home, c.plan(home, "home", "scheduled", "2026-12-01", "fetma")).want(c.t, http.StatusCreated)
	a := c.put("hospital", "/fhir/CarePlan/"+hospital, c.plan(hospital, "hospital", "scheduled", "2026-11-26", "oro")).want(c.t, http.StatusCreated)
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

// kept are the resources of a type of the child, as an organisation reads them.
func (c *clinics) kept(as, kind string) map[string]string {
	c.t.Helper()
	out := map[string]string{}
	for _, id := range c.search(as, "/fhir/"+kind+"?patient="+c.patient.ID).ids() {
		out[id] = c.get(as, "/fhir/"+id).want(c.t, http.StatusOK).body
	}
	return out
}

// TestAStartWaitsForThoseWhoDoNotKnowOfIt: 409 without an acknowledgement, with a foreign or unknown one, or one
// without a reason; 200 with it, and the reason stands in issue, Task and log.
func TestAStartWaitsForThoseWhoDoNotKnowOfIt(t *testing.T) {
	t.Parallel()
	c := twoClinics(t)
	issue := c.meet()
	started := c.plan("px", "hospital", "in-progress", "2026-11-21", "oro")
	held := c.put("hospital", "/fhir/CarePlan/px", started).want(t, http.StatusConflict)
	held.wantIssue(t, "O2", "CarePlan")
	if !strings.Contains(c.get("hospital", "/fhir/CarePlan/px").body, `"scheduled"`) {
		t.Error("what was held was written")
	}
	const reason = `; reason="Vi har talats vid i telefon"`
	refused := map[string]string{}
	for name, ack := range map[string]string{
		"unknown": "DetectedIssue/nowhere" + reason, "no reason": issue, "short": issue + `; reason="kort"`, "of another type": "Task/x" + reason,
		"foreign": "DetectedIssue/" + c.create("other", "DetectedIssue", fmt.Sprintf(`{"resourceType":"DetectedIssue","status":"preliminary","patient":{"reference":"Patient/%s"}}`,
			c.create("other", "Patient", patientBody))) + reason,
	} {
		a := c.put("hospital", "/fhir/CarePlan/px", started, "X-Coordination-Ack", ack).want(t, http.StatusConflict)
		a.wantIssue(t, "O-ACK", "CarePlan")
		refused[name] = a.body
	}
	if refused["unknown"] != refused["foreign"] {
		t.Errorf("unknown and foreign differ: %s %s", refused["unknown"], refused["foreign"])
	}
	c.put("hospital", "/fhir/CarePlan/px", started, "X-Coordination-Ack", issue+reason).want(t, http.StatusOK)
	if got := c.get("hospital", "/fhir/"+issue).body; !strings.Contains(got, `"final"`) {
		t.Errorf("the issue after the acknowledgement: %s", got)
	}
	c.put("hospital", "/fhir/CarePlan/px", strings.Replace(started, "2026-11-21", "2026-11-20", 1)).want(t, http.StatusOK)
	if log := strings.Join(c.bodies(c.patient.ID), "\n"); !strings.Contains(log, "Vi har talats vid i telefon") {
		t.Error("the reason is not in the log")
	}
}

// TestAStartThatIsHeldIsNotStored: created or in a transaction, nothing of the request is, and its repetition under
// another id goes by the same acknowledgement.
func TestAStartThatIsHeldIsNotStored(t *testing.T) {
	t.Parallel()
	c := twoClinics(t)
	c.put("home", "/fhir/CarePlan/ph", c.plan("ph", "home", "scheduled", "2026-12-01", "fetma")).want(t, http.StatusCreated)
	started := strings.Replace(c.plan("", "hospital", "in-progress", "2026-11-22", "oro"), `"id":"",`, "", 1)
	held := c.do("hospital", http.MethodPost, "/fhir/CarePlan", started).want(t, http.StatusConflict)
	_, issue, found := strings.Cut(held.body, "The issue is ")
	issue, _, _ = strings.Cut(issue, ".")
	if plans := c.kept("hospital", "CarePlan"); len(plans) > 0 || !found {
		t.Fatalf("stored: %v, told: %s", plans, held.body)
	}
	const entries = `{"resourceType":"Bundle","type":"transaction","entry":[
		{"resource":{"resourceType":"Observation","status":"final","code":{"text":"x"},"subject":{"reference":%q}},"request":{"method":"POST","url":"Observation"}},
		{"resource":%s,"request":{"method":"POST","url":"CarePlan"}}]}`
	whole := fmt.Sprintf(entries, c.patient, started)
	c.do("hospital", http.MethodPost, "/fhir", whole).want(t, http.StatusConflict).wantIssue(t, "O2", "Bundle.entry[1].resource")
	if got := c.kept("hospital", "Observation"); len(got) > 0 {
		t.Errorf("stored with what was held: %v", got)
	}
	var latest []string
	for id, body := range c.kept("hospital", "DetectedIssue") {
		if strings.Contains(body, `"preliminary"`) && strings.Contains(body, `"O2"`) {
			latest = append(latest, id)
		}
	}
	if len(latest) != 1 {
		t.Fatalf("open: %v (first %s)", latest, issue)
	}
	c.do("hospital", http.MethodPost, "/fhir", whole, "X-Coordination-Ack", latest[0]+`; reason="Vi har talats vid"`).want(t, http.StatusOK)
	if got := c.kept("hospital", "CarePlan"); len(got) != 1 {
		t.Errorf("stored after the acknowledgement: %v", got)
	}
}

// TestAStartThatIsHeldWaitsForTheTalk: a talk takes hours, in which the rules look at the child again and others write
// about it. The issue and its Task stand until then, and the acknowledgement is taken.
func TestAStartThatIsHeldWaitsForTheTalk(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]func(*clinics) (method, path, started string){
		"created": func(c *clinics) (string, string, string) {
			return http.MethodPost, "/fhir/CarePlan", strings.Replace(c.plan("", "hospital", "in-progress", "2026-11-22", "oro"), `"id":"",`, "", 1)
		},
		"updated": func(c *clinics) (string, string, string) {
			started := c.plan("px", "hospital", "in-progress", "2026-11-22", "oro")
			c.put("hospital", "/fhir/CarePlan/px", strings.Replace(started, `"status":"active"`, `"status":"draft"`, 1)).want(t, http.StatusCreated)
			return http.MethodPut, "/fhir/CarePlan/px", started
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := twoClinics(t)
			c.put("home", "/fhir/CarePlan/ph", c.plan("ph", "home", "scheduled", "2026-12-01", "fetma")).want(t, http.StatusCreated)
			method, path, started := body(c)
			hold := func() (issue string) {
				held := c.do("hospital", method, path, started).want(t, http.StatusConflict)
				_, issue, _ = strings.Cut(held.body, "The issue is ")
				issue, _, _ = strings.Cut(issue, ".")
				return issue
			}
			later := func(d time.Duration) {
				c.tick()
				c.advance(d)
				c.create("home", "Condition", fmt.Sprintf(`{"resourceType":"Condition","subject":{"reference":%q},"code":{"text":"trött"}}`, c.patient))
				c.tick()
			}
			stands := func(issue, status, task string) {
				t.Helper()
				if got := c.get("hospital", "/fhir/"+issue).body; !strings.Contains(got, `"status":"`+status+`"`) {
					t.Errorf("the issue is to be %s: %s", status, got)
				}
				if open := c.search("hospital", "/fhir/Task?code=samordna-insatser&status=requested&patient="+c.patient.ID).ids(); (len(open) > 0) != (task == "open") {
					t.Errorf("the Task is to be %s: %v", task, open)
				}
			}
			first := hold()
			later(3 * time.Hour)
			stands(first, "preliminary", "open")
			c.do("home", http.MethodDelete, "/fhir/CarePlan/ph", "").want(t, http.StatusNoContent)
			stands(first, "cancelled", "over") // nobody is left to talk with

			c.put("home", "/fhir/CarePlan/pi", c.plan("pi", "home", "scheduled", "2026-12-01", "fetma")).want(t, http.StatusCreated)
			second := hold()
			later(3 * time.Hour)
			repeated := hold() // under another id where it is created
			later(time.Hour)
			stands(repeated, "preliminary", "open")
			if second != repeated {
				stands(second, "cancelled", "open")
			}
			ack := `; reason="Vi har talats vid i telefon"`
			if a := c.do("hospital", method, path, started, "X-Coordination-Ack", second+ack); a.status/100 != 2 {
				t.Fatalf("%d %s", a.status, a.body)
			}
			final := 0
			for _, body := range c.kept("hospital", "DetectedIssue") {
				if strings.Contains(body, `"preliminary"`) && strings.Contains(body, `"O2"`) {
					t.Errorf("open after the acknowledgement: %s", body)
				}
				if strings.Contains(body, `"final"`) && !strings.Contains(body, "start-vantar") {
					final++
				}
			}
			if second != repeated { // a further plan is another start
				for _, issue := range []string{first, second, repeated} {
					c.do("hospital", method, path, started, "X-Coordination-Ack", issue+ack).want(t, http.StatusConflict).wantIssue(t, "O-ACK", "CarePlan")
				}
			}
			if final != 1 {
				t.Errorf("%d issues are final", final)
			}
		})
	}
}

// TestAStartThatNobodyRepeatsWaitsForTwoWeeks: then its issue ends in the night.
func TestAStartThatNobodyRepeatsWaitsForTwoWeeks(t *testing.T) {
	t.Parallel()
	c := twoClinics(t)
	c.put("home", "/fhir/CarePlan/ph", c.plan("ph", "home", "scheduled", "2026-12-30", "fetma")).want(t, http.StatusCreated)
	c.do("hospital", http.MethodPost, "/fhir/CarePlan", strings.Replace(c.plan("", "hospital", "in-progress", "2026-11-22", "oro"), `"id":"",`, "", 1)).want(t, http.StatusConflict)
	for days := range 20 {
		c.tick()
		waiting := false
		for _, body := range c.kept("hospital", "DetectedIssue") {
			waiting = waiting || strings.Contains(body, `"preliminary"`) && strings.Contains(body, "start-vantar")
		}
		if want := days < 15; waiting != want {
			t.Errorf("after %d nights it waits: %v", days, waiting)
		}
		c.advance(24 * time.Hour)
	}
}

// TestAnEmergencyIsNeverHeld: neither what is urgent, nor who acts in one, nor a document of what already happened.
func TestAnEmergencyIsNeverHeld(t *testing.T) {
	t.Parallel()
	c := twoClinics(t)
	c.meet()
	request := func(id, priority string) string {
		return fmt.Sprintf(`{"resourceType":"ServiceRequest","id":%q,"status":"active","intent":"order","priority":%q,"subject":{"reference":%q},
			"occurrenceDateTime":"2026-11-21","performer":[{"reference":%q}],"code":{"coding":[{"system":"https://drieluik.example/fhir/CodeSystem/insats","code":"naringstillagg"}]}}`,
			id, priority, c.patient, c.orgs["hospital"])
	}
	c.put("home", "/fhir/CarePlan/ph", strings.Replace(c.plan("ph", "home", "scheduled", "2026-12-01", "fetma"), "insats-fetma", "viktprogram", 1)).want(t, http.StatusOK)
	c.put("hospital", "/fhir/ServiceRequest/q1", request("q1", "routine")).want(t, http.StatusConflict).wantIssue(t, "O4", "ServiceRequest")
	for _, priority := range []string{"stat", "asap"} {
		c.put("hospital", "/fhir/ServiceRequest/q-"+priority, request("q-"+priority, priority)).want(t, http.StatusCreated)
	}
	started := c.plan("px", "hospital", "in-progress", "2026-11-21", "oro")
	c.put("hospital", "/fhir/CarePlan/px", started).want(t, http.StatusConflict)
	doctor := c.staff("doctor", "hospital", "user/*.cruds", fhir.Ref{})
	doctor.BTG = &auth.BreakGlass{Reason: "Medvetslös", At: c.clock().Add(-time.Minute), Exp: c.clock().Add(time.Hour)}
	for _, purpose := range []string{"BTG", "ETREAT"} {
		c.put("hospital", "/fhir/CarePlan/px", c.plan("px", "hospital", "scheduled", "2026-11-26", "oro")).want(t, http.StatusOK)
		doctor.Purpose = purpose
		c.principals["doctor"] = doctor
		c.put("doctor", "/fhir/CarePlan/px", started).want(t, http.StatusOK)
	}
	push := discharge{Kind: "transaction", More: `,{"fullUrl":"urn:uuid:3f0c2d34-5a10-4c8e-9a57-000000000009","resource":` +
		strings.NewReplacer(`"id":"py",`, "", c.patient.String(), patientURL).Replace(c.plan("py", "hospital", "in-progress", "2026-11-22", "somn")) +
		`,"request":{"method":"POST","url":"CarePlan"}}`}
	if a := c.pushBundle("hospital", push.String()).want(t, http.StatusCreated); !strings.Contains(a.body, `"O2"`) {
		t.Errorf("the report of the push: %s", a.body)
	}
}

// TestWhoMayNotSeeTheOtherLearnsThatThereIsOne, and nothing else: no id, organisation, code, date, count or
// header of the other's care, on no path.
func TestWhoMayNotSeeTheOtherLearnsThatThereIsOne(t *testing.T) {
	t.Parallel()
	c := twoClinics(t)
	issue := c.meet()
	secrets := map[string][]string{ // of the other one
		"home":     {"CarePlan/px", c.orgs["hospital"].ID, "insats-oro", "2026-11-26", `"oro"`, "psykisk-halsa"},
		"hospital": {"CarePlan/ph", c.orgs["home"].ID, "insats-fetma", "2026-12-01", `"fetma"`, "vikt"},
	}
	query := "patient=" + c.patient.ID
	for who, hidden := range secrets {
		for _, path := range []string{
			issue, issue + "/_history", issue + "/_history/1", "DetectedIssue?" + query, "DetectedIssue?" + query + "&_include=DetectedIssue:implicated",
			"DetectedIssue/_history", "Patient/" + c.patient.ID + "/$everything", "Task?" + query + "&_include=Task:focus",
		} {
			a := c.get(who, "/fhir/"+path).want(t, http.StatusOK)
			text := a.body + fmt.Sprint(a.header)
			if !strings.Contains(path, "Task") && !strings.Contains(path, "everything") && (!strings.Contains(text, "SUBSETTED") || !strings.Contains(text, "Another service")) {
				t.Errorf("%s of %s is not the form for it: %s", path, who, a.body)
			}
			for _, secret := range hidden {
				if who == "home" && strings.Contains(path, "everything") {
					continue // the child's whole file is home's but for what the other keeps
				}
				if strings.Contains(text, secret) {
					t.Errorf("%s tells %s of %s: %s", path, who, secret, text)
				}
			}
		}
	}
	for _, query := range []string{
		"&implicated=CarePlan/px", "&identifier=" + fhir.Canonical + "/sid/overlap|", "&identified=gt2000", "&implicated:CarePlan.status=active",
	} {
		if got := c.search("home", "/fhir/DetectedIssue?patient="+c.patient.ID+query); len(got.Entry) > 0 {
			t.Errorf("%s finds %d", query, len(got.Entry))
		}
	}
	for _, path := range []string{issue, issue + "/_history"} {
		c.get("other", "/fhir/"+path).want(t, http.StatusNotFound)
	}
	if got := c.search("other", "/fhir/DetectedIssue?"+query); len(got.Entry) > 0 {
		t.Errorf("a stranger finds %v", got.ids())
	}
}

// open are the rules of the open issues of the child, each with what it is about.
func (c *clinics) open() []string {
	c.t.Helper()
	var out []string
	for _, who := range []string{"home", "hospital"} {
		for id, body := range c.kept(who, "DetectedIssue") {
			if strings.Contains(body, `"preliminary"`) {
				out = append(out, id)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// TestTheSameWritesInAnyOrderLeaveTheSameIssues, and the same writes again write nothing.
func TestTheSameWritesInAnyOrderLeaveTheSameIssues(t *testing.T) {
	t.Parallel()
	var want []string
	for _, order := range [][]int{{0, 1, 2}, {2, 1, 0}, {1, 2, 0}} {
		c := twoClinics(t)
		writes := []func(){
			func() { c.put("home", "/fhir/CarePlan/ph", c.plan("ph", "home", "scheduled", "2026-12-01", "fetma")) },
			func() {
				c.put("hospital", "/fhir/CarePlan/px", c.plan("px", "hospital", "scheduled", "2026-11-26", "oro"))
			},
			func() {
				c.put("hospital", "/fhir/CarePlan/py", c.plan("py", "hospital", "scheduled", "2026-12-20", "fetma"))
			},
		}
		for _, i := range order {
			writes[i]()
		}
		got := c.open()
		if want == nil {
			want = got
		}
		if diff := cmp.Diff(want, got); diff != "" || len(got) < 3 {
			t.Errorf("order %v: %s", order, diff)
		}
		before := len(c.position().Notices)
		writes[1]()
		if n := len(c.position().Notices) - before; n != 1 {
			t.Errorf("order %v: the same again writes %d resources", order, n)
		}
	}
}

// TestWhatIsOverIsCancelled: an issue ends with what it was about, and its Task with the last of them.
func TestWhatIsOverIsCancelled(t *testing.T) {
	t.Parallel()
	c := twoClinics(t)
	issue := c.meet()
	c.do("hospital", http.MethodDelete, "/fhir/CarePlan/px", "").want(t, http.StatusNoContent)
	if got := c.get("hospital", "/fhir/"+issue).body; !strings.Contains(got, `"cancelled"`) {
		t.Errorf("the issue of a plan that is gone: %s", got)
	}
	for id, body := range c.kept("hospital", "Task") {
		if !strings.Contains(body, `"completed"`) {
			t.Errorf("%s is not completed: %s", id, body)
		}
	}
	if open := c.open(); len(open) > 0 {
		t.Errorf("open: %v", open)
	}
}

// TestADayThatComesIsLookedAt: two plans far ahead are silent, and told in the night in which the first comes near.
func TestADayThatComesIsLookedAt(t *testing.T) {
	t.Parallel()
	c := twoClinics(t)
	c.put("home", "/fhir/CarePlan/ph", c.plan("ph", "home", "scheduled", "2027-01-10", "fetma")).want(t, http.StatusCreated)
	c.put("hospital", "/fhir/CarePlan/px", c.plan("px", "hospital", "scheduled", "2027-01-12", "oro")).want(t, http.StatusCreated)
	ofStart := func() (n int) {
		for _, body := range c.kept("hospital", "DetectedIssue") {
			if strings.Contains(body, `"O2"`) {
				n++
			}
		}
		return n
	}
	c.tick()
	c.now.Store(new(time.Date(2026, 12, 26, 23, 59, 0, 0, time.FixedZone("CET", 3600))))
	if c.tick(); ofStart() != 0 {
		t.Fatal("a start is told fifteen days before")
	}
	c.advance(2 * time.Minute)
	if c.tick(); ofStart() != 1 {
		t.Error("a start is not told fourteen days before")
	}
	before := c.position()
	c.tick()
	if diff := cmp.Diff(before, c.position()); diff != "" {
		t.Errorf("a second run wrote: %s", diff)
	}
}

// TestAChildWithTooMuchToCompareIsLookedAtLater: the write goes through, and a Task says so.
func TestAChildWithTooMuchToCompareIsLookedAtLater(t *testing.T) {
	t.Parallel()
	c := twoClinics(t)
	c.put("home", "/fhir/CarePlan/ph", many(c.plan("ph", "home", "scheduled", "2026-12-01", "fetma"), 1001)).want(t, http.StatusCreated)
	c.tick() // it is too much for the rules of time too, and they do not go on trying
	tasks := c.kept("home", "Task")
	if len(tasks) != 1 || !strings.Contains(fmt.Sprint(tasks), "kontrollera-senare") {
		t.Errorf("tasks: %v", tasks)
	}
}

// goal is a Goal of an organisation, and with a plan the member of its child plan.
func (c *clinics) goal(id, priority, more string) string {
	return fmt.Sprintf(`{"resourceType":"Goal","id":%q,"lifecycleStatus":"active","subject":{"reference":%q},"description":{"text":"Mål"},
		"priority":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/goal-priority","code":%q}]}%s}`, id, c.patient, priority, more)
}

func (c *clinics) childPlan(id string, goals ...string) string {
	var refs []string
	for _, g := range goals {
		refs = append(refs, fmt.Sprintf(`{"reference":"Goal/%s"}`, g))
	}
	return fmt.Sprintf(`{"resourceType":"CarePlan","id":%q,"status":"active","intent":"plan","subject":{"reference":%q},"goal":[%s],
		"category":[{"coding":[{"system":"https://drieluik.example/fhir/CodeSystem/se-plantyp","code":"BARNPLAN"}]}]}`, id, c.patient, strings.Join(refs, ","))
}

// TestOneGoalIsTheMostImportantNow: a second one is refused unless it takes the place of the first, which only who
// coordinates may decide; another organisation's own goal is stored and told of.
func TestOneGoalIsTheMostImportantNow(t *testing.T) {
	t.Parallel()
	c := twoClinics(t)
	c.put("home", "/fhir/Goal/g1", c.goal("g1", "high-priority", "")).want(t, http.StatusCreated)
	c.put("home", "/fhir/Goal/g2", c.goal("g2", "low-priority", "")).want(t, http.StatusCreated)
	first := c.put("home", "/fhir/CarePlan/bp", c.childPlan("bp", "g1", "g2"), "Prefer", "return=OperationOutcome").want(t, http.StatusCreated)
	first.wantIssue(t, "BP-R04", "CarePlan")
	c.put("home", "/fhir/Goal/g2", c.goal("g2", "high-priority", "")).want(t, http.StatusUnprocessableEntity).wantIssue(t, "O9", "Goal")
	const instead = `,"extension":[{"url":"https://drieluik.example/fhir/StructureDefinition/supersedes","valueReference":{"reference":"Goal/g1"}}]`
	c.create("home", "CareTeam", fmt.Sprintf(`{"resourceType":"CareTeam","status":"active","subject":{"reference":%q},"participant":[{"role":[{"coding":[
		{"system":"https://drieluik.example/fhir/CodeSystem/se-roll","code":"samverkansansvarig"}]}],"member":{"reference":%q}}]}`, c.patient, c.orgs["hospital"]))
	c.put("home", "/fhir/Goal/g2", c.goal("g2", "high-priority", "")).want(t, http.StatusUnprocessableEntity).wantIssue(t, "O9", "Goal")
	c.put("home", "/fhir/Goal/g2", c.goal("g2", "high-priority", instead)).want(t, http.StatusForbidden)
	c.create("home", "CareTeam", fmt.Sprintf(`{"resourceType":"CareTeam","status":"active","subject":{"reference":%q},"participant":[{"role":[{"text":"samordnare"}],
		"member":{"reference":%q}}]}`, c.patient, c.orgs["home"]))
	c.put("home", "/fhir/Goal/g2", c.goal("g2", "high-priority", instead)).want(t, http.StatusOK)
	if got := c.get("home", "/fhir/Goal/g1").body; !strings.Contains(got, "medium-priority") {
		t.Errorf("the goal that gave way: %s", got)
	}
	c.meet()
	c.put("hospital", "/fhir/Goal/g3", c.goal("g3", "high-priority", ""), "Prefer", "return=OperationOutcome").want(t, http.StatusCreated).wantIssue(t, "O9", "Goal")
	if tasks := fmt.Sprint(c.kept("hospital", "Task")); !strings.Contains(tasks, "Goal/g3") {
		t.Errorf("the goal stands in no Task: %s", tasks)
	}
}

// TestTheLoadOfTheFamilyIsCountedPerWeek: all of it for who coordinates, its own share for another organisation, and
// nothing for a stranger.
func TestTheLoadOfTheFamilyIsCountedPerWeek(t *testing.T) {
	t.Parallel()
	c := twoClinics(t)
	const minutes = `,"extension":[{"url":"https://drieluik.example/fhir/StructureDefinition/weekly-burden-minutes","valueInteger":200}]}}]`
	withMinutes := func(body string) string {
		end := strings.LastIndex(body, "}}]")
		return body[:end] + minutes + body[end+3:]
	}
	c.put("home", "/fhir/CarePlan/ph", withMinutes(c.plan("ph", "home", "in-progress", "2026-11-01", "fetma"))).want(t, http.StatusCreated)
	c.put("hospital", "/fhir/CarePlan/px", withMinutes(c.plan("px", "hospital", "scheduled", "2026-11-26", "oro"))).want(t, http.StatusCreated)
	path := "/fhir/" + c.patient.String() + "/$load?weeks=2"
	type result struct {
		Parameter []struct {
			Name, ValueCode string
			ValueBoolean    *bool
			ValueInteger    *int
			Part            []struct {
				Name, ValueDate string
				ValueInteger    *int
			}
		}
	}
	read := func(as string) (out []string) {
		for _, p := range decode[result](t, c.get(as, path).want(t, http.StatusOK).valid(t).body).Parameter {
			line := p.Name + " " + p.ValueCode
			if p.ValueBoolean != nil {
				line += fmt.Sprint(*p.ValueBoolean)
			}
			if p.ValueInteger != nil {
				line += fmt.Sprint(*p.ValueInteger)
			}
			for _, x := range p.Part {
				line += x.ValueDate
				if x.ValueInteger != nil {
					line += fmt.Sprint(" ", *x.ValueInteger)
				}
			}
			out = append(out, line)
		}
		return out
	}
	own := []string{"week 2026-11-16 0 200 0 1 0", "week 2026-11-23 0 200 0 1 0", "over over"}
	if diff := cmp.Diff(own, read("home")); diff != "" {
		t.Errorf("the share of one: %s", diff)
	}
	c.create("home", "CareTeam", fmt.Sprintf(`{"resourceType":"CareTeam","status":"active","subject":{"reference":%q},"participant":[{"role":[{"text":"samordnare"}],
		"member":{"reference":%q}}]}`, c.patient, c.orgs["home"]))
	if diff := cmp.Diff([]string{"week 2026-11-16 0 200 0 1 0", "week 2026-11-23 0 200 0 1 0", "limit 300", "over false"}, read("home")); diff != "" {
		t.Errorf("who coordinates, as far as it may read: %s", diff)
	}
	c.get("other", path).want(t, http.StatusNotFound)
	c.get("home", strings.Replace(path, "=2", "=0", 1)).want(t, http.StatusBadRequest)
}

// TestWhatWasPutOnHoldIsTakenUpAgain: its organisation is asked once, on the day until which it was to wait.
func TestWhatWasPutOnHoldIsTakenUpAgain(t *testing.T) {
	t.Parallel()
	c := twoClinics(t)
	body := strings.Replace(c.plan("ph", "home", "on-hold", "2026-10-01", "fetma"), `"performer"`, `"extension":[{"url":
		"https://drieluik.example/fhir/StructureDefinition/on-hold","extension":[{"url":"until","valueDate":"2026-12-01"},{"url":"reason","valueString":"Lugn först"}]}],"performer"`, 1)
	c.put("home", "/fhir/CarePlan/ph", body).want(t, http.StatusCreated)
	c.tick()
	if tasks := c.kept("home", "Task"); len(tasks) > 0 {
		t.Fatalf("before the day: %v", tasks)
	}
	c.now.Store(new(time.Date(2026, 12, 1, 0, 1, 0, 0, time.FixedZone("CET", 3600))))
	for range 2 {
		c.tick()
		c.put("home", "/fhir/CarePlan/ph", body).want(t, http.StatusOK)
	}
	if tasks := c.kept("home", "Task"); len(tasks) != 1 || !strings.Contains(fmt.Sprint(tasks), "ateruppta") {
		t.Errorf("on the day: %v", tasks)
	}
}

// TestTheFamilyIsToldInPlainWords of what concerns it, with no rule id, and of nothing else.
func TestTheFamilyIsToldInPlainWords(t *testing.T) {
	t.Parallel()
	c := twoClinics(t)
	issue := c.meet()
	mother := c.create("home", "RelatedPerson", fmt.Sprintf(`{"resourceType":"RelatedPerson","active":true,"patient":{"reference":%q},"extension":[{"url":
		"https://drieluik.example/fhir/StructureDefinition/gezag","extension":[{"url":"type","valueCode":"TweehoofdigOuderlijkGezag"},
		{"url":"bron","valueCode":"brp"},{"url":"gecontroleerdOp","valueDate":"2026-11-01"}]}]}`, c.patient))
	c.principals["mother"] = guardian(t, c.patient.String(), "RelatedPerson/"+mother, "patient/*.rs")
	a := c.get("mother", "/fhir/"+issue).want(t, http.StatusOK).valid(t)
	if !strings.Contains(a.body, "coördinator") || strings.Contains(a.body, "O2") || !strings.Contains(a.body, "CarePlan/px") {
		t.Errorf("the issue as the mother reads it: %s", a.body)
	}
	found := c.search("mother", "/fhir/DetectedIssue?patient="+c.patient.ID)
	for id, body := range c.kept("home", "DetectedIssue") {
		if strings.Contains(body, `"O8"`) {
			c.get("mother", "/fhir/"+id).want(t, http.StatusNotFound)
		}
	}
	if len(found.Entry) != 1 {
		t.Errorf("the mother finds %v", found.ids())
	}
	for id, body := range c.kept("mother", "Task") {
		if strings.Contains(body, "overlap-rule") {
			t.Errorf("%s tells the mother of rules: %s", id, body)
		}
	}
	if log := strings.Join(c.bodies(c.patient.ID), "\n"); !strings.Contains(log, issue) {
		t.Error("the readings of the issue are not in the log of the child")
	}
}

// TestAnIssueIsClosedByWhoCoordinates, with what was done, until what it is about changes.
func TestAnIssueIsClosedByWhoCoordinates(t *testing.T) {
	t.Parallel()
	c := twoClinics(t)
	issue := c.meet()
	c.create("home", "CareTeam", fmt.Sprintf(`{"resourceType":"CareTeam","status":"active","subject":{"reference":%q},"participant":[{"role":[{"coding":[
		{"system":"https://drieluik.example/fhir/CodeSystem/se-roll","code":"samordnare"}]}],
		"member":{"reference":%q}}]}`, c.patient, c.orgs["home"]))
	whole := func(status, more string) string {
		return strings.Replace(strings.TrimSuffix(c.whole(issue), "}"), `"preliminary"`, `"`+status+`"`, 1) + more + "}"
	}
	done := fmt.Sprintf(`,"mitigation":[{"action":{"text":"Ingen krock: olika tider"},"date":%q}]`, c.clock().Add(time.Second).Format(time.RFC3339))
	c.put("hospital", "/fhir/"+issue, whole("cancelled", done)).want(t, http.StatusForbidden)
	c.put("home", "/fhir/"+issue, whole("cancelled", done)).want(t, http.StatusOK)
	c.put("hospital", "/fhir/CarePlan/pz", strings.Replace(c.plan("pz", "hospital", "scheduled", "2026-12-24", "oro"), `"active"`, `"draft"`, 1)).want(t, http.StatusCreated)
	if got := c.get("hospital", "/fhir/"+issue).body; !strings.Contains(got, `"cancelled"`) {
		t.Errorf("what was said to be no issue: %s", got)
	}
	c.advance(time.Hour)
	c.put("hospital", "/fhir/CarePlan/px", c.plan("px", "hospital", "scheduled", "2026-11-27", "oro")).want(t, http.StatusOK)
	if got := c.get("hospital", "/fhir/"+issue).body; !strings.Contains(got, `"preliminary"`) {
		t.Errorf("after a change of what it is about: %s", got)
	}
}

// TestWritesAtTheSameTimeMissNothing: of plans that come at once every pair is found.
func TestWritesAtTheSameTimeMissNothing(t *testing.T) {
	t.Parallel()
	c := twoClinics(t)
	const each = 4
	var all sync.WaitGroup
	for i := range each {
		for _, who := range []string{"home", "hospital"} {
			all.Go(func() {
				id := fmt.Sprint(who, i)
				if a := c.put(who, "/fhir/CarePlan/"+id, c.plan(id, who, "scheduled", "2026-11-28", "behov-"+id)); a.status != http.StatusCreated {
					t.Errorf("%s: %d %s", id, a.status, a.body)
				}
			})
		}
	}
	all.Wait()
	found := 0
	for _, body := range c.kept("home", "DetectedIssue") {
		if strings.Contains(body, `"O2"`) && strings.Contains(body, `"preliminary"`) {
			found++
		}
	}
	if found != each*each {
		t.Errorf("%d of %d pairs are found", found, each*each)
	}
	c.tick() // writes the load of the family
	before := len(c.position().Notices)
	c.tick()
	c.put("home", "/fhir/CarePlan/home0", c.plan("home0", "home", "scheduled", "2026-11-28", "behov-home0")).want(t, http.StatusOK)
	if n := len(c.position().Notices) - before; n != 1 {
		t.Errorf("a write that changes nothing, and the rules of time, wrote %d resources", n)
	}
}
