package terminology

import (
	"strings"
	"sync"

	"github.com/drieluik/drieluik/fhir"
)

// system is a code system.
type system struct {
	root         fhir.Node
	url, version string
	language     string
	fold         bool // codes are the same in capitals and small letters
	complete     bool // a code that is not here is not in the system
	concepts     func() *concepts
}

// concepts are the concepts of a system in the order of the definition.
type concepts struct {
	list   []concept
	byCode map[string]int
}

// concept is one concept with its place in the hierarchy.
type concept struct {
	node              fhir.Node
	parents, children []int
}

func newSystem(n fhir.Node) *system {
	s := &system{
		root: n, url: n.Member("url").Text(), version: n.Member("version").Text(), language: n.Member("language").Text(),
		fold: n.Member("caseSensitive").Text() == "false", complete: n.Member("content").Text() == "complete",
	}
	s.concepts = sync.OnceValue(s.read)
	return s
}

// key is a code as it is looked up.
func (s *system) key(code string) string {
	if s.fold {
		return strings.ToLower(code)
	}
	return code
}

// find returns the concept of a code.
func (s *system) find(code string) (int, bool) {
	i, ok := s.concepts().byCode[s.key(code)]
	return i, ok
}

// read indexes the concepts: nested ones, then what properties say of parents and children.
func (s *system) read() *concepts {
	c := &concepts{byCode: map[string]int{}}
	s.readLevel(c, s.root, -1)
	for i := range c.list {
		for p := range c.list[i].node.All("property") {
			other, ok := c.byCode[s.key(p.Member("valueCode").Text())]
			switch code := p.Member("code").Text(); {
			case !ok:
			case code == "parent":
				c.link(other, i)
			case code == "child":
				c.link(i, other)
			}
		}
	}
	return c
}

func (s *system) readLevel(c *concepts, n fhir.Node, parent int) {
	for child := range n.All("concept") {
		key := s.key(child.Member("code").Text())
		if _, twice := c.byCode[key]; twice || key == "" {
			continue
		}
		i := len(c.list)
		c.byCode[key] = i
		c.list = append(c.list, concept{node: child})
		if parent >= 0 {
			c.link(parent, i)
		}
		s.readLevel(c, child, i)
	}
}

// link notes a parent and its child, once.
func (c *concepts) link(parent, child int) {
	for _, p := range c.list[child].parents {
		if p == parent {
			return
		}
	}
	c.list[child].parents = append(c.list[child].parents, parent)
	c.list[parent].children = append(c.list[parent].children, child)
}

// below returns a concept and all that descend from it; a circle ends where it began.
func (c *concepts) below(i int) []int {
	return c.reach(i, func(c *concept) []int { return c.children })
}

// above returns a concept and all that it descends from.
func (c *concepts) above(i int) []int { return c.reach(i, func(c *concept) []int { return c.parents }) }

func (c *concepts) reach(i int, next func(*concept) []int) []int {
	seen := map[int]bool{i: true}
	out := []int{i}
	for k := 0; k < len(out); k++ {
		for _, j := range next(&c.list[out[k]]) {
			if !seen[j] {
				seen[j] = true
				out = append(out, j)
			}
		}
	}
	return out
}

// property returns the values of a concept's property: one of the definition, or one of those that
// every concept has.
func (c *concepts) property(i int, name string) []string {
	n := c.list[i].node
	switch name {
	case "code", "concept":
		return []string{n.Member("code").Text()}
	case "display", "definition":
		if text := n.Member(name).Text(); text != "" {
			return []string{text}
		}
		return nil
	case "parent":
		return c.codes(c.list[i].parents)
	case "child":
		return c.codes(c.list[i].children)
	}
	var out []string
	for p := range n.All("property") {
		if p.Member("code").Text() != name {
			continue
		}
		v := propertyValue(p)
		if v.Shape() == fhir.Object {
			v = v.Member("code")
		}
		out = append(out, v.Text())
	}
	return out
}

func (c *concepts) codes(list []int) []string {
	out := make([]string, len(list))
	for k, i := range list {
		out[k] = c.list[i].node.Member("code").Text()
	}
	return out
}

// propertyValue returns value[x] of a property.
func propertyValue(p fhir.Node) fhir.Node {
	for m := range p.Children() {
		if strings.HasPrefix(m.Name(), "value") {
			return m
		}
	}
	return fhir.Node{}
}

// isInactive reports whether a concept is out of use: property inactive, or a status that says so.
func isInactive(n fhir.Node) bool {
	for p := range n.All("property") {
		switch p.Member("code").Text() {
		case "inactive":
			if p.Member("valueBoolean").Text() == "true" {
				return true
			}
		case "status":
			switch p.Member("valueCode").Text() {
			case "retired", "inactive", "withdrawn":
				return true
			}
		}
	}
	return false
}

// isAbstract reports whether a concept only groups others: property notSelectable.
func isAbstract(n fhir.Node) bool {
	for p := range n.All("property") {
		if p.Member("code").Text() == "notSelectable" && p.Member("valueBoolean").Text() == "true" {
			return true
		}
	}
	return false
}
