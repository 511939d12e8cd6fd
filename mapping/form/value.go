package form

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/drieluik/drieluik/fhir"
)

// Value is one place in a source document, present or not. Its getters answer the zero value for a
// place that is absent or faulty.
type Value struct {
	d   *Document
	n   fhir.Node
	ptr string
}

var escape = strings.NewReplacer("~", "~0", "/", "~1")

// At returns the member of that name, also when it is absent.
func (v Value) At(name string) Value {
	return Value{d: v.d, n: v.n.Member(name), ptr: v.below(name)}
}

// Members returns the members of an object as they came, known or not.
func (v Value) Members() []Value {
	if v.n.Shape() != fhir.Object {
		return nil
	}
	var out []Value
	for n := range v.n.Children() {
		out = append(out, v.holding(n))
	}
	return out
}

// holding returns the member that a child of v is.
func (v Value) holding(n fhir.Node) Value { return Value{d: v.d, n: n, ptr: v.below(n.Name())} }

func (v Value) below(name string) string {
	if strings.ContainsAny(name, "~/") {
		name = escape.Replace(name)
	}
	return v.ptr + "/" + name
}

// Items returns the elements of a list; none when it is absent or no list.
func (v Value) Items() []Value {
	if v.n.Shape() != fhir.Array {
		return nil
	}
	out := make([]Value, 0, v.n.Len())
	for n := range v.n.Children() {
		out = append(out, Value{d: v.d, n: n, ptr: v.ptr + "/" + strconv.Itoa(len(out))})
	}
	return out
}

// Pointer returns the place, RFC 6901.
func (v Value) Pointer() string { return v.ptr }

// Name returns the name of the member, "" for an element of a list.
func (v Value) Name() string { return v.n.Name() }

// Node returns the place in the tree; missing when the value is absent.
func (v Value) Node() fhir.Node { return v.n }

// Compact returns the JSON text without white space.
func (v Value) Compact() string {
	var out bytes.Buffer
	if json.Compact(&out, []byte(v.n.Raw())) != nil {
		return v.n.Raw()
	}
	return out.String()
}

// Present reports whether there is something: not absent, null, an empty list or an empty object.
func (v Value) Present() bool {
	switch v.n.Shape() {
	case fhir.Missing, fhir.Null:
		return false
	case fhir.Array, fhir.Object:
		return v.n.Len() > 0
	default:
		return true
	}
}

// Faulty reports whether something at or below the place is faulty, also when it is absent.
func (v Value) Faulty() bool { return v.d.faulty[v.ptr] }

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
	if v.n.Shape() != s || v.d.faulty[v.ptr] {
		return ""
	}
	return v.n.Text()
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
func (v Value) Yes() bool { return v.n.Shape() == fhir.Bool && v.n.Text() == "true" }

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

// To records which elements the value went to, FHIRPath with Type/id, and returns the value. A leaf
// that no call of To names, at it or above it, is one of Document.Untraced.
func (v Value) To(elements ...string) Value {
	v.d.trace(v.ptr, elements)
	return v
}
