package workflow_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/workflow"
)

const (
	compositionText = `{"resourceType":"Composition","id":"ovd","meta":{"source":"https://drieluik.example/fhir/bron/90000002/epd#overdracht/ovd/1"},
		"status":"final","type":{"coding":[{"system":"http://snomed.info/sct","code":"11171000146100"}]},"subject":{"reference":"Patient/kim"},
		"category":[{"coding":[{"system":"https://drieluik.example/fhir/CodeSystem/richting","code":"DIRECTION"}]}],
		"date":"2026-11-02","author":[{"reference":"PractitionerRole/nurse"}],"title":"Overdracht"}`
	readinessText = `{"resourceType":"QuestionnaireResponse","id":"og","status":"completed","subject":{"reference":"Patient/kim"},
		"item":[{"linkId":"og.zorg","answer":[{"valueBoolean":true}]},{"linkId":"og.materialen","answer":[{"valueBoolean":true}]},
		{"linkId":"og.telefoon","answer":[{"valueString":"0880000199"}]},
		{"linkId":"og.training","item":[{"linkId":"og.training.wie","answer":[{"valueReference":{"reference":"RelatedPerson/mother"}}]},
			{"linkId":"og.training.bekwaam","answer":[{"valueBoolean":true}]}]}]}`
	talkText = `{"resourceType":"Encounter","id":"talk","meta":{"source":"https://drieluik.example/fhir/bron/90000002/epd#overdracht/ovd/1"},
		"status":"finished","class":{"code":"AMB"},"type":[{"coding":[{"system":"https://drieluik.example/fhir/CodeSystem/mks-categorie","code":"drieluikgesprek"}]}],
		"subject":{"reference":"Patient/kim"}}`
	actionText = `{"resourceType":"CarePlan","id":"a1","status":"active","intent":"order","subject":{"reference":"Patient/kim"},
		"extension":[{"url":"https://drieluik.example/fhir/StructureDefinition/actie","extension":[{"url":"uitvoerderSoort","valueCode":"ouder"},
			{"url":"voorbehouden","valueBoolean":true}]}],
		"activity":[{"detail":{"status":"scheduled","performer":[{"reference":"RelatedPerson/WHO"}]}}]}`
	evaluationText = `{"resourceType":"Encounter","id":"ID","status":"finished","class":{"code":"VR"},
		"type":[{"coding":[{"system":"https://drieluik.example/fhir/CodeSystem/evaluatie-soort","code":"KIND"}]}],
		"subject":{"reference":"Patient/kim"},"period":{"start":"DAY"}}`
)

func document(direction string) string {
	return strings.Replace(compositionText, "DIRECTION", direction, 1)
}

func action(who string) string { return strings.Replace(actionText, "WHO", who, 1) }

func evaluation(id, kind, day string) string {
	return strings.NewReplacer("ID", id, "KIND", kind, "DAY", day).Replace(evaluationText)
}

// ready is a transfer whose gate is open.
func ready(t testing.TB, direction string) shelf {
	t.Helper()
	return shelf{}.put(t, hospital, document(direction), readinessText, talkText).put(t, home, action("mother"))
}

// failing returns the checks of a Task that do not hold; "?" for what cannot be told.
func failing(t testing.TB, k shelf, before *fhir.Resource, whole bool) []string {
	t.Helper()
	transfer, err := workflow.ReadTransfer(k, before, hospital)
	if err != nil {
		t.Fatal(err)
	}
	checks, err := transfer.Gate(k, before, whole)
	if err != nil {
		t.Fatal(err)
	}
	out := []string{}
	for _, c := range checks {
		if c.Text.EN == "" || c.Text.NL == "" || c.Who.EN == "" || c.Who.NL == "" {
			t.Errorf("%s says nothing, or to nobody", c.ID)
		}
		if c.Unseen {
			out = append(out, c.ID+"?")
		} else if !c.OK {
			out = append(out, c.ID)
		}
	}
	return out
}

