package plan

import (
	"strconv"
	"time"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	appointpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/appointment_go_proto"
	carepb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/care_plan_go_proto"
	flagpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/flag_go_proto"
	provpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/provenance_go_proto"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping/element"
	"github.com/drieluik/drieluik/mapping/form"
	"github.com/drieluik/drieluik/mapping/mks/tofhir"
)

// evaluation is an evaluation that the plan prescribes, as an activity of the master plan.
func (w *planWriter) evaluation(r form.Value, on string) *carepb.CarePlan_Activity {
	repeat := &dpb.Timing_Repeat{
		Frequency:  element.Positive(r.At("perJaar").To(on + ".scheduledTiming.repeat.frequency").Whole()),
		Period:     element.Decimal("1"),
		PeriodUnit: element.Enum(&dpb.Timing_Repeat_PeriodUnitCode{}, "a"),
	}
	if next := r.At("volgende"); next.Present() {
		bounds := element.Period(next.To(on+".scheduledTiming.repeat.boundsPeriod.start").Day(), "")
		repeat.Bounds = &dpb.Timing_Repeat_BoundsX{Choice: &dpb.Timing_Repeat_BoundsX_Period{Period: bounds}}
	}
	d := &carepb.CarePlan_Activity_Detail{
		Kind:      element.Enum(&carepb.CarePlan_Activity_Detail_KindCode{}, "Appointment"),
		Code:      tofhir.ListConcept("evaluatie-soort", r.At("soort").To(on+".code").Str()),
		Status:    w.activityStatus(),
		Scheduled: timing(repeat),
	}
	if v := r.At("wijze"); v.Present() {
		d.Extension = append(d.Extension, element.OwnExtension("afname-wijze", element.CodeValue(v.To(on+".extension('"+element.StructureDefinition("afname-wijze")+"')").Str())))
	}
	for _, v := range r.At("deelnemers").Items() {
		d.Extension = append(d.Extension, element.OwnExtension("deelnemer-rol", element.CodeValue(v.To(on+".extension('"+element.StructureDefinition("deelnemer-rol")+"')").Str())))
	}
	return &carepb.CarePlan_Activity{Detail: d}
}

// writeAppointments adds a proposed Appointment for each evaluation with a next date. A draft asks
// nobody to come.
func (w *planWriter) writeAppointments() error {
	if !w.active || w.closed {
		return nil
	}
	seen := map[string]int{}
	for _, r := range w.in.At("evaluatieplan").Items() {
		next := r.At("volgende")
		if !next.Present() {
			continue
		}
		ref := w.partRef("Appointment", tofhir.Numbered(seen, r.At("soort").Str()))
		made, err := w.keepAppointment(ref, next.To(ref.String()+".requestedPeriod").Day())
		if err != nil {
			return err
		}
		if !made {
			w.Add(w.appointment(r, ref.String()), tofhir.About{ID: ref.ID})
		}
	}
	return nil
}

// appointment is the Appointment that an evaluation asks for.
func (w *planWriter) appointment(r form.Value, on string) *appointpb.Appointment {
	day := r.At("volgende").Day()
	a := &appointpb.Appointment{
		Status:                element.Enum(&appointpb.Appointment_StatusCode{}, "proposed"),
		ServiceType:           []*dpb.CodeableConcept{tofhir.ListConcept("evaluatie-soort", r.At("soort").To(on+".serviceType").Str())},
		SupportingInformation: []*dpb.Reference{element.Literal(w.master)},
		RequestedPeriod:       []*dpb.Period{element.Period(day, day)},
		Participant:           []*appointpb.Appointment_Participant{participant(nil, w.PatientRef())},
	}
	for _, role := range r.At("deelnemers").Items() {
		c := tofhir.ListConcept("teamrol", role.To(on+".participant.type").Str())
		a.Participant = append(a.Participant, participant(c, nil))
	}
	return a
}

// keepAppointment keeps an appointment for the same day that somebody has taken further than
// proposed, such as booked: the new version of the plan changes nothing about it.
func (w *planWriter) keepAppointment(ref fhir.Ref, on form.Day) (bool, error) {
	hit, err := w.Known.Read(ref)
	if err != nil || hit == nil {
		return false, err
	}
	n := tofhir.Found(hit)
	switch n.Member("status").Text() {
	case "proposed", "cancelled", "entered-in-error":
		return false, nil
	}
	if form.Day(n.At("requestedPeriod", "start").Text()) != on {
		return false, nil
	}
	source := strconv.Quote(w.Head.MetaSource())
	return true, w.AddEdited(hit.Resource, fhir.Edit{Path: []string{"meta", "source"}, JSON: source})
}

func participant(role *dpb.CodeableConcept, actor *dpb.Reference) *appointpb.Appointment_Participant {
	return &appointpb.Appointment_Participant{
		Type: element.Some(role), Actor: actor,
		Status: element.Enum(&appointpb.Appointment_Participant_StatusCode{}, "needs-action"),
	}
}

