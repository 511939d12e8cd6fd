package exchange

import (
	"context"
	"slices"
	"time"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/workflow/calendar"
)

// disclose commits the audit rows of an access, and for what left in an emergency the Task by which the
// custodian reviews it, in the same commit (access.md 3.9). Without them nothing may be answered.
func (s *Service) disclose(ctx context.Context, op string, e event) error {
	opened := e.opened()
	if len(opened) == 0 || e.call.Trial {
		return s.record(ctx, op, e.audits(s))
	}
	if err := s.steady(ctx, op); err != nil {
		return err
	}
	_, err := again(s, func() (struct{}, error) {
		with := e // one row tells of the access and of what it made the server write
		with.touches = slices.Clone(e.touches)
		var dr *draft
		err := s.store.View(ctx, func(v Snapshot) error {
			dr = s.world(v).draft()
			return dr.review(&with, e.call.Principal, opened)
		})
		if err != nil {
			return struct{}{}, err
		}
		for i := len(e.touches); i < len(with.touches); i++ {
			with.touches[i].decision.Reason = "" // the ground of the row is that of the access
		}
		dr.unit.Audits = with.audits(s)
		_, err = s.store.Commit(ctx, dr.unit)
		return struct{}{}, err
	})
	if err != nil {
		return unavailable(op, "audit-unavailable", err)
	}
	return nil
}

// serverCall is who acts where a rule does.
var serverCall = Call{Operation: "workflow", Principal: auth.Principal{Client: "drieluik", ClientName: "drieluik"}}

// opened returns the children of whom something left in an emergency.
func (e *event) opened() []fhir.Ref {
	var out []fhir.Ref
	for _, t := range e.touches {
		if !t.decision.Permit || !slices.Contains(t.decision.Obligations, auth.BTGReview) {
			continue
		}
		for _, p := range t.patients {
			if !slices.Contains(out, p) {
				out = append(out, p)
			}
		}
	}
	return out
}

// review puts the Tasks of an emergency into the unit, one for each child; those of an earlier access in the
// same emergency stand.
func (d *draft) review(e *event, p auth.Principal, children []fhir.Ref) error {
	if p.BTG == nil {
		return nil
	}
	for _, patient := range children {
		c, err := d.w.child(patient.ID)
		if err != nil {
			return err
		}
		dir, err := d.w.directory(c.DirectoryNeeds())
		if err != nil {
			return err
		}
		emergency := calendar.Emergency{
			Patient: patient, Custodian: c.Custodian(), Now: d.w.now, Today: c.Household(d.w.now, d.w.s.settings, dir).Today,
			Token: p.Client + "/" + p.FHIRUser.String() + "/" + p.BTG.At.UTC().Format(time.RFC3339Nano),
		}
		stored, err := d.stored(fhir.Ref{Type: "Task", ID: emergency.ID()})
		if err != nil {
			return err
		}
		if stored != nil || emergency.Custodian.IsZero() {
			continue
		}
		writes, err := emergency.Review()
		if err != nil {
			return err
		}
		if err := d.write(e, writes); err != nil {
			return err
		}
	}
	return nil
}
