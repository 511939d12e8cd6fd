package workflow_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/drieluik/drieluik/conformance/validate"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/workflow"
	"github.com/drieluik/drieluik/mapping"
)

// now is late in the evening in the zone of the days, and still the day before in UTC.
var now = time.Date(2026, 11, 21, 23, 30, 0, 0, time.UTC)

func transferOf(t testing.TB, k shelf, r *fhir.Resource) workflow.Transfer {
	t.Helper()
	out, err := workflow.ReadTransfer(k, r, hospital)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// implied is the consent of an acceptance.
func implied(t testing.TB) *fhir.Resource {
	t.Helper()
	r, err := transferOf(t, ready(t, "ziekenhuis-naar-huis"), task(t, "accepted")).Consent(now)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestAnAcceptanceImpliesTheConsentOfTheSpecification(t *testing.T) {
	t.Parallel()
	r := implied(t)
	if issues := validate.Resource(r); fhir.HasErrors(issues) {
		t.Error(issues)
	}
	var got, want any
	if err := json.Unmarshal(r.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	text := `{"resourceType":"Consent","id":"` + mapping.ID("workflow/7.14/kim/taak") + `","status":"active",
		"scope":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/consentscope","code":"patient-privacy"}]},
		"category":[{"coding":[{"system":"http://loinc.org","code":"59284-0"}]},
			{"coding":[{"system":"https://drieluik.example/fhir/CodeSystem/toestemming-soort","code":"verondersteld"}]}],
		"patient":{"reference":"Patient/kim"},"dateTime":"2026-11-21T23:30:00Z","organization":[{"reference":"Organization/hospital"}],
		"policyRule":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"OPTIN"}]},
		"provision":{"type":"permit","period":{"start":"2026-11-22","end":"2026-12-03"},
			"actor":[{"role":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ParticipationType","code":"IRCP"}]},"reference":{"reference":"Organization/home"}}],
			"purpose":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActReason","code":"TREAT"}],
			"data":[{"meaning":"dependents","reference":{"reference":"Composition/ovd"}}]}}`
	if err := json.Unmarshal([]byte(text), &want); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestNothingIsImpliedWithoutADocumentOfTheSender: whose document it is not, opens nothing.
func TestNothingIsImpliedWithoutADocumentOfTheSender(t *testing.T) {
	t.Parallel()
	self := fhir.Edit{Path: []string{"owner"}, JSON: `{"reference":"Organization/hospital"}`}
	staff := fhir.Edit{Path: []string{"owner"}, JSON: `{"reference":"PractitionerRole/nurse"}`}
	claimed, err := workflow.ReadTransfer(ready(t, "ziekenhuis-naar-huis"), task(t, "accepted"), fhir.Ref{Type: "Organization", ID: "other"})
	if err != nil || !claimed.Document.IsZero() {
		t.Errorf("a Task of another organisation shares %v %v", claimed.Document, err)
	}
	for _, c := range []struct {
		name string
		k    shelf
		task *fhir.Resource
		want bool
	}{
		{"no document", shelf{}, task(t, "accepted"), false},
		{"the document of another organisation", shelf{}.put(t, home, document("ziekenhuis-naar-huis")), task(t, "accepted"), false},
		{"sender and receiver are one", ready(t, "ziekenhuis-naar-huis"), task(t, "accepted", self), false},
		{"a receiver that nobody knows", ready(t, "ziekenhuis-naar-huis"), task(t, "accepted", staff), false},
		{"a nurse of the receiver", ready(t, "ziekenhuis-naar-huis").put(t, home,
			`{"resourceType":"PractitionerRole","id":"nurse","organization":{"reference":"Organization/home"}}`), task(t, "accepted", staff), true},
	} {
		r, err := transferOf(t, c.k, c.task).Consent(now)
		if err != nil || (r != nil) != c.want {
			t.Errorf("%s: %v %v", c.name, r, err)
		}
	}
}

func TestTheImpliedConsentFollowsItsTransfer(t *testing.T) {
	t.Parallel()
	later := fhir.Edit{Path: []string{"restriction", "period", "end"}, JSON: `"2026-11-10"`}
	past := fhir.Edit{Path: []string{"restriction", "period", "end"}, JSON: `"2025-01-01"`}
	withdrawn := edited(t, implied(t), fhir.Edit{Path: []string{"status"}, JSON: `"inactive"`})
	for _, c := range []struct {
		name          string
		stored        *fhir.Resource
		before, after *fhir.Resource
		status, end   string
	}{
		{"it goes on", implied(t), task(t, "accepted"), task(t, "in-progress"), "active", "2026-12-03"},
		{"it is held", implied(t), task(t, "accepted"), task(t, "on-hold"), "active", "2026-12-03"},
		{"another day", implied(t), task(t, "accepted"), task(t, "accepted", later), "active", "2026-12-10"},
		{"a day long past", implied(t), task(t, "accepted"), task(t, "accepted", past), "active", "2026-11-22"},
		{"completed", implied(t), task(t, "accepted"), task(t, "completed"), "active", "2026-12-22"},
		{"completed already", implied(t), task(t, "completed"), task(t, "completed"), "active", "2026-12-03"},
		{"cancelled", implied(t), task(t, "in-progress"), task(t, "cancelled"), "inactive", "2026-12-03"},
		{"failed", implied(t), task(t, "in-progress"), task(t, "failed"), "inactive", "2026-12-03"},
		{"a new receiver is asked", implied(t), task(t, "accepted"), task(t, "requested"), "inactive", "2026-12-03"},
		{"deleted", implied(t), task(t, "accepted"), nil, "inactive", "2026-12-03"},
		{"deleted when it was over", implied(t), task(t, "completed"), nil, "active", "2026-12-03"},
		{"withdrawn by the sender stays withdrawn", withdrawn, task(t, "accepted"), task(t, "completed"), "inactive", "2026-12-03"},
	} {
		subject := c.after
		if subject == nil {
			subject = c.before
		}
		r, err := transferOf(t, ready(t, "ziekenhuis-naar-huis"), subject).Follow(c.stored, c.before, c.after, now)
		if err != nil {
			t.Fatal(err)
		}
		if status, end := r.Root().Member("status").Text(), r.Root().At("provision", "period", "end").Text(); status != c.status || end != c.end {
			t.Errorf("%s: %s until %s, want %s until %s", c.name, status, end, c.status, c.end)
		}
	}
}

func TestAnObjectionIsTheReasonOfAStatusUntilItIsTakenAway(t *testing.T) {
	t.Parallel()
	plain := task(t, "received")
	objected, err := workflow.Objected(plain)
	if err != nil || !workflow.IsObjected(objected) {
		t.Fatalf("%v %v", objected, err)
	}
	if issues := validate.Resource(objected); fhir.HasErrors(issues) {
		t.Error(issues)
	}
	if again, err := workflow.Objected(objected); err != nil || again != objected {
		t.Error("told twice")
	}
	free, err := workflow.Unobjected(objected)
	if err != nil || !fhir.Equal(free.Root(), plain.Root()) {
		t.Errorf("%v %v", free, err)
	}
}
