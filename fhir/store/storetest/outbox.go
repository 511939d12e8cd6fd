package storetest

import (
	"fmt"
	"testing"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/exchange"
)

func notices(t *testing.T, open Open) {
	s := open(t)
	var want []exchange.Notice
	for i := range 5 {
		n := exchange.Notice{Compartment: fmt.Sprint("kind", i%2), Ref: fhir.Ref{Type: "Task", ID: fmt.Sprint(i), Version: i + 1}, Kind: "create"}
		commit(t, s, exchange.Unit{Notices: []exchange.Notice{n}})
		want = append(want, n)
	}
	view(t, s, func(sn exchange.Snapshot) error {
		first, err := sn.Changes(0, 2)
		if err != nil || len(first) != 2 {
			t.Fatalf("first page: %v %v", first, err)
		}
		rest, err := sn.Changes(first[1].Seq, 100)
		all := append(first, rest...)
		for i := range all {
			if i > 0 && all[i].Seq <= all[i-1].Seq {
				t.Errorf("seq %d after %d", all[i].Seq, all[i-1].Seq)
			}
			all[i].Seq = 0
		}
		same(t, "notices", all, want)
		return err
	})
}

func passedNotices(t *testing.T, open Open) {
	s := open(t)
	for range 2 {
		many := make([]exchange.Notice, exchange.MaxPassed/2+5)
		for i := range many {
			many[i] = exchange.Notice{Compartment: "kind", Ref: fhir.Ref{Type: "Task", ID: fmt.Sprint(i), Version: 1}, Kind: "create"}
		}
		commit(t, s, exchange.Unit{Notices: many})
	}
	all := func() (out []exchange.Notice) {
		view(t, s, func(sn exchange.Snapshot) (err error) {
			out, err = sn.Changes(0, 2000)
			return err
		})
		return out
	}
	before := all()
	commit(t, s, exchange.Unit{Passed: before[2].Seq})
	same(t, "after a place in the midst", all(), before[3:])
	commit(t, s, exchange.Unit{Passed: before[2].Seq})
	same(t, "after the same place", all(), before[3:])
	last := len(before) - 1
	commit(t, s, exchange.Unit{Passed: before[last].Seq})
	same(t, "after the first step to the end", all(), before[3+exchange.MaxPassed:])
	commit(t, s, exchange.Unit{Passed: before[last].Seq})
	same(t, "at the end", all(), before[last:])
	closeStore(t, s)
	s = open(t)
	commit(t, s, exchange.Unit{Notices: before[:1]})
	if now := all(); len(now) != 2 || now[1].Seq <= before[last].Seq {
		t.Errorf("a place was given out again: %+v", now)
	}
}
