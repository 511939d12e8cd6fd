// Package tofhir owns what is the same for every record on its way to FHIR R4: one run of Map (Mapper) with
// the child, ids and references, how a resource unites with what other sources stored (mks.md 2.6), metadata
// and trace, Provenance, and what a new version ends (2.7). It refuses the content of any record type: that
// comes in as Steps.
//
// A fact that bears rights changes by the child's custodian alone, and a sender without a relation to a known
// child gets the answers of a child not known before.
package tofhir
