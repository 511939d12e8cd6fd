package workflow_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/workflow"
	"github.com/drieluik/drieluik/mapping"
)

// shelf holds resources with their custodians.
type shelf map[fhir.Ref]*mapping.Found

func (s shelf) Read(ref fhir.Ref) (*mapping.Found, error) { return s[ref.Current()], nil }

func (s shelf) Child(patient fhir.Ref, types ...fhir.Type) ([]*mapping.Found, error) {
	var out []*mapping.Found
	for ref, f := range s {
		if slices.Contains(types, ref.Type) && strings.Contains(string(f.Resource.Bytes()), `"`+patient.String()+`"`) {
			out = append(out, f)
		}
	}
	slices.SortFunc(out, func(a, b *mapping.Found) int { return strings.Compare(a.Resource.ID(), b.Resource.ID()) })
	return out, nil
}

// put shelves resources that an organisation keeps.
func (s shelf) put(t testing.TB, custodian fhir.Ref, texts ...string) shelf {
	t.Helper()
	for _, text := range texts {
		r := parse(t, text)
		s[r.Ref()] = &mapping.Found{Resource: r, Version: 1, Custodian: custodian, Author: custodian}
	}
	return s
}

func parse(t testing.TB, text string) *fhir.Resource {
	t.Helper()
	r, issues := fhir.Parse([]byte(text), fhir.Limits{})
	if fhir.HasErrors(issues) {
		t.Fatalf("%v in %.300s", issues, text)
	}
	return r
}

var (
	hospital = fhir.Ref{Type: "Organization", ID: "hospital"}
	home     = fhir.Ref{Type: "Organization", ID: "home"}
	third    = fhir.Ref{Type: "Organization", ID: "third"}
)

const taskText = `{"resourceType":"Task","id":"taak","status":"STATUS","intent":"order",
	"code":{"coding":[{"system":"http://snomed.info/sct","code":"308292007"}]},"focus":{"reference":"Composition/ovd"},
	"for":{"reference":"Patient/kim"},"requester":{"reference":"Organization/hospital"},"owner":{"reference":"Organization/home"},
	"restriction":{"period":{"end":"2026-11-03"}},
	"input":[{"type":{"coding":[{"system":"https://drieluik.example/fhir/CodeSystem/mks-categorie","code":"ontslaggereedheid"}]},
		"valueReference":{"reference":"QuestionnaireResponse/og"}}]}`

func task(t testing.TB, status string, edits ...fhir.Edit) *fhir.Resource {
	t.Helper()
	return edited(t, parse(t, strings.Replace(taskText, "STATUS", status, 1)), edits...)
}

