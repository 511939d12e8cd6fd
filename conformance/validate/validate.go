// Package validate checks a resource against the base definitions of R4 (structure, cardinality,
// primitive formats, choices, reference targets, required codes and constraints), against profiles
// and Questionnaires that are handed to it, in every contained or bundled resource too. It refuses
// storage and policy, and never repeats a value it was given.
package validate

import (
	"math/bits"
	"strings"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/path"
)

// checker is the state of one walk.
type checker struct {
	*Validator
	resource *fhir.Resource
	found    []finding
	errors   int // found, also those that are not told
	warnings int
	hints    int // of severity information
	scope    scope
	inBundle bool                 // references may point to an entry
	entries  map[string]fhir.Node // resources of the entries by fullUrl, on demand
	byID     map[string]fhir.Node // and by type and id
	around   *path.World
	claims   []fhir.Node // texts of meta.profile
	extended []fhir.Node // extensions
	current  *profile    // that is being checked
	depth    int         // of profiles within each other
	done     map[subject]bool
	verdicts map[subject]answer // shared with the checkers of conformsTo
}

// scope is the resource within which "#id" is looked up.
type scope struct {
	container fhir.Node
	contained bool                 // the walk is in a contained resource
	local     map[string]fhir.Type // types of the contained resources by id, on demand
}

// object checks the members of an object, then what the object lacks.
func (c *checker) object(n fhir.Node, p *plan) {
	var seen uint64
	for child := range n.Children() {
		if c.isFull() {
			return
		}
		name := child.Name()
		m, twin := p.member(name)
		if m == nil {
			if name != "resourceType" || !p.resource {
				c.unknown(child, p)
			}
			continue
		}
		if m.choice && seen&m.bit != 0 {
			c.otherChoice(child, m, p)
		}
		seen |= m.bit
		c.member(child, m, twin)
	}
	for missing := p.required &^ seen; missing != 0; missing &= missing - 1 {
		name := p.elements[bits.TrailingZeros64(missing)]
		c.addMember(tooFew, n, name, p.name+" needs "+name+"; add it.")
	}
	for _, r := range p.rules {
		r(c, n)
	}
	for _, v := range p.invariants {
		v.check(c, n, p.name, seen)
	}
}

// unknown reports a member that R4 does not define.
func (c *checker) unknown(n fhir.Node, p *plan) {
	text := "R4 does not define this element in " + p.name + "; remove it"
	if name := p.similar(n.Name()); name != "" {
		text += " or write it as in " + p.name + "." + name
	}
	c.add(unknownElement, n, text+".")
}

// otherChoice reports m when an earlier sibling is of another type of the same choice.
func (c *checker) otherChoice(n fhir.Node, m *member, p *plan) {
	for sibling := range n.Parent().Children() {
		if sibling == n {
			return
		}
		if other, _ := p.member(sibling.Name()); other != nil && other.bit == m.bit && other != m {
			c.add(choice, n, "Only one type of this element may be given; keep one of them.")
			return
		}
	}
}

// member checks the value of one member: one value, or an array of them.
func (c *checker) member(n fhir.Node, m *member, twin bool) {
	check := c.value
	if twin {
		check = c.twin
	}
	if m.forbidden {
		c.add(tooMany, n, "This element may not be given here; remove it.")
		return
	}
	if n.Shape() != fhir.Array {
		if m.repeats {
			c.add(wrongShape, n, "This element repeats; give an array, also for a single value.")
		}
		check(n, m)
		return
	}
	if !m.repeats {
		c.add(tooMany, n, "This element occurs at most once; give one value instead of an array.")
	}
	for item := range n.Children() {
		check(item, m)
	}
	if twin {
		c.checkLength(n, m)
	}
}

// checkLength compares the length of a twin's array with that of the values.
func (c *checker) checkLength(twin fhir.Node, m *member) {
	values := twin.Parent().Member(m.name)
	if values.Shape() == fhir.Array && values.Len() != twin.Len() {
		c.add(twinLength, twin, "The arrays of values and of their extensions must have the same length; fill the gaps with null.")
	}
}

// value checks one value of a member, within an array or alone.
func (c *checker) value(n fhir.Node, m *member) {
	switch {
	case m.format != nil:
		c.primitive(n, m)
		return
	case n.Shape() != fhir.Object:
		c.add(wrongShape, n, "This element has parts of its own; give an object.")
		return
	case m.anything:
		c.inner(n, m)
		return
	}
	c.object(n, m.plan())
	for _, r := range m.rules {
		r(c, n)
	}
}

