package terminology

import (
	"strings"
	"sync"

	"github.com/drieluik/drieluik/fhir"
)

// conceptMap is a concept map.
type conceptMap struct {
	root           fhir.Node
	url            string
	source, target string // canonicals of the value sets that it maps, "" when not given
	groups         func() []group
}

// group maps the codes of one system to those of another.
type group struct {
	node             fhir.Node
	source, target   code                   // system and version alone
	elements         map[string][]fhir.Node // by source code
	backwards        map[string][]backward  // by target code
	unmapped, fixed  string                 // mode, and the code of mode fixed
	fixedText, other string                 // its display; the canonical of mode other-map
}

// backward is one mapping, found by its target.
type backward struct{ element, target fhir.Node }

func newConceptMap(n fhir.Node) *conceptMap {
	first := func(names ...string) string {
		for _, name := range names {
			if text := n.Member(name).Text(); text != "" {
				return text
			}
		}
		return ""
	}
	m := &conceptMap{
		root: n, url: n.Member("url").Text(),
		source: first("sourceCanonical", "sourceUri"), target: first("targetCanonical", "targetUri"),
	}
	m.groups = sync.OnceValue(m.read)
	return m
}

func (m *conceptMap) read() (out []group) {
	for n := range m.root.All("group") {
		g := group{
			node: n, elements: map[string][]fhir.Node{}, backwards: map[string][]backward{},
			source:   code{system: n.Member("source").Text(), version: n.Member("sourceVersion").Text()},
			target:   code{system: n.Member("target").Text(), version: n.Member("targetVersion").Text()},
			unmapped: n.At("unmapped", "mode").Text(), fixed: n.At("unmapped", "code").Text(),
			fixedText: n.At("unmapped", "display").Text(), other: n.At("unmapped", "url").Text(),
		}
		for e := range n.All("element") {
			from := e.Member("code").Text()
			g.elements[from] = append(g.elements[from], e)
			for target := range e.All("target") {
				if to := target.Member("code").Text(); to != "" {
					g.backwards[to] = append(g.backwards[to], backward{e, target})
				}
			}
		}
		out = append(out, g)
	}
	return out
}

// match is one translation.
type match struct {
	equivalence string
	concept     code
	source      string // the map
	product     []parameter
}

// opposites are the equivalences as they read from target to source; others are the same.
var opposites = map[string]string{
	"wider": "narrower", "narrower": "wider", "subsumes": "specializes", "specializes": "subsumes",
}

// negative are the equivalences that say that there is no translation.
var negative = map[string]bool{"unmatched": true, "disjoint": true}

// translate is ConceptMap/$translate.
func (t *Terms) translate(r Request, f *form) (any, error) {
	codes := f.codes(f.text("system"), lacksSystem)
	maps, err := t.mapsOf(r, f)
	if err != nil {
		return nil, err
	}
	if err := f.err("terminology.translate"); err != nil {
		return nil, err
	}
	x := translation{terms: t, reverse: f.flag("reverse"), target: f.text("targetsystem"), budget: maxEvaluation}
	for _, m := range maps {
		for _, c := range codes {
			x.through(m, c, 0)
		}
	}
	return x.answer(), nil
}

// mapsOf returns the maps that a request means: one by id or url, or those between value sets.
func (t *Terms) mapsOf(r Request, f *form) ([]*conceptMap, error) {
	one, ok := t.maps.byID[r.ID]
	if r.ID == "" && f.has("url") {
		one, ok = t.maps.get(canonical(f.text("url"), f.text("conceptMapVersion")))
	}
	source, target := f.text("source"), f.text("target")
	switch {
	case ok:
		return []*conceptMap{one}, nil
	case len(f.issues) > 0: // the form first
		return nil, nil
	case r.ID != "" || f.has("url"):
		return nil, notFound("TERM-MAP-UNKNOWN", noMap)
	case source == "" && target == "" && !f.has("targetsystem"):
		f.missing("Give url, the canonical URL of the concept map; or source, target or targetsystem, to search all maps.")
		return nil, nil
	}
	if f.flag("reverse") {
		source, target = target, source
	}
	var out []*conceptMap
	for _, m := range t.maps.all {
		if same(source, m.source) && same(target, m.target) {
			out = append(out, m)
		}
	}
	return out, nil
}

