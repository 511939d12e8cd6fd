package exchange

import (
	"cmp"
	"context"
	"errors"
	"net/url"
	"slices"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/search"
)

// Change is one write that a client asks for.
type Change struct {
	Interaction auth.Interaction // create, update, patch or delete
	Type        fhir.Type
	ID          string         // update, patch, delete: of what is changed; "" when Where says
	Resource    *fhir.Resource // create, update; nil when Text is given
	Text        string         // create, update within a transaction: a sound resource, read when it is its turn
	Patch       Patch          // patch
	Where       *Where         // nil: unconditional
	IfMatch     int            // the version that must be current; 0: any
	FullURL     string         // by which other changes of a transaction refer to it; "": none
	Path        string         // FHIRPath of the resource in the request, for issues; "" when it is the whole body
}

// Where is the condition of a conditional change. Its plan has at least one clause and room for two matches.
type Where struct {
	Plan  search.Plan
	Query url.Values // as sent, for the AuditEvent
}

// Patch makes the new content of a resource, or says why it cannot.
type Patch interface {
	// Reads reports whether the outcome tells what stood in the resource.
	Reads() bool
	Apply(*fhir.Resource) (*fhir.Resource, []fhir.Issue)
}

// Effect is what became of a Change.
type Effect uint8

// Effects. Kept means that what was asked for stands already, Withdrawn that a member's consent in a family's
// network ended, with all that rested on it.
const (
	Kept Effect = iota
	Created
	Updated
	Deleted
	Withdrawn
)

// Done answers a Change. Of a deletion there is no body, and no reference when nothing was there.
type Done struct {
	Served
	Effect Effect
	Issues []fhir.Issue // what is to be said of the content, short of errors
	Found  []fhir.Ref   // DetectedIssues that the change brought, among those the caller may know of
}

// Write makes one change: decided, validated, stored with its AuditEvent in one commit. It answers
// NotFound for an id that the principal may not know, Precondition when IfMatch is not the current
// version or a condition has more than one match, Conflict for a deletion of what others refer to.
func (s *Service) Write(ctx context.Context, c Call, ch Change) (Done, error) {
	e := s.event(c, ch.Interaction, ch.Type)
	if ch.Where != nil {
		e.query = ch.Where.Query
	}
	out, err := s.change(ctx, e, []Change{ch})
	if err != nil {
		return Done{}, err
	}
	return out[0], nil
}

// Transact makes several changes as one unit: all or none, in the order of R4 (delete, create,
// update), with references between them and conditional references resolved. One refusal refuses
// all, with that change's error. The answers are in the order of the changes.
func (s *Service) Transact(ctx context.Context, c Call, changes []Change) ([]Done, error) {
	c.Operation = "transaction"
	return s.change(ctx, s.event(c, "", ""), changes)
}

// change makes changes that one event tells of.
func (s *Service) change(ctx context.Context, e event, changes []Change) ([]Done, error) {
	const op = "exchange.Write"
	release, err := s.turns.take(ctx, s.compared(changes))
	if err != nil {
		return nil, s.broke(ctx, op, e, unavailable(op, "contended", err))
	}
	defer release()
	out, err := again(s, func() ([]Done, error) { return s.changeOnce(ctx, e, changes) })
	if moved(err) {
		return nil, s.broke(ctx, op, e, contended(op, err))
	}
	return out, err
}

func (s *Service) changeOnce(ctx context.Context, e event, changes []Change) ([]Done, error) {
	const op = "exchange.Write"
	b := &batch{event: &e, transaction: e.operation == "transaction"}
	err := s.store.View(ctx, func(v Snapshot) error {
		w := s.world(v)
		b.draft, b.v = w.draft(), v
		var err error
		if b.refused, err = b.take(changes); err == nil && b.refused == nil {
			b.note, b.refused, err = b.rules()
		}
		if err == nil && b.refused == nil {
			b.note, b.refused, err = b.coordinated()
		}
		return err
	})
	if err != nil {
		return nil, s.broke(ctx, op, e, err)
	}
	if b.refused != nil || len(b.unit.Writes) == 0 {
		if err := s.conclude(ctx, op, e, b.note); err != nil {
			return nil, err
		}
		return b.done(nil), b.refused
	}
	b.unit.Relied = append(b.unit.Relied, b.w.relied()...)
	written, err := s.commit(ctx, op, e, b.unit)
	if err != nil {
		return nil, err
	}
	b.overlap.committed(written)
	return b.done(written), nil
}

// batch is the changes of one request on their way into one unit.
type batch struct {
	*draft
	v           Snapshot
	event       *event
	transaction bool    // references between the changes are to be resolved
	steps       []*step // in the order of processing
	asked       []*step // in the order of the request
	refused     error   // what the client is told
	note        *Unit   // what a refusal leaves behind
	overlap     *overlap
}

