package auth

import (
	"slices"
	"time"

	"github.com/drieluik/drieluik/fhir"
)

// Explanation is a decision with the verdict of every step, and the Consents that did not serve.
type Explanation struct {
	Decision
	Near       []NearMiss
	Objections []fhir.Ref // the Consents whose denies match, with versions, where one of them decided
}

// NearMiss is an active Consent that does not match, with the first of its elements that fails:
// dateTime, giver, holder, period, actor, action, purpose, class, code, securityLabel, dataPeriod, data.
type NearMiss struct {
	Consent fhir.Ref // with version
	Element string
}

// Verdicts of a step.
const (
	Pass     = "pass"
	Fail     = "fail"
	Skip     = "skip"
	Override = "override" // an emergency, or the minimal view of a related organisation, goes past it
)

// Explain judges a read as Decide does, and says what became of every step up to the one that decided.
// Without seals no label is looked at: a family is never told of one.
func Explain(p Principal, a Action, f Facts, seals bool) Explanation {
	q := inquiry{p: &p, a: &a, f: &f, act: interactions[a.Interaction], role: roles[p.Role], unsealed: !seals}
	out := Explanation{Decision: q.decide()}
	out.Trace = q.trace(out.Decision)
	if out.Step != stepToken && out.Step != stepMethod && out.Step != stepScope {
		q.consents(&out)
	}
	return out
}

// trace completes the verdicts: which steps did not apply, and what was gone past.
func (q *inquiry) trace(d Decision) []StepVerdict {
	var out []StepVerdict
	for _, name := range steps {
		v := StepVerdict{Name: name, Verdict: Pass}
		switch {
		case name == stepWrite:
			continue
		case name == d.Step && d.Permit:
			v.Reason = d.Reason
		case name == d.Step:
			v.Verdict, v.Reason = Fail, d.Reason
		case name == q.broke.Name:
			v.Verdict, v.Reason = Override, q.broke.Reason
		case name == stepConsent && d.Reason == "permit-relation":
			v.Verdict = Override
		case q.skips(name, d):
			v.Verdict = Skip
		}
		out = append(out, v)
		if name == d.Step {
			break
		}
	}
	return out
}

// partyReasons permit who is named in the resource itself, whatever Consents say.
var partyReasons = []string{"permit-consent-party", "permit-task-party", "permit-issue-party", "permit-team-member", "permit-task-offer"}

// skips reports whether a step has nothing to judge.
func (q *inquiry) skips(name string, d Decision) bool {
	r := q.f.Resource
	directory := IsDirectory(q.a.Type)
	own := directory || r != nil && q.ownRecord(r)
	switch name {
	case stepRelation:
		return directory
	case stepRepresentation:
		return directory || !q.role.person
	case stepConsent, stepDomain:
		return own || slices.Contains(partyReasons, d.Reason) || q.needsNoConsent()
	case stepLabel:
		return own
	case stepEmergency:
		return d.Reason != "permit-emergency"
	}
	return false
}

// needsNoConsent reports whether the principal reads in its own right (access.md 3.3).
func (q *inquiry) needsNoConsent() bool {
	v := q.viewOfOne()
	if v == nil || !q.role.person || v.standing.mode == modeNone {
		return false
	}
	row := modes[v.standing.mode]
	return !row.needsPermit && row.denies == deniesNone
}

// viewOfOne is the view of the only child, nil where there is none.
func (q *inquiry) viewOfOne() *view {
	if q.f.Resource == nil || len(q.f.Resource.Patients) != 1 {
		return nil
	}
	c := q.child(q.f.Resource.Patients[0])
	if c == nil {
		return nil
	}
	return c.viewOf(q.p, q.f, q.act.disclose)
}

