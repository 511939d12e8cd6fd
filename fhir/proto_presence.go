package fhir

import (
	"reflect"
	"strconv"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// presence returns a quick test that is false only for fields that are not set. A Go struct tells
// by a nil at a tenth of the price of protoreflect; other messages always answer true.
func (p *plan) presence(m protoreflect.Message) func(*fieldPlan) bool {
	v := reflect.ValueOf(m.Interface())
	if p.goType == nil || v.Type() != p.goType {
		return func(*fieldPlan) bool { return true }
	}
	v = v.Elem()
	return func(f *fieldPlan) bool { return f.index < 0 || !v.Field(f.index).IsNil() }
}

// fillIndexes finds the field of the generated Go struct that each field of the message is.
func (p *plan) fillIndexes() {
	for i := range p.fields {
		p.fields[i].index = -1
	}
	t, err := protoregistry.GlobalTypes.FindMessageByName(p.desc.FullName())
	if err != nil { // not generated: protoreflect answers
		return
	}
	p.goType = reflect.TypeOf(t.Zero().Interface())
	if p.goType.Kind() != reflect.Pointer || p.goType.Elem().Kind() != reflect.Struct {
		p.goType = nil
		return
	}
	numbers := make(map[int]int)
	for i := range p.goType.Elem().NumField() {
		parts := strings.Split(p.goType.Elem().Field(i).Tag.Get("protobuf"), ",")
		if len(parts) < 2 {
			continue
		}
		if number, err := strconv.Atoi(parts[1]); err == nil {
			numbers[number] = i
		}
	}
	for i := range p.fields {
		f := &p.fields[i]
		if index, ok := numbers[int(f.fd.Number())]; ok && f.fd.ContainingOneof() == nil {
			f.index = index
		}
	}
}