// step is one Change as far as it has come.
type step struct {
	Change
	ref    fhir.Ref // what it writes or found; zero: nothing
	prior  *Stored  // what stands there, nil: nothing ever did
	effect Effect
	write  int  // place in the unit; -1: none
	blind  bool // the content is not the caller's to read
	chosen bool // the id is the caller's, not the server's
	kept   Served
	issues []fhir.Issue // of the content
}

// orders is the order in which R4 processes a transaction.
var orders = map[auth.Interaction]int{auth.Delete: 1, auth.Create: 2, auth.Update: 3, auth.Patch: 3}

// take puts the changes into the unit. The first result is the refusal for the client.
func (b *batch) take(changes []Change) (error, error) {
	conditions := 0
	for _, ch := range changes {
		b.asked = append(b.asked, &step{Change: ch, write: -1})
		if ch.Where != nil {
			conditions++
		}
	}
	if conditions > maxConditions {
		return b.costly(), nil
	}
	b.steps = slices.Clone(b.asked)
	slices.SortStableFunc(b.steps, func(x, y *step) int { return cmp.Compare(orders[x.Interaction], orders[y.Interaction]) })
	for _, stage := range []func(*step) (error, error){b.admit, b.find, b.patch} {
		if refused, err := b.each(stage); refused != nil || err != nil {
			return refused, err
		}
	}
	b.twice()
	if refused, err := b.resolve(); refused != nil || err != nil {
		return refused, err
	}
	b.introduce()
	if refused, err := b.each(b.put); refused != nil || err != nil {
		return refused, err
	}
	for _, stage := range []func(*step) (error, error){b.orphans, b.sign} {
		if refused, err := b.each(stage); refused != nil || err != nil {
			return refused, err
		}
	}
	if len(changes) == 0 {
		b.event.asked(auth.Decision{Permit: true, Reason: "permit-write"})
	}
	if refused := b.faults("exchange.Write"); refused != nil {
		b.event.refused(auth.Decision{HTTP: 422, Step: "permit", Reason: "rules"}, nil)
		return refused, nil
	}
	return nil, b.calendars()
}

// each runs a stage on every step.
func (b *batch) each(stage func(*step) (error, error)) (error, error) {
	for _, st := range b.steps {
		if refused, err := stage(st); refused != nil || err != nil {
			return at(refused, st), err
		}
	}
	return nil, nil
}

// at names the entry in a refusal of a transaction that names no place.
func at(refused error, st *step) error {
	var known *fhir.Error
	if st.Path == "" || !errors.As(refused, &known) {
		return refused
	}
	for i := range known.Issues {
		if known.Issues[i].Expression == "" {
			known.Issues[i].Expression = entryPath(st)
		}
	}
	return refused
}

// refuse turns a denial of a step into the answer; the log names what was addressed.
func (b *batch) refuse(d auth.Decision, st *step) error {
	b.event.refused(d, st.prior)
	return refusal("exchange.Write", d)
}

// admit judges what needs no look at a resource (phase A of access.md 3).
func (b *batch) admit(st *step) (error, error) {
	d, err := b.w.decide(b.event.call.Principal, auth.Action{Interaction: st.Interaction, Type: st.Type}, nil)
	if err != nil || d.Permit {
		return nil, err
	}
	b.event.refused(d, nil)
	return refusal("exchange.Write", d), nil
}

// introduce tells the draft what the new content is about, before any is put.
func (b *batch) introduce() {
	var rs []*fhir.Resource
	for _, st := range b.steps {
		if st.effect == Created && st.Type == "Patient" {
			b.w.fresh = append(b.w.fresh, st.ref)
		}
		if st.Resource != nil && st.effect != Kept {
			rs = append(rs, st.Resource)
		}
	}
	b.announce(rs)
}

// done renders what became of each change, in the order of the request.
func (b *batch) done(written []Written) []Done {
	out := make([]Done, len(b.asked))
	for i, st := range b.asked {
		out[i] = Done{Served: st.kept, Effect: st.effect, Issues: st.issues}
		if st.write < 0 || written == nil {
			continue
		}
		if st.blind {
			out[i].Issues = nil
		}
		at, w := written[st.write], b.unit.Writes[st.write]
		if leavesNetwork(st.prior, w) {
			out[i].Effect = Withdrawn
		}
		out[i].Ref, out[i].Updated = at.Ref, at.Updated
		if len(w.Body) > 0 && !st.blind {
			out[i].Body = fhir.Serve(w.Body, w.MetaAt, at.Ref.Version, at.Updated)
		}
	}
	b.overlapping(out)
	return out
}
