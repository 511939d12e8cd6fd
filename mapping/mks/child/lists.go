package child

import (
	"fmt"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
	"github.com/drieluik/drieluik/mapping/form"
	"github.com/drieluik/drieluik/mapping/mks/record"
	"github.com/drieluik/drieluik/mapping/mks/tofhir"
)

// prepareKind resolves the record's own lists: which stored resources its people and organisations
// are (mks.md 2.6), and the ids of new ones.
func prepareKind(m *tofhir.Mapper) error {
	m.Own = map[string]tofhir.Target{}
	for _, list := range []struct {
		member string
		match  func(*tofhir.Mapper, form.Value) (tofhir.Target, error)
	}{{"organisaties", matchOrganisation}, {"medewerkers", matchEmployee}, {"betrokkenen", matchRelated}} {
		all := m.Content().At(list.member)
		m.ListsFaulty = m.ListsFaulty || all.Present() && all.Items() == nil
		for _, v := range all.Items() {
			id := v.At("id").Str()
			m.ListsFaulty = m.ListsFaulty || id == ""
			if _, taken := m.Own[id]; id == "" || taken {
				continue
			}
			t, err := list.match(m, v)
			if err != nil {
				return fmt.Errorf("mks.prepareKind: %s: %w", list.member, err)
			}
			m.Own[id] = t
		}
	}
	return nil
}

func matchOrganisation(m *tofhir.Mapper, v form.Value) (tofhir.Target, error) {
	id := m.Head.LocalIdentifier("org", v.At("id").Str())
	t := tofhir.Target{Kind: "org", ID: id, Role: v.At("soort").Str()}
	numbers := []fhir.Identifier{
		{System: record.URASystem, Value: v.At("ura").Str()}, {System: record.AGBSystem, Value: v.At("agb").Str()}, id,
	}
	keys := []string{"ura/" + numbers[0].Value, "agb/" + numbers[1].Value, m.Head.Source() + "/" + id.Value}
	err := matchByNumber(m, &t, "Organization", numbers, keys)
	return t, err
}

// matchByNumber finds the stored resource with the first number that is known, else gives the id of
// the first number that is there.
func matchByNumber(m *tofhir.Mapper, t *tofhir.Target, of fhir.Type, numbers []fhir.Identifier, keys []string) error {
	for i := len(numbers) - 1; i >= 0; i-- {
		if numbers[i].Value != "" {
			t.Ref = fhir.Ref{Type: of, ID: mapping.ID(string(of) + "/" + keys[i])}
		}
	}
	for _, number := range numbers {
		if number.Value == "" {
			continue
		}
		hits, err := m.Known.Identified(of, number)
		if err != nil {
			return err
		}
		for _, hit := range hits {
			if !contradicts(tofhir.Found(hit), numbers) {
				t.Stored, t.Node, t.Ref = hit, tofhir.Found(hit), hit.Resource.Ref()
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

func matchEmployee(m *tofhir.Mapper, v form.Value) (tofhir.Target, error) {
	local := v.At("id").Str()
	t := tofhir.Target{
		Kind: "med", ID: m.Head.LocalIdentifier("med", local), Role: v.At("functie").Str(), Big: v.At("big").Present(),
		Ref: fhir.Ref{Type: "PractitionerRole", ID: mapping.ID("PractitionerRole/" + m.Head.Source() + "/" + local)},
	}
	role, err := m.Known.Read(t.Ref)
	if err != nil {
		return t, err
	}
	t.Stored = role
	key := m.Head.Source() + "/" + local
	person := tofhir.Target{Ref: fhir.Ref{Type: "Practitioner", ID: mapping.ID("Practitioner/" + key)}}
	if number := v.At("big").Str(); number != "" {
		err = matchByNumber(m, &person, "Practitioner", []fhir.Identifier{{System: record.BIGSystem, Value: number}, {}}, []string{"big/" + number, key})
	} else if person.Stored, err = m.Known.Read(person.Ref); err != nil {
		return t, err
	}
	t.Person, t.PersonStored = person.Ref, person.Stored
	return t, err
}

func matchRelated(m *tofhir.Mapper, v form.Value) (tofhir.Target, error) {
	local := v.At("id").Str()
	t := tofhir.Target{
		Kind: "bet", ID: m.Head.LocalIdentifier("bet", local), Role: v.At("soort").Str(),
		Ref: fhir.Ref{Type: "RelatedPerson", ID: mapping.ID("RelatedPerson/" + m.Head.Source() + "/" + m.Head.LocalID + "/" + local)},
	}
	if m.Child.Found == nil {
		return t, nil
	}
	hits, err := m.Known.Child(m.Child.Ref, "RelatedPerson")
	if err != nil {
		return t, err
	}
	number := fhir.Identifier{System: record.BSNSystem, Value: v.At("bsn").Str()}
	for _, id := range []fhir.Identifier{number, t.ID} {
		for _, hit := range hits {
			if id.Value != "" && t.Stored == nil && tofhir.HasIdentifier(tofhir.Found(hit), id) {
				t.Stored, t.Node, t.Ref = hit, tofhir.Found(hit), hit.Resource.Ref()
			}
		}
	}
	return t, nil
}
