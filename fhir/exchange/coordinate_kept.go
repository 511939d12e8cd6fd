package exchange

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/coordination"
)

// keptTable is the facts of one child as they are after so many writes in its compartment. What is kept is
// shared by requests: it is replaced and never changed.
type keptTable struct {
	child    string
	proof    tableProof
	table    *coordination.Table
	versions map[fhir.Ref]int // of what it was made from
	ours     []fhir.Ref       // issues, Tasks and Flags that the rules wrote, sorted
	due      time.Time        // when the rules of time look at the child again, as far as these rules ask; zero: not known
	heard    int64            // the row of the child's log up to which the table knows who has read what
	relied   bool             // writes rested on nothing else being written about the child meanwhile
	fleets   bool             // staff is named that the proof says nothing of
}

// tableProof is by what a table is known to be current: the writes of the child, and the epoch of the directory
// where its staff is.
type tableProof struct{ writes, staff int64 }

// Bounds of what is kept between writes.
const (
	maxTables = 300
	maxPairs  = 2000   // of one table
	maxLen    = 8000   // of one table, in resources and interventions of about 0.7 kB
	maxLens   = 12_000 // of all tables
)

// tables keeps the facts of children between writes. A table serves only while the counts that a write reads in
// its own snapshot are those of the table; else it is brought to them first.
type tables struct {
	mu   sync.Mutex
	all  map[string]keptTable
	lens int // of all
}

func (t *tables) of(child string) (keptTable, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	k, ok := t.all[child]
	return k, ok
}

// put keeps a table, unless one of later writes is kept. When there is no room, others go, whichever they are.
func (t *tables) put(k keptTable) {
	n := k.table.Len()
	if k.table.Pairs() > maxPairs || n > maxLen {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	old, ok := t.all[k.child]
	if ok && old.proof.writes > k.proof.writes {
		return
	}
	t.drop(old)
	for _, other := range t.all {
		if len(t.all) < maxTables && t.lens+n <= maxLens {
			break
		}
		t.drop(other)
	}
	t.all[k.child] = k
	t.lens += n
}

func (t *tables) drop(k keptTable) {
	if _, ok := t.all[k.child]; ok {
		delete(t.all, k.child)
		t.lens -= k.table.Len()
	}
}

// ruled are the types of what the rules of coordination write.
var ruled = []fhir.Type{"DetectedIssue", "Flag", "Task"}

// tabled are the types that a table, or what is kept beside it, is made from.
var tabled = append(slices.Clone(coordinated), "Flag", "Task")

// current returns the facts of a child as the snapshot has them, and keeps them.
func (o *overlap) current(patient fhir.Ref, proof tableProof) (keptTable, error) {
	k, ok := o.w.s.tables.of(patient.ID)
	if ok && k.proof == proof {
		return k, nil
	}
	var err error
	if ok {
		k, err = o.renewed(k, proof)
	} else {
		k, err = o.built(patient)
	}
	if err == nil {
		err = wanted(&k, o.w.v.Read)
	}
	if err != nil {
		return k, err
	}
	k.proof = proof
	o.w.s.tables.put(k)
	return k, nil
}

// built reads the facts of a child.
func (o *overlap) built(patient fhir.Ref) (keptTable, error) {
	const op = "exchange.coordinate"
	patient = apart(patient)
	k := keptTable{child: patient.ID, table: o.w.s.coordination.NewTable(patient), versions: map[fhir.Ref]int{}}
	all, _, err := o.w.v.Compartment(patient.ID, coordinated...)
	if err != nil {
		return k, unavailable(op, "policy-unavailable", err)
	}
	for _, st := range all {
		if err := k.take(st.Facts, st); err != nil {
			return k, err
		}
	}
	for _, t := range []fhir.Type{"Flag", "Task"} {
		heads, err := o.w.v.Heads(patient.ID, t)
		if err != nil {
			return k, unavailable(op, "policy-unavailable", err)
		}
		for _, f := range heads {
			if err := k.take(f, Stored{Ref: f.Ref}); err != nil {
				return k, err
			}
		}
	}
	return k, nil
}

// renewed brings kept facts to those of the snapshot: what has another version now is read, what is no longer
// there goes.
func (o *overlap) renewed(old keptTable, proof tableProof) (keptTable, error) {
	const op = "exchange.coordinate"
	k := keptTable{child: old.child, table: old.table.Clone(), versions: map[fhir.Ref]int{}, ours: slices.Clone(old.ours), relied: old.relied, fleets: old.fleets, heard: old.heard}
	if old.proof.staff != proof.staff {
		k.table.RemoveStaff()
	}
	now, err := o.w.v.Versions(k.child, tabled...)
	if err != nil {
		return k, unavailable(op, "policy-unavailable", err)
	}
	for _, ref := range now {
		at := ref.Current()
		if old.versions[at] == ref.Version {
			k.versions[at] = ref.Version
			continue
		}
		st, err := o.w.v.Read(at)
		if err != nil {
			return k, unavailable(op, "policy-unavailable", err)
		}
		if err := k.take(st.Facts, st); err != nil {
			return k, err
		}
	}
	for ref := range old.versions {
		if _, there := k.versions[ref]; !there {
			k.table.Remove(ref)
			k.ours = slices.DeleteFunc(k.ours, func(r fhir.Ref) bool { return r == ref })
		}
	}
	return k, nil
}

// take takes a resource into facts that nobody else has yet. Of what is no fact of the table the body is not asked.
func (k *keptTable) take(f auth.ResourceFacts, st Stored) error {
	ref := apart(st.Ref.Current())
	k.versions[ref] = st.Ref.Version
	if slices.Contains(ruled, ref.Type) {
		place, there := slices.BinarySearchFunc(k.ours, ref, byName)
		is := ofCoordination(f) && (ref.Type != "Task" || f.Source == coordination.TaskSource)
		switch {
		case is && !there:
			k.ours = slices.Insert(k.ours, place, ref)
		case !is && there:
			k.ours = slices.Delete(k.ours, place, place+1)
		}
	}
	if !slices.Contains(coordinated, ref.Type) {
		return nil
	}
	r, err := tree(st)
	if err == nil {
		k.table.Put(r)
	}
	return err
}

func byName(a, b fhir.Ref) int { return strings.Compare(a.String(), b.String()) }

// ofCoordination reports whether the rules of coordination wrote a resource.
func ofCoordination(f auth.ResourceFacts) bool {
	return strings.HasPrefix(f.Source, coordination.SourceBase)
}

// wanted reads the staff that the table asks for.
func wanted(k *keptTable, read func(fhir.Ref) (Stored, error)) error {
	for _, ref := range k.table.Wants() {
		k.fleets = k.fleets || ref.Type != "PractitionerRole"
		st, err := read(ref)
		if missing(err) {
			continue
		}
		if err != nil {
			return unavailable("exchange.coordinate", "policy-unavailable", err)
		}
		r, err := tree(st)
		if err != nil {
			return err
		}
		k.table.Put(r)
	}
	return nil
}

// after are the facts with a unit that was stored at once behind those of k.
func (k keptTable) after(u *Unit, writes int64) keptTable {
	k.proof.writes = writes
	k.versions = maps.Clone(k.versions)
	slices.SortFunc(k.ours, byName)
	for _, w := range u.Writes {
		if !slices.Contains(tabled, w.Ref.Type) || !slices.Contains(w.Compartments, k.child) {
			continue
		}
		if len(w.Body) == 0 {
			delete(k.versions, w.Ref.Current())
		} else {
			k.versions[apart(w.Ref.Current())] = w.Ref.Version
		}
	}
	return k
}
