package exchange

import (
	"context"
	"sync"
	"time"
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

// Steady answers nil when the log can be written: the clock has not gone back behind it. Unavailable else.
func (s *Service) Steady(ctx context.Context) error { return s.steady(ctx, "exchange.Steady") }

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
