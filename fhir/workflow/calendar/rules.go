// Package calendar owns the rules that speak because a day has come: overdue evaluations, parents who were
// not told, plans that wait for a signature, birthdays that change rights, parties to be told or asked,
// emergencies (mks.md 7.4 to 7.6, 7.8 to 7.11, access.md 3.9). A rule is a pure function of what is known of a child on a day; what it writes has the
// id of rule, child and occasion, so that it is written once. It refuses storage, clocks, and decisions on
// who may see what.
package calendar

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
)

// Known is a stored resource with the organisation that keeps it.
type Known struct {
	Resource  *fhir.Resource // as it is served
	Version   int
	Custodian fhir.Ref
	Parties   []fhir.Ref // of a CareTeam: who takes part, and for whom
	Filed     time.Time  // when it was stored first; zero: it is being stored
	Changed   time.Time  // of a plan that waits: when it, or a part of it, was stored last
}

// Situation is what the rules of time know of one child at an instant. The order within a list means nothing.
type Situation struct {
	Now       time.Time
	Patient   Known // its custodian is zero for a child that nobody keeps yet: no rule speaks
	Household auth.Household
	AllSign   bool // every holder of authority must sign a plan, not one (mks.md 7.6)

	Teams      []Known // CareTeams
	Plans      []Known // master plans (mks-categorie#zorgplan), drafts too
	Meetings   []Known // Encounters of an evaluatie-soort
	Messages   []Known // Communications
	Tasks      []Known // Tasks that rules wrote before, and by which plans ask somebody to take charge of a child
	Signatures []Known // Provenances with a signature on one of Plans
	Trees      []Known // answered verwijsbomen
	Transfers  []Known // Compositions of a transfer
	Requests   []Known // ServiceRequests
	Actions    []Known // actions of plans that an organisation carries out
	Emergency  []Known // plans of category noodplan
	People     []Known // RelatedPersons
	Agreements []Known // plans of help in a family's network
	Shared     []Known // coordinated plans of several organisations
	Permits    []Known // Consents to coordination, of any status

	// Crowded are organisations that keep more of something than is in the lists.
	Crowded []fhir.Ref

	// Past are the ids of what rules wrote and is over, with the instant that it tells: it is not in the lists.
	Past map[string]time.Time

	// Consents looks up those of the child, where a rule names them; it may be nil.
	Consents func() ([]Known, error)
	// Find looks up what a rule names only when it has something to say; without a Resource when it is not there.
	Find func(fhir.Ref) (Known, error)
	// Version looks up a stored version; without a Resource when it is not there. It may be nil.
	Version func(fhir.Ref) (Known, error)
}

// Write is a resource that a rule writes: new, or the next version of what is stored.
type Write struct {
	Resource  *fhir.Resource
	Custodian fhir.Ref // and author
}

// Outcome is what the rules write at an instant, each resource with its Provenance behind it, and when
// they may have something else to say though nothing changes; zero: never.
type Outcome struct {
	Writes []Write
	Next   time.Time
	Issues []Told // what the sender of a document is to know of what it keeps
}

// Told is an issue about what an organisation keeps: for nobody else.
type Told struct {
	Custodian fhir.Ref
	Issue     fhir.Issue
}

// rules are those that depend on time, in the order of mks.md 7 with access.md 3.9, network.md 4 and samordningsplan.md 9 at the end. Each says
// nothing a second time: what it wrote is found by its id.
var rules = []func(*run){
	(*run).cadence, (*run).informed, (*run).signatures, (*run).birthdays, (*run).notices,
	(*run).requests, (*run).transports, (*run).emergencies, (*run).reviews, (*run).sharedPlans,
}

// Follow runs the rules of mks.md 7.4, 7.5, 7.6, 7.8, 7.9 to 7.11, access.md 3.9, network.md 4 and samordningsplan.md 9. It is pure: the same situation gives
// the same outcome, and a situation that holds the outcome gives no writes.
func Follow(s Situation) (Outcome, error) {
	if !s.speaksOf() {
		return Outcome{}, nil
	}
	r := newRun(s)
	for _, rule := range rules {
		rule(r)
	}
	for _, org := range s.Crowded {
		r.tell(org, "MKS-WF-00", "There is more of one kind about this child than the rules of time look at; end or delete what is over.")
	}
	return r.out, fhir.Wrap("calendar.Follow", r.err)
}

// speaksOf reports whether there is a living child that somebody keeps: nobody gets a letter about the
// birthday of one who died.
func (s *Situation) speaksOf() bool {
	if s.Patient.Resource == nil || s.Patient.Custodian.IsZero() {
		return false
	}
	n := s.Patient.Resource.Root()
	dead := n.Member("deceasedDateTime").Exists() || n.Member("deceasedBoolean").Text() == "true"
	return !dead && n.Member("active").Text() != "false"
}

// run is one run of the rules.
type run struct {
	*Situation
	patient fhir.Ref
	today   time.Time // midnight UTC of the local date
	stored  map[string]Known
	wanted  map[string]bool         // ids of Tasks that have a reason now
	held    []evaluation            // nil: not read yet
	knowing map[fhir.Ref][]fhir.Ref // by meeting, who keeps the word that parents know of it; nil: not read yet
	out     Outcome
	err     error
}

