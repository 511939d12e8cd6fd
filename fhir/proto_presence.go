package fhir

import (
	"reflect"
	"strconv"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// view reads a message. The struct that protoc generated answers at a tenth of the price of
// protoreflect; messages of another make are read by protoreflect.
type view struct {
	m      protoreflect.Message
	fields reflect.Value // the struct; not valid when m is of another make
}

// view returns m to read from.
func (p *plan) view(m protoreflect.Message) view {
	v := view{m: m}
	if p.goType == nil {
		return v
	}
	if s := reflect.ValueOf(m.Interface()); s.Type() == p.goType {
		v.fields = s.Elem()
	}
	return v
}

// has reports whether a field is set, which is a message or a list of messages.
func (v view) has(fd protoreflect.FieldDescriptor, index int) bool {
	if !v.fields.IsValid() || index < 0 {
		return fd != nil && v.m.Has(fd)
	}
	f := v.fields.Field(index)
	if f.Kind() == reflect.Slice {
		return f.Len() > 0
	}
	return !f.IsNil()
}

// message returns the message in a field that is set.
func (v view) message(fd protoreflect.FieldDescriptor, index int) protoreflect.Message {
	if v.fields.IsValid() && index >= 0 {
		if m, ok := v.fields.Field(index).Interface().(protoreflect.ProtoMessage); ok {
			return m.ProtoReflect()
		}
	}
	return v.m.Get(fd).Message()
}

// text returns the value of a primitive that is a string.
func (p *plan) text(m protoreflect.Message) string {
	if v := p.view(m); v.fields.IsValid() && p.valueIndex >= 0 {
		return v.fields.Field(p.valueIndex).String()
	}
	return m.Get(p.value).String()
}

// fillIndexes finds the field of the generated struct that each field of the message is.
func (p *plan) fillIndexes() {
	indexes := p.indexes()
	of := func(fd protoreflect.FieldDescriptor) int {
		if fd == nil || fd.ContainingOneof() != nil {
			return -1
		}
		if index, ok := indexes[int(fd.Number())]; ok {
			return index
		}
		return -1
	}
	for i := range p.fields {
		p.fields[i].index = of(p.fields[i].fd)
	}
	p.idIndex, p.extIndex, p.valueIndex = of(p.id), of(p.ext), of(p.value)
}

// indexes returns the fields of the generated struct by their numbers, and notes its type.
func (p *plan) indexes() map[int]int {
	t, err := protoregistry.GlobalTypes.FindMessageByName(p.desc.FullName())
	if err != nil { // not generated: protoreflect answers
		return nil
	}
	goType := reflect.TypeOf(t.Zero().Interface())
	if goType.Kind() != reflect.Pointer || goType.Elem().Kind() != reflect.Struct {
		return nil
	}
	p.goType = goType
	numbers := make(map[int]int)
	for i := range goType.Elem().NumField() {
		parts := strings.Split(goType.Elem().Field(i).Tag.Get("protobuf"), ",")
		if len(parts) < 2 {
			continue
		}
		if number, err := strconv.Atoi(parts[1]); err == nil {
			numbers[number] = i
		}
	}
	return numbers
}
