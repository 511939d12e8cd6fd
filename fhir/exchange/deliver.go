package exchange

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/drieluik/drieluik/fhir"
)

// Bounds of Deliver.
const (
	deliverLease = "deliver"
	deliverTTL   = 10 * time.Second      // after which another process takes over from one that died
	deliverEvery = time.Second           // looks for what other processes wrote, and for what is to be tried again
	deliverPause = 10 * time.Millisecond // between two looks: what is written together is read together
	deliverPage  = 200                   // notices read at once
	deliverWays  = 128                   // subscribers told at once, who have answered so far
	apartWays    = 64                    // others told at once: those who have to prove that they answer
	seenEvery    = 1000                  // notices between two notes of how far all have been told
)

// Deliverer tells subscribers what is in the outbox. It is safe for concurrent use.
//
// A Subscription has its own place in the outbox, its own count of events and its own pace: one receiver that
// is down keeps nobody else waiting, and nothing overtakes what it has not accepted. An event is numbered and
// in the log in one commit, which rests on the policy by which the subscriber may know of it, before the first
// byte of the message; what was not accepted is decided on again before each further attempt.
type Deliverer struct {
	s *Service

	mu      sync.Mutex
	renewed time.Time           // of the lease; zero: another process delivers
	seen    int64               // end of the outbox, as far as it was read
	noted   int64               // what is stored of seen
	unnoted int                 // notices read since then
	trimmed time.Time           // when the next look for what nobody needs is due
	subs    map[string]*tracked // by id of the Subscription
	working sync.WaitGroup
	ways    chan struct{}
	apart   chan struct{} // so that who hangs takes the way of nobody who answers
}

// tracked is what the process that delivers remembers of a Subscription between two looks. The store knows
// the rest.
type tracked struct {
	kind     fhir.Type // of its topic; "": not looked at yet
	position int64     // notices up to here are dealt with
	behind   bool      // there may be something to do
	apart    bool      // told.Apart
	still    bool      // nothing is to be told until it is written again
	busy     bool
	due      time.Time // of the next look, when it is not behind; zero: none
	since    time.Time // it may not have been told of something since; zero: it has
}

// Deliverer returns a new Deliverer. One for each Service is enough.
func (s *Service) Deliverer() *Deliverer {
	return &Deliverer{s: s, ways: make(chan struct{}, deliverWays), apart: make(chan struct{}, apartWays)}
}

// Run delivers until ctx ends: when something is written in this process, and every second. Of several
// processes on one store one delivers at a time; another takes over within seconds of its death.
func (d *Deliverer) Run(ctx context.Context) {
	tick := time.NewTicker(deliverEvery)
	defer tick.Stop()
	pause := time.NewTimer(deliverPause)
	defer pause.Stop()
	for {
		if err := d.pass(ctx); err != nil && ctx.Err() == nil {
			d.s.log.Error("subscribers were not told", "error", err.Error())
		}
		select {
		case <-ctx.Done():
			d.working.Wait()
			d.leave(context.WithoutCancel(ctx))
			return
		case <-tick.C:
		case <-d.s.stirred:
			pause.Reset(deliverPause)
			<-pause.C
		}
	}
}

// Once tells what there is to tell now, and returns when it is done or put off.
func (d *Deliverer) Once(ctx context.Context) error {
	err := d.pass(ctx)
	d.working.Wait()
	return fhir.Wrap("exchange.Deliver", err)
}

// Delivery is how the work stands in this process.
type Delivery struct {
	Mine    bool          // this process delivers; the rest is zero when it does not
	Lag     time.Duration // for which the subscriber who waits longest has not been told of something
	Waiting int           // Subscriptions whose receiver accepts nothing at present
	All     int           // Subscriptions
}

// Delivery returns how the work stands, for who watches over the server.
func (d *Deliverer) Delivery() Delivery {
	d.mu.Lock()
	defer d.mu.Unlock()
	out := Delivery{Mine: !d.renewed.IsZero(), All: len(d.subs)}
	for _, t := range d.subs {
		if t.apart && !t.due.IsZero() {
			out.Waiting++
		}
		if !t.since.IsZero() {
			out.Lag = max(out.Lag, d.s.now().Sub(t.since))
		}
	}
	return out
}

// pass looks what is new, and begins to work for every subscriber for whom there is something to do.
func (d *Deliverer) pass(ctx context.Context) error {
	if d.s.outlet == nil {
		return nil
	}
	if mine, err := d.hold(ctx); err != nil || !mine {
		return err
	}
	if err := d.tail(ctx); err != nil {
		return err
	}
	d.tidy(ctx)
	now := d.s.now()
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.renewed.IsZero() { // a worker lost the lease meanwhile
		return nil
	}
	for id, t := range d.subs {
		if t.busy || !t.behind && (t.due.IsZero() || now.Before(t.due)) {
			continue
		}
		t.busy, t.behind = true, false
		if t.since.IsZero() {
			t.since = now
		}
		ways := d.ways
		if t.apart {
			ways = d.apart
		}
		d.working.Go(func() {
			ways <- struct{}{}
			defer func() { <-ways }()
			d.work(ctx, id, t)
		})
	}
	return d.note(ctx)
}

