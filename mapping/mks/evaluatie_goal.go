package mks

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	goalpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/goal_go_proto"

	"github.com/drieluik/drieluik/fhir"
)

// What becomes of a Goal follows from all finished evaluations of its plan together: the latest by day
// decides, in whatever order they arrive, and one that is withdrawn no longer counts.

// judged is what one evaluation says of a goal.
type judged struct {
	goal   string // value of the goal's identifier
	ref    fhir.Ref
	status string // doelstatus
	on     day
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
	on           day
	at           time.Time
}

// heldEvaluations returns the finished evaluations by this source of the child's plan.
func (m *mapper) heldEvaluations(plan string) ([]heldEvaluation, error) {
	if m.child.found == nil {
		return nil, nil
	}
	hits, err := m.known.Child(m.child.ref, "Encounter")
	if err != nil {
		return nil, fmt.Errorf("mks.heldEvaluations: %w", err)
	}
	var out []heldEvaluation
	for _, hit := range hits {
		n := found(hit)
		r := bronRecordOf(n)
		e := heldEvaluation{record: part(r, "recordId").Text(), on: day(n.At("period", "start").Text())}
		e.path = "Encounter/" + m.head.source() + "/evaluatie/" + e.record
		if n.Member("status").Text() != "finished" || idOf(e.path) != hit.Resource.ID() ||
			planRecord(extension(n, "betreft-plan").Text()) != plan {
			continue
		}
		if at, err := time.Parse(time.RFC3339Nano, part(r, "vastgelegdOp").Text()); err == nil {
			e.at = at
		}
		out = append(out, e)
	}
	return out, nil
}

// judgements returns what the evaluations say of a goal of a plan.
func (m *mapper) judgements(plan, goal string, evaluations []heldEvaluation) ([]judged, error) {
	id := m.goalID(plan, goal).Value
	var out []judged
	for _, e := range evaluations {
		taken := map[string]bool{}
		for {
			ref := fhir.Ref{Type: "Observation", ID: idOf(e.path + "/" + goalPart(goal, taken))}
			hit, err := m.known.Read(ref)
			if err != nil {
				return nil, fmt.Errorf("mks.judgements: %w", err)
			}
			if hit == nil {
				break
			}
			if n := found(hit); !void(n) && isJudgement(n, id) {
				out = append(out, judged{goal: id, ref: ref, status: codeIn(n, "valueCodeableConcept", "doelstatus"), on: e.on, at: e.at, record: e.record})
			}
		}
	}
	return out, nil
}

// isJudgement reports whether an Observation is what an evaluation said of a goal.
func isJudgement(n fhir.Node, goal string) bool {
	return codeIn(n, "code", "mks-observatie") == "doel-evaluatie" && n.At("focus", "identifier", "value").Text() == goal
}

// inTime sorts what evaluations said, the latest last. Nothing of it depends on the order of arrival.
func inTime(all []judged) {
	slices.SortStableFunc(all, func(a, b judged) int {
		return cmp.Or(cmp.Compare(a.on, b.on), a.at.Compare(b.at), cmp.Compare(a.record, b.record))
	})
}

// writeAchievements updates the goals that this evaluation is about, and those that an earlier version
// of it was about. A draft changes nothing.
func (w *evaluationWriter) writeAchievements() error {
	if w.draft || w.child.found == nil {
		return nil
	}
	old, err := w.known.Read(w.encounter)
	if err != nil {
		return fmt.Errorf("mks.writeAchievements: %w", err)
	}
	plans := []string{w.plan}
	if before := planRecord(extension(found(old), "betreft-plan").Text()); before != "" && before != w.plan {
		plans = append(plans, before)
	}
	for _, plan := range plans {
		if err := w.judgeGoals(plan); err != nil {
			return err
		}
	}
	return nil
}

// judgeGoals updates the stored goals of one plan where the evaluations say something new.
func (w *evaluationWriter) judgeGoals(plan string) error {
	evaluations, err := w.heldEvaluations(plan)
	if err != nil {
		return err
	}
	evaluations = slices.DeleteFunc(evaluations, func(e heldEvaluation) bool { return e.record == w.head.recordID })
	goals, err := w.storedGoals(plan)
	if err != nil {
		return err
	}
	for _, goal := range goals {
		all, err := w.judgements(plan, goal, evaluations)
		if err != nil {
			return err
		}
		for _, j := range w.judged {
			if w.head.status == "definitief" && j.goal == w.goalID(plan, goal).Value {
				j.record = w.head.recordID
				all = append(all, j)
			}
		}
		inTime(all)
		if err := w.judgeGoal(plan, goal, all); err != nil {
			return err
		}
	}
	return nil
}

// storedGoals returns the ids of the goals of a plan of which a Goal is stored, sorted.
func (m *mapper) storedGoals(plan string) ([]string, error) {
	hits, err := m.known.Child(m.child.ref, "Goal")
	if err != nil {
		return nil, fmt.Errorf("mks.storedGoals: %w", err)
	}
	named := map[string]bool{}
	for _, hit := range hits {
		for id := range found(hit).All("identifier") {
			record, goal, _ := strings.Cut(id.Member("value").Text(), "#")
			if id.Member("system").Text() == m.head.base()+"/doel" && record == plan {
				named[goal] = true
			}
		}
	}
	return sortedKeys(named), nil
}

