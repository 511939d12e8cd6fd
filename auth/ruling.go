package auth

import (
	"slices"

	"github.com/drieluik/drieluik/fhir"
)

// givers is a set of Child.givers.
type givers uint64

// ruling is one Consent as far as it concerns one principal at one instant.
type ruling struct {
	consent *consent
	permits bool // it counts as a permit (access.md 4.1)
	denies  bool // it counts as a deny
	yes, no givers
	unknown bool     // a deny with a giver that nobody can match
	byChild bool     // the child is, or may be, a giver of the deny
	only    fhir.Ref // a network member's own Consent: for this resource alone
	// bound: it permits what these organisations keep, and nothing else, because the custody of a giver is what
	// they say of another's child; nil: everything.
	bound   []fhir.Ref
	stances []stance // one per provision
	grounds []fhir.Ref
}

// stance is what of a provision depends on the principal and the instant, not on the resource.
type stance struct {
	strict, loose bool  // matches as a permit, as a deny
	within        bool  // strict, and so are the provisions above it
	named         bool  // within, and an actor is the person himself
	opensR        bool  // a permit that reaches label R
	tight, wide   grade // specificity as a permit, as a deny
}

// grade is the specificity of a provision, access.md 4.4: holder, actor, data, purpose.
type grade [4]uint8

// Specificity of actors and data.
const (
	anyActor uint8 = iota
	categoryActor
	organizationActor
	personActor
)

// beats reports whether g is at least o in every component and not equal.
func (g grade) beats(o grade) bool {
	if g == o {
		return false
	}
	for i := range g {
		if g[i] < o[i] {
			return false
		}
	}
	return true
}

// rulingsFor returns the Consents that can matter to the principal of v, in id order.
func (c *Child) rulingsFor(v *view) []ruling {
	var out []ruling
	for _, cn := range c.consents {
		if r, concerns := c.rulingFor(v, cn); concerns {
			out = append(out, r)
		}
	}
	return out
}

// rulingFor is a Consent as far as it concerns the principal of v, and whether it does.
func (c *Child) rulingFor(v *view, cn *consent) (r ruling, concerns bool) {
	r = c.rulingOf(v, cn)
	if !r.permits && !r.denies {
		return r, false
	}
	for i := range cn.provisions {
		p := &cn.provisions[i]
		s := v.stanceOf(cn, p)
		s.within = s.strict && (p.up < 0 || p.alone || r.stances[p.up].within)
		s.named = s.named && s.within
		r.stances = append(r.stances, s)
		concerns = concerns || p.effect == permit && r.permits && s.strict || p.effect == deny && r.denies && s.loose
	}
	return r, concerns
}

// rulingOf judges for what a Consent counts now, whatever it says.
func (c *Child) rulingOf(v *view, cn *consent) ruling {
	r := ruling{consent: cn, grounds: append(slices.Clone(v.ground.refs()), cn.ref)}
	c.countPermit(v, cn, &r)
	c.countDeny(v, cn, &r)
	c.countMember(cn, &r)
	return r
}

// countPermit judges whether a Consent counts as a permit now, access.md 4.1.
func (c *Child) countPermit(v *view, cn *consent, r *ruling) {
	if !cn.dated || cn.opaque || !c.birth.known || !v.known || c.custodian.IsZero() {
		return
	}
	at := cn.dateTime.low(v.zone)
	if at > v.now {
		return
	}
	oldest := c.birth.oldest(v.today)
	switch cn.kind {
	case impliedConsent:
		r.permits = cn.impliedForm()
		return
	case extensionConsent:
		c.countExtension(v, cn, r, oldest)
		return
	}
	guardian, child := false, false
	var claims []fhir.Ref
	for _, who := range cn.performers {
		switch {
		case who == c.Patient:
			if v.mayChoose(c.birth.youngest(dayOf(at, v.zone))) && v.mayChoose(c.birth.youngest(v.today)) {
				child = true
				r.yes |= c.bit(who)
			}
		case oldest < v.policy.youthAloneFrom && c.holdsFor(v, who, at, false) && c.holdsFor(v, who, v.now, false):
			guardian = true
			r.yes |= c.bit(who)
		case oldest < v.policy.youthAloneFrom:
			claims = append(claims, c.claimers(v, who, at)...)
		}
	}
	r.permits = c.signed(v, guardian, child, oldest, at)
	if !r.permits && len(claims) > 0 && c.signed(v, true, child, oldest, at) {
		r.permits, r.bound = true, append(claims, cn.keeper)
	}
}

// claimers returns who says that a performer had custody at an instant and has it now, of another's child.
func (c *Child) claimers(v *view, who fhir.Ref, at int64) []fhir.Ref {
	var out []fhir.Ref
	for i := range c.persons {
		if p := &c.persons[i]; p.ref.Current() == who && c.claimed(p) && c.saysCustody(v, p, at, false) && c.saysCustody(v, p, v.now, false) {
			out = append(out, p.keeper)
		}
	}
	return out
}

