package workflow_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/workflow"
	"github.com/drieluik/drieluik/mapping"
)

func TestActionsOfAWeekAreCountedPerPerformer(t *testing.T) {
	t.Parallel()
	stored := mapping.NewMemory()
	var all mapping.Result
	plan := func(id, status, who, timing string) {
		all.Resources = append(all.Resources, mapping.Mapped{Resource: parse(t, fmt.Sprintf(`{"resourceType":"CarePlan","id":%q,"status":%q,
			"extension":[{"url":"https://drieluik.example/fhir/StructureDefinition/actie","extension":[{"url":"uitvoerderSoort","valueCode":"ouder"}]}],
			"category":[{"coding":[{"system":"https://drieluik.example/fhir/CodeSystem/mks-categorie","code":"actie"}]}],"subject":{"reference":"Patient/p"},
			%s]}`, id, status, fmt.Sprintf(timing, `"performer":[{"reference":"`+who+`"}],"description":"`+id+`"`)))})
	}
	repeat := func(text string) string {
		return `"activity":[{"detail":{%s,"scheduledTiming":{"repeat":{` + text + `}}}}`
	}
	plan("three-times", "active", "RelatedPerson/m", repeat(`"period":1,"periodUnit":"d","timeOfDay":["13:00:00","16:00:00","19:00:00"]`))
	plan("each-month", "active", "RelatedPerson/m", repeat(`"frequency":2,"period":1,"periodUnit":"mo"`))
	plan("every-four-hours", "active", "PractitionerRole/n", repeat(`"frequency":1,"period":4,"periodUnit":"h"`))
	plan("as-needed", "active", "RelatedPerson/m", `"activity":[{"detail":{%s,"scheduledString":"Zo nodig"}}`)
	plan("no-period", "active", "RelatedPerson/m", repeat(`"frequency":3,"period":0.0,"periodUnit":"d"`))
	plan("all-the-time", "active", "PractitionerRole/n", repeat(`"frequency":1,"period":1e-300,"periodUnit":"d"`))
	plan("draft", "draft", "RelatedPerson/m", repeat(`"frequency":1,"period":1,"periodUnit":"d"`))
	plan("over", "active", "RelatedPerson/m", `"period":{"end":"2026-11-21"},`+repeat(`"frequency":1,"period":1,"periodUnit":"d"`))
	plan("not-yet", "active", "RelatedPerson/m", `"period":{"start":"2026-11-23"},`+repeat(`"frequency":1,"period":1,"periodUnit":"d"`))
	plan("last-day", "active", "RelatedPerson/m", `"period":{"start":"2026","end":"2026-11"},`+repeat(`"frequency":1,"period":1,"periodUnit":"wk"`))
	stored.Apply(mapping.Source{}, all, now)
	got, err := workflow.Actions(stored, fhir.Ref{Type: "Patient", ID: "p"}, now)
	if err != nil {
		t.Fatal(err)
	}
	action := func(id string, times float64) workflow.Action {
		return workflow.Action{Plan: fhir.Ref{Type: "CarePlan", ID: id}, What: id, PerWeek: times, AsNeeded: times == 0}
	}
	want := []workflow.Doer{
		{Who: fhir.Ref{Type: "PractitionerRole", ID: "n"}, Kind: "ouder", PerWeek: 10122, Actions: []workflow.Action{action("all-the-time", 10080), action("every-four-hours", 42)}},
		{Who: fhir.Ref{Type: "RelatedPerson", ID: "m"}, Kind: "ouder", PerWeek: 22.46, AsNeeded: 2, Actions: []workflow.Action{
			action("as-needed", 0), action("each-month", 0.46), action("last-day", 1), action("no-period", 0), action("three-times", 21),
		}},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}
