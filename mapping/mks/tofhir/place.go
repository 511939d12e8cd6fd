package tofhir

import (
	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping/element"
)

// Place is where a part of the record goes: a resource that the run adds, or has added.
type Place struct {
	fhir.Ref
	On      string // Ref as text: the literal reference, and where its FHIRPath begins
	literal *dpb.Reference
}

// Place returns the place of a part of the record, such as Place("Condition", "vp1").
func (m *Mapper) Place(t fhir.Type, part string) Place {
	return placeOf(fhir.Ref{Type: t, ID: m.Part(part)})
}

// AnchorPlace returns the place of the anchor.
func (m *Mapper) AnchorPlace() Place { return placeOf(fhir.Ref{Type: m.Type.Anchor, ID: m.Key()}) }

func placeOf(ref fhir.Ref) Place {
	literal := element.Literal(ref)
	return Place{Ref: ref, On: literal.GetUri().GetValue(), literal: literal}
}

// Literal returns the literal reference to the part: one message, which whoever refers to it shares.
func (p Place) Literal() *dpb.Reference { return p.literal }

// About says that a resource goes there.
func (p Place) About(profiles ...string) About {
	return About{ID: p.ID, Profiles: profiles, literal: p.literal}
}
