package r4_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/drieluik/drieluik/fhir/r4"
)

func TestMemberResolvesJSONNames(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, structure, member string
		path, typ               string
		targets                 []string
	}{
		{"a plain member", "Patient", "birthDate", "Patient.birthDate", "date", nil},
		{"a member of a base type", "Patient", "meta", "Resource.meta", "Meta", nil},
		{"the logical id of a resource is an id", "Patient", "id", "Resource.id", "id", nil},
		{"the id of an element is a string", "HumanName", "id", "Element.id", "string", nil},
		{"the url of an extension is a uri", "Extension", "url", "Extension.url", "uri", nil},
		{"one type of a choice", "Observation", "valueQuantity", "Observation.value[x]", "Quantity", nil},
		{"a choice of primitives", "Patient", "deceasedDateTime", "Patient.deceased[x]", "dateTime", nil},
		{"an open choice", "Extension", "valueBase64Binary", "Extension.value[x]", "base64Binary", nil},
		{"a nested part", "CarePlan.activity", "detail", "CarePlan.activity.detail", "CarePlan.activity.detail", nil},
		{"a part of a data type", "Timing", "repeat", "Timing.repeat", "Timing.repeat", nil},
		{"a content reference to a sibling", "Bundle.entry", "link", "Bundle.entry.link", "Bundle.link", nil},
		{"a content reference to itself", "Questionnaire.item", "item", "Questionnaire.item.item", "Questionnaire.item", nil},
		{"a content reference upwards", "QuestionnaireResponse.item.answer", "item", "QuestionnaireResponse.item.answer.item", "QuestionnaireResponse.item", nil},
		{"a content reference of parameters", "Parameters.parameter", "part", "Parameters.parameter.part", "Parameters.parameter", nil},
		{"a content reference across", "Observation.component", "referenceRange", "Observation.component.referenceRange", "Observation.referenceRange", nil},
		{"a reference with its targets", "CarePlan", "subject", "CarePlan.subject", "Reference", []string{"Patient", "Group"}},
		{"a reference to anything", "CarePlan", "supportingInfo", "CarePlan.supportingInfo", "Reference", nil},
		{"a reference in a choice", "CarePlan.activity.detail", "productReference", "CarePlan.activity.detail.product[x]", "Reference", []string{"Medication", "Substance"}},
		{"a member of a derived quantity", "Age", "value", "Quantity.value", "decimal", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f, ok := r4.Member(c.structure, c.member)
			if !ok {
				t.Fatalf("%s has no member %s", c.structure, c.member)
			}
			if f.Element.Path != c.path || f.Type != c.typ || !cmp.Equal(f.Targets, c.targets) {
				t.Errorf("%s.%s = %s %s %v, want %s %s %v", c.structure, c.member,
					f.Element.Path, f.Type, f.Targets, c.path, c.typ, c.targets)
			}
			if f.Structure != r4.Lookup(c.typ) {
				t.Error("the field does not carry the structure of its type")
			}
		})
	}
}

func TestMemberRefusesWhatR4DoesNotHave(t *testing.T) {
	t.Parallel()
	for _, c := range [][2]string{
		{"Patient", "_birthDate"}, {"Patient", "deceased"}, {"Patient", "deceasedString"},
		{"Patient", "resourceType"}, {"Patiënt", "id"}, {"", ""}, {"CarePlan", "detail"},
	} {
		if f, ok := r4.Member(c[0], c[1]); ok {
			t.Errorf("%s.%s is %s", c[0], c[1], f.Element.Path)
		}
	}
}

func TestEveryTypeOfEveryElementIsAStructure(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	var walk func(name string)
	walk = func(name string) {
		if seen[name] {
			return
		}
		seen[name] = true
		s := r4.Lookup(name)
		if s == nil {
			t.Errorf("unknown structure %q", name)
			return
		}
		for _, e := range s.Elements {
			if len(e.Types) == 0 {
				t.Errorf("%s has no type", e.Path)
			}
			for _, ref := range e.Types {
				walk(ref.Code)
			}
		}
	}
	resources := r4.Resources()
	for _, name := range resources {
		walk(name)
	}
	if len(resources) != 146 || !slices.IsSorted(resources) {
		t.Errorf("%d resource types, sorted %v; R4 has 146 concrete ones", len(resources), slices.IsSorted(resources))
	}
}

