package rest_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/drieluik/drieluik/fhir/coordination"
)

// TestOtherLimitsAreHeldAgainstWhatIsStored: after a change of the settings the children are looked at again, a few
// at a time, and once.
func TestOtherLimitsAreHeldAgainstWhatIsStored(t *testing.T) {
	t.Parallel()
	c := twoClinics(t)
	c.put("home", "/fhir/CarePlan/ph", c.plan("ph", "home", "scheduled", "2026-12-20", "fetma")).want(t, http.StatusCreated)
	c.put("hospital", "/fhir/CarePlan/px", c.plan("px", "hospital", "scheduled", "2026-12-22", "oro")).want(t, http.StatusCreated)
	c.tick()
	starts := func() (n int) {
		for _, body := range c.kept("hospital", "DetectedIssue") {
			if strings.Contains(body, `"O2"`) && strings.Contains(body, `"preliminary"`) {
				n++
			}
		}
		return n
	}
	if starts() != 0 {
		t.Fatal("a start is told a month before")
	}
	restart := func(days int) {
		stricter := *c.overlap
		stricter.Settings.O2Days = days
		c.overlap = &stricter
		c.wire(c.store) // the server starts again
	}
	restart(60)
	c.tick()
	if starts() != 1 {
		t.Error("a start within the new limit is not told")
	}
	before := c.position()
	c.tick()
	restart(60)
	if did := c.tick(); did.Children != 0 || len(c.position().Notices) != len(before.Notices) {
		t.Errorf("the same settings look again at %d children", did.Children)
	}
	restart(coordination.Defaults("se").O2Days)
	c.tick()
	if starts() != 0 {
		t.Error("what is within the limit no longer is still told")
	}
}
