package samordningsplan

import (
	"strings"
	"time"

	apb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/appointment_go_proto"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"

	"github.com/drieluik/drieluik/mapping/element"
	"github.com/drieluik/drieluik/mapping/form"
)

// meetingName is the description of every meeting.
const meetingName = "SIP-möte"

// writeMeetings adds an Appointment for each kallelse (samordningsplan.md 8).
func (m *mapper) writeMeetings() {
	for i, v := range m.root.At("kallelse").Items() {
		key := v.At("id").Str()
		v.To(m.ref("Appointment", key).String())
		start := element.InstantOf(v.At("motestid").Str())
		end := &dpb.Instant{Timezone: start.GetTimezone(), Precision: start.GetPrecision(),
			ValueUs: start.GetValueUs() + (time.Duration(v.At("langdMin").Whole()) * time.Minute).Microseconds()}
		a := &apb.Appointment{
			Extension:             element.Some(index(i)),
			ServiceCategory:       []*dpb.CodeableConcept{element.OwnConcept("se-motesform", v.At("form").Str())},
			ServiceType:           []*dpb.CodeableConcept{element.OwnConcept("se-mote", "sip-mote")},
			Description:           element.String(meetingName),
			SupportingInformation: element.Literals(m.planRef()),
			Start:                 start, End: end, MinutesDuration: element.Positive(v.At("langdMin").Whole()),
			Created: element.DateTime(v.At("skickad").Day()), Comment: element.String(strings.Join(v.At("fragor").Strs(), "\n")),
			Participant: m.participants(v),
		}
		a.Status = element.Enum(&apb.Appointment_StatusCode{}, m.meetingStatus(v))
		m.add(a, key, m.domain(v.At("av").Str()))
	}
}

// meetingStatus is booked when every required participant has answered.
func (m *mapper) meetingStatus(v form.Value) string {
	if over := map[string]string{broken: "cancelled", cancelled: "entered-in-error"}[m.status()]; over != "" {
		return over
	}
	for _, to := range v.At("till").Items() {
		if to.At("typ").Str() == "kallelse" && to.At("svar").Str() == "ej-svar" {
			return "pending"
		}
	}
	return "booked"
}

// participants are who calls, who is called or invited, and the place.
func (m *mapper) participants(v form.Value) []*apb.Appointment_Participant {
	out := []*apb.Appointment_Participant{participant("kallande", m.service(v.At("av")), "required", "accepted")}
	for _, to := range v.At("till").Items() {
		kind, required := to.At("typ").Str(), "optional"
		if kind == "kallelse" {
			required = "required"
		}
		out = append(out, participant(kind, m.invited(to), required, answers[to.At("svar").Str()]))
	}
	if place := v.At("plats"); place.Present() {
		out = append(out, participant("plats", element.Display(place.Str()), "information-only", "accepted"))
	}
	return out
}

// invited is whoever a call goes to: the service of an aktör, a företrädare, or the person.
func (m *mapper) invited(to form.Value) *dpb.Reference {
	switch {
	case to.At("aktor").Present():
		return m.service(to.At("aktor"))
	case to.At("foretradare").Present():
		return m.to(to.At("foretradare"))
	}
	return m.subject()
}

func (m *mapper) service(actor form.Value) *dpb.Reference {
	return element.Literal(m.ref("HealthcareService", actor.Str()))
}

func participant(kind string, who *dpb.Reference, required, status string) *apb.Appointment_Participant {
	return &apb.Appointment_Participant{
		Type: []*dpb.CodeableConcept{element.OwnConcept("se-kallelse", kind)}, Actor: who,
		Required: element.Enum(&apb.Appointment_Participant_RequiredCode{}, required),
		Status:   element.Enum(&apb.Appointment_Participant_StatusCode{}, status),
	}
}
