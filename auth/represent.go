package auth

import (
	"fmt"
	"slices"

	"github.com/drieluik/drieluik/fhir"
)

// mode is on what footing a person reads, access.md 3.2.
type mode uint8

const (
	modeNone        mode = iota
	modeSelf             // the child
	modeCustody          // guardian in own right
	modeObjection        // guardian, unless the child objects
	modeChildPermit      // guardian by the child's permit
	modeExtension        // guardian by a Swedish extension
	modeYouth            // guardian by the youth's permit
	modeHelper           // network member
)

// modeRow is what a mode needs of Consents (access.md 3.3) and what it answers with.
type modeRow struct {
	needsPermit bool
	denies      denies
	reason      string
}

// denies says whose denies count.
type denies uint8

const (
	deniesNone denies = iota
	deniesChild
	deniesAll
)

var modes = map[mode]modeRow{
	modeSelf:        {reason: "permit-self"},
	modeCustody:     {reason: "permit-custody"},
	modeObjection:   {denies: deniesChild, reason: "permit-custody"},
	modeChildPermit: {needsPermit: true, denies: deniesChild, reason: "permit-child-permit"},
	modeExtension:   {needsPermit: true, denies: deniesChild, reason: "permit-extension"},
	modeYouth:       {needsPermit: true, denies: deniesChild, reason: "permit-youth-consent"},
	modeHelper:      {needsPermit: true, denies: deniesAll, reason: "permit-consent"},
}

// standing is the relation and representation of a person, access.md 3.1 and 3.2.
type standing struct {
	related bool
	mode    mode
	reason  string   // why not, when mode is modeNone
	person  fhir.Ref // the RelatedPerson that the user is
	warn    bool     // obligation warn-custody-stale
	checked string   // Decision.Check
	since   int64    // NL custody began after birth: what was filed before this instant stays closed
}

// standingOf judges a person principal. A Person user may be several RelatedPersons of one child:
// the first that may read counts, else the first.
func (c *Child) standingOf(v *view, self []*person, jurisdiction string) standing {
	if v.key.role == ChildRole {
		if !v.isUser(c.Patient) {
			return standing{}
		}
		s := c.childStanding(v)
		s.related = true
		return s
	}
	out := standing{}
	for i, p := range self {
		s := standing{mode: modeHelper}
		if v.key.role == Guardian {
			s = c.guardianStanding(v, p, jurisdiction)
		}
		s.related, s.person = true, p.ref.Current()
		if i == 0 || out.mode == modeNone && s.mode != modeNone {
			out = s
		}
	}
	return out
}

// refuse is a standing that fails.
func refuse(reason string) standing { return standing{reason: reason} }

// mayChoose reports whether the child has rights of its own at an age.
func (v *view) mayChoose(age int) bool {
	return age >= v.policy.childFrom || age >= v.policy.childMaturityFrom && v.mature
}

func (c *Child) childStanding(v *view) standing {
	if !c.birth.known || !v.known {
		return refuse("rep-birthdate-unknown")
	}
	age := c.birth.youngest(v.today)
	switch {
	case v.mayChoose(age):
		return standing{mode: modeSelf}
	case age >= v.policy.childMaturityFrom:
		return refuse("rep-maturity-missing")
	}
	return refuse("rep-child-too-young")
}

// guardianStanding follows the rows of access.md 3.2 in their order.
func (c *Child) guardianStanding(v *view, p *person, jurisdiction string) standing {
	if !c.birth.known || !v.known {
		return refuse("rep-birthdate-unknown")
	}
	oldest, youngest := c.birth.oldest(v.today), c.birth.youngest(v.today)
	if oldest >= v.policy.youthAloneFrom {
		closed := func(age int) bool { return youngest <= age && age <= oldest }
		if slices.ContainsFunc(v.policy.guardianNever, closed) {
			return refuse("rep-age-closed")
		}
		if !v.policy.youthMayOpen || !v.named(p.ref.Current()) {
			return refuse("rep-youth-alone")
		}
		return standing{mode: modeYouth}
	}
	k := c.custodyOf(v, p, jurisdiction)
	switch {
	case k.undetermined:
		return refuse("rep-custody-undetermined")
	case !k.held:
		return refuse("rep-custody-none")
	case v.sealed:
		return refuse("rep-flag-osl")
	case k.stale:
		return refuse("rep-custody-stale")
	case oldest < v.policy.ownRightTo:
		return standing{mode: modeCustody, warn: k.warn, since: k.since, checked: k.told()}
	}
	return c.middleStanding(v, p, k)
}

