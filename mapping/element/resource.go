package element

import (
	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/drieluik/drieluik/fhir"
)

// TypeOf returns the resource type of a google/fhir message.
func TypeOf(m proto.Message) fhir.Type { return fhir.Type(m.ProtoReflect().Descriptor().Name()) }

// SetID sets the id that every resource has.
func SetID(m proto.Message, id string) { Set(m, "id", &dpb.Id{Value: id}) }

// SetMeta sets the meta of a resource; nil leaves it as it is.
func SetMeta(m proto.Message, meta *dpb.Meta) { Set(m, "meta", meta) }

// AddExtension appends extensions to a resource; nil ones are left out.
func AddExtension(m proto.Message, all ...*dpb.Extension) {
	for _, e := range all {
		Set(m, "extension", e)
	}
}

// AddIdentifier sets the identifier of a resource, or adds one to its list; nil changes nothing.
func AddIdentifier(m proto.Message, id *dpb.Identifier) { Set(m, "identifier", id) }

// Identifiers returns those of a resource that has a list of them.
func Identifiers(m proto.Message) []*dpb.Identifier {
	named, ok := m.(interface{ GetIdentifier() []*dpb.Identifier })
	if !ok {
		return nil
	}
	return named.GetIdentifier()
}

// ShareIdentifiers adds to one resource the identifiers of another that it lacks.
func ShareIdentifiers(to, from proto.Message) {
	key := func(id *dpb.Identifier) string { return id.GetSystem().GetValue() + "|" + id.GetValue().GetValue() }
	have := map[string]bool{}
	for _, id := range Identifiers(to) {
		have[key(id)] = true
	}
	for _, id := range Identifiers(from) {
		if !have[key(id)] {
			AddIdentifier(to, id)
		}
	}
}

// Set sets a message field by name, or appends to it when it is a list. A message that has no such field
// stays as it is, and so does any for a nil value.
func Set(m proto.Message, name protoreflect.Name, v proto.Message) {
	r := m.ProtoReflect()
	field := r.Descriptor().Fields().ByName(name)
	if field == nil || v == nil || !v.ProtoReflect().IsValid() {
		return
	}
	value := protoreflect.ValueOfMessage(v.ProtoReflect())
	if field.IsList() {
		r.Mutable(field).List().Append(value)
		return
	}
	r.Set(field, value)
}
