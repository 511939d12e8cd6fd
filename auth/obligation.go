package auth

import (
	"slices"
	"sync"
)

// obligations is a set of obligations, access.md 3.4.
type obligations uint16

const (
	minimalPatient obligations = 1 << iota
	redactAddress
	redactBSN
	issueView
	warnStale
	btgReview
	networkView
	networkCalm
	networkContact
	meetingView
	planView
)

// Names of obligations, in the order in which a Decision lists them.
const (
	MinimalPatient         = "minimal-patient"
	RedactProtectedAddress = "redact-protected-address"
	RedactBSN              = "redact-bsn"
	IssueView              = "issue-view"
	WarnCustodyStale       = "warn-custody-stale"
	BTGReview              = "btg-review"
	NetworkView            = "network-view"
	NetworkCalm            = "network-view-parent"  // network-view of who has authority
	NetworkContact         = "network-view-contact" // network-view of the family's contact at an organisation
	MeetingView            = "meeting-view"         // a call to a meeting, of a reader who may not see its plan
	PlanView               = "plan-view"            // a coordinated plan and its team, of a party to whom its own measures alone are left
)

var obligationNames = []string{MinimalPatient, RedactProtectedAddress, RedactBSN, IssueView, WarnCustodyStale, BTGReview, NetworkView, NetworkCalm, NetworkContact, MeetingView, PlanView}

// obligationLists holds the list of every set, so that a decision shares them.
var obligationLists = sync.OnceValue(func() [][]string {
	out := make([][]string, 1<<len(obligationNames))
	for set := range out {
		for i, name := range obligationNames {
			if set&(1<<i) != 0 {
				out[set] = append(out[set], name)
			}
		}
		out[set] = slices.Clip(out[set])
	}
	return out
})

// list returns the names in order, nil for the empty set. The list is shared: do not change it.
func (o obligations) list() []string {
	if o == 0 {
		return nil
	}
	return obligationLists()[o]
}

// Unite returns the obligations of both lists in order. The list is shared: do not change it.
func Unite(a, b []string) []string {
	var o obligations
	for i, name := range obligationNames {
		if slices.Contains(a, name) || slices.Contains(b, name) {
			o |= 1 << i
		}
	}
	return o.list()
}
