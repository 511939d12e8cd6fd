package exchange

import (
	"context"
	"time"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/subscription"
)

// send is one step of what is watched.
func (o *delivery) send(ctx context.Context) (time.Time, error) {
	step := Step{Type: o.sub.Topic.Type, Kind: o.kind}
	within, end := o.s.trace.begin(ctx, StepDeliver, time.Now())
	due, posted, err := o.sendOnce(within)
	if end != nil {
		if posted != nil {
			step.Rule, step.Refused = undelivered(posted).Reason, true
		}
		step.Failed = err != nil && !moved(err) && ctx.Err() == nil
		end(step)
	}
	return due, err
}

// sendOnce commits what stands before the message, sends it, and remembers what came of it. posted says why the
// receiver did not accept it.
func (o *delivery) sendOnce(ctx context.Context) (due time.Time, posted, err error) {
	const op = "exchange.Deliver"
	if len(o.unit.Settings) > 0 {
		if _, err := o.s.commit(ctx, op, o.event, o.unit); err != nil {
			return due, nil, err
		}
	}
	posted = o.s.outlet.Post(ctx, *o.message)
	if ctx.Err() != nil { // it may have arrived: the next process sends it again
		return due, nil, ctx.Err()
	}
	err = o.s.store.View(ctx, func(v Snapshot) (err error) {
		due, err = o.outcome(v, posted)
		return err
	})
	if err != nil {
		return due, posted, err
	}
	return due, posted, o.settle(ctx)
}

// outcome puts what came of the message into a new unit.
func (o *delivery) outcome(v Snapshot, posted error) (time.Time, error) {
	now, sent, from := o.s.now(), o.told, o.stored.Ref
	o.unit, o.event = Unit{}, o.s.event(serverCall, "", "")
	var err error
	if o.told, o.kept, err = toldOf(v, o.id); err != nil {
		return time.Time{}, err
	}
	if o.stored, err = v.Read(from.Current()); err != nil && !missing(err) {
		return time.Time{}, err
	}
	if o.told == nil || o.stored.Ref != from || o.told.Number != sent.Number || o.told.Pending != sent.Pending {
		return time.Time{}, errMoved("exchange.Deliver") // it was written meanwhile: what was sent is sent again
	}
	o.w = o.s.world(v)
	r, err := tree(o.stored)
	if err != nil {
		return time.Time{}, err
	}
	if posted != nil {
		return o.fail(r, now, undelivered(posted))
	}
	o.told.accepted(now, o.kind == subscription.OfEvent)
	o.more = true
	return time.Time{}, o.stand(r, o.told.standing(o.sub.Status, now), "")
}

// fail remembers an attempt that failed, and says when the next one is.
func (o *delivery) fail(r *fhir.Resource, now time.Time, why Undelivered) (time.Time, error) {
	o.told.failed(now, why.Reason, o.left || o.kind == subscription.OfEvent && why.Left)
	status := o.told.standing(o.sub.Status, now)
	o.told.Stopped = status == subscription.Off
	due := o.told.Next
	if status == subscription.Off || status == subscription.Error && !o.told.Shaken {
		due, o.still = time.Time{}, true
	}
	return due, o.stand(r, status, o.told.fault())
}

// stand saves how far the subscriber has been told, and writes into the Subscription how it stands now.
func (o *delivery) stand(r *fhir.Resource, status, fault string) error {
	if err := o.save(); err != nil {
		return err
	}
	edited, err := r.Edit(statusEdits(status, fault)...)
	if err != nil || edited == r {
		return err
	}
	d := o.w.draft()
	w, err := d.ruled(edited, &o.stored, o.stored.Facts.Custodian)
	if err != nil {
		return err
	}
	d.add(w)
	o.event.wrote(w, permitWrite)
	o.unit.Writes, o.unit.Notices = d.unit.Writes, d.unit.Notices
	o.unit.Relied = append(o.unit.Relied, Reliance{Ref: o.stored.Ref})
	return nil
}

// forget removes what is kept of a Subscription that was deleted.
func (o *delivery) forget(v Lookups) error {
	old, err := v.Settings(eventsOf(o.id), "", keptEvents+1)
	if err != nil {
		return err
	}
	for _, set := range append(old, o.kept) {
		o.unit.Settings = append(o.unit.Settings, Setting{Key: set.Key})
	}
	o.unit.Relied = append(o.unit.Relied, Reliance{Setting: new(o.kept)})
	o.gone = true
	return nil
}
