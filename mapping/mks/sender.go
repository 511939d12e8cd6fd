package mks

import (
	"fmt"
	"github.com/drieluik/drieluik/mapping"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	opb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/organization_go_proto"
	ppb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/patient_go_proto"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping/element"
)

// findSender looks up the sending Organization by its URA; a new one has the id of that URA.
func (m *mapper) findSender() error {
	m.sender = fhir.Ref{Type: "Organization", ID: mapping.ID("Organization/ura/" + m.head.ura)}
	hits, err := m.known.Identified("Organization", fhir.Identifier{System: uraSystem, Value: m.head.ura})
	if err != nil {
		return fmt.Errorf("mks.findSender: %w", err)
	}
	if len(hits) > 0 {
		m.sender, m.senderStored = hits[0].Resource.Ref(), true
	}
	return nil
}

// addSender adds the sending Organization by its URA alone when nothing else tells of it.
func (m *mapper) addSender() {
	if m.senderStored {
		return
	}
	for _, a := range m.added {
		if a.ref == m.sender {
			return
		}
	}
	m.add(&opb.Organization{Identifier: []*dpb.Identifier{element.Identifier(uraSystem, m.head.ura)}}, about{id: m.sender.ID})
}

// addStub writes the Patient of a record that comes before its kind record, or adds the source's
// identifier to the Patient that its BSN found (mks.md 2.5).
func (m *mapper) addStub() error {
	own := fhir.Identifier{System: m.head.base() + "/kind", Value: m.head.localID}
	if m.rec.name == "kind" || hasIdentifier(m.child.patient(), own) {
		return nil
	}
	if m.child.found != nil {
		add := fhir.Edit{Path: []string{"identifier"}, Append: true, JSON: identifierJSON(own)}
		return m.addEdited(m.child.found.Resource, add)
	}
	p := &ppb.Patient{Identifier: element.Some(element.Identifier(bsnSystem, m.head.bsn), element.IdentifierOf(own))}
	m.add(p, about{id: m.child.ref.ID})
	m.added[len(m.added)-1].stub = true
	return nil
}
