package coordination

import (
	"slices"
	"strings"
	"time"

	"github.com/drieluik/drieluik/fhir"
)

// source is one resource as far as the rules look at it.
type source struct {
	ref     fhir.Ref
	status  string
	updated time.Time
	names   []string   // its identifiers, "system|value"
	up      []fhir.Ref // basedOn, replaces, partOf
	codes   []Coding
	reasons []Coding
	refs    []fhir.Ref // what it leads to: evidence, addresses, teams, performer, data, by its type
	request *request
	plan    *plan
	team    *team
	visit   *visit
	issue   *issue
	org     fhir.Ref // of staff
	live    bool     // a Condition that is a problem now, a Consent that blocks
	lasts   span     // of a Consent that blocks: the days on which it does
}

// request is what only a ServiceRequest says.
type request struct {
	days        span
	authored    day
	urgent      bool
	stop        bool
	performer   fhir.Ref
	requisition string
}

// plan is what only a CarePlan says.
type plan struct {
	author     fhir.Ref
	silent     bool // its activities are no interventions: the day programme, the emergency plan
	private    bool // help from others: nobody's organisation
	addresses  []fhir.Ref
	teams      []fhir.Ref
	partOf     fhir.Ref
	activities []activity
	orders     []fhir.Ref // requests that its activities are
}

type activity struct {
	ref       string
	days      span
	codes     []Coding
	reasons   []Coding
	performer fhir.Ref
	performed bool // a performer is given, if only by name
	stop      bool
	held      bool
	minutes   int // -1: not known
}

// team is what only a CareTeam says.
type team struct {
	coordinated bool // by somebody, at some time
	until       day  // the last day of that; noDay: open
	leads       []lead
}

// lead is somebody to whom issues go: who coordinates, else who answers for the child's best.
type lead struct {
	member      fhir.Ref
	until       day
	coordinates bool
}

// visit is what only an Appointment says.
type visit struct {
	start, end time.Time
	last       day
	who        []fhir.Ref // staff and services
}

// issue is what only a DetectedIssue says.
type issue struct {
	ours       bool // these rules wrote it
	implicated []string
	mitigated  time.Time
	waits      bool // of a start that was held
}

// readers read what each type says. Other types are no facts.
var readers = map[fhir.Type]func(s *source, n fhir.Node, zone *time.Location){
	"ServiceRequest": readRequest, "CarePlan": readPlan, "Condition": readCondition, "CareTeam": readTeam,
	"Appointment": readVisit, "Consent": readConsent, "DetectedIssue": readIssue,
	"PractitionerRole":  func(s *source, n fhir.Node, _ *time.Location) { s.org = refAt(n, "organization") },
	"HealthcareService": func(s *source, n fhir.Node, _ *time.Location) { s.org = refAt(n, "providedBy") },
}

// Types are the resources of a child that are facts of the rules, sorted.
func Types() []fhir.Type {
	return []fhir.Type{"Appointment", "CarePlan", "CareTeam", "Condition", "Consent", "DetectedIssue", "ServiceRequest"}
}

// read returns what a resource says about a child; nil when it says nothing about that child.
func read(r *fhir.Resource, patient fhir.Ref, zone *time.Location) *source {
	reader, ok := readers[r.Type()]
	n := r.Root()
	if !ok || !about(n, patient) {
		return nil
	}
	s := &source{ref: fhir.Ref{Type: r.Type(), ID: fhir.Interned(r.ID())}, status: fhir.Interned(n.Member("status").Text())}
	if at, err := time.Parse(time.RFC3339, n.At("meta", "lastUpdated").Text()); err == nil {
		s.updated = at
	}
	for id := range n.All("identifier") {
		s.names = appendName(s.names, id)
	}
	for _, name := range []string{"basedOn", "replaces", "partOf"} {
		s.up = appendRefs(s.up, n, name)
	}
	reader(s, n, zone)
	return s
}

