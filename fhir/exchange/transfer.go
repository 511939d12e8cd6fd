package exchange

import (
	"slices"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/workflow"
)

// transferCode is the code of a Task that carries a transfer (mks.md 3.8).
var transferCode = auth.Coding{System: "http://snomed.info/sct", Code: "308292007"}

func isTransfer(f *auth.ResourceFacts) bool { return slices.Contains(f.Codings, transferCode) }

// task follows a transfer: its state machine, the gate before its completion (mks.md 7.1, 7.3), and the
// consent that its acceptance implies (7.14).
func (f *following) task(w *Write) error {
	prior, before, err := f.before(w)
	if err != nil || !isTransfer(&w.Facts) && (prior == nil || !isTransfer(&prior.Facts)) {
		return err
	}
	after, err := treeOf(written(w))
	if err != nil || before == nil && (after == nil || f.holder) { // a record may begin as it says
		return err
	}
	m := move{w: w, prior: prior, before: before, after: after}
	if m.by, err = f.party(prior); err != nil {
		return err
	}
	task := after
	if task == nil {
		task = before
	}
	if m.transfer, err = workflow.ReadTransfer(f.known, task, w.Facts.Custodian); err != nil {
		return err
	}
	if m.stored, err = treeOf(f.known.Read(workflow.ConsentOf(m.transfer.Patient, w.Ref))); err != nil {
		return err
	}
	return f.move(&m)
}

// move is one write of a transfer.
type move struct {
	w             *Write
	prior         *Stored
	before, after *fhir.Resource
	stored        *fhir.Resource // the implied consent; nil when there was no acceptance
	by            workflow.Party
	transfer      workflow.Transfer
}

func (f *following) move(m *move) error {
	if m.after != nil {
		issues := workflow.Move(m.before, m.after, m.by)
		if issues == nil {
			issues = workflow.Unaccepted(m.before, m.after, m.stored, m.by)
		}
		if issues == nil && workflow.Completes(m.before, m.after) {
			checks, err := m.transfer.Gate(f.known, m.before, true)
			if err != nil {
				return err
			}
			issues = workflow.Closed(checks)
		}
		if issues != nil {
			f.refuse(m.prior, issues)
			return nil
		}
		if workflow.Accepts(m.before, m.after, m.stored, m.by) {
			return f.accept(m)
		}
	}
	consent, err := m.transfer.Follow(m.stored, m.before, m.after, f.w.now)
	if err != nil || consent == nil || consent == m.stored {
		return err
	}
	return f.write(workflow.RuleConsent, consent, m.transfer.Sender)
}

// accept writes the consent that an acceptance implies, unless somebody objected: then the Task keeps
// its status and says why, in a commit of its own.
func (f *following) accept(m *move) error {
	objected, err := f.objected(m.transfer)
	if err != nil {
		return err
	}
	if objected {
		f.refuse(m.prior, workflow.Objection())
		return f.tell(m)
	}
	if m.after, err = workflow.Unobjected(m.after); err != nil {
		return err
	}
	if m.after != m.transfer.Task { // the reason is gone with the objection
		w, err := f.ruled(m.after, m.prior, m.w.Facts.Custodian)
		if err != nil {
			return err
		}
		*m.w = w
	}
	consent, err := m.transfer.Consent(f.w.now)
	if err != nil || consent == nil {
		return err
	}
	return f.write(workflow.RuleConsent, consent, m.transfer.Sender)
}

// tell notes the objection on the Task as it is stored.
func (f *following) tell(m *move) error {
	r, err := workflow.Objected(m.before)
	if err != nil || r == m.before {
		return err
	}
	apart := f.w.draft().following(f.v, f.p, f.event)
	if err := apart.write(workflow.RuleConsent, r, fhir.Ref{}); err != nil {
		return err
	}
	apart.unit.Relied = append(f.w.relied(), f.known.relied...)
	f.note = &apart.unit
	return apart.attest()
}

// objected reports whether somebody objected to sharing the document of a transfer with its receiver,
// as policy will be after this unit.
func (f *following) objected(t workflow.Transfer) (bool, error) {
	if t.Document.IsZero() || t.Receiver.IsZero() {
		return false, nil
	}
	doc, err := f.factsOf(t.Document)
	if err != nil {
		return false, err
	}
	child, err := f.child(t.Patient)
	if err != nil {
		return false, err
	}
	facts := auth.Facts{
		Now: f.w.now, Settings: f.w.s.settings, Resource: &doc, Children: []*auth.Child{child}, Lookup: f.factsNow,
	}
	needs := append(child.DirectoryNeeds(), t.Receiver, doc.Custodian)
	if facts.Directory, err = f.w.directory(needs); err != nil {
		return false, err
	}
	receiver := auth.Principal{State: auth.TokenActive, Role: auth.System, Organization: t.Receiver, Purpose: auth.Purposes(auth.System)[0]}
	f.unit.Relied = append(f.unit.Relied, f.w.relied()...)
	return auth.Objected(receiver, facts), f.w.broken
}

// factsOf returns the facts of a resource as they will be after this unit.
func (f *following) factsOf(ref fhir.Ref) (auth.ResourceFacts, error) {
	out, _ := f.factsNow(ref)
	return out, f.w.broken
}

