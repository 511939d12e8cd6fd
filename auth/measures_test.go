package auth_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
)

// sharedPlan is a coordinated plan with a measure of a party.
func sharedPlan(party string) string {
	return strings.Replace(plan("plan", "medisch"), `"status"`, `"category":[{"coding":[{"system":"`+fhir.Canonical+`/CodeSystem/se-plantyp","code":"SAMORD"}]}],
		"activity":[{"detail":{"status":"in-progress","performer":[{"reference":"`+party+`"}]}},{"detail":{"status":"in-progress","performer":[{"reference":"`+stranger+`"}]}}],"status"`, 1)
}

// agreedTo is the mother's consent of a plan to home care and the stranger.
func agreedTo(more string) string {
	return consentOf("agreed", `{"type":"permit","actor":[`+actorRef(home)+`,`+actorRef(stranger)+`],"data":[{"meaning":"related","reference":{"reference":"CarePlan/plan"}}]`+more+`}`, giverMother)
}

// TestWhatAPartyKeepsOfAPlan: its own measures, once a consent has opened the plan to it and while nobody objects.
func TestWhatAPartyKeepsOfAPlan(t *testing.T) {
	ended := strings.Replace(agreedTo(""), `"status":"active"`, `"meta":{"lastUpdated":"2026-11-15T12:00:00Z"},"status":"inactive"`, 1)
	over := agreedTo(`,"period":{"end":"2026-11-10"}`)
	left := agreedTo(`,"period":{"end":"2026-11-10"},"provision":[` + provisionFor("deny", home, "") + `]`)
	noTeam := `{"resourceType":"CareTeam","id":"team","status":"inactive","subject":{"reference":"Patient/kim"},"participant":[{"member":{"reference":"Organization/home"}}]}`
	shared := sharedPlan(home)
	for name, c := range map[string]struct {
		who  func(testing.TB) auth.Principal
		more []string
		want string
		part bool
	}{
		"while it stands, the whole":           {system(home), []string{shared, agreedTo("")}, "permit-consent", false},
		"withdrawn":                            {system(home), []string{shared, ended}, "permit-relation", true},
		"run out":                              {system(home), []string{shared, over}, "permit-relation", true},
		"the team has ended too":               {system(home), []string{shared, ended, noTeam}, "permit-relation", true},
		"a party without a team":               {system(stranger), []string{shared, ended}, "permit-relation", true},
		"one without a measure":                {system(home), []string{sharedPlan(hospital), ended}, "consent-none", false},
		"a plan of another kind":               {system(home), []string{strings.Replace(shared, "se-plantyp", "plan-soort", 1), ended}, "consent-none", false},
		"a plan made in error":                 {system(home), []string{strings.Replace(shared, `"status":"active"`, `"status":"entered-in-error"`, 1), ended}, "consent-none", false},
		"never agreed to":                      {system(home), []string{shared}, "consent-none", false},
		"agreed to from tomorrow":              {system(home), []string{shared, agreedTo(`,"period":{"start":"2026-12-20"}`)}, "consent-none", false},
		"withdrawn before it began":            {system(home), []string{shared, strings.Replace(ended, `"data"`, `"period":{"start":"2026-11-16"},"data"`, 1)}, "consent-none", false},
		"another plan was agreed to":           {system(home), []string{shared, strings.Replace(ended, "CarePlan/plan", "CarePlan/other", 1)}, "consent-none", false},
		"another purpose was agreed to":        {system(home), []string{shared, strings.Replace(ended, `"data"`, plainCoding("purpose", reasonSystem, "COC")+`,"data"`, 1)}, "consent-none", false},
		"one who was left out":                 {system(home), []string{shared, left}, "consent-none", false},
		"somebody objects now":                 {system(home), []string{shared, ended, consentOf("no", provisionFor("deny", home, ""), giverMother)}, "consent-denied", false},
		"the plan is closed for all by V":      {system(home), []string{strings.Replace(shared, `"meta":{`, `"meta":{`+labelled(confidential, "V", "")+`,`, 1), ended}, "label-very-restricted", false},
		"given by one who had no custody then": {system(home), []string{shared, ended, mother("GezagNietTeBepalen")}, "consent-none", false},
	} {
		t.Run(name, func(t *testing.T) {
			w := smallWorld(t, nil, append(family("2020-05-04"), c.more...)...)
			got := w.read(t, c.who(t), "CarePlan/plan")
			if part := slices.Contains(got.Obligations, auth.PlanView); got.Reason != c.want || part != c.part || got.Whole() == (c.part || !got.Permit) {
				t.Errorf("got %s %v, want %s", got.Reason, got.Obligations, c.want)
			}
		})
	}
}

// TestAPartOfAPlanIsItsReadersOwn: every member that tells of others goes, whatever the plan holds.
func TestAPartOfAPlanIsItsReadersOwn(t *testing.T) {
	whole := parse(t, []byte(`{"resourceType":"CarePlan","id":"plan","meta":{"source":"s","tag":[{"code":"sociaal"}],"security":[{"code":"L"}]},"text":{"div":"secret"},"status":"active",
		"intent":"plan","title":"secret","description":"secret","subject":{"reference":"Patient/kim"},"author":{"reference":"Organization/secret"},"goal":[{"reference":"Goal/secret"}],
		"note":[{"text":"secret"}],"contained":[{"resourceType":"Goal","id":"secret"}],"extension":[{"url":"x","valueString":"secret"}],"activity":[
		{"id":"a","progress":[{"text":"secret"}],"outcomeReference":[{"reference":"Observation/secret"}],"detail":{"status":"in-progress","_status":{"id":"secret"},"goal":[{"reference":"Goal/secret"}],
			"description":"own","location":{"display":"secret"},"performer":[{"reference":"Organization/secret"},{"reference":"Organization/home","display":"own"}],
			"extension":[{"url":"https://drieluik.example/fhir/StructureDefinition/weekly-burden-minutes","valueInteger":60},{"url":"x","valueString":"secret"}]}},
		{"reference":{"reference":"ServiceRequest/secret"}},{"detail":{"status":"in-progress","description":"secret","performer":[{"display":"home"}]}}]}`))
	for who, kept := range map[string]bool{"Organization/home": true, "Organization/other": false} {
		part, err := auth.PlanFor(whole, func(ref fhir.Ref) bool { return ref.String() == who })
		if err != nil {
			t.Fatal(err)
		}
		text := string(part.Bytes())
		if strings.Contains(text, "secret") || strings.Contains(text, "sociaal") || !strings.Contains(text, "SUBSETTED") || !strings.Contains(text, `"L"`) {
			t.Errorf("%s reads %s", who, text)
		}
		if strings.Contains(text, "own") != kept || strings.Contains(text, "60") != kept {
			t.Errorf("of its own %s reads %s", who, text)
		}
	}
}
