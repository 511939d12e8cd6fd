package fhir_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/drieluik/drieluik/fhir"
	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	rpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/bundle_and_contained_resource_go_proto"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/anypb"
)

// filler fills messages with values that their types allow.
type filler struct{ *rand.Rand }

// message fills fields of m, fewer with every level, at least one.
func (f filler) message(m protoreflect.Message, depth int) {
	d := m.Descriptor()
	if d.FullName() == "google.protobuf.Any" {
		f.any(m)
		return
	}
	if f.primitive(m, depth) {
		return
	}
	fields := d.Fields()
	if d.Oneofs().Len() > 0 && (d.Name() == "ContainedResource" || fields.Len() == d.Oneofs().Get(0).Fields().Len()) {
		f.field(m, fields.Get(f.IntN(fields.Len())), depth)
		return
	}
	certain := f.IntN(fields.Len())
	for i := range fields.Len() {
		fd := fields.Get(i)
		if i == certain || f.IntN(4) == 0 && depth > 0 {
			f.field(m, fd, depth)
		}
	}
}

// any packs a small resource.
func (f filler) any(m protoreflect.Message) {
	inner := &rpb.ContainedResource{}
	f.field(inner.ProtoReflect(), inner.ProtoReflect().Descriptor().Fields().ByName("basic"), 0)
	packed, err := anypb.New(inner)
	if err != nil {
		return
	}
	proto.Merge(m.Interface(), packed)
}

// field fills one field, a list with one to three elements.
func (f filler) field(m protoreflect.Message, fd protoreflect.FieldDescriptor, depth int) {
	if fd.JSONName() == "resource" && fd.Message().Name() == "Any" { // google cannot print it
		fd = m.Descriptor().Fields().ByName("name")
	}
	if fd.JSONName() == "id" && fd.Message().Name() == "String" || fd.JSONName() == "url" && m.Descriptor().Name() == "Extension" {
		f.text(m.Mutable(fd).Message())
		return
	}
	if !fd.IsList() {
		f.message(m.Mutable(fd).Message(), depth-1)
		return
	}
	list := m.Mutable(fd).List()
	for range 1 + f.IntN(2) {
		f.message(list.AppendMutable().Message(), depth-1)
	}
}

