package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/exchange"
)

func dues(t *testing.T, open Open) {
	s := open(t)
	noon := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	expect := func(until time.Time, max int, want ...exchange.Due) {
		t.Helper()
		view(t, s, func(sn exchange.Snapshot) error {
			got, err := sn.Due(until, max)
			same(t, "due", got, want)
			return err
		})
	}
	expect(noon, 10)
	boris, sanne := exchange.Due{Compartment: "boris", At: noon}, exchange.Due{Compartment: "sanne", At: noon.Add(-time.Hour)}
	commit(t, s, exchange.Unit{Due: []exchange.Due{{Compartment: "boris"}, boris, sanne, {Compartment: "daan", At: noon.Add(time.Millisecond)}}})
	expect(noon, 10, sanne, boris)
	expect(noon, 1, sanne)
	atOnce := exchange.Due{Compartment: "boris"}
	commit(t, s, exchange.Unit{Due: []exchange.Due{atOnce, {Compartment: "sanne", Never: true}, {Compartment: "nobody", Never: true}}})
	expect(noon, 10, atOnce)
	refused(t, s, exchange.Unit{
		Due:    []exchange.Due{{Compartment: "boris", Never: true}},
		Relied: []exchange.Reliance{{Ref: fhir.Ref{Type: "Goal", ID: "absent", Version: 1}}},
	}, fhir.Conflict)
	closeStore(t, s)
	s = open(t)
	expect(noon, 10, atOnce)
	got, err := s.Lease(context.Background(), "tick", "a", time.Hour)
	if !got || err != nil {
		t.Errorf("lease after reopening: %v %v", got, err)
	}
}
