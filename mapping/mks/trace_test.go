package mks_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/drieluik/drieluik/fhir/path"
	"github.com/drieluik/drieluik/mapping"
)

func TestEveryTraceLeadsToAnElement(t *testing.T) {
	t.Parallel()
	eachRecord(t, func(t *testing.T, m mapped, k *mapping.Memory) {
		kinds := []string{"kind", "toestemming", "scan", "evaluatie", "boom"}
		if slices.ContainsFunc(kinds, func(k string) bool { return strings.Contains(m.file, k) }) {
			tracesLead(t, k, m.result)
		}
	})
	t.Run("a scan and an evaluation with every member", func(t *testing.T) {
		c := evaluatedBoris(t)
		tracesLead(t, c.stored, apply(t, c.stored, fullScan(t)))
		tracesLead(t, c.stored, apply(t, c.stored, fullEvaluation(t)))
	})
	t.Run("a child record with every member", func(t *testing.T) {
		k := mapping.NewMemory()
		tracesLead(t, k, apply(t, k, complete(t)))
	})
}

// tracesLead evaluates every element of the trace on what is stored.
func tracesLead(t *testing.T, k mapping.Known, r mapping.Result) {
	t.Helper()
	for _, x := range r.Trace {
		if len(x.Elements) == 0 && x.Pointer != "/schema" {
			t.Errorf("%s leads nowhere", x.Pointer)
		}
		for _, element := range x.Elements {
			ref, rest, _ := strings.Cut(element, ".")
			n := read(t, k, parse(t, ref))
			e, err := path.Compile(string(n.Resource().Type()) + "." + rest)
			if err != nil {
				t.Errorf("%s: %s: %v", x.Pointer, element, err)
				continue
			}
			if found, err := e.Eval(path.World{}, n); err != nil || len(found) == 0 {
				t.Errorf("%s leads to %s, which is empty: %v", x.Pointer, element, err)
			}
		}
	}
}
