package tree

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
	"github.com/drieluik/drieluik/mapping/mks/plan"
	"github.com/drieluik/drieluik/mapping/mks/tofhir"
)

// closePlans completes the plan that is closed, with its parts. A version that closes another plan, or
// none because the record is withdrawn, gives the earlier one back its force. A draft closes nothing.
func (w *closingWriter) closePlans() error {
	if w.Draft {
		return nil
	}
	before, err := w.closedBefore()
	if err != nil {
		return err
	}
	name := w.in.At("afgeslotenZorgplan")
	now := name.Str()
	if w.Head.Status == "ingetrokken" {
		now = ""
	}
	still, err := plan.ClosedAt(w.Mapper, before, w.Head.RecordID)
	if err != nil {
		return err
	}
	if before != "" && before != now && still.IsZero() {
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
	hit, err := w.Known.Read(w.answers())
	if err != nil {
		return "", fmt.Errorf("mks.closedBefore: %w", err)
	}
	n := tofhir.Found(hit)
	if tofhir.Void(n) {
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
	master, err := plan.InForce(w.Mapper, record)
	if err != nil || master == nil {
		return err
	}
	plans, err := w.Known.Child(w.Child.Ref, "CarePlan")
	if err != nil {
		return fmt.Errorf("mks.movePlan: %w", err)
	}
	if err := w.moveFlag(record, to); err != nil {
		return err
	}
	ref := master.Resource.Ref()
	for _, p := range plans {
		n := tofhir.Found(p)
		if p.Resource.Ref() != ref && !partOfPlan(n, ref) || p.Custodian.Current() != master.Custodian.Current() {
			continue // or a plan by which somebody else takes part in this one
		}
		if s := n.Member("status").Text(); s != from && s != to {
			continue
		}
		if err := w.AddEdited(p.Resource, fhir.Edit{Path: []string{"status"}, JSON: strconv.Quote(to)}); err != nil {
			return err
		}
	}
	return nil
}

// moveFlag holds the Flag of the noodplan to its plan: it is active only with an active one (mks.md 3.5).
func (w *closingWriter) moveFlag(record, status string) error {
	path := "CarePlan/" + w.Head.Source() + "/zorgplan/" + record + "/noodplan"
	hit, err := w.Known.Read(fhir.Ref{Type: "Flag", ID: mapping.ID(path)})
	if err != nil {
		return fmt.Errorf("mks.moveFlag: %w", err)
	}
	active, inactive := plan.Statuses["active"].Flag, plan.Statuses["draft"].Flag
	if hit == nil || !slices.Contains([]string{active, inactive}, tofhir.Found(hit).Member("status").Text()) {
		return nil
	}
	to := inactive
	if status == "active" {
		to = active
	}
	return w.AddEdited(hit.Resource, fhir.Edit{Path: []string{"status"}, JSON: strconv.Quote(to)})
}

func partOfPlan(n fhir.Node, master fhir.Ref) bool {
	for r := range n.All("partOf", "reference") {
		if tofhir.RefOf(r.Text()) == master {
			return true
		}
	}
	return false
}
