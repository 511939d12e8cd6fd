package tofhir

import (
	"fmt"
	"slices"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
	"github.com/drieluik/drieluik/mapping/form"
	"github.com/drieluik/drieluik/mapping/mks/record"
)

// kindState is what a kind record finds out about the child before it is written.
type kindState struct {
	provenances []*mapping.Found
	// Rights: the record may change rights-bearing facts, since its sender is the child's custodian
	// or the child is new (mks.md 2.6).
	Rights bool
	// Related: the sender has a relation to the child, so that it may know of conflicts.
	Related      bool
	CustodyStays bool            // the stored gezag was checked later
	ListsFaulty  bool            // an own list, or an id in it, is faulty
	Conflict     map[string]bool // pointers of rights-bearing facts that stay with this source alone
	Conflicts    []form.Value    // the same in source order
}

// FindRelation reports whether the sender stands in the care team or a task of the child that
// another organisation keeps (access.md 3.1).
func (m *Mapper) FindRelation() error {
	if m.Child.Found == nil {
		return nil
	}
	hits, err := m.Known.Child(m.Child.Ref, "CareTeam", "Task")
	if err != nil {
		return fmt.Errorf("mks.findRelation: %w", err)
	}
	for _, hit := range hits {
		if hit.Custodian.Current() == m.Sender {
			continue
		}
		ok, err := m.relates(hit, m.Sender)
		if err != nil {
			return err
		}
		m.Related = m.Related || ok
	}
	return nil
}

// taskStates are the states in which a Task is a relation, for its owner and its requester.
var taskStates = map[string][]string{
	"owner":     {"accepted", "in-progress", "on-hold"},
	"requester": {"requested", "received", "accepted", "in-progress", "on-hold"},
}

// relates reports whether a CareTeam or Task gives the organisation a relation now.
func (m *Mapper) relates(hit *mapping.Found, org fhir.Ref) (bool, error) {
	n := Found(hit)
	if hit.Resource.Type() == "Task" {
		for member, states := range taskStates {
			if slices.Contains(states, n.Member("status").Text()) && n.At(member, "reference").Text() == org.String() {
				return true, nil
			}
		}
		return false, nil
	}
	if n.Member("status").Text() != "active" {
		return false, nil
	}
	for p := range n.All("participant") {
		today := form.DayOf(m.Now)
		if !record.Within(today, FirstDay(p.At("period", "start")), FirstDay(p.At("period", "end"))) {
			continue
		}
		ok, err := m.worksFor(p, org)
		if ok || err != nil {
			return ok, err
		}
	}
	return false, nil
}

// FirstDay is the day of a stored date or date-time, "" for a missing node.
func FirstDay(n fhir.Node) form.Day { return form.Day(n.Text()[:min(10, len(n.Text()))]) }

// worksFor reports whether a participant is the organisation or one of its PractitionerRoles.
func (m *Mapper) worksFor(participant fhir.Node, org fhir.Ref) (bool, error) {
	for _, member := range []string{"member", "onBehalfOf"} {
		ref := RefOf(participant.At(member, "reference").Text())
		if ref == org {
			return true, nil
		}
		if ref.Type != "PractitionerRole" {
			continue
		}
		role, err := m.Known.Read(ref)
		if err != nil {
			return false, err
		}
		if Found(role).At("organization", "reference").Text() == org.String() {
			return true, nil
		}
	}
	return false, nil
}
