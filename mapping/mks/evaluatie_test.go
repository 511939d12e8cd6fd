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

const (
	borisEvaluation = "boris/09-evaluatie-ouders.json"
	borisTeamTalk   = "boris/10-evaluatie-client-bespreking.json"
	sanneEvaluation = "sanne/05-evaluatie-ouders.json"
	daanEvaluation  = "daan/06-evaluatie-afsluitend.json"
)

// evaluationOf returns the ids that an evaluation of Boris gives its parts.
func evaluationOf(record string) string { return "Encounter/90000001/ecd/evaluatie/" + record }

// evaluatedBoris stores Boris with the plan that is evaluated.
func evaluatedBoris(t *testing.T, more ...string) planCase {
	t.Helper()
	return planOf(t, append([]string{"boris/01-kind.json", boris2}, more...)...)
}

func TestEvaluationsAreAsReviewed(t *testing.T) {
	golden(t, "evaluatie-boris-ouders.golden", evaluatedBoris(t).store(sample(t, borisEvaluation)))
	golden(t, "evaluatie-boris-bespreking.golden", evaluatedBoris(t).store(sample(t, borisTeamTalk)))
	golden(t, "evaluatie-sanne.golden", planOf(t, "sanne/01-kind.json", sanne2).store(sample(t, sanneEvaluation)))
	golden(t, "evaluatie-daan.golden", planOf(t, "daan/01-kind.json", daan6).store(sample(t, daanEvaluation)))
}

// fullEvaluation is an evaluation of Boris with every member.
func fullEvaluation(t *testing.T) []byte {
	t.Helper()
	return planEdited(t, borisEvaluation, func(_, in map[string]any) {
		in["deelnemers"] = []any{"med-01", "bet-01", "bet-02", "kind"}
		in["ouderGeinformeerdDoor"] = map[string]any{"door": "med-02", "op": "2026-08-01", "wie": []any{"bet-02", "bet-01"}}
		in["perDoel"] = []any{
			map[string]any{"doel": "d2", "status": "behaald"},
			map[string]any{"doel": "d1", "status": "niet behaald", "toelichting": "groeit nog niet"},
		}
	})
}

func TestEvaluationsKeepWhatWePublish(t *testing.T) {
	t.Parallel()
	plan := evaluatedBoris(t)
	for name, c := range map[string]struct {
		stored planCase
		text   []byte
	}{
		"boris": {plan, sample(t, borisEvaluation)}, "a team talk": {plan, sample(t, borisTeamTalk)},
		"every member": {plan, fullEvaluation(t)}, "before the child": {planOf(t), fullEvaluation(t)},
		"before the plan": {homeChild(t), fullEvaluation(t)},
		"a draft":         {plan, evaluationVersion(t, 1, "concept", nil)},
		"withdrawn":       {evaluatedBoris(t, borisEvaluation), evaluationVersion(t, 2, "ingetrokken", nil)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, r, issues := submit(t, c.stored.stored, c.text)
			if fhir.HasErrors(issues) {
				t.Fatal(told(issues))
			}
			checkPublished(t, r)
			checkSound(t, r)
		})
	}
}

func TestEvaluationIsReadFromItsElements(t *testing.T) {
	t.Parallel()
	r := evaluatedBoris(t).store(fullEvaluation(t))
	e := anchorOf(t, r)
	for at, want := range map[string][]string{
		"type.coding.code": {"evaluatie-ouders"}, "period.start": {"2026-08-01"}, "period.end": {"2026-08-01"}, "class.code": {"VR"},
		"extension('" + structure + "betreft-plan').value": {"zp-1001/2"}, "extension('" + structure + "afname-wijze').value": {"telefonisch"},
		"extension('" + structure + "evaluatie-besluit').value": {"bijstellen"}, "extension('" + structure + "leidt-tot-versie').value": {"3"},
		"extension('" + structure + "deelnemer-kind').value": {"true"},
		"participant.individual.identifier.value":            {"med-01", "bet-01", "bet-02"},
	} {
		if d := cmp.Diff(want, evaluated(t, e, at)); d != "" {
			t.Errorf("%s (-want +got):\n%s", at, d)
		}
	}
	if got := planTags(e); got != nil {
		t.Errorf("the meeting itself is tagged %v", got)
	}
	told := planResource(t, r, "Communication", "ouders-geinformeerd", "category", "coding", "code")
	want := list("2026-08-01", "med-02", "bet-02", "bet-01", "[sociaal]")
	got := append(texts(told, "sent"), texts(told, "sender", "identifier", "value")...)
	got = append(got, append(texts(told, "recipient", "identifier", "value"), fmt.Sprint(planTags(told)))...)
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("who was told (-want +got):\n%s", d)
	}
}

