// Package mks owns the source format mks-bron/1: its form, its rules, its mapping to FHIR R4 and the
// way back. It refuses storage, other formats, and decisions about who may see what.
//
// The straight line of one document:
//
//	Read   parse tree → form (fields of the envelope and of the record) → rules of the document alone
//	Map    child and references looked up in Known → rules that need them → record.write → finish
//
// Form, references, metadata, trace, Provenance and what a new version retires are the same for
// every record and live here once:
//
//	types.go, lists.go, rules.go   types, closed lists and the dialect of the form (mks.md 2.1 to 2.4)
//	document.go                    a document and its envelope
//	mapper.go, reference.go        one run of Map: the child, ids, references, what it adds
//	union.go                       one resource of several source systems (mks.md 2.6)
//	finish.go, retire.go           bron-record, source members, Provenance, what a version ends
//	decision.go, tree.go           decision tables, and the forms of verwijsboom and beslisboom
//
// A record type adds its own table and functions: see record. A leaf of the source that a record
// does not trace becomes a source-member, so that nothing is ever dropped. A fact that bears rights
// changes by the child's custodian alone, and a sender without a relation to a known child gets the
// answers of a child not known before.
//
// Whoever writes a rule: it holds for one place, is skipped when its inputs are faulty (form.Value.Sound),
// and never puts a value of the source into an issue.
package mks
