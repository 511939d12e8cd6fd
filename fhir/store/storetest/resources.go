package storetest

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/exchange"
	"github.com/drieluik/drieluik/fhir/search"
)

func readsBack(t *testing.T, open Open) {
	s := open(t)
	w := write("CarePlan", "a", 1, "boris")
	before := time.Now().Add(-time.Second)
	out := put(t, s, w)
	if out[0].Ref != w.Ref || out[0].Updated.Before(before) || out[0].Updated.Nanosecond()%1e6 != 0 {
		t.Errorf("written %+v", out[0])
	}
	got, err := read(t, s, ref("CarePlan", "a"))
	if err != nil {
		t.Fatal(err)
	}
	same(t, "current version", got, stored(w, out[0], out[0].Updated))
	for _, absent := range []fhir.Ref{ref("CarePlan", "b"), ref("Goal", "a"), {Type: "CarePlan", ID: "a", Version: 2}} {
		if _, err := read(t, s, absent); fhir.KindOf(err) != fhir.NotFound {
			t.Errorf("read of %v: %v", absent, err)
		}
	}
	large := write("Binary", "groot", 1, "boris")
	large.Body = bytes.Repeat([]byte(`{"resourceType":"Binary"}`), 100_000)
	put(t, s, large)
	if got, err = read(t, s, large.Ref.Current()); err != nil || !bytes.Equal(got.Body, large.Body) {
		t.Errorf("large body came back with %d bytes, %v", len(got.Body), err)
	}
}

func versions(t *testing.T, open Open) {
	s := open(t)
	one, two := write("CarePlan", "a", 1, "boris"), write("CarePlan", "a", 2, "boris")
	two.Facts.Status = "revoked"
	first := put(t, s, one)
	refused(t, s, exchange.Unit{Writes: []exchange.Write{one}}, fhir.Conflict)
	refused(t, s, exchange.Unit{Writes: []exchange.Write{write("CarePlan", "a", 3, "boris")}}, fhir.Conflict)
	refused(t, s, exchange.Unit{Writes: []exchange.Write{write("CarePlan", "b", 2, "boris")}}, fhir.Conflict)
	second := put(t, s, two)
	same(t, "count of writes", [][]int64{first[0].Counts, second[0].Counts}, [][]int64{{1}, {2}})
	view(t, s, func(sn exchange.Snapshot) error {
		refs, err := sn.Versions("boris", "Goal", "CarePlan")
		same(t, "versions", refs, []fhir.Ref{two.Ref})
		return err
	})
	if !second[0].Updated.After(first[0].Updated) {
		t.Errorf("version 2 at %v is not after version 1 at %v", second[0].Updated, first[0].Updated)
	}
	got, err := read(t, s, one.Ref)
	same(t, "version 1", got, stored(one, first[0], first[0].Updated))
	if err != nil {
		t.Error(err)
	}
	for _, r := range []fhir.Ref{two.Ref, two.Ref.Current()} {
		got, err = read(t, s, r)
		same(t, "version 2", got, stored(two, second[0], first[0].Updated))
		if err != nil {
			t.Error(err)
		}
	}
}

func deletes(t *testing.T, open Open) {
	s := open(t)
	one, gone, back := write("CarePlan", "a", 1, "boris"), write("CarePlan", "a", 2, "boris"), write("CarePlan", "a", 3, "boris")
	gone.Body, gone.MetaAt = nil, 0
	one.Identifiers = []fhir.Identifier{{System: "urn:s", Value: "v"}}
	gone.Identifiers = one.Identifiers
	first := put(t, s, one)
	put(t, s, gone)
	for _, r := range []fhir.Ref{one.Ref.Current(), gone.Ref} {
		if _, err := read(t, s, r); fhir.KindOf(err) != fhir.Gone {
			t.Errorf("read of deleted %v: %v", r, err)
		}
	}
	if _, err := read(t, s, one.Ref); err != nil {
		t.Errorf("version before the deletion: %v", err)
	}
	view(t, s, func(sn exchange.Snapshot) error {
		all, _, err := sn.Compartment("boris")
		heads, herr := sn.Heads("boris", "CarePlan")
		if refs, err := sn.Versions("boris", "CarePlan"); len(refs) > 0 || err != nil {
			t.Errorf("deleted resource has a version: %v %v", refs, err)
		}
		found, ferr := sn.Identified("CarePlan", one.Identifiers[0])
		page, perr := sn.Search(search.Plan{Type: "CarePlan", Count: 9, Total: true}, auth.Filter{Directory: true})
		if len(all)+len(heads)+len(found)+len(page.Matches)+page.Total > 0 || err != nil || herr != nil || ferr != nil || perr != nil {
			t.Errorf("deleted resource still found: %v %v %v %v; %v %v %v %v", all, heads, found, page, err, herr, ferr, perr)
		}
		return nil
	})
	refused(t, s, exchange.Unit{Writes: []exchange.Write{one}}, fhir.Conflict)
	third := put(t, s, back)
	got, err := read(t, s, back.Ref.Current())
	if err != nil {
		t.Fatal(err)
	}
	same(t, "after coming back", got, stored(back, third[0], first[0].Updated))
}