// same reports whether a map has the value set that is asked for; none means any.
func same(wanted, has string) bool {
	return wanted == "" || wanted == has || !strings.Contains(wanted, "|") && wanted == withoutVersion(has)
}

// translation gathers matches.
type translation struct {
	terms    *Terms
	reverse  bool
	target   string // system of the answers, "" for any
	budget   int
	matches  []match
	depends  bool // some mappings hold only with further codes
	answered bool
}

// through looks a code up in one map.
func (x *translation) through(m *conceptMap, c code, depth int) {
	for i := range m.groups() {
		if x.budget--; x.budget < 0 {
			return
		}
		g := &m.groups()[i]
		if x.reverse {
			x.backwards(m, g, c)
			continue
		}
		if g.source.system == c.system && (x.target == "" || x.target == g.target.system || g.unmapped == "other-map") {
			x.forwards(m, g, c, depth)
		}
	}
}

func (x *translation) forwards(m *conceptMap, g *group, c code, depth int) {
	elements := g.elements[c.code]
	if len(elements) == 0 {
		x.unmapped(m, g, c, depth)
	}
	for _, e := range elements {
		for target := range e.All("target") {
			to := code{g.target.system, g.target.version, target.Member("code").Text(), target.Member("display").Text()}
			x.add(m, target, target.Member("equivalence").Text(), to)
		}
	}
}

func (x *translation) backwards(m *conceptMap, g *group, c code) {
	if g.target.system != c.system || x.target != "" && x.target != g.source.system {
		return
	}
	for _, b := range g.backwards[c.code] {
		equivalence := b.target.Member("equivalence").Text()
		if o, ok := opposites[equivalence]; ok {
			equivalence = o
		}
		to := code{g.source.system, g.source.version, b.element.Member("code").Text(), b.element.Member("display").Text()}
		x.add(m, b.target, equivalence, to)
	}
}

// unmapped follows what a group says of codes that it does not list.
func (x *translation) unmapped(m *conceptMap, g *group, c code, depth int) {
	switch g.unmapped {
	case "provided":
		x.add(m, fhir.Node{}, "equal", code{g.target.system, g.target.version, c.code, c.display})
	case "fixed":
		x.add(m, fhir.Node{}, "inexact", code{g.target.system, g.target.version, g.fixed, g.fixedText})
	case "other-map":
		if other, ok := x.terms.maps.get(g.other); ok && depth < maxNesting {
			x.through(other, c, depth+1)
		}
	}
}

// add notes a match. One that depends on further codes is left out: none can be given.
func (x *translation) add(m *conceptMap, target fhir.Node, equivalence string, to code) {
	if target.Member("dependsOn").Exists() {
		x.depends = true
		return
	}
	if s, ok := x.terms.systems.get(to.system); ok && to.display == "" {
		to.display = s.wording(to.code).display("")
	}
	found := match{equivalence: equivalence, concept: to, source: m.url}
	for p := range target.All("product") {
		concept := code{p.Member("system").Text(), "", p.Member("value").Text(), p.Member("display").Text()}
		found.product = append(found.product, parameter{Name: "product", Part: []parameter{
			{Name: "element", ValueURI: p.Member("property").Text()}, {Name: "concept", ValueCoding: codingOf(concept)},
		}})
	}
	x.matches = append(x.matches, found)
	x.answered = x.answered || !negative[equivalence]
}

// answer renders the matches.
func (x *translation) answer() parameters {
	message := ""
	switch {
	case x.depends:
		message = "Mappings that depend on further codes are left out."
	case !x.answered:
		message = "There is no translation of the code."
	}
	out := result(x.answered, message)
	for _, m := range x.matches {
		parts := []parameter{{Name: "equivalence", ValueCode: m.equivalence}}
		if m.concept.code != "" {
			parts = append(parts, parameter{Name: "concept", ValueCoding: codingOf(m.concept)})
		}
		parts = append(append(parts, m.product...), parameter{Name: "source", ValueURI: m.source})
		out = append(out, parameter{Name: "match", Part: parts})
	}
	return parameters{"Parameters", out}
}
