package coordination

import (
	"math"
	"time"
)

// day counts local days since 1970-01-01.
type day int32

// noDay is a day that is not known.
const noDay day = math.MinInt32

const secondsOfDay = 24 * 60 * 60

func dayOf(at time.Time, zone *time.Location) day {
	y, m, d := at.In(zone).Date()
	return day(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / secondsOfDay)
}

// first returns the first day that a FHIR date or dateTime can mean, local in the zone where it has an offset.
func first(text string, zone *time.Location) day { return edge(text, zone, false) }

// last returns the last day that it can mean.
func last(text string, zone *time.Location) day { return edge(text, zone, true) }

// forms are those of a FHIR date, by length, with the months and years of its last day.
var forms = map[int]struct {
	layout        string
	years, months int
}{4: {"2006", 1, 0}, 7: {"2006-01", 0, 1}, 10: {time.DateOnly, 0, 0}}

func edge(text string, zone *time.Location, end bool) day {
	if text == "" {
		return noDay
	}
	form, ok := forms[len(text)]
	if !ok {
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			return noDay
		}
		return dayOf(at, zone)
	}
	at, err := time.Parse(form.layout, text)
	if err != nil {
		return noDay
	}
	if end && len(text) < len(time.DateOnly) {
		at = at.AddDate(form.years, form.months, -1)
	}
	return day(at.Unix() / secondsOfDay)
}

// span is the days of something; an end that is not known is open.
type span struct{ start, end day }

// before reports whether s is over when o begins.
func (s span) before(o span) bool { return s.end != noDay && o.start != noDay && s.end < o.start }

func (s span) overlaps(o span) bool { return !s.before(o) && !o.before(s) }

// covers reports whether a day is in s. A day that is not known is in no period that has an edge.
func (s span) covers(d day) bool {
	if d == noDay {
		return s == span{noDay, noDay}
	}
	return (s.start == noDay || s.start <= d) && (s.end == noDay || d <= s.end)
}

// text returns the day as a FHIR date, "" for none.
func (d day) text() string {
	if d == noDay {
		return ""
	}
	return time.Unix(int64(d)*secondsOfDay, 0).UTC().Format(time.DateOnly)
}
