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
