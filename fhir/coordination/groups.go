package coordination

import (
	"slices"

	"github.com/drieluik/drieluik/fhir"
)

// Groups says to which group of needs a code belongs. Codes of one group are the same need.
type Groups struct{ to map[Coding][]Coding }

// NewGroups reads the concept maps that lead to needs or to groups of needs; others, and what is no
// ConceptMap, are passed over. Of several maps of one code all targets count.
func NewGroups(maps []*fhir.Resource) *Groups {
	g := &Groups{to: map[Coding][]Coding{}}
	for _, r := range maps {
		if r.Type() != "ConceptMap" {
			continue
		}
		for group := range r.Root().All("group") {
			if target := group.Member("target").Text(); target == needSystem || target == groupSystem {
				g.read(group, target)
			}
		}
	}
	return g
}

func (g *Groups) read(group fhir.Node, target string) {
	source := group.Member("source").Text()
	for e := range group.All("element") {
		from := Coding{source, e.Member("code").Text()}
		for t := range e.All("target") {
			to := Coding{target, t.Member("code").Text()}
			kind := t.Member("equivalence").Text()
			if to.Code == "" || kind == "unmatched" || kind == "disjoint" || slices.Contains(g.to[from], to) {
				continue
			}
			g.to[from] = append(g.to[from], to)
		}
	}
}

// With returns groups in which the named groups hold the named needs and no others do: settings of a deployment.
func (g *Groups) With(needs map[string][]string) *Groups {
	out := &Groups{to: map[Coding][]Coding{}}
	for from, to := range g.to {
		if from.System != needSystem {
			out.to[from] = to
		}
	}
	for group, codes := range needs {
		for _, code := range codes {
			from := Coding{needSystem, code}
			out.to[from] = append(out.to[from], Coding{groupSystem, group})
		}
	}
	return out
}

// lines are the groups as sorted lines of text, by which they are told apart.
func (g *Groups) lines() []string {
	var out []string
	for from, all := range g.to {
		for _, to := range all {
			out = append(out, from.System+"|"+from.Code+" "+to.System+"|"+to.Code)
		}
	}
	slices.Sort(out)
	return out
}

// of returns the groups of a code: that of the tables, else the code itself.
func (g *Groups) of(c Coding) []string {
	var out []string
	for _, to := range g.to[c] {
		if to.System != needSystem {
			out = append(out, to.Code)
			continue
		}
		at := len(out)
		for _, next := range g.to[to] {
			out = append(out, next.Code)
		}
		if at == len(out) {
			out = append(out, to.Code)
		}
	}
	switch {
	case out != nil:
		return out
	case c.System == needSystem, c.System == groupSystem:
		return []string{c.Code}
	}
	return []string{c.System + "|" + c.Code}
}
