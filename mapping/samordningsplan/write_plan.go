package samordningsplan

import (
	cpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/care_plan_go_proto"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping/element"
	"github.com/drieluik/drieluik/mapping/form"
)

// writePlan adds the CarePlan.
func (m *mapper) writePlan() {
	on, validity := m.planRef().String(), m.root.At("giltighet")
	of := func(name, to string) form.Value { return m.root.At(name).To(on + "." + to) }
	m.root.At("kallsystemHsaId").To(on+".identifier.system", on+".meta.source")
	r := &cpb.CarePlan{
		Extension:   m.planExtensions(on),
		Identifier:  element.Some(element.Identifier(m.endpointOf(), of("dokumentId", "identifier.value").Str())),
		Status:      element.Enum(&cpb.CarePlan_StatusCode{}, planStatus[of("status", "status").Str()]),
		Intent:      element.Enum(&cpb.CarePlan_IntentCode{}, "plan"),
		Category:    []*dpb.CodeableConcept{planType(of("planTyp", "category").Str())},
		Title:       element.String(of("titel", "title").Str()),
		Description: element.String(of("vadArViktigt", "description").Str()),
		Subject:     m.subject(),
		Period:      m.during(validity.At("start").To(on+".period.start"), validity.At("slut").To(on+".period.end")),
		Created:     element.DateTime(m.root.At("initiativ").At("datum").Day()),
		Author:      element.Literal(m.orgs[m.mainActor()].ref), Contributor: m.contributors(),
		CareTeam: element.Literals(m.teamRef()),
	}
	for _, goal := range m.root.At("mal").Items() {
		r.Goal = append(r.Goal, m.to(goal.At("id")))
	}
	for _, act := range m.root.At("insatser").Items() {
		r.Activity = append(r.Activity, m.activity(act, on+".activity"))
	}
	for i, old := range m.root.At("befintligaPlaner").Items() {
		if x := m.existing(i, old.To(on)); old.At("anvandsSom").Str() == takesOver {
			r.Replaces = append(r.Replaces, x)
		} else {
			r.SupportingInfo = append(r.SupportingInfo, x)
		}
	}
	meta := element.Meta{Source: m.endpointOf(), Tags: tags(m.union)}
	of("godkandForPatient", "meta.security")
	m.put(r, m.planRef(), meta)
}

func planType(code string) *dpb.CodeableConcept {
	if ownTypes.Has(code) {
		return element.OwnConcept("se-plantyp", code)
	}
	return element.Concept(element.Coding(ineraPlanTypes, code, ""))
}

// contributors are the other aktörer that no exception leaves out.
func (m *mapper) contributors() []*dpb.Reference {
	var out []*dpb.Reference
	for _, v := range m.root.At("aktorer").Items() {
		if id := v.At("id").Str(); id != m.mainActor() && !m.leftOut[id] {
			out = append(out, element.Literal(m.orgs[id].ref))
		}
	}
	return out
}

func (m *mapper) planExtensions(on string) []*dpb.Extension {
	on += ".extension"
	of := func(name string) form.Value { return m.root.At(name).To(on) }
	out := []*dpb.Extension{
		element.OwnExtension("plan-state", element.CodeValue(of("status").Str())),
		element.OwnExtension("source-version", element.Positive(of("version").Whole())),
		element.OwnExtension("plan-evaluation-date", element.Date(m.root.At("giltighet").At("utvardering").To(on).Day())),
		element.OwnExtension("responsible-principal", element.CodeValue(of("huvudansvarigHuvudman").Str())),
	}
	for _, v := range m.root.At("aktorer").Items() {
		out = append(out, m.planActor(v, on))
	}
	for _, v := range of("delgiven").Items() {
		out = append(out, element.OwnComplex("copy-given", element.Extension("to", m.to(v.At("till"))), element.Extension("date", element.Date(v.At("datum").Day()))))
	}
	attends := m.root.At("person").At("deltar").To(on)
	return element.Some(append(out, element.OwnExtension("person-attends", element.Bool(attends.Yes())))...)
}

// planActor is what the document says of an aktör besides its Organization.
func (m *mapper) planActor(v form.Value, on string) *dpb.Extension {
	id, contact, phone := v.At("id").To(on).Str(), v.At("kontakt").To(on).Str(), v.At("telefon").To(on).Str()
	var reached *dpb.ContactDetail
	if contact != "" || phone != "" {
		reached = &dpb.ContactDetail{Name: element.String(contact), Telecom: element.Some(element.Contact("phone", phone))}
	}
	return element.OwnComplex("plan-actor",
		element.Extension("id", element.String(id)), element.Extension("actor", element.Literal(m.orgs[id].ref)),
		element.Extension("authority", element.Bool(v.At("myndighet").To(on).Yes())), element.Extension("contact", reached))
}

