package mks_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drieluik/drieluik/fhir"
)

// planFinding is an issue without its text.
type planFinding struct{ Severity, Rule, At string }

func planFindings(issues []fhir.Issue, severity string) []planFinding {
	var out []planFinding
	for _, i := range issues {
		if severity == "" || i.Severity == severity {
			out = append(out, planFinding{i.Severity, i.Diagnostics, i.Expression})
		}
	}
	slices.SortFunc(out, func(a, b planFinding) int { return strings.Compare(a.Rule+a.At, b.Rule+b.At) })
	return out
}

func TestInvalidPlansGetExactlyTheExpectedErrors(t *testing.T) {
	var expected struct {
		Cases []struct {
			File         string
			StoredBefore []string
			HTTPStatus   int
			Errors       []struct{ Rule, Expression string }
		}
	}
	if err := json.Unmarshal(sample(t, "invalid/expected.json"), &expected); err != nil {
		t.Fatal(err)
	}
	ran := 0
	for _, x := range expected.Cases {
		if !strings.Contains(x.File, "zorgplan") || x.HTTPStatus != 422 {
			continue
		}
		ran++
		t.Run(x.File, func(t *testing.T) {
			c := planOf(t, x.StoredBefore...)
			_, r, issues := c.try(sample(t, filepath.Join("invalid", x.File)))
			var want []planFinding
			for _, e := range x.Errors {
				want = append(want, planFinding{fhir.SeverityError, e.Rule, e.Expression})
			}
			if diff := cmp.Diff(want, planFindings(issues, fhir.SeverityError)); diff != "" {
				t.Errorf("errors (-want +got):\n%s", diff)
			}
			if len(r.Resources) > 0 {
				t.Error("a faulty plan yielded resources")
			}
		})
	}
	if ran != 3 {
		t.Errorf("ran %d cases, want 3", ran)
	}
}

func planAction(in map[string]any, i int) map[string]any { return planList(in, "acties")[i] }

func planExecutor(in map[string]any, i, j int) map[string]any {
	return planList(planAction(in, i), "uitvoerders")[j]
}

