package exchange

import (
	"context"
	"time"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/subscription"
)

// Bounds of what is kept in the outbox.
const (
	keptNotices = 7 * 24 * time.Hour  // after all were told, for who looks into a fault
	keptMissed  = 90 * 24 * time.Hour // from the first failure, for a subscriber whom the server gave up
	trimEvery   = time.Minute         // looks for what to remove
	trimPage    = MaxPassed           // notices removed at once, and kept back at the least
)

// tidy trims the outbox now and then. What goes wrong is tried again.
func (d *Deliverer) tidy(ctx context.Context) {
	d.mu.Lock()
	now := d.s.now()
	due := !now.Before(d.trimmed)
	if due {
		d.trimmed = now.Add(trimEvery)
	}
	d.mu.Unlock()
	if !due {
		return
	}
	more, err := d.trim(ctx)
	if err != nil && ctx.Err() == nil {
		d.s.log.Warn("the outbox was not trimmed", "error", err.Error())
	}
	if more {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.trimmed = now.Add(deliverEvery)
	}
}

// trim removes a page of notices that nobody needs any more, and says whether there may be more. Who counts is
// read from the store: what this process alone remembers is lost with it.
func (d *Deliverer) trim(ctx context.Context) (more bool, err error) {
	var until int64
	err = d.s.store.View(ctx, func(v Snapshot) error {
		page, err := v.Changes(0, trimPage)
		if err != nil || len(page) < trimPage {
			return err
		}
		last := page[trimPage-1]
		if old, err := d.old(v, last.Ref); err != nil || !old {
			return err
		}
		needed, err := needed(v, d.s.now())
		if last.Seq <= needed {
			until = last.Seq
		}
		return err
	})
	if err != nil || until == 0 {
		return false, err
	}
	_, err = d.s.store.Commit(ctx, Unit{Passed: until})
	return err == nil, err
}

// old reports whether a version was written long ago. What cannot be found was.
func (d *Deliverer) old(v Lookups, ref fhir.Ref) (bool, error) {
	st, err := v.Read(ref)
	if fhir.KindOf(err) == fhir.NotFound && err != nil {
		return true, nil
	}
	if err != nil && fhir.KindOf(err) != fhir.Gone {
		return false, err
	}
	return d.s.now().Sub(st.Updated) > keptNotices, nil
}

// needed returns the place up to which every subscriber is done with the outbox. One that has fallen behind
// keeps what it has not been told of; one that was turned off, or is to begin anew, keeps nothing.
func needed(v Lookups, now time.Time) (int64, error) {
	at, err := numberIn(v, seenKey)
	if err != nil {
		return 0, err
	}
	all, err := v.Heads(SystemCompartment, "Subscription")
	if err != nil {
		return 0, err
	}
	for i := range all {
		t, _, err := toldOf(v, all[i].Ref.ID)
		if err != nil {
			return 0, err
		}
		if t == nil || t.Fresh != 0 || all[i].Status == subscription.Off && !t.Stopped || t.Failures > 0 && now.Sub(t.Failing) > keptMissed {
			continue
		}
		if t.Apart {
			at = min(at, t.Position)
		}
		if t.Pending != 0 {
			at = min(at, t.Pending-1)
		}
	}
	return at, nil
}
