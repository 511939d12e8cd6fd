package netwerk

import (
	"slices"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	cpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/consent_go_proto"
	obpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/observation_go_proto"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
	"github.com/drieluik/drieluik/mapping/element"
	"github.com/drieluik/drieluik/mapping/form"
)

// writeConsents writes what a member sees, who sees the member, and what the member carries.
func (m *mapper) writeConsents(l form.Value) error {
	if l.At("toestemming").Present() {
		if err := m.writeSees(l); err != nil {
			return err
		}
	}
	if l.At("zichtbaarVoor").Present() {
		if err := m.writeSeen(l); err != nil {
			return err
		}
	}
	if !l.At("belasting").Present() {
		return nil
	}
	return m.writeBurden(l)
}

// consent is what both kinds of Consent share.
func (m *mapper) consent(kind, rule, status string, at form.Day) *cpb.Consent {
	return &cpb.Consent{
		Status:   element.Enum(&cpb.Consent_StatusCode{}, status),
		Scope:    element.Concept(element.Coding(consentScope, "patient-privacy", "")),
		Category: []*dpb.CodeableConcept{element.OwnConcept("netwerk-toestemming", kind)},
		Patient:  element.Literal(m.patient),
		DateTime: element.DateTime(at),
		Policy:   nil, PolicyRule: element.TextConcept(rule),
	}
}

// writeSees writes what a member may see of the child. Without a code a provision would open everything.
func (m *mapper) writeSees(l form.Value) error {
	key, c := l.At("id").Str(), l.At("toestemming")
	ref := fhir.Ref{Type: "Consent", ID: m.id("Consent", key+"-ziet")}
	status := "active"
	switch may, _ := approachable(l); {
	case !may:
		status = "rejected"
	case m.withdrawn(l):
		status = "inactive"
	}
	c.At("benaderen").To(path(ref, "status"))
	out := m.consent("lid-ziet", "inzage voor een lid van het netwerk", status, c.At("datum").To(path(ref, "dateTime")).Day())
	out.Identifier = []*dpb.Identifier{m.called(key + "-ziet")}
	for i, g := range c.At("gegevenDoor").Items() {
		who, err := m.giver(g.To(path(ref, nth("performer", i))))
		if err != nil {
			return err
		}
		out.Performer = append(out.Performer, who)
	}
	var codes []*dpb.CodeableConcept
	for i, z := range c.At("ziet").Items() {
		codes = append(codes, element.OwnConcept("netwerk-inzage", z.To(path(ref, nth("provision.code", i))).Str()))
	}
	if codes == nil {
		codes = []*dpb.CodeableConcept{element.OwnConcept("netwerk-inzage", "geen")}
	}
	out.Provision = &cpb.Consent_Provision{
		Type:   element.Enum(&cpb.Consent_Provision_TypeCode{}, "permit"),
		Period: element.Period(c.At("datum").Day(), c.At("ingetrokken").To(path(ref, "provision.period.end")).Day()),
		Actor:  []*cpb.Consent_Provision_ProvisionActor{recipient(element.Literal(m.refTo(key)))},
		Code:   codes,
		Data:   []*cpb.Consent_Provision_ProvisionData{data("related", element.Literal(m.patient))},
	}
	return m.add(out, ref, element.Meta{Tags: social()})
}

// giver is who lets a member see. A guardian counts only where the child's file knows them by this number.
func (m *mapper) giver(g form.Value) (*dpb.Reference, error) {
	number := fhir.Identifier{System: bsnSystem, Value: g.At("bsn").Str()}
	out := &dpb.Reference{
		Type: element.URI("RelatedPerson"), Identifier: element.IdentifierOf(number), Display: element.String(g.At("naam").Str()),
	}
	if g.At("rol").Str() == "kind" {
		out.Type = element.URI("Patient")
		out.Reference = element.Literal(m.patient).GetReference()
		return out, nil
	}
	if number.Value == "" {
		return out, nil
	}
	hits, err := m.known.Identified("RelatedPerson", number)
	if err != nil {
		return nil, err
	}
	if i := slices.IndexFunc(hits, func(h *mapping.Found) bool {
		return h.Resource.Root().At("patient", "reference").Text() == m.patient.String()
	}); i >= 0 {
		out.Reference = element.Literal(hits[i].Resource.Ref()).GetReference()
	}
	return out, nil
}

// writeSeen writes who of the network sees the data of a member.
func (m *mapper) writeSeen(l form.Value) error {
	key := l.At("id").Str()
	ref, self := fhir.Ref{Type: "Consent", ID: m.id("Consent", key+"-zichtbaar")}, m.refTo(key)
	out := m.consent("lid-zichtbaar", "gegevens van een lid voor andere leden", "active", m.at("datum").Day())
	out.Identifier = []*dpb.Identifier{m.called(key + "-zichtbaar")}
	out.Performer = element.Literals(self)
	out.Provision = &cpb.Consent_Provision{
		Type: element.Enum(&cpb.Consent_Provision_TypeCode{}, "permit"),
		Data: []*cpb.Consent_Provision_ProvisionData{data("instance", element.Literal(self))},
	}
	for i, v := range l.At("zichtbaarVoor").Items() {
		out.Provision.Actor = append(out.Provision.Actor, recipient(m.literal(v.To(path(ref, nth("provision.actor", i))))))
	}
	return m.add(out, ref, element.Meta{Tags: social()})
}

func recipient(who *dpb.Reference) *cpb.Consent_Provision_ProvisionActor {
	return &cpb.Consent_Provision_ProvisionActor{Role: element.Concept(element.Coding(participation, "IRCP", "")), Reference: who}
}

func data(meaning string, of *dpb.Reference) *cpb.Consent_Provision_ProvisionData {
	return &cpb.Consent_Provision_ProvisionData{Meaning: element.Enum(&cpb.Consent_Provision_ProvisionData_MeaningCode{}, meaning), Reference: of}
}

// writeBurden writes what a member carries.
func (m *mapper) writeBurden(l form.Value) error {
	key := l.At("id").Str()
	ref := fhir.Ref{Type: "Observation", ID: m.id("Observation", key+"-belasting")}
	out := &obpb.Observation{
		Identifier: []*dpb.Identifier{m.called(key + "-belasting")},
		Status:     element.Enum(&obpb.Observation_StatusCode{}, "final"),
		Category:   []*dpb.CodeableConcept{element.Concept(element.Coding(obsCategory, "survey", ""))},
		Code:       element.OwnConcept("netwerk-meting", "belasting"),
		Subject:    element.Literal(m.patient),
		Focus:      element.Literals(m.refTo(key)),
		Effective:  &obpb.Observation_EffectiveX{Choice: &obpb.Observation_EffectiveX_DateTime{DateTime: element.DateTime(m.at("datum").Day())}},
		Value: &obpb.Observation_ValueX{Choice: &obpb.Observation_ValueX_Integer{
			Integer: element.Integer(l.At("belasting").To(path(ref, "valueInteger")).Whole())}},
	}
	return m.add(out, ref, element.Meta{Tags: social()})
}
