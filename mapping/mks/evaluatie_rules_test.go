package mks_test

import (
	"slices"
	"testing"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
)

// bothGoals says something of each goal of the plan of Boris.
var bothGoals = []any{map[string]any{"doel": "d1", "status": "behaald"}, map[string]any{"doel": "d2", "status": "behaald"}}

// evaluationRuleCases change an evaluation so that one rule fires, or does not: want "" is silence.
var evaluationRuleCases = []struct {
	name, file string
	change     func(doc, in map[string]any)
	want       string
}{
	{"nobody told the parents", borisTeamTalk, func(_, in map[string]any) { delete(in, "ouderGeinformeerdDoor") },
		"error MKS-EV-01 /inhoud/ouderGeinformeerdDoor"},
	{"a grandfather is no parent", borisTeamTalk, func(_, in map[string]any) {
		delete(in, "ouderGeinformeerdDoor")
		in["deelnemers"] = []any{"med-02", "bet-04", "kind"}
	}, "error MKS-EV-01 /inhoud/ouderGeinformeerdDoor"},
	{"a parent is there", borisTeamTalk, func(_, in map[string]any) {
		delete(in, "ouderGeinformeerdDoor")
		in["deelnemers"] = []any{"med-02", "bet-02"}
	}, ""},
	{"parents are not there", borisEvaluation, func(_, in map[string]any) { in["deelnemers"] = []any{"med-01", "kind"} },
		"error MKS-EV-02 /inhoud/deelnemers"},
	{"the coordinator is not there", borisEvaluation, func(_, in map[string]any) { in["deelnemers"] = []any{"med-02", "bet-01"} },
		"error MKS-EV-02 /inhoud/deelnemers"},
	{"a closing talk without the family", borisEvaluation, func(_, in map[string]any) {
		in["soort"], in["besluit"], in["deelnemers"], in["perDoel"] = "afsluitend", "afsluiten", []any{"med-01"}, bothGoals
	}, "error MKS-EV-02 /inhoud/deelnemers"},
	{"a closing talk that goes on", borisEvaluation, func(_, in map[string]any) { in["soort"], in["perDoel"] = "afsluitend", bothGoals },
		"error MKS-EV-03 /inhoud/besluit"},
	{"adjusted into nothing", borisEvaluation, func(_, in map[string]any) { delete(in, "leidtTotPlanversie") },
		"warning MKS-EV-04 /inhoud/leidtTotPlanversie"},
	{"a goal of another plan", borisEvaluation, func(_, in map[string]any) { planList(in, "perDoel")[0]["doel"] = "d3" },
		"error MKS-EV-05 /inhoud/perDoel/0/doel"},
	{"held after it was recorded", borisEvaluation, func(_, in map[string]any) { in["datum"] = "2026-08-02" },
		"error MKS-EV-06 /inhoud/datum"},
	{"a closing talk leaves a goal out", borisEvaluation, func(_, in map[string]any) { in["soort"], in["besluit"] = "afsluitend", "afsluiten" },
		"warning MKS-EV-07 /inhoud/perDoel"},
	{"a closing talk of no goal", borisEvaluation, func(_, in map[string]any) {
		in["soort"], in["besluit"] = "afsluitend", "afsluiten"
		delete(in, "perDoel")
	}, "warning MKS-EV-07 /inhoud/perDoel"},
	{"a version that is not stored", borisEvaluation, func(_, in map[string]any) { in["zorgplan"] = "zp-1001/1" },
		"warning MKS-REF-04 /inhoud/zorgplan"},
	{"a plan that nobody knows", borisEvaluation, func(_, in map[string]any) { in["zorgplan"] = "zp-9/2" },
		"warning MKS-REF-04 /inhoud/zorgplan"},
	{"a plan without its version", borisEvaluation, func(_, in map[string]any) { in["zorgplan"] = "zp-1001" },
		"warning MKS-REF-04 /inhoud/zorgplan"},
	{"no goal was looked at", borisEvaluation, func(_, in map[string]any) { delete(in, "perDoel") }, ""},
	{"a withdrawal is not refused for who was there", borisEvaluation, func(doc, in map[string]any) {
		doc["status"], doc["intrekReden"], in["deelnemers"] = "ingetrokken", "verkeerd kind", []any{"med-02"}
		planList(in, "perDoel")[0]["doel"] = "d3"
	}, ""},
}

func TestEvaluationRules(t *testing.T) {
	t.Parallel()
	c := evaluatedBoris(t)
	for _, file := range []string{borisEvaluation, borisTeamTalk} {
		if _, _, issues := c.try(sample(t, file)); len(issues) > 0 {
			t.Errorf("%s gives %q", file, told(issues))
		}
	}
	for _, row := range evaluationRuleCases {
		_, _, issues := c.try(planEdited(t, row.file, row.change))
		var want []string
		if row.want != "" {
			want = []string{row.want}
		}
		if got := told(issues); !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", row.name, got, row.want)
		}
	}
}

