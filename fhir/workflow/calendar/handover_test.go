package calendar_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/workflow/calendar"
)

// inCharge is a child with a child plan, for whose best somebody of a role answers.
func inCharge(t testing.TB, today, born, role string) calendar.Situation {
	t.Helper()
	s := on(t, today, 6)
	if s.Household.Born = [2]time.Time{}; born != "" {
		s.Household.Born = [2]time.Time{day(t, born), day(t, born)}
	}
	s.Household.Jurisdiction = "se"
	s.Shared = []calendar.Known{known(t, `{"resourceType":"CarePlan","id":"bp","status":"active","intent":"plan","subject":{"reference":"Patient/kind"},
		"category":[{"coding":[{"system":"%s/CodeSystem/se-plantyp","code":"BARNPLAN"}]}],"careTeam":[{"reference":"CareTeam/bp"}]}`, b)}
	s.Teams = []calendar.Known{ansvarig(t, "nu")}
	s.Find = func(ref fhir.Ref) (calendar.Known, error) {
		if role == "" {
			return known(t, `{"resourceType":"PractitionerRole","id":%q}`, ref.ID), nil
		}
		return known(t, `{"resourceType":"PractitionerRole","id":%q,"code":[{"coding":[{"system":"%s/CodeSystem/se-ansvarig","code":%q}]}]}`, ref.ID, b, role), nil
	}
	return s
}

// ansvarig is the team of the child plan, with who answers for the child's best.
func ansvarig(t testing.TB, id string) calendar.Known {
	t.Helper()
	return known(t, `{"resourceType":"CareTeam","id":"bp","status":"active","subject":{"reference":"Patient/kind"},"participant":[
		{"role":[{"coding":[{"system":"%[1]s/CodeSystem/se-roll","code":"barnetsbasta-ansvarig"}]}],"member":{"reference":"PractitionerRole/forr"},"period":{"end":"2020-01-01"}},
		{"role":[{"coding":[{"system":"%[1]s/CodeSystem/se-roll","code":"barnetsbasta-ansvarig"}]}],"member":{"reference":"PractitionerRole/%[2]s"}}]}`, b, id)
}

// handover is a Task by which a plan itself asks somebody.
func handover(t testing.TB, status string) calendar.Known {
	t.Helper()
	return known(t, `{"resourceType":"Task","id":"asked","status":%q,"intent":"plan","code":{"coding":[{"system":"%s/CodeSystem/se-task","code":"overlamning"}]},
		"focus":{"reference":"CarePlan/bp"},"owner":{"reference":"PractitionerRole/nasta"}}`, status, b)
}

// asked are the roles whom the rules ask to take charge, and by when.
func asked(t testing.TB, s calendar.Situation) []string {
	t.Helper()
	var out []string
	for _, w := range follow(t, s).Writes {
		n := w.Resource.Root()
		if w.Resource.Type() != "Task" || n.At("code", "coding", "code").Text() != "overlamning" {
			continue
		}
		if n.Member("owner").Exists() {
			t.Errorf("somebody is named: %s", n.Member("owner").Raw())
		}
		line := n.Member("status").Text()
		for c := range n.All("performerType", "coding", "code") {
			line += " " + c.Text()
		}
		out = append(out, line+" "+n.At("restriction", "period", "end").Text())
	}
	return out
}

