package netwerk

import (
	"slices"
	"strings"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
	"github.com/drieluik/drieluik/mapping/form"
)

// readWithdrawn gathers the members whose stored consent was withdrawn here, and is the one that the record
// repeats. Given on a later day it is another consent.
func (m *mapper) readWithdrawn() error {
	m.takenBack = map[string]bool{}
	for key, l := range m.members {
		at := l.At("toestemming").At("datum")
		if !at.Sound() || withdrawn(l) {
			continue
		}
		back, err := mapping.TakenBack(m.known, fhir.Ref{Type: "Consent", ID: m.id("Consent", key+"-ziet")}, at.Str())
		if err != nil {
			return err
		}
		m.takenBack[key] = back
	}
	return nil
}

// withdrawn reports whether a member took consent back, in the record or here.
func (m *mapper) withdrawn(l form.Value) bool {
	return withdrawn(l) || m.takenBack[l.At("id").Str()]
}

// endings are what resources become when a later version of their record leaves them out, from what they were.
var endings = map[fhir.Type]struct {
	member, to string
	from       []string
}{
	"RelatedPerson": {"active", `false`, []string{"true"}},
	"Consent":       {"status", `"inactive"`, []string{"active"}},
	"CarePlan":      {"status", `"revoked"`, []string{"draft", "active", "on-hold"}},
	"Task":          {"status", `"cancelled"`, []string{"draft", "requested", "received", "accepted", "in-progress", "on-hold"}},
}

// retire ends what an earlier version of the record made and this one does not: what somebody may see or do
// ends with their place in the network.
func (m *mapper) retire() error {
	if m.stored == nil {
		return nil
	}
	made := map[fhir.Ref]bool{}
	for _, x := range m.out {
		made[x.Resource.Ref()] = true
	}
	old, err := m.known.Child(m.patient, "RelatedPerson", "Consent", "CarePlan", "Task")
	if err != nil {
		return err
	}
	for _, f := range old {
		end := endings[f.Resource.Type()]
		if made[f.Resource.Ref()] || !strings.HasPrefix(m.keyOf(f.Resource), m.record+"#") ||
			!slices.Contains(end.from, f.Resource.Root().Member(end.member).Text()) {
			continue
		}
		tree, err := f.Resource.Edit(fhir.Edit{Path: []string{end.member}, JSON: end.to})
		if err != nil {
			return err
		}
		m.out = append(m.out, mapping.Mapped{Resource: tree})
	}
	return nil
}