// signed reports whether the counted givers are enough: for a guardian's own reading the child
// alone; for sharing by the age of the child.
func (c *Child) signed(v *view, guardian, child bool, oldest int, at int64) bool {
	switch {
	case oldest >= v.policy.youthAloneFrom:
		return child && at >= midnight(c.birth.latest.birthday(v.policy.youthAloneFrom), v.zone)
	case v.key.role == Guardian:
		return child
	case oldest < v.policy.jointFrom:
		return guardian
	case v.policy.childMaturityFrom != never && !v.mature && oldest < v.policy.childFrom:
		return guardian // Sweden: the child signs only when found mature
	}
	return guardian && child
}

// countExtension counts the Swedish extension, which serves only a guardian's reading.
func (c *Child) countExtension(v *view, cn *consent, r *ruling, oldest int) {
	middle := oldest >= v.policy.ownRightTo && oldest < v.policy.youthAloneFrom
	if v.key.role == Guardian && v.policy.middle == middleExtension && middle && cn.hasHolder && slices.Contains(cn.performers, c.Patient) {
		r.permits = true
		r.yes = c.bit(c.Patient)
	}
}

// impliedForm reports whether an implied Consent has the only form in which it counts.
func (cn *consent) impliedForm() bool {
	base := &cn.provisions[0]
	return len(cn.provisions) == 1 && base.effect == permit && len(base.actors) == 1 &&
		base.actors[0].ref.Type == "Organization" && !base.period.broken && base.period.end.precision != noPrecision &&
		slices.ContainsFunc(base.data, func(d dataRef) bool { return d.ref.Type == "Composition" || d.ref.Type == "Bundle" })
}

// countDeny judges whether a Consent counts as a deny now. What is not known counts.
func (c *Child) countDeny(v *view, cn *consent, r *ruling) {
	if cn.dated && cn.dateTime.low(v.zone) > v.now {
		return
	}
	blind := !c.birth.known || !v.known
	r.unknown = cn.anonymous || cn.unknown || cn.opaque
	r.byChild = r.unknown
	for _, who := range cn.performers {
		counts := false
		if who == c.Patient {
			counts = blind || v.mayChoose(c.birth.oldest(v.today))
			r.byChild = r.byChild || counts
		} else {
			young := blind || c.birth.youngest(v.today) < v.policy.youthAloneFrom
			counts = young && c.holdsFor(v, who, v.now, true)
		}
		if counts {
			r.no |= c.bit(who)
			r.unknown = r.unknown || c.bit(who) == 0
			r.denies = true
		}
	}
	r.denies = r.denies || r.unknown
}

// countMember lets a network member decide on its own RelatedPerson, and on nothing else.
func (c *Child) countMember(cn *consent, r *ruling) {
	if r.permits || r.denies || cn.opaque {
		return
	}
	for _, d := range cn.provisions[0].data {
		if d.ref.Type == "RelatedPerson" && slices.Contains(cn.performers, d.ref) {
			r.permits, r.denies = cn.dated, true
			r.only = d.ref
			r.yes = c.bit(d.ref)
			r.no = r.yes
		}
	}
}

// bit returns the set of one giver, empty when there are too many givers to tell them apart.
func (c *Child) bit(who fhir.Ref) givers {
	i := slices.Index(c.givers, who)
	if i < 0 {
		return 0
	}
	return 1 << i
}

// holdsFor reports whether a performer has authority over the child at an instant: a RelatedPerson
// with custody, or an institution that holds the guardianship.
func (c *Child) holdsFor(v *view, who fhir.Ref, at int64, loose bool) bool {
	if who.Type == "RelatedPerson" {
		return slices.ContainsFunc(c.persons, func(p person) bool {
			return p.ref.Current() == who && c.holdsCustody(v, &p, at, loose)
		})
	}
	if role, ok := v.key.directory.role(who); ok {
		who = role.organization
	}
	return slices.ContainsFunc(c.guardianship, func(g guardianship) bool {
		return slices.Contains(g.holders, who) && g.period.covers(at, v.zone, loose)
	})
}

// stanceOf matches what of a provision does not depend on the resource, access.md 4.2.
func (v *view) stanceOf(cn *consent, p *provision) stance {
	if p.opaque || cn.opaque {
		return stance{loose: true, wide: grade{3, 3, 3, 3}}
	}
	var s stance
	level, wide, strict, loose := v.matchActors(p)
	s.strict = strict && v.matchRest(p, false)
	s.loose = loose && v.matchRest(p, true)
	s.named = s.strict && level == personActor
	s.opensR = len(p.data) > 0 || slices.ContainsFunc(p.labels, func(l Coding) bool {
		return l.System == systemConfidentiality && confidentialities[l.Code] >= confidentialityR
	})
	s.tight = p.grade(cn, level)
	s.wide = p.grade(cn, wide)
	return s
}