// consents names the Consents of the child that do not match, and those that deny, where Consents are
// asked at all.
func (q *inquiry) consents(out *Explanation) {
	v := q.viewOfOne()
	if v == nil || q.skips(stepConsent, Decision{}) {
		return
	}
	r := q.f.Resource
	c := q.child(r.Patients[0])
	t := target{ResourceFacts: r, lookup: q.f.Lookup, v: v}
	named := q.role.person && v.standing.mode != modeObjection
	denied := out.Reason == "consent-denied" || out.Reason == "domain-denied"
	for _, cn := range c.consents {
		ruling := c.rulingOf(v, cn)
		permits := t.furthest(&ruling, permit, named)
		denies := t.furthest(&ruling, deny, named)
		switch {
		case denied && denies == len(elements):
			out.Objections = append(out.Objections, cn.ref)
		case permits < 0 && denies >= 0 && denies < len(elements):
			out.Near = append(out.Near, NearMiss{Consent: cn.ref, Element: elements[denies].name})
		case permits >= 0 && permits < len(elements):
			out.Near = append(out.Near, NearMiss{Consent: cn.ref, Element: elements[permits].name})
		}
	}
}

// attempt is one provision tried on a resource in one cell.
type attempt struct {
	*target
	r     *ruling
	p     *provision
	cell  string
	loose bool // as a deny
	named bool // a permit must name the person
}

// elements are tried in the order in which a near miss names them (access.md 7).
var elements = []struct {
	name string
	fits func(attempt) bool
}{
	{"dateTime", func(a attempt) bool {
		cn := a.r.consent
		return !cn.dated && a.loose || cn.dated && cn.dateTime.low(a.v.zone) <= a.v.now
	}},
	{"giver", func(a attempt) bool { return a.r.permits && !a.loose || a.r.denies && a.loose }},
	{"holder", func(a attempt) bool { return a.within(a.r, a.loose) }},
	{"period", func(a attempt) bool { return a.p.period.covers(a.v.now, a.v.zone, a.loose) }},
	{"actor", func(a attempt) bool {
		level, _, strict, loose := a.v.matchActors(a.p)
		if a.loose {
			return loose
		}
		return strict && (!a.named || level == personActor)
	}},
	{"action", func(a attempt) bool { return a.v.matchAction(a.p, a.loose) }},
	{"purpose", func(a attempt) bool { return a.v.matchPurpose(a.p, a.loose) }},
	{"class", func(a attempt) bool { return a.matchClass(a.p, a.loose) }},
	{"code", func(a attempt) bool { return a.matchCode(a.p, a.cell, a.loose, false) }},
	{"securityLabel", func(a attempt) bool { return a.matchLabel(a.p, a.loose) }},
	{"dataPeriod", func(a attempt) bool { return a.matchTime(a.p, a.loose) }},
	{"data", func(a attempt) bool { return a.matchData(a.p, a.loose) }},
}

// furthest returns how far the provision of an effect gets that comes furthest: the index of the element
// at which it fails, len(elements) when it matches, -1 when the Consent has no such provision.
func (t *target) furthest(r *ruling, e effect, named bool) int {
	furthest := -1
	for i := range r.consent.provisions {
		if p := &r.consent.provisions[i]; p.effect == e {
			furthest = max(furthest, t.failsAt(attempt{target: t, r: r, p: p, loose: e == deny, named: named}))
		}
	}
	return furthest
}

// failsAt returns the index of the first element that fails in some cell, len(elements) for none.
func (t *target) failsAt(a attempt) int {
	if a.p.opaque {
		return len(elements)
	}
	at := len(elements)
	for _, a.cell = range t.cells() {
		i := slices.IndexFunc(elements, func(e struct {
			name string
			fits func(attempt) bool
		}) bool {
			return !e.fits(a)
		})
		if i >= 0 {
			at = min(at, i)
		}
	}
	return at
}

