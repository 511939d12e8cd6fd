package exchange

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/search"
)

// about says whose resources a search of one type can find.
type about struct {
	ids    []string // patients that the query names
	pinned bool     // every match is about one of them, or refers to one
	strays bool     // some may be about others, and refer to one
}

// filters compiles the decision on an interaction with each type that the plan searches, and on the
// search of each type that its chains pass through (access.md 6.1). The Decision is the first refusal,
// else that of the type searched. Of a plan that searches what is granted, types without a scope are
// taken out.
func (w *world) filters(v Snapshot, p auth.Principal, i auth.Interaction, plan *search.Plan) (auth.Filter, auth.Decision, error) {
	alias(plan)
	own := map[fhir.Type]auth.Filter{}
	searched, passed := reachOf(plan)
	var parts []search.Part
	var said auth.Decision
	for _, part := range plan.All() {
		a := searched[part.Type]
		f, d, err := w.compile(v, p, auth.Action{Interaction: i, Type: part.Type}, a)
		switch {
		case err != nil:
			return auth.Filter{}, d, err
		case !d.Permit && plan.Granted && d.Reason == "scope-missing" && part.Type != plan.Within.Type:
			said = last(said, d)
			continue
		case !d.Permit:
			return auth.Filter{}, d, nil
		}
		said = last(said, d)
		own[part.Type] = f
		parts = append(parts, part)
	}
	if plan.Parts != nil {
		plan.Parts = parts
	}
	if d, err := w.identifies(p, plan.All()); err != nil || !d.Permit {
		return auth.Filter{}, d, err
	}
	via, d, err := w.via(v, p, passed)
	if err != nil || !d.Permit {
		return auth.Filter{}, d, err
	}
	if err := w.settle(p, plan, own, via); err != nil {
		return auth.Filter{}, said, err
	}
	if plan.Type == "" {
		maps.Copy(via, own)
	}
	out := own[plan.Type]
	out.Via = via
	return out, said, nil
}

// reachOf returns whose resources a plan can find, by type searched and by type passed through. Of
// several types that are searched, those that are passed through too have one filter for both.
func reachOf(plan *search.Plan) (searched, passed map[fhir.Type]about) {
	searched, passed = map[fhir.Type]about{}, map[fhir.Type]about{}
	for _, part := range plan.All() {
		a := aboutOf(part.Type, part.Where)
		searched[part.Type] = a
		for i := range part.Where {
			pass(passed, part.Type, a, &part.Where[i])
		}
	}
	for t, a := range searched {
		if b, ok := passed[t]; ok && plan.Type == "" {
			searched[t] = a.with(b)
			delete(passed, t)
		}
	}
	return searched, passed
}

// with returns what a or b can find.
func (a about) with(b about) about {
	return about{ids: append(slices.Clip(a.ids), b.ids...), pinned: a.pinned && b.pinned, strays: a.strays || b.strays}
}

// last returns the decision to tell of: a permit stands before a refusal.
func last(said, d auth.Decision) auth.Decision {
	if said.Permit {
		return said
	}
	return d
}

// identifies refuses a condition on the identifier behind a reference to who may search none of the
// types that it refers to (access.md 6.1).
func (w *world) identifies(p auth.Principal, parts []search.Part) (auth.Decision, error) {
	for _, part := range parts {
		for i := range part.Where {
			if d, err := w.identifiesIn(p, part.Type, &part.Where[i]); err != nil || !d.Permit {
				return d, err
			}
		}
	}
	return auth.Decision{Permit: true}, nil
}

func (w *world) identifiesIn(p auth.Principal, t fhir.Type, c *search.Clause) (auth.Decision, error) {
	d := auth.Decision{Permit: true}
	var err error
	for i := 0; i < len(c.Any) && d.Permit && err == nil; i++ {
		d, err = w.identifiesIn(p, t, &c.Any[i])
	}
	for i := 0; i < len(c.Hops) && d.Permit && err == nil; i++ {
		d, err = w.identifiesIn(p, c.Hops[i].Type, &c.Hops[i].Where)
	}
	if c.Modifier != "identifier" || c.Kind != search.Reference {
		return d, err
	}
	for _, target := range search.Targets(t, c.Param) {
		if d, err = w.decide(p, auth.Action{Interaction: auth.SearchType, Type: target}, nil); err != nil || d.Permit {
			return d, err
		}
	}
	return d, err
}

