package store_test

import (
	"context"
	"errors"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/exchange"
	"github.com/drieluik/drieluik/fhir/store"
	"github.com/drieluik/drieluik/fhir/store/storetest"
)

// restored: in another place the numbers of events are raised once, what opened something before opens nothing, and
// notices come behind those of before, although the cluster counts its transactions from the beginning.
func (p pgTests) restored(t *testing.T) {
	ctx := context.Background()
	address := p.NewStore(t)
	open := func() (s *store.Store, raised int64) {
		t.Helper()
		s = openPostgres(t, address, store.Options{})
		value, found, err := s.Setting(ctx, exchange.RaisedKey)
		if err == nil && found {
			raised, err = strconv.ParseInt(string(value), 10, 64)
		}
		if err != nil {
			t.Fatal(err)
		}
		return s, raised
	}
	note := func(s *store.Store, id string) {
		t.Helper()
		commit(t, s, exchange.Unit{Notices: []exchange.Notice{{Compartment: "boris", Ref: fhir.Ref{Type: "Goal", ID: id, Version: 1}, Kind: "create"}}})
	}
	now := time.Now()
	opens := func(s *store.Store) bool {
		t.Helper()
		_, ok, err := s.StateGet(ctx, "rt", "k", now)
		if err != nil {
			t.Fatal(err)
		}
		return ok
	}
	s, raised := open()
	token := auth.StateOp{Verb: "put", Kind: "rt", Key: "k", Value: []byte("v"), Now: now, Expires: now.Add(time.Hour)}
	if _, err := s.State(ctx, token); err != nil {
		t.Fatal(err)
	}
	note(s, "a")
	note(s, "b")
	commit(t, s, exchange.Unit{Passed: changes(t, s, 0)[1].Seq})
	if again, now := open(); raised != 0 || now != 0 || len(changes(t, again, 0)) != 1 || !opens(again) {
		t.Fatalf("in its own place: raised to %d, then %d; a token opens: %t", raised, now, opens(again))
	}
	const far = 1 << 50 // a cluster that had run for years
	schema := storetest.Schema(address)
	if err := p.Exec(ctx, `UPDATE `+schema+`.outbox SET seq=`+strconv.Itoa(far)+`; UPDATE `+schema+`.kv SET value='1/1/1' WHERE key='place'`); err != nil {
		t.Fatal(err)
	}
	s, raised = open()
	if raised < 1_700_000_000_000 {
		t.Errorf("after a restore: raised to %d", raised)
	}
	if lost, _, err := s.Setting(ctx, store.LostKey); opens(s) || err != nil || len(lost) == 0 {
		t.Errorf("a token of before opens: %t; claims were lost: %q %v", opens(s), lost, err)
	}
	note(s, "c")
	if got := changes(t, s, far); len(got) != 1 || got[0].Ref.ID != "c" {
		t.Errorf("behind the place of before: %+v", got)
	}
	if _, now := open(); now != raised {
		t.Errorf("raised again without a restore: %d, then %d", raised, now)
	}
}

// migrated: a later release lays out more while an earlier one reads and writes, and waits for nobody who reads.
func (p pgTests) migrated(t *testing.T) {
	ctx := context.Background()
	address := p.NewStore(t)
	earlier, err := store.OpenEarlier(ctx, address)
	if err != nil {
		t.Fatal(err)
	}
	defer earlier.Close()
	commit(t, earlier, unit("before", 1))
	var later *store.Store
	err = earlier.View(ctx, func(v exchange.Snapshot) error {
		_, was, err := v.Compartment("boris")
		if err != nil {
			return err
		}
		later = openPostgres(t, address, store.Options{})
		commit(t, later, unit("meanwhile", 1))
		_, now, err := v.Compartment("boris")
		if now != was {
			t.Errorf("a snapshot of before sees %+v after %+v", now, was)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	commit(t, earlier, unit("behind", 1))
	commit(t, later, unit("behind", 2))
	for _, s := range []*store.Store{earlier, later} {
		for _, id := range []string{"before", "meanwhile", "behind"} {
			if !exists(t, s, id) {
				t.Errorf("%s is not there", id)
			}
		}
	}
	if v := verify(t, earlier, store.AuditCheck{}); v.Break != nil || v.Rows != 4 {
		t.Errorf("%+v", v)
	}
	if _, err := store.OpenEarlier(ctx, address); !errors.Is(err, store.ErrSchema) {
		t.Errorf("the earlier release begins on the later layout: %v", err)
	}
}

// distributed: the page for Citus names every table once, and spreads those alone whose every key begins with the
// compartment.
func (p pgTests) distributed(t *testing.T) {
	ctx := context.Background()
	address := p.NewStore(t)
	openPostgres(t, address, store.Options{})
	page, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]bool{}
	for _, line := range strings.Split(string(page), "\n") {
		if stay, _, ok := strings.Cut(line, " stay tables of the coordinator"); ok {
			_, stay, _ = strings.Cut(stay, " too. ")
			for _, name := range regexp.MustCompile("`(\\w+)`").FindAllStringSubmatch(stay, -1) {
				got[name[1]] = false
			}
		}
		if spread := strings.Contains(line, "SELECT create_distributed_table"); spread || strings.Contains(line, "SELECT create_reference_table") {
			for _, name := range regexp.MustCompile(`'(\w+)'`).FindAllStringSubmatch(strings.ReplaceAll(line, "=>'resource_version'", ""), -1) {
				if name[1] != "comp" {
					got[name[1]] = spread
				}
			}
		}
	}
	c, err := pgx.Connect(ctx, address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(ctx)
	rows, err := c.Query(ctx, `SELECT t.relname, bool_and(a.attname='comp' OR NOT i.indisunique) FROM pg_class t JOIN pg_index i ON i.indrelid=t.oid
		JOIN pg_attribute a ON a.attrelid=t.oid AND a.attnum=i.indkey[0] WHERE t.relnamespace=current_schema()::regnamespace AND t.relkind='r' GROUP BY 1`)
	if err != nil {
		t.Fatal(err)
	}
	var name string
	var first bool
	tables := 0
	_, err = pgx.ForEachRow(rows, []any{&name, &first}, func() error {
		tables++
		if spread, ok := got[name]; !ok || spread && !first {
			t.Errorf("%s is named: %t, and spread although a key of it does not begin with comp", name, ok)
		}
		return nil
	})
	if err != nil || tables != len(got) {
		t.Errorf("%d tables, %d in the page: %v", tables, len(got), err)
	}
}
