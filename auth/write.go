package auth

import (
	"slices"

	"github.com/drieluik/drieluik/fhir"
)

// decideWrite judges a write that passed phase A. It has an inquiry of its own, so that the one of a
// read can stay on the stack.
func decideWrite(p Principal, a Action, f Facts) Decision {
	q := inquiry{p: &p, a: &a, f: &f, act: interactions[a.Interaction], role: roles[p.Role]}
	return q.write()
}

// write judges create, update, patch and delete after phase A, access.md 5. Without body and stored
// resource the answer is that of phase A.
func (q *inquiry) write() Decision {
	body, stored := q.a.Body, q.f.Resource
	if body == nil && stored == nil {
		return q.goOn()
	}
	switch {
	case body == nil && q.a.Interaction == Patch && q.role.person && q.p.Role != Helper:
		return q.mayPatch(stored)
	case stored != nil && q.withdraws(stored, body):
		if reach, _ := q.reaches(stored); reach {
			return q.permitted("permit-withdraw")
		}
		return hidden(stepContext, "context-other-patient")
	case stored != nil:
		if d := q.storedReach(stored); !d.Permit {
			return d
		}
	}
	if body != nil {
		if d := q.bodyReach(body); !d.Permit {
			return d
		}
	}
	if stored == nil {
		if d := q.mayAct(body); !d.Permit {
			return d
		}
	}
	for _, check := range writeChecks {
		if d := check(q, body, stored); !d.Permit {
			return d
		}
	}
	return q.permitted("permit-write")
}

// mayPatch judges what a family may patch before the new content is known: what it sees, and a Consent
// of its own. The content is judged when it is made.
func (q *inquiry) mayPatch(stored *ResourceFacts) Decision {
	if reach, _ := q.reaches(stored); reach && q.a.Type == "Consent" && slices.ContainsFunc(stored.By, q.isSelf) {
		return q.permitted("permit-write")
	}
	return q.storedReach(stored)
}

// writeChecks are the rows of access.md 5 in their order; scope and context come before them.
var writeChecks = []func(q *inquiry, body, stored *ResourceFacts) Decision{
	(*inquiry).checkPatients, (*inquiry).checkCustodian, (*inquiry).checkRole, (*inquiry).checkLabels,
	(*inquiry).checkGrant, (*inquiry).checkGiver, (*inquiry).checkBlock, (*inquiry).checkTransition,
}

var fine = Decision{Permit: true}

// bodyReach judges the caller's own content by scope and context.
func (q *inquiry) bodyReach(body *ResourceFacts) Decision {
	reach, passes := q.reaches(body)
	switch {
	case !passes:
		return refused(stepScope, "scope-granular", 403)
	case !IsDirectory(q.a.Type) && !q.p.Patient.IsZero() && !q.onlyOwnPatient(body):
		return refused(stepContext, "context-other-patient", 403)
	case !IsDirectory(q.a.Type) && !reach:
		return refused(stepContext, "context-other-patient", 403)
	}
	return fine
}

// storedReach judges the stored resource as phase B does, without the letter r. What a caller may
// write without reading it is judged by its own row: an owner its Task, a performer its Consent.
func (q *inquiry) storedReach(stored *ResourceFacts) Decision {
	if IsDirectory(q.a.Type) {
		return fine
	}
	d := q.phaseB(stored)
	if d.Permit && !d.Whole() { // nobody writes over what it does not see
		return refused(stepWrite, "write-not-custodian", 403)
	}
	return d
}

// mayAct judges the person who creates: related to each patient of the body and, but for a Consent,
// able to act for it. An organisation creates under its own custody and needs no relation.
func (q *inquiry) mayAct(body *ResourceFacts) Decision {
	if !q.role.person || IsDirectory(q.a.Type) {
		return fine
	}
	if len(body.Patients) == 0 {
		return hidden(stepRelation, "relation-none")
	}
	for _, ref := range body.Patients {
		c := q.child(ref)
		if c == nil {
			return hidden(stepRelation, "relation-none")
		}
		v := c.viewOf(q.p, q.f, false)
		step, reason := q.represent(v)
		if reason != "" && (q.a.Type != "Consent" || step == stepRelation) {
			return hidden(step, reason)
		}
	}
	return fine
}

// withdraws reports whether the only change is that a Consent ends, by one who may always end it: a
// performer, the holder, or the network member that it names. What permits and names no holder is held by the
// organisation that wrote it down (samordningsplan.md 4.2: such a Consent never names one).
func (q *inquiry) withdraws(stored, body *ResourceFacts) bool {
	if q.a.Type != "Consent" || body == nil || stored.Status != "active" || body.Status != "inactive" ||
		stored.Rest == "" || stored.Rest != body.Rest || len(stored.Labels) != len(body.Labels) || !sameLabels(stored, body) {
		return false
	}
	if !q.role.person {
		wrote := stored.Consent != nil && stored.Consent.Permits && len(stored.Consent.Holders) == 0 && stored.Custodian == q.p.Organization
		return q.holds(stored) || wrote && !q.p.Organization.IsZero()
	}
	return slices.ContainsFunc(stored.By, q.isSelf) || stored.Consent != nil && q.isSelf(stored.Consent.Member)
}

