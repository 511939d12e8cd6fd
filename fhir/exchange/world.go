package exchange

import (
	"slices"
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
	people   map[fhir.Ref]*fhir.Resource // organisations and staff that policy asked for
}

func (s *Service) world(v Lookups) *world {
	return &world{s: s, v: v, now: s.now(), children: map[string]*auth.Child{}, people: map[fhir.Ref]*fhir.Resource{}}
}

// facts gathers what Decide needs for a resource, or for phase A when rf is nil.
func (w *world) facts(p auth.Principal, rf *auth.ResourceFacts) (auth.Facts, error) {
	f := auth.Facts{Now: w.now, Settings: w.s.settings, Resource: rf}
	patients := []fhir.Ref{}
	if rf != nil {
		patients = rf.Patients
	} else if !p.Patient.IsZero() {
		patients = append(patients, p.Patient)
	}
	needs := []fhir.Ref{}
	if !p.Organization.IsZero() {
		needs = append(needs, p.Organization)
	}
	if rf != nil && !rf.Custodian.IsZero() {
		needs = append(needs, rf.Custodian)
	}
	for _, ref := range patients {
		c, err := w.child(ref.ID)
		if err != nil {
			return f, err
		}
		f.Children = append(f.Children, c)
		needs = append(needs, c.DirectoryNeeds()...)
	}
	dir, err := w.directory(needs)
	f.Directory = dir
	return f, err
}

// child compiles the policy of one compartment, once per request.
func (w *world) child(id string) (*auth.Child, error) {
	if c, ok := w.children[id]; ok {
		return c, nil
	}
	stored, state, err := w.v.Compartment(id, auth.FactTypes[:]...)
	if err != nil {
		return nil, fhir.Wrap("exchange.child", err)
	}
	m := auth.Material{Compartment: id, Epoch: state.Epoch}
	for _, st := range stored {
		r, err := tree(st)
		if err != nil {
			return nil, err
		}
		m.Resources = append(m.Resources, auth.Stored{Resource: r, Facts: st.Facts})
	}
	c := auth.NewChild(m)
	w.children[id] = c
	return c, nil
}

// directory reads the organisations and staff that policy asked for. A missing one is left out:
// policy then knows nothing of it.
func (w *world) directory(needs []fhir.Ref) (*auth.Directory, error) {
	slices.SortFunc(needs, compareRefs)
	needs = slices.Compact(needs)
	rs := make([]*fhir.Resource, 0, len(needs))
	for _, ref := range needs {
		if ref.IsZero() {
			continue
		}
		r, ok := w.people[ref]
		if !ok {
			st, err := w.v.Read(ref)
			if err != nil && !missing(err) {
				return nil, fhir.Wrap("exchange.directory", err)
			}
			if err == nil {
				if r, err = tree(st); err != nil {
					return nil, err
				}
			}
			w.people[ref] = r
		}
		if r != nil {
			rs = append(rs, r)
		}
	}
	return auth.NewDirectory(rs), nil
}

// decide judges one action on one resource, or phase A when rf is nil.
func (w *world) decide(p auth.Principal, a auth.Action, rf *auth.ResourceFacts) (auth.Decision, error) {
	f, err := w.facts(p, rf)
	if err != nil {
		return auth.Decision{}, unavailable("exchange.decide", "policy-unavailable", err)
	}
	return auth.Decide(p, a, f), nil
}

// tree parses a stored version as it is served. One that does not parse is a fault of the store.
func tree(st Stored) (*fhir.Resource, error) {
	r, issues := fhir.Parse(fhir.Serve(st.Body, st.MetaAt, st.Ref.Version, st.Updated), fhir.Limits{})
	if fhir.HasErrors(issues) {
		return nil, &fhir.Error{Kind: fhir.Internal, Op: "exchange.tree " + st.Ref.String()}
	}
	return r, nil
}

// missing reports whether err says that a resource is absent or deleted.
func missing(err error) bool {
	k := fhir.KindOf(err)
	return k == fhir.NotFound || k == fhir.Gone
}

func compareRefs(a, b fhir.Ref) int {
	switch {
	case a.Type != b.Type && a.Type < b.Type, a.Type == b.Type && a.ID < b.ID:
		return -1
	case a.Current() == b.Current():
		return a.Version - b.Version
	}
	return 1
}
