// Package statetest is the contract of short-lived authorisation state (smart.md 3.2): one suite
// for every implementation. It is for tests only.
package statetest

import (
	"context"
	"crypto/sha256"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/drieluik/drieluik/fhir"
)

// State is what the suite exercises.
type State interface {
	Put(ctx context.Context, kind string, hash [32]byte, value []byte, ttl time.Duration) error
	Get(ctx context.Context, kind string, hash [32]byte) ([]byte, error)
	Take(ctx context.Context, kind string, hash [32]byte) ([]byte, error)
	Once(ctx context.Context, kind string, hash [32]byte, ttl time.Duration) (first bool, at time.Time, err error)
	Count(ctx context.Context, bucket string, window time.Duration) (int, error)
}

// Open opens an empty state whose present instant is clock's.
type Open func(t *testing.T, clock func() time.Time) State

// Clock is the time of a state under test.
type Clock interface {
	Now() time.Time
	Advance(d time.Duration)
}

const (
	rounds     = 200
	contenders = 32
)

// clock is a clock that a test moves.
type clock struct{ ms atomic.Int64 }

func newClock() *clock {
	c := &clock{}
	c.ms.Store(time.Date(2026, 11, 21, 19, 0, 0, 0, time.UTC).UnixMilli())
	return c
}

// Now implements Clock.
func (c *clock) Now() time.Time { return time.UnixMilli(c.ms.Load()).UTC() }

// Advance implements Clock.
func (c *clock) Advance(d time.Duration) { c.ms.Add(d.Milliseconds()) }

func hash(s string) [32]byte { return sha256.Sum256([]byte(s)) }

// Run runs the whole contract on a state that is told the time.
func Run(t *testing.T, open Open) {
	t.Helper()
	RunTimed(t, func(t *testing.T) (State, Clock) {
		c := newClock()
		return open(t, c.Now), c
	})
}

// RunTimed runs the whole contract on a state with a time of its own. Each case opens a state that is
// empty.
func RunTimed(t *testing.T, open func(t *testing.T) (State, Clock)) {
	t.Helper()
	cases := map[string]func(*testing.T, State, Clock){
		"a value is there until its time is over": testPutGet,
		"a second put replaces the first":         testReplace,
		"kinds are apart":                         testKinds,
		"a taken value is gone":                   testTake,
		"an expired value cannot be taken":        testTakeExpired,
		"a claim is first once and tells when":    testOnce,
		"a claim is free again when it is over":   testOnceExpired,
		"a bucket counts and starts anew":         testCount,
		"unknown kinds are refused":               testUnknownKind,
		"RACE-1 exactly one Take wins":            testTakeRace,
		"RACE-1 exactly one Once wins":            testOnceRace,
		"no count is lost":                        testCountRace,
	}
	for name, run := range cases {
		t.Run(name, func(t *testing.T) {
			s, c := open(t)
			run(t, s, c)
		})
	}
}

func testPutGet(t *testing.T, s State, c Clock) {
	must(t, s.Put(t.Context(), "at", hash("a"), []byte("value"), time.Hour))
	c.Advance(time.Hour - time.Minute)
	wantValue(t, s, "at", "a", "value")
	c.Advance(time.Minute)
	wantMissing(t, s, "at", "a")
	wantMissing(t, s, "at", "never put")
	must(t, s.Put(t.Context(), "at", hash("b"), []byte("value"), time.Hour))
	must(t, s.Put(t.Context(), "at", hash("b"), []byte("value"), 0)) // over at once
	wantMissing(t, s, "at", "b")
}

func testReplace(t *testing.T, s State, c Clock) {
	must(t, s.Put(t.Context(), "at", hash("a"), []byte("one"), time.Second))
	must(t, s.Put(t.Context(), "at", hash("a"), []byte("two"), time.Minute))
	c.Advance(30 * time.Second)
	wantValue(t, s, "at", "a", "two")
}

func testKinds(t *testing.T, s State, _ Clock) {
	must(t, s.Put(t.Context(), "at", hash("a"), []byte("value"), time.Minute))
	wantMissing(t, s, "rt", "a")
}

func testTake(t *testing.T, s State, _ Clock) {
	must(t, s.Put(t.Context(), "launch", hash("a"), []byte("value"), time.Minute))
	got, err := s.Take(t.Context(), "launch", hash("a"))
	must(t, err)
	if string(got) != "value" {
		t.Errorf("Take = %q, want %q", got, "value")
	}
	if _, err := s.Take(t.Context(), "launch", hash("a")); fhir.KindOf(err) != fhir.NotFound {
		t.Errorf("second Take: %v, want NotFound", err)
	}
	wantMissing(t, s, "launch", "a")
}

func testTakeExpired(t *testing.T, s State, c Clock) {
	must(t, s.Put(t.Context(), "launch", hash("a"), []byte("value"), time.Minute))
	c.Advance(time.Minute)
	if _, err := s.Take(t.Context(), "launch", hash("a")); fhir.KindOf(err) != fhir.NotFound {
		t.Errorf("Take: %v, want NotFound", err)
	}
}