func TestGoalsAreThoseOfTheEvaluatedVersion(t *testing.T) {
	t.Parallel()
	c := evaluatedBoris(t)
	c.store(planEdited(t, boris3, func(_, in map[string]any) { // version 3 has d1 and d4, and ends d2
		planList(in, "doelen")[1]["id"] = "d4"
		for _, a := range planList(in, "acties") {
			if a["doel"] == "d2" {
				a["doel"] = "d4"
			}
		}
	}))
	for plan, row := range map[string]map[string]bool{
		"zp-1001/2": {"d1": true, "d2": true, "d4": false}, "zp-1001/3": {"d1": true, "d2": false, "d4": true},
	} {
		for goal, has := range row {
			_, _, issues := c.try(planEdited(t, borisEvaluation, func(_, in map[string]any) {
				in["zorgplan"], planList(in, "perDoel")[0]["doel"] = plan, goal
			}))
			if refused := slices.Contains(told(issues), "error MKS-EV-05 /inhoud/perDoel/0/doel"); refused == has {
				t.Errorf("%s of %s: refused is %v", goal, plan, refused)
			}
		}
	}
}

func TestAYouthOfSixteenSpeaksForItself(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		birth string
		sound bool
	}{
		"seventeen": {"2009-05-03", true}, "sixteen on that day": {"2010-11-18", true}, "the day before": {"2010-11-19", false},
		"perhaps not yet": {"2010", false},
	} {
		c := planOf(t)
		c.store(planEdited(t, "daan/01-kind.json", func(_, in map[string]any) { in["geboortedatum"] = row.birth }))
		_, _, issues := c.try(sample(t, daanEvaluation))
		if refused := slices.Contains(told(issues), "error MKS-EV-02 /inhoud/deelnemers"); refused == row.sound {
			t.Errorf("%s: refused is %v", name, refused)
		}
	}
}

func TestTheGuardiansOfficerSpeaksForTheChild(t *testing.T) {
	t.Parallel()
	c := planOf(t)
	c.store(planEdited(t, "boris/01-kind.json", func(_, in map[string]any) { planList(in, "medewerkers")[6]["functie"] = "jeugdbeschermer" }))
	_, _, issues := c.try(planEdited(t, borisEvaluation, func(_, in map[string]any) { in["deelnemers"] = []any{"med-01", "med-07"} }))
	if fhir.HasErrors(issues) {
		t.Errorf("got %q", told(issues))
	}
}

func TestEvaluationOfAnotherChildsPlanIsThatOfAnUnknownOne(t *testing.T) {
	t.Parallel()
	c := evaluatedBoris(t)
	c.store(sample(t, "sanne/01-kind.json"))
	text := planEdited(t, sanneEvaluation, func(_, in map[string]any) { in["zorgplan"] = "zp-1001/2" })
	_, r, issues := c.try(text)
	if !slices.Contains(told(issues), "warning MKS-REF-04 /inhoud/zorgplan") {
		t.Errorf("got %q", told(issues))
	}
	if n := counts(r)["Goal"]; n > 0 {
		t.Errorf("it changes %d goals of another child", n)
	}
}

// questions returns the rules that the Tasks to the sender name.
func questions(k *mapping.Memory) []string {
	var out []string
	for _, r := range k.All() {
		if r.Type() == "Task" {
			out = append(out, texts(r.Root(), "input", "valueString")...)
		}
	}
	return out
}

func TestEvaluationThatWaitedForItsChildIsJudgedThen(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		file   string
		change func(doc, in map[string]any)
		want   []string
	}{
		"sound":                   {borisEvaluation, func(_, _ map[string]any) {}, nil},
		"parents were told":       {borisTeamTalk, func(_, _ map[string]any) {}, nil},
		"nobody told the parents": {borisTeamTalk, func(_, in map[string]any) { delete(in, "ouderGeinformeerdDoor") }, list("MKS-EV-01")},
		"without the coordinator": {borisEvaluation, func(_, in map[string]any) { in["deelnemers"] = []any{"med-02", "bet-01"} }, list("MKS-EV-02")},
		"somebody unknown":        {borisEvaluation, func(_, in map[string]any) { in["deelnemers"] = []any{"med-01", "bet-01", "bet-99"} }, list("MKS-REF-02")},
		"withdrawn": {borisTeamTalk, func(doc, in map[string]any) {
			doc["status"], doc["intrekReden"] = "ingetrokken", "dubbel"
			delete(in, "ouderGeinformeerdDoor")
		}, nil},
	} {
		k := mapping.NewMemory()
		_, _, issues := submit(t, k, planEdited(t, row.file, row.change))
		if fhir.HasErrors(issues) || !slices.Contains(told(issues), "warning MKS-REF-01 /inhoud/deelnemers/0") {
			t.Errorf("%s, before the child: %q", name, told(issues))
		}
		r := apply(t, k, planEdited(t, row.file, row.change))
		store(t, k, "boris/01-kind.json")
		if got := questions(k); !slices.Equal(got, row.want) {
			t.Errorf("%s: asked about %q, want %q", name, got, row.want)
		}
		if got := read(t, k, r.Anchor).At("participant", "individual", "reference").Text(); got == "" {
			t.Errorf("%s: a participant stays logical", name)
		}
	}
}
