package fhir

import (
	"errors"
	"iter"
	"time"
)

// Limits bounds what Parse accepts. Zero members mean the defaults.
type Limits struct {
	Bytes int // size of the input; default 5 MB
	Depth int // nesting of objects and arrays; default 64
	Nodes int // members and elements; default 1,000,000
}

// Resource is the immutable tree of one resource: its source text and an arena of nodes.
// It keeps the text of numbers and the order of members. It is safe for concurrent use.
type Resource struct {
	src string
}

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

// Parse reads one FHIR R4 JSON resource. It refuses what JSON or R4 JSON forbids: duplicate
// members, null outside the arrays of primitives, empty objects, arrays and strings, invalid UTF-8,
// a missing or unknown resourceType, and input past the limits. Elements are checked by
// conformance/validate, not here. The Resource is nil when an issue is an error.
func Parse(src []byte, limits Limits) (*Resource, []Issue) { return nil, nil }

// ParseDocument reads any JSON object with the same strictness on duplicates, UTF-8 and limits,
// but leaves null and empty values to the caller. It serves source documents, whose Issue
// expressions are JSON pointers.
func ParseDocument(src []byte, limits Limits) (*Resource, []Issue) { return nil, nil }

// Root returns the node of the whole resource.
func (r *Resource) Root() Node { return Node{r: r} }

// Type returns resourceType.
func (r *Resource) Type() Type { return "" }

// ID returns the logical id, or "".
func (r *Resource) ID() string { return "" }

// Ref returns Type/id without a version.
func (r *Resource) Ref() Ref { return Ref{Type: r.Type(), ID: r.ID()} }

// Bytes returns the JSON text of the resource. The caller must not change it.
func (r *Resource) Bytes() []byte { return []byte(r.src) }

// Edit is one change of Resource.Edit: the value at Path (member names) becomes JSON, or goes when
// JSON is "". With Append, JSON is appended to the array at Path, which is made when absent.
// Missing objects on the way are made.
type Edit struct {
	Path   []string
	JSON   string
	Append bool
}

// Edit returns a new resource with the edits applied in order. It fails when a path leads through
// a value that is not an object, or when the outcome is not a resource.
func (r *Resource) Edit(edits ...Edit) (*Resource, error) { return nil, errors.New("not implemented") }

// MapReferences returns r with every Reference.reference, and every urn:uuid or urn:oid uri, replaced by what f
// returns for it. It returns r itself when nothing changed.
func (r *Resource) MapReferences(f func(string) string) (*Resource, error) {
	return nil, errors.New("not implemented")
}

// Body returns the text to store: without meta.versionId and meta.lastUpdated, and with the offset
// just behind `"meta":{`, where Serve puts them back. A resource without meta gets an empty one.
func (r *Resource) Body() (body []byte, at int, err error) {
	return nil, 0, errors.New("not implemented")
}

// Serve returns a stored body with versionId and lastUpdated (UTC, milliseconds) in their place.
func Serve(body []byte, at, version int, updated time.Time) []byte { return nil }

// Shape returns the JSON shape of n: Missing for a missing node.
func (n Node) Shape() Shape { return Missing }

// Exists reports whether n is not missing.
func (n Node) Exists() bool { return n.Shape() != Missing }

// Name returns the member name of n, or of the array that holds it; "" for the root.
func (n Node) Name() string { return "" }

// Member returns the member of an object by name, or a missing node.
func (n Node) Member(name string) Node { return Node{} }

// At follows member names from n. An array on the way stands for its first element.
func (n Node) At(names ...string) Node { return Node{} }

// All yields every node at the end of the member names, going through all elements of all arrays.
// Arrays at the end are flattened too. Without names it yields n, or its elements if an array.
func (n Node) All(names ...string) iter.Seq[Node] { return func(func(Node) bool) {} }

// Children yields the members of an object or the elements of an array in source order.
func (n Node) Children() iter.Seq[Node] { return func(func(Node) bool) {} }

// Len returns the number of children.
func (n Node) Len() int { return 0 }

// Text returns a string decoded, a number or boolean as written, and "" for everything else.
func (n Node) Text() string { return "" }

// Raw returns the JSON source text of n.
func (n Node) Raw() string { return "" }

// Parent returns the object or array that holds n, or a missing node for the root.
func (n Node) Parent() Node { return Node{} }

// Resource returns the tree that n belongs to.
func (n Node) Resource() *Resource { return n.r }

// Path returns the FHIRPath expression of n, such as "CarePlan.activity[0].detail".
func (n Node) Path() string { return "" }

// Pointer returns the RFC 6901 JSON pointer of n.
func (n Node) Pointer() string { return "" }

// Equal reports whether a and b are the same JSON value: member order free, array order kept,
// numbers by value.
func Equal(a, b Node) bool { return false }
