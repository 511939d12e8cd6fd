package exchange

import (
	"context"
	"sync"
	"time"

	"github.com/drieluik/drieluik/fhir"
)

// maxSkew is how much earlier than the newest row of the log the clock may be (access.md 9). What is later
// is told from an access of then by nobody.
const maxSkew = 5 * time.Second

// pulse is the instant of the newest row of the log that this process knows of. It is safe for concurrent
// use.
type pulse struct {
	mu     sync.Mutex
	read   bool // the newest row that stood when the process began is known
	newest time.Time
}

// writableFor is how long an answer of Writable holds: who asks all the time makes no commit each time.
const writableFor = time.Second

// Writable answers nil when the log can be written: the clock has not gone back behind it, and a commit is
// durable. Unavailable else.
func (s *Service) Writable(ctx context.Context) error {
	const op = "exchange.Writable"
	if err := s.steady(ctx, op); err != nil {
		return err
	}
	s.writable.mu.Lock()
	defer s.writable.mu.Unlock()
	if time.Since(s.writable.at) < writableFor {
		return s.writable.err
	}
	_, err := s.store.Lease(ctx, "writable", s.holder(), time.Millisecond)
	s.writable.at, s.writable.err = time.Now(), fhir.Wrap(op, err)
	return s.writable.err
}

// writable is what the last try to write came to.
type writable struct {
	mu  sync.Mutex
	at  time.Time
	err error
}

// steady refuses to go on when the clock has gone back behind the log: every period, age and lifetime would
// be judged wrongly, and the log would tell of accesses in an order that never was.
func (s *Service) steady(ctx context.Context, op string) error {
	now := s.now().Round(0) // by the clock on the wall: the monotonic one never goes back
	s.pulse.mu.Lock()
	defer s.pulse.mu.Unlock()
	if !s.pulse.read {
		if err := s.pulse.begin(ctx, s.store); err != nil {
			return unavailable(op, "policy-unavailable", err)
		}
	}
	if s.pulse.newest.Sub(now) > maxSkew {
		s.log.Error("the clock is behind the newest row of the log: set it right, or wait until it is past that row", "log", s.pulse.newest, "clock", now)
		return unavailable(op, "clock-skew", nil)
	}
	if now.After(s.pulse.newest) {
		s.pulse.newest = now
	}
	return nil
}

// begin looks up the newest row of the chain to which every start and every login adds.
func (p *pulse) begin(ctx context.Context, st Store) error {
	return st.View(ctx, func(v Snapshot) error {
		rows, err := v.Recent(SystemCompartment, 0, 1)
		if err == nil && len(rows) > 0 {
			p.newest = rows[0].At
		}
		p.read = err == nil
		return err
	})
}