// hold takes or renews the lease. Who gets it anew reads what is stored; who loses it forgets.
func (d *Deliverer) hold(ctx context.Context) (bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.s.now()
	if !d.renewed.IsZero() && now.Sub(d.renewed) < deliverTTL/3 {
		return true, nil
	}
	mine, err := d.s.store.Lease(ctx, deliverLease, d.s.holder(), deliverTTL)
	if err != nil || !mine {
		d.renewed, d.subs = time.Time{}, nil
		return false, err
	}
	if d.renewed.IsZero() {
		if err := d.load(ctx); err != nil {
			return false, err
		}
	}
	d.renewed = now
	return true, nil
}

// load reads where everybody stands.
func (d *Deliverer) load(ctx context.Context) error {
	subs := map[string]*tracked{}
	err := d.s.store.View(ctx, func(v Snapshot) error {
		var err error
		if d.noted, err = numberIn(v, seenKey); err != nil {
			return err
		}
		for after := ""; ; {
			page, err := v.Settings(toldPrefix, after, deliverPage)
			if err != nil {
				return err
			}
			for _, set := range page {
				id := strings.TrimPrefix(set.Key, toldPrefix)
				t, _, err := toldOf(v, id)
				if err != nil || t == nil {
					return err
				}
				one := &tracked{behind: true, apart: t.Apart, position: t.Position}
				if !one.apart {
					one.position = max(t.Position, d.noted)
				}
				subs[id], after = one, set.Key
			}
			if len(page) < deliverPage {
				return nil
			}
		}
	})
	if err == nil {
		d.subs, d.seen = subs, d.noted
	}
	return err
}

// tail reads the outbox to its end, and remembers for whom there is something.
func (d *Deliverer) tail(ctx context.Context) error {
	for {
		var page []Notice
		err := d.s.store.View(ctx, func(v Snapshot) (err error) {
			page, err = v.Changes(d.end(), deliverPage)
			return err
		})
		if err != nil {
			return err
		}
		for _, n := range page {
			if n.Ref.Type != "Subscription" {
				continue
			}
			if err := d.enrol(ctx, n); err != nil {
				return err
			}
		}
		d.mark(page)
		if len(page) < deliverPage {
			return nil
		}
	}
}

func (d *Deliverer) end() int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.seen
}

// mark remembers whom a page may concern; for everybody else it is dealt with.
func (d *Deliverer) mark(page []Notice) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(page) == 0 {
		return
	}
	d.seen = page[len(page)-1].Seq
	d.unnoted += len(page)
	kinds := map[fhir.Type]bool{}
	for _, n := range page {
		kinds[n.Ref.Type] = true
	}
	for _, t := range d.subs {
		t.behind = t.behind || !t.still && (t.kind == "" || kinds[t.kind])
		if !t.behind && !t.busy && !t.apart {
			t.position = d.seen
		}
	}
}

// enrol takes a Subscription that was written. A new one begins behind its own notice.
func (d *Deliverer) enrol(ctx context.Context, n Notice) error {
	id := n.Ref.ID
	t, err := again(d.s, func() (*told, error) {
		var t *told
		var set Setting
		err := d.s.store.View(ctx, func(v Snapshot) (err error) {
			t, set, err = toldOf(v, id)
			return err
		})
		if err != nil || t == nil || t.Fresh == 0 || n.Ref.Version < t.Fresh {
			return t, err
		}
		u := Unit{Relied: []Reliance{{Setting: &set}}}
		if t.Pending != 0 { // it is not wanted any more
			u.Settings = append(u.Settings, Setting{Key: eventKey(id, t.Number)})
			t.drop()
		}
		t.Fresh, t.Position = 0, n.Seq
		now, err := t.setting(id)
		if err == nil {
			u.Settings = append(u.Settings, now)
			_, err = d.s.store.Commit(ctx, u)
		}
		return t, err
	})
	if err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	switch known := d.subs[id]; {
	case d.subs == nil, t == nil && known == nil: // another process delivers, or nothing is kept of it
	case known == nil:
		d.subs[id] = &tracked{behind: true, apart: true, position: t.Position}
	default:
		known.behind, known.still, known.kind = true, false, ""
		if t != nil && t.Position > known.position {
			known.position = t.Position
		}
	}
	return nil
}

// note stores how far all are who have no place of their own, now and then. Its caller holds the lock.
func (d *Deliverer) note(ctx context.Context) error {
	at := d.together()
	if d.unnoted < seenEvery || at <= d.noted {
		return nil
	}
	return d.store(ctx, at)
}

// together is how far everybody is who has no place of its own.
func (d *Deliverer) together() int64 {
	at := d.seen
	for _, t := range d.subs {
		if !t.still && (!t.apart || t.busy) {
			at = min(at, t.position)
		}
	}
	return at
}

func (d *Deliverer) store(ctx context.Context, at int64) error {
	_, err := d.s.store.Commit(ctx, Unit{Settings: []Setting{{Key: seenKey, Value: strconv.AppendInt(nil, at, 10)}}})
	if err == nil {
		d.noted, d.unnoted = at, 0
	}
	return err
}

// leave gives the lease to another process, with all that this one knows.
func (d *Deliverer) leave(ctx context.Context) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.renewed.IsZero() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, deliverTTL)
	defer cancel()
	var err error
	if at := d.together(); at > d.noted {
		err = d.store(ctx, at)
	}
	_, lease := d.s.store.Lease(ctx, deliverLease, d.s.holder(), -deliverTTL)
	if err := errors.Join(err, lease); err != nil {
		d.s.log.Warn("another process tells subscribers only when the lease is over", "error", err.Error())
	}
	d.renewed, d.subs = time.Time{}, nil
}