// holds reports whether the organisation is the holder of a Consent, in Consent.organization.
func (q *inquiry) holds(r *ResourceFacts) bool {
	org := q.p.Organization
	if org.IsZero() {
		return false
	}
	return r.Consent != nil && slices.Contains(r.Consent.Holders, org)
}

// isSelf reports whether ref is the user, or a RelatedPerson that the user is.
func (q *inquiry) isSelf(ref fhir.Ref) bool {
	if ref.IsZero() {
		return false
	}
	links, _ := q.f.Directory.links(q.p.FHIRUser)
	return ref == q.p.FHIRUser || slices.Contains(links, ref)
}

// checkPatients keeps a resource with its patients: 422 write-patient-change.
func (q *inquiry) checkPatients(body, stored *ResourceFacts) Decision {
	switch {
	case body == nil:
		return fine
	case stored == nil && len(body.Patients) > 1 && q.a.Type != "Appointment",
		stored != nil && !slices.Equal(stored.Patients, body.Patients):
		return refused(stepWrite, "write-patient-change", 422)
	}
	return fine
}

// coordinated are the types that the organisation of a coordinator may update, access.md 5.
var coordinated = types("CarePlan", "CareTeam", "Goal", "DetectedIssue")

// checkCustodian keeps records with their custodian: 403 write-not-custodian.
func (q *inquiry) checkCustodian(body, stored *ResourceFacts) Decision {
	if q.role.person || IsDirectory(q.a.Type) {
		return fine
	}
	org := q.p.Organization
	deny := refused(stepWrite, "write-not-custodian", 403)
	if body != nil && stored == nil && !body.Custodian.IsZero() && body.Custodian != org {
		return deny
	}
	if body != nil && stored != nil && !body.Custodian.IsZero() && body.Custodian != stored.Custodian && body.Custodian != org {
		return deny
	}
	if q.changesRights(body, stored) {
		return deny
	}
	if stored == nil {
		return fine
	}
	switch {
	case q.ownRecord(stored):
		if q.a.Type == "Patient" && stored.Custodian != org {
			return deny
		}
		return fine
	case q.a.Type == "Task" && q.a.Interaction != Delete && (q.acts(stored.Owner) || q.acts(stored.Requester)) &&
		(body == nil || stored.Rest == body.Rest), // its parties move it on; what was asked stays
		q.a.Type == "Consent" && q.a.Interaction != Delete && q.holds(stored),
		coordinated[q.a.Type] && q.a.Interaction != Delete && q.coordinates(stored):
		return fine
	}
	return deny
}

// changesRights reports whether custody, an access flag or a seal of a child is written by an
// organisation that is not the child's custodian. Of a child that nobody keeps yet nobody writes
// them, so that neither the answer tells a known child from a new one, nor custody waits for it.
func (q *inquiry) changesRights(body, stored *ResourceFacts) bool {
	if (body == nil || !body.Rights) && (stored == nil || !stored.Rights) || q.a.Type == "Patient" && stored == nil {
		return false
	}
	about := body
	if stored != nil {
		about = stored
	}
	return slices.ContainsFunc(about.Patients, func(ref fhir.Ref) bool {
		c := q.child(ref)
		keeps := c != nil && !c.custodian.IsZero() && c.custodian == q.p.Organization
		return !keeps && !slices.Contains(q.f.Fresh, ref)
	})
}

// acts reports whether ref stands for the organisation or user of the principal.
func (q *inquiry) acts(ref fhir.Ref) bool { return q.f.Directory.actsFor(ref, q.p.caller()) }

// coordinates reports whether the organisation coordinates every patient of the resource.
func (q *inquiry) coordinates(r *ResourceFacts) bool {
	for _, ref := range r.Patients {
		c := q.child(ref)
		if c == nil || !c.viewOf(q.p, q.f, false).ground.lead {
			return false
		}
	}
	return len(r.Patients) > 0
}

// checkLabels keeps labels and domains with the custodian: 403 write-label.
func (q *inquiry) checkLabels(body, stored *ResourceFacts) Decision {
	if stored == nil || body == nil || stored.Custodian == q.p.Organization && !q.p.Organization.IsZero() {
		return fine
	}
	if !sameLabels(stored, body) {
		return refused(stepWrite, "write-label", 403)
	}
	return fine
}