func TestElementsStandInTheOrderOfTheDefinition(t *testing.T) {
	t.Parallel()
	var names []string
	for _, e := range r4.Lookup("Flag").Elements {
		names = append(names, e.Name)
	}
	want := []string{
		"id", "meta", "implicitRules", "language", "text", "contained", "extension", "modifierExtension",
		"identifier", "status", "category", "code", "subject", "period", "encounter", "author",
	}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Error(diff)
	}
}

func TestStructuresKnowTheirBase(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, base string
		want       bool
	}{
		{"Age", "Quantity", true}, {"Age", "Element", true}, {"Patient", "DomainResource", true},
		{"Patient", "Resource", true}, {"Bundle", "DomainResource", false}, {"Quantity", "Age", false},
		{"Patient.contact", "BackboneElement", true}, {"code", "string", true}, {"Nothing", "Nothing", false},
	} {
		if got := r4.IsA(c.name, c.base); got != c.want {
			t.Errorf("IsA(%s, %s) = %v", c.name, c.base, got)
		}
	}
}

func TestRulesStandOnceWhereTheyAreDeclared(t *testing.T) {
	t.Parallel()
	keys := func(rules []r4.Constraint) []string {
		var all []string
		for _, c := range rules {
			all = append(all, c.Key)
		}
		return all
	}
	div, _ := r4.Member("Narrative", "div")
	contact, _ := r4.Member("Patient", "contact")
	for _, c := range []struct {
		name      string
		got, want []string
	}{
		{"every element", keys(r4.Lookup("Element").Constraints), []string{"ele-1"}},
		{"extensions", keys(r4.Lookup("Extension").Constraints), []string{"ext-1"}},
		{"domain resources", keys(r4.Lookup("DomainResource").Constraints), []string{"dom-2", "dom-3", "dom-4", "dom-5", "dom-6"}},
		{"a resource without rules of its own", keys(r4.Lookup("Patient").Constraints), nil},
		{"a nested part", keys(r4.Lookup("Patient.contact").Constraints), []string{"pat-1"}},
		{"the element of a nested part", keys(contact.Element.Constraints), nil},
		{"one element", keys(div.Element.Constraints), []string{"txt-1", "txt-2"}},
		{"a derived type", keys(r4.Lookup("Age").Constraints), []string{"age-1"}},
	} {
		if !cmp.Equal(c.got, c.want, cmpopts.EquateEmpty()) {
			t.Errorf("%s: %v, want %v", c.name, c.got, c.want)
		}
	}
}

func TestBindingsAndFlags(t *testing.T) {
	t.Parallel()
	gender, _ := r4.Member("Patient", "gender")
	want := &r4.Binding{Strength: "required", ValueSet: "http://hl7.org/fhir/ValueSet/administrative-gender"}
	if diff := cmp.Diff(want, gender.Element.Binding); diff != "" {
		t.Error(diff)
	}
	status, _ := r4.Member("CarePlan", "status")
	if e := status.Element; !e.Modifier || !e.Summary || e.Min != 1 || e.Max != 1 {
		t.Errorf("CarePlan.status: %+v", e)
	}
	if note, _ := r4.Member("CarePlan", "note"); note.Element.Max != r4.Unbounded || note.Element.Summary {
		t.Errorf("CarePlan.note: %+v", note.Element)
	}
	amount, _ := r4.Member("CarePlan.activity.detail", "dailyAmount")
	if p := amount.Element.Types[0].Profile; p != "http://hl7.org/fhir/StructureDefinition/SimpleQuantity" {
		t.Errorf("profile of dailyAmount: %q", p)
	}
}

