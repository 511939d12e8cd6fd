package mks

import (
	opb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/organization_go_proto"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"

	"github.com/drieluik/drieluik/fhir"
)

// addSender adds an Organization that is known by its URA alone.
func (m *mapper) addSender(id fhir.Identifier) {
	m.add(&opb.Organization{Identifier: []*dpb.Identifier{identifier(id.System, id.Value)}}, about{id: m.sender.ID})
}
