package mks

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
	"github.com/drieluik/drieluik/mapping/form"
)

// checkStoredEvaluation holds the rules of mks.md 3.6 that need what is stored of child and plan.
func checkStoredEvaluation(m *mapper) error {
	if err := m.checkAttendance(); err != nil {
		return err
	}
	in := m.inhoud()
	name := in.At("zorgplan")
	if !name.Sound() {
		return nil
	}
	p, err := m.evaluatedPlan(name.Str())
	if err != nil {
		return err
	}
	if !p.stored {
		m.Warn("MKS-REF-04", name)
	}
	if p.goals == nil || m.head.status == "ingetrokken" {
		return nil
	}
	m.checkGoals(in, p)
	return nil
}

// checkGoals holds EV-05 and EV-07.
func (m *mapper) checkGoals(in form.Value, p evaluatedPlan) {
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

// evaluatedPlan looks up "recordId/versie" of this source and child.
func (m *mapper) evaluatedPlan(name string) (evaluatedPlan, error) {
	var out evaluatedPlan
	record, text, _ := strings.Cut(name, "/")
	version, err := strconv.Atoi(text)
	if err != nil {
		return out, nil
	}
	key := m.head.source() + "/zorgplan/" + record
	versions, err := m.known.Stored(key)
	if err != nil || !slices.Contains(versions, version) {
		return out, err
	}
	for _, path := range []string{"CarePlan/" + key, "CarePlan/" + key + "/concept"} {
		plan, err := m.known.Read(fhir.Ref{Type: "CarePlan", ID: mapping.ID(path)})
		if err != nil {
			return out, fmt.Errorf("mks.evaluatedPlan: %w", err)
		}
		if found(plan).At("subject", "reference").Text() != m.child.ref.String() {
			continue
		}
		out.stored = true
		said, err := m.known.Read(fhir.Ref{Type: "Provenance", ID: mapping.ID(path + "/" + strconv.Itoa(version))})
		if err != nil {
			return out, fmt.Errorf("mks.evaluatedPlan: %w", err)
		}
		if said != nil {
			out.path, out.goals = path, goalsOf(found(said))
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
		ref := refOf(n.Text())
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
func (m *mapper) goalRef(plan, goal string) (fhir.Ref, fhir.Node, error) {
	key := "CarePlan/" + m.head.source() + "/zorgplan/" + plan
	for _, path := range []string{key, key + "/concept"} {
		ref := fhir.Ref{Type: "Goal", ID: mapping.ID(path + "/" + goal)}
		hit, err := m.known.Read(ref)
		if err != nil {
			return fhir.Ref{}, fhir.Node{}, fmt.Errorf("mks.goalRef: %w", err)
		}
		if found(hit).At("subject", "reference").Text() == m.child.ref.String() {
			return ref, found(hit), nil
		}
	}
	return fhir.Ref{}, fhir.Node{}, nil
}
