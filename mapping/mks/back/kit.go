package back

import (
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping/rebuild"
)

// Code systems and structures of others.
const (
	snomed       = "http://snomed.info/sct"
	hl7Structure = "http://hl7.org/fhir/StructureDefinition/"
	uraSystem    = "http://fhir.nl/fhir/NamingSystem/ura"
	agbSystem    = "http://fhir.nl/fhir/NamingSystem/agb-z"
	uzoviSystem  = "http://fhir.nl/fhir/NamingSystem/uzovi"
	bigSystem    = "http://fhir.nl/fhir/NamingSystem/big"
	bsnSystem    = "http://fhir.nl/fhir/NamingSystem/bsn"
)

// codingSystems are the members of a codering and their code systems (mks.md 3.1). Read only.
var codingSystems = []struct{ member, system string }{
	{"sct", snomed}, {"omaha", "urn:oid:2.16.840.1.113883.6.98"},
	{"icf", "http://hl7.org/fhir/sid/icf-nl"}, {"noc", "urn:oid:2.16.840.1.113883.6.16"},
	{"nic", "http://terminology.hl7.org/CodeSystem/nic"}, {"nanda", "urn:oid:2.16.840.1.113883.6.20"},
	{"icd10", "http://hl7.org/fhir/sid/icd-10-nl"},
}

// codering reads the codings of a concept: one member per code system, the first coding of each. The
// coding added by a profile (nil for none) is not the source's. tekst is no coding: a record whose
// text has no other place adds m("tekst", …) itself.
func codering(concept fhir.Node, added func(coding fhir.Node) bool, more ...rebuild.Member) *rebuild.Value {
	var members []rebuild.Member
	for _, s := range codingSystems {
		for c := range concept.All("coding") {
			if c.Member("system").Text() == s.system && (added == nil || !added(c)) {
				members = append(members, rebuild.M(s.member, rebuild.Text(c.Member("code"))))
				break
			}
		}
	}
	return rebuild.Object(append(members, more...)...)
}
