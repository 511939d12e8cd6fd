package mks_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
)

// Daan's plan and the Flag of its noodplan.
const daanPlan = "CarePlan/90000001/ecd/zorgplan/zp-1003"

// holdFor stores a resource that another organisation keeps.
func holdFor(t *testing.T, k *mapping.Memory, organization, text string) fhir.Ref {
	t.Helper()
	r, issues := fhir.Parse([]byte(text), fhir.Limits{})
	if fhir.HasErrors(issues) {
		t.Fatal(issues)
	}
	other := fhir.Ref{Type: "Organization", ID: organization}
	k.Apply(mapping.Source{Record: "rest/" + r.ID(), Version: 1}, mapping.Result{Resources: []mapping.Mapped{{Resource: r, Custodian: other}}, Sender: other}, receipt)
	return r.Ref()
}

func TestClosingTreeLeavesThePlansOfOtherOrganisations(t *testing.T) {
	t.Parallel()
	k := closingCase(t)
	theirs := holdFor(t, k, "other", fmt.Sprintf(`{"resourceType":"CarePlan","id":"theirs","status":"active","intent":"plan","subject":{"reference":"Patient/%s"},
		"partOf":[{"reference":"CarePlan/%s"}]}`, mapping.ID("Patient/90000001/ecd/K-1003"), mapping.ID(daanPlan)))
	closeWith(t, k, sample(t, closing))
	if got := read(t, k, theirs).Member("status").Text(); got != "active" {
		t.Errorf("the plan of another organisation is %s", got)
	}
}

// TestClosingStandsInWhateverOrderRecordsCome: a plan that comes after the tree that closes it is closed, one
// that was recorded later is not.
func TestClosingStandsInWhateverOrderRecordsCome(t *testing.T) {
	t.Parallel()
	for recorded, want := range map[string][]string{"": {"completed", "inactive"}, "2026-11-21T09:00:00+01:00": {"active", "active"}} {
		k := mapping.NewMemory()
		store(t, k, "daan/01-kind.json", "daan/02-verwijsboom.json", "daan/06-evaluatie-afsluitend.json")
		closeWith(t, k, sample(t, closing))
		apply(t, k, planEdited(t, daan6, func(doc, _ map[string]any) {
			if recorded != "" {
				doc["vastgelegdOp"] = recorded
			}
		}))
		got := append(states(k.All(), "CarePlan"), states(k.All(), "Flag")...)
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("recorded %q: plans and flag (-want +got):\n%s", recorded, d)
		}
		if got := states(k.All(), "Appointment"); want[0] == "completed" && got != nil {
			t.Errorf("a closed plan asks for appointments that are %v", got)
		}
	}
}

func TestPlanStaysClosedWhileOneTreeClosesIt(t *testing.T) {
	t.Parallel()
	k := closingCase(t)
	second := func(version int, status string) []byte {
		return tree(t, closing, edition(version, status), func(doc, _, _ map[string]any) { doc["recordId"] = "bb-2" })
	}
	closeWith(t, k, sample(t, closing))
	closeWith(t, k, second(1, "definitief"))
	if got := append(states(k.All(), "CarePlan"), states(k.All(), "Flag")...); !slices.Equal(got, list("completed", "inactive")) {
		t.Errorf("closed: %v", got)
	}
	closeWith(t, k, second(2, "ingetrokken"))
	if got := states(k.All(), "CarePlan"); !slices.Equal(got, list("completed")) {
		t.Errorf("one of two withdrawn: %v", got)
	}
	closeWith(t, k, tree(t, closing, edition(2, "ingetrokken")))
	if got := append(states(k.All(), "CarePlan"), states(k.All(), "Flag")...); !slices.Equal(got, list("active", "active")) {
		t.Errorf("both withdrawn: %v", got)
	}
}

