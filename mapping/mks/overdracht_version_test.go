package mks_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
)

// standing returns what a resource says of its own state.
func standing(n fhir.Node) string {
	for _, at := range [][]string{{"status"}, {"verificationStatus", "coding", "code"}, {"clinicalStatus", "coding", "code"}} {
		if v := n.At(at...); v.Exists() {
			return v.Text()
		}
	}
	return ""
}

// standings returns the states of the parts of a result by type, without the Patient's and the
// Organization's.
func standings(t *testing.T, k *mapping.Memory, r mapping.Result) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	for _, m := range r.Resources {
		ref := m.Resource.Ref()
		if slices.Contains([]fhir.Type{"Provenance", "Patient", "Organization"}, ref.Type) {
			continue
		}
		s := standing(read(t, k, ref))
		if name := string(ref.Type); !slices.Contains(out[name], s) {
			out[name] = append(out[name], s)
			slices.Sort(out[name])
		}
	}
	return out
}

// version returns a version of boris' transfer with every member, in a state.
func version(t *testing.T, number, status string) []byte {
	t.Helper()
	text := edit(t, edit(t, full(t), number, "versie"), `"`+status+`"`, "status")
	if status == "ingetrokken" {
		text = edit(t, text, `"verkeerd kind"`, "intrekReden")
	}
	return text
}

var statesOfTransfer = map[string]map[string][]string{
	"concept": {
		"Composition": {"preliminary"}, "Task": {"draft"}, "QuestionnaireResponse": {"in-progress"}, "Observation": {"preliminary"},
		"CarePlan": {"draft"}, "NutritionOrder": {"draft"}, "Flag": {"inactive"}, "DeviceUseStatement": {"intended"},
		"Device": {"active"}, "Encounter": {"finished", "in-progress", "planned"}, "DocumentReference": {"current"},
		"Condition": {"active", "inactive"}, "AllergyIntolerance": {"active"},
	},
	"definitief": {
		"Composition": {"final"}, "Task": {"requested"}, "QuestionnaireResponse": {"completed"}, "Observation": {"final"},
		"CarePlan": {"active"}, "NutritionOrder": {"active"}, "Flag": {"active"}, "DeviceUseStatement": {"active"},
		"Device": {"active"}, "Encounter": {"finished", "in-progress", "planned"}, "DocumentReference": {"current"},
		"Condition": {"active", "inactive"}, "AllergyIntolerance": {"active"},
	},
	"ingetrokken": {
		"Composition": {"entered-in-error"}, "Task": {"cancelled"}, "QuestionnaireResponse": {"entered-in-error"},
		"Observation": {"entered-in-error"}, "CarePlan": {"entered-in-error"}, "NutritionOrder": {"entered-in-error"},
		"Flag": {"entered-in-error"}, "DeviceUseStatement": {"entered-in-error"}, "Device": {"entered-in-error"},
		"Encounter": {"entered-in-error"}, "DocumentReference": {"entered-in-error"},
		"Condition": {"entered-in-error"}, "AllergyIntolerance": {"entered-in-error"},
	},
	"replaced draft": {
		"Composition": {"entered-in-error"}, "Task": {"entered-in-error"}, "QuestionnaireResponse": {"entered-in-error"},
		"Observation": {"entered-in-error"}, "CarePlan": {"revoked"}, "NutritionOrder": {"revoked"}, "Flag": {"inactive"},
		"DeviceUseStatement": {"entered-in-error"}, "Device": {"entered-in-error"}, "Encounter": {"entered-in-error"},
		"DocumentReference": {"entered-in-error"}, "Condition": {"inactive"}, "AllergyIntolerance": {"entered-in-error"},
	},
}

func TestStatesOfATransferFollowItsRecord(t *testing.T) {
	t.Parallel()
	for _, status := range []string{"concept", "definitief", "ingetrokken"} {
		t.Run(status, func(t *testing.T) {
			t.Parallel()
			k := storedChild(t)
			r := apply(t, k, version(t, "1", status))
			if d := cmp.Diff(statesOfTransfer[status], standings(t, k, r)); d != "" {
				t.Errorf("states (-want +got):\n%s", d)
			}
		})
	}
}

func TestWithdrawnTransferEndsAllThatTheLastVersionYielded(t *testing.T) {
	t.Parallel()
	k := storedChild(t)
	r := apply(t, k, version(t, "1", "definitief"))
	withdrawn := apply(t, k, version(t, "2", "ingetrokken"))
	if d := cmp.Diff(statesOfTransfer["ingetrokken"], standings(t, k, r)); d != "" {
		t.Errorf("states (-want +got):\n%s", d)
	}
	for _, m := range withdrawn.Resources {
		checkInvariants(t, m.Resource)
	}
}

