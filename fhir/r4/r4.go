// Package r4 holds the compact tables of FHIR R4 4.0.1 as data: structures, bindings with their
// required codes, constraints, search parameters and compartments. It refuses behaviour.
package r4

import (
	"iter"
	"maps"
)

// Unbounded is the Max of an element with cardinality *.
const Unbounded = -1

// Structure is one R4 type: a primitive type, a complex type, a resource, or a nested part of one,
// which is named by its path, such as "CarePlan.activity". It must not be changed.
type Structure struct {
	Name     string
	Kind     string // primitive-type, complex-type, resource, backbone
	Base     string // name of the parent type, "" at the top
	Abstract bool

	// Elements are the direct members in the order of the definition, inherited ones included.
	Elements []Element

	// Constraints hold for every value of this type, besides those of its base types. Those of a
	// nested part stand here, not on its Element, so that a content reference brings them along.
	Constraints []Constraint

	base   *Structure
	fields func() map[string]Field
}

// Element is one member of a Structure.
type Element struct {
	Path        string // as in the definition that declares it: "Observation.value[x]", "Resource.meta"
	Name        string // without choice suffix: "value"
	Choice      bool   // value[x]
	Min, Max    int
	Types       []TypeRef
	Binding     *Binding
	Constraints []Constraint // those that do not come with the type
	Summary     bool
	Modifier    bool
}

// TypeRef is one type of an element. Code is the name of a Structure, also of a nested part
// ("CarePlan.activity.detail") and of the part that a content reference points to.
type TypeRef struct {
	Code    string
	Targets []string // Reference, canonical: resource types; empty: any
	Profile string   // canonical URL of a profile on the type, such as that of SimpleQuantity
}

// Binding is a terminology binding.
type Binding struct {
	Strength string // required, extensible, preferred, example
	ValueSet string // canonical URL without version
}

// Constraint is an invariant of a definition.
type Constraint struct {
	Key        string
	Severity   string // error, warning
	Expression string // FHIRPath
}

// Field is a member as it is named in JSON: a choice is resolved to one type.
type Field struct {
	Element   *Element
	Type      string     // name of a Structure
	Structure *Structure // the Structure of that name
	Targets   []string
}

// SearchParam is one search parameter for one resource type.
type SearchParam struct {
	Code       string
	URL        string
	Type       string   // number, date, string, token, reference, composite, quantity, uri, special
	Expression string   // FHIRPath, of this resource type alone; "" where R4 gives none
	Targets    []string // reference: resource types
	Components []Component
}

// Component is a part of a composite search parameter.
type Component struct {
	Definition string // canonical URL
	Expression string
}

// Lookup returns the structure of that name, or nil.
func Lookup(name string) *Structure { return tables().lookup(name) }

// All yields every structure by name, nested parts included, in no order.
func All() iter.Seq2[string, *Structure] {
	return func(yield func(string, *Structure) bool) {
		for name := range Names() {
			if !yield(name, Lookup(name)) {
				return
			}
		}
	}
}

// Names yields the name of every structure, nested parts included, in no order. It reads none of them.
func Names() iter.Seq[string] { return maps.Keys(tables().structures) }

// Resources returns the names of the concrete resource types in alphabetical order.
func Resources() []string { return tables().resources }

// Member returns the member of the structure by its JSON name ("valueQuantity", "birthDate"; not
// "_birthDate"), base types included.
func Member(structure, name string) (Field, bool) {
	s := Lookup(structure)
	if s == nil {
		return Field{}, false
	}
	return s.Member(name)
}

// Member returns the member of s by its JSON name, base types included.
func (s *Structure) Member(name string) (Field, bool) {
	f, ok := s.fields()[name]
	return f, ok
}

// IsA reports whether the type is base or derives from it ("Age" is a "Quantity").
func IsA(name, base string) bool {
	for s := Lookup(name); s != nil; s = s.base {
		if s.Name == base {
			return true
		}
	}
	return false
}

// Codes returns the codes of a value set that the definitions list in full, as "system|code" and as
// "code" alone, and whether it is listed in full. Only sets of required bindings are known.
func Codes(valueSet string) (map[string]bool, bool) {
	set, ok := tables().valueSets[valueSet]
	if !ok {
		return nil, false
	}
	return set(), true
}

// SearchParams returns the parameters of a resource type, those of DomainResource and Resource
// included, in alphabetical order of code.
func SearchParams(resource string) []SearchParam {
	params, ok := tables().params[resource]
	if !ok {
		return nil
	}
	return params()
}

// Compartment returns the search parameters by which a resource type belongs to a compartment
// ("Patient"), and false when it does not. The parameter "{def}" means the resource itself.
func Compartment(compartment, resource string) ([]string, bool) {
	params, ok := tables().compartments[compartment][resource]
	return params, ok
}
