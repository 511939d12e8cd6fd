package back

import (
	"github.com/drieluik/drieluik/fhir"
)

// set is what is read: the resources of a Bundle.
type set struct {
	rs     []*fhir.Resource
	byRef  map[fhir.Ref]*fhir.Resource
	told   map[fhir.Identifier]fhir.Node // Provenance by the record version that it tells of
	from   map[string][]*fhir.Resource   // by meta.source
	owned  map[fhir.Ref]bool             // Patients whose source members were given to one record
	found  []fhir.Issue
	failed bool // an issue is an error
	left   int  // bytes that may still be read; below 0: too many were
}

// newSet indexes the resources. Of two with the same id the first counts.
func newSet(rs []*fhir.Resource) *set {
	s := &set{byRef: map[fhir.Ref]*fhir.Resource{}, told: map[fhir.Identifier]fhir.Node{}, from: map[string][]*fhir.Resource{}, owned: map[fhir.Ref]bool{}, left: readFreely}
	for _, r := range rs {
		if _, twice := s.byRef[r.Ref()]; twice && r.ID() != "" {
			continue
		}
		s.byRef[r.Ref()] = r
		s.rs = append(s.rs, r)
		s.left += readAgain * len(r.Root().Raw())
		source := r.Root().At("meta", "source").Text()
		s.from[source] = append(s.from[source], r)
		if r.Type() == "Provenance" {
			s.hear(r.Root())
		}
	}
	return s
}

// hear takes in the Provenance of a record version. Other Provenances, such as signatures, have no
// entity.
func (s *set) hear(p fhir.Node) {
	id := p.At("entity", "what", "identifier")
	key := fhir.Identifier{System: id.Member("system").Text(), Value: id.Member("value").Text()}
	if _, twice := s.told[key]; twice || key.System == "" {
		return
	}
	s.told[key] = p
}

// get returns the resource that a Reference names literally, a missing node when it is not here.
func (s *set) get(reference fhir.Node) fhir.Node {
	ref, ok := fhir.ParseRef(reference.At("reference").Text())
	if !ok {
		return fhir.Node{}
	}
	n := s.read(ref.Current())
	if !s.spend(n) {
		return fhir.Node{}
	}
	return n
}

// spend counts a resource that is read once more. It reports whether it may be.
func (s *set) spend(n fhir.Node) bool {
	if s.left < 0 {
		return false
	}
	if s.left -= len(n.Raw()); s.left < 0 {
		s.fail("too-costly", ruleMany, n, "The records name the same resources more often than is read at once; send fewer records.")
	}
	return s.left >= 0
}

func (s *set) read(ref fhir.Ref) fhir.Node {
	if r := s.byRef[ref]; r != nil {
		return r.Root()
	}
	return fhir.Node{}
}

// all returns the resources of a type in Bundle order.
func (s *set) all(t fhir.Type) []fhir.Node {
	var out []fhir.Node
	for _, r := range s.rs {
		if r.Type() == t {
			out = append(out, r.Root())
		}
	}
	return out
}
