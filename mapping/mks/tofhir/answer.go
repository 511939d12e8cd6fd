package tofhir

import (
	"strconv"
	"strings"

	obspb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/observation_go_proto"
	qpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/questionnaire_response_go_proto"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping/element"
	"github.com/drieluik/drieluik/mapping/form"
)

// AnswersAt are the values of an item below n, by its linkId.
func AnswersAt(n fhir.Node, link string) []fhir.Node {
	var out []fhir.Node
	for item := range n.All("item") {
		if item.Member("linkId").Text() != link {
			continue
		}
		for a := range item.All("answer") {
			for v := range a.Children() {
				if strings.HasPrefix(v.Name(), "value") {
					out = append(out, v)
				}
			}
		}
	}
	return out
}

// AnswerAt is the text or code of the first value of an item.
func AnswerAt(n fhir.Node, link string) string {
	all := AnswersAt(n, link)
	if len(all) == 0 {
		return ""
	}
	if code := all[0].Member("code"); code.Exists() {
		return code.Text()
	}
	return all[0].Text()
}

// Said is what an Observation says in words.
func Said(text string) *obspb.Observation_ValueX {
	return &obspb.Observation_ValueX{Choice: &obspb.Observation_ValueX_StringValue{StringValue: element.String(text)}}
}

// AnswerText is an answer in words.
func AnswerText(s string) *qpb.QuestionnaireResponse_Item_Answer_ValueX {
	return &qpb.QuestionnaireResponse_Item_Answer_ValueX{
		Choice: &qpb.QuestionnaireResponse_Item_Answer_ValueX_StringValue{StringValue: element.String(s)},
	}
}

// YesNo is a boolean answer.
func YesNo(v form.Value) *qpb.QuestionnaireResponse_Item_Answer_ValueX {
	return &qpb.QuestionnaireResponse_Item_Answer_ValueX{
		Choice: &qpb.QuestionnaireResponse_Item_Answer_ValueX_Boolean{Boolean: element.Bool(v.Yes())},
	}
}

// Numbered returns name, and name/2, name/3 when it comes again: ids of parts are unique.
func Numbered(seen map[string]int, name string) string {
	seen[name]++
	if seen[name] == 1 {
		return name
	}
	return name + "/" + strconv.Itoa(seen[name])
}
