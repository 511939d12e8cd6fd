package coordination

import (
	"maps"
	"slices"
	"time"

	"github.com/drieluik/drieluik/fhir"
)

// Table holds the facts of one child and what the rules say of them. It follows writes: one that touches k
// of n interventions costs k·n pairs, and what it says is what a table made of the same resources says. It
// is not safe for concurrent use, but for Clone alone.
//
// What stands in its maps and lists is never changed, only replaced: a clone shares it.
type Table struct {
	patient fhir.Ref
	s       Settings
	groups  *Groups

	sources  map[fhir.Ref]*source
	blocked  map[fhir.Ref]int             // by how many Consents
	carried  map[fhir.Ref][]*intervention // by the resource that carries them
	users    map[fhir.Ref][]fhir.Ref      // by a resource: the carriers that were made with it
	uses     map[fhir.Ref][]fhir.Ref      // by a carrier: what it was made with
	orderers map[fhir.Ref][]fhir.Ref      // by a request: the plans of which it is an activity
	all      map[string]*intervention     // by ref
	issues   map[string][]*issue          // by what they implicate
	seen     map[reading]time.Time

	pairs  []*pair                    // by what stands in them
	stale  map[fhir.Ref]struct{}      // carriers to be made anew
	doubt  map[string]struct{}        // interventions whose pairs are to be judged anew
	gone   map[*intervention]struct{} // those that are no more, whose pairs are over
	clash  bool                       // appointments have changed
	visits []Finding                  // O6 of the appointments as they are
	travel time.Duration              // between them
	today  day
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
		users: map[fhir.Ref][]fhir.Ref{}, uses: map[fhir.Ref][]fhir.Ref{}, orderers: map[fhir.Ref][]fhir.Ref{},
		all: map[string]*intervention{}, issues: map[string][]*issue{}, seen: map[reading]time.Time{},
		stale: map[fhir.Ref]struct{}{}, doubt: map[string]struct{}{}, gone: map[*intervention]struct{}{},
	}
}

// Clone returns a table that says the same and follows writes of its own. Of a table that nobody changes,
// any number of clones may be made at the same time.
func (t *Table) Clone() *Table {
	c := *t
	c.sources, c.blocked, c.carried = maps.Clone(t.sources), maps.Clone(t.blocked), maps.Clone(t.carried)
	c.users, c.uses, c.orderers = maps.Clone(t.users), maps.Clone(t.uses), maps.Clone(t.orderers)
	c.all, c.issues, c.seen = maps.Clone(t.all), maps.Clone(t.issues), maps.Clone(t.seen)
	c.stale, c.doubt, c.gone = maps.Clone(t.stale), maps.Clone(t.doubt), maps.Clone(t.gone)
	return &c
}

// Put takes resources as they are now: those of Types of the child, and staff that they name. Resources of
// another child or type are passed over.
func (t *Table) Put(rs ...*fhir.Resource) {
	for _, r := range rs {
		t.take(r, read(r, t.patient, t.s.Zone))
	}
}

// PutAt is Put of a resource that is written at an instant, whatever its meta says.
func (t *Table) PutAt(at time.Time, r *fhir.Resource) {
	s := read(r, t.patient, t.s.Zone)
	if s != nil {
		s.updated = at
	}
	t.take(r, s)
}

func (t *Table) take(r *fhir.Resource, s *source) {
	ref := r.Ref()
	if s != nil {
		ref = s.ref
	}
	t.replace(ref, s)
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
		if _, ok := t.sources[ref]; !ok && staff(ref) {
			out = append(out, ref)
		}
	}
	slices.SortFunc(out, compareRefs)
	return out
}

// RemoveStaff takes away the staff, which is then wanted again.
func (t *Table) RemoveStaff() {
	for ref := range t.sources {
		if staff(ref) {
			t.replace(ref, nil)
		}
	}
}

// staff reports whether a resource says for which organisation somebody acts.
func staff(ref fhir.Ref) bool {
	return ref.Type == "PractitionerRole" || ref.Type == "HealthcareService"
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
	if old != nil && s != nil && !old.updated.Equal(s.updated) {
		t.touch(ref)
	}
}

// mark makes what is made of a resource stale.
func (t *Table) mark(ref fhir.Ref) {
	t.stale[ref] = struct{}{}
	for _, carrier := range t.users[ref] {
		t.stale[carrier] = struct{}{}
	}
	t.clash = t.clash || ref.Type == "Appointment"
}

