package rest_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/coordination"
	"github.com/drieluik/drieluik/fhir/exchange"
)

// settled compares the open issues of the child with what the rules find in all that is stored, read anew, which is
// something.
func (c *clinics) settled() {
	c.t.Helper()
	if c.agrees() == 0 {
		c.t.Error("nothing is found")
	}
}

// agrees is settled where there may be nothing; it returns how much is found.
func (c *clinics) agrees() int {
	c.t.Helper()
	table := c.overlap.NewTable(c.patient)
	var open, want []string
	err := c.store.View(c.t.Context(), func(v exchange.Snapshot) error {
		all, _, err := v.Compartment(c.patient.ID, coordination.Types()...)
		for _, st := range all {
			r, issues := fhir.Parse(fhir.Serve(st.Body, st.MetaAt, st.Ref.Version, st.Updated), fhir.Limits{})
			if fhir.HasErrors(issues) {
				c.t.Fatal(issues)
			}
			table.Put(r)
			if r.Type() == "DetectedIssue" && r.Root().Member("status").Text() == coordination.Preliminary {
				open = append(open, coordination.RuleOf(r.Root())+" "+strings.Join(coordination.ImplicatedBy(r.Root()), " "))
			}
		}
		return err
	})
	if err != nil {
		c.t.Fatal(err)
	}
	for _, f := range table.Findings(c.clock()).Findings {
		want = append(want, f.Rule+" "+strings.Join(f.Implicated, " "))
	}
	slices.Sort(open)
	slices.Sort(want)
	if diff := cmp.Diff(want, open); diff != "" {
		c.t.Errorf("open issues are not the %d findings of all that is stored: %s", len(want), diff)
	}
	return len(want)
}

// TestAStormAboutOneChildEndsWithWhatAFullEvaluationFinds: two organisations create, change and delete plans of one
// child at the same time, and others write about it what the rules do not look at.
func TestAStormAboutOneChildEndsWithWhatAFullEvaluationFinds(t *testing.T) {
	t.Parallel()
	c := twoClinics(t)
	var all sync.WaitGroup
	for worker := range 2 {
		for _, who := range []string{"home", "hospital"} {
			all.Go(func() {
				rnd := rand.New(rand.NewPCG(uint64(worker), uint64(len(who))))
				for i := range 4 {
					id := fmt.Sprintf("%s-%d-%d", who, worker, rnd.IntN(2))
					start := fmt.Sprintf("2026-%d-%02d", 11+rnd.IntN(2), 22+rnd.IntN(8))
					a := c.put(who, "/fhir/CarePlan/"+id, c.plan(id, who, "scheduled", start, fmt.Sprint("behov-", rnd.IntN(3))))
					if a.status/100 != 2 {
						t.Errorf("%s: %d %s", id, a.status, a.body)
					}
					switch {
					case i == 2:
						c.do(who, http.MethodDelete, "/fhir/CarePlan/"+id, "").want(t, http.StatusNoContent)
					case i%2 == 0:
						c.create(who, "Observation", fmt.Sprintf(`{"resourceType":"Observation","status":"final","code":{"text":"vikt"},"subject":{"reference":%q}}`, c.patient))
					}
				}
			})
		}
	}
	all.Wait()
	c.settled()
}

// TestWhatAnotherProcessWritesIsSeen: facts that one process keeps of a child follow what another writes.
func TestWhatAnotherProcessWritesIsSeen(t *testing.T) {
	t.Parallel()
	c := twoClinics(t)
	c.wire(c.store)
	one := c.handler
	c.wire(c.store)
	put := func(h http.Handler, as, id, start, need string) {
		t.Helper()
		a := through(h, as, http.MethodPut, "/fhir/CarePlan/"+id, c.plan(id, as, "scheduled", start, need))
		if a.status/100 != 2 {
			t.Errorf("%s: %d %s", id, a.status, a.body)
		}
		c.settled()
	}
	for _, id := range []string{"p1", "p2"} { // silent: no other organisation yet
		a := through(one, "home", http.MethodPut, "/fhir/CarePlan/"+id, c.plan(id, "home", "scheduled", "2026-12-01", "fetma"))
		a.want(t, http.StatusCreated)
	}
	put(c.handler, "hospital", "px", "2026-11-26", "oro")
	put(one, "home", "p1", "2026-12-02", "oro")
	put(c.handler, "hospital", "py", "2026-11-27", "somn")
	through(c.handler, "hospital", http.MethodDelete, "/fhir/CarePlan/px", "").want(t, http.StatusNoContent)
	put(one, "home", "p2", "2026-11-28", "somn")
	put(c.handler, "hospital", "py", "2027-06-01", "somn") // now far from all
}

