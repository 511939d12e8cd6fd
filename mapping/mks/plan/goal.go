package plan

import (
	"fmt"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	goalpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/goal_go_proto"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping/element"
	"github.com/drieluik/drieluik/mapping/form"
	"github.com/drieluik/drieluik/mapping/mks/tofhir"
)

// writeGoals adds a Goal for each of doelen.
func (w *planWriter) writeGoals() error {
	held, err := heldEvaluations(w.Mapper, w.Head.RecordID)
	if err != nil {
		return err
	}
	w.evaluations = held
	for _, v := range w.in.At("doelen").Items() {
		id := v.At("id").Str()
		ref := w.partRef("Goal", id)
		g, profiles := w.goal(v, ref.String())
		problem := w.problems[v.At("probleem").Str()]
		if v.At("probleem").Present() {
			v.At("probleem").To(ref.String() + ".addresses")
			g.Addresses = []*dpb.Reference{element.Literal(problem.ref)}
		}
		item := planItem{ref: ref, tags: domainTags(v.At("domein").Str(), problem.domain, problem.tags)}
		if err := w.keepAchievement(g, ref, id); err != nil {
			return err
		}
		w.goals[id] = item
		w.Add(g, tofhir.About{ID: ref.ID, Profiles: profiles, Domains: item.tags})
	}
	return nil
}

// goal returns the content of a Goal and the profiles that it claims.
func (w *planWriter) goal(v form.Value, on string) (*goalpb.Goal, []string) {
	g := &goalpb.Goal{
		Identifier:      []*dpb.Identifier{w.partID("doel", v.At("id").To(on+".identifier").Str())},
		LifecycleStatus: element.Enum(&goalpb.Goal_LifecycleStatusCode{}, w.status.goal),
		Description:     element.TextConcept(v.At("tekst").To(on + ".description.text").Str()),
		Subject:         w.PatientRef(),
	}
	if d := v.At("domein"); d.Present() {
		g.Category = []*dpb.CodeableConcept{w.domainConcept(d.To(on + ".category"))}
	}
	var profiles []string
	target := &goalpb.Goal_Target{}
	if name := v.At("statusNaam"); name.Present() {
		text := tofhir.Traced(name.At("tekst"), on+".target.measure.text").Str()
		target.Measure = element.TextConcept(text, w.Codings(name, on+".target.measure")...)
		if name.At("sct").Present() || name.At("omaha").Present() || name.At("noc").Present() || name.At("icf").Present() {
			profiles = []string{tofhir.NlCore("TreatmentObjective")}
		}
	}
	if due := v.At("streefdatum"); due.Present() {
		target.Due = &goalpb.Goal_Target_DueX{Choice: &goalpb.Goal_Target_DueX_Date{Date: element.Date(due.To(on + ".target.dueDate").Day())}}
	}
	if target.Measure != nil || target.Due != nil {
		g.Target = []*goalpb.Goal_Target{target}
	}
	for i, who := range v.At("opgesteldMet").Items() {
		r := w.Ref(who.To(on + ".extension('" + element.StructureDefinition("opgesteld-met") + "')"))
		element.AddExtension(g, element.OwnExtension("opgesteld-met", r))
		if i == 0 {
			who.To(on + ".expressedBy")
			g.ExpressedBy = w.Ref(who)
		}
	}
	return g, profiles
}

// keepAchievement keeps what was said of a goal that is stored under the same id, and what evaluations
// say of it: a new version of the plan does not undo them.
func (w *planWriter) keepAchievement(g *goalpb.Goal, ref fhir.Ref, goal string) error {
	hit, err := w.Known.Read(ref)
	if err != nil {
		return fmt.Errorf("mks.keepAchievement: %w", err)
	}
	n := tofhir.Found(hit)
	for c := range n.All("achievementStatus", "coding") {
		code := c.Member("code").Text()
		if g.AchievementStatus == nil {
			g.AchievementStatus = &dpb.CodeableConcept{}
		}
		g.AchievementStatus.Coding = append(g.AchievementStatus.Coding,
			element.Coding(c.Member("system").Text(), code, c.Member("display").Text()))
		if status, ok := endedBy[code]; ok && w.active && n.Member("lifecycleStatus").Text() == status {
			g.LifecycleStatus = element.Enum(&goalpb.Goal_LifecycleStatusCode{}, status)
		}
	}
	g.StatusDate = element.Date(form.Day(n.Member("statusDate").Text()))
	for r := range n.All("outcomeReference", "reference") {
		if to, ok := fhir.ParseRef(r.Text()); ok {
			g.OutcomeReference = append(g.OutcomeReference, element.Literal(to))
		}
	}
	return w.keepJudgements(g, goal, form.Day(n.Member("statusDate").Text()))
}

// endedBy says which achievement ends a goal, and with which lifecycleStatus (mks.md 3.6). Read only.
var endedBy = map[string]string{"achieved": "completed", "not-attainable": "cancelled"}
