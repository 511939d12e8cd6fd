package mks

import (
	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	qpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/questionnaire_response_go_proto"
	srpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/service_request_go_proto"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping/element"
)

// writeReferral maps a verwijsboom: its answers, and a ServiceRequest for each outcome (mks.md 3.3).
func writeReferral(m *mapper) error {
	in := m.inhoud()
	on, given, outcomes := "QuestionnaireResponse/"+m.key(), in.at("antwoorden"), in.at("uitkomsten").items()
	items := append([]*qpb.QuestionnaireResponse_Item{
		treeItem("vb.aanleiding", "choice", "verwijsboom-aanleiding", on, in.at("aanleiding")),
	}, m.treeAnswers(referralQuestions, given, on)...)
	domains := []string{"medisch"}
	for _, o := range outcomes {
		items = append(items, referralGroup(o, on))
		domains = append(domains, partDomain(o.at("onderdeel").str()))
	}
	items = append(items, treeItem("vb.afwijking", "text", "", on, in.at("afwijkingReden")))
	m.addTree(items, inDomainOrder(domains))
	seen := map[string]int{}
	for _, o := range outcomes {
		m.addOutcome(o, m.part(numbered(seen, outcomeName(o))))
	}
	return nil
}

// referralGroup is the group vb.uitkomst of one outcome.
func referralGroup(o value, on string) *qpb.QuestionnaireResponse_Item {
	on += ".item.where(linkId = 'vb.uitkomst')"
	return &qpb.QuestionnaireResponse_Item{LinkId: element.String("vb.uitkomst"), Item: []*qpb.QuestionnaireResponse_Item{
		treeItem("vb.uitkomst.wet", "choice", "wettelijk-kader", on, o.at("wet")),
		treeItem("vb.uitkomst.onderdeel", "choice", "zorgonderdeel", on, o.at("onderdeel")),
	}}
}

// addOutcome adds the ServiceRequest of an outcome.
func (m *mapper) addOutcome(o value, id string) {
	on := "ServiceRequest/" + id
	part := o.at("onderdeel").to(on+".category", on+".code.text").str()
	s := m.indication(o.at("wet").to(on+".category").str(), part, m.outcomeIntent(o))
	s.Identifier = []*dpb.Identifier{element.Identifier(m.head.base()+"/uitkomst", m.head.recordID+"#"+outcomeName(o))}
	if who := o.at("indicatiesteller"); who.present() {
		s.Requester = m.ref(who.to(on + ".requester"))
	}
	if who := o.at("uitvoerder"); who.present() {
		s.Performer = []*dpb.Reference{m.ref(who.to(on + ".performer"))}
	}
	element.AddExtension(s, element.OwnExtension("verantwoordelijke", element.CodeValue(o.at("verantwoordelijke").to(ext(on, "verantwoordelijke")).str())))
	for _, r := range o.at("regels").items() {
		if !plainCode.MatchString(r.str()) { // FHIR has no such code: the list is kept as it came
			m.keep(o.at("regels"))
			continue
		}
		element.AddExtension(s, element.OwnExtension("beslisregel", element.CodeValue(r.to(ext(on, "beslisregel")).str())))
	}
	m.addHours(s, part, on)
	m.add(s, about{id: id, profiles: []string{ownProfile("mks-indicatie")}, domains: []string{partDomain(part)}})
}

// outcomeIntent is order, but proposal of the advice V2: nobody has granted it yet.
func (m *mapper) outcomeIntent(o value) string {
	said := answersOf(m.inhoud().at("antwoorden"))
	advised := referralTable.fired("V2", said) || contains(o.at("regels").strs(), "V2")
	if outcomeName(o) == "wlz/alle" && advised && !referralTable.fired("V1", said) {
		return "proposal"
	}
	return "order"
}

// addHours puts the indication on a part of care that has hours. It stands on each such
// ServiceRequest; the way back reads it once.
func (m *mapper) addHours(s *srpb.ServiceRequest, part, on string) {
	v := m.inhoud().at("indicatie")
	hours := v.at("urenPerWeek").at(part)
	if !hours.present() {
		return
	}
	s.Quantity = &srpb.ServiceRequest_QuantityX{Choice: &srpb.ServiceRequest_QuantityX_Quantity{
		Quantity: element.Quantity(hours.to(on+".quantity.value").decimal(), "h/wk")}}
	s.Occurrence = &srpb.ServiceRequest_OccurrenceX{Choice: &srpb.ServiceRequest_OccurrenceX_Period{
		Period: element.Period(v.at("vanaf").to(on+".occurrence.start").day(), v.at("totEnMet").to(on+".occurrence.end").day())}}
	element.AddExtension(s, element.OwnExtension("leveringsvorm", element.CodeValue(v.at("leveringsvorm").to(ext(on, "leveringsvorm")).str())))
	if why := v.at("onderbouwing"); why.present() {
		s.Note = []*dpb.Annotation{{Text: element.Markdown(why.to(on + ".note.text").str())}}
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