// planRuleCases change version 3 of the plan of Boris so that it breaks one rule.
var planRuleCases = []struct {
	name   string
	change func(doc, in map[string]any)
	want   planFinding
}{
	{"replaces itself", func(_, in map[string]any) { in["vervangtVersie"] = 3 },
		planFinding{fhir.SeverityError, "MKS-ZP-01", "/inhoud/vervangtVersie"}},
	{"domain of the other division", func(_, in map[string]any) { planList(in, "problemen")[1]["domein"] = "medisch" },
		planFinding{fhir.SeverityError, "MKS-ZP-02", "/inhoud/problemen/1/domein"}},
	{"domain of a goal", func(_, in map[string]any) { planList(in, "doelen")[0]["domein"] = "sociaal" },
		planFinding{fhir.SeverityError, "MKS-ZP-02", "/inhoud/doelen/0/domein"}},
	{"domain of no division", func(_, in map[string]any) { planAction(in, 0)["domein"] = "overig" },
		planFinding{fhir.SeverityError, "MKS-ENV-03", "/inhoud/acties/0/domein"}},
	{"nobody does it", func(_, in map[string]any) { delete(planAction(in, 4), "uitvoerders") },
		planFinding{fhir.SeverityError, "MKS-ZP-03", "/inhoud/acties/4/uitvoerders"}},
	{"parent that is a volunteer", func(_, in map[string]any) { planExecutor(in, 2, 0)["soort"] = "ouder" },
		planFinding{fhir.SeverityError, "MKS-ZP-04", "/inhoud/acties/2/uitvoerders/0"}},
	{"child that is a parent", func(_, in map[string]any) { planExecutor(in, 4, 0)["ref"] = "bet-01" },
		planFinding{fhir.SeverityError, "MKS-ZP-04", "/inhoud/acties/4/uitvoerders/0"}},
	{"times and a condition", func(_, in map[string]any) { planAction(in, 0)["conditie"] = "honger" },
		planFinding{fhir.SeverityError, "MKS-ZP-05", "/inhoud/acties/0"}},
	{"no timing at all", func(_, in map[string]any) { delete(planAction(in, 2), "frequentie") },
		planFinding{fhir.SeverityError, "MKS-ZP-05", "/inhoud/acties/2"}},
	{"nobody at one of the times", func(_, in map[string]any) { planExecutor(in, 0, 0)["momenten"] = []any{"07:00"} },
		planFinding{fhir.SeverityWarning, "MKS-ZP-06", "/inhoud/acties/0/tijden"}},
	{"moment outside the times", func(_, in map[string]any) { planExecutor(in, 0, 2)["momenten"] = []any{"22:00", "23:00"} },
		planFinding{fhir.SeverityError, "MKS-ZP-07", "/inhoud/acties/0/uitvoerders/2/momenten"}},
	{"moments of a frequency", func(_, in map[string]any) { planExecutor(in, 2, 0)["momenten"] = []any{"12:00"} },
		planFinding{fhir.SeverityError, "MKS-ZP-07", "/inhoud/acties/2/uitvoerders/0/momenten"}},
	{"reserved act by a volunteer", func(_, in map[string]any) { planAction(in, 2)["voorbehouden"] = true },
		planFinding{fhir.SeverityError, "MKS-ZP-08", "/inhoud/acties/2/uitvoerders/0"}},
	{"reserved act without BIG", func(_, in map[string]any) { planExecutor(in, 0, 0)["ref"] = planWithoutBIG },
		planFinding{fhir.SeverityError, "MKS-ZP-08", "/inhoud/acties/0/uitvoerders/0"}},
	{"reserved act without competence", func(_, in map[string]any) { delete(planExecutor(in, 0, 1), "bekwaam") },
		planFinding{fhir.SeverityWarning, "MKS-ZP-09", "/inhoud/acties/0/uitvoerders/1"}},
	{"parents heard once a year", func(_, in map[string]any) { planList(in, "evaluatieplan")[1]["perJaar"] = 1 },
		planFinding{fhir.SeverityError, "MKS-ZP-10", "/inhoud/evaluatieplan"}},
	{"no evaluation planned", func(_, in map[string]any) { delete(in, "evaluatieplan") },
		planFinding{fhir.SeverityError, "MKS-ZP-10", "/inhoud/evaluatieplan"}},
	{"evaluation without parents", func(_, in map[string]any) {
		planList(in, "evaluatieplan")[1]["deelnemers"] = []any{"zorgcoordinator"}
	}, planFinding{fhir.SeverityError, "MKS-ZP-10", "/inhoud/evaluatieplan"}},
	{"drawn up by a nurse", func(_, in map[string]any) { in["opgesteldDoor"] = "med-02" },
		planFinding{fhir.SeverityWarning, "MKS-ZP-11", "/inhoud/opgesteldDoor"}},
	{"unsigned", func(_, in map[string]any) { delete(in, "handtekeningen") },
		planFinding{fhir.SeverityWarning, "MKS-ZP-12", "/inhoud/handtekeningen"}},
	{"change without reason", func(_, in map[string]any) { delete(in, "wijziging") },
		planFinding{fhir.SeverityError, "MKS-ZP-13", "/inhoud/wijziging"}},
	{"change past the coordinator", func(_, in map[string]any) { in["wijziging"].(map[string]any)["via"] = "med-02" },
		planFinding{fhir.SeverityError, "MKS-ZP-13", "/inhoud/wijziging/via"}},
	{"nursing without noodplan", func(_, in map[string]any) { delete(in, "noodplan") },
		planFinding{fhir.SeverityWarning, "MKS-ZP-14", "/inhoud/noodplan"}},
	{"goal set by nobody", func(_, in map[string]any) { delete(planList(in, "doelen")[1], "opgesteldMet") },
		planFinding{fhir.SeverityWarning, "MKS-ZP-15", "/inhoud/doelen/1/opgesteldMet"}},
	{"signature of another version", func(_, in map[string]any) { planList(in, "handtekeningen")[0]["versie"] = 2 },
		planFinding{fhir.SeverityError, "MKS-ZP-16", "/inhoud/handtekeningen/0/versie"}},
	{"unknown problem of a goal", func(_, in map[string]any) { planList(in, "doelen")[0]["probleem"] = "p9" },
		planFinding{fhir.SeverityError, "MKS-REF-05", "/inhoud/doelen/0/probleem"}},
	{"unknown problem of an action", func(_, in map[string]any) { planAction(in, 0)["probleem"] = "p9" },
		planFinding{fhir.SeverityError, "MKS-REF-05", "/inhoud/acties/0/probleem"}},
	{"same id twice", func(_, in map[string]any) { planAction(in, 1)["id"] = "a1" },
		planFinding{fhir.SeverityError, "MKS-ENV-14", "/inhoud/acties"}},
	{"ends before it starts", func(_, in map[string]any) { planAction(in, 0)["totEnMet"] = "2026-01-01" },
		planFinding{fhir.SeverityError, "MKS-ENV-15", "/inhoud/acties/0/totEnMet"}},
	{"a time for every minute", func(_, in map[string]any) {
		var all []any
		for i := range 289 {
			all = append(all, fmt.Sprintf("%02d:%02d", i/60, i%60))
		}
		planAction(in, 0)["tijden"] = all
	}, planFinding{fhir.SeverityError, "MKS-ENV-02", "/inhoud/acties/0/tijden"}},
	{"an executor for everybody", func(_, in map[string]any) {
		planAction(in, 2)["uitvoerders"] = slices.Repeat([]any{map[string]any{"soort": "vrijwilliger", "ref": "bet-03"}}, 994)
	}, planFinding{fhir.SeverityError, "MKS-ENV-02", "/inhoud/acties"}},
	{"unknown member", func(_, in map[string]any) { planAction(in, 0)["kleur"] = "blauw" },
		planFinding{fhir.SeverityInformation, "MKS-ENV-04", "/inhoud/acties/0/kleur"}},
}

