package mks_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// indication changes the indicatie.
func indication(name string, v any) treeEdit {
	return func(_, in, _ map[string]any) {
		x := in["indicatie"].(map[string]any)
		if x[name] = v; v == nil {
			delete(x, name)
		}
	}
}

// outcome changes one of uitkomsten.
func outcomeAt(i int, name string, v any) treeEdit {
	return func(_, in, _ map[string]any) {
		x := in["uitkomsten"].([]any)[i].(map[string]any)
		if x[name] = v; v == nil {
			delete(x, name)
		}
	}
}

func noAnswer(name string) treeEdit {
	return func(_, _, given map[string]any) { delete(given, name) }
}

func TestReferralRules(t *testing.T) {
	t.Parallel()
	k := planBoris(t).stored
	hours := func(part string, n any) map[string]any { return map[string]any{"verpleging": 28, part: n} }
	const at = "/inhoud/antwoorden/"
	for _, c := range []struct {
		name    string
		changes []treeEdit
		want    []string
	}{
		{"as it is", nil, nil},
		{"an answer is missing", []treeEdit{noAnswer("vb.adl")}, list("e MKS-VB-01 " + at + "vb.adl")},
		{"an answer is null", []treeEdit{answer("vb.terminaal", nil)}, list("e MKS-VB-01 " + at + "vb.terminaal")},
		{"the acts are no answer that must be there", []treeEdit{noAnswer("vb.handelingenLijst"), answer("vb.handelingen", false, "vb.vkdv", false),
			outcomes("zvw/verzorging", "wmo/hulpmiddel"), put("indicatie", nil)}, nil},
		{"another set without a reason", []treeEdit{answer("vb.vkdv", false)}, list("e MKS-VB-03 /inhoud/uitkomsten")},
		{"none where the table has some", []treeEdit{outcomes(), put("indicatie", nil)}, list("e MKS-VB-03 /inhoud/uitkomsten")},
		{"another set with a reason", []treeEdit{answer("vb.vkdv", false), put("afwijkingReden", "al toegezegd")}, list("w MKS-VB-04 /inhoud/uitkomsten")},
		{"a reason without a difference", []treeEdit{put("afwijkingReden", "geen")}, nil},
		{"a table without all answers is not asked", []treeEdit{answer("vb.vkdv", "ja")}, nil},
		{"older", []treeEdit{answer("vb.leeftijd", 2)}, list("e MKS-VB-05 " + at + "vb.leeftijd")},
		{"younger", []treeEdit{answer("vb.leeftijd", 0)}, list("e MKS-VB-05 " + at + "vb.leeftijd")},
		{"on the second birthday", []treeEdit{put("datum", "2027-05-04"), answer("vb.leeftijd", 2)}, nil},
		{"the day before it", []treeEdit{put("datum", "2027-05-03"), answer("vb.leeftijd", 2)}, list("e MKS-VB-05 " + at + "vb.leeftijd")},
		{"zvw without a nurse", []treeEdit{outcomeAt(1, "indicatiesteller", nil)}, list("e MKS-VB-06 /inhoud/uitkomsten/1/indicatiesteller")},
		{"zvw by somebody without BIG", []treeEdit{outcomeAt(0, "indicatiesteller", "med-07")}, list("e MKS-VB-06 /inhoud/uitkomsten/0/indicatiesteller")},
		{"wmo needs no nurse", []treeEdit{outcomeAt(3, "indicatiesteller", "med-07")}, nil},
		{"hours of a part that is no outcome", []treeEdit{indication("urenPerWeek", hours("begeleiding", 2))}, list("e MKS-VB-07 /inhoud/indicatie/urenPerWeek/begeleiding")},
		{"hours of no part at all", []treeEdit{indication("urenPerWeek", hours("slapen", 2))}, list("e MKS-VB-07 /inhoud/indicatie/urenPerWeek/slapen")},
		{"a whole week", []treeEdit{indication("urenPerWeek", hours("verzorging", 140))}, nil},
		{"more than a week", []treeEdit{indication("urenPerWeek", hours("verzorging", 140.01))}, list("e MKS-VB-08 /inhoud/indicatie/urenPerWeek")},
		{"acts are not named", []treeEdit{noAnswer("vb.handelingenLijst")}, list("e MKS-VB-09 " + at + "vb.handelingenLijst")},
		{"acts are an empty list", []treeEdit{answer("vb.handelingenLijst", []any{})}, list("e MKS-VB-09 " + at + "vb.handelingenLijst")},
		{"366 days", []treeEdit{indication("totEnMet", "2027-07-13")}, nil},
		{"367 days", []treeEdit{indication("totEnMet", "2027-07-14")}, list("w MKS-VB-10 /inhoud/indicatie/totEnMet")},
		{"pgb without grounds", []treeEdit{indication("leveringsvorm", "pgb"), indication("onderbouwing", nil)}, list("e MKS-VB-11 /inhoud/indicatie/onderbouwing")},
		{"combi without grounds", []treeEdit{indication("leveringsvorm", "combi"), indication("onderbouwing", nil)}, list("e MKS-VB-11 /inhoud/indicatie/onderbouwing")},
		{"zin without grounds", []treeEdit{indication("onderbouwing", nil)}, nil},
		{"Wlz at five", []treeEdit{answer("vb.blijvend24u", "ja")}, list("i MKS-VB-12 " + at + "vb.leeftijd")},
		{"no somatic condition", []treeEdit{answer("vb.somatisch", false)}, list("w MKS-VB-13 " + at + "vb.somatisch")},
		{"palliative", []treeEdit{answer("vb.terminaal", true)}, list("i MKS-VB-14 " + at + "vb.terminaal")},
		{"a withdrawal is not judged by the child of today", []treeEdit{edition(3, "ingetrokken"), answer("vb.leeftijd", 9), outcomeAt(0, "indicatiesteller", "med-07")}, nil},
	} {
		_, r, issues := submit(t, k, tree(t, referral, c.changes...))
		want := append([]string{}, c.want...)
		if d := cmp.Diff(want, reported(issues, "MKS-VB")); d != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, d)
		}
		if refused := len(want) > 0 && want[0][0] == 'e'; refused == (len(r.Resources) > 0) && c.name != "a table without all answers is not asked" {
			t.Errorf("%s: %d resources", c.name, len(r.Resources))
		}
	}
}

