package exchange

import (
	"context"
	"fmt"
	"strings"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
)

// attempts is how often a use case runs again when something it relied on has moved.
const attempts = 10

// Change is one write that a client asks for.
type Change struct {
	Interaction auth.Interaction // create or update
	Resource    *fhir.Resource
	IfMatch     int    // update: the version that must be current; 0: any
	Path        string // FHIRPath of the resource in the request, for issues; "" when it is the whole body
}

// Write creates or updates one resource: decided, validated, stored with its AuditEvent in one
// commit. A created resource gets a new id. Update answers NotFound for an id that the principal
// may not know, Precondition when IfMatch is not the current version.
func (s *Service) Write(ctx context.Context, c Call, ch Change) (Served, error) {
	out, err := s.Transact(ctx, c, []Change{ch})
	if err != nil {
		return Served{}, err
	}
	return out[0], nil
}

// Transact makes several changes as one unit: all or none. One refusal refuses all, with that
// change's error. References of the form urn:uuid are the caller's to resolve.
func (s *Service) Transact(ctx context.Context, c Call, changes []Change) ([]Served, error) {
	const op = "exchange.Transact"
	changes, err := s.named(changes)
	if err != nil {
		return nil, fhir.Wrap(op, err)
	}
	return again(func() ([]Served, error) { return s.transactOnce(ctx, c, changes) })
}

// again runs f until it does not answer that something moved in between.
func again[T any](f func() (T, error)) (T, error) {
	var out T
	var err error
	for range attempts {
		out, err = f()
		if err == nil || fhir.KindOf(err) != fhir.Conflict || !moved(err) {
			return out, err
		}
	}
	return out, err
}

// named gives every created resource its id; an id that the client sent is dropped (R4 create).
func (s *Service) named(changes []Change) ([]Change, error) {
	out := make([]Change, len(changes))
	for i, ch := range changes {
		out[i] = ch
		if ch.Interaction != auth.Create || ch.Resource.ID() != "" {
			continue
		}
		r, err := ch.Resource.Edit(fhir.Edit{Path: []string{"id"}, JSON: fmt.Sprintf("%q", s.newID())})
		if err != nil {
			return nil, err
		}
		out[i].Resource = r
	}
	return out, nil
}

func (s *Service) transactOnce(ctx context.Context, c Call, changes []Change) ([]Served, error) {
	const op = "exchange.Transact"
	e := s.event(c, changes[0].Interaction, changes[0].Resource.Type())
	if len(changes) > 1 {
		e.operation = "transaction"
	}
	var d *draft
	var refused error
	err := s.store.View(ctx, func(v Snapshot) error {
		d = s.world(v).draft()
		var err error
		refused, err = d.changes(c, &e, changes)
		return err
	})
	if err != nil {
		return nil, fhir.Wrap(op, err)
	}
	if refused == nil {
		if refused = d.faults(op); refused != nil {
			e.rejected(c.Principal.Patient)
		}
	}
	if refused != nil {
		if err := s.record(ctx, op, e.audits(s)); err != nil {
			return nil, err
		}
		return nil, refused
	}
	d.unit.Audits = e.audits(s)
	written, err := s.store.Commit(ctx, d.unit)
	if err != nil {
		return nil, fhir.Wrap(op, err)
	}
	return servedAfter(d.unit, written), nil
}

// changes decides on each change and puts it into the unit. The first result is the refusal for
// the client.
func (d *draft) changes(c Call, e *event, changes []Change) (error, error) {
	rs := make([]*fhir.Resource, len(changes))
	for i, ch := range changes {
		rs[i] = ch.Resource
	}
	for _, ch := range changes {
		dec, err := d.w.decide(c.Principal, auth.Action{Interaction: ch.Interaction, Type: ch.Resource.Type()}, nil)
		if err != nil {
			return nil, err
		}
		if !dec.Permit {
			e.denied(dec, c.Principal.Patient)
			return refusal("exchange.Transact", dec), nil
		}
	}
	d.announce(rs)
	for _, ch := range changes {
		if refused, err := d.change(c, e, ch); refused != nil || err != nil {
			return refused, err
		}
	}
	return nil, nil
}

// change decides on one change against what is stored, and puts it.
func (d *draft) change(c Call, e *event, ch Change) (error, error) {
	const op = "exchange.Write"
	before := len(d.issues)
	w, prior, err := d.put(ch.Resource, c.Principal.Organization, writer(c.Principal))
	if err != nil {
		return nil, err
	}
	under(d.issues[before:], ch)
	if ch.Interaction == auth.Update && (prior == nil || prior.Deleted) {
		e.missed()
		return notFound(op, "not-found"), nil
	}
	if ch.Interaction == auth.Create && prior != nil {
		return fhir.Errorf(fhir.Conflict, op, "conflict", "id-taken", "Choose another id; leave it out and the server makes one."), nil
	}
	var at *auth.ResourceFacts
	if prior != nil {
		at = &prior.Facts
	}
	dec, err := d.w.decideWrite(c.Principal, auth.Action{Interaction: ch.Interaction, Type: w.Ref.Type, Body: &w.Facts}, at)
	if err != nil {
		return nil, err
	}
	e.wrote(w, dec)
	if !dec.Permit {
		return refusal(op, dec), nil
	}
	if ch.IfMatch > 0 && (prior == nil || prior.Ref.Version != ch.IfMatch) {
		return fhir.Errorf(fhir.Precondition, op, "conflict", "version-moved",
			"Another version is current; read it, apply your change to it and send its ETag in If-Match."), nil
	}
	d.add(w)
	return nil, nil
}

// under moves the expressions of issues from the resource to its place in the request.
func under(issues []fhir.Issue, ch Change) {
	if ch.Path == "" {
		return
	}
	for i := range issues {
		issues[i].Expression = ch.Path + strings.TrimPrefix(issues[i].Expression, string(ch.Resource.Type()))
	}
}

// decideWrite decides on a write. Without a stored resource the facts are those of the body's own
// patients.
func (w *world) decideWrite(p auth.Principal, a auth.Action, stored *auth.ResourceFacts) (auth.Decision, error) {
	subject := stored
	if subject == nil {
		subject = a.Body
	}
	f, err := w.facts(p, subject)
	if err != nil {
		return auth.Decision{}, unavailable("exchange.decide", "policy-unavailable", err)
	}
	if stored == nil {
		f.Resource = nil
	}
	return auth.Decide(p, a, f), nil
}

// writer is the author of what a principal writes: the person, else the organisation.
func writer(p auth.Principal) fhir.Ref {
	if p.Organization.IsZero() {
		return p.FHIRUser
	}
	return p.Organization
}

// servedAfter renders what a unit wrote.
func servedAfter(u Unit, written []Written) []Served {
	out := make([]Served, len(written))
	for i, wr := range written {
		w := u.Writes[i]
		out[i] = Served{Ref: wr.Ref, Updated: wr.Updated, Body: fhir.Serve(w.Body, w.MetaAt, wr.Ref.Version, wr.Updated)}
	}
	return out
}