func TestDefinitiveTransferEndsItsDraft(t *testing.T) {
	t.Parallel()
	k := storedChild(t)
	draft := apply(t, k, version(t, "1", "concept"))
	next := apply(t, k, version(t, "2", "definitief"))
	if d := cmp.Diff(statesOfTransfer["replaced draft"], standings(t, k, draft)); d != "" {
		t.Errorf("states of the draft (-want +got):\n%s", d)
	}
	for _, m := range next.Resources {
		checkInvariants(t, m.Resource)
	}
	if got := standing(read(t, k, next.Anchor)); got != "amended" || next.Anchor == draft.Anchor {
		t.Errorf("the transfer in force is %s %s", next.Anchor, got)
	}
}

func TestDraftTransferLeavesTheOneInForceAlone(t *testing.T) {
	t.Parallel()
	k := storedChild(t)
	first := apply(t, k, version(t, "1", "definitief"))
	draft := apply(t, k, version(t, "2", "concept"))
	if d := cmp.Diff(statesOfTransfer["definitief"], standings(t, k, first)); d != "" {
		t.Errorf("states (-want +got):\n%s", d)
	}
	for _, m := range draft.Resources {
		if m.Resource.Ref().Type != "Patient" && slices.ContainsFunc(first.Resources, func(o mapping.Mapped) bool {
			return o.Resource.Ref() == m.Resource.Ref()
		}) {
			t.Errorf("the draft writes %s of the version in force", m.Resource.Ref())
		}
	}
}

// moved stores a transfer and moves its Task as a receiver would.
func moved(t *testing.T, k *mapping.Memory, text []byte, status string) {
	t.Helper()
	s, r, _ := submit(t, k, text)
	for i, m := range r.Resources {
		if m.Resource.Type() != "Task" {
			continue
		}
		edited, err := m.Resource.Edit(
			fhir.Edit{Path: []string{"status"}, JSON: `"` + status + `"`},
			fhir.Edit{Path: []string{"note"}, JSON: `{"text":"bed staat klaar"}`, Append: true})
		if err != nil {
			t.Fatal(err)
		}
		r.Resources[i].Resource = edited
	}
	k.Apply(s, r, receipt)
}

func TestTaskOfATransferChangesAsItsRecordSays(t *testing.T) {
	t.Parallel()
	change := func(f func(doc, c map[string]any)) []byte {
		return changed(t, func(doc, c map[string]any) { doc["versie"] = 2; f(doc, c) })
	}
	for _, c := range []struct {
		name, moved string
		text        []byte
		want        string // state, end, note
	}{
		{"a later version leaves it as the receiver moved it", "accepted", change(func(_, c map[string]any) {
			c["overplaatsingsdatum"] = "2026-11-05"
		}), "accepted 2026-11-05 bed staat klaar"},
		{"a refused transfer stays refused", "rejected", change(func(_, _ map[string]any) {}), "rejected 2026-11-03 bed staat klaar"},
		{"another receiver starts it anew", "accepted", change(func(_, c map[string]any) {
			c["ontvanger"].(map[string]any)["organisatie"] = "ura:90000004"
		}), "requested 2026-11-03 "},
		{"a withdrawal cancels it and keeps what was said", "accepted", change(func(doc, _ map[string]any) {
			doc["status"], doc["intrekReden"] = "ingetrokken", "verkeerd kind"
		}), "cancelled 2026-11-03 bed staat klaar"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			k := storedChild(t)
			moved(t, k, sample(t, borisTransfer), c.moved)
			r := apply(t, k, c.text)
			task := partOf(t, r, "Task", "taak")
			got := standing(task) + " " + task.At("restriction", "period", "end").Text() + " " + task.At("note", "text").Text()
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
			checkInvariants(t, task.Resource())
		})
	}
}

func TestTransferThatIsSentAgainAfterAWithdrawalIsOfferedAnew(t *testing.T) {
	t.Parallel()
	k := storedChild(t)
	apply(t, k, version(t, "1", "definitief"))
	apply(t, k, version(t, "2", "ingetrokken"))
	r := apply(t, k, version(t, "3", "definitief"))
	want := map[string][]string{}
	for name, states := range statesOfTransfer["definitief"] {
		want[name] = states
	}
	want["Composition"], want["Observation"], want["QuestionnaireResponse"] = []string{"amended"}, []string{"amended"}, []string{"amended"}
	if d := cmp.Diff(want, standings(t, k, r)); d != "" {
		t.Errorf("states (-want +got):\n%s", d)
	}
}

func TestAcceptedTransferGetsTheAnswersThatItLacked(t *testing.T) {
	t.Parallel()
	k := storedChild(t)
	moved(t, k, changed(t, func(_, c map[string]any) { delete(c, "ontslaggereedheid") }), "accepted")
	_, r, issues := submit(t, k, edit(t, sample(t, borisTransfer), "2", "versie"))
	task, answers := partOf(t, r, "Task", "taak"), partOf(t, r, "QuestionnaireResponse", "og")
	want := "QuestionnaireResponse/" + answers.Member("id").Text()
	if got := texts(task, "input", "valueReference", "reference"); !slices.Contains(got, want) {
		t.Errorf("inputs %q lack %s", got, want)
	}
	if got := gates(issues); len(got) > 0 {
		t.Errorf("the gate names %v though all is done", got)
	}
}
