package store_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/exchange"
	"github.com/drieluik/drieluik/fhir/store"
)

// TestAFileWithoutDueIsLookedAtWhole: every child of a store that was made before rules of time is due once.
func TestAFileWithoutDueIsLookedAtWhole(t *testing.T) {
	t.Parallel()
	ctx, dir := context.Background(), t.TempDir()
	open := func() *store.Store {
		s, err := store.Open(ctx, dir, store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	shut := func(s *store.Store) {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	s := open()
	for _, compartment := range []string{"boris", "sanne", exchange.DirectoryCompartment} {
		_, err := s.Commit(ctx, exchange.Unit{Writes: []exchange.Write{{
			Ref: fhir.Ref{Type: "Goal", ID: "g" + compartment, Version: 1}, Body: []byte(`{"resourceType":"Goal","meta":{}}`), MetaAt: 31,
			Facts: auth.ResourceFacts{}, Compartments: []string{compartment},
		}}})
		if err != nil {
			t.Fatal(err)
		}
	}
	shut(s)
	db, err := sql.Open("sqlite", filepath.Join(dir, "drieluik.db"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(`DROP TABLE due`); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	s = open()
	defer shut(s)
	err = s.View(ctx, func(v exchange.Snapshot) error {
		got, err := v.Due(time.Now(), 10)
		if d := cmp.Diff([]exchange.Due{{Compartment: "boris"}, {Compartment: "sanne"}}, got); d != "" {
			t.Error(d)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
