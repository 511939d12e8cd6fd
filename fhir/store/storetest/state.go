package storetest

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/drieluik/drieluik/auth"
)

// table is the port of auth/state, which a store implements beside exchange.Store.
type table interface {
	State(ctx context.Context, op auth.StateOp) (auth.StateResult, error)
	StateGet(ctx context.Context, kind, key string, now time.Time) ([]byte, bool, error)
}

func openTable(t *testing.T, open Open) table {
	t.Helper()
	s, ok := open(t).(table)
	if !ok {
		t.Fatal("the store does not keep authorisation state")
	}
	return s
}

func stateRaces(t *testing.T, open Open) {
	s := openTable(t, open)
	ctx := context.Background()
	now := time.UnixMilli(1_790_000_000_000)
	const rounds, contenders = 15, 32
	for _, verb := range []string{"take", "once", "count"} {
		for round := range rounds {
			key := fmt.Sprint(verb, round)
			if verb == "take" {
				if _, err := s.State(ctx, auth.StateOp{Verb: "put", Kind: "code", Key: key, Value: []byte("v"), Now: now, Expires: now.Add(time.Minute)}); err != nil {
					t.Fatal(err)
				}
			}
			var winners atomic.Int64
			var wg sync.WaitGroup
			for i := range contenders {
				wg.Go(func() {
					r, err := s.State(ctx, auth.StateOp{Verb: verb, Kind: "code", Key: key, Now: now.Add(time.Duration(i)), Expires: now.Add(time.Minute)})
					if err != nil {
						t.Errorf("%s: %v", verb, err)
					}
					if r.OK || r.Count == contenders {
						winners.Add(1)
					}
				})
			}
			wg.Wait()
			if winners.Load() != 1 {
				t.Fatalf("%s round %d: %d winners", verb, round, winners.Load())
			}
		}
	}
}

func stateExpiry(t *testing.T, open Open) {
	s := openTable(t, open)
	ctx := context.Background()
	start := time.UnixMilli(1_790_000_000_000).UTC()
	at := func(sec int) time.Time { return start.Add(time.Duration(sec) * time.Second) }
	do := func(verb, key, value string, now, ttl int) auth.StateResult {
		t.Helper()
		r, err := s.State(ctx, auth.StateOp{Verb: verb, Kind: "k", Key: key, Value: []byte(value), Now: at(now), Expires: at(now + ttl), Max: 2})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	get := func(key string, now int) string {
		t.Helper()
		v, ok, err := s.StateGet(ctx, "k", key, at(now))
		if err != nil || !ok && len(v) > 0 {
			t.Fatal(v, ok, err)
		}
		if !ok {
			return "-"
		}
		return string(v)
	}
	do("put", "a", "een", 0, 10)
	same(t, "live", []string{get("a", 9), get("a", 10), get("b", 0)}, []string{"een", "-", "-"})
	do("put", "a", "twee", 1, 10)
	same(t, "put over it", get("a", 10), "twee")
	same(t, "take of an expired value", do("take", "a", "", 11, 0), auth.StateResult{})
	do("put", "a", "drie", 2, 10)
	same(t, "take", do("take", "a", "", 3, 0), auth.StateResult{OK: true, Value: []byte("drie")})
	same(t, "second take", do("take", "a", "", 3, 0), auth.StateResult{})
	same(t, "once", do("once", "o", "", 0, 10), auth.StateResult{OK: true, At: at(0)})
	same(t, "second once", do("once", "o", "", 5, 10), auth.StateResult{At: at(0)})
	same(t, "once after expiry", do("once", "o", "", 10, 10), auth.StateResult{OK: true, At: at(10)})
	same(t, "count", []int{do("count", "c", "", 0, 10).Count, do("count", "c", "", 5, 10).Count, do("count", "c", "", 10, 10).Count, do("count", "c", "", 19, 10).Count, do("count", "c", "", 20, 10).Count},
		[]int{1, 2, 1, 2, 1})
	for i := range 3 {
		do("put", fmt.Sprint("s", i), "", 0, 1)
	}
	swept := []int{do("sweep", "", "", 5, 0).Count, do("sweep", "", "", 5, 0).Count, do("sweep", "", "", 5, 0).Count}
	same(t, "sweep, two at a time", swept, []int{2, 1, 0})
	same(t, "what is live outlives a sweep", do("once", "o", "", 12, 10), auth.StateResult{At: at(10)})
}
