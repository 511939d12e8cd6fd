package auth

import (
	"slices"
	"time"

	"github.com/drieluik/drieluik/fhir"
)

// Steps of a decision in their order, access.md 3. Write is the step of access.md 5.
const (
	stepToken          = "token"
	stepMethod         = "method"
	stepScope          = "scope"
	stepContext        = "context"
	stepRelation       = "relation"
	stepRepresentation = "representation"
	stepConsent        = "consent"
	stepDomain         = "domain"
	stepLabel          = "label"
	stepEmergency      = "emergency"
	stepWrite          = "write"
	stepPermit         = "permit"
)

var steps = []string{stepToken, stepMethod, stepScope, stepContext, stepRelation, stepRepresentation,
	stepConsent, stepDomain, stepLabel, stepEmergency, stepWrite, stepPermit}

// inquiry is one call of Decide.
type inquiry struct {
	p    *Principal
	a    *Action
	f    *Facts
	act  interactionRow
	role roleRow

	unsealed bool        // labels are not looked at
	broke    StepVerdict // the refusal that an emergency overrode
}

// Decide judges one action. Without Facts.Resource only phase A is judged and Permit means
// "go on", with a Reason only for directory types; a create with Action.Body is judged whole.
// Phase A judges relation and representation of the token's patient when Facts.Children has it.
// It is pure and total: every input has exactly one reason of access.md.
func Decide(p Principal, a Action, f Facts) Decision {
	q := inquiry{p: &p, a: &a, f: &f, act: interactions[a.Interaction], role: roles[p.Role]}
	return q.decide()
}

func (q *inquiry) decide() Decision {
	if d := q.phaseA(); !d.Permit {
		return d
	}
	if q.act.write {
		return decideWrite(*q.p, *q.a, *q.f)
	}
	if q.f.Resource == nil {
		return q.goOn()
	}
	return q.phaseB(q.f.Resource)
}

// goOn is the permit of phase A alone.
func (q *inquiry) goOn() Decision {
	d := Decision{Permit: true, HTTP: q.act.http, Step: stepPermit}
	if IsDirectory(q.a.Type) && !q.act.write {
		d.Reason = "permit-directory"
	}
	return d
}

// phaseA judges the token, the type and the token's own patient, never the addressed resource.
func (q *inquiry) phaseA() Decision {
	p := q.p
	switch {
	case p.State == TokenMissing:
		return refused(stepToken, "token-missing", 401)
	case p.State != TokenActive, len(q.role.levels) == 0, !p.Expires.IsZero() && !q.f.Now.Before(p.Expires):
		return refused(stepToken, "token-invalid", 401)
	}
	if reason, ok := refusedMethods[q.a.Type][q.a.Interaction]; ok {
		return refused(stepMethod, reason, 405)
	}
	if !slices.Contains(q.role.purposes, p.Purpose) || p.Purpose == reporting && !q.f.Directory.mustReport(p.Organization) {
		return refused(stepScope, "purpose-not-allowed", 403)
	}
	if q.emergencyPurpose() && !p.BTG.valid(q.f.Now) {
		return refused(stepScope, "emergency-invalid", 403)
	}
	found, onlyPatient := q.scoped()
	own := q.mayReadSelf()
	switch {
	case !found && !own:
		d := refused(stepScope, "scope-missing", 403)
		d.Needs = q.needs()
		return d
	case IsDirectory(q.a.Type):
		return Decision{Permit: true}
	case onlyPatient && !own && p.Patient.IsZero():
		return refused(stepContext, "context-required", 403)
	}
	if d := q.roleForbids(); !d.Permit {
		return d
	}
	return q.ownPatient()
}

// emergencyPurpose reports whether the token is for break-glass.
func (q *inquiry) emergencyPurpose() bool { return q.p.Purpose == "BTG" || q.p.Purpose == "ETREAT" }

// valid reports whether break-glass stands at an instant, access.md 3.9.
func (b *BreakGlass) valid(now time.Time) bool {
	return b != nil && len([]rune(b.Reason)) >= btgMinReason && !now.Before(b.At) && now.Before(b.Exp) &&
		b.Exp.Sub(b.At) <= btgLongest
}