func twoWriters(t *testing.T, open Open) {
	s := open(t)
	const rounds, writers = 20, 8
	for round := 1; round <= rounds; round++ {
		won := make([]error, writers)
		var wg sync.WaitGroup
		for i := range writers {
			wg.Go(func() {
				_, won[i] = s.Commit(context.Background(), exchange.Unit{Writes: []exchange.Write{write("CarePlan", "a", round, "boris")}})
			})
		}
		wg.Wait()
		winners := 0
		for _, err := range won {
			if err == nil {
				winners++
			} else if fhir.KindOf(err) != fhir.Conflict {
				t.Errorf("loser got %v", err)
			}
		}
		if winners != 1 {
			t.Fatalf("round %d has %d winners", round, winners)
		}
	}
}

func allOrNothing(t *testing.T, open Open) {
	s := open(t)
	put(t, s, write("Goal", "there", 1, "boris"))
	refused(t, s, exchange.Unit{
		Writes:  []exchange.Write{write("CarePlan", "a", 1, "nieuw"), write("Goal", "there", 1, "boris")},
		Audits:  []exchange.Audit{{Compartment: "nieuw", Body: []byte(`{}`), RecordedAt: 1}},
		Notices: []exchange.Notice{{Compartment: "nieuw", Ref: ref("CarePlan", "a"), Kind: "create"}},
		Record:  &exchange.RecordVersion{Key: "k", Version: 1, Compartment: "nieuw"},
	}, fhir.Conflict)
	view(t, s, func(sn exchange.Snapshot) error {
		_, rerr := sn.Read(ref("CarePlan", "a"))
		_, state, _ := sn.Compartment("nieuw")
		rows, _ := sn.Audit("nieuw", 1, 9)
		changes, _ := sn.Changes(0, 9)
		rec, _ := sn.Record("k")
		if fhir.KindOf(rerr) != fhir.NotFound || state != (exchange.State{}) || len(rows)+len(changes)+len(rec) > 0 {
			t.Errorf("a failed unit left something: %v %v %v %v %v", rerr, state, rows, changes, rec)
		}
		return nil
	})
}

func twoPatients(t *testing.T, open Open) {
	s := open(t)
	w := write("CareTeam", "a", 1, "boris")
	w.Compartments = []string{"boris", "sanne"}
	w.Facts.Patients = []fhir.Ref{ref("Patient", "boris"), ref("Patient", "sanne")}
	w.Rows = append(w.Rows, search.Row{Param: "subject", Kind: search.Reference, System: "Patient", Value: "sanne"})
	put(t, s, w)
	clause := func(values ...string) []search.Clause {
		c := search.Clause{Param: "subject", Kind: search.Reference}
		for _, v := range values {
			c.Values = append(c.Values, search.Value{System: "Patient", Value: v})
		}
		return []search.Clause{c}
	}
	org := auth.Filter{Organization: ref("Organization", "zh")}
	one := auth.Filter{Visible: map[string][]string{"sanne": {"a"}}}
	both := auth.Filter{Visible: map[string][]string{"boris": {"a"}, "sanne": {"a"}}}
	for i, c := range []struct {
		where []search.Clause
		f     auth.Filter
		want  int
	}{
		{nil, org, 1}, {nil, one, 1}, {nil, both, 1}, {clause("sanne"), org, 1}, {clause("boris"), both, 1},
		{clause("boris", "sanne"), both, 1}, {clause("boris", "sanne"), one, 1}, {clause("daan"), both, 0},
		{nil, auth.Filter{Organization: org.Organization, Patient: ref("Patient", "boris")}, 0},
	} {
		view(t, s, func(sn exchange.Snapshot) error {
			p, err := sn.Search(search.Plan{Type: "CareTeam", Where: c.where, Count: 5, Total: true}, c.f)
			if err != nil || len(p.Matches) != c.want || p.Total != c.want || p.Next != "" {
				t.Errorf("case %d: %d matches, total %d, next %q, %v; want %d", i, len(p.Matches), p.Total, p.Next, err, c.want)
			}
			return nil
		})
	}
	view(t, s, func(sn exchange.Snapshot) error {
		for _, comp := range []string{"boris", "sanne"} {
			all, state, err := sn.Compartment(comp, "CareTeam", "CareTeam", "Goal")
			heads, herr := sn.Heads(comp, "CareTeam")
			if len(all) != 1 || len(heads) != 1 || state.Epoch != 1 || err != nil || herr != nil {
				t.Errorf("%s: %v %v %v %v %v", comp, all, heads, state, err, herr)
			}
		}
		return nil
	})
}

