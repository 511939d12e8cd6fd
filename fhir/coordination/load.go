package coordination

import (
	"slices"
	"time"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
)

// Week is what the care of a child asks of the family in one week.
type Week struct {
	Monday         string // a FHIR date, local
	Starts         int    // activities that begin
	Minutes        int
	Appointments   int
	Orgs           int  // organisations that are active
	UnknownMinutes int  // activities that do not say how long they take
	known          bool // some activity says it
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
		if w.known = w.known || x.minutes >= 0; x.minutes < 0 {
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

// LoadSource is the meta.source of the Observations of the load of a family.
const LoadSource = SourceBase + "family-load"

const loadSystem = fhir.Canonical + "/CodeSystem/coordination"

// Carriers are the resources that a load counts, sorted.
func (t *Table) Carriers() []fhir.Ref {
	t.derive()
	var out []fhir.Ref
	for _, x := range t.all {
		if x.activity && !x.stop {
			out = append(out, x.carrier)
		}
	}
	for ref := range t.sources {
		if s := t.fact(ref); s != nil && s.visit != nil {
			out = append(out, ref)
		}
	}
	return refSet(out)
}

// weeksAhead is how far it is looked ahead for a week whose load is another.
const weeksAhead = 8

// Turns returns the midnight of the first Monday on which the load of the family is another though nothing is
// written; zero when there is none within weeksAhead.
func (t *Table) Turns(now time.Time) time.Time {
	weeks := t.Weeks(now, weeksAhead+1, fhir.Ref{})
	for _, w := range weeks[1:] {
		if same := w.as(weeks[0].Monday); same != weeks[0] {
			at, err := time.ParseInLocation(time.DateOnly, w.Monday, t.s.Zone)
			if err == nil {
				return at
			}
		}
	}
	return time.Time{}
}

// as is the same load in another week.
func (w Week) as(monday string) Week {
	w.Monday = monday
	return w
}

type (
	quantity struct {
		Value  int    `json:"value"`
		Unit   string `json:"unit"`
		System string `json:"system"`
		Code   string `json:"code"`
	}
	component struct {
		Code     concept   `json:"code"`
		Integer  *int      `json:"valueInteger,omitempty"`
		Quantity *quantity `json:"valueQuantity,omitempty"`
		Absent   *concept  `json:"dataAbsentReason,omitempty"`
	}
	loadBody struct {
		Type      string      `json:"resourceType"`
		ID        string      `json:"id"`
		Meta      loadMeta    `json:"meta"`
		Status    string      `json:"status"`
		Code      concept     `json:"code"`
		Subject   *reference  `json:"subject"`
		Effective period      `json:"effectivePeriod"`
		Value     concept     `json:"valueCodeableConcept"`
		Device    *reference  `json:"device"`
		Component []component `json:"component"`
	}
	loadMeta struct {
		meta
		Tag []Coding `json:"tag"`
	}
)

// LoadObservation makes the Observation of the load of a family in one week. counts is what it counts,
// with whose labels it is labelled, and find returns that.
func LoadObservation(patient fhir.Ref, w Week, over bool, counts []fhir.Ref, find func(fhir.Ref) (*fhir.Resource, error)) (*fhir.Resource, error) {
	const op = "coordination.LoadObservation"
	names := make([]string, len(counts))
	for i, ref := range counts {
		names[i] = ref.String()
	}
	labels, err := (&Case{Find: find}).labels(names)
	if err != nil {
		return nil, fhir.Wrap(op, err)
	}
	sunday, err := time.Parse(time.DateOnly, w.Monday)
	if err != nil {
		return nil, fhir.Wrap(op, err)
	}
	word := "within"
	if over {
		word = "over"
	}
	count := func(code string, n int) component { return component{Code: codedAs(loadSystem, code), Integer: &n} }
	minutes := component{Code: codedAs(loadSystem, "minutes")}
	if minutes.Quantity = (&quantity{w.Minutes, "min", "http://unitsofmeasure.org", "min"}); !w.known {
		absent := codedAs("http://terminology.hl7.org/CodeSystem/data-absent-reason", "unknown")
		minutes.Quantity, minutes.Absent = nil, &absent
	}
	return fhir.Make(op, loadBody{
		Type: "Observation", ID: mapping.UUID("overlap/load/" + patient.ID + "/" + w.Monday), Status: "final",
		Meta: loadMeta{meta{LoadSource, labels}, []Coding{{fhir.Canonical + "/CodeSystem/mks-domein", "sociaal"}}},
		Code: codedAs(loadSystem, "family-load"), Subject: to(patient),
		Effective: period{w.Monday, sunday.AddDate(0, 0, daysOfWeek-1).Format(time.DateOnly)},
		Value:     concept{Text: word}, Device: author(),
		Component: []component{
			count("starts", w.Starts), minutes, count("appointments", w.Appointments), count("orgs", w.Orgs), count("unknownMinutes", w.UnknownMinutes),
		},
	})
}

// SaysLoad reports whether an Observation says a load, whatever its week.
func SaysLoad(old, now *fhir.Resource) bool {
	for _, name := range []string{"component", "valueCodeableConcept"} {
		if !fhir.Equal(old.Root().Member(name), now.Root().Member(name)) {
			return false
		}
	}
	return old.Root().At("meta", "security").Raw() == now.Root().At("meta", "security").Raw()
}
