package calendar_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/workflow/calendar"
)

// stranger is an organisation that writes about a child in whose care it takes no part.
var stranger = fhir.Ref{Type: "Organization", ID: "vreemd"}

func by(org fhir.Ref, k calendar.Known) calendar.Known {
	k.Custodian = org
	return k
}

// written is the text of all that the rules write.
func written(t testing.TB, s calendar.Situation) string {
	t.Helper()
	var text strings.Builder
	for _, w := range follow(t, s).Writes {
		text.Write(w.Resource.Bytes())
	}
	return text.String()
}

const emergencyText = `{"resourceType":"CarePlan","id":"n","status":"active","intent":"plan","subject":{"reference":"Patient/kind"},
	"activity":[{"detail":{"status":"scheduled","description":"Bel 112.","extension":[{"url":"%s/StructureDefinition/noodtelefoon","valueString":"0880000099"}]}}]}`

// TestALetterHoldsWhatItsSenderKeeps: who writes a plan makes the server tell the family doctor, and reads
// that letter. It gathers nothing of what others keep.
func TestALetterHoldsWhatItsSenderKeeps(t *testing.T) {
	t.Parallel()
	s := on(t, "2026-03-01", 6)
	s.Patient = known(t, `{"resourceType":"Patient","id":"kind","active":true,"name":[{"given":["Kareltje"]}],"generalPractitioner":[{"reference":"Organization/huisarts"}]}`)
	s.Find = func(ref fhir.Ref) (calendar.Known, error) {
		phone := "112"
		if ref.Type == "PractitionerRole" {
			phone = "0880000001"
		}
		return known(t, `{"resourceType":"%s","id":"%s","code":{"text":"Epilepsie"},"telecom":[{"system":"phone","value":"%s"}],
			"type":[{"coding":[{"system":"%s/CodeSystem/organisatie-soort","code":"vervoerder"}]}]}`, ref.Type, ref.ID, phone, b), nil
	}
	s.Emergency = []calendar.Known{known(t, emergencyText, b)}
	s.Plans = []calendar.Known{by(stranger, plan(t, "p", "active", "2026-02-10", `,"addresses":[{"reference":"Condition/c"}]`, 1))}
	s.Actions = []calendar.Known{by(stranger, known(t, `{"resourceType":"CarePlan","id":"a","status":"active","intent":"plan","subject":{"reference":"Patient/kind"},
		"extension":[{"url":"%s/StructureDefinition/actie","extension":[{"url":"onderdeel","valueCode":"vervoer"}]}],
		"activity":[{"detail":{"status":"scheduled","description":"Rit.","performer":[{"reference":"Organization/taxi"}]}}]}`, b))}
	text := written(t, s)
	for _, hidden := range []string{"Epilepsie", "Bel 112", "0880000099", "0880000001", "Kareltje", "PractitionerRole/zc"} {
		if strings.Contains(text, hidden) {
			t.Errorf("a stranger is written %s", hidden)
		}
	}
	if !strings.Contains(text, "Organization/huisarts") || !strings.Contains(text, "Rit.") {
		t.Errorf("its own is not told: %s", text)
	}
	s.Teams[0].Parties = []fhir.Ref{stranger} // it takes part now
	if text = written(t, s); !strings.Contains(text, "Kareltje") || !strings.Contains(text, "0880000001") || strings.Contains(text, "Bel 112") {
		t.Errorf("who takes part: %s", text)
	}
}

// TestNobodyPutsItselfIntoTheCare: a team that a stranger writes sends it no Tasks of others.
func TestNobodyPutsItselfIntoTheCare(t *testing.T) {
	t.Parallel()
	s := on(t, "2026-08-12", 4)
	s.Teams = []calendar.Known{by(stranger, s.Teams[0])}
	s.Plans = []calendar.Known{plan(t, "p", "active", "2026-01-10", evaluations("evaluatie-ouders", 2), 3)}
	expect(t, "a team of a stranger", s, "Task evaluatie-verlopen routine "+home.String())
}

