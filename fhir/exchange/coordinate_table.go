package exchange

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/coordination"
)

// keptTable is the facts of one child as they are after so many writes in its compartment.
type keptTable struct {
	child  string
	proof  tableProof
	table  *coordination.Table
	ours   []fhir.Ref // issues, Tasks and Flags that the rules wrote
	due    time.Time  // when the rules of time look at the child again, as far as these rules ask; zero: not known
	fleets bool       // staff is named that the proof says nothing of
	alone  bool       // the unit does not rely on the child: others may have written at the same time
}

// tableProof is by what a table is known to be current: the writes of the child, and the epoch of the directory
// where its staff is.
type tableProof struct{ writes, staff int64 }

// Bounds of what is kept between writes.
const (
	maxTables = 300
	maxPairs  = 2000 // of one table
)

// tables keeps the facts of children between writes. A table is taken out while a write works on it, and
// serves only while the counts that the write reads in its own snapshot are those at which it was put back.
type tables struct {
	mu  sync.Mutex
	all map[string]keptTable
}

// take hands over the table of a child; false when none is current.
func (t *tables) take(child string, proof tableProof) (keptTable, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	k, ok := t.all[child]
	delete(t.all, child)
	return k, ok && k.proof == proof
}

func (t *tables) put(k keptTable) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.all) >= maxTables {
		clear(t.all)
	}
	t.all[k.child] = k
}

// table returns the facts of a child as they will be after the unit, which relies on them.
func (o *overlap) table(patient fhir.Ref) (keptTable, error) {
	const op = "exchange.coordinate"
	state, err := o.w.v.State(patient.ID)
	if err != nil {
		return keptTable{}, unavailable(op, "policy-unavailable", err)
	}
	staff, err := o.w.v.State(DirectoryCompartment)
	if err != nil {
		return keptTable{}, unavailable(op, "policy-unavailable", err)
	}
	proof := tableProof{state.Writes, staff.Epoch}
	k, ok := o.w.s.tables.take(patient.ID, proof)
	if !ok {
		if k, err = o.build(patient); err != nil {
			return k, err
		}
		k.proof = proof
	}
	for i := range o.unit.Writes {
		if err := o.put(&k, &o.unit.Writes[i], patient); err != nil {
			return k, err
		}
	}
	if err := o.staff(&k); err != nil {
		return k, err
	}
	if k.alone = k.table.Silent(); !k.alone { // what is written at the same time may be found only with this
		o.unit.Relied = append(o.unit.Relied, Reliance{Compartment: patient.ID, State: state})
	}
	return k, nil
}

// put takes one write of the unit into the table.
func (o *overlap) put(k *keptTable, w *Write, patient fhir.Ref) error {
	if !slices.Contains(coordinated, w.Ref.Type) || !slices.Contains(w.Facts.Patients, patient) {
		return nil
	}
	if len(w.Body) == 0 {
		k.table.Remove(w.Ref)
		return nil
	}
	r, err := tree(Stored{Ref: w.Ref, Updated: o.w.now, Body: w.Body, MetaAt: w.MetaAt})
	if err == nil {
		k.table.Put(r)
	}
	return err
}

// build reads the facts of a child.
func (o *overlap) build(patient fhir.Ref) (keptTable, error) {
	const op = "exchange.coordinate"
	k := keptTable{child: patient.ID, table: o.w.s.coordination.NewTable(patient)}
	all, _, err := o.w.v.Compartment(patient.ID, coordinated...)
	if err != nil {
		return k, unavailable(op, "policy-unavailable", err)
	}
	for _, st := range all {
		r, err := tree(st)
		if err != nil {
			return k, err
		}
		k.table.Put(r)
	}
	for _, t := range []fhir.Type{"DetectedIssue", "Flag", "Task"} {
		heads, err := o.w.v.Heads(patient.ID, t)
		if err != nil {
			return k, unavailable(op, "policy-unavailable", err)
		}
		for _, f := range heads {
			if ofCoordination(f) && (t != "Task" || f.Source == coordination.TaskSource) {
				k.ours = append(k.ours, f.Ref.Current())
			}
		}
	}
	slices.SortFunc(k.ours, func(a, b fhir.Ref) int { return strings.Compare(a.String(), b.String()) })
	return k, nil
}

// ofCoordination reports whether the rules of coordination wrote a resource.
func ofCoordination(f auth.ResourceFacts) bool {
	return strings.HasPrefix(f.Source, coordination.SourceBase)
}

