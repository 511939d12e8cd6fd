package state_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/drieluik/drieluik/auth/state"
	"github.com/drieluik/drieluik/auth/state/statetest"
	"github.com/drieluik/drieluik/fhir"
)

const (
	raceRounds     = 1000
	raceContenders = 8 // in each of two processes
	raceAddr       = "DRIELUIK_TEST_RACE"
)

// TestMain lets this binary be the second process of the races.
func TestMain(m *testing.M) {
	if addr := os.Getenv(raceAddr); addr != "" {
		if err := contender(addr); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// contest is one thing that must be won once.
type contest struct {
	name  string
	kind  state.Kind // put before the contest; empty: nothing
	claim state.Kind // claimed; empty: the value is taken
}

func contests() []contest {
	return []contest{
		{name: "code", kind: state.Code, claim: state.CodeUsed},
		{name: "refresh", kind: state.Refresh, claim: state.RefreshUsed},
		{name: "jti", claim: state.AssertionID},
		{name: "launch", kind: state.Launch},
		{name: "par", kind: state.Pushed},
		{name: "consent submission", kind: state.Interaction},
	}
}

func (c contest) hash(round int) [32]byte {
	return sha256.Sum256(fmt.Appendf(nil, "%s %d", c.name, round))
}

func (c contest) prepare(ctx context.Context, r *state.Redis, round int) error {
	if c.kind == "" {
		return nil
	}
	return r.Put(ctx, c.kind, c.hash(round), []byte("v"), time.Hour)
}

// try contends as the server does, and reports whether it won.
func (c contest) try(ctx context.Context, r *state.Redis, round int) (bool, error) {
	hash := c.hash(round)
	if c.claim == "" {
		_, err := r.Take(ctx, c.kind, hash)
		return err == nil, known(err)
	}
	if c.kind != "" {
		if _, err := r.Get(ctx, c.kind, hash); err != nil {
			return false, err
		}
	}
	first, _, err := r.Once(ctx, c.claim, hash, time.Hour)
	return first, err
}

// known makes NotFound no error.
func known(err error) error {
	if fhir.KindOf(err) == fhir.NotFound {
		return nil
	}
	return err
}

// wins counts winners per contest and round.
type wins [][]int64

func newWins(rounds int) wins {
	w := make(wins, len(contests()))
	for i := range w {
		w[i] = make([]int64, rounds)
	}
	return w
}

// race lets all contenders of this process try all contests of a round at one instant, each in
// another order, and returns their errors.
func (w wins) race(ctx context.Context, r *state.Redis, round int) error {
	var all sync.WaitGroup
	failed := make(chan error, raceContenders*len(w))
	for start := range raceContenders {
		all.Go(func() {
			for i := range w {
				n := (start + i) % len(w)
				won, err := contests()[n].try(ctx, r, round)
				if err != nil {
					failed <- fmt.Errorf("%s: %w", contests()[n].name, err)
				}
				if won {
					atomic.AddInt64(&w[n][round], 1)
				}
			}
		})
	}
	all.Wait()
	close(failed)
	var errs []error
	for err := range failed {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// meet waits until both processes have come to a round: the second one lets the first go.
func meet(ctx context.Context, c *redis.Client, round int) error {
	key := fmt.Sprintf("race %d", round)
	n, err := c.Incr(ctx, key).Result()
	if err != nil {
		return err
	}
	if n == 2 {
		return c.RPush(ctx, key+" go", "go").Err()
	}
	return c.BLPop(ctx, time.Minute, key+" go").Err()
}

// rounds runs all rounds together with the other process. Who leads prepares them.
func (w wins) rounds(ctx context.Context, r *state.Redis, barrier *redis.Client, leads bool) error {
	for round := range raceRounds {
		for _, c := range contests() {
			if !leads {
				break
			}
			if err := c.prepare(ctx, r, round); err != nil {
				return err
			}
		}
		if err := meet(ctx, barrier, round); err != nil {
			return err
		}
		if err := w.race(ctx, r, round); err != nil {
			return err
		}
	}
	return nil
}

// contender is the second process: it prints its wins.
func contender(addr string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	r, err := state.OpenRedis(ctx, state.RedisConfig{
		URL: "redis://" + addr, Settings: &mainStore{}, Clock: time.Now, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return err
	}
	w, barrier := newWins(raceRounds), redis.NewClient(&redis.Options{Addr: addr})
	err = w.rounds(ctx, r, barrier, false)
	return errors.Join(err, json.NewEncoder(os.Stdout).Encode(w), barrier.Close(), r.Close())
}

// TestRACE1_ExactlyOneWinnerOverTwoProcesses: 1,000 rounds of 16 contenders, half in each process.
func TestRACE1_ExactlyOneWinnerOverTwoProcesses(t *testing.T) {
	t.Parallel()
	sv := statetest.StartRedis(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	other := exec.CommandContext(ctx, self)
	other.Env = append(os.Environ(), raceAddr+"="+sv.Addr)
	other.Stderr = os.Stderr
	answered := make(chan []byte, 1)
	go func() {
		out, err := other.Output()
		if err != nil {
			t.Errorf("the other process: %v", err)
			cancel() // it will not come to the barrier
		}
		answered <- out
	}()
	ours, theirs := newWins(raceRounds), wins{}
	if err := ours.rounds(ctx, connect(t, sv.URL()), sv.Client(t), true); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(<-answered, &theirs); err != nil {
		t.Fatal(err)
	}
	for i, c := range contests() {
		share := int64(0)
		for round := range raceRounds {
			if n := ours[i][round] + theirs[i][round]; n != 1 {
				t.Errorf("%s, round %d: %d winners, want 1", c.name, round, n)
			}
			share += theirs[i][round]
		}
		if share == 0 || share == raceRounds {
			t.Errorf("%s: the processes do not meet: one won all %d rounds", c.name, raceRounds)
		}
	}
}

// TestRACE4_KilledMidwayNobodyWinsTwice: Redis is killed while contenders run, once with an
// append-only file and once without. Nobody wins what was won before, all errors are to try again,
// and the state recovers by itself.
func TestRACE4_KilledMidwayNobodyWinsTwice(t *testing.T) {
	t.Parallel()
	for name, flags := range map[string][]string{"append-only": statetest.Locked(), "in memory": nil} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sv := statetest.StartRedis(t, flags...)
			a, b := connect(t, sv.URL()), connect(t, sv.URL())
			const rounds = 30
			w := newWins(rounds)
			for round := range rounds {
				for _, c := range contests() {
					if err := c.prepare(t.Context(), a, round); err != nil {
						t.Fatal(err)
					}
				}
				bothRace(t, sv, w, a, b, round)
			}
			clean := 0
			for i, c := range contests() {
				for round, n := range w[i] {
					if n > 1 {
						t.Errorf("%s, round %d: %d winners", c.name, round, n)
					}
					clean += int(n)
				}
			}
			if clean < rounds*len(w)/2 {
				t.Errorf("%d contests of %d had a winner: the state does not recover", clean, rounds*len(w))
			}
		})
	}
}

// bothRace races two states; each tenth round Redis is killed in the middle and started again, and
// the contenders of that round come once more.
func bothRace(t *testing.T, sv *statetest.RedisServer, w wins, a, b *state.Redis, round int) {
	t.Helper()
	kill := round%10 == 5
	var all sync.WaitGroup
	for _, r := range []*state.Redis{a, b} {
		all.Go(func() {
			if err := w.race(t.Context(), r, round); err != nil && (!kill || !onlyUnavailable(err)) {
				t.Errorf("round %d: %v", round, err)
			}
		})
	}
	if kill {
		sv.Kill()
	}
	all.Wait()
	if !kill {
		return
	}
	sv.Start(t)
	recovers(t, a)
	recovers(t, b)
	before := a.Lost()
	for i, c := range contests() {
		won, err := c.try(t.Context(), b, round)
		if known(err) != nil {
			t.Errorf("%s after recovery: %v", c.name, err)
		}
		if won && before.IsZero() { // else the assertion is refused by its age, and the rest is not there
			w[i][round]++
		}
		if won && !before.IsZero() && c.kind != "" {
			t.Errorf("%s was won again after it was forgotten", c.name)
		}
	}
}

// onlyUnavailable reports whether every error is one to try again.
func onlyUnavailable(err error) bool {
	joined, ok := err.(interface{ Unwrap() []error }) //nolint:errorlint // what errors.Join made
	if !ok {
		return fhir.KindOf(err) == fhir.Unavailable
	}
	for _, e := range joined.Unwrap() {
		if !onlyUnavailable(e) {
			return false
		}
	}
	return true
}
