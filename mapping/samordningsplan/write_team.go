package samordningsplan

import (
	ctpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/care_team_go_proto"
	gpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/goal_go_proto"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping/element"
	"github.com/drieluik/drieluik/mapping/form"
)

// teamCategory is the LOINC answer of a team that coordinates care over time.
const teamCategory = "LA28865-6"

// lifetime is the time of the plan: from its start to the day on which it ended, else is to end.
func (m *mapper) lifetime() *dpb.Period {
	validity := m.root.At("giltighet")
	end := m.root.At("avslut").At("datum").Day()
	if end == "" {
		end = validity.At("slut").Day()
	}
	return span(validity.At("start").Day(), end)
}

// writeTeam adds the CareTeam: coordinator, persons in charge, aktörer that are not excluded, företrädare.
func (m *mapper) writeTeam() {
	t := &ctpb.CareTeam{
		Status:   element.Enum(&ctpb.CareTeam_StatusCode{}, teamStatus[m.status()]),
		Category: []*dpb.CodeableConcept{element.Concept(element.Coding("http://loinc.org", teamCategory, "Longitudinal care-coordination focused care team"))},
		Name:     element.String(m.root.At("titel").Str()), Subject: m.subject(), Period: m.lifetime(),
	}
	if v := m.coordinator(); v.Present() {
		lead := member(v.Name(), m.ref("PractitionerRole", v.Name()), period(v))
		lead.Extension = element.Some(m.choice(v))
		t.Participant = append(t.Participant, lead)
	}
	for _, v := range m.root.At("ansvarig").Items() {
		if v.At("accepterad").Yes() {
			t.Participant = append(t.Participant, member("barnetsbasta-ansvarig", m.ref("PractitionerRole", v.At("id").Str()), period(v)))
		}
	}
	for _, v := range m.root.At("aktorer").Items() {
		if id := v.At("id").Str(); !m.leftOut[id] {
			t.Participant = append(t.Participant, member("aktor", m.orgs[id].ref, m.lifetime()))
		}
	}
	for _, v := range m.root.At("foretradare").Items() {
		x := member("foretradare", m.ref("RelatedPerson", v.At("id").Str()), nil)
		x.Extension = element.Some(element.OwnExtension("attends", element.Bool(v.At("deltar").To(m.teamRef().String()+".participant.extension").Yes())))
		t.Participant = append(t.Participant, x)
	}
	m.add(t, "team", m.union...)
}

func period(v form.Value) *dpb.Period { return span(v.At("fran").Day(), v.At("till").Day()) }

func member(role string, who fhir.Ref, during *dpb.Period) *ctpb.CareTeam_Participant {
	return &ctpb.CareTeam_Participant{
		Role: []*dpb.CodeableConcept{element.OwnConcept("se-roll", role)}, Member: element.Literal(who), Period: during,
	}
}

// choice is how a samordnare was chosen; a samverkansansvarig is not chosen.
func (m *mapper) choice(v form.Value) *dpb.Extension {
	if m.child() {
		return nil
	}
	on := m.teamRef().String() + ".participant.extension"
	return element.OwnComplex("coordinator-choice", element.Extension("chosenBy", element.CodeValue(v.At("valdAv").To(on).Str())),
		element.Extension("wishMet", element.Bool(v.At("onskemalTillgodosett").To(on).Yes())),
		element.Extension("reason", element.String(v.At("skal").To(on).Str())))
}

// writeGoals adds a Goal for each mål.
func (m *mapper) writeGoals() {
	for _, v := range m.root.At("mal").Items() {
		key := v.At("id").Str()
		on := m.ref("Goal", key).String()
		came := v.At("uppfyllelse").To(on + ".achievementStatus").Str()
		v.At("id").To(on + ".identifier")
		target := &gpb.Goal_Target{
			Measure: element.TextConcept(v.At("utvarderingskriterium").To(on + ".target.measure.text").Str()),
			Due:     element.Choice(&gpb.Goal_Target_DueX{}, element.Date(v.At("malDatum").To(on+".target.dueDate").Day())),
		}
		m.add(&gpb.Goal{
			Extension:       element.Some(element.OwnExtension("goal-rank", element.Positive(v.At("prioritet").To(on+".extension", on+".priority").Whole()))),
			LifecycleStatus: element.Enum(&gpb.Goal_LifecycleStatusCode{}, m.lifecycle(came)),
			Priority:        element.Concept(element.Coding(goalPriority, m.priority(v), "")),
			Description:     element.TextConcept(v.At("text").To(on + ".description.text").Str()),
			Subject:         m.subject(),
			Start:           element.Choice(&gpb.Goal_StartX{}, element.Date(m.root.At("giltighet").At("start").Day())),
			Target:          []*gpb.Goal_Target{target}, ExpressedBy: m.expressedBy(v, on),
			AchievementStatus: element.Concept(element.Coding(goalAchievement, achievement[came], ""), element.OwnCoding("se-uppfyllelse", came)),
		}, key, m.goalDomains(key)...)
	}
}

// expressedBy is who put a goal into words.
func (m *mapper) expressedBy(v form.Value, on string) *dpb.Reference {
	who := v.At("formuleratAvRef").To(on + ".expressedBy")
	switch by := v.At("formuleratAv").To(on + ".expressedBy").Str(); by {
	case "enskild":
		return m.subject()
	case byGuardian:
		return m.to(who)
	default:
		return element.Display(by)
	}
}

// lifecycles are Goal.lifecycleStatus by the status of a plan that has ended, then by what came of the
// goal. Read only.
var (
	lifecycles = map[string]string{ended: "completed", broken: "cancelled", cancelled: "entered-in-error"}
	outcome    = map[string]string{"uppnatt": "completed", "upphort": "cancelled"}
)

func (m *mapper) lifecycle(came string) string {
	switch {
	case lifecycles[m.status()] != "":
		return lifecycles[m.status()]
	case outcome[came] != "":
		return outcome[came]
	case m.is(draft, called):
		return "proposed"
	}
	return "active"
}

// priority is high for the first goal of a plan; of a child's plan for the one that matters most now.
func (m *mapper) priority(v form.Value) string {
	rank := v.At("prioritet").Whole()
	first := rank == 1
	if now := m.root.At("viktigastNu"); m.child() {
		if first = v.At("id").Str() == now.Str(); first {
			now.To(m.ref("Goal", now.Str()).String() + ".priority")
		}
	}
	switch {
	case first:
		return "high-priority"
	case rank > 2:
		return "low-priority"
	}
	return "medium-priority"
}

// goalDomains are those of whoever answers for the measures that serve the goal, without any as the plan.
func (m *mapper) goalDomains(goal string) []string {
	if of := m.serving[goal]; of != nil {
		return ordered(of)
	}
	return m.union
}
