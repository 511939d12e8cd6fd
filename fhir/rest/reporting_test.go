package rest_test

import (
	"net/http"
	"strings"
	"testing"
)

// TestWhoReportsReadsItsOwnAndIsInTheLog: the purpose of a duty to report (PUBHLTH) is for organisations that have it.
// It opens what they keep, and what a consent names for it, and stands in the log that compliance reads.
func TestWhoReportsReadsItsOwnAndIsInTheLog(t *testing.T) {
	t.Parallel()
	g, patient, plan := planned(t, nil)
	as := func(name, org, purpose string) string {
		p := system(name, g.orgs[org], "system/*.cruds")
		p.Purpose = purpose
		g.principals[name] = p
		return name
	}
	g.get(as("hab reports", "hab", "PUBHLTH"), "/fhir/"+plan).want(t, 200)
	for purpose, status := range map[string]int{"COC": 200, "TREAT": 200, "PUBHLTH": 404} {
		g.get(as("bup for "+purpose, "bup", purpose), "/fhir/"+plan).want(t, status)
	}
	g.get(as("home reports", "home", "PUBHLTH"), "/fhir/"+plan).want(t, 403).wantIssue(t, "purpose-not-allowed", "")
	performer := g.search("hab", "/fhir/Consent?patient="+patient).ids()[0]
	by := decode[struct{ Performer []struct{ Reference string } }](t, g.get("hab", "/fhir/"+performer).body).Performer[0].Reference
	permit := func(purpose string) string {
		return `{"resourceType":"Consent","status":"active","dateTime":"2026-11-20","patient":{"reference":"` + patient + `"},"organization":[{"reference":"` + g.orgs["hab"].String() + `"}],
			"scope":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/consentscope","code":"patient-privacy"}]},"category":[{"coding":[{"system":"http://loinc.org","code":"59284-0"}]}],
			"performer":[{"reference":"` + by + `"}],"policyRule":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"OPTIN"}]},"provision":{"type":"permit"` + purpose + `,
			"actor":[{"role":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ParticipationType","code":"IRCP"}]},"reference":{"reference":"` + g.orgs["bup"].String() + `"}}]}}`
	}
	g.do("hab", http.MethodPost, "/fhir/Consent", permit("")).want(t, 201)
	g.get("bup for PUBHLTH", "/fhir/"+plan).want(t, 404)
	g.do("hab", http.MethodPost, "/fhir/Consent", permit(`,"purpose":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActReason","code":"PUBHLTH"}]`)).want(t, 201)
	g.get("bup for PUBHLTH", "/fhir/"+plan).want(t, 200)
	rows := g.get(g.officerOf("hab"), "/fhir/AuditEvent?patient="+strings.TrimPrefix(patient, "Patient/")+"&_count=100").want(t, 200).body
	if !strings.Contains(rows, `"purposeOfEvent":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActReason","code":"PUBHLTH"`) {
		t.Errorf("compliance does not see the purpose: %s", rows)
	}
}
