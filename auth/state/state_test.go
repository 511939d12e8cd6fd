package state_test

import (
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/drieluik/drieluik/auth/state"
	"github.com/drieluik/drieluik/auth/state/statetest"
	"github.com/drieluik/drieluik/fhir"
)

func TestContract(t *testing.T) {
	t.Parallel()
	statetest.Run(t, func(t *testing.T, clock func() time.Time) statetest.State {
		return open(t, statetest.NewMemory(), clock)
	})
}

func open(t *testing.T, table state.Table, clock func() time.Time) *state.Embedded {
	t.Helper()
	s, err := state.New(table, clock)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestFailingTableFailsClosed(t *testing.T) {
	t.Parallel()
	table := statetest.NewMemory()
	s := open(t, table, time.Now)
	table.Fail(errors.New("disk full"))
	var h [32]byte
	steps := map[string]func() error{
		"put":   func() error { return s.Put(t.Context(), state.AccessToken, h, nil, time.Minute) },
		"get":   func() error { _, err := s.Get(t.Context(), state.AccessToken, h); return err },
		"take":  func() error { _, err := s.Take(t.Context(), state.Launch, h); return err },
		"once":  func() error { _, _, err := s.Once(t.Context(), state.AssertionID, h, time.Minute); return err },
		"count": func() error { _, err := s.Count(t.Context(), "b", time.Minute); return err },
		"sweep": func() error { _, err := s.Sweep(t.Context()); return err },
	}
	for name, step := range steps {
		if err := step(); fhir.KindOf(err) != fhir.Unavailable {
			t.Errorf("%s: %v, want Unavailable", name, err)
		}
	}
}

func TestSweepRemovesOnlyWhatIsOver(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 21, 19, 0, 0, 0, time.UTC)
	table := statetest.NewMemory()
	s := open(t, table, func() time.Time { return now })
	for i := range 2500 { // more than two batches
		if _, err := s.Count(t.Context(), "short "+strconv.Itoa(i), time.Second); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Put(t.Context(), state.AccessToken, [32]byte{1}, []byte("v"), time.Hour); err != nil {
		t.Fatal(err)
	}
	now = now.Add(time.Minute)
	n, err := s.Sweep(t.Context())
	if err != nil || n != 2500 {
		t.Errorf("Sweep = (%d, %v), want (2500, nil)", n, err)
	}
	if _, err := s.Get(t.Context(), state.AccessToken, [32]byte{1}); err != nil {
		t.Errorf("the live row is gone: %v", err)
	}
}
