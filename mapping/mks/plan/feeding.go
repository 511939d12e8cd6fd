package plan

import (
	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	nutripb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/nutrition_order_go_proto"

	"github.com/drieluik/drieluik/mapping/element"
	"github.com/drieluik/drieluik/mapping/form"
	"github.com/drieluik/drieluik/mapping/mks/record"
	"github.com/drieluik/drieluik/mapping/mks/tofhir"
)

// writeFeeding adds the voedingsschema.
func (w *planWriter) writeFeeding() {
	v := w.in.At("voedingsschema")
	if !v.Present() {
		return
	}
	ref := w.partRef("NutritionOrder", "voeding")
	o := FeedingOrder(v, ref.String())
	o.Status = element.Enum(&nutripb.NutritionOrder_StatusCode{}, w.status.plan)
	o.Patient = w.PatientRef()
	o.DateTime = element.Moment(w.Root().At("vastgelegdOp").Str())
	o.Orderer = w.Ref(w.in.At("opgesteldDoor"))
	w.Add(o, tofhir.About{ID: ref.ID, Domains: []string{"medisch"}})
}

// FeedingOrder maps a feeding scheme: by tube or vein as enteralFormula, else as oralDiet (mks.md
// 3.5). The caller adds status, patient, dateTime and orderer.
func FeedingOrder(v form.Value, on string) *nutripb.NutritionOrder {
	kind := v.At("soort").To(on + ".extension('" + element.StructureDefinition("voeding-soort") + "')").Str()
	o := &nutripb.NutritionOrder{Intent: element.Enum(&nutripb.NutritionOrder_IntentCode{}, "plan")}
	o.Extension = element.Some(element.OwnExtension("voeding-soort", element.CodeValue(kind)))
	if note := v.At("opmerking"); note.Present() {
		o.Note = []*dpb.Annotation{{Text: element.Markdown(note.To(on + ".note.text").Str())}}
	}
	if kind == "sonde" || kind == "parenteraal" {
		o.EnteralFormula = enteralFormula(v, kind, on+".enteralFormula")
		return o
	}
	d := &nutripb.NutritionOrder_OralDiet{
		Type:        []*dpb.CodeableConcept{element.TextConcept(record.Label("voeding-soort", kind))},
		Instruction: element.String(tofhir.Traced(v.At("product"), on+".oralDiet.instruction").Str()),
	}
	if s := feedingSchedule(v, on+".oralDiet.schedule"); s != nil {
		d.Schedule = []*dpb.Timing{s}
	}
	if ml := v.At("mlPerKeer"); ml.Present() {
		o.Extension = append(o.Extension, element.OwnExtension("ml-per-keer", element.Quantity(ml.To(on+".extension('"+element.StructureDefinition("ml-per-keer")+"')").Decimal(), "mL")))
	}
	if route := v.At("toedieningsweg"); route.Present() {
		o.Extension = append(o.Extension, element.OwnExtension("toedieningsweg", element.CodeValue(route.To(on+".extension('"+element.StructureDefinition("toedieningsweg")+"')").Str())))
	}
	o.OralDiet = d
	return o
}

// enteralFormula always says the kind of feeding, so that it is never empty.
func enteralFormula(v form.Value, kind, on string) *nutripb.NutritionOrder_EnteralFormula {
	e := &nutripb.NutritionOrder_EnteralFormula{
		BaseFormulaType:        element.TextConcept(record.Label("voeding-soort", kind)),
		BaseFormulaProductName: element.String(tofhir.Traced(v.At("product"), on+".baseFormulaProductName").Str()),
	}
	if route := v.At("toedieningsweg"); route.Present() {
		e.RouteofAdministration = tofhir.ListConcept("toedieningsweg", route.To(on+".routeofAdministration").Str())
	}
	a := &nutripb.NutritionOrder_EnteralFormula_Administration{Schedule: feedingSchedule(v, on+".administration.schedule")}
	if ml := v.At("mlPerKeer"); ml.Present() {
		q := element.Quantity(ml.To(on+".administration.quantity").Decimal(), "mL")
		a.Quantity = &dpb.SimpleQuantity{Value: q.Value, Unit: q.Unit, System: q.System, Code: q.Code}
	}
	if a.Schedule != nil || a.Quantity != nil {
		e.Administration = []*nutripb.NutritionOrder_EnteralFormula_Administration{a}
	}
	return e
}

// feedingSchedule returns how many times a day, nil when the source does not say.
func feedingSchedule(v form.Value, on string) *dpb.Timing {
	times := v.At("keerPerDag")
	if !times.Present() {
		return nil
	}
	return &dpb.Timing{Repeat: &dpb.Timing_Repeat{
		Frequency:  element.Positive(times.To(on + ".repeat.frequency").Whole()),
		Period:     element.Decimal("1"),
		PeriodUnit: element.Enum(&dpb.Timing_Repeat_PeriodUnitCode{}, "d"),
	}}
}
