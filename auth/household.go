package auth

import (
	"slices"
	"time"

	"github.com/drieluik/drieluik/fhir"
)

// Household is who may act for a child at an instant, and the ages at which that changes (access.md 2.2, 2.3).
type Household struct {
	Jurisdiction string    // nl, se
	Today        time.Time // midnight UTC of the local date
	// Born are the first and the last possible day of birth, at midnight UTC; zero without a birth date.
	Born [2]time.Time
	// Youngest and Oldest are the possible ages; -1 without a birth date or a policy.
	Youngest, Oldest int
	// Holders hold authority now and are not sealed off: RelatedPersons, and Organizations as guardians, in order.
	Holders []fhir.Ref
	// Of the policy in force: from when the child reads, its signature counts beside a guardian's, and it decides alone.
	ChildFrom, JointFrom, YouthAloneFrom int
}

// Known reports whether the age, and what follows from it, is known.
func (h Household) Known() bool { return h.Oldest >= 0 }

// Changes returns the ages at which rights over the record change, ascending.
func (h Household) Changes() []int {
	out := []int{h.ChildFrom, h.JointFrom, h.YouthAloneFrom}
	slices.Sort(out)
	return slices.Compact(out)
}

// Household returns who acts for the child now.
func (c *Child) Household(now time.Time, s Settings, d *Directory) Household {
	v := c.viewOf(&Principal{}, &Facts{Now: now, Settings: s, Directory: d}, false)
	at := *v // a view holds for an interval; what follows goes by the instant
	at.now, at.today = unixNano(now), dayOf(unixNano(now), v.zone)
	h := Household{Jurisdiction: c.jurisdiction(d, s), Today: at.today.utc(), Youngest: -1, Oldest: -1, Holders: c.holders(&at)}
	if c.birth.known {
		h.Born = [2]time.Time{c.birth.earliest.utc(), c.birth.latest.utc()}
	}
	if c.birth.known && v.known {
		h.Youngest, h.Oldest = c.birth.youngest(at.today), c.birth.oldest(at.today)
		h.ChildFrom, h.JointFrom, h.YouthAloneFrom = v.policy.childFrom, v.policy.jointFrom, v.policy.youthAloneFrom
	}
	return h
}

// utc returns midnight UTC of a civil date.
func (d day) utc() time.Time { return time.Unix(int64(d)*86400, 0).UTC() }

// holders returns who has custody at the instant of v, but for those the record is sealed from.
func (c *Child) holders(v *view) []fhir.Ref {
	var out []fhir.Ref
	for i := range c.persons {
		p := &c.persons[i]
		if p.period.covers(v.now, v.zone, false) && c.holdsCustody(v, p, v.now, false) && !c.sealedFrom(p.ref.Current(), v.key.directory) {
			out = append(out, p.ref.Current())
		}
	}
	for _, g := range c.guardianship {
		if g.period.covers(v.now, v.zone, false) && !c.custodian.IsZero() {
			out = append(out, g.holders...)
		}
	}
	slices.SortFunc(out, compareRefs)
	return slices.Compact(out)
}

// sealedFrom reports whether the whole record is sealed from a RelatedPerson. A seal that names nobody, or
// a Person that is not known, seals it from all.
func (c *Child) sealedFrom(person fhir.Ref, d *Directory) bool {
	return slices.ContainsFunc(c.labels, func(l Label) bool {
		switch {
		case l.System != systemAccessLabel:
			return false
		case l.Code == "seal-guardians" || l.Code == "not-for-patient":
			return true
		case l.Code != "seal-person":
			return false
		case len(l.Barred) == 0:
			return true
		}
		return slices.ContainsFunc(l.Barred, func(ref fhir.Ref) bool {
			if ref.Type != "Person" {
				return ref.IsZero() || ref == person
			}
			links, known := d.links(ref)
			return !known || slices.Contains(links, person)
		})
	})
}