func TestPlanRules(t *testing.T) {
	for _, row := range planRuleCases {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			c := planBoris(t, boris2)
			_, _, plain := c.try(sample(t, boris3))
			_, _, issues := c.try(planEdited(t, boris3, row.change))
			known := planFindings(plain, "")
			var got []planFinding
			for _, f := range planFindings(issues, "") {
				if !slices.Contains(known, f) {
					got = append(got, f)
				}
			}
			if diff := cmp.Diff([]planFinding{row.want}, got); diff != "" {
				t.Errorf("new issues (-want +got):\n%s", diff)
			}
		})
	}
}

// planWithoutBIG is a medewerker of Boris without a BIG number.
const planWithoutBIG = "med-07"

func TestPlanOfTheSamplesHasOnlyTheKnownWarnings(t *testing.T) {
	_, _, issues := planBoris(t).try(sample(t, boris3))
	want := []planFinding{ // verwijsboom and scan are not stored
		{fhir.SeverityWarning, "MKS-REF-04", "/inhoud/opBasisVan/0"},
		{fhir.SeverityWarning, "MKS-REF-04", "/inhoud/opBasisVan/1"},
		{fhir.SeverityWarning, "MKS-ZP-17", "/inhoud/acties/0/wet"},
		{fhir.SeverityWarning, "MKS-ZP-17", "/inhoud/acties/1/wet"},
		{fhir.SeverityWarning, "MKS-ZP-17", "/inhoud/acties/3/wet"},
	}
	if diff := cmp.Diff(want, planFindings(issues, "")); diff != "" {
		t.Errorf("issues (-want +got):\n%s", diff)
	}
}

func TestPlanIsInForceOnlyWhenSignedEnough(t *testing.T) {
	signed := func(version int, by ...string) []any {
		var out []any
		for _, who := range by {
			out = append(out, map[string]any{"door": who, "op": "2026-09-02T10:00:00Z", "versie": version, "wijze": "papier"})
		}
		return out
	}
	type row struct {
		name, file, kind string
		by               []string
		inForce          bool
	}
	var (
		young = func(name string, inForce bool, by ...string) row {
			return row{"under 12, signed by " + name, boris3, "boris/01-kind.json", by, inForce}
		}
		middle = func(name string, inForce bool, by ...string) row {
			return row{"13, signed by " + name, sanne2, "sanne/01-kind.json", by, inForce}
		}
		old = func(name string, inForce bool, by ...string) row {
			return row{"17, signed by " + name, daan6, "daan/01-kind.json", by, inForce}
		}
	)
	for _, r := range []row{
		young("one holder", true, "bet-02"), young("both holders", true, "bet-01", "bet-02"),
		young("nobody", false), young("the child", false, "kind"), young("a grandfather", false, "bet-04"),
		young("a nurse", false, "med-02"),
		middle("child and one holder", true, "kind", "bet-12"), middle("one holder", false, "bet-11"),
		middle("the child", false, "kind"), middle("both holders", false, "bet-11", "bet-12"),
		middle("child and stepmother", false, "kind", "bet-13"),
		old("the child", true, "kind"), old("the mother", false, "bet-21"), old("the sealed father", false, "bet-22"),
	} {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			_, got, issues := planOf(t, r.kind).try(planEdited(t, r.file, func(doc, in map[string]any) {
				in["handtekeningen"] = signed(int(doc["versie"].(float64)), r.by...)
			}))
			status := planResource(t, got, "CarePlan", "Zorgplan kind en gezin", "title").Member("status").Text()
			warned := slices.ContainsFunc(issues, func(i fhir.Issue) bool { return i.Diagnostics == "MKS-ZP-12" })
			if inForce := status == "active" && !warned; inForce != r.inForce || (status == "draft") != warned {
				t.Errorf("status %s, ZP-12 %v", status, warned)
			}
		})
	}
}