// logged is a store that counts the rows of logs that are read.
type logged struct {
	exchange.Store
	rows int
}

func (l *logged) View(ctx context.Context, f func(exchange.Snapshot) error) error {
	return l.Store.View(ctx, func(v exchange.Snapshot) error { return f(&loggedSnapshot{v, l}) })
}

type loggedSnapshot struct {
	exchange.Snapshot
	l *logged
}

func (s *loggedSnapshot) Recent(compartment string, before int64, n int) ([]exchange.AuditRow, error) {
	rows, err := s.Snapshot.Recent(compartment, before, n)
	s.l.rows += len(rows)
	return rows, err
}

// TestTheLogIsReadOnFromWhereItWas: that another process wrote about a child meanwhile makes nobody read its whole
// log again.
func TestTheLogIsReadOnFromWhereItWas(t *testing.T) {
	t.Parallel()
	c := twoClinics(t)
	log := &logged{Store: c.store}
	c.wire(log)
	one := c.handler
	c.wire(c.store)
	c.meet()
	for range 120 {
		c.get("home", "/fhir/CarePlan/ph").want(t, http.StatusOK)
	}
	for i, most := range []int{500, 50} { // the first write reads what there is
		c.put("hospital", "/fhir/CarePlan/py", c.plan("py", "hospital", "scheduled", fmt.Sprintf("2027-0%d-01", i+1), "oro"))
		log.rows = 0
		a := through(one, "home", http.MethodPut, "/fhir/CarePlan/p1", c.plan("p1", "home", "scheduled", fmt.Sprintf("2027-0%d-01", i+1), "somn"))
		if a.status/100 != 2 || log.rows == 0 || log.rows > most {
			t.Errorf("write %d: %d, %d rows of the log", i, a.status, log.rows)
		}
	}
}

// TestWhatIsKeptOfAChildHoldsNoTexts: what a process remembers of children between requests is small, however long
// the texts are from which it was read.
func TestWhatIsKeptOfAChildHoldsNoTexts(t *testing.T) {
	g := looking(t)
	const children, size = 60, 200_000
	note := `"note":[{"text":"` + strings.Repeat("lang ", size/5) + `"}],"status":`
	plan := strings.Replace((&clinics{rig: g, patient: fhir.Ref{Type: "Patient", ID: "%s"}}).plan("", "home", "scheduled", "2026-12-01", "oro"), `"status":`, note, 1)
	long := func() {
		patient := g.create("home", "Patient", strings.Replace(patientBody, "{", `{"extension":[{"url":"https://example.org/x","valueString":"`+strings.Repeat("x", size)+`"}],`, 1))
		g.create("home", "CareTeam", fmt.Sprintf(`{"resourceType":"CareTeam",%s"active","subject":{"reference":"Patient/%s"},
			"participant":[{"member":{"reference":%q,"display":"Thuiszorg"}}]}`, note, patient, g.orgs["home"]))
		body := strings.Replace(strings.Replace(plan, `"id":"",`, "", 1), "Patient/%s", "Patient/"+patient, 1)
		id := g.create("home", "CarePlan", body)
		g.get("home", "/fhir/CarePlan/"+id).want(t, http.StatusOK)
		g.search("home", "/fhir/CarePlan?patient="+patient)
	}
	long()
	before := living()
	for range children {
		long()
	}
	if grown := living() - before; grown > children*size/4 {
		t.Errorf("%d children with texts of %d bytes hold %d bytes in memory", children, 3*size, grown)
	}
	runtime.KeepAlive(g)
}

// living is how many bytes are in use.
func living() int {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}