func newRun(s Situation) *run {
	for _, list := range []*[]Known{&s.Teams, &s.Plans, &s.Meetings, &s.Messages, &s.Tasks, &s.Signatures, &s.Trees, &s.People, &s.Transfers, &s.Requests, &s.Emergency, &s.Actions, &s.Agreements, &s.Shared, &s.Permits} {
		*list = slices.Clone(*list)
		slices.SortFunc(*list, func(a, b Known) int { return cmp.Compare(a.Resource.ID(), b.Resource.ID()) })
	}
	r := &run{
		Situation: &s, patient: s.Patient.Resource.Ref().Current(), today: s.Household.Today,
		stored: map[string]Known{}, wanted: map[string]bool{},
	}
	for _, list := range [][]Known{s.Messages, s.Tasks} {
		for _, k := range list {
			r.stored[k.Resource.ID()] = k
		}
	}
	return r
}

// written reports whether something was written before, over or not.
func (r *run) written(id string) bool {
	_, past := r.Past[id]
	_, there := r.stored[id]
	return past || there
}

// id is that of what a rule writes about the child: the same for the same reason.
func (r *run) id(rule, discriminator string) string {
	return mapping.ID("workflow/" + rule + "/" + r.patient.ID + "/" + discriminator)
}

// amsterdam is the zone of the hour at which rules of time run (mks.md 7).
var amsterdam = sync.OnceValue(func() *time.Location {
	zone, err := time.LoadLocation("Europe/Amsterdam") // auth compiles the data in
	if err != nil {
		return time.FixedZone("CET", 3600)
	}
	return zone
})

// Morning is the instant on a civil date at which rules of time run: 06:00 Europe/Amsterdam.
func Morning(day time.Time) time.Time {
	return time.Date(day.Year(), day.Month(), day.Day(), 6, 0, 0, 0, amsterdam())
}

// wake asks for another run on the morning of a day. A day that has begun needs none.
func (r *run) wake(day time.Time) {
	if day.After(r.today) {
		r.wakeAt(Morning(day))
	}
}

// wakeInNight asks for another run as soon as a day begins.
func (r *run) wakeInNight(day time.Time) {
	if day.After(r.today) {
		r.wakeAt(time.Date(day.Year(), day.Month(), day.Day(), 0, 0, 0, 0, amsterdam()))
	}
}

// wakeAt asks for another run at an instant.
func (r *run) wakeAt(at time.Time) {
	if at.After(r.Now) && (r.out.Next.IsZero() || at.Before(r.out.Next)) {
		r.out.Next = at
	}
}

// tell adds a warning for an organisation, about what it keeps.
func (r *run) tell(org fhir.Ref, rule, text string) {
	issue := fhir.Issue{Severity: fhir.SeverityWarning, Code: "business-rule", Diagnostics: rule, Text: text}
	r.out.Issues = append(r.out.Issues, Told{org, issue})
}

// coordinator returns who is zorgcoordinator today for an organisation: in a team of its own, else in one of
// the child's keeper in which it takes part; else the organisation itself.
func (r *run) coordinator(org fhir.Ref) fhir.Ref {
	return cmp.Or(r.member("zorgcoordinator", org), org)
}

// member returns who has a role today in the teams that an organisation goes by, zero for nobody. Anybody can
// write a team that names itself; no other's Tasks go to it, and nobody is told of a team that it is not in.
func (r *run) member(role string, org fhir.Ref) fhir.Ref {
	var first fhir.Ref
	for _, t := range r.Teams {
		n := t.Resource.Root()
		if n.Member("status").Text() != "active" || t.Custodian != org && !r.takesPart(t, org) {
			continue
		}
		for p := range n.All("participant") {
			who, ok := fhir.ParseRef(p.At("member", "reference").Text())
			if !ok || codeOf(p, "role", "teamrol") != role || !covers(p.Member("period"), r.today) {
				continue
			}
			if t.Custodian == org {
				return who.Current()
			}
			first = cmp.Or(first, who.Current())
		}
	}
	return first
}

// takesPart reports whether an organisation is in an active team that the child's keeper keeps.
func (r *run) takesPart(t Known, org fhir.Ref) bool {
	return t.Custodian == r.Patient.Custodian && slices.Contains(t.Parties, org) && t.Resource.Root().Member("status").Text() == "active"
}

// inCare reports whether an organisation keeps the child, or takes part in a team of its keeper.
func (r *run) inCare(org fhir.Ref) bool {
	return org == r.Patient.Custodian || slices.ContainsFunc(r.Teams, func(t Known) bool { return r.takesPart(t, org) })
}

// heeds reports whether a rule about what one organisation keeps goes by what another keeps: nobody else
// silences it, or learns of the other from it.
func (r *run) heeds(org, other fhir.Ref) bool {
	return org == other || other.IsZero() || r.inCare(org) && r.inCare(other) // zero: of the family
}
