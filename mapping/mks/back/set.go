package back

import (
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping/rebuild"
)

// set is what is read: the resources of a Bundle, and which record each is of.
type set struct {
	*rebuild.Set
	told  map[fhir.Identifier]fhir.Node // Provenance by the record version that it tells of
	from  map[string][]*fhir.Resource   // by meta.source
	owned map[fhir.Ref]bool             // Patients whose source members were given to one record
}

// newSet indexes the resources.
func newSet(rs []*fhir.Resource) *set {
	s := &set{
		Set:  rebuild.NewSet(rs, rebuild.Rules{Large: ruleMany, Member: ruleMember}),
		told: map[fhir.Identifier]fhir.Node{}, from: map[string][]*fhir.Resource{}, owned: map[fhir.Ref]bool{},
	}
	for _, r := range s.Resources() {
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