func TestCodesOfRequiredBindings(t *testing.T) {
	t.Parallel()
	gender, ok := r4.Codes("http://hl7.org/fhir/ValueSet/administrative-gender")
	want := map[string]bool{}
	for _, code := range []string{"male", "female", "other", "unknown"} {
		want[code], want["http://hl7.org/fhir/administrative-gender|"+code] = true, true
	}
	if diff := cmp.Diff(want, gender); !ok || diff != "" {
		t.Error(ok, diff)
	}
	kind, ok := r4.Codes("http://hl7.org/fhir/ValueSet/care-plan-activity-kind")
	if !ok || !kind["ServiceRequest"] || kind["Patient"] {
		t.Error("a set that lists some codes of a system must hold these alone")
	}
	if parts, ok := r4.Codes("http://hl7.org/fhir/ValueSet/all-types"); !ok || !parts["Patient"] || !parts["HumanName"] || !parts["Any"] {
		t.Error("a set of several systems must hold the codes of each")
	}
	for _, set := range []string{
		"http://hl7.org/fhir/ValueSet/mimetypes", "http://hl7.org/fhir/ValueSet/currencies",
		"http://hl7.org/fhir/ValueSet/care-plan-category", "http://example.org/unknown",
	} {
		if _, ok := r4.Codes(set); ok {
			t.Errorf("%s is not listed in full", set)
		}
	}
}

func TestSearchParamsOfOneType(t *testing.T) {
	t.Parallel()
	find := func(resource, code string) r4.SearchParam {
		for _, p := range r4.SearchParams(resource) {
			if p.Code == code {
				return p
			}
		}
		t.Errorf("%s has no parameter %s", resource, code)
		return r4.SearchParam{}
	}
	for _, c := range []struct{ name, resource, code, typ, expression string }{
		{"a shared parameter keeps its own alternative", "CarePlan", "patient", "reference", "CarePlan.subject.where(resolve() is Patient)"},
		{"a shared parameter with two alternatives of one type", "AllergyIntolerance", "code", "token", "AllergyIntolerance.code | AllergyIntolerance.reaction.substance"},
		{"an alternative in parentheses", "MedicationRequest", "medication", "reference", "(MedicationRequest.medication as Reference)"},
		{"several in parentheses", "Observation", "value-quantity", "quantity", "(Observation.value as Quantity) | (Observation.value as SampledData)"},
		{"text behind parentheses", "Observation", "value-string", "string", "(Observation.value as string) | (Observation.value as CodeableConcept).text"},
		{"a parameter of Resource", "Bundle", "_lastUpdated", "date", "Resource.meta.lastUpdated"},
		{"an alternative without type name", "InsurancePlan", "name", "string", "name | alias"},
		{"no expression", "Patient", "_text", "string", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := find(c.resource, c.code)
			if p.Type != c.typ || p.Expression != c.expression {
				t.Errorf("%s.%s = %s %q, want %s %q", c.resource, c.code, p.Type, p.Expression, c.typ, c.expression)
			}
		})
	}
	want := []r4.Component{
		{Definition: "http://hl7.org/fhir/SearchParameter/clinical-code", Expression: "code"},
		{Definition: "http://hl7.org/fhir/SearchParameter/Observation-value-quantity", Expression: "value.as(Quantity)"},
	}
	if diff := cmp.Diff(want, find("Observation", "code-value-quantity").Components); diff != "" {
		t.Error(diff)
	}
	codes := []string{}
	for _, p := range r4.SearchParams("Observation") {
		codes = append(codes, p.Code)
	}
	if !slices.IsSorted(codes) || len(slices.Compact(codes)) != len(codes) {
		t.Error("parameters are not in strict alphabetical order", codes)
	}
}

func TestCompartments(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		compartment, resource string
		want                  []string
		ok                    bool
	}{
		{"Patient", "CarePlan", []string{"patient", "performer"}, true},
		{"Patient", "Patient", []string{"link"}, true},
		{"Encounter", "Encounter", []string{"{def}"}, true},
		{"Patient", "Location", nil, false},
		{"Location", "Patient", nil, false},
	} {
		got, ok := r4.Compartment(c.compartment, c.resource)
		if ok != c.ok || !cmp.Equal(got, c.want) {
			t.Errorf("%s in compartment of %s: %v %v, want %v", c.resource, c.compartment, got, ok, c.want)
		}
	}
}
