package fhir

import (
	"errors"

	"google.golang.org/protobuf/proto"
)

// FromProto returns the tree of a google/fhir R4 resource message (a resource itself, or a
// ContainedResource). It is equal to what google's jsonformat prints.
func FromProto(m proto.Message) (*Resource, error) { return nil, errors.New("not implemented") }

// ToProto fills m, a google/fhir R4 resource message, from r.
func ToProto(r *Resource, m proto.Message) error { return errors.New("not implemented") }