// existing is the logical reference to a plan that was there before.
func (m *mapper) existing(i int, v form.Value) *dpb.Reference {
	id := &dpb.Identifier{Value: element.String(v.At("id").Str())}
	if source := v.At("kallsystemHsaId"); source.Present() {
		id.System = element.URI(endpoint + source.Str())
	}
	var named *dpb.Extension
	if v.At("samordnareNamngiven").Present() {
		named = element.Extension("coordinatorNamed", element.Bool(v.At("samordnareNamngiven").Yes()))
	}
	out := &dpb.Reference{
		Type: element.URI("CarePlan"), Identifier: id,
		Extension: element.Some(element.OwnComplex("existing-plan", element.Extension("index", element.Unsigned(int64(i))),
			element.Extension("type", element.CodeValue(v.At("typ").Str())), element.Extension("actor", m.to(v.At("aktor"))),
			element.Extension("use", element.CodeValue(v.At("anvandsSom").Str())), named)),
	}
	if old, stored := m.before[v.At("id").Str()]; stored && m.sameSource(v) && v.At("anvandsSom").Str() == takesOver {
		out.Reference = element.Literal(old).Reference
	}
	return out
}

// sameSource reports whether a plan that was there before is of the system that this one comes from.
func (m *mapper) sameSource(v form.Value) bool {
	return v.At("kallsystemHsaId").Present() && v.At("kallsystemHsaId").Str() == m.root.At("kallsystemHsaId").Str()
}

// findBefore looks up the plans that this one takes over, of the same person, system and holder. Such a plan is not
// changed; that this one refers to it tells the rules of coordination that the two are one.
func (m *mapper) findBefore() error {
	m.before = map[string]fhir.Ref{}
	for _, v := range m.root.At("befintligaPlaner").Items() {
		if v.At("anvandsSom").Str() != takesOver || !m.sameSource(v) {
			continue
		}
		hits, err := m.known.Identified("CarePlan", fhir.Identifier{System: m.endpointOf(), Value: v.At("id").Str()})
		if err != nil {
			return err
		}
		for _, hit := range hits {
			of := hit.Resource.Root().At("subject", "reference").Text()
			if of == m.patient.String() && hit.Custodian.Current() == m.sender && hit.Resource.Ref() != m.planRef() {
				m.before[v.At("id").Str()] = hit.Resource.Ref()
			}
		}
	}
	return nil
}

// activity is an insats.
func (m *mapper) activity(v form.Value, on string) *cpb.CarePlan_Activity {
	on += ".where(id='" + v.At("id").Str() + "')"
	v.To(on)
	by := v.At("ansvarigAktor")
	d := &cpb.CarePlan_Activity_Detail{
		Extension: m.activityExtensions(v),
		Code:      element.OwnConcept("insats", v.At("insatsKod").Str()),
		Status:    element.Enum(&cpb.CarePlan_Activity_Detail_StatusCode{}, actStatus[v.At("status").Str()]),
		Scheduled: scheduled(v), Performer: element.Some(m.to(by)),
		Description: element.String(v.At("text").Str()),
	}
	for _, need := range v.At("behov").Strs() {
		d.ReasonCode = append(d.ReasonCode, element.OwnConcept("behov", need))
	}
	for _, goal := range v.At("mal").Items() {
		d.Goal = append(d.Goal, m.to(goal))
	}
	if v.At("avstaFran").Present() {
		d.DoNotPerform = element.Bool(v.At("avstaFran").Yes())
	}
	if who := v.At("utforare").Str(); who != "" && len(d.Performer) > 0 {
		d.Performer[0].Display = element.String(who)
	}
	if w, waits := m.waits[v.At("id").Str()]; waits {
		d.StatusReason = element.TextConcept(w.at.At("skal").Str())
	}
	return &cpb.CarePlan_Activity{Id: element.String(v.At("id").Str()), Detail: d}
}

func (m *mapper) activityExtensions(v form.Value) []*dpb.Extension {
	var out []*dpb.Extension
	if minutes := v.At("tidPerVeckaMin"); minutes.Present() {
		out = append(out, element.OwnExtension("weekly-burden-minutes", element.Integer(minutes.Whole())))
	}
	if other := v.At("annanAnHuvudman"); other.Present() {
		out = append(out, element.OwnExtension("other-than-principal", element.Bool(other.Yes())))
	}
	if w, waits := m.waits[v.At("id").Str()]; waits {
		v := w.at.To(m.planRef().String() + ".activity.detail.extension")
		out = append(out, element.OwnComplex("on-hold", element.Extension("until", element.Date(v.At("tillDatum").Day())),
			element.Extension("reason", element.String(v.At("skal").Str())), element.Extension("index", element.Unsigned(int64(w.index)))))
	}
	return element.Some(out...)
}

// scheduled is when a measure is carried out: with its frequency as text, or a period alone.
func scheduled(v form.Value) *cpb.CarePlan_Activity_Detail_ScheduledX {
	during := element.Period(v.At("start").Day(), v.At("slut").Day())
	often := element.TextConcept(v.At("frekvens").Str())
	if often == nil {
		return element.Choice(&cpb.CarePlan_Activity_Detail_ScheduledX{}, during)
	}
	repeat := &dpb.Timing_Repeat{Bounds: element.Choice(&dpb.Timing_Repeat_BoundsX{}, during)}
	return element.Choice(&cpb.CarePlan_Activity_Detail_ScheduledX{}, &dpb.Timing{Repeat: repeat, Code: often})
}
