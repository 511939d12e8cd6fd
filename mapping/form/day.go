package form

import "time"

// Day is a calendar day as text: YYYY, YYYY-MM or YYYY-MM-DD. "" is no day.
type Day string

// DayOf returns the calendar day of a time in its own offset.
func DayOf(t time.Time) Day { return Day(t.Format(time.DateOnly)) }

// Full returns the first day that d can mean.
func (d Day) Full() Day { return d + Day("-01-01"[min(6, max(0, len(d)-4)):]) }

// Last returns the last day that d can mean.
func (d Day) Last() Day {
	switch len(d) {
	case len("2006"):
		return DayOf(d.Time().AddDate(1, 0, -1))
	case len("2006-01"):
		return DayOf(d.Time().AddDate(0, 1, -1))
	}
	return d
}

// After reports whether d certainly lies after e, by the precision that both have.
func (d Day) After(e Day) bool {
	n := min(len(d), len(e))
	return d != "" && e != "" && d[:n] > e[:n]
}

// Time returns the first instant of d in UTC, the zero time for "".
func (d Day) Time() time.Time {
	t, err := time.Parse(time.DateOnly, string(d.Full()))
	if err != nil {
		return time.Time{}
	}
	return t
}

// Add returns the day that many days later; "" for "".
func (d Day) Add(days int) Day {
	if d == "" {
		return ""
	}
	return DayOf(d.Time().AddDate(0, 0, days))
}

// Age returns the completed years on a day; a birthday counts. A partial birth date counts from its
// first day, 29 February from 1 March in other years.
func Age(birth, on Day) int {
	b, o := birth.Full(), on.Full()
	if len(b) != 10 || len(o) != 10 {
		return 0
	}
	years := o.Time().Year() - b.Time().Year()
	if o[5:] < b[5:] {
		years--
	}
	return years
}

// Birthday returns the day on which somebody becomes that many years old.
func Birthday(birth Day, years int) Day { return DayOf(birth.Time().AddDate(years, 0, 0)) }
