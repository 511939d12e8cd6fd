package plan

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
	"github.com/drieluik/drieluik/mapping/form"
	"github.com/drieluik/drieluik/mapping/mks/record"
	"github.com/drieluik/drieluik/mapping/mks/tofhir"
)

// judged is what one evaluation says of a goal. What becomes of a Goal follows from all finished
// evaluations of its plan together: the latest by day decides, in whatever order they arrive, and one that
// is withdrawn no longer counts.
type judged struct {
	goal   string // value of the goal's identifier
	ref    fhir.Ref
	status string // doelstatus
	on     form.Day
	at     time.Time // vastgelegdOp: decides between two of one day
	record string
}

// achievements are the goal-achievement codes of a doelstatus (mks.md 3.6); endedBy says which end the
// goal. Read only.
var achievements = map[string]string{
	"behaald": "achieved", "deels behaald": "in-progress", "niet behaald": "not-achieved", "vervallen": "not-attainable",
}

const achievementSystem = "http://terminology.hl7.org/CodeSystem/goal-achievement"

// heldEvaluation is a stored evaluation that counts.
type heldEvaluation struct {
	path, record string
	on           form.Day
	at           time.Time
}

// heldEvaluations returns the finished evaluations by this source of the child's plan.
func heldEvaluations(m *tofhir.Mapper, plan string) ([]heldEvaluation, error) {
	if m.Child.Found == nil {
		return nil, nil
	}
	hits, err := m.Known.Child(m.Child.Ref, "Encounter")
	if err != nil {
		return nil, fmt.Errorf("mks.heldEvaluations: %w", err)
	}
	var out []heldEvaluation
	for _, hit := range hits {
		n := tofhir.Found(hit)
		r := BronRecordOf(n)
		e := heldEvaluation{record: tofhir.Part(r, "recordId").Text(), on: form.Day(n.At("period", "start").Text())}
		e.path = "Encounter/" + m.Head.Source() + "/evaluatie/" + e.record
		if n.Member("status").Text() != "finished" || mapping.ID(e.path) != hit.Resource.ID() ||
			record.PlanRecord(tofhir.Extension(n, "betreft-plan").Text()) != plan {
			continue
		}
		if at, err := time.Parse(time.RFC3339Nano, tofhir.Part(r, "vastgelegdOp").Text()); err == nil {
			e.at = at
		}
		out = append(out, e)
	}
	return out, nil
}

// judgements returns what the evaluations say of a goal of a plan.
func judgements(m *tofhir.Mapper, plan, goal string, evaluations []heldEvaluation) ([]judged, error) {
	id := goalID(m, plan, goal).Value
	var out []judged
	for _, e := range evaluations {
		taken := map[string]bool{}
		for {
			ref := fhir.Ref{Type: "Observation", ID: mapping.ID(e.path + "/" + goalPart(goal, taken))}
			hit, err := m.Known.Read(ref)
			if err != nil {
				return nil, fmt.Errorf("mks.judgements: %w", err)
			}
			if hit == nil {
				break
			}
			n := tofhir.Found(hit)
			status := tofhir.CodeIn(n, "valueCodeableConcept", "doelstatus")
			if !tofhir.Void(n) && isJudgement(n, id) && achievements[status] != "" {
				out = append(out, judged{goal: id, ref: ref, status: status, on: e.on, at: e.at, record: e.record})
			}
		}
	}
	return out, nil
}

// isJudgement reports whether an Observation is what an evaluation said of a goal.
func isJudgement(n fhir.Node, goal string) bool {
	return tofhir.CodeIn(n, "code", "mks-observatie") == "doel-evaluatie" && n.At("focus", "identifier", "value").Text() == goal
}

// inTime sorts what evaluations said, the latest last. Nothing of it depends on the order of arrival.
func inTime(all []judged) {
	slices.SortStableFunc(all, func(a, b judged) int {
		return cmp.Or(cmp.Compare(a.on, b.on), a.at.Compare(b.at), cmp.Compare(a.record, b.record))
	})
}