// TestTransferOfAStrangerIsAnsweredAsOfAnUnknownChild: who has no relation to the child learns nothing of it by
// sending a transfer with its BSN.
func TestTransferOfAStrangerIsAnsweredAsOfAnUnknownChild(t *testing.T) {
	t.Parallel()
	known := planOf(t, "daan/01-kind.json", "daan/02-verwijsboom.json", daan6).stored
	for _, variant := range []string{"0-1", "1-18"} {
		for _, custody := range []string{"TweehoofdigOuderlijkGezag", "Voogdij"} {
			text := planEdited(t, borisTransfer, func(doc, in map[string]any) {
				doc["bronsysteem"] = map[string]any{"ura": "90000077", "applicatie": "x", "naam": "Vreemd"}
				doc["kind"] = map[string]any{"bsn": "999930047", "lokaalId": "V-1"}
				sub(in, "verzender")["organisatie"], in["leeftijdsvariant"] = "ura:90000077", variant
				sub(in, "juridisch")["gezag"] = custody
				delete(sub(in, "metingen"), "schedelomtrek")
				delete(in, "mobiliteit")
			})
			_, _, unknown := submit(t, mapping.NewMemory(), text)
			_, _, got := submit(t, known, text)
			if d := cmp.Diff(told(unknown), told(got)); d != "" || fhir.HasErrors(got) {
				t.Errorf("%s, %s (-of an unknown child +of this one):\n%s", variant, custody, d)
			}
		}
	}
}

// TestChildRecordJudgesThePlanAndTransferThatWaitedForIt: their rules become questions to the sender.
func TestChildRecordJudgesThePlanAndTransferThatWaitedForIt(t *testing.T) {
	t.Parallel()
	executor := func(change func(e map[string]any)) func(doc, in map[string]any) {
		return func(_, in map[string]any) { change(planList(planList(in, "acties")[0], "uitvoerders")[0]) }
	}
	for name, c := range map[string]struct {
		file   string
		change func(doc, in map[string]any)
		want   []string
	}{
		"a sound plan":      {boris2, func(_, _ map[string]any) {}, nil},
		"a nurse as parent": {boris2, executor(func(e map[string]any) { e["soort"] = "ouder" }), list("MKS-ZP-04")},
		"changed by somebody else": {boris2, func(_, in map[string]any) {
			in["wijziging"] = map[string]any{"soort": list("overig"), "via": "med-02", "reden": "x"}
		}, list("MKS-ZP-13")},
	} {
		k := mapping.NewMemory()
		apply(t, k, planEdited(t, c.file, c.change))
		store(t, k, "boris/01-kind.json")
		if d := cmp.Diff(c.want, questions(k)); d != "" {
			t.Errorf("%s: questions (-want +got):\n%s", name, d)
		}
	}
	for variant, want := range map[string][]string{"1-18": nil, "0-1": list("MKS-OVD-01")} {
		k := mapping.NewMemory()
		apply(t, k, changed(t, func(_, c map[string]any) {
			c["leeftijdsvariant"] = variant
			delete(c, "mobiliteit")
		}))
		store(t, k, "boris/02-kind-ziekenhuis.json")
		if d := cmp.Diff(want, questions(k)); d != "" {
			t.Errorf("variant %s: questions (-want +got):\n%s", variant, d)
		}
	}
}

// TestChildRecordLeavesWhatOthersWroteInItsName: a source that somebody else claims in meta.source makes
// nothing the sender's.
func TestChildRecordLeavesWhatOthersWroteInItsName(t *testing.T) {
	t.Parallel()
	k := planOf(t, "boris/09-evaluatie-ouders.json").stored
	ref := holdFor(t, k, "other", `{"resourceType":"Observation","id":"forged","status":"final","code":{"text":"x"},
		"meta":{"source":"https://drieluik.example/fhir/bron/90000001/ecd#evaluatie/ev-9/1"},"subject":{"reference":"Patient/857f7414-61fd-5f7b-8cc1-57f7dccedb87"},
		"performer":[{"identifier":{"system":"https://drieluik.example/fhir/bron/90000001/ecd/onbekend","value":"med-01"}}]}`)
	store(t, k, "boris/01-kind.json")
	if n := read(t, k, ref); n.At("performer", "reference").Exists() {
		t.Errorf("got %s", n.Raw())
	}
}
