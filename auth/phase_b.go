package auth

import (
	"slices"

	"github.com/drieluik/drieluik/fhir"
)

// phaseB judges the addressed resource; every refusal is a 404.
func (q *inquiry) phaseB(r *ResourceFacts) Decision {
	reach, passes := q.reaches(r)
	switch {
	case !passes:
		return hidden(stepScope, "scope-granular")
	case IsDirectory(q.a.Type):
		return q.directory(r, reach)
	case !reach:
		return hidden(stepContext, "context-other-patient")
	}
	return q.relate(r)
}

// reaches reports whether a scope takes in all patients of the resource, and whether one passes at all.
func (q *inquiry) reaches(r *ResourceFacts) (reach, passes bool) {
	if q.mayReadSelf() && r.Ref.Current() == q.p.FHIRUser.Current() {
		return true, true
	}
	for i := range q.p.Scopes.entries {
		e := &q.p.Scopes.entries[i]
		if !q.counts(e) || !e.passes(r.Granular) {
			continue
		}
		passes = true
		reach = reach || e.level != "patient" || q.onlyOwnPatient(r)
	}
	return reach, passes
}

// onlyOwnPatient reports whether every patient of the resource is the token's.
func (q *inquiry) onlyOwnPatient(r *ResourceFacts) bool {
	if IsDirectory(r.Ref.Type) {
		return false
	}
	for _, ref := range r.Patients {
		if ref.ID != q.p.Patient.ID {
			return false
		}
	}
	return true
}

// directory judges a directory resource. Under patient/ scopes the care directory is open as far as
// a readable resource of the compartment refers to it.
func (q *inquiry) directory(r *ResourceFacts, reach bool) Decision {
	if !CareDirectory(q.a.Type) || reach || q.referred(r) {
		return q.permitted("permit-directory")
	}
	return hidden(stepContext, "context-other-patient")
}

func (q *inquiry) referred(r *ResourceFacts) bool {
	self := r.Ref.Current()
	return slices.ContainsFunc(q.f.Referrers, func(x ResourceFacts) bool {
		if !slices.Contains(x.Refs, self) || IsDirectory(x.Ref.Type) {
			return false
		}
		f := *q.f
		f.Resource, f.Referrers = &x, nil
		return Decide(*q.p, Action{Interaction: Read, Type: x.Ref.Type}, f).leadsTo(self)
	})
}

// relate judges steps 5 to 11. Every patient of the resource must permit; the reason is that of the
// first patient in id order that denies.
func (q *inquiry) relate(r *ResourceFacts) Decision {
	switch {
	case q.p.Role == Admin:
		return q.adminRow(r)
	case q.ownRecord(r):
		return q.permitOwn(r)
	case len(r.Patients) == 0:
		return q.noPatient(r)
	}
	var out Decision
	for i, ref := range r.Patients {
		c := q.child(ref)
		if c == nil {
			return hidden(stepRelation, "relation-none")
		}
		t := target{ResourceFacts: r, lookup: q.f.Lookup, v: c.viewOf(q.p, q.f, q.act.disclose)}
		d := q.judge(c, &t)
		if !d.Permit {
			return d
		}
		if i == 0 {
			out = d
			continue
		}
		out.Grounds = append(slices.Clip(out.Grounds), d.Grounds...)
		out.Obligations = Unite(out.Obligations, d.Obligations)
	}
	return out
}

// ownRecord reports whether the organisation of the principal keeps or wrote the resource.
func (q *inquiry) ownRecord(r *ResourceFacts) bool {
	org := q.p.Organization
	return !q.role.person && !org.IsZero() && (r.Custodian == org || r.Author == org)
}

// adminRow is the log of the admin's own organisation, and its Subscriptions.
func (q *inquiry) adminRow(r *ResourceFacts) Decision {
	own := !q.p.Organization.IsZero() && (r.Custodian == q.p.Organization || r.Author == q.p.Organization)
	switch {
	case own && r.Ref.Type == "AuditEvent":
		return q.permitted("permit-audit")
	case own:
		return q.permitted("permit-own-record")
	}
	return hidden(stepRelation, "relation-none")
}

// permitOwn permits an own record: Consents and the labels V and R do not bind.
func (q *inquiry) permitOwn(r *ResourceFacts) Decision {
	d := q.permitted("permit-own-record")
	o := obligations(0)
	if isOverlapIssue(r) {
		o |= issueView
	}
	for _, ref := range r.Patients {
		c := q.child(ref)
		t := target{ResourceFacts: r}
		if c != nil && r.Custodian != q.p.Organization && t.protectsAddress(c) {
			o |= redactAddress
		}
	}
	d.Obligations = o.list()
	return d
}

