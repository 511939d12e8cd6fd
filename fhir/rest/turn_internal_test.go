package rest

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/drieluik/drieluik/fhir"
)

// TestLargeBodiesWaitForEachOther: of many at a time only as many are worked on as there is room for, none is
// lost, small ones do not wait, and who cares hears of the first and of the last.
func TestLargeBodiesWaitForEachOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var said []bool
		all := newTurns(1, func(working bool) { said = append(said, working) })
		var mu sync.Mutex
		now, most, done := 0, 0, 0
		count := func(by int) {
			mu.Lock()
			defer mu.Unlock()
			now += by
			most = max(most, now)
		}
		var group sync.WaitGroup
		for range 9 {
			group.Go(func() {
				ctx, end := all.begin(t.Context())
				defer end()
				if err := await(ctx, largeRoom/3); err != nil {
					t.Error(err)
				}
				within, inner := all.begin(ctx) // an entry of the Bundle, as large
				if err := await(within, largeRoom/3); err != nil {
					t.Error(err)
				}
				count(1)
				time.Sleep(time.Second)
				count(-1)
				inner()
				mu.Lock()
				done++
				mu.Unlock()
			})
		}
		synctest.Wait()
		ctx, end := all.begin(t.Context())
		defer end()
		if err := await(ctx, largeBody-1); err != nil {
			t.Error("a small body waits", err)
		}
		group.Wait()
		if most != 3 || done != 9 {
			t.Errorf("%d at a time, %d in all", most, done)
		}
		if len(said) != 2 || !said[0] || said[1] {
			t.Errorf("was told %v", said)
		}
	})
}

// TestALargeBodyDoesNotWaitForEver: it is told to come back, and leaves the room to others.
func TestALargeBodyDoesNotWaitForEver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		all := newTurns(100<<20, nil)
		first, end := all.begin(context.Background())
		if err := await(first, 90<<20); err != nil {
			t.Fatal(err)
		}
		second, leave := all.begin(context.Background())
		if err := await(second, 90<<20); fhir.KindOf(err) != fhir.Unavailable {
			t.Errorf("waited: %v", err)
		}
		leave()
		end()
		third, end := all.begin(context.Background())
		defer end()
		if err := await(third, 200<<20); err != nil {
			t.Error("what is larger than the room never gets in", err)
		}
	})
}
