package rest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
)

// The ids of boris's plan, in force and as a draft (mks.md 8).
const (
	planInForce = "8c0b0cd2-d110-52f4-95df-b7854d1e51bf"
	planDraft   = "0d119d1f-a323-5ab3-927c-f715c79f2867"
)

// may gives principals the scopes.
func (g *rig) may(scopes string, who ...string) {
	g.t.Helper()
	parsed, err := auth.ParseScopes(scopes)
	if err != nil {
		g.t.Fatal(err)
	}
	for _, name := range who {
		p := g.principals[name]
		p.Scopes = parsed
		g.principals[name] = p
	}
}

const familyScopes = "patient/Patient.r patient/CarePlan.rs patient/Consent.rs patient/Provenance.crs patient/Task.rus patient/Communication.rs patient/Goal.rs patient/Appointment.rs"

// signature is a Provenance by which somebody signs a version of a plan.
func signature(plan string, version int, who fhir.Ref, signer ...fhir.Ref) string {
	by := who
	if len(signer) > 0 {
		by = signer[0]
	}
	return fmt.Sprintf(`{"resourceType":"Provenance","target":[{"reference":"CarePlan/%s"}],"recorded":"2026-11-21T20:00:00+01:00",
		"extension":[{"url":"%s/StructureDefinition/versie","valuePositiveInt":%d}],
		"activity":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-DocumentCompletion","code":"LA"}]},
		"agent":[{"type":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/provenance-participant-type","code":"attester"}]},"who":{"reference":"%s"}}],
		"signature":[{"type":[{"system":"urn:iso-astm:E1762-95:2013","code":"1.2.840.10065.1.12.1.7"}],"when":"2026-11-21T20:00:00+01:00","who":{"reference":"%s"}}]}`,
		plan, fhir.Canonical, version, who, by)
}

type planView struct {
	Status string
	Meta   struct{ Source string }
	Goal   []struct{ Reference string }
}

func (g *rig) plan(as, id string) planView {
	g.t.Helper()
	return decode[planView](g.t, g.get(as, "/fhir/CarePlan/"+id).want(g.t, http.StatusOK).valid(g.t).body)
}

// tasks are the open Tasks of a code, as "owner priority".
func (g *rig) tasks(as, patient, code string) []string {
	g.t.Helper()
	type taskView struct {
		Status, Priority string
		Owner, Focus     struct{ Reference string }
	}
	var out []string
	for _, id := range g.search(as, "/fhir/Task?patient="+patient+"&code="+code).ids() {
		v := decode[taskView](g.t, g.get(as, "/fhir/"+id).want(g.t, http.StatusOK).valid(g.t).body)
		if v.Status == "requested" {
			out = append(out, v.Owner.Reference+" "+v.Priority)
		}
	}
	slices.Sort(out)
	return out
}

// finalDraft pushes version 4 of boris's plan as final, signed by nobody.
func (g *rig) finalDraft() {
	g.t.Helper()
	doc := decode[map[string]any](g.t, record(g.t, "boris/08-zorgplan-v4-concept.json"))
	doc["status"] = "definitief"
	if a := g.submit("home", encode(g.t, doc)).want(g.t, http.StatusCreated); !strings.Contains(a.body, "MKS-ZP-12") {
		g.t.Fatalf("no word of the missing signature in %s", a.body)
	}
}

