package coordination

import (
	"slices"
	"strings"

	"github.com/drieluik/drieluik/fhir"
)

// intervention is something that is done, or is to be done, for the child by one organisation. Tables share it.
type intervention struct {
	*setting
	ref      string
	activity bool     // else a request
	org      fhir.Ref // zero: nobody's
	needs    []string
	codes    []Coding
	days     span
	authored day
	urgent   bool
	stop     bool // doNotPerform
	held     bool
	minutes  int // -1: not known
}

// setting is what all interventions that one resource carries have in common.
type setting struct {
	carrier     fhir.Ref
	plans       []fhir.Ref // the plan, or that at the top of it
	shown       fhir.Ref   // the highest active one of them
	teams       []fhir.Ref // active ones
	requisition string
	names       []string
	ancestors   []fhir.Ref
}

// same reports whether two readings of an intervention are one to the rules.
func (x *intervention) same(y *intervention) bool {
	return x.activity == y.activity && x.org == y.org && x.days == y.days && x.authored == y.authored &&
		x.urgent == y.urgent && x.stop == y.stop && x.held == y.held && x.minutes == y.minutes && x.shown == y.shown &&
		x.requisition == y.requisition &&
		slices.Equal(x.needs, y.needs) && slices.Equal(x.codes, y.codes) && slices.Equal(x.plans, y.plans) &&
		slices.Equal(x.teams, y.teams) && slices.Equal(x.names, y.names) && slices.Equal(x.ancestors, y.ancestors)
}

// maker makes the interventions of one carrier, and remembers what it looked at.
type maker struct {
	t       *Table
	carrier fhir.Ref
	used    []fhir.Ref
	made    []*intervention
}

// use returns the facts of a resource that the interventions hang on, there or not.
func (m *maker) use(ref fhir.Ref) *source {
	if ref != m.carrier && !slices.Contains(m.used, ref) {
		m.used = append(m.used, ref)
	}
	return m.t.fact(ref)
}

func (m *maker) make() {
	s := m.t.fact(m.carrier)
	switch {
	case s == nil:
	case s.request != nil:
		m.request(s)
	case s.plan != nil:
		m.plan(s)
	}
}

// requested are the statuses of a request that is an intervention.
var requested = []string{"draft", "active", "on-hold"}

func (m *maker) request(s *source) {
	if !slices.Contains(requested, s.status) {
		return
	}
	q := s.request
	x := &intervention{
		setting: &setting{carrier: s.ref, requisition: q.requisition, names: s.names, ancestors: m.ancestors(s)},
		ref:     s.ref.String(), org: m.org(q.performer), needs: m.groups(nil, s.reasons), codes: s.codes,
		days: q.days, authored: q.authored, urgent: q.urgent, stop: q.stop,
	}
	for _, ref := range m.t.orderers[s.ref] {
		if p := m.use(ref); p != nil && p.plan != nil && p.status == "active" {
			chain := m.chain(p)
			x.plans = append(x.plans, p.ref, chain[len(chain)-1].ref)
			x.teams = append(x.teams, m.teams(chain)...)
		}
	}
	x.plans, x.teams = refSet(x.plans), refSet(x.teams)
	m.made = append(m.made, x)
}

func (m *maker) plan(s *source) {
	if s.status != "active" || s.plan.silent || len(s.plan.activities) == 0 {
		return
	}
	chain := m.chain(s)
	author := m.author(chain)
	common := &setting{
		carrier: s.ref, plans: []fhir.Ref{chain[len(chain)-1].ref}, shown: s.ref,
		teams: refSet(m.teams(chain)), names: s.names, ancestors: m.ancestors(s),
	}
	for _, p := range chain {
		if p.status == "active" {
			common.shown = p.ref
		}
	}
	var addressed []string
	for _, ref := range s.plan.addresses {
		addressed = m.condition(addressed, ref)
	}
	addressed = set(addressed)
	for _, a := range s.plan.activities {
		x := &intervention{
			setting: common, ref: a.ref, activity: true, org: author, needs: m.groups(nil, a.reasons), codes: a.codes,
			days: a.days, authored: noDay, stop: a.stop, held: a.held, minutes: a.minutes,
		}
		if len(a.reasons) == 0 {
			x.needs = addressed
		}
		if a.performed {
			x.org = m.org(a.performer)
		}
		if s.plan.private {
			x.org = fhir.Ref{}
		}
		m.made = append(m.made, x)
	}
}

