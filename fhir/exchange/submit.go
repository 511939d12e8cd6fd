package exchange

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/conformance/validate"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
)

// Receipt answers a push.
type Receipt struct {
	Repeat  bool   // the same key, version and body were stored before: nothing was written now
	Outcome []byte // transaction-response Bundle; its first entry is the mapping report
}

// Submit takes one source document: mapped, validated, stored and announced, all or nothing. The
// order of its checks is that of the contract: not JSON, unknown schema, foreign sender, versions,
// rules of the document, scopes.
func (s *Service) Submit(ctx context.Context, c Call, body []byte, limits fhir.Limits) (Receipt, error) {
	const op = "exchange.Submit"
	c.Operation = "submit"
	doc, issues := fhir.ParseDocument(body, limits)
	if !fhir.HasErrors(issues) && doc.Root().Member("resourceType").Exists() {
		doc, issues = fhir.Parse(body, limits) // FHIR, with its type
	}
	if fhir.HasErrors(issues) {
		return Receipt{}, s.Reject(ctx, c, auth.Create, "", &fhir.Error{Kind: fhir.Malformed, Op: op, Issues: issues})
	}
	format, err := s.format(doc)
	if err != nil {
		return Receipt{}, s.Reject(ctx, c, auth.Create, "", err)
	}
	hash := fhir.Hash(doc.Root())
	out, err := again(s, func() (Receipt, error) {
		sub := &submission{s: s, call: c, format: format, doc: doc, hash: hash, event: s.event(c, auth.Create, "")}
		return sub.once(ctx)
	})
	if moved(err) {
		return Receipt{}, s.broke(ctx, op, s.event(c, auth.Create, ""), contended(op, err))
	}
	return out, err
}

// format finds the source format that the document names, by its schema or as a FHIR Bundle.
func (s *Service) format(doc *fhir.Resource) (mapping.Format, error) {
	schema := doc.Root().Member("schema").Text()
	if schema == "" {
		schema = string(doc.Type())
	}
	var names []string
	also := ""
	for _, f := range s.formats {
		switch f.Schema() {
		case schema:
			return f, nil
		case bundleSchema:
			also = " Or send a FHIR Bundle."
		default:
			names = append(names, f.Schema())
		}
	}
	sort.Strings(names)
	return nil, fhir.Errorf(fhir.Unsupported, "exchange.Submit", "not-supported", "schema-unknown",
		"The member \"schema\" must name a known source format: %s.%s", strings.Join(names, ", "), also)
}

// bundleSchema is the schema of the format that reads FHIR itself: its resourceType.
const bundleSchema = "Bundle"

// submission is one try to take a document.
type submission struct {
	s      *Service
	call   Call
	format mapping.Format
	doc    *fhir.Resource
	hash   [32]byte // of doc
	source mapping.Source
	issues []fhir.Issue // of the document
	event  event
	result mapping.Result
	draft  *draft
}

func (sub *submission) once(ctx context.Context) (Receipt, error) {
	const op = "exchange.Submit"
	var repeat []byte
	var refused error
	err := sub.s.store.View(ctx, func(v Snapshot) error {
		w := sub.s.world(v)
		sub.draft = w.draft()
		sub.source, sub.issues = sub.format.Read(sub.doc, w.now)
		sub.source.Holder = sub.call.Principal.Organization
		if sub.source.Foreign && sub.source.Record != "" {
			sub.source.Record = sub.source.Holder.ID + "/" + sub.source.Record
		}
		var err error
		if refused, err = sub.sender(w); refused != nil || err != nil {
			return err
		}
		if repeat, refused, err = sub.versions(v); repeat != nil || refused != nil || err != nil {
			return err
		}
		refused, err = sub.take(w)
		return err
	})
	if err != nil {
		return Receipt{}, sub.s.broke(ctx, op, sub.event, err)
	}
	if repeat != nil || refused != nil {
		if err := sub.s.record(ctx, op, sub.event.audits(sub.s)); err != nil {
			return Receipt{}, err
		}
		return Receipt{Repeat: true, Outcome: repeat}, refused
	}
	return sub.commit(ctx)
}

// refuse puts a refusal into the event, about the child of a compartment or about none.
func (sub *submission) refuse(compartment string, http int, reason string) {
	sub.event.denied(auth.Decision{HTTP: http, Step: "permit", Reason: reason}, patientOf(compartment))
}

// sender refuses a document of another organisation than that of the token, before anything else
// is looked up (access.md 5, push-sender). A sender that cannot be read is a fault of the document.
func (sub *submission) sender(w *world) (error, error) {
	p := sub.call.Principal
	d, err := w.decide(p, auth.Action{Interaction: auth.Create, Type: "Provenance"}, nil)
	if err != nil {
		return nil, err
	}
	if !d.Permit && d.HTTP == 401 {
		sub.event.denied(d, fhir.Ref{})
		return refusal("exchange.Submit", d), nil
	}
	if sub.source.Sender.Value == "" {
		return nil, nil
	}
	if own := w.people.resources[p.Organization]; own != nil && bears(own, sub.source.Sender) { // decide has read it
		return nil, nil
	}
	sub.refuse("", 403, "push-sender")
	return refusal("exchange.Submit", auth.Decision{HTTP: 403, Reason: "push-sender"}), nil
}