// judgeGoal edits the Goal that stands for a goal.
func (w *evaluationWriter) judgeGoal(plan, goal string, all []judged) error {
	ref, n, err := w.goalRef(plan, goal)
	if err != nil || ref.IsZero() || void(n) {
		return err
	}
	s, err := w.standing(n, w.goalID(plan, goal).Value)
	if err != nil {
		return err
	}
	inForce, err := w.inForce(plan, ref)
	if err != nil {
		return err
	}
	edits := s.edits(n, all, inForce)
	if len(edits) == 0 {
		return nil
	}
	return w.addEdited(n.Resource(), edits...)
}

// goalStanding is what a stored Goal says besides what evaluations say.
type goalStanding struct {
	outcomes []string     // JSON of outcomes that are no evaluations
	days     map[day]bool // of evaluations among the outcomes
}

// standing reads the outcomes of a Goal.
func (m *mapper) standing(n fhir.Node, goal string) (goalStanding, error) {
	s := goalStanding{days: map[day]bool{}}
	for r := range n.All("outcomeReference") {
		hit, err := m.known.Read(refOf(r.Member("reference").Text()))
		if err != nil {
			return s, fmt.Errorf("mks.standing: %w", err)
		}
		if o := found(hit); isJudgement(o, goal) {
			s.days[day(o.Member("effectiveDateTime").Text())] = true
			continue
		}
		s.outcomes = append(s.outcomes, compact(r))
	}
	return s, nil
}

// inForce reports whether a plan that is not a draft still has the Goal.
func (m *mapper) inForce(plan string, goal fhir.Ref) (bool, error) {
	hit, err := m.known.Read(fhir.Ref{Type: "CarePlan", ID: idOf("CarePlan/" + m.head.source() + "/zorgplan/" + plan)})
	if err != nil {
		return false, fmt.Errorf("mks.inForce: %w", err)
	}
	n := found(hit)
	if !contains([]string{"active", "completed"}, n.Member("status").Text()) {
		return false, nil
	}
	for r := range n.All("goal", "reference") {
		if r.Text() == goal.String() {
			return true, nil
		}
	}
	return false, nil
}

// edits returns what the evaluations, the latest last, change of a Goal. What somebody else said of it
// later stands.
func (s goalStanding) edits(n fhir.Node, all []judged, inForce bool) []fhir.Edit {
	var out []fhir.Edit
	put := func(member, json string) {
		if n.Member(member).Exists() && compact(n.Member(member)) == json || !n.Member(member).Exists() && json == "" {
			return
		}
		out = append(out, fhir.Edit{Path: []string{member}, JSON: json})
	}
	outcomes := slices.Clone(s.outcomes)
	for _, j := range all {
		outcomes = append(outcomes, fmt.Sprintf(`{"reference":%q}`, j.ref))
	}
	list := ""
	if len(outcomes) > 0 {
		list = "[" + strings.Join(outcomes, ",") + "]"
	}
	put("outcomeReference", list)
	before, since := n.At("achievementStatus", "coding", "code").Text(), day(n.Member("statusDate").Text())
	foreign := before != "" && !s.days[since]
	code := ""
	switch {
	case len(all) > 0 && !(foreign && since.after(all[len(all)-1].on)):
		latest := all[len(all)-1]
		code = achievements[latest.status]
		put("achievementStatus", fmt.Sprintf(`{"coding":[{"system":%q,"code":%q}]}`, achievementSystem, code))
		put("statusDate", strconv.Quote(string(latest.on)))
	case len(all) == 0 && !foreign:
		put("achievementStatus", "")
		put("statusDate", "")
	default:
		return out
	}
	stored := n.Member("lifecycleStatus").Text()
	switch ended := endedBy[code]; {
	case inForce && ended != "":
		put("lifecycleStatus", strconv.Quote(ended))
	case inForce && before != "" && endedBy[before] == stored:
		put("lifecycleStatus", `"active"`)
	}
	return out
}

// keepJudgements puts on a Goal of a new plan version what evaluations said of the goal, also of one
// that comes after them. What somebody else said on a later day stands. A draft beside a plan in force
// says nothing of it.
func (w *planWriter) keepJudgements(g *goalpb.Goal, goal string, since day) error {
	if w.draft {
		ref, _, err := w.goalRef(w.head.recordID, goal)
		if err != nil || !ref.IsZero() && ref.ID != w.part(goal) {
			return err
		}
	}
	all, err := w.judgements(w.head.recordID, goal, w.evaluations)
	if err != nil || len(all) == 0 {
		return err
	}
	inTime(all)
	latest := all[len(all)-1]
	if since.after(latest.on) {
		return nil
	}
	code := achievements[latest.status]
	g.AchievementStatus, g.StatusDate = concept(coding(achievementSystem, code, "")), pday(latest.on)
	if w.active {
		g.LifecycleStatus = enum(&goalpb.Goal_LifecycleStatusCode{}, orElse(endedBy[code], w.status.goal))
	}
	for _, j := range all {
		named := slices.ContainsFunc(g.OutcomeReference, func(r *dpb.Reference) bool { return r.GetUri().GetValue() == j.ref.String() })
		if !named {
			g.OutcomeReference = append(g.OutcomeReference, literal(j.ref))
		}
	}
	return nil
}