func TestUnsignedPlanLeavesThePlanInForceAlone(t *testing.T) {
	c := planBoris(t, boris2)
	before := c.current(planInForce).Raw()
	r := c.store(planEdited(t, boris3, func(_, in map[string]any) { delete(in, "handtekeningen") }))
	if got := r.Anchor.String(); got != planDraft {
		t.Errorf("anchor %s, want the draft", got)
	}
	if c.current(planInForce).Raw() != before {
		t.Error("version 2 is no longer as it was")
	}
}

func TestNewDefinitivePlanEndsWhatItNoLongerYields(t *testing.T) {
	c := planBoris(t, boris2, boris3)
	draft := c.store(sample(t, boris4))
	r := c.store(planEdited(t, boris3, func(doc, in map[string]any) {
		doc["versie"], in["vervangtVersie"] = 5, 3
		planList(in, "handtekeningen")[0]["versie"] = 5
		in["acties"] = in["acties"].([]any)[:4]
		delete(in, "voedingsschema")
		delete(in, "noodplan")
		in["evaluatieplan"] = in["evaluatieplan"].([]any)[1:]
	}))
	if got := c.current(planInForce).At("status").Text(); got != "active" {
		t.Errorf("version 5 has status %s", got)
	}
	gone := map[string]string{"CarePlan": "revoked", "NutritionOrder": "revoked", "Goal": "cancelled", "Appointment": "cancelled",
		"Condition": "inactive", "Flag": "inactive"}
	yielded := map[string]bool{}
	for _, m := range r.Resources {
		if strings.HasSuffix(m.Resource.Root().At("meta", "source").Text(), "/5") {
			yielded[m.Resource.Ref().String()] = true
		}
	}
	for _, m := range draft.Resources {
		ref := m.Resource.Ref()
		if ref.Type == "Provenance" {
			continue
		}
		if got := planStatusOf(c.current(ref.String())); got != gone[string(ref.Type)] {
			t.Errorf("%s of the draft has status %s", ref, got)
		}
	}
	for _, res := range c.stored.All() {
		ref := res.Ref().String()
		want := gone[string(res.Type())]
		if want != "" && !yielded[ref] && planStatusOf(res.Root()) != want {
			t.Errorf("%s is no longer yielded and has status %s", ref, planStatusOf(res.Root()))
		}
		if want != "" && yielded[ref] && planStatusOf(res.Root()) == want {
			t.Errorf("%s is yielded and ended", ref)
		}
	}
}

func planStatusOf(n fhir.Node) string {
	return n.Member("status").Text() + n.Member("lifecycleStatus").Text() + n.At("clinicalStatus", "coding", "code").Text()
}

func TestAParentWithMoreActionsThanAWeekCanBearIsTold(t *testing.T) {
	actions := func(unit string, times int, change func(in map[string]any)) []byte {
		return planEdited(t, boris3, func(_, in map[string]any) {
			a2 := planList(in, "acties")[1]
			a2["frequentie"] = map[string]any{"aantal": times, "per": 1, "eenheid": unit}
			a2["uitvoerders"] = []any{map[string]any{"soort": "ouder", "ref": "bet-01"}}
			change(in)
		})
	}
	none := func(map[string]any) {}
	want := list("/inhoud/acties/1/uitvoerders/0")
	for name, row := range map[string]struct {
		text []byte
		want []string
	}{ // the mother has 21 by a1
		"as it is":         {sample(t, boris3), nil},
		"once a year more": {actions("a", 1, none), want},
		"once a day more":  {actions("d", 1, none), want},
		"when needed": {actions("d", 1, func(in map[string]any) {
			a2 := planList(in, "acties")[1]
			delete(a2, "frequentie")
			a2["conditie"] = "bij koorts"
		}), nil},
		"over by then": {actions("d", 1, func(in map[string]any) { planList(in, "acties")[1]["totEnMet"] = "2026-11-02" }), nil},
		"not signed":   {actions("d", 1, func(in map[string]any) { delete(in, "handtekeningen") }), nil},
	} {
		_, _, issues := planBoris(t).try(row.text)
		var got []string
		for _, f := range planFindings(issues, fhir.SeverityInformation) {
			if f.Rule == "MKS-WF-12" {
				got = append(got, f.At)
			}
		}
		if !slices.Equal(got, row.want) {
			t.Errorf("%s: %v, want %v", name, got, row.want)
		}
	}
}
