package rest_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/drieluik/drieluik/auth"
)

// endings are the ways in which the consents to the plan of Ylva end.
var endings = map[string]func(t *testing.T, g *rig, patient string){
	"withdrawn in a new version": func(t *testing.T, g *rig, _ string) {
		agreed := decode[map[string]any](t, coordinated(t, "valid/02-ylva.json", nil))["samtycke"].([]any)
		for _, s := range agreed {
			s.(map[string]any)["aterkallat"] = "2026-11-20"
		}
		g.submit("hab", coordinated(t, "valid/02-ylva.json", map[string]any{"samtycke": agreed, "version": 2})).want(t, 201)
	},
	"withdrawn over REST": func(t *testing.T, g *rig, patient string) {
		for _, ref := range g.search("hab", "/fhir/Consent?status=active&patient="+patient).ids() {
			body := g.get("hab", "/fhir/"+ref).want(t, 200).body
			g.do("hab", http.MethodPut, "/fhir/"+ref, strings.Replace(body, `"status":"active"`, `"status":"inactive"`, 1)).want(t, 200)
		}
	},
	"run out": func(t *testing.T, g *rig, _ string) { g.advance(300 * 24 * time.Hour) },
}

// TestAPartyKeepsItsOwnMeasures: when the consents to a plan end, each of those who took part keeps its own measures,
// and loses those of the others: in every answer, and in what may be asked of it (samordningsplan.md 7).
func TestAPartyKeepsItsOwnMeasures(t *testing.T) {
	t.Parallel()
	for name, end := range endings {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g, patient, plan := planned(t, nil)
			for who, of := range map[string]string{"school": "F%C3%B6rskolan", "social": "Socialtj"} {
				p := system(who, refOf(g.search("hab", "/fhir/Organization?name="+of).ids()[0]), "system/*.cruds")
				p.Purpose = "COC"
				g.principals[who], g.orgs[who] = p, p.Organization
			}
			treats := g.principals["school"]
			treats.Purpose = "TREAT"
			g.principals["school for treatment"] = treats
			if a := g.get("school", "/fhir/"+plan).want(t, 200); !strings.Contains(a.body, "Kartläggning") {
				t.Fatalf("with consent: %s", a.body)
			}
			end(t, g, patient)
			for _, who := range []string{"social", "school for treatment"} { // one was left out, one asks for something else
				g.get(who, "/fhir/"+plan).want(t, 404)
				if b := g.search(who, "/fhir/CarePlan?patient="+patient+"&_total=accurate"); *b.Total != 0 {
					t.Errorf("%s finds %v", who, b.ids())
				}
			}
			a := g.get("school", "/fhir/"+plan).want(t, 200).valid(t)
			if etag := a.header.Get("ETag"); !strings.HasSuffix(etag, `-r"`) || !strings.Contains(a.body, "SUBSETTED") {
				t.Errorf("not marked as a part: %s %s", etag, a.body)
			}
			for _, own := range []string{"Använda bildschema varje dag", "Resursperson", "in-progress", g.orgs["school"].String()} {
				if !strings.Contains(a.body, own) {
					t.Errorf("the school loses %q of its own: %s", own, a.body)
				}
			}
			g.holdsNothingOfOthers(patient, plan)
			g.asksNothingOfOthers(patient, plan)
			whole := g.get("hab", "/fhir/"+plan).body
			g.do("school", http.MethodPut, "/fhir/"+plan, whole).want(t, 403).wantIssue(t, "write-not-custodian", "")
			g.do("school", http.MethodPatch, "/fhir/"+plan, `[{"op":"test","path":"/title","value":"x"}]`, "Content-Type", "application/json-patch+json").want(t, 403)
			g.do("school", http.MethodDelete, "/fhir/"+plan, "").want(t, 403)
		})
	}
}

// holdsNothingOfOthers holds that no answer to the school tells of the measures, goals and names of the others.
func (g *rig) holdsNothingOfOthers(patient, plan string) {
	g.t.Helper()
	id := strings.TrimPrefix(patient, "Patient/")
	paths := []string{
		plan, plan + "/_history", plan + "/_history/1", "CarePlan?patient=" + id, "CarePlan?_id=" + strings.TrimPrefix(plan, "CarePlan/") + "&_include=*&_revinclude=*",
		"CarePlan/_history", "CareTeam?patient=" + id, "CareTeam/_history", "Goal?patient=" + id, "CarePlan?performer=" + g.orgs["school"].String() + "&_include=CarePlan:performer&_include=CarePlan:care-team",
		patient + "/$everything?_type=CarePlan,CareTeam,Goal,Task,Appointment,QuestionnaireResponse,RelatedPerson",
	}
	for _, path := range paths {
		a := g.get("school", "/fhir/"+path)
		for _, told := range []string{
			"bildstöd", "Kartläggning", "hjälm", "Sofia", "Per Ek", "uttrycker", "huvuddunk", "Samordnad individuell plan", "Kortare restider", "sjalvskada",
			"mks-domein", "goal-rank", `"Goal/`, `"RelatedPerson/`, `"` + g.orgs["hab"].String(), `"` + g.orgs["bup"].String(), `"` + g.orgs["social"].String(),
		} {
			if strings.Contains(a.body, told) {
				g.t.Errorf("%s: %d tells %q: %s", path, a.status, told, a.body)
			}
		}
	}
}

