package record

import (
	"strings"

	"github.com/drieluik/drieluik/mapping/form"
)

// evaluation is the record type evaluatie of mks.md 3.6: how far the goals of a plan were reached, and
// what follows.
func evaluation() Type {
	return Type{
		Name: "evaluatie", Anchor: "Encounter", Fields: evaluationFields(),
		Local: checkEvaluation,
	}
}

// evaluationFields is the member table of mks.md 3.6.
func evaluationFields() form.Fields {
	return form.Fields{
		form.F("soort", "1", code("evaluatie-soort")), form.F("datum", "1", date), form.F("wijze", "1", code("afname-wijze")),
		form.F("deelnemers", "1..*", ref("bet", "med", "kind")), form.F("zorgplan", "1", Str),
		form.F("ouderGeinformeerdDoor", "0..1", form.Object(form.F("door", "1", ref("med")), form.F("op", "1", date), form.F("wie", "1..*", ref("bet")))),
		form.F("perDoel", "0..*", form.Object(form.F("doel", "1", Str), form.F("status", "1", code("doelstatus")), form.F("toelichting", "0..1", text))),
		form.F("gezinservaring", "0..1", text), form.F("besluit", "1", code("evaluatie-besluit")),
		form.F("leidtTotPlanversie", "0..1", posInt),
	}
}

// checkEvaluation holds the rules of mks.md 3.6 that need the document alone.
func checkEvaluation(d *Document) {
	in := d.Content()
	kind, decision := in.At("soort").Str(), in.At("besluit")
	if kind == "afsluitend" && decision.Sound() && decision.Str() != "afsluiten" {
		d.Fail("MKS-EV-03", decision)
	}
	if next := in.At("leidtTotPlanversie"); decision.Str() == "bijstellen" && !next.Present() {
		d.Warn("MKS-EV-04", next)
	}
	if on := in.At("datum"); on.Sound() && on.Day().After(d.Head.RecordedDay) {
		d.Fail("MKS-EV-06", on)
	}
}

// PlanRecord returns the recordId of the plan that is evaluated: "recordId/versie" without the version.
func PlanRecord(name string) string {
	record, _, _ := strings.Cut(name, "/")
	return record
}
