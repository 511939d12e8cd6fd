package terminology

import (
	"iter"
	"slices"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/path"
)

// MemberOf reports whether a code, Coding, Quantity or CodeableConcept is in a value set; of a
// concept one coding suffices. It is World.MemberOf of fhir/path: other items are never known.
func (t *Terms) MemberOf(item path.Item, valueSet string) (member, known bool) {
	n := item.Node()
	if n.Shape() != fhir.Object {
		if item.Kind() != path.String {
			return false, false
		}
		return t.Member(valueSet, "", item.Text())
	}
	answer := no
	for c := range codingsOf(item) {
		system, code := c.Member("system").Text(), c.Member("code").Text()
		if code == "" || system == "" {
			answer = max(answer, unknown)
			continue
		}
		switch member, known := t.Member(valueSet, system, code); {
		case member:
			return true, true
		case !known:
			answer = unknown
		}
	}
	return false, answer != unknown
}

// codingsOf yields the codings of a concept, or the item itself.
func codingsOf(item path.Item) iter.Seq[fhir.Node] {
	if item.Type() == "CodeableConcept" {
		return item.Node().All("coding")
	}
	return item.Node().All()
}

// Subsumes reports whether a Coding or CodeableConcept is another one or a broader one of the same
// system; of concepts one pair of codings suffices. It is World.Subsumes of fhir/path.
func (t *Terms) Subsumes(a, b path.Item) (subsumes, known bool) {
	answer := no
	for x := range codingsOf(a) {
		for y := range codingsOf(b) {
			answer = max(answer, t.covers(x, y))
		}
	}
	return answer == yes, answer != unknown
}

// covers answers whether a is b, or b descends from a.
func (t *Terms) covers(a, b fhir.Node) truth {
	system := a.Member("system").Text()
	s, ok := t.systems.get(system)
	switch {
	case system == "" || b.Member("system").Text() == "":
		return unknown
	case system != b.Member("system").Text():
		return no
	case a.Member("code").Text() == b.Member("code").Text():
		return yes
	case !ok:
		return unknown
	}
	i, found1 := s.find(a.Member("code").Text())
	j, found2 := s.find(b.Member("code").Text())
	if !found1 || !found2 {
		return unknown
	}
	return truthOf(slices.Contains(s.concepts().above(j), i))
}
