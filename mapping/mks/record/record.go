package record

import (
	"sync"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping/form"
)

// Type is one record type of mks.md 3: its table and the rules that need the document alone. To add
// one, write a function that returns it and name it in records:
//
//	func zorgplan() recordType {
//		return recordType{name: "zorgplan", anchor: "CarePlan", local: checkPlan, fields: form.Fields{
//			form.F("ingangsdatum", "1", date),            // name, cardinality, type: as in the table of mks.md
//			form.F("opgesteldDoor", "1", ref("med")),
//			form.F("problemen", "0..*", form.Object(form.F("id", "1", ident), form.F("code", "0..1", codering))),
//			form.F("acties", "1..*", form.Object(…)),
//		}}
//	}
//
// The form (ENV-01..06, 14..16) and the rules of the envelope come from the package. In rules use
// form.Value.Sound: a rule whose inputs are faulty is skipped. The methods Fail, Warn and Inform report;
// code and severity of an issue follow from the rule id.
type Type struct {
	Name   string
	Anchor fhir.Type
	Fields form.Fields
	Whole  form.Fields     // of the document: the envelope with fields as inhoud
	Local  func(*Document) // checks the document alone
}

// All are the record types of mks.md 3. It is read only.
var All = sync.OnceValue(func() []Type {
	out := []Type{
		kind(), verwijsboom(), scan(), Zorgplan(), evaluation(), beslisboom(),
		overdracht(), toestemming(),
	}
	for i := range out {
		out[i].Whole = envelope(form.Object(out[i].Fields...))
	}
	return out
})

// Of returns the record type of that name.
func Of(name string) (Type, bool) {
	for _, r := range All() {
		if r.Name == name {
			return r, true
		}
	}
	return Type{}, false
}
