package mks

import (
	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	nutripb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/nutrition_order_go_proto"

	"github.com/drieluik/drieluik/mapping/element"
)

// writeFeeding adds the voedingsschema.
func (w *planWriter) writeFeeding() {
	v := w.in.at("voedingsschema")
	if !v.present() {
		return
	}
	ref := w.partRef("NutritionOrder", "voeding")
	o := feedingOrder(v, ref.String())
	o.Status = element.Enum(&nutripb.NutritionOrder_StatusCode{}, w.status.plan)
	o.Patient = w.patientRef()
	o.DateTime = element.Moment(w.root.at("vastgelegdOp").str())
	o.Orderer = w.ref(w.in.at("opgesteldDoor"))
	w.add(o, about{id: ref.ID, domains: []string{"medisch"}})
}

// feedingOrder maps a feeding scheme: by tube or vein as enteralFormula, else as oralDiet (mks.md
// 3.5). The caller adds status, patient, dateTime and orderer.
func feedingOrder(v value, on string) *nutripb.NutritionOrder {
	kind := v.at("soort").to(on + ".extension('" + element.StructureDefinition("voeding-soort") + "')").str()
	o := &nutripb.NutritionOrder{Intent: element.Enum(&nutripb.NutritionOrder_IntentCode{}, "plan")}
	element.AddExtension(o, element.OwnExtension("voeding-soort", element.CodeValue(kind)))
	if note := v.at("opmerking"); note.present() {
		o.Note = []*dpb.Annotation{{Text: element.Markdown(note.to(on + ".note.text").str())}}
	}
	if kind == "sonde" || kind == "parenteraal" {
		o.EnteralFormula = enteralFormula(v, kind, on+".enteralFormula")
		return o
	}
	d := &nutripb.NutritionOrder_OralDiet{
		Type:        []*dpb.CodeableConcept{element.TextConcept(label("voeding-soort", kind))},
		Instruction: element.String(traced(v.at("product"), on+".oralDiet.instruction").str()),
	}
	if s := feedingSchedule(v, on+".oralDiet.schedule"); s != nil {
		d.Schedule = []*dpb.Timing{s}
	}
	if ml := v.at("mlPerKeer"); ml.present() {
		element.AddExtension(o, element.OwnExtension("ml-per-keer", element.Quantity(ml.to(on+".extension('"+element.StructureDefinition("ml-per-keer")+"')").decimal(), "mL")))
	}
	if route := v.at("toedieningsweg"); route.present() {
		element.AddExtension(o, element.OwnExtension("toedieningsweg", element.CodeValue(route.to(on+".extension('"+element.StructureDefinition("toedieningsweg")+"')").str())))
	}
	o.OralDiet = d
	return o
}

// enteralFormula always says the kind of feeding, so that it is never empty.
func enteralFormula(v value, kind, on string) *nutripb.NutritionOrder_EnteralFormula {
	e := &nutripb.NutritionOrder_EnteralFormula{
		BaseFormulaType:        element.TextConcept(label("voeding-soort", kind)),
		BaseFormulaProductName: element.String(traced(v.at("product"), on+".baseFormulaProductName").str()),
	}
	if route := v.at("toedieningsweg"); route.present() {
		e.RouteofAdministration = listConcept("toedieningsweg", route.to(on+".routeofAdministration").str())
	}
	a := &nutripb.NutritionOrder_EnteralFormula_Administration{Schedule: feedingSchedule(v, on+".administration.schedule")}
	if ml := v.at("mlPerKeer"); ml.present() {
		q := element.Quantity(ml.to(on+".administration.quantity").decimal(), "mL")
		a.Quantity = &dpb.SimpleQuantity{Value: q.Value, Unit: q.Unit, System: q.System, Code: q.Code}
	}
	if a.Schedule != nil || a.Quantity != nil {
		e.Administration = []*nutripb.NutritionOrder_EnteralFormula_Administration{a}
	}
	return e
}

// feedingSchedule returns how many times a day, nil when the source does not say.
func feedingSchedule(v value, on string) *dpb.Timing {
	times := v.at("keerPerDag")
	if !times.present() {
		return nil
	}
	return &dpb.Timing{Repeat: &dpb.Timing_Repeat{
		Frequency:  element.Positive(times.to(on + ".repeat.frequency").whole()),
		Period:     element.Decimal("1"),
		PeriodUnit: element.Enum(&dpb.Timing_Repeat_PeriodUnitCode{}, "d"),
	}}
}