// TestWhoIsInChargeNextIsAskedForSixtyDaysBefore a border of age, with the role that is next, and once.
func TestWhoIsInChargeNextIsAskedForSixtyDaysBefore(t *testing.T) {
	t.Parallel()
	const school, sixteen, eighteen = "requested rektor 2027-08-01", "requested rektor kaa-handlaggare 2027-03-15", "requested kaa-handlaggare 2027-03-15"
	for name, c := range map[string]struct {
		today, born, role string
		change            func(s *calendar.Situation)
		want              string
	}{
		"61 days before school":                          {"2027-06-01", "2021-12-31", "bvc-sjukskoterska", nil, ""},
		"60 days before school":                          {"2027-06-02", "2021-12-31", "bvc-sjukskoterska", nil, school},
		"the year is that of the birth":                  {"2027-06-02", "2022-01-01", "bvc-sjukskoterska", nil, ""},
		"a school head already":                          {"2027-06-02", "2021-12-31", "rektor", nil, ""},
		"years behind school, and the nurse still":       {"2029-01-01", "2021-12-31", "bvc-sjukskoterska", nil, school},
		"61 days before 16":                              {"2027-01-13", "2011-03-15", "rektor", nil, ""},
		"60 days before 16":                              {"2027-01-14", "2011-03-15", "rektor", nil, sixteen},
		"16, and a school head":                          {"2027-03-15", "2011-03-15", "rektor", nil, ""},
		"60 days before 16, outside school":              {"2027-01-14", "2011-03-15", "kaa-handlaggare", nil, ""},
		"60 days before 18":                              {"2027-01-14", "2009-03-15", "rektor", nil, eighteen},
		"18, and a school head":                          {"2027-03-15", "2009-03-15", "rektor", nil, eighteen},
		"60 days before 18, outside school":              {"2027-01-14", "2009-03-15", "kaa-handlaggare", nil, ""},
		"the role is not known":                          {"2027-01-14", "2009-03-15", "", nil, eighteen},
		"the role is not known, behind it":               {"2027-03-15", "2009-03-15", "", nil, ""},
		"no birth date":                                  {"2027-01-14", "", "rektor", nil, ""},
		"no birth date, but the number of one":           {"2027-01-14", "", "rektor", numbered(t, "personnummer", "200903152385"), eighteen},
		"no birth date, but a coordination number":       {"2027-01-14", "", "rektor", numbered(t, "samordningsnummer", "200903752385"), eighteen},
		"no birth date, and a number that is no date":    {"2027-01-14", "", "rektor", numbered(t, "samordningsnummer", "200903152385"), ""},
		"another kind of plan":                           {"2027-01-14", "2009-03-15", "rektor", func(s *calendar.Situation) { s.Shared = sharing(t, "2027-01-14").Shared }, ""},
		"a plan that has ended":                          {"2027-01-14", "2009-03-15", "rektor", func(s *calendar.Situation) { s.Shared = nil }, ""},
		"nobody is in charge":                            {"2027-01-14", "2009-03-15", "rektor", func(s *calendar.Situation) { s.Teams = []calendar.Known{team(t, "", "")} }, ""},
		"the plan asks somebody itself":                  {"2027-01-14", "2009-03-15", "rektor", func(s *calendar.Situation) { s.Tasks = []calendar.Known{handover(t, "requested")} }, ""},
		"the plan asked somebody, who took it long ago":  {"2027-01-14", "2009-03-15", "rektor", func(s *calendar.Situation) { s.Tasks = []calendar.Known{handover(t, "completed")} }, eighteen},
		"somebody else says that the plan asks somebody": {"2027-01-14", "2009-03-15", "rektor", func(s *calendar.Situation) { s.Tasks = []calendar.Known{strange(handover(t, "requested"))} }, eighteen},
	} {
		s := inCharge(t, c.today, c.born, c.role)
		if c.change != nil {
			c.change(&s)
		}
		if got := strings.Join(asked(t, s), "; "); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
		if got := asked(t, later(t, s, c.today)); got != nil {
			t.Errorf("%s, a second time: %q", name, got)
		}
	}
	next := follow(t, inCharge(t, "2026-11-01", "2021-12-31", "bvc-sjukskoterska")).Next
	if !next.Equal(calendar.Morning(day(t, "2027-06-02"))) {
		t.Errorf("the next day is %s", next)
	}
}

func numbered(t testing.TB, system, value string) func(*calendar.Situation) {
	return func(s *calendar.Situation) {
		s.Patient = known(t, `{"resourceType":"Patient","id":"kind","active":true,"identifier":[{"system":"http://electronichealth.se/identifier/%s","value":%q}]}`, system, value)
	}
}

// strange is what another organisation keeps.
func strange(k calendar.Known) calendar.Known {
	k.Custodian = mother
	return k
}

// TestOneInChargeStaysUntilAnotherIs: the Task waits over the border, and ends with who is in charge.
func TestOneInChargeStaysUntilAnotherIs(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(s *calendar.Situation)
		want   []string
	}{
		"nobody took it":                {func(*calendar.Situation) {}, nil},
		"a new school head":             {func(s *calendar.Situation) { s.Teams = []calendar.Known{ansvarig(t, "ny")} }, []string{"completed rektor kaa-handlaggare 2027-03-15"}},
		"the plan asks somebody itself": {func(s *calendar.Situation) { s.Tasks = append(s.Tasks, handover(t, "requested")) }, []string{"completed rektor kaa-handlaggare 2027-03-15"}},
	} {
		s := later(t, inCharge(t, "2027-01-14", "2011-03-15", "rektor"), "2027-06-01")
		c.change(&s)
		if diff := cmp.Diff(c.want, asked(t, s)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if got := asked(t, later(t, s, "2027-06-02")); got != nil {
			t.Errorf("%s, a day later: %q", name, got)
		}
	}
}
