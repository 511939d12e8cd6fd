package path

import (
	"strings"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/r4"
)

// steps follows member names from the items and returns what stands at the end. One slice serves as
// the queue of all levels.
func steps(in []Item, names []string) []Item {
	var out []Item
	for _, it := range in {
		out = members(out, it, names[0])
	}
	return deeper(out, names[1:])
}

// deeper is steps from items that it may append to.
func deeper(out []Item, names []string) []Item {
	out, start := appendLevels(out, 0, names)
	return out[start:]
}

// appendLevels follows member names from the items of out[start:], and returns where the last level
// begins.
func appendLevels(out []Item, start int, names []string) ([]Item, int) {
	for _, name := range names {
		end := len(out)
		for i := start; i < end; i++ {
			out = members(out, out[i], name)
		}
		start = end
	}
	return out, start
}

// rooted is steps for a path that may begin with the name of a type.
func rooted(in []Item, names []string) []Item {
	if first := names[0][0]; first < 'A' || first > 'Z' {
		return steps(in, names)
	}
	if len(in) != 1 || !isRoot(in[0], names[0]) { // rare: several items, or another type
		if r4.Lookup(names[0]) == nil {
			return steps(in, names)
		}
		in = filter(in, func(it Item) bool { return isRoot(it, names[0]) })
	}
	if len(names) == 1 {
		return in
	}
	return steps(in, names[1:])
}

// members appends the members of it with a FHIRPath name: choices by their name without type,
// arrays flattened, primitives with their extensions.
func members(out []Item, it Item, name string) []Item {
	if it.node.Shape() != fhir.Object {
		return primitiveMembers(out, it, name)
	}
	if it.typ == "" {
		return untyped(out, it.node, name)
	}
	if f, ok := r4.Member(it.typ, name); ok {
		if f.Element.Choice {
			return out // valueQuantity is no name in FHIRPath
		}
		return field(out, it.node, name, f.Type)
	}
	for c := range it.node.Children() {
		main, found := strings.CutPrefix(c.Name(), "_")
		if len(main) <= len(name) || !strings.HasPrefix(main, name) || found && it.node.Member(main).Exists() {
			continue
		}
		if f, ok := r4.Member(it.typ, main); ok && f.Element.Choice && f.Element.Name == name {
			return field(out, it.node, main, f.Type)
		}
	}
	return out
}

// primitiveMembers appends what a primitive can have: id and extension, and its System value.
func primitiveMembers(out []Item, it Item, name string) []Item {
	if t, ok := it.val.(typeName); ok {
		return t.member(out, name)
	}
	if name == "value" && it.typ != "" {
		if v := it.value(); v != nil {
			return append(out, Item{val: v})
		}
	}
	if it.extension.Shape() != fhir.Object {
		return out
	}
	if f, ok := r4.Member("Element", name); ok {
		return field(out, it.extension, name, f.Type)
	}
	return out
}

// untyped appends members by name alone, as in a document that R4 does not know.
func untyped(out []Item, n fhir.Node, name string) []Item {
	m := n.Member(name)
	if m.Shape() != fhir.Array {
		if m.Exists() {
			out = append(out, Item{node: m, typ: resourceType(m)})
		}
		return out
	}
	for c := range m.Children() {
		out = append(out, Item{node: c, typ: resourceType(c)})
	}
	return out
}

// field appends the member of n with a JSON name and its FHIR type.
func field(out []Item, n fhir.Node, name, typ string) []Item {
	m := n.Member(name)
	if typ == "Resource" {
		return resources(out, m)
	}
	var x fhir.Node
	if isPrimitive(typ) {
		x = n.Member("_" + name)
	}
	if m.Shape() != fhir.Array && x.Shape() != fhir.Array {
		if m.Exists() || x.Exists() {
			out = append(out, Item{node: m, extension: x, typ: typ})
		}
		return out
	}
	if !x.Exists() {
		for c := range m.Children() {
			out = append(out, Item{node: c, typ: typ})
		}
		return out
	}
	return merged(out, m, x, typ)
}

// merged appends the elements of an array of primitives with those of its "_" sibling.
func merged(out []Item, values, extensions fhir.Node, typ string) []Item {
	first := len(out)
	for c := range values.Children() {
		if c.Shape() == fhir.Null {
			c = fhir.Node{}
		}
		out = append(out, Item{node: c, typ: typ})
	}
	i := first
	for x := range extensions.Children() {
		if i == len(out) {
			out = append(out, Item{typ: typ})
		}
		if x.Shape() == fhir.Object {
			out[i].extension = x
		}
		i++
	}
	kept := out[:first]
	for _, it := range out[first:] {
		if it.node.Exists() || it.extension.Exists() {
			kept = append(kept, it)
		}
	}
	return kept
}

// resources appends the resources at m with the types they claim.
func resources(out []Item, m fhir.Node) []Item {
	for c := range m.All() {
		out = append(out, Item{node: c, typ: resourceType(c)})
	}
	return out
}

// isPrimitive reports whether a FHIR type is a primitive: those alone begin with a small letter.
func isPrimitive(typ string) bool { return typ != "" && typ[0] >= 'a' && typ[0] <= 'z' }

// children appends all members of it in source order.
func children(out []Item, it Item) []Item {
	n := it.node
	if n.Shape() != fhir.Object {
		n = it.extension
		it.typ = "Element"
	}
	for c := range n.Children() {
		name := c.Name()
		main, sibling := strings.CutPrefix(name, "_")
		if name == "resourceType" || sibling && n.Member(main).Exists() {
			continue
		}
		if f, ok := r4.Member(it.typ, main); ok {
			out = field(out, n, main, f.Type)
		} else if it.typ == "" {
			out = untyped(out, n, name)
		}
	}
	return out
}

// isRoot reports whether a name at the start of a path stands for the item itself, because it is
// the name of its type or of a base of it. The name of a primitive is always a member.
func isRoot(it Item, name string) bool {
	return it.typ != "" && !isPrimitive(name) && r4.IsA(it.typ, name)
}

// resourceOf returns the resource that holds the item, as %resource does.
func resourceOf(it Item) Item {
	n := it.node
	for n.Exists() {
		if t := resourceType(n); t != "" {
			return Item{node: n, typ: t}
		}
		n = n.Parent()
	}
	return it
}

// rootOf returns the outermost resource, or the one that holds a contained resource.
func rootOf(it Item) Item {
	inner := resourceOf(it)
	parent := inner.node.Parent()
	if parent.Shape() == fhir.Array {
		parent = parent.Parent()
	}
	if inner.node.Name() == "contained" && parent.Exists() {
		return resourceOf(Item{node: parent})
	}
	return inner
}
