package mks

import (
	"fmt"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
	"github.com/drieluik/drieluik/mapping/form"
)

// prepareKind resolves the record's own lists: which stored resources its people and organisations
// are (mks.md 2.6), and the ids of new ones.
func prepareKind(m *mapper) error {
	m.own = map[string]target{}
	for _, list := range []struct {
		member string
		match  func(*mapper, form.Value) (target, error)
	}{{"organisaties", matchOrganisation}, {"medewerkers", matchEmployee}, {"betrokkenen", matchRelated}} {
		all := m.inhoud().At(list.member)
		m.listsFaulty = m.listsFaulty || all.Present() && all.Items() == nil
		for _, v := range all.Items() {
			id := v.At("id").Str()
			m.listsFaulty = m.listsFaulty || id == ""
			if _, taken := m.own[id]; id == "" || taken {
				continue
			}
			t, err := list.match(m, v)
			if err != nil {
				return fmt.Errorf("mks.prepareKind: %s: %w", list.member, err)
			}
			m.own[id] = t
		}
	}
	return nil
}

func matchOrganisation(m *mapper, v form.Value) (target, error) {
	id := m.head.localIdentifier("org", v.At("id").Str())
	t := target{kind: "org", id: id, role: v.At("soort").Str()}
	numbers := []fhir.Identifier{
		{System: uraSystem, Value: v.At("ura").Str()}, {System: agbSystem, Value: v.At("agb").Str()}, id,
	}
	keys := []string{"ura/" + numbers[0].Value, "agb/" + numbers[1].Value, m.head.source() + "/" + id.Value}
	err := m.matchByNumber(&t, "Organization", numbers, keys)
	return t, err
}

// matchByNumber finds the stored resource with the first number that is known, else gives the id of
// the first number that is there.
func (m *mapper) matchByNumber(t *target, of fhir.Type, numbers []fhir.Identifier, keys []string) error {
	for i := len(numbers) - 1; i >= 0; i-- {
		if numbers[i].Value != "" {
			t.ref = fhir.Ref{Type: of, ID: mapping.ID(string(of) + "/" + keys[i])}
		}
	}
	for _, number := range numbers {
		if number.Value == "" {
			continue
		}
		hits, err := m.known.Identified(of, number)
		if err != nil {
			return err
		}
		for _, hit := range hits {
			if !contradicts(found(hit), numbers) {
				t.stored, t.node, t.ref = hit, found(hit), hit.Resource.Ref()
				return nil
			}
		}
	}
	return nil
}

// contradicts reports whether a resource has another value for one of the numbers.
func contradicts(n fhir.Node, numbers []fhir.Identifier) bool {
	for id := range n.All("identifier") {
		for _, number := range numbers[:len(numbers)-1] {
			if number.Value != "" && id.Member("system").Text() == number.System && id.Member("value").Text() != number.Value {
				return true
			}
		}
	}
	return false
}

func matchEmployee(m *mapper, v form.Value) (target, error) {
	local := v.At("id").Str()
	t := target{
		kind: "med", id: m.head.localIdentifier("med", local), role: v.At("functie").Str(), big: v.At("big").Present(),
		ref: fhir.Ref{Type: "PractitionerRole", ID: mapping.ID("PractitionerRole/" + m.head.source() + "/" + local)},
	}
	role, err := m.known.Read(t.ref)
	if err != nil {
		return t, err
	}
	t.stored = role
	key := m.head.source() + "/" + local
	person := target{ref: fhir.Ref{Type: "Practitioner", ID: mapping.ID("Practitioner/" + key)}}
	if number := v.At("big").Str(); number != "" {
		err = m.matchByNumber(&person, "Practitioner", []fhir.Identifier{{System: bigSystem, Value: number}, {}}, []string{"big/" + number, key})
	} else if person.stored, err = m.known.Read(person.ref); err != nil {
		return t, err
	}
	t.person, t.personStored = person.ref, person.stored
	return t, err
}

func matchRelated(m *mapper, v form.Value) (target, error) {
	local := v.At("id").Str()
	t := target{
		kind: "bet", id: m.head.localIdentifier("bet", local), role: v.At("soort").Str(),
		ref: fhir.Ref{Type: "RelatedPerson", ID: mapping.ID("RelatedPerson/" + m.head.source() + "/" + m.head.localID + "/" + local)},
	}
	if m.child.found == nil {
		return t, nil
	}
	hits, err := m.known.Child(m.child.ref, "RelatedPerson")
	if err != nil {
		return t, err
	}
	number := fhir.Identifier{System: bsnSystem, Value: v.At("bsn").Str()}
	for _, id := range []fhir.Identifier{number, t.id} {
		for _, hit := range hits {
			if id.Value != "" && t.stored == nil && hasIdentifier(found(hit), id) {
				t.stored, t.node, t.ref = hit, found(hit), hit.Resource.Ref()
			}
		}
	}
	return t, nil
}

// hasIdentifier reports whether a resource bears an identifier.
func hasIdentifier(n fhir.Node, id fhir.Identifier) bool {
	for x := range n.All("identifier") {
		if x.Member("system").Text() == id.System && x.Member("value").Text() == id.Value {
			return true
		}
	}
	return false
}
