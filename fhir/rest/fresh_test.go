package rest_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir/exchange"
	"github.com/drieluik/drieluik/fhir/store/storetest"
)

// lever opens and closes a resource to somebody.
type lever struct {
	name string
	as   string // who reads
	flip func(open bool)
}

// quiet is a store that keeps no log of reads: it makes many of them cheap.
type quiet struct{ exchange.Store }

func (q quiet) Commit(ctx context.Context, u exchange.Unit) ([]exchange.Written, error) {
	if len(u.Writes) == 0 {
		return nil, nil
	}
	return q.Store.Commit(ctx, u)
}

// era is a stretch of time in which nothing is written. Odd ones are those in which something is.
type era struct {
	n    atomic.Int64
	open atomic.Bool
}

// turn lets a change happen between two eras.
func (e *era) turn(open bool, change func(bool)) {
	e.n.Add(1)
	change(open)
	e.open.Store(open)
	e.n.Add(1)
}

// witness answers what a request shows of the plan. The second result is false for an answer that is
// neither open nor closed.
type witness struct {
	name string
	ask  func(as string) (open, clear bool)
}

// witnesses are the ways to see the plan of our family.
func (w *town) witnesses() []witness {
	const plan = "zza-CarePlan"
	byRead := func(path string) func(string) (bool, bool) {
		return func(as string) (bool, bool) {
			a := w.get(as, path)
			return a.status == http.StatusOK, a.status == http.StatusOK || a.status == http.StatusNotFound || a.status == http.StatusForbidden
		}
	}
	bySearch := func(path string) func(string) (bool, bool) {
		return func(as string) (bool, bool) {
			a := w.get(as, path)
			return a.status == http.StatusOK && strings.Contains(a.body, `"id":"`+plan+`"`), a.status == http.StatusOK || a.status == http.StatusForbidden
		}
	}
	byCount := func(path string) func(string) (bool, bool) {
		return func(as string) (bool, bool) {
			a := w.get(as, path)
			return strings.Contains(a.body, `"total":1`), strings.Contains(a.body, `"total":`) || a.status == http.StatusForbidden
		}
	}
	return []witness{
		{"read", byRead("/fhir/CarePlan/" + plan)}, {"vread", byRead("/fhir/CarePlan/" + plan + "/_history/1")},
		{"history", byRead("/fhir/CarePlan/" + plan + "/_history")},
		{"search", bySearch("/fhir/CarePlan")}, {"search by patient", bySearch("/fhir/CarePlan?patient=zza-Patient")},
		{"count", byCount("/fhir/CarePlan?_summary=count&_id=" + plan)}, {"count of a chain", byCount("/fhir/CarePlan?_summary=count&goal._id=zza-Goal")},
		{"_revinclude", bySearch("/fhir/Goal?_id=zza-Goal&_revinclude=CarePlan:goal")}, {"type history", bySearch("/fhir/CarePlan/_history?_count=1")},
		{"compartment", bySearch("/fhir/Patient/zza-Patient/CarePlan")},
		{"batch", func(as string) (bool, bool) {
			a := w.do(as, http.MethodPost, "/fhir", batch(ask("GET", "CarePlan/"+plan, "")))
			return strings.Contains(a.body, "zza plan"), a.status == http.StatusOK
		}},
	}
}

// Reads of each lever, and how many of them are judged before the next turn.
const (
	freshReads   = 2_500 / thin
	readsPerTurn = 40
)

// TestAChangeOfAccessActsOnTheNextRequest turns access on and off while others read by every path. What
// begins after a change was acknowledged, and ends before the next one begins, goes by that change and
// no other: over the whole test 10,000 answers, none of them stale (access.md 10.13).
func TestAChangeOfAccessActsOnTheNextRequest(t *testing.T) {
	t.Parallel()
	w := newTown(t, freshSettings(), false, func(s exchange.Store) exchange.Store { return quiet{s} })
	w.turnAll(w.handler)
}

// TestAChangeOfAccessAtOneProcessActsAtTheOther: the same on one PostgreSQL, where one process takes the
// changes and the other answers.
func TestAChangeOfAccessAtOneProcessActsAtTheOther(t *testing.T) {
	t.Parallel()
	at := storetest.StartPostgres(t).NewStore(t)
	w := newTownAt(t, at, freshSettings(), false, func(s exchange.Store) exchange.Store { return quiet{s} })
	first := w.handler
	w.wire(quiet{w.open(at)})
	w.turnAll(first)
}

func freshSettings() auth.Settings {
	return auth.Settings{Jurisdiction: "nl", ParentRead1215: "deny-on-child-objection"}
}

