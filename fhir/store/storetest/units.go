package storetest

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/exchange"
)

func reliance(t *testing.T, open Open) {
	s := open(t)
	put(t, s, write("CarePlan", "a", 1, "boris"))
	put(t, s, write("Flag", "f", 1, "boris"))
	gone := write("Goal", "weg", 2, "sanne")
	gone.Body = nil
	put(t, s, write("Goal", "weg", 1, "sanne"))
	put(t, s, gone)
	state := exchange.State{Epoch: 1, Writes: 2}
	version := func(id string, n int) exchange.Reliance {
		return exchange.Reliance{Ref: fhir.Ref{Type: "CarePlan", ID: id, Version: n}}
	}
	comp := func(e, w int64, epochOnly bool) exchange.Reliance {
		return exchange.Reliance{Compartment: "boris", State: exchange.State{Epoch: e, Writes: w}, EpochOnly: epochOnly}
	}
	for _, c := range []struct {
		name  string
		r     exchange.Reliance
		holds bool
	}{
		{"the current version", version("a", 1), true},
		{"an older version", version("a", 2), false},
		{"absent, and it is there", version("a", 0), false},
		{"absent, and it is", version("b", 0), true},
		{"there, and it is not", version("b", 1), false},
		{"absent, and it is deleted", exchange.Reliance{Ref: ref("Goal", "weg")}, true},
		{"type never seen", exchange.Reliance{Ref: ref("Basic", "x")}, true},
		{"state", comp(1, 2, false), true},
		{"other epoch", comp(0, 2, false), false},
		{"other writes", comp(1, 1, false), false},
		{"other writes, epoch only", comp(1, 1, true), true},
		{"other epoch, epoch only", comp(2, 2, true), false},
		{"empty compartment", exchange.Reliance{Compartment: "leeg"}, true},
		{"compartment that is empty", exchange.Reliance{Compartment: "leeg", State: state}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			u := exchange.Unit{Relied: []exchange.Reliance{c.r}}
			_, err := s.Commit(context.Background(), u)
			if c.holds && err != nil {
				t.Fatalf("refused: %v", err)
			}
			if !c.holds {
				moved(t, err)
			}
		})
	}
}

// moved asserts that err is the Conflict of a reliance that does not hold.
func moved(t *testing.T, err error) {
	t.Helper()
	var e *fhir.Error
	if !errors.As(err, &e) || e.Kind != fhir.Conflict || e.Reason != "moved" {
		t.Errorf("got %v, want Conflict with reason moved", err)
	}
}

func identifierReliance(t *testing.T, open Open) {
	s := open(t)
	id := fhir.Identifier{System: "urn:bsn", Value: "1"}
	rely := func(ids ...string) exchange.Unit {
		return exchange.Unit{Relied: []exchange.Reliance{{Identified: &exchange.Identified{Type: "Patient", Identifier: id, IDs: ids}}}}
	}
	commit(t, s, rely())
	child := func(name string, version int) exchange.Write {
		w := write("Patient", name, version, name)
		w.Identifiers = []fhir.Identifier{id, {System: "urn:bsn", Value: "2"}}
		return w
	}
	u := rely()
	u.Writes = []exchange.Write{child("sanne", 1)}
	commit(t, s, u)
	u.Writes = []exchange.Write{child("boris", 1)}
	_, err := s.Commit(context.Background(), u) // the second of two parallel pushes
	moved(t, err)
	put(t, s, child("boris", 1))
	commit(t, s, rely("boris", "sanne"))
	other := child("sanne", 2)
	other.Identifiers = other.Identifiers[1:]
	put(t, s, other)
	commit(t, s, rely("boris"))
	view(t, s, func(sn exchange.Snapshot) error {
		one, err := sn.Identified("Patient", id)
		two, err2 := sn.Identified("Patient", fhir.Identifier{System: "urn:bsn", Value: "2"})
		if len(one) != 1 || len(two) != 2 || err != nil || err2 != nil {
			t.Errorf("identified %v and %v; %v %v", ids(one), ids(two), err, err2)
		}
		for _, no := range []fhir.Identifier{{Value: "1"}, {System: "urn:bsn"}, {System: "urn:bs", Value: "n1"}} {
			if got, err := sn.Identified("Patient", no); len(got) != 0 || err != nil {
				t.Errorf("%v found %v, %v", no, ids(got), err)
			}
		}
		return nil
	})
}

