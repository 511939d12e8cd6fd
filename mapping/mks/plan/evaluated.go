package plan

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
	"github.com/drieluik/drieluik/mapping/form"
	"github.com/drieluik/drieluik/mapping/mks/tofhir"
)

// checkStoredEvaluation holds the rules of mks.md 3.6 that need what is stored of child and plan.
func checkStoredEvaluation(m *tofhir.Mapper) error {
	if err := checkAttendance(m); err != nil {
		return err
	}
	in := m.Content()
	name := in.At("zorgplan")
	if !name.Sound() {
		return nil
	}
	p, err := findEvaluated(m, name.Str())
	if err != nil {
		return err
	}
	if !p.stored {
		m.Warn("MKS-REF-04", name)
	}
	if p.goals == nil || m.Head.Status == "ingetrokken" {
		return nil
	}
	checkGoals(m, in, p)
	return nil
}

// checkGoals holds EV-05 and EV-07.
func checkGoals(m *tofhir.Mapper, in form.Value, p evaluatedPlan) {
	list, named := in.At("perDoel"), map[fhir.Ref]bool{}
	for _, v := range list.Items() {
		goal := v.At("doel")
		ref := fhir.Ref{Type: "Goal", ID: mapping.ID(p.path + "/" + goal.Str())}
		named[ref] = true
		if goal.Sound() && !slices.Contains(p.goals, ref) {
			m.Fail("MKS-EV-05", goal)
		}
	}
	left := slices.ContainsFunc(p.goals, func(g fhir.Ref) bool { return !named[g] })
	if left && in.At("soort").Str() == "afsluitend" && list.AbsentOrSound() {
		m.Warn("MKS-EV-07", list)
	}
}

// evaluatedPlan is the version of a plan that an evaluation names.
type evaluatedPlan struct {
	stored bool
	path   string     // key of its CarePlan: that of the plan in force, or of the draft
	goals  []fhir.Ref // of this version; nil: nobody can tell
}

// findEvaluated looks up "recordId/versie" of this source and child.
func findEvaluated(m *tofhir.Mapper, name string) (evaluatedPlan, error) {
	var out evaluatedPlan
	record, text, _ := strings.Cut(name, "/")
	version, err := strconv.Atoi(text)
	if err != nil {
		return out, nil
	}
	key := m.Head.Source() + "/zorgplan/" + record
	versions, err := m.Known.Stored(key)
	if err != nil || !slices.Contains(versions, version) {
		return out, err
	}
	for _, path := range []string{"CarePlan/" + key, "CarePlan/" + key + "/concept"} {
		plan, err := m.Known.Read(fhir.Ref{Type: "CarePlan", ID: mapping.ID(path)})
		if err != nil {
			return out, fmt.Errorf("mks.evaluatedPlan: %w", err)
		}
		if tofhir.Found(plan).At("subject", "reference").Text() != m.Child.Ref.String() {
			continue
		}
		out.stored = true
		said, err := m.Known.Read(fhir.Ref{Type: "Provenance", ID: mapping.ID(path + "/" + strconv.Itoa(version))})
		if err != nil {
			return out, fmt.Errorf("mks.evaluatedPlan: %w", err)
		}
		if said != nil {
			out.path, out.goals = path, goalsOf(tofhir.Found(said))
			return out, nil
		}
	}
	return out, nil
}

// goalsOf returns the goals that a version of a plan yielded. Its Provenance lists the plan, problems,
// goals and actions in this order, and behind them what the version ended, which may be goals too.
func goalsOf(provenance fhir.Node) []fhir.Ref {
	out := []fhir.Ref{}
	plans := 0
	for n := range provenance.All("target", "reference") {
		ref := tofhir.RefOf(n.Text())
		if ref.Type == "CarePlan" {
			plans++
		}
		if plans > 1 {
			break
		}
		if ref.Type == "Goal" {
			out = append(out, ref)
		}
	}
	return out
}

// goalRef returns the Goal of a plan that stands for a goal, and its tree: that of the plan in force,
// of the draft while there is none; the zero Ref when neither is stored.
func goalRef(m *tofhir.Mapper, plan, goal string) (fhir.Ref, fhir.Node, error) {
	key := "CarePlan/" + m.Head.Source() + "/zorgplan/" + plan
	for _, path := range []string{key, key + "/concept"} {
		ref := fhir.Ref{Type: "Goal", ID: mapping.ID(path + "/" + goal)}
		hit, err := m.Known.Read(ref)
		if err != nil {
			return fhir.Ref{}, fhir.Node{}, fmt.Errorf("mks.goalRef: %w", err)
		}
		if tofhir.Found(hit).At("subject", "reference").Text() == m.Child.Ref.String() {
			return ref, tofhir.Found(hit), nil
		}
	}
	return fhir.Ref{}, fhir.Node{}, nil
}
