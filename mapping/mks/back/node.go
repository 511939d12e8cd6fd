package back

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/drieluik/drieluik/fhir"
)

// node is one JSON value in the making; nil is a value that is not there. Scalars keep their text, so
// that a number comes back with its digits.
type node struct {
	shape   fhir.Shape
	text    string // JSON of a scalar
	members []member
	items   []*node
}

// member is one member of an object.
type member struct {
	name  string
	value *node
}

// m is one row of a table of mks.md: a member, and what its place in FHIR gives.
func m(name string, value *node) member { return member{name: name, value: value} }

// object returns an object of the members that are there, nil when none is.
func object(members ...member) *node {
	out := &node{shape: fhir.Object}
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

// list returns a list of the values that are there, nil when none is.
func list(items ...*node) *node {
	out := &node{shape: fhir.Array}
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

// none returns the empty list, for the members whose [] says that there is none.
func none() *node { return &node{shape: fhir.Array} }

// each reads a list: one value per resource or element that is there.
func each[T any](all []T, read func(T) *node) *node {
	items := make([]*node, len(all))
	for i, x := range all {
		items[i] = read(x)
	}
	return list(items...)
}

// str returns a string, nil for "".
func str(s string) *node {
	if s == "" {
		return nil
	}
	text, err := json.Marshal(s)
	if err != nil {
		return nil
	}
	return &node{shape: fhir.String, text: string(text)}
}

// integer returns a whole number.
func integer(n int) *node { return &node{shape: fhir.Number, text: strconv.Itoa(n)} }

// truth returns a boolean.
func truth(b bool) *node { return &node{shape: fhir.Bool, text: strconv.FormatBool(b)} }

// text, number and flag return a scalar as it is stored, nil when it is missing or of another shape.
func text(n fhir.Node) *node   { return scalar(n, fhir.String) }
func number(n fhir.Node) *node { return scalar(n, fhir.Number) }
func flag(n fhir.Node) *node   { return scalar(n, fhir.Bool) }

func scalar(n fhir.Node, s fhir.Shape) *node {
	if n.Shape() != s {
		return nil
	}
	return &node{shape: s, text: n.Raw()}
}

// copyOf returns any JSON as it is.
func copyOf(n fhir.Node) *node {
	out := &node{shape: n.Shape(), text: n.Raw()}
	for c := range n.Children() {
		switch n.Shape() {
		case fhir.Object:
			out.members = append(out.members, member{c.Name(), copyOf(c)})
		case fhir.Array:
			out.items = append(out.items, copyOf(c))
		}
	}
	return out
}

// member returns the value of a member, nil when it is not there.
func (n *node) member(name string) *node {
	if n == nil {
		return nil
	}
	for _, x := range n.members {
		if x.name == name {
			return x.value
		}
	}
	return nil
}

// set puts a member in place of what it had.
func (n *node) set(name string, value *node) {
	for i := range n.members {
		if n.members[i].name == name {
			n.members[i].value = value
			return
		}
	}
	n.members = append(n.members, member{name, value})
}

// put sets the value at a JSON pointer (RFC 6901), replacing what is there. Objects on the way are
// made; a list must have the element, or have it next. It reports whether the pointer leads somewhere.
func (n *node) put(pointer string, value *node) bool {
	token, rest, ok := step(pointer)
	if !ok {
		return false
	}
	switch n.shape {
	case fhir.Object:
		if rest == "" {
			n.set(token, value)
			return true
		}
		child := n.member(token)
		if child == nil {
			child = &node{shape: fhir.Object}
			n.set(token, child)
		}
		return child.put(rest, value)
	case fhir.Array:
		i, err := strconv.Atoi(token)
		if err != nil || i < 0 || i > len(n.items) {
			return false
		}
		return n.putItem(i, rest, value)
	}
	return false
}

func (n *node) putItem(i int, rest string, value *node) bool {
	if i == len(n.items) {
		n.items = append(n.items, &node{shape: fhir.Object})
	}
	if rest == "" {
		n.items[i] = value
		return true
	}
	return n.items[i].put(rest, value)
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

// write appends the JSON of n.
func (n *node) write(out []byte) []byte {
	switch n.shape {
	case fhir.Object:
		out = append(out, '{')
		for i, x := range n.members {
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
		for i, x := range n.items {
			if i > 0 {
				out = append(out, ',')
			}
			out = x.write(out)
		}
		return append(out, ']')
	default:
		return append(out, n.text...)
	}
}
