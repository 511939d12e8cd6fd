package store_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/exchange"
	"github.com/drieluik/drieluik/fhir/store"
)

// TestAFlippedBitOfAResourceIsNeverServed flips a bit of each byte that is kept of a resource: of its body, and
// of what decides who sees it. Each time reading fails, and verification finds a changed body.
func TestAFlippedBitOfAResourceIsNeverServed(t *testing.T) {
	t.Parallel()
	s := openAt(t, t.TempDir())
	ref := fhir.Ref{Type: "CarePlan", ID: "plan"}
	body := []byte(`{"resourceType":"CarePlan","id":"plan","status":"active","title":"Zorg thuis, drie maal per dag","subject":{"reference":"Patient/boris"}}`)
	facts := auth.ResourceFacts{
		Patients: []fhir.Ref{{Type: "Patient", ID: "boris"}}, Custodian: fhir.Ref{Type: "Organization", ID: "thuiszorg"},
		Labels: []auth.Label{{Coding: auth.Coding{System: "urn:labels", Code: "sealed"}}},
	}
	commit(t, s, exchange.Unit{
		Writes: []exchange.Write{{Ref: fhir.Ref{Type: ref.Type, ID: ref.ID, Version: 1}, Body: body, MetaAt: 27, Compartments: []string{"boris"}, Facts: facts}},
		Audits: []exchange.Audit{{Compartment: "boris", RecordedAt: 1, Body: []byte(`{"resourceType":"AuditEvent","outcome":"0","entity":[{"what":{"reference":"CarePlan/plan/_history/1"},"lifecycle":{"code":"1"}}]}`)}},
	})
	read := func() error {
		return s.View(context.Background(), func(v exchange.Snapshot) error {
			_, err := v.Read(ref)
			return err
		})
	}
	put := func(table, column string, value []byte) {
		t.Helper()
		if err := s.Exec(context.Background(), fmt.Sprintf(`UPDATE %s SET %s=x'%x'`, table, column, value)); err != nil {
			t.Fatal(err)
		}
	}
	check := store.AuditCheck{Writes: true}
	packed, _, err := store.Pack(body)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		table, column string
		kept          []byte
	}{{"resource_version", "body", packed}, {"resource_head", "facts", store.EncodeFacts(facts)}} {
		put(row.table, row.column, row.kept)
		if err := read(); err != nil {
			t.Fatalf("what was written: %v", err)
		}
		if v := verify(t, s, check); v.Break != nil {
			t.Fatalf("what was written: %+v", v.Break)
		}
		for i := range row.kept {
			flipped := bytes.Clone(row.kept)
			flipped[i] ^= 1 << (i % 8)
			put(row.table, row.column, flipped)
			if err := read(); err == nil || fhir.KindOf(err) == fhir.NotFound {
				t.Errorf("byte %d of %s.%s: %v", i, row.table, row.column, err)
			}
			if v := verify(t, s, check); row.column == "body" && (v.Break == nil || v.Break.Kind != store.BreakVersion) {
				t.Errorf("byte %d of the body is not found: %+v", i, v.Break)
			}
		}
		put(row.table, row.column, row.kept)
	}
	if err := s.Exec(context.Background(), `UPDATE resource_version SET meta_at=meta_at+1`); err != nil {
		t.Fatal(err)
	}
	if read() == nil {
		t.Error("meta goes where it was not")
	}
}

// TestADamagedPageIsReportedOrHarmless flips bits all over the closed file: what is read of it afterwards is an
// error, or what was written, never anything else.
func TestADamagedPageIsReportedOrHarmless(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := openAt(t, dir)
	bodies := map[fhir.Ref][]byte{}
	for i := range 40 {
		ref := fhir.Ref{Type: "Goal", ID: fmt.Sprint("g", i)}
		bodies[ref] = fmt.Appendf(nil, `{"resourceType":"Goal","id":"g%d","description":{"text":"%x"}}`, i, rand.Uint64())
		commit(t, s, exchange.Unit{Writes: []exchange.Write{{Ref: fhir.Ref{Type: "Goal", ID: ref.ID, Version: 1}, Body: bodies[ref], Compartments: []string{"boris"}}}})
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "drieluik.db")
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	reported := 0
	for range 60 {
		damaged := bytes.Clone(whole)
		for range 20 {
			damaged[rand.IntN(len(damaged))] ^= 1 << rand.IntN(8)
		}
		if err := os.WriteFile(file, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		if readsOnlyWhatWasWritten(t, dir, bodies) {
			reported++
		}
	}
	if reported == 0 {
		t.Error("1,200 flipped bits met nothing that was read: the test shows nothing")
	}
}

// readsOnlyWhatWasWritten reads everything of a damaged store, and reports whether something was refused.
func readsOnlyWhatWasWritten(t *testing.T, dir string, bodies map[fhir.Ref][]byte) (refused bool) {
	t.Helper()
	s, err := store.Open(context.Background(), dir, store.Options{})
	if err != nil {
		return true
	}
	for ref, want := range bodies {
		var got exchange.Stored
		err := s.View(context.Background(), func(v exchange.Snapshot) error {
			var err error
			got, err = v.Read(ref)
			return err
		})
		if refused = refused || err != nil; err == nil && !bytes.Equal(got.Body, want) {
			t.Errorf("%s: served as %q", ref, got.Body)
		}
	}
	_ = s.Close() // what it says of a damaged file is not the question
	return refused
}
