package validate

import (
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/path"
	"github.com/drieluik/drieluik/fhir/r4"
)

// subject is a node that is checked against a profile by its canonical URL.
type subject struct {
	node      fhir.Node
	canonical string
}

// maxProfileDepth bounds profiles on types within each other.
const maxProfileDepth = 48

// profiled checks what the walk found: claims of resources, and the extensions whose definition is
// known.
func (c *checker) profiled(asked []string) {
	if c.options.Definition == nil && len(asked) == 0 {
		return
	}
	c.done = map[subject]bool{}
	root := path.TypedAs(c.resource.Root(), fhir.Node{}, string(c.resource.Type()))
	for _, canonical := range asked {
		c.claimed(root, root.Node(), canonical)
	}
	for i := 0; i < len(c.claims) && !c.isFull(); i++ {
		c.claimed(path.Typed(holderOf(holderOf(c.claims[i]))), c.claims[i], c.claims[i].Text())
	}
	c.extensions()
}

// claimed checks a resource against a profile that is named at a node.
func (c *checker) claimed(it path.Item, at fhir.Node, canonical string) {
	switch {
	case c.against(it, canonical):
	case c.profile(canonical) == nil:
		c.inform(profileUnknown, at, "This profile is not loaded, so that nothing is said about it; load the package that defines it.")
	default:
		c.inform(profileUnknown, at, "A definition on which this profile is based is not loaded, so that only a part was checked; load the package that holds it.")
	}
}

// against checks an item against a profile and reports whether all of the profile is known.
func (c *checker) against(it path.Item, canonical string) bool {
	if _, ok := core(canonical); ok {
		if it.Type() != "" && !conformsToCore(it.Type(), canonical) {
			c.add(profileType, nodeOf(it), "The profile is for another type; correct the claim or the resource.")
		}
		return true
	}
	p := c.profile(canonical)
	if p == nil {
		return false
	}
	key := subject{it.Node(), canonical}
	if c.done[key] || c.depth > maxProfileDepth {
		return true
	}
	c.done[key] = true
	if it.Type() != "" && !r4.IsA(it.Type(), p.typ) {
		c.add(profileType, nodeOf(it), "The profile "+p.name+" is for another type; correct the claim or the resource.")
		return true
	}
	before := c.current
	c.current = p
	c.depth++
	c.element(it, p.root, nil)
	c.depth--
	c.current = before
	return !p.broken
}

func conformsToCore(typ, canonical string) bool {
	name, ok := core(canonical)
	return !ok || r4.IsA(typ, name)
}

// element checks one value against one element of a profile. bases are elements of other profiles
// that hold at the same place: they are checked on their own, and say here how slices are told apart.
func (c *checker) element(it path.Item, e *element, bases []*element) {
	if c.isFull() {
		return
	}
	bases = c.ofTypes(it, e, bases)
	c.values(it, e)
	for _, v := range e.invariants {
		v.run(c, it)
	}
	n := it.Node()
	if n.Shape() != fhir.Object {
		n = it.Extension()
	}
	plan := c.plans[it.Type()]
	if plan == nil || len(e.children) == 0 && len(bases) == 0 {
		return
	}
	for _, child := range e.children {
		c.child(n, it, plan(), child, below(bases, child.name))
	}
}

// below returns the elements of a member in each of the given elements.
func below(bases []*element, name string) []*element {
	var out []*element
	for _, b := range bases {
		if found := b.child(name, false); found != nil {
			out = append(out, found)
		}
	}
	return out
}

// ofTypes checks the type of a value and the profiles on it. It returns the elements of profiles
// that hold here too.
func (c *checker) ofTypes(it path.Item, e *element, bases []*element) []*element {
	if len(e.types) == 0 || it.Type() == "" {
		return bases
	}
	i := slices.IndexFunc(e.types, func(t typeOption) bool { return t.allows(it.Type()) })
	if i < 0 {
		c.add(profileType, nodeOf(it), "The profile "+c.current.name+" allows "+typeList(e.types)+" here; give one of them.")
		return bases
	}
	t := e.types[i]
	switch {
	case len(t.profiles) == 1:
		if p := c.profile(t.profiles[0]); p != nil {
			bases = append(slices.Clip(bases), p.root)
		}
		if !c.against(it, t.profiles[0]) {
			c.tellOnce(nodeOf(it), t.profiles[0])
		}
	case len(t.profiles) > 1 && c.conformsToAny(it, t.profiles) == no:
		c.add(profileType, nodeOf(it), "This value conforms to none of the profiles that "+c.current.name+" allows here; correct it.")
	}
	if len(t.targets) > 0 {
		c.checkTarget(it, t.targets)
	}
	return bases
}

