// Package storetest is the contract of exchange.Store as a test suite, to be run on every store.
package storetest

import (
	"context"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/exchange"
	"github.com/drieluik/drieluik/fhir/search"
)

// Open returns a store for one test. A first call makes an empty one; a second call with the same t,
// after Close, opens the same data again. It closes with the test.
type Open = func(t *testing.T) exchange.Store

// Run runs the whole contract.
func Run(t *testing.T, open Open) {
	for _, c := range []struct {
		name string
		run  func(*testing.T, Open)
	}{
		{"a version is read as it was written", readsBack},
		{"versions follow each other without gaps", versions},
		{"a deleted resource is gone and can come back", deletes},
		{"two writers of one version: one wins", twoWriters},
		{"a unit is all or nothing", allOrNothing},
		{"what was relied on must not have moved", reliance},
		{"an identifier look-up relied on must not have moved", identifierReliance},
		{"epochs move with facts and writes with everything", epochs},
		{"a resource of two patients is in both compartments once", twoPatients},
		{"a resource that moves leaves its old compartment", moves},
		{"parties are related by team, task and consent", related},
		{"an organisation holds what it is custodian or author of", held},
		{"32 goroutines write at once and lose nothing", many},
		{"a snapshot does not see later writes", isolation},
		{"audit rows chain and carry the commit time", audits},
		{"a source record version is stored once", records},
		{"notices come in order of commit", notices},
		{"notices that nobody needs are removed step by step, but the last", passedNotices},
		{"settings are written with their unit and read by prefix", settings},
		{"a lease has one holder at a time", leases},
		{"what is due is told in order, until it is moved", dues},
		{"a cancelled unit is not applied", cancelled},
		{"a foreign cursor is refused", cursors},
		{"search equals the filtered set", searches},
		{"a history has every version, newest first", histories},
		{"a history holds to its filter and its time", filteredHistories},
		{"what a search found and was relied on must not have moved", searchReliance},
		{"chains pass through visible resources alone", chains},
		{"pages hold under concurrent writes", stablePages},
		{"everything survives a reopening", reopens},
		{"authorisation state has one winner", stateRaces},
		{"authorisation state expires", stateExpiry},
	} {
		t.Run(c.name, func(t *testing.T) { c.run(t, open) })
	}
}

var equal = cmp.Options{cmpopts.EquateEmpty()}

// write makes one resource of patient in its compartment.
func write(t fhir.Type, id string, version int, patient string) exchange.Write {
	p := fhir.Ref{Type: "Patient", ID: patient}
	return exchange.Write{
		Ref:    fhir.Ref{Type: t, ID: id, Version: version},
		Body:   fmt.Appendf(nil, `{"resourceType":%q,"meta":{},"id":%q,"subject":{"reference":"Patient/%s"}}`, t, id, patient),
		MetaAt: len(fmt.Sprintf(`{"resourceType":%q,"meta":{`, t)),
		Facts: auth.ResourceFacts{
			Patients: []fhir.Ref{p}, Custodian: fhir.Ref{Type: "Organization", ID: "zh"},
			Status: "active", Domains: []string{"medisch"}, When: time.Date(2026, 3, 1, 12, 0, 0, 5000, time.UTC),
			Labels:   []auth.Label{{Coding: auth.Coding{System: "http://x", Code: "R"}, Barred: []fhir.Ref{p}}},
			Codings:  []auth.Coding{{System: "http://x", Code: "c"}},
			Refs:     []fhir.Ref{{Type: "Goal", ID: "g", Version: 3}},
			Granular: []search.Row{{Param: "status", Kind: search.Token, System: "http://x", Value: "active"}},
			Source:   "urn:bron#1",
		},
		Rows:         []search.Row{{Param: "subject", Kind: search.Reference, System: "Patient", Value: patient}},
		Compartments: []string{patient},
	}
}

func commit(t *testing.T, s exchange.Store, u exchange.Unit) []exchange.Written {
	t.Helper()
	w, err := s.Commit(context.Background(), u)
	if err != nil {
		t.Fatalf("commit: %v", err)
	}
	return w
}

func put(t *testing.T, s exchange.Store, w ...exchange.Write) []exchange.Written {
	t.Helper()
	return commit(t, s, exchange.Unit{Writes: w})
}

// refused asserts that a unit fails with a kind.
func refused(t *testing.T, s exchange.Store, u exchange.Unit, want fhir.Kind) {
	t.Helper()
	_, err := s.Commit(context.Background(), u)
	if err == nil || fhir.KindOf(err) != want {
		t.Fatalf("commit: got %v, want an error of kind %d", err, want)
	}
}

func view(t *testing.T, s exchange.Store, f func(exchange.Snapshot) error) {
	t.Helper()
	if err := s.View(context.Background(), f); err != nil {
		t.Fatalf("view: %v", err)
	}
}

// read returns one version, or the error that reading it gives.
func read(t *testing.T, s exchange.Store, ref fhir.Ref) (st exchange.Stored, err error) {
	t.Helper()
	view(t, s, func(sn exchange.Snapshot) error {
		st, err = sn.Read(ref)
		return nil
	})
	return st, err
}

// stored is what w must read back as.
func stored(w exchange.Write, written exchange.Written, filed time.Time) exchange.Stored {
	f := w.Facts
	f.Ref, f.Updated, f.FiledAt = w.Ref, written.Updated, filed
	return exchange.Stored{Ref: w.Ref, Updated: written.Updated, Deleted: len(w.Body) == 0, Body: w.Body, MetaAt: w.MetaAt, Facts: f}
}

func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if d := cmp.Diff(want, got, equal); d != "" {
		t.Errorf("%s (-want +got):\n%s", what, d)
	}
}

func closeStore(t *testing.T, s exchange.Store) {
	t.Helper()
	c, ok := s.(io.Closer)
	if !ok {
		t.Fatal("the store cannot be closed")
	}
	if err := c.Close(); err != nil {
		t.Fatalf("close: %v", err)
	}
}

func ref(t fhir.Type, id string) fhir.Ref { return fhir.Ref{Type: t, ID: id} }

// ids returns the ids of stored resources in order.
func ids(v []exchange.Stored) []string {
	out := make([]string, len(v))
	for i := range v {
		out[i] = v[i].Ref.ID
	}
	return out
}
