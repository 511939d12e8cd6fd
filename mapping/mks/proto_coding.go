package mks

import (
	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
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

// coding returns a Coding; display may be "".
func coding(system, code, display string) *dpb.Coding {
	return &dpb.Coding{System: &dpb.Uri{Value: system}, Code: &dpb.Code{Value: code}, Display: pstr(display)}
}

// listCoding returns the Coding of a code of one of our lists, with its label.
func listCoding(list, code string) *dpb.Coding {
	return coding(codeSystem(list), code, label(list, code))
}

// concept returns a CodeableConcept of codings; nil ones are left out.
func concept(codings ...*dpb.Coding) *dpb.CodeableConcept {
	out := &dpb.CodeableConcept{}
	for _, c := range codings {
		if c != nil {
			out.Coding = append(out.Coding, c)
		}
	}
	return out
}

// listConcept returns the CodeableConcept of a code of one of our lists.
func listConcept(list, code string) *dpb.CodeableConcept { return concept(listCoding(list, code)) }

// textConcept returns a CodeableConcept of text and codings.
func textConcept(text string, codings ...*dpb.Coding) *dpb.CodeableConcept {
	out := concept(codings...)
	out.Text = pstr(text)
	return out
}

// codings returns the Codings of a codering and traces each to element, such as
// "Condition/x.code". The member tekst is not a coding: trace it where it goes.
func codings(v value, element string) []*dpb.Coding {
	var out []*dpb.Coding
	for _, s := range codingSystems {
		if c := v.at(s.member); plainCode.MatchString(c.str()) { // else it becomes a source-member
			out = append(out, coding(s.system, c.to(element+".coding").str(), ""))
		}
	}
	return out
}