// via compiles the types that chains pass through.
func (w *world) via(v Snapshot, p auth.Principal, passed map[fhir.Type]about) (map[fhir.Type]auth.Filter, auth.Decision, error) {
	out := map[fhir.Type]auth.Filter{}
	for t, a := range passed {
		f, d, err := w.compile(v, p, auth.Action{Interaction: auth.SearchType, Type: t}, a)
		if err != nil || !d.Permit {
			return nil, d, err
		}
		out[t] = f
	}
	return out, auth.Decision{Permit: true}, nil
}

// pass adds the types that a clause on resources of type t passes through.
func pass(passed map[fhir.Type]about, t fhir.Type, a about, c *search.Clause) {
	for i := range c.Any {
		pass(passed, t, a, &c.Any[i])
	}
	for i := range c.Hops {
		hop := &c.Hops[i]
		there := about{ids: a.ids, pinned: a.pinned && samePatient(t, c.Param, hop), strays: a.strays || !naming[hop.Back]}
		if before, seen := passed[hop.Type]; seen {
			there = there.with(before)
		}
		passed[hop.Type] = there
		pass(passed, hop.Type, there, &hop.Where)
	}
}

// samePatient reports whether what lies behind a hop is about the same patient, or refers to it.
func samePatient(t fhir.Type, param string, hop *search.Hop) bool {
	if hop.Back != "" {
		return t == "Patient"
	}
	return hop.Type == "Patient" && naming[param]
}

// compile compiles the decision on a type.
func (w *world) compile(v Snapshot, p auth.Principal, a auth.Action, of about) (filter auth.Filter, d auth.Decision, err error) {
	defer w.closed(&err)
	f, err := w.searchFacts(p, a, of)
	if err != nil {
		return auth.Filter{}, auth.Decision{}, err
	}
	every := auth.NeedsAll(p, a)
	var viewed []auth.Reduction
	filter, d, err = auth.Compile(p, a, f, func(c *auth.Child) ([]auth.ResourceFacts, error) {
		if every {
			return w.everything(c.Patient.ID)
		}
		rows, err := w.heads(v, c.Patient.ID, a.Type)
		viewed = append(viewed, viewedOf(rows)...)
		return rows, err
	})
	for _, r := range viewed {
		if slices.ContainsFunc(slices.Collect(maps.Values(filter.Visible)), func(ids []string) bool { return slices.Contains(ids, r.Ref.ID) }) {
			filter.Reduced = append(filter.Reduced, r)
		}
	}
	return filter, d, cmp.Or(err, w.broken)
}

// heads returns the facts of a type in the compartment of a child whose policy was looked at.
func (w *world) heads(v Lookups, id string, t fhir.Type) ([]auth.ResourceFacts, error) {
	state, known := w.states[id]
	k := headsKey{id, t}
	if facts, ok := w.s.memory.factsOf(k, state.Writes); ok && known {
		return facts, nil
	}
	facts, err := v.Heads(id, t)
	if err == nil && known {
		w.s.memory.keepFacts(headsKey{strings.Clone(id), t}, keptHeads{state.Writes, facts})
	}
	return facts, err
}

// searchFacts gathers the children that a search can reach by relation or consent: those the query
// names when all it finds is about them, else all to whom the principal is related. An Appointment
// may be about further children, who have to permit too.
func (w *world) searchFacts(p auth.Principal, a auth.Action, of about) (auth.Facts, error) {
	ids, pinned := of.ids, of.pinned && a.Type != "Appointment"
	switch {
	case auth.OnlyOwnPatient(p, a):
		ids, pinned = nil, true
	case auth.IsDirectory(a.Type) && !auth.NeedsAll(p, a):
		pinned = true
	}
	if pinned && of.strays {
		for _, id := range of.ids {
			more, err := w.v.Strays(a.Type, id)
			if err != nil {
				return auth.Facts{}, err
			}
			for _, name := range more {
				if !patientOf(name).IsZero() {
					ids = append(slices.Clip(ids), name)
				}
			}
		}
	}
	if !pinned {
		all, err := w.related(p)
		if err != nil {
			return auth.Facts{}, err
		}
		ids = append(append([]string{}, ids...), all...)
	}
	return w.policy(p, ids, nil)
}

