package exchange

import (
	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/coordination"
)

// closing leaves what becomes of an issue by hand to who coordinates; where nobody does, to a party that says what
// was done about it. Nobody changes what an issue is about.
func (o *overlap) closing() error {
	for i := range o.unit.Writes[:o.mark.writes] {
		w := &o.unit.Writes[i]
		if w.Ref.Type != "DetectedIssue" || o.timed {
			continue
		}
		prior, before, err := o.before(w)
		if err != nil || prior == nil || !ofCoordination(prior.Facts) || len(w.Facts.Patients) != 1 {
			if err != nil {
				return err
			}
			continue
		}
		after, err := treeOf(written(w))
		if err != nil {
			return err
		}
		may, err := o.mayClose(w.Facts.Patients[0], before, after)
		if err != nil {
			return err
		}
		if !may {
			o.at, o.refused = i, refusal("exchange.closing", auth.Decision{HTTP: 403, Reason: "write-issue"})
			return nil
		}
	}
	return nil
}

// mayClose reports whether the caller may make an issue what it is after the unit; nil: deleted.
func (o *overlap) mayClose(patient fhir.Ref, before, after *fhir.Resource) (bool, error) {
	caller, nobody, err := o.coordinates(o.p, patient)
	if err != nil || after == nil {
		return caller, err
	}
	said, ok := coordination.Said(before, after, o.w.now)
	if !ok || !caller && !(nobody && said != "" && coordination.IsSettled(after)) {
		return false, nil
	}
	if said != "" {
		o.event.reasons = append(o.event.reasons, said)
	}
	return true, nil
}
