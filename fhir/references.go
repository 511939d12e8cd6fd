package fhir

import (
	"iter"
	"strings"

	"github.com/drieluik/drieluik/fhir/r4"
)

// MapReferences returns r with every Reference.reference, and every urn:uuid or urn:oid uri, replaced by what f
// returns for it. It returns r itself when nothing changed. Contained resources and the entries of
// a Bundle are part of r. Links in narratives stay as they are.
func (r *Resource) MapReferences(f func(string) string) (*Resource, error) {
	const op = "fhir.Resource.MapReferences"
	var cuts []splice
	for i := range r.nodes {
		n := Node{r: r, i: int32(i)}
		if !n.isLink() {
			continue
		}
		old := n.Text()
		mapped := f(old)
		if mapped == old {
			continue
		}
		quoted, err := appendQuoted(nil, mapped)
		if err != nil {
			return nil, Wrap(op, err)
		}
		cuts = append(cuts, splice{r.nodes[i].start, r.nodes[i].end, string(quoted)})
	}
	if len(cuts) == 0 {
		return r, nil
	}
	return r.reparse(op, spliced(r.src, cuts))
}

// References yields every Reference.reference of r, contained resources and entries of a Bundle included.
func (r *Resource) References() iter.Seq[string] {
	return func(yield func(string) bool) {
		for i := range r.nodes {
			n := Node{r: r, i: int32(i)}
			if n.isReference() && !yield(n.Text()) {
				return
			}
		}
	}
}

// isReference reports whether n is Reference.reference.
func (n Node) isReference() bool {
	v := n.at()
	return v.shape == String && v.nameEnd != 0 && n.r.name(v) == "reference"
}

// isLink reports whether n is Reference.reference, or a uri that is a urn.
func (n Node) isLink() bool {
	if n.isReference() {
		return true
	}
	if n.Shape() != String {
		return false
	}
	text := n.Text()
	if !strings.HasPrefix(text, "urn:uuid:") && !strings.HasPrefix(text, "urn:oid:") {
		return false
	}
	switch n.structure() {
	case "uri", "url", "canonical", "oid", "uuid":
		return true
	}
	return false
}

// structure returns the name of the R4 structure that n has, or "" when R4 has no such member.
func (n Node) structure() string {
	name := string(n.r.typ)
	for _, step := range n.steps(nil) {
		v := step.at()
		if v.nameEnd == 0 { // an element has the type of its array
			if name == "Resource" {
				name = step.Member("resourceType").Text()
			}
			continue
		}
		field, ok := r4.Member(name, n.r.name(v))
		if !ok {
			return ""
		}
		name = field.Type
		if name == "Resource" && v.shape == Object {
			name = step.Member("resourceType").Text()
		}
	}
	return name
}
