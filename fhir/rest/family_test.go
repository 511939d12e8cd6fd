package rest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/exchange"
)

// parents pushes the child and its plan, and gives each parent a principal: "mother", "father".
func (g *rig) parents() (patient fhir.Ref, plan string, mother, father fhir.Ref) {
	g.t.Helper()
	for _, file := range []string{"boris/01-kind.json", "boris/07-zorgplan-v3.json"} {
		g.submit("home", record(g.t, file)).want(g.t, http.StatusCreated)
	}
	id := g.search("home", "/fhir/Patient?family=XXX_").ids()
	if len(id) != 1 {
		g.t.Fatalf("patients: %v", id)
	}
	patient = refOf(id[0])
	system := fhir.Canonical + "/bron/90000001/ecd/betrokkene|"
	related := func(local string) fhir.Ref {
		found := g.search("home", "/fhir/RelatedPerson?identifier="+system+local).ids()
		if len(found) != 1 {
			g.t.Fatalf("%s: %v", local, found)
		}
		return refOf(found[0])
	}
	mother, father = related("bet-01"), related("bet-02")
	scopes, err := auth.ParseScopes("patient/Patient.r patient/CarePlan.rs patient/Consent.rs")
	if err != nil {
		g.t.Fatal(err)
	}
	for name, ref := range map[string]fhir.Ref{"mother": mother, "father": father} {
		g.principals[name] = auth.Principal{
			State: auth.TokenActive, Role: auth.Guardian, Client: "app", Subject: name, FHIRUser: ref, Patient: patient,
			Scopes: scopes, Purpose: "FAMRQT", Launch: "standalone", Grant: name,
		}
	}
	plans := g.search("home", "/fhir/CarePlan?patient="+patient.ID+"&identifier=zp-1001").ids()
	if len(plans) != 1 {
		g.t.Fatalf("plans: %v", plans)
	}
	return patient, "/fhir/" + plans[0], mother, father
}

// childRecord pushes a new version of the child record, recorded now.
func (g *rig) childRecord(version int, change func(content map[string]any)) {
	g.t.Helper()
	doc := decode[map[string]any](g.t, record(g.t, "boris/01-kind.json"))
	doc["versie"], doc["vastgelegdOp"] = version, g.clock().Format(time.RFC3339)
	content, ok := doc["inhoud"].(map[string]any)
	if !ok {
		g.t.Fatal("no inhoud")
	}
	change(content)
	b, err := json.Marshal(doc)
	if err != nil {
		g.t.Fatal(err)
	}
	g.submit("home", string(b)).want(g.t, http.StatusCreated)
}

func custody(kind string, on time.Time, holders ...any) func(map[string]any) {
	return func(content map[string]any) {
		content["gezag"] = map[string]any{
			"type": kind, "houders": holders, "bron": "BRP", "gecontroleerdOp": on.Format(time.DateOnly),
		}
	}
}

func (g *rig) reads(as, path string, want int, rule string) {
	g.t.Helper()
	a := g.get(as, path).want(g.t, want)
	if rule != "" {
		a.wantIssue(g.t, rule, "")
	}
}

// TestATT58_BirthdayAndCustodyChangeTheNextAnswer: nothing is written or cached that would let a parent
// read on when the right has ended.
func TestATT58_BirthdayAndCustodyChangeTheNextAnswer(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	patient, plan, mother, father := g.parents()
	g.reads("mother", plan, http.StatusOK, "")
	g.reads("father", plan, http.StatusOK, "")

	g.advance(time.Hour)
	g.childRecord(2, custody("EenhoofdigOuderlijkGezag", g.clock(), "bet-01"))
	g.reads("father", plan, http.StatusForbidden, "rep-custody-none")
	g.reads("mother", plan, http.StatusOK, "")
	ctx := context.Background()
	if role, allowed, err := g.exchange.Standing(ctx, father, patient); role != auth.Guardian || allowed || err != nil {
		t.Errorf("the father is %s, allowed %v, %v: losing custody makes no helper", role, allowed, err)
	}
	if children, err := g.exchange.Children(ctx, father); len(children) != 0 || err != nil {
		t.Errorf("the father may choose %v %v", children, err)
	}

	g.advance(366 * 24 * time.Hour)
	g.reads("mother", plan, http.StatusForbidden, "rep-custody-stale")

	amsterdam, err := time.LoadLocation("Europe/Amsterdam")
	if err != nil {
		t.Fatal(err)
	}
	birthday := time.Date(2037, 5, 4, 0, 0, 0, 0, amsterdam)
	g.advance(birthday.Add(-time.Minute).Sub(g.clock()))
	g.childRecord(3, custody("EenhoofdigOuderlijkGezag", g.clock(), "bet-01"))
	g.reads("mother", plan, http.StatusOK, "")
	if children, err := g.exchange.Children(ctx, mother); len(children) != 1 || err != nil || children[0].DecidesToo || !children[0].Until.Equal(birthday) {
		t.Errorf("on the eve: %+v %v", children, err)
	}
	g.advance(time.Minute)
	g.reads("mother", plan, http.StatusForbidden, "rep-child-permit-missing")
	children, err := g.exchange.Children(ctx, mother)
	if len(children) != 1 || err != nil || !children[0].DecidesToo || children[0].BirthYear != 2025 {
		t.Errorf("on the birthday: %+v %v", children, err)
	}
	if want := time.Date(2041, 5, 4, 0, 0, 0, 0, amsterdam); len(children) == 1 && !children[0].Until.Equal(want) {
		t.Errorf("permission ends at %v, want %v", children[0].Until, want)
	}
}

