package exchange

import (
	"slices"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/workflow"
)

// anyTask follows a Task by its kind. One that a rule of time asks for is judged already.
func (f *following) anyTask(w *Write) error {
	if slices.Contains(f.passed, w.Ref.Current()) {
		return nil
	}
	prior, before, err := f.before(w)
	if err != nil {
		return err
	}
	after, err := treeOf(written(w))
	if err != nil {
		return err
	}
	if workflow.IsHelp(after) {
		if err := f.turn(w, prior, before, after); err != nil || f.refused != nil {
			return err
		}
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

// ask judges a new task of help. An organisation asks in a network that it keeps, or that turns to it; what the
// family asks, and whom it turns to, is kept there too, so that its supporter sees it.
func (f *following) ask(w *Write, h workflow.Help) error {
	keeper, err := f.keeper(h)
	if err != nil {
		return err
	}
	if org := f.p.Organization; !org.IsZero() && keeper.IsZero() {
		f.forbid(refusal("exchange.ask", auth.Decision{HTTP: 403, Reason: "write-role"}), "write-role")
		return nil
	}
	if !h.MayAsk() {
		f.forbid(&fhir.Error{Kind: fhir.Forbidden, Op: "exchange.ask", Issues: []fhir.Issue{workflow.Unasked()}}, "NW-R03")
		return nil
	}
	if issues := h.Asked(); issues != nil {
		f.refuse(nil, issues)
		return nil
	}
	known, err := f.knows(h.Reserve())
	if err != nil {
		return err
	}
	if issues := h.Burdened(known); issues != nil {
		if f.warned == nil {
			f.warned = map[int][]fhir.Issue{}
		}
		f.warned[f.at] = issues
	}
	if keeper.IsZero() || w.Facts.Custodian.Current() == keeper {
		return nil
	}
	before := len(f.issues)
	kept, err := f.put(h.Task, nil, keeper, w.Facts.Author)
	f.issues = f.issues[:before] // they were told of already
	if err == nil {
		*w = kept
	}
	return err
}

// knows reports whether the caller may know who somebody of the network is.
func (f *following) knows(ref fhir.Ref) (bool, error) {
	facts, there := f.factsNow(ref)
	if ref.IsZero() || !there {
		return false, f.w.broken
	}
	d, err := f.w.decide(f.p, auth.Action{Interaction: auth.Read, Type: ref.Type}, &facts)
	return d.Permit && !slices.Contains(d.Obligations, auth.NetworkView), err
}

// keeper is who keeps the network in which a task of help is asked for: of an organisation its own, or one that
// turns to it; of the family the first. Zero: nobody in whose network the caller may ask.
func (f *following) keeper(h workflow.Help) (fhir.Ref, error) {
	org := f.p.Organization
	switch {
	case len(h.Keepers) == 0:
		return fhir.Ref{}, nil
	case org.IsZero():
		return h.Keepers[0], nil
	case slices.Contains(h.Keepers, org):
		return org, nil
	}
	facts, err := f.w.policy(f.p, []string{h.Patient.ID}, nil)
	if err != nil {
		return fhir.Ref{}, err
	}
	for _, k := range h.Keepers {
		if auth.IsContact(f.p, facts, h.Patient, k) {
			return k, nil
		}
	}
	return fhir.Ref{}, nil
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
