package exchange

import (
	"context"
	"time"

	"github.com/drieluik/drieluik/fhir"
)

// Bounds of Tick.
const (
	tickLease = "tick"
	tickTTL   = 10 * time.Second // after which another process takes over from one that died
	tickPage  = 50               // children between two renewals
	tickLater = time.Hour        // until a child that failed is tried again
)

// Ticked says what one Tick did.
type Ticked struct {
	Children int // looked at
	Writes   int // resources written
	Failed   int // put off for an hour
}

// Tick runs the rules of time on every child for whom one is due by now (mks.md 7, access.md 3.9), and
// returns when none is left. Of several processes on one store one does it at a time.
//
// What is due is a row for each child with the instant at which a rule can speak next: 06:00
// Europe/Amsterdam of a day, its midnight where an end counts at once, or the end of 24 hours. A run of the rules computes it anew, and a write that
// they look at sets it to at once, so that a Tick reads what is due and never walks all children; a store
// of 100,000 children costs it one look at an index. A Tick that did not happen is caught up by the next
// one, and one that is repeated finds nothing: the outcome, the next instant and the state of the child on
// which both rest are one commit.
func (s *Service) Tick(ctx context.Context, now time.Time) (Ticked, error) {
	const op = "exchange.Tick"
	var out Ticked
	if err := s.afresh(ctx); err != nil {
		return out, fhir.Wrap(op, err)
	}
	for {
		due, err := s.due(ctx, now)
		if err != nil || len(due) == 0 {
			return out, fhir.Wrap(op, err)
		}
		mine, err := s.store.Lease(ctx, tickLease, s.holder(), tickTTL)
		if err != nil || !mine {
			return out, fhir.Wrap(op, err)
		}
		if err := s.tickPage(ctx, now, due, &out); err != nil {
			return out, fhir.Wrap(op, err)
		}
		if _, err := s.store.Lease(ctx, tickLease, s.holder(), -tickTTL); err != nil {
			return out, fhir.Wrap(op, err)
		}
	}
}

func (s *Service) due(ctx context.Context, now time.Time) (due []Due, err error) {
	err = s.store.View(ctx, func(v Snapshot) error {
		due, err = v.Due(now, tickPage)
		return err
	})
	return due, err
}

// tickPage runs the rules on some children. One that fails is put off, and keeps nobody else waiting.
func (s *Service) tickPage(ctx context.Context, now time.Time, due []Due, out *Ticked) error {
	for _, d := range due {
		writes, err := s.tickInTurn(ctx, now, d.Compartment)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		out.Children++
		out.Writes += writes
		if err == nil {
			continue
		}
		out.Failed++
		s.log.Error("rules of time failed", "child", d.Compartment, "error", err.Error())
		later := Due{Compartment: d.Compartment, At: now.Add(tickLater)}
		if _, err := s.store.Commit(ctx, Unit{Due: []Due{later}}); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) tickInTurn(ctx context.Context, now time.Time, id string) (int, error) {
	release, err := s.turns.take(ctx, []string{id})
	if err != nil {
		return 0, err
	}
	defer release()
	return again(s, func() (int, error) { return s.tickChild(ctx, now, id) })
}

// tickChild runs the rules on one child. What they write is in its log as the server's own act.
func (s *Service) tickChild(ctx context.Context, now time.Time, id string) (int, error) {
	const op = "exchange.Tick"
	e := s.event(serverCall, "", "")
	var dr *draft
	var o *overlap
	err := s.store.View(ctx, func(v Snapshot) error {
		w := s.world(v)
		w.now = now
		dr = w.draft()
		if err := dr.calendar(&e, id); err != nil {
			return err
		}
		o = &overlap{following: dr.following(v, e.call.Principal, &e), timed: true}
		return o.run([]fhir.Ref{patientOf(id)})
	})
	if err != nil {
		return 0, err
	}
	written, err := s.commit(ctx, op, e, dr.unit)
	if err != nil {
		return 0, err
	}
	o.committed(written)
	return len(dr.unit.Writes), nil
}
