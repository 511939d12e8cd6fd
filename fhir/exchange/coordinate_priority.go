package exchange

import (
	"slices"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/coordination"
)

// isChildPlan picks the plans in which one goal is the most important one now.
var isChildPlan = bearing("se-plantyp", "BARNPLAN")

// important keeps one thing most important now (coordination.md 7): of each child whose goals or child plans the
// unit writes.
func (o *overlap) important() error {
	for i := range o.unit.Writes[:o.mark.writes] {
		w := &o.unit.Writes[i]
		concerns, err := o.concerns(w)
		if err != nil || !concerns || len(w.Facts.Patients) != 1 {
			if err != nil {
				return err
			}
			continue
		}
		o.at = i
		if err := o.most(w.Facts.Patients[0]); err != nil || o.refused != nil {
			return err
		}
	}
	return nil
}

// concerns reports whether a write may change what is most important.
func (o *overlap) concerns(w *Write) (bool, error) {
	if w.Ref.Type == "CarePlan" {
		prior, err := o.stored(w.Ref.Current())
		return isChildPlan(w.Facts) || prior != nil && isChildPlan(prior.Facts), err
	}
	if w.Ref.Type != "Goal" {
		return false, nil
	}
	after, err := treeOf(written(w))
	if err != nil || after != nil && coordination.IsImportant(after) {
		return err == nil, err
	}
	_, before, err := o.before(w)
	return before != nil && coordination.IsImportant(before), err
}

// most judges what is most important for a child before and after the unit.
func (o *overlap) most(patient fhir.Ref) error {
	state, err := o.w.v.State(patient.ID) // of goals that are raised at the same time one is the most important
	if err != nil {
		return unavailable("exchange.important", "policy-unavailable", err)
	}
	o.unit.Relied = append(o.unit.Relied, Reliance{Compartment: patient.ID, State: state})
	before, err := o.importantGoals(patient, false)
	if err != nil {
		return err
	}
	after, err := o.importantGoals(patient, true)
	if err != nil {
		return err
	}
	lower, err := o.superseded(before, after)
	if err != nil {
		return err
	}
	if !o.pushed {
		if refused, err := o.mayMove(patient, before, after, lower); refused || err != nil {
			return err
		}
	}
	if len(after) > 1 {
		if err := o.supersede(before, after, lower); err != nil || o.refused != nil {
			return err
		}
	}
	return o.remark(patient, before, after)
}

// importantGoals are the goals that are most important in the child plans of a child, as stored or as they will be.
func (o *overlap) importantGoals(patient fhir.Ref, after bool) ([]fhir.Ref, error) {
	d := o.draft
	if !after {
		d = o.w.draft()
	}
	fed, err := d.fed(patient.ID, "CarePlan", isChildPlan)
	if err != nil {
		return nil, unavailable("exchange.important", "policy-unavailable", err)
	}
	var plans []*fhir.Resource
	for _, st := range fed {
		r, err := tree(st)
		if err != nil {
			return nil, err
		}
		plans = append(plans, r)
	}
	return coordination.Important(plans, func(ref fhir.Ref) (*fhir.Resource, error) {
		found, err := d.find(ref)
		return found.Resource, err
	})
}

// mayMove refuses to take from a goal that it is most important, to all but who coordinates; where nobody does, who
// keeps the goal may.
func (o *overlap) mayMove(patient fhir.Ref, before, after, lower []fhir.Ref) (bool, error) {
	moved := func(ref fhir.Ref) bool { return !slices.Contains(after, ref) || slices.Contains(lower, ref) }
	if !slices.ContainsFunc(before, moved) {
		return false, nil
	}
	coordinates, nobody, err := o.coordinates(o.p, patient)
	if err != nil || coordinates || nobody && !slices.ContainsFunc(before, func(ref fhir.Ref) bool { return !o.keeps(ref.String()) }) {
		return false, err
	}
	o.refused = refusal("exchange.important", auth.Decision{HTTP: 403, Reason: "write-coordinator"})
	return true, nil
}

