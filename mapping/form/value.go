package form

import (
	"bytes"
	"encoding/json"
	"strings"
	"time"

	"github.com/drieluik/drieluik/fhir"
)

// Value is one place in a source document, present or not. Its getters answer the zero value for a
// place that is absent or faulty.
type Value struct {
	d *Document
	place
}

// place names a value within its document: a node, or what is absent below one.
type place struct {
	at   fhir.Node // of an absent value the node nearest above it
	rest string    // "" for what is there: else the names below at, escaped and with / between them
}

// holder returns the place that holds p.
func (p place) holder() place {
	if p.rest == "" {
		return place{at: p.at.Parent()}
	}
	return place{p.at, p.rest[:max(0, strings.LastIndexByte(p.rest, '/'))]}
}

var escape = strings.NewReplacer("~", "~0", "/", "~1")

// At returns the member of that name, also when it is absent.
func (v Value) At(name string) Value {
	if n := v.Node().Member(name); n.Exists() {
		return Value{v.d, place{at: n}}
	}
	return v.absent(name)
}

// absent returns the member of that name, which is not there.
func (v Value) absent(name string) Value {
	if strings.ContainsAny(name, "~/") {
		name = escape.Replace(name)
	}
	if v.rest != "" {
		name = v.rest + "/" + name
	}
	return Value{v.d, place{v.at, name}}
}

// Members returns the members of an object as they came, known or not.
func (v Value) Members() []Value { return v.children(fhir.Object) }

// Items returns the elements of a list; none when it is absent or no list.
func (v Value) Items() []Value { return v.children(fhir.Array) }

func (v Value) children(of fhir.Shape) []Value {
	n := v.Node()
	if n.Shape() != of {
		return nil
	}
	out := make([]Value, 0, n.Len())
	for c := range n.Children() {
		out = append(out, v.holding(c))
	}
	return out
}

// holding returns the member or element that a child of v is.
func (v Value) holding(n fhir.Node) Value { return Value{v.d, place{at: n}} }

// Pointer returns the place, RFC 6901.
func (v Value) Pointer() string {
	if v.rest == "" {
		return v.at.Pointer()
	}
	return string(v.appendPointer(nil))
}

// Name returns the name of the member, "" for an element of a list.
func (v Value) Name() string { return v.Node().Name() }

// Node returns the place in the tree; missing when the value is absent.
func (v Value) Node() fhir.Node {
	if v.rest != "" {
		return fhir.Node{}
	}
	return v.at
}

// Compact returns the JSON text without white space.
func (v Value) Compact() string {
	var out bytes.Buffer
	if json.Compact(&out, []byte(v.Node().Raw())) != nil {
		return v.Node().Raw()
	}
	return out.String()
}

// Present reports whether there is something: not absent, null, an empty list or an empty object.
func (v Value) Present() bool {
	n := v.Node()
	switch n.Shape() {
	case fhir.Missing, fhir.Null:
		return false
	case fhir.Array, fhir.Object:
		return n.Len() > 0
	default:
		return true
	}
}

// Faulty reports whether something at or below the place is faulty, also when it is absent.
func (v Value) Faulty() bool { return v.d.faulty[v.place] }

// Sound reports whether the value is present and nothing at or below it is faulty.
func (v Value) Sound() bool { return v.Present() && !v.Faulty() }

// AbsentOrSound reports whether a rule may rely on an optional value.
func (v Value) AbsentOrSound() bool { return !v.Present() || v.Sound() }

// SoundAll reports whether all named members are sound.
func (v Value) SoundAll(names ...string) bool {
	for _, name := range names {
		if !v.At(name).Sound() {
			return false
		}
	}
	return true
}

// AnyOf reports whether one of the members is present.
func (v Value) AnyOf(fs Fields) bool {
	for i := range fs {
		if v.At(fs[i].name).Present() {
			return true
		}
	}
	return false
}

// Str returns a string as it came.
func (v Value) Str() string { return v.scalar(fhir.String) }

// Decimal returns a number as it was written.
func (v Value) Decimal() string { return v.scalar(fhir.Number) }

func (v Value) scalar(s fhir.Shape) string {
	if v.Node().Shape() != s || v.d.faulty[v.place] {
		return ""
	}
	return v.Node().Text()
}

// Strs returns the strings of a list.
func (v Value) Strs() []string {
	var out []string
	for _, item := range v.Items() {
		if s := item.Str(); s != "" {
			out = append(out, s)
		}
	}
	return out
}

// Whole returns an integer.
func (v Value) Whole() int64 {
	n, ok := WholeNumber(v.Decimal())
	if !ok {
		return 0
	}
	return n
}

// Yes reports whether the value is true.
func (v Value) Yes() bool { return v.Node().Shape() == fhir.Bool && v.Node().Text() == "true" }

// Day returns a date or partial date.
func (v Value) Day() Day { return Day(v.Str()) }

// Date returns the calendar day of a date-time in its own offset, or of a date.
func (v Value) Date() Day {
	s := v.Str()
	if len(s) < 10 {
		return Day(s)
	}
	return Day(s[:10])
}

// Instant returns a date-time, the zero time when there is none.
func (v Value) Instant() time.Time {
	t, err := time.Parse(time.RFC3339Nano, v.Str())
	if err != nil {
		return time.Time{}
	}
	return t
}
