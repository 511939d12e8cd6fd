package fhir

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Edit is one change of Resource.Edit: the value at Path (member names) becomes JSON, or goes when
// JSON is "". With Append, JSON is appended to the array at Path, which is made when absent.
// Missing objects on the way are made. An object that loses its last member goes with it.
type Edit struct {
	Path   []string
	JSON   string
	Append bool
}

// splice replaces src[start:end] by text.
type splice struct {
	start, end int32
	text       string
}

// Edit returns a new resource with the edits applied in order. It fails when a path leads through
// a value that is not an object, or when the outcome is not a resource.
func (r *Resource) Edit(edits ...Edit) (*Resource, error) {
	const op = "fhir.Resource.Edit"
	if text, ok := r.atOnce(edits); ok && text == r.src {
		return r, nil
	} else if ok {
		return r.reparse(op, text)
	}
	out := r
	for i, e := range edits {
		cut, err := out.splice(e)
		if err != nil {
			return nil, &Error{Kind: Unprocessable, Op: op, Err: err}
		}
		if cut.text == out.src[cut.start:cut.end] {
			continue
		}
		text := spliced(out.src, []splice{cut})
		if i == len(edits)-1 {
			return r.reparse(op, text)
		}
		s := scanner{src: text, limits: unbounded}
		if !s.scan() {
			return nil, &Error{Kind: Unprocessable, Op: op, Issues: s.issues(&Resource{src: s.src, nodes: s.nodes})}
		}
		out = &Resource{src: s.src, nodes: s.nodes}
	}
	if out == r {
		return r, nil
	}
	return r.reparse(op, out.src)
}

// atOnce returns the text that several edits make of r, when each adds or replaces something in another member of it:
// none then sees what another one did.
func (r *Resource) atOnce(edits []Edit) (string, bool) {
	if len(edits) < 2 || r.Root().Len() == 0 {
		return "", false
	}
	cuts := make([]splice, len(edits))
	for i, e := range edits {
		if e.JSON == "" || len(e.Path) == 0 || slices.ContainsFunc(edits[:i], func(o Edit) bool { return o.Path[0] == e.Path[0] }) {
			return "", false
		}
		var err error
		if cuts[i], err = r.splice(e); err != nil {
			return "", false
		}
	}
	slices.SortStableFunc(cuts, func(a, b splice) int { return cmp.Compare(a.start, b.start) })
	return spliced(r.src, cuts), true
}

// reparse returns the resource, or document, that text became.
func (r *Resource) reparse(op, text string) (*Resource, error) {
	s := scanner{src: text, limits: unbounded, strict: r.typ != ""}
	s.scan()
	out, issues := s.resource()
	if out == nil {
		return nil, &Error{Kind: Unprocessable, Op: op, Issues: issues}
	}
	return out, nil
}

// splice returns the change of the text that e means.
func (r *Resource) splice(e Edit) (splice, error) {
	if len(e.Path) == 0 {
		return splice{}, errors.New("the path is empty")
	}
	if e.JSON == "" && e.Append {
		return splice{}, errors.New("nothing to append")
	}
	s := scanner{src: e.JSON, limits: unbounded}
	if e.JSON != "" && (!utf8.ValidString(e.JSON) || !s.scan()) {
		return splice{}, errors.New("the new value is not JSON")
	}
	n := r.Root()
	for i, name := range e.Path {
		if n.Shape() != Object {
			return splice{}, fmt.Errorf("%s is not an object", n.Path())
		}
		m := n.Member(name)
		if !m.Exists() {
			return n.insert(e, i)
		}
		n = m
	}
	switch v := n.at(); {
	case e.JSON == "":
		return n.remove(), nil
	case !e.Append:
		return splice{v.start, v.end, e.JSON}, nil
	case v.shape != Array:
		return splice{}, fmt.Errorf("%s is not an array", n.Path())
	case v.next == n.i+1:
		return splice{v.end - 1, v.end - 1, e.JSON}, nil
	default:
		return splice{v.end - 1, v.end - 1, "," + e.JSON}, nil
	}
}

// insert returns the change that adds the members e.Path[i:] to n. There is nothing to remove.
func (n Node) insert(e Edit, i int) (splice, error) {
	end := n.at().end - 1
	if e.JSON == "" {
		return splice{end, end, ""}, nil
	}
	text := e.JSON
	if e.Append {
		text = "[" + text + "]"
	}
	for j := len(e.Path) - 1; j >= i; j-- {
		name, err := appendQuoted(nil, e.Path[j])
		if err != nil {
			return splice{}, fmt.Errorf("member name: %w", err)
		}
		text = string(name) + ":" + text
		if j > i {
			text = "{" + text + "}"
		}
	}
	if n.Len() > 0 {
		text = "," + text
	}
	return splice{end, end, text}, nil
}

// remove returns the change that takes n away, with the objects that it leaves empty.
func (n Node) remove() splice {
	for p := n.Parent(); p.Shape() == Object && p.Len() == 1 && p.at().parent >= 0; p = n.Parent() {
		n = p
	}
	v, holder := n.at(), n.Parent()
	start := v.start
	if v.nameEnd != 0 {
		start = v.name
	}
	var before, after *node
	for c := range holder.Children() {
		switch {
		case c.i < n.i:
			before = c.at()
		case c.i > n.i && after == nil:
			after = c.at()
		}
	}
	switch {
	case before != nil:
		return splice{before.end, v.end, ""}
	case after != nil && after.nameEnd != 0:
		return splice{start, after.name, ""}
	case after != nil:
		return splice{start, after.start, ""}
	}
	return splice{start, v.end, ""}
}

// spliced returns src with the cuts, which are in order and apart.
func spliced(src string, cuts []splice) string {
	size := len(src)
	for _, c := range cuts {
		size += len(c.text) - int(c.end-c.start)
	}
	var out strings.Builder
	out.Grow(size)
	last := int32(0)
	for _, c := range cuts {
		out.WriteString(src[last:c.start])
		out.WriteString(c.text)
		last = c.end
	}
	out.WriteString(src[last:])
	return out.String()
}
