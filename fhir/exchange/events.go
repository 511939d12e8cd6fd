package exchange

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/subscription"
)

// maxEvents is how many events one answer tells; who asks goes on behind the last one.
const maxEvents = 100

// Catch asks for events that were told before.
type Catch struct {
	Since, Until int64  // numbers, both included; Until 0: to the last one
	Content      string // one of subscription.Contents; "": as the Subscription says
}

// SubscriptionStatus answers $status: how a Subscription stands, as a Bundle. NotFound for who may not read
// the Subscription.
func (s *Service) SubscriptionStatus(ctx context.Context, c Call, ref fhir.Ref) ([]byte, error) {
	const op = "exchange.SubscriptionStatus"
	var out []byte
	err := s.look(ctx, op, c, ref, nil, func(o *outlook) (refused, err error) {
		n, refused, err := o.standing(ref, subscription.QueryStatus)
		if refused != nil || err != nil {
			return refused, err
		}
		out, err = subscription.Searchset([]subscription.Notification{n})
		return nil, err
	})
	return out, err
}

// SubscriptionStatuses answers $status for the Subscriptions that the caller's organisation keeps, those of the
// ids and statuses alone where some are named.
func (s *Service) SubscriptionStatuses(ctx context.Context, c Call, ids, statuses []string) ([]byte, error) {
	const op = "exchange.SubscriptionStatuses"
	var out []byte
	err := s.look(ctx, op, c, fhir.Ref{Type: "Subscription"}, nil, func(o *outlook) (refused, err error) {
		p := c.Principal
		for _, i := range []auth.Interaction{auth.SearchType, auth.Read} {
			d, err := o.w.decide(p, auth.Action{Interaction: i, Type: "Subscription"}, nil)
			if err != nil {
				return nil, err
			}
			if !d.Permit {
				o.e.denied(d, p.Patient)
				return refusal(op, d), nil
			}
		}
		o.e.asked(auth.Decision{Permit: true, HTTP: 200})
		all, err := o.kept(p.Organization, ids, statuses)
		if err == nil {
			out, err = subscription.Searchset(all)
		}
		return nil, err
	})
	return out, err
}

// kept tells how the Subscriptions of an organisation stand.
func (o *outlook) kept(organization fhir.Ref, ids, statuses []string) ([]subscription.Notification, error) {
	heads, err := o.v.Heads(SystemCompartment, "Subscription")
	if err != nil {
		return nil, err
	}
	var out []subscription.Notification
	for _, f := range heads {
		named := (len(ids) == 0 || slices.Contains(ids, f.Ref.ID)) && (len(statuses) == 0 || slices.Contains(statuses, f.Status))
		if !named || organization.IsZero() || f.Custodian != organization {
			continue
		}
		n, refused, err := o.standing(f.Ref.Current(), subscription.QueryStatus)
		if err != nil {
			return nil, err
		}
		if refused == nil {
			out = append(out, n)
		}
	}
	return out, nil
}

// Events answers $events: what the subscriber was told of, as a Bundle, the oldest first and at most 100.
// Access to each resource is decided anew; of an event whose resource is hidden by now the number alone is
// told, which the subscriber had before. NotFound for who may not read the Subscription.
func (s *Service) Events(ctx context.Context, c Call, ref fhir.Ref, ask Catch) ([]byte, error) {
	const op = "exchange.Events"
	var out []byte
	err := s.look(ctx, op, c, ref, nil, func(o *outlook) (refused, err error) {
		n, refused, err := o.standing(ref, subscription.QueryEvent)
		if refused != nil || err != nil {
			return refused, err
		}
		if n.Told, err = o.events(ref, ask, cmp.Or(ask.Content, n.Content)); err != nil {
			return nil, err
		}
		out, err = n.History(o.w.now)
		return nil, err
	})
	return out, err
}

// standing reads how a Subscription stands.
func (o *outlook) standing(ref fhir.Ref, kind string) (subscription.Notification, error, error) {
	var none subscription.Notification
	r, refused, err := o.open(ref)
	if refused != nil || err != nil {
		return none, refused, err
	}
	sub, _ := subscription.Read(r, o.w.s.base) // what it asks for was judged when it was written
	t, _, err := toldOf(o.v, ref.ID)
	if err != nil {
		return none, nil, err
	}
	if t == nil {
		t = &told{}
	}
	n := o.w.s.notification(ref.ID, &sub, t, kind, sub.Content, nil)
	n.Fault = t.fault()
	return n, nil, nil
}

// events reads what was told.
func (o *outlook) events(ref fhir.Ref, ask Catch, content string) ([]subscription.Event, error) {
	before := eventKey(ref.ID, max(ask.Since, 1)-1)
	page, err := o.v.Settings(eventsOf(ref.ID), before, maxEvents)
	if err != nil {
		return nil, err
	}
	var out []subscription.Event
	for _, set := range page {
		number, err := strconv.ParseInt(strings.TrimPrefix(set.Key, eventsOf(ref.ID)), 10, 64)
		if err != nil {
			return nil, err
		}
		if ask.Until > 0 && number > ask.Until {
			break
		}
		e, err := o.event(set, number, content)
		if err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	return out, nil
}

// event reads one event as the caller may know of it now.
func (o *outlook) event(set Setting, number int64, content string) (subscription.Event, error) {
	var row lastEvent
	if err := json.Unmarshal(set.Value, &row); err != nil {
		return subscription.Event{}, err
	}
	bare := subscription.Event{Number: number, At: row.At}
	ref, _ := fhir.ParseRef(row.Ref)
	st, err := o.v.Read(ref)
	if err != nil && !missing(err) {
		return bare, err
	}
	if fhir.KindOf(err) == fhir.NotFound && err != nil {
		return bare, nil
	}
	p, a := o.e.call.Principal, auth.Action{Interaction: auth.Notify, Type: ref.Type}
	d, err := o.w.decide(p, a, nil)
	if err == nil && d.Permit {
		d, err = o.w.decideVersion(p, a, st)
	}
	if err != nil || !d.Permit {
		return bare, err
	}
	if content != subscription.Empty {
		o.e.disclosed(st, d)
	}
	return o.w.toldEvent(p, number, row.Kind, st, d, content)
}

// disclosed adds a resource that somebody is told of (access.md 8: life cycle 11).
func (e *event) disclosed(st Stored, d auth.Decision) {
	e.saw(st, d)
	e.touches[len(e.touches)-1].life = "11"
}