// coordinates reports whether a caller coordinates the care of a child on the day of the request, and whether nobody
// does. Nobody makes itself the coordinator: that says who keeps the child, or the team of another (access.md 5).
func (d *draft) coordinates(p auth.Principal, patient fhir.Ref) (caller, nobody bool, err error) {
	teams, err := d.fed(patient.ID, "CareTeam", whole)
	if err != nil {
		return false, false, unavailable("exchange.coordinates", "policy-unavailable", err)
	}
	child, err := d.stored(patient)
	if err != nil {
		return false, false, err
	}
	nobody = true
	for _, st := range teams {
		r, err := tree(st)
		if err != nil {
			return false, false, err
		}
		alone := auth.Principal{Organization: st.Facts.Custodian}
		if child != nil && child.Facts.Custodian == alone.Organization {
			alone.Organization = fhir.Ref{}
		}
		t := d.w.s.coordination.NewTable(patient)
		t.Put(r)
		t.On(d.w.now)
		for _, ref := range t.Coordinators() {
			if itself, err := d.actsFor(alone, ref); err != nil || itself {
				if err != nil {
					return false, false, err
				}
				continue
			}
			nobody = false
			if caller, err = d.actsFor(p, ref); err != nil || caller {
				return caller, false, err
			}
		}
	}
	return false, nobody, nil
}

// superseded are the goals that those which are new among the most important take the place of.
func (o *overlap) superseded(before, after []fhir.Ref) ([]fhir.Ref, error) {
	var out []fhir.Ref
	for _, ref := range after {
		if slices.Contains(before, ref) && !o.writes(ref.String()) {
			continue
		}
		found, err := o.find(ref)
		if err != nil {
			return nil, err
		}
		for _, other := range coordination.Supersedes(found.Resource) {
			if other != ref {
				out = append(out, other)
			}
		}
	}
	return out, nil
}

// supersede lowers the goals that a new one takes the place of; a second one that does not is refused.
func (o *overlap) supersede(before, after, lower []fhir.Ref) error {
	left := slices.DeleteFunc(slices.Clone(after), func(ref fhir.Ref) bool { return slices.Contains(lower, ref) })
	switch {
	case len(left) == 1:
	case len(left) > 1 && len(left) <= len(before): // it was so before
		return nil
	default:
		o.refused = fhir.Errorf(fhir.Unprocessable, "exchange.important", "business-rule", coordination.SecondPriority,
			"One goal is the most important one now; name it in the extension supersedes to put another in its place.")
		return nil
	}
	for _, ref := range after {
		if ref == left[0] {
			continue
		}
		found, err := o.find(ref)
		if err != nil {
			return err
		}
		r, err := coordination.Lowered(found.Resource)
		if err != nil {
			return err
		}
		if err := o.write(ruleCoordination, r, o.p.Organization); err != nil {
			return err
		}
	}
	return nil
}

// remark tells what is to be known of a goal of high priority: that another one is most important, or that the
// child's own words are missing where that changes.
func (o *overlap) remark(patient fhir.Ref, before, after []fhir.Ref) error {
	w := &o.unit.Writes[o.at]
	name := []string{w.Ref.Current().String()}
	beside := w.Ref.Type == "Goal" && len(after) > 0 && !slices.Contains(after, w.Ref.Current()) && !slices.Contains(before, w.Ref.Current())
	if beside {
		if o.beside == nil {
			o.beside = map[fhir.Ref][]fhir.Ref{}
		}
		o.beside[patient] = append(o.beside[patient], w.Ref.Current())
		o.told = append(o.told, toldIssue{implicated: name, issue: fhir.Issue{
			Severity: fhir.SeverityWarning, Code: "business-rule", Diagnostics: coordination.SecondPriority,
			Text: "Another goal is the most important one for this child now. Ask the coordinator.",
		}})
	}
	if beside || slices.Equal(before, after) {
		return nil
	}
	forms, err := o.fed(patient.ID, "QuestionnaireResponse", func(f auth.ResourceFacts) bool { return !hasStatus(f, "entered-in-error") })
	if err != nil {
		return unavailable("exchange.important", "policy-unavailable", err)
	}
	for _, st := range forms {
		r, err := tree(st)
		if err != nil || coordination.Heard(r) {
			return err
		}
	}
	o.told = append(o.told, toldIssue{implicated: name, issue: fhir.Issue{
		Severity: fhir.SeverityWarning, Code: "business-rule", Diagnostics: "BP-R04",
		Text: "What is most important changes without the child's own words; ask the child, and add them to the plan.",
	}})
	return nil
}
