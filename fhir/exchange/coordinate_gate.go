package exchange

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/coordination"
)

// unheld are the purposes under which nothing is held.
var unheld = []string{"ETREAT", "BTG"}

// gate holds a start that stands in an open issue, unless the caller acknowledges each of them.
func (o *overlap) gate(c *coordination.Case, out coordination.Outcome) (coordination.Outcome, error) {
	if o.pushed || o.timed || slices.Contains(unheld, o.p.Purpose) {
		return out, nil
	}
	started, err := o.started()
	if err != nil || len(started) == 0 {
		return out, err
	}
	var held []coordination.Brought
	for _, b := range out.Open {
		if b.Finding.Gates() && slices.ContainsFunc(b.Finding.Implicated, func(name string) bool { _, ok := started[name]; return ok }) {
			held = append(held, b)
		}
	}
	if len(held) == 0 {
		return out, nil
	}
	o.at = o.place(started, held[0])
	if len(o.event.call.Acks) == 0 {
		o.stop(held)
		return out, nil
	}
	acks, ok := o.acknowledged(c, held)
	if !ok {
		o.refused = fhir.Errorf(fhir.Conflict, "exchange.coordinate", "business-rule", coordination.BadAck,
			"X-Coordination-Ack must name each open issue that holds this start, and no other: DetectedIssue/{id}; reason=\"10 to 500 characters\".")
		return out, nil
	}
	for _, a := range acks {
		o.event.reasons = append(o.event.reasons, a.Reason)
	}
	c.Acks = acks
	return c.Follow()
}

func (o *overlap) place(started map[string]int, b coordination.Brought) int {
	for _, name := range b.Finding.Implicated {
		if at, ok := started[name]; ok {
			return at
		}
	}
	return 0
}

// stop refuses the unit for the issues that hold it.
func (o *overlap) stop(held []coordination.Brought) {
	e := &fhir.Error{Kind: fhir.Conflict, Op: "exchange.coordinate"}
	for _, b := range held {
		e.Issues = append(e.Issues, fhir.Issue{
			Severity: fhir.SeverityError, Code: "business-rule", Diagnostics: b.Finding.Rule,
			Text: "Another service starts something for this child. Talk first, then repeat with X-Coordination-Ack. The issue is " + b.Issue.String() + ".",
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
		now := coordination.Started(after, o.w.now, o.w.s.coordination.Settings)
		if len(now) == 0 {
			continue
		}
		_, before, err := o.before(w)
		if err != nil {
			return nil, err
		}
		var then []string
		if before != nil {
			then = coordination.Started(before, o.w.now, o.w.s.coordination.Settings)
		}
		for _, name := range now {
			if !slices.Contains(then, name) {
				out[name] = i
			}
		}
	}
	return out, nil
}

// acknowledged reads the acknowledgements of the request; false when they are not exactly those of what is held.
func (o *overlap) acknowledged(c *coordination.Case, held []coordination.Brought) ([]coordination.Ack, bool) {
	var out []coordination.Ack
	open := slices.Clone(held)
	for _, text := range o.event.call.Acks {
		ref, reason, ok := readAck(text)
		at := slices.IndexFunc(open, func(b coordination.Brought) bool { return b.Issue == ref || o.foretold(c, ref, b) })
		if !ok || at < 0 {
			return nil, false
		}
		out = append(out, coordination.Ack{Issue: open[at].Issue, Reason: reason, By: practitioner(o.p)})
		open = slices.Delete(open, at, at+1)
	}
	return out, len(open) == 0
}

// foretold reports whether an issue was told of a start that was held and so never stored: what it implicates is
// the same but for what is not there, as the repeated create has another id.
func (o *overlap) foretold(c *coordination.Case, ref fhir.Ref, b coordination.Brought) bool {
	i := slices.IndexFunc(c.Issues, func(r *fhir.Resource) bool { return r.Ref() == ref })
	if i < 0 || coordination.RuleOf(c.Issues[i].Root()) != b.Finding.Rule {
		return false
	}
	common := false
	for _, name := range coordination.ImplicatedBy(c.Issues[i].Root()) {
		if slices.Contains(b.Finding.Implicated, name) {
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

// Bounds of the reason of an acknowledgement, in characters.
const (
	minReason = 10
	maxReason = 500
)

// readAck reads one X-Coordination-Ack: DetectedIssue/{id}; reason="…".
func readAck(text string) (fhir.Ref, string, bool) {
	name, rest, _ := strings.Cut(text, ";")
	ref, ok := fhir.ParseRef(strings.TrimSpace(name))
	value, named := strings.CutPrefix(strings.TrimSpace(rest), "reason=")
	if !ok || !named || ref.Type != "DetectedIssue" || ref.Version > 0 || len(value) < 2 || value[0] != '"' || value[len(value)-1] != '"' {
		return fhir.Ref{}, "", false
	}
	reason := strings.TrimSpace(strings.NewReplacer(`\"`, `"`, `\\`, `\`).Replace(value[1 : len(value)-1]))
	n := utf8.RuneCountInString(reason)
	return ref, reason, utf8.ValidString(reason) && n >= minReason && n <= maxReason
}
