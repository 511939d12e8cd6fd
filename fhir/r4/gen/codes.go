package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

type valueSet struct {
	URL     string
	Compose struct {
		Include []include
		Exclude []include
	}
}

type include struct {
	System   string
	Concept  []concept
	Filter   []struct{ Property string }
	ValueSet []string
}

type codeSystem struct {
	URL     string
	Content string
	Concept []concept
}

type concept struct {
	Code    string
	Concept []concept
}

// codeSet holds the codes of a value set by system, in the order in which they are met.
type codeSet struct {
	systems []string
	codes   map[string][]string
}

func (s *codeSet) add(system, code string) {
	if s.codes == nil {
		s.codes = map[string][]string{}
	}
	if s.codes[system] == nil {
		s.systems = append(s.systems, system)
	}
	if !slices.Contains(s.codes[system], code) {
		s.codes[system] = append(s.codes[system], code)
	}
}

// writeValueSets writes the value sets of required bindings that the definitions list in full.
func writeValueSets(out []byte, d *definitions) ([]byte, error) {
	required := map[string]bool{}
	for _, s := range d.types {
		for _, e := range s.Snapshot.Element {
			url, _, _ := strings.Cut(e.Binding.ValueSet, "|")
			if e.Binding.Strength == "required" && url != "" {
				required[url] = true
			}
		}
	}
	for _, url := range slices.Sorted(maps.Keys(required)) {
		set, ok := expand(d, url, nil)
		if !ok {
			continue
		}
		out = fmt.Appendf(out, "V\t%s\n", url)
		for _, system := range set.systems {
			out = fmt.Appendf(out, "S\t%s\t%s\n", system, strings.Join(set.codes[system], "\t"))
		}
	}
	return out, nil
}

// expand returns the codes of a value set, and false where the definitions do not list them in full:
// a filter, a system that is absent or incomplete, an unknown set, a set within itself.
func expand(d *definitions, url string, within []string) (*codeSet, bool) {
	url, _, _ = strings.Cut(url, "|")
	v := d.valueSets[url]
	if v == nil || len(v.Compose.Include) == 0 || slices.Contains(within, url) {
		return nil, false
	}
	all, out := &codeSet{}, &codeSet{}
	for _, part := range []struct {
		from []include
		to   *codeSet
	}{{v.Compose.Include, all}, {v.Compose.Exclude, out}} {
		for _, i := range part.from {
			if !expandInclude(d, i, part.to, append(slices.Clone(within), url)) {
				return nil, false
			}
		}
	}
	for _, system := range out.systems {
		all.codes[system] = slices.DeleteFunc(all.codes[system], func(code string) bool {
			return slices.Contains(out.codes[system], code)
		})
	}
	return all, true
}

func expandInclude(d *definitions, i include, to *codeSet, within []string) bool {
	if len(i.Filter) > 0 || (i.System != "" && len(i.ValueSet) > 0) || len(i.ValueSet) > 1 {
		return false
	}
	if len(i.ValueSet) == 1 {
		set, ok := expand(d, i.ValueSet[0], within)
		if !ok {
			return false
		}
		for _, system := range set.systems {
			for _, code := range set.codes[system] {
				to.add(system, code)
			}
		}
		return true
	}
	concepts := i.Concept
	if len(concepts) == 0 {
		system := d.codeSystems[i.System]
		if system == nil || system.Content != "complete" {
			return false
		}
		concepts = system.Concept
	}
	addConcepts(to, i.System, concepts)
	return len(concepts) > 0
}

func addConcepts(to *codeSet, system string, concepts []concept) {
	for _, c := range concepts {
		to.add(system, c.Code)
		addConcepts(to, system, c.Concept)
	}
}
