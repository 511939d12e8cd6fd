package terminology

import (
	"strings"
	"sync"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/r4"
)

// truth is an answer that may be unknown: both is the lesser, either the greater of two.
type truth int8

const (
	no truth = iota
	unknown
	yes
)

func (t truth) not() truth { return yes - t }

func truthOf(b bool) truth {
	if b {
		return yes
	}
	return no
}

// set is a value set.
type set struct {
	root         fhir.Node
	url, version string
	terms        *Terms
	rules        func() *rules
}

// rules are what a value set is composed of.
type rules struct {
	include, exclude []clause
	active           bool    // inactive codes are out
	listed           *clause // the codes of its expansion, where that stands for the whole set
}

// clause is one include or exclude.
type clause struct {
	node      fhir.Node
	system    string
	loaded    *system
	codes     map[string]fhir.Node // the concepts that are listed, by key; nil: all of the system
	pass      map[int]bool         // the concepts that pass the filters; nil: all
	undecided bool                 // a filter cannot be judged
	sets      []string             // canonicals of which a code must be a member too
}

func newSet(t *Terms, n fhir.Node) *set {
	s := &set{root: n, url: n.Member("url").Text(), version: n.Member("version").Text(), terms: t}
	s.rules = sync.OnceValue(s.read)
	return s
}

func (s *set) read() *rules {
	compose := s.root.Member("compose")
	r := &rules{active: compose.Member("inactive").Text() == "false"}
	for n := range compose.All("include") {
		r.include = append(r.include, s.terms.clause(n))
	}
	for n := range compose.All("exclude") {
		r.exclude = append(r.exclude, s.terms.clause(n))
	}
	r.listed = s.expansion()
	return r
}

// clause reads one include or exclude.
func (t *Terms) clause(n fhir.Node) clause {
	c := clause{node: n, system: n.Member("system").Text()}
	for v := range n.All("valueSet") {
		c.sets = append(c.sets, v.Text())
	}
	c.loaded, _ = t.systems.get(canonical(c.system, n.Member("version").Text()))
	if concepts := n.Member("concept"); concepts.Exists() {
		c.codes = make(map[string]fhir.Node, concepts.Len())
		for e := range concepts.Children() {
			c.codes[c.key(e.Member("code").Text())] = e
		}
		return c
	}
	if n.Member("filter").Exists() {
		c.undecided = true
		if c.loaded != nil {
			var ok bool
			c.pass, ok = c.loaded.filtered(n)
			c.undecided = !ok
		}
	}
	return c
}

func (c *clause) key(code string) string {
	if c.loaded != nil {
		return c.loaded.key(code)
	}
	return code
}

// expansion returns the codes of an expansion that is given in full. Its systems differ, so that the
// keys hold them.
func (s *set) expansion() *clause {
	e := s.root.Member("expansion")
	c := &clause{node: e, codes: map[string]fhir.Node{}}
	var walk func(n fhir.Node)
	count := 0
	walk = func(n fhir.Node) {
		for entry := range n.All("contains") {
			if code := entry.Member("code").Text(); code != "" {
				count++
				c.codes[entry.Member("system").Text()+"|"+code], c.codes["|"+code] = entry, entry
			}
			walk(entry)
		}
	}
	walk(e)
	total := e.Member("total").Text()
	if count == 0 || e.Member("offset").Exists() && e.Member("offset").Text() != "0" || len(total) > 0 && atoi(total) > count {
		return nil
	}
	return c
}

// evaluation is one question of membership. Sets name sets; a circle or a thicket of them ends as
// unknown.
type evaluation struct {
	terms  *Terms
	budget int // clauses that may still be looked at
}

const (
	maxEvaluation = 20_000
	maxNesting    = 32
)

// in answers for a set by its canonical.
func (e *evaluation) in(canonical, system, code string, depth int) truth {
	answer := unknown
	if s, ok := e.terms.sets.get(canonical); ok && depth < maxNesting {
		if answer = e.of(s, system, code, depth); answer != unknown {
			return answer
		}
	}
	url, _, _ := strings.Cut(canonical, "|")
	if codes, ok := r4.Codes(url); ok {
		return truthOf(codes[qualified(system, code)])
	}
	return answer
}

func qualified(system, code string) string {
	if system == "" {
		return code
	}
	return system + "|" + code
}

// of answers for a set: in an include, and in no exclude.
func (e *evaluation) of(s *set, system, code string, depth int) truth {
	r := s.rules()
	answer := unknown
	if len(r.include) > 0 {
		answer = min(e.any(r.include, r.active, system, code, depth), e.any(r.exclude, false, system, code, depth).not())
	}
	if answer == unknown && r.listed != nil {
		_, found := r.listed.codes[system+"|"+code]
		return truthOf(found)
	}
	return answer
}

// any answers whether one of the clauses holds the code.
func (e *evaluation) any(clauses []clause, active bool, system, code string, depth int) truth {
	answer := no
	for i := range clauses {
		if e.budget--; e.budget < 0 {
			return unknown
		}
		if answer = max(answer, e.holds(&clauses[i], active, system, code, depth)); answer == yes {
			return yes
		}
	}
	return answer
}

// holds answers for one clause.
func (e *evaluation) holds(c *clause, active bool, system, code string, depth int) truth {
	answer := c.has(active, system, code)
	for _, set := range c.sets {
		if answer == no {
			return no
		}
		answer = min(answer, e.in(set, system, code, depth+1))
	}
	return answer
}

// has answers for what a clause says itself, without the sets that it names.
func (c *clause) has(active bool, system, code string) truth {
	if c.system == "" {
		return truthOf(len(c.sets) > 0)
	}
	if system != "" && system != c.system {
		return no
	}
	i, found := 0, false
	if c.loaded != nil {
		i, found = c.loaded.find(code)
	}
	if found && active && isInactive(c.loaded.concepts().list[i].node) {
		return no
	}
	switch {
	case c.codes != nil:
		_, listed := c.codes[c.key(code)]
		return truthOf(listed)
	case c.loaded == nil, c.undecided && found:
		return unknown
	case !found && c.loaded.complete:
		return no
	case !found:
		return unknown
	}
	return truthOf(c.pass == nil || c.pass[i])
}

// atoi reads a whole number that JSON had; 0 for another.
func atoi(text string) int {
	n := 0
	for _, d := range text {
		if d < '0' || d > '9' || n > 1<<30 {
			return 0
		}
		n = n*10 + int(d-'0')
	}
	return n
}
