// Package samordningsplan owns the source format samordningsplan/1: the coordinated plan (samordningsplan,
// SIP, barnets plan) of one person in Sweden, its form, its rules, its mapping to FHIR R4 and the way back.
// It refuses storage, other formats, and decisions about who may see what.
//
//	table.go, codes.go, identifier.go   members, closed lists, numbers that identify
//	plan.go                             the document as the rules and the mapping read it
//	rules_*.go                          one rule each, with the id under which it is reported
//	state.go                            the steps of a plan, against what is stored
//	mapper.go, write_*.go, finish.go    what a document becomes
//	back.go, back_*.go                  the way back: the same tables, read from the other side
//
// A rule holds for one place, is skipped when its inputs are faulty, and never puts a value of the source
// into an issue. A leaf that no write traces is kept as source-member, so that nothing is dropped.
package samordningsplan
