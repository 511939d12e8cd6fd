package validate_test

import (
	"encoding/json"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drieluik/drieluik/conformance/validate"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/path"
	"github.com/drieluik/drieluik/fhir/r4"
)

// A constraint that does not compile would be passed over in silence.
func TestEveryConstraintOfR4Compiles(t *testing.T) {
	t.Parallel()
	seen := 0
	check := func(where string, all []r4.Constraint) {
		for _, con := range all {
			seen++
			e, err := path.Compile(con.Expression)
			if err != nil {
				t.Errorf("%s %s: %v", where, con.Key, err)
				continue
			}
			if _, _, err := e.Test(path.World{}, path.TypedAs(fhir.Node{}, fhir.Node{}, where)); err != nil {
				t.Errorf("%s %s on nothing: %v", where, con.Key, err)
			}
		}
	}
	for name, s := range r4.All() {
		check(name, s.Constraints)
		for _, e := range s.Elements {
			if e.Path[:min(len(name), len(e.Path))] == name {
				check(e.Types[0].Code, e.Constraints)
			}
		}
	}
	if seen < 230 {
		t.Errorf("%d constraints only", seen)
	}
}

// byHand have a check of their own, which may say more than the expression.
var byHand = map[string]bool{
	"ele-1": true, "ext-1": true, "ref-1": true, "txt-1": true, "txt-2": true, "dom-2": true, "dom-3": true,
	"bdl-7": true, "que-2": true, "que-7": true, "csd-1": true,
	"que-13": true, "vsd-9": true, "sdf-5": true, "sdf-21": true, "opd-2": true, "opd-3": true, "ras-1": true, // empty is false
}

// compiled are the constraints of all structures.
var compiled = sync.OnceValue(func() map[string]*path.Expression {
	all := map[string]*path.Expression{}
	add := func(cons []r4.Constraint) {
		for _, con := range cons {
			if e, err := path.Compile(con.Expression); err == nil {
				all[con.Expression] = e
			}
		}
	}
	for _, s := range r4.All() {
		add(s.Constraints)
		for _, e := range s.Elements {
			add(e.Constraints)
		}
	}
	return all
})

// brokenBy runs the expression of every constraint on every element, without any short cut.
func brokenBy(n fhir.Node, into map[string]bool) {
	if n.Shape() == fhir.Object {
		it := path.Typed(n)
		test := func(all []r4.Constraint) {
			for _, con := range all {
				e := compiled()[con.Expression]
				if e == nil || byHand[con.Key] {
					continue
				}
				if holds, known, err := e.Test(path.World{}, it); err == nil && known && !holds {
					into[n.Path()+" "+con.Key] = true
				}
			}
		}
		for s := r4.Lookup(it.Type()); s != nil; s = r4.Lookup(s.Base) {
			test(s.Constraints)
		}
		holder := n.Parent()
		if holder.Shape() == fhir.Array {
			holder = holder.Parent()
		}
		if f, ok := r4.Member(path.Typed(holder).Type(), n.Name()); ok {
			test(f.Element.Constraints)
		}
	}
	for c := range n.Children() {
		brokenBy(c, into)
	}
}

// The short cuts that skip an expression agree with running it: for whole and broken resources, and
// for them without one of their members.
func TestConstraintsAgreeWithTheirExpressions(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, file := range []string{"constraints.json", "questionnaire.json", "bundle.json", "whole.json"} {
		for _, c := range brokenCases(t, file) {
			var tree map[string]any
			if err := json.Unmarshal(c.Resource, &tree); err != nil {
				t.Fatal(err)
			}
			agree(t, c.Name, tree, seen)
			typ, _ := tree["resourceType"].(string)
			for i, m := range mutants(typ, tree) {
				if i%3 != 0 {
					continue // a third tells enough
				}
				delete(m.in, m.name)
				agree(t, c.Name+" without "+m.path, tree, seen)
				m.set(m.was)
			}
		}
	}
	if len(seen) < 60 {
		t.Errorf("only %d constraints were ever broken", len(seen))
	}
}

func agree(t *testing.T, name string, tree map[string]any, seen map[string]bool) {
	t.Helper()
	src, err := json.Marshal(tree)
	if err != nil {
		t.Fatal(err)
	}
	r, _ := fhir.Parse(src, fhir.Limits{})
	if r == nil {
		return // an empty object or list
	}
	want, got := map[string]bool{}, map[string]bool{}
	brokenBy(r.Root(), want)
	for _, i := range validate.Resource(r) {
		if i.Code == "invariant" && !byHand[i.Diagnostics] {
			got[i.Expression+" "+i.Diagnostics] = true
			seen[i.Diagnostics] = true
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s: %s", name, diff)
	}
}
