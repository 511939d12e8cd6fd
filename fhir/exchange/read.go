package exchange

import (
	"context"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
)

// Read returns the current version of a resource, or the version that ref names. It answers
// NotFound when the principal may not know that the resource exists. The AuditEvent is committed
// before it returns.
func (s *Service) Read(ctx context.Context, c Call, ref fhir.Ref) (Served, error) {
	const op = "exchange.Read"
	e := s.event(c, auth.Read, ref.Type)
	if ref.Version > 0 {
		e.interaction = auth.VRead
	}
	var out Served
	var refused error
	err := s.store.View(ctx, func(v Snapshot) error {
		var err error
		once := s.readOne
		if ref.Type == auditType {
			once = s.readLog
		}
		out, refused, err = once(s.world(v), &e, ref)
		return err
	})
	if err != nil {
		return Served{}, s.broke(ctx, op, e, err)
	}
	if err := s.disclose(ctx, op, e); err != nil {
		return Served{}, err
	}
	return out, refused
}

// readOne decides on one read and puts it into the event. The second result is the refusal for the
// client, the third a failure of the server.
func (s *Service) readOne(w *world, e *event, ref fhir.Ref) (Served, error, error) {
	const op = "exchange.Read"
	p, a := e.call.Principal, auth.Action{Interaction: e.interaction, Type: ref.Type}
	d, err := w.decide(p, a, nil)
	if err != nil {
		return Served{}, nil, err
	}
	if !d.Permit {
		e.denied(d, p.Patient)
		return Served{}, refusal(op, d), nil
	}
	st, err := w.v.Read(ref)
	gone := fhir.KindOf(err) == fhir.Gone
	if missing(err) && !gone {
		e.missed()
		return Served{}, notFound(op, "not-found"), w.pretend(p, a)
	}
	if err != nil && !gone {
		return Served{}, nil, unavailable(op, "policy-unavailable", err)
	}
	d, err = w.decideVersion(p, a, st)
	if err != nil {
		return Served{}, nil, err
	}
	e.saw(st, d)
	if !d.Permit {
		return Served{}, refusal(op, d), nil
	}
	if gone {
		return Served{Ref: st.Ref, Updated: st.Updated}, deleted(op), nil
	}
	out, err := w.serve(p, st, d)
	return out, nil, err
}

// deleted is the answer for what who could see it finds deleted.
func deleted(op string) error {
	return fhir.Errorf(fhir.Gone, op, "deleted", "deleted", "This resource was deleted; its history tells when.")
}

// noChild is the compartment of nobody.
const noChild = "_nobody"

// pretend takes the steps that a hidden resource takes, so that the time of an answer does not tell
// it from a missing one (access.md 6.2).
func (w *world) pretend(p auth.Principal, a auth.Action) error {
	who := p.Organization
	if who.IsZero() {
		who = p.FHIRUser
	}
	st, err := w.v.Read(who)
	if err != nil && !missing(err) {
		return unavailable("exchange.Read", "policy-unavailable", err)
	}
	_, err = w.decide(p, a, &auth.ResourceFacts{
		Ref: fhir.Ref{Type: a.Type, ID: st.Ref.ID}, Patients: []fhir.Ref{{Type: "Patient", ID: noChild}},
	})
	return err
}

// decideVersion decides on what leaves: for an old version the current facts must permit as well
// as its own (access.md 6.1). What was deleted has the facts of its last version.
func (w *world) decideVersion(p auth.Principal, a auth.Action, st Stored) (auth.Decision, error) {
	d, err := w.decide(p, a, &st.Facts)
	if err != nil || !d.Permit || a.Interaction == auth.Read {
		return d, err
	}
	current, err := w.v.Read(st.Ref.Current())
	if err != nil && !missing(err) {
		return d, unavailable("exchange.Read", "policy-unavailable", err)
	}
	if current.Ref.Version == st.Ref.Version {
		return d, nil
	}
	now, err := w.decide(p, a, &current.Facts)
	if err != nil || !now.Permit {
		return now, err
	}
	d.Obligations = auth.Unite(d.Obligations, now.Obligations)
	return d, nil
}