func TestReferralForm(t *testing.T) {
	t.Parallel()
	k := planBoris(t).stored
	for name, c := range map[string]struct {
		change treeEdit
		want   []string
	}{
		"no answers":            {put("antwoorden", nil), list("e MKS-ENV-01 /inhoud/antwoorden")},
		"no hours":              {indication("urenPerWeek", map[string]any{}), list("e MKS-ENV-01 /inhoud/indicatie/urenPerWeek")},
		"hours of nothing":      {indication("urenPerWeek", map[string]any{"verpleging": nil}), list("i MKS-ENV-16 /inhoud/indicatie/urenPerWeek/verpleging", "e MKS-ENV-02 /inhoud/indicatie/urenPerWeek")},
		"hours of zero":         {indication("urenPerWeek", map[string]any{"verpleging": 0}), list("e MKS-ENV-02 /inhoud/indicatie/urenPerWeek/verpleging")},
		"half a year old":       {answer("vb.leeftijd", 1.5), list("e MKS-ENV-02 /inhoud/antwoorden/vb.leeftijd")},
		"a law that is none":    {outcomeAt(0, "wet", "awbz"), list("e MKS-ENV-03 /inhoud/uitkomsten/0/wet")},
		"the end before":        {indication("totEnMet", "2026-07-12"), list("e MKS-ENV-15 /inhoud/indicatie/totEnMet")},
		"by a parent":           {outcomeAt(0, "indicatiesteller", "bet-01"), list("e MKS-REF-03 /inhoud/uitkomsten/0/indicatiesteller")},
		"done by a nurse":       {outcomeAt(0, "uitvoerder", "med-01"), list("e MKS-REF-03 /inhoud/uitkomsten/0/uitvoerder")},
		"done by who is known":  {outcomeAt(0, "uitvoerder", "ura:90000002"), nil},
		"done by who is not":    {outcomeAt(0, "uitvoerder", "org-99"), list("e MKS-REF-02 /inhoud/uitkomsten/0/uitvoerder")},
		"an outcome of nothing": {put("uitkomsten", []any{map[string]any{}}), list("e MKS-ENV-01 /inhoud/uitkomsten/0/wet", "e MKS-ENV-01 /inhoud/uitkomsten/0/onderdeel", "e MKS-ENV-01 /inhoud/uitkomsten/0/verantwoordelijke")},
	} {
		_, _, issues := submit(t, k, tree(t, referral, c.change))
		got := append(reported(issues, "MKS-ENV"), reported(issues, "MKS-REF")...)
		if d := cmp.Diff(append([]string{}, c.want...), got); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}
