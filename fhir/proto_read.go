package fhir

import (
	"errors"
	"strings"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/known/anypb"
)

// ruleProto is broken by a tree that no google/fhir message can hold.
var ruleProto = rule{id: "FHIR-PROTO", code: "structure"}

// refuse returns the error that n cannot stand in a message.
func refuse(n Node, text string) error {
	return &Error{
		Kind: Unprocessable, Op: "fhir.ToProto",
		Issues: []Issue{ruleProto.issue(expression(n, Node.Path), text)},
	}
}

// readAnyResource fills m, a resource, a ContainedResource or an Any, from n.
func readAnyResource(n Node, m protoreflect.Message) error {
	d := m.Descriptor()
	name := n.Member("resourceType").Text()
	switch {
	case isResource(d):
		if string(d.Name()) != name {
			return refuse(n, "The message is one of another resource type.")
		}
		return readObject(n, m, plans().of(d).ready())
	case d.Name() == containedName:
		fd := resourceField(d, name)
		if fd == nil {
			return refuse(n, "There is no message for this resource type.")
		}
		return readAnyResource(n, m.Mutable(fd).Message())
	}
	packed, ok := m.Interface().(*anypb.Any)
	if !ok {
		return refuse(n, "The message is not a resource.")
	}
	inner, err := protoregistry.GlobalTypes.FindMessageByName(containedFull)
	if err != nil {
		return refuse(n, "A resource within a resource needs the message ContainedResource, which this program leaves out.")
	}
	m = inner.New()
	if err := readAnyResource(n, m); err != nil {
		return err
	}
	return Wrap("fhir.ToProto", packed.MarshalFrom(m.Interface()))
}

// resourceField returns the branch of ContainedResource for a resource type, or nil.
func resourceField(d protoreflect.MessageDescriptor, name string) protoreflect.FieldDescriptor {
	for i := range d.Fields().Len() {
		if fd := d.Fields().Get(i); string(fd.Message().Name()) == name {
			return fd
		}
	}
	return nil
}

// readObject fills m from the members of n.
func readObject(n Node, m protoreflect.Message, p *plan) error {
	if n.Shape() != Object {
		return refuse(n, "An object is expected.")
	}
	for member := range n.Children() {
		name := member.Name()
		if name == "resourceType" && isResource(p.desc) {
			continue
		}
		at, ok := p.members[name]
		if !ok {
			return refuse(member, "R4 has no such element here.")
		}
		if at.shadow && n.Member(name[1:]).Exists() {
			continue // read with the value
		}
		if err := readMember(n, member, at, m); err != nil {
			return err
		}
	}
	if p.target != nil {
		p.target.normalize(m)
	}
	return nil
}

// readMember fills the field of m that a member of n belongs to.
func readMember(n, member Node, at memberPlan, m protoreflect.Message) error {
	f := at.field
	if at.branch != nil {
		m = m.Mutable(f.fd).Message()
		f = at.branch
		if set := m.WhichOneof(f.fd.ContainingOneof()); set != nil {
			return refuse(member, "An element with a choice of types has more than one value.")
		}
	}
	if f.shape == fieldPrimitive {
		value, shadow := member, n.Member("_"+f.name)
		if at.shadow {
			value = Node{}
		}
		return readPrimitive(f, value, shadow, m)
	}
	if !f.fd.IsList() {
		return readValue(f, member, m.Mutable(f.fd).Message())
	}
	if member.Shape() != Array {
		return refuse(member, "An array is expected.")
	}
	list := m.Mutable(f.fd).List()
	for e := range member.Children() {
		if err := readValue(f, e, list.AppendMutable().Message()); err != nil {
			return err
		}
	}
	return nil
}

// readValue fills m, which is not a primitive, from n.
func readValue(f *fieldPlan, n Node, m protoreflect.Message) error {
	if f.shape == fieldResource {
		return readAnyResource(n, m)
	}
	return readObject(n, m, f.sub.ready())
}

