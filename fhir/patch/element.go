package patch

import (
	"slices"
	"strings"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/path"
	"github.com/drieluik/drieluik/fhir/r4"
)

// element is where an element stands: in a member of an object, at a position of its list or alone.
type element struct {
	owner fhir.Node // the object that holds the member
	name  string    // JSON name of the member, without "_"
	index int       // position in the list, -1 for an element that stands alone
}

// elementOf returns the place of an item of the resource; false for the resource itself, for a value
// that only the expression made, and for what belongs to no resource of ours.
func elementOf(r *fhir.Resource, it path.Item) (element, bool) {
	n := it.Node()
	if !n.Exists() {
		n = it.Extension()
	}
	holder := n.Parent()
	if !holder.Exists() || n.Resource() != r {
		return element{}, false
	}
	e := element{owner: holder, name: strings.TrimPrefix(n.Name(), "_"), index: -1}
	if holder.Shape() == fhir.Array {
		e.owner, e.index = holder.Parent(), 0
		for c := range holder.Children() {
			if c == n {
				break
			}
			e.index++
		}
	}
	return e, e.owner.Shape() == fhir.Object
}

// field returns what R4 says of the member.
func (e element) field() (owner string, f r4.Field, ok bool) {
	owner = path.Typed(e.owner).Type()
	f, ok = r4.Member(owner, e.name)
	return owner, f, ok
}

// single returns the one element of the path.
func (r *run) single(items []path.Item) (element, *rule) {
	if len(items) != 1 {
		return element{}, &ruleMatch
	}
	e, ok := elementOf(r.now, items[0])
	if !ok {
		return element{}, &ruleMatch
	}
	return e, nil
}

// object opens the object that n is.
func (r *run) object(n fhir.Node) (*container, *rule) {
	p, ok := readPointer(n.Pointer())
	if !ok {
		return nil, &ruleMatch
	}
	v, fault := r.root.at(p)
	if fault != nil {
		return nil, fault
	}
	if c := v.look(); c != nil && c.object {
		return c, nil
	}
	return nil, &ruleMatch
}

// add appends an element to a list, or sets one that is not there.
func (c change) add(r *run, items []path.Item) *rule {
	if len(items) != 1 {
		return &ruleMatch
	}
	target := items[0]
	owner, fault := r.objectOf(target)
	if fault != nil {
		return fault
	}
	return owner.add(target.Type(), c.name, c.value)
}

// objectOf opens the object that an item has its members in: of a primitive the one in "_name",
// which is made.
func (r *run) objectOf(it path.Item) (*container, *rule) {
	if it.Node().Resource() == r.now && it.Node().Shape() == fhir.Object {
		return r.object(it.Node())
	}
	e, ok := elementOf(r.now, it)
	if !ok {
		return nil, &ruleMatch
	}
	owner, fault := r.object(e.owner)
	if fault != nil {
		return nil, fault
	}
	slots, list := owner.slots(e.name)
	twin := &slots[max(e.index, 0)].twin
	if twin.isNull() {
		*twin = member{value: value{open: &container{object: true}}}
	}
	object := twin.look()
	if object == nil || !object.object {
		return nil, &ruleMatch
	}
	owner.put(e.name, slots, list)
	return object, nil
}

// add gives a new element to an object of that R4 type.
func (c *container) add(typ, name string, part fhir.Node) *rule {
	f, json, fault := fieldFor(typ, name, part)
	if fault != nil {
		return fault
	}
	s, fault := contentOf(f.Type, part)
	if fault != nil {
		return fault
	}
	slots, _ := c.slots(json)
	list := f.Element.Max != 1
	if !list && (len(slots) > 0 || f.Element.Choice && c.hasChoice(typ, f.Element)) {
		return &ruleExists
	}
	c.put(json, append(slots, s), list)
	return nil
}

// hasChoice reports whether the element is there with any type.
func (c *container) hasChoice(typ string, e *r4.Element) bool {
	return slices.ContainsFunc(c.members, func(m member) bool {
		f, ok := r4.Member(typ, strings.TrimPrefix(m.name, "_"))
		return ok && f.Element.Name == e.Name
	})
}

func (c change) insert(r *run, items []path.Item) *rule {
	owner, name, slots, fault := r.whole(items)
	if fault != nil {
		return fault
	}
	e, _ := elementOf(r.now, items[0])
	_, f, ok := e.field()
	if !ok {
		return &ruleName
	}
	s, fault := contentOf(f.Type, c.value)
	if fault != nil {
		return fault
	}
	if c.index > len(slots) {
		return &ruleIndex
	}
	owner.put(name, slices.Insert(slots, c.index, s), true)
	return nil
}

// whole returns the list that the path leads to, with its owner and name.
func (r *run) whole(items []path.Item) (owner *container, name string, slots []slot, fault *rule) {
	for i, it := range items {
		e, ok := elementOf(r.now, it)
		first, _ := elementOf(r.now, items[0])
		if !ok || e.index < 0 || e.index != i || e.owner != first.owner || e.name != first.name {
			return nil, "", nil, &ruleList
		}
		name = e.name
		if i > 0 {
			continue
		}
		if owner, fault = r.object(e.owner); fault != nil {
			return nil, "", nil, fault
		}
		slots, _ = owner.slots(name)
	}
	if len(items) == 0 || len(slots) != len(items) {
		return nil, "", nil, &ruleList
	}
	return owner, name, slots, nil
}

// delete takes one element away; there need not be one.
func (c change) delete(r *run, items []path.Item) *rule {
	if len(items) == 0 {
		return nil
	}
	e, fault := r.single(items)
	if fault != nil {
		return fault
	}
	owner, fault := r.object(e.owner)
	if fault != nil {
		return fault
	}
	slots, list := owner.slots(e.name)
	at := max(e.index, 0)
	owner.put(e.name, slices.Delete(slots, at, at+1), list)
	return nil
}

// replace gives one element another value; a choice may change its type.
func (c change) replace(r *run, items []path.Item) *rule {
	e, fault := r.single(items)
	if fault != nil {
		return fault
	}
	typ, f, ok := e.field()
	if !ok {
		return &ruleName
	}
	f, json, fault := fieldFor(typ, f.Element.Name, c.value)
	if fault != nil {
		return fault
	}
	s, fault := contentOf(f.Type, c.value)
	if fault != nil {
		return fault
	}
	owner, fault := r.object(e.owner)
	if fault != nil {
		return fault
	}
	slots, list := owner.slots(e.name)
	slots[max(e.index, 0)] = s
	owner.rename(e.name, json)
	owner.put(json, slots, list)
	return nil
}

// rename gives a member and its companion other names, at their places.
func (c *container) rename(from, to string) {
	for i := range c.members {
		if m := &c.members[i]; m.name == from {
			m.name = to
		} else if m.name == "_"+from {
			m.name = "_" + to
		}
	}
}

// move takes an element of a list to another position, counted without it.
func (c change) move(r *run, items []path.Item) *rule {
	owner, name, slots, fault := r.whole(items)
	if fault != nil {
		return fault
	}
	if c.source >= len(slots) || c.destination >= len(slots) {
		return &ruleIndex
	}
	moved := slots[c.source]
	slots = slices.Delete(slots, c.source, c.source+1)
	owner.put(name, slices.Insert(slots, c.destination, moved), true)
	return nil
}