func moves(t *testing.T, open Open) {
	s := open(t)
	put(t, s, write("Task", "a", 1, "boris"))
	put(t, s, write("Task", "a", 2, "sanne"))
	view(t, s, func(sn exchange.Snapshot) error {
		old, state, err := sn.Compartment("boris")
		now, _, nerr := sn.Compartment("sanne")
		if len(old) != 0 || len(now) != 1 || err != nil || nerr != nil {
			t.Errorf("old %v, now %v, %v %v", ids(old), ids(now), err, nerr)
		}
		if state != (exchange.State{Epoch: 2, Writes: 2}) {
			t.Errorf("state of the compartment it left: %+v", state)
		}
		return nil
	})
	if _, err := read(t, s, fhir.Ref{Type: "Task", ID: "a", Version: 1}); err != nil {
		t.Errorf("version from before the move: %v", err)
	}
	if got, err := read(t, s, ref("Task", "a")); err != nil || got.Ref.Version != 2 {
		t.Errorf("version after the move: %v %v", got.Ref, err)
	}
}

func related(t *testing.T, open Open) {
	s := open(t)
	org := ref("Organization", "thuiszorg")
	for i, typ := range []fhir.Type{"CareTeam", "Task", "Consent", "CarePlan"} {
		w := write(typ, "a", 1, fmt.Sprint("kind", i))
		w.Facts.Parties = []fhir.Ref{org}
		put(t, s, w)
	}
	w := write("Task", "a", 2, "kind1") // no longer a party
	put(t, s, w)
	view(t, s, func(sn exchange.Snapshot) error {
		got, err := sn.Related(org)
		same(t, "related", got, []string{"kind0", "kind2"})
		return err
	})
}

func held(t *testing.T, open Open) {
	s := open(t)
	org, other := ref("Organization", "thuiszorg"), ref("Organization", "ziekenhuis")
	for i, by := range [][2]fhir.Ref{{org, org}, {other, org}, {org, other}, {other, other}, {}} {
		w := write("CarePlan", fmt.Sprint("a", i), 1, fmt.Sprint("kind", i))
		w.Facts.Custodian, w.Facts.Author = by[0], by[1]
		put(t, s, w)
	}
	for _, typ := range []fhir.Type{"Goal", "Task"} {
		w := write(typ, "b", 1, "kind0")
		w.Facts.Custodian = org
		put(t, s, w)
	}
	gone := write("CarePlan", "a2", 2, "kind2")
	gone.Body = nil
	put(t, s, gone)
	view(t, s, func(sn exchange.Snapshot) error {
		got, err := sn.Held(org)
		same(t, "held", got, []string{"kind0", "kind1"})
		if err != nil {
			return err
		}
		got, err = sn.Held(ref("Organization", "nobody"))
		same(t, "held by nobody", len(got), 0)
		return err
	})
}

func many(t *testing.T, open Open) {
	s := open(t)
	const writers, each = 32, 12
	var wg sync.WaitGroup
	for i := range writers {
		wg.Go(func() {
			comp := fmt.Sprint("kind", i%5)
			for n := range each {
				w := write("Observation", fmt.Sprintf("o-%d-%d", i, n), 1, comp)
				u := exchange.Unit{Writes: []exchange.Write{w}, Audits: []exchange.Audit{{Compartment: comp, Body: []byte(`{"a":1}`), RecordedAt: 1}}}
				if _, err := s.Commit(context.Background(), u); err != nil {
					t.Errorf("commit: %v", err)
				}
			}
		})
	}
	wg.Wait()
	total, rows := 0, 0
	view(t, s, func(sn exchange.Snapshot) error {
		for i := range 5 {
			comp := fmt.Sprint("kind", i)
			all, state, err := sn.Compartment(comp)
			if err != nil || state.Writes != int64(len(all)) || state.Epoch != 0 {
				t.Errorf("%s: %d resources, %+v, %v", comp, len(all), state, err)
			}
			total += len(all)
			rows += whole(t, sn, comp)
		}
		return nil
	})
	if total != writers*each || rows != writers*each {
		t.Errorf("%d resources and %d audit rows of %d", total, rows, writers*each)
	}
}