// middleRows are what a guardian needs in the middle age band, and the refusal without it.
var middleRows = map[middle]struct {
	mode   mode
	reason string
}{
	middleConfig:    {modeChildPermit, "rep-child-permit-missing"},
	middleExtension: {modeExtension, "rep-extension-missing"},
}

// middleStanding is the standing between guardianOwnRightTo and youthAloneFrom.
func (c *Child) middleStanding(v *view, p *person, k custodyState) standing {
	objection := v.key.settings.ParentRead1215 == "deny-on-child-objection"
	row := middleRows[v.policy.middle]
	switch {
	case v.policy.middle == middleConfig && objection:
		return standing{mode: modeObjection, warn: k.warn, checked: k.told()}
	case !v.named(p.ref.Current()):
		return refuse(row.reason)
	}
	return standing{mode: row.mode, warn: k.warn, checked: k.told()}
}

// custodyState is the custody of one person at one instant.
type custodyState struct {
	held, undetermined, stale, warn bool
	since                           int64 // 0: from birth
	on                              day   // NL: when it was checked last; 0: unknown
}

// told is custody as the log has it.
func (k custodyState) told() string {
	if k.on == 0 {
		return "custody"
	}
	y, m, d := k.on.date()
	return fmt.Sprintf("custody %04d-%02d-%02d", y, m, d)
}

// claimed reports whether custody of a person is what another organisation than the child's custodian says: it
// gives no rights over what others keep (access.md 5).
func (c *Child) claimed(p *person) bool { return p.keeper != c.custodian }

// custodyOf judges custody now, access.md 2.3. A stub child has none.
func (c *Child) custodyOf(v *view, p *person, jurisdiction string) custodyState {
	var out custodyState
	if c.custodian.IsZero() || c.claimed(p) {
		return out
	}
	if jurisdiction == "se" {
		out.held = p.swedish && p.active && p.period.covers(v.now, v.zone, false)
		return out
	}
	out.stale, out.warn = true, true
	for _, k := range p.custody {
		if !k.period.covers(v.now, v.zone, false) {
			continue
		}
		gives, known := custodyTypes[k.kind]
		out.undetermined = out.undetermined || known && !gives
		if !gives {
			continue
		}
		out.held = true
		age := custodyStaleDays + 1
		if k.checked.precision != noPrecision {
			age = int(v.today - k.checked.first())
			out.on = max(out.on, k.checked.first())
		}
		out.stale = out.stale && age > custodyStaleDays
		out.warn = out.warn && age > custodyWarnDays
		if start := k.period.start; start.precision != noPrecision && dayOf(start.low(v.zone), v.zone) > c.birth.earliest {
			out.since = max(out.since, start.low(v.zone))
		}
	}
	return out
}

// holdsCustody reports whether a person has custody at an instant. Loose takes what cannot be read
// for custody, and what is claimed: that is how a deny counts.
func (c *Child) holdsCustody(v *view, p *person, at int64, loose bool) bool {
	return (loose || !c.claimed(p)) && c.saysCustody(v, p, at, loose)
}

// saysCustody is holdsCustody of what is claimed, too.
func (c *Child) saysCustody(v *view, p *person, at int64, loose bool) bool {
	if !loose && (c.custodian.IsZero() || !p.active) {
		return false
	}
	if c.jurisdiction(v.key.directory, v.key.settings) == "se" {
		return p.swedish && p.active && p.period.covers(at, v.zone, loose)
	}
	if !loose && !p.period.covers(v.now, v.zone, false) {
		return false
	}
	return slices.ContainsFunc(p.custody, func(k custody) bool {
		gives, known := custodyTypes[k.kind]
		return (gives || loose && !known) && k.period.covers(at, v.zone, loose)
	})
}

// RoleOf tells a guardian from a helper: a RelatedPerson user is a guardian of the child when it
// ever had a custody fact (access.md 1). former tells of custody that older versions held.
func RoleOf(user fhir.Ref, c *Child, d *Directory, former bool) Role {
	links, _ := d.links(user)
	for _, p := range c.persons {
		ref := p.ref.Current()
		if ref != user && !slices.Contains(links, ref) {
			continue
		}
		if former || p.swedish || len(p.custody) > 0 {
			return Guardian
		}
	}
	return Helper
}
