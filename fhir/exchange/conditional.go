package exchange

import (
	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/search"
)

// matching is how the search behind a conditional change is judged.
var matching = map[auth.Interaction]auth.Interaction{
	auth.Create: auth.MatchCreate, auth.Update: auth.MatchUpdate, auth.Patch: auth.MatchUpdate, auth.Delete: auth.MatchDelete,
}

// findWhere says what a conditional step is about. It is settled when nothing is left to write.
func (b *batch) findWhere(st *step) (settled bool, refused, err error) {
	hits, d, err := b.match(matching[st.Interaction], st.Where.Plan)
	switch {
	case err != nil:
		return false, nil, err
	case !d.Permit:
		return false, b.refuse(d, st), nil
	case len(hits) > 1:
		b.event.refused(auth.Decision{HTTP: 412, Step: "permit", Reason: "several-matches"}, nil)
		return false, severalMatches(), nil
	case len(hits) == 1:
		return b.findOne(st, hits[0], d)
	}
	switch st.Interaction {
	case auth.Delete:
		return true, nil, nil
	case auth.Patch:
		refused, err = b.absent(st)
		return true, refused, err
	case auth.Update:
		st.ID = st.Resource.ID()
	}
	return false, nil, nil
}

// findOne goes on with the only match of a condition.
func (b *batch) findOne(st *step, hit Stored, d auth.Decision) (settled bool, refused, err error) {
	if st.Interaction == auth.Create {
		st.effect, st.ref = Kept, hit.Ref
		b.event.saw(hit, d)
		return true, nil, b.keep(st, hit)
	}
	st.ID = hit.Ref.ID
	if st.Interaction == auth.Update && st.Resource.ID() != "" && st.Resource.ID() != st.ID {
		b.event.refused(auth.Decision{HTTP: 400, Step: "permit", Reason: "id-differs"}, &hit)
		return true, fhir.Errorf(fhir.BadRequest, "exchange.Write", "invalid", "id-differs",
			"The condition matches a resource with another id than that of the body; leave the id out."), nil
	}
	return false, nil, nil
}

func severalMatches() error {
	return fhir.Errorf(fhir.Precondition, "exchange.Write", "multiple-matches", "several-matches",
		"The condition matches more than one resource; add to it until it matches one.")
}

// keep answers a conditional create whose resource stands already, with content for who may read it.
func (b *batch) keep(st *step, hit Stored) error {
	st.kept = Served{Ref: hit.Ref, Updated: hit.Updated}
	d, err := b.w.decide(b.event.call.Principal, auth.Action{Interaction: auth.Read, Type: st.Type}, &hit.Facts)
	if err != nil || !d.Permit {
		return err
	}
	st.kept, err = b.w.serve(b.event.call.Principal, hit, d)
	return err
}

// match runs the search of a condition over what the principal may see, and makes the unit rely on
// what it found: when two requests find nothing, only the first of them creates. To a person, whose
// filter lists what is visible, something new can only come in its own children's compartments.
func (b *batch) match(i auth.Interaction, plan search.Plan) ([]Stored, auth.Decision, error) {
	const op = "exchange.match"
	p, a := b.event.call.Principal, auth.Action{Interaction: i, Type: plan.Type}
	filter, d, err := b.w.filters(b.v, p, i, &plan)
	if err != nil {
		return nil, d, unavailable(op, "policy-unavailable", err)
	}
	if !d.Permit {
		return nil, d, nil
	}
	page, err := b.v.Search(plan, filter)
	if err != nil {
		return nil, d, fhir.Wrap(op, err)
	}
	sought := &Sought{Plan: plan, Filter: filter}
	var out []Stored
	for _, st := range page.Matches {
		sought.IDs = append(sought.IDs, st.Ref.ID)
		seen, err := b.w.decide(p, a, &st.Facts)
		if err != nil {
			return nil, d, err
		}
		if !seen.Permit {
			b.event.leaked(b.w.s, st, seen)
			continue
		}
		out, d = append(out, st), seen
	}
	b.unit.Relied = append(b.unit.Relied, Reliance{Sought: sought})
	if p.Organization.IsZero() {
		for id, state := range b.w.states {
			b.unit.Relied = append(b.unit.Relied, Reliance{Compartment: id, State: state})
		}
	}
	return out, d, nil
}
