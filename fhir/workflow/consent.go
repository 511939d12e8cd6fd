package workflow

import (
	"fmt"
	"time"

	"github.com/drieluik/drieluik/fhir"
)

// RuleConsent is the rule of the consent that an acceptance implies.
const RuleConsent = "7.14"

// lasting is how many days the receiver may read on after the transfer.
const lasting = 30

// ConsentOf returns the Consent that the acceptance of a transfer Task implies.
func ConsentOf(patient, task fhir.Ref) fhir.Ref {
	return fhir.Ref{Type: "Consent", ID: ID(RuleConsent, patient, task.ID)}
}

type consentActor struct {
	Role      concept    `json:"role"`
	Reference *reference `json:"reference"`
}

type consentData struct {
	Meaning   string     `json:"meaning"`
	Reference *reference `json:"reference"`
}

type provision struct {
	Type    string         `json:"type"`
	Period  period         `json:"period"`
	Actor   []consentActor `json:"actor"`
	Purpose []coding       `json:"purpose"`
	Data    []consentData  `json:"data"`
}

type consent struct {
	ResourceType string       `json:"resourceType"`
	ID           string       `json:"id"`
	Status       string       `json:"status"`
	Scope        concept      `json:"scope"`
	Category     []concept    `json:"category"`
	Patient      *reference   `json:"patient"`
	DateTime     string       `json:"dateTime"`
	Organization []*reference `json:"organization"`
	PolicyRule   concept      `json:"policyRule"`
	Provision    provision    `json:"provision"`
}

// Consent returns the Consent that the acceptance of t at an instant implies: the receiver reads the
// document and what it gathers. Nil where there is nothing to share, or nobody to share it with.
func (t Transfer) Consent(now time.Time) (*fhir.Resource, error) {
	if t.Document.IsZero() || t.Receiver.IsZero() || t.Sender == t.Receiver {
		return nil, nil
	}
	const (
		terms  = "http://terminology.hl7.org/CodeSystem/"
		loinc  = "http://loinc.org"
		notice = "59284-0"
	)
	return fhir.Make("workflow.Consent", consent{
		ResourceType: "Consent", ID: ConsentOf(t.Patient, t.Task.Ref()).ID, Status: "active",
		Scope:    codedAs(terms+"consentscope", "patient-privacy"),
		Category: []concept{codedAs(loinc, notice), codedAs(fhir.Canonical+"/CodeSystem/toestemming-soort", "verondersteld")},
		Patient:  to(t.Patient), DateTime: now.UTC().Format(time.RFC3339),
		Organization: []*reference{to(t.Sender)}, PolicyRule: codedAs(terms+"v3-ActCode", "OPTIN"),
		Provision: provision{
			Type: "permit", Period: period{Start: dayOf(now, 0), End: t.end(dayOf(now, 0))},
			Actor:   []consentActor{{Role: codedAs(terms+"v3-ParticipationType", "IRCP"), Reference: to(t.Receiver)}},
			Purpose: []coding{{terms + "v3-ActReason", "TREAT"}},
			Data:    []consentData{{Meaning: "dependents", Reference: to(t.Document)}},
		},
	})
}

// end is the last day of a consent that begins on a day, while the transfer runs: of a Task without a
// last day, counted from that one. A transfer that is long over opens the day of its acceptance alone.
func (t Transfer) end(start string) string {
	last := start
	if begun, ok := dayAfter(start, lasting); ok {
		last = begun
	}
	if day, ok := dayAfter(t.Task.Root().At("restriction", "period", "end").Text(), lasting); ok {
		last = max(day, start)
	}
	return last
}

// Follow returns what becomes of the stored consent of an acceptance by a write of its Task that is not
// an acceptance: it runs on with it, ends after its completion, and is inactive when it ends otherwise
// or is deleted (after nil). The stored one itself when nothing changes: what the sender has withdrawn
// stays so.
func (t Transfer) Follow(stored, before, after *fhir.Resource, now time.Time) (*fhir.Resource, error) {
	const op = "workflow.Follow"
	if stored == nil || status(stored) != "active" {
		return stored, nil
	}
	last := ""
	switch {
	case Completes(before, after):
		last = dayOf(now, lasting)
	case after == nil && status(before) == completed, after != nil && status(after) == completed:
		return stored, nil
	case after == nil || !Accepted(after, stored):
		r, err := stored.Edit(fhir.Edit{Path: []string{"status"}, JSON: `"inactive"`})
		return r, fhir.Wrap(op, err)
	default:
		last = t.end(stored.Root().At("provision", "period", "start").Text())
	}
	r, err := stored.Edit(fhir.Edit{Path: []string{"provision", "period", "end"}, JSON: fmt.Sprintf("%q", last)})
	return r, fhir.Wrap(op, err)
}

// RuleObjection is the rule that refuses an acceptance against an objection.
const RuleObjection = "G9"

const (
	objectionCode = "bezwaar"
	objectionText = "Er is bezwaar gemaakt tegen delen met de ontvanger"
)

// Objection is the refusal of an acceptance against an objection. It names nobody.
func Objection() []fhir.Issue {
	return fault(RuleObjection, "Task.status", dutch(
		"Somebody objected to sharing with the receiver; the sender talks with the family, and the receiver can accept once the objection is withdrawn.",
		objectionText+"; de verzender spreekt met het gezin, en de ontvanger kan aanvaarden zodra het bezwaar is ingetrokken."))
}

// Objected returns the Task with the objection as the reason of its status, and itself when it has it.
func Objected(task *fhir.Resource) (*fhir.Resource, error) {
	if IsObjected(task) {
		return task, nil
	}
	reason := codedAs(categorySystem, objectionCode)
	reason.Text = objectionText
	text, err := fhir.Render(reason)
	if err != nil {
		return nil, fhir.Wrap("workflow.Objected", err)
	}
	r, err := task.Edit(fhir.Edit{Path: []string{"statusReason"}, JSON: text})
	return r, fhir.Wrap("workflow.Objected", err)
}

// Unobjected returns the Task without the objection as the reason of its status, and itself when it has none.
func Unobjected(task *fhir.Resource) (*fhir.Resource, error) {
	if !IsObjected(task) {
		return task, nil
	}
	r, err := task.Edit(fhir.Edit{Path: []string{"statusReason"}})
	return r, fhir.Wrap("workflow.Unobjected", err)
}

// IsObjected reports whether a Task bears an objection as the reason of its status.
func IsObjected(task *fhir.Resource) bool {
	return coded(task.Root(), categorySystem, objectionCode, "statusReason", "coding")
}
