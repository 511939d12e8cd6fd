package rest_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/exchange"
	"github.com/drieluik/drieluik/fhir/store"
)

// trail drives the endpoint with random requests and keeps, request by request, the rows that the log
// must have then: per compartment, in order. Trails of different organisations run side by side: none
// touches a child of another.
type trail struct {
	*rig
	home     string // name of its organisation, and of the principals "… narrow" of it and "stranger"
	random   *rand.Rand
	children []string            // of which home keeps the records
	plans    map[string][]string // CarePlans by child
	versions map[string]int      // of a CarePlan; 0: deleted
	want     map[string][]string
	rowsDue  int
}

// row is one AuditEvent as both sides write it.
func trailRow(action, outcome, reason, subtype string, refs ...string) string {
	slices.Sort(refs)
	return strings.TrimSpace(fmt.Sprintf("%s %s %s %s %s", action, outcome, reason, subtype, strings.Join(refs, " ")))
}

func (tr *trail) expect(compartment string, row string) {
	tr.want[compartment] = append(tr.want[compartment], row)
	tr.rowsDue++
}

const (
	noChild  = exchange.SystemCompartment
	fewPlans = 8 // of a child, so that a thousand requests stay quick
)

// pick returns a child and one of its plans, deleted ones too.
func (tr *trail) pick() (child, plan string) {
	child = tr.children[tr.random.IntN(len(tr.children))]
	return child, tr.plans[child][tr.random.IntN(len(tr.plans[child]))]
}

// live is pick for a plan that is not deleted; every child keeps one.
func (tr *trail) live() (child, plan string) {
	for child, plan = tr.pick(); tr.versions[plan] < 1; child, plan = tr.pick() {
	}
	return child, plan
}

func (tr *trail) at(plan string) string {
	return fmt.Sprintf("CarePlan/%s/_history/%d", plan, tr.versions[plan])
}

// liveOf are the plans of a child that are not deleted, as the log names them.
func (tr *trail) liveOf(child string) (refs []string) {
	for _, plan := range tr.plans[child] {
		if tr.versions[plan] > 0 {
			refs = append(refs, tr.at(plan))
		}
	}
	return refs
}

