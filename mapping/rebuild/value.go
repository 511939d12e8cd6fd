package rebuild

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/drieluik/drieluik/fhir"
)

// Value is one JSON value in the making; nil is a value that is not there. Scalars keep their text, so
// that a number comes back with its digits.
type Value struct {
	shape   fhir.Shape
	text    string // JSON of a scalar
	members []Member
	at      map[string]int // of members, when there are many
	items   []*Value
}

// many is from how many members on a place in them is looked up.
const many = 32

// Member is one member of an object.
type Member struct {
	name  string
	value *Value
}

// M is one row of a table: a member, and what its place in FHIR gives.
func M(name string, value *Value) Member { return Member{name: name, value: value} }

// Object returns an object of the members that are there, nil when none is.
func Object(members ...Member) *Value {
	out := Empty()
	for _, x := range members {
		if x.value != nil {
			out.members = append(out.members, x)
		}
	}
	if len(out.members) == 0 {
		return nil
	}
	return out
}

// Empty returns an object without members.
func Empty() *Value { return &Value{shape: fhir.Object} }

// List returns a list of the values that are there, nil when none is.
func List(items ...*Value) *Value {
	out := None()
	for _, x := range items {
		if x != nil {
			out.items = append(out.items, x)
		}
	}
	if len(out.items) == 0 {
		return nil
	}
	return out
}

// None returns the empty list, for the members whose [] says that there is none.
func None() *Value { return &Value{shape: fhir.Array} }

// Each reads a list: one value per resource or element that is there.
func Each[T any](all []T, read func(T) *Value) *Value {
	items := make([]*Value, len(all))
	for i, x := range all {
		items[i] = read(x)
	}
	return List(items...)
}

// String returns a string, nil for "".
func String(s string) *Value {
	if s == "" {
		return nil
	}
	text, err := json.Marshal(s)
	if err != nil {
		return nil
	}
	return &Value{shape: fhir.String, text: string(text)}
}

// Bool returns a boolean.
func Bool(b bool) *Value { return &Value{shape: fhir.Bool, text: strconv.FormatBool(b)} }

// Whole returns a whole number from 1 to 999 999 999 that FHIR holds as text, nil for any other text.
func Whole(s string) *Value {
	if s == "" || len(s) > 9 || s[0] == '0' || strings.Trim(s, "0123456789") != "" {
		return nil
	}
	return &Value{shape: fhir.Number, text: s}
}

// Text returns a string as it is stored, nil when it is missing or of another shape.
func Text(n fhir.Node) *Value { return scalar(n, fhir.String) }

// Number returns a number with its digits, nil when it is missing or of another shape.
func Number(n fhir.Node) *Value { return scalar(n, fhir.Number) }

// Flag returns a boolean as it is stored, nil when it is missing or of another shape.
func Flag(n fhir.Node) *Value { return scalar(n, fhir.Bool) }

func scalar(n fhir.Node, s fhir.Shape) *Value {
	if n.Shape() != s {
		return nil
	}
	return &Value{shape: s, text: n.Raw()}
}

// Copy returns any JSON as it is.
func Copy(n fhir.Node) *Value {
	out := &Value{shape: n.Shape(), text: n.Raw()}
	for c := range n.Children() {
		switch n.Shape() {
		case fhir.Object:
			out.members = append(out.members, Member{c.Name(), Copy(c)})
		case fhir.Array:
			out.items = append(out.items, Copy(c))
		}
	}
	return out
}

// Parse reads a JSON text, such as the value of a source-member; nil when it is none.
func Parse(text string) *Value {
	doc, issues := fhir.ParseDocument([]byte(`{"value":`+text+`}`), fhir.Limits{})
	if fhir.HasErrors(issues) || doc.Root().Len() != 1 {
		return nil
	}
	return Copy(doc.Root().Member("value"))
}

// Items returns the elements of a list.
func (v *Value) Items() []*Value {
	if v == nil {
		return nil
	}
	return v.items
}

// Member returns the value of a member, nil when it is not there.
func (v *Value) Member(name string) *Value {
	if v == nil {
		return nil
	}
	if i := v.place(name); i >= 0 {
		return v.members[i].value
	}
	return nil
}

// place returns where a member is, -1 when it is not there.
func (v *Value) place(name string) int {
	if len(v.members) < many {
		return slices.IndexFunc(v.members, func(x Member) bool { return x.name == name })
	}
	if v.at == nil {
		v.at = map[string]int{}
		for i, x := range v.members {
			v.at[x.name] = i
		}
	}
	if i, ok := v.at[name]; ok {
		return i
	}
	return -1
}

// Set puts a member in place of what it had.
func (v *Value) Set(name string, value *Value) {
	if i := v.place(name); i >= 0 {
		v.members[i].value = value
		return
	}
	if v.at != nil {
		v.at[name] = len(v.members)
	}
	v.members = append(v.members, Member{name, value})
}

// Put sets the value at a JSON pointer (RFC 6901), replacing what is there. Objects on the way are
// made; a list must have the element, or have it next. It reports whether the pointer leads somewhere.
func (v *Value) Put(pointer string, value *Value) bool {
	token, rest, ok := step(pointer)
	if !ok {
		return false
	}
	switch v.shape {
	case fhir.Object:
		if rest == "" {
			v.Set(token, value)
			return true
		}
		child := v.Member(token)
		if child == nil {
			child = Empty()
			v.Set(token, child)
		}
		return child.Put(rest, value)
	case fhir.Array:
		i, err := strconv.Atoi(token)
		if err != nil || i < 0 || i > len(v.items) {
			return false
		}
		return v.putItem(i, rest, value)
	}
	return false
}

func (v *Value) putItem(i int, rest string, value *Value) bool {
	if i == len(v.items) {
		v.items = append(v.items, Empty())
	}
	if rest == "" {
		v.items[i] = value
		return true
	}
	return v.items[i].Put(rest, value)
}

var unescape = strings.NewReplacer("~1", "/", "~0", "~")

// step takes the first token off a JSON pointer.
func step(pointer string) (token, rest string, ok bool) {
	pointer, ok = strings.CutPrefix(pointer, "/")
	if !ok {
		return "", "", false
	}
	token, rest, more := strings.Cut(pointer, "/")
	if more {
		rest = "/" + rest
	}
	return unescape.Replace(token), rest, true
}

// JSON returns the text of the value, "null" for nil.
func (v *Value) JSON() []byte { return v.write(nil) }

func (v *Value) write(out []byte) []byte {
	if v == nil {
		return append(out, "null"...)
	}
	switch v.shape {
	case fhir.Object:
		out = append(out, '{')
		for i, x := range v.members {
			if i > 0 {
				out = append(out, ',')
			}
			name, err := json.Marshal(x.name)
			if err != nil {
				name = []byte(`""`)
			}
			out = x.value.write(append(append(out, name...), ':'))
		}
		return append(out, '}')
	case fhir.Array:
		out = append(out, '[')
		for i, x := range v.items {
			if i > 0 {
				out = append(out, ',')
			}
			out = x.write(out)
		}
		return append(out, ']')
	default:
		return append(out, v.text...)
	}
}
