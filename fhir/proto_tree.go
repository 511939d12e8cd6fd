package fhir

import (
	"bytes"
	"slices"
	"unicode/utf8"
)

// growing is JSON text and the tree of it, made together: what Parse would read from the text, without
// reading it.
type growing struct {
	text          []byte
	nodes         []node
	cur           int32 // open container, -1 when none
	name, nameEnd int32 // of the next value, when it is a member
	doubtful      bool  // something was written that Parse refuses, or may refuse
}

// maxText bounds what is kept of a long text, in bytes, and maxNodes of its nodes.
const (
	maxText  = 1 << 20
	maxNodes = 1 << 16
)

// borrow returns an empty tree to make, and giveBack takes it when its text and nodes were copied.
func (s *planSet) borrow() *growing {
	g, ok := s.growing.Get().(*growing)
	if !ok {
		g = &growing{text: make([]byte, 0, 8192), nodes: make([]node, 0, 256)}
	}
	*g = growing{text: g.text[:0], nodes: g.nodes[:0], cur: -1}
	return g
}

func (s *planSet) giveBack(g *growing) {
	if cap(g.text) <= maxText && cap(g.nodes) <= maxNodes {
		s.growing.Put(g)
	}
}

// finish returns a copy as a resource. What is doubtful is read by Parse, which knows all the rules and says
// where they are broken.
func (g *growing) finish() (*Resource, []Issue) {
	if g.doubtful || !utf8.Valid(g.text) {
		return Parse(g.text, unbounded)
	}
	s := scanner{src: string(g.text), nodes: slices.Clone(g.nodes), cur: -1, strict: true}
	return s.resource()
}

// key begins a member. key is its name in quotes, and a colon.
func (g *growing) key(key string) {
	if g.text[len(g.text)-1] != '{' {
		g.text = append(g.text, ',')
	}
	g.name = int32(len(g.text))
	g.text = append(g.text, key...)
	g.nameEnd = int32(len(g.text)) - int32(len(":"))
}

// item begins an element of an array.
func (g *growing) item() {
	if g.text[len(g.text)-1] != '[' {
		g.text = append(g.text, ',')
	}
}

// begin adds the node of the value that is written next.
func (g *growing) begin(shape Shape) int32 {
	i := int32(len(g.nodes))
	g.nodes = append(g.nodes, node{
		name: g.name, nameEnd: g.nameEnd, start: int32(len(g.text)), next: i + 1, parent: g.cur, shape: shape,
	})
	g.name, g.nameEnd = 0, 0
	return i
}

// open begins an object or array.
func (g *growing) open(shape Shape, bracket byte) {
	g.cur = g.begin(shape)
	g.text = append(g.text, bracket)
}

// close ends it. One without a child is refused.
func (g *growing) close(bracket byte) {
	g.text = append(g.text, bracket)
	n := &g.nodes[g.cur]
	n.end, n.next = int32(len(g.text)), int32(len(g.nodes))
	g.doubtful = g.doubtful || n.next == g.cur+1
	g.cur = n.parent
}

// isPlain reports whether s stands in JSON as it is, and has something to see.
func isPlain(s string) bool { return s != "" && s[0] > ' ' && plain(s, 0) == len(s) }

// plain writes a string that is plain, as nearly all are.
func (g *growing) plain(s string) {
	i := g.begin(String)
	g.text = append(append(append(g.text, '"'), s...), '"')
	g.nodes[i].end = int32(len(g.text))
}

// null writes null. Whether it may stand here hangs on the array beside this one.
func (g *growing) null() {
	i := g.begin(Null)
	g.text = append(g.text, "null"...)
	g.nodes[i].end = int32(len(g.text))
	g.doubtful = true
}

// scalar ends the string, number or boolean that was written since begin gave i.
func (g *growing) scalar(i int32) {
	n := &g.nodes[i]
	n.end = int32(len(g.text))
	switch written := g.text[n.start:]; written[0] {
	case '"':
		n.shape = String
		n.esc = bytes.IndexByte(written, '\\') >= 0
		first := written[1] // perhaps there is nothing to see in it
		g.doubtful = g.doubtful || first <= ' ' || first == '"' || first == '\\'
	case 't', 'f':
		n.shape = Bool
	default:
		n.shape = Number
		g.doubtful = g.doubtful || bytes.ContainsAny(written, "eE") // perhaps out of range
	}
}
