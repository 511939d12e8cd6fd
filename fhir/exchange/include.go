package exchange

import (
	"slices"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/search"
)

// Bounds of what one page includes.
const (
	maxIncluded = 1000 // resources
	maxRounds   = 5    // steps of :iterate
	maxTargets  = 200  // resources to which references are sought at once
)

// including gathers what _include and _revinclude ask for. Each resource is decided on by itself, as
// an include: without scope or hidden it is absent (access.md 6.1).
type including struct {
	s     *Service
	w     *world
	v     Snapshot
	e     *event
	base  string
	seen  map[fhir.Ref]bool
	may   map[fhir.Type]bool // phase A
	named []string           // patients that the query names
	found []Served
	cut   bool
}

// include adds to the results what the plan includes beside them.
func (s *Service) include(w *world, v Snapshot, e *event, plan *search.Plan, out *Results) error {
	if len(plan.Include) == 0 || len(out.Matches) == 0 {
		return nil
	}
	g := including{s: s, w: w, v: v, e: e, base: s.base, seen: map[fhir.Ref]bool{}, may: map[fhir.Type]bool{}}
	g.named, _ = pinnedPatients(*plan)
	for _, m := range out.Matches {
		g.seen[m.Ref.Current()] = true
	}
	from := out.Matches
	for round := 0; len(from) > 0 && !g.cut; round++ {
		before := len(g.found)
		for _, inc := range plan.Include {
			if round > 0 && !inc.Iterate {
				continue
			}
			if round == maxRounds {
				g.cut = true
				break
			}
			if err := g.from(from, inc); err != nil {
				return err
			}
		}
		from = g.found[before:]
	}
	out.Included, out.Cut = g.found, g.cut
	return nil
}

// from follows one include from some resources.
func (g *including) from(from []Served, inc search.Include) error {
	if inc.Back {
		return g.referring(from, inc)
	}
	for _, m := range from {
		if inc.Source != "" && m.Ref.Type != inc.Source {
			continue
		}
		r, err := m.tree() // as it leaves: what is withheld leads nowhere
		if err != nil {
			return err
		}
		refs, err := search.References(r, g.base, inc.Param)
		if err != nil {
			return fhir.Wrap("exchange.include", err)
		}
		for _, ref := range refs {
			if inc.Target != "" && ref.Type != inc.Target {
				continue
			}
			if err := g.take(ref); err != nil {
				return err
			}
		}
	}
	return nil
}

// take includes one resource that is referred to.
func (g *including) take(ref fhir.Ref) error {
	may, err := g.allowed(ref.Type)
	if err != nil || g.seen[ref] || !may {
		return err
	}
	g.seen[ref] = true
	st, err := g.v.Read(ref)
	if missing(err) {
		return nil
	}
	if err != nil {
		return unavailable("exchange.include", "policy-unavailable", err)
	}
	_, err = g.add(st, func(Served) (bool, error) { return true, nil })
	return err
}

// refersTo reports whether a resource shows a reference to one of the targets: what is withheld
// brings nothing.
func (g *including) refersTo(s Served, param string, targets []search.Value) (bool, error) {
	if !s.Reduced {
		return true, nil
	}
	r, err := s.tree()
	if err != nil {
		return false, err
	}
	refs, err := search.References(r, g.base, param)
	return slices.ContainsFunc(refs, func(ref fhir.Ref) bool {
		return slices.ContainsFunc(targets, func(v search.Value) bool { return v.System == string(ref.Type) && v.Value == ref.ID })
	}), err
}

// allowed is phase A of an include.
func (g *including) allowed(t fhir.Type) (bool, error) {
	may, known := g.may[t]
	if known {
		return may, nil
	}
	d, err := g.w.decide(g.e.call.Principal, auth.Action{Interaction: auth.Include, Type: t}, nil)
	g.may[t] = d.Permit
	return d.Permit, err
}

// add decides on a resource and includes it, if it is still wanted as it leaves.
func (g *including) add(st Stored, wanted func(Served) (bool, error)) (auth.Decision, error) {
	d, err := g.w.decide(g.e.call.Principal, auth.Action{Interaction: auth.Include, Type: st.Ref.Type}, &st.Facts)
	if err != nil || !d.Permit {
		return d, err
	}
	served, err := g.w.serve(g.e.call.Principal, st, d)
	if err != nil {
		return d, err
	}
	if ok, err := wanted(served); err != nil || !ok {
		return d, err
	}
	if len(g.found) == maxIncluded {
		g.cut = true
		return d, nil
	}
	g.e.saw(st, d)
	g.found = append(g.found, served)
	return d, nil
}

// referring includes the resources that refer to some others.
func (g *including) referring(to []Served, inc search.Include) error {
	may, err := g.allowed(inc.Source)
	if err != nil || !may {
		return err
	}
	targets, of := g.targets(to, inc)
	if len(targets) == 0 {
		return nil
	}
	filter, d, err := g.w.compile(g.v, g.e.call.Principal, auth.Action{Interaction: auth.Include, Type: inc.Source}, of)
	if err != nil || !d.Permit {
		return err
	}
	for some := range slices.Chunk(targets, maxTargets) {
		if err := g.referringTo(some, inc, filter); err != nil {
			return err
		}
	}
	return nil
}

// referringTo includes what refers to a few targets.
func (g *including) referringTo(targets []search.Value, inc search.Include, filter auth.Filter) error {
	shown := func(s Served) (bool, error) { return g.refersTo(s, inc.Param, targets) }
	plan := search.Plan{Type: inc.Source, Where: []search.Clause{search.Referring(inc.Source, inc.Param, targets)}}
	for plan.Count = maxIncluded; !g.cut; { // with what is included already, two pages may be needed
		page, err := g.v.Search(plan, filter)
		if err != nil {
			return err
		}
		for _, st := range page.Matches {
			ref := st.Ref.Current()
			if g.seen[ref] {
				continue
			}
			g.seen[ref] = true
			d, err := g.add(st, shown)
			if err != nil {
				return err
			}
			if !d.Permit { // the filter was of this very action
				g.e.leaked(g.s, st, d)
			}
		}
		if plan.Cursor = page.Next; plan.Cursor == "" {
			break
		}
	}
	return nil
}

// targets returns what an include asks references to, and whom what refers to it is about.
func (g *including) targets(to []Served, inc search.Include) ([]search.Value, about) {
	var targets []search.Value
	of := about{pinned: true, strays: !naming[inc.Param]}
	for _, m := range to {
		if inc.Target == "" || m.Ref.Type == inc.Target {
			targets = append(targets, search.Value{System: string(m.Ref.Type), Value: m.Ref.ID})
			of.ids = append(of.ids, m.Ref.ID)
			of.pinned = of.pinned && m.Ref.Type == "Patient"
		}
	}
	if !of.pinned {
		of.ids = g.named
	}
	return targets, of
}
