package store_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/auth/state"
	"github.com/drieluik/drieluik/auth/state/statetest"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/exchange"
	"github.com/drieluik/drieluik/fhir/search"
	"github.com/drieluik/drieluik/fhir/store"
	"github.com/drieluik/drieluik/fhir/store/storetest"
)

// openPostgres opens the store of an address, as one more process would.
func openPostgres(t testing.TB, address string, o store.Options) *store.Store {
	t.Helper()
	s, err := store.Open(context.Background(), address, o)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil && !strings.Contains(err.Error(), "closed") {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

// TestPostgres shares one cluster: the contract of a store, and what several processes on one may expect.
func TestPostgres(t *testing.T) {
	t.Parallel()
	p := pgTests{storetest.StartPostgres(t)}
	t.Run("contract", func(t *testing.T) {
		addresses := map[string]string{}
		storetest.Run(t, func(t *testing.T) exchange.Store {
			if addresses[t.Name()] == "" {
				addresses[t.Name()] = p.NewStore(t)
			}
			return openPostgres(t, addresses[t.Name()], store.Options{})
		})
	})
	t.Run("authorisation state", p.state)
	t.Run("notices of a transaction that ends late are not passed over", p.lateNotices)
	t.Run("acknowledged units survive a kill", p.kills)
	t.Run("two processes write one log", p.oneLog)
	t.Run("of two processes that look up and create, one does", p.creations)
	t.Run("units that share a transaction", p.groups)
	t.Run("texts that PostgreSQL does not take", p.texts)
	t.Run("a file moves in", p.moved)
	t.Run("clocks that differ", p.clocks)
	t.Run("a later release takes over while an earlier one serves", p.migrated)
	t.Run("the layout can be spread over nodes as the page says", p.distributed)
	t.Run("a store of a later release is refused", p.later)
	t.Run("no connection is left", p.full)
	t.Run("a store that was restored elsewhere goes on above what was handed out", p.restored)
	t.Run("many resources in one unit", p.large)
	t.Run("connections are cut", p.cut)
	t.Run("it is restarted", p.restarts)
}

type pgTests struct{ *storetest.Postgres }

// pair opens a store in two processes.
func (p pgTests) pair(t *testing.T, o store.Options) (a, b *store.Store) {
	address := p.NewStore(t)
	return openPostgres(t, address, o), openPostgres(t, address, o)
}

func (p pgTests) state(t *testing.T) {
	if testing.Short() {
		t.Skip("thousands of durable commits")
	}
	statetest.Run(t, func(t *testing.T, clock func() time.Time) statetest.State {
		s, err := state.New(openPostgres(t, p.NewStore(t), store.Options{}), clock)
		if err != nil {
			t.Fatal(err)
		}
		return s
	})
}

// changes returns the notices behind a place.
func changes(t *testing.T, s *store.Store, after int64) (out []exchange.Notice) {
	t.Helper()
	err := s.View(context.Background(), func(v exchange.Snapshot) (err error) {
		out, err = v.Changes(after, 1000)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// lateNotices: a transaction that began before another, and ends after it, puts its notices before those of
// the other. Who reads the outbox meanwhile must not go past them.
func (p pgTests) lateNotices(t *testing.T) {
	ctx := context.Background()
	a, b := p.pair(t, store.Options{})
	c, err := pgx.Connect(ctx, p.Address())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(ctx)
	if _, err := c.Exec(ctx, `BEGIN; SELECT pg_current_xact_id()`); err != nil {
		t.Fatal(err)
	}
	noted := unit("a", 1)
	noted.Notices = []exchange.Notice{{Compartment: "boris", Ref: noted.Writes[0].Ref, Kind: "create"}}
	commit(t, a, noted)
	if got := changes(t, b, 0); len(got) > 0 {
		t.Errorf("%d notices while an earlier transaction is open", len(got))
	}
	if _, err := c.Exec(ctx, `ROLLBACK`); err != nil {
		t.Fatal(err)
	}
	if got := changes(t, b, 0); len(got) != 1 {
		t.Errorf("%d notices, want 1", len(got))
	}
	var writers sync.WaitGroup
	for g := range 8 {
		writers.Go(func() {
			for n := range 10 {
				u := pair(fmt.Sprintf("n%d-%d", g, n))
				u.Audits, u.Writes[0].Compartments, u.Writes[1].Compartments = nil, []string{fmt.Sprint(g)}, []string{fmt.Sprint(g)}
				commit(t, []*store.Store{a, b}[n%2], u)
			}
		})
	}
	seen, last := 0, changes(t, b, 0)[0].Seq
	for deadline := time.Now().Add(20 * time.Second); seen < 80 && time.Now().Before(deadline); {
		for _, n := range changes(t, a, last) {
			seen, last = seen+1, n.Seq
		}
	}
	writers.Wait()
	if seen != 80 {
		t.Errorf("a reader that went on from place to place saw %d of 80 notices", seen)
	}
}

func (p pgTests) kills(t *testing.T) {
	address := p.NewStore(t)
	var acknowledged []string
	for round := range rounds(3) {
		fresh := killAfter(t, address, 60+45*(round%4))
		acknowledged = append(acknowledged, fresh...)
		p.settle(t)
		s := openPostgres(t, address, store.Options{})
		checkUnits(t, s, acknowledged, fresh)
		if err := s.Close(); err != nil { // its connections are a round's
			t.Fatal(err)
		}
	}
}

// rounds is how often a test of faults repeats what it does: short, unless DRIELUIK_TORTURE says how often.
func rounds(short int) int {
	if n, err := strconv.Atoi(os.Getenv("DRIELUIK_TORTURE")); err == nil {
		return n
	}
	return short
}

// settle waits until what was killed has ended at the server.
func (p pgTests) settle(t *testing.T) {
	t.Helper()
	ctx := context.Background()
	c, err := pgx.Connect(ctx, p.Address())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(ctx)
	for busy := 1; busy > 0; {
		err := c.QueryRow(ctx, `SELECT count(*) FROM pg_stat_activity WHERE application_name='drieluik' AND state<>'idle'`).Scan(&busy)
		if err != nil {
			t.Fatal(err)
		}
	}
}

// signing lets every store sign its log until stop is closed.
func signing(t *testing.T, signed *atomic.Int64, stop <-chan struct{}, all ...*store.Store) *sync.WaitGroup {
	var signers sync.WaitGroup
	for _, s := range all {
		signers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				did, err := s.SignAudit(context.Background(), seal{"us"})
				if err != nil {
					t.Error(err)
				}
				if did {
					signed.Add(1)
				}
			}
		})
	}
	return &signers
}

// oneLog: two processes write, sign and purge at once, and the log is whole.
func (p pgTests) oneLog(t *testing.T) {
	ctx := context.Background()
	a, b := p.pair(t, store.Options{})
	var all sync.WaitGroup
	stop := make(chan struct{})
	for g := range 8 {
		all.Go(func() {
			s := []*store.Store{a, b}[g%2]
			for n := range 12 {
				u := unit(fmt.Sprintf("%d-%d", g, n), 1)
				u.Audits = append(u.Audits, exchange.Audit{Compartment: fmt.Sprint("kind", n%3), Body: []byte(`{"x":2}`), RecordedAt: 1})
				commit(t, s, u)
			}
		})
	}
	var signed atomic.Int64
	signers := signing(t, &signed, stop, a, b)
	all.Wait()
	close(stop)
	signers.Wait()
	check := store.AuditCheck{Signer: seal{"us"}}
	v := verify(t, a, check)
	if v.Break != nil || v.Rows < 192 || int64(v.Checkpoints) != signed.Load() || v.Checkpoints < 3 {
		t.Errorf("%+v, break %+v; %d were signed", v, v.Break, signed.Load())
	}
	if rows, _, err := a.Unsigned(ctx); err != nil || rows > 16 {
		t.Errorf("unsigned: %d %v", rows, err)
	}
	purging := make(chan int)
	go func() {
		n, err := b.PurgeAudit(ctx, seal{"us"}, time.Now().Add(time.Hour))
		if err != nil {
			t.Error(err)
		}
		purging <- n
	}()
	for n := range 10 {
		commit(t, a, unit(fmt.Sprint("after", n), 1))
		if _, err := a.SignAudit(ctx, seal{"us"}); err != nil {
			t.Error(err)
		}
	}
	if n := <-purging; n < 192 {
		t.Errorf("purged %d", n)
	}
	commit(t, a, unit("after", 1))
	if _, err := a.SignAudit(ctx, seal{"us"}); err != nil {
		t.Error(err)
	}
	if v := verify(t, b, check); v.Break != nil {
		t.Errorf("after the purge: %+v", v.Break)
	}
}

// creations: two processes look for the same thing, find nothing and make it.
func (p pgTests) creations(t *testing.T) {
	a, b := p.pair(t, store.Options{})
	named := func(n int) fhir.Identifier { return fhir.Identifier{System: "urn:s", Value: fmt.Sprint(n)} }
	for name, relied := range map[string]func(n int) exchange.Reliance{
		"by identifier": func(n int) exchange.Reliance {
			return exchange.Reliance{Identified: &exchange.Identified{Type: "Goal", Identifier: named(n)}}
		},
		"by search": func(n int) exchange.Reliance {
			return exchange.Reliance{Sought: &exchange.Sought{Filter: auth.Filter{Directory: true}, Plan: search.Plan{Type: "Goal", Count: 2, Where: []search.Clause{
				{Param: "identifier", Kind: search.Token, Values: []search.Value{{System: "urn:s", Value: fmt.Sprint(n)}}},
			}}}}
		},
	} {
		for round := range 15 {
			n := round + len(name)*100
			var made atomic.Int64
			var all sync.WaitGroup
			for i := range 8 {
				all.Go(func() {
					u := unit(fmt.Sprintf("r%d-%d", n, i), 1)
					u.Writes[0].Compartments = []string{fmt.Sprint("own", i)}
					u.Writes[0].Identifiers = []fhir.Identifier{named(n)}
					u.Writes[0].Rows = []search.Row{{Param: "identifier", Kind: search.Token, System: "urn:s", Value: fmt.Sprint(n)}}
					u.Relied = []exchange.Reliance{relied(n)}
					_, err := []*store.Store{a, b}[i%2].Commit(context.Background(), u)
					if err == nil {
						made.Add(1)
					} else if fhir.KindOf(err) != fhir.Conflict {
						t.Errorf("%s: %v", name, err)
					}
				})
			}
			all.Wait()
			if made.Load() != 1 {
				t.Fatalf("%s: round %d made %d", name, round, made.Load())
			}
		}
	}
}

// texts: NUL, bytes that are no UTF-8 and long values are kept and found.
func (p pgTests) texts(t *testing.T) {
	s, _ := p.pair(t, store.Options{})
	all := append(slices.Clone(oddTexts), "a\xffb")
	writeTexts(t, s, all)
	findTexts(t, s, all, 1)
}

// oddTexts are what PostgreSQL does not take, or not in a key.
var oddTexts = []string{"a\x00b", strings.Repeat("x", 20_000)}

// writeTexts stores a resource that is known by each.
func writeTexts(t *testing.T, s *store.Store, texts []string) {
	t.Helper()
	for i, value := range texts {
		id := fhir.Identifier{System: "urn:" + value, Value: value}
		u := unit(fmt.Sprint("t", i), 1)
		u.Writes[0].Identifiers = []fhir.Identifier{id}
		u.Writes[0].Rows = []search.Row{{Param: "identifier", Kind: search.Token, System: id.System, Value: value}}
		u.Record = &exchange.RecordVersion{Key: value, Version: 1, Compartment: "boris"}
		commit(t, s, u)
	}
}

// findTexts looks for each, which so many resources and one record have.
func findTexts(t *testing.T, s *store.Store, texts []string, want int) {
	t.Helper()
	for i, value := range texts {
		id := fhir.Identifier{System: "urn:" + value, Value: value}
		err := s.View(context.Background(), func(v exchange.Snapshot) error {
			got, err := v.Identified("Goal", id)
			if err != nil || len(got) != want {
				t.Errorf("text %d: %d are identified, %v", i, len(got), err)
			}
			page, err := v.Search(search.Plan{Type: "Goal", Count: 5, Total: true, Where: []search.Clause{
				{Param: "identifier", Kind: search.Token, Values: []search.Value{{System: id.System, Value: value}}},
			}}, auth.Filter{Directory: true})
			if err != nil || page.Total != want || len(page.Matches) != want {
				t.Errorf("text %d: %d are found, %v", i, page.Total, err)
			}
			records, err := v.Record(value)
			if err != nil || len(records) != 1 {
				t.Errorf("text %d: %d records, %v", i, len(records), err)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
}

// moved: what a file held is found in the database, texts in keys too, and the next version undoes what the one of
// the file left.
func (p pgTests) moved(t *testing.T) {
	folder, address := t.TempDir(), p.NewStore(t)
	file, err := store.Open(context.Background(), folder, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	writeTexts(t, file, oddTexts)
	noted := unit("n", 1)
	noted.Notices = []exchange.Notice{{Compartment: "boris", Ref: noted.Writes[0].Ref, Kind: "create"}}
	commit(t, file, noted)
	told := map[string]int64{}
	err = file.Move(context.Background(), address, func(table string, rows int64) { told[table] = rows })
	if err = errors.Join(err, file.Close()); err != nil || told["resource_version"] != 3 {
		t.Fatalf("%v %v", told, err)
	}
	s := openPostgres(t, address, store.Options{})
	findTexts(t, s, oddTexts, 1)
	before := changes(t, s, 0)
	for i := range oddTexts {
		commit(t, s, unit(fmt.Sprint("t", i), 2))
	}
	findTexts(t, s, oddTexts, 0)
	noted = unit("n", 2)
	noted.Notices = []exchange.Notice{{Compartment: "boris", Ref: noted.Writes[0].Ref, Kind: "update"}}
	commit(t, s, noted)
	if after := changes(t, s, before[len(before)-1].Seq); len(before) != 1 || len(after) != 1 || after[0].Ref.Version != 2 {
		t.Errorf("notices of before %v, and of after %v", before, after)
	}
	if _, err := store.Open(context.Background(), folder, store.Options{}); !errors.Is(err, store.ErrMoved) {
		t.Errorf("the folder opens: %v", err)
	}
}

// clocks: processes whose clocks differ keep instants in order.
func (p pgTests) clocks(t *testing.T) {
	address := p.NewStore(t)
	early, late := time.UnixMilli(1_790_000_000_000), time.UnixMilli(1_790_000_900_000)
	a := openPostgres(t, address, store.Options{Now: func() time.Time { return late }})
	b := openPostgres(t, address, store.Options{Now: func() time.Time { return early }})
	for n := range 4 {
		commit(t, []*store.Store{a, b}[n%2], unit("g", n+1))
	}
	auditTimesGrow(t, b)
	for _, s := range []*store.Store{b, a} {
		if _, err := s.SignAudit(context.Background(), seal{"us"}); err != nil {
			t.Fatal(err)
		}
		commit(t, b, unit(fmt.Sprintf("after %p", s), 1))
	}
	if v := verify(t, a, store.AuditCheck{Signer: seal{"us"}}); v.Break != nil || v.Checkpoints != 2 {
		t.Errorf("%+v %+v", v, v.Break)
	}
}

// full is a database that has no connection left: whoever starts a server reads that, and what helps.
func (p pgTests) full(t *testing.T) {
	if err := p.Exec(context.Background(), `CREATE ROLE crowded LOGIN CONNECTION LIMIT 0`); err != nil {
		t.Fatal(err)
	}
	_, err := store.Open(context.Background(), strings.Replace(p.Address(), "drieluik@", "crowded@", 1), store.Options{})
	if !errors.Is(err, store.ErrNoPostgres) || !strings.Contains(err.Error(), "max_connections") {
		t.Errorf("open: %v", err)
	}
}

func (p pgTests) later(t *testing.T) {
	address := p.NewStore(t)
	var first sync.WaitGroup
	for range 4 { // who comes first lays it out
		first.Go(func() {
			s, err := store.Open(context.Background(), address, store.Options{})
			if err != nil {
				t.Error(err)
				return
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	first.Wait()
	if err := p.Exec(context.Background(), `UPDATE `+storetest.Schema(address)+`.kv SET value='99' WHERE key='schema'`); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Open(context.Background(), address, store.Options{}); !errors.Is(err, store.ErrSchema) {
		t.Errorf("open: %v", err)
	}
}

// large: a unit with more locks than are taken one by one.
func (p pgTests) large(t *testing.T) {
	a, b := p.pair(t, store.Options{})
	var u exchange.Unit
	for n := range 400 {
		one := unit(fmt.Sprint("l", n), 1).Writes[0]
		one.Identifiers = []fhir.Identifier{{System: "urn:s", Value: fmt.Sprint(n)}}
		u.Writes = append(u.Writes, one)
	}
	var done sync.WaitGroup
	for n := range 4 {
		done.Go(func() { commit(t, b, unit(fmt.Sprint("beside", n), 1)) })
	}
	commit(t, a, u)
	done.Wait()
	err := b.View(context.Background(), func(v exchange.Snapshot) error {
		all, state, err := v.Compartment("boris", "Goal")
		if d := cmp.Diff([]int64{404, 404}, []int64{int64(len(all)), state.Writes}); d != "" {
			t.Error(d)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
