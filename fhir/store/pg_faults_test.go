package store_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/exchange"
	"github.com/drieluik/drieluik/fhir/store"
)

// cut ends all connections of two processes that write, again and again, as a failover or a firewall does: a write
// fails as Unavailable or is there, the next one goes through, and the log is whole.
func (p pgTests) cut(t *testing.T) {
	ctx := context.Background()
	a, b := p.pair(t, store.Options{})
	c, err := pgx.Connect(ctx, p.Address())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(ctx)
	acknowledged, stop := make(chan string), make(chan struct{})
	var writers sync.WaitGroup
	for g := range 8 {
		writers.Go(func() {
			for n := 0; ; n++ {
				id := fmt.Sprintf("%d-%d", g, n)
				_, err := []*store.Store{a, b}[g%2].Commit(ctx, pair(id))
				if err != nil && fhir.KindOf(err) != fhir.Unavailable {
					t.Errorf("%s: %v", id, err)
				}
				if err != nil {
					id = ""
				}
				select {
				case acknowledged <- id:
				case <-stop:
					return
				}
			}
		})
	}
	var ids []string
	ended, failed := 0, 0
	for range rounds(20) {
		for stored := 0; stored < 16; { // each writer gets through again, or it ends here
			if id := <-acknowledged; id != "" {
				ids, stored = append(ids, id), stored+1
			} else {
				failed++
			}
		}
		var n int
		if err := c.QueryRow(ctx, `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname=current_database() AND pid<>pg_backend_pid()`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		ended += n
	}
	close(stop)
	writers.Wait()
	if ended == 0 || failed == 0 {
		t.Errorf("%d connections were cut, %d writes failed: nothing is shown", ended, failed)
	}
	there(t, a, ids)
}

// there checks that a store holds both halves of the pairs, and a whole log.
func there(t *testing.T, s *store.Store, ids []string) {
	t.Helper()
	for _, id := range ids {
		for _, half := range []string{".a", ".b"} {
			err := s.View(context.Background(), func(v exchange.Snapshot) error {
				_, err := v.Read(fhir.Ref{Type: "Goal", ID: id + half})
				return err
			})
			if err != nil {
				t.Errorf("acknowledged unit %s lost %s: %v", id, half, err)
			}
		}
	}
	if v := verify(t, s, store.AuditCheck{}); v.Break != nil {
		t.Errorf("%+v", v.Break)
	}
}

// restarts: while PostgreSQL is away everything is Unavailable, and afterwards all is there.
func (p pgTests) restarts(t *testing.T) {
	s, _ := p.pair(t, store.Options{})
	commit(t, s, unit("before.a", 1))
	ctx := context.Background()
	acknowledged := make(chan string, 10_000)
	var writers sync.WaitGroup
	for g := range 4 {
		writers.Go(func() {
			for n := 0; ; n++ {
				id := fmt.Sprintf("%d-%d", g, n)
				if _, err := s.Commit(ctx, pair(id)); err != nil {
					if fhir.KindOf(err) != fhir.Unavailable {
						t.Error(err)
					}
					return
				}
				acknowledged <- id
			}
		})
	}
	var ids []string
	for range 100 {
		ids = append(ids, <-acknowledged)
	}
	if err := p.Stop(); err != nil {
		t.Fatal(err)
	}
	writers.Wait()
	close(acknowledged)
	for id := range acknowledged {
		ids = append(ids, id)
	}
	if _, err := s.Commit(ctx, unit("meanwhile", 1)); fhir.KindOf(err) != fhir.Unavailable {
		t.Errorf("commit: %v", err)
	}
	look := func() error {
		return s.View(ctx, func(v exchange.Snapshot) error {
			_, err := v.Read(fhir.Ref{Type: "Goal", ID: "before.a"})
			return err
		})
	}
	if err := look(); fhir.KindOf(err) != fhir.Unavailable {
		t.Errorf("view: %v", err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	again := pair("after")
	commit(t, s, again)
	if err := look(); err != nil {
		t.Errorf("view: %v", err)
	}
	there(t, s, append(ids, "after"))
}
