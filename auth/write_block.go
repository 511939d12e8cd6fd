package auth

import (
	"slices"

	"github.com/drieluik/drieluik/fhir"
)

// endedConsents are the statuses in which a Consent says nothing any more.
var endedConsents = []string{"inactive", "rejected", "entered-in-error"}

// checkBlock judges who blocks (spärr, access.md 4.5): the child, a guardian where the jurisdiction has it so, or on
// their behalf the organisation that keeps what is blocked, and nothing else: 403 write-role, write-not-custodian. Of
// another's and of what is not there the answer is the same.
func (q *inquiry) checkBlock(body, _ *ResourceFacts) Decision {
	if q.a.Type != "Consent" || body == nil || body.Consent == nil || !body.Consent.Block || slices.Contains(endedConsents, body.Status) {
		return fine
	}
	if !q.role.person {
		if slices.ContainsFunc(body.Consent.Blocked, func(ref fhir.Ref) bool { return !q.keepsRef(ref) }) {
			return refused(stepWrite, "write-not-custodian", 403)
		}
		return fine
	}
	for _, ref := range body.Patients {
		c := q.child(ref)
		if q.p.Role == Guardian && (c == nil || !c.viewOf(q.p, q.f, false).policy.guardianMayBlock) {
			return refused(stepWrite, "write-role", 403)
		}
	}
	return fine
}

// keepsRef reports whether the organisation of the principal keeps a stored resource, or is it.
func (q *inquiry) keepsRef(ref fhir.Ref) bool {
	if ref.IsZero() || q.f.Lookup == nil {
		return false
	}
	if ref.Current() == q.p.Organization.Current() {
		return true
	}
	f, ok := q.f.Lookup(ref.Current())
	return ok && len(f.Patients) > 0 && f.Custodian.Current() == q.p.Organization.Current()
}

// codeBlock is the category of a block (spärr).
var codeBlock = Coding{System: systemSwedishConsent, Code: "sparr"}

// named returns what the provisions from n down name.
func named(n fhir.Node, depth int) []fhir.Ref {
	var out []fhir.Ref
	for d := range n.All("data") {
		out = append(out, refAt(d, "reference"))
	}
	if depth > maxProvisionDepth {
		return out
	}
	for child := range n.All("provision") {
		out = append(out, named(child, depth+1)...)
	}
	return out
}
