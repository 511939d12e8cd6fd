package auth

import "time"

// DecidesToo reports whether the child is at an age at which its own permission counts beside that
// of a guardian: the middle age band of access.md 2.2. It is false without a birth date.
func (c *Child) DecidesToo(now time.Time, s Settings, d *Directory) bool {
	jurisdiction := c.jurisdiction(d, s)
	zone, ok := zones()[jurisdiction]
	if !ok || !c.birth.known {
		return false
	}
	today := dayOf(unixNano(now), zone)
	row, ok := s.policies().on(jurisdiction, today)
	return ok && c.birth.oldest(today) >= row.ownRightTo && c.birth.youngest(today) < row.youthAloneFrom
}

// BandEnds returns the next local midnight at which the child grows out of the age band that
// decides who represents it (access.md 2.2, 3.2). Zero: there is none, or no birth date.
func (c *Child) BandEnds(now time.Time, s Settings, d *Directory) time.Time {
	jurisdiction := c.jurisdiction(d, s)
	zone, ok := zones()[jurisdiction]
	if !ok || !c.birth.known {
		return time.Time{}
	}
	row, ok := s.policies().on(jurisdiction, dayOf(unixNano(now), zone))
	if !ok {
		return time.Time{}
	}
	next := int64(forever)
	for _, born := range [2]day{c.birth.earliest, c.birth.latest} {
		for _, age := range [2]int{row.ownRightTo, row.youthAloneFrom} {
			if at := midnight(born.birthday(age), zone); at > unixNano(now) {
				next = min(next, at)
			}
		}
	}
	if next == forever {
		return time.Time{}
	}
	return time.Unix(0, next).UTC()
}