func edited(t testing.TB, r *fhir.Resource, edits ...fhir.Edit) *fhir.Resource {
	t.Helper()
	r, err := r.Edit(edits...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// rules are the ids of issues.
func rules(issues []fhir.Issue) []string {
	var out []string
	for _, i := range issues {
		out = append(out, i.Diagnostics)
	}
	return out
}

// statuses are those of a Task in R4.
var statuses = []string{"draft", "requested", "received", "accepted", "rejected", "ready", "cancelled", "in-progress", "on-hold",
	"failed", "completed", "entered-in-error"}

// TestEveryStepOfATransferHasItsParty holds the state machine to mks.md 3.8 and access.md 5: each pair
// of statuses, each party.
func TestEveryStepOfATransferHasItsParty(t *testing.T) {
	t.Parallel()
	parties := map[string]workflow.Party{"requester": workflow.Requester, "owner": workflow.Owner}
	may := map[string]string{ // from → to, by whom
		"draft requested": "requester", "draft cancelled": "owner requester",
		"requested received": "owner", "requested accepted": "owner", "requested rejected": "owner",
		"requested on-hold": "owner requester", "requested cancelled": "owner requester",
		"received accepted": "owner", "received rejected": "owner",
		"received on-hold": "owner requester", "received cancelled": "owner requester",
		"accepted in-progress": "owner", "accepted completed": "owner",
		"accepted on-hold": "owner requester", "accepted cancelled": "owner requester",
		"in-progress completed": "owner", "in-progress on-hold": "owner requester", "in-progress cancelled": "owner requester",
		"on-hold in-progress": "owner requester", "on-hold cancelled": "owner requester",
	}
	for _, from := range statuses {
		for _, to := range statuses {
			for name, party := range parties {
				got := workflow.Move(task(t, from), task(t, to), party) == nil
				want := from == to || slices.Contains(strings.Fields(may[from+" "+to]), name)
				if got != want {
					t.Errorf("%s to %s by the %s: permitted %v, want %v", from, to, name, got, want)
				}
			}
		}
	}
}

func TestASourceRecordBeginsItsTransferAnewOrEndsIt(t *testing.T) {
	t.Parallel()
	for _, from := range statuses {
		for _, to := range []string{"draft", "requested", "cancelled", "entered-in-error"} {
			known := from != "ready" && from != "failed" || from == to
			if issues := workflow.Move(task(t, from), task(t, to), workflow.Holder); (issues == nil) != known {
				t.Errorf("%s to %s: %v", from, to, issues)
			}
		}
		if issues := workflow.Move(task(t, from), task(t, "accepted"), workflow.Holder); from != "accepted" && issues == nil {
			t.Errorf("a record accepts from %s", from)
		}
	}
}

func TestATransferBeginsAsDraftOrRequested(t *testing.T) {
	t.Parallel()
	for _, to := range statuses {
		want := to == "draft" || to == "requested"
		if got := workflow.Move(nil, task(t, to), 0) == nil; got != want {
			t.Errorf("made as %s: permitted %v", to, got)
		}
	}
}

func TestWhatWasAskedOfWhomStays(t *testing.T) {
	t.Parallel()
	other := `{"reference":"Organization/other"}`
	for _, c := range []struct {
		name, status, member, json, want string
	}{
		{"another receiver steps in", "accepted", "owner", other, "transfer-parties"},
		{"another sender", "requested", "requester", other, "transfer-parties"},
		{"another document", "on-hold", "focus", `{"reference":"Composition/x"}`, "transfer-parties"},
		{"it is no transfer any more", "accepted", "code", `{"text":"x"}`, "transfer-parties"},
		{"a draft is still written", "draft", "owner", other, ""},
		{"a note", "accepted", "note", `[{"text":"gebeld"}]`, ""},
		{"a form of readiness goes", "accepted", "input", "", "transfer-readiness"},
	} {
		got := workflow.Move(task(t, c.status), task(t, c.status, fhir.Edit{Path: []string{c.member}, JSON: c.json}), workflow.Requester)
		if strings.Join(rules(got), " ") != c.want {
			t.Errorf("%s: %v, want %q", c.name, got, c.want)
		}
	}
}

func TestANewFormOfReadinessComesWithItsNote(t *testing.T) {
	t.Parallel()
	more := fhir.Edit{Path: []string{"input"}, Append: true, JSON: `{"type":{"coding":[{"system":
		"https://drieluik.example/fhir/CodeSystem/mks-categorie","code":"ontslaggereedheid"}]},"valueReference":{"reference":"QuestionnaireResponse/og2"}}`}
	note := fhir.Edit{Path: []string{"note"}, Append: true, JSON: `{"text":"materialen zijn er"}`}
	before := task(t, "accepted")
	if got := workflow.Move(before, task(t, "accepted", more), workflow.Owner); !slices.Equal(rules(got), []string{"transfer-readiness"}) {
		t.Errorf("without a note: %v", got)
	}
	if got := workflow.Move(before, task(t, "completed", more, note), workflow.Owner); got != nil {
		t.Errorf("with a note: %v", got)
	}
}

// TestAHoldBeforeTheAcceptanceDoesNotGoRoundIt: the receiver goes on, which is its acceptance; the
// sender cannot.
func TestAHoldBeforeTheAcceptanceDoesNotGoRoundIt(t *testing.T) {
	t.Parallel()
	held, begun, consent := task(t, "on-hold"), task(t, "in-progress"), parse(t, `{"resourceType":"Consent","id":"x","status":"active"}`)
	if !workflow.Accepts(held, begun, nil, workflow.Owner) || workflow.Accepts(held, begun, nil, workflow.Requester) || workflow.Accepts(held, begun, consent, workflow.Owner) {
		t.Error("the receiver accepts when it goes on for the first time, and then alone")
	}
	if workflow.Unaccepted(held, begun, nil, workflow.Requester) == nil {
		t.Error("the sender goes on with what was never accepted")
	}
	if got := workflow.Unaccepted(held, begun, consent, workflow.Requester); got != nil {
		t.Errorf("the sender goes on with what was accepted: %v", got)
	}
	if workflow.Accepted(held, nil) || !workflow.Accepted(held, consent) {
		t.Error("what is on hold was accepted when its consent is there")
	}
}
