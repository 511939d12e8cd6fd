package auth

import (
	"slices"
	"time"
)

// window is the span [low, high) around an instant in which nothing changes by itself.
type window struct{ low, now, high int64 }

// edge narrows w to one side of an instant at which something changes.
func (w *window) edge(at int64) {
	if at <= w.now {
		w.low = max(w.low, at)
	} else {
		w.high = min(w.high, at)
	}
}

// span narrows w to one side of both ends of a period.
func (w *window) span(s span, zone *time.Location) {
	if !s.broken {
		low, high := s.bounds(zone)
		w.edge(low)
		w.edge(high)
	}
}

// Until returns the first instant after now at which a decision about this child can change by
// itself: an edge of a period, a birthday, a custody check that grows old, a table that comes into
// force. Zero: never. A break-glass token has an end of its own.
func (c *Child) Until(now time.Time, s Settings) time.Time {
	high := int64(forever)
	for _, zone := range zones() {
		high = min(high, c.window(unixNano(now), zone, s.policies()).high)
	}
	if high == forever {
		return time.Time{}
	}
	return time.Unix(0, high).UTC()
}

// window returns the span around an instant in which nothing about the child changes by itself.
func (c *Child) window(now int64, zone *time.Location, p *Policies) window {
	w := window{low: beginning, now: now, high: forever}
	for _, rows := range p.rows {
		for _, row := range rows {
			w.edge(midnight(row.validFrom, zone))
		}
	}
	if c.birth.known {
		today := dayOf(now, zone)
		for _, born := range [2]day{c.birth.earliest, c.birth.latest} {
			age := born.ageOn(today)
			w.edge(midnight(born.birthday(age), zone))
			w.edge(midnight(born.birthday(age+1), zone))
		}
	}
	c.personEdges(&w, zone)
	c.recordEdges(&w, zone)
	return w
}

func (c *Child) personEdges(w *window, zone *time.Location) {
	for i := range c.persons {
		p := &c.persons[i]
		w.span(p.period, zone)
		for _, k := range p.custody {
			w.span(k.period, zone)
			if k.checked.precision != noPrecision {
				last := k.checked.first()
				w.edge(midnight(last+custodyWarnDays+1, zone))
				w.edge(midnight(last+custodyStaleDays+1, zone))
			}
		}
	}
	for _, g := range c.guardianship {
		w.span(g.period, zone)
	}
}

func (c *Child) recordEdges(w *window, zone *time.Location) {
	for i := range c.teams {
		w.span(c.teams[i].period, zone)
		for _, m := range c.teams[i].members {
			w.span(m.period, zone)
		}
	}
	for _, f := range c.flags {
		w.span(f.period, zone)
	}
	for _, cn := range slices.Concat(c.consents, c.ended) {
		if cn.dated {
			w.edge(cn.dateTime.low(zone))
		}
		for i := range cn.provisions {
			w.span(cn.provisions[i].period, zone)
		}
	}
}
