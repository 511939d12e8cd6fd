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
