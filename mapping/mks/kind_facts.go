package mks

import (
	"strconv"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	condpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/condition_go_proto"
	covpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/coverage_go_proto"
	obspb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/observation_go_proto"
	opb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/organization_go_proto"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping/element"
	"github.com/drieluik/drieluik/mapping/form"
)

// observationStatus is final, or entered-in-error for a withdrawn record.
func (m *mapper) observationStatus() *obspb.Observation_StatusCode {
	status := "final"
	if m.head.status == "ingetrokken" {
		status = "entered-in-error"
	}
	return element.Enum(&obspb.Observation_StatusCode{}, status)
}

// writePregnancy adds the Observation of zwangerschapsduur.
func (m *mapper) writePregnancy() {
	v := m.inhoud().At("zwangerschapsduur")
	if !v.Present() {
		return
	}
	id := m.part("zwangerschapsduur")
	on := "Observation/" + id
	m.add(&obspb.Observation{
		Status: m.observationStatus(), Subject: m.patientRef(),
		Code: element.Concept(element.Coding(loinc, "11885-1", ""), listCoding("mks-observatie", "zwangerschapsduur")),
		Effective: &obspb.Observation_EffectiveX{Choice: &obspb.Observation_EffectiveX_DateTime{
			DateTime: element.DateTime(m.inhoud().At("geboortedatum").Day())}},
		Value: &obspb.Observation_ValueX{Choice: &obspb.Observation_ValueX_Quantity{
			Quantity: element.Quantity(v.To(on+".value").Decimal(), "wk")}},
	}, about{id: id, domains: []string{"medisch"}})
}

// writeSchools adds an Observation for each opvang.
func (m *mapper) writeSchools() {
	for i, v := range m.inhoud().At("opvang").Items() {
		id := m.part("opvang/" + strconv.Itoa(i+1))
		on := "Observation/" + id
		o := &obspb.Observation{
			Status: m.observationStatus(), Subject: m.patientRef(),
			Category: []*dpb.CodeableConcept{element.Concept(element.Coding("http://terminology.hl7.org/CodeSystem/observation-category", "social-history", ""))},
			Code:     listConcept("mks-observatie", "opvang-onderwijs"),
			Value: &obspb.Observation_ValueX{Choice: &obspb.Observation_ValueX_CodeableConcept{
				CodeableConcept: listConcept("opvang-soort", v.At("soort").To(on+".value").Str())}},
			Component: []*obspb.Observation_Component{
				{Code: listConcept("mks-observatie", "opvang-naam"), Value: &obspb.Observation_Component_ValueX{
					Choice: &obspb.Observation_Component_ValueX_StringValue{StringValue: element.String(v.At("naam").To(on + ".component[0].value").Str())}}},
				{Code: listConcept("mks-observatie", "opvang-status"), Value: &obspb.Observation_Component_ValueX{
					Choice: &obspb.Observation_Component_ValueX_CodeableConcept{
						CodeableConcept: listConcept("opvang-status", v.At("status").To(on+".component[1].value").Str())}}},
			},
		}
		if p := m.span(v, on+".effective"); p != nil {
			o.Effective = &obspb.Observation_EffectiveX{Choice: &obspb.Observation_EffectiveX_Period{Period: p}}
		}
		if why := v.At("reden"); why.Present() {
			o.Note = []*dpb.Annotation{{Text: element.Markdown(why.To(on + ".note.text").Str())}}
		}
		if org := v.At("organisatie"); org.Present() {
			o.Focus = []*dpb.Reference{m.ref(org.To(on + ".focus"))}
		}
		m.add(o, about{id: id, domains: []string{"ontwikkeling"}})
	}
}

// payerKinds says per wet what kind of organisation pays.
var payerKinds = map[string]string{"zvw": "zorgverzekeraar", "wlz": "zorgkantoor", "jw": "gemeente", "wmo": "gemeente"}

// writeCoverages adds payer and Coverage of each verzekering. The same law, payer and policy of the
// child is one Coverage (mks.md 2.6).
func (m *mapper) writeCoverages() error {
	taken := map[string]bool{}
	for i, v := range m.inhoud().At("verzekering").Items() {
		law := v.At("wet").Str()
		part := law + "/" + strconv.Itoa(i+1)
		payer, err := m.addPayer(v, part)
		if err != nil {
			return err
		}
		t, err := m.matchCoverage(v, payer, m.part(part))
		if err != nil {
			return err
		}
		if taken[t.ref.ID] {
			t = target{ref: fhir.Ref{Type: "Coverage", ID: m.part(part + "/2")}}
		}
		taken[t.ref.ID] = true
		if err := m.addCoverage(v, t, payer); err != nil {
			return err
		}
	}
	return nil
}

