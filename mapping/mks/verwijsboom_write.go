package mks

import (
	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	qpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/questionnaire_response_go_proto"
	srpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/service_request_go_proto"
	"slices"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping/element"
	"github.com/drieluik/drieluik/mapping/form"
)

// referralSteps are the record type verwijsboom on its way to FHIR.
func referralSteps() steps { return steps{stored: checkStoredReferral, write: writeReferral} }

// writeReferral maps a verwijsboom: its answers, and a ServiceRequest for each outcome (mks.md 3.3).
func writeReferral(m *mapper) error {
	in := m.inhoud()
	on, given, outcomes := "QuestionnaireResponse/"+m.key(), in.At("antwoorden"), in.At("uitkomsten").Items()
	items := append([]*qpb.QuestionnaireResponse_Item{
		treeItem("vb.aanleiding", "choice", "verwijsboom-aanleiding", on, in.At("aanleiding")),
	}, m.treeAnswers(referralQuestions, given, on)...)
	domains := []string{"medisch"}
	for _, o := range outcomes {
		items = append(items, referralGroup(o, on))
		domains = append(domains, partDomain(o.At("onderdeel").Str()))
	}
	items = append(items, treeItem("vb.afwijking", "text", "", on, in.At("afwijkingReden")))
	m.addTree(items, inDomainOrder(domains))
	seen := map[string]int{}
	for _, o := range outcomes {
		m.addOutcome(o, m.part(numbered(seen, outcomeName(o))))
	}
	return nil
}

// referralGroup is the group vb.uitkomst of one outcome.
func referralGroup(o form.Value, on string) *qpb.QuestionnaireResponse_Item {
	on += ".item.where(linkId = 'vb.uitkomst')"
	return &qpb.QuestionnaireResponse_Item{LinkId: element.String("vb.uitkomst"), Item: []*qpb.QuestionnaireResponse_Item{
		treeItem("vb.uitkomst.wet", "choice", "wettelijk-kader", on, o.At("wet")),
		treeItem("vb.uitkomst.onderdeel", "choice", "zorgonderdeel", on, o.At("onderdeel")),
	}}
}

// addOutcome adds the ServiceRequest of an outcome.
func (m *mapper) addOutcome(o form.Value, id string) {
	on := "ServiceRequest/" + id
	part := o.At("onderdeel").To(on+".category", on+".code.text").Str()
	s := m.indication(o.At("wet").To(on+".category").Str(), part, m.outcomeIntent(o))
	s.Identifier = []*dpb.Identifier{element.Identifier(m.head.base()+"/uitkomst", m.head.recordID+"#"+outcomeName(o))}
	if who := o.At("indicatiesteller"); who.Present() {
		s.Requester = m.ref(who.To(on + ".requester"))
	}
	if who := o.At("uitvoerder"); who.Present() {
		s.Performer = []*dpb.Reference{m.ref(who.To(on + ".performer"))}
	}
	element.AddExtension(s, element.OwnExtension("verantwoordelijke", element.CodeValue(o.At("verantwoordelijke").To(ext(on, "verantwoordelijke")).Str())))
	for _, r := range o.At("regels").Items() {
		if !plainCode.MatchString(r.Str()) { // FHIR has no such code: the list is kept as it came
			m.Keep(o.At("regels"))
			continue
		}
		element.AddExtension(s, element.OwnExtension("beslisregel", element.CodeValue(r.To(ext(on, "beslisregel")).Str())))
	}
	m.addHours(s, part, on)
	m.add(s, about{id: id, profiles: []string{element.StructureDefinition("mks-indicatie")}, domains: []string{partDomain(part)}})
}

// outcomeIntent is order, but proposal of the advice V2: nobody has granted it yet.
func (m *mapper) outcomeIntent(o form.Value) string {
	said := answersOf(m.inhoud().At("antwoorden"))
	advised := referralTable.fired("V2", said) || slices.Contains(o.At("regels").Strs(), "V2")
	if outcomeName(o) == "wlz/alle" && advised && !referralTable.fired("V1", said) {
		return "proposal"
	}
	return "order"
}

// addHours puts the indication on a part of care that has hours. It stands on each such
// ServiceRequest; the way back reads it once.
func (m *mapper) addHours(s *srpb.ServiceRequest, part, on string) {
	v := m.inhoud().At("indicatie")
	hours := v.At("urenPerWeek").At(part)
	if !hours.Present() {
		return
	}
	s.Quantity = &srpb.ServiceRequest_QuantityX{Choice: &srpb.ServiceRequest_QuantityX_Quantity{
		Quantity: element.Quantity(hours.To(on+".quantity.value").Decimal(), "h/wk")}}
	s.Occurrence = &srpb.ServiceRequest_OccurrenceX{Choice: &srpb.ServiceRequest_OccurrenceX_Period{
		Period: element.Period(v.At("vanaf").To(on+".occurrence.start").Day(), v.At("totEnMet").To(on+".occurrence.end").Day())}}
	element.AddExtension(s, element.OwnExtension("leveringsvorm", element.CodeValue(v.At("leveringsvorm").To(ext(on, "leveringsvorm")).Str())))
	if why := v.At("onderbouwing"); why.Present() {
		s.Note = []*dpb.Annotation{{Text: element.Markdown(why.To(on + ".note.text").Str())}}
	}
}

// indicatorArrives holds VB-06 for a ServiceRequest that waited for its child record.
func indicatorArrives(m *mapper, request fhir.Node) []string {
	if codeIn(request, "category", "wettelijk-kader") != "zvw" {
		return nil
	}
	who := request.At("requester", "reference").Text()
	for _, t := range m.own {
		if t.kind == "med" && t.ref.String() == who && !t.big {
			return []string{"MKS-VB-06"}
		}
	}
	return nil
}
