package rest_test

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/drieluik/drieluik/auth"
)

// passed is a network whose helper, the grandfather, has not answered for three days, so that the reserve, the
// neighbour, is asked too: both questions.
func passed(t *testing.T) (n *network, first, second string) {
	t.Helper()
	n = newNetwork(t, "boris/01-kind.json")
	n.mother("patient/*.cruds")
	n.person("neighbour", auth.Helper, n.kin["n2"], "SUPNWK")
	first = "Task/" + n.create("mother", "Task", n.help(n.principals["mother"].FHIRUser.String(), n.kin["n1"], `,"basedOn":[{"reference":"`, n.kin["t1"], `"}]`))
	n.advance(3*24*time.Hour + time.Minute)
	n.tick()
	all := n.search("home", "/fhir/Task?status=requested&owner="+n.kin["n2"]).ids()
	if len(all) != 1 {
		t.Fatalf("the reserve was asked %d times", len(all))
	}
	return n, first, all[0]
}

// TestOneOfHelperAndReserveTakesATurn (network.md 4): the question to the helper stays open when the reserve is asked.
// The first who accepts takes the turn, and the question to the other ends with the reason; who comes later is refused.
func TestOneOfHelperAndReserveTakesATurn(t *testing.T) {
	t.Parallel()
	for name, of := range map[string]struct{ wins, loses int }{"the helper, late": {0, 1}, "the reserve": {1, 0}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n, first, second := passed(t)
			tasks, who := []string{first, second}, []string{"grandfather", "neighbour"}
			plan := n.get("home", "/fhir/"+n.kin["t1"]).want(t, 200).body
			if got := n.status(first); got != "requested" {
				t.Fatalf("the question to the helper is %s", got)
			}
			n.to(who[of.wins], tasks[of.wins], "accepted", prepared).want(t, 200)
			if body := n.get("home", "/fhir/"+tasks[of.loses]).body; !strings.Contains(body, `"cancelled"`) || !strings.Contains(body, "Een ander heeft deze beurt aangenomen") {
				t.Errorf("the question to the other stays open: %s", body)
			}
			n.get(who[of.loses], "/fhir/"+tasks[of.loses]).want(t, 200)
			n.to(who[of.loses], tasks[of.loses], "accepted", prepared).want(t, 422).wantIssue(t, "task-transition", "")
			if now := n.get("home", "/fhir/"+n.kin["t1"]).body; now != plan {
				t.Errorf("the end of a question changes the agreement: %s", now)
			}
			n.to(who[of.wins], tasks[of.wins], "in-progress").want(t, 200)
		})
	}
}

// TestNobodyTakesATurnTwice: not at the same time, not in one transaction, and not by a way about a Task on hold.
func TestNobodyTakesATurnTwice(t *testing.T) {
	t.Parallel()
	n, first, second := passed(t)
	entry := func(ref string) string {
		body := strings.Replace(n.get("home", "/fhir/"+ref).body, `"status":"requested"`, `"status":"accepted"`, 1)
		return `{"request":{"method":"PUT","url":"` + ref + `"},"resource":` + strings.TrimSuffix(body, "}") + prepared + `}}`
	}
	for _, order := range [][]string{{first, second}, {second, first}} { // by the supporter, for both
		n.do("home", http.MethodPost, "/fhir", `{"resourceType":"Bundle","type":"transaction","entry":[`+entry(order[0])+`,`+entry(order[1])+`]}`).
			want(t, 422).wantIssue(t, "NW-T02", "")
	}
	var both sync.WaitGroup
	status := make([]int, 2)
	for i, ref := range []string{first, second} {
		both.Go(func() { status[i] = n.to([]string{"grandfather", "neighbour"}[i], ref, "accepted", prepared).status })
	}
	both.Wait()
	slices.Sort(status)
	if status[0] != 200 || status[1] != 422 {
		t.Errorf("at the same time they are answered %v", status)
	}
	var states []string
	for _, ref := range []string{first, second} {
		states = append(states, n.status(ref))
	}
	if slices.Sort(states); !slices.Equal(states, []string{"accepted", "cancelled"}) {
		t.Errorf("both questions: %v", states)
	}
	again := "Task/" + n.create("mother", "Task", n.help(n.principals["mother"].FHIRUser.String(), n.kin["n1"], `,"basedOn":[{"reference":"`, n.kin["t1"], `"}]`))
	n.to("grandfather", again, "accepted", prepared).want(t, 200) // another turn

	n, first, second = passed(t)
	n.to("mother", first, "on-hold").want(t, 200)
	n.to("neighbour", second, "accepted", prepared).want(t, 200)
	n.to("grandfather", first, "in-progress").want(t, 422)
}
