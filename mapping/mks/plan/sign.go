package plan

import (
	"fmt"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
	"github.com/drieluik/drieluik/mapping/element"
	"github.com/drieluik/drieluik/mapping/form"
	"github.com/drieluik/drieluik/mapping/mks/tofhir"
)

// checkSignatures decides whether a definitive plan comes into force (mks.md 7.6). When it is not
// signed enough it becomes a draft under its own ids (MKS-ZP-12) and the version in force stays. A
// withdrawal of a plan that never came into force is one of the draft.
func checkSignatures(m *tofhir.Mapper, list form.Value) error {
	if m.Head.Status == "ingetrokken" {
		inForce, err := planStored(m)
		m.Draft = !inForce
		return err
	}
	if m.Head.Status != "definitief" || !list.AbsentOrSound() {
		return nil
	}
	var by []tofhir.Target
	for _, v := range list.Items() {
		by = append(by, m.Target(v.At("door")))
	}
	s, err := CountSigners(m, by)
	if err != nil {
		return err
	}
	if !m.Child.Stored || !s.Enough(form.Age(m.Child.Birth, m.Head.RecordedDay), m.AllSign) {
		m.Tell("MKS-ZP-12", list)
		m.Draft = true
	}
	return nil
}

// planStored reports whether a version in force is stored, or nothing at all.
func planStored(m *tofhir.Mapper) (bool, error) {
	for _, suffix := range []string{"", "/concept"} {
		hit, err := m.Known.Read(fhir.Ref{Type: "CarePlan", ID: mapping.ID("CarePlan/" + m.Head.AnchorKey() + suffix)})
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

// Enough holds the table of mks.md 7.6. all asks every holder instead of one.
func (s signers) Enough(age int, all bool) bool {
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

// CountSigners counts the signatures. A jeugdbeschermer signs for the institution that holds authority.
func CountSigners(m *tofhir.Mapper, by []tofhir.Target) (signers, error) {
	holders, err := planHolders(m)
	if err != nil {
		return signers{}, err
	}
	s := signers{holders: len(holders)}
	done := map[string]bool{}
	for _, t := range by {
		party := t.Ref.String()
		if t.Kind == "med" && t.Role == "jeugdbeschermer" {
			party = t.Node.At("organization", "reference").Text()
		}
		s.child = s.child || t.Kind == "kind"
		if holders[party] && !done[party] {
			done[party] = true
			s.signed++
		}
	}
	return s, nil
}

// planHolders returns the literal references of those who hold authority on the day of the record and
// are not sealed off from the child.
func planHolders(m *tofhir.Mapper) (map[string]bool, error) {
	out := map[string]bool{}
	for ext := range m.Child.Patient().All("extension") {
		if ext.Member("url").Text() != element.StructureDefinition("gezag") || !planCovers(tofhir.Part(ext, "period"), m.Head.RecordedDay) {
			continue
		}
		for h := range ext.All("extension") {
			ref, ok := fhir.ParseRef(h.At("valueReference", "reference").Text())
			if h.Member("url").Text() != "houder" || !ok {
				continue
			}
			sealed, err := sealedOff(m, ref)
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
func sealedOff(m *tofhir.Mapper, ref fhir.Ref) (bool, error) {
	if ref.Type != "RelatedPerson" {
		return false, nil
	}
	hit, err := m.Known.Read(ref)
	if err != nil {
		return false, fmt.Errorf("mks.sealedOff: %w", err)
	}
	for e := range tofhir.Found(hit).All("extension") {
		if e.Member("url").Text() == element.StructureDefinition("afscherming") {
			return true, nil
		}
	}
	return false, nil
}
