// Package mks owns the source format mks-bron/1: it puts the parts below it in a line. It refuses storage, other
// formats, and decisions about who may see what.
//
// The straight line of one document:
//
//	Read   record.Read: form, envelope → rules of the document alone
//	Map    tofhir.New: child and sender looked up in Known → references and rules that need them →
//	       Steps.Write of the record type → arrive.Resolve → Mapper.Finish
//	Back   back.Documents → the form once more
//
// Each record type has a table with rules in record, and Steps in the package of its section: child, tree,
// scan, plan, transfer, consent. A leaf of the source that it does not trace becomes a source-member, so that
// nothing is ever dropped.
package mks
