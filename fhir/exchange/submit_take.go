package exchange

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/conformance/validate"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
)

// take maps the document, validates what came of it and decides on the types it writes.
func (sub *submission) take(w *world) (error, error) {
	const op = "exchange.Submit"
	k := sub.known
	var err error
	from := w.on.clock()
	sub.result, err = sub.format.Map(sub.source, k, w.now)
	w.on.add(onMap, from, mappedStep(sub.result, err))
	if err != nil {
		return nil, fhir.Wrap(op, err)
	}
	sub.issues = append(sub.issues, sub.result.Issues...)
	if sub.source.Foreign {
		sub.issues = append(sub.issues, validate.Resource(sub.doc)...)
	}
	if fhir.HasErrors(sub.issues) {
		kind, status := sub.faultKind()
		sub.refuse(sub.storedChild(w), status, "rules")
		return &fhir.Error{Kind: kind, Op: op, Issues: sub.issues}, nil
	}
	if refused, err := sub.scopes(w); refused != nil || err != nil {
		return refused, err
	}
	if refused, err := sub.grants(w); refused != nil || err != nil {
		return refused, err
	}
	sub.draft.unit.Relied = k.relied
	if refused, err := sub.put(w); refused != nil || err != nil {
		return refused, err
	}
	if sub.source.Foreign && fhir.HasErrors(sub.draft.issues) {
		sub.refuse(sub.storedChild(w), 422, "rules")
		return &fhir.Error{Kind: fhir.Unprocessable, Op: op, Issues: sub.draft.issues}, nil
	}
	if fhir.HasErrors(sub.draft.issues) { // what the mapping emits must be valid: a fault of ours
		return nil, &fhir.Error{Kind: fhir.Internal, Op: op + " validate", Err: invalid(sub.draft.issues)}
	}
	if len(sub.draft.unit.Due) == 0 || sub.result.Patient.IsZero() {
		return nil, nil
	}
	err = sub.draft.calendar(&sub.event, sub.result.Patient.ID)
	for _, told := range sub.draft.told {
		if told.Custodian == sub.result.Sender.Current() { // of what others keep it is told nothing
			sub.issues = append(sub.issues, told.Issue)
		}
	}
	return nil, err
}

// storedChild returns the compartment of the document's child, "" when the child is not stored: a
// refused document begins no log of a child that is not there.
func (sub *submission) storedChild(w *world) string {
	if _, err := w.v.Read(sub.result.Patient); err != nil {
		return ""
	}
	return sub.result.Patient.ID
}

// invalid names the rules and elements that a mapped resource breaks; issues hold no values.
func invalid(issues []fhir.Issue) error {
	var b strings.Builder
	for _, i := range issues {
		if i.Severity == fhir.SeverityError {
			b.WriteString(i.Diagnostics + " " + i.Expression + "; ")
		}
	}
	return errors.New(b.String())
}

// scopes asks for c on every type that the document writes, and for u where the type can be updated,
// and names all that are missing (SMART-603).
func (sub *submission) scopes(w *world) (error, error) {
	const op = "exchange.Submit"
	p := sub.call.Principal
	var issues []fhir.Issue
	seen := map[fhir.Type]bool{}
	for _, m := range sub.result.Resources {
		t := m.Resource.Type()
		if seen[t] {
			continue
		}
		seen[t] = true
		letters, d, err := lacking(w, p, t)
		if err != nil {
			return nil, err
		}
		if letters == "" {
			continue
		}
		if d.Reason != "scope-missing" {
			sub.refuse(sub.storedChild(w), d.HTTP, d.Reason)
			return refusal(op, d), nil
		}
		issues = append(issues, fhir.Issue{
			Severity: fhir.SeverityError, Code: "forbidden", Diagnostics: d.Reason,
			Text: fmt.Sprintf("The access token needs %s/%s.%s.", strings.Join(auth.Levels(p.Role), " or "), t, letters),
		})
	}
	if len(issues) == 0 {
		return nil, nil
	}
	sub.refuse(sub.storedChild(w), 403, "scope-missing")
	return &fhir.Error{Kind: fhir.Forbidden, Op: op, Reason: "scope-missing", Issues: issues}, nil
}

// lacking returns the letters of create and update that the token lacks for a type, with the
// decision that refused. What no scope opens, such as the update of a Provenance, is not asked for.
func lacking(w *world, p auth.Principal, t fhir.Type) (letters string, refused auth.Decision, err error) {
	for _, ask := range []struct {
		interaction auth.Interaction
		letter      string
	}{{auth.Create, "c"}, {auth.Update, "u"}} {
		d, err := w.decide(p, auth.Action{Interaction: ask.interaction, Type: t}, nil)
		if err != nil {
			return "", d, err
		}
		if !d.Permit && d.HTTP != 405 {
			letters, refused = letters+ask.letter, d
		}
	}
	return letters, refused, nil
}