// touch makes the pairs of what a resource carries doubtful, as far as they hang on when it was written and read.
func (t *Table) touch(ref fhir.Ref) {
	for _, x := range t.carried[ref] {
		if len(t.seen) > 0 || len(t.issues[x.ref]) > 0 {
			t.doubt[x.ref] = struct{}{}
		}
	}
}

// updated is when the resource was last written that carries an intervention.
func (t *Table) updated(x *intervention) time.Time {
	if s := t.sources[x.carrier]; s != nil {
		return s.updated
	}
	return time.Time{}
}

// block counts what a Consent blocks today, by one more or less.
func (t *Table) block(s *source, by int) {
	if s == nil || !s.blocks(t.today) {
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
		list(t.orderers, ref, s.ref, is)
		t.mark(ref)
	}
}

// list puts a value among those of a key, or takes it away, in a new list.
func list[K, V comparable](in map[K][]V, key K, v V, is bool) {
	rest := make([]V, 0, len(in[key])+1)
	for _, old := range in[key] {
		if old != v {
			rest = append(rest, old)
		}
	}
	if is {
		rest = append(rest, v)
	}
	if in[key] = rest; len(rest) == 0 {
		delete(in, key)
	}
}

// note files an issue under what it implicates.
func (t *Table) note(s *source, is bool) {
	if s == nil || s.issue == nil || s.issue.mitigated.IsZero() {
		return
	}
	for _, name := range s.issue.implicated {
		list(t.issues, name, s.issue, is)
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

// Findings says what the rules find at an instant.
func (t *Table) Findings(now time.Time) Result {
	t.On(now)
	t.judge()
	return t.result()
}

// On brings the facts to the day of an instant, and judges nothing yet.
func (t *Table) On(now time.Time) {
	if today := dayOf(now, t.s.Zone); today != t.today {
		t.turn(today)
		t.clash = true
		for ref := range t.all {
			t.doubt[ref] = struct{}{}
		}
	}
	t.derive()
}

// turn makes it another day: some Consents begin to block on it, or end.
func (t *Table) turn(today day) {
	var turned []*source
	for ref, s := range t.sources {
		if ref.Type == "Consent" && s.blocks(t.today) != s.blocks(today) {
			turned = append(turned, s)
		}
	}
	for _, s := range turned {
		t.block(s, -1)
	}
	t.today = today
	for _, s := range turned {
		t.block(s, 1)
	}
}

// derive makes what is stale anew. What comes out as it was keeps its pairs.
func (t *Table) derive() {
	for ref := range t.stale {
		m := maker{t: t, carrier: ref}
		m.make()
		t.supplant(ref, m.made)
		if slices.Equal(m.used, t.uses[ref]) {
			continue
		}
		for _, used := range t.uses[ref] {
			list(t.users, used, ref, false)
		}
		for _, used := range m.used {
			list(t.users, used, ref, true)
		}
		if t.uses[ref] = m.used; m.used == nil {
			delete(t.uses, ref)
		}
	}
	clear(t.stale)
}

// supplant puts the interventions of a carrier in the place of its former ones.
func (t *Table) supplant(carrier fhir.Ref, made []*intervention) {
	for _, x := range t.carried[carrier] {
		if !slices.ContainsFunc(made, func(m *intervention) bool { return m.ref == x.ref }) {
			t.gone[x] = struct{}{}
			delete(t.all, x.ref)
		}
	}
	for i, x := range made {
		was := t.all[x.ref]
		if was != nil && was.same(x) {
			made[i] = was
			continue
		}
		if was != nil {
			t.gone[was] = struct{}{}
		}
		t.all[x.ref] = x
		t.doubt[x.ref] = struct{}{}
	}
	if t.carried[carrier] = made; len(made) == 0 {
		delete(t.carried, carrier)
	}
}

// judge judges the pairs that are doubtful.
func (t *Table) judge() {
	if len(t.doubt) == 0 && len(t.gone) == 0 {
		return
	}
	var fresh []*pair
	for ref := range t.doubt {
		x := t.all[ref]
		if x == nil {
			continue
		}
		t.gone[x] = struct{}{} // as far as its former pairs go
		if x.org.IsZero() {
			continue
		}
		for _, y := range t.all {
			if _, both := t.doubt[y.ref]; both && y.ref < x.ref {
				continue // that one looks at this one
			}
			if p := t.pair(x, y); p != nil {
				fresh = append(fresh, p)
			}
		}
	}
	slices.SortFunc(fresh, comparePairs)
	t.pairs = merge(t.pairs, fresh, t.gone)
	clear(t.doubt)
	clear(t.gone)
}
