package netwerk

import (
	"strings"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	cppb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/care_plan_go_proto"
	tkpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/task_go_proto"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping/element"
	"github.com/drieluik/drieluik/mapping/form"
)

// state is a row of the state table: what the resources of an agreement say by its status.
type state struct{ plan, intent, detail, task string }

var stateRows = map[string]state{
	"voorgesteld":  {"draft", "proposal", "not-started", "requested"},
	"geaccepteerd": {"active", "plan", "scheduled", "accepted"},
	"geweigerd":    {"revoked", "proposal", "cancelled", "rejected"},
	"loopt":        {"active", "plan", "in-progress", "in-progress"},
	"gestopt":      {"completed", "plan", "stopped", "cancelled"},
}

// writeAgreement writes the plan of an agreement, and its task.
func (m *mapper) writeAgreement(i int, a form.Value) error {
	key := a.At("id").Str()
	plan := fhir.Ref{Type: "CarePlan", ID: m.id("CarePlan", key)}
	row := stateRows[a.At("status").Str()]
	out := &cppb.CarePlan{
		Identifier: []*dpb.Identifier{m.called(a.At("id").To(path(plan, "identifier[0].value")).Str())},
		Status:     element.Enum(&cppb.CarePlan_StatusCode{}, row.plan),
		Intent:     element.Enum(&cppb.CarePlan_IntentCode{}, row.intent),
		Category:   []*dpb.CodeableConcept{element.Concept(element.Coding(snomed, "243114000", ""))},
		Subject:    element.Literal(m.patient),
		Period: element.Period(a.At("start").To(path(plan, "period.start")).Day(),
			a.At("evaluatie").To(path(plan, "period.end")).Day()),
		CareTeam: element.Literals(m.team),
		Activity: []*cppb.CarePlan_Activity{{Detail: m.detail(a, plan, row)}},
	}
	if err := m.add(out, plan, element.Meta{Profiles: profile("HelpFromOthers"), Tags: social()}); err != nil {
		return err
	}
	return m.writeTask(i, a, plan, row)
}

// Codes of SNOMED CT for help by a person, and by an organisation.
const (
	helpByPerson       = "386229000"
	helpByOrganisation = "60689008"
)

// detail is what is agreed.
func (m *mapper) detail(a form.Value, plan fhir.Ref, row state) *cppb.CarePlan_Activity_Detail {
	on := path(plan, "activity[0].detail")
	how := helpByPerson
	if isOrganisation(m.members[a.At("wie").Str()]) {
		how = helpByOrganisation
	}
	f := a.At("frequentie").To(extensionAt(on, "netwerk-frequentie"), on+".scheduledString")
	parts := append(dayParts(f), element.Extension("tijd", element.Time(f.At("tijd").Str())), element.Extension("per", element.CodeValue(f.At("per").Str())))
	return &cppb.CarePlan_Activity_Detail{
		Extension: element.Some(
			element.OwnComplex("netwerk-frequentie", parts...),
			element.OwnExtension("netwerk-aanbod", element.CodeValue(a.At("soort").To(extensionAt(on, "netwerk-aanbod")).Str())),
			element.OwnExtension("netwerk-reserve", m.literal(a.At("reserve").To(extensionAt(on, "netwerk-reserve"))))),
		Code:   element.Concept(element.Coding(snomed, how, "")),
		Status: element.Enum(&cppb.CarePlan_Activity_Detail_StatusCode{}, row.detail),
		Scheduled: &cppb.CarePlan_Activity_Detail_ScheduledX{Choice: &cppb.CarePlan_Activity_Detail_ScheduledX_StringValue{
			StringValue: element.String(schedule(f))}},
		Performer:   element.Some(m.literal(a.At("wie").To(on + ".performer[0]"))),
		Description: element.String(a.At("wat").To(on + ".description").Str()),
	}
}

// Words of a schedule.
var (
	perWords = map[string]string{"": "elke", "week": "elke", "twee-weken": "om de week", "maand": "maandelijks"}
	dayWords = map[string]string{
		"mon": "maandag", "tue": "dinsdag", "wed": "woensdag", "thu": "donderdag", "fri": "vrijdag", "sat": "zaterdag", "sun": "zondag",
	}
)

// schedule says in words when an agreement is.
func schedule(f form.Value) string {
	var names []string
	for _, day := range f.At("dagen").Strs() {
		names = append(names, dayWords[day])
	}
	out := perWords[f.At("per").Str()] + " " + strings.Join(names, ", ")
	if at := f.At("tijd").Str(); at != "" {
		out += " " + at
	}
	return out
}

// writeTask writes the task of an agreement. It waits while the helper has withdrawn.
func (m *mapper) writeTask(i int, a form.Value, plan fhir.Ref, row state) error {
	key := a.At("id").Str()
	ref := fhir.Ref{Type: "Task", ID: m.id("Task", key)}
	status, intent := row.task, "plan"
	switch who := m.members[a.At("wie").Str()]; a.At("status").To(path(ref, "businessStatus")).Str() {
	case "voorgesteld":
		intent = "proposal"
	case "geaccepteerd", "loopt":
		if m.withdrawn(who) {
			status = "on-hold"
		}
	}
	out := &tkpb.Task{
		Extension:      m.taskExtensions(i, a, ref),
		Identifier:     []*dpb.Identifier{m.called("taak-" + key)},
		BasedOn:        element.Literals(plan),
		Status:         element.Enum(&tkpb.Task_StatusCode{}, status),
		StatusReason:   element.TextConcept(a.At("reden").To(path(ref, "statusReason.text")).Str()),
		BusinessStatus: element.OwnConcept("netwerk-afspraak", a.At("status").Str()),
		Intent:         element.Enum(&tkpb.Task_IntentCode{}, intent),
		Code:           element.OwnConcept("netwerk-taak", "hulp"),
		Description:    element.String(a.At("wat").Str()),
		ForValue:       element.Literal(m.patient),
		ReasonCode:     element.TextConcept(a.At("doel").To(path(ref, "reasonCode.text")).Str()),
		Owner:          m.literal(a.At("wie")),
		Restriction:    &tkpb.Task_Restriction{Period: element.Period(a.At("start").Day(), a.At("evaluatie").Day())},
	}
	return m.add(out, ref, element.Meta{Tags: social()})
}

func (m *mapper) taskExtensions(i int, a form.Value, ref fhir.Ref) []*dpb.Extension {
	on := ref.String()
	p, b := a.At("voorbereiding"), a.At("beslisser")
	out := []*dpb.Extension{element.OwnExtension("source-index", element.Unsigned(int64(i)))}
	if p.Present() {
		p.To(extensionAt(on, "voorbereiding"))
		out = append(out, element.OwnComplex("voorbereiding", element.Extension("tekst", element.String(p.At("tekst").Str())),
			element.Extension("datum", element.Date(p.At("datum").Day())), element.Extension("door", m.literal(p.At("door")))))
	}
	if b.Present() {
		b.To(extensionAt(on, "beslisser"))
		out = append(out, element.OwnComplex("beslisser", element.Extension("naam", element.String(b.At("naam").Str())),
			element.Extension("rol", element.CodeValue(b.At("rol").Str())), element.Extension("organisatie", element.String(b.At("organisatie").Str()))))
	}
	return element.Some(append(out, element.OwnExtension("instructie-door", m.literal(a.At("instructieDoor").To(extensionAt(on, "instructie-door")))))...)
}
