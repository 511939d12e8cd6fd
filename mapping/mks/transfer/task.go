package transfer

import (
	"fmt"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	qpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/questionnaire_response_go_proto"
	taskpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/task_go_proto"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping/element"
	"github.com/drieluik/drieluik/mapping/form"
	"github.com/drieluik/drieluik/mapping/mks/tofhir"
)

// dischargeReadiness adds the answered form of readiness for discharge.
func (w *transferWriter) dischargeReadiness() {
	v := w.in.At("ontslaggereedheid")
	if !v.Present() {
		return
	}
	ref := w.Place("QuestionnaireResponse", "og")
	on := ref.On
	q := &qpb.QuestionnaireResponse{
		Questionnaire: &dpb.Canonical{Value: fhir.Canonical + "/Questionnaire/mks-ontslaggereedheid|1.0.0"},
		Status:        element.Enum(&qpb.QuestionnaireResponse_StatusCode{}, w.state.response),
		Subject:       w.PatientRef(),
		Authored:      element.Moment(w.Root().At("vastgelegdOp").Str()),
		Author:        w.Ref(w.in.At("verzender").At("verpleegkundige")),
	}
	q.Item = append(q.Item,
		answered("og.zorg", tofhir.YesNo(v.At("zorgThuisGeregeld").To(tofhir.ItemValue(on, "og.zorg")))),
		answered("og.materialen", tofhir.YesNo(v.At("materialenGeleverd").To(tofhir.ItemValue(on, "og.materialen")))))
	if phone := tofhir.Traced(v.At("aanspreekpunt24u"), tofhir.ItemValue(on, "og.telefoon")).Str(); phone != "" {
		q.Item = append(q.Item, answered("og.telefoon", tofhir.AnswerText(phone)))
	}
	for _, t := range v.At("oudersGetraind").Items() {
		q.Item = append(q.Item, w.training(t, on+".item"))
	}
	w.Add(q, w.tagged(ref, "veiligheid"))
	w.readiness = ref.Literal()
}

// training is one group og.training: a parent who learned a procedure.
func (w *transferWriter) training(v form.Value, on string) *qpb.QuestionnaireResponse_Item {
	handeling := v.At("handeling").To(tofhir.ItemValue(on, "og.training.handeling")).Str()
	wie := w.Ref(v.At("wie").To(tofhir.ItemValue(on, "og.training.wie")))
	return &qpb.QuestionnaireResponse_Item{LinkId: element.String("og.training"), Item: []*qpb.QuestionnaireResponse_Item{
		answered("og.training.handeling", tofhir.AnswerText(handeling)),
		answered("og.training.wie", &qpb.QuestionnaireResponse_Item_Answer_ValueX{
			Choice: &qpb.QuestionnaireResponse_Item_Answer_ValueX_Reference{Reference: wie},
		}),
		answered("og.training.bekwaam", tofhir.YesNo(v.At("bekwaam").To(tofhir.ItemValue(on, "og.training.bekwaam")))),
		answered("og.training.datum", &qpb.QuestionnaireResponse_Item_Answer_ValueX{
			Choice: &qpb.QuestionnaireResponse_Item_Answer_ValueX_Date{
				Date: element.Date(v.At("datum").To(tofhir.ItemValue(on, "og.training.datum")).Day()),
			},
		}),
	}}
}

func answered(link string, v *qpb.QuestionnaireResponse_Item_Answer_ValueX) *qpb.QuestionnaireResponse_Item {
	return &qpb.QuestionnaireResponse_Item{
		LinkId: element.String(link), Answer: []*qpb.QuestionnaireResponse_Item_Answer{{Value: v}},
	}
}

// writeTask adds the Task by which the receiver takes over. A later version of the record leaves the
// Task as the parties have moved it (mks.md 2.7), and a withdrawal cancels it. Another receiver, or a
// record that was withdrawn before, starts it anew.
func (w *transferWriter) writeTask() error {
	ref := w.Place("Task", "taak")
	stored, err := w.Known.Read(ref.Ref)
	if err != nil {
		return fmt.Errorf("mks.writeTask: %w", err)
	}
	revoked, err := w.wasWithdrawn()
	if err != nil {
		return err
	}
	status, owner := tofhir.Found(stored).At("status").Text(), w.Target(w.in.At("ontvanger").At("organisatie"))
	if stored != nil && status != "draft" && status != "entered-in-error" && (w.state.void ||
		!revoked && isIn(owner, tofhir.Found(stored).Member("owner"))) {
		return w.AddEdited(stored.Resource, w.taskEdits(tofhir.Found(stored), owner)...)
	}
	w.newTask(ref)
	return nil
}

