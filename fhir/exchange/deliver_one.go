package exchange

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"runtime/debug"
	"time"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/subscription"
	"github.com/drieluik/drieluik/mapping"
)

// delivery is one look at one Subscription: what is to be sent next, if anything.
type delivery struct {
	s        *Service
	id       string
	p        auth.Principal // its subscriber as the registration stands now
	w        *world
	kept     Setting
	told     *told
	stored   Stored
	sub      subscription.Subscription
	headers  []subscription.Header
	position int64 // notices up to here are dealt with

	event   event // for the log
	unit    Unit  // to be committed before anything is sent
	message *Message
	kind    string // of the message
	left    bool   // the event that is sent again may have arrived before
	gone    bool   // there is no Subscription any more
	still   bool   // nothing is to be told until it is written again
	rested  bool   // all is told
	more    bool   // look again at once
}

// work looks at a Subscription and sends what there is, until there is no more or the receiver fails.
func (d *Deliverer) work(ctx context.Context, id string, t *tracked) {
	one := delivery{s: d.s, id: id, position: t.position}
	var due time.Time
	for ctx.Err() == nil {
		mine, err := d.hold(ctx)
		if err == nil && mine {
			due, err = one.guarded(ctx)
		}
		if moved(err) {
			continue // somebody wrote the Subscription, or what policy rests on
		}
		if err != nil && ctx.Err() == nil {
			d.s.log.Error("a subscriber was not told", "subscription", id, "error", err.Error())
			due = d.s.now().Add(deliverTTL)
		}
		if err != nil || !mine || !one.more {
			break
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	t.busy, t.due, t.position = false, due, one.position
	if one.told != nil {
		t.kind, t.apart, t.still = one.sub.Topic.Type, one.told.Apart, one.still
	}
	if !t.behind && (one.rested || one.still) {
		t.since = time.Time{}
	}
	if one.gone {
		delete(d.subs, id)
	}
}

// guarded is step, of which a panic stays with this subscriber, and is tried again as every fault is. What
// panicked may hold what nobody may read: its type alone is told, and where it was.
func (o *delivery) guarded(ctx context.Context) (due time.Time, err error) {
	defer func() {
		if p := recover(); p != nil {
			o.s.log.Error("panic while a subscriber was told", "stack", string(debug.Stack()))
			err = fmt.Errorf("panic with a %T", p)
		}
	}()
	return o.step(ctx)
}

// step looks once and sends at most one message. The time is that of the next look; zero: when something is
// written.
func (o *delivery) step(ctx context.Context) (time.Time, error) {
	if err := o.subscriber(ctx); err != nil || o.gone {
		return time.Time{}, err
	}
	now := o.s.now()
	var due time.Time
	err := o.s.store.View(ctx, func(v Snapshot) (err error) {
		due, err = o.look(v, now)
		return err
	})
	if err != nil {
		return due, err
	}
	if o.message == nil {
		return due, o.settle(ctx)
	}
	return o.send(ctx)
}

// settle commits what a look without a message found.
func (o *delivery) settle(ctx context.Context) error {
	if len(o.unit.Settings) == 0 && len(o.unit.Writes) == 0 {
		return nil
	}
	_, err := o.s.commit(ctx, "exchange.Deliver", o.event, o.unit)
	return err
}

// subscriber finds out by whose grant, and whether it stands.
func (o *delivery) subscriber(ctx context.Context) error {
	*o = delivery{s: o.s, id: o.id, position: o.position, event: o.s.event(serverCall, "", "")}
	err := o.s.store.View(ctx, func(v Snapshot) (err error) {
		o.told, o.kept, err = toldOf(v, o.id)
		return err
	})
	if err != nil || o.told == nil {
		o.gone = err == nil
		return err
	}
	if o.p, err = o.s.outlet.Client(ctx, o.told.Client, o.told.Purpose); err != nil {
		return err
	}
	granted, err := auth.ParseScopes(o.told.Scopes)
	o.p.Scopes = o.p.Scopes.Intersect(granted)
	if o.p.Organization.String() != o.told.Organization {
		o.p.State = auth.TokenInvalid
	}
	return err
}

// look finds what is to be sent, in one snapshot.
func (o *delivery) look(v Snapshot, now time.Time) (time.Time, error) {
	var err error
	if o.told, o.kept, err = o.same(v); err != nil {
		return time.Time{}, err
	}
	o.w, o.left = o.s.world(v), o.told.Left
	o.stored, err = v.Read(fhir.Ref{Type: "Subscription", ID: o.id})
	if missing(err) {
		return time.Time{}, o.forget(v)
	}
	var r *fhir.Resource
	if err == nil {
		r, err = tree(o.stored)
	}
	if err != nil {
		return time.Time{}, err
	}
	var issues []fhir.Issue
	o.sub, issues = subscription.Read(r, o.s.base)
	switch ended := !o.sub.End.IsZero() && !now.Before(o.sub.End); {
	case len(issues) > 0 || o.sub.Status == subscription.Off, o.sub.Status == subscription.Error && !o.told.Shaken:
		o.still = true
		return time.Time{}, nil
	case ended:
		o.still = true
		return time.Time{}, o.stand(r, subscription.Off, "")
	case now.Before(o.told.Next):
		return o.told.Next, nil
	case o.p.State != auth.TokenActive:
		return o.fail(r, now, Undelivered{Reason: inactiveClient})
	case !o.open():
		return o.fail(r, now, Undelivered{Reason: sealedHeaders})
	case !o.told.Shaken:
		return time.Time{}, o.compose(subscription.Handshake, now, nil)
	}
	return o.seek(v, now)
}

// same reads how far the subscriber has been told, and answers that something moved when that is not what the
// subscriber was found by.
func (o *delivery) same(v Snapshot) (*told, Setting, error) {
	t, set, err := toldOf(v, o.id)
	if err == nil && string(set.Value) != string(o.kept.Value) {
		err = errMoved("exchange.Deliver")
	}
	return t, set, err
}

// seek finds the next event, or that a sign of life is due.
func (o *delivery) seek(v Snapshot, now time.Time) (time.Time, error) {
	o.position = max(o.position, o.told.Position)
	if o.told.Pending != 0 {
		o.position = o.told.Pending - 1
	}
	page, err := v.Changes(o.position, deliverPage)
	if err != nil {
		return time.Time{}, err
	}
	for _, n := range page {
		found, err := o.consider(v, n, now)
		if err != nil || found {
			return time.Time{}, err
		}
		o.position = n.Seq
		if o.told.Pending != 0 {
			return time.Time{}, o.drop()
		}
	}
	if o.told.Pending != 0 { // its notice is gone
		return time.Time{}, o.drop()
	}
	if o.more = len(page) == deliverPage; o.more {
		return time.Time{}, nil
	}
	return o.rest(now)
}

// drop forgets the event that was not accepted, in what was told too.
func (o *delivery) drop() error {
	o.unit.Settings = append(o.unit.Settings, Setting{Key: eventKey(o.id, o.told.Number)})
	o.told.drop()
	o.more = true
	return o.save()
}

// rest is what is left when all is told.
func (o *delivery) rest(now time.Time) (time.Time, error) {
	o.rested = true
	if o.told.Apart {
		o.told.Apart, o.told.Position = false, o.position
		return o.next(), o.save()
	}
	if due := o.next(); due.IsZero() || now.Before(due) {
		return due, nil
	}
	return time.Time{}, o.compose(subscription.Heartbeat, now, nil)
}

// next is when a sign of life is due; zero: never.
func (o *delivery) next() time.Time {
	if o.sub.Heartbeat == 0 {
		return time.Time{}
	}
	return o.told.Sent.Add(o.sub.Heartbeat)
}

// consider makes a notice the next event, when it is one and the subscriber may know of it now.
func (o *delivery) consider(v Lookups, n Notice, now time.Time) (bool, error) {
	if n.Ref.Type != o.sub.Topic.Type || o.told.Pending != 0 && o.told.Pending != n.Seq {
		return false, nil
	}
	st, err := v.Read(n.Ref)
	if err != nil && fhir.KindOf(err) != fhir.Gone {
		if missing(err) {
			err = nil
		}
		return false, err
	}
	if !o.sub.Matches(&st.Facts, o.p.Organization) {
		return false, nil
	}
	if len(o.sub.Filters) > 0 {
		d, err := o.w.decide(o.p, auth.Action{Interaction: auth.SearchType, Type: n.Ref.Type}, nil)
		if err != nil || !d.Permit {
			return false, err
		}
	}
	d, err := o.w.decideVersion(o.p, auth.Action{Interaction: auth.Notify, Type: n.Ref.Type}, st)
	if err != nil || !d.Permit {
		return false, err
	}
	if o.told.Pending != n.Seq {
		o.told.take(n)
		o.left = false
	}
	o.told.Left = true
	return true, o.tell(n, st, d, now)
}

// tell composes the message of an event, with its row of the log and of what was told.
func (o *delivery) tell(n Notice, st Stored, d auth.Decision, now time.Time) error {
	row, err := JSON(lastEvent{Ref: st.Ref.String(), Kind: n.Kind, At: st.Updated})
	if err != nil {
		return err
	}
	o.event = o.s.notified(Call{Principal: o.p}, o.stored.Ref.Current(), st, d)
	o.unit.Settings = append(o.unit.Settings, Setting{Key: eventKey(o.id, o.told.Number), Value: row},
		Setting{Key: eventKey(o.id, o.told.Number-keptEvents)})
	e, err := o.w.toldEvent(o.p, o.told.Number, n.Kind, st, d, o.sub.Content)
	if err != nil {
		return err
	}
	o.unit.Relied = append(o.w.relied(), Reliance{Ref: o.stored.Ref})
	return errors.Join(o.compose(subscription.OfEvent, now, []subscription.Event{e}), o.save())
}

// notified is the event of a resource that is told of: a disclosure to the subscriber, for that Subscription.
func (s *Service) notified(c Call, by fhir.Ref, st Stored, d auth.Decision) event {
	e := s.event(c, auth.Notify, st.Ref.Type)
	e.place, e.query = by.String(), url.Values{}
	e.disclosed(st, d)
	return e
}

// toldEvent is an event as much of it as the content of the Subscription tells.
func (w *world) toldEvent(p auth.Principal, number int64, kind string, st Stored, d auth.Decision, content string) (subscription.Event, error) {
	e := subscription.Event{Number: number, At: st.Updated, Kind: kind}
	if content != subscription.Empty {
		e.Focus = st.Ref.Current()
	}
	if content == subscription.Full && !st.Deleted && len(st.Body) > 0 {
		out, err := w.serve(p, st, d)
		if err != nil {
			return e, err
		}
		e.Resource = out.Body
	}
	return e, nil
}

// compose makes the message.
func (o *delivery) compose(kind string, now time.Time, events []subscription.Event) error {
	body, err := o.s.notification(o.id, &o.sub, o.told, kind, o.sub.Content, events).History(now)
	if err != nil {
		return err
	}
	o.kind = kind
	o.message = &Message{URL: o.sub.Endpoint, Headers: o.headers, MediaType: o.sub.MediaType, Body: body, Timeout: o.sub.Timeout}
	return nil
}

// open reads the headers, and reports whether that was possible.
func (o *delivery) open() bool {
	return len(o.told.Headers) == 0 || o.s.outlet.Open(toldPrefix+o.id, o.told.Headers, &o.headers) == nil
}

// notification tells how a Subscription stands.
func (s *Service) notification(id string, sub *subscription.Subscription, t *told, kind, content string, events []subscription.Event) subscription.Notification {
	out := subscription.Notification{
		ID: mapping.ID("notification|" + s.newID()), Base: s.base, Subscription: fhir.Ref{Type: "Subscription", ID: id}, Status: sub.Status, Kind: kind,
		Events: t.Number, Told: events, Content: content,
	}
	if content != subscription.Empty {
		out.Topic = sub.Topic.URL
	}
	return out
}

// save puts how far the subscriber has been told into the unit, as long as nobody else wrote it.
func (o *delivery) save() error {
	set, err := o.told.setting(o.id)
	o.unit.Settings = append(o.unit.Settings, set)
	o.unit.Relied = append(o.unit.Relied, Reliance{Setting: new(o.kept)})
	return err
}
