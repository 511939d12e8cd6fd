package workflow

import (
	"fmt"
	"slices"

	"github.com/drieluik/drieluik/fhir"
)

// openHelp are the statuses of a task of help that has not ended.
var openHelp = []string{draft, requested, received, accepted, inProgress}

// Withdraw returns what ends when a Consent on what a member of the network sees is withdrawn: the member is not
// active any more, and its open tasks wait. Nil for any other Consent.
func Withdraw(k Known, before, after *fhir.Resource) ([]*fhir.Resource, error) {
	const op = "workflow.Withdraw"
	n := after.Root()
	if !coded(n, consentSystem, "lid-ziet", "category", "coding") || status(after) != "inactive" || before == nil || status(before) != "active" {
		return nil, nil
	}
	patient, member := refAt(n, "patient"), refAt(n, "provision", "actor", "reference")
	person, err := k.Read(member)
	if err != nil || person == nil || refAt(person.Resource.Root(), "patient") != patient {
		return nil, err
	}
	var out []*fhir.Resource
	if approachable(person.Resource) {
		r, err := person.Resource.Edit(fhir.Edit{Path: []string{"active"}, JSON: "false"})
		if err != nil {
			return nil, fhir.Wrap(op, err)
		}
		out = append(out, r)
	}
	tasks, err := k.Child(patient, "Task")
	if err != nil {
		return nil, err
	}
	for _, t := range tasks {
		if !IsHelp(t.Resource) || refAt(t.Resource.Root(), "owner") != member || !slices.Contains(openHelp, status(t.Resource)) {
			continue
		}
		r, err := t.Resource.Edit(fhir.Edit{Path: []string{"status"}, JSON: fmt.Sprintf("%q", onHold)})
		if err != nil {
			return nil, fhir.Wrap(op, err)
		}
		out = append(out, r)
	}
	return out, nil
}