// versions answers an exact repeat with the stored receipt, and refuses a version that was stored
// with another body or lies below the highest (mks.md 2.2, ENV-10, ENV-12).
func (sub *submission) versions(v Lookups) ([]byte, error, error) {
	if sub.source.Record == "" || sub.source.Version < 1 {
		return nil, nil, nil
	}
	stored, err := v.Record(sub.source.Record)
	if err != nil {
		return nil, nil, unavailable("exchange.Submit", "policy-unavailable", err)
	}
	for _, old := range stored {
		if old.Version != sub.source.Version {
			continue
		}
		if old.Hash == sub.hash {
			sub.event.denied(auth.Decision{Permit: true, Reason: "permit-write"}, patientOf(old.Compartment))
			return old.Result, nil, nil
		}
		return nil, sub.conflict(old.Compartment, "MKS-ENV-12",
			"This record and version were stored with another content; send a higher version."), nil
	}
	if n := len(stored); n > 0 && sub.source.Version < stored[n-1].Version {
		return nil, sub.conflict(stored[n-1].Compartment, "MKS-ENV-10",
			"A higher version of this record is stored; send a version above it."), nil
	}
	return sub.sameChild(v, stored)
}

// faultKind is 409 when nothing is wrong with the document but that it contradicts what is stored
// (MKS-ENV-11), else 422.
func (sub *submission) faultKind() (fhir.Kind, int) {
	for _, i := range sub.issues {
		if i.Severity == fhir.SeverityError && i.Diagnostics != "MKS-ENV-11" {
			return fhir.Unprocessable, 422
		}
	}
	return fhir.Conflict, 409
}

// sameChild refuses a version of a record that is stored for another child: it would carry what one
// child's file holds into that of another.
func (sub *submission) sameChild(v Lookups, stored []RecordVersion) ([]byte, error, error) {
	if len(stored) == 0 || len(sub.source.Child) == 0 {
		return nil, nil, nil
	}
	compartment := stored[len(stored)-1].Compartment
	st, err := v.Read(patientOf(compartment))
	if missing(err) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, unavailable("exchange.Submit", "policy-unavailable", err)
	}
	patient, err := tree(st)
	if err != nil {
		return nil, nil, err
	}
	if slices.ContainsFunc(sub.source.Child, func(id fhir.Identifier) bool { return bears(patient, id) }) {
		return nil, nil, nil
	}
	refused := sub.conflict(compartment, "record-child",
		"This record is stored for another child; withdraw it there, and send it under a new recordId.")
	return nil, refused, nil
}

func (sub *submission) conflict(compartment, rule, text string) error {
	sub.refuse(compartment, 409, rule)
	err := fhir.Errorf(fhir.Conflict, "exchange.Submit", "business-rule", rule, "%s", text)
	err.Issues[0].Expression = "/versie"
	return err
}

// take maps the document, validates what came of it and decides on the types it writes.
func (sub *submission) take(w *world) (error, error) {
	const op = "exchange.Submit"
	k := &known{v: w.v}
	var err error
	if sub.result, err = sub.format.Map(sub.source, k, w.now); err != nil {
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
	return nil, nil
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

// grants refuses a consent that opens what another organisation than the sender keeps (access.md 5,
// consent-self-grant). Whether it would be in force hangs on what others say of the child, so that is
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
			auth.OpensOthers(sub.result.Sender.Current(), body.Consent, stored) {
			sub.refuse(sub.storedChild(w), 403, "consent-self-grant")
			return refusal("exchange.Submit", auth.Decision{HTTP: 403, Reason: "consent-self-grant"}), nil
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
		prior, err := d.stored(m.Resource.Ref())
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

// judge decides on a resource as its sender wrote it, as on a write of its own (access.md 5). What
// another organisation holds is judged as if it were new.
func (sub *submission) judge(w *world, m mapping.Mapped, prior *Stored) (wr Write, refused, err error) {
	ch := Change{Interaction: auth.Create, Resource: m.Resource, Path: m.Path}
	switch {
	case m.Sent != nil:
		ch.Resource, prior = m.Sent, nil
	case prior != nil && !prior.Deleted:
		ch.Interaction = auth.Update
	}
	before := len(sub.draft.issues)
	if wr, err = sub.draft.put(ch.Resource, prior, sub.custodian(m), m.Author); err != nil {
		return wr, nil, err
	}
	under(sub.draft.issues[before:], ch)
	if auth.IsDirectory(ch.Resource.Type()) { // whom a record names comes with it, also in a push
		return wr, nil, nil
	}
	d, err := sub.draft.decide(sub.call.Principal, ch, wr, prior)
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
	if _, err := sub.s.commit(ctx, "exchange.Submit", sub.event, u); err != nil {
		return Receipt{}, err
	}
	return Receipt{Outcome: receipt}, nil
}