// staff reads the staff that the table asks for.
func (o *overlap) staff(k *keptTable) error {
	for _, ref := range k.table.Wants() {
		k.fleets = k.fleets || ref.Type != "PractitionerRole"
		found, err := o.find(ref)
		if err != nil {
			return err
		}
		if found.Resource != nil {
			k.table.Put(found.Resource)
		}
	}
	return nil
}

// keep remembers the table for when the unit is stored, and when its child is due.
func (o *overlap) keep(k keptTable) error {
	next := k.table.Next()
	if o.timed {
		next = earlier(next, k.table.Turns(o.w.now))
	}
	o.due(&k, next)
	if !k.fleets && k.table.Pairs() <= maxPairs {
		o.kept = append(o.kept, k)
	}
	return nil
}

// due brings forward when the child is looked at. What the rules of time ask is known only where they ran; else
// they are to run at once.
func (o *overlap) due(k *keptTable, next time.Time) {
	asked := slices.IndexFunc(o.unit.Due, func(d Due) bool { return d.Compartment == k.child })
	switch {
	case next.IsZero():
	case asked >= 0:
		d := &o.unit.Due[asked]
		for i := range o.unit.Due[asked:] {
			if o.unit.Due[asked+i].Compartment == k.child {
				d = &o.unit.Due[asked+i] // the last one counts
			}
		}
		if d.Never || next.Before(d.At) {
			*d = Due{Compartment: k.child, At: next}
		}
	case !next.Equal(k.due):
		o.unit.Due = append(o.unit.Due, Due{Compartment: k.child})
	}
	k.due = next
}

// committed puts the tables back once their unit is stored.
func (o *overlap) committed(ctx context.Context) {
	for _, k := range o.kept {
		for _, w := range o.unit.Writes {
			if slices.Contains(w.Compartments, k.child) {
				k.proof.writes++
			}
			if slices.Contains(w.Compartments, DirectoryCompartment) {
				k.table = nil // its staff may be another
			}
		}
		if k.table != nil && (!k.alone || o.undisturbed(ctx, k)) {
			o.w.s.tables.put(k)
		}
	}
}

// undisturbed reports whether nothing but the unit was written about the child: the count then is what it made it.
func (o *overlap) undisturbed(ctx context.Context, k keptTable) bool {
	same := false
	err := o.w.s.store.View(ctx, func(v Snapshot) error {
		state, err := v.State(k.child)
		same = state.Writes == k.proof.writes
		return err
	})
	return err == nil && same
}

// maxReadings is how many rows of the log are looked at for who has read what.
const maxReadings = 500

// readings tells the table who has read what, as far as something is found that was not found before: those who
// read what the other does know of it. It reports whether there was anything to tell.
func (o *overlap) readings(c *coordination.Case, t *coordination.Table) (bool, error) {
	open := map[fhir.Ref]bool{}
	for _, r := range c.Issues {
		status := r.Root().Member("status").Text()
		open[r.Ref()] = !o.timed && (status == coordination.Preliminary || status == coordination.Final)
	}
	asks := slices.ContainsFunc(c.Result.Findings, func(f coordination.Finding) bool {
		return f.OfPair() && !open[coordination.IssueOf(c.Patient, f)]
	})
	if !asks {
		return false, nil
	}
	rows, err := o.v.Recent(c.Patient.ID, 0, maxReadings)
	if err != nil {
		return false, unavailable("exchange.coordinate", "policy-unavailable", err)
	}
	any := false
	for _, row := range rows {
		if reads(row, t.Read) {
			any = true
		}
	}
	return any, nil
}

// reads tells of each resource that an organisation read in one access.
func reads(row AuditRow, tell func(org, resource fhir.Ref, at time.Time)) bool {
	var a struct {
		Action, Outcome string
		Agent           []struct{ Who struct{ Reference string } }
		Entity          []struct{ What struct{ Reference string } }
	}
	if json.Unmarshal(row.Body, &a) != nil || a.Action != "R" || a.Outcome != "0" {
		return false
	}
	any := false
	for _, agent := range a.Agent {
		org, ok := fhir.ParseRef(agent.Who.Reference)
		if !ok || org.Type != "Organization" {
			continue
		}
		for _, e := range a.Entity {
			if ref, ok := fhir.ParseRef(e.What.Reference); ok && slices.Contains(coordinated, ref.Type) {
				tell(org, ref, row.At)
				any = true
			}
		}
	}
	return any
}
