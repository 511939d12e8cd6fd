package calendar_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/workflow/calendar"
)

// sharing is a Swedish child with a plan of two organisations, its team with a coordinator, and a consent that opens it.
func sharing(t testing.TB, today string) calendar.Situation {
	t.Helper()
	s := on(t, today, 4)
	s.Household.Jurisdiction = "se"
	s.Teams = []calendar.Known{team(t, "", "")}
	s.Shared = []calendar.Known{sharedPlan(t, "sip", "active", "hab", "bup")}
	s.Permits = []calendar.Known{opening(t, "c1", "active", "2027-08-21")}
	s.Find = func(ref fhir.Ref) (calendar.Known, error) {
		return known(t, `{"resourceType":"PractitionerRole","id":"%s","organization":{"reference":"Organization/hab"}}`, ref.ID), nil
	}
	return s
}

// sharedPlan is evaluated on 2027-02-15 and ends on 2027-03-08; organisations carry measures of it.
func sharedPlan(t testing.TB, id, status string, carriers ...string) calendar.Known {
	t.Helper()
	var acts []string
	for _, c := range carriers {
		acts = append(acts, `{"detail":{"status":"in-progress","performer":[{"reference":"Organization/`+c+`"}]}}`)
	}
	return known(t, `{"resourceType":"CarePlan","id":"%s","meta":{"lastUpdated":"2026-09-09T08:00:00Z"},"status":"%s","intent":"plan","subject":{"reference":"Patient/kind"},
		"extension":[{"url":"%[3]s/StructureDefinition/plan-state","valueCode":"aktiv"},{"url":"%[3]s/StructureDefinition/plan-evaluation-date","valueDate":"2027-02-15"}],
		"period":{"start":"2026-09-08","end":"2027-03-08"},"author":{"reference":"Organization/hab"},"careTeam":[{"reference":"CareTeam/sip"}],"activity":[%[4]s]}`,
		id, status, b, strings.Join(acts, ","))
}

// team is that of the plan; the coordinator's time and that of its organisation may end.
func team(t testing.TB, leadUntil, orgUntil string) calendar.Known {
	t.Helper()
	until := func(day string) string {
		if day == "" {
			return ""
		}
		return `,"period":{"end":"` + day + `"}`
	}
	role := func(code string) string {
		return fmt.Sprintf(`"role":[{"coding":[{"system":"%s/CodeSystem/se-roll","code":"%s"}]}]`, b, code)
	}
	return known(t, `{"resourceType":"CareTeam","id":"sip","status":"active","subject":{"reference":"Patient/kind"},"participant":[%s]}`, `
		{`+role("samordnare")+`,"member":{"reference":"PractitionerRole/lead"}`+until(leadUntil)+`},{`+role("aktor")+`,"member":{"reference":"Organization/hab"}`+until(orgUntil)+`},
		{`+role("aktor")+`,"member":{"reference":"Organization/bup"}},{`+role("foretradare")+`,"member":{"reference":"RelatedPerson/moeder"}}`)
}

func opening(t testing.TB, id, status, until string) calendar.Known {
	t.Helper()
	return known(t, `{"resourceType":"Consent","id":"%s","status":"%s","provision":{"type":"permit","period":{"start":"2026-08-21","end":"%s"},
		"action":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/consentaction","code":"access"}]}],"data":[{"meaning":"related","reference":{"reference":"CarePlan/sip"}}]}}`, id, status, until)
}

