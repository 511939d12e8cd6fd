// Package terminology owns what code systems, value sets and concept maps say: membership for
// validation and FHIRPath, and the operations of R4 on them. It knows what it was given and the
// tables of fhir/r4, serves no SNOMED CT or LOINC (their codes are unknown, not wrong), and refuses
// storage.
package terminology

import (
	"strconv"
	"strings"

	"github.com/drieluik/drieluik/fhir"
)

// Terms is an index of code systems, value sets and concept maps. It is safe for concurrent use.
// What a resource says in detail is read when it is first asked for.
type Terms struct {
	systems shelf[*system]
	sets    shelf[*set]
	maps    shelf[*conceptMap]
}

// New indexes the CodeSystems, ValueSets and ConceptMaps among the resources; others, and those
// without a url, are left out. Of two with one url and version the first one counts.
func New(resources []*fhir.Resource) *Terms {
	t := &Terms{}
	for _, r := range resources {
		if add, ok := adders[r.Type()]; ok && r.Root().Member("url").Text() != "" {
			add(t, r.Root())
		}
	}
	return t
}

// adders take in each type.
var adders = map[fhir.Type]func(*Terms, fhir.Node){
	"CodeSystem": func(t *Terms, n fhir.Node) { t.systems.add(n, newSystem(n)) },
	"ValueSet":   func(t *Terms, n fhir.Node) { t.sets.add(n, newSet(t, n)) },
	"ConceptMap": func(t *Terms, n fhir.Node) { t.maps.add(n, newConceptMap(n)) },
}

// shelf holds the resources of one type, by canonical URL and by id.
type shelf[T any] struct {
	byURL map[string][]edition[T] // the newest version first
	byID  map[string]T
	all   []T
}

// edition is one version of a resource.
type edition[T any] struct {
	version string
	item    T
}

func (s *shelf[T]) add(n fhir.Node, item T) {
	if s.byURL == nil {
		s.byURL, s.byID = map[string][]edition[T]{}, map[string]T{}
	}
	url, version := n.Member("url").Text(), n.Member("version").Text()
	place := len(s.byURL[url])
	for i, e := range s.byURL[url] {
		if e.version == version {
			return
		}
		if place > i && newer(version, e.version) {
			place = i
		}
	}
	list := append(s.byURL[url], edition[T]{})
	copy(list[place+1:], list[place:])
	list[place] = edition[T]{version, item}
	s.byURL[url] = list
	s.all = append(s.all, item)
	if id := n.Resource().ID(); id != "" {
		if _, taken := s.byID[id]; !taken {
			s.byID[id] = item
		}
	}
}

// get returns the resource of a canonical ("url" or "url|version"), without a version the newest.
func (s *shelf[T]) get(canonical string) (item T, ok bool) {
	url, version, exact := strings.Cut(canonical, "|")
	for _, e := range s.byURL[url] {
		if !exact || e.version == version {
			return e.item, true
		}
	}
	return item, false
}

// newer compares business versions part by part, numbers as numbers.
func newer(a, b string) bool {
	as, bs := strings.Split(a, "."), strings.Split(b, ".")
	for i := range min(len(as), len(bs)) {
		if as[i] == bs[i] {
			continue
		}
		x, err1 := strconv.Atoi(as[i])
		y, err2 := strconv.Atoi(bs[i])
		if err1 == nil && err2 == nil && x != y {
			return x > y
		}
		return as[i] > bs[i]
	}
	return len(as) > len(bs)
}

// canonical joins a URL and a version.
func canonical(url, version string) string {
	if version == "" {
		return url
	}
	return url + "|" + version
}

// Holds reports whether a code system, given as "url" or "url|version", has a code. loaded is false when that
// cannot be said: the system is not loaded, or not all of it.
func (t *Terms) Holds(system, code string) (held, loaded bool) {
	s, ok := t.systems.get(system)
	if !ok {
		return false, false
	}
	_, held = s.find(code)
	return held, held || s.complete
}

// Member reports whether a code is in a value set, given as "url" or "url|version". An empty system
// means any. known is false when that cannot be said: the set, or the system that decides it, is
// not loaded. It has the form that validation and World.MemberOf of fhir/path build upon.
func (t *Terms) Member(valueSet, system, code string) (member, known bool) {
	e := evaluation{terms: t, budget: maxEvaluation}
	answer := e.in(valueSet, system, code, 0)
	return answer == yes, answer != unknown
}
