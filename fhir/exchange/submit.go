package exchange

import (
	"context"
	"errors"
	"slices"
	"sort"
	"strings"

	"github.com/drieluik/drieluik/auth"
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
	doc, issues := fhir.ParseDocument(body, limits)
	if fhir.HasErrors(issues) {
		return Receipt{}, &fhir.Error{Kind: fhir.Malformed, Op: op, Issues: issues}
	}
	format, err := s.format(doc)
	if err != nil {
		return Receipt{}, err
	}
	return again(func() (Receipt, error) { return s.submitOnce(ctx, c, format, doc) })
}

// format finds the source format that the document names.
func (s *Service) format(doc *fhir.Resource) (mapping.Format, error) {
	schema := doc.Root().Member("schema").Text()
	names := make([]string, len(s.formats))
	for i, f := range s.formats {
		if f.Schema() == schema {
			return f, nil
		}
		names[i] = f.Schema()
	}
	sort.Strings(names)
	return nil, fhir.Errorf(fhir.Unsupported, "exchange.Submit", "not-supported", "schema-unknown",
		"The member \"schema\" must name a known source format: %s.", strings.Join(names, ", "))
}

// submission is one try to take a document.
type submission struct {
	s      *Service
	call   Call
	format mapping.Format
	doc    *fhir.Resource
	source mapping.Source
	issues []fhir.Issue // of the document
	event  event
	result mapping.Result
	draft  *draft
}

func (s *Service) submitOnce(ctx context.Context, c Call, format mapping.Format, doc *fhir.Resource) (Receipt, error) {
	const op = "exchange.Submit"
	sub := &submission{s: s, call: c, format: format, doc: doc, event: s.event(c, auth.Create, "")}
	sub.event.operation = "submit"
	var repeat []byte
	var refused error
	err := s.store.View(ctx, func(v Snapshot) error {
		w := s.world(v)
		sub.draft = w.draft()
		sub.source, sub.issues = format.Read(doc, w.now)
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
		return Receipt{}, fhir.Wrap(op, err)
	}
	if repeat != nil || refused != nil {
		if err := s.record(ctx, op, sub.event.audits(s)); err != nil {
			return Receipt{}, err
		}
		return Receipt{Repeat: true, Outcome: repeat}, refused
	}
	return sub.commit(ctx)
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
	if _, err := w.directory([]fhir.Ref{p.Organization}); err != nil {
		return nil, unavailable("exchange.Submit", "policy-unavailable", err)
	}
	if own := w.people[p.Organization]; own != nil && bears(own, sub.source.Sender) {
		return nil, nil
	}
	d = auth.Decision{HTTP: 403, Step: "permit", Reason: "push-sender"}
	sub.event.denied(d, fhir.Ref{})
	return refusal("exchange.Submit", d), nil
}

// versions answers an exact repeat with the stored receipt, and refuses a version that was stored
// with another body or lies below the highest (mks.md 2.2, ENV-10, ENV-12).
func (sub *submission) versions(v Lookups) ([]byte, error, error) {
	const op = "exchange.Submit"
	if sub.source.Record == "" || sub.source.Version < 1 {
		return nil, nil, nil
	}
	stored, err := v.Record(sub.source.Record)
	if err != nil {
		return nil, nil, unavailable(op, "policy-unavailable", err)
	}
	highest := 0
	hash := fhir.Hash(sub.doc.Root())
	for _, old := range stored {
		highest = max(highest, old.Version)
		if old.Version != sub.source.Version {
			continue
		}
		if old.Hash == hash {
			sub.event.repeated(old.Compartment)
			return old.Result, nil, nil
		}
		return nil, sub.conflict(old.Compartment, "MKS-ENV-12",
			"This record and version were stored with another content; send a higher version."), nil
	}
	if sub.source.Version < highest {
		return nil, sub.conflict("", "MKS-ENV-10",
			"A higher version of this record is stored; send a version above it."), nil
	}
	return nil, nil, nil
}

func (sub *submission) conflict(compartment, rule, text string) error {
	sub.event.refused(compartment, auth.Decision{HTTP: 409, Step: "permit", Reason: rule})
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
	if fhir.HasErrors(sub.issues) {
		sub.event.refused(sub.result.Patient.ID, auth.Decision{HTTP: 422, Step: "permit", Reason: "rules"})
		return &fhir.Error{Kind: fhir.Unprocessable, Op: op, Issues: sub.issues}, nil
	}
	if refused, err := sub.scopes(w); refused != nil || err != nil {
		return refused, err
	}
	sub.draft.unit.Relied = k.relied
	if err := sub.put(); err != nil {
		return nil, err
	}
	if fhir.HasErrors(sub.draft.issues) { // what the mapping emits must be valid: a fault of ours
		return nil, &fhir.Error{Kind: fhir.Internal, Op: op + " validate", Err: invalid(sub.draft.issues)}
	}
	return nil, nil
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

// scopes asks for c and u on every type that the document writes and names all that are missing
// (SMART-603).
func (sub *submission) scopes(w *world) (error, error) {
	p := sub.call.Principal
	var lacking []fhir.Issue
	seen := map[fhir.Type]bool{}
	for _, m := range sub.result.Resources {
		t := m.Resource.Type()
		if seen[t] {
			continue
		}
		seen[t] = true
		for _, i := range []auth.Interaction{auth.Create, auth.Update} {
			d, err := w.decide(p, auth.Action{Interaction: i, Type: t}, nil)
			if err != nil {
				return nil, err
			}
			// Provenance and the directory are written by the adapter on the document's behalf.
			if !d.Permit && d.Reason != "immutable" && d.Reason != "write-role" {
				sub.event.denied(d, fhir.Ref{})
				lacking = append(lacking, fhir.Issue{
					Severity: fhir.SeverityError, Code: "forbidden", Diagnostics: d.Reason,
					Text: "The access token needs system/" + string(t) + ".cu.",
				})
			}
		}
	}
	if len(lacking) == 0 {
		return nil, nil
	}
	lacking = slices.Compact(lacking)
	return &fhir.Error{Kind: fhir.Forbidden, Op: "exchange.Submit", Reason: lacking[0].Diagnostics, Issues: lacking}, nil
}

// put drafts the writes; what is as it was is left out.
func (sub *submission) put() error {
	rs := make([]*fhir.Resource, len(sub.result.Resources))
	for i, m := range sub.result.Resources {
		rs[i] = m.Resource
	}
	sub.draft.announce(rs)
	for _, m := range sub.result.Resources {
		w, prior, err := sub.draft.put(m.Resource, sub.custodian(m), m.Author)
		if err != nil {
			return err
		}
		if prior != nil && !prior.Deleted && string(prior.Body) == string(w.Body) {
			continue
		}
		sub.draft.add(w)
		sub.event.wrote(w, auth.Decision{Permit: true, Reason: "permit-write"})
	}
	return nil
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
	u.Audits = sub.event.audits(sub.s)
	receipt, err := sub.receipt(u)
	if err != nil {
		return Receipt{}, fhir.Wrap("exchange.Submit", err)
	}
	compartment := sub.result.Patient.ID
	if compartment == "" {
		compartment = SystemCompartment
	}
	u.Record = &RecordVersion{
		Key: sub.source.Record, Version: sub.source.Version, Compartment: compartment,
		Hash: fhir.Hash(sub.doc.Root()), Result: receipt,
	}
	if _, err := sub.s.store.Commit(ctx, u); err != nil {
		return Receipt{}, fhir.Wrap("exchange.Submit", err)
	}
	return Receipt{Outcome: receipt}, nil
}
