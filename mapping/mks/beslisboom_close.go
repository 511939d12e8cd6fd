package mks

import (
	"fmt"
	"github.com/drieluik/drieluik/mapping"
	"slices"
	"strconv"
	"time"

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
	name := w.in.At("afgeslotenZorgplan")
	now := name.Str()
	if w.head.status == "ingetrokken" {
		now = ""
	}
	still, err := w.closedAt(before, w.head.recordID)
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
	if err := w.moveFlag(record, to); err != nil {
		return err
	}
	ref := master.Resource.Ref()
	for _, p := range plans {
		n := found(p)
		if p.Resource.Ref() != ref && !partOfPlan(n, ref) || p.Custodian.Current() != master.Custodian.Current() {
			continue // or a plan by which somebody else takes part in this one
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

// moveFlag holds the Flag of the noodplan to its plan: it is active only with an active one (mks.md 3.5).
func (w *closingWriter) moveFlag(record, plan string) error {
	path := "CarePlan/" + w.head.source() + "/zorgplan/" + record + "/noodplan"
	hit, err := w.known.Read(fhir.Ref{Type: "Flag", ID: mapping.ID(path)})
	if err != nil {
		return fmt.Errorf("mks.moveFlag: %w", err)
	}
	active, inactive := planStatuses["active"].flag, planStatuses["draft"].flag
	if hit == nil || !slices.Contains([]string{active, inactive}, found(hit).Member("status").Text()) {
		return nil
	}
	to := inactive
	if plan == "active" {
		to = active
	}
	return w.addEdited(hit.Resource, fhir.Edit{Path: []string{"status"}, JSON: strconv.Quote(to)})
}

// closedAt returns when the latest tree in force that closes a plan of this source was recorded, but for
// that of one record; the zero time when none does.
func (m *mapper) closedAt(plan, but string) (time.Time, error) {
	var out time.Time
	if m.child.found == nil {
		return out, nil
	}
	hits, err := m.known.Child(m.child.ref, "QuestionnaireResponse")
	if err != nil {
		return out, fmt.Errorf("mks.closedAt: %w", err)
	}
	for _, hit := range hits {
		n := found(hit)
		r := bronRecordOf(n)
		record := part(r, "recordId").Text()
		own := mapping.ID("QuestionnaireResponse/"+m.head.source()+"/beslisboom/"+record) == hit.Resource.ID()
		counts := slices.Contains([]string{"completed", "amended"}, n.Member("status").Text())
		if !own || !counts || record == but || answerAt(n, "bb.zorgplan") != plan {
			continue
		}
		at, err := time.Parse(time.RFC3339Nano, part(r, "vastgelegdOp").Text())
		if err == nil && at.After(out) {
			out = at
		}
	}
	return out, nil
}

func partOfPlan(n fhir.Node, master fhir.Ref) bool {
	for r := range n.All("partOf", "reference") {
		if refOf(r.Text()) == master {
			return true
		}
	}
	return false
}