// counts reports whether a scope is of a level that the role may use and reaches the interaction.
func (q *inquiry) counts(e *scope) bool {
	return e.letters&q.act.letter != 0 && e.reaches(q.a.Type) && slices.Contains(q.role.levels, e.level)
}

// needs names a scope of the principal's level that reaches the interaction (SMART-601).
func (q *inquiry) needs() string {
	level := q.role.levels[0]
	if !q.p.Patient.IsZero() && slices.Contains(q.role.levels, "patient") {
		level = "patient"
	}
	kind := string(q.a.Type)
	if kind == "" { // of the whole server
		kind = "*"
	}
	return level + "/" + kind + "." + q.act.letter.String()
}

// mayReadSelf reports whether scope fhirUser opens the type, for the user's own resource alone (SMART-412).
func (q *inquiry) mayReadSelf() bool {
	return q.a.Interaction == Read && q.a.Type == q.p.FHIRUser.Type && q.p.Scopes.Has("fhirUser")
}

// scoped reports whether some scope reaches type and interaction, and whether all that do are
// patient/ scopes.
func (q *inquiry) scoped() (found, onlyPatient bool) {
	onlyPatient = true
	for i := range q.p.Scopes.entries {
		if e := &q.p.Scopes.entries[i]; q.counts(e) {
			found = true
			onlyPatient = onlyPatient && e.level == "patient"
		}
	}
	return found, onlyPatient
}

// roleForbids judges the roles that see no records, or no log; access.md 3.1.
func (q *inquiry) roleForbids() Decision {
	audit := q.a.Type == "AuditEvent"
	switch {
	case q.p.Role == Admin && audit && q.p.Purpose == "HCOMPL":
	case q.p.Role == Admin && q.a.Type == "Subscription":
	case q.p.Role == Admin:
		return refused(stepRelation, "admin-no-clinical", 403)
	case audit && (!q.role.person || q.p.Role == Helper):
		return refused(stepRelation, "audit-role", 403)
	}
	return Decision{Permit: true}
}

// ownPatient judges relation and representation of a person for the token's patient, whatever is
// asked. Consents are judged in phase B: a performer may see and withdraw his own.
func (q *inquiry) ownPatient() Decision {
	if !q.role.person || q.p.Patient.IsZero() || q.a.Type == "Consent" {
		return Decision{Permit: true}
	}
	c := q.child(q.p.Patient)
	if c == nil && q.f.Resource != nil {
		return Decision{Permit: true} // judged before the resource was looked up
	}
	if c == nil {
		return refused(stepRelation, "relation-none", 403)
	}
	step, reason := q.represent(c.viewOf(q.p, q.f, q.act.disclose))
	if reason != "" {
		return refused(step, reason, 403)
	}
	return Decision{Permit: true}
}

// child returns the compiled child, nil when the facts do not have it.
func (q *inquiry) child(patient fhir.Ref) *Child {
	for _, c := range q.f.Children {
		if c != nil && c.Patient.ID == patient.ID {
			return c
		}
	}
	return nil
}

// represent judges steps 5 and 6 of a person.
func (q *inquiry) represent(v *view) (step, reason string) {
	s := &v.standing
	switch {
	case !s.related:
		return stepRelation, "relation-none"
	case s.mode == modeNone:
		return stepRepresentation, s.reason
	case q.act.write && s.mode == modeExtension && q.a.Type != "Consent":
		return stepRepresentation, "rep-read-only"
	case q.a.Type == "AuditEvent" && s.mode == modeYouth:
		return stepRepresentation, "rep-youth-alone"
	case q.a.Type == "AuditEvent" && s.mode == modeExtension:
		return stepRepresentation, "audit-role"
	}
	return "", ""
}

// refused is a denial. The steps before it passed.
func refused(step, reason string, http int) Decision {
	d := Decision{HTTP: http, Step: step, Reason: reason}
	for _, name := range steps {
		if name == step {
			d.Trace = append(d.Trace, StepVerdict{Name: name, Verdict: "fail", Reason: reason})
			break
		}
		d.Trace = append(d.Trace, StepVerdict{Name: name, Verdict: "pass"})
	}
	return d
}

// hidden is a denial of phase B: the client is told what it would be told of a missing resource.
func hidden(step, reason string) Decision { return refused(step, reason, 404) }
