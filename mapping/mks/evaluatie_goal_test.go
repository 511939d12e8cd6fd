package mks_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
)

// evaluationVersion returns a version of the evaluation of Boris with the parents, after a change.
func evaluationVersion(t *testing.T, version int, status string, change func(in map[string]any)) []byte {
	t.Helper()
	return planEdited(t, borisEvaluation, func(doc, in map[string]any) {
		doc["versie"], doc["status"] = version, status
		if status == "ingetrokken" {
			doc["intrekReden"] = "verkeerd kind"
		}
		if change != nil {
			change(in)
		}
	})
}

// verdict returns an evaluation of d1 of Boris on a day.
func verdict(t *testing.T, record, day, status string) []byte {
	t.Helper()
	return planEdited(t, borisEvaluation, func(doc, in map[string]any) {
		doc["recordId"], doc["vastgelegdOp"], in["datum"] = record, day+"T20:00:00+02:00", day
		in["perDoel"] = []any{map[string]any{"doel": "d1", "status": status}}
	})
}

// goalState returns how a goal of the plan of Boris stands: lifecycle, achievement, day, outcomes.
func goalState(t *testing.T, k *mapping.Memory, goal string) string {
	t.Helper()
	n := read(t, k, fhir.Ref{Type: "Goal", ID: mapping.ID("CarePlan/90000001/ecd/zorgplan/zp-1001/" + goal)})
	var outcomes []string
	for r := range n.All("outcomeReference", "reference") {
		o := read(t, k, parse(t, r.Text()))
		outcomes = append(outcomes, o.At("valueCodeableConcept", "coding", "code").Text())
	}
	return strings.TrimSpace(fmt.Sprint(n.Member("lifecycleStatus").Text(), " ", n.At("achievementStatus", "coding", "code").Text(), " ",
		n.Member("statusDate").Text(), " ", strings.Join(outcomes, ", ")))
}

func TestEvaluationSaysWhatBecomesOfAGoal(t *testing.T) {
	t.Parallel()
	for status, want := range map[string]string{
		"behaald":       "completed achieved 2026-08-01 behaald",
		"deels behaald": "active in-progress 2026-08-01 deels behaald",
		"niet behaald":  "active not-achieved 2026-08-01 niet behaald",
		"vervallen":     "cancelled not-attainable 2026-08-01 vervallen",
	} {
		c := evaluatedBoris(t)
		r := c.store(verdict(t, "ev-1001", "2026-08-01", status))
		if got := goalState(t, c.stored, "d1"); got != want {
			t.Errorf("%s: %s, want %s", status, got, want)
		}
		if got := goalState(t, c.stored, "d2"); got != "active" || counts(r)["Goal"] != 1 {
			t.Errorf("%s: the goal that nobody looked at is %s", status, got)
		}
		for _, m := range r.Resources {
			if m.Resource.Type() == "Goal" && (len(faultsOf(m.Resource)) > 0 || m.Resource.Root().At("meta", "source").Text() !=
				"https://drieluik.example/fhir/bron/90000001/ecd#zorgplan/zp-1001/2") {
				t.Errorf("%s: %s", status, m.Resource.Bytes())
			}
		}
	}
}

// orders returns every order of the numbers below n.
func orders(n int) [][]int {
	if n == 0 {
		return [][]int{nil}
	}
	var out [][]int
	for _, rest := range orders(n - 1) {
		for at := range n {
			out = append(out, slices.Insert(slices.Clone(rest), at, n-1))
		}
	}
	return out
}

