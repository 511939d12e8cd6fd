package coordination_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/coordination"
)

// act is a plan of one activity of an organisation.
type act struct {
	id, org, status, start, end, need, code, more, plan string
	minutes                                             int
}

func (a act) String() string {
	or := func(s, standard string) string {
		if s == "" {
			return standard
		}
		return s
	}
	days := ""
	if a.start != "" {
		days = fmt.Sprintf(`"start":%q`, a.start)
	}
	if a.end != "" {
		days += fmt.Sprintf(`,"end":%q`, a.end)
	}
	if days != "" {
		days = `,"scheduledPeriod":{` + strings.TrimPrefix(days, ",") + `}`
	}
	return fmt.Sprintf(`{"resourceType":"CarePlan","id":%q,"status":"active","intent":"plan","subject":{"reference":"Patient/olle"}%s,"activity":[{"id":"a","detail":{
		"status":%q%s%s,"performer":[{"reference":"Organization/%s"}],"code":{"coding":[{"system":%q,"code":%q}]}%s,"extension":[{"url":
		"%s/StructureDefinition/weekly-burden-minutes","valueInteger":%d}]}}]}`, a.id, a.plan, or(a.status, "scheduled"), days, a.more, a.org, insats,
		or(a.code, "kod-"+a.id), coded("reasonCode", behov, or(a.need, "behov-"+a.id)), fhir.Canonical, a.minutes)
}

// order is a request to an organisation.
func order(id, org, authored, need, more string) string {
	return fmt.Sprintf(`{"resourceType":"ServiceRequest","id":%q,"status":"active","intent":"order","subject":{"reference":"Patient/olle"},"authoredOn":%q,
		"performer":[{"reference":"Organization/%s"}]%s%s}`, id, authored, org, coded("reasonCode", behov, need), more)
}

func visits(second string) []string {
	one := func(id, service, start, end string) string {
		return fmt.Sprintf(`{"resourceType":"Appointment","id":%q,"status":"booked","start":"2026-11-10T%s:00+01:00","end":"2026-11-10T%s:00+01:00","participant":[
			{"actor":{"reference":"Patient/olle"},"status":"accepted"},{"actor":{"reference":"HealthcareService/%s"},"status":"accepted"}]}`, id, start, end, service)
	}
	return []string{one("x1", "bup", "09:00", "10:00"), one("x2", "klinik", second, "11:00")}
}

func texts(of ...fmt.Stringer) []string {
	var out []string
	for _, s := range of {
		out = append(out, s.String())
	}
	return out
}