// noPatient judges a resource of an other than directory type that is about no patient.
func (q *inquiry) noPatient(r *ResourceFacts) Decision {
	if r.Ref.Type == "Person" && r.Ref.Current() == q.p.FHIRUser {
		return q.permitted("permit-self")
	}
	return hidden(stepRelation, "relation-none")
}

func (q *inquiry) permitted(reason string) Decision {
	return Decision{Permit: true, HTTP: q.act.http, Step: stepPermit, Reason: reason}
}

// judge judges a resource for one of its patients.
func (q *inquiry) judge(c *Child, t *target) Decision {
	var o outcome
	if q.role.person {
		o = q.judgePerson(t)
	} else {
		o = q.judgeOrganization(t)
	}
	if o.step != "" && !(o.open && q.emergency() && !slices.ContainsFunc(t.Domains, isClosedDomain)) {
		if kept := q.keepsMeasures(t); kept.reason != "" {
			o = kept
		}
	}
	if o.step != "" && !(o.open && q.emergency()) {
		return hidden(o.step, o.reason)
	}
	broken := o.step != ""
	if broken {
		q.broke = StepVerdict{Name: o.step, Reason: o.reason}
	}
	if reason := t.refusedByLabel(c, o.opensR); reason != "" && !q.unsealed {
		if reason != "label-restricted" || !q.emergency() {
			return hidden(stepLabel, reason)
		}
		if !broken {
			q.broke = StepVerdict{Name: stepLabel, Reason: reason}
		}
		broken = true
	}
	if broken {
		if slices.ContainsFunc(t.Domains, isClosedDomain) {
			return hidden(stepEmergency, "emergency-scope")
		}
		o.reason, o.must, o.grounds = "permit-emergency", btgReview, nil
	}
	if isOverlapIssue(t.ResourceFacts) {
		o.must |= issueView
	}
	o.must |= q.networkMust(c, t) | q.meetingMust(t)
	if t.protectsAddress(c) && (q.p.Organization.IsZero() || t.Custodian != q.p.Organization) {
		o.must |= redactAddress
	}
	d := q.permitted(o.reason)
	d.Obligations, d.Grounds, d.Check = o.must.list(), o.grounds, o.check
	return d
}

func isClosedDomain(code string) bool { return slices.Contains(closedDomains, code) }

// emergency reports whether break-glass may override a refusal. Phase A has checked that it is valid.
func (q *inquiry) emergency() bool {
	return q.p.Role == Professional && q.emergencyPurpose() && q.act.emergency
}

// outcome is what steps 5 to 8 say: a refusal when step is set.
type outcome struct {
	step, reason string
	open         bool // the refusal may be overridden in an emergency
	opensR       bool
	must         obligations
	grounds      []fhir.Ref
	check        string
}

// judgeOrganization judges steps 5, 7 and 8 of an organisation that does not own the record.
func (q *inquiry) judgeOrganization(t *target) outcome {
	org, g := q.p.Organization, &t.v.ground
	names := func(ref fhir.Ref) bool { return q.f.Directory.actsFor(ref, q.p.caller()) }
	switch {
	case org.IsZero():
		return outcome{step: stepRelation, reason: "relation-none"}
	case t.Ref.Type == "Consent" && slices.Contains(t.Parties, org):
		return outcome{reason: "permit-consent-party"}
	case t.Ref.Type == "Task" && slices.ContainsFunc(t.Parties, names) && t.Status != "entered-in-error":
		return outcome{reason: "permit-task-party"}
	case isOverlapIssue(t.ResourceFacts) && slices.Contains(t.Parties, org):
		return outcome{reason: "permit-issue-party"}
	case isFamilyLoad(t.ResourceFacts) && g.lead:
		return outcome{reason: "permit-team-member", grounds: g.refs()}
	case isFamilyLoad(t.ResourceFacts):
		return outcome{step: stepConsent, reason: "consent-none"}
	case t.Ref.Type == "CareTeam" && slices.ContainsFunc(g.team, t.isSelf):
		return outcome{reason: "permit-team-member", grounds: g.refs(), must: q.teamMust(t)}
	case !g.related() && len(g.offer) > 0 && t.Ref.Type == "Patient":
		return outcome{reason: "permit-task-offer", must: minimalPatient, grounds: g.offer[:1:1]}
	case !g.related():
		return outcome{step: stepRelation, reason: "relation-none", open: true}
	}
	v := t.judge(terms{needsPermit: true, denies: deniesAll, standard: q.standard(t)})
	switch {
	case t.helpIsOver() && v.reason == "" && !t.isContact():
		return outcome{step: stepConsent, reason: "consent-none"}
	case t.Ref.Type == "Patient" && (v.reason == "consent-none" || v.reason == "domain-not-shared"):
		return outcome{reason: "permit-relation", must: minimalPatient, grounds: g.refs()}
	case v.reason != "":
		return outcome{step: stepOf(v.reason), reason: v.reason, open: true, opensR: v.opensR}
	case !v.byRule:
		return outcome{reason: "permit-default-se", grounds: g.refs()}
	}
	return outcome{reason: "permit-consent", opensR: v.opensR, grounds: v.permit.grounds}
}

