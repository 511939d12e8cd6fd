package rebuild

import (
	"strings"

	"github.com/drieluik/drieluik/fhir"
)

// Rules are the ids of the rules of the way back that every format has.
type Rules struct {
	Large  string // more is to be read than is read at once
	Member string // a source-member leads nowhere
}

// maxSteps bounds the pointer of a source-member, maxIssues what is told.
const (
	maxSteps  = 64
	maxIssues = 1000
)

// readFreely and readAgain bound what one call reads, in bytes: so many, and each resource so many times.
// A resource counts anew for each record that takes it in and each reference that is followed, so that a
// few bytes that name a large one over and over do not become a huge answer.
const (
	readFreely = 20_000_000
	readAgain  = 10
)

// Set is what is read: the resources of a Bundle, and what is told of them.
type Set struct {
	rules  Rules
	rs     []*fhir.Resource
	byRef  map[fhir.Ref]*fhir.Resource
	found  []fhir.Issue
	failed bool
	left   int // bytes that may still be read; below 0: too many were
}

// NewSet indexes the resources. Of two with the same id the first counts.
func NewSet(rs []*fhir.Resource, rules Rules) *Set {
	s := &Set{rules: rules, byRef: map[fhir.Ref]*fhir.Resource{}, left: readFreely}
	for _, r := range rs {
		if _, twice := s.byRef[r.Ref()]; twice && r.ID() != "" {
			continue
		}
		s.byRef[r.Ref()] = r
		s.rs = append(s.rs, r)
		s.left += readAgain * len(r.Root().Raw())
	}
	return s
}

// Resources returns what is read, in Bundle order.
func (s *Set) Resources() []*fhir.Resource { return s.rs }

// Issues returns what was told.
func (s *Set) Issues() []fhir.Issue { return s.found }

// Failed reports whether an issue is an error: then there is no document.
func (s *Set) Failed() bool { return s.failed }

// Spent reports whether too much was read; what is read from then on is missing.
func (s *Set) Spent() bool { return s.left < 0 }

// Read returns a resource, a missing node when it is not here.
func (s *Set) Read(ref fhir.Ref) fhir.Node {
	if r := s.byRef[ref.Current()]; r != nil {
		return r.Root()
	}
	return fhir.Node{}
}

// Get returns the resource that a Reference names literally, a missing node when it is not here. It
// counts as read.
func (s *Set) Get(reference fhir.Node) fhir.Node {
	ref, ok := fhir.ParseRef(reference.At("reference").Text())
	if !ok {
		return fhir.Node{}
	}
	n := s.Read(ref)
	if !s.Spend(n) {
		return fhir.Node{}
	}
	return n
}

// Spend counts a resource that is read once more. It reports whether it may be.
func (s *Set) Spend(n fhir.Node) bool {
	if s.left < 0 {
		return false
	}
	if s.left -= len(n.Raw()); s.left < 0 {
		s.Fail("too-costly", s.rules.Large, n, "The records name the same resources more often than is read at once; send fewer records.")
	}
	return s.left >= 0
}

// All returns the resources of a type in Bundle order.
func (s *Set) All(t fhir.Type) []fhir.Node {
	var out []fhir.Node
	for _, r := range s.rs {
		if r.Type() == t {
			out = append(out, r.Root())
		}
	}
	return out
}

// Fail adds an error: an issue code, a rule, the element and one sentence.
func (s *Set) Fail(code, rule string, at fhir.Node, text string) {
	s.tell(fhir.SeverityError, code, rule, at, text)
}

// Warn adds a warning.
func (s *Set) Warn(code, rule string, at fhir.Node, text string) {
	s.tell(fhir.SeverityWarning, code, rule, at, text)
}

// tell adds an issue. Beyond maxIssues only that there is an error counts.
func (s *Set) tell(severity, code, rule string, at fhir.Node, text string) {
	failed := severity == fhir.SeverityError
	if len(s.found) >= maxIssues && (s.failed || !failed) {
		return
	}
	s.failed = s.failed || failed
	s.found = append(s.found, fhir.Issue{Severity: severity, Code: code, Expression: at.Path(), Diagnostics: rule, Text: text})
}

// PutBack puts every source-member of a resource at its pointer in the document.
func (s *Set) PutBack(doc *Value, keeper fhir.Node) {
	for _, e := range Extensions(keeper, "source-member") {
		pointer, value := Part(e, "pointer").Text(), Parse(Part(e, "value").Text())
		if value == nil || strings.Count(pointer, "/") > maxSteps || !doc.Put(pointer, value) {
			s.Fail("value", s.rules.Member, e, "This source member cannot be put back: its pointer leads nowhere, or its value is no JSON.")
		}
	}
}
