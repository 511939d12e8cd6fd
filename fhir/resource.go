package fhir

import "unsafe"

// Resource is the immutable tree of one resource: its source text and an arena of nodes.
// It keeps the text of numbers and the order of members. It is safe for concurrent use.
type Resource struct {
	src   string
	nodes []node // preorder: the children of a node follow it
	typ   Type   // "" for a document
	id    string
}

// node is one value. Offsets count bytes of Resource.src.
type node struct {
	name, nameEnd int32 // member name with its quotes; both 0 when n has none
	start, end    int32 // value text
	next          int32 // index of the node behind this one's last descendant
	parent        int32 // index of the holder, -1 for the root
	shape         Shape
	escName       bool // the name holds an escape
	esc           bool // the string holds an escape
}

// Root returns the node of the whole resource.
func (r *Resource) Root() Node { return Node{r: r} }

// Type returns resourceType. It is "" for what ParseDocument read.
func (r *Resource) Type() Type { return r.typ }

// ID returns the logical id, or "". It is "" for what ParseDocument read.
func (r *Resource) ID() string { return r.id }

// Ref returns Type/id without a version.
func (r *Resource) Ref() Ref { return Ref{Type: r.Type(), ID: r.ID()} }

// Bytes returns the JSON text of the resource. The caller must not change it.
func (r *Resource) Bytes() []byte { return unsafe.Slice(unsafe.StringData(r.src), len(r.src)) }
