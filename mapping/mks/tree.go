package mks

import (
	"cmp"
	"strconv"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	qpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/questionnaire_response_go_proto"
	srpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/service_request_go_proto"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping/element"
	"github.com/drieluik/drieluik/mapping/form"
)

// treeQuestion is a question of verwijsboom or beslisboom: its linkId is the name of the member.
type treeQuestion struct {
	link, card string
	kind       string // integer, boolean, choice or string, as in the Questionnaire
	list       string // of a choice
	after      string // the question that must be answered yes before this one may be
}

// maxInTree bounds the lists of a tree: an outcome or need of a few bytes becomes a resource of its own.
const maxInTree = 100

// treeFields are the members of antwoorden. missing is the rule of an answer that is not there.
func treeFields(questions []treeQuestion, missing string) form.Fields {
	types := map[string]form.Type{"integer": integer(-1<<31, 1<<31-1), "boolean": boolean, "string": str}
	var out form.Fields
	for _, q := range questions {
		t, ok := types[q.kind]
		if !ok {
			t = code(q.list)
		}
		out = append(out, form.F(q.link, q.card, t).Instead(missing))
	}
	return out
}

// treeAnswers are the items of antwoorden in the order of the form. An answer that the form has no
// place for is kept as it came.
func (m *mapper) treeAnswers(questions []treeQuestion, given form.Value, on string) []*qpb.QuestionnaireResponse_Item {
	var out []*qpb.QuestionnaireResponse_Item
	for _, q := range questions {
		v := given.At(q.link)
		if !v.Present() {
			continue
		}
		if q.after != "" && !given.At(q.after).Yes() {
			m.Keep(v)
			continue
		}
		all := []form.Value{v}
		if form.F(q.link, q.card, str).List() {
			all = v.Items()
		}
		out = append(out, treeItem(q.link, q.kind, q.list, on, all...))
	}
	return out
}

// treeItem answers one question. Absent values give no answer, no answer no item.
func treeItem(link, kind, list, on string, all ...form.Value) *qpb.QuestionnaireResponse_Item {
	out := &qpb.QuestionnaireResponse_Item{LinkId: element.String(link)}
	for _, v := range all {
		if v.Present() {
			v.To(item(on, link))
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
		return yesNo(v)
	case "choice":
		return &qpb.QuestionnaireResponse_Item_Answer_ValueX{Choice: &qpb.QuestionnaireResponse_Item_Answer_ValueX_Coding{
			Coding: listCoding(list, v.Str())}}
	}
	return answerText(v.Str())
}

// treeStatus are the statuses that the resources of a tree have by that of its record (mks.md 2.7).
type treeStatus struct{ response, request, task string }

func (h head) treeStatus() treeStatus {
	switch {
	case h.status == "ingetrokken":
		return treeStatus{"entered-in-error", "entered-in-error", "cancelled"}
	case h.status == "concept":
		return treeStatus{"in-progress", "draft", "draft"}
	case h.version > 1:
		return treeStatus{"amended", "active", "requested"}
	}
	return treeStatus{"completed", "active", "requested"}
}

// addTree adds the anchor of a tree: its answers.
func (m *mapper) addTree(items []*qpb.QuestionnaireResponse_Item, domains []string) {
	in, name := m.inhoud(), "mks-"+m.head.recordType
	on := "QuestionnaireResponse/" + m.key()
	m.addAnchor(&qpb.QuestionnaireResponse{
		Questionnaire: &dpb.Canonical{Value: fhir.Canonical + "/Questionnaire/" + name + "|1.0.0"},
		Status:        element.Enum(&qpb.QuestionnaireResponse_StatusCode{}, m.head.treeStatus().response),
		Subject:       m.patientRef(),
		Authored:      element.DateTime(in.At("datum").To(on + ".authored").Day()),
		Author:        m.ref(in.At("ingevuldDoor").To(on + ".author")),
		Item:          element.Some(items...),
	}, about{id: m.key(), profiles: []string{element.StructureDefinition(name + "-antwoord")}, domains: domains})
}

// indication is the ServiceRequest of a law and part of care, as profile mks-indicatie asks.
func (m *mapper) indication(law, part, intent string) *srpb.ServiceRequest {
	return &srpb.ServiceRequest{
		Status:         element.Enum(&srpb.ServiceRequest_StatusCode{}, m.head.treeStatus().request),
		Intent:         element.Enum(&srpb.ServiceRequest_IntentCode{}, intent),
		Category:       []*dpb.CodeableConcept{listConcept("wettelijk-kader", law), listConcept("zorgonderdeel", part)},
		Code:           element.TextConcept(label("zorgonderdeel", part)),
		Subject:        m.patientRef(),
		AuthoredOn:     element.DateTime(m.inhoud().At("datum").Day()),
		SupportingInfo: []*dpb.Reference{element.Literal(fhir.Ref{Type: "QuestionnaireResponse", ID: m.key()})},
	}
}

// partDomains are the domains of a zorgonderdeel that are not medisch (mks.md 3.3). Read only.
var partDomains = map[string]string{
	"begeleiding": "ontwikkeling", "jeugdhulp": "ontwikkeling", "onderwijsondersteuning": "ontwikkeling", "vervoer": "ontwikkeling",
	"logeeropvang": "sociaal",
}

func partDomain(part string) string { return cmp.Or(partDomains[part], "medisch") }

// birthTold returns the birth date by which the sender is judged: none before its kind record, and of
// a sender without a relation the one it sent itself.
func (m *mapper) birthTold() (form.Day, error) {
	if !m.child.stored || m.child.stub {
		return "", nil
	}
	told, _, err := m.toldFacts(m.custodianFacts())
	return told.birth, err
}

// treeAgeRule holds VB-05 and BB-10: the age is that in completed years on the day of the tree. A
// withdrawal is not refused for what the child's data say by now.
func (m *mapper) treeAgeRule(rule, link string) error {
	in := m.inhoud()
	told, on := in.At("antwoorden").At(link), in.At("datum")
	if !told.Sound() || !on.Sound() || m.head.status == "ingetrokken" {
		return nil
	}
	birth, err := m.birthTold()
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

// treeArrives holds VB-05 and BB-10 for answers that waited for their child record, by the birth date
// that the source itself sends.
func treeArrives(m *mapper, response fhir.Node) []string {
	birth, on := m.inhoud().At("geboortedatum").Day(), form.Day(response.Member("authored").Text())
	if void(response) {
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
