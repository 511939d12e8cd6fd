package mks_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
)

const (
	closing = "daan/08-beslisboom.json"
)

// holdEvaluation stores an evaluatie of Daan as its mapping leaves it: the Encounter of the record.
func holdEvaluation(t testing.TB, k *mapping.Memory, kind, status string) {
	t.Helper()
	child := mapping.ID("Patient/90000001/ecd/K-1003")
	tree, issues := fhir.Parse(fmt.Appendf(nil, `{"resourceType":"Encounter","id":%q,"identifier":[{"system":"%s/bron/90000001/ecd/evaluatie","value":"ev-1004"}],
		"status":%q,"class":{"code":"HH"},"type":[{"coding":[{"system":"%s/CodeSystem/evaluatie-soort","code":%q}]}],"subject":{"reference":"Patient/%s"}}`,
		mapping.ID("Encounter/90000001/ecd/evaluatie/ev-1004"), fhir.Canonical, status, fhir.Canonical, kind, child), fhir.Limits{})
	if fhir.HasErrors(issues) {
		t.Fatal(issues)
	}
	k.Apply(mapping.Source{Record: "90000001/ecd/evaluatie/ev-1004", Version: 1},
		mapping.Result{Resources: []mapping.Mapped{{Resource: tree}}}, receipt)
}

// closingCase is Daan with his plan in force and its closing evaluation.
func closingCase(t testing.TB) *mapping.Memory {
	t.Helper()
	k := mapping.NewMemory()
	store(t, k, "daan/01-kind.json", "daan/02-verwijsboom.json", "daan/04-zorgplan.json", "daan/06-evaluatie-afsluitend.json")
	return k
}

// withoutPlans leaves out the plans that a closing tree completes: they are as their zorgplan made them.
func withoutPlans(r mapping.Result) mapping.Result {
	r.Resources = slices.DeleteFunc(slices.Clone(r.Resources), func(m mapping.Mapped) bool {
		return m.Resource.Type() == "CarePlan" || m.Resource.Type() == "Flag"
	})
	return r
}

func TestClosingOfDaanIsAsReviewed(t *testing.T) {
	_, r, _ := submit(t, closingCase(t), sample(t, closing))
	golden(t, "beslisboom-daan.golden", withoutPlans(r))
}

// closed answers a closing tree: those that are ja, the rest nee.
func closed(continued string, needs []string, ja ...string) treeEdit {
	return func(_, _, given map[string]any) {
		for name, v := range given {
			if _, ok := v.(bool); ok {
				given[name] = slices.Contains(ja, strings.TrimPrefix(name, "bb."))
			}
		}
		delete(given, "bb.voortzetting")
		if continued != "" {
			given["bb.voortzetting"] = continued
		}
		given["bb.andereBehoeften"] = append([]string{}, needs...)
	}
}

// The examples of mks.md 5.2, and each of its rules.
func TestClosingTableGivesTheWorkedExamples(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		given treeEdit
		want  []string
	}{
		{"adl and speech therapy", closed("", list("logopedie"), "adl"), list("jeugdwet", "disciplines")},
		{"adult care, adl", closed("volwassenenzorg", nil, "verpleging", "adl"), list("volwassenenzorg")},
		{"Wlz, adl", closed("", nil, "wlz", "adl"), list("wlz")},
		{"family goes on", closed("zelf", nil, "verpleging"), list("geen")},
		{"nothing", closed("", nil), list("geen")},
		{"died", closed("andere-aanbieder", list("rouw"), "overleden", "verpleging", "adl", "wlz"), list("overleden")},
		{"another provider, adl", closed("andere-aanbieder", nil, "verpleging", "adl"), list("andere-aanbieder", "jeugdwet")},
		{"Wlz goes before the provider", closed("andere-aanbieder", nil, "verpleging", "wlz"), list("wlz")},
		{"continued, but not needed", closed("volwassenenzorg", nil, "adl"), list("jeugdwet")},
		{"died, and nobody needs to say who goes on", closed("", nil, "overleden"), list("overleden")},
	} {
		if got := readTree(t, tree(t, closing, c.given, put("uitkomsten", c.want)), "MKS-BB-03"); len(got) > 0 {
			t.Errorf("%s: %v refused", c.name, c.want)
		}
		for _, other := range []string{"geen", "wlz"} {
			set := append(slices.Clone(c.want), other)
			if slices.Contains(c.want, other) {
				set = list("disciplines")
			}
			if got := readTree(t, tree(t, closing, c.given, put("uitkomsten", set)), "MKS-BB-03"); len(got) != 1 {
				t.Errorf("%s: %v gives %v", c.name, set, got)
			}
		}
	}
}

