// Package mks owns the source format mks-bron/1: its form, its rules, its mapping to FHIR R4 and the
// way back. It refuses storage, other formats, and decisions about who may see what.
//
// The straight line of one document:
//
//	Read   parse tree → form (fields of the envelope and of the record) → rules of the document alone
//	Map    child and references looked up in Known → rules that need them → record.write → finish
//
// Form, references, metadata, trace, Provenance and what a new version retires are the same for
// every record and live here once (form.go, reference.go, mapper.go, finish.go). A record type adds
// its own table and functions: see record.
package mks
