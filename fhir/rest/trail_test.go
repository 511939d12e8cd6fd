package rest_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/exchange"
	"github.com/drieluik/drieluik/fhir/store"
)

// trail drives the endpoint with random requests and keeps, request by request, the rows that the log
// must have then: per compartment, in order.
type trail struct {
	*rig
	random   *rand.Rand
	children []string            // of which home keeps the records
	plans    map[string][]string // CarePlans by child
	versions map[string]int      // of a CarePlan; 0: deleted
	want     map[string][]string
}

// row is one AuditEvent as both sides write it.
func trailRow(action, outcome, reason, subtype string, refs ...string) string {
	slices.Sort(refs)
	return strings.TrimSpace(fmt.Sprintf("%s %s %s %s %s", action, outcome, reason, subtype, strings.Join(refs, " ")))
}

func (tr *trail) expect(compartment string, row string) {
	tr.want[compartment] = append(tr.want[compartment], row)
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
		tr.get("home", "/fhir/CarePlan/"+plan).want(tr.t, 200)
		tr.expect(child, trailRow("R", "0", "", "read", tr.at(plan)))
	},
	func(tr *trail) { // hidden: the log knows whose it is
		child, plan := tr.live()
		tr.get("other", "/fhir/CarePlan/"+plan).want(tr.t, 404)
		tr.expect(child, trailRow("R", "4", "relation-none", "read", tr.at(plan)))
	},
	func(tr *trail) { // not there
		tr.get("home", fmt.Sprintf("/fhir/Goal/none-%d", tr.random.Int())).want(tr.t, 404)
		tr.expect(noChild, trailRow("R", "4", "not-found", "read"))
	},
	func(tr *trail) { // nobody
		_, plan := tr.pick()
		tr.get("", "/fhir/CarePlan/"+plan).want(tr.t, 401)
		tr.expect(noChild, trailRow("R", "4", "token-missing", "read"))
	},
	func(tr *trail) { // without a scope
		_, plan := tr.pick()
		tr.get("narrow", "/fhir/CarePlan/"+plan).want(tr.t, 403)
		tr.expect(noChild, trailRow("R", "4", "scope-missing", "read"))
	},
	func(tr *trail) { // the search itself, and each child on the page
		child, _ := tr.pick()
		tr.search("home", "/fhir/CarePlan?_count=500&patient="+child)
		tr.expect(noChild, trailRow("E", "0", "", "search-type"))
		tr.expect(child, trailRow("E", "0", "", "search-type", tr.liveOf(child)...))
	},
	func(tr *trail) { // of all children
		tr.search("home", "/fhir/CarePlan?_count=500")
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
		plan := tr.create("home", "CarePlan", fmt.Sprintf(planBody, child))
		tr.plans[child], tr.versions[plan] = append(tr.plans[child], plan), 1
		tr.expect(child, trailRow("C", "0", "", "create", tr.at(plan)))
	},
	func(tr *trail) { // update
		child, plan := tr.live()
		tr.do("home", http.MethodPut, "/fhir/CarePlan/"+plan, withID(fmt.Sprintf(planBody, child), plan)).want(tr.t, 200)
		tr.versions[plan]++
		tr.expect(child, trailRow("U", "0", "", "update", tr.at(plan)))
	},
	func(tr *trail) { // an update by who may not know it
		child, plan := tr.live()
		tr.do("narrowest", http.MethodPut, "/fhir/CarePlan/"+plan, withID(fmt.Sprintf(planBody, child), plan)).want(tr.t, 404)
		tr.expect(child, trailRow("U", "4", "relation-none", "update", tr.at(plan)))
	},
	func(tr *trail) { // patch
		child, plan := tr.live()
		tr.do("home", http.MethodPatch, "/fhir/CarePlan/"+plan, titlePatch, "Content-Type", jsonPatch).want(tr.t, 200)
		tr.versions[plan]++
		tr.expect(child, trailRow("U", "0", "", "patch", tr.at(plan)))
	},
	func(tr *trail) { // delete, but for the last one
		child, plan := tr.live()
		if len(tr.liveOf(child)) == 1 {
			return
		}
		tr.do("home", http.MethodDelete, "/fhir/CarePlan/"+plan, "").want(tr.t, 204)
		tr.versions[plan]++
		tr.expect(child, trailRow("D", "0", "", "delete", tr.at(plan)))
		tr.versions[plan] = 0
	},
	func(tr *trail) { // a body that is none
		tr.do("home", http.MethodPost, "/fhir/CarePlan", `{"resourceType":"CarePlan"`).want(tr.t, 400)
		tr.expect(noChild, "C 4 * create")
	},
	func(tr *trail) { // history
		child, plan := tr.live()
		tr.get("home", "/fhir/CarePlan/"+plan+"/_history").want(tr.t, 200)
		var refs []string
		for v := 1; v <= tr.versions[plan]; v++ {
			refs = append(refs, fmt.Sprintf("CarePlan/%s/_history/%d", plan, v))
		}
		tr.expect(child, trailRow("R", "0", "", "history-instance", refs...))
	},
	func(tr *trail) { // the whole record
		child, _ := tr.pick()
		tr.get("home", "/fhir/Patient/"+child+"/$everything?_type=CarePlan&_count=500").want(tr.t, 200)
		tr.expect(child, trailRow("E", "0", "", "operation everything", tr.liveOf(child)...))
	},
	func(tr *trail) { // a batch is its entries
		child, plan := tr.live()
		tr.do("home", http.MethodPost, "/fhir", fmt.Sprintf(`{"resourceType":"Bundle","type":"batch","entry":[
			{"request":{"method":"GET","url":"CarePlan/%s"}},{"request":{"method":"GET","url":"Goal/nowhere"}}]}`, plan)).want(tr.t, 200)
		tr.expect(child, trailRow("R", "0", "", "read", tr.at(plan)))
		tr.expect(noChild, trailRow("R", "4", "not-found", "read"))
	},
	func(tr *trail) { // a transaction is one access to each child
		one, two := tr.children[0], tr.children[1]
		if len(tr.liveOf(one)) > fewPlans {
			return
		}
		a := tr.do("home", http.MethodPost, "/fhir", fmt.Sprintf(`{"resourceType":"Bundle","type":"transaction","entry":[
			{"resource":%s,"request":{"method":"POST","url":"CarePlan"}},{"resource":%s,"request":{"method":"POST","url":"CarePlan"}}]}`,
			fmt.Sprintf(planBody, one), fmt.Sprintf(planBody, two))).want(tr.t, 200)
		for i, e := range decode[bundleOf](tr.t, a.body).Entry {
			child, plan := tr.children[i], strings.Split(e.Response.Location, "/")[len(strings.Split(e.Response.Location, "/"))-3]
			tr.plans[child], tr.versions[plan] = append(tr.plans[child], plan), 1
			tr.expect(child, trailRow("E", "0", "", "transaction", tr.at(plan)))
		}
	},
	func(tr *trail) { // terminology touches nobody
		tr.get("home", "/fhir/ValueSet/hulpbehoefte-item/$expand?count=1").want(tr.t, 200)
		tr.expect(noChild, trailRow("E", "0", "", "operation expand"))
	},
	func(tr *trail) { // the log is not for systems
		child, _ := tr.pick()
		tr.get("home", "/fhir/AuditEvent?patient="+child).want(tr.t, 403)
		tr.expect(noChild, trailRow("E", "4", "audit-role", "search-type log-view"))
	},
	func(tr *trail) { // why
		child, _ := tr.pick()
		tr.get("home", "/fhir/Patient/"+child+"/$explain-access?recipient="+tr.orgs["other"].String()).want(tr.t, 200)
		tr.expect(child, trailRow("E", "0", "", "operation explain-access", "Patient/"+child+"/_history/1"))
	},
}

// TestTheTrailHasExactlyTheExpectedRows: after a thousand mixed requests the log has the rows that each
// of them must leave, no more and no less, and verifies with every write told of.
func TestTheTrailHasExactlyTheExpectedRows(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	tr := &trail{rig: g, random: rand.New(rand.NewPCG(7, 1)), plans: map[string][]string{}, versions: map[string]int{}, want: map[string][]string{}}
	narrow := system("narrow", g.orgs["home"], "system/Goal.rs")
	g.principals["narrow"] = narrow
	g.principals["narrowest"] = system("narrowest", g.orgs["other"], "system/CarePlan.u")
	for range 3 {
		child, plan := g.child("home")
		tr.children, tr.plans[child], tr.versions[plan] = append(tr.children, child), []string{plan}, 1
	}
	before := map[string]int{}
	for _, c := range append([]string{noChild}, tr.children...) {
		before[c] = len(g.eventsOf(c))
	}
	for range 1_000 {
		steps[tr.random.IntN(len(steps))](tr)
		if t.Failed() {
			t.FailNow()
		}
	}
	for _, c := range append([]string{noChild}, tr.children...) {
		got := tr.rows(c)[before[c]:]
		if diff := cmp.Diff(tr.want[c], got); diff != "" {
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