// TestASharedPlanAsksForWhatItNeeds is samordningsplan.md 9 day by day.
func TestASharedPlanAsksForWhatItNeeds(t *testing.T) {
	t.Parallel()
	const evaluate, end, lead, withdrawn = "Task utvardering routine ", "Task avsluta-plan routine ", "Task ny-samordnare routine Organization/", "Task samtycke-upphort routine "
	const who = "PractitionerRole/lead"
	for name, c := range map[string]struct {
		today  string
		change func(s *calendar.Situation)
		want   []string
	}{
		"fifteen days before the evaluation": {"2027-01-31", nil, nil},
		"two weeks before the evaluation":    {"2027-02-01", nil, []string{evaluate + who}},
		"two weeks before the end too":       {"2027-02-22", nil, []string{evaluate + who, evaluate + who}},
		"on the last day":                    {"2027-03-08", nil, []string{evaluate + who, evaluate + who}},
		"after the end":                      {"2027-03-09", nil, []string{evaluate + who, end + who}},
		"a plan that has ended":              {"2027-03-09", func(s *calendar.Situation) { s.Shared = []calendar.Known{sharedPlan(t, "sip", "completed", "hab")} }, nil},
		"one organisation for 27 days":       {"2026-10-06", func(s *calendar.Situation) { s.Shared = []calendar.Known{sharedPlan(t, "sip", "active", "hab")} }, nil},
		"one organisation for 28 days":       {"2026-10-07", func(s *calendar.Situation) { s.Shared = []calendar.Known{sharedPlan(t, "sip", "active", "hab")} }, []string{end + who}},
		"a new version of it that changed nothing of that": {"2026-10-07", func(s *calendar.Situation) {
			k := sharedPlan(t, "sip", "active", "hab")
			k.Resource, _ = k.Resource.Edit(fhir.Edit{Path: []string{"meta", "lastUpdated"}, JSON: `"2026-10-01T08:00:00Z"`})
			k.Version = 2
			s.Shared = []calendar.Known{k}
			s.Version = func(fhir.Ref) (calendar.Known, error) { return sharedPlan(t, "sip", "active", "hab"), nil }
		}, []string{end + who}},
		"a new version that made it so": {"2026-10-07", func(s *calendar.Situation) {
			k := sharedPlan(t, "sip", "active", "hab")
			k.Resource, _ = k.Resource.Edit(fhir.Edit{Path: []string{"meta", "lastUpdated"}, JSON: `"2026-10-01T08:00:00Z"`})
			k.Version = 2
			s.Shared = []calendar.Known{k}
			s.Version = func(fhir.Ref) (calendar.Known, error) { return sharedPlan(t, "sip", "active", "hab", "bup"), nil }
		}, nil},
		"the coordinator's last day":          {"2026-11-30", func(s *calendar.Situation) { s.Teams = []calendar.Known{team(t, "2026-11-30", "")} }, nil},
		"the coordinator's time is over":      {"2026-12-01", func(s *calendar.Situation) { s.Teams = []calendar.Known{team(t, "2026-11-30", "")} }, []string{lead + "bup", lead + "hab"}},
		"the coordinator's organisation left": {"2026-12-01", func(s *calendar.Situation) { s.Teams = []calendar.Known{team(t, "", "2026-11-30")} }, []string{lead + "bup"}},
		"the team of another says nothing of it": {"2026-12-01", func(s *calendar.Situation) {
			s.Teams = []calendar.Known{team(t, "2026-11-30", "")}
			s.Teams[0].Custodian = mother
		}, nil},
		"the last consent was withdrawn": {"2026-12-01", func(s *calendar.Situation) { s.Permits = []calendar.Known{opening(t, "c1", "inactive", "2026-12-01")} }, []string{withdrawn + who}},
		"the last consent ran out":       {"2027-01-02", func(s *calendar.Situation) { s.Permits = []calendar.Known{opening(t, "c1", "active", "2027-01-01")} }, []string{withdrawn + who}},
		"one of two consents ran out": {"2027-01-02", func(s *calendar.Situation) {
			s.Permits = append(s.Permits, opening(t, "c0", "active", "2027-01-01"))
		}, nil},
		"nobody ever consented": {"2027-01-02", func(s *calendar.Situation) { s.Permits = nil }, nil},
		"another plan took its place": {"2027-03-09", func(s *calendar.Situation) {
			next := sharedPlan(t, "next", "active", "hab", "bup")
			next.Resource, _ = next.Resource.Edit(fhir.Edit{Path: []string{"replaces"}, JSON: `[{"reference":"CarePlan/sip"}]`}, fhir.Edit{Path: []string{"period"}})
			next.Resource, _ = next.Resource.Edit(fhir.Edit{Path: []string{"extension"}, JSON: `[{"url":"` + b + `/StructureDefinition/plan-state","valueCode":"aktiv"}]`})
			s.Shared = append(s.Shared, next)
		}, nil},
	} {
		s := sharing(t, c.today)
		if c.change != nil {
			c.change(&s)
		}
		expect(t, name, s, c.want...)
		again := later(t, s, c.today)
		expect(t, name+", a second time", again)
	}
}

// TestWhatASharedPlanAskedForEndsWithItsReason: in Swedish, and with a day to wake on.
func TestWhatASharedPlanAskedForEndsWithItsReason(t *testing.T) {
	t.Parallel()
	s := sharing(t, "2027-03-09")
	out := follow(t, s)
	if len(out.Issues) != 1 || out.Issues[0].Issue.Diagnostics != "SP-R13" || out.Issues[0].Custodian != home {
		t.Errorf("told %+v", out.Issues)
	}
	for _, w := range out.Writes {
		n := w.Resource.Root()
		if w.Resource.Type() == "Task" && (!strings.Contains(n.Member("description").Text(), "amordningsplan") || strings.Contains(n.Member("description").Text(), "evalueren") || n.At("_description", "extension").Len() == 0) {
			t.Errorf("description %s", n.Member("description").Raw())
		}
	}
	s = later(t, s, "2027-03-10")
	s.Shared = []calendar.Known{sharedPlan(t, "sip", "completed", "hab")}
	expect(t, "the plan is ended", s, "Task avsluta-plan routine PractitionerRole/lead completed", "Task utvardering routine PractitionerRole/lead completed")
	if next := follow(t, sharing(t, "2026-11-01")).Next; !next.Equal(calendar.Morning(day(t, "2027-02-01"))) {
		t.Errorf("the next day is %s", next)
	}
}
