package exchange

import (
	"context"
	"fmt"
	"strings"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
)

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
	out, err := s.change(ctx, s.event(c, ch.Interaction, ch.Resource.Type()), []Change{ch})
	if err != nil {
		return Served{}, err
	}
	return out[0], nil
}

// Transact makes several changes as one unit: all or none. One refusal refuses all, with that
// change's error. References of the form urn:uuid are the caller's to resolve.
func (s *Service) Transact(ctx context.Context, c Call, changes []Change) ([]Served, error) {
	c.Operation = "transaction"
	return s.change(ctx, s.event(c, "", ""), changes)
}

// change makes changes that one event tells of.
func (s *Service) change(ctx context.Context, e event, changes []Change) ([]Served, error) {
	const op = "exchange.Write"
	changes, err := s.named(changes)
	if err != nil {
		return nil, fhir.Wrap(op, err)
	}
	out, err := again(s, func() ([]Served, error) { return s.changeOnce(ctx, e, changes) })
	if moved(err) {
		return nil, s.broke(ctx, op, e, contended(op, err))
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

func (s *Service) changeOnce(ctx context.Context, e event, changes []Change) ([]Served, error) {
	const op = "exchange.Write"
	var d *draft
	var refused error
	err := s.store.View(ctx, func(v Snapshot) error {
		d = s.world(v).draft()
		var err error
		refused, err = d.changes(&e, changes)
		return err
	})
	if err != nil {
		return nil, s.broke(ctx, op, e, err)
	}
	if refused != nil {
		if err := s.record(ctx, op, e.audits(s)); err != nil {
			return nil, err
		}
		return nil, refused
	}
	d.unit.Relied = d.w.relied()
	written, err := s.commit(ctx, op, e, d.unit)
	if err != nil {
		return nil, err
	}
	return servedAfter(d.unit, written), nil
}

// changes decides on each change and puts it into the unit. The first result is the refusal for
// the client.
func (d *draft) changes(e *event, changes []Change) (error, error) {
	const op = "exchange.Write"
	rs := make([]*fhir.Resource, len(changes))
	for i, ch := range changes {
		rs[i] = ch.Resource
		dec, err := d.w.decide(e.call.Principal, auth.Action{Interaction: ch.Interaction, Type: ch.Resource.Type()}, nil)
		if err != nil {
			return nil, err
		}
		if !dec.Permit {
			e.refused(dec, nil)
			return refusal(op, dec), nil
		}
		if ch.Interaction == auth.Create && ch.Resource.Type() == "Patient" {
			d.w.fresh = append(d.w.fresh, ch.Resource.Ref())
		}
	}
	d.announce(rs)
	for _, ch := range changes {
		if refused, err := d.change(e, ch); refused != nil || err != nil {
			return refused, err
		}
	}
	if len(changes) == 0 {
		e.asked(auth.Decision{Permit: true, Reason: "permit-write"})
	}
	refused := d.faults(op)
	if refused != nil {
		e.refused(auth.Decision{HTTP: 422, Step: "permit", Reason: "rules"}, nil)
	}
	return refused, nil
}

// change decides on one change against what is stored, and puts it.
func (d *draft) change(e *event, ch Change) (error, error) {
	const op = "exchange.Write"
	p := e.call.Principal
	prior, err := d.stored(ch.Resource.Ref())
	if err != nil {
		return nil, err
	}
	before := len(d.issues)
	if ch.Interaction == auth.Update {
		d.issues = append(d.issues, reduced(ch.Resource)...)
	}
	if ch.Interaction == auth.Create {
		if ch.Resource, err = d.given(p, ch.Resource); err != nil {
			return nil, err
		}
	}
	w, err := d.put(ch.Resource, prior, p.Organization, writer(p))
	if err != nil {
		return nil, err
	}
	under(d.issues[before:], ch)
	dec, err := d.decide(p, ch, w, prior)
	if err != nil {
		return nil, err
	}
	if !dec.Permit {
		e.refused(dec, prior)
		return refusal(op, dec), nil
	}
	if ch.IfMatch > 0 && (prior == nil || prior.Ref.Version != ch.IfMatch) {
		e.refused(auth.Decision{HTTP: 412, Step: "permit", Reason: "version-moved"}, prior)
		return fhir.Errorf(fhir.Precondition, op, "conflict", "version-moved",
			"Another version is current; read it, apply your change to it and send its ETag in If-Match."), nil
	}
	e.wrote(w, dec)
	d.add(w)
	return nil, nil
}

// decide decides on a change: of what is stored and the new content together, and of what the content
// claims. An update of what is not there is answered as one of what is hidden.
func (d *draft) decide(p auth.Principal, ch Change, w Write, prior *Stored) (auth.Decision, error) {
	a := auth.Action{Interaction: ch.Interaction, Type: w.Ref.Type, Body: &w.Facts}
	var old *auth.ResourceFacts
	switch {
	case d.attestsOthers(p, ch.Resource):
		return foreignClaim, nil
	case prior != nil && !prior.Deleted:
		old = &prior.Facts
	case ch.Interaction != auth.Create:
		return auth.Decision{HTTP: 404, Reason: "not-found"}, nil
	}
	dec, err := d.w.decide(p, a, old)
	if err != nil || !dec.Permit {
		return dec, err
	}
	foreign, err := d.foreign(p, ch.Resource, prior)
	if err != nil || foreign {
		return foreignClaim, err
	}
	return dec, nil
}

// reduced refuses to store a reduced view in place of the whole resource (access.md 3.4).
func reduced(r *fhir.Resource) []fhir.Issue {
	for _, list := range []string{"tag", "security"} {
		for n := range r.Root().All("meta", list) {
			code := n.Member("code").Text()
			if n.Member("system").Text() == observationValue && (code == "SUBSETTED" || code == "REDACTED") {
				return []fhir.Issue{{
					Severity: fhir.SeverityError, Code: "business-rule", Diagnostics: "reduced-body",
					Expression: string(r.Type()) + ".meta." + list,
					Text:       "This is a view with elements left out; send the whole resource.",
				}}
			}
		}
	}
	return nil
}

const observationValue = "http://terminology.hl7.org/CodeSystem/v3-ObservationValue"

// under moves the expressions of issues from the resource to its place in the request.
func under(issues []fhir.Issue, ch Change) {
	if ch.Path == "" {
		return
	}
	for i := range issues {
		issues[i].Expression = ch.Path + strings.TrimPrefix(issues[i].Expression, string(ch.Resource.Type()))
	}
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
