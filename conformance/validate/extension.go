package validate

import (
	"slices"
	"strings"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/path"
	"github.com/drieluik/drieluik/fhir/r4"
)

// extensions checks the extensions that the walk met against their definitions. An extension that
// nobody here defines is let pass; a modifier extension is not, for it may say the opposite of what
// the rest of the resource says.
func (c *checker) extensions() {
	if c.options.Definition == nil {
		return
	}
	for _, n := range c.extended {
		if c.isFull() {
			return
		}
		url := n.Member("url").Text()
		modifier := n.Name() == "modifierExtension"
		if !strings.Contains(url, ":") && !modifier {
			continue // a part of another extension, which defines it
		}
		c.against(path.TypedAs(n, fhir.Node{}, "Extension"), url)
		p := c.profile(url)
		if p == nil && modifier {
			c.add(extUnknown, n, "Nobody here knows what this modifier extension means, so the resource cannot be understood; remove it, or load the package that defines it.")
		}
		if p != nil && !c.inContext(n, p.context) {
			c.add(extContext, n, "The extension "+p.name+" may not stand on this element; move it to where its definition allows it.")
		}
	}
}

// inContext reports whether an extension stands where one of the contexts allows it.
func (c *checker) inContext(n fhir.Node, contexts []extensionContext) bool {
	if len(contexts) == 0 {
		return true
	}
	holder := holderOf(n)
	var names []string
	for _, context := range contexts {
		switch context.kind {
		case "element":
			if names == nil {
				names = contextNames(holder)
			}
			if slices.Contains(names, context.expression) {
				return true
			}
		case "extension":
			if holder.Member("url").Text() == context.expression {
				return true
			}
		default:
			return true // an expression is not judged here
		}
	}
	return false
}

// holderOf returns the object that n is a member of.
func holderOf(n fhir.Node) fhir.Node {
	n = n.Parent()
	if n.Shape() == fhir.Array {
		n = n.Parent()
	}
	return n
}

// contextNames returns every name under which a definition may mean an element: its path within the
// resource, its path within each type on the way, its type and the base types of that.
func contextNames(n fhir.Node) []string {
	names := []string{"Element"}
	tail := ""
	for at := n; at.Exists(); at = at.Parent() {
		if at.Shape() == fhir.Array {
			continue
		}
		it := path.Typed(at)
		typ := it.Type()
		if strings.HasPrefix(at.Name(), "_") { // the twin of a primitive
			owner := path.Typed(holderOf(at))
			if f, ok := r4.Member(owner.Type(), strings.TrimPrefix(at.Name(), "_")); ok {
				typ = f.Type
			}
		}
		for base := r4.Lookup(typ); base != nil; base = r4.Lookup(base.Base) {
			names = append(names, base.Name+tail)
		}
		if r4.IsA(typ, "Resource") {
			break
		}
		tail = "." + stepName(at) + tail
	}
	return names
}

// stepName is the name of an element as definitions write it: value[x].
func stepName(n fhir.Node) string {
	name := strings.TrimPrefix(n.Name(), "_")
	holder := holderOf(n)
	if f, ok := r4.Member(path.Typed(holder).Type(), name); ok && f.Element.Choice {
		return f.Element.Name + "[x]"
	}
	return name
}

// checkTarget checks that a reference points to what one of the profiles allows. Of a target that
// is not here only the type counts, and an unknown profile allows everything.
func (c *checker) checkTarget(it path.Item, targets []string) {
	reference := it.Node().Member("reference")
	if it.Type() != "Reference" || !reference.Exists() {
		return
	}
	found, err := resolved().EvalItem(c.world(), it)
	if err != nil || len(found) != 1 {
		return
	}
	if c.conformsToAny(found[0], targets) == no {
		c.add(profileTarget, reference, "The profile "+c.current.name+" allows a reference to "+strings.Join(namesOf(targets), " or ")+" here; refer to one of them.")
	}
}

func namesOf(canonicals []string) []string {
	out := make([]string, len(canonicals))
	for i, canonical := range canonicals {
		out[i] = canonical[strings.LastIndexByte(canonical, '/')+1:]
	}
	return out
}
