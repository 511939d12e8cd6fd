package path

import (
	"fmt"
	"strings"
	"time"
)

// Precision is how far a date or time is known.
type Precision uint8

// Precisions, coarse to fine. Seconds and milliseconds compare as one.
const (
	Year Precision = iota + 1
	Month
	Day
	Hour
	Minute
	Second
	Millisecond
)

// Temporal is a date, dateTime or time as far as it is known.
type Temporal struct {
	kind   Kind
	local  int64 // milliseconds of the fields as written, since 1970 or since midnight
	prec   Precision
	zoned  bool
	offset int // minutes east of UTC
}

const day = 24 * 60 * 60 * 1000

// zoneSpan is the widest distance of a local time from UTC, in milliseconds.
const zoneSpan = 14 * 60 * 60 * 1000

// ParseTemporal reads a date ("2014-01"), a dateTime ("2014-01-25T14:30:00+01:00", also partial) or
// a time ("14:30:00") of that kind. It reports false for anything else, also for days that no
// calendar has.
func ParseTemporal(kind Kind, s string) (Temporal, bool) {
	t := Temporal{kind: kind}
	if kind == Time {
		rest, ok := t.clock(s)
		return t, ok && rest == ""
	}
	date, clock, hasClock := strings.Cut(s, "T")
	if !t.date(date) || kind == Date && hasClock {
		return Temporal{}, false
	}
	if clock == "" {
		return t, true
	}
	if t.prec != Day {
		return Temporal{}, false
	}
	rest, ok := t.clock(clock)
	if !ok || !t.zone(rest) {
		return Temporal{}, false
	}
	return t, true
}

// date reads YYYY, YYYY-MM or YYYY-MM-DD.
func (t *Temporal) date(s string) bool {
	year, ok := digits(s, 0, 4)
	if !ok || year == 0 {
		return false
	}
	month, dayOfMonth := 1, 1
	t.prec = Year
	if len(s) > 4 {
		if month, ok = digits(s, 5, 2); !ok || s[4] != '-' || month < 1 || month > 12 {
			return false
		}
		t.prec = Month
	}
	if len(s) > 7 {
		if dayOfMonth, ok = digits(s, 8, 2); !ok || s[7] != '-' || len(s) > 10 {
			return false
		}
		if dayOfMonth < 1 || dayOfMonth > daysIn(year, time.Month(month)) {
			return false
		}
		t.prec = Day
	}
	if len(s) != 4 && len(s) != 7 && len(s) != 10 {
		return false
	}
	t.local = time.Date(year, time.Month(month), dayOfMonth, 0, 0, 0, 0, time.UTC).UnixMilli()
	return true
}

// clock reads hh, hh:mm, hh:mm:ss or hh:mm:ss.fff and returns what follows.
func (t *Temporal) clock(s string) (rest string, ok bool) {
	limits := [...]int{23, 59, 60}
	units := [...]int64{3600_000, 60_000, 1000}
	for i := range limits {
		if i > 0 {
			if s == "" || s[0] != ':' {
				return s, true
			}
			s = s[1:]
		}
		n, ok := digits(s, 0, 2)
		if !ok || n > limits[i] {
			return s, false
		}
		t.local += int64(n) * units[i]
		t.prec = Hour + Precision(i)
		s = s[2:]
	}
	if len(s) < 2 || s[0] != '.' || !isDigit(s[1]) {
		return s, true
	}
	t.prec = Millisecond
	scale := int64(100)
	for s = s[1:]; s != "" && isDigit(s[0]); s = s[1:] {
		t.local += int64(s[0]-'0') * scale
		scale /= 10
	}
	return s, true
}

// zone reads "", "Z" or ±hh:mm.
func (t *Temporal) zone(s string) bool {
	if s == "" {
		return true
	}
	t.zoned = true
	if s == "Z" {
		return true
	}
	hours, ok1 := digits(s, 1, 2)
	minutes, ok2 := digits(s, 4, 2)
	if !ok1 || !ok2 || len(s) != 6 || s[3] != ':' || hours > 14 || minutes > 59 {
		return false
	}
	t.offset = hours*60 + minutes
	if s[0] == '-' {
		t.offset = -t.offset
	}
	return s[0] == '-' || s[0] == '+'
}

// digits reads n digits of s from at.
func digits(s string, at, n int) (int, bool) {
	if len(s) < at+n {
		return 0, false
	}
	v := 0
	for _, c := range []byte(s[at : at+n]) {
		if !isDigit(c) {
			return 0, false
		}
		v = v*10 + int(c-'0')
	}
	return v, true
}