func (t *target) isSelf(ref fhir.Ref) bool { return ref.Current() == t.Ref.Current() }

// standard reports whether the default between care givers is open, access.md 4.5.
func (q *inquiry) standard(t *target) bool {
	d := q.f.Directory
	return t.v.policy.defaultCare && purposeWithin(q.p.Purpose, "TREAT") && d.careGiver(q.p.Organization) && d.careGiver(t.Custodian)
}

// stepOf returns the step of a refusal by Consent.
func stepOf(reason string) string {
	if reason == "domain-denied" || reason == "domain-not-shared" {
		return stepDomain
	}
	return stepConsent
}

// judgePerson judges steps 5 to 8 of a child, guardian or helper.
func (q *inquiry) judgePerson(t *target) outcome {
	var o outcome
	if step, reason := q.represent(t.v); reason != "" {
		o = outcome{step: step, reason: reason}
	} else {
		o = q.judgeStanding(t)
	}
	if o.step == "" || t.Ref.Type != "Consent" || !slices.ContainsFunc(t.By, t.v.isUser) {
		return o
	}
	o = outcome{reason: "permit-consent-party"} // a performer sees his own Consent
	if q.p.Role == Helper {
		o.must = redactBSN
	}
	return o
}

// judgeStanding judges by the mode in which a person reads, access.md 3.3.
func (q *inquiry) judgeStanding(t *target) outcome {
	s := &t.v.standing
	row := modes[s.mode]
	o := outcome{reason: row.reason, check: s.checked}
	if s.warn {
		o.must |= warnStale
	}
	if s.mode == modeHelper {
		o.must |= redactBSN
	}
	switch {
	case s.since != 0 && t.tooEarly(s):
		return outcome{step: stepRepresentation, reason: "custody-not-retroactive"}
	case s.mode == modeHelper && t.Ref.Current() == s.person:
		o.reason = "permit-self"
		return o
	case s.mode != modeHelper && isOverlapIssue(t.ResourceFacts) && !forFamily(t.ResourceFacts),
		s.mode == modeHelper && (isOverlapIssue(t.ResourceFacts) || isFamilyLoad(t.ResourceFacts)): // of the household alone
		return outcome{step: stepConsent, reason: "consent-none"}
	case row.denies == deniesNone:
		return o
	}
	k := terms{needsPermit: row.needsPermit, named: row.needsPermit, denies: row.denies}
	if t.Ref.Type == "Patient" {
		k.needsPermit = s.mode == modeHelper
		k.anyPermit = k.needsPermit
		if k.anyPermit {
			o.must |= minimalPatient
		}
	}
	v := t.judge(k)
	if v.reason != "" {
		return outcome{step: stepOf(v.reason), reason: v.reason}
	}
	if v.permit != nil {
		o.grounds = v.permit.grounds
	}
	return o
}

// tooEarly reports whether a clinical resource was filed before custody began, by somebody else.
func (t *target) tooEarly(s *standing) bool {
	if IsAdmin(t.Ref.Type) || t.Author == s.person && !s.person.IsZero() {
		return false
	}
	return t.FiledAt.IsZero() || unixNano(t.FiledAt) < s.since
}

// isOverlapIssue reports whether r is a DetectedIssue of coordination.md 5.1.
func isOverlapIssue(r *ResourceFacts) bool {
	return r.Ref.Type == "DetectedIssue" && slices.ContainsFunc(r.Codings, func(c Coding) bool { return c.System == systemOverlap })
}

// isFamilyLoad reports whether r is an Observation of what all care together asks of the family, which the server
// made and nobody keeps (coordination.md 9): the family and who coordinates read it.
func isFamilyLoad(r *ResourceFacts) bool {
	return r.Ref.Type == "Observation" && r.Custodian.IsZero() && slices.Contains(r.Codings, Coding{System: systemCoordination, Code: "family-load"})
}

func forFamily(r *ResourceFacts) bool {
	return slices.ContainsFunc(r.Codings, func(c Coding) bool {
		return c.System == systemOverlap && slices.Contains(familyIssues, c.Code)
	})
}
