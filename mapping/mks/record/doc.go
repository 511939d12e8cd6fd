// Package record owns the source form of mks-bron/1: the tables of its eight record types, types and closed
// lists (mks.md 2, 3), the envelope, the rules that need the document alone, and its JSON Schema. It refuses
// FHIR and what is stored.
//
// A rule holds for one place, is skipped when its inputs are faulty (form.Value.Sound), and never puts a
// value of the source into an issue.
package record
