package mks

import (
	"fmt"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	qpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/questionnaire_response_go_proto"
	taskpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/task_go_proto"

	"github.com/drieluik/drieluik/fhir"
)

// dischargeReadiness adds the answered form of readiness for discharge.
func (w *transferWriter) dischargeReadiness() {
	v := w.in.at("ontslaggereedheid")
	if !v.present() {
		return
	}
	ref := w.partRef("QuestionnaireResponse", "og")
	on := ref.String()
	q := &qpb.QuestionnaireResponse{
		Questionnaire: &dpb.Canonical{Value: fhir.Canonical + "/Questionnaire/mks-ontslaggereedheid|1.0.0"},
		Status:        enum(&qpb.QuestionnaireResponse_StatusCode{}, w.state.response),
		Subject:       w.patientRef(),
		Authored:      pmoment(w.root.at("vastgelegdOp").str()),
		Author:        w.ref(w.in.at("verzender").at("verpleegkundige")),
	}
	q.Item = append(q.Item,
		answered("og.zorg", yesNo(v.at("zorgThuisGeregeld").to(on+".item"))),
		answered("og.materialen", yesNo(v.at("materialenGeleverd").to(on+".item"))))
	if phone := traced(v.at("aanspreekpunt24u"), on+".item").str(); phone != "" {
		q.Item = append(q.Item, answered("og.telefoon", &qpb.QuestionnaireResponse_Item_Answer_ValueX{
			Choice: &qpb.QuestionnaireResponse_Item_Answer_ValueX_StringValue{StringValue: pstr(phone)},
		}))
	}
	for _, t := range v.at("oudersGetraind").items() {
		q.Item = append(q.Item, w.training(t, on+".item"))
	}
	w.add(q, w.tagged(ref, "veiligheid"))
	w.readiness = literal(ref)
}

// training is one group og.training: a parent who learned a procedure.
func (w *transferWriter) training(v value, on string) *qpb.QuestionnaireResponse_Item {
	return &qpb.QuestionnaireResponse_Item{LinkId: pstr("og.training"), Item: []*qpb.QuestionnaireResponse_Item{
		answered("og.training.handeling", &qpb.QuestionnaireResponse_Item_Answer_ValueX{
			Choice: &qpb.QuestionnaireResponse_Item_Answer_ValueX_StringValue{StringValue: pstr(v.at("handeling").to(on).str())},
		}),
		answered("og.training.wie", &qpb.QuestionnaireResponse_Item_Answer_ValueX{
			Choice: &qpb.QuestionnaireResponse_Item_Answer_ValueX_Reference{Reference: w.ref(v.at("wie").to(on))},
		}),
		answered("og.training.bekwaam", yesNo(v.at("bekwaam").to(on))),
		answered("og.training.datum", &qpb.QuestionnaireResponse_Item_Answer_ValueX{
			Choice: &qpb.QuestionnaireResponse_Item_Answer_ValueX_Date{Date: pday(v.at("datum").to(on).day())},
		}),
	}}
}

func answered(link string, v *qpb.QuestionnaireResponse_Item_Answer_ValueX) *qpb.QuestionnaireResponse_Item {
	return &qpb.QuestionnaireResponse_Item{
		LinkId: pstr(link), Answer: []*qpb.QuestionnaireResponse_Item_Answer{{Value: v}},
	}
}

func yesNo(v value) *qpb.QuestionnaireResponse_Item_Answer_ValueX {
	return &qpb.QuestionnaireResponse_Item_Answer_ValueX{
		Choice: &qpb.QuestionnaireResponse_Item_Answer_ValueX_Boolean{Boolean: pbool(v.yes())},
	}
}

// writeTask adds the Task by which the receiver takes over. A later version of the record leaves the
// Task as the parties have moved it; only another receiver or a withdrawal starts it anew.
func (w *transferWriter) writeTask() error {
	ref := w.partRef("Task", "taak")
	stored, err := w.known.Read(ref)
	if err != nil {
		return fmt.Errorf("transfer task: %w", err)
	}
	owner := w.ref(w.in.at("ontvanger").at("organisatie"))
	day := w.in.at("overplaatsingsdatum").day()
	if stored != nil && !w.state.void && found(stored).At("status").Text() != "draft" &&
		found(stored).At("owner", "reference").Text() == owner.GetUri().GetValue() {
		return w.addEdited(stored.Resource, fhir.Edit{Path: []string{"restriction", "period", "end"}, JSON: fmt.Sprintf("%q", day)})
	}
	t := &taskpb.Task{
		Status:      enum(&taskpb.Task_StatusCode{}, w.state.task),
		Intent:      enum(&taskpb.Task_IntentCode{}, "order"),
		Code:        concept(coding(snomed, "308292007", "")),
		Focus:       literal(w.composition),
		ForValue:    w.patientRef(),
		AuthoredOn:  pmoment(w.root.at("vastgelegdOp").str()),
		Requester:   w.ref(w.in.at("verzender").at("organisatie")),
		Owner:       owner,
		Restriction: &taskpb.Task_Restriction{Period: &dpb.Period{End: pdateTime(day)}},
		Input:       []*taskpb.Task_Parameter{taskInput(concept(coding(snomed, "11171000146100", "")), literal(w.composition))},
	}
	if w.readiness != nil {
		t.Input = append(t.Input, taskInput(listConcept("mks-categorie", "ontslaggereedheid"), w.readiness))
	}
	w.add(t, about{id: ref.ID, profiles: []string{ownProfile("mks-overdracht-taak")}})
	return nil
}

func taskInput(kind *dpb.CodeableConcept, r *dpb.Reference) *taskpb.Task_Parameter {
	return &taskpb.Task_Parameter{Type: kind, Value: &taskpb.Task_Parameter_ValueX{
		Choice: &taskpb.Task_Parameter_ValueX_Reference{Reference: r},
	}}
}