// TestAStrangerSilencesNoRule: neither its evaluation nor its word that the parents know counts, and its
// verwijsboom writes no letter of the child's keeper.
func TestAStrangerSilencesNoRule(t *testing.T) {
	t.Parallel()
	s := on(t, "2026-08-12", 4)
	s.Plans = []calendar.Known{plan(t, "p", "active", "2026-01-10", evaluations("evaluatie-ouders", 2), 3)}
	met := meeting(t, "e", "evaluatie-ouders", "finished", "2026-08-01", "")
	s.Meetings = []calendar.Known{by(stranger, met)}
	expect(t, "its evaluation", s, "Task evaluatie-verlopen routine PractitionerRole/zc")
	s.Teams[0].Parties = []fhir.Ref{stranger}
	expect(t, "of the team", s)

	s = on(t, "2026-03-15", 4)
	s.Meetings = []calendar.Known{meeting(t, "e", "client-bespreking", "finished", "2026-03-01", "")}
	told := known(t, `{"resourceType":"Communication","id":"c","status":"completed","subject":{"reference":"Patient/kind"},"about":[{"reference":"Encounter/e"}],
		"category":[{"coding":[{"system":"%s/CodeSystem/mks-categorie","code":"ouders-geinformeerd"}]}]}`, b)
	s.Messages = []calendar.Known{by(stranger, told)}
	expect(t, "its word", s, "Task ouders-geinformeerd routine PractitionerRole/zc +not-for-patient")
	s.Messages = []calendar.Known{by(fhir.Ref{}, told)}
	expect(t, "the word of the family", s)

	s = on(t, "2026-05-30", 4)
	born := day(t, "2021-05-31")
	s.Household.Born = [2]time.Time{born, born}
	s.Trees = []calendar.Known{by(stranger, known(t, `{"resourceType":"QuestionnaireResponse","id":"vb","status":"completed","item":[
		{"linkId":"vb.blijvend24u","answer":[{"valueCoding":{"code":"ja"}}]},{"linkId":"vb.verstandelijk","answer":[{"valueCoding":{"code":"ja"}}]}]}`))}
	expect(t, "its verwijsboom", s)
}

// TestWarningsAreForWhoKeepsWhatTheyAreAbout: the report of a push tells of the sender's own records alone.
func TestWarningsAreForWhoKeepsWhatTheyAreAbout(t *testing.T) {
	t.Parallel()
	s := on(t, "2026-03-01", 4)
	s.Plans = []calendar.Known{plan(t, "p", "active", "2026-02-10", "", 1), by(stranger, plan(t, "q", "active", "2026-02-10", "", 1))}
	var of []fhir.Ref
	for _, told := range follow(t, s).Issues {
		of = append(of, told.Custodian)
	}
	if !slices.Equal(of, []fhir.Ref{home, stranger}) {
		t.Errorf("told of %v", of)
	}
}

// TestManyMeetingsCostOneLook: a child with thousands of meetings and messages is no burden to its pushes.
func TestManyMeetingsCostOneLook(t *testing.T) {
	t.Parallel()
	s := on(t, "2026-08-12", 4)
	const many = 2000
	for i := range many {
		s.Meetings = append(s.Meetings, meeting(t, fmt.Sprint("e", i), "client-bespreking", "finished", "2026-03-01", ""))
		s.Messages = append(s.Messages, known(t, `{"resourceType":"Communication","id":"c%d","status":"completed","subject":{"reference":"Patient/kind"},"about":[{"reference":"Encounter/e%[1]d"}],
			"category":[{"coding":[{"system":"%s/CodeSystem/mks-categorie","code":"ouders-geinformeerd"}]}]}`, i, b))
	}
	if out := follow(t, s); len(out.Writes) > 0 {
		t.Errorf("%d writes", len(out.Writes))
	}
}
