package rest_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// block is a Consent of an organisation that hides a resource from others.
func (c *clinics) block(holder, ref string) string {
	return fmt.Sprintf(`{"resourceType":"Consent","status":"active","dateTime":"2026-11-20","patient":{"reference":%q},"organization":[{"reference":%q}],
		"scope":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/consentscope","code":"patient-privacy"}]},
		"category":[{"coding":[{"system":"https://drieluik.example/fhir/CodeSystem/se-samtycke","code":"sparr"}]}],
		"policyRule":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"OPTOUT"}]},
		"provision":{"type":"deny","data":[{"meaning":"instance","reference":{"reference":%q}}]}}`, c.patient, c.orgs[holder], ref)
}

// TestWhatIsBlockedIsNoFact: no issue tells of it, and the one that did is over. Who does not keep it blocks nothing,
// and learns nothing of what is there.
func TestWhatIsBlockedIsNoFact(t *testing.T) {
	t.Parallel()
	c := twoClinics(t)
	c.meet()
	post := func(as, body string) answer { return c.do(as, http.MethodPost, "/fhir/Consent", body) }
	told := map[string]bool{}
	for _, who := range []string{"home", "other"} {
		for _, ref := range []string{"CarePlan/px", "CarePlan/none"} {
			a := post(who, c.block(who, ref)).want(t, http.StatusForbidden).valid(t)
			a.wantIssue(t, "write-not-custodian", "")
			told[a.body] = true
		}
	}
	if len(told) != 1 {
		t.Errorf("what is there and what is not are told apart: %v", told)
	}
	for body := range told {
		if !strings.Contains(body, "En spärr döljer") {
			t.Errorf("not what to do: %s", body)
		}
	}
	if open := c.open(); len(open) == 0 {
		t.Error("an issue is over by the block of another")
	}
	post("hospital", c.block("hospital", "CarePlan/px")).want(t, http.StatusCreated)
	if open := c.open(); len(open) > 0 {
		t.Errorf("open: %v", open)
	}
}
