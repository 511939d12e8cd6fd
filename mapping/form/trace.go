package form

import (
	"iter"
	"strings"
)

// trace tells which elements the members of a document went to. It is kept flat: a record has some hundred
// members, and every document that is mapped has a trace.
type trace struct {
	mapped   []mapped
	elements []element
	byNode   []int32         // what is there, by Node.Order: place in mapped and 1, or 0
	absent   map[place]int32 // what is not there: place in mapped
}

// mapped is a member, with its first and last elements: places in trace.elements, -1 for none.
type mapped struct {
	at          place
	first, last int32
}

// element is one element of a member, and the place of the next one, -1 for none.
type element struct {
	path string
	next int32
}

// newTrace returns one with room for a document of so many members and elements.
func newTrace(parts int) trace {
	return trace{mapped: make([]mapped, 0, parts), elements: make([]element, 0, parts+parts/4), byNode: make([]int32, parts+1)}
}

// find returns the place in mapped of a member, -1 when it was not mapped.
func (t *trace) find(p place) int32 {
	if p.rest == "" && p.at.Exists() {
		if i := p.at.Order(); i < len(t.byNode) {
			return t.byNode[i] - 1
		}
		return -1
	}
	if i, ok := t.absent[p]; ok {
		return i
	}
	return -1
}

// add maps a member to elements, besides those that it was mapped to before.
func (t *trace) add(p place, elements []string) {
	i := t.find(p)
	if i < 0 {
		i = t.enter(p)
	}
	m := &t.mapped[i]
	for _, path := range elements {
		next := int32(len(t.elements))
		t.elements = append(t.elements, element{path, -1})
		if m.first < 0 {
			m.first = next
		} else {
			t.elements[m.last].next = next
		}
		m.last = next
	}
}

// enter adds a member that was not mapped before.
func (t *trace) enter(p place) int32 {
	i := int32(len(t.mapped))
	t.mapped = append(t.mapped, mapped{p, -1, -1})
	if p.rest != "" || !p.at.Exists() {
		if t.absent == nil {
			t.absent = map[place]int32{}
		}
		t.absent[p] = i
		return i
	}
	order := p.at.Order()
	if missing := order + 1 - len(t.byNode); missing > 0 {
		t.byNode = append(t.byNode, make([]int32, missing)...)
	}
	t.byNode[order] = i + 1
	return i
}

// all gives the elements of every pointer, in the order in which they were mapped. The pointers share one text
// and the elements one list.
func (t *trace) all() iter.Seq2[string, []string] {
	return func(yield func(string, []string) bool) {
		var text strings.Builder
		var buf [96]byte
		text.Grow(32 * len(t.mapped))
		ends := make([]int32, len(t.mapped))
		for i := range t.mapped {
			text.Write(t.mapped[i].at.appendPointer(buf[:0]))
			ends[i] = int32(text.Len())
		}
		pointers, paths, from := text.String(), make([]string, 0, len(t.elements)), int32(0)
		for i := range t.mapped {
			begin := len(paths)
			for e := t.mapped[i].first; e >= 0; e = t.elements[e].next {
				paths = append(paths, t.elements[e].path)
			}
			if !yield(pointers[from:ends[i]], paths[begin:len(paths):len(paths)]) {
				return
			}
			from = ends[i]
		}
	}
}

// To records which elements the value went to, FHIRPath with Type/id, and returns the value. A leaf
// that no call of To names, at it or above it, is one of Document.Untraced.
func (v Value) To(elements ...string) Value {
	v.d.trace.add(v.place, elements)
	return v
}

// Places counts the places that were traced.
func (d *Document) Places() int { return len(d.trace.mapped) }

// Traced gives the elements of every pointer, in the order in which they were mapped.
func (d *Document) Traced() iter.Seq2[string, []string] { return d.trace.all() }

// Untraced calls visit for every member that is kept, and every leaf that no trace covers: what must be
// written as source-member. visit may trace what it is given.
func (d *Document) Untraced(visit func(Value)) { d.untraced(d.root, false, visit) }

func (d *Document) untraced(v Value, covered bool, visit func(Value)) {
	if d.kept[v.place] {
		visit(v)
		return
	}
	covered = covered || d.trace.find(v.place) >= 0
	leaf := true
	for n := range v.Node().Children() {
		leaf = false
		d.untraced(v.holding(n), covered, visit)
	}
	if leaf && !covered {
		visit(v)
	}
}

// Reworded calls visit for every instant that FHIR writes with other digits for the same moment, and
// that is not kept already.
func (d *Document) Reworded(visit func(Value)) {
	for _, p := range d.moments {
		if v := (Value{d, p}); !isPlainInstant(v.Str()) && !d.kept[p] {
			visit(v)
		}
	}
}

// appendPointer appends the place, RFC 6901.
func (p place) appendPointer(out []byte) []byte {
	out = p.at.AppendPointer(out)
	if p.rest == "" {
		return out
	}
	return append(append(out, '/'), p.rest...)
}
