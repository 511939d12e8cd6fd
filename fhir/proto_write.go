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

// protoWriter writes messages as JSON text and tree.
type protoWriter struct {
	*growing
	set   *planSet
	depth int
}

// anyResource writes a resource, or the one in a ContainedResource or Any.
func (w *protoWriter) anyResource(m protoreflect.Message) error {
	d := m.Descriptor()
	p := w.set.of(d).ready()
	switch {
	case p.resource:
		return w.resource(p.view(m))
	case d.Name() == containedName:
		fd := m.WhichOneof(d.Oneofs().Get(0))
		if fd == nil {
			return errors.New("ContainedResource holds no resource")
		}
		return w.anyResource(m.Get(fd).Message())
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
func (w *protoWriter) resource(v view) error {
	w.open(Object, '{')
	w.key(`"resourceType":`)
	name := v.p.desc.Name()
	w.plain(string(name))
	if err := w.members(v); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	w.close('}')
	return nil
}

// object writes a message of a complex type.
func (w *protoWriter) object(v view) error {
	w.open(Object, '{')
	if err := w.members(v); err != nil {
		return err
	}
	w.close('}')
	return nil
}

// members writes the members of an object that is open.
func (w *protoWriter) members(v view) error {
	if w.depth++; w.depth > maxMessageDepth {
		return errors.New("the message is nested too deep")
	}
	if v.p.target != nil {
		if err := w.target(v, v.p.target); err != nil {
			return err
		}
	}
	for i := v.next(0); i < len(v.p.fields); i = v.next(i + 1) {
		f := &v.p.fields[i]
		if err := w.field(f, v); err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
	}
	w.depth--
	return nil
}

// field writes the member or members of one field of v that is set.
func (w *protoWriter) field(f *fieldPlan, v view) error {
	switch {
	case f.list && f.shape == fieldPrimitive:
		return w.primitives(f, v.children(f))
	case f.list:
		return w.list(f, v.children(f), false)
	}
	return w.single(f, v.child(f))
}

// single writes the member or members of a field that is not a list.
func (w *protoWriter) single(f *fieldPlan, v view) error {
	switch f.shape {
	case fieldChoice:
		return w.choice(f, v)
	case fieldPrimitive:
		return w.primitive(f, v)
	}
	w.key(f.key)
	return w.value(f, v)
}

// value writes a value that is not a primitive.
func (w *protoWriter) value(f *fieldPlan, v view) error {
	if f.shape == fieldResource {
		return w.anyResource(v.message())
	}
	return w.object(v)
}

// choice writes the branch of a choice that is set.
func (w *protoWriter) choice(f *fieldPlan, v view) error {
	number, at := v.branch(f.oneof)
	if number == 0 {
		return errors.New("the choice is empty")
	}
	return w.single(f.choices[number], v.held(f.choices[number], at))
}

// list writes an array; of the extensions of a primitive what JSON shows.
func (w *protoWriter) list(f *fieldPlan, l many, visible bool) error {
	w.key(f.key)
	w.open(Array, '[')
	for i := range l.len() {
		v := l.get(i)
		if visible && !isVisible(v.message()) {
			continue
		}
		w.item()
		if err := w.value(f, v); err != nil {
			return err
		}
	}
	w.close(']')
	return nil
}

// primitive writes a primitive, and its id and extensions.
func (w *protoWriter) primitive(f *fieldPlan, v view) error {
	if s, ok := v.bareText(); ok && isPlain(s) {
		w.key(f.key)
		w.plain(s)
		return nil
	}
	if v.hasValue() {
		w.key(f.key)
		if err := w.primitiveValue(v); err != nil {
			return err
		}
	}
	if !v.hasShadow() {
		return nil
	}
	w.key(f.shadow)
	return w.shadow(v)
}

// primitives writes an array of primitives, and one of their ids and extensions.
func (w *protoWriter) primitives(f *fieldPlan, l many) error {
	if l.some(view.hasValue) {
		w.key(f.key)
		if err := w.each(l, view.hasValue, w.primitiveValue); err != nil {
			return err
		}
	}
	if !l.some(view.hasShadow) {
		return nil
	}
	w.key(f.shadow)
	return w.each(l, view.hasShadow, w.shadow)
}

// each writes an array: of each primitive what write makes of it, null for one without that.
func (w *protoWriter) each(l many, has func(view) bool, write func(view) error) error {
	w.open(Array, '[')
	for i := range l.len() {
		w.item()
		v := l.get(i)
		if !has(v) {
			w.null()
			continue
		}
		if err := write(v); err != nil {
			return err
		}
	}
	w.close(']')
	return nil
}

// primitiveValue writes the value of a primitive that has one.
func (w *protoWriter) primitiveValue(v view) error {
	i := w.begin(Missing)
	text, err := v.p.prim.write(w.text, v)
	if err != nil {
		return err
	}
	w.text = text
	w.scalar(i)
	return nil
}

// shadow writes the object with the id and extensions of a primitive.
func (w *protoWriter) shadow(v view) error {
	w.open(Object, '{')
	if v.has(&v.p.id) {
		w.key(`"id":`)
		id := v.message().Get(v.p.id.fd).Message()
		if err := w.primitiveValue(w.set.of(id.Descriptor()).ready().view(id)); err != nil {
			return err
		}
	}
	if v.hasVisibleExtension() {
		f := v.p.extField()
		if err := w.list(f, v.children(f), true); err != nil {
			return err
		}
	}
	w.close('}')
	return nil
}

// target writes Reference.reference.
func (w *protoWriter) target(of view, t *targetPlan) error {
	if uri, ok := of.literal(); ok {
		return w.primitive(t.uri, uri)
	}
	number, at := of.branch(t.oneof)
	if number == 0 {
		return nil
	}
	if number == t.uri.fd.Number() {
		return w.primitive(t.uri, of.held(t.uri, at))
	}
	fd := of.p.desc.Fields().ByNumber(number)
	v := of.message().Get(fd).Message()
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
	i := w.begin(String)
	quoted, err := appendQuoted(w.text, text)
	if err != nil {
		return err
	}
	w.text = quoted
	w.scalar(i)
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
