package workflow

import (
	"fmt"
	"slices"

	"github.com/drieluik/drieluik/fhir"
)

// A helper who did not answer and the reserve who was asked then may both still say yes: the first who does takes the
// turn, and the question to the other ends (network.md 4).

// ruleTurn is the rule that one alone takes a turn.
const ruleTurn = "NW-T02"

// agreedStates are the states of an agreement that somebody has taken.
var agreedStates = []string{"geaccepteerd", "loopt"}

// Taken reports whether somebody has taken the turn of a task of help.
func Taken(task *fhir.Resource) bool {
	if status(task) == onHold {
		return slices.ContainsFunc(agreedStates, func(state string) bool {
			return coded(task.Root(), stateSystem, state, "businessStatus", "coding")
		})
	}
	return slices.Contains([]string{accepted, inProgress, completed}, status(task))
}

// Takes reports whether a write takes the turn of a task of help; before is nil for a new one.
func Takes(before, after *fhir.Resource) bool {
	return slices.Contains([]string{accepted, inProgress}, status(after)) && !Taken(before)
}

// Yield returns a task of help as it ends because another has taken the turn; nil for one that does not wait.
func Yield(task *fhir.Resource) (*fhir.Resource, error) {
	held := status(task) == onHold && coded(task.Root(), stateSystem, "voorgesteld", "businessStatus", "coding")
	if !IsHelp(task) || !held && !slices.Contains(Waiting, status(task)) {
		return nil, nil
	}
	r, err := task.Edit(
		fhir.Edit{Path: []string{"status"}, JSON: fmt.Sprintf("%q", cancelled)},
		fhir.Edit{Path: []string{"statusReason"}, JSON: `{"text":"Een ander heeft deze beurt aangenomen. / Någon annan har tagit den här turen. / Somebody else has taken this turn."}`},
	)
	return r, fhir.Wrap("workflow.Yield", err)
}

// TurnTaken tells a helper that another has taken the turn.
func TurnTaken() []fhir.Issue { return []fhir.Issue{helpFault(ruleTurn, "Task.status")} }
