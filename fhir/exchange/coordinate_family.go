package exchange

import (
	"slices"
	"time"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/coordination"
)

// counted are the types whose writes may change the load of a family.
var counted = []fhir.Type{"Appointment", "CarePlan", "Consent"}

// load keeps the load of the family as an Observation (coordination.md 9): of each week in which it is another than
// before. The rules of time write it, at once after a write that may change it, so that no write waits for that.
func (o *overlap) load(patient fhir.Ref, k *keptTable) error {
	if !o.timed {
		if slices.ContainsFunc(o.unit.Writes, func(w Write) bool {
			return slices.Contains(counted, w.Ref.Type) && slices.Contains(w.Facts.Patients, patient)
		}) {
			o.unit.Due = append(o.unit.Due, Due{Compartment: patient.ID})
		}
		return nil
	}
	find := func(ref fhir.Ref) (*fhir.Resource, error) {
		found, err := o.find(ref)
		return found.Resource, err
	}
	week := k.table.Weeks(o.w.now, 1, fhir.Ref{})[0]
	r, err := coordination.LoadObservation(patient, week, k.table.Over(), k.table.Carriers(), find)
	if err != nil {
		return err
	}
	last, err := o.lastLoad(patient, r.Ref())
	if err != nil {
		return err
	}
	if last == nil && week == (coordination.Week{Monday: week.Monday}) || last != nil && coordination.SaysLoad(last, r) {
		return nil
	}
	o.announce([]*fhir.Resource{r})
	return o.write(ruleCoordination, r, fhir.Ref{})
}

// lastLoad returns the Observation of the load of the latest week; nil when there is none. That of this week is
// looked for first: a child may have thousands of Observations.
func (o *overlap) lastLoad(patient, thisWeek fhir.Ref) (*fhir.Resource, error) {
	if found, err := o.find(thisWeek); err != nil || found.Resource != nil {
		return found.Resource, err
	}
	heads, err := o.w.v.Heads(patient.ID, "Observation")
	if err != nil {
		return nil, unavailable("exchange.load", "policy-unavailable", err)
	}
	var last auth.ResourceFacts
	for _, f := range heads {
		if f.Source == coordination.LoadSource && f.When.After(last.When) {
			last = f
		}
	}
	if last.Ref.IsZero() {
		return nil, nil
	}
	found, err := o.find(last.Ref.Current())
	return found.Resource, err
}

// earlier returns the first of two instants; zero is none.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
