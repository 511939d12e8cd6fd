package exchange

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/subscription"
)

// What is kept beside a Subscription: one setting with how far its subscriber has been told, and one for each
// of the last events.
const (
	toldPrefix  = "subscription/"
	eventPrefix = "event/"
	seenKey     = "outbox/seen" // notices up to here were looked at for every subscriber who is not behind
	keptEvents  = 1000          // of one Subscription, for $events
)

// RaisedKey is the setting with the number above which every event is numbered, of each Subscription: after a
// restore nobody knows which numbers were handed out. A store that finds out by itself that it was restored
// writes it, as Restored does.
const RaisedKey = "outbox/raised"

// Raised returns the number to keep under RaisedKey, for a restore of now, when was is kept. Nobody is told of
// an event each millisecond, so that the clock in milliseconds is above whatever was handed out before.
func Raised(was int64, now time.Time) int64 { return max(was+maxLost, now.UnixMilli()) }

// maxLost is how many events of one Subscription a restore forgets at most, where the clock is no help.
const maxLost = 1_000_000

// Restored raises the numbers of events after the store has been brought back from a backup: an event that
// was told after it, and is not known any more, had a number that must not come again for another one.
func (s *Service) Restored(ctx context.Context) error {
	const op = "exchange.Restored"
	var was int64
	err := s.store.View(ctx, func(v Snapshot) (err error) {
		was, err = numberIn(v, RaisedKey)
		return err
	})
	if err != nil {
		return fhir.Wrap(op, err)
	}
	_, err = s.store.Commit(ctx, Unit{Settings: []Setting{{Key: RaisedKey, Value: strconv.AppendInt(nil, Raised(was, s.now()), 10)}}})
	return fhir.Wrap(op, err)
}

// told is how far a subscriber has been told, and by whose grant.
type told struct {
	Client       string `json:"client"`
	Organization string `json:"organization"`
	Scopes       string `json:"scopes"`
	Purpose      string `json:"purpose"`
	Headers      []byte `json:"headers,omitempty"` // sealed

	Fresh    int   `json:"fresh,omitempty"`    // begins at the notice of this version of the Subscription; 0: has begun
	Shaken   bool  `json:"shaken,omitempty"`   // the receiver accepted the handshake
	Stopped  bool  `json:"stopped,omitempty"`  // the server gave up; what happens meanwhile is told later
	Position int64 `json:"position,omitempty"` // notices up to here are dealt with
	Apart    bool  `json:"apart,omitempty"`    // has not caught up with the others, whose place is under seenKey
	Number   int64 `json:"number,omitempty"`   // of the last event
	// Pending is the notice that event Number tells of, as long as the receiver has not accepted it.
	Pending int64 `json:"pending,omitempty"`
	Left    bool  `json:"left,omitempty"` // some of it may have arrived
	// Doubt: the number after Number may have arrived for an event that was hidden before it was accepted.
	// The next event is told under that number, and once more under the one behind it: a receiver that
	// dropped the first as a repeat has the second.
	Doubt bool `json:"doubt,omitempty"`

	Failures int       `json:"failures,omitempty"` // in a row
	Reason   string    `json:"reason,omitempty"`   // of the last one
	Failing  time.Time `json:"failing,omitzero"`   // since
	Next     time.Time `json:"next,omitzero"`      // attempt
	Sent     time.Time `json:"sent,omitzero"`      // last message that was accepted
}

// lastEvent is one row of what was told.
type lastEvent struct {
	Ref  string    `json:"ref"` // with version
	Kind string    `json:"kind"`
	At   time.Time `json:"at"`
}

// settingOf reads one setting; its value is nil when there is none.
func settingOf(v Lookups, key string) (Setting, error) {
	found, err := v.Settings(key, "", 1)
	if err != nil || len(found) == 0 || found[0].Key != key {
		return Setting{Key: key}, err
	}
	return found[0], nil
}

// toldOf reads how far a subscriber has been told; nil when that is not kept.
func toldOf(v Lookups, id string) (*told, Setting, error) {
	set, err := settingOf(v, toldPrefix+id)
	if err != nil || set.Value == nil {
		return nil, set, err
	}
	t := &told{}
	if err := json.Unmarshal(set.Value, t); err != nil {
		return t, set, err
	}
	raised, err := numberIn(v, RaisedKey)
	t.raise(raised)
	return t, set, err
}

