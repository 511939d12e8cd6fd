package transfer

import (
	cpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/codes_go_proto"
	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	carepb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/care_plan_go_proto"
	valpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/valuesets_go_proto"

	"github.com/drieluik/drieluik/mapping/element"
	"github.com/drieluik/drieluik/mapping/mks/record"
	"github.com/drieluik/drieluik/mapping/mks/tofhir"
)

// What is the same in every transfer is made once: all resources share it. Read only.
var (
	handoverReport   = snomed("11171000146100")
	handoverRequest  = snomed("308292007")
	nursingCare      = snomed("9632001")
	childDevelopment = snomed("251803000")
	livesWithIllness = map[string]*dpb.CodeableConcept{"kind": snomed("364667003"), "gezin": snomed("405199009")}
	housing          = snomed("365508006")
	flacc            = snomed("108291000146105")

	sectionCodes = codesOfSections()

	vitalSigns = element.Concept(element.Coding("http://terminology.hl7.org/CodeSystem/observation-category", "vital-signs", ""))
	measured   = codesOfMeasures()

	planIntent = &carepb.CarePlan_IntentCode{Value: valpb.CarePlanIntentValueSet_PLAN}
	additional = &dpb.Narrative_StatusCode{Value: cpb.NarrativeStatusCode_ADDITIONAL}
)

// snomed returns the concept of a code of SNOMED CT.
func snomed(code string) *dpb.CodeableConcept {
	return element.Concept(element.Coding(tofhir.SNOMED, code, ""))
}

// codesOfMeasures are the concepts of record.Measures, by name.
func codesOfMeasures() map[string]*dpb.CodeableConcept {
	out := map[string]*dpb.CodeableConcept{}
	for _, m := range record.Measures {
		var codings []*dpb.Coding
		for _, c := range m.Loinc {
			codings = append(codings, element.Coding(tofhir.LOINC, c, ""))
		}
		out[m.Name] = element.Concept(codings...)
	}
	return out
}

// codesOfSections are the concepts of the sections that have one, by name.
func codesOfSections() map[string]*dpb.CodeableConcept {
	out := map[string]*dpb.CodeableConcept{}
	for _, row := range sectionRows {
		if row.code != "" {
			out[row.name] = snomed(row.code)
		}
	}
	return out
}
