package mks

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
)

// evaluation is an evaluation that the plan prescribes, as an activity of the master plan.
func (w *planWriter) evaluation(r value, on string) *carepb.CarePlan_Activity {
	repeat := &dpb.Timing_Repeat{
		Frequency:  element.Positive(r.at("perJaar").to(on + ".scheduledTiming.repeat.frequency").whole()),
		Period:     element.Decimal("1"),
		PeriodUnit: element.Enum(&dpb.Timing_Repeat_PeriodUnitCode{}, "a"),
	}
	if next := r.at("volgende"); next.present() {
		bounds := element.Period(next.to(on+".scheduledTiming.repeat.boundsPeriod.start").day(), "")
		repeat.Bounds = &dpb.Timing_Repeat_BoundsX{Choice: &dpb.Timing_Repeat_BoundsX_Period{Period: bounds}}
	}
	d := &carepb.CarePlan_Activity_Detail{
		Kind:      element.Enum(&carepb.CarePlan_Activity_Detail_KindCode{}, "Appointment"),
		Code:      listConcept("evaluatie-soort", r.at("soort").to(on+".code").str()),
		Status:    w.activityStatus(),
		Scheduled: timing(repeat),
	}
	if v := r.at("wijze"); v.present() {
		d.Extension = append(d.Extension, element.OwnExtension("afname-wijze", element.CodeValue(v.to(on+".extension('"+element.StructureDefinition("afname-wijze")+"')").str())))
	}
	for _, v := range r.at("deelnemers").items() {
		d.Extension = append(d.Extension, element.OwnExtension("deelnemer-rol", element.CodeValue(v.to(on+".extension('"+element.StructureDefinition("deelnemer-rol")+"')").str())))
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
	for _, r := range w.in.at("evaluatieplan").items() {
		next := r.at("volgende")
		if !next.present() {
			continue
		}
		ref := w.partRef("Appointment", numbered(seen, r.at("soort").str()))
		made, err := w.keepAppointment(ref, next.to(ref.String()+".requestedPeriod").day())
		if err != nil {
			return err
		}
		if !made {
			w.add(w.appointment(r, ref.String()), about{id: ref.ID})
		}
	}
	return nil
}

// appointment is the Appointment that an evaluation asks for.
func (w *planWriter) appointment(r value, on string) *appointpb.Appointment {
	day := r.at("volgende").day()
	a := &appointpb.Appointment{
		Status:                element.Enum(&appointpb.Appointment_StatusCode{}, "proposed"),
		ServiceType:           []*dpb.CodeableConcept{listConcept("evaluatie-soort", r.at("soort").to(on+".serviceType").str())},
		SupportingInformation: []*dpb.Reference{element.Literal(w.master)},
		RequestedPeriod:       []*dpb.Period{element.Period(day, day)},
		Participant:           []*appointpb.Appointment_Participant{participant(nil, w.patientRef())},
	}
	for _, role := range r.at("deelnemers").items() {
		c := listConcept("teamrol", role.to(on+".participant.type").str())
		a.Participant = append(a.Participant, participant(c, nil))
	}
	return a
}

// keepAppointment keeps an appointment for the same day that somebody has taken further than
// proposed, such as booked: the new version of the plan changes nothing about it.
func (w *planWriter) keepAppointment(ref fhir.Ref, on day) (bool, error) {
	hit, err := w.known.Read(ref)
	if err != nil || hit == nil {
		return false, err
	}
	n := found(hit)
	switch n.Member("status").Text() {
	case "proposed", "cancelled", "entered-in-error":
		return false, nil
	}
	if day(n.At("requestedPeriod", "start").Text()) != on {
		return false, nil
	}
	source := strconv.Quote(w.head.metaSource())
	return true, w.addEdited(hit.Resource, fhir.Edit{Path: []string{"meta", "source"}, JSON: source})
}

// numbered returns name, and name/2, name/3 when it comes again: ids of parts are unique.
func numbered(seen map[string]int, name string) string {
	seen[name]++
	if seen[name] == 1 {
		return name
	}
	return name + "/" + strconv.Itoa(seen[name])
}

func participant(role *dpb.CodeableConcept, actor *dpb.Reference) *appointpb.Appointment_Participant {
	return &appointpb.Appointment_Participant{
		Type: element.Some(role), Actor: actor,
		Status: element.Enum(&appointpb.Appointment_Participant_StatusCode{}, "needs-action"),
	}
}

// writeDayProgramme adds the dagprogramma, one activity per line.
func (w *planWriter) writeDayProgramme() {
	lines := w.in.at("dagprogramma")
	if !lines.present() {
		return
	}
	ref := w.partRef("CarePlan", "dagprogramma")
	p := w.partOf(w.carePlan(listConcept("mks-categorie", "dagprogramma")))
	p.Period = element.Period(w.in.at("ingangsdatum").day(), w.in.at("einddatum").day())
	for i, v := range lines.items() {
		on := ref.String() + ".activity[" + strconv.Itoa(i) + "].detail"
		repeat := &dpb.Timing_Repeat{
			TimeOfDay:    []*dpb.Time{element.Time(v.at("van").to(on + ".scheduledTiming.repeat.timeOfDay").str())},
			Duration:     element.Decimal(minutesBetween(v.at("van").str(), v.at("tot").to(on+".scheduledTiming.repeat.duration").str())),
			DurationUnit: element.Enum(&dpb.Timing_Repeat_DurationUnitCode{}, "min"),
		}
		p.Activity = append(p.Activity, &carepb.CarePlan_Activity{Detail: &carepb.CarePlan_Activity_Detail{
			Status: w.activityStatus(), Scheduled: timing(repeat),
			Description: element.String(v.at("tekst").to(on + ".description").str()),
		}})
	}
	w.add(p, about{id: ref.ID, domains: []string{"ontwikkeling"}})
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
	v := w.in.at("noodplan")
	if !v.present() {
		return
	}
	plan, flag := w.partRef("CarePlan", "noodplan"), w.partRef("Flag", "noodplan")
	on := plan.String() + ".activity[0].detail"
	action := v.at("actie").to(on+".description", flag.String()+".code.text").str()
	p := w.partOf(w.carePlan(element.Concept(element.Coding(element.CodeSystem("plan-soort"), "noodplan", ""), listCoding("mks-categorie", "noodplan"))))
	p.Period = element.Period(w.in.at("ingangsdatum").day(), w.in.at("einddatum").day())
	p.Activity = []*carepb.CarePlan_Activity{{Detail: &carepb.CarePlan_Activity_Detail{
		ReasonCode:  []*dpb.CodeableConcept{element.TextConcept(v.at("signalen").to(on + ".reasonCode.text").str())},
		Description: element.String(action),
		Status:      w.activityStatus(),
		Extension: []*dpb.Extension{element.OwnExtension("noodtelefoon",
			element.String(v.at("telefoon").to(on+".extension('"+element.StructureDefinition("noodtelefoon")+"')").str()))},
	}}}
	w.add(p, about{id: plan.ID, domains: []string{"veiligheid"}})
	w.add(&flagpb.Flag{
		Status:  element.Enum(&flagpb.Flag_StatusCode{}, w.status.flag),
		Code:    element.TextConcept(action, element.Coding(nullFlavor, "OTH", "")),
		Subject: w.patientRef(),
		Period:  element.Period(w.in.at("ingangsdatum").day(), w.in.at("einddatum").day()),
	}, about{id: flag.ID, profiles: []string{nlCore("Alert")}, domains: []string{"veiligheid"}})
}

// writeSignatures adds a Provenance for each signature (mks.md 3.5).
func (w *planWriter) writeSignatures() {
	seen := map[string]int{}
	var last time.Time
	for _, v := range w.in.at("handtekeningen").items() {
		if at := v.at("op").instant(); at.After(last) {
			last = at
		} else { // the way back orders signatures by their time
			w.keep(w.in.at("handtekeningen"))
		}
		name := "handtekening/" + strconv.FormatInt(v.at("versie").whole(), 10) + "/" + v.at("door").str()
		ref := w.partRef("Provenance", numbered(seen, name))
		on := ref.String()
		at := v.at("op").to(on+".recorded", on+".signature.when").str()
		who := v.at("door").to(on+".signature.who", on+".agent.who")
		p := &provpb.Provenance{
			Target:   []*dpb.Reference{element.Literal(w.master)},
			Recorded: element.InstantOf(at),
			Activity: element.Concept(element.Coding("http://terminology.hl7.org/CodeSystem/v3-DocumentCompletion", "LA", "")),
			Agent:    []*provpb.Provenance_Agent{agent("attester", w.ref(who), nil)},
			Signature: []*dpb.Signature{{
				Type: []*dpb.Coding{element.Coding("urn:iso-astm:E1762-95:2013", "1.2.840.10065.1.12.1.7", "")},
				When: element.InstantOf(at), Who: w.ref(who),
			}},
		}
		element.AddExtension(p,
			element.OwnExtension("versie", element.Positive(v.at("versie").to(on+".extension('"+element.StructureDefinition("versie")+"')").whole())),
			element.OwnExtension("handtekening-wijze", element.CodeValue(v.at("wijze").to(on+".extension('"+element.StructureDefinition("handtekening-wijze")+"')").str())))
		w.add(p, about{id: ref.ID})
	}
}
