package workflow

import (
	"fmt"
	"slices"
	"strings"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/patch"
)

// agreement is what a status of a task of help means: the state of the agreement, and what its plan says then
// (network.md 3).
type agreement struct{ state, plan, intent, detail string }

var agreements = map[string]agreement{
	accepted:   {"geaccepteerd", "active", "plan", "scheduled"},
	rejected:   {"geweigerd", "revoked", "proposal", "cancelled"},
	inProgress: {"loopt", "active", "plan", "in-progress"},
	cancelled:  {"gestopt", "completed", "plan", "stopped"},
}

// Agreed returns the task with the state of its agreement that a new status means; the task itself when it
// means none, or says nothing of an agreement.
func Agreed(before, after *fhir.Resource) (*fhir.Resource, error) {
	row, ok := agreements[status(after)]
	has := slices.ContainsFunc(slices.Collect(after.Root().All("businessStatus", "coding")), func(c fhir.Node) bool {
		return c.Member("system").Text() == stateSystem
	})
	if !ok || !has || status(before) == status(after) {
		return after, nil
	}
	text, err := fhir.Render(codedAs(stateSystem, row.state))
	if err != nil {
		return nil, fhir.Wrap("workflow.Agreed", err)
	}
	r, err := after.Edit(fhir.Edit{Path: []string{"businessStatus"}, JSON: text})
	return r, fhir.Wrap("workflow.Agreed", err)
}

// Plan returns the plan of an agreement as the new status of its own task has it; nil where that says nothing
// of it. The plan waits while its reserve is asked.
func (h Help) Plan(before *fhir.Resource, asked bool) *fhir.Resource {
	row, ok := agreements[status(h.Task)]
	own := slices.ContainsFunc(slices.Collect(h.Task.Root().All("identifier")), func(id fhir.Node) bool {
		return strings.Contains(id.Member("value").Text(), "#taak-")
	})
	if !ok || !own || asked || h.agreement == nil || status(before) == status(h.Task) {
		return nil
	}
	change, issues := patch.Parse(patch.JSON, fmt.Appendf(nil, `[{"op":"replace","path":"/status","value":%q},{"op":"replace","path":"/intent","value":%q},
		{"op":"replace","path":"/activity/0/detail/status","value":%q}]`, row.plan, row.intent, row.detail))
	if issues != nil {
		return nil
	}
	r, issues := change.Apply(h.agreement)
	if fhir.HasErrors(issues) { // a plan of another form says itself what it is
		return nil
	}
	return r
}

// Refused reports whether a helper has refused just now.
func Refused(before, after *fhir.Resource) bool {
	return before != nil && status(after) == rejected && status(before) != rejected
}
