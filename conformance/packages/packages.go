// Package packages loads FHIR packages: the profiles, extensions, Questionnaires and terminology of
// others, from folders and tarballs. It refuses to judge what they say, and to fetch anything.
package packages

import (
	"iter"
	"slices"
	"strings"

	"github.com/drieluik/drieluik/fhir"
)

// Set holds definitions by their canonical URL. The zero Set is empty. It must not be changed while
// it is read.
type Set struct {
	byURL map[string][]fhir.Node // in the order in which they were added
	all   []fhir.Node
}

// Definition returns the definition with a canonical URL. A version behind "|" must be that of the
// definition; without one the definition that was added last is returned.
func (s *Set) Definition(canonical string) (fhir.Node, bool) {
	url, version, versioned := strings.Cut(canonical, "|")
	for _, n := range slices.Backward(s.byURL[url]) {
		if !versioned || n.Member("version").Text() == version {
			return n, true
		}
	}
	return fhir.Node{}, false
}

// Len returns the number of definitions.
func (s *Set) Len() int { return len(s.all) }

// All yields the definitions of one resource type, such as "ValueSet", in the order in which they
// were added.
func (s *Set) All(t fhir.Type) iter.Seq[fhir.Node] {
	return func(yield func(fhir.Node) bool) {
		for _, n := range s.all {
			if n.Member("resourceType").Text() == string(t) && !yield(n) {
				return
			}
		}
	}
}

// Add takes in a resource that has a canonical URL, and every such resource in a Bundle. Others are
// passed over.
func (s *Set) Add(r *fhir.Resource) {
	root := r.Root()
	if root.Member("resourceType").Text() != "Bundle" {
		s.add(root)
		return
	}
	for inner := range root.All("entry", "resource") {
		s.add(inner)
	}
}

func (s *Set) add(n fhir.Node) {
	url := n.Member("url").Text()
	if url == "" {
		return
	}
	if s.byURL == nil {
		s.byURL = map[string][]fhir.Node{}
	}
	s.byURL[url] = append(s.byURL[url], n)
	s.all = append(s.all, n)
}

// Resources returns the definitions of some types as resources of their own, such as those that a
// terminology is made of. One that breaks the rules of FHIR JSON is left out.
func (s *Set) Resources(types ...fhir.Type) []*fhir.Resource {
	var out []*fhir.Resource
	for _, t := range types {
		for n := range s.All(t) {
			if r := n.Resource(); r.Type() == t && r.Root() == n { // it was read as strictly
				out = append(out, r)
			} else if r, _ := n.Detach(); r != nil {
				out = append(out, r)
			}
		}
	}
	return out
}