// numberIn reads a setting that is a number, 0 when there is none.
func numberIn(v Lookups, key string) (int64, error) {
	set, err := settingOf(v, key)
	if err != nil || set.Value == nil {
		return 0, err
	}
	return strconv.ParseInt(string(set.Value), 10, 64)
}

func (t *told) setting(id string) (Setting, error) {
	b, err := json.Marshal(t)
	return Setting{Key: toldPrefix + id, Value: b}, err
}

// eventsOf begins the keys of the events of a Subscription.
func eventsOf(id string) string { return eventPrefix + id + "/" }

func eventKey(id string, number int64) string { return fmt.Sprintf("%s%016d", eventsOf(id), number) }

// raise numbers what is told next above what a restore may have forgotten. The event that was not accepted is
// told under a new number: the old one may have come to another event meanwhile.
func (t *told) raise(above int64) {
	if t.Number >= above {
		return
	}
	if t.Pending != 0 {
		t.Position, t.Pending, t.Apart = t.Pending-1, 0, true
	}
	t.Number, t.Left, t.Doubt = above, false, false
}

// begin makes a written Subscription to be confirmed by its receiver anew.
func (t *told) begin() {
	t.Apart, t.Shaken, t.Stopped, t.Failures, t.Reason, t.Failing, t.Next = true, false, false, 0, "", time.Time{}, time.Time{}
}

// drop forgets the event that was not accepted: its subscriber may no longer know of it.
func (t *told) drop() {
	t.Doubt = t.Doubt || t.Left
	t.Position, t.Pending, t.Left = t.Pending, 0, false
	t.Number--
}

// take makes a notice the next event.
func (t *told) take(n Notice) {
	t.Number++
	t.Pending, t.Left = n.Seq, true // what is in the commit before a message may have left after it
}

// accepted remembers that the receiver has what was sent: an event, the handshake or a sign of life.
func (t *told) accepted(now time.Time, event bool) {
	t.Failures, t.Reason, t.Failing, t.Next, t.Sent = 0, "", time.Time{}, time.Time{}, now
	t.Shaken = true
	if !event {
		return
	}
	t.Position, t.Pending, t.Left = t.Pending, 0, false
	if t.Doubt {
		t.Doubt = false
		t.Position--
	}
}

// Bounds of trying again.
const (
	firstPause   = time.Second
	longestPause = 15 * time.Minute
	errorAfter   = 5                  // failures in a row, before the Subscription says so
	shakeTries   = 8                  // of a handshake
	giveUpAfter  = 3 * 24 * time.Hour // of failures: a weekend is no reason
)

// failed remembers an attempt that failed, and says when to try again. left tells whether something of the
// pending event may have arrived, by this attempt or one before.
func (t *told) failed(now time.Time, reason string, left bool) {
	t.Left = t.Pending != 0 && left
	t.Apart, t.Reason = true, reason
	if t.Failures++; t.Failures == 1 {
		t.Failing = now
	}
	t.Next = now.Add(min(firstPause<<min(t.Failures-1, 20), longestPause))
}

// standing is the status that a Subscription should have after an attempt.
func (t *told) standing(was string, now time.Time) string {
	switch {
	case t.Failures == 0 && t.Shaken:
		return subscription.Active
	case t.Shaken && now.Sub(t.Failing) >= giveUpAfter:
		return subscription.Off
	case t.Failures >= errorAfter && t.Shaken, t.Failures >= shakeTries:
		return subscription.Error
	}
	return was
}

// fault says on the Subscription why it does not work.
func (t *told) fault() string {
	if t.Failures < errorAfter {
		return "" // it may be over in a moment
	}
	return undeliveredTexts[t.Reason]
}

// undelivered reads why a message was not accepted.
func undelivered(err error) Undelivered {
	var why Undelivered
	if !errors.As(err, &why) {
		return Undelivered{Reason: UnreachableReceiver, Left: true}
	}
	return why
}

// statusEdits are the changes by which the server says how a Subscription stands.
func statusEdits(status, fault string) []fhir.Edit {
	text := ""
	if fault != "" {
		text = strconv.Quote(fault) // ASCII of ours: JSON too
	}
	return []fhir.Edit{{Path: []string{"status"}, JSON: strconv.Quote(status)}, {Path: []string{"error"}, JSON: text}}
}