// about reports whether a resource is about the patient, or about nobody.
func about(n fhir.Node, patient fhir.Ref) bool {
	for _, name := range []string{"subject", "patient"} {
		if who := n.Member(name); who.Exists() {
			return refAt(who) == patient
		}
	}
	if !n.Member("participant").Exists() {
		return true
	}
	for p := range n.All("participant") {
		if refAt(p, "actor") == patient && p.Member("status").Text() != "declined" {
			return true
		}
	}
	return false
}

func readRequest(s *source, n fhir.Node, zone *time.Location) {
	q := &request{
		authored: first(n.Member("authoredOn").Text(), zone), stop: n.Member("doNotPerform").Text() == "true",
		performer: refAt(n, "performer"), requisition: nameOf(n.Member("requisition")), days: span{noDay, noDay},
	}
	q.urgent = slices.Contains([]string{"stat", "asap"}, n.Member("priority").Text())
	if p := n.Member("occurrencePeriod"); p.Exists() {
		q.days = spanOf(p, zone)
	} else {
		q.days.start = first(n.Member("occurrenceDateTime").Text(), zone)
	}
	if q.days.start == noDay {
		q.days.start = q.authored
	}
	s.codes, s.reasons, s.request = codingsAt(n, "code"), codingsAt(n, "reasonCode"), q
}

// Kinds of plan whose activities are no interventions, or nobody's.
var (
	silentPlans = []Coding{
		{fhir.Canonical + "/CodeSystem/mks-categorie", "dagprogramma"}, {fhir.Canonical + "/CodeSystem/plan-soort", "noodplan"},
	}
	privatePlan = Coding{snomed, "243114000"}
)

// goingOn are the statuses of an activity that is an intervention.
var goingOn = []string{"scheduled", "in-progress", "not-started", "on-hold"}

func readPlan(s *source, n fhir.Node, zone *time.Location) {
	p := &plan{author: refAt(n, "author"), partOf: refAt(n, "partOf")}
	for _, c := range codingsAt(n, "category") {
		p.silent = p.silent || slices.Contains(silentPlans, c)
		p.private = p.private || c == privatePlan
	}
	p.addresses, p.teams = appendRefs(nil, n, "addresses"), appendRefs(nil, n, "careTeam")
	i := -1
	for a := range n.All("activity") {
		i++
		if ref := refAt(a, "reference"); !ref.IsZero() {
			p.orders = append(p.orders, ref)
		}
		d := a.Member("detail")
		if !slices.Contains(goingOn, d.Member("status").Text()) || d.Member("kind").Text() == "Appointment" {
			continue
		}
		act := readActivity(a, d, zone)
		act.ref = activityRef(s.ref, a, i)
		p.activities = append(p.activities, act)
	}
	p.activities = slices.Clone(p.activities) // with no room to spare: it is kept
	s.plan = p
}

func readActivity(a, d fhir.Node, zone *time.Location) activity {
	out := activity{
		codes: codingsAt(d, "code"), reasons: codingsAt(d, "reasonCode"), performer: refAt(d, "performer"),
		performed: d.Member("performer").Exists(), stop: d.Member("doNotPerform").Text() == "true",
		held: d.Member("status").Text() == "on-hold", minutes: -1, days: span{noDay, noDay},
	}
	for _, period := range []fhir.Node{d.Member("scheduledPeriod"), d.At("scheduledTiming", "repeat", "boundsPeriod")} {
		if period.Exists() {
			out.days = spanOf(period, zone)
		}
	}
	for _, holder := range []fhir.Node{a, d} {
		if m, ok := number(extension(holder, structures+"weekly-burden-minutes").Member("valueInteger")); ok {
			out.minutes = m
		}
	}
	if out.held {
		out.days.start = first(heldUntil(a, d), zone)
	}
	return out
}

// heldUntil is the day until which an activity is put on hold, "" when none is said.
func heldUntil(a, d fhir.Node) string {
	for _, holder := range []fhir.Node{d, a} {
		hold := extension(holder, structures+"on-hold")
		for _, url := range []string{"until", structures + "until"} {
			for _, value := range []string{"valueDate", "valueDateTime"} {
				if text := extension(hold, url).Member(value).Text(); text != "" {
					return text
				}
			}
		}
	}
	return ""
}