func TestEachCheckOfTheDischargeGate(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, status string
		change       func(k shelf)
		want         []string
	}{
		{"all is done", "accepted", func(shelf) {}, []string{}},
		{"nobody accepted", "requested", func(shelf) {}, []string{"G1"}},
		{"care is not arranged", "accepted", swap(t, `"og.zorg","answer":[{"valueBoolean":true`, `"og.zorg","answer":[{"valueBoolean":false`), []string{"G2"}},
		{"materials are missing", "accepted", swap(t, `"og.materialen","answer":[{"valueBoolean":true`, `"og.materialen","answer":[{"valueBoolean":false`), []string{"G3"}},
		{"one is not competent", "accepted", swap(t, `"og.training.bekwaam","answer":[{"valueBoolean":true`, `"og.training.bekwaam","answer":[{"valueBoolean":false`), []string{"G4", "G5"}},
		{"no telephone", "accepted", swap(t, `{"linkId":"og.telefoon","answer":[{"valueString":"0880000199"}]},`, ``), []string{"G6"}},
		{"the father does a reserved action untrained", "accepted", func(k shelf) { k.put(t, home, action("father")) }, []string{"G5"}},
		{"in a plan of a third", "accepted", func(k shelf) { k.put(t, third, strings.Replace(action("father"), `"a1"`, `"a2"`, 1)) }, []string{}},
		{"it is not in force", "accepted", func(k shelf) {
			k.put(t, home, strings.Replace(action("father"), `"active"`, `"revoked"`, 1))
		}, []string{}},
		{"nobody talked: advice", "accepted", func(k shelf) { delete(k, fhir.Ref{Type: "Encounter", ID: "talk"}) }, []string{"G7"}},
		{"the talk of another transfer", "accepted", func(k shelf) { k.put(t, hospital, strings.Replace(talkText, "ovd/1", "other/1", 1)) }, []string{"G7"}},
		{"no form at all", "accepted", func(k shelf) { delete(k, fhir.Ref{Type: "QuestionnaireResponse", ID: "og"}) }, []string{"G2", "G3", "G4", "G5", "G6"}},
		{"a form of a third", "accepted", func(k shelf) { k.put(t, third, readinessText) }, []string{"G2", "G3", "G4", "G5", "G6"}},
		{"a form in progress", "accepted", swap(t, `"completed"`, `"in-progress"`), []string{"G2", "G3", "G4", "G5", "G6"}},
		{"a form about another child", "accepted", swap(t, `Patient/kim`, `Patient/zoe`), []string{"G2", "G3", "G4", "G5", "G6"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := ready(t, "ziekenhuis-naar-huis")
			c.change(k)
			if diff := cmp.Diff(c.want, failing(t, k, task(t, c.status), true)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// swap changes the form of readiness.
func swap(t testing.TB, old, with string) func(shelf) {
	return func(k shelf) { k.put(t, hospital, strings.Replace(readinessText, old, with, 1)) }
}

// TestTheLatestFormOfReadinessCounts: what was missing at discharge was brought later.
func TestTheLatestFormOfReadinessCounts(t *testing.T) {
	t.Parallel()
	k := ready(t, "ziekenhuis-naar-huis").put(t, hospital, strings.Replace(readinessText, "true", "false", 1))
	if got := failing(t, k, task(t, "accepted"), true); !slices.Equal(got, []string{"G2"}) {
		t.Fatalf("before: %v", got)
	}
	k.put(t, home, strings.Replace(readinessText, `"og"`, `"og2"`, 1))
	later := task(t, "accepted", fhir.Edit{Path: []string{"input"}, Append: true, JSON: `{"type":{"coding":[{"system":
		"https://drieluik.example/fhir/CodeSystem/mks-categorie","code":"ontslaggereedheid"}]},"valueReference":{"reference":"QuestionnaireResponse/og2"}}`})
	if got := failing(t, k, later, true); len(got) > 0 {
		t.Errorf("after: %v", got)
	}
}

func TestAProviderHandsOverAfterItsClosingEvaluation(t *testing.T) {
	t.Parallel()
	for _, direction := range []string{"aanbieder-naar-aanbieder", "naar-volwassenenzorg"} {
		k := ready(t, direction)
		if got := failing(t, k, task(t, "accepted"), true); !slices.Equal(got, []string{"G8"}) {
			t.Errorf("%s without one: %v", direction, got)
		}
		k.put(t, home, evaluation("theirs", "afsluitend", "2026-11-01"))
		k.put(t, hospital, evaluation("e1", "evaluatie-ouders", "2026-10-01"))
		if got := failing(t, k, task(t, "accepted"), true); !slices.Equal(got, []string{"G8"}) {
			t.Errorf("%s with that of another: %v", direction, got)
		}
		k.put(t, hospital, evaluation("e2", "afsluitend", "2026-10-20"))
		if got := failing(t, k, task(t, "accepted"), true); len(got) > 0 {
			t.Errorf("%s with its own: %v", direction, got)
		}
		k.put(t, hospital, evaluation("e3", "client-bespreking", "2026-10-21"))
		if got := failing(t, k, task(t, "accepted"), true); !slices.Equal(got, []string{"G8"}) {
			t.Errorf("%s with a later one: %v", direction, got)
		}
	}
	if got := failing(t, ready(t, "huis-naar-ziekenhuis"), task(t, "accepted"), true); len(got) > 0 {
		t.Errorf("to the hospital: %v", got)
	}
}

// TestWhatCannotBeSeenIsNotTold: a form that is hidden, or is not there, gives the same answer.
func TestWhatCannotBeSeenIsNotTold(t *testing.T) {
	t.Parallel()
	k := ready(t, "ziekenhuis-naar-huis")
	delete(k, fhir.Ref{Type: "QuestionnaireResponse", ID: "og"})
	delete(k, fhir.Ref{Type: "Encounter", ID: "talk"})
	delete(k, fhir.Ref{Type: "CarePlan", ID: "a1"})
	want := []string{"G2?", "G3?", "G4?", "G6?", "G7?"}
	if got := failing(t, k, task(t, "accepted"), false); !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
