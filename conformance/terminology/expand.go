package terminology

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/r4"
	"github.com/drieluik/drieluik/fhir/search"
)

const (
	maxContains = 5_000   // codes of one answer
	maxVisited  = 200_000 // codes looked at for one answer
)

// entry is one code of an expansion.
type entry struct {
	system, version, code string
	wording               wording
}

// expansionError refuses an expansion.
func expansionError(code, rule, text string) error {
	return fhir.Errorf(fhir.Unprocessable, "terminology.expand", code, rule, "%s", text)
}

func tooCostly() error {
	return expansionError("too-costly", "TERM-TOO-COSTLY", fmt.Sprintf(
		"The expansion has more than %d codes; ask for pages with count and offset, or narrow it with filter.", maxContains))
}

// expand is ValueSet/$expand.
func (t *Terms) expand(r Request, f *form) (any, error) {
	set := t.setOf(r, f)
	if err := f.err("terminology.expand"); err != nil {
		return nil, err
	}
	if !t.hasSet(set) {
		return nil, notFound("TERM-VALUESET-UNKNOWN", noSet)
	}
	x := expander{evaluation: evaluation{terms: t, budget: maxVisited}}
	all, err := x.entries(set, 0)
	if err != nil {
		return nil, err
	}
	words := strings.Fields(search.Normalize(f.text("filter")))
	all = slices.DeleteFunc(all, func(e entry) bool {
		return f.flag("activeOnly") && isInactive(e.wording.known) || len(words) > 0 && !e.wording.contains(e.code, words)
	})
	total := len(all)
	from := min(f.count("offset", 0), total)
	page := all[from:min(total, from+f.count("count", total))]
	if len(page) > maxContains {
		return nil, tooCostly()
	}
	return t.expansion(set, r, f, page, total), nil
}

// expander lists the codes of sets, each once.
type expander struct{ evaluation }

// entries lists a set: as it is composed, else by the expansion that came with it, else from the
// tables of R4.
func (x *expander) entries(canonical string, depth int) ([]entry, error) {
	refusal := cannotExpand()
	if s, ok := x.terms.sets.get(canonical); ok && depth < maxNesting {
		out, err := x.composed(s.rules(), depth)
		switch {
		case err == nil:
			return out, nil
		case s.rules().listed != nil:
			return x.given(s.rules().listed), nil
		}
		refusal = err
	}
	if out, ok := x.tabled(canonical); ok {
		return out, nil
	}
	return nil, refusal
}

// composed lists what the includes give, without what an exclude holds.
func (x *expander) composed(r *rules, depth int) ([]entry, error) {
	if len(r.include) == 0 {
		return nil, cannotExpand()
	}
	out := list{seen: map[string]bool{}}
	for i := range r.include {
		found, err := x.included(&r.include[i], depth)
		if err != nil {
			return nil, err
		}
		for _, e := range found {
			if r.active && isInactive(e.wording.known) || out.seen[e.system+"|"+e.code] {
				continue
			}
			excluded, err := x.decided(x.any(r.exclude, false, e.system, e.code, depth))
			if err != nil {
				return nil, err
			}
			if !excluded {
				out.add(e)
			}
		}
	}
	return out.entries, nil
}

// decided turns an answer into yes or no; an open one ends the expansion.
func (x *expander) decided(answer truth) (bool, error) {
	switch {
	case x.budget < 0:
		return false, tooCostly()
	case answer == unknown:
		return false, cannotExpand()
	}
	return answer == yes, nil
}

// list gathers entries, each code of a system once.
type list struct {
	entries []entry
	seen    map[string]bool
}

func (l *list) add(e entry) {
	l.seen[e.system+"|"+e.code] = true
	l.entries = append(l.entries, e)
}

// cannotExpand refuses a set that cannot be listed.
func cannotExpand() error {
	return expansionError("not-supported", "TERM-UNDECIDED", "The value set depends on a code system or value set that is not loaded, or cannot be read here; load the package that holds it.")
}

// included lists an include.
func (x *expander) included(c *clause, depth int) ([]entry, error) {
	var found []entry
	sets := c.sets
	switch {
	case c.system != "":
		var ok bool
		if found, ok = c.entries(); !ok {
			return nil, cannotExpand()
		}
	case len(sets) > 0:
		var err error
		if found, err = x.entries(sets[0], depth+1); err != nil {
			return nil, err
		}
		sets = sets[1:]
	}
	if x.budget -= 1 + len(found); x.budget < 0 {
		return nil, tooCostly()
	}
	for _, set := range sets {
		kept := found[:0:0]
		for _, e := range found {
			member, err := x.decided(x.in(set, e.system, e.code, depth+1))
			if err != nil {
				return nil, err
			}
			if member {
				kept = append(kept, e)
			}
		}
		found = kept
	}
	return found, nil
}

// entries lists what a clause says of its system; false when that is not known here.
func (c *clause) entries() (out []entry, ok bool) {
	if c.codes != nil {
		for n := range c.node.All("concept") {
			e := entry{system: c.system, version: c.node.Member("version").Text(), code: n.Member("code").Text()}
			if c.loaded != nil {
				e.wording = c.loaded.wording(e.code)
			}
			e.wording.inSet = n
			out = append(out, e)
		}
		return out, true
	}
	if c.loaded == nil || c.undecided || !c.loaded.complete {
		return nil, false
	}
	for i, concept := range c.loaded.concepts().list {
		if c.pass == nil || c.pass[i] {
			out = append(out, entry{
				system: c.system, version: c.loaded.version, code: concept.node.Member("code").Text(),
				wording: wording{language: c.loaded.language, known: concept.node},
			})
		}
	}
	return out, true
}

// given lists an expansion that came with the set.
func (x *expander) given(c *clause) []entry {
	out := list{seen: map[string]bool{}}
	var walk func(n fhir.Node)
	walk = func(n fhir.Node) {
		for child := range n.All("contains") {
			e := entry{system: child.Member("system").Text(), version: child.Member("version").Text(), code: child.Member("code").Text()}
			if e.code != "" && !out.seen[e.system+"|"+e.code] {
				e.wording.inSet = child
				out.add(e)
			}
			walk(child)
		}
	}
	walk(c.node)
	return out.entries
}

// tabled lists a set of the tables of R4, which hold no texts.
func (x *expander) tabled(canonical string) (out []entry, ok bool) {
	codes, ok := r4.Codes(withoutVersion(canonical))
	for _, text := range slices.Sorted(maps.Keys(codes)) {
		i := strings.LastIndexByte(text, '|')
		if i < 0 {
			continue
		}
		e := entry{system: text[:i], code: text[i+1:]}
		if s, ok := x.terms.systems.get(e.system); ok {
			e.wording = s.wording(e.code)
		}
		out = append(out, e)
	}
	return out, ok
}

func withoutVersion(canonical string) string {
	url, _, _ := strings.Cut(canonical, "|")
	return url
}