func TestWhatIsSaidOfAGoalIsProtectedAsTheGoal(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		stored []string
		want   map[string]string
	}{
		"plan stored": {[]string{boris2}, map[string]string{
			"zp-1001#d1": "[medisch] literal", "zp-1001#d2": "[sociaal ontwikkeling] literal", "": "[sociaal] none"}},
		"plan unknown": {nil, map[string]string{
			"zp-1001#d1": "[medisch veiligheid sociaal ontwikkeling] logical",
			"zp-1001#d2": "[medisch veiligheid sociaal ontwikkeling] logical", "": "[sociaal] none"}},
	} {
		c := planOf(t, append([]string{"boris/01-kind.json"}, row.stored...)...)
		got := map[string]string{}
		for _, m := range c.store(fullEvaluation(t)).Resources {
			n := m.Resource.Root()
			if m.Resource.Type() != "Observation" {
				continue
			}
			kind := "none"
			if focus := n.Member("focus"); focus.Exists() {
				kind = "logical"
				if ref := n.At("focus", "reference"); ref.Exists() && slices.Equal(planTags(c.current(ref.Text())), planTags(n)) {
					kind = "literal"
				}
			}
			got[n.At("focus", "identifier", "value").Text()] = fmt.Sprint(planTags(n), " ", kind)
		}
		if d := cmp.Diff(row.want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}

func TestEvaluationKeepsWhatFHIRCannotSay(t *testing.T) {
	t.Parallel()
	c := evaluatedBoris(t)
	for name, row := range map[string]struct {
		people []any
		want   []string
	}{
		"the child is last":      {[]any{"med-01", "bet-01", "kind"}, nil},
		"the child is not last":  {[]any{"med-01", "kind", "bet-01"}, list(`/inhoud/deelnemers ["med-01","kind","bet-01"]`)},
		"the child is twice":     {[]any{"bet-01", "kind", "med-01", "kind"}, list(`/inhoud/deelnemers ["bet-01","kind","med-01","kind"]`)},
		"somebody else is twice": {[]any{"bet-01", "med-01", "bet-01"}, nil},
	} {
		text := planEdited(t, borisEvaluation, func(_, in map[string]any) { in["deelnemers"] = row.people })
		_, r, issues := submit(t, c.stored, text)
		if fhir.HasErrors(issues) {
			t.Fatal(told(issues))
		}
		if d := cmp.Diff(row.want, keptMembers(t, r)); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}

func TestPartsOfAnEvaluationHaveTheirOwnIDs(t *testing.T) {
	t.Parallel()
	r := homeChild(t).store(planEdited(t, borisEvaluation, func(_, in map[string]any) {
		var all []any
		for _, goal := range list("gezinservaring", "d1", "d1/2", "d1", "ouders", "1") {
			all = append(all, map[string]any{"doel": goal, "status": "behaald"})
		}
		in["perDoel"] = all
	}))
	checkSound(t, r)
	if got := counts(r)["Observation"]; got != 7 {
		t.Errorf("%d observations, want 7", got)
	}
	family := fhir.Ref{Type: "Observation", ID: mapping.ID(evaluationOf("ev-1001") + "/gezinservaring")}
	for _, m := range r.Resources {
		if m.Resource.Ref() == family && !strings.HasPrefix(m.Resource.Root().Member("valueString").Text(), "fijn dat") {
			t.Error("a goal took the place of what the family says")
		}
	}
}
