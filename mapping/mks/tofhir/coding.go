package tofhir

import (
	"sync"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"

	"github.com/drieluik/drieluik/mapping/element"
	"github.com/drieluik/drieluik/mapping/form"
	"github.com/drieluik/drieluik/mapping/mks/record"
)

// Code systems of others.
const (
	SNOMED       = "http://snomed.info/sct"
	LOINC        = "http://loinc.org"
	NullFlavor   = "http://terminology.hl7.org/CodeSystem/v3-NullFlavor"
	Confidential = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
)

// CodingSystems are the members of a codering in the order in which they become codings (3.1).
var CodingSystems = []struct{ Member, System string }{
	{"sct", SNOMED}, {"omaha", "urn:oid:2.16.840.1.113883.6.98"},
	{"icf", "http://hl7.org/fhir/sid/icf-nl"}, {"noc", "urn:oid:2.16.840.1.113883.6.16"},
	{"nic", "http://terminology.hl7.org/CodeSystem/nic"}, {"nanda", "urn:oid:2.16.840.1.113883.6.20"},
	{"icd10", "http://hl7.org/fhir/sid/icd-10-nl"},
}

// ListCoding returns the Coding of a code of one of our lists, with its label.
func ListCoding(list, code string) *dpb.Coding {
	of := record.List(list)
	return element.Coding(of.System, code, of.Labels[code])
}

// ListConcept returns the CodeableConcept of a code of one of our lists: one message, which all resources share
// and nobody may change.
func ListConcept(list, code string) *dpb.CodeableConcept {
	if c, ok := listConcepts()[list][code]; ok {
		return c
	}
	return element.Concept(ListCoding(list, code))
}

// listConcepts are the concepts of all codes of our lists, which every record writes.
var listConcepts = sync.OnceValue(func() map[string]map[string]*dpb.CodeableConcept {
	out := map[string]map[string]*dpb.CodeableConcept{}
	for name, list := range record.Lists() {
		out[name] = map[string]*dpb.CodeableConcept{}
		for code := range list.Labels {
			out[name][code] = element.Concept(ListCoding(name, code))
		}
	}
	return out
})

// Codings returns the Codings of a codering and traces each to place, such as
// "Condition/x.code". The member tekst is not a coding: trace it where it goes. A code that its code system
// does not hold, as far as that is loaded, is told of (ENV-17).
func (m *Mapper) Codings(v form.Value, place string) []*dpb.Coding {
	if !v.Present() {
		return nil
	}
	var out []*dpb.Coding
	for _, s := range CodingSystems {
		if c := v.At(s.Member); c.Present() && record.PlainCode.MatchString(c.Str()) { // else it becomes a source-member
			out = append(out, element.Coding(s.System, c.To(place+".coding").Str(), ""))
			if m.Holds == nil {
				continue
			}
			if held, loaded := m.Holds(s.System, c.Str()); loaded && !held {
				m.Warn("MKS-ENV-17", c)
			}
		}
	}
	return out
}

// Truth returns a boolean of the source, nil when it is absent.
func Truth(v form.Value) *dpb.Boolean {
	if !v.Present() {
		return nil
	}
	return element.Bool(v.Yes())
}

// Seal returns an access-label against one person.
func Seal(code string, barred *dpb.Reference) *dpb.Coding {
	out := element.Coding(element.CodeSystem("access-label"), code, "")
	out.Extension = element.Some(element.OwnExtension("barred-party", barred))
	return out
}

// NlCore returns the canonical of a profile of nl-core.
func NlCore(name string) string { return NictizStructure + "nl-core-" + name }

// Participation is the code system of the parts that people take in care.
const Participation = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"

// extensions of HL7 and Nictiz
const (
	Hl7Structure    = "http://hl7.org/fhir/StructureDefinition/"
	NictizStructure = "http://nictiz.nl/fhir/StructureDefinition/"
	CodeSpecs       = NictizStructure + "ext-CodeSpecification"
	AddressUse      = "http://terminology.hl7.org/CodeSystem/v3-AddressUse"
)

// Span returns the Period of the members vanaf and tot, nil without either.
func (m *Mapper) Span(v form.Value, place string) *dpb.Period {
	from, to := v.At("vanaf"), v.At("tot")
	if from.Present() {
		from.To(place + ".start")
	}
	if to.Present() {
		to.To(place + ".end")
	}
	return element.Period(from.Day(), to.Day())
}
