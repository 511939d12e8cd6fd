package mks

import (
	"strings"
)

// evaluation is the record type evaluatie of mks.md 3.6: how far the goals of a plan were reached, and
// what follows.
func evaluation() record {
	return record{
		name: "evaluatie", anchor: "Encounter", fields: evaluationFields(),
		local: checkEvaluation, stored: checkStoredEvaluation, write: writeEvaluation,
	}
}

// evaluationFields is the member table of mks.md 3.6.
func evaluationFields() fields {
	return fields{
		f("soort", "1", code("evaluatie-soort")), f("datum", "1", date), f("wijze", "1", code("afname-wijze")),
		f("deelnemers", "1..*", ref("bet", "med", "kind")), f("zorgplan", "1", str),
		f("ouderGeinformeerdDoor", "0..1", obj(f("door", "1", ref("med")), f("op", "1", date), f("wie", "1..*", ref("bet")))),
		f("perDoel", "0..*", obj(f("doel", "1", str), f("status", "1", code("doelstatus")), f("toelichting", "0..1", text))),
		f("gezinservaring", "0..1", text), f("besluit", "1", code("evaluatie-besluit")),
		f("leidtTotPlanversie", "0..1", posInt),
	}
}

// checkEvaluation holds the rules of mks.md 3.6 that need the document alone.
func checkEvaluation(d *document) {
	in := d.inhoud()
	kind, decision := in.at("soort").str(), in.at("besluit")
	if kind == "afsluitend" && decision.sound() && decision.str() != "afsluiten" {
		d.fail("MKS-EV-03", decision)
	}
	if next := in.at("leidtTotPlanversie"); decision.str() == "bijstellen" && !next.present() {
		d.warn("MKS-EV-04", next)
	}
	if on := in.at("datum"); on.sound() && on.day().after(d.head.recordedDay) {
		d.fail("MKS-EV-06", on)
	}
}

// planRecord returns the recordId of the plan that is evaluated: "recordId/versie" without the version.
func planRecord(name string) string {
	record, _, _ := strings.Cut(name, "/")
	return record
}
