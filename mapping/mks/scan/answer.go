package scan

import (
	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	qpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/questionnaire_response_go_proto"

	"github.com/drieluik/drieluik/mapping/element"
	"github.com/drieluik/drieluik/mapping/form"
	"github.com/drieluik/drieluik/mapping/mks/tofhir"
)

// scanAnswers is a group of the form that is being filled in.
type scanAnswers struct {
	item *qpb.QuestionnaireResponse_Item
	on   string // FHIRPath of the group
}

// group begins the group with a linkId below another element.
func (w *scanWriter) group(link, on string) *scanAnswers {
	return &scanAnswers{item: &qpb.QuestionnaireResponse_Item{LinkId: element.String(link)}, on: scanItem(on, link)}
}

// add answers a question with values of the source; none leave it out.
func (g *scanAnswers) add(link string, all []form.Value, answer func(form.Value) *qpb.QuestionnaireResponse_Item_Answer_ValueX) {
	out := &qpb.QuestionnaireResponse_Item{LinkId: element.String(link)}
	for _, v := range all {
		out.Answer = append(out.Answer, &qpb.QuestionnaireResponse_Item_Answer{Value: answer(v.To(tofhir.ItemValue(g.on, link)))})
	}
	if len(out.Answer) > 0 {
		g.item.Item = append(g.item.Item, out)
	}
}

// text answers with a text that may be absent.
func (g *scanAnswers) text(link string, v form.Value) {
	if v.Present() {
		g.add(link, []form.Value{v}, func(v form.Value) *qpb.QuestionnaireResponse_Item_Answer_ValueX { return tofhir.AnswerText(v.Str()) })
	}
}

// code answers with a code of a list.
func (g *scanAnswers) code(link, list string, v form.Value) {
	g.add(link, []form.Value{v}, answerCode(list))
}

func answerCode(list string) func(form.Value) *qpb.QuestionnaireResponse_Item_Answer_ValueX {
	return func(v form.Value) *qpb.QuestionnaireResponse_Item_Answer_ValueX {
		return answerCoding(tofhir.ListCoding(list, v.Str()))
	}
}

func answerCoding(c *dpb.Coding) *qpb.QuestionnaireResponse_Item_Answer_ValueX {
	return &qpb.QuestionnaireResponse_Item_Answer_ValueX{
		Choice: &qpb.QuestionnaireResponse_Item_Answer_ValueX_Coding{Coding: c},
	}
}

func answerDay(v form.Value) *qpb.QuestionnaireResponse_Item_Answer_ValueX {
	return &qpb.QuestionnaireResponse_Item_Answer_ValueX{
		Choice: &qpb.QuestionnaireResponse_Item_Answer_ValueX_Date{Date: element.Date(v.Day())},
	}
}

func answerNumber(v form.Value) *qpb.QuestionnaireResponse_Item_Answer_ValueX {
	return &qpb.QuestionnaireResponse_Item_Answer_ValueX{
		Choice: &qpb.QuestionnaireResponse_Item_Answer_ValueX_Integer{Integer: &dpb.Integer{Value: int32(v.Whole())}},
	}
}

func (w *scanWriter) answerRef(v form.Value) *qpb.QuestionnaireResponse_Item_Answer_ValueX {
	return &qpb.QuestionnaireResponse_Item_Answer_ValueX{
		Choice: &qpb.QuestionnaireResponse_Item_Answer_ValueX_Reference{Reference: w.Ref(v)},
	}
}
