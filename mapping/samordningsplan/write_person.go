package samordningsplan

import (
	"slices"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	ppb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/patient_go_proto"
	rpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/related_person_go_proto"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
	"github.com/drieluik/drieluik/mapping/element"
	"github.com/drieluik/drieluik/mapping/form"
)

// personIdentifier is the business identifier of the person.
func (p *plan) personIdentifier() fhir.Identifier {
	person := p.root.At("person")
	return fhir.Identifier{System: personSystems[person.At("idTyp").Str()], Value: person.At("id").Str()}
}

// findPerson looks up the Patient by its identifier. One that the sender does not hold, or that carries
// more than this format writes, is used as it is.
func (m *mapper) findPerson() error {
	id := m.personIdentifier()
	m.patient = fhir.Ref{Type: "Patient", ID: mapping.UUID("patient/" + id.System + "|" + id.Value)}
	hits, err := m.known.Identified("Patient", id)
	if err != nil || len(hits) == 0 {
		return err
	}
	m.person, m.patient = hits[0], hits[0].Resource.Ref()
	m.guest = m.person.Custodian.Current() != m.sender || more(m.person, "name", "gender", "birthDate", "telecom", "address", "communication")
	for e := range m.person.Resource.Root().All("extension", "url") {
		m.guest = m.guest || e.Text() != interpreter
	}
	return nil
}

// more reports whether a stored resource has other members than those that every resource has and these.
func more(f *mapping.Found, members ...string) bool {
	for n := range f.Resource.Root().Children() {
		switch n.Name() {
		case "resourceType", "id", "meta", "identifier", "extension":
			continue
		}
		if !slices.Contains(members, n.Name()) {
			return true
		}
	}
	return false
}

// writePerson adds the Patient. Of a Patient of another the document keeps its own words beside.
func (m *mapper) writePerson() {
	v := m.root.At("person")
	if m.guest {
		m.Keep(v)
		return
	}
	on := m.patient.String()
	of := func(name, to string) form.Value { return v.At(name).To(on + "." + to) }
	v.At("idTyp").To(on + ".identifier.system")
	p := &ppb.Patient{
		Identifier: []*dpb.Identifier{element.Identifier(personSystems[v.At("idTyp").Str()], of("id", "identifier.value").Str())},
		Name: []*dpb.HumanName{{
			Use:    element.Enum(&dpb.HumanName_UseCode{}, "official"),
			Family: element.String(of("efternamn", "name.family").Str()), Given: element.Strings([]string{of("fornamn", "name.given").Str()}),
			Extension: element.Some(element.Extension(seBase+"SEBaseMiddleNameExtension", element.String(of("mellannamn", "name.extension").Str()))),
		}},
		Gender:    element.Enum(&ppb.Patient_GenderCode{}, genders[of("kon", "gender").Str()]),
		BirthDate: element.Date(of("fodelsedatum", "birthDate").Day()),
		Telecom:   element.Some(element.Contact("phone", of("telefon", "telecom").Str())),
		Address:   address(v.At("adress"), on+".address"),
	}
	if spoken := of("tolkbehov", "communication.language"); spoken.Present() {
		p.Communication = []*ppb.Patient_Communication{{Language: element.Concept(element.Coding(languages, spoken.Str(), ""))}}
		p.Extension = append(p.Extension, element.Extension(interpreter, element.Bool(true)))
	}
	of("skydd", "meta.security")
	m.keepIdentifiers(p)
	m.put(p, m.patient, element.Meta{Profiles: []string{seBase + "SEBasePatient"}, Security: m.protection()})
}

// protection are the labels of a person whose whereabouts are protected.
func (m *mapper) protection() []*dpb.Coding {
	var labels []*dpb.Coding
	for _, s := range m.root.At("person").At("skydd").Strs() {
		labels = append(labels, element.Coding(securityLabels, s, ""))
	}
	return labels
}

// keepIdentifiers leaves a stored Patient the identifiers that the document does not tell of.
func (m *mapper) keepIdentifiers(p *ppb.Patient) {
	if m.person == nil {
		return
	}
	for id := range m.person.Resource.Root().All("identifier") {
		system, value := id.Member("system").Text(), id.Member("value").Text()
		if (fhir.Identifier{System: system, Value: value}) != m.personIdentifier() {
			p.Identifier = append(p.Identifier, element.Some(element.Identifier(system, value))...)
		}
	}
}

func address(v form.Value, on string) []*dpb.Address {
	if !v.Present() {
		return nil
	}
	return []*dpb.Address{{
		Line:       element.Strings(v.At("rader").To(on + ".line").Strs()),
		PostalCode: element.String(v.At("postnummer").To(on + ".postalCode").Str()),
		City:       element.String(v.At("postort").To(on + ".city").Str()),
	}}
}

// writeGuardians adds a RelatedPerson for each företrädare.
func (m *mapper) writeGuardians() {
	for i, v := range m.root.At("foretradare").Items() {
		key := v.At("id").Str()
		on := m.ref("RelatedPerson", key).String()
		r := &rpb.RelatedPerson{
			Extension: element.Some(index(i), element.OwnExtension("consent-missing-reason", element.String(v.At("samtyckeSaknas").To(on+".extension").Str()))),
			Active:    element.Bool(true), Patient: m.subject(),
			Relationship: relationship(v, on),
			Name:         []*dpb.HumanName{{Text: element.String(v.At("namn").To(on + ".name.text").Str())}},
			Telecom:      element.Some(element.Contact("phone", v.At("telefon").To(on+".telecom").Str())),
		}
		v.At("id").To(on + ".identifier")
		m.add(r, key)
		element.AddIdentifier(r, element.Identifier(personSystems["personnummer"], v.At("personnummer").To(on+".identifier").Str()))
	}
}

// relationship is the kinship, if told, and last the kind of representative.
func relationship(v form.Value, on string) []*dpb.CodeableConcept {
	role := v.At("roll").To(on + ".relationship").Str()
	kinship := element.Coding(roleCodes, kin[role], "")
	if kin[role] == "" {
		kinship = element.OwnCoding("se-familjeroll", role)
	}
	return element.Some(element.Concept(kinship), element.OwnConcept("se-foretradare", v.At("typ").To(on+".relationship").Str()))
}
