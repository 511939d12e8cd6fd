package exchange

import (
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/workflow"
	"github.com/drieluik/drieluik/mapping"
)

// turn lets one of two take a turn of help: the helper who was asked, or the reserve who was asked when there was no
// answer (network.md 4). Who is first ends the question to the other in the same commit; who comes later is refused.
// A question that was put after the reserve was asked is another turn.
func (f *following) turn(w *Write, prior *Stored, before, after *fhir.Resource) error {
	plan := planOf(w.Facts)
	if plan.IsZero() || len(w.Facts.Patients) != 1 || !workflow.Takes(before, after) {
		return nil
	}
	patient := w.Facts.Patients[0]
	reserve := workflow.Passed(patient, plan)
	if w.Ref.Current() != reserve {
		asked, err := f.known.Read(reserve)
		if err != nil || asked == nil {
			return err
		}
		if workflow.Taken(asked.Resource) {
			return f.late(prior, reserve)
		}
		return f.yield(asked)
	}
	all, err := f.known.Child(patient, "Task")
	if err != nil {
		return err
	}
	for _, t := range all {
		if t.Resource.Ref().Current() == reserve || !basedOn(t.Resource, plan) {
			continue
		}
		if err := f.yield(t); err != nil {
			return err
		}
	}
	return nil
}

// late refuses a helper whose turn the reserve has taken. A document tells what happened already.
func (f *following) late(prior *Stored, reserve fhir.Ref) error {
	asked, err := f.stored(reserve)
	if err != nil || asked == nil || prior == nil || f.holder || prior.Facts.FiledAt.After(asked.Facts.FiledAt) {
		return err
	}
	f.refuse(prior, workflow.TurnTaken())
	return nil
}

// yield ends the question to one when another has taken the turn.
func (f *following) yield(task *mapping.Found) error {
	r, err := workflow.Yield(task.Resource)
	if err != nil || r == nil {
		return err
	}
	return f.write(workflow.RuleNetwork, r, task.Custodian)
}

// basedOn reports whether a Task is based on a plan.
func basedOn(task *fhir.Resource, plan fhir.Ref) bool {
	for n := range task.Root().All("basedOn", "reference") {
		if ref, ok := fhir.ParseRef(n.Text()); ok && ref.Current() == plan {
			return true
		}
	}
	return false
}
