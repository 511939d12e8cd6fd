package mks_test

import (
	"slices"
	"testing"

	"github.com/drieluik/drieluik/mapping"
)

func TestEvaluationComesBackWhateverItHolds(t *testing.T) {
	t.Parallel()
	before := beforeRecord(t)
	people := func(who ...any) func(map[string]any) { return func(in map[string]any) { in["deelnemers"] = who } }
	for name, text := range map[string][]byte{
		"every member":              fullEvaluation(t),
		"the child is not last":     evaluationVersion(t, 1, "definitief", people("med-01", "kind", "bet-01")),
		"the child is twice":        evaluationVersion(t, 1, "definitief", people("kind", "med-01", "bet-01", "kind")),
		"somebody is twice":         evaluationVersion(t, 1, "definitief", people("med-01", "bet-01", "med-01")),
		"a draft":                   evaluationVersion(t, 1, "concept", nil),
		"withdrawn":                 evaluationVersion(t, 2, "ingetrokken", nil),
		"a video call":              evaluationVersion(t, 1, "definitief", func(in map[string]any) { in["wijze"] = "video" }),
		"a plan without a version":  evaluationVersion(t, 1, "definitief", func(in map[string]any) { in["zorgplan"] = "zp#1" }),
		"an unknown and an empty":   evaluationVersion(t, 1, "definitief", func(in map[string]any) { in["x"], in["ouderGeinformeerdDoor"] = 1, map[string]any{} }),
		"no goals, nothing said":    evaluationVersion(t, 1, "definitief", func(in map[string]any) { delete(in, "perDoel"); delete(in, "gezinservaring") }),
		"a goal that is said twice": evaluationVersion(t, 1, "definitief", func(in map[string]any) { in["perDoel"] = slices.Repeat(in["perDoel"].([]any), 3) }),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for when, k := range before {
				t.Run(when, func(t *testing.T) { sentComesBack(t, k, text) })
			}
		})
	}
}

func TestNewVersionOfAnEvaluationComesBackAlone(t *testing.T) {
	t.Parallel()
	c := evaluatedBoris(t, borisEvaluation)
	sentComesBack(t, c.stored, evaluationVersion(t, 2, "definitief", func(in map[string]any) {
		in["perDoel"] = []any{map[string]any{"doel": "d2", "status": "vervallen"}}
		delete(in, "gezinservaring")
	}))
}

func TestLogicalReferencesOfAnEvaluationComeBackOnceTheyAreLiteral(t *testing.T) {
	t.Parallel()
	k := mapping.NewMemory()
	apply(t, k, fullEvaluation(t))
	store(t, k, "boris/01-kind.json")
	sent := document(t, fullEvaluation(t)).Root()
	sameDocument(t, sent, backOf(t, k.All(), sent))
}
