package coordination

import (
	"slices"

	"github.com/drieluik/drieluik/fhir"
)

// childPlan is the category of a plan in which one goal is the most important one now.
var childPlan = Coding{fhir.Canonical + "/CodeSystem/se-plantyp", "BARNPLAN"}

// Important are the goals that active child plans (BARNPLAN) hold, as what is most important now: active and of
// high priority; sorted. find returns a goal, nil when there is none.
func Important(plans []*fhir.Resource, find func(fhir.Ref) (*fhir.Resource, error)) ([]fhir.Ref, error) {
	var out []fhir.Ref
	for _, p := range plans {
		if !slices.Contains(codingsAt(p.Root(), "category"), childPlan) || statusOf(p) != "active" {
			continue
		}
		for _, ref := range appendRefs(nil, p.Root(), "goal") {
			goal, err := find(ref)
			if err != nil {
				return nil, fhir.Wrap("coordination.Important", err)
			}
			if goal != nil && IsImportant(goal) {
				out = append(out, ref)
			}
		}
	}
	return refSet(out), nil
}

const prioritySystem = "http://terminology.hl7.org/CodeSystem/goal-priority"

// IsImportant reports whether a Goal is active and of high priority.
func IsImportant(goal *fhir.Resource) bool {
	n := goal.Root()
	return n.Member("lifecycleStatus").Text() == "active" && isHigh(n)
}

func isHigh(goal fhir.Node) bool {
	for c := range goal.All("priority", "coding") {
		if c.Member("code").Text() == "high-priority" && c.Member("system").Text() == prioritySystem {
			return true
		}
	}
	return false
}

// Supersedes returns the goals that a goal takes the place of.
func Supersedes(goal *fhir.Resource) []fhir.Ref {
	var out []fhir.Ref
	for e := range goal.Root().All("extension") {
		if e.Member("url").Text() == structures+"supersedes" {
			out = append(out, refAt(e, "valueReference"))
		}
	}
	return out
}

// Lowered returns a goal of medium priority: another one is the most important now.
func Lowered(goal *fhir.Resource) (*fhir.Resource, error) {
	e, err := put(codedAs(prioritySystem, "medium-priority"), "priority")
	if err != nil {
		return nil, fhir.Wrap("coordination.Lowered", err)
	}
	r, err := goal.Edit(e)
	return r, fhir.Wrap("coordination.Lowered", err)
}

// Heard reports whether a form holds the child's own words.
func Heard(form *fhir.Resource) bool {
	if form.Root().Member("questionnaire").Text() != fhir.Canonical+"/Questionnaire/barnplan" {
		return false
	}
	for item := range form.Root().All("item") {
		if item.Member("linkId").Text() == "barnets-rost" {
			return true
		}
	}
	return false
}
