package auth

import (
	"slices"

	"github.com/drieluik/drieluik/fhir"
)

// checkRole judges which role writes which type, access.md 5: 403 write-role.
func (q *inquiry) checkRole(body, stored *ResourceFacts) Decision {
	if q.mayWriteType(body, stored) {
		return fine
	}
	return refused(stepWrite, "write-role", 403)
}

func (q *inquiry) mayWriteType(body, stored *ResourceFacts) bool {
	t := q.a.Type
	switch {
	case q.p.Role == Admin:
		return IsDirectory(t) || t == "Subscription"
	case IsDirectory(t), t == "AuditEvent", t == "Person":
		return false
	case q.role.person:
		rule, ok := personWrites[t]
		return ok && body != nil && rule(q, body, stored)
	case t == "Task" && stored == nil:
		return q.acts(body.Requester)
	}
	return true // of a Consent the holder is checked with the grant
}

// personWrites are what guardians, children and helpers may write, by type.
var personWrites = map[fhir.Type]func(q *inquiry, body, stored *ResourceFacts) bool{
	"Task":                  (*inquiry).personTask,
	"QuestionnaireResponse": (*inquiry).personAnswers,
	"Communication":         (*inquiry).personMessage,
	"Consent":               (*inquiry).personConsent,
	"Provenance":            (*inquiry).personSignature,
}

// personTask: the status of a Task they own. A guardian or child also asks for help: a Task
// netwerk-taak#hulp as requester; whoever asked, it may cancel or hold one of the child (network.md 4).
func (q *inquiry) personTask(body, stored *ResourceFacts) bool {
	help := isHelp(body) && q.p.Role != Helper
	if stored == nil {
		return help && q.isSelf(body.Requester)
	}
	if q.a.Interaction == Delete || stored.Rest != body.Rest {
		return false
	}
	return q.isSelf(stored.Owner) || help && q.stopsHelp(body, stored)
}

// isHelp reports whether a Task asks a member of a family's network for help.
func isHelp(r *ResourceFacts) bool {
	return r.Ref.Type == "Task" && slices.Contains(r.Codings, Coding{System: systemNetworkTask, Code: "hulp"})
}

// stopsHelp reports whether a guardian or child ends a Task of help, or holds it: that is always allowed.
func (q *inquiry) stopsHelp(body, stored *ResourceFacts) bool {
	return (q.p.Role == Guardian || q.p.Role == ChildRole) && isHelp(stored) && isHelp(body) &&
		(body.Status == "cancelled" || body.Status == "on-hold") && !slices.Contains(finalStatuses, stored.Status)
}

// personAnswers: a QuestionnaireResponse of one's own, and that one while it is in progress.
func (q *inquiry) personAnswers(body, stored *ResourceFacts) bool {
	if q.p.Role == Helper || !slices.ContainsFunc(body.By, q.isSelf) {
		return false
	}
	return stored == nil || q.a.Interaction != Delete && stored.Status == "in-progress" && slices.ContainsFunc(stored.By, q.isSelf)
}

// personMessage: a Communication that the person sends.
func (q *inquiry) personMessage(body, stored *ResourceFacts) bool {
	return stored == nil && slices.ContainsFunc(body.By, q.isSelf)
}

// personConsent: a Consent with the person among its performers, and not of the kind that the acceptance of a
// transfer makes: that one needs no giver, and would outlive custody and birthdays. A change is a withdrawal
// alone, which is permitted before.
func (q *inquiry) personConsent(body, stored *ResourceFacts) bool {
	implied := slices.Contains(body.Codings, Coding{System: systemConsentKind, Code: "verondersteld"})
	return q.p.Role != Helper && stored == nil && !implied && slices.ContainsFunc(body.By, q.isSelf)
}

// personSignature: a Provenance that signs for the person alone.
func (q *inquiry) personSignature(body, stored *ResourceFacts) bool {
	others := func(ref fhir.Ref) bool { return !q.isSelf(ref) }
	return q.p.Role != Helper && stored == nil && body.Signed && len(body.By) > 0 && !slices.ContainsFunc(body.By, others)
}

// transition is one step of a Task.
type transition struct{ from, to string }

// ownerSteps and requesterSteps are the steps of access.md 5; bothSteps are open to either. A from
// of "" is any status that is not final.
var (
	ownerSteps = []transition{
		{"requested", "received"}, {"requested", "accepted"}, {"requested", "rejected"},
		{"received", "accepted"}, {"received", "rejected"},
		{"accepted", "in-progress"}, {"accepted", "completed"},
		{"in-progress", "completed"}, {"in-progress", "failed"},
	}
	requesterSteps = []transition{{"draft", "requested"}}
	bothSteps      = []transition{{"", "cancelled"}, {"", "on-hold"}, {"on-hold", "in-progress"}}
	finalStatuses  = []string{"rejected", "cancelled", "failed", "completed", "entered-in-error"}
)

// checkTransition judges a change of a Task's status: 422 task-transition.
func (q *inquiry) checkTransition(body, stored *ResourceFacts) Decision {
	if q.a.Type != "Task" || stored == nil || body == nil || stored.Status == body.Status {
		return fine
	}
	open := func(list []transition) bool {
		return slices.ContainsFunc(list, func(s transition) bool {
			return s.to == body.Status && (s.from == stored.Status || s.from == "" && !slices.Contains(finalStatuses, stored.Status))
		})
	}
	if q.stopsHelp(body, stored) {
		return fine
	}
	onBehalf := isHelp(stored) && stored.Owner.Type == "RelatedPerson" && q.keeps(stored) // of the helper: the supporter (network.md 4)
	owner := q.acts(stored.Owner) || q.isSelf(stored.Owner) || onBehalf
	requester := q.acts(stored.Requester) || q.isSelf(stored.Requester)
	if owner && open(ownerSteps) || requester && open(requesterSteps) || (owner || requester) && open(bothSteps) {
		return fine
	}
	return refused(stepWrite, "task-transition", 422)
}

// keeps reports whether the organisation of the principal keeps the resource.
func (q *inquiry) keeps(r *ResourceFacts) bool {
	return !q.role.person && !q.p.Organization.IsZero() && r.Custodian == q.p.Organization
}
