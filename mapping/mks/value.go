package mks

import (
	"strings"
	"time"

	"github.com/drieluik/drieluik/fhir"
)

// value is one place in a source document, present or not. Its getters answer the zero value for a
// place that is absent or faulty.
type value struct {
	d   *document
	n   fhir.Node
	ptr string // RFC 6901
}

var escape = strings.NewReplacer("~", "~0", "/", "~1")

// at returns the member of that name, also when it is absent.
func (v value) at(name string) value {
	return value{d: v.d, n: v.n.Member(name), ptr: v.pointer(name)}
}

// holding returns the member that a child of v is.
func (v value) holding(n fhir.Node) value { return value{d: v.d, n: n, ptr: v.pointer(n.Name())} }

func (v value) pointer(name string) string {
	if strings.ContainsAny(name, "~/") {
		name = escape.Replace(name)
	}
	return v.ptr + "/" + name
}

// items returns the elements of a list; none when it is absent or no list.
func (v value) items() []value {
	if v.n.Shape() != fhir.Array {
		return nil
	}
	out := make([]value, 0, v.n.Len())
	for n := range v.n.Children() {
		out = append(out, v.item(len(out), n))
	}
	return out
}

// present reports whether there is something: not absent, null, an empty list or an empty object.
func (v value) present() bool {
	switch v.n.Shape() {
	case fhir.Missing, fhir.Null:
		return false
	case fhir.Array, fhir.Object:
		return v.n.Len() > 0
	default:
		return true
	}
}

// sound reports whether the value is present and nothing at or below it is faulty.
func (v value) sound() bool { return v.present() && !v.d.faulty[v.ptr] }

// absentOrSound reports whether a rule may rely on an optional value.
func (v value) absentOrSound() bool { return !v.present() || v.sound() }

// soundAll reports whether all named members are sound.
func (v value) soundAll(names ...string) bool {
	for _, name := range names {
		if !v.at(name).sound() {
			return false
		}
	}
	return true
}

// str returns a string as it came.
func (v value) str() string {
	if v.n.Shape() != fhir.String || v.d.faulty[v.ptr] {
		return ""
	}
	return v.n.Text()
}

// strs returns the strings of a list.
func (v value) strs() []string {
	var out []string
	for _, item := range v.items() {
		if s := item.str(); s != "" {
			out = append(out, s)
		}
	}
	return out
}

// whole returns an integer.
func (v value) whole() int64 {
	if v.n.Shape() != fhir.Number || v.d.faulty[v.ptr] {
		return 0
	}
	n, ok := wholeNumber(v.n.Text())
	if !ok {
		return 0
	}
	return n
}

// decimal returns a number as it was written.
func (v value) decimal() string {
	if v.n.Shape() != fhir.Number || v.d.faulty[v.ptr] {
		return ""
	}
	return v.n.Text()
}

// yes reports whether the value is true.
func (v value) yes() bool {
	return v.n.Shape() == fhir.Bool && v.n.Text() == "true"
}

// day returns a date or partial date.
func (v value) day() day { return day(v.str()) }

// instant returns a date-time, the zero time when there is none.
func (v value) instant() time.Time {
	t, err := time.Parse(time.RFC3339Nano, v.str())
	if err != nil {
		return time.Time{}
	}
	return t
}

// to records which elements the value went to, FHIRPath with Type/id, and returns the value.
// A leaf that no call of to names, at it or above it, becomes a source-member.
func (v value) to(elements ...string) value {
	v.d.trace(v.ptr, elements)
	return v
}

// day is a calendar day as text: YYYY, YYYY-MM or YYYY-MM-DD. "" is no day.
type day string

// dayOf returns the calendar day of a time in its own offset.
func dayOf(t time.Time) day { return day(t.Format(time.DateOnly)) }

// full returns the first day that d can mean.
func (d day) full() day { return d + day("-01-01"[min(6, max(0, len(d)-4)):]) }

// after reports whether d certainly lies after e, by the precision both have.
func (d day) after(e day) bool {
	n := min(len(d), len(e))
	return d != "" && e != "" && d[:n] > e[:n]
}

// time returns the first instant of d in UTC, the zero time for "".
func (d day) time() time.Time {
	t, err := time.Parse(time.DateOnly, string(d.full()))
	if err != nil {
		return time.Time{}
	}
	return t
}

// age returns the completed years on a day; a birthday counts. A partial birth date counts from its
// first day, 29 February from 1 March in other years.
func age(birth, on day) int {
	b, o := birth.full(), on.full()
	if len(b) != 10 || len(o) != 10 {
		return 0
	}
	years := o.time().Year() - b.time().Year()
	if o[5:] < b[5:] {
		years--
	}
	return years
}

// birthday returns the day on which somebody becomes that many years old.
func birthday(birth day, years int) day {
	return dayOf(birth.time().AddDate(years, 0, 0))
}

// date returns the calendar day of a date-time in its own offset, or of a date.
func (v value) date() day {
	s := v.str()
	if len(s) < 10 {
		return day(s)
	}
	return day(s[:10])
}

// last returns the last day that d can mean.
func (d day) last() day {
	ends := map[int]func(time.Time) time.Time{
		4: func(t time.Time) time.Time { return t.AddDate(1, 0, -1) },
		7: func(t time.Time) time.Time { return t.AddDate(0, 1, -1) },
	}
	if end, ok := ends[len(d)]; ok {
		return dayOf(end(d.time()))
	}
	return d
}