// related returns the compartments in which a team, task or consent names the principal, and those
// of the persons that the principal is.
func (w *world) related(p auth.Principal) ([]string, error) {
	var out []string
	for _, party := range []fhir.Ref{p.Organization, p.FHIRUser} {
		if party.IsZero() {
			continue
		}
		ids, err := w.v.Related(party)
		if err != nil {
			return nil, err
		}
		out = append(out, ids...)
	}
	selves := []fhir.Ref{p.FHIRUser}
	if p.FHIRUser.Type == "Person" {
		st, err := w.v.Read(p.FHIRUser)
		if err != nil && !missing(err) {
			return nil, err
		}
		selves = st.Facts.Refs
	}
	for _, self := range selves {
		if self.Type != "RelatedPerson" && self.Type != "Patient" {
			continue
		}
		st, err := w.v.Read(self)
		if err != nil && !missing(err) {
			return nil, err
		}
		for _, patient := range st.Facts.Patients {
			out = append(out, patient.ID)
		}
	}
	return out, nil
}

// naming are the parameters that name the patient a resource is about.
var naming = map[string]bool{"patient": true, "subject": true}

// pinnedPatients returns the patients that a plan names, and whether every match is about one of them.
func pinnedPatients(plan search.Plan) ([]string, bool) {
	var ids []string
	pinned := true
	for _, part := range plan.All() {
		a := aboutOf(part.Type, part.Where)
		ids, pinned = append(ids, a.ids...), pinned && a.pinned && !a.strays
	}
	return ids, pinned
}

// aboutOf returns the patients that the conditions on a type name.
func aboutOf(t fhir.Type, where []search.Clause) about {
	var out about
	for i := range where {
		ids, strays, ok := namedBy(t, &where[i])
		if ok && !strays {
			return about{ids: ids, pinned: true}
		}
		if ok && !out.pinned {
			out = about{ids: ids, pinned: true, strays: true}
		}
	}
	return out
}

// namedBy returns the patients that every match of a clause is about; with strays, or refers to.
// False when it does not say.
func namedBy(t fhir.Type, c *search.Clause) (ids []string, strays, ok bool) {
	switch {
	case c.Any != nil:
		for i := range c.Any {
			more, stray, ok := namedBy(t, &c.Any[i])
			if !ok {
				return nil, false, false
			}
			ids, strays = append(ids, more...), strays || stray
		}
		return ids, strays, true
	case c.Hops != nil:
		for i := range c.Hops {
			hop := &c.Hops[i]
			more, _, ok := namedBy(hop.Type, &hop.Where)
			if !ok || hop.Back != "" || hop.Type != "Patient" || hop.Where.Param != "_id" {
				return nil, false, false
			}
			ids, strays = append(ids, more...), strays || !naming[c.Param]
		}
		return ids, strays, true
	case c.Modifier != "" && c.Modifier != "Patient":
		return nil, false, false
	}
	for _, v := range c.Values {
		switch {
		case c.Param == "_id" && t == "Patient",
			c.Kind == search.Reference && v.System == "Patient",
			c.Param == "patient" && v.System == "" && fhir.ValidID(v.Value):
			ids = append(ids, v.Value)
		}
	}
	return ids, c.Param != "_id" && !naming[c.Param], len(ids) > 0 && len(ids) == len(c.Values)
}

// patientOf is the child of a compartment; zero for one that is of no child.
func patientOf(compartment string) fhir.Ref {
	if compartment == "" || strings.HasPrefix(compartment, "_") {
		return fhir.Ref{}
	}
	return fhir.Ref{Type: "Patient", ID: compartment}
}
