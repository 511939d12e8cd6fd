package exchange

import (
	"slices"
	"time"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/workflow"
)

// asksHelp picks the tasks by which somebody of a family's network is asked for help.
func asksHelp(f auth.ResourceFacts) bool {
	return f.Ref.Type == "Task" && slices.ContainsFunc(f.Codings, func(c auth.Coding) bool { return workflow.IsHelpCode(c.System, c.Code) })
}

// unanswered asks the reserve of each task of help that its helper leaves without an answer (network.md 4), and
// returns when the next of them has waited long enough; zero: none waits. The facts tell which, so that a task
// whose reserve was asked costs no look at it.
func (d *draft) unanswered(e *event, id string) (next time.Time, err error) {
	tasks, err := d.tasks(id)
	if err != nil {
		return next, err
	}
	there := map[string]bool{}
	for _, f := range tasks {
		there[f.Ref.ID] = true
	}
	rules := d.following(d.w.v, serverCall.Principal, e)
	for _, f := range tasks {
		plan := planOf(f)
		if !asksHelp(f) || !slices.Contains(workflow.Waiting, f.Status) || plan.IsZero() || there[workflow.Passed(patientOf(id), plan).ID] {
			continue
		}
		if until := f.Updated.Add(workflow.Patience); until.After(d.w.now) {
			if next.IsZero() || until.Before(next) {
				next = until
			}
			continue
		}
		if err := rules.passOn(f); err != nil {
			return next, err
		}
	}
	if err := rules.attest(); err != nil {
		return next, err
	}
	d.unit.Relied = append(d.unit.Relied, rules.known.relied...)
	return next, nil
}

// passOn asks the reserve of one task, kept by who keeps that.
func (f *following) passOn(facts auth.ResourceFacts) error {
	task, err := treeOf(f.known.Read(facts.Ref.Current()))
	if err != nil || task == nil {
		return err
	}
	next, err := workflow.Unanswered(f.known, task)
	if err != nil || next == nil {
		return err
	}
	f.passed = append(f.passed, next.Ref().Current())
	return f.write(workflow.RuleNetwork, next, facts.Custodian)
}

// planOf is the plan on which a Task is based; zero for none.
func planOf(f auth.ResourceFacts) fhir.Ref {
	for _, up := range f.Up {
		if up.Type == "CarePlan" {
			return up.Current()
		}
	}
	return fhir.Ref{}
}

// tasks are the facts of the Tasks of a child as they will be after the unit; what the unit writes is of now.
func (d *draft) tasks(id string) ([]auth.ResourceFacts, error) {
	heads, err := d.w.v.Heads(id, "Task")
	if err != nil {
		return nil, unavailable("exchange.tasks", "policy-unavailable", err)
	}
	var out []auth.ResourceFacts
	now := map[string]bool{}
	for _, w := range d.unit.Writes {
		if w.Ref.Type != "Task" || !slices.Contains(w.Compartments, id) {
			continue
		}
		now[w.Ref.ID] = true
		if len(w.Body) > 0 {
			f := w.Facts
			f.Ref, f.Updated = w.Ref, d.w.now
			out = append(out, f)
		}
	}
	for _, f := range heads {
		if !now[f.Ref.ID] {
			out = append(out, f)
		}
	}
	return out, nil
}