// MayExplain judges who may ask $explain-access (access.md 7): child and guardian in their own right,
// the custodian's system and staff, its admin with purpose HCOMPL; the token needs Consent.r. f.Resource
// is the Patient asked about; without it phase A alone is judged. Whom labels keep from the child's
// record is refused too.
func MayExplain(p Principal, f Facts) Decision {
	a := Action{Interaction: Read, Type: "Consent"}
	q := inquiry{p: &p, a: &a, f: &f, act: interactions[Read], role: roles[p.Role]}
	officer := p.Role == Admin && p.Purpose == "HCOMPL"
	if d := q.phaseA(); !d.Permit && !(officer && d.Reason == "admin-no-clinical") {
		return d
	}
	r := f.Resource
	switch {
	case r == nil:
		return q.goOn()
	case !q.scopedTo(r):
		return hidden(stepContext, "context-other-patient")
	case q.role.person:
		return q.kinExplains(r)
	case p.Organization.IsZero() || r.Custodian.Current() != p.Organization:
		return hidden(stepRelation, "relation-none")
	case officer:
		return q.permitted("permit-audit")
	}
	return q.permitted("permit-own-record")
}

// scopedTo reports whether a scope for the type reaches the patient of r.
func (q *inquiry) scopedTo(r *ResourceFacts) bool {
	return slices.ContainsFunc(q.p.Scopes.entries, func(e scope) bool {
		return q.counts(&e) && (e.level != "patient" || q.onlyOwnPatient(r))
	})
}

// kinExplains judges child and guardian by relation and representation.
func (q *inquiry) kinExplains(r *ResourceFacts) Decision {
	v := q.viewOfOne()
	if v == nil || q.p.Role == Helper {
		return hidden(stepRelation, "relation-none")
	}
	if step, reason := q.represent(v); reason != "" {
		return hidden(step, reason)
	}
	t := target{ResourceFacts: r, v: v}
	if reason := t.refusedByLabel(q.child(r.Patients[0]), false); reason != "" {
		return hidden(stepLabel, reason)
	}
	return q.permitted(modes[v.standing.mode].reason)
}

// Jurisdiction returns that of the child (access.md 2.2): nl or se.
func (c *Child) Jurisdiction(s Settings, d *Directory) string { return c.jurisdiction(d, s) }

// Instant reads a FHIR dateTime as the child's calendar has it: the first instant of a whole day or
// longer, and now where that has begun. False for no dateTime, and for one that is over.
func (c *Child) Instant(text string, now time.Time, s Settings, d *Directory) (time.Time, bool) {
	m, ok := parseMoment(text)
	zone, known := zones()[c.jurisdiction(d, s)]
	if !ok || !known || m.high(zone) <= unixNano(now) {
		return time.Time{}, false
	}
	return time.Unix(0, max(m.low(zone), unixNano(now))).UTC(), true
}

// BandBegan returns the local date on which the child came into the age band of an instant (access.md
// 2.2, 3.2): when it came to decide too, or alone. Zero for a younger child, and without birth date.
func (c *Child) BandBegan(at time.Time, s Settings, d *Directory) time.Time {
	jurisdiction := c.jurisdiction(d, s)
	zone, ok := zones()[jurisdiction]
	if !ok || !c.birth.known {
		return time.Time{}
	}
	today := dayOf(unixNano(at), zone)
	row, ok := s.policies().on(jurisdiction, today)
	if !ok {
		return time.Time{}
	}
	for _, age := range [2]int{row.youthAloneFrom, row.ownRightTo} {
		if began := c.birth.earliest.birthday(age); began <= today {
			return time.Unix(0, midnight(began, zone)).In(zone)
		}
	}
	return time.Time{}
}

// OfFamily reports whether a role is the child's own or that of its guardian or helper.
func OfFamily(r Role) bool { return roles[r].person }

// Objects reports whether an active Consent of the child denies something to somebody.
func (c *Child) Objects(ref fhir.Ref) bool {
	return slices.ContainsFunc(c.consents, func(cn *consent) bool {
		return cn.ref == ref && slices.ContainsFunc(cn.provisions, func(p provision) bool { return p.effect == deny })
	})
}
