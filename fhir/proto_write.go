package fhir

import (
	"errors"
	"fmt"

	"github.com/go-json-experiment/json/jsontext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/anypb"
)

// maxMessageDepth bounds the nesting of messages that FromProto follows.
const maxMessageDepth = 128

// protoWriter writes messages as JSON text.
type protoWriter struct {
	text  []byte
	depth int
}

// anyResource writes a resource, or the one in a ContainedResource or Any.
func (w *protoWriter) anyResource(m protoreflect.Message) error {
	d := m.Descriptor()
	switch {
	case isResource(d):
		return w.resource(m)
	case d.Name() == containedName:
		fd := m.WhichOneof(d.Oneofs().Get(0))
		if fd == nil {
			return errors.New("ContainedResource holds no resource")
		}
		return w.resource(m.Get(fd).Message())
	case d.FullName() == anyName:
		packed, ok := m.Interface().(*anypb.Any)
		if !ok {
			return fmt.Errorf("%s is not a resource", d.FullName())
		}
		inner, err := anypb.UnmarshalNew(packed, proto.UnmarshalOptions{})
		if err != nil {
			return fmt.Errorf("contained: %w", err)
		}
		return w.anyResource(inner.ProtoReflect())
	}
	return fmt.Errorf("%s is not a resource", d.FullName())
}

// resource writes a resource message.
func (w *protoWriter) resource(m protoreflect.Message) error {
	w.text = append(w.text, `{"resourceType":"`...)
	w.text = append(w.text, m.Descriptor().Name()...)
	w.text = append(w.text, '"')
	if err := w.members(m, plans().of(m.Descriptor()).ready()); err != nil {
		return fmt.Errorf("%s: %w", m.Descriptor().Name(), err)
	}
	w.text = append(w.text, '}')
	return nil
}

// object writes a message of a complex type.
func (w *protoWriter) object(m protoreflect.Message, p *plan) error {
	w.text = append(w.text, '{')
	if err := w.members(m, p.ready()); err != nil {
		return err
	}
	w.text = append(w.text, '}')
	return nil
}

// key begins a member.
func (w *protoWriter) key(key string) {
	if w.text[len(w.text)-1] != '{' {
		w.text = append(w.text, ',')
	}
	w.text = append(w.text, key...)
}

// members writes the members of an object that is open.
func (w *protoWriter) members(m protoreflect.Message, p *plan) error {
	if w.depth++; w.depth > maxMessageDepth {
		return errors.New("the message is nested too deep")
	}
	defer func() { w.depth-- }()
	if p.target != nil {
		if err := w.target(m, p.target); err != nil {
			return err
		}
	}
	v := p.view(m)
	for i := range p.fields {
		f := &p.fields[i]
		if !v.has(f.fd, f.index) {
			continue
		}
		if err := w.field(f, v); err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
	}
	return nil
}

// field writes the member or members of one field of v that is set.
func (w *protoWriter) field(f *fieldPlan, v view) error {
	switch {
	case f.list && f.shape == fieldPrimitive:
		return w.primitives(f, v.m.Get(f.fd).List())
	case f.list:
		return w.list(f, v.m.Get(f.fd).List(), nil)
	}
	return w.single(f, v.message(f.fd, f.index))
}

// single writes the member or members of a field that is not a list.
func (w *protoWriter) single(f *fieldPlan, m protoreflect.Message) error {
	switch f.shape {
	case fieldChoice:
		return w.choice(f, m)
	case fieldPrimitive:
		return w.primitive(f, m)
	}
	w.key(f.key)
	return w.value(f, m)
}

// value writes a value that is not a primitive.
func (w *protoWriter) value(f *fieldPlan, m protoreflect.Message) error {
	if f.shape == fieldResource {
		return w.anyResource(m)
	}
	return w.object(m, f.sub)
}

// choice writes the branch of a choice that is set.
func (w *protoWriter) choice(f *fieldPlan, m protoreflect.Message) error {
	fd := m.WhichOneof(f.oneof)
	if fd == nil {
		return errors.New("the choice is empty")
	}
	return w.single(f.choices[fd.Number()], m.Get(fd).Message())
}

// list writes an array of what keep (nil: everything) lets through.
func (w *protoWriter) list(f *fieldPlan, l protoreflect.List, keep func(protoreflect.Message) bool) error {
	w.key(f.key)
	w.text = append(w.text, '[')
	for i := range l.Len() {
		m := l.Get(i).Message()
		if keep != nil && !keep(m) {
			continue
		}
		if w.text[len(w.text)-1] != '[' {
			w.text = append(w.text, ',')
		}
		if err := w.value(f, m); err != nil {
			return err
		}
	}
	w.text = append(w.text, ']')
	return nil
}