// TestTheRulesAtTheirEdges: each limit on both sides, and what keeps a rule silent. Today is 2026-11-01.
func TestTheRulesAtTheirEdges(t *testing.T) {
	t.Parallel()
	starts := func(days ...string) []string {
		var out []string
		for i, d := range days {
			out = append(out, act{id: fmt.Sprint("p", i), org: fmt.Sprint("o", i%2), status: "in-progress", start: d, plan: `,"careTeam":[{"reference":"CareTeam/t"}]`}.String())
		}
		return append(out, `{"resourceType":"CareTeam","id":"t","status":"active","subject":{"reference":"Patient/olle"}}`)
	}
	pair := func(a, b act) []string {
		a.id, b.id, a.org, b.org = "p1", "p2", "bup", "klinik"
		return texts(a, b)
	}
	const (
		basedOn  = `,"basedOn":[{"reference":"ServiceRequest/q1"}]`
		replaces = `,"replaces":[{"reference":"ServiceRequest/old"}]`
		old      = `{"resourceType":"ServiceRequest","id":"old","status":"revoked","intent":"order","subject":{"reference":"Patient/olle"},"replaces":[{"reference":"ServiceRequest/q1"}]}`
		hold     = `,"extension":[{"url":"https://drieluik.example/fhir/StructureDefinition/on-hold","extension":[{"url":"until","valueDate":"2026-11-10"}]}]`
	)
	for name, c := range map[string]struct {
		rs   []string
		want string // rules, but O8
	}{
		"requests 90 days apart":              {[]string{order("q1", "bup", "2026-07-03", "oro", ""), order("q2", "klinik", "2026-10-01", "angest", "")}, "O1"},
		"requests 91 days apart":              {[]string{order("q1", "bup", "2026-07-02", "oro", ""), order("q2", "klinik", "2026-10-01", "angest", "")}, ""},
		"one organisation":                    {[]string{order("q1", "bup", "2026-10-01", "oro", ""), order("q2", "bup", "2026-10-01", "oro", "")}, ""},
		"a second opinion":                    {[]string{order("q1", "bup", "2026-10-01", "oro", ""), order("q2", "klinik", "2026-10-01", "oro", basedOn)}, ""},
		"replaced through a chain":            {[]string{order("q1", "bup", "2026-10-01", "oro", ""), old, order("q2", "klinik", "2026-10-01", "oro", replaces)}, ""},
		"the same thing received twice":       {[]string{order("q1", "bup", "2026-10-01", "oro", `,"identifier":[{"system":"urn:x","value":"1"}]`), order("q2", "klinik", "2026-10-01", "oro", `,"identifier":[{"system":"urn:x","value":"1"}]`)}, ""},
		"a request beside an activity":        {[]string{order("q1", "bup", "2026-10-01", "oro", ""), act{id: "p", org: "klinik", start: "2026-01-01", end: "2026-10-01", need: "oro"}.String()}, "O1"},
		"a request after the activity":        {[]string{order("q1", "bup", "2026-10-02", "oro", ""), act{id: "p", org: "klinik", start: "2026-01-01", end: "2026-10-01", need: "oro"}.String()}, ""},
		"a start in 14 days":                  {pair(act{start: "2026-11-15"}, act{start: "2026-10-01"}), "O2"},
		"a start in 15 days":                  {pair(act{start: "2026-11-16"}, act{start: "2026-10-01"}), ""},
		"a start today":                       {pair(act{start: "2026-11-01"}, act{start: "2026-10-01"}), "O2"},
		"a start yesterday":                   {pair(act{start: "2026-10-31"}, act{start: "2026-10-01"}), ""},
		"a start in the zone of the child":    {pair(act{start: "2026-10-31T23:30:00Z"}, act{start: "2026-10-01"}), "O2"},
		"over before the start":               {pair(act{start: "2026-11-15"}, act{start: "2026-10-01", end: "2026-11-14"}), ""},
		"over on the day of the start":        {pair(act{start: "2026-11-15"}, act{start: "2026-10-01", end: "2026-11-15"}), "O2"},
		"on hold, nobody says until when":     {pair(act{start: "2026-11-05", status: "on-hold"}, act{start: "2026-10-01"}), ""},
		"the same code for another need":      {pair(act{start: "2026-10-01", code: "kbt"}, act{start: "2026-10-01", code: "kbt"}), ""},
		"the same code for the same need":     {pair(act{start: "2026-10-01", code: "kbt", need: "oro"}, act{start: "2026-10-01", code: "kbt", need: "nedstamdhet"}), "O3"},
		"both forbid":                         {pair(act{start: "2026-11-05", code: "vila", more: `,"doNotPerform":true`}, act{start: "2026-10-01", code: "vila", more: `,"doNotPerform":true`}), ""},
		"one forbids":                         {pair(act{start: "2026-11-05", code: "vila", more: `,"doNotPerform":true`}, act{start: "2026-10-01", code: "vila"}), "O4"},
		"one undoes":                          {pair(act{start: "2026-10-01", code: "vila"}, act{start: "2026-10-01", code: "fysisk-aktivitet"}), "O4"},
		"two starts in 28 days":               {starts("2026-11-01", "2026-11-29"), ""},
		"three starts in 28 days":             {starts("2026-11-01", "2026-11-10", "2026-11-29"), "O5"},
		"three starts in 29 days":             {starts("2026-10-31", "2026-11-10", "2026-11-29"), ""},
		"300 minutes":                         {texts(act{id: "p", org: "bup", minutes: 300}), ""},
		"301 minutes":                         {texts(act{id: "p", org: "bup", minutes: 301}), "O5"},
		"301 minutes, over yesterday":         {texts(act{id: "p", org: "bup", minutes: 301, end: "2026-10-31"}), ""},
		"301 minutes, in 29 days":             {texts(act{id: "p", org: "bup", minutes: 301, start: "2026-11-30"}), ""},
		"appointments that touch":             {visits("10:00"), ""},
		"appointments that overlap by little": {visits("09:59"), "O6"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			table := newTable(t)
			for _, text := range c.rs {
				table.Put(parse(t, text))
			}
			var got []string
			for _, f := range table.Findings(today).Findings {
				if f.Rule != coordination.NoCoordinator {
					got = append(got, f.Rule)
				}
			}
			slices.Sort(got)
			if diff := cmp.Diff(c.want, strings.Join(slices.Compact(got), " ")); diff != "" {
				t.Error(diff)
			}
		})
	}
	table := newTable(t)
	table.Put(parse(t, strings.Replace(act{id: "p1", org: "bup", status: "on-hold"}.String(), `,"extension":[{`, hold[:len(hold)-1]+`,{`, 1)))
	table.Put(parse(t, act{id: "p2", org: "klinik", start: "2026-10-01"}.String()))
	if got := table.Findings(today).Findings; len(got) != 2 || got[0].Rule != "O2" {
		t.Errorf("on hold until a day that is near: %+v", got)
	}
}