// primitive checks shape, format and rules of a primitive value. null keeps a place in an array.
func (c *checker) primitive(n fhir.Node, m *member) {
	f := m.format
	switch {
	case n.Shape() == fhir.Null:
		return
	case n.Shape() != f.shape:
		c.add(wrongShape, n, "This value must be "+shapes[f.shape]+" in JSON.")
		return
	case f.xhtml:
		c.checkNarrative(n)
	case f.valid != nil && !f.valid(f.text(n)):
		c.add(wrongFormat, n, f.want)
		return
	}
	for _, r := range m.rules {
		r(c, n)
	}
}

// twin checks the id and extensions of a primitive.
func (c *checker) twin(n fhir.Node, m *member) {
	switch n.Shape() {
	case fhir.Null:
	case fhir.Object:
		c.object(n, m.plan())
	default:
		c.add(wrongShape, n, "The id and extensions of a primitive stand in an object.")
	}
}

// inner checks a resource within another one. Contained resources share the container's local
// references; every other inner resource is a container of its own.
func (c *checker) inner(n fhir.Node, m *member) {
	typ := typeOf(n)
	if typ == "" {
		c.add(resourceType, n, "The resource needs a resourceType of R4.")
		return
	}
	before := c.scope
	if m.name == "contained" {
		if c.scope.contained {
			c.add(nested, n, "A contained resource may not contain another one; put it beside the first.")
		}
		c.scope.contained = true
		c.object(n, c.plans[string(typ)]())
		c.scope.contained = before.contained
		return
	}
	c.scope = scope{container: n}
	c.object(n, c.plans[string(typ)]())
	c.scope = before
}

// checkContent is ele-1: an element has something besides an id.
func (c *checker) checkContent(n fhir.Node) {
	for child := range n.Children() {
		if child.Name() != "id" {
			return
		}
	}
	c.add(emptyElement, n, "An element needs a value or parts besides its id; add them or remove it.")
}

// noteExtension remembers an extension for its definition.
func (c *checker) noteExtension(n fhir.Node) {
	if c.options.Definition != nil {
		c.extended = append(c.extended, n)
	}
}

// noteClaims remembers which profiles a resource claims.
func (c *checker) noteClaims(n fhir.Node) {
	if c.options.Definition == nil {
		return
	}
	for claim := range n.All("profile") {
		if c.options.Follow == nil || c.options.Follow(claim.Text()) {
			c.claims = append(c.claims, claim)
		}
	}
}

// checkExtension is ext-1: an extension has a value or extensions, not both.
func (c *checker) checkExtension(n fhir.Node) {
	values, extensions := false, false
	for child := range n.Children() {
		switch name := child.Name(); {
		case name == "extension":
			extensions = true
		case isExtensionValue(name):
			values = true
		}
	}
	switch {
	case values && extensions:
		c.add(extensionValue, n, "An extension has either a value or extensions; keep one of them.")
	case !values && !extensions:
		c.add(extensionValue, n, "An extension needs a value or extensions; add one or remove it.")
	}
}

// isExtensionValue reports whether a member of an extension is its value or the value's twin.
func isExtensionValue(name string) bool {
	typ, ok := strings.CutPrefix(strings.TrimPrefix(name, "_"), "value")
	return ok && typ != ""
}

var (
	negativeDuration = fault{"tim-4", "invariant"}
	negativePeriod   = fault{"tim-5", "invariant"}
)

// checkRepeat is tim-4 and tim-5, which every timing is asked.
func (c *checker) checkRepeat(n fhir.Node) {
	if isNegative(n.Member("duration").Text()) {
		c.add(negativeDuration, n, "A duration is not negative; correct it.")
	}
	if isNegative(n.Member("period").Text()) {
		c.add(negativePeriod, n, "A period is not negative; correct it.")
	}
}

// isNegative reports whether a JSON number is below 0.
func isNegative(number string) bool {
	mantissa, _, _ := strings.Cut(strings.ToLower(number), "e")
	return strings.HasPrefix(mantissa, "-") && strings.ContainsAny(mantissa, "123456789")
}

// simpleQuantity is the profile of a Quantity without comparator.
const simpleQuantity = "http://hl7.org/fhir/StructureDefinition/SimpleQuantity"

// checkSimpleQuantity is sqty-1.
func (c *checker) checkSimpleQuantity(n fhir.Node) {
	if comparator := n.Member("comparator"); comparator.Exists() {
		c.add(tooMany, comparator, "This quantity is exact and has no comparator; remove it.")
	}
}
