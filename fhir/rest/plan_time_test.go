package rest_test

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/drieluik/drieluik/fhir/exchange"
)

// plansAsk are the open Tasks about a plan that an organisation reads, by code and owner.
func (g *rig) plansAsk(who string) []string {
	g.t.Helper()
	var out []string
	for _, ref := range g.search(who, "/fhir/Task?status=requested&_count=100").ids() {
		task := decode[struct {
			Code struct {
				Coding []struct{ System, Code string }
			}
			Owner struct{ Reference string }
			Meta  struct{ Source string }
		}](g.t, g.get(who, "/fhir/"+ref).body)
		if strings.HasSuffix(task.Meta.Source, "#samordningsplan") {
			kind, _, _ := strings.Cut(task.Owner.Reference, "/")
			out = append(out, task.Code.Coding[0].Code+" "+kind)
		}
	}
	slices.Sort(out)
	return out
}

// TestAPlanEndsByItself: the days of a plan speak once, whichever process looks, until somebody ends it; and the end
// of the last consent at once.
func TestAPlanEndsByItself(t *testing.T) {
	t.Parallel()
	g, _, plan := planned(t, nil)
	g.tick()
	wants := func(what string, want ...string) {
		t.Helper()
		if d := cmp.Diff(append([]string(nil), want...), g.plansAsk("hab")); d != "" {
			t.Errorf("%s (-want +got):\n%s", what, d)
		}
	}
	wants("nothing is due")
	g.advance(73 * 24 * time.Hour) // 2 February 2027
	var all sync.WaitGroup
	for range 3 { // processes
		all.Go(func() {
			if _, err := g.exchange.Tick(t.Context(), g.clock()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	wants("two weeks before the evaluation", "utvardering PractitionerRole")
	if did := g.tick(); did != (exchange.Ticked{}) {
		t.Errorf("a second run: %+v", did)
	}
	g.advance(36 * 24 * time.Hour) // 10 March
	g.tick()
	wants("after the end", "avsluta-plan PractitionerRole", "utvardering PractitionerRole")
	if a := g.get("hab", "/fhir/"+plan); !strings.Contains(a.body, `"status":"active"`) {
		t.Error("the plan is ended by itself")
	}
	doc := decode[map[string]any](t, coordinated(t, "valid/02-ylva.json", nil))
	for _, s := range doc["samtycke"].([]any) {
		s.(map[string]any)["aterkallat"] = "2027-03-09"
	}
	a := g.submit("hab", coordinated(t, "valid/02-ylva.json", map[string]any{"version": 2, "andrad": "2027-03-10T08:00:00+01:00", "samtycke": doc["samtycke"]})).want(t, 201)
	if !strings.Contains(a.body, `"SP-R13"`) || !strings.Contains(a.body, "SP-R02b") {
		t.Errorf("the next answer: %s", a.body)
	}
	wants("the last consent is withdrawn", "avsluta-plan PractitionerRole", "samtycke-upphort PractitionerRole", "utvardering PractitionerRole")
	if a := g.get("bup", "/fhir/"+plan).want(t, 200); strings.Contains(a.body, "bildstöd") || !strings.Contains(a.body, "Kartläggning") {
		t.Errorf("more than its own measure is left to a party: %s", a.body)
	}
	g.submit("hab", coordinated(t, "valid/02-ylva.json", map[string]any{"version": 3, "andrad": "2027-03-10T09:00:00+01:00", "samtycke": doc["samtycke"], "status": "avslutad",
		"avslut": map[string]any{"datum": "2027-03-10", "orsak": "samtycke-aterkallat"}})).want(t, 201)
	wants("the plan is ended")
}

// TestAConsentThatRunsOutEndsAccessInItsNight: with no write the others read no more of the plan than their own
// measures, and who coordinates is told once.
func TestAConsentThatRunsOutEndsAccessInItsNight(t *testing.T) {
	t.Parallel()
	consents := decode[map[string]any](t, coordinated(t, "valid/02-ylva.json", nil))["samtycke"].([]any)
	for _, s := range consents {
		s.(map[string]any)["giltigTill"] = "2026-12-01"
	}
	g, _, plan := planned(t, map[string]any{"samtycke": consents})
	school := system("school", refOf(g.search("hab", "/fhir/Organization?name=F%C3%B6rskolan").ids()[0]), "system/*.cruds")
	school.Purpose = "COC"
	g.principals["school"] = school
	for _, step := range []struct {
		day   string
		whole bool
		want  []string
	}{{"2026-12-01", true, nil}, {"2026-12-02", false, []string{"samtycke-upphort PractitionerRole"}}, {"2026-12-20", false, []string{"samtycke-upphort PractitionerRole"}}} {
		g.until(step.day)
		if a := g.get("school", "/fhir/"+plan).want(t, 200); strings.Contains(a.body, "Kartläggning") != step.whole {
			t.Errorf("%s: %s", step.day, a.body)
		}
		if diff := cmp.Diff(step.want, g.plansAsk("hab")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", step.day, diff)
		}
	}
}
