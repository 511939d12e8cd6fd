package samordningsplan

import (
	"google.golang.org/protobuf/proto"

	qpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/questionnaire_response_go_proto"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping/element"
	"github.com/drieluik/drieluik/mapping/form"
)

// answered are the items of a response in the making. on is its reference.
type answered struct {
	on    string
	items []*qpb.QuestionnaireResponse_Item
}

// answer adds an item when there is a value, and traces v to it.
func (a *answered) answer(link string, v form.Value, value proto.Message) {
	if x := element.Choice(&qpb.QuestionnaireResponse_Item_Answer_ValueX{}, value); x != nil && v.Present() {
		v.To(a.on + ".item.where(linkId='" + link + "').answer.value")
		a.items = append(a.items, &qpb.QuestionnaireResponse_Item{
			LinkId: element.String(link), Answer: []*qpb.QuestionnaireResponse_Item_Answer{{Value: x}},
		})
	}
}

func (a *answered) text(link string, v form.Value)  { a.answer(link, v, element.String(v.Str())) }
func (a *answered) day(link string, v form.Value)   { a.answer(link, v, element.Date(v.Day())) }
func (a *answered) truth(link string, v form.Value) { a.answer(link, v, element.Bool(v.Yes())) }

func (a *answered) choice(link, list string, v form.Value) {
	a.answer(link, v, element.OwnCoding(list, v.Str()))
}

// group adds a group of items; none without items.
func (a *answered) group(link string, fill func(*answered)) {
	in := &answered{on: a.on}
	if fill(in); len(in.items) > 0 {
		a.items = append(a.items, &qpb.QuestionnaireResponse_Item{LinkId: element.String(link), Item: in.items})
	}
}

// response returns the answers to a Questionnaire of ours.
func (m *mapper) response(questionnaire, status string, authored *dpb.DateTime, a *answered) *qpb.QuestionnaireResponse {
	return &qpb.QuestionnaireResponse{
		BasedOn:       element.Literals(m.planRef()),
		Questionnaire: element.Canonical(fhir.Canonical + "/Questionnaire/" + questionnaire),
		Status:        element.Enum(&qpb.QuestionnaireResponse_StatusCode{}, status),
		Subject:       m.subject(), Authored: authored, Item: a.items,
	}
}

// formStatus is the status of the forms that belong to the plan as a whole.
func (m *mapper) formStatus() string {
	switch {
	case m.is(draft, called):
		return "in-progress"
	case m.is(cancelled):
		return "entered-in-error"
	}
	return "completed"
}

func (m *mapper) changed() *dpb.DateTime { return element.Moment(m.root.At("andrad").Str()) }

// writeForm adds the answers to the form of the plan.
func (m *mapper) writeForm() {
	a := &answered{on: m.ref("QuestionnaireResponse", "form").String()}
	start, need, end := m.root.At("initiativ"), m.root.At("behovsbedomning"), m.root.At("avslut")
	a.group("initiativ", func(g *answered) {
		g.choice("initiativ.tagare", "se-initiativ", start.At("tagare"))
		g.text("initiativ.aktor", start.At("aktor"))
		g.text("initiativ.namn", start.At("namn"))
		g.day("initiativ.datum", start.At("datum"))
	})
	a.group("behovsbedomning", func(g *answered) {
		g.day("behovsbedomning.datum", need.At("datum"))
		g.text("behovsbedomning.gjord-av", need.At("gjordAv"))
		g.truth("behovsbedomning.omfattande", need.At("omfattande"))
		g.truth("behovsbedomning.langvarig", need.At("langvarig"))
		g.truth("behovsbedomning.flera-processer", need.At("fleraProcesser"))
		g.text("behovsbedomning.mervarde", need.At("mervarde"))
	})
	a.text("vad-ar-viktigt", m.root.At("vadArViktigt"))
	a.group("avslut", func(g *answered) {
		g.day("avslut.datum", end.At("datum"))
		g.choice("avslut.orsak", "se-avslut", end.At("orsak"))
		g.text("avslut.slututvardering", end.At("slututvardering"))
	})
	m.root.At("andrad").To(a.on + ".authored")
	m.add(m.response("samordningsplan", m.formStatus(), m.changed(), a), "form", m.union...)
}

// writePriorMeetings adds the answers to the talk before the meeting of each företrädare that was met.
func (m *mapper) writePriorMeetings() {
	for _, v := range m.root.At("foretradare").Items() {
		met, key := v.At("formote"), v.At("id").Str()+"-formote"
		if !met.Present() {
			continue
		}
		a := &answered{on: m.ref("QuestionnaireResponse", key).String()}
		a.text("behov-onskemal", met.At("behovOnskemal"))
		r := m.response("sip-formote", "completed", element.DateTime(met.At("datum").To(a.on+".authored").Day()), a)
		r.Source = element.Literal(m.ref("RelatedPerson", v.At("id").Str()))
		m.add(r, key, m.union...)
	}
}

// writeChildForm adds what the child says and how its life goes, of a child's plan that tells either.
func (m *mapper) writeChildForm() {
	a := &answered{on: m.ref("QuestionnaireResponse", "barnplan").String()}
	voice := m.root.At("barnetsRost")
	a.group("barnets-rost", func(g *answered) {
		g.choice("barnets-rost.form", "se-barnets-rost", voice.At("form"))
		g.day("barnets-rost.datum", voice.At("datum"))
		g.text("barnets-rost.text", voice.At("text"))
	})
	for _, v := range m.root.At("kartlaggning").Items() {
		a.group("segment", func(g *answered) {
			g.choice("segment.kod", "hjulsegment", v.At("segment"))
			g.text("segment.fungerar", v.At("fungerar"))
			g.text("segment.utmaning", v.At("utmaning"))
		})
	}
	if len(a.items) > 0 {
		m.add(m.response("barnplan", m.formStatus(), m.changed(), a), "barnplan", m.union...)
	}
}
