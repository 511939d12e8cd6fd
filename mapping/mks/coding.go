package mks

import (
	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"

	"github.com/drieluik/drieluik/mapping/element"
	"github.com/drieluik/drieluik/mapping/form"
)

// Code systems of others.
const (
	snomed       = "http://snomed.info/sct"
	loinc        = "http://loinc.org"
	nullFlavor   = "http://terminology.hl7.org/CodeSystem/v3-NullFlavor"
	confidential = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
)

// codingSystems are the members of a codering in the order in which they become codings (3.1).
var codingSystems = []struct{ member, system string }{
	{"sct", snomed}, {"omaha", "urn:oid:2.16.840.1.113883.6.98"},
	{"icf", "http://hl7.org/fhir/sid/icf-nl"}, {"noc", "urn:oid:2.16.840.1.113883.6.16"},
	{"nic", "http://terminology.hl7.org/CodeSystem/nic"}, {"nanda", "urn:oid:2.16.840.1.113883.6.20"},
	{"icd10", "http://hl7.org/fhir/sid/icd-10-nl"},
}

// listCoding returns the Coding of a code of one of our lists, with its label.
func listCoding(list, code string) *dpb.Coding {
	return element.Coding(element.CodeSystem(list), code, label(list, code))
}

// listConcept returns the CodeableConcept of a code of one of our lists.
func listConcept(list, code string) *dpb.CodeableConcept {
	return element.Concept(listCoding(list, code))
}

// codings returns the Codings of a codering and traces each to place, such as
// "Condition/x.code". The member tekst is not a coding: trace it where it goes.
func codings(v form.Value, place string) []*dpb.Coding {
	var out []*dpb.Coding
	for _, s := range codingSystems {
		if c := v.At(s.member); plainCode.MatchString(c.Str()) { // else it becomes a source-member
			out = append(out, element.Coding(s.system, c.To(place+".coding").Str(), ""))
		}
	}
	return out
}

// truth returns a boolean of the source, nil when it is absent.
func truth(v form.Value) *dpb.Boolean {
	if !v.Present() {
		return nil
	}
	return element.Bool(v.Yes())
}