// TestPermissionOutlastsWhatChangesBesideIt holds that the check of custody and other consents,
// which each request judges anew, do not shorten what a parent chooses.
func TestPermissionOutlastsWhatChangesBesideIt(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	_, _, mother, _ := g.parents()
	amsterdam, err := time.LoadLocation("Europe/Amsterdam")
	if err != nil {
		t.Fatal(err)
	}
	twelve := time.Date(2037, 5, 4, 0, 0, 0, 0, amsterdam)
	children, err := g.exchange.Children(context.Background(), mother)
	if len(children) != 1 || err != nil || !children[0].Until.Equal(twelve) {
		t.Errorf("%+v %v, want an end at %v", children, err, twelve)
	}
}

// TestSMART513_ConsentOfAnAppLivesUntilItIsWithdrawn follows a grant from its writing to its end.
func TestSMART513_ConsentOfAnAppLivesUntilItIsWithdrawn(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	patient, _, mother, father := g.parents()
	ctx := context.Background()
	grant := exchange.Grant{
		User: mother, Patient: patient, Performer: mother, Client: "app", ClientName: "App", Purpose: "FAMRQT",
		Scopes: []string{"patient/CarePlan.rs"}, Types: []fhir.Type{"CarePlan"}, From: g.clock(),
		Until: g.clock().Add(90 * 24 * time.Hour), Text: "De app wil lezen.", Language: "nl", TextVersion: 1,
	}
	consent, err := g.exchange.GrantConsent(ctx, grant)
	if err != nil {
		t.Fatal(err)
	}
	live := func(want bool) {
		t.Helper()
		if got, err := g.exchange.ConsentLive(ctx, consent); got != want || err != nil {
			t.Errorf("live = %v %v, want %v", got, err, want)
		}
	}
	live(true)
	g.get("mother", "/fhir/"+consent.String()).want(t, http.StatusOK)
	given, err := g.exchange.Consents(ctx, mother)
	if err != nil || len(given) != 1 || given[0].Consent != consent || given[0].GivenName != "Boris" ||
		!slices.Equal(given[0].Scopes, grant.Scopes) {
		t.Errorf("the mother gave %+v %v", given, err)
	}
	if err := g.exchange.WithdrawConsent(ctx, consent, father); fhir.KindOf(err) != fhir.NotFound {
		t.Errorf("the father withdrew what the mother gave: %v", err)
	}
	live(true)
	for range 2 { // twice is no error
		if err := g.exchange.WithdrawConsent(ctx, consent, mother); err != nil {
			t.Fatal(err)
		}
	}
	live(false)
	if given, err := g.exchange.Consents(ctx, mother); len(given) != 0 || err != nil {
		t.Errorf("withdrawn, and listed: %+v %v", given, err)
	}

	third, err := g.exchange.GrantConsent(ctx, grant)
	if err != nil {
		t.Fatal(err)
	}
	consent = third
	p := g.principals["mother"]
	p.Scopes = g.scopes("patient/Consent.rus")
	g.principals["mother"] = p
	stored := g.get("mother", "/fhir/"+consent.Current().String()).want(t, http.StatusOK).body
	g.do("mother", http.MethodPut, "/fhir/"+consent.Current().String(), strings.Replace(stored, `"status":"active"`, `"status":"inactive"`, 1)).want(t, http.StatusOK)
	live(false) // by FHIR as by the page

	second, err := g.exchange.GrantConsent(ctx, grant)
	if err != nil {
		t.Fatal(err)
	}
	consent = second
	g.advance(90 * 24 * time.Hour)
	live(false)

	g.childRecord(2, custody("EenhoofdigOuderlijkGezag", g.clock(), "bet-01"))
	grant.User, grant.Performer = father, father
	if _, err := g.exchange.GrantConsent(ctx, grant); fhir.KindOf(err) != fhir.Forbidden {
		t.Errorf("a father without custody granted: %v", err)
	}
}

