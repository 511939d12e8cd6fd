package store_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/exchange"
	"github.com/drieluik/drieluik/fhir/store"
)

func TestLogStartsAnewUnderSteadyReads(t *testing.T) {
	s := openAt(t, t.TempDir())
	ctx := context.Background()
	const limit = 100 << 10
	if err := s.LimitLog(ctx, limit); err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				err := s.View(ctx, func(sn exchange.Snapshot) error {
					_, _, err := sn.Compartment("boris")
					return err
				})
				if err != nil {
					t.Errorf("view: %v", err)
					return
				}
			}
		})
	}
	largest := int64(0)
	for n := range 60 {
		commit(t, s, unit(fmt.Sprint(n), 1))
		largest = max(largest, s.LogSize())
	}
	close(stop)
	wg.Wait()
	if largest < limit || largest > 8*limit {
		t.Errorf("the log grew to %d bytes under a limit of %d", largest, limit)
	}
	v, err := s.VerifyAudit(ctx, store.AuditCheck{})
	if err != nil || v.Break != nil || v.Rows != 60 {
		t.Errorf("chains: %+v, %v", v, err)
	}
}

// TestCommitsGoOnWhileTheLogMoves although what moves it stands still.
func TestCommitsGoOnWhileTheLogMoves(t *testing.T) {
	s := openAt(t, t.TempDir())
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	const limit = 1 << 20
	began, release := make(chan struct{}), make(chan struct{})
	let := sync.OnceFunc(func() { close(release) })
	defer let()
	if err := errors.Join(s.LimitLog(ctx, limit), s.HoldLog(ctx, began, release)); err != nil {
		t.Fatal(err)
	}
	n := 0
	write := func() error {
		n++
		_, err := s.Commit(ctx, unit(fmt.Sprint(n), 1))
		return err
	}
	for moving := false; !moving; {
		if err := write(); err != nil {
			t.Fatalf("before the log moves: %v", err)
		}
		select {
		case <-began:
			moving = true
		default:
		}
	}
	for range 5 {
		if err := write(); err != nil {
			t.Fatalf("commit %d waited for the log that moves: %v", n, err)
		}
	}
	let()
	for range 6 * n { // six logs more: commits wait where it is four times its limit
		if err := write(); err != nil {
			t.Fatal(err)
		}
	}
	if size := s.LogSize(); size > 5*limit {
		t.Errorf("the log has grown to %d bytes under a limit of %d", size, limit)
	}
}

func TestViewThatWaitsForTheWriterDoesNotStopIt(t *testing.T) {
	s := openAt(t, t.TempDir())
	ctx := context.Background()
	if err := s.LimitLog(ctx, 1); err != nil {
		t.Fatal(err)
	}
	err := s.View(ctx, func(sn exchange.Snapshot) error {
		if _, _, err := sn.Compartment("boris"); err != nil {
			return err
		}
		for n := range 5 {
			commit(t, s, unit(fmt.Sprint(n), 1))
		}
		_, err := sn.Read(fhir.Ref{Type: "Goal", ID: "0"})
		if fhir.KindOf(err) != fhir.NotFound {
			return errors.Join(errors.New("the snapshot has moved"), err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	commit(t, s, unit("na", 1))
	if !exists(t, s, "4") {
		t.Error("a unit committed inside a view is not there")
	}
}
