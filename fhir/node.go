package fhir

import (
	"iter"
	"strconv"
	"strings"
)

// Shape is the JSON shape of a Node.
type Shape uint8

// Shapes of a Node.
const (
	Missing Shape = iota
	Object
	Array
	String
	Number
	Bool
	Null
)

// Node is one value in a tree: a small handle, passed by value. The zero Node is missing, and every
// method of a missing Node answers the zero value.
type Node struct {
	r *Resource
	i int32
}

// at returns the record of n, or nil for a missing node.
func (n Node) at() *node {
	if n.r == nil || int(n.i) >= len(n.r.nodes) {
		return nil
	}
	return &n.r.nodes[n.i]
}

// Shape returns the JSON shape of n: Missing for a missing node.
func (n Node) Shape() Shape {
	if v := n.at(); v != nil {
		return v.shape
	}
	return Missing
}

// Exists reports whether n is not missing.
func (n Node) Exists() bool { return n.at() != nil }

// Name returns the member name of n, or of the array that holds it; "" for the root.
func (n Node) Name() string {
	for v := n.at(); v != nil; v = n.at() {
		if v.nameEnd != 0 {
			return n.r.name(v)
		}
		if v.parent < 0 {
			return ""
		}
		n.i = v.parent
	}
	return ""
}

// name returns the decoded member name of v.
func (r *Resource) name(v *node) string {
	if v.nameEnd == 0 {
		return ""
	}
	text := r.src[v.name+1 : v.nameEnd-1]
	if v.escName {
		return unescape(text)
	}
	return text
}

// Member returns the member of an object by name, or a missing node.
func (n Node) Member(name string) Node {
	v := n.at()
	if v == nil || v.shape != Object {
		return Node{}
	}
	for i := n.i + 1; i < v.next; {
		c := &n.r.nodes[i]
		if c.escName && n.r.name(c) == name || !c.escName && c.isNamed(n.r.src, name) {
			return Node{r: n.r, i: i}
		}
		i = c.next
	}
	return Node{}
}

// isNamed reports whether a member whose name holds no escape has that name in src.
func (v *node) isNamed(src, name string) bool {
	return int(v.nameEnd-v.name) == len(name)+len(`""`) && src[v.name+1:v.nameEnd-1] == name
}

// At follows member names from n. An array on the way stands for its first element.
func (n Node) At(names ...string) Node {
	for _, name := range names {
		n = n.first().Member(name)
	}
	return n
}

// first returns the first element of an array, of nested arrays too, and n itself otherwise.
func (n Node) first() Node {
	for {
		v := n.at()
		if v == nil || v.shape != Array {
			return n
		}
		if v.next == n.i+1 {
			return Node{}
		}
		n.i++
	}
}

// All yields every node at the end of the member names, going through all elements of all arrays.
// Arrays at the end are flattened too. Without names it yields n, or its elements if an array.
func (n Node) All(names ...string) iter.Seq[Node] {
	return func(yield func(Node) bool) { n.walk(names, yield) }
}

// walk yields what All promises and reports whether to go on.
func (n Node) walk(names []string, yield func(Node) bool) bool {
	v := n.at()
	if v == nil {
		return true
	}
	if v.shape == Array {
		for i := n.i + 1; i < v.next; i = n.r.nodes[i].next {
			if !(Node{r: n.r, i: i}).walk(names, yield) {
				return false
			}
		}
		return true
	}
	if len(names) == 0 {
		return yield(n)
	}
	return n.Member(names[0]).walk(names[1:], yield)
}

// Children yields the members of an object or the elements of an array in source order.
func (n Node) Children() iter.Seq[Node] {
	return func(yield func(Node) bool) {
		v := n.at()
		if v == nil {
			return
		}
		for i := n.i + 1; i < v.next; i = n.r.nodes[i].next {
			if !yield(Node{r: n.r, i: i}) {
				return
			}
		}
	}
}

// Len returns the number of children.
func (n Node) Len() int {
	v := n.at()
	if v == nil {
		return 0
	}
	count := 0
	for i := n.i + 1; i < v.next; i = n.r.nodes[i].next {
		count++
	}
	return count
}