func daysIn(year int, month time.Month) int {
	return time.Date(year, month+1, 0, 0, 0, 0, 0, time.UTC).Day()
}

// Precision returns how far t is known.
func (t Temporal) Precision() Precision { return t.prec }

// Zoned reports whether t has a time zone.
func (t Temporal) Zoned() bool { return t.zoned }

// Range returns the span of t in milliseconds since 1970 (a time: since midnight), low inclusive,
// high exclusive. Without a zone it is read as UTC.
func (t Temporal) Range() (low, high int64) {
	low = t.local - int64(t.offset)*60_000
	switch t.prec {
	case Year, Month:
		at := time.UnixMilli(t.local).UTC()
		months := 1
		if t.prec == Year {
			months = 12
		}
		return low, at.AddDate(0, months, 0).UnixMilli() - int64(t.offset)*60_000
	case Day:
		return low, low + day
	case Hour:
		return low, low + 3600_000
	case Minute:
		return low, low + 60_000
	case Second:
		return low, low + 1000
	}
	return low, low + 1
}

// order compares two temporals of one kind: -1, 0, 1, and false when precision or a missing zone
// leaves it open.
func (t Temporal) order(u Temporal) (int, bool) {
	a, aEnd := t.Range()
	b, bEnd := u.Range()
	sameZone := t.zoned == u.zoned
	if sameZone && (t.prec == u.prec || t.prec >= Second && u.prec >= Second) {
		return compareInt(a, b), true
	}
	if !sameZone {
		if t.zoned {
			b, bEnd = b-zoneSpan, bEnd+zoneSpan
		} else {
			a, aEnd = a-zoneSpan, aEnd+zoneSpan
		}
	}
	switch {
	case aEnd <= b:
		return -1, true
	case bEnd <= a:
		return 1, true
	}
	return 0, false
}

func compareInt(a, b int64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// String returns t as FHIR writes it.
func (t Temporal) String() string {
	at := time.UnixMilli(t.local).UTC()
	if t.kind == Time {
		return at.Format(clockLayouts[t.prec])
	}
	s := fmt.Sprintf("%04d", at.Year())
	if t.prec >= Month {
		s += at.Format("-01")
	}
	if t.prec >= Day {
		s += at.Format("-02")
	}
	if t.prec >= Hour {
		s += at.Format("T" + clockLayouts[t.prec])
	}
	if t.zoned && t.offset == 0 {
		return s + "Z"
	}
	if t.zoned {
		sign, n := '+', t.offset
		if n < 0 {
			sign, n = '-', -n
		}
		s += fmt.Sprintf("%c%02d:%02d", sign, n/60, n%60)
	}
	return s
}

// clockLayouts are the layouts of package time by precision.
var clockLayouts = [...]string{Hour: "15", Minute: "15:04", Second: "15:04:05", Millisecond: "15:04:05.000"}

// temporalAt returns an instant as a Temporal with milliseconds and the zone of at.
func temporalAt(at time.Time) Temporal {
	_, seconds := at.Zone()
	return Temporal{
		kind: DateTime, prec: Millisecond, zoned: true, offset: seconds / 60,
		local: at.UnixMilli() + int64(seconds/60)*60_000,
	}
}

// as returns t as another kind: a date as a dateTime, or the date or time of a dateTime.
func (t Temporal) as(kind Kind) Temporal {
	if t.kind == kind {
		return t
	}
	if kind == Date {
		t.local -= (t.local%day + day) % day
		t.prec = min(t.prec, Day)
		t.zoned, t.offset = false, 0
	}
	t.kind = kind
	return t
}

// add moves t by n calendar units (years, months) or by milliseconds, keeping its precision.
func (t Temporal) add(months int, millis int64) (Temporal, bool) {
	at := time.UnixMilli(t.local).UTC()
	if months != 0 {
		first := time.Date(at.Year(), at.Month()+time.Month(months), 1, 0, 0, 0, 0, time.UTC)
		last := daysIn(first.Year(), first.Month())
		moved := first.AddDate(0, 0, min(at.Day(), last)-1)
		t.local += moved.UnixMilli() - time.Date(at.Year(), at.Month(), at.Day(), 0, 0, 0, 0, time.UTC).UnixMilli()
	}
	t.local += millis
	if t.kind == Time {
		t.local = (t.local%day + day) % day
		return t, true
	}
	year := time.UnixMilli(t.local).UTC().Year()
	return t, year >= 1 && year <= 9999
}
