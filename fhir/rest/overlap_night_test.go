package rest_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/drieluik/drieluik/auth"
)

// until is the minute after a midnight, by which the rules of time have run.
func (g *rig) until(day string) {
	g.t.Helper()
	at, err := time.Parse(time.RFC3339, day+"T00:01:00+01:00")
	if err != nil {
		g.t.Fatal(err)
	}
	if g.clock().After(at) {
		g.t.Fatalf("the clock is past %s", day)
	}
	g.now.Store(&at)
	g.tick()
}

// issues are the open issues of a rule, as those at both clinics read them.
func (c *clinics) issues(rule string) []string {
	c.t.Helper()
	var out []string
	for _, who := range []string{"home", "hospital"} {
		for id, body := range c.kept(who, "DetectedIssue") {
			if strings.Contains(body, `"preliminary"`) && strings.Contains(body, `"`+rule+`"`) {
				out = append(out, id)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// visit is an appointment of the child at a service of an organisation.
func (c *clinics) visit(who, start, end string) string {
	c.t.Helper()
	admin := system("admin", c.orgs[who], "system/*.cruds")
	admin.Role, admin.Purpose = auth.Admin, "HSYSADMIN"
	c.principals["admin"] = admin
	service := c.create("admin", "HealthcareService", fmt.Sprintf(`{"resourceType":"HealthcareService","providedBy":{"reference":%q}}`, c.orgs[who]))
	return c.create(who, "Appointment", fmt.Sprintf(`{"resourceType":"Appointment","status":"booked","start":%q,"end":%q,"participant":[
		{"actor":{"reference":%q},"status":"accepted"},{"actor":{"reference":"HealthcareService/%s"},"status":"accepted"}]}`, start, end, c.patient, service))
}

// block is a Consent by which nobody else is to know of a plan that hospital keeps, for a period of some members.
func (c *clinics) block(plan, period string) string {
	if period != "" {
		period = `"period":{` + period + `},`
	}
	return fmt.Sprintf(`{"resourceType":"Consent","status":"active","dateTime":"2026-11-20","patient":{"reference":%q},"organization":[{"reference":%q}],
		"scope":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/consentscope","code":"patient-privacy"}]},
		"category":[{"coding":[{"system":"https://drieluik.example/fhir/CodeSystem/se-samtycke","code":"sparr"}]}],
		"policyRule":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"OPTOUT"}]},
		"provision":{"type":"deny",%s"data":[{"meaning":"instance","reference":{"reference":"CarePlan/%s"}}]}}`, c.patient, c.orgs["hospital"], period, plan)
}

// TestABlockIsLookedAtInTheNightsOfItsPeriod: what it hides is compared until it begins, and again when it has ended,
// with no write.
func TestABlockIsLookedAtInTheNightsOfItsPeriod(t *testing.T) {
	t.Parallel()
	c := twoClinics(t)
	c.meet()
	c.create("hospital", "Consent", c.block("px", `"start":"2026-11-23","end":"2026-11-24"`))
	for _, step := range []struct {
		day  string
		open int
	}{{"2026-11-22", 1}, {"2026-11-23", 0}, {"2026-11-24", 0}, {"2026-11-25", 1}} {
		if c.until(step.day); len(c.issues("O2")) != step.open {
			t.Errorf("%s: %d are open, want %d", step.day, len(c.issues("O2")), step.open)
		}
	}
	c.settled()
}

// TestVisitsThatAreOverClashNoMore: the issue ends in the night behind them, with no write.
func TestVisitsThatAreOverClashNoMore(t *testing.T) {
	t.Parallel()
	c := twoClinics(t)
	c.visit("home", "2026-11-25T09:00:00+01:00", "2026-11-25T10:00:00+01:00")
	c.visit("hospital", "2026-11-25T09:30:00+01:00", "2026-11-25T11:00:00+01:00")
	c.until("2026-11-25")
	if n := len(c.issues("O6")); n != 1 {
		t.Fatalf("%d clashes are open on the day", n)
	}
	if c.until("2026-11-26"); len(c.issues("O6")) != 0 {
		t.Error("visits that are over clash")
	}
}

// TestADocumentLosesNoNight: a push about the child that the rules of coordination do not look at leaves the night
// for which they asked.
func TestADocumentLosesNoNight(t *testing.T) {
	t.Parallel()
	g := looking(t)
	g.submit("home", record(t, "boris/01-kind.json")).want(t, http.StatusCreated)
	c := &clinics{rig: g, patient: refOf(g.search("home", "/fhir/Patient?family=XXX_").ids()[0])}
	c.put("home", "/fhir/CarePlan/ph", c.plan("ph", "home", "scheduled", "2027-01-10", "fetma")).want(t, http.StatusCreated)
	c.put("hospital", "/fhir/CarePlan/px", c.plan("px", "hospital", "scheduled", "2027-01-12", "oro")).want(t, http.StatusCreated)
	c.tick()
	c.submit("home", record(t, "boris/09-evaluatie-ouders.json")).want(t, http.StatusCreated)
	c.tick()
	if c.until("2026-12-26"); len(c.issues("O2")) != 0 {
		t.Error("a start is told fifteen days before")
	}
	if c.until("2026-12-27"); len(c.issues("O2")) != 1 {
		t.Error("a start is not told fourteen days before")
	}
}

// TestTheTaskGoesToWhoCoordinatesToday: to another one when the time of the first is over, with no write.
func TestTheTaskGoesToWhoCoordinatesToday(t *testing.T) {
	t.Parallel()
	c := twoClinics(t)
	const who = `{"role":[{"coding":[{"system":"https://drieluik.example/fhir/CodeSystem/se-roll","code":%q}]}],"member":{"reference":%q}%s}`
	c.create("home", "CareTeam", fmt.Sprintf(`{"resourceType":"CareTeam","status":"active","subject":{"reference":%q},"participant":[`+who+","+who+`]}`,
		c.patient, "samordnare", c.orgs["hospital"], `,"period":{"end":"2026-11-24"}`, "barnetsbasta-ansvarig", c.orgs["home"], ""))
	c.meet()
	owner := func() []string {
		var out []string
		for _, body := range c.kept("hospital", "Task") {
			if strings.Contains(body, "samordna-insatser") {
				out = append(out, decode[struct{ Owner struct{ Reference string } }](t, body).Owner.Reference)
			}
		}
		return out
	}
	c.until("2026-11-24")
	if diff := cmp.Diff([]string{c.orgs["hospital"].String()}, owner()); diff != "" {
		t.Errorf("on the last day: %s", diff)
	}
	c.until("2026-11-25")
	if diff := cmp.Diff([]string{c.orgs["home"].String()}, owner()); diff != "" {
		t.Errorf("after it: %s", diff)
	}
}

// TestNightsLeaveWhatAFullEvaluationFinds: on every day after some writes, the open issues are those of that day, and
// few nights look at the child.
func TestNightsLeaveWhatAFullEvaluationFinds(t *testing.T) {
	t.Parallel()
	c := twoClinics(t)
	rnd := rand.New(rand.NewPCG(8, 8))
	day := func() string { return c.clock().AddDate(0, 0, rnd.IntN(30)-3).Format(time.DateOnly) }
	for i, who := range []string{"home", "hospital"} {
		at := c.clock().AddDate(0, 0, 5)
		c.visit(who, at.Add(time.Duration(i)*time.Minute).Format(time.RFC3339), at.Add(time.Hour).Format(time.RFC3339))
	}
	found, looked, days := 0, 0, 0
	for i := range 8 {
		who := []string{"home", "hospital"}[i%2]
		id := fmt.Sprint(who, "-", rnd.IntN(2))
		if i == 5 {
			c.create("hospital", "Consent", c.block("hospital-0", fmt.Sprintf(`"end":%q`, day())))
		} else if a := c.put(who, "/fhir/CarePlan/"+id, c.plan(id, who, "scheduled", day(), fmt.Sprint("behov-", rnd.IntN(2)))); a.status/100 != 2 {
			t.Fatalf("%s: %d %s", id, a.status, a.body)
		}
		c.tick()
		for range rnd.IntN(10) {
			c.now.Store(new(c.clock().Truncate(time.Hour).AddDate(0, 0, 1)))
			days++
			looked += c.tick().Children
			found += c.agrees()
		}
	}
	if found == 0 || looked >= days {
		t.Errorf("%d found; %d of %d nights looked at the child", found, looked, days)
	}
}