// Text returns a string decoded, a number or boolean as written, and "" for everything else.
func (n Node) Text() string {
	v := n.at()
	if v == nil {
		return ""
	}
	switch v.shape {
	case String:
		text := n.r.src[v.start+1 : v.end-1]
		if v.esc {
			return unescape(text)
		}
		return text
	case Number, Bool:
		return n.r.src[v.start:v.end]
	}
	return ""
}

// Raw returns the JSON source text of n.
func (n Node) Raw() string {
	v := n.at()
	if v == nil {
		return ""
	}
	return n.r.src[v.start:v.end]
}

// Span returns where n begins and ends in the source text, in bytes; zeros for a missing node.
func (n Node) Span() (start, end int) {
	v := n.at()
	if v == nil {
		return 0, 0
	}
	return int(v.start), int(v.end)
}

// Order returns the place of n in its tree, 0 for the root: what a node holds follows it in source order. It is
// 0 for a missing node.
func (n Node) Order() int { return int(n.i) }

// Parent returns the object or array that holds n, or a missing node for the root.
func (n Node) Parent() Node {
	v := n.at()
	if v == nil || v.parent < 0 {
		return Node{}
	}
	return Node{r: n.r, i: v.parent}
}

// Resource returns the tree that n belongs to.
func (n Node) Resource() *Resource { return n.r }

// Path returns the FHIRPath expression of n, such as "CarePlan.activity[0].detail". A member that
// carries the id and extensions of a primitive ("_birthDate") has the path of the primitive.
func (n Node) Path() string {
	if !n.Exists() {
		return ""
	}
	root := n.r.typ
	if root == "" {
		root = "Resource"
		if t, ok := ParseType(n.r.Root().Member("resourceType").Text()); ok {
			root = t
		}
	}
	var b strings.Builder
	b.WriteString(string(root))
	for _, step := range n.steps(nil) {
		v := step.at()
		if v.nameEnd != 0 {
			b.WriteByte('.')
			b.WriteString(pathName(n.r.name(v)))
			continue
		}
		b.WriteByte('[')
		b.WriteString(strconv.Itoa(step.index()))
		b.WriteByte(']')
	}
	return b.String()
}

// pathName returns the step to a member in FHIRPath. A name that no R4 element can have is not
// repeated: it may be anything.
func pathName(name string) string {
	name = strings.TrimPrefix(name, "_")
	if name == "" || len(name) > 64 {
		return "children()"
	}
	for i := range len(name) {
		c := name[i]
		if c|0x20 >= 'a' && c|0x20 <= 'z' || i > 0 && c >= '0' && c <= '9' {
			continue
		}
		return "children()"
	}
	return name
}

// Pointer returns the RFC 6901 JSON pointer of n.
func (n Node) Pointer() string {
	var text [96]byte
	return string(n.AppendPointer(text[:0]))
}

// AppendPointer appends what Pointer returns.
func (n Node) AppendPointer(out []byte) []byte {
	var way [8]Node
	for _, step := range n.steps(way[:0]) {
		out = append(out, '/')
		v := step.at()
		if v.nameEnd == 0 {
			out = strconv.AppendInt(out, int64(step.index()), 10)
			continue
		}
		out = append(out, pointerEscape.Replace(n.r.name(v))...)
	}
	return out
}

// pointerEscape escapes a name as RFC 6901 asks.
var pointerEscape = strings.NewReplacer("~", "~0", "/", "~1")

// steps appends the nodes on the way from the root to n, without the root.
func (n Node) steps(out []Node) []Node {
	for v := n.at(); v != nil && v.parent >= 0; v = n.at() {
		out = append(out, n)
		n.i = v.parent
	}
	for i, j := 0, len(out)-1; i < j; i, j = i+1, j-1 {
		out[i], out[j] = out[j], out[i]
	}
	return out
}

// index returns the position of n among the children of its parent.
func (n Node) index() int {
	count := 0
	for i := n.at().parent + 1; i < n.i; i = n.r.nodes[i].next {
		count++
	}
	return count
}