// follows is the table of mks.md 5.2 in plain Go, to compare the rows with.
func follows(a map[string]any) []string {
	if a["bb.overleden"] == true {
		return list("overleden")
	}
	var out []string
	wlz, by := a["bb.wlz"] == true, ""
	if a["bb.verpleging"] == true && !wlz {
		by, _ = a["bb.voortzetting"].(string)
	}
	if wlz {
		out = append(out, "wlz")
	}
	if by == "andere-aanbieder" || by == "volwassenenzorg" {
		out = append(out, by)
	}
	if a["bb.adl"] == true && !wlz && by != "volwassenenzorg" {
		out = append(out, "jeugdwet")
	}
	if len(a["bb.andereBehoeften"].([]string)) > 0 {
		out = append(out, "disciplines")
	}
	if len(out) == 0 {
		return list("geen")
	}
	return out
}

func TestClosingTableAgreesWithPlainCode(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		var ja []string
		for _, name := range []string{"overleden", "verpleging", "wlz", "adl"} {
			if rapid.Bool().Draw(rt, name) {
				ja = append(ja, name)
			}
		}
		by := rapid.SampledFrom([]string{"andere-aanbieder", "volwassenenzorg", "zelf"}).Draw(rt, "by")
		needs := rapid.SampledFrom([][]string{nil, {"logopedie"}, {"a", "b"}}).Draw(rt, "needs")
		text := tree(t, closing, closed(by, needs, ja...), func(_, in, given map[string]any) { in["uitkomsten"] = follows(given) })
		if got := readTree(t, text, "MKS-BB-03"); len(got) > 0 {
			rt.Errorf("plain code differs from the table: %s", text)
		}
	})
}

