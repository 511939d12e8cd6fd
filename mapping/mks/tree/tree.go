package tree

import (
	"cmp"
	"strconv"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	qpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/questionnaire_response_go_proto"
	srpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/service_request_go_proto"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping/element"
	"github.com/drieluik/drieluik/mapping/form"
	"github.com/drieluik/drieluik/mapping/mks/record"
	"github.com/drieluik/drieluik/mapping/mks/tofhir"
)

// treeAnswers are the items of antwoorden in the order of the form. An answer that the form has no
// place for is kept as it came.
func treeAnswers(m *tofhir.Mapper, questions []record.Question, given form.Value, on string) []*qpb.QuestionnaireResponse_Item {
	var out []*qpb.QuestionnaireResponse_Item
	for _, q := range questions {
		v := given.At(q.Link)
		if !v.Present() {
			continue
		}
		if q.After != "" && !given.At(q.After).Yes() {
			m.Keep(v)
			continue
		}
		all := []form.Value{v}
		if form.F(q.Link, q.Card, record.Str).List() {
			all = v.Items()
		}
		out = append(out, treeItem(q.Link, q.Kind, q.List, on, all...))
	}
	return out
}

// treeItem answers one question. Absent values give no answer, no answer no item.
func treeItem(link, kind, list, on string, all ...form.Value) *qpb.QuestionnaireResponse_Item {
	out := &qpb.QuestionnaireResponse_Item{LinkId: element.String(link)}
	for _, v := range all {
		if v.Present() {
			v.To(tofhir.ItemValue(on, link))
			out.Answer = append(out.Answer, &qpb.QuestionnaireResponse_Item_Answer{Value: treeAnswer(v, kind, list)})
		}
	}
	if len(out.Answer) == 0 {
		return nil
	}
	return out
}

func treeAnswer(v form.Value, kind, list string) *qpb.QuestionnaireResponse_Item_Answer_ValueX {
	switch kind {
	case "integer":
		return &qpb.QuestionnaireResponse_Item_Answer_ValueX{Choice: &qpb.QuestionnaireResponse_Item_Answer_ValueX_Integer{
			Integer: &dpb.Integer{Value: int32(v.Whole())}}}
	case "boolean":
		return tofhir.YesNo(v)
	case "choice":
		return &qpb.QuestionnaireResponse_Item_Answer_ValueX{Choice: &qpb.QuestionnaireResponse_Item_Answer_ValueX_Coding{
			Coding: tofhir.ListCoding(list, v.Str())}}
	}
	return tofhir.AnswerText(v.Str())
}

// treeStatus are the statuses that the resources of a tree have by that of its record (mks.md 2.7).
type treeStatus struct{ response, request, task string }

func statusOf(h record.Head) treeStatus {
	switch {
	case h.Status == "ingetrokken":
		return treeStatus{"entered-in-error", "entered-in-error", "cancelled"}
	case h.Status == "concept":
		return treeStatus{"in-progress", "draft", "draft"}
	case h.Version > 1:
		return treeStatus{"amended", "active", "requested"}
	}
	return treeStatus{"completed", "active", "requested"}
}

// addTree adds the anchor of a tree: its answers.
func addTree(m *tofhir.Mapper, items []*qpb.QuestionnaireResponse_Item, domains []string) {
	in, name := m.Content(), "mks-"+m.Head.RecordType
	on := "QuestionnaireResponse/" + m.Key()
	m.AddAnchor(&qpb.QuestionnaireResponse{
		Questionnaire: &dpb.Canonical{Value: fhir.Canonical + "/Questionnaire/" + name + "|1.0.0"},
		Status:        element.Enum(&qpb.QuestionnaireResponse_StatusCode{}, statusOf(m.Head).response),
		Subject:       m.PatientRef(),
		Authored:      element.DateTime(in.At("datum").To(on + ".authored").Day()),
		Author:        m.Ref(in.At("ingevuldDoor").To(on + ".author")),
		Item:          element.Some(items...),
	}, tofhir.About{ID: m.Key(), Profiles: []string{element.StructureDefinition(name + "-antwoord")}, Domains: domains})
}

// indication is the ServiceRequest of a law and part of care, as profile mks-indicatie asks.
func indication(m *tofhir.Mapper, law, part, intent string) *srpb.ServiceRequest {
	return &srpb.ServiceRequest{
		Status:         element.Enum(&srpb.ServiceRequest_StatusCode{}, statusOf(m.Head).request),
		Intent:         element.Enum(&srpb.ServiceRequest_IntentCode{}, intent),
		Category:       []*dpb.CodeableConcept{tofhir.ListConcept("wettelijk-kader", law), tofhir.ListConcept("zorgonderdeel", part)},
		Code:           element.TextConcept(record.Label("zorgonderdeel", part)),
		Subject:        m.PatientRef(),
		AuthoredOn:     element.DateTime(m.Content().At("datum").Day()),
		SupportingInfo: []*dpb.Reference{element.Literal(fhir.Ref{Type: "QuestionnaireResponse", ID: m.Key()})},
	}
}

// partDomains are the domains of a zorgonderdeel that are not medisch (mks.md 3.3). Read only.
var partDomains = map[string]string{
	"begeleiding": "ontwikkeling", "jeugdhulp": "ontwikkeling", "onderwijsondersteuning": "ontwikkeling", "vervoer": "ontwikkeling",
	"logeeropvang": "sociaal",
}

// PartDomain is the child-life domain of a zorgonderdeel (mks.md 3.3).
func PartDomain(part string) string { return cmp.Or(partDomains[part], "medisch") }

// treeAgeRule holds VB-05 and BB-10: the age is that in completed years on the day of the tree. A
// withdrawal is not refused for what the child's data say by now.
func treeAgeRule(m *tofhir.Mapper, rule, link string) error {
	in := m.Content()
	told, on := in.At("antwoorden").At(link), in.At("datum")
	if !told.Sound() || !on.Sound() || m.Head.Status == "ingetrokken" {
		return nil
	}
	birth, err := m.BirthTold()
	if err == nil && !canBe(birth, on.Day(), told.Whole()) {
		m.Fail(rule, told)
	}
	return err
}

// canBe reports whether somebody can be that many years old: of a partial birth date more than one
// age is possible.
func canBe(birth, on form.Day, years int64) bool {
	return birth == "" ||
		years <= int64(form.Age(birth, on)) && years >= int64(form.Age(birth.Last(), on))
}

// Arrives holds VB-05 and BB-10 for answers that waited for their child record, by the birth date
// that the source itself sends.
func Arrives(m *tofhir.Mapper, response fhir.Node) []string {
	birth, on := m.Content().At("geboortedatum").Day(), form.Day(response.Member("authored").Text())
	if tofhir.Void(response) {
		return nil
	}
	for item := range response.All("item") {
		rule := map[string]string{"vb.leeftijd": "MKS-VB-05", "bb.leeftijd": "MKS-BB-10"}[item.Member("linkId").Text()]
		years, err := strconv.ParseInt(item.At("answer", "valueInteger").Text(), 10, 64)
		if rule != "" && err == nil && !canBe(birth, on, years) {
			return []string{rule}
		}
	}
	return nil
}