func TestASignatureOfAParentBringsThePlanIntoForce(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	patient, _, mother, father := g.parents()
	g.may(familyScopes, "mother", "father")
	g.finalDraft()
	if got, want := g.tasks("mother", patient.ID, "approve"), []string{mother.String() + " routine", father.String() + " routine"}; gocmp.Diff(sorted(want...), got) != "" {
		t.Fatalf("tasks to sign %v, want %v", got, want)
	}
	before := g.plan("mother", planInForce)
	g.do("mother", http.MethodPost, "/fhir/Provenance", signature(planDraft, 3, mother)).want(t, http.StatusUnprocessableEntity).wantIssue(t, "MKS-ZP-16", "")
	g.do("mother", http.MethodPost, "/fhir/Provenance", signature(planDraft, 4, mother, father)).want(t, http.StatusForbidden).wantIssue(t, "sign-authority", "")
	g.do("mother", http.MethodPost, "/fhir/Provenance", strings.Replace(signature(planDraft, 4, mother), fhir.Canonical+"/StructureDefinition/versie", "urn:x", 1)).
		want(t, http.StatusUnprocessableEntity).wantIssue(t, "MKS-ZP-16", "")
	if got := g.plan("mother", planInForce); got.Meta != before.Meta {
		t.Fatalf("a refused signature changed the plan: %+v", got)
	}
	exact := strings.Replace(signature(planDraft+"/_history/1", 4, mother), fhir.Canonical+"/StructureDefinition/versie", "urn:x", 1)
	g.do("mother", http.MethodPost, "/fhir/Provenance", strings.Replace(exact, "_history/1", "_history/2", 1)).want(t, http.StatusUnprocessableEntity).wantIssue(t, "MKS-ZP-16", "")
	g.do("mother", http.MethodPost, "/fhir/Provenance", exact).want(t, http.StatusCreated)
	now := g.plan("mother", planInForce)
	if now.Status != "active" || !strings.HasSuffix(now.Meta.Source, "zp-1001/4") {
		t.Errorf("in force: %+v", now)
	}
	if d := g.plan("mother", planDraft); d.Status != "revoked" {
		t.Errorf("the draft is %s", d.Status)
	}
	for _, ref := range now.Goal {
		g.get("mother", "/fhir/"+ref.Reference).want(t, http.StatusOK)
		if goal := decode[struct{ LifecycleStatus string }](t, g.get("mother", "/fhir/"+ref.Reference).body); goal.LifecycleStatus != "active" {
			t.Errorf("%s is %s", ref.Reference, goal.LifecycleStatus)
		}
	}
	if got := g.search("home", "/fhir/Provenance?target=CarePlan/"+planInForce).ids(); len(got) < 3 { // two versions and the signature
		t.Errorf("provenance of the plan in force: %v", got)
	}
	if got := g.tasks("mother", patient.ID, "approve"); len(got) > 0 {
		t.Errorf("still to sign: %v", got)
	}
	g.do("father", http.MethodPost, "/fhir/Provenance", signature(planInForce, 4, father)).want(t, http.StatusCreated)
	g.do("father", http.MethodPost, "/fhir/Provenance", signature(planDraft, 4, father)).want(t, http.StatusUnprocessableEntity)
	next := decode[map[string]any](t, record(t, "boris/08-zorgplan-v4-concept.json")) // a later version takes over from it
	next["versie"], next["vastgelegdOp"] = 5, g.clock().Add(-time.Hour).Format(time.RFC3339)
	g.submit("home", encode(t, next)).want(t, http.StatusCreated)
	if d := gocmp.Diff(now, g.plan("home", planInForce)); d != "" {
		t.Errorf("the next draft changed the plan in force: %s", d)
	}
}

