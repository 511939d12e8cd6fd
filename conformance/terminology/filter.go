package terminology

import (
	"regexp"
	"slices"
	"strings"

	"github.com/drieluik/drieluik/fhir"
)

// maxPattern bounds a regular expression of a filter, in bytes. Patterns run in linear time.
const maxPattern = 1000

// filters answer which concepts of a system a filter of compose lets through; false for one that
// cannot be judged.
var filters = map[string]func(s *system, property, value string) ([]int, bool){
	"is-a":          func(s *system, p, v string) ([]int, bool) { return s.family(p, v, (*concepts).below, true) },
	"descendent-of": func(s *system, p, v string) ([]int, bool) { return s.family(p, v, (*concepts).below, false) },
	"generalizes":   func(s *system, p, v string) ([]int, bool) { return s.family(p, v, (*concepts).above, true) },
	"is-not-a":      (*system).strangers,
	"=": func(s *system, p, v string) ([]int, bool) {
		return s.where(p, func(x []string) bool { return slices.Contains(x, v) }), true
	},
	"in": func(s *system, p, v string) ([]int, bool) {
		list := words(v)
		return s.where(p, func(x []string) bool {
			return slices.ContainsFunc(x, func(e string) bool { return slices.Contains(list, e) })
		}), true
	},
	"not-in": func(s *system, p, v string) ([]int, bool) {
		list := words(v)
		return s.where(p, func(x []string) bool {
			return !slices.ContainsFunc(x, func(e string) bool { return slices.Contains(list, e) })
		}), true
	},
	"exists": func(s *system, p, v string) ([]int, bool) {
		return s.where(p, func(x []string) bool { return (len(x) > 0) == (v == "true") }), v == "true" || v == "false"
	},
	"regex": (*system).matching,
}

// words splits a list of codes: by commas, as R4 has it.
func words(text string) []string {
	out := strings.Split(text, ",")
	for i := range out {
		out[i] = strings.TrimSpace(out[i])
	}
	return out
}

// family returns the relatives of the concept that a filter names, with it or without.
func (s *system) family(property, code string, relatives func(*concepts, int) []int, self bool) ([]int, bool) {
	i, ok := s.find(code)
	if !ok || property != "concept" && property != "code" {
		return nil, false
	}
	out := relatives(s.concepts(), i)
	if !self {
		out = out[1:]
	}
	return out, true
}

// strangers returns the concepts that do not descend from the one that a filter names.
func (s *system) strangers(property, code string) ([]int, bool) {
	family, ok := s.family(property, code, (*concepts).below, true)
	if !ok {
		return nil, false
	}
	in := map[int]bool{}
	for _, i := range family {
		in[i] = true
	}
	var out []int
	for i := range s.concepts().list {
		if !in[i] {
			out = append(out, i)
		}
	}
	return out, true
}

// matching returns the concepts of which a property matches the whole pattern.
func (s *system) matching(property, pattern string) ([]int, bool) {
	if len(pattern) > maxPattern {
		return nil, false
	}
	x, err := regexp.Compile("^(?:" + pattern + ")$")
	if err != nil {
		return nil, false
	}
	return s.where(property, func(v []string) bool { return slices.ContainsFunc(v, x.MatchString) }), true
}

// where returns the concepts whose values of a property hold a condition.
func (s *system) where(property string, holds func([]string) bool) []int {
	var out []int
	c := s.concepts()
	for i := range c.list {
		if holds(c.property(i, property)) {
			out = append(out, i)
		}
	}
	return out
}

// filtered returns the concepts that pass all filters of an include, nil and true without filters.
func (s *system) filtered(include fhir.Node) (pass map[int]bool, ok bool) {
	for f := range include.All("filter") {
		apply := filters[f.Member("op").Text()]
		if apply == nil {
			return nil, false
		}
		found, ok := apply(s, f.Member("property").Text(), f.Member("value").Text())
		if !ok {
			return nil, false
		}
		next := make(map[int]bool, len(found))
		for _, i := range found {
			if pass == nil || pass[i] {
				next[i] = true
			}
		}
		pass = next
	}
	return pass, true
}
