package fhir

import "strings"

// checkScalar notes an empty string and a null out of place.
func (s *scanner) checkScalar(i int32) {
	n := &s.nodes[i]
	switch n.shape {
	case String:
		if c := s.src[n.start+1]; c <= ' ' || c == '"' || c == '\\' {
			s.checkBlank(i)
		}
	case Null:
		s.checkNull(i)
	}
}

// checkBlank notes a string without a visible character.
func (s *scanner) checkBlank(i int32) {
	n := &s.nodes[i]
	text := s.src[n.start+1 : n.end-1]
	if n.esc {
		text = unescape(text)
	}
	if strings.Trim(text, " \t\r\n") == "" {
		s.fault(i, ruleEmpty)
	}
}

// checkNull notes a null that is not in an array which is a member; those wait for their twin.
func (s *scanner) checkNull(i int32) {
	holder := s.nodes[i].parent
	if holder < 0 || s.nodes[holder].shape != Array || s.nodes[holder].nameEnd == 0 {
		s.fault(i, ruleNull)
		return
	}
	if last := len(s.nullable) - 1; last < 0 || s.nullable[last] != holder {
		s.nullable = append(s.nullable, holder)
	}
}

// checkContainer notes an empty container, and duplicate or too many members of an object.
func (s *scanner) checkContainer(i int32) {
	n := &s.nodes[i]
	if s.strict && n.next == i+1 {
		s.fault(i, ruleEmpty)
	}
	if n.shape == Object {
		s.checkMembers(i)
	}
}

// fewMembers is how many members are compared without a map.
const fewMembers = 32

// checkMembers notes members of object i that have the name of an earlier one. A filter of 64 bits
// spares small objects the comparison of all pairs.
func (s *scanner) checkMembers(i int32) {
	r := Resource{src: s.src, nodes: s.nodes}
	end := s.nodes[i].next
	var seen uint64
	count := 0
	for c := i + 1; c < end; c = s.nodes[c].next {
		if count++; count > fewMembers {
			s.checkManyMembers(i)
			return
		}
		name := r.name(&s.nodes[c])
		bit := uint64(1) << (nameHash(name) & 63)
		if seen&bit != 0 && s.hasBefore(i, c, name) {
			s.fault(c, ruleDuplicate)
		}
		seen |= bit
	}
}

// nameHash spreads the member names of R4 over small numbers.
func nameHash(name string) uint {
	if name == "" {
		return 0
	}
	n := len(name)
	return uint(name[0]) + uint(name[n-1])*5 + uint(name[n/2])*17 + uint(n)*3
}

// hasBefore reports whether a member of object i before c has the name.
func (s *scanner) hasBefore(i, c int32, name string) bool {
	r := Resource{src: s.src, nodes: s.nodes}
	for j := i + 1; j < c; j = s.nodes[j].next {
		if r.name(&s.nodes[j]) == name {
			return true
		}
	}
	return false
}

// checkManyMembers does checkMembers for a large object, which no R4 element is when very large.
func (s *scanner) checkManyMembers(i int32) {
	r := Resource{src: s.src, nodes: s.nodes}
	end := s.nodes[i].next
	names := make(map[string]struct{})
	count := 0
	for c := i + 1; c < end; c = s.nodes[c].next {
		name := r.name(&s.nodes[c])
		if _, twice := names[name]; twice && !s.isNoted(c) {
			s.fault(c, ruleDuplicate)
		}
		names[name] = struct{}{}
		if count++; s.strict && count > maxMembers {
			s.fault(i, ruleMembers)
			return
		}
	}
}

// isNoted reports whether c was found a duplicate already.
func (s *scanner) isNoted(c int32) bool {
	for _, f := range s.faults {
		if f.node == c && f.rule == ruleDuplicate {
			return true
		}
	}
	return false
}

// checkNulls notes every null in an array of primitives without a value or extension at the same
// index of its twin ("given" and "_given").
func (s *scanner) checkNulls() {
	if len(s.nullable) == 0 {
		return
	}
	r := &Resource{src: s.src, nodes: s.nodes}
	for _, i := range s.nullable {
		if len(s.faults) >= maxFaults {
			return
		}
		array := Node{r: r, i: i}
		twin, isShadow := array.twin()
		s.checkPairs(array, twin, isShadow)
	}
}

// twin returns the member that holds the ids and extensions of the primitives in n, or the values
// when n holds those (isShadow).
func (n Node) twin() (twin Node, isShadow bool) {
	if name, ok := strings.CutPrefix(n.Name(), "_"); ok {
		return n.Parent().Member(name), true
	}
	return n.Parent().Member("_" + n.Name()), false
}

// checkPairs notes the nulls of array that are alone. A pair of nulls is noted once.
func (s *scanner) checkPairs(array, twin Node, isShadow bool) {
	nodes := array.r.nodes
	end, twinEnd := array.at().next, int32(0)
	j := int32(0)
	if twin.Shape() == Array {
		j, twinEnd = twin.i+1, twin.at().next
	}
	for c := array.i + 1; c < end; c = nodes[c].next {
		other := Missing
		if j < twinEnd {
			other = nodes[j].shape
			j = nodes[j].next
		}
		alone := other == Missing || other == Null && !isShadow
		if nodes[c].shape == Null && alone {
			s.fault(c, ruleNull)
		}
	}
}
