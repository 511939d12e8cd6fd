package store_test

import (
	"context"
	"strings"
	"testing"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/exchange"
	"github.com/drieluik/drieluik/fhir/search"
)

// TestChainsGoThroughIndexes: no step of a chain or _has reads a whole table.
func TestChainsGoThroughIndexes(t *testing.T) {
	s := openAt(t, t.TempDir())
	for _, ref := range []fhir.Ref{{Type: "CarePlan", ID: "c"}, {Type: "Patient", ID: "boris"}, {Type: "Goal", ID: "g"}} {
		w := sample(ref.ID, "boris", 1)
		w.Ref.Type = ref.Type
		w.Rows = append(w.Rows, search.Row{Param: "goal", Kind: search.Reference, System: "Goal", Value: "g"}, search.Row{Param: "name", Kind: search.String, Value: "a"})
		if _, err := s.Commit(context.Background(), exchange.Unit{Writes: []exchange.Write{w}}); err != nil {
			t.Fatal(err)
		}
	}
	name := search.Clause{Param: "name", Kind: search.String, Values: []search.Value{{Value: "a"}}}
	active := search.Clause{Param: "status", Kind: search.Token, Values: []search.Value{{AnySystem: true, Value: "active"}}}
	over := func(param string, hop search.Hop) search.Clause {
		return search.Clause{Param: param, Kind: search.Reference, Hops: []search.Hop{hop}}
	}
	own := auth.Filter{Organization: fhir.Ref{Type: "Organization", ID: "zh"}, Visible: map[string][]string{"boris": {"c", "g", "boris"}}}
	family := auth.Filter{Patient: fhir.Ref{Type: "Patient", ID: "boris"}, Visible: own.Visible}
	for title, c := range map[string]struct {
		kind fhir.Type
		by   search.Clause
	}{
		"chain to the patient": {"CarePlan", over("subject", search.Hop{Type: "Patient", Where: name})},
		"chain elsewhere":      {"CarePlan", over("goal", search.Hop{Type: "Goal", Where: active})},
		"two steps":            {"CarePlan", over("goal", search.Hop{Type: "Goal", Where: over("subject", search.Hop{Type: "Patient", Where: name})})},
		"_has of a patient":    {"Patient", over("_has", search.Hop{Type: "CarePlan", Back: "subject", Where: active})},
		"_has elsewhere":       {"Goal", over("_has", search.Hop{Type: "CarePlan", Back: "goal", Where: active})},
	} {
		for who, f := range map[string]auth.Filter{"organisation": own, "family": family} {
			filter := f
			filter.Via = map[fhir.Type]auth.Filter{"CarePlan": f, "Goal": f, "Patient": f}
			steps, err := s.Explain(context.Background(), search.Plan{Type: c.kind, Where: []search.Clause{c.by}, Count: 5}, filter)
			if err != nil || len(steps) == 0 {
				t.Fatalf("%s: %v %v", title, steps, err)
			}
			for _, step := range steps {
				if strings.HasPrefix(step, "SCAN") && !strings.Contains(step, "VIRTUAL TABLE") {
					t.Errorf("%s by %s: %s in\n%s", title, who, step, strings.Join(steps, "\n"))
				}
			}
		}
	}
}
