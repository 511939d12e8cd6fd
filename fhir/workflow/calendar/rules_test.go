package calendar_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/workflow/calendar"
)

const b = "https://drieluik.example/fhir"

var (
	home   = fhir.Ref{Type: "Organization", ID: "thuiszorg"}
	mother = fhir.Ref{Type: "RelatedPerson", ID: "moeder"}
	father = fhir.Ref{Type: "RelatedPerson", ID: "vader"}
	child  = fhir.Ref{Type: "Patient", ID: "kind"}
)

func day(t testing.TB, text string) time.Time {
	t.Helper()
	d, err := time.Parse(time.DateOnly, text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func known(t testing.TB, text string, a ...any) calendar.Known {
	t.Helper()
	r, issues := fhir.Parse(fmt.Appendf(nil, text, a...), fhir.Limits{})
	if fhir.HasErrors(issues) {
		t.Fatal(issues, text)
	}
	return calendar.Known{Resource: r, Version: 1, Custodian: home}
}

// on is a child of an age with two parents, a zorgcoordinator and nothing else, on the morning of a day.
func on(t testing.TB, today string, age int) calendar.Situation {
	t.Helper()
	now := day(t, today)
	born := now.AddDate(-age, -6, 0)
	h := auth.Household{
		Jurisdiction: "nl", Today: now, Born: [2]time.Time{born, born}, Youngest: age, Oldest: age,
		Holders: []fhir.Ref{mother, father}, ChildFrom: 12, JointFrom: 12, YouthAloneFrom: 16,
	}
	return calendar.Situation{
		Now: calendar.Morning(now), Household: h,
		Patient: known(t, `{"resourceType":"Patient","id":"kind","active":true}`),
		Teams: []calendar.Known{known(t, `{"resourceType":"CareTeam","id":"team","status":"active","subject":{"reference":"Patient/kind"},"participant":[
			{"role":[{"coding":[{"system":"%[1]s/CodeSystem/teamrol","code":"zorgcoordinator"}]}],"member":{"reference":"PractitionerRole/oud"},"period":{"end":"2020-01-01"}},
			{"role":[{"coding":[{"system":"%[1]s/CodeSystem/teamrol","code":"zorgcoordinator"}]}],"member":{"reference":"PractitionerRole/zc"}}]}`, b)},
	}
}

func plan(t testing.TB, id, status, start, more string, version int) calendar.Known {
	t.Helper()
	return known(t, `{"resourceType":"CarePlan","id":"%s","status":"%s","intent":"plan","subject":{"reference":"Patient/kind"},"period":{"start":"%s"},
		"extension":[{"url":"%[5]s/StructureDefinition/bron-record","extension":[{"url":"recordId","valueString":"zp-1"},{"url":"versie","valuePositiveInt":%[6]d},{"url":"status","valueCode":"definitief"}]}],
		"category":[{"coding":[{"system":"%[5]s/CodeSystem/mks-categorie","code":"zorgplan"}]}]%[4]s}`, id, status, start, more, b, version)
}

// evaluations is the evaluatieplan of a plan.
func evaluations(kind string, perYear int) string {
	return fmt.Sprintf(`,"activity":[{"detail":{"kind":"Appointment","status":"scheduled","code":{"coding":[{"system":"%s/CodeSystem/evaluatie-soort","code":"%s"}]},
		"scheduledTiming":{"repeat":{"frequency":%d,"period":1,"periodUnit":"a"}}}}]`, b, kind, perYear)
}

func meeting(t testing.TB, id, kind, status, on, more string) calendar.Known {
	t.Helper()
	return known(t, `{"resourceType":"Encounter","id":"%s","status":"%s","class":{"code":"HH"},"type":[{"coding":[{"system":"%s/CodeSystem/evaluatie-soort","code":"%s"}]}],
		"subject":{"reference":"Patient/kind"},"period":{"start":"%s"}%s}`, id, status, b, kind, on, more)
}

// said renders what the rules that wait for a day write, but for Provenances: type, what for, to whom.
func said(t testing.TB, s calendar.Situation) []string {
	t.Helper()
	return slices.DeleteFunc(saidAll(t, s), func(line string) bool { return strings.HasPrefix(line, "7.") })
}

// saidAll renders what the rules write. Those that speak of what is new begin with their number.
func saidAll(t testing.TB, s calendar.Situation) []string {
	t.Helper()
	var out []string
	for _, w := range follow(t, s).Writes {
		n := w.Resource.Root()
		if w.Custodian != home {
			t.Errorf("%s is kept by %s", w.Resource.Ref(), w.Custodian)
		}
		var line string
		switch w.Resource.Type() {
		case "Task":
			line = fmt.Sprintf("Task %s %s %s", n.At("code", "coding", "code").Text(), n.Member("priority").Text(), n.At("owner", "reference").Text())
			if status := n.Member("status").Text(); status != "requested" {
				line += " " + status
			}
		case "Communication":
			line = "Communication " + n.At("category", "coding", "code").Text()
			for r := range n.All("recipient", "reference") {
				line += " " + r.Text()
			}
		default:
			continue
		}
		for l := range n.All("meta", "security", "code") {
			line += " +" + l.Text()
		}
		if _, rule, _ := strings.Cut(n.At("meta", "source").Text(), "#"); rule == "7.9" || rule == "7.10" {
			line = rule + " " + strings.TrimSuffix(line+" "+n.Member("status").Text(), " requested")
		}
		out = append(out, line)
	}
	slices.Sort(out)
	return out
}

func follow(t testing.TB, s calendar.Situation) calendar.Outcome {
	t.Helper()
	out, err := calendar.Follow(s)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// apply stores what the rules wrote.
func apply(s calendar.Situation, out calendar.Outcome) calendar.Situation {
	put := func(list []calendar.Known, w calendar.Write) []calendar.Known {
		k := calendar.Known{Resource: w.Resource, Version: 1, Custodian: w.Custodian}
		for i, old := range list {
			if old.Resource.ID() == w.Resource.ID() {
				list = slices.Clone(list)
				k.Version = old.Version + 1
				list[i] = k
				return list
			}
		}
		return append(slices.Clone(list), k)
	}
	for _, w := range out.Writes {
		switch w.Resource.Type() {
		case "Task":
			s.Tasks = put(s.Tasks, w)
		case "Communication":
			s.Messages = put(s.Messages, w)
		}
	}
	return archived(s)
}

// archived tells of what is over by its id and its instant alone.
func archived(s calendar.Situation) calendar.Situation {
	s.Past = maps.Clone(s.Past)
	if s.Past == nil {
		s.Past = map[string]time.Time{}
	}
	over := func(k calendar.Known) bool {
		n := k.Resource.Root()
		at, _ := time.Parse(time.RFC3339, n.Member("authoredOn").Text())
		ended := slices.Contains([]string{"completed", "cancelled", "stopped"}, n.Member("status").Text()) && n.At("meta", "source").Exists()
		if ended {
			s.Past[k.Resource.ID()] = at
		}
		return ended
	}
	s.Tasks, s.Messages = slices.DeleteFunc(slices.Clone(s.Tasks), over), slices.DeleteFunc(slices.Clone(s.Messages), over)
	return s
}

func expect(t testing.TB, what string, s calendar.Situation, want ...string) {
	t.Helper()
	slices.Sort(want)
	if d := cmp.Diff(want, said(t, s), cmp.Transformer("empty", func(v []string) string { return strings.Join(v, "\n") })); d != "" {
		t.Errorf("%s (-want +got):\n%s", what, d)
	}
}

// later moves the same child on to another day, with what was written so far.
func later(t testing.TB, s calendar.Situation, today string) calendar.Situation {
	t.Helper()
	s = apply(s, follow(t, s))
	s.Household.Today = day(t, today)
	s.Now = calendar.Morning(s.Household.Today)
	return s
}

func TestEvaluationsAreOverdueAfterTheirInterval(t *testing.T) {
	t.Parallel()
	const overdue, urgent = "Task evaluatie-verlopen routine PractitionerRole/zc", "Task evaluatie-verlopen urgent PractitionerRole/zc"
	// twice a year: 183 days and 30 more after 2026-01-10 is 2026-08-11
	for _, c := range []struct {
		today, kind, start, met string
		want                    []string
		next                    string
	}{
		{"2026-08-11", "evaluatie-ouders", "2026-01-10", "", nil, "2026-08-12"},
		{"2026-08-12", "evaluatie-ouders", "2026-01-10", "", []string{overdue}, "2026-11-10"},
		{"2026-11-09", "evaluatie-ouders", "2026-01-10", "", []string{overdue}, "2026-11-10"},
		{"2026-11-10", "evaluatie-ouders", "2026-01-10", "", []string{urgent}, ""},
		{"2026-08-12", "client-bespreking", "2026-01-10", "", []string{overdue + " +not-for-patient"}, "2026-11-10"},
		{"2026-08-12", "evaluatie-ouders", "2025-01-10", "2026-01-10", []string{overdue}, "2026-11-10"},
		{"2026-08-11", "evaluatie-ouders", "2025-01-10", "2026-01-10", nil, "2026-08-12"},
		{"2026-08-11", "evaluatie-ouders", "2026-01-10", "2026-12-01", nil, "2026-08-12"}, // not held yet
	} {
		s := on(t, c.today, 4)
		s.Plans = []calendar.Known{plan(t, "p", "active", c.start, evaluations(c.kind, 2), 3)}
		if c.met != "" {
			s.Meetings = []calendar.Known{
				meeting(t, "e1", c.kind, "finished", c.met, ""),
				meeting(t, "e2", c.kind, "planned", "2026-08-01", ""),
				meeting(t, "e3", "afsluitend", "finished", "2026-08-01", ""),
				meeting(t, "e4", c.kind, "finished", "2026-08-01", `,"extension":[{"url":"`+b+`/StructureDefinition/betreft-plan","valueString":"zp-9/1"}]`),
			}
		}
		expect(t, c.today+" "+c.kind, s, c.want...)
		next := ""
		if at := follow(t, s).Next; !at.IsZero() && at.Before(s.Now.AddDate(1, 0, 0)) {
			next = at.In(calendar.Morning(at).Location()).Format(time.DateOnly)
		}
		if next != c.next {
			t.Errorf("%s: next run on %q, want %q", c.today, next, c.next)
		}
	}
}

func TestAnOverdueEvaluationGrowsUrgentOnceAndEndsWhenItIsHeld(t *testing.T) {
	t.Parallel()
	s := on(t, "2026-08-12", 4)
	s.Plans = []calendar.Known{plan(t, "p", "active", "2026-01-10", evaluations("evaluatie-ouders", 2), 3)}
	s = later(t, s, "2026-11-10")
	expect(t, "90 days on", s, "Task evaluatie-verlopen urgent PractitionerRole/zc")
	s = later(t, s, "2026-11-11")
	expect(t, "the day after", s)
	s.Meetings = []calendar.Known{meeting(t, "e1", "evaluatie-ouders", "finished", "2026-11-11", "")}
	expect(t, "held", s, "Task evaluatie-verlopen urgent PractitionerRole/zc completed")
	s.Meetings, s.Plans = nil, []calendar.Known{plan(t, "p", "revoked", "2026-01-10", evaluations("evaluatie-ouders", 2), 3)}
	expect(t, "the plan has ended", s, "Task evaluatie-verlopen urgent PractitionerRole/zc completed")
}

func TestParentsAreToldOfAMeetingWithoutThem(t *testing.T) {
	t.Parallel()
	const task = "Task ouders-geinformeerd routine PractitionerRole/zc +not-for-patient"
	told := func(status string) calendar.Known {
		return known(t, `{"resourceType":"Communication","id":"c","status":"%s","subject":{"reference":"Patient/kind"},"about":[{"reference":"Encounter/e"}],
			"category":[{"coding":[{"system":"%s/CodeSystem/mks-categorie","code":"ouders-geinformeerd"}]}]}`, status, b)
	}
	with := func(who string) string { return `,"participant":[{"individual":{"reference":"` + who + `"}}]` }
	pleegouder := known(t, `{"resourceType":"RelatedPerson","id":"pleeg","patient":{"reference":"Patient/kind"},
		"extension":[{"url":"%s/StructureDefinition/betrokkene","extension":[{"url":"soort","valueCode":"pleegouder"}]}]}`, b)
	for name, c := range map[string]struct {
		today, kind, who string
		age              int
		told             []calendar.Known
		want             []string
	}{
		"13 days":            {today: "2026-03-14", kind: "client-bespreking", age: 4},
		"14 days":            {today: "2026-03-15", kind: "client-bespreking", age: 4, want: []string{task}},
		"told":               {today: "2026-03-15", kind: "client-bespreking", age: 4, told: []calendar.Known{told("completed")}},
		"to be told":         {today: "2026-03-15", kind: "client-bespreking", age: 4, told: []calendar.Known{told("preparation")}, want: []string{task}},
		"a parent was there": {today: "2026-03-15", kind: "client-bespreking", who: "RelatedPerson/vader", age: 4},
		"a foster parent":    {today: "2026-03-15", kind: "client-bespreking", who: "RelatedPerson/pleeg", age: 4},
		"a volunteer":        {today: "2026-03-15", kind: "client-bespreking", who: "RelatedPerson/ander", age: 4, want: []string{task}},
		"of the parents":     {today: "2026-03-15", kind: "evaluatie-ouders", age: 4},
	} {
		s := on(t, c.today, c.age)
		s.People, s.Messages = []calendar.Known{pleegouder}, c.told
		who := ""
		if c.who != "" {
			who = with(c.who)
		}
		s.Meetings = []calendar.Known{meeting(t, "e", c.kind, "finished", "2026-03-01", who)}
		expect(t, name, s, c.want...)
	}
	s := on(t, "2026-03-15", 16)
	s.Meetings = []calendar.Known{meeting(t, "e", "client-bespreking", "finished", "2026-03-01", `,"extension":[{"url":"`+b+`/StructureDefinition/deelnemer-kind","valueBoolean":true}]`)}
	expect(t, "the youth was there", s)
	s = on(t, "2026-03-15", 4)
	s.Meetings = []calendar.Known{meeting(t, "e", "client-bespreking", "finished", "2026-03-01", "")}
	s = later(t, s, "2026-03-20")
	s.Messages = []calendar.Known{told("completed")}
	expect(t, "told late", s, "Task ouders-geinformeerd routine PractitionerRole/zc completed +not-for-patient")
}

func TestAPlanWaitsForItsSigners(t *testing.T) {
	t.Parallel()
	task := func(who string) string { return "Task approve routine " + who }
	signed := func(who fhir.Ref, version int) calendar.Known {
		return known(t, `{"resourceType":"Provenance","id":"s-%s-%d","target":[{"reference":"CarePlan/d"}],"extension":[{"url":"%[4]s/StructureDefinition/versie","valuePositiveInt":%[2]d}],
			"recorded":"2026-03-01T10:00:00Z","agent":[{"who":{"reference":"%[3]s"}}],"signature":[{"type":[{"code":"x"}],"when":"2026-03-01T10:00:00Z","who":{"reference":"%[3]s"}}]}`, who.ID, version, who, b)
	}
	both := []string{task(mother.String()), task(father.String())}
	for name, c := range map[string]struct {
		age     int
		all     bool
		holders []fhir.Ref
		signed  []calendar.Known
		want    []string
	}{
		"a young child":                      {age: 4, holders: []fhir.Ref{mother, father}, want: both},
		"signed enough, and still a draft":   {age: 4, holders: []fhir.Ref{mother, father}, signed: []calendar.Known{signed(mother, 4)}, want: []string{task("PractitionerRole/zc")}},
		"one of two, all must":               {age: 4, all: true, holders: []fhir.Ref{mother, father}, signed: []calendar.Known{signed(mother, 4)}, want: both[1:]},
		"another version":                    {age: 4, holders: []fhir.Ref{mother, father}, signed: []calendar.Known{signed(mother, 3)}, want: both},
		"11 years":                           {age: 11, holders: []fhir.Ref{mother}, want: both[:1]},
		"12 years":                           {age: 12, holders: []fhir.Ref{mother}, want: []string{task("Patient/kind"), both[0]}},
		"12 years, the mother signed":        {age: 12, holders: []fhir.Ref{mother}, signed: []calendar.Known{signed(mother, 4)}, want: []string{task("Patient/kind")}},
		"15 years, the child signed":         {age: 15, holders: []fhir.Ref{mother}, signed: []calendar.Known{signed(child, 4)}, want: both[:1]},
		"16 years":                           {age: 16, holders: []fhir.Ref{mother}, want: []string{task("Patient/kind")}},
		"16 years, the mother signed":        {age: 16, holders: []fhir.Ref{mother}, signed: []calendar.Known{signed(mother, 4)}, want: []string{task("Patient/kind")}},
		"custody is hidden: the coordinator": {age: 4, want: []string{task("PractitionerRole/zc")}},
	} {
		s := on(t, "2026-03-01", c.age)
		s.AllSign, s.Household.Holders, s.Signatures = c.all, c.holders, c.signed
		s.Plans = []calendar.Known{plan(t, "d", "draft", "2026-04-01", "", 4), plan(t, "p", "active", "2026-01-10", "", 3)}
		expect(t, name, s, c.want...)
	}
}

func TestSignersAreRemindedAndTheCoordinatorIsAsked(t *testing.T) {
	t.Parallel()
	s := on(t, "2026-03-01", 4)
	s.Household.Holders = []fhir.Ref{mother}
	s.Plans = []calendar.Known{plan(t, "d", "draft", "2026-04-01", "", 4)}
	expect(t, "asked", s, "Task approve routine RelatedPerson/moeder")
	for _, c := range []struct {
		today string
		want  []string
	}{
		{"2026-03-07", nil},
		{"2026-03-08", []string{"Communication reminder RelatedPerson/moeder"}},
		{"2026-03-21", nil},
		{"2026-03-22", []string{"Task approve routine PractitionerRole/zc"}},
		{"2026-06-22", nil},
	} {
		s = later(t, s, c.today)
		expect(t, c.today, s, c.want...)
	}
	signed := s
	signed.Plans = []calendar.Known{plan(t, "d", "revoked", "2026-04-01", "", 4), plan(t, "p", "active", "2026-04-01", "", 4)}
	expect(t, "in force", signed, "Task approve routine PractitionerRole/zc completed", "Task approve routine RelatedPerson/moeder completed")
	s.Plans = []calendar.Known{plan(t, "d", "draft", "2026-04-01", "", 5)}
	expect(t, "replaced", s, "Task approve routine PractitionerRole/zc cancelled", "Task approve routine RelatedPerson/moeder cancelled", "Task approve routine RelatedPerson/moeder")
}

func TestBirthdaysAreAnnounced60DaysAhead(t *testing.T) {
	t.Parallel()
	const task = "Task leeftijdsmelding routine PractitionerRole/zc"
	parents := "Communication leeftijdsmelding RelatedPerson/moeder RelatedPerson/vader"
	tree := known(t, `{"resourceType":"QuestionnaireResponse","id":"vb","status":"completed","item":[
		{"linkId":"vb.blijvend24u","answer":[{"valueCoding":{"code":"ja"}}]},{"linkId":"vb.verstandelijk","answer":[{"valueCoding":{"code":"onbekend"}}]}]}`)
	for _, c := range []struct {
		name, today, born string
		age               int
		trees             []calendar.Known
		want              []string
	}{
		{"61 days before 12", "2026-03-31", "2014-05-31", 11, nil, nil},
		{"60 days before 12", "2026-04-01", "2014-05-31", 11, nil, []string{task, parents}},
		{"the eve of 12", "2026-05-30", "2014-05-31", 11, nil, []string{task, parents}},
		{"12", "2026-05-31", "2014-05-31", 12, nil, nil},
		{"before 16", "2026-05-30", "2010-05-31", 15, nil, []string{task, parents + " Patient/kind"}},
		{"before 18", "2026-05-30", "2008-05-31", 17, nil, []string{task, "Communication leeftijdsmelding Patient/kind +seal-guardians"}},
		{"before 5", "2026-05-30", "2021-05-31", 4, nil, nil},
		{"before 5, Wlz", "2026-05-30", "2021-05-31", 4, []calendar.Known{tree}, []string{task, parents}},
		{"born on 29 February", "2026-01-01", "2008-02-29", 17, nil, []string{task, "Communication leeftijdsmelding Patient/kind +seal-guardians"}},
		{"60 days before 1 March", "2025-12-31", "2008-02-29", 17, nil, []string{task, "Communication leeftijdsmelding Patient/kind +seal-guardians"}},
		{"61 days before 1 March", "2025-12-30", "2008-02-29", 17, nil, nil},
	} {
		s := on(t, c.today, c.age)
		s.Trees = c.trees
		born := day(t, c.born)
		s.Household.Born = [2]time.Time{born, born}
		expect(t, c.name, s, c.want...)
		expect(t, c.name+", again", apply(s, follow(t, s)))
		s.Household.Holders = nil
		if hidden := said(t, s); len(c.want) > 0 && c.age < 12 && (len(hidden) != 1 || hidden[0] != task) {
			t.Errorf("%s: nobody is known to hold authority: %v", c.name, hidden)
		}
	}
}

// TestAReminderComesOnTheLocalDay: asked at 00:30 in Amsterdam, which is the day before in UTC.
func TestAReminderComesOnTheLocalDay(t *testing.T) {
	t.Parallel()
	s := on(t, "2026-03-02", 4)
	s.Now = time.Date(2026, 3, 1, 23, 30, 0, 0, time.UTC)
	s.Plans = []calendar.Known{plan(t, "d", "draft", "2026-04-01", "", 4)}
	s = apply(s, follow(t, s))
	for today, want := range map[string]int{"2026-03-08": 0, "2026-03-09": 2} {
		s.Household.Today = day(t, today)
		s.Now = calendar.Morning(s.Household.Today)
		reminded := 0
		for _, line := range said(t, s) {
			if strings.HasPrefix(line, "Communication reminder") {
				reminded++
			}
		}
		if reminded != want {
			t.Errorf("%s: %d reminders", today, reminded)
		}
	}
}

func TestTheConsentsThatLapseAreNamed(t *testing.T) {
	t.Parallel()
	consent := func(id, status, kind, performers, actor, more string) calendar.Known {
		return known(t, `{"resourceType":"Consent","id":"%s","status":"%s","category":[{"coding":[{"system":"%s/CodeSystem/toestemming-soort","code":"%s"}]}],
			"patient":{"reference":"Patient/kind"},"dateTime":"2026-01-0%[1]s","performer":[%[5]s],
			"provision":{"type":"permit","actor":[{"reference":%[6]s}]%[7]s}}`, id, status, b, kind, performers, actor, more)
	}
	const parent, both = `{"reference":"RelatedPerson/moeder"}`, `{"reference":"RelatedPerson/moeder"},{"reference":"Patient/kind"}`
	school := `{"reference":"Organization/school"}`
	all := []calendar.Known{
		consent("2", "active", "uitdrukkelijk", parent, `{"identifier":{"system":"`+b+`/CodeSystem/organisatie-soort","value":"ziekenhuis"}}`, ""),
		consent("1", "active", "uitdrukkelijk", both, school, ""),
		consent("3", "active", "uitdrukkelijk", parent, school, `,"period":{"end":"2026-05-29"}`),
		consent("4", "proposed", "uitdrukkelijk", parent, school, ""),
		consent("5", "active", "verondersteld", parent, school, ""),
		consent("6", "active", "uitdrukkelijk", parent, `{"identifier":{"system":"`+b+`/sid/smart-client","value":"app"}}`, ""),
		consent("7", "active", "uitdrukkelijk", parent, school, ""),
	}
	all[6].Custodian = fhir.Ref{Type: "Organization", ID: "elders"}
	for age, want := range map[int]string{12: "Consent/2", 16: "Consent/1 Consent/2", 18: ""} {
		s := on(t, "2026-05-30", age-1)
		born := day(t, "2026-05-31").AddDate(-age, 0, 0)
		s.Household.Born = [2]time.Time{born, born}
		s.Consents = func() ([]calendar.Known, error) { return all, nil }
		s.Find = func(ref fhir.Ref) (calendar.Known, error) {
			return known(t, `{"resourceType":"Organization","id":"%s","name":"School De Test"}`, ref.ID), nil
		}
		for _, w := range follow(t, s).Writes {
			n := w.Resource.Root()
			var got []string
			for _, path := range [][]string{{"input", "valueReference", "reference"}, {"about", "reference"}} {
				for ref := range n.All(path...) {
					if strings.HasPrefix(ref.Text(), "Consent/") {
						got = append(got, ref.Text())
					}
				}
			}
			if w.Resource.Type() != "Provenance" && strings.Join(got, " ") != want {
				t.Errorf("%d, %s: %v, want %s", age, w.Resource.Type(), got, want)
			}
			if told := string(w.Resource.Bytes()); age == 16 && w.Resource.Type() == "Communication" && !strings.Contains(told, "upphör: 2026-01-01 (School De Test); 2026-01-02 (ziekenhuis).") {
				t.Error(told)
			}
		}
	}
}

func TestNothingIsWrittenOfAChildWhoDied(t *testing.T) {
	t.Parallel()
	for _, patient := range []string{
		`{"resourceType":"Patient","id":"kind","deceasedDateTime":"2026-05-01"}`,
		`{"resourceType":"Patient","id":"kind","deceasedBoolean":true}`,
		`{"resourceType":"Patient","id":"kind","active":false}`,
	} {
		s := on(t, "2026-05-30", 11)
		born := day(t, "2014-05-31")
		s.Household.Born, s.Patient = [2]time.Time{born, born}, known(t, "%s", patient)
		if out := follow(t, s); len(out.Writes) > 0 || !out.Next.IsZero() {
			t.Errorf("%s: %v, next %v", patient, said(t, s), out.Next)
		}
	}
	s := on(t, "2026-05-30", 11)
	s.Patient.Custodian = fhir.Ref{} // nobody keeps the child yet
	if out := follow(t, s); len(out.Writes) > 0 {
		t.Errorf("a stub: %v", out)
	}
}

func TestTheFamilyIsToldOfAnEmergencyAfterADay(t *testing.T) {
	t.Parallel()
	s := on(t, "2026-03-01", 4)
	at := time.Date(2026, 3, 1, 2, 30, 0, 0, time.UTC)
	e := calendar.Emergency{Patient: child, Custodian: home, Token: "app/Practitioner/x/2026", Now: at, Today: day(t, "2026-03-01")}
	writes, err := e.Review()
	if err != nil || len(writes) != 2 || writes[0].Resource.ID() != e.ID() {
		t.Fatalf("%d resources, %v", len(writes), err)
	}
	n := writes[0].Resource.Root()
	got := []string{n.At("restriction", "period", "end").Text(), n.At("owner", "reference").Text(), n.At("meta", "security", "code").Text(), n.At("code", "coding", "code").Text()}
	if d := cmp.Diff([]string{"2026-03-08", home.String(), "V", "btg-review"}, got); d != "" {
		t.Error(d)
	}
	s = apply(s, calendar.Outcome{Writes: writes})
	s.Now = at.Add(24*time.Hour - time.Second)
	expect(t, "within a day", s)
	if next := follow(t, s).Next; !next.Equal(at.Add(24 * time.Hour)) {
		t.Errorf("next %v", next)
	}
	s.Now = at.Add(24 * time.Hour)
	const told = "Communication notification RelatedPerson/moeder RelatedPerson/vader"
	expect(t, "after a day", s, told)
	held, err := s.Tasks[0].Resource.Edit(fhir.Edit{Path: []string{"status"}, JSON: `"on-hold"`})
	if err != nil {
		t.Fatal(err)
	}
	back := s
	back.Tasks = []calendar.Known{{Resource: held, Version: 2, Custodian: home}}
	expect(t, "held back", back)
	expect(t, "told once", apply(s, follow(t, s)))
	s.Household.Youngest, s.Household.Oldest = 16, 16
	expect(t, "a youth", s, "Communication notification Patient/kind +seal-guardians")
}

func TestTheOrderOfWhatIsKnownMeansNothing(t *testing.T) {
	t.Parallel()
	s := on(t, "2026-08-12", 12)
	s.Plans = []calendar.Known{
		plan(t, "p", "active", "2026-01-10", evaluations("evaluatie-ouders", 2), 3), plan(t, "d", "draft", "2026-09-01", "", 4),
		plan(t, "q", "active", "2026-01-11", evaluations("client-bespreking", 2), 1),
	}
	s.Meetings = []calendar.Known{meeting(t, "e1", "client-bespreking", "finished", "2026-01-12", ""), meeting(t, "e2", "client-bespreking", "finished", "2026-01-01", "")}
	s.Teams = append(s.Teams, known(t, `{"resourceType":"CareTeam","id":"ander","status":"active","participant":[{"member":{"reference":"PractitionerRole/x"}}]}`))
	render := func(s calendar.Situation) string {
		out := follow(t, s)
		var text strings.Builder
		for _, w := range out.Writes {
			text.Write(w.Resource.Bytes())
		}
		return text.String() + out.Next.String()
	}
	want := render(s)
	r := rand.New(rand.NewPCG(7, 5))
	for range 10 {
		for _, list := range [][]calendar.Known{s.Plans, s.Meetings, s.Teams} {
			r.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
		}
		if got := render(s); got != want {
			t.Fatal("another order gave another outcome")
		}
	}
	again := apply(s, follow(t, s))
	if out := follow(t, again); len(out.Writes) > 0 {
		t.Errorf("a second run writes %v", said(t, again))
	}
}

func TestMorningsKeepTheirHourThroughTheYear(t *testing.T) {
	t.Parallel()
	for date, want := range map[string]string{
		"2026-03-28": "2026-03-28T05:00:00Z", "2026-03-29": "2026-03-29T04:00:00Z", // summer time begins at 02:00
		"2026-10-24": "2026-10-24T04:00:00Z", "2026-10-25": "2026-10-25T05:00:00Z",
	} {
		if got := calendar.Morning(day(t, date)).UTC().Format(time.RFC3339); got != want {
			t.Errorf("%s: %s, want %s", date, got, want)
		}
	}
}
