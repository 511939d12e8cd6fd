package store_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/exchange"
	"github.com/drieluik/drieluik/fhir/store"
	"github.com/drieluik/drieluik/fhir/store/storetest"
)

// of makes a unit that creates a Goal of one child.
func of(child, id string) exchange.Unit {
	u := unit(id, 1)
	u.Writes[0].Compartments, u.Audits[0].Compartment = []string{child}, child
	u.Notices = []exchange.Notice{{Compartment: child, Ref: u.Writes[0].Ref, Kind: "create"}}
	return u
}

// blocked holds a compartment in another session, with two units waiting for it, so that whatever comes waits
// together. The function that it returns lets go.
func (p pgTests) blocked(t *testing.T, s *store.Store, address string) (release func()) {
	t.Helper()
	ctx := context.Background()
	commit(t, s, of("held", fmt.Sprint("first", time.Now().UnixNano())))
	connect := func() *pgx.Conn {
		c, err := pgx.Connect(ctx, p.Address())
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	c, look := connect(), connect() // a transaction sees no news of what others wait for
	defer look.Close(ctx)
	if _, err := c.Exec(ctx, `BEGIN; SELECT 1 FROM `+storetest.Schema(address)+`.epoch WHERE name='held' FOR UPDATE`); err != nil {
		t.Fatal(err)
	}
	var waiting sync.WaitGroup
	for n := range 2 {
		waiting.Go(func() { commit(t, s, of("held", fmt.Sprint("held", n, time.Now().UnixNano()))) })
		for locks := 0; locks <= n; {
			if err := look.QueryRow(ctx, `SELECT count(*) FROM pg_stat_activity WHERE wait_event_type='Lock'`).Scan(&locks); err != nil {
				t.Fatal(err)
			}
		}
	}
	return func() {
		if err := c.Close(ctx); err != nil {
			t.Error(err)
		}
		waiting.Wait()
	}
}

// groups: of units that come together each has its own outcome, and those that wait for somebody else hold up
// nobody.
func (p pgTests) groups(t *testing.T) {
	for _, poisoned := range []bool{false, true} {
		t.Run(fmt.Sprint("one that PostgreSQL refuses: ", poisoned), func(t *testing.T) { p.group(t, poisoned) })
	}
}

func (p pgTests) group(t *testing.T, poisoned bool) {
	const done fhir.Kind = 255 // no error
	address := p.NewStore(t)
	var most atomic.Int64
	s := openPostgres(t, address, store.Options{Committed: func(units int, _ time.Duration) { most.Store(max(most.Load(), int64(units))) }})
	commit(t, s, of("boris", "there"))
	stale := of("boris", "stale")
	stale.Relied = []exchange.Reliance{{Compartment: "boris", State: exchange.State{Writes: 99}}}
	twice := of("boris", "twice")
	twice.Writes = append(twice.Writes, unit("twice", 2).Writes...)
	units := []exchange.Unit{of("boris", "there"), stale, twice, of("boris", "race"), of("kim", "race")}
	for n := range 6 {
		units = append(units, of("boris", fmt.Sprint("boris-", n)), of(fmt.Sprint("new-", n), fmt.Sprint("new-", n)))
	}
	if poisoned {
		var long string
		for range 400 { // longer than an index takes, and no shorter when compressed
			long += rand.Text()
		}
		units = append(units, of(long, "poison"))
	}
	release := p.blocked(t, s, address)
	outcome := make([]fhir.Kind, len(units))
	var all sync.WaitGroup
	for i := range units {
		all.Go(func() {
			if _, err := s.Commit(context.Background(), units[i]); err != nil {
				outcome[i] = fhir.KindOf(err)
			} else {
				outcome[i] = done
			}
		})
	}
	all.Wait()                  // although somebody holds a compartment
	late := of("boris", "late") // waits for it, and whoever shares its transaction does not
	late.Relied = []exchange.Reliance{{Compartment: "held"}}
	waits := make(chan error, 1)
	go func() {
		_, err := s.Commit(context.Background(), late)
		waits <- err
	}()
	for n := range 4 {
		all.Go(func() { commit(t, s, of("kim", fmt.Sprint("beside-", n))) })
	}
	all.Wait()
	release()
	if err := <-waits; fhir.KindOf(err) != fhir.Conflict {
		t.Errorf("what relied on a compartment that was written meanwhile: %v", err)
	}
	if (outcome[3] == done) == (outcome[4] == done) || outcome[3] != fhir.Conflict && outcome[4] != fhir.Conflict {
		t.Errorf("of two creates of one resource: %v", outcome[3:5])
	}
	want := []fhir.Kind{fhir.Conflict, fhir.Conflict, done, outcome[3], outcome[4]}
	for len(want) < 5+12 {
		want = append(want, done)
	}
	if poisoned {
		want = append(want, outcome[17])
		if outcome[17] == done {
			t.Error("the poison was taken")
		}
	}
	if d := cmp.Diff(want, outcome); d != "" {
		t.Error(d)
	}
	if n := most.Load(); n < 2 {
		t.Errorf("at most %d units shared a transaction", n)
	}
	made := 1 + 1 + 6 // there, twice, six of boris
	if outcome[3] == done {
		made++
	}
	err := s.View(context.Background(), func(v exchange.Snapshot) error {
		found, state, err := v.Compartment("boris")
		if len(found) != made || state.Writes != int64(made+1) {
			t.Errorf("%d resources by %d writes, want %d", len(found), state.Writes, made)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(changes(t, s, 0)); n != 1+1+1+12+3+4 {
		t.Errorf("%d notices", n)
	}
	if v := verify(t, s, store.AuditCheck{}); v.Break != nil {
		t.Errorf("%+v", v.Break)
	}
}
