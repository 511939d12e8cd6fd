package exchange

import (
	"context"
	"net/url"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/workflow"
	"github.com/drieluik/drieluik/mapping"
)

// Gate is what keeps a transfer from completing, as far as the principal may see it.
type Gate struct {
	Open   bool
	Checks []workflow.Check
}

// DischargeCheck judges the gate of a transfer (mks.md 7.1) for its sender, its receiver and the family,
// by what they may read. It answers NotFound to everybody else, and to who may not know the Task.
func (s *Service) DischargeCheck(ctx context.Context, c Call, ref fhir.Ref) (Gate, error) {
	const op = "exchange.DischargeCheck"
	c.Operation = "discharge-check"
	var out Gate
	err := s.look(ctx, op, c, ref, nil, func(o *outlook) (refused, err error) {
		t, refused, err := o.transfer(ref)
		if refused != nil || err != nil {
			return refused, err
		}
		if refused, err = o.takesPart(ref); refused != nil || err != nil {
			return refused, err
		}
		out.Checks, err = t.Gate(o, t.Task, false)
		out.Open = workflow.Open(out.Checks) && t.Direction != ""
		return nil, err
	})
	return out, err
}

// Completeness reports what the file of a child holds and lacks (mks.md 7.2), as far as the principal
// may see it; with a transfer Task, what that one brings. It answers NotFound when the principal may not
// know the child, or the Task.
func (s *Service) Completeness(ctx context.Context, c Call, patient, task fhir.Ref, query url.Values) ([]workflow.Domain, error) {
	const op = "exchange.Completeness"
	c.Operation = "completeness"
	var out []workflow.Domain
	err := s.look(ctx, op, c, patient, query, func(o *outlook) (refused, err error) {
		child, refused, err := o.open(patient)
		if refused != nil || err != nil {
			return refused, err
		}
		var t *workflow.Transfer
		if !task.IsZero() {
			one, refused, err := o.transfer(task)
			if refused != nil || err != nil {
				return refused, err
			}
			if one.Patient != patient.Current() {
				return fhir.Errorf(fhir.Unprocessable, op, "business-rule", "completeness-task", "The Task is about another child."), nil
			}
			t = &one
		}
		shared, err := o.shared(patient, t)
		if err != nil {
			return nil, err
		}
		out, err = workflow.Complete(o, child, t, o.w.now, shared)
		return nil, err
	})
	return out, err
}

// look runs an operation on what the principal may read, and puts it into the log.
func (s *Service) look(ctx context.Context, op string, c Call, ref fhir.Ref, query url.Values, f func(*outlook) (refused, err error)) error {
	e := s.event(c, auth.Read, ref.Type)
	if len(query) > 0 {
		e.query = query
	}
	var refused error
	err := s.store.View(ctx, func(v Snapshot) error {
		o := &outlook{w: s.world(v), v: v, e: &e}
		var err error
		refused, err = f(o)
		return err
	})
	if err != nil {
		return s.broke(ctx, op, e, err)
	}
	if err := s.disclose(ctx, op, e); err != nil {
		return err
	}
	return refused
}

// outlook is a workflow.Known of what the principal may read, as it may read it. What is hidden is not there.
type outlook struct {
	w *world
	v Snapshot
	e *event
}

var _ workflow.Known = (*outlook)(nil)

// open reads what the operation is about, as any read.
func (o *outlook) open(ref fhir.Ref) (*fhir.Resource, error, error) {
	served, refused, err := o.w.s.readOne(o.w, o.e, ref)
	if refused != nil || err != nil {
		return nil, refused, err
	}
	r, err := served.tree()
	return r, nil, err
}

// transfer reads a transfer Task and what it refers to.
func (o *outlook) transfer(ref fhir.Ref) (workflow.Transfer, error, error) {
	task, refused, err := o.open(ref)
	if refused != nil || err != nil {
		return workflow.Transfer{}, refused, err
	}
	st, err := o.v.Read(ref.Current())
	if err != nil {
		return workflow.Transfer{}, nil, unavailable("exchange.transfer", "policy-unavailable", err)
	}
	if !workflow.IsTransfer(task) {
		return workflow.Transfer{}, fhir.Errorf(fhir.Unprocessable, "exchange.transfer", "business-rule", "transfer-task",
			"This Task carries no transfer; one has the SNOMED CT code 308292007."), nil
	}
	t, err := workflow.ReadTransfer(o, task, st.Facts.Custodian)
	return t, nil, err
}

