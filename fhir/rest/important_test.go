package rest_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/drieluik/drieluik/fhir/exchange"
)

// important are the goals of the child that its child plans hold as what is most important now, as they are stored.
func (c *clinics) important() (out []string) {
	c.t.Helper()
	held := ""
	err := c.store.View(c.t.Context(), func(v exchange.Snapshot) error {
		all, _, err := v.Compartment(c.patient.ID, "CarePlan")
		for _, st := range all {
			held += string(st.Body)
		}
		return err
	})
	if err != nil {
		c.t.Fatal(err)
	}
	for i := range goals {
		id := fmt.Sprint("Goal/g", i)
		if strings.Contains(c.whole(id), `"high-priority"`) && strings.Contains(held, `"`+id+`"`) {
			out = append(out, id)
		}
	}
	return out
}

const goals = 4

// TestNoTwoGoalsAreMostImportant, whatever is written in whatever way: a goal, a plan, a patch, several at once.
func TestNoTwoGoalsAreMostImportant(t *testing.T) {
	t.Parallel()
	c := twoClinics(t)
	draw := rand.New(rand.NewPCG(1, 2))
	name := func() string { return fmt.Sprint("g", draw.IntN(goals)) }
	for i := range goals {
		id := fmt.Sprint("g", i)
		c.put("home", "/fhir/Goal/"+id, c.goal(id, "low-priority", "")).want(t, http.StatusCreated)
	}
	took := map[string]int{}
	for range 40 {
		goal, other := name(), name()
		plan := fmt.Sprint("b", draw.IntN(2))
		way := []string{"raise", "supersede", "plan", "patch", "both", "lower"}[draw.IntN(6)]
		more := fmt.Sprintf(`,"extension":[{"url":"https://drieluik.example/fhir/StructureDefinition/supersedes","valueReference":{"reference":"Goal/%s"}}]`, other)
		var a answer
		switch way {
		case "raise":
			a = c.put("home", "/fhir/Goal/"+goal, c.goal(goal, "high-priority", ""))
		case "supersede":
			a = c.put("home", "/fhir/Goal/"+goal, c.goal(goal, "high-priority", more))
		case "plan":
			a = c.put("home", "/fhir/CarePlan/"+plan, c.childPlan(plan, goal, other))
		case "patch":
			a = c.do("home", http.MethodPatch, "/fhir/Goal/"+goal, `[{"op":"replace","path":"/priority/coding/0/code","value":"high-priority"}]`, "Content-Type", "application/json-patch+json")
		case "both":
			a = c.do("home", http.MethodPost, "/fhir", fmt.Sprintf(`{"resourceType":"Bundle","type":"transaction","entry":[
				{"resource":%s,"request":{"method":"PUT","url":"Goal/%s"}},{"resource":%s,"request":{"method":"PUT","url":"CarePlan/%s"}}]}`,
				c.goal(goal, "high-priority", ""), goal, c.childPlan(plan, goal, other), plan))
		case "lower":
			a = c.put("home", "/fhir/Goal/"+goal, c.goal(goal, "low-priority", ""))
		}
		if a.status < http.StatusBadRequest {
			took[way]++
		}
		if got := c.important(); len(got) > 1 {
			t.Fatalf("after %s of %s and %s (%d): %v", way, goal, other, a.status, got)
		}
	}
	if len(took) < 6 {
		t.Errorf("not every way was taken: %v", took)
	}
}

// TestGoalsRaisedAtTheSameTimeAreNotTwo: of several that come at once one is the most important one.
func TestGoalsRaisedAtTheSameTimeAreNotTwo(t *testing.T) {
	t.Parallel()
	c := twoClinics(t)
	var all []string
	for i := range goals {
		id := fmt.Sprint("g", i)
		c.put("home", "/fhir/Goal/"+id, c.goal(id, "low-priority", "")).want(t, http.StatusCreated)
		all = append(all, id)
	}
	c.put("home", "/fhir/CarePlan/b0", c.childPlan("b0", all...)).want(t, http.StatusCreated)
	for range 2 {
		var done sync.WaitGroup
		for _, id := range all {
			done.Go(func() { c.put("home", "/fhir/Goal/"+id, c.goal(id, "high-priority", "")) })
		}
		done.Wait()
		if got := c.important(); len(got) != 1 {
			t.Fatalf("most important: %v", got)
		}
		for _, id := range all {
			c.put("home", "/fhir/Goal/"+id, c.goal(id, "low-priority", "")).want(t, http.StatusOK)
		}
	}
}
