package mks

import (
	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/drieluik/drieluik/fhir"
)

// typeOf returns the resource type of a google/fhir message.
func typeOf(m proto.Message) fhir.Type { return fhir.Type(m.ProtoReflect().Descriptor().Name()) }

// setID, setMeta and addExtension reach the members that every resource has.
func setID(m proto.Message, id string) { set(m, "id", &dpb.Id{Value: id}) }

func setMeta(m proto.Message, meta *dpb.Meta) { set(m, "meta", meta) }

func addExtension(m proto.Message, exts ...*dpb.Extension) {
	for _, e := range some(exts...) {
		set(m, "extension", e)
	}
}

// addIdentifier sets the identifier of a resource, or adds one to its list.
func addIdentifier(m proto.Message, id *dpb.Identifier) {
	if id != nil {
		set(m, "identifier", id)
	}
}

// shareIdentifiers adds to one resource the identifiers of another that it lacks.
func shareIdentifiers(to, from proto.Message) {
	have := map[string]bool{}
	for _, id := range identifiersOf(to) {
		have[id.GetSystem().GetValue()+"|"+id.GetValue().GetValue()] = true
	}
	for _, id := range identifiersOf(from) {
		if !have[id.GetSystem().GetValue()+"|"+id.GetValue().GetValue()] {
			addIdentifier(to, id)
		}
	}
}

func identifiersOf(m proto.Message) []*dpb.Identifier {
	named, ok := m.(interface{ GetIdentifier() []*dpb.Identifier })
	if !ok {
		return nil
	}
	return named.GetIdentifier()
}

// set sets a message field by name, or appends to it when it is a list. A message that has no such
// field stays as it is.
func set(m proto.Message, name protoreflect.Name, v proto.Message) {
	r := m.ProtoReflect()
	field := r.Descriptor().Fields().ByName(name)
	if field == nil {
		return
	}
	value := protoreflect.ValueOfMessage(v.ProtoReflect())
	if field.IsList() {
		r.Mutable(field).List().Append(value)
		return
	}
	r.Set(field, value)
}
