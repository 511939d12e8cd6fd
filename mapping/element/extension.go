package element

import (
	"sync"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/drieluik/drieluik/fhir"
)

// StructureDefinition returns the canonical of an extension or profile of ours.
func StructureDefinition(name string) string { return fhir.Canonical + "/StructureDefinition/" + name }

// Extension returns a simple extension with any URL, or a part of a complex one with its bare name:
// value[x] is the member for the type of value, such as *dpb.Code or *dpb.Reference. nil for a nil value.
func Extension(url string, value proto.Message) *dpb.Extension {
	x := Value(value)
	if x == nil {
		return nil
	}
	out := newExtension(url)
	out.Value = x
	return out
}

// newExtension returns an extension without content.
func newExtension(url string) *dpb.Extension {
	all := &struct { // one piece of memory for what is made by the thousand
		extension dpb.Extension
		url       dpb.Uri
	}{}
	all.url.Value = url
	all.extension.Url = &all.url
	return &all.extension
}

// OwnExtension returns a simple extension of ours.
func OwnExtension(name string, value proto.Message) *dpb.Extension {
	return Extension(StructureDefinition(name), value)
}

// Complex returns an extension of extensions with any URL; nil parts are left out, nil without any.
func Complex(url string, parts ...*dpb.Extension) *dpb.Extension {
	some := Some(parts...)
	if len(some) == 0 {
		return nil
	}
	out := newExtension(url)
	out.Extension = some
	return out
}

// OwnComplex returns a complex extension of ours.
func OwnComplex(name string, parts ...*dpb.Extension) *dpb.Extension {
	return Complex(StructureDefinition(name), parts...)
}

// SourceMember keeps a member of a source document as it came: its JSON pointer and compact JSON.
func SourceMember(pointer, compact string) *dpb.Extension {
	return OwnComplex("source-member", Extension("pointer", String(pointer)), Extension("value", String(compact)))
}

// Value returns value[x] of an extension, nil for a nil message or one that no extension can hold.
func Value(value proto.Message) *dpb.Extension_ValueX {
	if value == nil || !value.ProtoReflect().IsValid() {
		return nil
	}
	field := choices()[value.ProtoReflect().Descriptor().FullName()]
	if field == nil {
		return nil
	}
	out := &dpb.Extension_ValueX{}
	out.ProtoReflect().Set(field, protoreflect.ValueOfMessage(value.ProtoReflect()))
	return out
}

// choices are the members of value[x] by the type that they hold.
var choices = sync.OnceValue(func() map[protoreflect.FullName]protoreflect.FieldDescriptor {
	out := map[protoreflect.FullName]protoreflect.FieldDescriptor{}
	fields := (&dpb.Extension_ValueX{}).ProtoReflect().Descriptor().Fields()
	for i := range fields.Len() {
		out[fields.Get(i).Message().FullName()] = fields.Get(i)
	}
	return out
})
