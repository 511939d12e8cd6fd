package storetest

import (
	"fmt"
	"testing"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/exchange"
	"github.com/drieluik/drieluik/fhir/search"
)

func cursors(t *testing.T, open Open) {
	s := open(t)
	put(t, s, write("Goal", "a", 1, "boris"), write("Goal", "b", 1, "boris"))
	all := auth.Filter{Directory: true}
	view(t, s, func(sn exchange.Snapshot) error {
		p, err := sn.Search(search.Plan{Type: "Goal", Count: 1}, all)
		if err != nil || p.Next == "" {
			t.Fatalf("first page: %+v %v", p, err)
		}
		for _, plan := range []search.Plan{
			{Type: "Goal", Count: 1, Cursor: "!"}, {Type: "Goal", Count: 1, Cursor: "bm9uZQ"}, {Type: "Flag", Count: 1, Cursor: p.Next},
			{Type: "Goal", Count: 1, Cursor: p.Next, Sort: []search.Sort{{Param: "_id", Kind: search.Token}}},
		} {
			if _, err := sn.Search(plan, all); fhir.KindOf(err) != fhir.BadRequest {
				t.Errorf("cursor %q of another search: %v", plan.Cursor, err)
			}
		}
		return nil
	})
}

func stablePages(t *testing.T, open Open) {
	s := open(t)
	for i := range 30 {
		put(t, s, write("Goal", fmt.Sprintf("g%02d", i), 1, "boris"))
	}
	for _, sorts := range [][]search.Sort{nil, {{Param: "_id", Kind: search.Token, Desc: true}}} {
		seen := map[string]int{}
		plan := search.Plan{Type: "Goal", Count: 4, Sort: sorts}
		for n := 0; ; n++ {
			view(t, s, func(sn exchange.Snapshot) error {
				p, err := sn.Search(plan, auth.Filter{Organization: ref("Organization", "zh")})
				for _, m := range p.Matches {
					seen[m.Ref.ID]++
				}
				plan.Cursor = p.Next
				return err
			})
			if plan.Cursor == "" {
				break
			}
			put(t, s, write("Goal", fmt.Sprintf("h%02d-%d", n, len(sorts)), 1, "boris"))
			version := 2 + len(sorts)
			put(t, s, write("Goal", fmt.Sprintf("g%02d", n), version, "boris"))
		}
		for i := range 30 {
			if n := seen[fmt.Sprintf("g%02d", i)]; n != 1 {
				t.Errorf("sort %v: g%02d came %d times", sorts, i, n)
			}
		}
	}
}

// chainCase is a search of a type by a chain, under the filters of the types it passes through.
type chainCase struct {
	kind fhir.Type
	by   search.Clause
	via  map[fhir.Type]auth.Filter
	want []string
}

// chainCases are chains over the two children of chains.
func chainCases() map[string]chainCase {
	boris, sanne := ref("Patient", "boris"), ref("Patient", "sanne")
	id := func(ref fhir.Ref) search.Clause {
		return search.Clause{Param: "_id", Kind: search.Token, Values: []search.Value{{AnySystem: true, Value: ref.ID}}}
	}
	over := func(param string, hop search.Hop) search.Clause {
		return search.Clause{Param: param, Kind: search.Reference, Hops: []search.Hop{hop}}
	}
	all, own := auth.Filter{Directory: true}, func(child, id string) auth.Filter {
		return auth.Filter{Visible: map[string][]string{child: {id}}}
	}
	return map[string]chainCase{
		"forward":                     {"Goal", over("subject", search.Hop{Type: "Patient", Where: id(boris)}), map[fhir.Type]auth.Filter{"Patient": all}, []string{"g1"}},
		"forward over a stray":        {"Goal", over("performer", search.Hop{Type: "Patient", Where: id(boris)}), map[fhir.Type]auth.Filter{"Patient": all}, []string{"g2"}},
		"forward to what is hidden":   {"Goal", over("subject", search.Hop{Type: "Patient", Where: id(boris)}), map[fhir.Type]auth.Filter{"Patient": own("sanne", "sanne")}, []string{}},
		"forward to what nobody sees": {"Goal", over("subject", search.Hop{Type: "Patient", Where: id(boris)}), nil, []string{}},
		"back within a compartment":   {"Patient", over("_has", search.Hop{Type: "Goal", Back: "subject", Where: id(ref("Goal", "g2"))}), map[fhir.Type]auth.Filter{"Goal": all}, []string{"sanne"}},
		"back over a stray":           {"Patient", over("_has", search.Hop{Type: "Goal", Back: "performer", Where: id(ref("Goal", "g2"))}), map[fhir.Type]auth.Filter{"Goal": all}, []string{"boris"}},
		"back from what is hidden":    {"Patient", over("_has", search.Hop{Type: "Goal", Back: "subject", Where: id(ref("Goal", "g2"))}), map[fhir.Type]auth.Filter{"Goal": own("boris", "g1")}, []string{}},
		"back from another child":     {"Goal", over("_has", search.Hop{Type: "Flag", Back: "goal", Where: id(ref("Flag", "f2"))}), map[fhir.Type]auth.Filter{"Flag": own("sanne", "f2")}, []string{"g1"}},
		"back, then forward": {"Goal", over("_has", search.Hop{Type: "Flag", Back: "goal", Where: over("subject", search.Hop{Type: "Patient", Where: id(sanne)})}),
			map[fhir.Type]auth.Filter{"Flag": all, "Patient": all}, []string{"g1"}},
	}
}

// chains follows hops over two children: what the filter of a hop's type hides is not passed through.
func chains(t *testing.T, open Open) {
	s := open(t)
	link := func(w exchange.Write, param string, to fhir.Ref) exchange.Write {
		w.Rows = append(w.Rows, search.Row{Param: param, Kind: search.Reference, System: string(to.Type), Value: to.ID})
		return w
	}
	boris := ref("Patient", "boris")
	put(t, s,
		write("Patient", "boris", 1, "boris"), write("Patient", "sanne", 1, "sanne"),
		write("Goal", "g1", 1, "boris"), link(write("Goal", "g2", 1, "sanne"), "performer", boris),
		link(write("Flag", "f1", 1, "boris"), "goal", ref("Goal", "g1")),
		link(write("Flag", "f2", 1, "sanne"), "goal", ref("Goal", "g1")))
	view(t, s, func(sn exchange.Snapshot) error {
		got, err := sn.Strays("Goal", "boris")
		same(t, "strays", got, []string{"sanne"})
		return err
	})
	all := auth.Filter{Directory: true}
	for name, c := range chainCases() {
		t.Run(name, func(t *testing.T) {
			view(t, s, func(sn exchange.Snapshot) error {
				f := all
				f.Via = c.via
				p, err := sn.Search(search.Plan{Type: c.kind, Where: []search.Clause{c.by}, Count: 5, Total: true}, f)
				same(t, "found", ids(p.Matches), c.want)
				same(t, "total", p.Total, len(c.want))
				return err
			})
		})
	}
}