// steps are the kinds of request.
var steps = []func(*trail){
	func(tr *trail) { // read by who keeps it
		child, plan := tr.live()
		tr.get(tr.home, "/fhir/CarePlan/"+plan).want(tr.t, 200)
		tr.expect(child, trailRow("R", "0", "", "read", tr.at(plan)))
	},
	func(tr *trail) { // hidden: the log knows whose it is
		child, plan := tr.live()
		tr.get("other", "/fhir/CarePlan/"+plan).want(tr.t, 404)
		tr.expect(child, trailRow("R", "4", "relation-none", "read", tr.at(plan)))
	},
	func(tr *trail) { // not there
		tr.get(tr.home, fmt.Sprintf("/fhir/Goal/none-%d", tr.random.Int())).want(tr.t, 404)
		tr.expect(noChild, trailRow("R", "4", "not-found", "read"))
	},
	func(tr *trail) { // nobody
		_, plan := tr.pick()
		tr.get("", "/fhir/CarePlan/"+plan).want(tr.t, 401)
		tr.expect(noChild, trailRow("R", "4", "token-missing", "read"))
	},
	func(tr *trail) { // without a scope
		_, plan := tr.pick()
		tr.get(tr.home+" narrow", "/fhir/CarePlan/"+plan).want(tr.t, 403)
		tr.expect(noChild, trailRow("R", "4", "scope-missing", "read"))
	},
	func(tr *trail) { // the search itself, and each child on the page
		child, _ := tr.pick()
		tr.search(tr.home, "/fhir/CarePlan?_count=500&patient="+child)
		tr.expect(noChild, trailRow("E", "0", "", "search-type"))
		tr.expect(child, trailRow("E", "0", "", "search-type", tr.liveOf(child)...))
	},
	func(tr *trail) { // of all children
		tr.search(tr.home, "/fhir/CarePlan?_count=500")
		tr.expect(noChild, trailRow("E", "0", "", "search-type"))
		for _, child := range tr.children {
			tr.expect(child, trailRow("E", "0", "", "search-type", tr.liveOf(child)...))
		}
	},
	func(tr *trail) { // a search that sees nothing touches nobody
		child, _ := tr.pick()
		tr.search("other", "/fhir/CarePlan?patient="+child)
		tr.expect(noChild, trailRow("E", "0", "", "search-type"))
	},
	func(tr *trail) { // create
		child, _ := tr.pick()
		if len(tr.liveOf(child)) > fewPlans {
			return
		}
		plan := tr.create(tr.home, "CarePlan", fmt.Sprintf(planBody, child))
		tr.plans[child], tr.versions[plan] = append(tr.plans[child], plan), 1
		tr.expect(child, trailRow("C", "0", "", "create", tr.at(plan)))
	},
	func(tr *trail) { // update
		child, plan := tr.live()
		tr.do(tr.home, http.MethodPut, "/fhir/CarePlan/"+plan, withID(fmt.Sprintf(planBody, child), plan)).want(tr.t, 200)
		tr.versions[plan]++
		tr.expect(child, trailRow("U", "0", "", "update", tr.at(plan)))
	},
	func(tr *trail) { // an update by who may not know it
		child, plan := tr.live()
		tr.do("stranger", http.MethodPut, "/fhir/CarePlan/"+plan, withID(fmt.Sprintf(planBody, child), plan)).want(tr.t, 404)
		tr.expect(child, trailRow("U", "4", "relation-none", "update", tr.at(plan)))
	},
	func(tr *trail) { // patch
		child, plan := tr.live()
		tr.do(tr.home, http.MethodPatch, "/fhir/CarePlan/"+plan, titlePatch, "Content-Type", jsonPatch).want(tr.t, 200)
		tr.versions[plan]++
		tr.expect(child, trailRow("U", "0", "", "patch", tr.at(plan)))
	},
	func(tr *trail) { // delete, but for the last one
		child, plan := tr.live()
		if len(tr.liveOf(child)) == 1 {
			return
		}
		tr.do(tr.home, http.MethodDelete, "/fhir/CarePlan/"+plan, "").want(tr.t, 204)
		tr.versions[plan]++
		tr.expect(child, trailRow("D", "0", "", "delete", tr.at(plan)))
		tr.versions[plan] = 0
	},
	func(tr *trail) { // a body that is none
		tr.do(tr.home, http.MethodPost, "/fhir/CarePlan", `{"resourceType":"CarePlan"`).want(tr.t, 400)
		tr.expect(noChild, "C 4 * create")
	},
	func(tr *trail) { // history
		child, plan := tr.live()
		tr.get(tr.home, "/fhir/CarePlan/"+plan+"/_history").want(tr.t, 200)
		var refs []string
		for v := 1; v <= tr.versions[plan]; v++ {
			refs = append(refs, fmt.Sprintf("CarePlan/%s/_history/%d", plan, v))
		}
		tr.expect(child, trailRow("R", "0", "", "history-instance", refs...))
	},
	func(tr *trail) { // the whole record
		child, _ := tr.pick()
		tr.get(tr.home, "/fhir/Patient/"+child+"/$everything?_type=CarePlan&_count=500").want(tr.t, 200)
		tr.expect(child, trailRow("E", "0", "", "operation everything", tr.liveOf(child)...))
	},
	func(tr *trail) { // a batch is its entries
		child, plan := tr.live()
		tr.do(tr.home, http.MethodPost, "/fhir", fmt.Sprintf(`{"resourceType":"Bundle","type":"batch","entry":[
			{"request":{"method":"GET","url":"CarePlan/%s"}},{"request":{"method":"GET","url":"Goal/nowhere"}}]}`, plan)).want(tr.t, 200)
		tr.expect(child, trailRow("R", "0", "", "read", tr.at(plan)))
		tr.expect(noChild, trailRow("R", "4", "not-found", "read"))
	},
	func(tr *trail) { // a transaction is one access to each child
		one, two := tr.children[0], tr.children[1]
		if len(tr.liveOf(one)) > fewPlans {
			return
		}
		a := tr.do(tr.home, http.MethodPost, "/fhir", fmt.Sprintf(`{"resourceType":"Bundle","type":"transaction","entry":[
			{"resource":%s,"request":{"method":"POST","url":"CarePlan"}},{"resource":%s,"request":{"method":"POST","url":"CarePlan"}}]}`,
			fmt.Sprintf(planBody, one), fmt.Sprintf(planBody, two))).want(tr.t, 200)
		for i, e := range decode[bundleOf](tr.t, a.body).Entry {
			child, plan := tr.children[i], strings.Split(e.Response.Location, "/")[len(strings.Split(e.Response.Location, "/"))-3]
			tr.plans[child], tr.versions[plan] = append(tr.plans[child], plan), 1
			tr.expect(child, trailRow("E", "0", "", "transaction", tr.at(plan)))
		}
	},
	func(tr *trail) { // terminology touches nobody
		tr.get(tr.home, "/fhir/ValueSet/hulpbehoefte-item/$expand?count=1").want(tr.t, 200)
		tr.expect(noChild, trailRow("E", "0", "", "operation expand"))
	},
	func(tr *trail) { // the log is not for systems
		child, _ := tr.pick()
		tr.get(tr.home, "/fhir/AuditEvent?patient="+child).want(tr.t, 403)
		tr.expect(noChild, trailRow("E", "4", "audit-role", "search-type log-view"))
	},
	func(tr *trail) { // why
		child, _ := tr.pick()
		tr.get(tr.home, "/fhir/Patient/"+child+"/$explain-access?recipient="+tr.orgs["other"].String()).want(tr.t, 200)
		tr.expect(child, trailRow("E", "0", "", "operation explain-access", "Patient/"+child+"/_history/1"))
	},
}

