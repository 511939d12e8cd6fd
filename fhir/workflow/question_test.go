package workflow_test

import (
	"slices"
	"testing"

	"github.com/drieluik/drieluik/conformance/validate"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/workflow"
)

const questionText = `{"resourceType":"Communication","id":"q","status":"completed","subject":{"reference":"Patient/kim"},
	"category":[{"coding":[{"system":"https://drieluik.example/fhir/CodeSystem/mks-categorie","code":"terugvraag"}]}],
	"about":[{"reference":"Composition/ovd"}],"payload":[{"contentString":"Welke maat sonde?"},{"contentString":"En wanneer gewisseld?"}]}`

func TestAQuestionGoesToTheNurseWhoSent(t *testing.T) {
	t.Parallel()
	k := ready(t, "ziekenhuis-naar-huis")
	document, _ := k.Read(fhir.Ref{Type: "Composition", ID: "ovd"})
	r, err := workflow.Question(document, parse(t, questionText), home, now)
	if err != nil || r == nil {
		t.Fatal(r, err)
	}
	if issues := validate.Resource(r); fhir.HasErrors(issues) {
		t.Error(issues)
	}
	n := r.Root()
	for want, got := range map[string]string{
		"requested": n.Member("status").Text(), "terugvraag": n.At("code", "coding", "code").Text(),
		"Communication/q": n.At("focus", "reference").Text(), "Patient/kim": n.At("for", "reference").Text(),
		"Organization/home": n.At("requester", "reference").Text(), "PractitionerRole/nurse": n.At("owner", "reference").Text(),
		"2026-11-22T23:30:00Z": n.At("restriction", "period", "end").Text(), "Composition/ovd": n.At("reasonReference", "reference").Text(),
		"Welke maat sonde?": n.At("input", "valueString").Text(),
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if r, err := workflow.Question(document, parse(t, questionText), hospital, now); r != nil || err != nil {
		t.Errorf("the sender asks itself: %v %v", r, err)
	}
}

func TestAQuestionNamesItsTransfer(t *testing.T) {
	t.Parallel()
	for _, about := range []string{"", `[{"reference":"Patient/kim"}]`, `[{"display":"de overdracht"}]`} {
		r := edited(t, parse(t, questionText), fhir.Edit{Path: []string{"about"}, JSON: about})
		if _, issues := workflow.About(r); !slices.Equal(rules(issues), []string{"terugvraag-about"}) {
			t.Errorf("%s: %v", about, issues)
		}
	}
}

func TestAnAnswerCompletesTheTaskOnce(t *testing.T) {
	t.Parallel()
	answer := parse(t, `{"resourceType":"Communication","id":"a","status":"completed","inResponseTo":[{"reference":"Communication/q"}],"payload":[{"contentString":"CH8"}]}`)
	if got := workflow.Asked(answer); !slices.Equal(got, []fhir.Ref{{Type: "Communication", ID: "q"}}) {
		t.Error(got)
	}
	done, err := workflow.Answered(parse(t, `{"resourceType":"Task","id":"x","status":"requested","intent":"order"}`), answer)
	if err != nil || done.Root().Member("status").Text() != "completed" || done.Root().At("output", "valueString").Text() != "CH8" {
		t.Errorf("%s %v", done.Bytes(), err)
	}
	if again, err := workflow.Answered(done, answer); err != nil || again != done {
		t.Error("answered twice")
	}
}
