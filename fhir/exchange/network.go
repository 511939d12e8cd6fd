package exchange

import (
	"slices"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/workflow"
)

// anyTask follows a Task by its kind.
func (f *following) anyTask(w *Write) error {
	prior, before, err := f.before(w)
	if err != nil {
		return err
	}
	after, err := treeOf(written(w))
	if err != nil {
		return err
	}
	if after == nil || f.holder || !workflow.IsHelp(after) && !workflow.IsHelp(before) {
		return f.task(w)
	}
	return f.help(w, prior, before, after)
}

// help follows a task of a family's network (network.md 4): who may be asked, what an acceptance needs, and
// that the reserve is asked when the helper refuses.
func (f *following) help(w *Write, prior *Stored, before, after *fhir.Resource) error {
	h, err := workflow.ReadHelp(f.known, after)
	if err != nil {
		return err
	}
	if before == nil {
		return f.ask(w, h)
	}
	if issues := workflow.Prepared(before, after); issues != nil {
		f.refuse(prior, issues)
		return nil
	}
	agreed, err := workflow.Agreed(before, after)
	if err != nil {
		return err
	}
	if agreed != after {
		if *w, err = f.ruled(agreed, prior, w.Facts.Custodian); err != nil {
			return err
		}
	}
	var next *fhir.Resource
	if workflow.Refused(before, after) {
		if next, err = h.Pass(f.known); err != nil {
			return err
		}
	}
	for _, r := range []*fhir.Resource{next, h.Plan(before, next != nil)} {
		if r == nil {
			continue
		}
		if err := f.write(workflow.RuleNetwork, r, w.Facts.Custodian); err != nil {
			return err
		}
	}
	return nil
}

// ask judges a new task of help. An organisation asks in a network that it keeps; what the family asks is kept
// there too, so that its supporter sees it.
func (f *following) ask(w *Write, h workflow.Help) error {
	if org := f.p.Organization; !org.IsZero() && !slices.Contains(h.Keepers, org) {
		f.forbid(refusal("exchange.ask", auth.Decision{HTTP: 403, Reason: "write-role"}), "write-role")
		return nil
	}
	if !h.MayAsk() {
		f.forbid(fhir.Errorf(fhir.Forbidden, "exchange.ask", "forbidden", "NW-R03",
			"This member does not want to be approached, or is not known in the network. Ask somebody else."), "NW-R03")
		return nil
	}
	if issues := h.Asked(); issues != nil {
		f.refuse(nil, issues)
		return nil
	}
	if issues := h.Burdened(); issues != nil {
		if f.warned == nil {
			f.warned = map[int][]fhir.Issue{}
		}
		f.warned[f.at] = issues
	}
	if !w.Facts.Custodian.IsZero() || len(h.Keepers) == 0 {
		return nil
	}
	before := len(f.issues)
	kept, err := f.put(h.Task, nil, h.Keepers[0], w.Facts.Author)
	f.issues = f.issues[:before] // they were told of already
	if err == nil {
		*w = kept
	}
	return err
}

// forbid answers 403.
func (f *following) forbid(err error, reason string) {
	f.event.refused(auth.Decision{HTTP: 403, Step: "write", Reason: reason}, nil)
	f.refused = err
}

// anyConsent follows a Consent: what a withdrawal ends in a family's network, and objections to transfers.
func (f *following) anyConsent(w *Write) error {
	if !f.holder {
		if err := f.withdraw(w); err != nil {
			return err
		}
	}
	return f.consent(w)
}

// withdraw ends what a member of the network does when its Consent ends.
func (f *following) withdraw(w *Write) error {
	_, before, err := f.before(w)
	if err != nil {
		return err
	}
	after, err := treeOf(written(w))
	if err != nil || before == nil || after == nil {
		return err
	}
	ended, err := workflow.Withdraw(f.known, before, after)
	if err != nil {
		return err
	}
	for _, r := range ended {
		if err := f.write(workflow.RuleNetwork, r, fhir.Ref{}); err != nil {
			return err
		}
	}
	return nil
}

// leavesNetwork reports whether a write ends the Consent on what a member of a family's network sees.
func leavesNetwork(prior *Stored, w Write) bool {
	return prior != nil && w.Facts.Consent != nil && !w.Facts.Consent.Member.IsZero() &&
		prior.Facts.Status == "active" && w.Facts.Status == "inactive"
}
