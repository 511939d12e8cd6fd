package store_test

import (
	"context"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
)

// Whoever asks after a change was acknowledged sees it, however many ask at once.
func TestNoReaderSeesWhatWasReplaced(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	s := openAt(t, t.TempDir())
	now := time.Date(2026, 11, 2, 12, 0, 0, 0, time.UTC)
	put := func(n int) {
		op := auth.StateOp{Verb: "put", Kind: "grant", Key: "k", Value: []byte(strconv.Itoa(n)), Now: now, Expires: now.Add(time.Hour)}
		if _, err := s.State(ctx, op); err != nil {
			t.Error(err)
		}
		if err := s.SaveSetting(ctx, "client/k", []byte(strconv.Itoa(n))); err != nil {
			t.Error(err)
		}
	}
	put(0)
	var acked atomic.Int64
	done := make(chan struct{})
	var readers sync.WaitGroup
	for range 2 {
		readers.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				least := acked.Load()
				grant, _, err := s.StateGet(ctx, "grant", "k", now)
				if err != nil {
					t.Error(err)
				}
				client, _, err := s.Setting(ctx, "client/k")
				if err != nil {
					t.Error(err)
				}
				for _, got := range []string{string(grant), string(client)} {
					if n, err := strconv.ParseInt(got, 10, 64); err != nil || n < least {
						t.Errorf("read %q after %d was acknowledged", got, least)
					}
				}
			}
		})
	}
	for n := 1; n <= 60; n++ {
		put(n)
		acked.Store(int64(n))
	}
	close(done)
	readers.Wait()
}

func TestWhatIsRememberedEndsInTimeAndWithTheStore(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	s := openAt(t, t.TempDir())
	now := time.Date(2026, 11, 2, 12, 0, 0, 0, time.UTC)
	op := auth.StateOp{Verb: "put", Kind: "at", Key: "k", Value: []byte("v"), Now: now, Expires: now.Add(time.Minute)}
	if _, err := s.State(ctx, op); err != nil {
		t.Fatal(err)
	}
	for after, want := range map[time.Duration]bool{0: true, 59999 * time.Millisecond: true, time.Minute: false} {
		for range 2 {
			if _, found, err := s.StateGet(ctx, "at", "k", now.Add(after)); err != nil || found != want {
				t.Errorf("after %s: %t, %v; want %t", after, found, err, want)
			}
		}
	}
	sweep := auth.StateOp{Verb: "sweep", Now: now.Add(time.Minute), Max: 10}
	if r, err := s.State(ctx, sweep); err != nil || r.Count != 1 {
		t.Fatalf("swept %d, %v", r.Count, err)
	}
	if _, found, err := s.StateGet(ctx, "at", "k", now); err != nil || found {
		t.Errorf("swept, and asked with a clock that was set back: %t, %v", found, err)
	}
	if _, err := s.State(ctx, op); err != nil {
		t.Fatal(err)
	}
	if _, found, err := s.StateGet(ctx, "at", "k", now); err != nil || !found {
		t.Errorf("put once more: %t, %v", found, err)
	}
	op.Verb = "take"
	if _, err := s.State(ctx, op); err != nil {
		t.Fatal(err)
	}
	if _, found, err := s.StateGet(ctx, "at", "k", now); err != nil || found {
		t.Errorf("after it was taken: %t, %v", found, err)
	}
	op.Verb = "put"
	if _, err := s.State(ctx, op); err != nil {
		t.Fatal(err)
	}
	if _, found, err := s.StateGet(ctx, "at", "k", now); err != nil || !found {
		t.Errorf("put again: %t, %v", found, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.StateGet(ctx, "at", "k", now); fhir.KindOf(err) != fhir.Unavailable {
		t.Errorf("after Close: %v, want Unavailable", err)
	}
}
