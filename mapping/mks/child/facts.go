package child

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
	"github.com/drieluik/drieluik/mapping/mks/record"
	"github.com/drieluik/drieluik/mapping/mks/tofhir"
)

// observationStatus is final, or entered-in-error for a withdrawn record.
func observationStatus(m *tofhir.Mapper) *obspb.Observation_StatusCode {
	status := "final"
	if m.Head.Status == "ingetrokken" {
		status = "entered-in-error"
	}
	return element.Enum(&obspb.Observation_StatusCode{}, status)
}

// writePregnancy adds the Observation of zwangerschapsduur.
func writePregnancy(m *tofhir.Mapper) {
	v := m.Content().At("zwangerschapsduur")
	if !v.Present() {
		return
	}
	id := m.Part("zwangerschapsduur")
	on := "Observation/" + id
	m.Add(&obspb.Observation{
		Status: observationStatus(m), Subject: m.PatientRef(),
		Code: element.Concept(element.Coding(tofhir.LOINC, "11885-1", ""), tofhir.ListCoding("mks-observatie", "zwangerschapsduur")),
		Effective: &obspb.Observation_EffectiveX{Choice: &obspb.Observation_EffectiveX_DateTime{
			DateTime: element.DateTime(m.Content().At("geboortedatum").Day())}},
		Value: &obspb.Observation_ValueX{Choice: &obspb.Observation_ValueX_Quantity{
			Quantity: element.Quantity(v.To(on+".value").Decimal(), "wk")}},
	}, tofhir.About{ID: id, Domains: []string{"medisch"}})
}

// writeSchools adds an Observation for each opvang.
func writeSchools(m *tofhir.Mapper) {
	for i, v := range m.Content().At("opvang").Items() {
		id := m.Part("opvang/" + strconv.Itoa(i+1))
		on := "Observation/" + id
		o := &obspb.Observation{
			Status: observationStatus(m), Subject: m.PatientRef(),
			Category: []*dpb.CodeableConcept{element.Concept(element.Coding("http://terminology.hl7.org/CodeSystem/observation-category", "social-history", ""))},
			Code:     tofhir.ListConcept("mks-observatie", "opvang-onderwijs"),
			Value: &obspb.Observation_ValueX{Choice: &obspb.Observation_ValueX_CodeableConcept{
				CodeableConcept: tofhir.ListConcept("opvang-soort", v.At("soort").To(on+".value").Str())}},
			Component: []*obspb.Observation_Component{
				{Code: tofhir.ListConcept("mks-observatie", "opvang-naam"), Value: &obspb.Observation_Component_ValueX{
					Choice: &obspb.Observation_Component_ValueX_StringValue{StringValue: element.String(v.At("naam").To(on + ".component[0].value").Str())}}},
				{Code: tofhir.ListConcept("mks-observatie", "opvang-status"), Value: &obspb.Observation_Component_ValueX{
					Choice: &obspb.Observation_Component_ValueX_CodeableConcept{
						CodeableConcept: tofhir.ListConcept("opvang-status", v.At("status").To(on+".component[1].value").Str())}}},
			},
		}
		if p := m.Span(v, on+".effective"); p != nil {
			o.Effective = &obspb.Observation_EffectiveX{Choice: &obspb.Observation_EffectiveX_Period{Period: p}}
		}
		if why := v.At("reden"); why.Present() {
			o.Note = []*dpb.Annotation{{Text: element.Markdown(why.To(on + ".note.text").Str())}}
		}
		if org := v.At("organisatie"); org.Present() {
			o.Focus = []*dpb.Reference{m.Ref(org.To(on + ".focus"))}
		}
		m.Add(o, tofhir.About{ID: id, Domains: []string{"ontwikkeling"}})
	}
}

// payerKinds says per wet what kind of organisation pays.
var payerKinds = map[string]string{"zvw": "zorgverzekeraar", "wlz": "zorgkantoor", "jw": "gemeente", "wmo": "gemeente"}

// writeCoverages adds payer and Coverage of each verzekering. The same law, payer and policy of the
// child is one Coverage (mks.md 2.6).
func writeCoverages(m *tofhir.Mapper) error {
	taken := map[string]bool{}
	for i, v := range m.Content().At("verzekering").Items() {
		law := v.At("wet").Str()
		part := law + "/" + strconv.Itoa(i+1)
		payer, err := addPayer(m, v, part)
		if err != nil {
			return err
		}
		t, err := matchCoverage(m, v, payer, m.Part(part))
		if err != nil {
			return err
		}
		if taken[t.Ref.ID] {
			t = tofhir.Target{Ref: fhir.Ref{Type: "Coverage", ID: m.Part(part + "/2")}}
		}
		taken[t.Ref.ID] = true
		if err := addCoverage(m, v, t, payer); err != nil {
			return err
		}
	}
	return nil
}