func (f *following) factsNow(ref fhir.Ref) (auth.ResourceFacts, bool) {
	for _, w := range f.unit.Writes {
		if w.Ref.Current() == ref.Current() {
			return w.Facts, len(w.Body) > 0
		}
	}
	return f.w.lookup(ref)
}

// child compiles the policy of a child as it will be after this unit.
func (f *following) child(patient fhir.Ref) (*auth.Child, error) {
	c, err := f.w.child(patient.ID) // and rely on what it was
	if err != nil {
		return nil, err
	}
	touches := func(w Write) bool {
		return slices.Contains(auth.FactTypes[:], w.Ref.Type) && w.Ref.Type != "Task" && slices.Contains(w.Facts.Patients, patient)
	}
	if !slices.ContainsFunc(f.unit.Writes, touches) {
		return c, nil
	}
	now := overlay{known: known{v: f.v}, d: f.draft}
	all, err := now.Child(patient, auth.FactTypes[:]...)
	if err != nil {
		return nil, err
	}
	m := auth.Material{Compartment: patient.ID}
	for _, found := range all {
		facts, ok := f.factsNow(found.Resource.Ref())
		if ok {
			m.Resources = append(m.Resources, auth.Stored{Resource: found.Resource, Facts: facts})
		}
	}
	return auth.NewChild(m), nil
}

// party says as whom the write moves a transfer.
func (f *following) party(prior *Stored) (workflow.Party, error) {
	if f.holder {
		return workflow.Holder, nil
	}
	var by workflow.Party
	if prior == nil {
		return by, nil
	}
	for _, side := range []struct {
		ref fhir.Ref
		is  workflow.Party
	}{{prior.Facts.Owner, workflow.Owner}, {prior.Facts.Requester, workflow.Requester}} {
		acts, err := f.actsFor(f.p, side.ref)
		if err != nil {
			return by, err
		}
		if acts {
			by |= side.is
		}
	}
	return by, nil
}

// actsFor reports whether a party of a Task is the principal's organisation or user, or works as one of them.
func (d *draft) actsFor(p auth.Principal, ref fhir.Ref) (bool, error) {
	selves := slices.DeleteFunc([]fhir.Ref{p.Organization, p.FHIRUser}, fhir.Ref.IsZero)
	if ref.Type != "PractitionerRole" {
		return slices.Contains(selves, ref.Current()), nil
	}
	works, err := d.employers(ref.Current())
	return slices.ContainsFunc(works, func(r fhir.Ref) bool { return slices.Contains(selves, r) }), err
}

// consent clears the objection from transfers of the child that nobody objects to any longer.
func (f *following) consent(w *Write) error {
	for _, patient := range w.Facts.Patients {
		state, err := f.v.State(patient.ID) // it moves with every Task and Consent
		if err != nil {
			return unavailable("exchange.rules", "policy-unavailable", err)
		}
		f.unit.Relied = append(f.unit.Relied, Reliance{Compartment: patient.ID, State: state, EpochOnly: true})
		tasks, err := f.v.Heads(patient.ID, "Task")
		if err != nil {
			return unavailable("exchange.rules", "policy-unavailable", err)
		}
		for i := range tasks {
			if err := f.clear(&tasks[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// clear takes the objection from a Task when nobody objects any longer. One that the unit writes is
// followed by itself.
func (f *following) clear(facts *auth.ResourceFacts) error {
	ours := func(w Write) bool { return w.Ref.Current() == facts.Ref.Current() }
	if !isTransfer(facts) || slices.ContainsFunc(f.unit.Writes, ours) {
		return nil
	}
	task, err := treeOf(f.known.Read(facts.Ref))
	if err != nil || task == nil || !workflow.IsObjected(task) {
		return err
	}
	t, err := workflow.ReadTransfer(f.known, task, facts.Custodian)
	if err != nil {
		return err
	}
	if objected, err := f.objected(t); err != nil || objected {
		return err
	}
	if task, err = workflow.Unobjected(task); err != nil {
		return err
	}
	return f.write(workflow.RuleConsent, task, fhir.Ref{})
}

// stepRefused says of a transfer what its parties can do instead of a step that nobody may make with a
// Task (access.md 5); of a completion, also what keeps the gate closed.
func (b *batch) stepRefused(st *step, w *Write) (error, error) {
	before, err := tree(*st.prior)
	if err != nil {
		return nil, err
	}
	after, err := treeOf(written(w))
	if err != nil {
		return nil, err
	}
	f := b.following(b.v, b.event.call.Principal, b.event)
	by, err := f.party(st.prior)
	if err != nil {
		return nil, err
	}
	issues := workflow.Move(before, after, by)
	if workflow.Completes(before, after) {
		t, err := workflow.ReadTransfer(f.known, after, w.Facts.Custodian)
		if err != nil {
			return nil, err
		}
		checks, err := t.Gate(f.known, before, true)
		if err != nil {
			return nil, err
		}
		issues = append(issues, workflow.Closed(checks)...)
	}
	if issues == nil {
		return nil, nil
	}
	f.refuse(st.prior, issues)
	under(issues, st.Change)
	return f.refused, nil
}
