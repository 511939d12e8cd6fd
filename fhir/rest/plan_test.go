package rest_test

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/exchange"
)

const hsaSystem = "urn:oid:1.2.752.29.4.19"

// swedish gives the rig a unit that pushes plans, under a name.
func (g *rig) swedish(name, unit string) {
	g.t.Helper()
	ref, err := g.exchange.RegisterOrganization(context.Background(), exchange.Registration{
		Identifier: fhir.Identifier{System: hsaSystem, Value: unit}, NameIfNew: "Enhet " + unit,
	})
	if err != nil {
		g.t.Fatal(err)
	}
	g.orgs[name], g.principals[name] = ref, system(name, ref, "system/*.cruds")
}

// coordinated returns a sample plan with members changed.
func coordinated(t *testing.T, file string, changes map[string]any) string {
	t.Helper()
	b, err := os.ReadFile("../../testdata/samordningsplan/" + file)
	if err != nil {
		t.Fatal(err)
	}
	var doc map[string]any
	if err := json.Unmarshal(b, &doc); err != nil {
		t.Fatal(err)
	}
	for name, v := range changes {
		doc[name] = v
	}
	if b, err = json.Marshal(doc); err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestAChildPlanIsPushedReadAndConverted is the whole life of a Swedish plan at the server: who may push it,
// what is read of it, its versions, its states, and the way back.
func TestAChildPlanIsPushedReadAndConverted(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.swedish("school", "SE4000000069-ELEV1")
	g.swedish("clinic", "SE4000000077-BUP1")
	const barnplan, plan = "valid/03-barnplan-olle.json", "/fhir/CarePlan/72899170-74f8-50b9-9b46-15de470efff3"
	push := func(who string, changes map[string]any) answer {
		return g.submit(who, coordinated(t, barnplan, changes))
	}
	push("clinic", nil).want(t, 403).wantIssue(t, "push-sender", "")
	push("school", map[string]any{"status": "uppfoljning"}).want(t, 422).wantIssue(t, "SP-T01", "/status")
	push("school", nil).want(t, 201)
	push("school", nil).want(t, 200)
	push("school", map[string]any{"titel": "Ny"}).want(t, 409).wantIssue(t, "SP-V01", "/version")
	if a := g.get("school", plan).want(t, 200).valid(t); !strings.Contains(a.body, `"BARNPLAN"`) {
		t.Errorf("read: %s", a.body)
	}
	closed := map[string]any{"version": 2, "status": "avbruten", "avslut": map[string]any{"datum": "2026-11-01", "orsak": "flyttat"}}
	push("school", closed).want(t, 403).wantIssue(t, "push-sender", "")
	g.backAgain("school", coordinated(t, barnplan, nil))
	changed := map[string]any{"version": 2, "titel": "Barnets plan, ändrad", "signaler": []any{}}
	push("school", changed).want(t, 201)
	g.backAgain("school", coordinated(t, barnplan, changed))
	push("school", nil).want(t, 200)
	by := func(unit string) map[string]any {
		return map[string]any{"vardgivareHsaId": unit[:12] + "-VG1", "vardenhetHsaId": unit}
	}
	g.swedish("stranger", "SE4000000010-HAB1")
	for _, version := range []int{1, 2, 3} { // nobody learns of a plan that is not theirs
		push("stranger", map[string]any{"version": version, "ansvar": by("SE4000000010-HAB1")}).want(t, 403).wantIssue(t, "push-sender", "")
	}
	closed["version"], closed["ansvar"] = 3, by("SE4000000077-BUP1")
	push("clinic", closed).want(t, 201)
	if a := g.get("school", plan).want(t, 200); !strings.Contains(a.body, `"revoked"`) {
		t.Errorf("closed by its coordinator: %s", a.body)
	}
}

// TestAPushMakesNobodyAGuardianOfAnothersChild: who has custody is told by who keeps the child. What another
// sender says of it holds for what that sender keeps itself (access.md 5).
func TestAPushMakesNobodyAGuardianOfAnothersChild(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.swedish("school", "SE4000000069-ELEV1")
	g.swedish("stranger", "SE4000000010-HAB1")
	g.swedish("clinic", "SE4000000077-BUP1")
	const barnplan, child = "valid/03-barnplan-olle.json", "Patient/5084207a-563c-5cd7-85c5-bb91c06f7cf8"
	g.submit("school", coordinated(t, barnplan, nil)).want(t, 201)
	g.submit("stranger", coordinated(t, barnplan, map[string]any{
		"dokumentId": "another", "kallelse": []any{},
		"ansvar": map[string]any{"vardgivareHsaId": "SE4000000010-VG1", "vardenhetHsaId": "SE4000000010-HAB1"},
	})).want(t, 201)
	ids := g.search("stranger", "/fhir/RelatedPerson?patient="+child).ids()
	if len(ids) != 2 {
		t.Fatalf("the stranger keeps %v", ids)
	}
	plans := map[string]string{"school": g.search("school", "/fhir/CarePlan?patient="+child).ids()[0], "stranger": g.search("stranger", "/fhir/CarePlan?patient="+child).ids()[0]}
	g.principals["mother"] = guardian(t, child, g.search("school", "/fhir/RelatedPerson?patient="+child).ids()[0], "patient/*.rs")
	g.principals["posed"] = guardian(t, child, ids[0], "patient/*.rs")
	g.get("mother", "/fhir/"+plans["school"]).want(t, 200)
	g.get("posed", "/fhir/"+plans["school"]).want(t, 403).wantIssue(t, "rep-custody-none", "")
	clinic := g.principals["clinic"]
	clinic.Purpose = "COC"
	g.principals["clinic"] = clinic
	for _, plan := range plans { // what a sender says of consent opens what it keeps
		g.get("clinic", "/fhir/"+plan).want(t, 200)
	}
}

// backAgain holds that what is stored of the child comes back as the document that was pushed.
func (g *rig) backAgain(who, doc string) {
	g.t.Helper()
	everything := g.get(who, "/fhir/Patient/5084207a-563c-5cd7-85c5-bb91c06f7cf8/$everything?_count=1000")
	back := g.do(who, http.MethodPost, "/fhir/$convert?to=samordningsplan/1", everything.want(g.t, 200).body)
	var want, got any
	if err := json.Unmarshal([]byte(doc), &want); err != nil {
		g.t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(back.want(g.t, 200).body), &got); err != nil {
		g.t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		g.t.Errorf("$convert to samordningsplan/1: %d (-want +got):\n%s", back.status, d)
	}
}

// TestAnHSAIDIsOneUnderEachOfItsSystems: in a registration, a push, a search and a chain.
func TestAnHSAIDIsOneUnderEachOfItsSystems(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	const unit, older = "SE4000000010-HAB1", "urn:oid:1.2.752.29.6.2.1"
	first, err := g.exchange.RegisterOrganization(t.Context(), exchange.Registration{Identifier: fhir.Identifier{System: older, Value: unit}, NameIfNew: "Hab"})
	if err != nil {
		t.Fatal(err)
	}
	g.swedish("hab", unit)
	if g.orgs["hab"] != first {
		t.Errorf("registered twice: %s and %s", first, g.orgs["hab"])
	}
	g.submit("hab", coordinated(t, "valid/02-ylva.json", nil)).want(t, 201)
	for _, system := range []string{hsaSystem, older, "urn:oid:1.2.752.129.2.1.4.1"} {
		for _, query := range []string{"Organization?identifier=" + system + "|" + unit, "PractitionerRole?organization.identifier=" + system + "|" + unit} {
			b := g.search("hab", "/fhir/"+query+"&_total=accurate")
			if *b.Total != 1 {
				t.Errorf("%s finds %d", query, *b.Total)
			}
		}
		if b := g.search("hab", "/fhir/Organization?identifier:not="+system+"|"+unit+"&name=Hab"); len(b.Entry) > 0 {
			t.Errorf("not %s: %v", system, b.ids())
		}
		if ref, err := g.exchange.OrganizationOf(t.Context(), system+"|"+unit); err != nil || ref != first {
			t.Errorf("%s: %s %v", system, ref, err)
		}
	}
}

// TestAPlanIsSharedAsItsConsentsSay: with whom both guardians share, for coordination, until one is withdrawn; the one
// whom a guardian leaves out never.
func TestAPlanIsSharedAsItsConsentsSay(t *testing.T) {
	t.Parallel()
	g, patient, plan := planned(t, nil)
	for name, of := range map[string]string{"school": "F%C3%B6rskolan", "social": "Socialtj"} {
		p := system(name, refOf(g.search("hab", "/fhir/Organization?name="+of).ids()[0]), "system/*.rs")
		g.principals[name+" for treatment"] = p
		p.Purpose = "COC"
		g.principals[name] = p
	}
	goals := "/fhir/Goal?patient=" + strings.TrimPrefix(patient, "Patient/")
	reads := func(who string, may bool) {
		t.Helper()
		status, n := 404, 0
		if may {
			status, n = 200, 2
		}
		g.get(who, "/fhir/"+plan).want(t, status)
		if b := g.search(who, goals); len(b.Entry) != n {
			t.Errorf("%s finds the goals %v", who, b.ids())
		}
	}
	reads("hab", true)
	reads("bup", true)
	reads("school", true)
	reads("school for treatment", false)
	reads("social", false)
	agreed := decode[map[string]any](t, coordinated(t, "valid/02-ylva.json", nil))["samtycke"].([]any)
	for _, s := range agreed {
		s.(map[string]any)["aterkallat"] = "2026-11-20"
	}
	g.submit("hab", coordinated(t, "valid/02-ylva.json", map[string]any{"samtycke": agreed, "version": 3})).want(t, 201)
	reads("hab", true)
	reads("school for treatment", false)
	reads("social", false)
	if b := g.search("school", goals); len(b.Entry) != 0 { // what the school keeps: TestAPartyKeepsItsOwnMeasures
		t.Errorf("the school finds the goals %v", b.ids())
	}
	g.submit("hab", coordinated(t, "valid/02-ylva.json", map[string]any{"version": 2})).want(t, 409).wantIssue(t, "SP-V02", "/version")
	g.submit("hab", coordinated(t, "valid/02-ylva.json", nil)).want(t, 200)
}
