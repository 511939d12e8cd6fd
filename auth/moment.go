package auth

import (
	"math"
	"strconv"
	"sync"
	"time"
	_ "time/tzdata" // a child's midnight must not depend on the machine

	"github.com/drieluik/drieluik/fhir"
)

// Open ends of a span.
const (
	beginning = math.MinInt64
	forever   = math.MaxInt64
)

// zones are the time zones of the jurisdictions, access.md 2.2.
var zones = sync.OnceValue(func() map[string]*time.Location {
	out := map[string]*time.Location{}
	for code, name := range map[string]string{"nl": "Europe/Amsterdam", "se": "Europe/Stockholm"} {
		zone, err := time.LoadLocation(name)
		if err != nil { // the data is compiled in: only a broken build comes here
			zone = time.FixedZone("CET", 3600)
		}
		out[code] = zone
	}
	return out
})

// precision is how much of a FHIR date or dateTime is given.
type precision uint8

const (
	noPrecision precision = iota
	yearPrecision
	monthPrecision
	dayPrecision
	instantPrecision
)

// moment is a FHIR date or dateTime as written. Whole days and longer become instants only in a zone. Thousands are
// kept: it is small.
type moment struct {
	at        int64 // instantPrecision: nanoseconds since 1970, or an open end
	y         int16
	m, d      int8
	precision precision
}

// parseMoment reads a FHIR date, dateTime or instant.
func parseMoment(s string) (moment, bool) {
	if len(s) > 10 {
		t, err := time.Parse(time.RFC3339Nano, s)
		return moment{precision: instantPrecision, at: unixNano(t)}, err == nil
	}
	layouts := map[int]struct {
		layout string
		p      precision
	}{4: {"2006", yearPrecision}, 7: {"2006-01", monthPrecision}, 10: {time.DateOnly, dayPrecision}}
	l, ok := layouts[len(s)]
	if !ok {
		return moment{}, false
	}
	t, err := time.Parse(l.layout, s)
	return moment{precision: l.p, y: int16(t.Year()), m: int8(t.Month()), d: int8(t.Day())}, err == nil
}

// unixNano returns the instant in nanoseconds since 1970. Years that do not fit are the open ends:
// an end in 9999 means no end.
func unixNano(t time.Time) int64 {
	switch y := t.Year(); {
	case y > 2261:
		return forever
	case y < 1679:
		return beginning
	}
	return t.UnixNano()
}

// low returns the first instant of m, in nanoseconds since 1970.
func (m moment) low(zone *time.Location) int64 {
	if m.precision == instantPrecision {
		return m.at
	}
	return midnight(m.first(), zone)
}

// high returns the first instant after m: the local midnight after a date, the second after an instant.
func (m moment) high(zone *time.Location) int64 {
	if m.precision == instantPrecision {
		return nextSecond(m.at)
	}
	return midnight(m.last()+1, zone)
}

// nextSecond returns the first instant of the second after the one in which at lies; of an open end, itself.
func nextSecond(at int64) int64 {
	if at == beginning || at == forever {
		return at
	}
	second := at / int64(time.Second)
	if at < 0 && at%int64(time.Second) != 0 {
		second--
	}
	return (second + 1) * int64(time.Second)
}

// first and last are the days of a date that is perhaps only a month or a year.
func (m moment) first() day { return civil(int(m.y), int(m.m), int(m.d)) }

func (m moment) last() day {
	switch m.precision {
	case yearPrecision:
		return civil(int(m.y), 12, 31)
	case monthPrecision:
		return civil(int(m.y), int(m.m)+1, 0)
	}
	return m.first()
}

// day is a civil date: days since 1970-01-01.
type day int32

func civil(y, m, d int) day {
	return day(time.Date(y, time.Month(m), d, 0, 0, 0, 0, time.UTC).Unix() / 86400)
}

// date returns year, month and day of d.
func (d day) date() (int, time.Month, int) { return time.Unix(int64(d)*86400, 0).UTC().Date() }

// birthday returns the day on which somebody born on d becomes n years old. Born on 29 February:
// 1 March in other years.
func (d day) birthday(n int) day {
	y, m, dd := d.date()
	return civil(y+n, int(m), dd)
}

// ageOn returns the completed years on day today of somebody born on d.
func (d day) ageOn(today day) int {
	y, _, _ := today.date()
	by, _, _ := d.date()
	n := y - by
	if d.birthday(n) > today {
		n--
	}
	return n
}

// dayOf returns the local date of an instant.
func dayOf(at int64, zone *time.Location) day {
	y, m, d := time.Unix(0, at).In(zone).Date()
	return civil(y, int(m), d)
}

// midnight returns the instant at which d begins in the zone.
func midnight(d day, zone *time.Location) int64 {
	y, m, dd := d.date()
	return unixNano(time.Date(y, m, dd, 0, 0, 0, 0, zone))
}

// span is a FHIR Period: start and end inclusive to their own precision, each perhaps open.
// A broken span covers nothing and, asked loosely, everything.
type span struct {
	start, end moment
	broken     bool
}

// readSpan reads a Period; a missing node is open on both sides.
func readSpan(n fhir.Node) span {
	var s span
	for _, side := range []struct {
		name string
		to   *moment
	}{{"start", &s.start}, {"end", &s.end}} {
		text := n.Member(side.name)
		if !text.Exists() {
			continue
		}
		m, ok := parseMoment(text.Text())
		*side.to = m
		s.broken = s.broken || !ok
	}
	return s
}

// bounds returns the instants of s: low inclusive, high exclusive.
func (s span) bounds(zone *time.Location) (low, high int64) {
	low, high = beginning, forever
	if s.start.precision != noPrecision {
		low = s.start.low(zone)
	}
	if s.end.precision != noPrecision {
		high = s.end.high(zone)
	}
	return low, high
}

// covers reports whether s covers the instant. A broken span answers loose.
func (s span) covers(at int64, zone *time.Location, loose bool) bool {
	if s.broken {
		return loose
	}
	low, high := s.bounds(zone)
	return low <= at && at < high
}

// birth is a birth date that is perhaps partial: the possible days, both ends included.
type birth struct {
	known            bool
	earliest, latest day
}

func readBirth(n fhir.Node) birth {
	m, ok := parseMoment(n.Text())
	if !ok || m.precision == instantPrecision {
		return birth{}
	}
	return birth{known: true, earliest: m.first(), latest: m.last()}
}

// youngest and oldest are the possible ages on a day: rights of the child go by the youngest, what
// it takes from a guardian by the oldest.
func (b birth) youngest(today day) int { return b.latest.ageOn(today) }
func (b birth) oldest(today day) int   { return b.earliest.ageOn(today) }

// yearOf returns the year of a FHIR date, "" when there is none.
func yearOf(date string) string {
	if m, ok := parseMoment(date); ok && m.precision != instantPrecision {
		return strconv.Itoa(int(m.y))
	}
	return ""
}