// turnAll turns every lever at a process, and watches what the town's own answers.
func (w *town) turnAll(at http.Handler) {
	put := func(r string, change ...string) {
		for _, k := range kinRecords {
			if k.ref(ours) == r {
				through(at, "hospital", http.MethodPut, "/fhir/"+r, strings.NewReplacer(change...).Replace(k.text(w.rig, ours))).want(w.t, 200)
			}
		}
	}
	given := time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)
	levers := []lever{
		{"consent", "home", func(open bool) {
			status := "inactive"
			if open { // given anew
				status, given = "active", given.Add(time.Second)
			}
			put("Consent/zza-Consent", `"status":"active"`, `"status":"`+status+`"`, `"dateTime":"2026-11-01"`, `"dateTime":"`+given.Format(time.RFC3339)+`"`)
		}},
		{"custody", "zza mother", func(open bool) {
			kind := map[bool]string{true: "EenhoofdigOuderlijkGezag", false: "TijdelijkGeenGezag"}[open]
			put("RelatedPerson/zza-RelatedPerson", "EenhoofdigOuderlijkGezag", kind)
		}},
		{"seal", "zza mother", func(open bool) {
			label := `"meta":{"security":[{"system":"https://drieluik.example/fhir/CodeSystem/access-label","code":"seal-guardians"}]},"status"`
			if open {
				label = `"status"`
			}
			put("CarePlan/zza-CarePlan", `"status"`, label)
		}},
		{"team", "home", func(open bool) {
			status := map[bool]string{true: "active", false: "inactive"}[open]
			put("CareTeam/zza-CareTeam", `"status":"active"`, `"status":"`+status+`"`)
		}},
	}
	for _, l := range levers {
		judged, stale := w.watch(l)
		if judged < freshReads || stale > 0 {
			w.t.Errorf("%s: %d of %d answers are stale", l.name, stale, judged)
		}
	}
}

// watch turns a lever until enough answers were judged.
func (w *town) watch(l lever) (judged, stale int64) {
	var e era
	e.turn(true, l.flip)
	var count, wrong atomic.Int64
	stop, seen := make(chan struct{}), make(chan struct{}, 4*freshReads)
	var readers sync.WaitGroup
	all := w.witnesses()
	for r := range 4 {
		readers.Go(func() {
			for i := r; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				see := all[i%len(all)]
				before, want := e.n.Load(), e.open.Load()
				open, clear := see.ask(l.as)
				if before%2 > 0 || e.n.Load() != before {
					continue
				}
				count.Add(1)
				select {
				case seen <- struct{}{}:
				default:
				}
				if open != want || !clear {
					wrong.Add(1)
					w.t.Errorf("%s, %s: open %t, want %t (clear %t)", l.name, see.name, open, want, clear)
				}
			}
		})
	}
	for open := false; count.Load() < freshReads && wrong.Load() < 5; open = !open {
		e.turn(open, l.flip)
		for range readsPerTurn {
			<-seen
		}
	}
	close(stop)
	readers.Wait()
	l.flip(true)
	return count.Load(), wrong.Load()
}

// TestABirthdayActsOnTheNextRequest: each day one child more is twelve, and its mother, who needs its yes
// from then on, sees nothing more of it by any way.
func TestABirthdayActsOnTheNextRequest(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	const children = 6
	zone, err := time.LoadLocation("Europe/Amsterdam")
	if err != nil {
		t.Fatal(err)
	}
	first := time.Date(2026, 12, 1, 0, 0, 0, 0, zone)
	plans := make([]string, children)
	for i := range plans {
		child, parents := family(g, first.AddDate(-12, 0, i).Format(time.DateOnly))
		plans[i] = g.create("home", "CarePlan", fmt.Sprintf(planBody, strings.TrimPrefix(child, "Patient/")))
		g.principals[fmt.Sprint("mother", i)] = guardian(t, child, parents[0], "patient/*.rs")
	}
	open := func(i int) []bool {
		as := fmt.Sprint("mother", i)
		return []bool{
			g.get(as, "/fhir/CarePlan/"+plans[i]).status == 200, g.get(as, "/fhir/CarePlan").status == 200,
			g.get(as, "/fhir/CarePlan/"+plans[i]+"/_history/1").status == 200, g.get(as, "/fhir/CarePlan?_summary=count").status == 200,
		}
	}
	for day := range children {
		for _, at := range []time.Time{first.AddDate(0, 0, day).Add(-time.Millisecond), first.AddDate(0, 0, day)} {
			g.now.Store(&at)
			for i := range plans {
				want := at.Before(first.AddDate(0, 0, i))
				for way, got := range open(i) {
					if got != want {
						t.Errorf("child %d, way %d, at %s: open %t, want %t", i, way, at, got, want)
					}
				}
			}
		}
	}
}
