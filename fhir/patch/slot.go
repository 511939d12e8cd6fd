package patch

import "slices"

// slot is one element of a member with what accompanies a primitive ("_name").
type slot struct{ main, twin member }

var nothing = member{null: true}

// slots returns the elements of a member, and whether they are a list.
func (c *container) slots(name string) (slots []slot, list bool) {
	mains, list1 := c.elements(name)
	twins, list2 := c.elements("_" + name)
	for i := range max(len(mains), len(twins)) {
		s := slot{nothing, nothing}
		if i < len(mains) {
			s.main = mains[i]
		}
		if i < len(twins) {
			s.twin = twins[i]
		}
		slots = append(slots, s)
	}
	return slots, list1 || list2
}

func (c *container) elements(name string) (out []member, list bool) {
	i := c.find(name)
	if i < 0 {
		return nil, false
	}
	m := &c.members[i]
	if o := m.look(); o != nil && !o.object {
		return o.members, true
	}
	return []member{*m}, false
}

// put gives a member its elements; without any it goes.
func (c *container) put(name string, slots []slot, list bool) {
	mains, twins := make([]member, len(slots)), make([]member, len(slots))
	for i, s := range slots {
		mains[i], twins[i] = s.main, s.twin
	}
	c.putElements(name, mains, list)
	c.putElements("_"+name, twins, list)
}

func (c *container) putElements(name string, elements []member, list bool) {
	if !slices.ContainsFunc(elements, func(m member) bool { return !m.isNull() }) {
		c.remove(name)
		return
	}
	if !list {
		c.set(member{name: name, value: elements[0].value})
		return
	}
	elements = slices.Clone(elements)
	for i := range elements {
		elements[i].name = ""
	}
	c.set(member{name: name, value: value{open: &container{members: elements}}})
}
