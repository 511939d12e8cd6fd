package terminology

import (
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
	codings := n.All()
	if item.Type() == "CodeableConcept" {
		codings = n.All("coding")
	}
	answer := no
	for c := range codings {
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