// takesPart refuses the gate to who is no party of the transfer, and not the child or its guardian.
func (o *outlook) takesPart(ref fhir.Ref) (refused, err error) {
	const op = "exchange.DischargeCheck"
	st, err := o.v.Read(ref.Current())
	if err != nil {
		return nil, unavailable(op, "policy-unavailable", err)
	}
	p := o.e.call.Principal
	part := p.Role == auth.Guardian || p.Role == auth.ChildRole || !p.Organization.IsZero() && st.Facts.Custodian == p.Organization
	for _, side := range []fhir.Ref{st.Facts.Owner, st.Facts.Requester} {
		acts, err := o.w.draft().actsFor(p, side)
		if err != nil {
			return nil, err
		}
		part = part || acts
	}
	if part {
		return nil, nil
	}
	o.e.refused(auth.Decision{HTTP: 404, Step: "relation", Reason: "relation-none"}, &st)
	return notFound(op, "relation-none"), nil
}

// shared tells what is open to the principal: of the child's file, by a resource that its custodian
// keeps, and of a transfer, by one that its document gathers.
func (o *outlook) shared(patient fhir.Ref, t *workflow.Transfer) (workflow.Shared, error) {
	child, err := o.w.child(patient.ID)
	if err != nil {
		return nil, unavailable("exchange.shared", "policy-unavailable", err)
	}
	kept := auth.ResourceFacts{
		Custodian: child.Custodian(), Author: child.Custodian(), Patients: []fhir.Ref{patient.Current()},
		FiledAt: o.w.now, Updated: o.w.now, When: o.w.now,
	}
	brought := kept
	if t != nil && !t.Document.IsZero() {
		st, err := o.v.Read(t.Document)
		if err != nil {
			return nil, unavailable("exchange.shared", "policy-unavailable", err)
		}
		brought.Custodian, brought.Author, brought.Source = st.Facts.Custodian, st.Facts.Author, st.Facts.Source
		brought.Up = []fhir.Ref{t.Document}
	}
	return func(domain string, kind fhir.Type, transfer bool) (bool, error) {
		rf := kept
		if transfer {
			rf = brought
		}
		rf.Ref, rf.Domains = fhir.Ref{Type: kind, ID: "completeness"}, []string{domain}
		d, err := o.w.decide(o.e.call.Principal, auth.Action{Interaction: auth.Read, Type: kind}, &rf)
		return d.Permit, err
	}, nil
}

// Read implements workflow.Known.
func (o *outlook) Read(ref fhir.Ref) (*mapping.Found, error) {
	st, err := o.v.Read(ref.Current())
	if missing(err) {
		return nil, nil
	}
	if err != nil {
		return nil, unavailable("exchange.outlook", "policy-unavailable", err)
	}
	return o.seen(st)
}

// seen decides on one resource.
func (o *outlook) seen(st Stored) (*mapping.Found, error) {
	d, err := o.w.decide(o.e.call.Principal, auth.Action{Interaction: auth.Read, Type: st.Ref.Type}, &st.Facts)
	if err != nil || !d.Permit {
		return nil, err
	}
	o.e.saw(st, d)
	served, err := o.w.serve(o.e.call.Principal, st, d)
	if err != nil {
		return nil, err
	}
	r, err := served.tree()
	if err != nil {
		return nil, err
	}
	return &mapping.Found{
		Resource: r, Version: st.Ref.Version, Updated: st.Updated, Custodian: st.Facts.Custodian, Author: st.Facts.Author,
	}, nil
}

// Child implements workflow.Known.
func (o *outlook) Child(patient fhir.Ref, types ...fhir.Type) ([]*mapping.Found, error) {
	stored, _, err := o.v.Compartment(patient.ID, types...)
	if err != nil {
		return nil, unavailable("exchange.outlook", "policy-unavailable", err)
	}
	var out []*mapping.Found
	for _, st := range stored {
		f, err := o.seen(st)
		if err != nil {
			return nil, err
		}
		if f != nil {
			out = append(out, f)
		}
	}
	return out, nil
}
