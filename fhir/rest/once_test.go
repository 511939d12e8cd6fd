package rest_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/exchange"
)

// counting is a store that counts what requests look up.
type counting struct {
	exchange.Store
	states       map[string]int
	compartments map[string]int
	reads        map[fhir.Ref]int
}

func (c *counting) View(ctx context.Context, f func(exchange.Snapshot) error) error {
	return c.Store.View(ctx, func(v exchange.Snapshot) error { return f(&countingSnapshot{Snapshot: v, c: c}) })
}

type countingSnapshot struct {
	exchange.Snapshot
	c *counting
}

func (s *countingSnapshot) Compartment(id string, types ...fhir.Type) ([]exchange.Stored, exchange.State, error) {
	s.c.compartments[id]++
	return s.Snapshot.Compartment(id, types...)
}

func (s *countingSnapshot) State(id string) (exchange.State, error) {
	s.c.states[id]++
	return s.Snapshot.State(id)
}

func (s *countingSnapshot) Read(ref fhir.Ref) (exchange.Stored, error) {
	s.c.reads[ref]++
	return s.Snapshot.Read(ref)
}

// TestARequestLooksUpPolicyOnce: however many resources it touches, a request compiles a child once
// and reads each organisation once.
func TestARequestLooksUpPolicyOnce(t *testing.T) {
	count := &counting{}
	reset := func() {
		count.states, count.compartments, count.reads = map[string]int{}, map[string]int{}, map[fhir.Ref]int{}
	}
	reset()
	g := newRigWith(t, auth.Settings{Jurisdiction: "nl"}, func(s exchange.Store) exchange.Store {
		count.Store = s
		return count
	})
	patient, plan := g.child("hospital")
	g.create("hospital", "CareTeam", fmt.Sprintf(
		`{"resourceType":"CareTeam","status":"active","subject":{"reference":"Patient/%s"},"participant":[{"member":{"reference":"%s"}}]}`, patient, g.orgs["home"]))
	for range 5 {
		g.create("hospital", "CarePlan", fmt.Sprintf(planBody, patient))
	}
	for name, ask := range map[string]func() answer{
		"search":              func() answer { return g.get("hospital", "/fhir/CarePlan?patient="+patient) },
		"search for all":      func() answer { return g.get("hospital", "/fhir/CarePlan") },
		"search from a far":   func() answer { return g.get("home", "/fhir/Patient") },
		"read":                func() answer { return g.get("hospital", "/fhir/CarePlan/"+plan) },
		"read of a version":   func() answer { return g.get("hospital", "/fhir/CarePlan/"+plan+"/_history/1") },
		"history":             func() answer { return g.get("hospital", "/fhir/CarePlan/"+plan+"/_history") },
		"history of the type": func() answer { return g.get("hospital", "/fhir/CarePlan/_history") },
		"patch": func() answer {
			return g.do("hospital", http.MethodPatch, "/fhir/CarePlan/"+plan, titlePatch, "Content-Type", jsonPatch)
		},
		"conditional create": func() answer {
			return g.do("hospital", http.MethodPost, "/fhir/CarePlan", named(patient, "1"), "If-None-Exist", "identifier=urn:plan|1&patient="+patient)
		},
		"create": func() answer {
			return g.do("hospital", http.MethodPost, "/fhir/CarePlan", fmt.Sprintf(planBody, patient))
		},
	} {
		reset()
		if a := ask(); a.status >= 300 {
			t.Fatalf("%s: %d %s", name, a.status, a.body)
		}
		if count.states[patient] != 1 || count.compartments[patient] > 1 {
			t.Errorf("%s: the child was looked up %d times and compiled %d times", name, count.states[patient], count.compartments[patient])
		}
		for ref, n := range count.reads {
			if n > 1 && ref.Type == "Organization" {
				t.Errorf("%s: %s was read %d times", name, ref, n)
			}
		}
	}
}