func testOnce(t *testing.T, s State, c Clock) {
	start := c.Now().Truncate(time.Millisecond)
	first, when, err := s.Once(t.Context(), "jti", hash("a"), time.Minute)
	must(t, err)
	if !first || when.Before(start) || when.After(c.Now()) {
		t.Errorf("claim = (%v, %v), want (true, %v)", first, when, start)
	}
	for range 2 {
		c.Advance(1500 * time.Millisecond)
		first, at, err := s.Once(t.Context(), "jti", hash("a"), time.Minute)
		must(t, err)
		if first || !at.Equal(when) {
			t.Errorf("later claim = (%v, %v), want (false, %v)", first, at, when)
		}
	}
	first, _, err = s.Once(t.Context(), "jti", hash("b"), time.Minute)
	must(t, err)
	if !first {
		t.Error("another hash must be free")
	}
}

func testOnceExpired(t *testing.T, s State, c Clock) {
	_, _, err := s.Once(t.Context(), "jti", hash("a"), time.Minute)
	must(t, err)
	c.Advance(time.Minute)
	start := c.Now().Truncate(time.Millisecond)
	first, at, err := s.Once(t.Context(), "jti", hash("a"), time.Minute)
	must(t, err)
	if !first || at.Before(start) || at.After(c.Now()) {
		t.Errorf("claim after the end = (%v, %v), want (true, %v)", first, at, start)
	}
}

func testCount(t *testing.T, s State, c Clock) {
	wantCount := func(bucket string, want int) {
		t.Helper()
		n, err := s.Count(t.Context(), bucket, time.Minute)
		must(t, err)
		if n != want {
			t.Errorf("Count(%s) = %d, want %d", bucket, n, want)
		}
	}
	wantCount("x", 1)
	c.Advance(40 * time.Second)
	wantCount("x", 2)
	wantCount("y", 1)
	c.Advance(21 * time.Second) // the window runs from the first count
	wantCount("x", 1)
	wantCount("y", 2)
}

func testUnknownKind(t *testing.T, s State, _ Clock) {
	if err := s.Put(t.Context(), "passwords", hash("a"), nil, time.Minute); err == nil {
		t.Error("Put of an unknown kind must fail")
	}
	if _, err := s.Get(t.Context(), "passwords", hash("a")); err == nil {
		t.Error("Get of an unknown kind must fail")
	}
}

func testTakeRace(t *testing.T, s State, _ Clock) {
	for round := range rounds {
		h := hash("take " + strconv.Itoa(round))
		must(t, s.Put(t.Context(), "par", h, []byte("v"), time.Minute))
		wins := contend(func() bool {
			_, err := s.Take(t.Context(), "par", h)
			if err != nil && fhir.KindOf(err) != fhir.NotFound {
				t.Errorf("Take: %v", err)
			}
			return err == nil
		})
		if wins != 1 {
			t.Fatalf("round %d: %d winners, want 1", round, wins)
		}
	}
}

func testOnceRace(t *testing.T, s State, _ Clock) {
	for round := range rounds {
		h := hash("once " + strconv.Itoa(round))
		wins := contend(func() bool {
			first, _, err := s.Once(t.Context(), "jti", h, time.Minute)
			if err != nil {
				t.Errorf("Once: %v", err)
			}
			return first
		})
		if wins != 1 {
			t.Fatalf("round %d: %d winners, want 1", round, wins)
		}
	}
}

func testCountRace(t *testing.T, s State, _ Clock) {
	contend(func() bool {
		_, err := s.Count(t.Context(), "race", time.Minute)
		if err != nil {
			t.Errorf("Count: %v", err)
		}
		return true
	})
	n, err := s.Count(t.Context(), "race", time.Minute)
	must(t, err)
	if n != contenders+1 {
		t.Errorf("Count = %d, want %d", n, contenders+1)
	}
}

// contend starts all contenders at one instant and returns how many won.
func contend(try func() bool) int {
	var wins atomic.Int64
	var ready, done sync.WaitGroup
	start := make(chan struct{})
	ready.Add(contenders)
	for range contenders {
		done.Go(func() {
			ready.Done()
			<-start
			if try() {
				wins.Add(1)
			}
		})
	}
	ready.Wait()
	close(start)
	done.Wait()
	return int(wins.Load())
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantValue(t *testing.T, s State, kind, name, want string) {
	t.Helper()
	got, err := s.Get(t.Context(), kind, hash(name))
	must(t, err)
	if string(got) != want {
		t.Errorf("Get = %q, want %q", got, want)
	}
}

func wantMissing(t *testing.T, s State, kind, name string) {
	t.Helper()
	if _, err := s.Get(t.Context(), kind, hash(name)); fhir.KindOf(err) != fhir.NotFound {
		t.Errorf("Get: %v, want NotFound", err)
	}
}