// grade returns the specificity of a provision with the level of its matching actor.
func (p *provision) grade(cn *consent, actor uint8) grade {
	var g grade
	if cn.hasHolder {
		g[0] = 1
	}
	g[1] = actor
	switch {
	case len(p.data) > 0:
		g[2] = 3
	case len(p.domains)+len(p.codes) > 0:
		g[2] = 2
	case len(p.classes)+len(p.labels) > 0, p.hasTime:
		g[2] = 1
	}
	if len(p.purposes) > 0 {
		g[3] = 1
	}
	return g
}

// matchRest matches period, action and purpose.
func (v *view) matchRest(p *provision, loose bool) bool {
	return p.period.covers(v.now, v.zone, loose) && v.matchAction(p, loose) && v.matchPurpose(p, loose)
}

func (v *view) matchAction(p *provision, loose bool) bool {
	want := "access"
	if v.key.disclose {
		want = "disclose"
	}
	return len(p.actions) == 0 || slices.ContainsFunc(p.actions, func(c Coding) bool {
		return c.Code == want && c.System == systemConsentAction || loose && c.System != systemConsentAction
	})
}

func (v *view) matchPurpose(p *provision, loose bool) bool {
	if len(p.purposes) == 0 {
		return loose || v.key.purpose != reporting
	}
	return slices.ContainsFunc(p.purposes, func(c Coding) bool {
		return c.System == systemReason && purposeWithin(v.key.purpose, c.Code) || loose && c.System != systemReason
	})
}

// matchActors matches the recipients, and returns the highest level that matches each way.
func (v *view) matchActors(p *provision) (tight, wide uint8, strict, loose bool) {
	if !p.hasActor {
		return anyActor, anyActor, true, true
	}
	if len(p.actors) == 0 { // only roles that name no recipient
		return anyActor, anyActor, false, true
	}
	for i := range p.actors {
		level, yes, no := v.matchActor(&p.actors[i])
		if yes {
			strict, tight = true, max(tight, level)
		}
		if no {
			loose, wide = true, max(wide, level)
		}
	}
	return tight, wide, strict, loose
}

// matchActor matches one recipient as a permit and as a deny.
func (v *view) matchActor(a *actor) (level uint8, strict, loose bool) {
	switch a.form {
	case actorClient:
		return categoryActor, false, a.value == v.key.client
	case actorCategory:
		codes, known := v.key.directory.orgTypes(v.key.organization)
		in := slices.Contains(codes, Coding{System: a.system, Code: a.value})
		return categoryActor, in, in || !known && !v.key.organization.IsZero()
	case actorForeign:
		return categoryActor, false, true
	}
	match, ok := actorTypes[a.ref.Type]
	if !ok { // not understood: as a deny, as specific as can be
		return personActor, false, true
	}
	return match(v, a.ref)
}

// actorTypes match a literal recipient by its type.
var actorTypes = map[fhir.Type]func(*view, fhir.Ref) (uint8, bool, bool){
	"Organization":     (*view).matchOrganization,
	"CareTeam":         (*view).matchTeam,
	"Practitioner":     (*view).matchPerson,
	"RelatedPerson":    (*view).matchPerson,
	"Patient":          (*view).matchPerson,
	"PractitionerRole": (*view).matchStaff,
}

func (v *view) matchOrganization(ref fhir.Ref) (uint8, bool, bool) {
	is := ref == v.key.organization
	return organizationActor, is, is
}

func (v *view) matchTeam(ref fhir.Ref) (uint8, bool, bool) {
	is := func(t fhir.Ref) bool { return t.Current() == ref }
	in := slices.ContainsFunc(v.ground.team, is)
	return organizationActor, in, in || slices.ContainsFunc(v.ground.circle, is) || !slices.ContainsFunc(v.ground.teams, is)
}

func (v *view) matchPerson(ref fhir.Ref) (uint8, bool, bool) {
	is := v.isUser(ref)
	return personActor, is, is
}

func (v *view) matchStaff(ref fhir.Ref) (uint8, bool, bool) {
	role, known := v.key.directory.role(ref)
	is := ref == v.key.user || known && !v.key.user.IsZero() && role.practitioner == v.key.user
	return personActor, is, is || !known && !roles[v.key.role].person
}

// named reports whether some counted permit names the RelatedPerson.
func (v *view) named(ref fhir.Ref) bool {
	for i := range v.rulings {
		r := &v.rulings[i]
		if !r.only.IsZero() || r.bound != nil {
			continue // a member's word about itself, or a sender's about its own, opens nothing else
		}
		for j := range r.stances {
			p := &r.consent.provisions[j]
			names := func(a actor) bool { return a.ref == ref }
			if r.permits && p.effect == permit && r.stances[j].named && slices.ContainsFunc(p.actors, names) {
				return true
			}
		}
	}
	return false
}
