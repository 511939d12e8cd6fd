package exchange

import (
	"context"
	"time"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
)

// Names of the steps that Trace is told of.
const (
	StepRead     = "store.read"   // one snapshot, with the steps that run on it
	StepCommit   = "store.commit" // from the queue until it is durable
	StepDecide   = "decide"       // the decisions on one snapshot
	StepValidate = "validate"
	StepMap      = "map"
	StepDeliver  = "deliver" // one message to a subscriber; begins a trace of its own
	StepEntry    = "entry"   // of a Bundle, as the request that it is
)

// Step is what is told of one step. None of it names a person or a resource, or what one holds; members that a
// step does not have are zero.
type Step struct {
	Type        fhir.Type
	Interaction auth.Interaction
	Rule        string        // reason of policy, or id of a rule: by which it was refused, or the last by which it was permitted
	Kind        string        // of a message
	Status      int           // of the answer
	Count       int           // decisions, resources, writes
	Took        time.Duration // in all, of a step that was done in pieces
	Ended       time.Time     // zero: now
	Refused     bool
	Failed      bool // the server could not do it
}

// Trace is told of the steps of the work on requests. Its functions are called by many requests at once, and must
// not wait. The zero value asks for nothing.
type Trace struct {
	// Begin begins a step at an instant, and returns the context of the steps within it, and what ends it: nil
	// when nobody watches the request of ctx.
	Begin func(ctx context.Context, name string, at time.Time) (context.Context, func(Step))
	// Note tells more of the step that ctx is in.
	Note func(ctx context.Context, s Step)
}

// begin is Begin, also when nobody ever watches.
func (t Trace) begin(ctx context.Context, name string, at time.Time) (context.Context, func(Step)) {
	if t.Begin == nil {
		return ctx, nil
	}
	return t.Begin(ctx, name, at)
}

// run does a step that tells of itself what it was.
func (t Trace) run(ctx context.Context, name string, do func() Step) {
	_, end := t.begin(ctx, name, time.Now())
	if s := do(); end != nil {
		end(s)
	}
}

// watched is a Store whose reads and commits are steps.
type watched struct {
	Store
	trace Trace
}

// View implements Store. What is done on the snapshot is told when it is over.
func (w watched) View(ctx context.Context, f func(Snapshot) error) error {
	within, end := w.trace.begin(ctx, StepRead, time.Now())
	if end == nil {
		return w.Store.View(ctx, f)
	}
	on := &steps{}
	err := w.Store.View(ctx, func(v Snapshot) error { return f(stepping{v, on}) })
	on.tell(within, w.trace)
	end(Step{Failed: err != nil})
	return err
}

// Commit implements Store.
func (w watched) Commit(ctx context.Context, u Unit) ([]Written, error) {
	_, end := w.trace.begin(ctx, StepCommit, time.Now())
	out, err := w.Store.Commit(ctx, u)
	if end != nil {
		end(Step{Count: len(u.Writes), Refused: moved(err), Failed: err != nil && !moved(err)})
	}
	return out, err
}

// stepping is a Snapshot that knows the steps done on it.
type stepping struct {
	Snapshot
	on *steps
}

// stepsOn returns the steps of a snapshot; nil when nobody watches.
func stepsOn(v Lookups) *steps {
	if s, ok := v.(stepping); ok {
		return s.on
	}
	return nil
}

// steps are what is done in pieces on one snapshot, by one goroutine: of each kind the sum. A nil one is told
// nothing, at no cost.
type steps struct {
	kinds [3]summed // decide, validate, map
}

// The places of steps.kinds, and their names.
const (
	onDecide = iota
	onValidate
	onMap
)

var summedNames = [...]string{onDecide: StepDecide, onValidate: StepValidate, onMap: StepMap}

// summed is one kind of step, from its first piece to the end of its last.
type summed struct {
	from time.Time
	Step
}

// clock returns when a piece begins; zero when nobody watches.
func (s *steps) clock() (at time.Time) {
	if s != nil {
		at = time.Now()
	}
	return at
}

// add adds a piece that began at an instant. The first refusal stays.
func (s *steps) add(kind int, from time.Time, piece Step) {
	if s == nil {
		return
	}
	k := &s.kinds[kind]
	if k.from.IsZero() {
		k.from, k.Type, k.Interaction = from, piece.Type, piece.Interaction
	}
	k.Ended = time.Now()
	k.Took += k.Ended.Sub(from)
	k.Count += piece.Count
	if !k.Refused {
		k.Rule = piece.Rule
	}
	k.Refused, k.Failed = k.Refused || piece.Refused, k.Failed || piece.Failed
}

// tell tells of all that was done.
func (s *steps) tell(ctx context.Context, t Trace) {
	for kind, k := range s.kinds {
		if k.from.IsZero() {
			continue
		}
		if _, end := t.begin(ctx, summedNames[kind], k.from); end != nil {
			end(k.Step)
		}
	}
}

// mappedStep is the step of a mapping.
func mappedStep(r mapping.Result, err error) Step {
	out := judgedStep("", r.Issues)
	out.Count, out.Failed = len(r.Resources), err != nil
	return out
}

// judgedStep is the step of a validation.
func judgedStep(t fhir.Type, issues []fhir.Issue) Step {
	out := Step{Type: t, Count: 1}
	for _, i := range issues {
		if i.Severity == fhir.SeverityError {
			out.Rule, out.Refused = i.Diagnostics, true
			break
		}
	}
	return out
}
