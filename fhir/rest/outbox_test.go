package rest_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/exchange"
)

// waiting counts the notices in the outbox.
func (h *hooked) waiting() int { return len(h.position().Notices) }

// flood puts notices into the outbox that concern no subscriber.
func (h *hooked) flood(patient string, n int) {
	h.t.Helper()
	many := make([]exchange.Notice, n)
	for i := range many {
		many[i] = exchange.Notice{Compartment: patient, Ref: fhir.Ref{Type: "Patient", ID: patient, Version: 1}, Kind: "update"}
	}
	if _, err := h.store.Commit(context.Background(), exchange.Unit{Notices: many}); err != nil {
		h.t.Fatal(err)
	}
}

// TestTheOutboxIsTrimmed: what everybody was told of goes after a week, step by step, and what somebody was not
// told of stays, also when the server has given up telling.
func TestTheOutboxIsTrimmed(t *testing.T) {
	t.Parallel()
	h := newHooked(t)
	id := h.subscribed("hospital", "care-plan")
	patient, first := h.child("hospital")
	wantTold(t, "while it works", h.told(), event(1, "CarePlan/"+first))
	h.flood(patient, 2*exchange.MaxPassed)
	h.restart()
	h.told()
	all := h.waiting()
	h.advance(6 * 24 * time.Hour)
	h.told()
	if n := h.waiting(); n != all {
		t.Fatalf("%d of %d notices are left within a week", n, all)
	}
	h.advance(2 * 24 * time.Hour)
	h.told()
	if n := h.waiting(); n != all-exchange.MaxPassed {
		t.Fatalf("%d of %d notices are left after one step", n, all)
	}

	h.hook.answers(http.StatusServiceUnavailable)
	missed := h.create("hospital", "CarePlan", fmt.Sprintf(planBody, patient))
	h.flood(patient, 2*exchange.MaxPassed)
	for range 20 {
		h.told()
		h.advance(time.Hour)
	}
	h.advance(4 * 24 * time.Hour)
	h.told()
	if s := h.standing("hospital", id); s != "off" {
		t.Fatalf("%s after days of failures", s)
	}
	h.advance(20 * 24 * time.Hour)
	h.restart() // what everybody was told of is noted
	for range 5 {
		h.told()
		h.advance(time.Minute)
	}
	if n := h.waiting(); n < 2*exchange.MaxPassed {
		t.Fatalf("%d notices are left of those behind the one that was not accepted", n)
	}
	h.hook.answers(http.StatusOK)
	h.do("hospital", http.MethodPut, "/fhir/Subscription/"+id, h.subscription("care-plan", "id", `"`+id+`"`)).want(t, http.StatusOK)
	got := h.told()
	wantTold(t, "when it is wanted again", got[len(got)-1:], event(2, "CarePlan/"+missed))
	h.restart()
	for range 5 {
		h.told()
		h.advance(time.Minute)
	}
	if n := h.waiting(); n > exchange.MaxPassed {
		t.Errorf("%d notices are left when all are told", n)
	}
}

// TestEventNumbersGoOnAboveThoseOfBeforeARestore: also that of an event that was not accepted before.
func TestEventNumbersGoOnAboveThoseOfBeforeARestore(t *testing.T) {
	t.Parallel()
	h := newHooked(t)
	id := h.subscribed("hospital", "care-plan")
	patient, first := h.child("hospital")
	wantTold(t, "before", h.told(), event(1, "CarePlan/"+first))
	h.hook.answers(http.StatusServiceUnavailable)
	second := h.create("hospital", "CarePlan", fmt.Sprintf(planBody, patient))
	wantTold(t, "not accepted", h.told(), event(2, "CarePlan/"+second))
	h.hook.answers(http.StatusOK)
	last := 2
	for range 2 { // restored twice, from the same backup or not: no number comes again
		h.restart()
		h.advance(time.Minute)
		if err := h.exchange.Restored(context.Background()); err != nil {
			t.Fatal(err)
		}
		status := statusOf(decode[struct {
			Entry []struct {
				Resource struct{ Parameter []statusParam }
			}
		}](t, h.get("hospital", "/fhir/Subscription/"+id+"/$status").want(t, http.StatusOK).body).Entry[0].Resource.Parameter)[0]
		above, err := strconv.Atoi(status.Events)
		if err != nil || above <= last {
			t.Fatalf("%q events after a restore, %d before", status.Events, last)
		}
		if second != "" {
			wantTold(t, "what was not accepted", h.told(), event(above+1, "CarePlan/"+second))
			second, above = "", above+1
		}
		next := h.create("hospital", "CarePlan", fmt.Sprintf(planBody, patient))
		wantTold(t, "the next", h.told(), event(above+1, "CarePlan/"+next))
		last = above + 1
	}
}

// flaky is a store of which a lease can fail, and that tells when the outbox has been read to its end.
type flaky struct {
	exchange.Store
	fails atomic.Bool
	lost  chan struct{}
	read  func() // once; nil: not now
}

func (f *flaky) Lease(ctx context.Context, name, holder string, ttl time.Duration) (bool, error) {
	if f.fails.CompareAndSwap(true, false) {
		defer close(f.lost)
		return false, errors.New("the answer is lost")
	}
	return f.Store.Lease(ctx, name, holder, ttl)
}

func (f *flaky) View(ctx context.Context, do func(exchange.Snapshot) error) error {
	return f.Store.View(ctx, func(v exchange.Snapshot) error { return do(flakyView{v, f}) })
}

type flakyView struct {
	exchange.Snapshot
	f *flaky
}

func (v flakyView) Changes(after int64, max int) ([]exchange.Notice, error) {
	out, err := v.Snapshot.Changes(after, max)
	if read := v.f.read; read != nil && len(out) < max {
		v.f.read = nil
		read()
	}
	return out, err
}

// TestALeaseThatIsLostWhileTheOutboxIsRead: who has just forgotten everybody notes for nobody that all is told.
func TestALeaseThatIsLostWhileTheOutboxIsRead(t *testing.T) {
	t.Parallel()
	h := newHooked(t)
	h.subscribed("hospital", "care-plan")
	patient, first := h.child("hospital")
	wantTold(t, "before", h.told(), event(1, "CarePlan/"+first))
	h.restart()
	f := &flaky{Store: h.store, lost: make(chan struct{})}
	sending, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	post := h.outlet.Post
	h.outlet.Post = func(ctx context.Context, m exchange.Message) error {
		once.Do(func() { close(sending); <-release })
		return post(ctx, m)
	}
	h.wire(f)
	h.deliver = h.exchange.Deliverer()
	ctx := context.Background()
	second := h.create("hospital", "CarePlan", fmt.Sprintf(planBody, patient))
	var passes sync.WaitGroup
	pass := func() {
		if err := h.deliver.Once(ctx); err != nil {
			t.Error(err)
		}
	}
	passes.Go(pass)
	<-sending // the worker holds its message
	third := h.create("hospital", "CarePlan", fmt.Sprintf(planBody, patient))
	h.flood(patient, 1200)
	f.read = func() {
		h.advance(4 * time.Second) // the lease is to be renewed
		f.fails.Store(true)
		close(release)
		<-f.lost
	}
	passes.Go(pass)
	passes.Wait()
	h.advance(time.Minute)
	pass()
	wantTold(t, "all of it", h.hook.take(), event(2, "CarePlan/"+second), event(3, "CarePlan/"+third))
}
