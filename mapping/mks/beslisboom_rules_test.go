package mks_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drieluik/drieluik/mapping"
)

func TestClosingRules(t *testing.T) {
	t.Parallel()
	k := closingCase(t)
	const at = "/inhoud/antwoorden/"
	set := func(names ...string) treeEdit { return put("uitkomsten", names) }
	for _, c := range []struct {
		name    string
		changes []treeEdit
		want    []string
	}{
		{"as it is", nil, nil},
		{"no closing evaluation", []treeEdit{put("evaluatieAfsluitend", nil)}, list("e MKS-BB-01 /inhoud")},
		{"an evaluation that is not stored", []treeEdit{put("evaluatieAfsluitend", "ev-1")}, list("e MKS-BB-02 /inhoud/evaluatieAfsluitend")},
		{"another set without a reason", []treeEdit{set("volwassenenzorg")}, list("e MKS-BB-03 /inhoud/uitkomsten")},
		{"another set with a reason", []treeEdit{set("volwassenenzorg"), put("afwijkingReden", "x")}, list("w MKS-BB-04 /inhoud/uitkomsten")},
		{"nobody is told", []treeEdit{closed("", nil), set("geen"), put("informeren", list("school"))}, list("e MKS-BB-05 /inhoud/informeren")},
		{"no list of who is told", []treeEdit{closed("", nil), set("geen"), put("informeren", nil)}, list("e MKS-BB-05 /inhoud/informeren")},
		{"the huisarts is told", []treeEdit{closed("", nil), set("geen"), put("informeren", list("huisarts"))}, nil},
		{"Wlz at 17", []treeEdit{closed("", nil, "wlz"), set("wlz")}, nil},
		{"Wlz at 4", []treeEdit{closed("", nil, "wlz"), set("wlz"), answer("bb.leeftijd", 4), put("datum", "2013-11-20")}, list("w MKS-BB-06 /inhoud/uitkomsten/0")},
		{"no transfer", []treeEdit{put("overdracht", nil)}, list("w MKS-BB-07 /inhoud/overdracht")},
		{"no transfer to another provider", []treeEdit{closed("andere-aanbieder", nil, "verpleging"), set("andere-aanbieder"), put("overdracht", nil)}, list("w MKS-BB-07 /inhoud/overdracht")},
		{"no transfer, none needed", []treeEdit{closed("", nil, "wlz"), set("wlz"), put("overdracht", nil)}, nil},
		{"nobody continues", []treeEdit{noAnswer("bb.voortzetting")}, list("e MKS-BB-08 " + at + "bb.voortzetting")},
		{"nobody continues, of what the Wlz takes over", []treeEdit{closed("", nil, "wlz", "verpleging"), set("wlz")}, nil},
		{"adult care at 16", []treeEdit{answer("bb.leeftijd", 16), put("datum", "2026-03-14")}, nil},
		{"adult care at 15", []treeEdit{answer("bb.leeftijd", 15), put("datum", "2025-03-14")}, list("w MKS-BB-09 /inhoud/uitkomsten/0")},
		{"another age", []treeEdit{answer("bb.leeftijd", 18)}, list("e MKS-BB-10 " + at + "bb.leeftijd")},
		{"a withdrawal is not judged by what is stored", []treeEdit{edition(2, "ingetrokken"), answer("bb.leeftijd", 3), put("evaluatieAfsluitend", "ev-1")}, list("w MKS-BB-09 /inhoud/uitkomsten/0")},
	} {
		_, r, issues := submit(t, k, tree(t, closing, c.changes...))
		want := append([]string{}, c.want...)
		if d := cmp.Diff(want, reported(issues, "MKS-BB")); d != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, d)
		}
		if refused := len(want) > 0 && want[0][0] == 'e'; refused == (len(r.Resources) > 0) {
			t.Errorf("%s: %d resources", c.name, len(r.Resources))
		}
	}
}

// A small document does not become a huge answer.
func TestTreesAreBounded(t *testing.T) {
	t.Parallel()
	many := slices.Repeat(list("x"), 101)
	for at, text := range map[string][]byte{
		"/inhoud/antwoorden/vb.handelingenLijst": tree(t, referral, answer("vb.handelingenLijst", many)),
		"/inhoud/uitkomsten":                     tree(t, referral, outcomes(slices.Repeat(list("zvw/verpleging"), 101)...)),
		"/inhoud/uitkomsten/0/regels":            tree(t, referral, outcomeAt(0, "regels", many)),
		"/inhoud/antwoorden/bb.andereBehoeften":  tree(t, closing, answer("bb.andereBehoeften", many)),
		"/inhoud/informeren":                     tree(t, closing, put("informeren", slices.Repeat(list("jgz"), 101))),
	} {
		if got := readTree(t, text, "MKS-ENV-02"); !slices.Equal(got, list("e MKS-ENV-02 "+at)) {
			t.Errorf("%s: %v", at, got)
		}
	}
}

func TestClosingNeedsAnEvaluationThatWasHeld(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		kind, status string
		want         []string
	}{
		"a closing one":         {"afsluitend", "finished", nil},
		"one with parents":      {"evaluatie-ouders", "finished", list("e MKS-BB-02 /inhoud/evaluatieAfsluitend")},
		"one that is a draft":   {"afsluitend", "planned", list("e MKS-BB-02 /inhoud/evaluatieAfsluitend")},
		"one that is withdrawn": {"afsluitend", "entered-in-error", list("e MKS-BB-02 /inhoud/evaluatieAfsluitend")},
	} {
		k := mapping.NewMemory()
		store(t, k, "daan/01-kind.json")
		holdEvaluation(t, k, row.kind, row.status)
		_, _, issues := submit(t, k, sample(t, closing))
		if d := cmp.Diff(append([]string{}, row.want...), reported(issues, "MKS-BB")); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}
