package patch

import (
	"strconv"
	"strings"
)

// pointer is a JSON pointer (RFC 6901), unescaped.
type pointer []string

// readPointer parses a JSON pointer.
func readPointer(text string) (pointer, bool) {
	if text == "" {
		return nil, true
	}
	steps := strings.Split(text, "/")
	if steps[0] != "" {
		return nil, false
	}
	for i, s := range steps {
		for _, escaped := range strings.Split(s, "~")[1:] {
			if escaped == "" || escaped[0] != '0' && escaped[0] != '1' {
				return nil, false
			}
		}
		steps[i] = strings.ReplaceAll(strings.ReplaceAll(s, "~1", "/"), "~0", "~")
	}
	return steps[1:], true
}

// within reports whether p leads into what q leads to.
func (p pointer) within(q pointer) bool {
	if len(p) <= len(q) {
		return false
	}
	for i := range q {
		if p[i] != q[i] {
			return false
		}
	}
	return true
}

// position reads a step as a position in a list of n; the end of the list counts when atEnd is true.
func position(step string, n int, atEnd bool) (int, bool) {
	if atEnd && step == "-" {
		return n, true
	}
	i, err := strconv.Atoi(step)
	if err != nil || strconv.Itoa(i) != step || i < 0 || i > n || i == n && !atEnd {
		return 0, false
	}
	return i, true
}

// at returns the value that p leads to.
func (v *value) at(p pointer) (*value, *rule) {
	for _, step := range p {
		i, fault := v.child(step)
		if fault != nil {
			return nil, fault
		}
		v = &v.open.members[i].value
	}
	return v, nil
}

// child returns the position of the child of v that a step names.
func (v *value) child(step string) (int, *rule) {
	c := v.look()
	switch {
	case c == nil:
		return 0, &ruleTarget
	case c.object:
		if i := c.find(step); i >= 0 {
			return i, nil
		}
		return 0, &ruleTarget
	}
	if i, ok := position(step, len(c.members), false); ok {
		return i, nil
	}
	return 0, &ruleIndex
}
