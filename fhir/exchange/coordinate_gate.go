package exchange

import (
	"slices"
	"strings"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/coordination"
)

// unheld are the purposes under which nothing is held.
var unheld = []string{"ETREAT", "BTG"}

// heldStart is an issue that holds a start of the unit.
type heldStart struct {
	coordination.Brought
	c  *coordination.Case // of the child
	at int                // the write of the unit that starts
}

// gate finds the open issues in which a start of the unit stands. Who acknowledged them goes on.
func (o *overlap) gate(c *coordination.Case, out coordination.Outcome) error {
	if o.pushed || o.timed || o.acks != nil || slices.Contains(unheld, o.p.Purpose) {
		return nil
	}
	started, err := o.started()
	if err != nil || len(started) == 0 {
		return err
	}
	for _, b := range out.Open {
		for _, name := range b.Finding.Implicated {
			if at, ok := started[name]; ok && b.Finding.Gates() {
				o.held = append(o.held, heldStart{b, c, at})
				break
			}
		}
	}
	return nil
}

// answer judges what the rules hold: refused, or to be run again with what was acknowledged. The acknowledgements
// are those of all that is held; those that came for several requests may be of another one.
func (o *overlap) answer() (again bool) {
	if len(o.held) == 0 {
		return false
	}
	o.at = o.held[0].at
	if len(o.event.call.Acks) == 0 {
		o.stop()
		return false
	}
	open := slices.Clone(o.held)
	var acks []coordination.Ack
	for _, text := range o.event.call.Acks {
		ref, reason, ok := readAck(text)
		at := slices.IndexFunc(open, func(h heldStart) bool { return h.Issue == ref || o.foretold(h, ref) })
		switch {
		case ok && at >= 0:
			acks = append(acks, coordination.Ack{Issue: open[at].Issue, Reason: reason, By: practitioner(o.p)})
			open = slices.Delete(open, at, at+1)
		case !ok || !o.event.call.Several:
			o.refused = badAck()
			return false
		}
	}
	if len(open) > 0 {
		o.refused = badAck()
		return false
	}
	for _, a := range acks {
		o.event.reasons = append(o.event.reasons, a.Reason)
	}
	o.acks = acks
	return true
}

func badAck() error {
	return fhir.Errorf(fhir.Conflict, "exchange.coordinate", "business-rule", coordination.BadAck,
		"X-Coordination-Ack must name each open issue that holds this start, and no other: DetectedIssue/{id}; reason=\"10 to 500 characters\".")
}

// stop refuses the unit for the issues that hold it.
func (o *overlap) stop() {
	e := &fhir.Error{Kind: fhir.Conflict, Op: "exchange.coordinate"}
	for _, h := range o.held {
		e.Issues = append(e.Issues, fhir.Issue{
			Severity: fhir.SeverityError, Code: "business-rule", Diagnostics: h.Finding.Rule,
			Text: "Another service starts something for this child. Talk first, then repeat with X-Coordination-Ack. The issue is " + h.Issue.String() + ".",
		})
	}
	o.refused = e
}

// started are the interventions that the unit starts, with the place of their write.
func (o *overlap) started() (map[string]int, error) {
	out := map[string]int{}
	for i := range o.unit.Writes[:o.mark.writes] {
		w := &o.unit.Writes[i]
		after, err := treeOf(written(w))
		if err != nil {
			return nil, err
		}
		if after == nil || coordination.Urgent(after) {
			continue
		}
		_, before, err := o.before(w)
		if err != nil {
			return nil, err
		}
		for _, name := range coordination.Started(before, after, o.w.now, o.w.s.coordination.Settings) {
			out[name] = i
		}
	}
	return out, nil
}

// waiting are the issues of a child that hold a start.
func (o *overlap) waiting(c *coordination.Case) (out []fhir.Ref) {
	for _, h := range o.held {
		if h.c == c {
			out = append(out, h.Issue)
		}
	}
	return out
}

// foretold reports whether an issue was told of a start that was held and so never stored: what it implicates
// is the same but for what is not there, as the repeated create has another id.
func (o *overlap) foretold(h heldStart, ref fhir.Ref) bool {
	i := slices.IndexFunc(h.c.Issues, func(r *fhir.Resource) bool { return r.Ref() == ref })
	if i < 0 || !coordination.Waits(h.c.Issues[i], h.Finding.Rule) {
		return false
	}
	common := false
	for _, name := range coordination.ImplicatedBy(h.c.Issues[i].Root()) {
		if slices.Contains(h.Finding.Implicated, name) {
			common = true
			continue
		}
		text, _, _ := strings.Cut(name, "#")
		there, _ := fhir.ParseRef(text)
		if _, ok := o.factsNow(there); ok {
			return false
		}
	}
	return common
}

func practitioner(p auth.Principal) fhir.Ref {
	if p.FHIRUser.Type == "Practitioner" || p.FHIRUser.Type == "PractitionerRole" {
		return p.FHIRUser
	}
	return fhir.Ref{}
}

// readAck reads one X-Coordination-Ack: DetectedIssue/{id}; reason="…".
func readAck(text string) (fhir.Ref, string, bool) {
	name, rest, _ := strings.Cut(text, ";")
	ref, ok := fhir.ParseRef(strings.TrimSpace(name))
	value, named := strings.CutPrefix(strings.TrimSpace(rest), "reason=")
	if !ok || !named || ref.Type != "DetectedIssue" || ref.Version > 0 || len(value) < 2 || value[0] != '"' || value[len(value)-1] != '"' {
		return fhir.Ref{}, "", false
	}
	reason := strings.TrimSpace(strings.NewReplacer(`\"`, `"`, `\\`, `\`).Replace(value[1 : len(value)-1]))
	return ref, reason, coordination.ReasonOK(reason)
}

// unhold refuses a unit of which nothing is kept.
func (o *overlap) unhold() {
	prior, _ := o.stored(o.unit.Writes[o.at].Ref.Current())
	o.event.refused(auth.Decision{HTTP: heldStatus[fhir.KindOf(o.refused)], Step: "write", Reason: ruleOf(o.refused)}, prior)
}

// heldStatus are the answers to what the rules refuse, for the log.
var heldStatus = map[fhir.Kind]int{fhir.Forbidden: 403, fhir.Conflict: 409, fhir.Unprocessable: 422}

// hold makes a refused unit into what is kept of it: what the rules wrote.
func (o *overlap) hold() {
	o.note = &Unit{Writes: o.unit.Writes[o.mark.writes:], Notices: o.unit.Notices[o.mark.notices:], Relied: o.unit.Relied}
	wrote := slices.Clone(o.event.touches[o.mark.touches:])
	o.unhold()
	o.event.touches = append(o.event.touches, wrote...)
	o.kept = nil
}
