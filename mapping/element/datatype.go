package element

import (
	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"

	"github.com/drieluik/drieluik/fhir"
)

// CodeSystem returns the canonical of our CodeSystem of that name.
func CodeSystem(name string) string { return fhir.Canonical + "/CodeSystem/" + name }

// Coding returns a Coding; display may be "". nil without a code.
func Coding(system, code, display string) *dpb.Coding {
	if code == "" {
		return nil
	}
	all := &struct { // one piece of memory for what is made by the thousand
		coding  dpb.Coding
		system  dpb.Uri
		code    dpb.Code
		display dpb.String
	}{}
	out := &all.coding
	out.Code = &all.code
	out.Code.Value = code
	if system != "" {
		out.System = &all.system
		out.System.Value = system
	}
	if display != "" {
		out.Display = &all.display
		out.Display.Value = display
	}
	return out
}

// OwnCoding returns the Coding of a code of one of our CodeSystems, without a display.
func OwnCoding(name, code string) *dpb.Coding { return Coding(CodeSystem(name), code, "") }

// Concept returns a CodeableConcept of codings; nil ones are left out, nil without any.
func Concept(codings ...*dpb.Coding) *dpb.CodeableConcept {
	all := &struct { // as above
		concept dpb.CodeableConcept
		codings [2]*dpb.Coding
	}{}
	out := &all.concept
	out.Coding = appendSome(all.codings[:0], codings)
	if len(out.Coding) == 0 {
		return nil
	}
	return out
}

// OwnConcept returns the CodeableConcept of a code of one of our CodeSystems.
func OwnConcept(name, code string) *dpb.CodeableConcept { return Concept(OwnCoding(name, code)) }

// TextConcept returns a CodeableConcept of text and codings, nil without either.
func TextConcept(text string, codings ...*dpb.Coding) *dpb.CodeableConcept {
	out := Concept(codings...)
	if text == "" {
		return out
	}
	if out == nil {
		out = &dpb.CodeableConcept{}
	}
	out.Text = String(text)
	return out
}

// Identifier returns an Identifier, nil without a value.
func Identifier(system, value string) *dpb.Identifier {
	if value == "" {
		return nil
	}
	all := &struct {
		identifier dpb.Identifier
		system     dpb.Uri
		value      dpb.String
	}{}
	out := &all.identifier
	out.System, out.Value = &all.system, &all.value
	out.System.Value, out.Value.Value = system, value
	return out
}

// IdentifierOf returns the datatype of a business identifier, nil for the zero one.
func IdentifierOf(id fhir.Identifier) *dpb.Identifier { return Identifier(id.System, id.Value) }

// Reference returns a Reference: literal unless ref is zero, logical unless id has no value; nil
// without either.
func Reference(ref fhir.Ref, id fhir.Identifier) *dpb.Reference {
	identifier := IdentifierOf(id)
	if ref.IsZero() && identifier == nil {
		return nil
	}
	if ref.IsZero() {
		return &dpb.Reference{Identifier: identifier}
	}
	all := &struct {
		reference dpb.Reference
		target    dpb.Reference_Uri
		uri       dpb.String
	}{}
	all.uri.Value = ref.String()
	all.target.Uri = &all.uri
	all.reference.Reference, all.reference.Identifier = &all.target, identifier
	return &all.reference
}

// Literal returns a literal reference, nil for the zero Ref.
func Literal(ref fhir.Ref) *dpb.Reference { return Reference(ref, fhir.Identifier{}) }

// Literals returns literal references, those to the zero Ref left out.
func Literals(refs ...fhir.Ref) []*dpb.Reference {
	var out []*dpb.Reference
	for _, r := range refs {
		if !r.IsZero() {
			out = append(out, Literal(r))
		}
	}
	return out
}

// Logical returns a reference by identifier alone, nil without a value.
func Logical(id fhir.Identifier) *dpb.Reference { return Reference(fhir.Ref{}, id) }

// Display returns a reference that bears a name alone, nil for "".
func Display(name string) *dpb.Reference {
	if name == "" {
		return nil
	}
	return &dpb.Reference{Display: String(name)}
}

// Contact returns a ContactPoint of a system such as "phone", nil without a value.
func Contact(system, value string) *dpb.ContactPoint {
	if value == "" {
		return nil
	}
	return &dpb.ContactPoint{System: Enum(&dpb.ContactPoint_SystemCode{}, system), Value: String(value)}
}

// Quantity returns a UCUM quantity.
func Quantity(value, unit string) *dpb.Quantity {
	return &dpb.Quantity{
		Value: Decimal(value), Unit: String(unit),
		System: &dpb.Uri{Value: "http://unitsofmeasure.org"}, Code: &dpb.Code{Value: unit},
	}
}

// Meta says what a resource bears besides its content. Nil members of Tags and Security are left out.
type Meta struct {
	Source         string
	Profiles       []string
	Tags, Security []*dpb.Coding
}

// Proto returns the datatype, nil when there is nothing to say.
func (m Meta) Proto() *dpb.Meta {
	out := &dpb.Meta{Source: URI(m.Source), Security: Some(m.Security...), Tag: Some(m.Tags...)}
	for _, p := range m.Profiles {
		out.Profile = append(out.Profile, Canonical(p))
	}
	if out.Source == nil && out.Profile == nil && out.Security == nil && out.Tag == nil {
		return nil
	}
	return out
}
