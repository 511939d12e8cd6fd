package tofhir

import (
	"fmt"

	"github.com/drieluik/drieluik/fhir"
)

// AddEdited adds a stored resource with edits, on top of those that this record made before.
func (m *Mapper) AddEdited(r *fhir.Resource, edits ...fhir.Edit) error {
	at := -1
	for i := range m.Added {
		if m.Added[i].Edited != nil && m.Added[i].Ref == r.Ref() {
			at, r = i, m.Added[i].Edited
		}
	}
	edited, err := r.Edit(edits...)
	if err != nil {
		return fmt.Errorf("mks.addEdited: %s: %w", r.Type(), err)
	}
	if at >= 0 {
		m.Added[at].Edited = edited
		return nil
	}
	m.Added = append(m.Added, Added{Edited: edited, Ref: r.Ref()})
	return nil
}
