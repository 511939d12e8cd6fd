package workflow

import (
	"time"

	"github.com/drieluik/drieluik/fhir"
)

// Patience is how long a helper has to answer before the reserve is asked (network.md 4).
const Patience = 3 * 24 * time.Hour

// Waiting are the statuses of a task of help that its helper has not answered. Read only.
var Waiting = []string{requested, received}

// IsHelpCode reports whether a code of a Task asks somebody of a family's network for help.
func IsHelpCode(system, code string) bool { return system == helpSystem && code == "hulp" }

// Passed is the task by which the reserve of a plan is asked: one for each plan, whoever asks and however often.
func Passed(patient, plan fhir.Ref) fhir.Ref {
	return fhir.Ref{Type: "Task", ID: ID(RuleNetwork, patient, plan.ID)}
}

// Unanswered returns the task by which the reserve is asked where the helper does not answer; nil when there is
// nobody to ask, or the reserve was asked already. It passes on the errors of k.
func Unanswered(k Known, task *fhir.Resource) (*fhir.Resource, error) {
	h, err := readAgreed(k, task)
	if err != nil {
		return nil, err
	}
	return h.Pass(k)
}
