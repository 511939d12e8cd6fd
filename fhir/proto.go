package fhir

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/proto"
)

// FromProto returns the tree of a google/fhir R4 resource message (a resource itself, or a
// ContainedResource). It is equal to what google's jsonformat prints, with the members in the
// order of the definitions. It refuses a message that would give an empty value, as Parse does.
func FromProto(m proto.Message) (*Resource, error) {
	const op = "fhir.FromProto"
	if m == nil || !m.ProtoReflect().IsValid() {
		return nil, &Error{Kind: Internal, Op: op, Err: errors.New("no message")}
	}
	set := plans()
	w := protoWriter{growing: set.borrow(), set: set}
	defer set.giveBack(w.growing)
	if err := w.anyResource(m.ProtoReflect()); err != nil {
		return nil, &Error{Kind: Internal, Op: op, Err: err}
	}
	r, issues := w.finish()
	if HasErrors(issues) {
		return nil, &Error{Kind: Internal, Op: op, Issues: issues, Err: fmt.Errorf("at %s", issues[0].Expression)}
	}
	return r, nil
}

// ToProto fills m, a google/fhir R4 resource message or a ContainedResource, from r. Times finer than
// a microsecond are cut off. It fails when r has an element that R4 does not have, or a value that
// its type does not allow; the issue names it. Resources within r need a program that imports the
// message ContainedResource.
func ToProto(r *Resource, m proto.Message) error {
	const op = "fhir.ToProto"
	if r == nil || m == nil || !m.ProtoReflect().IsValid() {
		return &Error{Kind: Internal, Op: op, Err: errors.New("no resource or no message")}
	}
	proto.Reset(m)
	return readAnyResource(r.Root(), m.ProtoReflect())
}