// states returns the statuses of the resources of a type, each once, sorted.
func states(all []*fhir.Resource, typ fhir.Type) []string {
	var out []string
	for _, r := range all {
		if r.Type() == typ {
			out = append(out, r.Root().Member("status").Text())
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// close submits and stores a closing tree.
func closeWith(t *testing.T, k *mapping.Memory, text []byte) mapping.Result {
	t.Helper()
	s, r, issues := submit(t, k, text)
	if fhir.HasErrors(issues) {
		t.Fatal(rules(issues, fhir.SeverityError))
	}
	k.Apply(s, r, receipt)
	return r
}

func TestClosingTreeCompletesThePlanAndAWithdrawalGivesItBack(t *testing.T) {
	t.Parallel()
	k := closingCase(t)
	want := func(step string, plans, answers, tasks, messages []string) {
		t.Helper()
		got := [][]string{states(k.All(), "CarePlan"), states(k.All(), "QuestionnaireResponse"), states(k.All(), "Task"), states(k.All(), "Communication")}
		if d := cmp.Diff([][]string{plans, answers, tasks, messages}, got); d != "" {
			t.Errorf("%s: plans, answers, tasks, messages (-want +got):\n%s", step, d)
		}
	}
	closeWith(t, k, tree(t, closing, edition(1, "concept")))
	want("a draft", list("active"), list("amended", "in-progress"), list("draft"), nil)
	r := closeWith(t, k, tree(t, closing, edition(2, "definitief")))
	want("in force", list("completed"), list("amended", "entered-in-error"), list("entered-in-error", "requested"), list("preparation"))
	if d := cmp.Diff(7, counts(r)["CarePlan"]); d != "" {
		t.Errorf("plan, five actions and noodplan (-want +got):\n%s", d)
	}
	closeWith(t, k, tree(t, closing, edition(3, "definitief")))
	want("again", list("completed"), list("amended", "entered-in-error"), list("entered-in-error", "requested"), list("preparation"))
	closeWith(t, k, tree(t, closing, edition(4, "definitief"), put("afgeslotenZorgplan", "zp-9999")))
	want("another plan", list("active"), list("amended", "entered-in-error"), list("entered-in-error", "requested"), list("preparation"))
	closeWith(t, k, tree(t, closing, edition(5, "definitief")))
	closeWith(t, k, tree(t, closing, edition(6, "ingetrokken")))
	want("withdrawn", list("active"), list("amended", "entered-in-error"), list("cancelled", "entered-in-error"), list("entered-in-error"))
}

func TestClosingTreeLeavesOtherPlans(t *testing.T) {
	t.Parallel()
	k := closingCase(t)
	store(t, k, "boris/01-kind.json", "boris/07-zorgplan-v3.json")
	closeWith(t, k, sample(t, closing))
	if d := cmp.Diff(list("active", "completed"), states(k.All(), "CarePlan")); d != "" {
		t.Errorf("plans of both children (-want +got):\n%s", d)
	}
	_, r, issues := submit(t, k, tree(t, closing, put("afgeslotenZorgplan", "zp-1001")))
	if d := cmp.Diff(list("w MKS-REF-04 /inhoud/afgeslotenZorgplan"), reported(issues, "MKS-REF-04")); d != "" || counts(r)["CarePlan"] != 7 {
		t.Errorf("the plan of another child (-want +got):\n%s%v", d, counts(r))
	}
}

func TestClosingTreeProposesCareAndHandsOver(t *testing.T) {
	t.Parallel()
	k := closingCase(t)
	text := tree(t, closing, closed("andere-aanbieder", list("logopedie", "maatschappelijk werk"), "verpleging", "adl"),
		put("uitkomsten", list("jeugdwet", "andere-aanbieder", "disciplines"), "informeren", list("jgz", "huisarts", "jgz")))
	r := closeWith(t, k, text)
	if d := cmp.Diff(map[string]int{"QuestionnaireResponse": 1, "ServiceRequest": 1, "Task": 2, "Communication": 2, "CarePlan": 7, "Flag": 1, "Provenance": 1}, counts(r)); d != "" {
		t.Errorf("resources (-want +got):\n%s", d)
	}
	request := planResource(t, r, "ServiceRequest", "proposal", "intent")
	if d := cmp.Diff(list("jw", "persoonlijke-verzorging"), texts(request, "category", "coding", "code")); d != "" {
		t.Errorf("proposal (-want +got):\n%s", d)
	}
	if got := texts(request, "extension", "valueCode"); !slices.Equal(got, list("gemeente")) {
		t.Errorf("decided by %v", got)
	}
	for i, need := range list("logopedie", "maatschappelijk werk") {
		task := planResource(t, r, "Task", need, "description")
		key := fmt.Sprintf("QuestionnaireResponse/90000001/ecd/beslisboom/bb-1003/disciplines/%d", i+1)
		if task.Resource().ID() != mapping.ID(key) || task.Member("requester").Exists() || len(planTags(task)) != 4 {
			t.Errorf("%s: %s", need, task.Raw())
		}
	}
	doctor := planResource(t, r, "Communication", "huisarts", "topic", "coding", "code")
	if got := doctor.At("recipient", "reference").Text(); !strings.HasPrefix(got, "Organization/") {
		t.Errorf("the huisarts is told at %q", got)
	}
}

func TestNextClosingVersionLeavesWhatOthersHaveMoved(t *testing.T) {
	t.Parallel()
	k := closingCase(t)
	r := closeWith(t, k, sample(t, closing))
	move := func(n fhir.Node, status string) string {
		moved, err := n.Resource().Edit(fhir.Edit{Path: []string{"status"}, JSON: `"` + status + `"`},
			fhir.Edit{Path: []string{"note"}, JSON: `[{"text":"gebeld"}]`})
		if err != nil {
			t.Fatal(err)
		}
		k.Apply(mapping.Source{Record: "rest", Version: 1}, mapping.Result{Resources: []mapping.Mapped{{Resource: moved}}}, receipt)
		return moved.Ref().String()
	}
	task := move(planResource(t, r, "Task", "requested", "status"), "accepted")
	message := move(planResource(t, r, "Communication", "huisarts", "topic", "coding", "code"), "completed")
	c := planCase{t, k}
	check := func(step, ofTask, ofMessage string, note bool) {
		t.Helper()
		for ref, want := range map[string]string{task: ofTask, message: ofMessage} {
			if n := c.current(ref); n.Member("status").Text() != want || n.Member("note").Exists() != note {
				t.Errorf("%s: %s", step, n.Raw())
			}
		}
	}
	closeWith(t, k, tree(t, closing, edition(2, "definitief")))
	check("the same need", "accepted", "completed", true)
	closeWith(t, k, tree(t, closing, edition(3, "ingetrokken")))
	check("withdrawn", "cancelled", "entered-in-error", true)
	closeWith(t, k, tree(t, closing, edition(4, "definitief"), answer("bb.andereBehoeften", list("een andere"))))
	check("anew, about something else", "requested", "preparation", false)
}