// encode writes a document.
func encode(t testing.TB, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// childItself gives the child itself a principal.
func (g *rig) childItself(patient fhir.Ref) {
	p := g.principals["mother"]
	p.Role, p.FHIRUser, p.Subject, p.Purpose = auth.ChildRole, patient, "child", "PATRQT"
	g.principals["child"] = p
}

func TestAYouthSignsWithAParentAndThenAlone(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, born string
		parent     int // status of the mother's signature
		then       string
	}{
		{"13 years", "2013-05-03", http.StatusCreated, "draft"},
		{"16 years", "2010-05-03", http.StatusForbidden, "draft"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := newRigWith(t, auth.Settings{Jurisdiction: "nl", ParentRead1215: "deny-on-child-objection"}, nil)
			patient, _, mother, _ := g.parents()
			g.childRecord(2, func(content map[string]any) { content["geboortedatum"] = c.born })
			g.may(familyScopes, "mother", "father")
			g.childItself(patient)
			g.finalDraft()
			g.do("mother", http.MethodPost, "/fhir/Provenance", signature(planDraft, 4, mother)).want(t, c.parent)
			if got := g.plan("child", planDraft).Status; got != c.then {
				t.Errorf("after the mother the draft is %s", got)
			}
			g.do("child", http.MethodPost, "/fhir/Provenance", signature(planDraft, 4, patient)).want(t, http.StatusCreated)
			if got := g.plan("child", planInForce); got.Status != "active" || !strings.HasSuffix(got.Meta.Source, "/4") {
				t.Errorf("after the child: %+v", got)
			}
		})
	}
}

func TestASignatureWithoutAuthorityIsRefused(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	patient, _, mother, _ := g.parents()
	g.may(familyScopes, "mother", "father")
	g.childItself(patient)
	g.finalDraft()
	before := g.plan("home", planInForce)
	g.do("child", http.MethodPost, "/fhir/Provenance", signature(planDraft, 4, patient)).want(t, http.StatusForbidden) // 18 months old
	g.do("home", http.MethodPost, "/fhir/Provenance", signature(planDraft, 4, mother)).want(t, http.StatusForbidden)
	g.do("father", http.MethodPost, "/fhir/Provenance", signature(planDraft, 4, mother)).want(t, http.StatusForbidden)
	g.childRecord(2, custody("EenhoofdigOuderlijkGezag", g.clock(), "bet-02"))
	g.do("mother", http.MethodPost, "/fhir/Provenance", signature(planDraft, 4, mother)).want(t, http.StatusForbidden)
	if d := gocmp.Diff(before, g.plan("home", planInForce)); d != "" {
		t.Error(d)
	}
}

// TestNobodySignsForAnotherInAdvance: a signature in the name of the other parent, or on a draft that is yet
// to come, does not lie in wait for the plan.
func TestNobodySignsForAnotherInAdvance(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	patient, _, mother, father := g.parents()
	g.may(familyScopes, "mother", "father")
	with := func(text string) string { // a target that is there gives the Provenance its child
		return strings.Replace(text, `"target":[`, `"target":[{"reference":"`+patient.String()+`"},`, 1)
	}
	g.do("father", http.MethodPost, "/fhir/Provenance", with(signature(planDraft, 4, father, mother))).want(t, http.StatusForbidden).wantIssue(t, "sign-authority", "")
	g.do("father", http.MethodPost, "/fhir/Provenance", with(signature(planDraft, 4, father))).want(t, http.StatusNotFound)
	g.finalDraft()
	if got := g.tasks("mother", patient.ID, "approve"); len(got) != 2 {
		t.Errorf("still to sign: %v", got)
	}
}

// TestAPlanThatCameBeforeItsChildIsInForceWithIt: what was signed enough waits for nobody once it is known
// who may sign.
func TestAPlanThatCameBeforeItsChildIsInForceWithIt(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	if a := g.submit("home", record(t, "boris/07-zorgplan-v3.json")).want(t, http.StatusCreated); !strings.Contains(a.body, "MKS-ZP-12") {
		t.Fatalf("nobody can tell yet who may sign: %s", a.body)
	}
	g.get("home", "/fhir/CarePlan/"+planInForce).want(t, http.StatusNotFound)
	g.submit("home", record(t, "boris/01-kind.json")).want(t, http.StatusCreated)
	if got := g.plan("home", planInForce); got.Status != "active" || !strings.HasSuffix(got.Meta.Source, "zp-1001/3") {
		t.Errorf("in force: %+v", got)
	}
	if got := g.plan("home", planDraft); got.Status != "revoked" {
		t.Errorf("the draft is %s", got.Status)
	}
	if got := g.search("home", "/fhir/Task?code=approve").ids(); len(got) > 0 {
		t.Errorf("asked to sign: %v", got)
	}
}