// grants refuses a consent that opens or closes what another organisation than the sender keeps (access.md 5).
// Whether it would be in force hangs on what others say of the child, so that is
// not looked at.
func (sub *submission) grants(w *world) (error, error) {
	for _, m := range sub.result.Resources {
		if m.Resource.Type() != "Consent" {
			continue
		}
		body := auth.FactsOf(m.Resource, nil, nil)
		prior, err := sub.draft.stored(m.Resource.Ref())
		if err != nil {
			return nil, err
		}
		var stored *auth.ConsentFacts
		if prior != nil {
			stored = prior.Facts.Consent
		}
		if body.Status != "inactive" && body.Status != "entered-in-error" &&
			auth.SpeaksForOthers(sub.result.Sender.Current(), body.Consent, stored) {
			reason := body.Consent.ForOthers()
			sub.refuse(sub.storedChild(w), 403, reason)
			return refusal("exchange.Submit", auth.Decision{HTTP: 403, Reason: reason}), nil
		}
	}
	return nil, nil
}

// put drafts the writes; what is as it was is left out. The first result is the refusal of what a
// Foreign document may not write.
func (sub *submission) put(w *world) (error, error) {
	rs := make([]*fhir.Resource, len(sub.result.Resources))
	for i, m := range sub.result.Resources {
		rs[i] = m.Resource
	}
	d := sub.draft
	d.announce(rs)
	for _, m := range sub.result.Resources {
		prior, err := sub.prior(m.Resource.Ref())
		if err != nil {
			return nil, err
		}
		var wr Write
		judged := sub.source.Foreign && m.Path != ""
		if judged {
			var refused error
			if wr, refused, err = sub.judge(w, m, prior); refused != nil || err != nil {
				return refused, err
			}
		}
		same, err := unchanged(m.Resource, prior)
		if err != nil {
			return nil, err
		}
		if same {
			continue
		}
		if !judged {
			if wr, err = d.put(m.Resource, prior, sub.custodian(m), m.Author); err != nil {
				return nil, err
			}
		}
		d.add(wr)
		sub.event.wrote(wr, auth.Decision{Permit: true, Reason: "permit-write"})
	}
	return nil, nil
}

// prior is what is stored of a resource, nil when nothing is. What the mapping did not find on this snapshot is not
// looked for again.
func (sub *submission) prior(ref fhir.Ref) (*Stored, error) {
	if sub.known.absent[ref] {
		return nil, nil
	}
	return sub.draft.stored(ref)
}

// judge decides on a resource as its sender wrote it, as on a write of its own (access.md 5). What
// another organisation holds is judged as if it were new.
func (sub *submission) judge(w *world, m mapping.Mapped, prior *Stored) (wr Write, refused, err error) {
	ch := Change{Interaction: auth.Create, Type: m.Resource.Type(), Resource: m.Resource, Path: m.Path}
	stands := prior
	switch {
	case m.Sent != nil:
		ch.Resource, prior, stands = m.Sent, nil, nil
	case prior != nil && !prior.Deleted:
		ch.Interaction = auth.Update
	default:
		stands = nil
	}
	before := len(sub.draft.issues)
	if wr, err = sub.draft.put(ch.Resource, prior, sub.custodian(m), m.Author); err != nil {
		return wr, nil, err
	}
	under(sub.draft.issues[before:], ch)
	if auth.IsDirectory(ch.Resource.Type()) { // whom a record names comes with it, also in a push
		return wr, nil, nil
	}
	d, err := sub.draft.decide(sub.call.Principal, ch, wr, stands)
	if err != nil || d.Permit {
		return wr, nil, err
	}
	sub.refuse(sub.storedChild(w), d.HTTP, d.Reason)
	refused = refusal("exchange.Submit", d)
	if known := (*fhir.Error)(nil); errors.As(refused, &known) {
		known.Issues[0].Expression = m.Path
	}
	return wr, refused, nil
}

// custodian says who holds what the mapping made: the sender, unless the format says otherwise. A
// stub of a child has nobody yet (access.md 2.1).
func (sub *submission) custodian(m mapping.Mapped) fhir.Ref {
	switch {
	case m.Stub:
		return fhir.Ref{}
	case m.Custodian.IsZero():
		return sub.result.Sender
	}
	return m.Custodian
}

// commit stores the unit with its record, audit rows and notices, and renders the receipt.
func (sub *submission) commit(ctx context.Context) (Receipt, error) {
	u := sub.draft.unit
	receipt, err := sub.receipt()
	if err != nil {
		return Receipt{}, fhir.Wrap("exchange.Submit", err)
	}
	compartment := sub.result.Patient.ID
	if compartment == "" {
		compartment = SystemCompartment
	}
	u.Record = &RecordVersion{
		Key: sub.source.Record, Version: sub.source.Version, Compartment: compartment, Hash: sub.hash, Result: receipt,
	}
	written, err := sub.s.commit(ctx, "exchange.Submit", sub.event, u)
	if err != nil {
		return Receipt{}, err
	}
	sub.overlap.committed(written)
	return Receipt{Outcome: receipt}, nil
}