// org returns the organisation for which a performer acts, zero for a person of the family or nobody known.
func (m *maker) org(ref fhir.Ref) fhir.Ref {
	if ref.Type == "Organization" || ref.IsZero() {
		return ref
	}
	if s := m.use(ref); s != nil {
		return s.org
	}
	return fhir.Ref{}
}

// author returns for whom the author of a plan acts, else that of the plan that it is part of.
func (m *maker) author(chain []*source) fhir.Ref {
	for _, p := range chain {
		if !p.plan.author.IsZero() {
			return m.org(p.plan.author)
		}
	}
	return fhir.Ref{}
}

// chain returns a plan and those that it is part of, up to the top.
func (m *maker) chain(s *source) []*source {
	out := []*source{s}
	for {
		up := out[len(out)-1].plan.partOf
		if up.IsZero() {
			return out
		}
		next := m.use(up)
		if next == nil || next.plan == nil || slices.Contains(out, next) {
			return out
		}
		out = append(out, next)
	}
}

// teams returns the active teams of a plan and of the one at the top.
func (m *maker) teams(chain []*source) []fhir.Ref {
	refs := slices.Clone(chain[0].plan.teams)
	if top := chain[len(chain)-1]; top != chain[0] {
		refs = append(refs, top.plan.teams...)
	}
	return slices.DeleteFunc(refs, func(ref fhir.Ref) bool {
		s := m.use(ref)
		return s == nil || s.team == nil || s.status != "active"
	})
}

// groups adds the groups of codings.
func (m *maker) groups(to []string, codings []Coding) []string {
	for _, c := range codings {
		to = append(to, m.t.groups.of(c)...)
	}
	return set(to)
}

// condition adds the groups of a Condition: by its own codes, and by those of its evidence.
func (m *maker) condition(to []string, ref fhir.Ref) []string {
	s := m.use(ref)
	if s == nil {
		return to
	}
	to = m.groups(to, s.codes)
	for _, e := range s.refs {
		if evidence := m.use(e); evidence != nil && evidence.ref.Type == "Condition" {
			to = m.groups(to, evidence.codes)
		}
	}
	return to
}

// ancestors returns all that a resource comes from, directly or not, sorted.
func (m *maker) ancestors(s *source) []fhir.Ref {
	var out []fhir.Ref
	open := slices.Clone(s.up)
	for len(open) > 0 {
		ref := open[0]
		open = open[1:]
		if slices.Contains(out, ref) {
			continue
		}
		out = append(out, ref)
		if up := m.use(ref); up != nil {
			open = append(open, up.up...)
		}
	}
	return refSet(out)
}

// set sorts texts and leaves each once.
func set(values []string) []string {
	slices.Sort(values)
	return slices.Compact(values)
}

// refSet sorts references and leaves each once.
func refSet(refs []fhir.Ref) []fhir.Ref {
	slices.SortFunc(refs, compareRefs)
	return slices.Compact(refs)
}

func compareRefs(a, b fhir.Ref) int {
	if c := strings.Compare(string(a.Type), string(b.Type)); c != 0 {
		return c
	}
	return strings.Compare(a.ID, b.ID)
}

// meet returns what two sorted sets have in common.
func meet[T comparable](a, b []T) []T {
	var out []T
	for _, v := range a {
		if slices.Contains(b, v) {
			out = append(out, v)
		}
	}
	return out
}