// wasWithdrawn reports whether the stored version of the record is a withdrawal.
func (w *transferWriter) wasWithdrawn() (bool, error) {
	stored, err := w.Known.Read(w.composition.Ref)
	if err != nil {
		return false, fmt.Errorf("mks.wasWithdrawn: %w", err)
	}
	return tofhir.Found(stored).Member("status").Text() == "entered-in-error", nil
}

// isIn reports whether a Reference names the target: by its literal reference, or by its identifier
// while it has none.
func isIn(t tofhir.Target, r fhir.Node) bool {
	if literal := r.Member("reference"); literal.Exists() {
		return literal.Text() == t.Ref.String()
	}
	id := r.Member("identifier")
	return t.ID == fhir.Identifier{System: id.Member("system").Text(), Value: id.Member("value").Text()}
}

// taskEdits are what this version changes of the Task.
func (w *transferWriter) taskEdits(task fhir.Node, owner tofhir.Target) []fhir.Edit {
	if w.state.void {
		return []fhir.Edit{{Path: []string{"status"}, JSON: fmt.Sprintf("%q", w.state.task)}}
	}
	day := w.in.At("overplaatsingsdatum").Day()
	out := []fhir.Edit{{Path: []string{"restriction", "period", "end"}, JSON: fmt.Sprintf("%q", day)}}
	if !task.At("owner", "reference").Exists() && !owner.Ref.IsZero() {
		out = append(out, fhir.Edit{Path: []string{"owner", "reference"}, JSON: fmt.Sprintf("%q", owner.Ref)})
	}
	if ref := w.readiness.GetUri().GetValue(); ref != "" && !hasInput(task, ref) {
		out = append(out, fhir.Edit{Path: []string{"input"}, Append: true, JSON: fmt.Sprintf(
			`{"type":{"coding":[{"system":%q,"code":"ontslaggereedheid"}]},"valueReference":{"reference":%q}}`,
			element.CodeSystem("mks-categorie"), ref)})
	}
	return out
}

func hasInput(task fhir.Node, ref string) bool {
	for r := range task.All("input", "valueReference", "reference") {
		if r.Text() == ref {
			return true
		}
	}
	return false
}

func (w *transferWriter) newTask(ref tofhir.Place) {
	t := &taskpb.Task{
		Status:      element.Enum(&taskpb.Task_StatusCode{}, w.state.task),
		Intent:      element.Enum(&taskpb.Task_IntentCode{}, "order"),
		Code:        handoverRequest,
		Focus:       w.composition.Literal(),
		ForValue:    w.PatientRef(),
		AuthoredOn:  element.Moment(w.Root().At("vastgelegdOp").Str()),
		Requester:   w.Ref(w.in.At("verzender").At("organisatie")),
		Owner:       w.Ref(w.in.At("ontvanger").At("organisatie")),
		Restriction: &taskpb.Task_Restriction{Period: &dpb.Period{End: element.DateTime(w.in.At("overplaatsingsdatum").Day())}},
		Input:       []*taskpb.Task_Parameter{taskInput(handoverReport, w.composition.Literal())},
	}
	if w.readiness != nil {
		t.Input = append(t.Input, taskInput(tofhir.ListConcept("mks-categorie", "ontslaggereedheid"), w.readiness))
	}
	w.Add(t, ref.About(element.StructureDefinition("mks-overdracht-taak")))
}

func taskInput(kind *dpb.CodeableConcept, r *dpb.Reference) *taskpb.Task_Parameter {
	return &taskpb.Task_Parameter{Type: kind, Value: &taskpb.Task_Parameter_ValueX{
		Choice: &taskpb.Task_Parameter_ValueX_Reference{Reference: r},
	}}
}
