package store_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/drieluik/drieluik/fhir/exchange"
	"github.com/drieluik/drieluik/fhir/store"
)

func TestCommitTimesGrowAlthoughTheClockDoesNot(t *testing.T) {
	var ms atomic.Int64
	ms.Store(1_790_000_000_000)
	dir := t.TempDir()
	start := func() *store.Store {
		s, err := store.Open(context.Background(), dir, store.Options{Now: func() time.Time { return time.UnixMilli(ms.Load()) }})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	s := start()
	var last time.Time
	for n, step := range []int64{0, 0, -3_600_000, 7_200_000, 0} {
		ms.Add(step)
		u := unit("a", 2*n+1)
		u.Writes = append(u.Writes, unit("a", 2*n+2).Writes...) // two versions in one unit
		out, err := s.Commit(context.Background(), u)
		if err != nil {
			t.Fatal(err)
		}
		if !out[0].Updated.After(last) || !out[1].Updated.After(out[0].Updated) {
			t.Errorf("step %d: %v and %v after %v", n, out[0].Updated, out[1].Updated, last)
		}
		last = out[1].Updated
		if n == 2 {
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			s = start()
		}
	}
	if want := time.UnixMilli(ms.Load()).Add(10 * time.Millisecond); last.After(want) {
		t.Errorf("commit times ran ahead of the clock: %v after %v", last, want)
	}
	auditTimesGrow(t, s)
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func auditTimesGrow(t *testing.T, s *store.Store) {
	t.Helper()
	err := s.View(context.Background(), func(sn exchange.Snapshot) error {
		rows, err := sn.Audit("boris", 1, 99)
		for i := 1; i < len(rows); i++ {
			if !rows[i].At.After(rows[i-1].At) {
				t.Errorf("audit row %d is at %v, after %v", i+1, rows[i].At, rows[i-1].At)
			}
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
