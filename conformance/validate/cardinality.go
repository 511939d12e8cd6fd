package validate

import (
	"math/bits"
	"slices"
	"strconv"
	"strings"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/path"
)

// child checks the values of one member of n, an object of item it, against its element.
func (c *checker) child(n fhir.Node, it path.Item, p *plan, e *element, bases []*element) {
	items := itemsOf(n, p, e.name)
	holder := n
	if !holder.Exists() {
		holder = it.Node()
	}
	if len(items) == 0 && c.options.MustSupport && e.mustSupport && e.min < 1 {
		c.report(holder, atEnd, fhir.Issue{
			Severity: fhir.SeverityInformation, Code: mustSupport.code, Diagnostics: mustSupport.id,
			Expression: "." + plainName(e.name), Text: "The profile " + c.current.name + " marks this element as to be supported; it is absent.",
		})
	}
	c.count(holder, items, e, 0)
	s := slicingOf(e, bases)
	if s == nil || len(e.slices) == 0 && e.slicing == nil {
		for _, one := range items {
			c.element(one, e, bases)
		}
		return
	}
	values := c.assign(items, e, bases, s)
	for _, v := range values {
		c.element(v.item, e, bases)
		if v.slice != nil {
			c.element(v.item, v.slice, sliceIn(bases, v.slice.slice))
		}
	}
	c.checkSlices(holder, e, values)
	if e.slicing != nil {
		c.checkPlaces(values, e.slicing)
	}
}

// sliceIn returns the slices of that name in each of the given elements.
func sliceIn(bases []*element, slice string) []*element {
	var out []*element
	for _, b := range bases {
		if s := b.sliceOf(slice, false); s != nil {
			out = append(out, s)
		}
	}
	return out
}

// count checks the cardinality of an element or slice; maybe is how many more there may be.
func (c *checker) count(holder fhir.Node, items []path.Item, e *element, maybe int) {
	name := plainName(e.name)
	what := name
	if e.slice != "" {
		what += " of slice " + e.slice
	}
	if e.min > 0 && len(items)+maybe < e.min {
		c.addMember(profileMin, holder, name, "The profile "+c.current.name+" needs "+atLeast(e.min)+what+"; add it.")
	}
	if e.max >= 0 && len(items) > e.max {
		text := "The profile " + c.current.name + " allows fewer of " + what + "; remove what is too much."
		if e.max == 0 {
			text = "The profile " + c.current.name + " allows no " + what + "; remove it."
		}
		c.add(profileMax, nodeOf(items[e.max]), text)
	}
}

func atLeast(n int) string {
	if n == 1 {
		return ""
	}
	return "at least " + strconv.Itoa(n) + " of "
}

// plainName is the name of an element in FHIRPath.
func plainName(name string) string { return strings.TrimSuffix(name, "[x]") }

// nodeOf returns where an item stands: a primitive that has only extensions stands there.
func nodeOf(it path.Item) fhir.Node {
	if n := it.Node(); n.Exists() {
		return n
	}
	return it.Extension()
}

// itemsOf returns the values of an element of n, of any type of a choice.
func itemsOf(n fhir.Node, p *plan, name string) []path.Item {
	element, choice := strings.CutSuffix(name, "[x]")
	if !choice {
		m := p.members[name]
		if m == nil {
			return nil
		}
		return values(nil, n, m)
	}
	var out []path.Item
	for child := range n.Children() {
		m, twin := p.member(child.Name())
		if m == nil || !m.choice || plainElement(p, m) != element || twin && n.Member(m.name).Exists() {
			continue
		}
		out = values(out, n, m)
	}
	return out
}

// plainElement returns the name of the element that a member belongs to.
func plainElement(p *plan, m *member) string { return p.elements[bits.TrailingZeros64(m.bit)] }

// values appends the values of one member, each with its twin.
func values(out []path.Item, n fhir.Node, m *member) []path.Item {
	value := n.Member(m.name)
	var twin fhir.Node
	if m.format != nil && !m.attribute {
		twin = n.Member("_" + m.name)
	}
	if value.Shape() != fhir.Array && twin.Shape() != fhir.Array {
		if value.Exists() || twin.Exists() {
			out = append(out, m.item(value, twin))
		}
		return out
	}
	twins := slices.Collect(twin.Children())
	i := 0
	for one := range value.Children() {
		out = appendItem(out, m, one, nth(twins, i))
		i++
	}
	for ; i < len(twins); i++ {
		out = appendItem(out, m, fhir.Node{}, twins[i])
	}
	return out
}

func nth(nodes []fhir.Node, i int) fhir.Node {
	if i < len(nodes) {
		return nodes[i]
	}
	return fhir.Node{}
}

func appendItem(out []path.Item, m *member, value, twin fhir.Node) []path.Item {
	if value.Shape() == fhir.Null {
		value = fhir.Node{}
	}
	if twin.Shape() != fhir.Object {
		twin = fhir.Node{}
	}
	if !value.Exists() && !twin.Exists() {
		return out
	}
	return append(out, m.item(value, twin))
}

// item types a value of the member.
func (m *member) item(value, twin fhir.Node) path.Item {
	if m.anything {
		return path.TypedAs(value, twin, string(typeOf(value)))
	}
	return path.TypedAs(value, twin, m.typ)
}
