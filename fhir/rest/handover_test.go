package rest_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// handovers are the Tasks by which this server asks for the next in charge of a child's best, as an organisation reads
// them: status, owner, who is asked, and by when.
func (g *rig) handovers(who string) (ids, lines []string) {
	g.t.Helper()
	for _, ref := range g.search(who, "/fhir/Task?code=overlamning&_sort=authored-on&_count=100").ids() {
		a := g.get(who, "/fhir/"+ref).want(g.t, http.StatusOK).valid(g.t)
		task := decode[struct {
			Status        string
			Meta          struct{ Source string }
			Owner         struct{ Reference string }
			PerformerType []struct{ Coding []struct{ Code string } }
			Restriction   struct{ Period struct{ End string } }
		}](g.t, a.body)
		if !strings.HasSuffix(task.Meta.Source, "#samordningsplan") {
			continue
		}
		line := task.Status + " " + task.Owner.Reference
		for _, t := range task.PerformerType {
			line += " " + t.Coding[0].Code
		}
		ids, lines = append(ids, ref), append(lines, line+" "+task.Restriction.Period.End)
	}
	return ids, lines
}

// TestTheChargeOfAChildIsHandedOverAtABorder: sixty days before it the next in charge is asked for, once, whichever day
// the rules run; who is in charge stays so until somebody else is.
func TestTheChargeOfAChildIsHandedOverAtABorder(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.swedish("school", "SE4000000069-ELEV1")
	const barnplan, child = "valid/03-barnplan-olle.json", "5084207a-563c-5cd7-85c5-bb91c06f7cf8"
	doc := decode[map[string]any](t, coordinated(t, barnplan, nil))
	person := doc["person"].(map[string]any)
	person["fodelsedatum"] = "2011-02-01" // 16 in 72 days
	changes := map[string]any{"person": person}
	g.submit("school", coordinated(t, barnplan, changes)).want(t, 201)
	inCharge := func() string {
		team := g.search("school", "/fhir/CareTeam?patient=Patient/"+child).ids()[0]
		_, after, _ := strings.Cut(g.get("school", "/fhir/"+team).body, `"barnetsbasta-ansvarig"`)
		return after
	}
	before := inCharge()
	says := func(what string, want ...string) (ids []string) {
		t.Helper()
		ids, got := g.handovers("school")
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
		return ids
	}
	g.now.Store(new(time.Date(2026, 12, 2, 12, 0, 0, 0, time.FixedZone("CET", 3600))))
	g.tick()
	says("sixty-one days before")
	g.advance(24 * time.Hour)
	if did := g.tick(); did.Children != 1 {
		t.Errorf("the day is not found by what is due: %+v", did)
	}
	const asked = "requested  rektor kaa-handlaggare 2027-02-01"
	ids := says("sixty days before", asked)
	for _, language := range []string{"Överlämna", "Hand the charge", "Draag"} {
		if a := g.get("school", "/fhir/"+ids[0]); !strings.Contains(a.body, language) {
			t.Errorf("no %q in %s", language, a.body)
		}
	}
	for range 3 {
		g.advance(40 * 24 * time.Hour)
		g.tick()
	}
	says("after the birthday", asked)
	if diff := cmp.Diff(before, inCharge()); diff != "" {
		t.Errorf("somebody else is in charge: %s", diff)
	}
	g.backAgain("school", coordinated(t, barnplan, changes)) // the Task is none of the document's
	next := []any{doc["ansvarig"].([]any)[0], map[string]any{}, map[string]any{
		"id": "B3", "roll": "kaa-handlaggare", "namn": "XXX_Eva Lund", "aktor": "A1", "fran": "2027-02-20", "accepterad": true,
	}}
	old := doc["ansvarig"].([]any)[1].(map[string]any)
	old["till"] = "2027-02-20"
	next[1], changes["ansvarig"], changes["version"], changes["andrad"] = old, next, 2, g.clock().Format(time.RFC3339)
	changes["samtycke"] = doc["samtycke"]
	g.submit("school", coordinated(t, barnplan, changes)).want(t, 201)
	says("somebody took the charge", strings.Replace(asked, "requested", "completed", 1))
	g.now.Store(new(time.Date(2028, 12, 10, 12, 0, 0, 0, time.FixedZone("CET", 3600))))
	g.tick()
	says("one in charge who stays", strings.Replace(asked, "requested", "completed", 1))
}
