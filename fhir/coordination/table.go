package coordination

import (
	"slices"
	"time"

	"github.com/drieluik/drieluik/fhir"
)

// Table holds the facts of one child and what the rules say of them. It follows writes: one that touches k
// of n interventions costs k·n pairs, and what it says is what a table made of the same resources says. It
// is not safe for concurrent use.
type Table struct {
	patient fhir.Ref
	s       Settings
	groups  *Groups

	sources  map[fhir.Ref]*source
	blocked  map[fhir.Ref]int                   // by how many Consents
	carried  map[fhir.Ref][]*intervention       // by the resource that carries them
	users    map[fhir.Ref]map[fhir.Ref]struct{} // by a resource: the carriers that were made with it
	uses     map[fhir.Ref][]fhir.Ref            // by a carrier: what it was made with
	orderers map[fhir.Ref]map[fhir.Ref]struct{} // by a request: the plans of which it is an activity
	all      map[string]*intervention           // by ref
	issues   map[string][]*issue                // by what they implicate
	seen     map[reading]time.Time

	pairs  []*pair               // by what stands in them
	spare  []*pair               // room for the next list of them
	found  []Finding             // room for what is found
	stale  map[fhir.Ref]struct{} // carriers to be made anew
	doubt  map[string]struct{}   // interventions whose pairs are to be judged anew
	clash  bool                  // appointments have changed
	visits []Finding             // O6 of the appointments as they are
	today  day
	turn   int
}

// reading is who has read what.
type reading struct {
	org      fhir.Ref
	resource fhir.Ref
}

// NewTable returns the empty table of a child.
func NewTable(patient fhir.Ref, s Settings, g *Groups) *Table {
	return &Table{
		patient: patient.Current(), s: s, groups: g, today: noDay,
		sources: map[fhir.Ref]*source{}, blocked: map[fhir.Ref]int{}, carried: map[fhir.Ref][]*intervention{},
		users: map[fhir.Ref]map[fhir.Ref]struct{}{}, uses: map[fhir.Ref][]fhir.Ref{}, orderers: map[fhir.Ref]map[fhir.Ref]struct{}{},
		all: map[string]*intervention{}, issues: map[string][]*issue{}, seen: map[reading]time.Time{},
		stale: map[fhir.Ref]struct{}{}, doubt: map[string]struct{}{},
	}
}

// Put takes resources as they are now: those of Types of the child, and staff that they name. Resources of
// another child or type are passed over.
func (t *Table) Put(rs ...*fhir.Resource) {
	for _, r := range rs {
		s := read(r, t.patient, t.s.Zone)
		ref := r.Ref()
		if s != nil {
			ref = s.ref
		}
		t.replace(ref, s)
	}
}

// Remove takes away resources that are there no longer.
func (t *Table) Remove(refs ...fhir.Ref) {
	for _, ref := range refs {
		t.replace(ref.Current(), nil)
	}
}

// Read notes that an organisation has read a resource at an instant: who reads what the other does knows of it.
func (t *Table) Read(org, resource fhir.Ref, at time.Time) {
	k := reading{org.Current(), resource.Current()}
	if !at.After(t.seen[k]) {
		return
	}
	t.seen[k] = at
	t.touch(k.resource)
}

// Wants returns the staff that interventions name and the table does not hold, sorted.
func (t *Table) Wants() []fhir.Ref {
	t.derive()
	var out []fhir.Ref
	for ref := range t.users {
		if _, ok := t.sources[ref]; !ok && (ref.Type == "PractitionerRole" || ref.Type == "HealthcareService") {
			out = append(out, ref)
		}
	}
	slices.SortFunc(out, compareRefs)
	return out
}

// replace puts s in the place of what stood under ref, nil for nothing, and marks what depends on it.
func (t *Table) replace(ref fhir.Ref, s *source) {
	old := t.sources[ref]
	if old == nil && s == nil {
		return
	}
	if s == nil {
		delete(t.sources, ref)
	} else {
		t.sources[ref] = s
	}
	t.mark(ref)
	t.block(old, -1)
	t.block(s, 1)
	t.order(old, false)
	t.order(s, true)
	t.note(old, false)
	t.note(s, true)
	t.clash = t.clash || ref.Type == "Appointment"
}

// mark makes what is made of a resource stale.
func (t *Table) mark(ref fhir.Ref) {
	t.stale[ref] = struct{}{}
	for carrier := range t.users[ref] {
		t.stale[carrier] = struct{}{}
	}
	t.clash = t.clash || ref.Type == "Appointment"
}

// touch makes the pairs of what a resource carries doubtful.
func (t *Table) touch(ref fhir.Ref) {
	for _, x := range t.carried[ref] {
		t.doubt[x.ref] = struct{}{}
	}
}

// block counts what a Consent blocks, by one more or less.
func (t *Table) block(s *source, by int) {
	if s == nil || s.ref.Type != "Consent" {
		return
	}
	for _, ref := range s.refs {
		if t.blocked[ref] += by; t.blocked[ref] == 0 {
			delete(t.blocked, ref)
		}
		t.mark(ref)
	}
}

