// Package netwerk is the source format netwerk/1: the social network of a family, to FHIR R4 and back
// (network.md). It owns the form, the rules and the mapping of the format, and refuses storage: what is
// stored comes in as mapping.Known.
package netwerk