// textsOf returns values for the types with a rule for their text, and for all others.
func textsOf(typ protoreflect.Name) []string {
	switch typ {
	case "Id", "ReferenceId":
		return []string{"id-1", "A.b"}
	case "Code":
		return []string{"code-1", "B"}
	case "Oid":
		return []string{"urn:oid:1.2.3"}
	case "Uuid":
		return []string{"urn:uuid:c757873d-ec9a-4326-a141-556f43239520"}
	case "Uri", "Url", "Canonical":
		return []string{"http://example.org/x|1", "urn:oid:1.2"}
	case "Decimal":
		return []string{"1", "0.50", "-12.340", "1e3", "123456789012345678.9"}
	}
	return []string{"a", "zorg é 😀", "regel\neen\t\"twee\"", `\`, "<b>&</b>", "2024-01-01", "Patient/x", "#y"}
}

// text sets a string value.
func (f filler) text(m protoreflect.Message) {
	texts := textsOf(m.Descriptor().Name())
	m.Set(m.Descriptor().Fields().ByName("value"), protoreflect.ValueOfString(texts[f.IntN(len(texts))]))
}

// primitive fills m when it is a primitive, now and then with an id, extensions, or without a value.
func (f filler) primitive(m protoreflect.Message, depth int) bool {
	fields := m.Descriptor().Fields()
	value := fields.ByName("value")
	switch {
	case fields.ByName("value_us") != nil:
		f.time(m)
	case value == nil || value.Message() != nil || value.IsList():
		return false
	default:
		f.scalar(m, value)
	}
	ext := fields.ByName("extension")
	if ext == nil || depth <= 0 || m.Descriptor().Name() == "ReferenceId" {
		return true
	}
	if f.IntN(6) == 0 && (value == nil || m.Has(value)) {
		f.text(m.Mutable(fields.ByName("id")).Message())
	}
	if f.IntN(6) > 0 {
		return true
	}
	if value != nil && !m.Has(value) { // google loses a false or 0 that has an extension
		return true
	}
	list := m.Mutable(ext).List()
	f.message(list.AppendMutable().Message(), 0)
	if f.IntN(2) == 0 && !needsValue[m.Descriptor().Name()] {
		clearValue(m)
		list.Append(protoreflect.ValueOfMessage(noValue().ProtoReflect()))
	}
	return true
}

// needsValue are types that google cannot read without a value, though R4 allows it.
var needsValue = map[protoreflect.Name]bool{"Id": true, "Code": true, "Oid": true, "Uuid": true}

// clearValue takes the value out of a primitive.
func clearValue(m protoreflect.Message) {
	for _, name := range []protoreflect.Name{"value", "value_us", "timezone", "precision"} {
		if fd := m.Descriptor().Fields().ByName(name); fd != nil {
			m.Clear(fd)
		}
	}
}

func noValue() *dpb.Extension {
	return &dpb.Extension{
		Url: &dpb.Uri{Value: "https://g.co/fhir/StructureDefinition/primitiveHasNoValue"},
		Value: &dpb.Extension_ValueX{
			Choice: &dpb.Extension_ValueX_Boolean{Boolean: &dpb.Boolean{Value: true}},
		},
	}
}

// scalar sets the value of a primitive.
func (f filler) scalar(m protoreflect.Message, fd protoreflect.FieldDescriptor) {
	switch fd.Kind() {
	case protoreflect.BoolKind:
		m.Set(fd, protoreflect.ValueOfBool(f.IntN(2) == 0))
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
		m.Set(fd, protoreflect.ValueOfInt32(int32(f.IntN(2001)-1000)))
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		m.Set(fd, protoreflect.ValueOfUint32(uint32(1+f.IntN(1000))))
	case protoreflect.BytesKind:
		m.Set(fd, protoreflect.ValueOfBytes([]byte("bytes of any kind")[:1+f.IntN(16)]))
	case protoreflect.EnumKind:
		values := fd.Enum().Values()
		m.Set(fd, protoreflect.ValueOfEnum(values.Get(1+f.IntN(values.Len()-1)).Number()))
	case protoreflect.StringKind:
		f.text(m)
	}
}

// time sets a date or time of any precision, before and after 1970.
func (f filler) time(m protoreflect.Message) {
	fields := m.Descriptor().Fields()
	precision := fields.ByName("precision")
	values := precision.Enum().Values()
	v := values.Get(1 + f.IntN(values.Len()-1))
	m.Set(precision, protoreflect.ValueOfEnum(v.Number()))
	zone := fields.ByName("timezone")
	if zone == nil {
		m.Set(fields.ByName("value_us"), protoreflect.ValueOfInt64(f.Int64N(86400*1e6)))
		return
	}
	zones := []string{"Z", "+02:00", "-03:30", "+00:00"}
	if m.Descriptor().Name() == "Date" || v.Name() == "DAY" || v.Name() == "MONTH" || v.Name() == "YEAR" {
		zones = []string{"UTC", "Europe/Amsterdam"}
	}
	m.Set(zone, protoreflect.ValueOfString(zones[f.IntN(len(zones))]))
	m.Set(fields.ByName("value_us"), protoreflect.ValueOfInt64(f.Int64N(4e15)-2e15))
}

func TestBridgeAgreesWithGoogleOnEveryResourceType(t *testing.T) {
	t.Parallel()
	o := newOracle(t)
	branches := (&rpb.ContainedResource{}).ProtoReflect().Descriptor().Fields()
	types := make(map[fhir.Type]bool)
	for i := range branches.Len() {
		fd := branches.Get(i)
		types[fhir.Type(fd.Message().Name())] = true
		t.Run(string(fd.Message().Name()), func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(6) {
				m := &rpb.ContainedResource{}
				f := filler{rand.New(rand.NewPCG(seed, uint64(i)))}
				f.field(m.ProtoReflect(), fd, 3)
				if err := agrees(o, m); err != nil {
					t.Fatalf("seed %d: %v", seed, err)
				}
			}
		})
	}
	for _, typ := range fhir.Types() {
		if !types[typ] {
			t.Errorf("google has no %s", typ)
		}
	}
}

// agrees says where the bridge and google differ on m.
func agrees(o oracle, m *rpb.ContainedResource) error {
	text, err := o.out.Marshal(proto.Clone(m))
	if err != nil {
		return fmt.Errorf("google cannot print it: %w", err)
	}
	want, issues := fhir.Parse(text, fhir.Limits{})
	if want == nil {
		return fmt.Errorf("the generator is wrong: %v in %s", issues, text)
	}
	got, err := fhir.FromProto(m)
	if err != nil {
		return err
	}
	if !fhir.Equal(want.Root(), got.Root()) {
		return fmt.Errorf("got\n%s\nwant\n%s", got.Bytes(), text)
	}
	if read, issues := fhir.Parse(got.Bytes(), fhir.Limits{}); read == nil || !sameTree(got.Root(), read.Root()) {
		return fmt.Errorf("the tree is not that of its text: %v in %s", issues, got.Bytes())
	}
	back := &rpb.ContainedResource{}
	if err := fhir.ToProto(got, back); err != nil {
		return fmt.Errorf("%w in %s", err, text)
	}
	again, err := o.in.UnmarshalR4(text)
	if err != nil {
		return fmt.Errorf("google cannot read it: %w", err)
	}
	if !proto.Equal(again, back) {
		return fmt.Errorf("read differently: %s", text)
	}
	return nil
}

// sameTree reports whether two trees say the same of the same text, node by node.
func sameTree(a, b fhir.Node) bool {
	fromA, toA := a.Span()
	fromB, toB := b.Span()
	if fromA != fromB || toA != toB || a.Shape() != b.Shape() || a.Name() != b.Name() || a.Text() != b.Text() {
		return false
	}
	twins := slices.Collect(b.Children())
	for child := range a.Children() {
		if len(twins) == 0 || child.Parent() != a || !sameTree(child, twins[0]) {
			return false
		}
		twins = twins[1:]
	}
	return len(twins) == 0
}
