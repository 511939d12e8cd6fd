package exchange

import (
	"context"
	"net/url"
	"slices"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/coordination"
)

// Load is what the care of a child asks of its family.
type Load struct {
	Weeks []coordination.Week
	Limit int  // minutes a week that are not too many
	Over  bool // more starts, or takes more time, than the limits say
	Share bool // the weeks are those of the caller's organisation alone; Over is about all
}

// Load counts the load of the family per week, coordination.md 9: all of it that the caller may read for the family
// and who coordinates, its own share for another organisation. It answers NotFound when the caller may not know the
// child, and a server without rules of coordination finds nothing.
func (s *Service) Load(ctx context.Context, c Call, patient fhir.Ref, weeks int, query url.Values) (Load, error) {
	const op = "exchange.Load"
	c.Operation = "load"
	var out Load
	err := s.look(ctx, op, c, patient, query, func(o *outlook) (error, error) {
		if _, refused, err := o.open(patient); refused != nil || err != nil || s.coordination == nil {
			return refused, err
		}
		all, err := o.tableOf(patient, false)
		if err != nil {
			return nil, err
		}
		out.Limit, out.Over, out.Share = all.Limits().O5Minutes, all.Over(), false
		whole, err := o.seesWhole(patient)
		if err != nil {
			return nil, err
		}
		if !whole {
			out.Share, out.Weeks = true, all.Weeks(o.w.now, weeks, c.Principal.Organization)
			return nil, nil
		}
		seen, err := o.tableOf(patient, true)
		if err != nil {
			return nil, err
		}
		out.Weeks, out.Over = seen.Weeks(o.w.now, weeks, fhir.Ref{}), seen.Over()
		return nil, nil
	})
	return out, err
}

// seesWhole reports whether the caller is of the family, or coordinates.
func (o *outlook) seesWhole(patient fhir.Ref) (bool, error) {
	p := o.e.call.Principal
	if p.Organization.IsZero() {
		return true, nil
	}
	caller, _, err := o.w.draft().coordinates(p, patient)
	return caller, err
}

// tableOf gathers the facts of a child: all, or those that the caller may read.
func (o *outlook) tableOf(patient fhir.Ref, seen bool) (*coordination.Table, error) {
	t := o.w.s.coordination.NewTable(patient)
	all, _, err := o.v.Compartment(patient.ID, coordinated...)
	if err != nil {
		return nil, unavailable("exchange.Load", "policy-unavailable", err)
	}
	for _, st := range all {
		d := auth.Decision{Permit: true}
		if seen && slices.Contains(loaded, st.Ref.Type) {
			if d, err = o.w.decide(o.e.call.Principal, auth.Action{Interaction: auth.Read, Type: st.Ref.Type}, &st.Facts); err != nil {
				return nil, err
			}
			if !d.Permit {
				continue
			}
			o.e.saw(st, d)
		}
		r, err := tree(st)
		if err == nil && !d.Whole() { // of a plan that is closed to it, its own measures
			r, err = o.w.shown(o.e.call.Principal, r, d.Obligations)
		}
		if err != nil {
			return nil, err
		}
		t.Put(r)
	}
	t.On(o.w.now)
	for _, ref := range t.Wants() {
		found, err := o.w.draft().find(ref)
		if err != nil {
			return nil, err
		}
		if found.Resource != nil {
			t.Put(found.Resource)
		}
	}
	return t, nil
}

// loaded are the types that a load counts.
var loaded = []fhir.Type{"Appointment", "CarePlan"}