// TestTheLatestEvaluationDecidesInWhateverOrderTheyArrive sends plan versions and evaluations in every
// order that the source may: the versions of a plan one after the other.
func TestTheLatestEvaluationDecidesInWhateverOrderTheyArrive(t *testing.T) {
	t.Parallel()
	all := [][]byte{
		sample(t, boris2), sample(t, boris3),
		verdict(t, "ev-b", "2026-08-01", "behaald"), verdict(t, "ev-a", "2026-09-01", "deels behaald"),
	}
	want := "active in-progress 2026-09-01 behaald, deels behaald"
	for _, order := range orders(len(all)) {
		if slices.Index(order, 0) > slices.Index(order, 1) {
			continue
		}
		c := planOf(t, "boris/01-kind.json")
		for _, i := range order {
			c.store(all[i])
		}
		if got := goalState(t, c.stored, "d1"); got != want {
			t.Errorf("order %v: %s, want %s", order, got, want)
		}
	}
}

func TestTwoEvaluationsOfOneDayAreOrderedByTheirRecording(t *testing.T) {
	t.Parallel()
	early, late := verdict(t, "ev-b", "2026-08-01", "behaald"), planEdited(t, borisEvaluation, func(doc, in map[string]any) {
		doc["recordId"], doc["vastgelegdOp"], in["datum"] = "ev-a", "2026-08-01T18:30:00Z", "2026-08-01" // half an hour later
		planList(in, "perDoel")[0]["status"] = "niet behaald"
	})
	for name, order := range map[string][][]byte{"in order": {early, late}, "the other way round": {late, early}} {
		c := evaluatedBoris(t)
		for _, text := range order {
			c.store(text)
		}
		if got, want := goalState(t, c.stored, "d1"), "active not-achieved 2026-08-01 behaald, niet behaald"; got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

func TestAWithdrawnEvaluationTakesItsEffectBack(t *testing.T) {
	t.Parallel()
	c := evaluatedBoris(t)
	c.store(verdict(t, "ev-a", "2026-08-01", "niet behaald"))
	c.store(evaluationVersion(t, 1, "definitief", func(in map[string]any) {
		in["datum"], in["perDoel"] = "2026-08-01", []any{map[string]any{"doel": "d1", "status": "behaald"}, map[string]any{"doel": "d2", "status": "behaald"}}
	}))
	// both of one day: ev-a was recorded later
	if got, want := goalState(t, c.stored, "d1"), "active not-achieved 2026-08-01 behaald, niet behaald"; got != want {
		t.Errorf("before: %s, want %s", got, want)
	}
	if got, want := goalState(t, c.stored, "d2"), "completed achieved 2026-08-01 behaald"; got != want {
		t.Errorf("d2 before: %s, want %s", got, want)
	}
	r := c.store(evaluationVersion(t, 2, "ingetrokken", nil))
	if got, want := goalState(t, c.stored, "d1"), "active not-achieved 2026-08-01 niet behaald"; got != want {
		t.Errorf("after: %s, want %s", got, want)
	}
	if got := goalState(t, c.stored, "d2"); got != "active" {
		t.Errorf("d2 after: %s, want active alone", got)
	}
	for _, m := range r.Resources {
		n := m.Resource.Root()
		if slices.Contains([]fhir.Type{"Encounter", "Observation"}, m.Resource.Type()) && n.Member("status").Text() != "entered-in-error" {
			t.Errorf("%s is %s", m.Resource.Ref(), n.Member("status").Text())
		}
	}
	c.store(evaluationVersion(t, 3, "definitief", nil))
	if got, want := goalState(t, c.stored, "d1"), "active not-achieved 2026-08-01 deels behaald, niet behaald"; got != want {
		t.Errorf("sent again: %s, want %s", got, want)
	}
}

func TestANewVersionOfAnEvaluationTakesBackWhatItNoLongerSays(t *testing.T) {
	t.Parallel()
	c := evaluatedBoris(t, borisEvaluation)
	r := c.store(evaluationVersion(t, 2, "definitief", func(in map[string]any) {
		in["perDoel"] = []any{map[string]any{"doel": "d2", "status": "vervallen"}}
		delete(in, "gezinservaring")
	}))
	if got := goalState(t, c.stored, "d1"); got != "active" {
		t.Errorf("d1 is %s", got)
	}
	if got, want := goalState(t, c.stored, "d2"), "cancelled not-attainable 2026-08-01 vervallen"; got != want {
		t.Errorf("d2 is %s, want %s", got, want)
	}
	got := map[string]string{}
	for _, m := range r.Resources {
		if n := m.Resource.Root(); m.Resource.Type() == "Observation" {
			got[n.At("code", "coding", "code").Text()+n.At("focus", "identifier", "value").Text()] = n.Member("status").Text()
		}
	}
	want := map[string]string{
		"doel-evaluatiezp-1001#d1": "entered-in-error", "doel-evaluatiezp-1001#d2": "amended", "gezinservaring": "entered-in-error",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("observations (-want +got):\n%s", d)
	}
	if got := c.current(r.Anchor.String()).Member("status").Text(); got != "finished" {
		t.Errorf("the meeting is %s", got)
	}
}

func TestADraftEvaluationSaysNothingYet(t *testing.T) {
	t.Parallel()
	c := evaluatedBoris(t)
	r := c.store(evaluationVersion(t, 1, "concept", nil))
	if got := goalState(t, c.stored, "d1"); got != "active" {
		t.Errorf("after a draft the goal is %s", got)
	}
	for at, want := range map[string]string{"Encounter": "planned", "Observation": "preliminary"} {
		for _, ref := range planRefs(r, fhir.Type(at)) {
			if got := c.current(ref).Member("status").Text(); got != want {
				t.Errorf("%s of a draft is %s", at, got)
			}
		}
	}
	c.store(evaluationVersion(t, 2, "definitief", nil))
	if got, want := goalState(t, c.stored, "d1"), "active in-progress 2026-08-01 deels behaald"; got != want {
		t.Errorf("after the definitive version: %s, want %s", got, want)
	}
	if got := c.current(r.Anchor.String()).Member("status").Text(); got != "entered-in-error" {
		t.Errorf("the draft is %s", got)
	}
}

func TestADraftPlanLeavesTheVerdictWithThePlanInForce(t *testing.T) {
	t.Parallel()
	c := evaluatedBoris(t, boris3, boris4, borisEvaluation)
	draft := c.current("Goal/" + mapping.ID("CarePlan/90000001/ecd/zorgplan/zp-1001/concept/d1"))
	if draft.Member("achievementStatus").Exists() || draft.Member("lifecycleStatus").Text() != "proposed" {
		t.Errorf("the goal of the draft is %s", draft.Raw())
	}
	if got, want := goalState(t, c.stored, "d1"), "active in-progress 2026-08-01 deels behaald"; got != want {
		t.Errorf("the goal in force is %s, want %s", got, want)
	}
}

func TestAVerdictOnADraftPlanStaysWhenThePlanComesIntoForce(t *testing.T) {
	t.Parallel()
	c := homeChild(t)
	c.store(planEdited(t, boris2, func(_, in map[string]any) { delete(in, "handtekeningen") })) // held as a draft
	c.store(borisVerdict(t))
	draft := c.current("Goal/" + mapping.ID("CarePlan/90000001/ecd/zorgplan/zp-1001/concept/d1"))
	if got := draft.At("achievementStatus", "coding", "code").Text() + " " + draft.Member("lifecycleStatus").Text(); got != "achieved proposed" {
		t.Errorf("the goal of the draft is %s", got)
	}
	c.store(sample(t, boris3))
	if got, want := goalState(t, c.stored, "d1"), "completed achieved 2026-08-01 behaald"; got != want {
		t.Errorf("in force it is %s, want %s", got, want)
	}
}

func borisVerdict(t *testing.T) []byte {
	t.Helper()
	return verdict(t, "ev-1001", "2026-08-01", "behaald")
}

func TestWhatSomebodyElseSaidLaterOfAGoalStands(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct{ day, want, withdrawn string }{
		"later":   {"2026-10-01", "on-hold worsening 2026-10-01 deels behaald", "on-hold worsening 2026-10-01"},
		"earlier": {"2026-07-20", "on-hold in-progress 2026-08-01 deels behaald", "on-hold"},
	} {
		c := evaluatedBoris(t)
		goal := c.current("Goal/" + mapping.ID("CarePlan/90000001/ecd/zorgplan/zp-1001/d1"))
		tree, err := goal.Resource().Edit(
			fhir.Edit{Path: []string{"lifecycleStatus"}, JSON: `"on-hold"`},
			fhir.Edit{Path: []string{"achievementStatus"}, JSON: `{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/goal-achievement","code":"worsening"}]}`},
			fhir.Edit{Path: []string{"statusDate"}, JSON: `"` + row.day + `"`})
		if err != nil {
			t.Fatal(err)
		}
		c.hold("rest", 1, string(tree.Bytes()))
		c.store(sample(t, borisEvaluation))
		if got := goalState(t, c.stored, "d1"); got != row.want {
			t.Errorf("%s: %s, want %s", name, got, row.want)
		}
		c.store(evaluationVersion(t, 2, "ingetrokken", nil))
		if got := goalState(t, c.stored, "d1"); got != row.withdrawn {
			t.Errorf("%s, withdrawn: %s, want %s", name, got, row.withdrawn)
		}
	}
}

func TestAGoalThatThePlanEndedStaysEnded(t *testing.T) {
	t.Parallel()
	c := evaluatedBoris(t)
	c.store(planEdited(t, boris3, func(_, in map[string]any) {
		in["doelen"] = in["doelen"].([]any)[1:]
		for _, a := range planList(in, "acties") {
			if a["doel"] == "d1" {
				delete(a, "doel")
			}
		}
	}))
	c.store(sample(t, borisEvaluation))
	if got, want := goalState(t, c.stored, "d1"), "cancelled in-progress 2026-08-01 deels behaald"; got != want {
		t.Errorf("it is %s, want %s", got, want)
	}
	c.store(planEdited(t, boris3, func(doc, in map[string]any) {
		doc["versie"], doc["status"], doc["intrekReden"] = 4, "ingetrokken", "verkeerd kind"
	}))
	before := goalState(t, c.stored, "d1")
	c.store(verdict(t, "ev-b", "2026-09-01", "behaald"))
	if got := goalState(t, c.stored, "d1"); got != before || !strings.HasPrefix(got, "entered-in-error") {
		t.Errorf("a goal of a withdrawn plan is %s, was %s", got, before)
	}
}

func TestAnotherSourceHasItsOwnScansAndEvaluations(t *testing.T) {
	t.Parallel()
	c := evaluatedBoris(t, borisScan, borisEvaluation)
	before := goalState(t, c.stored, "d1")
	other := func(doc, _ map[string]any) {
		doc["bronsysteem"] = map[string]any{"ura": "90000003", "naam": "Andere Kinderthuiszorg", "applicatie": "ecd"}
		doc["kind"] = map[string]any{"bsn": "999912148", "lokaalId": "X-1"}
	}
	for _, file := range []string{borisScan, borisEvaluation} {
		mine, theirs := c.current("Provenance/"+provenanceOf(file)), c.store(planEdited(t, file, other))
		for _, m := range theirs.Resources {
			for n := range mine.All("target", "reference") {
				if n.Text() == m.Resource.Ref().String() {
					t.Errorf("%s: another source writes %s", file, n.Text())
				}
			}
		}
	}
	if got := goalState(t, c.stored, "d1"); got != before {
		t.Errorf("the goal was %s, is %s", before, got)
	}
}

// provenanceOf returns the id of the Provenance of version 1 of a sample of Boris.
func provenanceOf(file string) string {
	return map[string]string{
		borisScan: mapping.ID(scanAnchor + "/1"), borisEvaluation: mapping.ID(evaluationOf("ev-1001") + "/1"),
	}[file]
}
