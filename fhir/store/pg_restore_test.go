package store_test

import (
	"context"
	"strconv"
	"testing"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/exchange"
	"github.com/drieluik/drieluik/fhir/store"
	"github.com/drieluik/drieluik/fhir/store/storetest"
)

// restored: in another place the numbers of events are raised once, and notices come behind those of before,
// although the cluster counts its transactions from the beginning.
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
	s, raised := open()
	note(s, "a")
	note(s, "b")
	commit(t, s, exchange.Unit{Passed: changes(t, s, 0)[1].Seq})
	if again, now := open(); raised != 0 || now != 0 || len(changes(t, again, 0)) != 1 {
		t.Fatalf("in its own place: raised to %d, then %d", raised, now)
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
	note(s, "c")
	if got := changes(t, s, far); len(got) != 1 || got[0].Ref.ID != "c" {
		t.Errorf("behind the place of before: %+v", got)
	}
	if _, now := open(); now != raised {
		t.Errorf("raised again without a restore: %d, then %d", raised, now)
	}
}