// order remembers of which requests a plan is made.
func (t *Table) order(s *source, is bool) {
	if s == nil || s.plan == nil {
		return
	}
	for _, ref := range s.plan.orders {
		if t.orderers[ref] == nil {
			t.orderers[ref] = map[fhir.Ref]struct{}{}
		}
		if is {
			t.orderers[ref][s.ref] = struct{}{}
		} else {
			delete(t.orderers[ref], s.ref)
		}
		t.mark(ref)
	}
}

// note files an issue under what it implicates.
func (t *Table) note(s *source, is bool) {
	if s == nil || s.issue == nil || s.issue.mitigated.IsZero() {
		return
	}
	for _, name := range s.issue.implicated {
		if is {
			t.issues[name] = append(t.issues[name], s.issue)
		} else {
			t.issues[name] = slices.DeleteFunc(t.issues[name], func(i *issue) bool { return i == s.issue })
		}
		t.doubt[name] = struct{}{}
	}
}

// fact returns the facts of a resource, nil when it is not there or blocked.
func (t *Table) fact(ref fhir.Ref) *source {
	if t.blocked[ref] > 0 {
		return nil
	}
	return t.sources[ref]
}

// Findings says what the rules find at an instant. The list of findings serves until the next call.
func (t *Table) Findings(now time.Time) Result {
	t.On(now)
	t.judge()
	return t.result()
}

// On brings the facts to the day of an instant, and judges nothing yet.
func (t *Table) On(now time.Time) {
	if today := dayOf(now, t.s.Zone); today != t.today {
		t.today, t.clash = today, true
		for ref := range t.all {
			t.doubt[ref] = struct{}{}
		}
	}
	t.derive()
}

// derive makes what is stale anew. What comes out as it was keeps its pairs.
func (t *Table) derive() {
	for ref := range t.stale {
		for _, used := range t.uses[ref] {
			delete(t.users[used], ref)
			if len(t.users[used]) == 0 {
				delete(t.users, used)
			}
		}
		delete(t.uses, ref)
		m := maker{t: t, carrier: ref}
		m.make()
		t.supplant(ref, m.made)
		if m.used != nil {
			t.uses[ref] = m.used
		}
		for _, used := range m.used {
			if t.users[used] == nil {
				t.users[used] = map[fhir.Ref]struct{}{}
			}
			t.users[used][ref] = struct{}{}
		}
	}
	clear(t.stale)
}

// supplant puts the interventions of a carrier in the place of its former ones.
func (t *Table) supplant(carrier fhir.Ref, made []*intervention) {
	old := t.carried[carrier]
	for _, x := range old {
		if !slices.ContainsFunc(made, func(m *intervention) bool { return m.ref == x.ref }) {
			t.part(x)
			delete(t.all, x.ref)
		}
	}
	kept := made[:0]
	for _, x := range made {
		was := t.all[x.ref]
		if was != nil && was.same(x) {
			t.renew(was, x.updated)
			kept = append(kept, was)
			continue
		}
		if was != nil {
			t.part(was)
		}
		t.all[x.ref] = x
		t.doubt[x.ref] = struct{}{}
		kept = append(kept, x)
	}
	if delete(t.carried, carrier); len(kept) > 0 {
		t.carried[carrier] = kept
	}
}

// renew notes that an intervention was written again as it was. Only what was known of it may be known no longer.
func (t *Table) renew(x *intervention, at time.Time) {
	if !x.updated.Equal(at) && (len(t.issues[x.ref]) > 0 || len(t.seen) > 0) {
		t.doubt[x.ref] = struct{}{}
	}
	x.updated = at
}

// part takes an intervention out of all pairs.
func (t *Table) part(x *intervention) {
	for y, p := range x.pairs {
		delete(y.pairs, x)
		p.over = true
	}
	x.pairs = nil
}

// judge judges the pairs that are doubtful.
func (t *Table) judge() {
	if len(t.doubt) == 0 && !t.parted() {
		return
	}
	for ref := range t.doubt {
		if x := t.all[ref]; x != nil {
			t.part(x)
		}
	}
	var fresh []*pair
	for ref := range t.doubt {
		x := t.all[ref]
		if x == nil {
			continue
		}
		for _, y := range t.all {
			if x.pairs[y] != nil {
				continue // y was in doubt too
			}
			if p := t.pair(x, y); p != nil {
				x.join(y, p)
				y.join(x, p)
				fresh = append(fresh, p)
			}
		}
	}
	clear(t.doubt)
	slices.SortFunc(fresh, comparePairs)
	t.pairs, t.spare = merge(t.spare[:0], t.pairs, fresh), t.pairs
}

func (t *Table) parted() bool {
	return slices.ContainsFunc(t.pairs, func(p *pair) bool { return p.over })
}
