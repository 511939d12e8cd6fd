package exchange

import (
	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/workflow"
)

// meeting holds samordningsplan.md 5 and 8 for a call to a coordination meeting that does not come with its plan: who
// coordinates the plan calls, somebody consented, and nobody is called whom a consent leaves out.
func (f *following) meeting(w *Write) error {
	if f.holder { // the rules of its document are behind it
		return nil
	}
	prior, before, err := f.before(w)
	if err != nil {
		return err
	}
	after, err := treeOf(written(w))
	if err != nil || !workflow.Calls(before, after) {
		return err
	}
	for _, patient := range w.Facts.Patients {
		m, err := workflow.ReadMeeting(f.known, patient, f.p.Organization, after, f.w.now, f.sees)
		switch {
		case err != nil:
			return err
		case m.Foreign:
			f.forbid(refusal("exchange.meeting", auth.Decision{HTTP: 403, Reason: "push-sender"}), "push-sender")
		case !m.Consented:
			f.forbid(&fhir.Error{Kind: fhir.Forbidden, Op: "exchange.meeting", Reason: workflow.RuleMeeting, Issues: []fhir.Issue{workflow.Unconsented()}}, workflow.RuleMeeting)
		case m.Excluded != nil:
			f.refuse(prior, m.Excluded)
		}
		if f.refused != nil {
			return nil
		}
	}
	return nil
}

// sees reports whether the principal may read a resource, as it will be after the unit.
func (f *following) sees(ref fhir.Ref) (bool, error) {
	facts, there := f.factsNow(ref)
	if !there {
		return false, f.w.broken
	}
	d, err := f.w.decide(f.p, auth.Action{Interaction: auth.Read, Type: ref.Type}, &facts)
	return d.Whole(), err
}
