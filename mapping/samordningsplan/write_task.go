package samordningsplan

import (
	tpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/task_go_proto"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"

	"github.com/drieluik/drieluik/mapping/element"
	"github.com/drieluik/drieluik/mapping/form"
)

// task is a Task about the plan, the i-th of its list.
func (m *mapper) task(i int, code, status, intent string) *tpb.Task {
	return &tpb.Task{
		Extension: element.Some(index(i)),
		Status:    element.Enum(&tpb.Task_StatusCode{}, status), Intent: element.Enum(&tpb.Task_IntentCode{}, intent),
		Code: element.OwnConcept("se-task", code), Focus: element.Literal(m.planRef()), ForValue: m.subject(),
	}
}

// writeFollowUps adds a Task for each uppföljning, with what came of the goals.
func (m *mapper) writeFollowUps() {
	for i, v := range m.root.At("uppfoljningar").Items() {
		key := v.At("id").Str()
		v.To(m.ref("Task", key).String())
		t := m.task(i, v.At("typ").Str(), m.followUpStatus(v), "plan")
		booked := "ej-bokad"
		if v.At("bokad").Yes() {
			booked = "bokad"
		}
		t.BusinessStatus = element.OwnConcept("se-task-status", booked)
		if who := m.coordinator(); who.Present() {
			t.Owner = element.Literal(m.ref("PractitionerRole", who.Name()))
		}
		t.Restriction = &tpb.Task_Restriction{Period: &dpb.Period{End: element.DateTime(v.At("datum").Day())}}
		for _, o := range v.At("utfall").Items() {
			t.Output = append(t.Output, &tpb.Task_Output{
				Extension: element.Some(element.OwnExtension("comment", element.String(o.At("kommentar").Str()))),
				Type:      element.OwnConcept("se-uppfyllelse", o.At("uppfyllelse").Str()),
				Value:     element.Choice(&tpb.Task_Output_ValueX{}, m.to(o.At("mal"))),
			})
		}
		m.add(t, key, m.mainDomain()...)
	}
}

// mainDomain is that of the aktör behind CarePlan.author.
func (m *mapper) mainDomain() []string { return []string{m.domain(m.mainActor())} }

func (m *mapper) followUpStatus(v form.Value) string {
	switch {
	case m.is(cancelled):
		return "entered-in-error"
	case v.At("utfall").Present():
		return "completed"
	case v.At("bokad").Yes():
		return "accepted"
	}
	return "requested"
}

// writeHandovers adds a Task for each person in charge: that it took the charge, or is asked to.
func (m *mapper) writeHandovers() {
	for i, v := range m.root.At("ansvarig").Items() {
		key := "overlamning-" + v.At("id").Str()
		on := m.ref("Task", key).String()
		status, business := "requested", "begard"
		if v.At("accepterad").To(on + ".businessStatus").Yes() {
			status, business = "completed", "accepterad"
		}
		t := m.task(i, "overlamning", status, "plan")
		t.BusinessStatus = element.OwnConcept("se-task-status", business)
		t.Owner = element.Literal(m.ref("PractitionerRole", v.At("id").Str()))
		t.AuthoredOn = element.DateTime(v.At("fran").Day())
		m.add(t, key, m.domain(v.At("aktor").Str()))
	}
}

// writeSignals adds a Task for each signal about a child.
func (m *mapper) writeSignals() {
	for i, v := range m.root.At("signaler").Items() {
		key := v.At("id").Str()
		v.To(m.ref("Task", key).String())
		t := m.task(i, "signal", "completed", "proposal")
		t.AuthoredOn, t.Requester = element.DateTime(v.At("datum").Day()), m.to(v.At("fran"))
		t.ReasonCode, t.Description = element.OwnConcept("hjulsegment", v.At("omrade").Str()), element.String(v.At("text").Str())
		m.add(t, key, m.domain(v.At("fran").Str()))
	}
}