func epochs(t *testing.T, open Open) {
	s := open(t)
	for _, c := range []struct {
		typ  fhir.Type
		comp string
		want exchange.State
	}{
		{"CarePlan", "boris", exchange.State{Epoch: 0, Writes: 1}},
		{"Consent", "boris", exchange.State{Epoch: 1, Writes: 2}},
		{"Person", "boris", exchange.State{Epoch: 2, Writes: 3}},
		{"Patient", "boris", exchange.State{Epoch: 3, Writes: 4}},
		{"Location", exchange.DirectoryCompartment, exchange.State{Epoch: 0, Writes: 1}},
		{"Organization", exchange.DirectoryCompartment, exchange.State{Epoch: 1, Writes: 2}},
		{"PractitionerRole", exchange.DirectoryCompartment, exchange.State{Epoch: 2, Writes: 3}},
		{"Goal", "sanne", exchange.State{Epoch: 0, Writes: 1}},
	} {
		put(t, s, write(c.typ, "x", 1, c.comp))
		view(t, s, func(sn exchange.Snapshot) error {
			_, got, err := sn.Compartment(c.comp)
			same(t, string(c.typ), got, c.want)
			return err
		})
	}
	deleted := write("Consent", "x", 2, "boris")
	deleted.Body = nil
	put(t, s, deleted)
	view(t, s, func(sn exchange.Snapshot) error {
		_, got, err := sn.Compartment("boris")
		same(t, "after a deletion", got, exchange.State{Epoch: 4, Writes: 5})
		return err
	})
}

func isolation(t *testing.T, open Open) {
	s := open(t)
	put(t, s, write("Consent", "a", 1, "boris"))
	view(t, s, func(sn exchange.Snapshot) error {
		_, before, err := sn.Compartment("boris")
		if err != nil {
			return err
		}
		put(t, s, write("Consent", "a", 2, "boris"), write("Consent", "b", 1, "boris"))
		a, err := sn.Read(ref("Consent", "a"))
		if err != nil || a.Ref.Version != 1 {
			t.Errorf("snapshot reads version %d, %v", a.Ref.Version, err)
		}
		if _, err := sn.Read(ref("Consent", "b")); fhir.KindOf(err) != fhir.NotFound {
			t.Errorf("snapshot sees a later resource: %v", err)
		}
		all, after, err := sn.Compartment("boris")
		if len(all) != 1 || after != before || err != nil {
			t.Errorf("snapshot moved from %+v to %+v with %v, %v", before, after, ids(all), err)
		}
		return nil
	})
	if got, err := read(t, s, ref("Consent", "a")); err != nil || got.Ref.Version != 2 {
		t.Errorf("a view after the commit reads version %d, %v", got.Ref.Version, err)
	}
	wrong := errors.New("of the caller")
	if err := s.View(context.Background(), func(exchange.Snapshot) error { return wrong }); !errors.Is(err, wrong) {
		t.Errorf("view gives back %v", err)
	}
}

func audits(t *testing.T, open Open) {
	s := open(t)
	before := `{"resourceType":"AuditEvent",`
	body := before + `"outcome":"0"}`
	event := func(comp string) exchange.Audit {
		return exchange.Audit{Compartment: comp, Body: []byte(body), RecordedAt: len(before)}
	}
	out := commit(t, s, exchange.Unit{Writes: []exchange.Write{write("Goal", "a", 1, "boris")}, Audits: []exchange.Audit{event("boris"), event("_system")}})
	for range 4 {
		commit(t, s, exchange.Unit{Audits: []exchange.Audit{event("boris")}})
	}
	view(t, s, func(sn exchange.Snapshot) error {
		if n := whole(t, sn, "boris") + whole(t, sn, "_system"); n != 6 {
			t.Errorf("%d rows", n)
		}
		rows, err := sn.Audit("boris", 1, 1)
		if err != nil {
			return err
		}
		want := before + `"recorded":"` + out[0].Updated.UTC().Format("2006-01-02T15:04:05.000Z") + `","outcome":"0"}`
		if string(rows[0].Body) != want || !rows[0].At.Equal(out[0].Updated) {
			t.Errorf("row at %v has body %s, want %s", rows[0].At, rows[0].Body, want)
		}
		rows, err = sn.Audit("boris", 4, 9)
		if len(rows) != 2 || rows[0].Seq != 4 {
			t.Errorf("from 4: %d rows", len(rows))
		}
		if err != nil {
			return err
		}
		for before, want := range map[int64][]int64{0: {5, 4}, 5: {4, 3}, 2: {1}, 1: nil} {
			var got []int64
			rows, err := sn.Recent("boris", before, 2)
			if err != nil {
				return err
			}
			for _, r := range rows {
				got = append(got, r.Seq)
			}
			if !slices.Equal(got, want) {
				t.Errorf("the newest before %d are %v, want %v", before, got, want)
			}
		}
		return nil
	})
}

