package patch

import (
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/drieluik/drieluik/fhir"
)

// value is a JSON value that can be changed: as it stands in a source until it is looked into, so
// that what no operation touches keeps its text and costs nothing.
type value struct {
	src  fhir.Node
	open *container // set once it was looked into
}

// container is an object or an array that was looked into.
type container struct {
	object  bool
	cut     bool // something was taken out
	members []member
}

// member is a member of an object, or an element of an array (name "").
type member struct {
	name string
	null bool // null that stands in no source
	value
}

// look opens an object or array; nil for a scalar.
func (v *value) look() *container {
	shape := v.src.Shape()
	if v.open != nil || shape != fhir.Object && shape != fhir.Array {
		return v.open
	}
	c := &container{object: shape == fhir.Object, members: make([]member, 0, v.src.Len())}
	for n := range v.src.Children() {
		m := member{value: value{src: n}}
		if c.object {
			m.name = n.Name()
		}
		c.members = append(c.members, m)
	}
	v.open, v.src = c, fhir.Node{}
	return c
}

// find returns the position of a member by name, -1 when there is none.
func (c *container) find(name string) int {
	return slices.IndexFunc(c.members, func(m member) bool { return m.name == name })
}

// set gives a member a value, at its place or at the end.
func (c *container) set(m member) {
	if i := c.find(m.name); i >= 0 {
		c.members[i] = m
		return
	}
	c.members = append(c.members, m)
}

// removeAt takes a member or element out.
func (c *container) removeAt(i int) {
	c.members = slices.Delete(c.members, i, i+1)
	c.cut = true
}

// remove takes a member out, if it is there.
func (c *container) remove(name string) {
	if i := c.find(name); i >= 0 {
		c.removeAt(i)
	}
}

// isNull reports whether m is null.
func (m *member) isNull() bool { return m.null || m.src.Shape() == fhir.Null }

// appendTo appends the JSON text of v.
func (v value) appendTo(b []byte) []byte {
	if v.open == nil {
		return append(b, v.src.Raw()...)
	}
	brackets := "[]"
	if v.open.object {
		brackets = "{}"
	}
	b = append(b, brackets[0])
	for i, m := range v.open.members {
		if i > 0 {
			b = append(b, ',')
		}
		if v.open.object {
			b = appendName(b, m.name)
		}
		if m.null {
			b = append(b, "null"...)
			continue
		}
		b = m.appendTo(b)
	}
	return append(b, brackets[1])
}

// appendName appends a member name with its colon. It was parsed before, so that it is UTF-8.
func appendName(b []byte, name string) []byte {
	quoted, err := jsontext.AppendQuote(b, name)
	if err != nil {
		return append(b, `"":`...) // not possible
	}
	return append(quoted, ':')
}

// size returns about how many bytes appendTo writes.
func (v value) size() int {
	if v.open == nil {
		return len(v.src.Raw())
	}
	n := len("{}")
	for _, m := range v.open.members {
		n += m.size() + len(m.name) + len(`"":,`)
	}
	return n
}

// clone returns a value that can change without v.
func (v value) clone() value {
	if v.open == nil {
		return v
	}
	c := &container{object: v.open.object, members: slices.Clone(v.open.members)}
	for i := range c.members {
		c.members[i].value = c.members[i].clone()
	}
	return value{open: c}
}

// prune drops what became empty because something was taken out of it, and reports whether v itself
// is so: R4 has no empty objects and arrays. What was sent empty stays, for Parse to refuse.
func (v *value) prune() (gone bool) {
	if v.open == nil {
		return false
	}
	v.open.members = slices.DeleteFunc(v.open.members, func(m member) bool {
		if !m.prune() {
			return false
		}
		v.open.cut = true
		return true
	})
	return v.open.cut && len(v.open.members) == 0
}

// prune is value.prune. Elements of the list that accompanies primitives ("_given") keep their
// positions: an empty one becomes null, a list of nulls goes.
func (m *member) prune() (gone bool) {
	list := m.open
	if list == nil || list.object || !strings.HasPrefix(m.name, "_") {
		return m.value.prune()
	}
	nulls := 0
	for i := range list.members {
		e := &list.members[i]
		if e.value.prune() {
			*e, list.cut = member{null: true}, true
		}
		if e.isNull() {
			nulls++
		}
	}
	return list.cut && nulls == len(list.members)
}