// primitive writes a primitive, and its id and extensions.
func (w *protoWriter) primitive(f *fieldPlan, m protoreflect.Message) error {
	p := f.sub.ready()
	before := len(w.text)
	w.key(f.key)
	written, err := w.primitiveValue(p, m)
	if err != nil {
		return err
	}
	if !written {
		w.text = w.text[:before]
	}
	if !p.hasShadow(m) {
		return nil
	}
	w.key(f.shadow)
	return w.shadow(p, m)
}

// primitives writes an array of primitives, and one of their ids and extensions.
func (w *protoWriter) primitives(f *fieldPlan, l protoreflect.List) error {
	p := f.sub.ready()
	before := len(w.text)
	hasValue, hasShadow := false, false
	w.key(f.key)
	w.text = append(w.text, '[')
	for i := range l.Len() {
		if i > 0 {
			w.text = append(w.text, ',')
		}
		m := l.Get(i).Message()
		written, err := w.primitiveValue(p, m)
		if err != nil {
			return err
		}
		if !written {
			w.text = append(w.text, "null"...)
		}
		hasValue = hasValue || written
		hasShadow = hasShadow || p.hasShadow(m)
	}
	w.text = append(w.text, ']')
	if !hasValue {
		w.text = w.text[:before]
	}
	if !hasShadow {
		return nil
	}
	return w.shadows(f, l)
}

// shadows writes the array of ids and extensions beside an array of primitives.
func (w *protoWriter) shadows(f *fieldPlan, l protoreflect.List) error {
	p := f.sub.ready()
	w.key(f.shadow)
	w.text = append(w.text, '[')
	for i := range l.Len() {
		if i > 0 {
			w.text = append(w.text, ',')
		}
		m := l.Get(i).Message()
		if !p.hasShadow(m) {
			w.text = append(w.text, "null"...)
			continue
		}
		if err := w.shadow(p, m); err != nil {
			return err
		}
	}
	w.text = append(w.text, ']')
	return nil
}

// primitiveValue writes the value of a primitive and reports whether it has one.
func (w *protoWriter) primitiveValue(p *plan, m protoreflect.Message) (bool, error) {
	if p.extension(m, noValueURL) != nil {
		return false, nil
	}
	before := len(w.text)
	text, err := p.prim.write(w.text, p, m)
	if err != nil {
		return false, err
	}
	w.text = text
	return len(text) > before, nil
}

// shadow writes the object with the id and extensions of a primitive.
func (w *protoWriter) shadow(p *plan, m protoreflect.Message) error {
	w.text = append(w.text, '{')
	if p.view(m).has(p.id, p.idIndex) {
		w.key(`"id":`)
		id := m.Get(p.id).Message()
		text, err := appendQuoted(w.text, p.set.of(id.Descriptor()).ready().text(id))
		if err != nil {
			return err
		}
		w.text = text
	}
	if p.hasVisibleExtension(m) {
		f := p.extField()
		if err := w.list(f, m.Get(p.ext).List(), isVisible); err != nil {
			return err
		}
	}
	w.text = append(w.text, '}')
	return nil
}

// target writes Reference.reference.
func (w *protoWriter) target(m protoreflect.Message, t *targetPlan) error {
	fd := m.WhichOneof(t.oneof)
	if fd == nil {
		return nil
	}
	v := m.Get(fd).Message()
	if fd == t.uri.fd {
		return w.primitive(t.uri, v)
	}
	fields := v.Descriptor().Fields()
	text := v.Get(fields.ByName("value")).String()
	if fd == t.frag {
		text = "#" + text
	} else {
		text = t.types[fd.Number()] + "/" + text
		if history := fields.ByName("history"); v.Has(history) {
			h := v.Get(history).Message()
			text += "/_history/" + h.Get(h.Descriptor().Fields().ByName("value")).String()
		}
	}
	w.key(t.uri.key)
	quoted, err := appendQuoted(w.text, text)
	if err != nil {
		return err
	}
	w.text = quoted
	return nil
}

// appendQuoted appends s as a JSON string.
func appendQuoted(text []byte, s string) ([]byte, error) {
	if plain(s, 0) == len(s) { // Parse checks UTF-8
		text = append(text, '"')
		text = append(text, s...)
		return append(text, '"'), nil
	}
	return jsontext.AppendQuote(text, s)
}