// readPrimitive fills field f of m from a value, and the object with its id and extensions. One of
// them may be missing.
func readPrimitive(f *fieldPlan, value, shadow Node, m protoreflect.Message) error {
	p := f.sub.ready()
	if !f.fd.IsList() {
		return p.readPair(value, shadow, m.Mutable(f.fd).Message())
	}
	for _, n := range []Node{value, shadow} {
		if n.Exists() && n.Shape() != Array {
			return refuse(n, "An array is expected.")
		}
	}
	values, shadows := elements(value), elements(shadow)
	list := m.Mutable(f.fd).List()
	for i := range max(len(values), len(shadows)) {
		var v, s Node
		if i < len(values) {
			v = values[i]
		}
		if i < len(shadows) {
			s = shadows[i]
		}
		if err := p.readPair(v, s, list.AppendMutable().Message()); err != nil {
			return err
		}
	}
	return nil
}

// elements returns the children of n, with a missing node for null.
func elements(n Node) []Node {
	out := make([]Node, 0, n.Len())
	for e := range n.Children() {
		if e.Shape() == Null {
			e = Node{}
		}
		out = append(out, e)
	}
	return out
}

// readPair fills a primitive from its value, and the object with its id and extensions.
func (p *plan) readPair(value, shadow Node, m protoreflect.Message) error {
	if shadow.Exists() {
		if err := p.readShadow(shadow, m); err != nil {
			return err
		}
	}
	if value.Exists() {
		if err := p.prim.read(value, p, m); err != nil {
			return refuse(value, "The value is not one of its type: "+err.Error()+".")
		}
		return nil
	}
	if p.ext.fd == nil {
		return refuse(shadow, "The element needs a value.")
	}
	m.Mutable(p.ext.fd).List().Append(protoreflect.ValueOfMessage(noValue().ProtoReflect()))
	return nil
}

// noValue returns the extension by which google/fhir marks a primitive without a value.
func noValue() *dpb.Extension {
	return &dpb.Extension{
		Url: &dpb.Uri{Value: noValueURL},
		Value: &dpb.Extension_ValueX{
			Choice: &dpb.Extension_ValueX_Boolean{Boolean: &dpb.Boolean{Value: true}},
		},
	}
}

// readShadow fills the id and the extensions of a primitive.
func (p *plan) readShadow(n Node, m protoreflect.Message) error {
	if n.Shape() != Object {
		return refuse(n, "An object is expected.")
	}
	for member := range n.Children() {
		name := member.Name()
		switch {
		case name == "id" && member.Shape() == String && p.id.fd != nil:
			id := m.Mutable(p.id.fd).Message()
			id.Set(id.Descriptor().Fields().ByName("value"), protoreflect.ValueOfString(member.Text()))
		case name == "extension" && p.ext.fd != nil:
			if err := readMember(n, member, memberPlan{field: p.extField()}, m); err != nil {
				return err
			}
		default:
			return refuse(member, "A primitive has only an id and extensions.")
		}
	}
	return nil
}

// normalize moves a reference from the text to the branch of its resource type, as google/fhir
// does, unless the text has an id or extensions.
func (t *targetPlan) normalize(m protoreflect.Message) {
	if !m.Has(t.uri.fd) {
		return
	}
	uri := t.uri.sub.ready()
	v := m.Get(t.uri.fd).Message()
	if v.Has(uri.id.fd) || v.Has(uri.ext.fd) {
		return
	}
	text := v.Get(uri.value.fd).String()
	if fragment, ok := strings.CutPrefix(text, "#"); ok {
		m.Set(t.frag, protoreflect.ValueOfMessage((&dpb.String{Value: fragment}).ProtoReflect()))
		return
	}
	parts := strings.Split(text, "/")
	if len(parts) != 2 && (len(parts) != 4 || parts[2] != "_history" || parts[3] == "") {
		return
	}
	fd := t.fields[parts[0]]
	if fd == nil || parts[1] == "" {
		return
	}
	id := &dpb.ReferenceId{Value: parts[1]}
	if len(parts) == 4 {
		id.History = &dpb.Id{Value: parts[3]}
	}
	m.Set(fd, protoreflect.ValueOfMessage(id.ProtoReflect()))
}

// errShape says that a value has another JSON shape than its type.
var errShape = errors.New("the JSON type is another")
