package exchange

import (
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
)

// world is what one request knows: one snapshot, one instant, and the policy of every child that
// it touches, compiled once.
type world struct {
	s        *Service
	v        Lookups
	now      time.Time
	children map[string]*auth.Child
	states   map[string]State                // of the children, for Reliance
	people   *people                         // organisations, staff and persons that policy asked for
	own      bool                            // people holds what only this request may use
	members  map[string][]auth.ResourceFacts // of whole compartments
	fresh    []fhir.Ref                      // Patients that the request creates
	on       *steps                          // what is done on the snapshot, for who watches; nil: nobody does
	broken   error                           // of a look-up that could not say so: nothing may be decided on it
}

func (s *Service) world(v Lookups) *world {
	return &world{
		s: s, v: v, now: s.now(), children: map[string]*auth.Child{}, states: map[string]State{},
		members: map[string][]auth.ResourceFacts{}, on: stepsOn(v),
	}
}

// facts gathers what Decide needs for a resource, or for phase A when rf is nil: the children that
// the resource, the new content and the token are about, and the directory that they ask for.
func (w *world) facts(p auth.Principal, a auth.Action, rf *auth.ResourceFacts) (auth.Facts, error) {
	var ids []string
	var needs []fhir.Ref
	for _, about := range []*auth.ResourceFacts{rf, a.Body} {
		if about == nil {
			continue
		}
		for _, ref := range about.Patients {
			ids = append(ids, ref.ID)
		}
		needs = append(needs, about.Custodian)
		needs = append(append(needs, staffOf(about.Owner)...), staffOf(about.Requester)...)
	}
	f, err := w.policy(p, ids, needs)
	if err != nil {
		return f, err
	}
	f.Resource = rf
	if rf != nil && !p.Patient.IsZero() && auth.NeedsAll(p, a) {
		f.Referrers, err = w.everything(p.Patient.ID)
	}
	return f, err
}

// policy compiles the children of the ids and of the token, with the directory that they and needs
// ask for.
func (w *world) policy(p auth.Principal, ids []string, needs []fhir.Ref) (auth.Facts, error) {
	f := auth.Facts{Now: w.now, Settings: w.s.settings, Lookup: w.lookup, Fresh: w.fresh}
	if !p.Patient.IsZero() {
		ids = append(ids, p.Patient.ID)
	}
	slices.Sort(ids)
	needs = append(needs, p.DirectoryNeeds()...)
	for _, id := range slices.Compact(ids) {
		c, err := w.child(id)
		if err != nil {
			return f, err
		}
		f.Children = append(f.Children, c)
		needs = append(needs, c.DirectoryNeeds()...)
	}
	var err error
	f.Directory, err = w.directory(needs)
	return f, err
}

// staffOf returns ref when the directory can say for whom it acts.
func staffOf(ref fhir.Ref) []fhir.Ref {
	if ref.Type == "PractitionerRole" {
		return []fhir.Ref{ref}
	}
	return nil
}

// lookup gives the facts of another resource of the same snapshot (auth.Facts.Lookup).
func (w *world) lookup(ref fhir.Ref) (auth.ResourceFacts, bool) {
	st, err := w.v.Read(ref.Current())
	w.doubt(err)
	return st.Facts, err == nil
}

// doubt remembers a look-up that failed for another reason than that nothing is there.
func (w *world) doubt(err error) {
	if err != nil && !missing(err) && w.broken == nil {
		w.broken = unavailable("exchange.lookup", "policy-unavailable", err)
	}
}

// everything returns the facts of all current resources of a compartment, read once.
func (w *world) everything(id string) ([]auth.ResourceFacts, error) {
	if all, ok := w.members[id]; ok {
		return all, nil
	}
	stored, _, err := w.v.Compartment(id)
	if err != nil {
		return nil, fhir.Wrap("exchange.everything", err)
	}
	all := make([]auth.ResourceFacts, len(stored))
	for i, st := range stored {
		all[i] = st.Facts
	}
	w.members[id] = all
	return all, nil
}