// sameLabels reports whether the body keeps every label and exactly the domains.
func sameLabels(stored, body *ResourceFacts) bool {
	kept := func(l Label) bool {
		return slices.ContainsFunc(body.Labels, func(x Label) bool {
			return x.Coding == l.Coding && !slices.ContainsFunc(l.Barred, func(b fhir.Ref) bool { return !slices.Contains(x.Barred, b) })
		})
	}
	for _, l := range stored.Labels {
		if !kept(l) {
			return false
		}
	}
	domains := func(f *ResourceFacts) []string { return slices.Compact(slices.Sorted(slices.Values(f.Domains))) }
	return slices.Equal(domains(stored), domains(body))
}

// checkGrant keeps callers from giving access to themselves, and an organisation from opening or closing
// what others keep, or from giving back what was withdrawn: 403 consent-self-grant, write-not-custodian,
// consent-withdrawn, 422 consent-actor-required. A directive on treatment gives no access.
func (q *inquiry) checkGrant(body, stored *ResourceFacts) Decision {
	if q.a.Type != "Consent" || body == nil || body.Consent == nil {
		return fine
	}
	if before := consentOf(stored); body.Consent.Other && (before == nil || before.Other) {
		return fine
	}
	self := func(ref fhir.Ref) bool { return q.isSelf(ref) || !q.role.person && q.acts(ref) }
	org := q.p.Organization
	switch {
	case body.Consent.Device, slices.ContainsFunc(body.Consent.Permitted, self),
		!q.role.person && !slices.Contains(body.Consent.Holders, org):
		return refused(stepWrite, "consent-self-grant", 403)
	case !q.role.person && SpeaksForOthers(org, body.Consent, consentOf(stored)):
		return refused(stepWrite, body.Consent.ForOthers(), 403)
	case !q.role.person && revives(body, stored):
		return refused(stepWrite, "consent-withdrawn", 403)
	case body.Consent.OpenPermit:
		return refused(stepWrite, "consent-actor-required", 422)
	}
	return fine
}

// revives reports whether a withdrawn Consent would count again without having been given again, later: made active
// at once, or after its day was put back.
func revives(body, stored *ResourceFacts) bool {
	ended := func(r *ResourceFacts) bool {
		return slices.Contains([]string{"inactive", "entered-in-error"}, r.Status)
	}
	switch {
	case stored == nil || !ended(stored) || !body.Consent.Permits:
		return false
	case ended(body):
		return body.When.Before(stored.When)
	}
	return !body.When.After(stored.When)
}

func consentOf(r *ResourceFacts) *ConsentFacts {
	if r == nil {
		return nil
	}
	return r.Consent
}

// SpeaksForOthers reports whether a Consent has a holder beside org and those of the stored version: nobody
// gives away what another keeps, and nobody stops its transfers.
func SpeaksForOthers(org fhir.Ref, body, stored *ConsentFacts) bool {
	return slices.ContainsFunc(body.Holders, func(h fhir.Ref) bool {
		return !h.IsZero() && h != org && (stored == nil || !slices.Contains(stored.Holders, h))
	})
}

// ForOthers is the reason that refuses a Consent about what others keep.
func (c *ConsentFacts) ForOthers() string {
	if c.Permits {
		return "consent-self-grant"
	}
	return "write-not-custodian"
}

// checkGiver asks whether a guardian or child may give a Consent now, access.md 5.
func (q *inquiry) checkGiver(body, stored *ResourceFacts) Decision {
	if q.a.Type != "Consent" || body == nil || !q.role.person {
		return fine
	}
	for _, ref := range body.Patients {
		c := q.child(ref)
		if c == nil {
			return hidden(stepRelation, "relation-none")
		}
		if reason := c.mayGive(c.viewOf(q.p, q.f, false)); reason != "" {
			return refused(stepWrite, reason, 403)
		}
	}
	return fine
}

// mayGive returns why the person of v may not give a Consent now, "" when it may.
func (c *Child) mayGive(v *view) string {
	if !c.birth.known || !v.known {
		return "rep-birthdate-unknown"
	}
	if v.key.role == ChildRole {
		return refuseIf(!v.mayChoose(c.birth.youngest(v.today)), "rep-child-too-young")
	}
	if c.birth.oldest(v.today) >= v.policy.youthAloneFrom {
		return "rep-youth-alone"
	}
	holds := func(p *person) bool { return c.holdsCustody(v, p, v.now, false) }
	return refuseIf(!slices.ContainsFunc(c.selfOf(v), holds), "rep-custody-none")
}

// WaitsForChild reports whether sharing that a guardian of the one child of f permits needs the
// child's permit too, access.md 4.1.
func WaitsForChild(p Principal, f Facts) bool {
	if p.Role != Guardian || len(f.Children) == 0 {
		return false
	}
	c := f.Children[0]
	v := *c.viewOf(&p, &f, false)
	v.key.role = System // sharing, not the guardian's own reading
	return c.birth.known && v.known && !c.signed(&v, true, false, c.birth.oldest(v.today), v.now)
}