const clinicalSystem = "http://terminology.hl7.org/CodeSystem/condition-clinical"

func readCondition(s *source, n fhir.Node, _ *time.Location) {
	s.codes = codingsAt(n, "code")
	for e := range n.All("evidence") {
		s.refs = appendRefs(s.refs, e, "detail")
	}
	for _, c := range codingsAt(n, "clinicalStatus") {
		s.live = s.live || c.System == clinicalSystem && slices.Contains([]string{"active", "recurrence", "relapse"}, c.Code)
	}
	for _, c := range codingsAt(n, "verificationStatus") {
		s.live = s.live && c.Code != "refuted" && c.Code != "entered-in-error"
	}
}

// coordinating are the roles of who coordinates.
var coordinating = []Coding{{roleSystem, "samordnare"}, {roleSystem, "samverkansansvarig"}, {teamSystem, "zorgcoordinator"}}

// answering is the role of who answers for the child's best.
var answering = Coding{roleSystem, "barnetsbasta-ansvarig"}

func readTeam(s *source, n fhir.Node, zone *time.Location) {
	s.team = &team{}
	for p := range n.All("participant") {
		l := lead{refAt(p, "member"), last(p.At("period", "end").Text(), zone), coordinates(p)}
		if l.coordinates || slices.Contains(codingsAt(p, "role"), answering) {
			s.team.leads = append(s.team.leads, l)
		}
		if !l.coordinates {
			continue
		}
		if !s.team.coordinated || l.until == noDay || s.team.until != noDay && l.until > s.team.until {
			s.team.until = l.until
		}
		s.team.coordinated = true
	}
}

func coordinates(participant fhir.Node) bool {
	for role := range participant.All("role") {
		if role.Member("text").Text() == "samordnare" {
			return true
		}
	}
	return slices.ContainsFunc(codingsAt(participant, "role"), func(c Coding) bool { return slices.Contains(coordinating, c) })
}

// staffing are the participants that two appointments have in common when one service gave both.
var staffing = []fhir.Type{"HealthcareService", "PractitionerRole", "Practitioner"}

func readVisit(s *source, n fhir.Node, zone *time.Location) {
	v := &visit{}
	start, err := time.Parse(time.RFC3339, n.Member("start").Text())
	if err != nil || !slices.Contains([]string{"booked", "pending", "proposed"}, s.status) {
		return
	}
	v.start, v.end = start, start
	if end, err := time.Parse(time.RFC3339, n.Member("end").Text()); err == nil {
		v.end = end
	} else if m, ok := number(n.Member("minutesDuration")); ok {
		v.end = start.Add(time.Duration(m) * time.Minute)
	}
	v.last = dayOf(v.end, zone)
	for p := range n.All("participant") {
		if ref := refAt(p, "actor"); slices.Contains(staffing, ref.Type) {
			v.who = append(v.who, ref)
		}
	}
	s.visit = v
}

var blocking = Coding{fhir.Canonical + "/CodeSystem/se-samtycke", "sparr"}

func readConsent(s *source, n fhir.Node, zone *time.Location) {
	s.live = s.status == "active" && slices.Contains(codingsAt(n, "category"), blocking)
	if !s.live {
		return
	}
	s.lasts = spanOf(n.At("provision", "period"), zone)
	for d := range n.All("provision", "data") {
		s.refs = appendRefs(s.refs, d, "reference")
	}
}

// blocks reports whether s is a Consent that blocks on a day.
func (s *source) blocks(on day) bool { return s.ref.Type == "Consent" && s.live && s.lasts.covers(on) }

func readIssue(s *source, n fhir.Node, _ *time.Location) {
	if s.status == "entered-in-error" {
		return
	}
	i := &issue{ours: strings.HasPrefix(n.At("meta", "source").Text(), SourceBase), implicated: ImplicatedBy(n)}
	i.waits = s.status == Preliminary && isWaiting(n)
	for m := range n.All("mitigation") {
		at, ok := instant(m.Member("date").Text())
		if ok && at.After(i.mitigated) {
			i.mitigated = at
		}
	}
	s.issue = i
}
