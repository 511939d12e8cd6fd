package terminology

import "github.com/drieluik/drieluik/fhir/search"

// Search returns what the modifiers :in, :not-in, :above and :below of a search ask of t.
func (t *Terms) Search() search.Terms {
	return search.Terms{Expand: t.codes, Subsumed: t.family}
}

// codes returns the codes of a value set; false when it cannot be listed.
func (t *Terms) codes(valueSet string) ([]search.Code, bool) {
	all, ok := t.listed(valueSet)
	if !ok {
		return nil, false
	}
	out := make([]search.Code, len(all))
	for i, e := range all {
		out[i] = search.Code{System: e.system, Code: e.code}
	}
	return out, true
}

// listed returns the entries of a value set; false when it cannot be listed.
func (t *Terms) listed(valueSet string) ([]entry, bool) {
	if !t.hasSet(valueSet) {
		return nil, false
	}
	x := expander{evaluation: evaluation{terms: t, budget: maxVisited}}
	all, err := x.entries(valueSet, 0)
	return all, err == nil
}

// family returns a code with all that stand above or below it; false when its code system is not
// known in full.
func (t *Terms) family(code search.Code, above bool) ([]search.Code, bool) {
	s, ok := t.systems.get(code.System)
	if !ok || !s.complete {
		return nil, false
	}
	i, ok := s.find(code.Code)
	if !ok {
		return nil, false
	}
	c := s.concepts()
	found := c.below(i)
	if above {
		found = c.above(i)
	}
	out := make([]search.Code, len(found))
	for n, j := range found {
		out[n] = search.Code{System: code.System, Code: c.list[j].node.Member("code").Text()}
	}
	return out, true
}
