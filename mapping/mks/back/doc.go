// Package back reads source documents of mks-bron/1 from FHIR: the way back (mks.md 4). It refuses
// the rules of the format, storage, and any archived copy of a source document.
//
// The straight line of one Bundle:
//
//	newSet     resources by reference, Provenances by the record version that they tell of
//	anchors    in order: a resource with bron-record, or of another origin one that looks like it
//	gather     what belongs to the record: targets of its Provenance in order, then meta.source
//	reader     one function per record type: members ← places, in the order of its table
//	putBack    every source-member at its pointer, in place of what was read
//
// A record type is one file with one function, named in readers:
//
//	func evaluation(r *record) *rebuild.Value {
//		e := r.anchor
//		return rebuild.Object(
//			rebuild.M("soort", rebuild.Code(e.Member("type"), "evaluatie-soort")),
//			rebuild.M("datum", rebuild.Day(e.At("period", "start"))),
//			rebuild.M("perDoel", rebuild.Each(r.parts("Observation", "mks-observatie", "doel-evaluatie"), r.goalResult)),
//		)
//	}
//
// mapping/rebuild reads elements and puts the JSON together; refs.go reads references, record.go the
// resources of a record. Whatever is missing in FHIR reads as a missing member: the form of the format
// says afterwards whether it may be. No function panics on a resource of any shape.
package back
