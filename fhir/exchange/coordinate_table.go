package exchange

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/coordination"
)

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
	k, err := o.current(patient, tableProof{state.Writes, staff.Epoch})
	if err != nil {
		return k, err
	}
	k.table, k.ours = k.table.Clone(), slices.Clone(k.ours)
	for i := range o.unit.Writes {
		if err := o.put(&k, &o.unit.Writes[i], patient); err != nil {
			return k, err
		}
	}
	if k.fleets || o.staffs() {
		k.table.RemoveStaff()
		k.fleets = false
	}
	if err := wanted(&k, o.latest); err != nil {
		return k, err
	}
	if k.relied = !k.table.Silent(); k.relied { // what is written at the same time may be found only with this
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
	r, err := o.treeOf(w)
	if err == nil {
		k.table.PutAt(o.w.now.Truncate(time.Millisecond), r)
	}
	return err
}

// staffs reports whether the unit writes staff, or whom staff acts for.
func (o *overlap) staffs() bool {
	return slices.ContainsFunc(o.unit.Writes, func(w Write) bool { return slices.Contains(w.Compartments, DirectoryCompartment) })
}

// latest reads a resource as it will be after the unit.
func (o *overlap) latest(ref fhir.Ref) (Stored, error) {
	for _, w := range o.unit.Writes {
		if w.Ref.Current() == ref.Current() && len(w.Body) > 0 {
			return Stored{Ref: w.Ref, Updated: o.w.now, Body: w.Body, MetaAt: w.MetaAt}, nil
		}
	}
	return o.w.v.Read(ref.Current())
}

// keep remembers the table for when the unit is stored, and when its child is due.
func (o *overlap) keep(k keptTable) error {
	next := k.table.Next()
	if o.timed {
		next = earlier(next, k.table.Turns(o.w.now))
	}
	o.due(&k, next)
	o.kept = append(o.kept, k)
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

// soon has the rules of time look at once at the children for whom a document set when they are due, and of whom these
// rules were not asked: what they ask for stood there before.
func (o *overlap) soon() {
	for i := range o.unit.Due {
		d := &o.unit.Due[i]
		if !o.timed && !slices.ContainsFunc(o.kept, func(k keptTable) bool { return k.child == d.Compartment }) {
			*d = Due{Compartment: d.Compartment}
		}
	}
}

// committed keeps the tables of a unit that is stored, those of children about whom nobody else wrote meanwhile.
func (o *overlap) committed(written []Written) {
	if o.staffs() {
		return // who was staff may be another
	}
	for _, k := range o.kept {
		n, last := int64(0), k.proof.writes
		for i, w := range o.unit.Writes {
			if at := slices.Index(w.Compartments, k.child); at >= 0 {
				n, last = n+1, written[i].Counts[at]
			}
		}
		if last == k.proof.writes+n {
			o.w.s.tables.put(k.after(&o.unit, last))
		}
	}
}

// Bounds of looking at the log for who has read what.
const (
	maxReadings = 500 // rows
	pageOfReads = 50
)

// readings tells the table who has read what since it was told last, as far as something is found of two: those who
// read what the other does know of it. It reports whether there was anything to tell.
func (o *overlap) readings(c *coordination.Case, k *keptTable) (bool, error) {
	if !slices.ContainsFunc(c.Result.Findings, coordination.Finding.OfPair) {
		return false, nil
	}
	any, heard, before := false, k.heard, int64(0)
	for left := maxReadings; left > 0; left -= pageOfReads {
		rows, err := o.v.Recent(c.Patient.ID, before, pageOfReads)
		if err != nil {
			return false, unavailable("exchange.coordinate", "policy-unavailable", err)
		}
		for _, row := range rows {
			if k.heard = max(k.heard, row.Seq); row.Seq <= heard {
				return any, nil
			}
			any = reads(row, k.table.Read) || any
			before = row.Seq
		}
		if len(rows) < pageOfReads {
			break
		}
	}
	return any, nil
}

// reads tells of each resource that an organisation read in one access.
func reads(row AuditRow, tell func(org, resource fhir.Ref, at time.Time)) bool {
	var a struct {
		Action, Outcome string
		Agent           []struct{ Who struct{ Reference string } }
		Entity          []struct {
			What   struct{ Reference string }
			Detail []auditDetail
		}
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
			inPart := slices.Contains(e.Detail, auditDetail{Type: "obligation", Value: auth.PlanView}) // what others do was left out
			if ref, ok := fhir.ParseRef(e.What.Reference); ok && !inPart && slices.Contains(coordinated, ref.Type) {
				tell(org, ref, row.At)
				any = true
			}
		}
	}
	return any
}
