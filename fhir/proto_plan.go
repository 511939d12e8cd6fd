package fhir

import (
	"reflect"
	"strings"
	"sync"

	apb "github.com/google/fhir/go/proto/google/fhir/proto/annotations_go_proto"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// shapeOfField says how a field of a message stands in JSON.
type shapeOfField uint8

const (
	fieldComplex   shapeOfField = iota
	fieldPrimitive              // value, and "_name" for its id and extensions
	fieldChoice                 // a message around a oneof: value[x]
	fieldReference              // Reference, whose target is a oneof
	fieldResource               // ContainedResource, or an Any that holds one
)

// plan is what the bridge needs to know of one message type; it is filled on first use.
type plan struct {
	desc    protoreflect.MessageDescriptor
	set     *planSet
	once    sync.Once
	goType  reflect.Type          // of the generated struct
	fields  []fieldPlan           // in the order of the definition
	probes  []probe               // of fields, when all of them can be read in place
	members map[string]memberPlan // by JSON name, choices resolved, "_name" too
	prim    *primitive            // of a primitive type
	// plainText: the value of the primitive is a string that can be read in place.
	plainText bool
	codes     *codeTable // of a primitive type with an enum
	layouts   []string   // of a time, by the number of its precision

	value, id, ext      part // of a primitive type
	us, zone, precision part // of a time

	empty    protoreflect.Message // of a generated type
	oneof    slot                 // of the only oneof
	resource bool                 // a resource type

	goID      typeID // of goType
	reference bool   // goType is that of *dpb.Reference

	target *targetPlan
}

// fieldPlan is one field of a message.
type fieldPlan struct {
	part
	shape   shapeOfField
	name    string // JSON name
	key     string // `"name":`
	shadow  string // `"_name":`
	list    bool
	oneof   protoreflect.OneofDescriptor // of a choice
	sub     *plan
	choices map[protoreflect.FieldNumber]*fieldPlan // of a choice
}

// memberPlan is where a JSON member goes: a field, and the branch of it when that is a choice.
type memberPlan struct {
	field  *fieldPlan
	branch *fieldPlan // nil unless field is a choice
	shadow bool
}

// targetPlan is the oneof of Reference.
type targetPlan struct {
	oneof  protoreflect.OneofDescriptor
	uri    *fieldPlan
	frag   protoreflect.FieldDescriptor
	types  map[protoreflect.FieldNumber]string
	fields map[string]protoreflect.FieldDescriptor
}

// planSet keeps the plans of all message types, and the time zones, met so far.
type planSet struct {
	mu    sync.Mutex
	plans map[protoreflect.FullName]*plan
	zones sync.Map // *time.Location by IANA name

	growing  sync.Pool // *growing that FromProto writes in
	wrappers sync.Map  // number of the field by the reflect.Type of what wraps it in a oneof; 0 for an unknown one
}

var plans = sync.OnceValue(func() *planSet {
	return &planSet{plans: make(map[protoreflect.FullName]*plan)}
})

// of returns the plan of a message type, not yet filled.
func (s *planSet) of(d protoreflect.MessageDescriptor) *plan {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.plans[d.FullName()]
	if p == nil {
		p = &plan{desc: d, set: s}
		s.plans[d.FullName()] = p
	}
	return p
}

// ready returns p filled.
func (p *plan) ready() *plan {
	p.once.Do(p.fill)
	return p
}

// fill builds the plan from the descriptor.
func (p *plan) fill() {
	p.resource = isResource(p.desc)
	if isPrimitive(p.desc) {
		p.fillPrimitive()
		return
	}
	fields := p.desc.Fields()
	isReference := isReference(p.desc)
	p.members = make(map[string]memberPlan)
	if isReference {
		p.target = p.fillTarget()
	}
	p.fields = make([]fieldPlan, 0, fields.Len())
	for i := range fields.Len() {
		fd := fields.Get(i)
		if fd.Message() == nil || isReference && fd.ContainingOneof() != nil {
			continue
		}
		p.fields = append(p.fields, p.field(fd, fd.JSONName()))
	}
	p.fillSlots()
	for i := range p.fields {
		p.enterField(&p.fields[i])
	}
}

// field returns the plan of one field under a JSON name.
func (p *plan) field(fd protoreflect.FieldDescriptor, name string) fieldPlan {
	f := fieldPlan{
		part: part{fd: fd}, name: name, key: `"` + name + `":`, shadow: `"_` + name + `":`,
		sub: p.set.of(fd.Message()), shape: shapeOf(fd), list: fd.IsList(),
	}
	if f.shape != fieldChoice {
		return f
	}
	f.oneof = fd.Message().Oneofs().Get(0)
	f.choices = make(map[protoreflect.FieldNumber]*fieldPlan)
	branches := fd.Message().Fields()
	for i := range branches.Len() {
		bd := branches.Get(i)
		branch := p.field(bd, name+upperFirst(bd.JSONName()))
		f.choices[bd.Number()] = &branch
	}
	return f
}

// enterField enters the members that field f can have.
func (p *plan) enterField(f *fieldPlan) {
	if f.shape != fieldChoice {
		p.enter(memberPlan{field: f}, f)
		return
	}
	for _, branch := range f.choices {
		p.enter(memberPlan{field: f, branch: branch}, branch)
	}
}

// enter enters a member under its name, and under "_name" when it is a primitive.
func (p *plan) enter(m memberPlan, f *fieldPlan) {
	p.members[f.name] = m
	if f.shape == fieldPrimitive {
		m.shadow = true
		p.members["_"+f.name] = m
	}
}

// fillPrimitive fills in the plan of a primitive type.
func (p *plan) fillPrimitive() {
	fields := p.desc.Fields()
	p.id.fd, p.ext.fd, p.value.fd = fields.ByName("id"), fields.ByName("extension"), fields.ByName("value")
	p.us.fd, p.zone.fd, p.precision.fd = fields.ByName("value_us"), fields.ByName("timezone"), fields.ByName("precision")
	p.layouts = layoutsOf(p.precision.fd)
	p.prim = p.primitive()
	p.fillSlots()
}

// primitive returns how the type stands in JSON.
func (p *plan) primitive() *primitive {
	if kind, ok := primitives[p.desc.Name()]; ok {
		return &kind
	}
	if p.value.fd != nil && p.value.fd.Enum() != nil {
		p.codes = newCodeTable(p.value.fd.Enum())
		return &enumCode
	}
	return &plainString
}

// fillTarget returns the plan of the oneof of Reference.
func (p *plan) fillTarget() *targetPlan {
	t := &targetPlan{
		oneof:  p.desc.Oneofs().ByName("reference"),
		types:  make(map[protoreflect.FieldNumber]string),
		fields: make(map[string]protoreflect.FieldDescriptor),
	}
	branches := t.oneof.Fields()
	for i := range branches.Len() {
		fd := branches.Get(i)
		switch fd.Name() {
		case "uri":
			uri := p.field(fd, "reference")
			t.uri = &uri
		case "fragment":
			t.frag = fd
		default:
			name := proto.GetExtension(fd.Options(), apb.E_ReferencedFhirType).(string)
			t.types[fd.Number()] = name
			t.fields[name] = fd
		}
	}
	p.enter(memberPlan{field: t.uri}, t.uri)
	return t
}

// shapeOf returns how fd stands in JSON.
func shapeOf(fd protoreflect.FieldDescriptor) shapeOfField {
	d := fd.Message()
	switch {
	case isPrimitive(d):
		return fieldPrimitive
	case proto.GetExtension(d.Options(), apb.E_IsChoiceType).(bool):
		return fieldChoice
	case isReference(d):
		return fieldReference
	case d.FullName() == anyName || d.Name() == containedName:
		return fieldResource
	}
	return fieldComplex
}

const (
	anyName       = "google.protobuf.Any"
	containedName = "ContainedResource"
	// containedFull is looked up, not imported: it brings the messages of all resource types along, of which a
	// mapping needs thirty.
	containedFull = "google.fhir.r4.core." + containedName
)

// isPrimitive reports whether d is a primitive type of FHIR.
func isPrimitive(d protoreflect.MessageDescriptor) bool {
	return kindOf(d) == apb.StructureDefinitionKindValue_KIND_PRIMITIVE_TYPE
}

// isResource reports whether d is a resource type of FHIR.
func isResource(d protoreflect.MessageDescriptor) bool {
	return kindOf(d) == apb.StructureDefinitionKindValue_KIND_RESOURCE
}

// kindOf returns the kind of FHIR type that d is annotated with.
func kindOf(d protoreflect.MessageDescriptor) apb.StructureDefinitionKindValue {
	return proto.GetExtension(d.Options(), apb.E_StructureDefinitionKind).(apb.StructureDefinitionKindValue)
}

// isReference reports whether d is the type Reference.
func isReference(d protoreflect.MessageDescriptor) bool {
	return proto.HasExtension(d.Options(), apb.E_FhirReferenceType)
}

// codeTable translates between an enum and the codes of FHIR.
type codeTable struct {
	text    map[protoreflect.EnumNumber]string
	numbers map[string]protoreflect.EnumNumber
}

// newCodeTable takes the codes from the annotations of an enum, or from its names.
func newCodeTable(d protoreflect.EnumDescriptor) *codeTable {
	t := &codeTable{
		text:    make(map[protoreflect.EnumNumber]string),
		numbers: make(map[string]protoreflect.EnumNumber),
	}
	values := d.Values()
	for i := range values.Len() {
		v := values.Get(i)
		if v.Number() == 0 {
			continue
		}
		code := proto.GetExtension(v.Options(), apb.E_FhirOriginalCode).(string)
		if code == "" {
			code = strings.ReplaceAll(strings.ToLower(string(v.Name())), "_", "-")
		}
		t.text[v.Number()] = code
		t.numbers[code] = v.Number()
	}
	return t
}

// upperFirst returns s with a capital first letter.
func upperFirst(s string) string {
	if s == "" {
		return ""
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