func (m *mapper) addCoverage(v form.Value, t target, payer fhir.Ref) error {
	on := t.ref.String()
	status := "active"
	if m.head.status == "ingetrokken" {
		status = "entered-in-error"
	}
	c := &covpb.Coverage{
		Status: element.Enum(&covpb.Coverage_StatusCode{}, status), Type: lawConcept(v.At("wet").To(on + ".type").Str()),
		Beneficiary: m.patientRef(), Payor: []*dpb.Reference{element.Literal(payer)}, Period: m.span(v, on+".period"),
	}
	if number := v.At("polisnummer"); number.Present() {
		c.SubscriberId = element.String(number.To(on + ".subscriberId").Str())
	}
	a := about{id: t.ref.ID}
	if v.At("wet").Str() == "zvw" {
		a.profiles = []string{nlCore("Payer.InsuranceCompany")}
	}
	all, err := m.settings(t.ref)
	if err != nil {
		return err
	}
	m.addUnited(c, a, t.stored, m.latest(all))
	return nil
}

// lawConcept returns Coverage.type of a wet.
func lawConcept(law string) *dpb.CodeableConcept {
	if law == "zvw" {
		return element.Concept(element.Coding("urn:oid:2.16.840.1.113883.2.4.3.11.60.101.5.1", "B", ""))
	}
	return listConcept("wettelijk-kader", law)
}

// addPayer adds the Organization that pays.
func (m *mapper) addPayer(v form.Value, part string) (fhir.Ref, error) {
	t := target{ref: fhir.Ref{Type: "Organization", ID: m.part(part)}}
	number := v.At("uzovi").Str()
	if number != "" {
		err := m.matchByNumber(&t, "Organization", []fhir.Identifier{{System: uzoviSystem, Value: number}, {}}, []string{"uzovi/" + number, ""})
		if err != nil {
			return t.ref, err
		}
	}
	if t.stored == nil {
		stored, err := m.known.Read(t.ref)
		if err != nil {
			return t.ref, err
		}
		t.stored = stored
	}
	on := t.ref.String()
	o := &opb.Organization{
		Identifier: element.Some(element.Identifier(uzoviSystem, traced(v.At("uzovi"), on+".identifier").Str())), Active: element.Bool(true),
		Type: []*dpb.CodeableConcept{listConcept("organisatie-soort", payerKinds[v.At("wet").Str()])},
		Name: element.String(traced(v.At("naam"), on+".name").Str()),
	}
	a := about{id: t.ref.ID}
	if number != "" {
		a.profiles = []string{nlCore("Payer-Organization")}
	}
	if m.addShared(o, a, t.stored, m.directoryUnion(t.stored, "")) {
		m.Keep(v)
	}
	return t.ref, nil
}

// matchCoverage finds the stored Coverage of the same law, payer and policy.
func (m *mapper) matchCoverage(v form.Value, payer fhir.Ref, id string) (target, error) {
	t := target{ref: fhir.Ref{Type: "Coverage", ID: id}}
	if m.child.found == nil {
		return t, nil
	}
	hits, err := m.known.Child(m.child.ref, "Coverage")
	if err != nil {
		return t, err
	}
	law := lawConcept(v.At("wet").Str()).GetCoding()[0]
	for _, hit := range hits {
		n := found(hit)
		same := n.At("type", "coding", "system").Text() == law.GetSystem().GetValue() &&
			n.At("type", "coding", "code").Text() == law.GetCode().GetValue() &&
			n.At("payor", "reference").Text() == payer.String() && n.Member("subscriberId").Text() == v.At("polisnummer").Str()
		if same || t.stored == nil && hit.Resource.ID() == id {
			t.ref, t.stored = hit.Resource.Ref(), hit
		}
		if same {
			return t, nil
		}
	}
	return t, nil
}

// writeOrder adds the Condition of an ots.
func (m *mapper) writeOrder() {
	v := m.inhoud().At("ots")
	if !v.Present() || !m.rights {
		return
	}
	id := m.part("ots")
	on := "Condition/" + id
	status := "active"
	if v.At("tot").Present() {
		status = "inactive"
	}
	c := &condpb.Condition{
		ClinicalStatus: element.Concept(element.Coding("http://terminology.hl7.org/CodeSystem/condition-clinical", status, "")),
		Category:       []*dpb.CodeableConcept{element.Concept(element.Coding(snomed, "303186005", ""))},
		Code:           element.Concept(element.Coding("urn:oid:2.16.840.1.113883.2.4.3.11.60.40.4.23.2", "OTS", "")),
		Subject:        m.patientRef(),
		Onset: &condpb.Condition_OnsetX{Choice: &condpb.Condition_OnsetX_DateTime{
			DateTime: element.DateTime(v.At("vanaf").To(on + ".onset").Day())}},
	}
	if end := v.At("tot"); end.Present() {
		c.Abatement = &condpb.Condition_AbatementX{Choice: &condpb.Condition_AbatementX_DateTime{
			DateTime: element.DateTime(end.To(on + ".abatement").Day())}}
	}
	if org := v.At("instelling"); org.Present() {
		c.Extension = element.Some(element.OwnExtension("ots-instelling", m.ref(org.To(on+".extension"))))
	}
	if who := v.At("gezinsvoogd"); who.Present() {
		c.Asserter = m.ref(who.To(on + ".asserter"))
	}
	m.add(c, about{id: id, domains: []string{"veiligheid"}, profiles: []string{nlCore("LegalSituation-LegalStatus")}})
}
