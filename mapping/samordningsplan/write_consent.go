package samordningsplan

import (
	"slices"

	cpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/consent_go_proto"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"

	"github.com/drieluik/drieluik/mapping"
	"github.com/drieluik/drieluik/mapping/element"
	"github.com/drieluik/drieluik/mapping/form"
)

// consentLaw is the rule by which a person consents to coordination.
const consentLaw = "HSL 16 kap. 4 §"

// writeConsents adds a Consent for each samtycke. None names an organisation that it stands by: that
// would narrow it to the data of that unit.
func (m *mapper) writeConsents() error {
	for i, v := range m.root.At("samtycke").Items() {
		key := v.At("id").Str()
		v.To(m.ref("Consent", key).String())
		status, err := m.consentStatus(v)
		if err != nil {
			return err
		}
		m.add(&cpb.Consent{
			Extension: append([]*dpb.Extension{index(i)}, m.consentExtensions(v)...),
			Status:    element.Enum(&cpb.Consent_StatusCode{}, status),
			Scope:     element.Concept(element.Coding(consentScope, "patient-privacy", "")),
			Category:  []*dpb.CodeableConcept{element.OwnConcept("se-samtycke", "samordning")},
			Patient:   m.subject(), DateTime: element.DateTime(v.At("datum").Day()),
			Performer:  element.Some(m.to(v.At("lamnatAv"))),
			PolicyRule: element.TextConcept(consentLaw),
			Provision:  m.permit(v),
		}, key)
	}
	return nil
}

// consentStatus is inactive for what is withdrawn, in the document or here, or never in force.
func (m *mapper) consentStatus(v form.Value) (string, error) {
	if v.At("aterkallat").Present() || v.At("datum").Day().After(v.At("giltigTill").Day()) {
		return "inactive", nil
	}
	back, err := mapping.TakenBack(m.known, m.ref("Consent", v.At("id").Str()), v.At("datum").Str())
	if err != nil || !back {
		return "active", err
	}
	m.Warn("SP-R02b", v)
	return "inactive", nil
}

func (m *mapper) consentExtensions(v form.Value) []*dpb.Extension {
	out := []*dpb.Extension{
		element.OwnExtension("consent-form", element.CodeValue(v.At("form").Str())),
		element.OwnExtension("consent-documented-in", element.CodeValue(v.At("dokumenteratI").Str())),
		element.OwnExtension("consent-received-by", m.to(v.At("mottagetAv"))),
	}
	if days := v.At("betanketidDagar"); days.Present() {
		out = append(out, element.OwnExtension("consent-reflection-days", element.Unsigned(days.Whole())))
	}
	if v.At("aterkallat").Present() {
		out = append(out, element.OwnExtension("consent-agreed-until", element.Date(v.At("giltigTill").Day())))
	}
	return element.Some(out...)
}

// permit is what a samtycke permits, with a deny for each exception. A withdrawn one ends on that day.
func (m *mapper) permit(v form.Value) *cpb.Consent_Provision {
	until := v.At("giltigTill")
	if withdrawn := v.At("aterkallat"); withdrawn.Present() {
		until = withdrawn
	}
	out := &cpb.Consent_Provision{
		Type:    element.Enum(&cpb.Consent_Provision_TypeCode{}, "permit"),
		Period:  m.during(v.At("datum"), until),
		Purpose: []*dpb.Coding{element.Coding(actReason, "COC", "")}, Data: m.planData(),
	}
	for _, actor := range v.At("aktorer").Items() {
		out.Actor = append(out.Actor, m.recipient(actor))
	}
	what := v.At("omfattning").Strs()
	for _, code := range what {
		out.Action = append(out.Action, element.OwnConcept("se-samtycke", code))
	}
	if slices.Contains(what, mayShare) { // without these it opens no data
		out.Action = append(out.Action, element.Concept(element.Coding(consentAction, "access", "")), element.Concept(element.Coding(consentAction, "disclose", "")))
	}
	for _, x := range v.At("undantag").Items() {
		out.Provision = append(out.Provision, &cpb.Consent_Provision{
			Extension: element.Some(element.OwnExtension("reason", element.String(x.At("skal").Str()))),
			Type:      element.Enum(&cpb.Consent_Provision_TypeCode{}, "deny"),
			Actor:     []*cpb.Consent_Provision_ProvisionActor{m.recipient(x.At("aktor"))}, Data: m.planData(),
		})
	}
	return out
}

func (m *mapper) recipient(actor form.Value) *cpb.Consent_Provision_ProvisionActor {
	return &cpb.Consent_Provision_ProvisionActor{
		Role: element.Concept(element.Coding(participation, "IRCP", "")), Reference: m.to(actor),
	}
}

func (m *mapper) planData() []*cpb.Consent_Provision_ProvisionData {
	return []*cpb.Consent_Provision_ProvisionData{{
		Meaning:   element.Enum(&cpb.Consent_Provision_ProvisionData_MeaningCode{}, "related"),
		Reference: element.Literal(m.planRef()),
	}}
}
