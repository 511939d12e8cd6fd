package mks

import (
	"fmt"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
	"github.com/drieluik/drieluik/mapping/element"
	"github.com/drieluik/drieluik/mapping/form"
)

// checkSignatures decides whether a definitive plan comes into force (mks.md 7.6). When it is not
// signed enough it becomes a draft under its own ids (MKS-ZP-12) and the version in force stays. A
// withdrawal of a plan that never came into force is one of the draft.
func (m *mapper) checkSignatures(list form.Value) error {
	if m.head.status == "ingetrokken" {
		inForce, err := m.planStored()
		m.draft = !inForce
		return err
	}
	if m.head.status != "definitief" || !list.AbsentOrSound() {
		return nil
	}
	var by []target
	for _, v := range list.Items() {
		by = append(by, m.target(v.At("door")))
	}
	s, err := m.countSigners(by)
	if err != nil {
		return err
	}
	if !m.child.stored || !s.enough(form.Age(m.child.birth, m.head.recordedDay), m.allSign) {
		m.tell("MKS-ZP-12", list)
		m.draft = true
	}
	return nil
}

// planStored reports whether a version in force is stored, or nothing at all.
func (m *mapper) planStored() (bool, error) {
	for _, suffix := range []string{"", "/concept"} {
		hit, err := m.known.Read(fhir.Ref{Type: "CarePlan", ID: mapping.ID("CarePlan/" + m.head.anchorKey() + suffix)})
		if err != nil {
			return false, fmt.Errorf("mks.planStored: %w", err)
		}
		if hit != nil {
			return suffix == "", nil
		}
	}
	return true, nil
}

// signers says who signed, of those whose signature counts.
type signers struct {
	child   bool
	holders int // who must be counted: holders of authority that are not sealed off
	signed  int // of them
}

// enough holds the table of mks.md 7.6. all asks every holder instead of one.
func (s signers) enough(age int, all bool) bool {
	parents := s.signed > 0 && (!all || s.signed == s.holders)
	switch {
	case age >= 16:
		return s.child
	case age >= 12:
		return s.child && parents
	default:
		return parents
	}
}

// countSigners counts the signatures. A jeugdbeschermer signs for the institution that holds authority.
func (m *mapper) countSigners(by []target) (signers, error) {
	holders, err := m.planHolders()
	if err != nil {
		return signers{}, err
	}
	s := signers{holders: len(holders)}
	done := map[string]bool{}
	for _, t := range by {
		party := t.ref.String()
		if t.kind == "med" && t.role == "jeugdbeschermer" {
			party = t.node.At("organization", "reference").Text()
		}
		s.child = s.child || t.kind == "kind"
		if holders[party] && !done[party] {
			done[party] = true
			s.signed++
		}
	}
	return s, nil
}

// planHolders returns the literal references of those who hold authority on the day of the record and
// are not sealed off from the child.
func (m *mapper) planHolders() (map[string]bool, error) {
	out := map[string]bool{}
	for ext := range m.child.patient().All("extension") {
		if ext.Member("url").Text() != element.StructureDefinition("gezag") || !planCovers(part(ext, "period"), m.head.recordedDay) {
			continue
		}
		for h := range ext.All("extension") {
			ref, ok := fhir.ParseRef(h.At("valueReference", "reference").Text())
			if h.Member("url").Text() != "houder" || !ok {
				continue
			}
			sealed, err := m.sealedOff(ref)
			if err != nil {
				return nil, err
			}
			if !sealed {
				out[ref.String()] = true
			}
		}
	}
	return out, nil
}

// planCovers reports whether a Period of calendar days, possibly open or missing, contains the day.
func planCovers(p fhir.Node, on form.Day) bool {
	return !form.Day(p.Member("start").Text()).After(on) && !on.After(form.Day(p.Member("end").Text()))
}

// sealedOff reports whether the child's file is sealed from a person.
func (m *mapper) sealedOff(ref fhir.Ref) (bool, error) {
	if ref.Type != "RelatedPerson" {
		return false, nil
	}
	hit, err := m.known.Read(ref)
	if err != nil {
		return false, fmt.Errorf("mks.sealedOff: %w", err)
	}
	for e := range found(hit).All("extension") {
		if e.Member("url").Text() == element.StructureDefinition("afscherming") {
			return true, nil
		}
	}
	return false, nil
}