// tellOnce tells one time of a validation that a profile is not loaded.
func (c *checker) tellOnce(n fhir.Node, canonical string) {
	key := subject{fhir.Node{}, canonical}
	if !c.done[key] {
		c.done[key] = true
		c.inform(profileUnknown, n, "The profile "+c.current.name+" refers to a profile that is not loaded; load the package that defines it.")
	}
}

// allows reports whether a value of an R4 type is of this type. Types outside R4's names, such as
// those of FHIRPath, allow everything.
func (t typeOption) allows(typ string) bool {
	return r4.Lookup(t.code) == nil || r4.IsA(typ, t.code) || t.code == "Resource"
}

func typeList(types []typeOption) string {
	var names []string
	for _, t := range types {
		if !slices.Contains(names, t.code) {
			names = append(names, t.code)
		}
	}
	return strings.Join(names, " or ")
}

// values checks fixed value, pattern, bounds and binding.
func (c *checker) values(it path.Item, e *element) {
	n := it.Node()
	if !n.Exists() {
		return
	}
	if e.fixed.Exists() && !fhir.Equal(n, e.fixed) {
		c.add(profileFixed, n, "The profile "+c.current.name+" fixes this value"+shown(e.fixed)+"; give that one.")
	}
	if e.pattern.Exists() && !matchesPattern(n, e.pattern) {
		c.add(profilePattern, n, "The profile "+c.current.name+" demands a pattern here"+shown(e.pattern)+"; complete the value.")
	}
	if e.length > 0 && utf8.RuneCountInString(n.Text()) > e.length {
		c.add(profileRange, n, "The text is longer than the profile "+c.current.name+" allows; shorten it.")
	}
	if e.low.Exists() && compare(it, e.low, "<") || e.high.Exists() && compare(it, e.high, ">") {
		c.add(profileRange, n, "The value is outside the bounds of the profile "+c.current.name+"; correct it.")
	}
	c.checkBinding(it, e)
}

// shown tells a demanded value when it is a short text of the profile.
func shown(n fhir.Node) string {
	const most = 160
	if raw := n.Raw(); len(raw) <= most {
		return ": " + strings.Join(strings.Fields(raw), " ")
	}
	return ""
}

// matchesPattern reports whether a value holds all of a pattern.
func matchesPattern(n, pattern fhir.Node) bool {
	switch pattern.Shape() {
	case fhir.Object:
		for m := range pattern.Children() {
			if !matchesPattern(n.Member(m.Name()), m) {
				return false
			}
		}
		return n.Shape() == fhir.Object
	case fhir.Array:
		for one := range pattern.Children() {
			if !anyMatches(n, one) {
				return false
			}
		}
		return true
	}
	return fhir.Equal(n, pattern)
}

func anyMatches(n, pattern fhir.Node) bool {
	for one := range n.Children() {
		if matchesPattern(one, pattern) {
			return true
		}
	}
	return false
}

// comparisons are expressions that compare %a with %b.
var comparisons = map[string]func() *path.Expression{
	"<": comparison("<"), ">": comparison(">"), "<=": comparison("<="), ">=": comparison(">="), "=": comparison("="),
}

func comparison(operator string) func() *path.Expression {
	return sync.OnceValue(func() *path.Expression {
		e, err := path.CompileDialect("%a "+operator+" %b", path.Dialect{Constants: []string{"a", "b"}})
		if err != nil {
			return nil // the tests compile every row
		}
		return e
	})
}

// compare reports whether the value of it stands in that relation to the value of other; false when
// that cannot be said.
func compare(it path.Item, other fhir.Node, operator string) bool {
	b := path.TypedAs(other, fhir.Node{}, it.Type())
	if other.Shape() == fhir.Object && it.Type() == "Quantity" {
		b = path.TypedAs(other, fhir.Node{}, "Quantity")
	}
	e := comparisons[operator]()
	if e == nil {
		return false
	}
	holds, known, err := e.Test(path.World{
		Constants: map[string][]path.Item{"a": {it}, "b": {b}},
	}, it)
	return err == nil && known && holds
}

// resolved is the expression that follows a reference.
var resolved = sync.OnceValue(func() *path.Expression {
	e, err := path.Compile("resolve()")
	if err != nil {
		return &path.Expression{} // the tests run it
	}
	return e
})
