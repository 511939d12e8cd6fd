package tree

import (
	"slices"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	qpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/questionnaire_response_go_proto"
	srpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/service_request_go_proto"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping/element"
	"github.com/drieluik/drieluik/mapping/form"
	"github.com/drieluik/drieluik/mapping/mks/decide"
	"github.com/drieluik/drieluik/mapping/mks/record"
	"github.com/drieluik/drieluik/mapping/mks/tofhir"
)

// ReferralSteps are the record type verwijsboom on its way to FHIR.
func ReferralSteps() tofhir.Steps {
	return tofhir.Steps{Stored: checkStoredReferral, Write: writeReferral}
}

// writeReferral maps a verwijsboom: its answers, and a ServiceRequest for each outcome (mks.md 3.3).
func writeReferral(m *tofhir.Mapper) error {
	in := m.Content()
	on, given, outcomes := "QuestionnaireResponse/"+m.Key(), in.At("antwoorden"), in.At("uitkomsten").Items()
	items := append([]*qpb.QuestionnaireResponse_Item{
		treeItem("vb.aanleiding", "choice", "verwijsboom-aanleiding", on, in.At("aanleiding")),
	}, treeAnswers(m, record.ReferralQuestions, given, on)...)
	domains := []string{"medisch"}
	for _, o := range outcomes {
		items = append(items, referralGroup(o, on))
		domains = append(domains, PartDomain(o.At("onderdeel").Str()))
	}
	items = append(items, treeItem("vb.afwijking", "text", "", on, in.At("afwijkingReden")))
	addTree(m, items, tofhir.InDomainOrder(domains))
	seen := map[string]int{}
	for _, o := range outcomes {
		addOutcome(m, o, m.Part(tofhir.Numbered(seen, record.OutcomeName(o))))
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
func addOutcome(m *tofhir.Mapper, o form.Value, id string) {
	on := "ServiceRequest/" + id
	part := o.At("onderdeel").To(on+".category", on+".code.text").Str()
	s := indication(m, o.At("wet").To(on+".category").Str(), part, outcomeIntent(m, o))
	s.Identifier = []*dpb.Identifier{element.Identifier(m.Head.Base()+"/uitkomst", m.Head.RecordID+"#"+record.OutcomeName(o))}
	if who := o.At("indicatiesteller"); who.Present() {
		s.Requester = m.Ref(who.To(on + ".requester"))
	}
	if who := o.At("uitvoerder"); who.Present() {
		s.Performer = []*dpb.Reference{m.Ref(who.To(on + ".performer"))}
	}
	element.AddExtension(s, element.OwnExtension("verantwoordelijke", element.CodeValue(o.At("verantwoordelijke").To(tofhir.ExtensionValue(on, "verantwoordelijke")).Str())))
	for _, r := range o.At("regels").Items() {
		if !record.PlainCode.MatchString(r.Str()) { // FHIR has no such code: the list is kept as it came
			m.Keep(o.At("regels"))
			continue
		}
		element.AddExtension(s, element.OwnExtension("beslisregel", element.CodeValue(r.To(tofhir.ExtensionValue(on, "beslisregel")).Str())))
	}
	addHours(m, s, part, on)
	m.Add(s, tofhir.About{ID: id, Profiles: []string{element.StructureDefinition("mks-indicatie")}, Domains: []string{PartDomain(part)}})
}

// outcomeIntent is order, but proposal of the advice V2: nobody has granted it yet.
func outcomeIntent(m *tofhir.Mapper, o form.Value) string {
	said := decide.AnswersOf(m.Content().At("antwoorden"))
	advised := decide.Referral.Fired("V2", said) || slices.Contains(o.At("regels").Strs(), "V2")
	if record.OutcomeName(o) == "wlz/alle" && advised && !decide.Referral.Fired("V1", said) {
		return "proposal"
	}
	return "order"
}

// addHours puts the indication on a part of care that has hours. It stands on each such
// ServiceRequest; the way back reads it once.
func addHours(m *tofhir.Mapper, s *srpb.ServiceRequest, part, on string) {
	v := m.Content().At("indicatie")
	hours := v.At("urenPerWeek").At(part)
	if !hours.Present() {
		return
	}
	s.Quantity = &srpb.ServiceRequest_QuantityX{Choice: &srpb.ServiceRequest_QuantityX_Quantity{
		Quantity: element.Quantity(hours.To(on+".quantity.value").Decimal(), "h/wk")}}
	s.Occurrence = &srpb.ServiceRequest_OccurrenceX{Choice: &srpb.ServiceRequest_OccurrenceX_Period{
		Period: element.Period(v.At("vanaf").To(on+".occurrence.start").Day(), v.At("totEnMet").To(on+".occurrence.end").Day())}}
	element.AddExtension(s, element.OwnExtension("leveringsvorm", element.CodeValue(v.At("leveringsvorm").To(tofhir.ExtensionValue(on, "leveringsvorm")).Str())))
	if why := v.At("onderbouwing"); why.Present() {
		s.Note = []*dpb.Annotation{{Text: element.Markdown(why.To(on + ".note.text").Str())}}
	}
}

// IndicatorArrives holds VB-06 for a ServiceRequest that waited for its child record.
func IndicatorArrives(m *tofhir.Mapper, request fhir.Node) []string {
	if tofhir.CodeIn(request, "category", "wettelijk-kader") != "zvw" {
		return nil
	}
	who := request.At("requester", "reference").Text()
	for _, t := range m.Own {
		if t.Kind == "med" && t.Ref.String() == who && !t.Big {
			return []string{"MKS-VB-06"}
		}
	}
	return nil
}
