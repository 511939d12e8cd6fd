package exchange

import (
	"context"
	"errors"
	"slices"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/workflow"
	"github.com/drieluik/drieluik/mapping"
)

// following is the rules of workflow at one unit (mks.md 7): what they refuse of it, and what they
// write along with it.
type following struct {
	*draft
	v       Lookups
	p       auth.Principal
	holder  bool // a source record writes: of its own transfer it is the holder
	event   *event
	known   *overlay
	made    []made
	at      int                  // the write of the unit that a rule looks at
	refused error                // what the client is told
	warned  map[int][]fhir.Issue // by write: what is said of what is stored all the same
	note    *Unit                // what is kept although the write is refused, in a commit of its own
}

// made is what one rule wrote for one organisation, which holds it.
type made struct {
	rule   string
	holder fhir.Ref
	writes []Write
}

// rules are the types whose writes concern a rule.
var rules = map[fhir.Type]func(f *following, w *Write) error{
	"Task": (*following).anyTask, "Communication": (*following).message, "Consent": (*following).anyConsent,
	"Subscription": (*following).subscription, "Appointment": (*following).meeting,
}

// follow runs the rules on the writes of the unit, with their own behind them.
func (d *draft) follow(v Snapshot, p auth.Principal, holder bool, e *event) (*following, error) {
	f := d.following(v, p, e)
	f.holder = holder
	for i := range len(d.unit.Writes) {
		rule, ok := rules[d.unit.Writes[i].Ref.Type]
		if !ok {
			continue
		}
		f.at = i
		w := d.unit.Writes[i] // a rule may change it, and adds others
		if err := rule(f, &w); err != nil || f.refused != nil {
			return f, err
		}
		d.unit.Writes[i] = w
	}
	if err := f.attest(); err != nil {
		return f, err
	}
	d.unit.Relied = append(d.unit.Relied, f.known.relied...)
	return f, nil
}

func (d *draft) following(v Lookups, p auth.Principal, e *event) *following {
	return &following{draft: d, v: v, p: p, event: e, known: &overlay{known: known{v: v}, d: d}}
}

// rules follows the changes of a request, and names the entry that a rule refuses.
func (b *batch) rules() (note *Unit, refused, err error) {
	f, err := b.follow(b.v, b.event.call.Principal, false, b.event)
	if err != nil || f.refused == nil {
		for _, st := range b.steps {
			under(f.warned[st.write], st.Change)
			st.issues = append(st.issues, f.warned[st.write]...)
		}
		return nil, nil, err
	}
	for _, st := range b.steps {
		if known := (*fhir.Error)(nil); st.write == f.at && errors.As(f.refused, &known) {
			under(known.Issues, st.Change)
		}
	}
	return f.note, f.refused, nil
}

// conclude puts a request that changed nothing into the log, with what its refusal leaves behind.
func (s *Service) conclude(ctx context.Context, op string, e event, note *Unit) error {
	if note == nil {
		return s.record(ctx, op, e.audits(s))
	}
	_, err := s.commit(ctx, op, e, *note)
	return err
}

// overlay is what is stored with what the unit writes on top of it.
type overlay struct {
	known
	d *draft
}

var _ workflow.Known = (*overlay)(nil)

// Read implements workflow.Known.
func (o *overlay) Read(ref fhir.Ref) (*mapping.Found, error) {
	for i := range o.d.unit.Writes {
		if w := &o.d.unit.Writes[i]; w.Ref.Current() == ref.Current() {
			return written(w)
		}
	}
	return o.known.Read(ref)
}

// Child implements workflow.Known.
func (o *overlay) Child(patient fhir.Ref, types ...fhir.Type) ([]*mapping.Found, error) {
	all, err := o.known.Child(patient, types...)
	if err != nil {
		return nil, err
	}
	for i := range o.d.unit.Writes {
		w := &o.d.unit.Writes[i]
		if !slices.Contains(types, w.Ref.Type) || !slices.Contains(w.Facts.Patients, patient.Current()) {
			continue
		}
		all = slices.DeleteFunc(all, func(f *mapping.Found) bool { return f.Resource.Ref() == w.Ref.Current() })
		f, err := written(w)
		if err != nil {
			return nil, err
		}
		if f != nil {
			all = append(all, f)
		}
	}
	return all, nil
}

