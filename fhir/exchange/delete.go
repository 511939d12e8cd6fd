package exchange

import (
	"slices"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
)

// remove puts a deletion into the unit: one more version, without content, with the facts of the last
// one, so that who could see that one is told that it is gone. What is deleted already stays so.
func (b *batch) remove(st *step) (error, error) {
	if st.ref.IsZero() { // the condition matched nothing: what was asked for stands
		b.event.asked(auth.Decision{Permit: true, Reason: "permit-write"})
		return nil, nil
	}
	if st.prior == nil {
		return b.absent(st)
	}
	d, err := b.w.decide(b.event.call.Principal, auth.Action{Interaction: auth.Delete, Type: st.Type}, &st.prior.Facts)
	if err != nil {
		return nil, err
	}
	if !d.Permit {
		return b.refuse(d, st), nil
	}
	if st.prior.Deleted && st.IfMatch == 0 {
		b.event.saw(*st.prior, d)
		st.kept = Served{Ref: st.prior.Ref, Updated: st.prior.Updated}
		return nil, nil
	}
	if refused := b.matches(st); refused != nil {
		return refused, nil
	}
	w := Write{Ref: st.ref, Facts: st.prior.Facts, Compartments: compartmentsOf(st.prior.Facts)}
	w.Ref.Version = st.prior.Ref.Version + 1
	w.Facts.Ref = w.Ref
	b.add(st, w, d)
	return nil, nil
}

// records are the types that tell of other resources and do not keep them: they outlive them.
var records = map[fhir.Type]bool{"Provenance": true, "AuditEvent": true}

// orphans refuses to delete what another resource of the child still refers to: a plan must not lose
// a goal or a medication without anybody noticing. Only what the caller may read counts, so that the
// refusal tells nothing; what the same unit deletes or changes counts as it will be.
func (b *batch) orphans(st *step) (error, error) {
	if st.effect != Deleted || st.write < 0 {
		return nil, nil
	}
	for _, patient := range st.prior.Facts.Patients {
		state, err := b.w.v.State(patient.ID)
		if err != nil {
			return nil, err
		}
		all, err := b.w.everything(patient.ID)
		if err != nil {
			return nil, err
		}
		b.unit.Relied = append(b.unit.Relied, Reliance{Compartment: patient.ID, State: state})
		for i := range all {
			held, err := b.holds(&all[i], st.ref)
			if err != nil || held {
				return b.stillReferenced(st, held), err
			}
		}
	}
	if slices.ContainsFunc(b.unit.Writes, func(w Write) bool { return len(w.Body) > 0 && refersTo(&w.Facts, st.ref) }) {
		return b.stillReferenced(st, true), nil
	}
	return nil, nil
}

// holds reports whether a stored resource, which the unit leaves as it is and the caller may read,
// refers to ref.
func (b *batch) holds(f *auth.ResourceFacts, ref fhir.Ref) (bool, error) {
	if !refersTo(f, ref) || slices.ContainsFunc(b.unit.Writes, func(w Write) bool { return w.Ref.Current() == f.Ref.Current() }) {
		return false, nil
	}
	d, err := b.w.decide(b.event.call.Principal, auth.Action{Interaction: auth.Read, Type: f.Ref.Type}, f)
	return d.Whole(), err
}

func refersTo(f *auth.ResourceFacts, ref fhir.Ref) bool {
	return !records[f.Ref.Type] && !ofCoordination(*f) && f.Ref.Current() != ref &&
		slices.ContainsFunc(f.Refs, func(to fhir.Ref) bool { return to.Current() == ref })
}

func (b *batch) stillReferenced(st *step, held bool) error {
	if !held {
		return nil
	}
	b.event.refused(auth.Decision{HTTP: 409, Step: "permit", Reason: "still-referenced"}, st.prior)
	return fhir.Errorf(fhir.Conflict, "exchange.Delete", "conflict", "still-referenced",
		"Another resource of this child refers to this one; delete or change that one first, or both in one transaction.")
}