// child compiles the policy of one compartment, once per epoch.
func (w *world) child(id string) (*auth.Child, error) {
	if c, ok := w.children[id]; ok {
		return c, nil
	}
	now, err := w.v.State(id)
	if err != nil {
		return nil, fhir.Wrap("exchange.child", err)
	}
	c := w.s.memory.child(id, now.Epoch)
	w.s.meters.Compiled(c != nil)
	if c != nil {
		w.children[id], w.states[id] = c, now
		return c, nil
	}
	stored, state, err := w.v.Compartment(id, auth.FactTypes[:]...)
	if err != nil {
		return nil, fhir.Wrap("exchange.child", err)
	}
	id = strings.Clone(id) // it may stand in the text of a write, which the policy outlives
	m := auth.Material{Compartment: id, Epoch: state.Epoch}
	for _, st := range stored {
		r, err := tree(st)
		if err != nil {
			return nil, err
		}
		m.Resources = append(m.Resources, auth.Stored{Resource: r, Facts: st.Facts})
	}
	c = auth.NewChild(m)
	w.s.memory.keep(id, state.Epoch, c)
	w.children[id], w.states[id] = c, state
	return c, nil
}

// relied returns the policy that was looked at, so that a write fails when it moves before the
// write is durable.
func (w *world) relied() []Reliance {
	var out []Reliance
	for id, state := range w.states {
		out = append(out, Reliance{Compartment: id, State: state, EpochOnly: true})
	}
	return out
}

// directory compiles the organisations, staff and persons that policy asked for so far. A missing
// one is left out: policy then knows nothing of it. Persons are not in the directory's epoch: who
// asks for one compiles for this request alone.
func (w *world) directory(needs []fhir.Ref) (*auth.Directory, error) {
	const op = "exchange.directory"
	if w.people == nil {
		state, err := w.v.State(DirectoryCompartment)
		if err != nil {
			return nil, fhir.Wrap(op, err)
		}
		p := w.s.memory.directory(state.Epoch)
		w.people = &p
	}
	more, shared := map[fhir.Ref]*fhir.Resource{}, true
	for _, ref := range needs {
		if _, ok := w.people.resources[ref]; ok || ref.IsZero() {
			continue
		}
		st, err := w.v.Read(ref)
		if err != nil && !missing(err) {
			return nil, fhir.Wrap(op, err)
		}
		ref = apart(ref)
		more[ref] = nil
		if err == nil {
			if more[ref], err = tree(st); err != nil {
				return nil, err
			}
		}
		shared = shared && ref.Type != "Person"
	}
	if len(more) > 0 || w.people.compiled == nil {
		p := w.people.with(more)
		w.people = &p
		w.own = w.own || !shared
		if !w.own {
			w.s.memory.know(p)
		}
	}
	return w.people.compiled, nil
}

// decide judges one action on one resource, or phase A when rf is nil.
func (w *world) decide(p auth.Principal, a auth.Action, rf *auth.ResourceFacts) (d auth.Decision, err error) {
	defer w.closed(&err)
	from := w.on.clock()
	f, err := w.facts(p, a, rf)
	if err != nil {
		return auth.Decision{}, unavailable("exchange.decide", "policy-unavailable", err)
	}
	d = auth.Decide(p, a, f)
	w.s.meters.Decided(d)
	w.on.add(onDecide, from, Step{Type: a.Type, Interaction: a.Interaction, Rule: d.Reason, Count: 1, Refused: !d.Permit, Failed: w.broken != nil})
	return d, w.broken
}

// closed turns a panic of policy into an answer that is recorded as every other (access.md 9). What panicked
// may hold what nobody may read: its type alone is told, and where it was.
func (w *world) closed(err *error) {
	p := recover()
	if p == nil {
		return
	}
	w.s.log.Error("panic in policy", "stack", string(debug.Stack()))
	*err = unavailable("exchange.decide", "policy-unavailable", fmt.Errorf("panic with a %T", p))
}

// tree parses a stored version as it is served. One that does not parse is a fault of the store.
func tree(st Stored) (*fhir.Resource, error) {
	return Served{Ref: st.Ref, Body: fhir.Serve(st.Body, st.MetaAt, st.Ref.Version, st.Updated)}.tree()
}

// missing reports whether err says that a resource is absent or deleted.
func missing(err error) bool {
	k := fhir.KindOf(err)
	return k == fhir.NotFound || k == fhir.Gone
}