// TestAPlanThatIsChangedAfterASignatureIsSignedAnew: what somebody signed is what comes into force, though the
// record's version is the same.
func TestAPlanThatIsChangedAfterASignatureIsSignedAnew(t *testing.T) {
	t.Parallel()
	g := newRigWith(t, auth.Settings{Jurisdiction: "nl", ParentRead1215: "deny-on-child-objection"}, nil)
	patient, _, mother, _ := g.parents()
	g.childRecord(2, func(content map[string]any) { content["geboortedatum"] = "2013-05-03" })
	g.may(familyScopes, "mother", "father")
	g.childItself(patient)
	g.finalDraft()
	parts := g.search("home", "/fhir/CarePlan?part-of=CarePlan/"+planDraft).ids()
	signs := func(as string, who fhir.Ref) {
		t.Helper()
		g.advance(time.Minute)
		g.do(as, http.MethodPost, "/fhir/Provenance", signature(planDraft, 4, who)).want(t, http.StatusCreated)
	}
	change := func(path string) {
		t.Helper()
		g.advance(time.Minute)
		body := decode[map[string]any](t, g.get("home", "/fhir/"+path).want(t, http.StatusOK).body)
		body["note"] = []any{map[string]any{"text": "anders"}}
		g.do("home", http.MethodPut, "/fhir/"+path, encode(t, body)).want(t, http.StatusOK)
	}
	signs("mother", mother)
	change(parts[0]) // an action of it
	signs("child", patient)
	if got := g.plan("home", planDraft).Status; got != "draft" {
		t.Fatalf("with a signature on what was: %s", got)
	}
	if got := g.tasks("home", patient.ID, "approve"); len(got) == 0 || !strings.Contains(strings.Join(got, " "), mother.String()) {
		t.Errorf("asked to sign anew: %v", got)
	}
	change("CarePlan/" + planDraft)
	signs("mother", mother)
	signs("child", patient)
	if got := g.plan("home", planInForce); got.Status != "active" || !strings.HasSuffix(got.Meta.Source, "/4") {
		t.Errorf("signed anew: %+v", got)
	}
}

// TestADraftComesIntoForceWhenItsSignaturesAreEnough, by age or authority and without another signature.
func TestADraftComesIntoForceWhenItsSignaturesAreEnough(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(g *rig){
		"the child turns 16": func(g *rig) { g.advance(24 * time.Hour) },
		"it was 16 already": func(g *rig) {
			g.childRecord(3, func(content map[string]any) { content["geboortedatum"] = "2010-05-03" })
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newRigWith(t, auth.Settings{Jurisdiction: "nl", ParentRead1215: "deny-on-child-objection"}, nil)
			patient, _, _, _ := g.parents()
			g.childRecord(2, func(content map[string]any) { content["geboortedatum"] = "2010-11-22" })
			g.may(familyScopes, "mother", "father")
			g.childItself(patient)
			g.finalDraft()
			g.do("child", http.MethodPost, "/fhir/Provenance", signature(planDraft, 4, patient)).want(t, http.StatusCreated)
			if got := g.plan("home", planDraft).Status; got != "draft" {
				t.Fatalf("at 15 the child alone: %s", got)
			}
			g.tick()
			change(g)
			g.tick()
			if got := g.plan("home", planInForce); got.Status != "active" || !strings.HasSuffix(got.Meta.Source, "/4") {
				t.Errorf("in force: %+v", got)
			}
			if got := g.tasks("home", patient.ID, "approve"); len(got) > 0 {
				t.Errorf("still to sign: %v", got)
			}
			before := g.position()
			g.tick()
			if d := gocmp.Diff(before, g.position()); d != "" {
				t.Errorf("a second run wrote: %s", d)
			}
		})
	}
}
