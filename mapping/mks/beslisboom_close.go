package mks

import (
	"fmt"
	"strconv"

	"github.com/drieluik/drieluik/fhir"
)

// closePlans completes the plan that is closed, with its parts. A version that closes another plan, or
// none because the record is withdrawn, gives the earlier one back its force. A draft closes nothing.
func (w *closingWriter) closePlans() error {
	if w.draft {
		return nil
	}
	before, err := w.closedBefore()
	if err != nil {
		return err
	}
	name := w.in.at("afgeslotenZorgplan")
	now := name.str()
	if w.head.status == "ingetrokken" {
		now = ""
	}
	if before != "" && before != now {
		if err := w.movePlan(before, "completed", "active"); err != nil {
			return err
		}
	}
	if now == "" {
		return nil
	}
	return w.movePlan(now, "active", "completed")
}

// closedBefore returns the plan that the stored version of this record closed, "" for none.
func (w *closingWriter) closedBefore() (string, error) {
	hit, err := w.known.Read(w.answers())
	if err != nil {
		return "", fmt.Errorf("mks.closedBefore: %w", err)
	}
	n := found(hit)
	if void(n) {
		return "", nil
	}
	for item := range n.All("item") {
		if item.Member("linkId").Text() == "bb.zorgplan" {
			return item.At("answer", "valueString").Text(), nil
		}
	}
	return "", nil
}

// movePlan gives a plan and its parts the status to where they have from. One that has it already is
// written too: it is of this version as it was of the earlier one.
func (w *closingWriter) movePlan(record, from, to string) error {
	master, err := w.planInForce(record)
	if err != nil || master == nil {
		return err
	}
	plans, err := w.known.Child(w.child.ref, "CarePlan")
	if err != nil {
		return fmt.Errorf("mks.movePlan: %w", err)
	}
	ref := master.Resource.Ref()
	for _, p := range plans {
		n := found(p)
		if p.Resource.Ref() != ref && !partOfPlan(n, ref) {
			continue
		}
		if s := n.Member("status").Text(); s != from && s != to {
			continue
		}
		if err := w.addEdited(p.Resource, fhir.Edit{Path: []string{"status"}, JSON: strconv.Quote(to)}); err != nil {
			return err
		}
	}
	return nil
}

func partOfPlan(n fhir.Node, master fhir.Ref) bool {
	for r := range n.All("partOf", "reference") {
		if refOf(r.Text()) == master {
			return true
		}
	}
	return false
}
