package mks

import (
	"sync"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping/form"
)

// A record is one record type of mks.md 3. To add one, write a function that returns it and name it
// in records:
//
//	func zorgplan() record {
//		return record{name: "zorgplan", anchor: "CarePlan", fields: fields{
//			form.F("ingangsdatum", "1", date),            // name, cardinality, type: as in the table of mks.md
//			form.F("opgesteldDoor", "1", reform.F("med")),
//			form.F("problemen", "0..*", form.Object(form.F("id", "1", ident), form.F("code", "0..1", codering))),
//			form.F("acties", "1..*", form.Object(…)),
//		}, local: zorgplanRules, stored: zorgplanStored, write: writeZorgplan}
//	}
//
// The form (ENV-01..06, 14..16), references (REF-01..03), envelope, meta, identifiers of the anchor,
// Provenance, retired resources and the source-member extensions come from the package. A source
// leaf that write does not trace with form.Value.To is kept as source-member, so nothing is lost.
//
// In rules use form.Value.Sound: a rule whose inputs are faulty is skipped. The methods Fail, Warn and
// Inform report; code and severity of an issue follow from the rule id.
type record struct {
	name   string
	anchor fhir.Type
	fields form.Fields
	whole  form.Fields // of the document: the envelope with fields as inhoud
	// local checks the document alone. It may be nil.
	local func(*document)
	// prepare looks up what references need. It runs before they are checked. It may be nil.
	prepare func(*mapper) error
	// stored checks what needs stored resources. It runs also when the document has faults; errors
	// are failed look-ups. It may be nil.
	stored func(*mapper) error
	// write adds the resources, the anchor with mapper.addAnchor. It runs only without faults.
	write func(*mapper) error
}

// records are the record types of mks.md 3. It is read only.
var records = sync.OnceValue(func() []record {
	out := []record{
		kind(), verwijsboom(), scan(), zorgplan(), evaluation(), beslisboom(),
		overdracht(), toestemming(),
	}
	for i := range out {
		out[i].whole = envelope(form.Object(out[i].fields...))
	}
	return out
})

// recordOf returns the record type of that name.
func recordOf(name string) (record, bool) {
	for _, r := range records() {
		if r.name == name {
			return r, true
		}
	}
	return record{}, false
}
