package tofhir

import (
	"fmt"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	opb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/organization_go_proto"
	ppb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/patient_go_proto"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
	"github.com/drieluik/drieluik/mapping/element"
	"github.com/drieluik/drieluik/mapping/mks/record"
)

// findSender looks up the sending Organization by its URA; a new one has the id of that URA.
func (m *Mapper) findSender() error {
	m.Sender = fhir.Ref{Type: "Organization", ID: mapping.ID("Organization/ura/" + m.Head.URA)}
	hits, err := m.Known.Identified("Organization", fhir.Identifier{System: record.URASystem, Value: m.Head.URA})
	if err != nil {
		return fmt.Errorf("mks.findSender: %w", err)
	}
	if len(hits) > 0 {
		m.Sender, m.senderStored = hits[0].Resource.Ref(), true
	}
	return nil
}

// addSender adds the sending Organization by its URA alone when nothing else tells of it.
func (m *Mapper) addSender() {
	if m.senderStored {
		return
	}
	for _, a := range m.Added {
		if a.Ref == m.Sender {
			return
		}
	}
	m.Add(&opb.Organization{Identifier: []*dpb.Identifier{element.Identifier(record.URASystem, m.Head.URA)}}, About{ID: m.Sender.ID})
}

// addStub writes the Patient of a record that comes before its kind record, or adds the source's
// identifier to the Patient that its BSN found (mks.md 2.5).
func (m *Mapper) addStub() error {
	own := fhir.Identifier{System: m.Head.Base() + "/kind", Value: m.Head.LocalID}
	if m.Type.Name == "kind" || HasIdentifier(m.Child.Patient(), own) {
		return nil
	}
	if m.Child.Found != nil {
		add := fhir.Edit{Path: []string{"identifier"}, Append: true, JSON: IdentifierJSON(own)}
		return m.AddEdited(m.Child.Found.Resource, add)
	}
	p := &ppb.Patient{Identifier: element.Some(element.Identifier(record.BSNSystem, m.Head.BSN), element.IdentifierOf(own))}
	m.Add(p, About{ID: m.Child.Ref.ID})
	m.Added[len(m.Added)-1].stub = true
	return nil
}