// writeDayProgramme adds the dagprogramma, one activity per line.
func (w *planWriter) writeDayProgramme() {
	lines := w.in.At("dagprogramma")
	if !lines.Present() {
		return
	}
	ref := w.partRef("CarePlan", "dagprogramma")
	p := w.partOf(w.carePlan(tofhir.ListConcept("mks-categorie", "dagprogramma")))
	p.Period = element.Period(w.in.At("ingangsdatum").Day(), w.in.At("einddatum").Day())
	for i, v := range lines.Items() {
		on := ref.String() + ".activity[" + strconv.Itoa(i) + "].detail"
		repeat := &dpb.Timing_Repeat{
			TimeOfDay:    []*dpb.Time{element.Time(v.At("van").To(on + ".scheduledTiming.repeat.timeOfDay").Str())},
			Duration:     element.Decimal(minutesBetween(v.At("van").Str(), v.At("tot").To(on+".scheduledTiming.repeat.duration").Str())),
			DurationUnit: element.Enum(&dpb.Timing_Repeat_DurationUnitCode{}, "min"),
		}
		p.Activity = append(p.Activity, &carepb.CarePlan_Activity{Detail: &carepb.CarePlan_Activity_Detail{
			Status: w.activityStatus(), Scheduled: timing(repeat),
			Description: element.String(v.At("tekst").To(on + ".description").Str()),
		}})
	}
	w.Add(p, tofhir.About{ID: ref.ID, Domains: []string{"ontwikkeling"}})
}

// minutesBetween returns the minutes from one time of the day to the next other one, which may lie
// behind midnight.
func minutesBetween(from, to string) string {
	a, errA := time.Parse("15:04", from)
	b, errB := time.Parse("15:04", to)
	if errA != nil || errB != nil {
		return ""
	}
	if !b.After(a) {
		b = b.Add(24 * time.Hour)
	}
	return strconv.Itoa(int(b.Sub(a).Minutes()))
}

// writeEmergencyPlan adds the noodplan, readable in an emergency, and the Flag that points it out.
func (w *planWriter) writeEmergencyPlan() {
	v := w.in.At("noodplan")
	if !v.Present() {
		return
	}
	plan, flag := w.partRef("CarePlan", "noodplan"), w.partRef("Flag", "noodplan")
	on := plan.String() + ".activity[0].detail"
	action := v.At("actie").To(on+".description", flag.String()+".code.text").Str()
	p := w.partOf(w.carePlan(element.Concept(element.Coding(element.CodeSystem("plan-soort"), "noodplan", ""), tofhir.ListCoding("mks-categorie", "noodplan"))))
	p.Period = element.Period(w.in.At("ingangsdatum").Day(), w.in.At("einddatum").Day())
	p.Activity = []*carepb.CarePlan_Activity{{Detail: &carepb.CarePlan_Activity_Detail{
		ReasonCode:  []*dpb.CodeableConcept{element.TextConcept(v.At("signalen").To(on + ".reasonCode.text").Str())},
		Description: element.String(action),
		Status:      w.activityStatus(),
		Extension: []*dpb.Extension{element.OwnExtension("noodtelefoon",
			element.String(v.At("telefoon").To(on+".extension('"+element.StructureDefinition("noodtelefoon")+"')").Str()))},
	}}}
	w.Add(p, tofhir.About{ID: plan.ID, Domains: []string{"veiligheid"}})
	w.Add(&flagpb.Flag{
		Status:  element.Enum(&flagpb.Flag_StatusCode{}, w.status.Flag),
		Code:    element.TextConcept(action, element.Coding(tofhir.NullFlavor, "OTH", "")),
		Subject: w.PatientRef(),
		Period:  element.Period(w.in.At("ingangsdatum").Day(), w.in.At("einddatum").Day()),
	}, tofhir.About{ID: flag.ID, Profiles: []string{tofhir.NlCore("Alert")}, Domains: []string{"veiligheid"}})
}

// writeSignatures adds a Provenance for each signature (mks.md 3.5).
func (w *planWriter) writeSignatures() {
	seen := map[string]int{}
	var last time.Time
	for _, v := range w.in.At("handtekeningen").Items() {
		if at := v.At("op").Instant(); at.After(last) {
			last = at
		} else { // the way back orders signatures by their time
			w.Keep(w.in.At("handtekeningen"))
		}
		name := "handtekening/" + strconv.FormatInt(v.At("versie").Whole(), 10) + "/" + v.At("door").Str()
		ref := w.partRef("Provenance", tofhir.Numbered(seen, name))
		on := ref.String()
		at := v.At("op").To(on+".recorded", on+".signature.when").Str()
		who := v.At("door").To(on+".signature.who", on+".agent.who")
		p := &provpb.Provenance{
			Target:   []*dpb.Reference{element.Literal(w.master)},
			Recorded: element.InstantOf(at),
			Activity: element.Concept(element.Coding("http://terminology.hl7.org/CodeSystem/v3-DocumentCompletion", "LA", "")),
			Agent:    []*provpb.Provenance_Agent{tofhir.Agent("attester", w.Ref(who), nil)},
			Signature: []*dpb.Signature{{
				Type: []*dpb.Coding{element.Coding("urn:iso-astm:E1762-95:2013", "1.2.840.10065.1.12.1.7", "")},
				When: element.InstantOf(at), Who: w.Ref(who),
			}},
		}
		element.AddExtension(p,
			element.OwnExtension("versie", element.Positive(v.At("versie").To(on+".extension('"+element.StructureDefinition("versie")+"')").Whole())),
			element.OwnExtension("handtekening-wijze", element.CodeValue(v.At("wijze").To(on+".extension('"+element.StructureDefinition("handtekening-wijze")+"')").Str())))
		w.Add(p, tofhir.About{ID: ref.ID})
	}
}