// asksNothingOfOthers holds that a search finds by what is left alone.
func (g *rig) asksNothingOfOthers(patient, plan string) {
	g.t.Helper()
	finds := func(n int, queries ...string) {
		g.t.Helper()
		for _, query := range queries {
			if b := g.search("school", "/fhir/CarePlan?"+query+"&_total=accurate"); *b.Total != n || len(b.Entry) != n {
				g.t.Errorf("%s finds %d: %v", query, *b.Total, b.ids())
			}
		}
	}
	team := g.search("hab", "/fhir/CareTeam?patient="+patient).ids()[0]
	goal := g.search("hab", "/fhir/Goal?patient="+patient).ids()[0]
	finds(1, "patient="+patient, "performer="+g.orgs["school"].String(), "status=active", "activity-date=ge2026-09-22&_sort=activity-date")
	finds(0, "performer="+g.orgs["bup"].String(), "care-team="+team, "goal="+goal, "activity-code=akk", "_tag=medisch", "_tag=ontwikkeling", "date=2026-10",
		"performer:Organization.name=BUP", "goal:missing=false", "care-team:missing=false", "activity-date=lt2026-09-22")
	if b := g.search("school", "/fhir/Organization?_has:CarePlan:performer:_id="+strings.TrimPrefix(plan, "CarePlan/")); len(b.Entry) != 0 {
		g.t.Errorf("by who is asked for what: %v", b.ids())
	}
	narrow := g.principals["school"]
	narrow.Scopes, _ = auth.ParseScopes("system/CarePlan.rs?_tag=https://drieluik.example/fhir/CodeSystem/mks-domein|medisch")
	g.principals["school by domain"] = narrow
	g.get("school by domain", "/fhir/"+plan).want(g.t, 404)
	if b := g.search("school by domain", "/fhir/CarePlan"); len(b.Entry) != 0 {
		g.t.Errorf("by the domain of others: %v", b.ids())
	}
}

// TestAPartyIsToldAndSentItsOwnMeasures: notifications and exports go by the same view.
func TestAPartyIsToldAndSentItsOwnMeasures(t *testing.T) {
	t.Parallel()
	g, patient, plan := planned(t, nil)
	h := &hooked{rig: g, hook: newReceiver(t)}
	h.connect()
	p := system("school", refOf(g.search("hab", "/fhir/Organization?name=F%C3%B6rskolan").ids()[0]), "system/*.cruds")
	p.Purpose = "COC"
	g.principals["school"], g.orgs["school"] = p, p.Organization
	h.subscribed("school", "care-plan", telling("full-resource")...)
	endings["withdrawn over REST"](t, g, patient)
	h.edit("hab", plan, "title", `"En annan titel"`)
	if err := h.deliver.Once(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.hook.mu.Lock()
	told := h.hook.body
	h.hook.mu.Unlock()
	m := g.exportedBy("school", "/fhir/Patient/$export?_type=CarePlan,CareTeam,Goal")
	for name, body := range map[string]string{"told": told, "sent": m} {
		if !strings.Contains(body, "Använda bildschema varje dag") {
			t.Errorf("%s without its own measure: %s", name, body)
		}
		for _, other := range []string{"En annan titel", "bildstöd", "Kartläggning", "hjälm", "uttrycker", "Samordnad individuell plan", g.orgs["hab"].String() + `"`, `"Goal/`} {
			if strings.Contains(body, other) {
				t.Errorf("%s %q: %s", name, other, body)
			}
		}
	}
}

// exportedBy is all that an export holds.
func (g *rig) exportedBy(as, path string) string {
	g.t.Helper()
	var all strings.Builder
	for _, file := range g.planned(as, g.begin(as, path)).Output {
		all.WriteString(g.get(as, local(file.URL)).want(g.t, http.StatusOK).body)
	}
	return all.String()
}