// whole checks the chain of a compartment against the formula of access.md 8 and counts its rows.
func whole(t *testing.T, sn exchange.Snapshot, comp string) int {
	t.Helper()
	rows, err := sn.Audit(comp, 1, 1_000_000)
	if err != nil {
		t.Fatal(err)
	}
	var prev [32]byte
	var at time.Time
	for i, r := range rows {
		h := sha256.New()
		sum := sha256.Sum256(r.Body)
		h.Write([]byte("drieluik-audit-1"))
		h.Write(prev[:])
		for _, n := range []int64{r.Seq, r.At.UnixMicro()} {
			h.Write(binary.BigEndian.AppendUint64(nil, uint64(n)))
		}
		h.Write(binary.BigEndian.AppendUint32(nil, uint32(len(comp))))
		h.Write([]byte(comp))
		h.Write(sum[:])
		stamp := `"recorded":"` + r.At.Format("2006-01-02T15:04:05.000Z") + `",`
		if r.Seq != int64(i+1) || r.Prev != prev || [32]byte(h.Sum(nil)) != r.Hash || r.Compartment != comp ||
			r.At.Before(at) || !strings.Contains(string(r.Body), stamp) {
			t.Fatalf("chain %q breaks at row %d", comp, i+1)
		}
		prev, at = r.Hash, r.At
	}
	return len(rows)
}

func records(t *testing.T, open Open) {
	s := open(t)
	rec := func(version int, content string) exchange.RecordVersion {
		return exchange.RecordVersion{Key: "urn:bron|1", Version: version, Compartment: "boris", Hash: sha256.Sum256([]byte(content)), Result: []byte(content)}
	}
	keep := func(r exchange.RecordVersion) error {
		_, err := s.Commit(context.Background(), exchange.Unit{Record: &r})
		return err
	}
	for _, r := range []exchange.RecordVersion{rec(2, "b"), rec(1, "a"), rec(10, "c")} {
		if err := keep(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := keep(rec(1, "a")); err != nil {
		t.Errorf("the same version again: %v", err)
	}
	var e *fhir.Error
	if err := keep(rec(1, "anders")); !errors.As(err, &e) || e.Kind != fhir.Conflict || e.Reason != "record-exists" {
		t.Errorf("the same version with other content: %v", err)
	}
	view(t, s, func(sn exchange.Snapshot) error {
		got, err := sn.Record("urn:bron|1")
		same(t, "record", got, []exchange.RecordVersion{rec(1, "a"), rec(2, "b"), rec(10, "c")})
		none, nerr := sn.Record("urn:bron|2")
		if len(none) != 0 || nerr != nil {
			t.Errorf("unknown record: %v %v", none, nerr)
		}
		return err
	})
}

func leases(t *testing.T, open Open) {
	s := open(t)
	ctx := context.Background()
	for i, c := range []struct {
		name, holder string
		ttl          time.Duration
		want         bool
	}{
		{"tick", "een", time.Hour, true}, {"tick", "twee", time.Hour, false}, {"deliver", "twee", time.Hour, true},
		{"tick", "een", -time.Second, true}, {"tick", "twee", time.Hour, true}, {"tick", "een", time.Hour, false},
	} {
		got, err := s.Lease(ctx, c.name, c.holder, c.ttl)
		if got != c.want || err != nil {
			t.Errorf("step %d: %v %v", i, got, err)
		}
	}
}

func cancelled(t *testing.T, open Open) {
	s := open(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := s.Commit(ctx, exchange.Unit{Writes: []exchange.Write{write("Goal", "a", 1, "boris")}})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("commit: %v", err)
	}
	if err := s.View(ctx, func(exchange.Snapshot) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("view: %v", err)
	}
	put(t, s, write("Goal", "b", 1, "boris"))
	if _, err := read(t, s, ref("Goal", "a")); fhir.KindOf(err) != fhir.NotFound {
		t.Errorf("the cancelled unit was applied: %v", err)
	}
}

func reopens(t *testing.T, open Open) {
	s := open(t)
	w := write("Consent", "a", 1, "boris")
	w.Identifiers = []fhir.Identifier{{System: "urn:s", Value: "v"}}
	event := exchange.Audit{Compartment: "boris", Body: []byte(`{"a":1}`), RecordedAt: 1}
	out := commit(t, s, exchange.Unit{Writes: []exchange.Write{w}, Audits: []exchange.Audit{event},
		Record: &exchange.RecordVersion{Key: "k", Version: 1, Compartment: "boris"}})
	closeStore(t, s)
	if _, err := s.Commit(context.Background(), exchange.Unit{}); fhir.KindOf(err) != fhir.Unavailable {
		t.Errorf("commit after close: %v", err)
	}
	s = open(t)
	again := commit(t, s, exchange.Unit{Writes: []exchange.Write{write("Consent", "a", 2, "boris")}, Audits: []exchange.Audit{event}})
	if !again[0].Updated.After(out[0].Updated) {
		t.Errorf("the clock went back from %v to %v", out[0].Updated, again[0].Updated)
	}
	got, err := read(t, s, w.Ref)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "version 1", got, stored(w, out[0], out[0].Updated))
	view(t, s, func(sn exchange.Snapshot) error {
		rec, err := sn.Record("k")
		_, state, serr := sn.Compartment("boris")
		if n := whole(t, sn, "boris"); n != 2 || len(rec) != 1 || state != (exchange.State{Epoch: 2, Writes: 2}) || err != nil || serr != nil {
			t.Errorf("%d audit rows, %d records, %+v, %v %v", n, len(rec), state, err, serr)
		}
		return nil
	})
}
