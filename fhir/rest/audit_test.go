package rest_test

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/drieluik/drieluik/conformance/validate"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/exchange"
)

// TestTheLogIsValidAndHoldsNoIdentifierThatWasAskedFor sends requests of every kind and checks each
// AuditEvent that came of them.
func TestTheLogIsValidAndHoldsNoIdentifierThatWasAskedFor(t *testing.T) {
	file := vectors(t)
	i := slices.IndexFunc(file.Cases, func(c accessCase) bool { return c.Expected.Reason == "permit-consent" })
	if i < 0 {
		t.Skip("the file has no permit by consent")
	}
	g := prepare(t, file, file.Cases[i])
	send(g, "case", file.Cases[i])
	g.submit("home", record(t, childFile)).want(t, 201)
	g.submit("other", record(t, childFile)).want(t, 403)
	patient, _ := g.child("hospital")
	g.search("hospital", "/fhir/Patient?identifier="+bsnSystem+"|999912148")
	g.search("hospital", "/fhir/CarePlan?patient="+patient)
	g.get("other", "/fhir/Patient/"+patient).want(t, 404)
	g.get("", "/fhir/Patient/"+patient).want(t, 401)
	g.do("hospital", http.MethodPost, "/fhir", `{"resourceType":"Bundle","type":"transaction"}`).want(t, 200)
	plan := "/fhir/CarePlan/" + g.create("hospital", "CarePlan", fmt.Sprintf(planBody, patient))
	g.do("hospital", http.MethodPatch, plan, titlePatch, "Content-Type", jsonPatch).want(t, 200)
	g.do("hospital", http.MethodPost, "/fhir/Patient", patientBody, "If-None-Exist", "identifier="+bsnSystem+"|999912148").want(t, 200)
	g.do("hospital", http.MethodDelete, plan, "").want(t, 204)
	g.do("hospital", http.MethodDelete, "/fhir/CarePlan?identifier="+bsnSystem+"|999912148", "").want(t, 204)
	g.get("hospital", plan+"/_history").want(t, 200)
	g.get("hospital", "/fhir/_history").want(t, 200)
	g.get("hospital", "/fhir/Patient/"+patient+"/$everything?_type=CarePlan").want(t, 200)
	g.get("hospital", "/fhir/Composition/none/$document").want(t, 404)
	for range 21 {
		g.do("other", http.MethodPut, "/fhir/Patient/"+patient, withID(patientBody, patient))
	}
	rows, consents := 0, 0
	compartments := append(slices.Collect(maps.Keys(g.position().States)), exchange.SystemCompartment)
	err := g.store.View(context.Background(), func(v exchange.Snapshot) error {
		for _, c := range compartments {
			chain, err := v.Audit(c, 1, 10_000)
			if err != nil {
				return err
			}
			for _, row := range chain {
				rows++
				consents += strings.Count(string(row.Body), `"Consent/`)
				r, issues := fhir.Parse(row.Body, fhir.Limits{})
				if fhir.HasErrors(issues) {
					t.Fatalf("%v in %s", issues, row.Body)
				}
				if issues := validate.Resource(r); fhir.HasErrors(issues) {
					t.Errorf("%+v in %s", issues, row.Body)
				}
				if strings.Contains(string(row.Body), "999912148") {
					t.Errorf("an identifier stands in %s", row.Body)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if rows < 10 || consents == 0 {
		t.Errorf("%d rows that name %d consents: the test shows nothing", rows, consents)
	}
}

// TestARequestIsLoggedWithEachPatientItTouched: a search gives one event for itself and one per child.
func TestARequestIsLoggedWithEachPatientItTouched(t *testing.T) {
	g := newRig(t)
	one, planOne := g.child("hospital")
	two, planTwo := g.child("hospital")
	before := map[string]int{}
	for _, c := range []string{one, two, exchange.SystemCompartment} {
		before[c] = len(g.eventsOf(c))
	}
	g.search("hospital", "/fhir/CarePlan")
	for c, plan := range map[string]string{one: planOne, two: planTwo} {
		events := g.eventsOf(c)
		if len(events) != before[c]+1 {
			t.Fatalf("%d events of the child", len(events)-before[c])
		}
		named := fmt.Sprint(events[len(events)-1].Entity)
		if !strings.Contains(named, "CarePlan/"+plan+"/_history/1") || !strings.Contains(named, "Patient/"+c) ||
			strings.Contains(named, planOne) && plan != planOne {
			t.Errorf("the event of the child names %s", named)
		}
	}
	events := g.eventsOf(exchange.SystemCompartment)
	if len(events) != before[exchange.SystemCompartment]+1 || events[len(events)-1].Action != "E" {
		t.Errorf("the search itself: %+v", events[len(events)-1])
	}
}

// TestStaffAndHoldersAreFoundFromWhatNamesThem: a pushed team relates the organisations of its staff,
// and an issue those who hold what it implicates.
func TestStaffAndHoldersAreFoundFromWhatNamesThem(t *testing.T) {
	g := newRig(t)
	g.submit("home", record(t, childFile)).want(t, 201)
	staffed := 0
	err := g.store.View(context.Background(), func(v exchange.Snapshot) error {
		all, err := v.Identified("Patient", fhir.Identifier{System: bsnSystem, Value: "999912148"})
		if err != nil || len(all) != 1 {
			t.Fatalf("%d patients, %v", len(all), err)
		}
		teams, _, err := v.Compartment(all[0].Ref.ID, "CareTeam")
		if err != nil {
			return err
		}
		for _, team := range teams {
			for _, role := range team.Facts.Refs {
				if role.Type != "PractitionerRole" {
					continue
				}
				st, err := v.Read(role)
				if err != nil {
					return err
				}
				for _, org := range st.Facts.Refs {
					if org.Type != "Organization" {
						continue
					}
					staffed++
					related, err := v.Related(org)
					if err != nil || !slices.Contains(related, all[0].Ref.ID) {
						t.Errorf("%s has staff in the team, and the team is not found from it: %v %v", org, related, err)
					}
				}
			}
		}
		return nil
	})
	if err != nil || staffed == 0 {
		t.Fatalf("%d members of staff, %v", staffed, err)
	}
	patient, plan := g.child("hospital")
	g.create("other", "DetectedIssue", fmt.Sprintf(`{"resourceType":"DetectedIssue","status":"final","patient":{"reference":"Patient/%s"},
		"code":{"coding":[{"system":"%s/CodeSystem/overlap-rule","code":"O2"}]},"implicated":[{"reference":"CarePlan/%s"}]}`, patient, fhir.Canonical, plan))
	if got := g.search("hospital", "/fhir/DetectedIssue?patient="+patient).ids(); len(got) != 1 {
		t.Errorf("the holder of what is implicated finds %v", got)
	}
	if got := g.search("home", "/fhir/DetectedIssue?patient="+patient).ids(); len(got) != 0 {
		t.Errorf("another organisation finds %v", got)
	}
}
