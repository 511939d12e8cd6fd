package coordination

import (
	"slices"
	"time"

	"github.com/drieluik/drieluik/fhir"
)

// Week is what the care of a child asks of the family in one week.
type Week struct {
	Monday         string // a FHIR date, local
	Starts         int    // activities that begin
	Minutes        int
	Appointments   int
	Orgs           int // organisations that are active
	UnknownMinutes int // activities that do not say how long they take
}

const daysOfWeek = 7

// Weeks counts the load of the family in some weeks, from that of an instant on. With an organisation it counts
// what that one does; zero counts all.
func (t *Table) Weeks(now time.Time, weeks int, of fhir.Ref) []Week {
	t.derive()
	today := dayOf(now, t.s.Zone)
	monday := today - (today+3)%daysOfWeek // 1970-01-01 was a Thursday
	out := make([]Week, weeks)
	for i := range out {
		days := span{monday + day(i*daysOfWeek), monday + day(i*daysOfWeek) + daysOfWeek - 1}
		out[i] = t.week(days, of)
	}
	return out
}

func (t *Table) week(days span, of fhir.Ref) Week {
	w := Week{Monday: days.start.text()}
	var orgs []fhir.Ref
	for _, x := range t.all {
		if !x.activity || x.stop || x.held || !x.days.overlaps(days) || !of.IsZero() && x.org != of {
			continue
		}
		if x.days.start >= days.start {
			w.Starts++
		}
		if x.minutes < 0 {
			w.UnknownMinutes++
		}
		w.Minutes += max(x.minutes, 0)
		if !x.org.IsZero() && !slices.Contains(orgs, x.org) {
			orgs = append(orgs, x.org)
		}
	}
	for ref := range t.sources {
		s := t.fact(ref)
		if s == nil || s.visit == nil || !of.IsZero() && !t.givenBy(s.visit, of) {
			continue
		}
		if d := dayOf(s.visit.start, t.s.Zone); d >= days.start && d <= days.end {
			w.Appointments++
		}
	}
	w.Orgs = len(orgs)
	return w
}

// givenBy reports whether staff or a service of an organisation takes part in an appointment.
func (t *Table) givenBy(v *visit, org fhir.Ref) bool {
	return slices.ContainsFunc(v.who, func(ref fhir.Ref) bool {
		s := t.sources[ref]
		return s != nil && s.org == org
	})
}

// Over reports whether the load is more than the limit says, on the day of the last Findings (O5).
func (t *Table) Over() bool { return len(t.load()) > 0 }
