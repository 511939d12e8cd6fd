package fhir

import (
	"reflect"
	"strconv"
	"strings"
	"unsafe"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// view reads a message. The struct that protoc generated is read in place, at a small part of the price of
// protoreflect; messages of another make are read by protoreflect.
type view struct {
	p  *plan          // of the message, ready
	at unsafe.Pointer // the struct; nil: m answers
	m  protoreflect.Message
}

// part is a field of a message.
type part struct {
	fd   protoreflect.FieldDescriptor // nil: the message has no such field
	slot slot
}

// slot is where a field stands in the generated struct.
type slot struct {
	offset uintptr
	kind   reflect.Kind // reflect.Invalid: nobody knows where
	goType reflect.Type // of the field
	holds  typeID       // of the field, or of an element of the list
}

// typeID names a type of Go in a word: types compare by it at the price of a number.
type typeID uintptr

func idOf(t reflect.Type) typeID { return typeID(reflect.ValueOf(t).Pointer()) }

// probe is a slot as far as it takes to see whether the field is set: a message or a list of messages.
type probe struct {
	offset uintptr
	list   bool
}

// in returns the address of a field of the struct at p.
func (s slot) in(p unsafe.Pointer) unsafe.Pointer { return unsafe.Add(p, s.offset) }

// view returns m to read from. The plan is ready.
func (p *plan) view(m protoreflect.Message) view {
	v := view{p: p, m: m}
	if p.goType == nil {
		return v
	}
	if s := reflect.ValueOf(m.Interface()); s.Type() == p.goType && !s.IsNil() {
		v.at = s.UnsafePointer()
	}
	return v
}

// viewAt returns the message of the generated struct at q; a nil one is empty.
func (p *plan) viewAt(q unsafe.Pointer) view {
	if q == nil {
		return view{p: p, m: p.empty}
	}
	return view{p: p, at: q}
}

// message returns what v reads as protoreflect has it.
func (v view) message() protoreflect.Message {
	if v.m != nil {
		return v.m
	}
	if m, ok := reflect.NewAt(v.p.goType.Elem(), v.at).Interface().(protoreflect.ProtoMessage); ok {
		return m.ProtoReflect()
	}
	return v.p.empty
}

// has reports whether a field is set, which is a message or a list of messages.
func (v view) has(x *part) bool {
	if v.at == nil || x.slot.kind == reflect.Invalid {
		return x.fd != nil && v.message().Has(x.fd)
	}
	return probe{x.slot.offset, x.slot.kind == reflect.Slice}.hits(v.at)
}

// hits reports whether the field of the struct at p is set.
func (x probe) hits(p unsafe.Pointer) bool {
	if x.list {
		return len(*(*[]unsafe.Pointer)(unsafe.Add(p, x.offset))) > 0
	}
	return *(*unsafe.Pointer)(unsafe.Add(p, x.offset)) != nil
}

// next returns the index of the first field from i on that is set, that behind the last one for none. Most
// fields of most messages are not.
func (v view) next(i int) int {
	if v.at == nil || v.p.probes == nil {
		for i < len(v.p.fields) && !v.has(&v.p.fields[i].part) {
			i++
		}
		return i
	}
	for i < len(v.p.probes) && !v.p.probes[i].hits(v.at) {
		i++
	}
	return i
}

// child returns the message in a field that is set.
func (v view) child(f *fieldPlan) view {
	sub := f.sub.ready()
	if v.at != nil && f.slot.kind == reflect.Pointer && f.slot.holds == sub.goID {
		return sub.viewAt(*(*unsafe.Pointer)(f.slot.in(v.at)))
	}
	return sub.view(v.message().Get(f.fd).Message())
}

// many are the messages of a list.
type many struct {
	p    *plan
	at   []unsafe.Pointer // the structs; nil: list answers
	list protoreflect.List
}

// children returns the messages in a list.
func (v view) children(f *fieldPlan) many {
	sub := f.sub.ready()
	if v.at != nil && f.slot.kind == reflect.Slice && f.slot.holds == sub.goID {
		return many{p: sub, at: *(*[]unsafe.Pointer)(f.slot.in(v.at))}
	}
	return many{p: sub, list: v.message().Get(f.fd).List()}
}

func (l many) len() int {
	if l.list != nil {
		return l.list.Len()
	}
	return len(l.at)
}

// some reports whether one of the messages is so.
func (l many) some(is func(view) bool) bool {
	for i := range l.len() {
		if is(l.get(i)) {
			return true
		}
	}
	return false
}

func (l many) get(i int) view {
	if l.list != nil {
		return l.p.view(l.list.Get(i).Message())
	}
	return l.p.viewAt(l.at[i])
}

// branch returns which field of the oneof of a message is set, 0 for none, and what stands in it when it
// can be read in place.
func (v view) branch(oneof protoreflect.OneofDescriptor) (protoreflect.FieldNumber, unsafe.Pointer) {
	if s := v.p.oneof; v.at != nil && s.kind == reflect.Interface {
		held := reflect.NewAt(s.goType, s.in(v.at)).Elem()
		if held.IsNil() {
			return 0, nil
		}
		wrapper := held.Elem()
		if number, ok := v.p.set.numberOf(wrapper.Type()); ok && !wrapper.IsNil() {
			return number, *(*unsafe.Pointer)(wrapper.UnsafePointer())
		}
	}
	fd := v.message().WhichOneof(oneof)
	if fd == nil {
		return 0, nil
	}
	return fd.Number(), nil
}

// literal returns the uri of a Reference that has one, as every Reference of a mapping has, when it can be read
// in place.
func (v view) literal() (view, bool) {
	if v.at == nil || !v.p.reference {
		return view{}, false
	}
	uri, ok := (*dpb.Reference)(v.at).GetReference().(*dpb.Reference_Uri)
	if !ok || uri == nil || uri.Uri == nil {
		return view{}, false
	}
	return v.p.target.uri.sub.ready().viewAt(unsafe.Pointer(uri.Uri)), true
}

// held returns the message of a branch: at its address, or as protoreflect has it.
func (v view) held(branch *fieldPlan, at unsafe.Pointer) view {
	if sub := branch.sub.ready(); at != nil && sub.goType != nil {
		return sub.viewAt(at)
	}
	return branch.sub.ready().view(v.message().Get(branch.fd).Message())
}

// numberOf returns the number of the field that a wrapper of a oneof stands for: a pointer to a struct that
// holds nothing but a pointer to the message.
func (s *planSet) numberOf(wrapper reflect.Type) (protoreflect.FieldNumber, bool) {
	if n, ok := s.wrappers.Load(wrapper); ok {
		number, ok := n.(protoreflect.FieldNumber)
		return number, ok && number > 0
	}
	var number protoreflect.FieldNumber
	if wrapper.Kind() == reflect.Pointer && wrapper.Elem().Kind() == reflect.Struct && wrapper.Elem().NumField() == 1 {
		if field := wrapper.Elem().Field(0); field.Type.Kind() == reflect.Pointer {
			number = numberIn(field)
		}
	}
	s.wrappers.Store(wrapper, number)
	return number, number > 0
}

// text returns a field that is a string.
func (v view) text(x *part) string {
	if v.at != nil && x.slot.kind == reflect.String {
		return *(*string)(x.slot.in(v.at))
	}
	return v.message().Get(x.fd).String()
}

// bareText returns the value of a primitive that is a string, when it can be read in place and is all that the
// primitive has.
func (v view) bareText() (string, bool) {
	if v.at == nil || !v.p.plainText || v.has(&v.p.id) || v.has(&v.p.ext) {
		return "", false
	}
	return *(*string)(v.p.value.slot.in(v.at)), true
}

// enum returns a field that is an enum.
func (v view) enum(x *part) protoreflect.EnumNumber {
	if v.at != nil && x.slot.kind == reflect.Int32 {
		return protoreflect.EnumNumber(*(*int32)(x.slot.in(v.at)))
	}
	return v.message().Get(x.fd).Enum()
}

// integer returns a field that is an integer with a sign.
func (v view) integer(x *part) int64 {
	if v.at != nil && x.slot.kind == reflect.Int64 {
		return *(*int64)(x.slot.in(v.at))
	}
	return v.message().Get(x.fd).Int()
}

// fillSlots finds the field of the generated struct that each field of the message is.
func (p *plan) fillSlots() {
	slots := p.slots()
	for _, x := range []*part{&p.id, &p.ext, &p.value, &p.us, &p.zone, &p.precision} {
		x.fill(slots)
	}
	p.plainText = p.prim == &plainString && p.value.slot.kind == reflect.String
	p.probes = make([]probe, len(p.fields))
	for i := range p.fields {
		x := &p.fields[i].part
		x.fill(slots)
		if x.slot.kind != reflect.Invalid && p.probes != nil {
			p.probes[i] = probe{x.slot.offset, x.slot.kind == reflect.Slice}
			continue
		}
		p.probes = nil
	}
}

// fill finds the slot of a field, but for one of a oneof, which stands in a wrapper.
func (x *part) fill(slots map[protoreflect.FieldNumber]slot) {
	if x.fd != nil && x.fd.ContainingOneof() == nil {
		x.slot = slots[x.fd.Number()]
	}
}

// slots returns the fields of the generated struct by their numbers, and notes its type and its oneof.
func (p *plan) slots() map[protoreflect.FieldNumber]slot {
	t, err := protoregistry.GlobalTypes.FindMessageByName(p.desc.FullName())
	if err != nil { // not generated: protoreflect answers
		return nil
	}
	p.empty = t.Zero()
	goType := reflect.TypeOf(p.empty.Interface())
	if goType.Kind() != reflect.Pointer || goType.Elem().Kind() != reflect.Struct {
		return nil
	}
	p.goType, p.goID = goType, idOf(goType)
	p.reference = goType == reflect.TypeFor[*dpb.Reference]()
	out := make(map[protoreflect.FieldNumber]slot)
	for i := range goType.Elem().NumField() {
		field := goType.Elem().Field(i)
		s := slot{offset: field.Offset, kind: field.Type.Kind(), goType: field.Type, holds: idOf(field.Type)}
		if s.kind == reflect.Slice {
			s.holds = idOf(field.Type.Elem())
		}
		if field.Tag.Get("protobuf_oneof") != "" && field.Type.Kind() == reflect.Interface {
			p.oneof = s
		}
		if number := numberIn(field); number > 0 {
			out[number] = s
		}
	}
	return out
}

// numberIn returns the number of the field that a field of a generated struct is, 0 for none.
func numberIn(field reflect.StructField) protoreflect.FieldNumber {
	parts := strings.Split(field.Tag.Get("protobuf"), ",")
	if len(parts) < 2 {
		return 0
	}
	number, err := strconv.ParseInt(parts[1], 10, 32)
	if err != nil {
		return 0
	}
	return protoreflect.FieldNumber(number)
}
