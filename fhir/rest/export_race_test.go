package rest_test

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir/exchange"
)

// slow is a store of which one look, when it is armed, ends only when it may.
type slow struct {
	exchange.Store
	armed          atomic.Bool
	looked, goesOn chan struct{}
}

func (s *slow) View(ctx context.Context, f func(exchange.Snapshot) error) error {
	err := s.Store.View(ctx, f)
	if s.armed.CompareAndSwap(true, false) {
		close(s.looked)
		<-s.goesOn
	}
	return err
}

// late lets somebody ask for the status of an export, and do else what happens before that is answered.
func (s *slow) late(g *rig, status string, meanwhile func()) answer {
	s.looked, s.goesOn = make(chan struct{}), make(chan struct{})
	s.armed.Store(true)
	answered := make(chan answer, 1)
	go func() { answered <- g.get("hospital", status) }()
	<-s.looked
	meanwhile()
	close(s.goesOn)
	return <-answered
}

// TestLooksAtAnExportAtTheSameTimeLoseNothing: one that comes late does not take an export back to where it looked at
// it, nor back from where it was dropped, and tells how far it is now.
func TestLooksAtAnExportAtTheSameTimeLoseNothing(t *testing.T) {
	t.Parallel()
	s := &slow{}
	g := newRigWith(t, auth.Settings{Jurisdiction: "nl"}, func(st exchange.Store) exchange.Store {
		s.Store = st
		return s
	})
	_, plan := g.child("hospital")
	const path = "/fhir/Patient/$export?_type=CarePlan"
	want := []string{"CarePlan/" + plan}

	status := g.begin("hospital", path)
	var m exported
	late := s.late(g, status, func() { m = g.planned("hospital", status) })
	if diff := cmp.Diff(want, g.lines("hospital", m)); diff != "" {
		t.Errorf("behind a late look: %s", diff)
	}
	if diff := cmp.Diff(m, decode[exported](t, late.want(t, http.StatusOK).body)); diff != "" {
		t.Errorf("what the late look tells: %s", diff)
	}

	gone := g.begin("hospital", path)
	s.late(g, gone, func() { g.do("hospital", http.MethodDelete, gone, "").want(t, http.StatusAccepted) }).want(t, http.StatusNotFound)
	g.get("hospital", gone).want(t, http.StatusNotFound)

	together := g.begin("hospital", path)
	var all sync.WaitGroup
	for range 6 {
		all.Go(func() {
			for range 3 {
				if a := g.get("hospital", together); a.status == http.StatusOK {
					if got := g.lines("hospital", decode[exported](t, a.body)); !slices.Equal(got, want) {
						t.Errorf("a file: %v", got)
					}
				} else if a.status != http.StatusAccepted {
					t.Errorf("a look: %d %s", a.status, a.body)
				}
			}
		})
	}
	all.Wait()
	g.get("hospital", together).want(t, http.StatusOK)
}

// TestExportsThatBeginAtTheSameTimeKeepToTheLimit of twenty for a client.
func TestExportsThatBeginAtTheSameTimeKeepToTheLimit(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.child("hospital")
	var begun, refused atomic.Int32
	var all sync.WaitGroup
	for range 40 {
		all.Go(func() {
			switch a := g.get("hospital", "/fhir/Patient/$export?_type=CarePlan", "Prefer", "respond-async"); a.status {
			case http.StatusAccepted:
				begun.Add(1)
			case http.StatusTooManyRequests:
				refused.Add(1)
			default:
				t.Errorf("%d %s", a.status, a.body)
			}
		})
	}
	all.Wait()
	if begun.Load() != 20 || refused.Load() != 20 {
		t.Errorf("%d of 40 exports began, %d were refused", begun.Load(), refused.Load())
	}
}
