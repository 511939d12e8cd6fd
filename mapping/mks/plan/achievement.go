package plan

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	goalpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/goal_go_proto"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
	"github.com/drieluik/drieluik/mapping/element"
	"github.com/drieluik/drieluik/mapping/form"
	"github.com/drieluik/drieluik/mapping/mks/record"
	"github.com/drieluik/drieluik/mapping/mks/tofhir"
)

// writeAchievements updates the goals that this evaluation is about, and those that an earlier version
// of it was about. A draft changes nothing.
func (w *evaluationWriter) writeAchievements() error {
	if w.Draft || w.Child.Found == nil {
		return nil
	}
	old, err := w.Known.Read(w.encounter)
	if err != nil {
		return fmt.Errorf("mks.writeAchievements: %w", err)
	}
	plans := []string{w.plan}
	if before := record.PlanRecord(tofhir.Extension(tofhir.Found(old), "betreft-plan").Text()); before != "" && before != w.plan {
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
	evaluations, err := heldEvaluations(w.Mapper, plan)
	if err != nil {
		return err
	}
	evaluations = slices.DeleteFunc(evaluations, func(e heldEvaluation) bool { return e.record == w.Head.RecordID })
	goals, err := storedGoals(w.Mapper, plan)
	if err != nil {
		return err
	}
	for _, goal := range goals {
		all, err := judgements(w.Mapper, plan, goal, evaluations)
		if err != nil {
			return err
		}
		for _, j := range w.judged {
			if w.Head.Status == "definitief" && j.goal == goalID(w.Mapper, plan, goal).Value {
				j.record = w.Head.RecordID
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
func storedGoals(m *tofhir.Mapper, plan string) ([]string, error) {
	hits, err := m.Known.Child(m.Child.Ref, "Goal")
	if err != nil {
		return nil, fmt.Errorf("mks.storedGoals: %w", err)
	}
	named := map[string]bool{}
	for _, hit := range hits {
		for id := range tofhir.Found(hit).All("identifier") {
			record, goal, _ := strings.Cut(id.Member("value").Text(), "#")
			if id.Member("system").Text() == m.Head.Base()+"/doel" && record == plan {
				named[goal] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(named)), nil
}

// judgeGoal edits the Goal that stands for a goal.
func (w *evaluationWriter) judgeGoal(plan, goal string, all []judged) error {
	ref, n, err := goalRef(w.Mapper, plan, goal)
	if err != nil || ref.IsZero() || tofhir.Void(n) {
		return err
	}
	s, err := standing(w.Mapper, n, goalID(w.Mapper, plan, goal).Value)
	if err != nil {
		return err
	}
	inForce, err := stillHas(w.Mapper, plan, ref)
	if err != nil {
		return err
	}
	edits := s.edits(n, all, inForce)
	if len(edits) == 0 {
		return nil
	}
	return w.AddEdited(n.Resource(), edits...)
}

// goalStanding is what a stored Goal says besides what evaluations say.
type goalStanding struct {
	outcomes []string          // JSON of outcomes that are no evaluations
	days     map[form.Day]bool // of evaluations among the outcomes
}

// standing reads the outcomes of a Goal.
func standing(m *tofhir.Mapper, n fhir.Node, goal string) (goalStanding, error) {
	s := goalStanding{days: map[form.Day]bool{}}
	for r := range n.All("outcomeReference") {
		hit, err := m.Known.Read(tofhir.RefOf(r.Member("reference").Text()))
		if err != nil {
			return s, fmt.Errorf("mks.standing: %w", err)
		}
		if o := tofhir.Found(hit); isJudgement(o, goal) {
			s.days[form.Day(o.Member("effectiveDateTime").Text())] = true
			continue
		}
		s.outcomes = append(s.outcomes, tofhir.Compact(r))
	}
	return s, nil
}

// stillHas reports whether a plan that is not a draft still has the Goal.
func stillHas(m *tofhir.Mapper, plan string, goal fhir.Ref) (bool, error) {
	hit, err := m.Known.Read(fhir.Ref{Type: "CarePlan", ID: mapping.ID("CarePlan/" + m.Head.Source() + "/zorgplan/" + plan)})
	if err != nil {
		return false, fmt.Errorf("mks.inForce: %w", err)
	}
	n := tofhir.Found(hit)
	if !slices.Contains([]string{"active", "completed"}, n.Member("status").Text()) {
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
	e := &goalEdits{n: n}
	e.put("outcomeReference", s.outcomeList(all))
	before, since := n.At("achievementStatus", "coding", "code").Text(), form.Day(n.Member("statusDate").Text())
	var latest judged
	if len(all) > 0 {
		latest = all[len(all)-1]
	}
	foreign := before != "" && !s.days[since]
	if foreign && (len(all) == 0 || since.After(latest.on)) {
		return e.out
	}
	code := achievements[latest.status]
	if code == "" {
		e.put("achievementStatus", "")
		e.put("statusDate", "")
	} else {
		e.put("achievementStatus", fmt.Sprintf(`{"coding":[{"system":%q,"code":%q}]}`, achievementSystem, code))
		e.put("statusDate", strconv.Quote(string(latest.on)))
	}
	switch ended := endedBy[code]; {
	case inForce && ended != "":
		e.put("lifecycleStatus", strconv.Quote(ended))
	case inForce && before != "" && endedBy[before] == n.Member("lifecycleStatus").Text():
		e.put("lifecycleStatus", `"active"`)
	}
	return e.out
}

// outcomeList returns the JSON of outcomeReference, "" for none.
func (s goalStanding) outcomeList(all []judged) string {
	outcomes := slices.Clone(s.outcomes)
	for _, j := range all {
		outcomes = append(outcomes, fmt.Sprintf(`{"reference":%q}`, j.ref))
	}
	if len(outcomes) == 0 {
		return ""
	}
	return "[" + strings.Join(outcomes, ",") + "]"
}

// goalEdits gathers what changes of a Goal.
type goalEdits struct {
	n   fhir.Node
	out []fhir.Edit
}

// put makes a member that JSON, or removes it for "", unless it is so already.
func (e *goalEdits) put(member, json string) {
	now := ""
	if n := e.n.Member(member); n.Exists() {
		now = tofhir.Compact(n)
	}
	if now != json {
		e.out = append(e.out, fhir.Edit{Path: []string{member}, JSON: json})
	}
}

// keepJudgements puts on a Goal of a new plan version what evaluations said of the goal, also of one
// that comes after them. What somebody else said on a later day stands. A draft beside a plan in force
// says nothing of it.
func (w *planWriter) keepJudgements(g *goalpb.Goal, goal string, since form.Day) error {
	if w.Draft {
		ref, _, err := goalRef(w.Mapper, w.Head.RecordID, goal)
		if err != nil || !ref.IsZero() && ref.ID != w.Part(goal) {
			return err
		}
	}
	all, err := judgements(w.Mapper, w.Head.RecordID, goal, w.evaluations)
	if err != nil || len(all) == 0 {
		return err
	}
	inTime(all)
	latest := all[len(all)-1]
	if since.After(latest.on) {
		return nil
	}
	code := achievements[latest.status]
	g.AchievementStatus, g.StatusDate = element.Concept(element.Coding(achievementSystem, code, "")), element.Date(latest.on)
	if w.active {
		g.LifecycleStatus = element.Enum(&goalpb.Goal_LifecycleStatusCode{}, cmp.Or(endedBy[code], w.status.goal))
	}
	for _, j := range all {
		named := slices.ContainsFunc(g.OutcomeReference, func(r *dpb.Reference) bool { return r.GetUri().GetValue() == j.ref.String() })
		if !named {
			g.OutcomeReference = append(g.OutcomeReference, element.Literal(j.ref))
		}
	}
	return nil
}