func addCoverage(m *tofhir.Mapper, v form.Value, t tofhir.Target, payer fhir.Ref) error {
	on := t.Ref.String()
	status := "active"
	if m.Head.Status == "ingetrokken" {
		status = "entered-in-error"
	}
	c := &covpb.Coverage{
		Status: element.Enum(&covpb.Coverage_StatusCode{}, status), Type: lawConcept(v.At("wet").To(on + ".type").Str()),
		Beneficiary: m.PatientRef(), Payor: []*dpb.Reference{element.Literal(payer)}, Period: m.Span(v, on+".period"),
	}
	if number := v.At("polisnummer"); number.Present() {
		c.SubscriberId = element.String(number.To(on + ".subscriberId").Str())
	}
	a := tofhir.About{ID: t.Ref.ID}
	if v.At("wet").Str() == "zvw" {
		a.Profiles = []string{tofhir.NlCore("Payer.InsuranceCompany")}
	}
	all, err := m.Settings(t.Ref)
	if err != nil {
		return err
	}
	m.AddUnited(c, a, t.Stored, m.Latest(all))
	return nil
}

// lawConcept returns Coverage.type of a wet.
func lawConcept(law string) *dpb.CodeableConcept {
	if law == "zvw" {
		return element.Concept(element.Coding("urn:oid:2.16.840.1.113883.2.4.3.11.60.101.5.1", "B", ""))
	}
	return tofhir.ListConcept("wettelijk-kader", law)
}

// addPayer adds the Organization that pays.
func addPayer(m *tofhir.Mapper, v form.Value, part string) (fhir.Ref, error) {
	t := tofhir.Target{Ref: fhir.Ref{Type: "Organization", ID: m.Part(part)}}
	number := v.At("uzovi").Str()
	if number != "" {
		err := matchByNumber(m, &t, "Organization", []fhir.Identifier{{System: record.UZOVISystem, Value: number}, {}}, []string{"uzovi/" + number, ""})
		if err != nil {
			return t.Ref, err
		}
	}
	if t.Stored == nil {
		stored, err := m.Known.Read(t.Ref)
		if err != nil {
			return t.Ref, err
		}
		t.Stored = stored
	}
	on := t.Ref.String()
	o := &opb.Organization{
		Identifier: element.Some(element.Identifier(record.UZOVISystem, tofhir.Traced(v.At("uzovi"), on+".identifier").Str())), Active: element.Bool(true),
		Type: []*dpb.CodeableConcept{tofhir.ListConcept("organisatie-soort", payerKinds[v.At("wet").Str()])},
		Name: element.String(tofhir.Traced(v.At("naam"), on+".name").Str()),
	}
	a := tofhir.About{ID: t.Ref.ID}
	if number != "" {
		a.Profiles = []string{tofhir.NlCore("Payer-Organization")}
	}
	if m.AddShared(o, a, t.Stored, m.DirectoryUnion(t.Stored, "")) {
		m.Keep(v)
	}
	return t.Ref, nil
}

// matchCoverage finds the stored Coverage of the same law, payer and policy.
func matchCoverage(m *tofhir.Mapper, v form.Value, payer fhir.Ref, id string) (tofhir.Target, error) {
	t := tofhir.Target{Ref: fhir.Ref{Type: "Coverage", ID: id}}
	if m.Child.Found == nil {
		return t, nil
	}
	hits, err := m.Known.Child(m.Child.Ref, "Coverage")
	if err != nil {
		return t, err
	}
	law := lawConcept(v.At("wet").Str()).GetCoding()[0]
	for _, hit := range hits {
		n := tofhir.Found(hit)
		same := n.At("type", "coding", "system").Text() == law.GetSystem().GetValue() &&
			n.At("type", "coding", "code").Text() == law.GetCode().GetValue() &&
			n.At("payor", "reference").Text() == payer.String() && n.Member("subscriberId").Text() == v.At("polisnummer").Str()
		if same || t.Stored == nil && hit.Resource.ID() == id {
			t.Ref, t.Stored = hit.Resource.Ref(), hit
		}
		if same {
			return t, nil
		}
	}
	return t, nil
}

// writeOrder adds the Condition of an ots.
func writeOrder(m *tofhir.Mapper) {
	v := m.Content().At("ots")
	if !v.Present() || !m.Rights {
		return
	}
	id := m.Part("ots")
	on := "Condition/" + id
	status := "active"
	if v.At("tot").Present() {
		status = "inactive"
	}
	c := &condpb.Condition{
		ClinicalStatus: element.Concept(element.Coding("http://terminology.hl7.org/CodeSystem/condition-clinical", status, "")),
		Category:       []*dpb.CodeableConcept{element.Concept(element.Coding(tofhir.SNOMED, "303186005", ""))},
		Code:           element.Concept(element.Coding("urn:oid:2.16.840.1.113883.2.4.3.11.60.40.4.23.2", "OTS", "")),
		Subject:        m.PatientRef(),
		Onset: &condpb.Condition_OnsetX{Choice: &condpb.Condition_OnsetX_DateTime{
			DateTime: element.DateTime(v.At("vanaf").To(on + ".onset").Day())}},
	}
	if end := v.At("tot"); end.Present() {
		c.Abatement = &condpb.Condition_AbatementX{Choice: &condpb.Condition_AbatementX_DateTime{
			DateTime: element.DateTime(end.To(on + ".abatement").Day())}}
	}
	if org := v.At("instelling"); org.Present() {
		c.Extension = element.Some(element.OwnExtension("ots-instelling", m.Ref(org.To(on+".extension"))))
	}
	if who := v.At("gezinsvoogd"); who.Present() {
		c.Asserter = m.Ref(who.To(on + ".asserter"))
	}
	m.Add(c, tofhir.About{ID: id, Domains: []string{"veiligheid"}, Profiles: []string{tofhir.NlCore("LegalSituation-LegalStatus")}})
}