// TestRecordStaysWithItsChild: a version that names another child, or another BSN for a known local
// id, is a conflict, and the stored record stays where it is.
func TestRecordStaysWithItsChild(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.submit("hospital", record(t, "boris/02-kind-ziekenhuis.json")).want(t, http.StatusCreated)
	g.submit("hospital", record(t, "boris/11-overdracht-ziekenhuis-naar-huis.json")).want(t, http.StatusCreated)
	before := g.search("hospital", "/fhir/Composition?identifier=ovd-2001").Entry
	change := func(file string, child map[string]any) string {
		doc := decode[map[string]any](t, record(t, file))
		doc["versie"], doc["kind"] = 2, child
		b, err := json.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	transfer := "boris/11-overdracht-ziekenhuis-naar-huis.json"
	g.submit("hospital", change(transfer, map[string]any{"lokaalId": "P-OTHER"})).want(t, http.StatusConflict).
		wantIssue(t, "record-child", "/versie")
	g.submit("hospital", change("boris/02-kind-ziekenhuis.json", map[string]any{"lokaalId": "P-77001", "bsn": "999990019"})).
		want(t, http.StatusConflict).wantIssue(t, "MKS-ENV-11", "/kind/lokaalId")
	after := g.search("hospital", "/fhir/Composition?identifier=ovd-2001").Entry
	if len(before) != 1 || len(after) != 1 || before[0].Resource.ID != after[0].Resource.ID {
		t.Errorf("the transfer moved: %v, %v", before, after)
	}
	g.submit("hospital", change(transfer, map[string]any{"lokaalId": "P-77001"})).want(t, http.StatusCreated)
}

// TestEveryLookAtAChildOnThePagesIsInTheLog: the pages of the login show names of children and
// consents; that, and every refusal there, is an access like any other.
func TestEveryLookAtAChildOnThePagesIsInTheLog(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	patient, _, mother, father := g.parents()
	ctx := context.Background()
	grant := exchange.Grant{
		User: mother, Patient: patient, Performer: mother, Client: "app", ClientName: "App", Purpose: "FAMRQT",
		Scopes: []string{"patient/CarePlan.rs"}, Types: []fhir.Type{"CarePlan"}, From: g.clock(),
		Until: g.clock().Add(time.Hour), Text: "De app wil lezen.", Language: "nl", TextVersion: 1,
	}
	var consent fhir.Ref
	steps := []struct {
		name    string
		act     func() error
		outcome string
		reason  string // of a refusal
	}{
		{"the choice of child", func() error { _, err := g.exchange.Children(ctx, mother); return err }, "0", ""},
		{"a grant", func() (err error) { consent, err = g.exchange.GrantConsent(ctx, grant); return err }, "0", ""},
		{"the page of apps", func() error { _, err := g.exchange.Consents(ctx, mother); return err }, "0", ""},
		{"a withdrawal by another", func() error { return wantKind(g.exchange.WithdrawConsent(ctx, consent, father), fhir.NotFound) }, "4", "relation-none"},
		{"a grant in the name of another", func() error {
			foreign := grant
			foreign.Performer = father
			_, err := g.exchange.GrantConsent(ctx, foreign)
			return wantKind(err, fhir.Forbidden)
		}, "4", "relation-none"},
		{"a withdrawal", func() error { return g.exchange.WithdrawConsent(ctx, consent, mother) }, "0", ""},
	}
	for _, step := range steps {
		before := len(g.eventsOf(patient.ID))
		if err := step.act(); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		events := g.eventsOf(patient.ID)
		if len(events) != before+1 {
			t.Errorf("%s: %d events, want one", step.name, len(events)-before)
			continue
		}
		if last := events[len(events)-1]; last.Outcome != step.outcome || last.OutcomeDesc != step.reason {
			t.Errorf("%s: outcome %s %s, want %s %s", step.name, last.Outcome, last.OutcomeDesc, step.outcome, step.reason)
		}
	}
}

// wantKind is nil for an error of that kind.
func wantKind(err error, kind fhir.Kind) error {
	if err != nil && fhir.KindOf(err) == kind {
		return nil
	}
	return fmt.Errorf("got %v, want an error of kind %d", err, kind)
}

// TestATT58_ObjectionOfTheChildBitesOnTheNextAnswer: where parents read between 12 and 16 unless the child
// objects, the child's word closes the record at once, opens it again when it is withdrawn, and means
// nothing before the twelfth birthday.
func TestATT58_ObjectionOfTheChildBitesOnTheNextAnswer(t *testing.T) {
	t.Parallel()
	g := newRigWith(t, auth.Settings{Jurisdiction: "nl", ParentRead1215: "deny-on-child-objection"}, nil)
	patient, plan, mother, _ := g.parents()
	scopes, err := auth.ParseScopes("patient/Consent.crus")
	if err != nil {
		t.Fatal(err)
	}
	g.principals["child"] = auth.Principal{
		State: auth.TokenActive, Role: auth.ChildRole, Client: "app", Subject: "child", FHIRUser: patient, Patient: patient,
		Scopes: scopes, Purpose: "PATRQT", Launch: "standalone", Grant: "child",
	}
	objection := func(against fhir.Ref) string {
		return fmt.Sprintf(`{"resourceType":"Consent","status":"active",
			"scope":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/consentscope","code":"patient-privacy"}]},
			"category":[{"coding":[{"system":"http://loinc.org","code":"59284-0"}]}],
			"policyRule":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"OPTIN"}]},
			"patient":{"reference":%q},"performer":[{"reference":%q}],"provision":{"type":"deny","actor":[{
			"role":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ParticipationType","code":"IRCP"}]},
			"reference":{"reference":%q}}]}}`, patient, patient, against)
	}
	object := func(want int) string {
		a := g.do("child", http.MethodPost, "/fhir/Consent", objection(mother)).want(t, want)
		if want != http.StatusCreated {
			a.wantIssue(t, "rep-child-too-young", "")
			return ""
		}
		return decode[struct{ ID string }](t, a.body).ID
	}
	amsterdam, err := time.LoadLocation("Europe/Amsterdam")
	if err != nil {
		t.Fatal(err)
	}
	twelve := time.Date(2037, 5, 4, 0, 0, 0, 0, amsterdam)
	g.advance(twelve.Add(-time.Hour).Sub(g.clock()))
	g.childRecord(2, custody("TweehoofdigOuderlijkGezag", g.clock(), "bet-01", "bet-02"))
	object(http.StatusForbidden)
	g.reads("mother", plan, http.StatusOK, "")

	g.advance(2 * time.Hour)
	g.reads("mother", plan, http.StatusOK, "")
	consent := object(http.StatusCreated)
	g.reads("mother", plan, http.StatusNotFound, "not-found")
	g.reads("father", plan, http.StatusOK, "")
	if plans := g.search("mother", "/fhir/CarePlan?patient="+patient.ID).ids(); len(plans) != 0 {
		t.Errorf("a search finds %v", plans)
	}

	stored := g.get("child", "/fhir/Consent/"+consent).want(t, http.StatusOK)
	withdrawn := strings.Replace(stored.body, `"status":"active"`, `"status":"inactive"`, 1)
	g.do("child", http.MethodPut, "/fhir/Consent/"+consent, withdrawn).want(t, http.StatusOK)
	g.reads("mother", plan, http.StatusOK, "")

	consent = object(http.StatusCreated)
	g.reads("mother", plan, http.StatusNotFound, "not-found")
	const patched = "application/json-patch+json"
	g.do("child", http.MethodPatch, "/fhir/Consent/"+consent, `[{"op":"remove","path":"/provision/actor"}]`, "Content-Type", patched).want(t, http.StatusForbidden)
	g.do("child", http.MethodPatch, "/fhir/Consent/"+consent, `[{"op":"replace","path":"/status","value":"inactive"}]`, "Content-Type", patched).want(t, http.StatusOK)
	g.reads("mother", plan, http.StatusOK, "")
}