// written is a write as it will be found; nil for a deletion.
func written(w *Write) (*mapping.Found, error) {
	if len(w.Body) == 0 {
		return nil, nil
	}
	return found(Stored{Ref: w.Ref, Body: w.Body, MetaAt: w.MetaAt, Facts: w.Facts})
}

// treeOf is the resource of what was found, nil for nothing.
func treeOf(f *mapping.Found, err error) (*fhir.Resource, error) {
	if err != nil || f == nil {
		return nil, err
	}
	return f.Resource, nil
}

// before returns the stored version that a write replaces, with its tree; nil when there is none.
func (f *following) before(w *Write) (*Stored, *fhir.Resource, error) {
	prior, err := f.stored(w.Ref.Current())
	if err != nil || prior == nil || prior.Deleted {
		return nil, nil, err
	}
	r, err := tree(*prior)
	return prior, r, err
}

// refuse answers 422 with the rules that a write breaks.
func (f *following) refuse(prior *Stored, issues []fhir.Issue) {
	f.event.refused(auth.Decision{HTTP: 422, Step: "write", Reason: issues[0].Diagnostics}, prior)
	f.refused = &fhir.Error{Kind: fhir.Unprocessable, Op: "exchange.rules", Reason: issues[0].Diagnostics, Issues: issues}
}

// write puts what a rule makes into the unit: held, and said, by the organisation that mks.md 7 names.
func (f *following) write(rule string, r *fhir.Resource, holder fhir.Ref) error {
	prior, err := f.stored(r.Ref())
	if err != nil {
		return err
	}
	i := slices.IndexFunc(f.unit.Writes, func(x Write) bool { return x.Ref.Current() == r.Ref() })
	if same, err := unchanged(r, prior); err != nil || same && i < 0 {
		return err
	}
	w, err := f.ruled(r, prior, holder)
	if err != nil {
		return err
	}
	if i >= 0 {
		f.unit.Writes[i] = w // the same unit writes it too: the rule has the last word
		return nil
	}
	f.add(w)
	f.event.wrote(w, permitWrite)
	f.patients[w.Ref.Current()] = w.Facts.Patients // a Provenance finds its child
	holder = w.Facts.Custodian
	at := slices.IndexFunc(f.made, func(m made) bool { return m.rule == rule && m.holder == holder })
	if at < 0 {
		at = len(f.made)
		f.made = append(f.made, made{rule: rule, holder: holder})
	}
	f.made[at].writes = append(f.made[at].writes, w)
	return nil
}

var permitWrite = auth.Decision{Permit: true, Reason: "permit-write"}

// ruled makes the write of what a rule makes. What it makes is valid, or the fault is ours.
func (d *draft) ruled(r *fhir.Resource, prior *Stored, holder fhir.Ref) (Write, error) {
	before := len(d.issues)
	w, err := d.put(r, prior, holder, holder)
	if err == nil && fhir.HasErrors(d.issues[before:]) {
		err = &fhir.Error{Kind: fhir.Internal, Op: "exchange.rules", Err: invalid(d.issues[before:])}
	}
	d.issues = d.issues[:before]
	return w, err
}

// attest adds a Provenance for what each rule wrote.
func (f *following) attest() error {
	for _, m := range f.made {
		targets := make([]fhir.Ref, len(m.writes))
		for i, w := range m.writes {
			targets[i] = w.Ref
		}
		r, err := workflow.Provenance(f.w.s.newID(), m.rule, targets, m.holder, m.writes[0].Ref.Version == 1, f.w.now)
		if err != nil {
			return err
		}
		w, err := f.ruled(r, nil, m.holder)
		if err != nil {
			return err
		}
		f.add(w)
		f.event.wrote(w, permitWrite)
	}
	return nil
}