const (
	trails   = 8
	requests = 10_000 / thin
)

// newTrail gives an organisation of its own three children.
func newTrail(g *rig, n int) *trail {
	g.t.Helper()
	tr := &trail{
		rig: g, home: fmt.Sprintf("home %d", n), random: rand.New(rand.NewPCG(7, uint64(n))),
		plans: map[string][]string{}, versions: map[string]int{}, want: map[string][]string{},
	}
	ref, err := g.exchange.RegisterOrganization(g.t.Context(), exchange.Registration{
		Identifier: fhir.Identifier{System: uraSystem, Value: fmt.Sprintf("9000010%d", n)}, NameIfNew: tr.home,
	})
	if err != nil {
		g.t.Fatal(err)
	}
	g.principals[tr.home] = system(tr.home, ref, "system/*.cruds")
	g.principals[tr.home+" narrow"] = system(tr.home+" narrow", ref, "system/Goal.rs")
	for range 3 {
		child, plan := g.child(tr.home)
		tr.children, tr.plans[child], tr.versions[plan] = append(tr.children, child), []string{plan}, 1
	}
	return tr
}

// TestTheTrailHasExactlyTheExpectedRows: after ten thousand mixed requests of several organisations at
// once the log has the rows that each of them must leave, no more and no less, those of a child in the
// order in which they came, and verifies with every write told of.
func TestTheTrailHasExactlyTheExpectedRows(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.principals["stranger"] = system("stranger", g.orgs["other"], "system/CarePlan.u")
	all := make([]*trail, trails)
	compartments := []string{noChild}
	for i := range all {
		all[i] = newTrail(g, i)
		compartments = append(compartments, all[i].children...)
	}
	before := map[string]int{}
	for _, c := range compartments {
		before[c] = len(g.bodies(c))
	}
	for _, step := range steps { // each kind once, whatever is drawn
		step(all[0])
	}
	var wg sync.WaitGroup
	for _, tr := range all {
		wg.Go(func() {
			for n := 0; n < requests/trails && !t.Failed(); {
				due := tr.rowsDue
				steps[tr.random.IntN(len(steps))](tr)
				if tr.rowsDue > due { // a step with nothing to do asks nothing
					n++
				}
			}
		})
	}
	wg.Wait()
	want := map[string][]string{}
	for _, tr := range all {
		for c, rows := range tr.want {
			want[c] = append(want[c], rows...)
		}
	}
	for _, c := range compartments {
		got := all[0].rows(c)[before[c]:]
		if c == noChild { // of all at once
			slices.Sort(got)
			slices.Sort(want[c])
		}
		if diff := cmp.Diff(want[c], got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s (-want +got):\n%.3000s", c, diff)
		}
	}
	v, err := g.store.VerifyAudit(t.Context(), store.AuditCheck{Writes: true})
	if err != nil || v.Break != nil {
		t.Errorf("%+v %v", v.Break, err)
	}
}

// rows are the events of a chain as trailRow writes them. The reason of a body that does not parse is
// left open.
func (tr *trail) rows(compartment string) (out []string) {
	tr.t.Helper()
	for _, body := range tr.bodies(compartment) {
		e := decode[struct {
			Action, Outcome, OutcomeDesc string
			Subtype                      []struct{ Code string }
			Entity                       []struct {
				What      struct{ Reference string }
				Lifecycle struct{ Code string }
			}
		}](tr.t, body)
		var refs, subtypes []string
		for _, s := range e.Subtype {
			subtypes = append(subtypes, s.Code)
		}
		for _, o := range e.Entity {
			if ref, ok := fhir.ParseRef(o.What.Reference); ok && o.Lifecycle.Code != "" {
				refs = append(refs, ref.String())
			}
		}
		if e.Action == "C" && e.Outcome == "4" {
			e.OutcomeDesc = "*"
		}
		out = append(out, trailRow(e.Action, e.Outcome, e.OutcomeDesc, strings.Join(subtypes, " "), refs...))
	}
	return out
}
