package rest_test

import (
	"net/http"
	"strings"
	"testing"
)

// TestWhatIsBlockedIsNoFact: no issue tells of it, and the one that did is over. Who does not keep it blocks nothing,
// and learns nothing of what is there.
func TestWhatIsBlockedIsNoFact(t *testing.T) {
	t.Parallel()
	c := twoClinics(t)
	c.meet()
	post := func(as, body string) answer { return c.do(as, http.MethodPost, "/fhir/Consent", body) }
	told := map[string]bool{}
	for _, who := range []string{"home", "other"} {
		for _, plan := range []string{"px", "none"} {
			a := post(who, strings.ReplaceAll(c.block(plan, ""), c.orgs["hospital"].String(), c.orgs[who].String())).want(t, http.StatusForbidden).valid(t)
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
	post("hospital", c.block("px", "")).want(t, http.StatusCreated)
	if open := c.open(); len(open) > 0 {
		t.Errorf("open: %v", open)
	}
}