// TestWhoHasReadWhatTheOtherDoesKnowsOfIt: both have to, and after it was last written.
func TestWhoHasReadWhatTheOtherDoesKnowsOfIt(t *testing.T) {
	t.Parallel()
	table := newTable(t)
	table.Put(parse(t, act{id: "p1", org: "bup", start: "2026-11-05"}.String()), parse(t, act{id: "p2", org: "klinik", start: "2026-10-01"}.String()))
	bup, klinik := fhir.Ref{Type: "Organization", ID: "bup"}, fhir.Ref{Type: "Organization", ID: "klinik"}
	table.Read(bup, fhir.Ref{Type: "CarePlan", ID: "p2"}, today)
	if n := len(table.Findings(today).Findings); n != 2 {
		t.Errorf("%d findings after one has read", n)
	}
	table.Read(klinik, fhir.Ref{Type: "CarePlan", ID: "p1"}, today)
	if got := table.Findings(today).Findings; len(got) != 0 {
		t.Errorf("after both have read: %+v", got)
	}
	again := strings.Replace(act{id: "p1", org: "bup", start: "2026-11-05"}.String(), `"id":"p1"`,
		fmt.Sprintf(`"id":"p1","meta":{"lastUpdated":%q}`, today.Add(time.Hour).Format(time.RFC3339)), 1)
	table.Put(parse(t, again))
	if n := len(table.Findings(today).Findings); n != 2 {
		t.Errorf("%d findings after a change that nobody has read", n)
	}
}

// TestANeedThatARevokedRequestLeavesBehind is found until somebody works on it.
func TestANeedThatARevokedRequestLeavesBehind(t *testing.T) {
	t.Parallel()
	table := newTable(t)
	table.Put(
		parse(t, fmt.Sprintf(`{"resourceType":"Condition","id":"c","subject":{"reference":"Patient/olle"},"code":{"coding":[{"system":%q,"code":"fetma"}]},
			"clinicalStatus":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/condition-clinical","code":"active"}]}}`, behov)),
		parse(t, `{"resourceType":"CarePlan","id":"p","status":"active","intent":"plan","subject":{"reference":"Patient/olle"},"addresses":[{"reference":"Condition/c"}]}`),
		parse(t, strings.Replace(order("q", "bup", "2026-10-01", "overvikt", ""), `"active"`, `"revoked"`, 1)),
	)
	want := []coordination.Finding{{Rule: "O7", Severity: "moderate", Implicated: []string{"Condition/c", "ServiceRequest/q"},
		Evidence: []coordination.Coding{{System: fhir.Canonical + "/CodeSystem/behov-grupp", Code: "vikt"}}}}
	if diff := cmp.Diff(want, table.Findings(today).Findings); diff != "" {
		t.Error(diff)
	}
	table.Put(parse(t, order("q2", "klinik", "2026-10-20", "fetma", "")))
	if got := table.Findings(today).Findings; len(got) > 0 {
		t.Errorf("somebody works on it: %+v", got)
	}
}

// TestAnOrganisationMayBeStricter: for what it does itself more is found, for others nothing changes, and what is
// looser changes nothing.
func TestAnOrganisationMayBeStricter(t *testing.T) {
	t.Parallel()
	s := coordination.Defaults("se")
	plan := func(id, org, start string) *fhir.Resource {
		return parse(t, fmt.Sprintf(`{"resourceType":"CarePlan","id":%q,"status":"active","intent":"plan","subject":{"reference":"Patient/olle"},"author":{"reference":"Organization/%s"},
			"activity":[{"id":"a","detail":{"status":"scheduled","scheduledPeriod":{"start":%q},"extension":[{"url":"%s/StructureDefinition/weekly-burden-minutes","valueInteger":60}]}}]}`,
			id, org, start, fhir.Canonical))
	}
	strict, loose := s.Limits, s.Limits
	strict.O2Days, strict.O5Minutes, loose.O2Days = 30, 100, 1
	ofStart := func(stricter map[fhir.Ref]coordination.Limits, one, other string) (out []string) {
		s.Stricter = stricter
		table := coordination.NewTable(child, s, groups(t))
		table.Put(plan("p0", one, "2026-11-25"), plan("p1", other, "2026-11-26"))
		for _, f := range table.Findings(today).Findings {
			out = append(out, f.Rule)
		}
		return out
	}
	bup := fhir.Ref{Type: "Organization", ID: "bup"}
	for _, c := range []struct {
		stricter   map[fhir.Ref]coordination.Limits
		one, other string
		want       []string
	}{
		{nil, "bup", "klinik", []string{"O8"}},
		{map[fhir.Ref]coordination.Limits{bup: strict}, "bup", "klinik", []string{"O2", "O5", "O8"}},
		{map[fhir.Ref]coordination.Limits{bup: strict}, "hab", "klinik", []string{"O8"}},
		{map[fhir.Ref]coordination.Limits{bup: loose}, "bup", "klinik", []string{"O8"}},
	} {
		if diff := cmp.Diff(c.want, ofStart(c.stricter, c.one, c.other)); diff != "" {
			t.Errorf("%v of %s and %s: %s", c.stricter, c.one, c.other, diff)
		}
	}
}
