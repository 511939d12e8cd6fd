package store_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/exchange"
	"github.com/drieluik/drieluik/fhir/store"
)

func unit(id string, version int) exchange.Unit {
	return exchange.Unit{
		Writes: []exchange.Write{{Ref: fhir.Ref{Type: "Goal", ID: id, Version: version}, Body: []byte(`{"resourceType":"Goal"}`), Compartments: []string{"boris"}}},
		Audits: []exchange.Audit{{Compartment: "boris", Body: []byte(`{"resourceType":"AuditEvent","x":1}`), RecordedAt: 1}},
	}
}

func commit(t *testing.T, s *store.Store, u exchange.Unit) {
	t.Helper()
	if _, err := s.Commit(context.Background(), u); err != nil {
		t.Fatalf("commit: %v", err)
	}
}

func exists(t *testing.T, s *store.Store, id string) bool {
	t.Helper()
	var err error
	verr := s.View(context.Background(), func(sn exchange.Snapshot) error {
		_, err = sn.Read(fhir.Ref{Type: "Goal", ID: id})
		return nil
	})
	if verr != nil || err != nil && fhir.KindOf(err) != fhir.NotFound {
		t.Fatalf("read: %v %v", verr, err)
	}
	return err == nil
}

// hold keeps the writer busy until the returned function is called.
func hold(t *testing.T, s *store.Store) (release func()) {
	t.Helper()
	in, out, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		done <- s.Do(context.Background(), func() error {
			close(in)
			<-out
			return nil
		})
	}()
	<-in
	return func() {
		close(out)
		if err := <-done; err != nil {
			t.Errorf("held unit: %v", err)
		}
	}
}

func TestFullQueueIsUnavailable(t *testing.T) {
	s, err := store.Open(context.Background(), t.TempDir(), store.Options{Queue: 2})
	if err != nil {
		t.Fatal(err)
	}
	release := hold(t, s)
	var wg sync.WaitGroup
	outcome := make([]error, 2)
	for i := range outcome {
		wg.Go(func() { _, outcome[i] = s.Commit(context.Background(), unit(fmt.Sprint("q", i), 1)) })
	}
	for s.Queued() < 2 {
		runtime.Gosched()
	}
	if _, err := s.Commit(context.Background(), unit("te-veel", 1)); fhir.KindOf(err) != fhir.Unavailable {
		t.Errorf("third unit: %v", err)
	}
	release()
	wg.Wait()
	if err := errors.Join(append(outcome, s.Close())...); err != nil {
		t.Error(err)
	}
}

func TestUnitCancelledInTheQueueIsNeverApplied(t *testing.T) {
	s := openAt(t, t.TempDir())
	release := hold(t, s)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		_, err := s.Commit(ctx, unit("a", 1))
		done <- err
	}()
	for s.Queued() == 0 {
		runtime.Gosched()
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled unit: %v", err)
	}
	release()
	commit(t, s, unit("b", 1))
	if exists(t, s, "a") {
		t.Error("the cancelled unit was applied")
	}
}

func TestUnitCancelledWhileItRunsReportsWhatBecameOfIt(t *testing.T) {
	s := openAt(t, t.TempDir())
	ctx, cancel := context.WithCancel(context.Background())
	err := s.Do(ctx, func() error {
		cancel()
		return nil
	})
	if err != nil {
		t.Errorf("a unit that was applied reports %v", err)
	}
}

func TestPanicInAUnitFailsThatUnitAlone(t *testing.T) {
	s := openAt(t, t.TempDir())
	release := hold(t, s)
	outcome := make([]error, 3)
	var wg sync.WaitGroup
	for i, f := range []func() error{func() error { return nil }, func() error { panic("kapot") }, func() error { return nil }} {
		wg.Go(func() { outcome[i] = s.Do(context.Background(), f) })
	}
	for s.Queued() < 3 {
		runtime.Gosched()
	}
	release()
	wg.Wait()
	if outcome[0] != nil || fhir.KindOf(outcome[1]) != fhir.Internal || outcome[1] == nil || outcome[2] != nil {
		t.Errorf("outcomes %v", outcome)
	}
	commit(t, s, unit("a", 1))
}

func TestFailedTransactionFailsTheWholeGroupAndTheNextOneWorks(t *testing.T) {
	s := openAt(t, t.TempDir())
	release := hold(t, s)
	outcome := make([]error, 4)
	var wg sync.WaitGroup
	for i := range outcome {
		wg.Go(func() {
			if i == 0 {
				outcome[i] = s.Exec(context.Background(), `ROLLBACK`) // takes the transaction away
				return
			}
			_, outcome[i] = s.Commit(context.Background(), unit(fmt.Sprint("a", i), 1))
		})
	}
	for s.Queued() < 4 {
		runtime.Gosched()
	}
	release()
	wg.Wait()
	for i, err := range outcome {
		if fhir.KindOf(err) != fhir.Unavailable || err == nil {
			t.Errorf("unit %d of a failed group reports %v", i, err)
		}
		if exists(t, s, fmt.Sprint("a", i)) {
			t.Errorf("unit %d of a failed group is there", i)
		}
	}
	commit(t, s, unit("b", 1))
	v, err := s.VerifyAudit(context.Background(), store.AuditCheck{})
	if err != nil || v.Break != nil || v.Rows != 1 {
		t.Errorf("chain after a failed group: %+v %v", v, err)
	}
}

func TestFolderBelongsToOneStoreAndToItsOwner(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	s := openAt(t, dir)
	if _, err := store.Open(context.Background(), "sqlite:"+dir, store.Options{}); !errors.Is(err, store.ErrLocked) {
		t.Errorf("second open: %v", err)
	}
	commit(t, s, unit("a", 1))
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if i, err := f.Info(); err != nil || i.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v, %v", f.Name(), i.Mode(), err)
		}
	}
	if i, err := os.Stat(dir); err != nil || i.Mode().Perm() != 0o700 {
		t.Errorf("folder has mode %v, %v", i.Mode(), err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	openAt(t, dir)
}

func TestForeignSchemaIsRefused(t *testing.T) {
	dir := t.TempDir()
	s := openAt(t, dir)
	if err := s.Exec(context.Background(), `UPDATE kv SET value='0' WHERE key='schema'`); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Open(context.Background(), dir, store.Options{}); !errors.Is(err, store.ErrSchema) {
		t.Errorf("open: %v", err)
	}
}
