package coordination

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/drieluik/drieluik/fhir"
)

// Rules are the limits and the groups of needs by which all children are judged.
type Rules struct {
	Settings Settings
	Groups   *Groups
	Patience time.Duration // how long a write waits for them; zero: a second
}

// NewTable returns the empty table of a child under the rules, in which nobody makes others know of each other by an
// issue of its own.
func (r *Rules) NewTable(patient fhir.Ref) *Table {
	s := r.Settings
	s.OwnIssues = true
	return NewTable(patient, s, r.Groups)
}

// rulesVersion counts the versions of the rules themselves: a change of what they find raises it.
const rulesVersion = 2

// Version tells the rules of a deployment from those with other limits, groups or code.
func (r *Rules) Version() string {
	h := sha256.New()
	s := r.Settings
	fmt.Fprintln(h, rulesVersion, s.Limits, s.Zone, s.Contradictions)
	for _, org := range slices.SortedFunc(maps.Keys(s.Stricter), compareRefs) {
		fmt.Fprintln(h, org, s.Stricter[org])
	}
	for _, line := range r.Groups.lines() {
		fmt.Fprintln(h, line)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// codesOfOne is how many codes and references an intervention may have before it counts for more than one: they are
// compared with those of every other.
const codesOfOne = 32

// Size is how many things the rules compare with others: interventions that have an organisation, those with many
// codes for several, appointments, problems and revoked requests.
func (t *Table) Size() int {
	t.derive()
	n := 0
	for _, x := range t.all {
		if !x.org.IsZero() {
			n += 1 + (len(x.needs)+len(x.codes)+len(x.names)+len(x.plans)+len(x.teams)+len(x.ancestors))/codesOfOne
		}
	}
	for _, s := range t.sources {
		if s.visit != nil {
			n += 1 + (len(s.visit.who)+len(s.names))/codesOfOne
		}
		if s.live || s.request != nil && s.status == "revoked" {
			n++
		}
	}
	return n
}

// Len is how many resources and interventions the table holds.
func (t *Table) Len() int { return len(t.sources) + len(t.all) }

// Pairs is how many pairs of interventions of organisations that do not know of each other the table holds.
func (t *Table) Pairs() int { return len(t.pairs) }

// Uncoded returns the first intervention of a resource that has no need code, and so is not compared by need;
// "" when there is none.
func (t *Table) Uncoded(carrier fhir.Ref) string {
	t.derive()
	first := ""
	for _, x := range t.carried[carrier.Current()] {
		if len(x.needs) == 0 && (first == "" || x.ref < first) {
			first = x.ref
		}
	}
	return first
}

// Shared reports whether two interventions stand in one plan.
func (t *Table) Shared(a, b string) bool {
	x, y := t.all[a], t.all[b]
	return x != nil && y != nil && len(meet(x.plans, y.plans)) > 0
}

// Stands reports whether an intervention is there.
func (t *Table) Stands(name string) bool { return t.all[name] != nil }

// Leads returns who coordinates the care of the child on the day of the last Findings, else who answers for
// its best; sorted.
func (t *Table) Leads() []fhir.Ref {
	first, second := t.leading()
	if first == nil {
		first = second
	}
	return refSet(first)
}

// leading returns who coordinates, and who answers for the child's best.
func (t *Table) leading() (first, second []fhir.Ref) {
	for ref := range t.sources {
		s := t.fact(ref)
		if s == nil || s.team == nil || s.status != "active" {
			continue
		}
		for _, l := range s.team.leads {
			switch {
			case l.member.IsZero() || l.until != noDay && l.until < t.today:
			case l.coordinates:
				first = append(first, l.member)
			default:
				second = append(second, l.member)
			}
		}
	}
	return first, second
}

// Next returns the first midnight at which the rules may say something else than in the last Findings though
// nothing is written; zero when there is none.
func (t *Table) Next() time.Time {
	next := noDay
	at := func(from day, days ...int) {
		if from == noDay {
			return
		}
		for _, d := range days {
			if on := from + day(d); on > t.today && (next == noDay || on < next) {
				next = on
			}
		}
	}
	limits, soon := t.Limits(), []int{-t.s.O2Days}
	for _, org := range t.doers() {
		soon = append(soon, -t.s.of(org).O2Days)
	}
	for _, x := range t.all {
		if x.activity {
			at(x.days.start, soon...)
			at(x.days.start, 0, 1, -limits.O5Days, limits.O5Days+1)
			at(x.days.end, 1)
		}
	}
	for ref, source := range t.sources {
		s := t.fact(ref)
		if ref.Type == "Consent" && source.live { // nothing blocks what blocks
			at(source.lasts.start, 0)
			at(source.lasts.end, 1)
		}
		switch {
		case s == nil:
		case s.issue != nil && s.issue.waits:
			at(dayOf(s.updated, t.s.Zone), waitDays+1)
		case s.visit != nil:
			at(s.visit.last, 1)
		case s.team != nil && s.status == "active":
			for _, l := range s.team.leads {
				at(l.until, 1, limits.O8GraceDays+1)
			}
		}
	}
	if next == noDay {
		return time.Time{}
	}
	y, m, d := time.Unix(int64(next)*secondsOfDay, 0).UTC().Date()
	return time.Date(y, m, d, 0, 0, 0, 0, t.s.Zone)
}

// Urgent reports whether a request cannot wait: nothing of it is held.
func Urgent(r *fhir.Resource) bool {
	return slices.Contains([]string{"stat", "asap"}, r.Root().Member("priority").Text())
}

// Gates reports whether an issue of the finding holds a start.
func (f Finding) Gates() bool { return slices.Contains(gating, f.Rule) }

// OfPair reports whether a finding is about two interventions of different organisations.
func (f Finding) OfPair() bool {
	return slices.ContainsFunc(pairRules, func(r pairRule) bool { return r.code == f.Rule })
}

// hints are what somebody may know of an issue who may not see all that it implicates.
var hints = map[string]string{
	Load:          "More starts for this family in a few weeks, or takes more time, than the limit says.",
	Clash:         "Another service has an appointment at the same time. Ask the coordinator.",
	FallsBetween:  "A request was revoked, and nobody works on the need that it was made for.",
	NoCoordinator: "Several services have a plan for this child, and nobody coordinates.",
}

// Hint is the sentence of a rule for who may see a part alone of what it implicates.
func Hint(rule string) string {
	return cmp.Or(hints[rule], "Another service has an ongoing intervention in the same area. Ask the coordinator.")
}

// Coordinators returns who coordinates the care of the child on the day of the last Findings, sorted.
func (t *Table) Coordinators() []fhir.Ref {
	first, _ := t.leading()
	return refSet(first)
}

// Silent reports whether no rule can find anything, whatever else is written at the same time about organisations
// that are not named here: no intervention has an organisation or takes time, and nothing else is there to compare.
func (t *Table) Silent() bool {
	t.derive()
	for _, x := range t.all {
		if !x.org.IsZero() || x.minutes > 0 {
			return false
		}
	}
	for ref := range t.sources {
		if s := t.sources[ref]; s.visit != nil || s.issue != nil || s.request != nil && s.status == "revoked" {
			return false
		}
	}
	return true
}
