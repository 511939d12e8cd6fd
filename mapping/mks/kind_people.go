package mks

import (
	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	opb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/organization_go_proto"
	ppb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/practitioner_go_proto"
	rolepb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/practitioner_role_go_proto"
	rpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/related_person_go_proto"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping/element"
)

// nlCore returns the canonical of a profile of nl-core.
func nlCore(name string) string { return nictizStructure + "nl-core-" + name }

// ownProfile returns the canonical of a profile of ours.
func ownProfile(name string) string { return element.StructureDefinition(name) }

// of returns the Identifier of a business identifier.
func of(id fhir.Identifier) *dpb.Identifier { return element.Identifier(id.System, id.Value) }

// organisations writes the list organisaties.
func (m *mapper) organisations() {
	all := m.inhoud().at("organisaties")
	for _, v := range all.items() {
		t := m.own[v.at("id").str()]
		on := t.ref.String()
		o := &opb.Organization{
			Identifier: element.Some(
				element.Identifier(uraSystem, traced(v.at("ura"), on+".identifier").str()),
				element.Identifier(agbSystem, traced(v.at("agb"), on+".identifier").str()),
				element.Identifier(t.id.System, v.at("id").to(on+".identifier").str())),
			Active: element.Bool(true), Name: element.String(v.at("naam").to(on + ".name").str()),
			Type:    []*dpb.CodeableConcept{listConcept("organisatie-soort", v.at("soort").to(on+".type").str())},
			Telecom: points(v.at("telefoon"), "phone", on+".telecom"),
		}
		if kind := v.at("type"); kind.present() {
			o.Type = append(o.Type, element.Concept(element.Coding(nictizOrganisation, kind.to(on+".type").str(), "")))
		}
		if m.addShared(o, about{id: t.ref.ID, profiles: careProvider(v)}, t.stored, m.directoryUnion(t.stored, v.at("ura").str())) {
			m.keep(all)
		}
	}
}

const nictizOrganisation = "http://nictiz.nl/fhir/NamingSystem/organization-type"

// careProvider returns the profile of an Organization with URA or AGB (mks.md 3.10).
func careProvider(v value) []string {
	if v.at("ura").present() || v.at("agb").present() {
		return []string{nlCore("HealthcareProvider-Organization")}
	}
	return nil
}

// traced records an optional member when it is there.
func traced(v value, elements ...string) value {
	if v.present() {
		v.to(elements...)
	}
	return v
}

// employees writes the list medewerkers: a Practitioner and a PractitionerRole each.
func (m *mapper) employees() {
	for _, v := range m.inhoud().at("medewerkers").items() {
		t := m.own[v.at("id").str()]
		on := t.person.String()
		p := &ppb.Practitioner{
			Identifier: element.Some(element.Identifier(bigSystem, traced(v.at("big"), on+".identifier").str())),
			Active:     element.Bool(true), Name: names(v.at("naam"), on+".name"),
		}
		if !v.at("big").present() {
			p.Identifier = element.Some(of(t.id))
		}
		if m.addShared(p, about{id: t.person.ID, profiles: []string{nlCore("HealthProfessional-Practitioner")}},
			t.personStored, m.directoryUnion(t.personStored, "")) {
			m.keep(v.at("naam"))
		}
		m.addRole(v, t, p.Name[0].Text.Value)
	}
}

// addRole writes the PractitionerRole of an employee. Whoever may read a role alone, as a parent's
// app may, learns the name from it.
func (m *mapper) addRole(v value, t target, name string) {
	on := t.ref.String()
	person := element.Reference(t.person, t.id)
	person.Display = element.String(name)
	r := &rolepb.PractitionerRole{
		Identifier: element.Some(element.Identifier(t.id.System, v.at("id").to(on+".identifier").str())), Active: element.Bool(true),
		Practitioner: person, Organization: m.ref(v.at("organisatie").to(on + ".organization")),
		Code:    []*dpb.CodeableConcept{listConcept("teamrol", v.at("functie").to(on+".code").str())},
		Telecom: points(v.at("telefoon"), "phone", on+".telecom"),
	}
	if s := v.at("uziRol"); s.present() {
		r.Specialty = []*dpb.CodeableConcept{element.Concept(element.Coding("http://fhir.nl/fhir/NamingSystem/uzi-rolcode", s.to(on+".specialty").str(), ""))}
	}
	m.add(r, about{id: t.ref.ID, profiles: []string{nlCore("HealthProfessional-PractitionerRole")}})
}

// relatedPeople writes the list betrokkenen.
func (m *mapper) relatedPeople() error {
	for _, v := range m.inhoud().at("betrokkenen").items() {
		t := m.own[v.at("id").str()]
		on := t.ref.String()
		r := &rpb.RelatedPerson{
			Identifier: element.Some(
				m.relatedNumber(v.at("bsn"), on),
				element.Identifier(t.id.System, v.at("id").to(on+".identifier").str())),
			Active: element.Bool(true), Patient: m.patientRef(), Relationship: relationship(v, on+".relationship"),
			Name: names(v.at("naam"), on+".name"), Telecom: telecoms(v.at("telefoon"), v.at("email"), on+".telecom"),
			Extension: element.Some(m.relatedExtension(v, on)),
		}
		m.relatedRights(r, v, t)
		u, err := m.relatedUnion(t)
		if err != nil {
			return err
		}
		if t.stored != nil && u.keeps("extension") {
			keepParts(r.Extension[0], extensionOn(found(t.stored), "betrokkene"))
		}
		m.addUnited(r, about{id: t.ref.ID, profiles: []string{nlCore("ContactPerson")}}, t.stored, u)
	}
	return nil
}

// relatedNumber returns the BSN of a betrokkene unless it contradicts the stored one.
func (m *mapper) relatedNumber(v value, on string) *dpb.Identifier {
	if m.conflict[v.ptr] {
		return nil
	}
	return element.Identifier(bsnSystem, traced(v, on+".identifier").str())
}

func (m *mapper) relatedExtension(v value, on string) *dpb.Extension {
	ext := on + ".extension('" + element.StructureDefinition("betrokkene") + "')"
	out := element.OwnComplex("betrokkene", element.Extension("soort", element.CodeValue(v.at("soort").to(ext).str())),
		element.Extension("woontBijKind", truth(traced(v.at("woontBijKind"), ext))),
		element.Extension("mantelzorger", truth(traced(v.at("mantelzorger"), ext))))
	if o := v.at("organisatie"); o.present() {
		out.Extension = append(out.Extension, element.Extension("organisatie", m.ref(o.to(ext))))
	}
	return out
}

// keepParts adds to the extension betrokkene what another source said and this one does not.
func keepParts(e *dpb.Extension, stored fhir.Node) {
	said := map[string]bool{}
	for _, p := range e.Extension {
		said[p.GetUrl().GetValue()] = true
	}
	for _, name := range []string{"woontBijKind", "mantelzorger"} {
		if v := part(stored, name); v.Exists() && !said[name] {
			e.Extension = append(e.Extension, element.Extension(name, element.Bool(v.Text() == "true")))
		}
	}
	if v := part(stored, "organisatie"); v.Exists() && !said["organisatie"] {
		id := v.Member("identifier")
		e.Extension = append(e.Extension, element.Extension("organisatie", element.Reference(refOf(v.Member("reference").Text()),
			fhir.Identifier{System: id.Member("system").Text(), Value: id.Member("value").Text()})))
	}
}

// relatedRights writes what bears rights: tot, afgeschermd and the copy of gezag. From another
// organisation than the custodian they stay in the Provenance (mks.md 2.6).
func (m *mapper) relatedRights(r *rpb.RelatedPerson, v value, t target) {
	on := t.ref.String()
	if until := v.at("tot"); until.present() && !m.conflict[until.ptr] {
		until.to(on+".period.end", on+".active")
		r.Period = element.Period("", until.day())
		r.Active = element.Bool(!m.head.recordedDay.after(until.day()))
	}
	if !m.rights {
		return
	}
	if seal := v.at("afgeschermd"); seal.present() {
		ext := on + ".extension('" + element.StructureDefinition("afscherming") + "')"
		r.Extension = append(r.Extension, element.OwnComplex("afscherming",
			element.Extension("vanaf", element.Date(seal.at("vanaf").to(ext, m.child.ref.String()+".meta.security").day())),
			element.Extension("reden", element.String(seal.at("reden").to(ext).str()))))
	}
	for _, h := range m.inhoud().at("gezag").at("houders").items() {
		if h.str() == v.at("id").str() {
			r.Extension = append(r.Extension, m.custody(false))
		}
	}
}

// relationship returns relatie and rollen.
func relationship(v value, place string) []*dpb.CodeableConcept {
	var out []*dpb.CodeableConcept
	if r := v.at("relatie"); r.present() {
		system := "http://terminology.hl7.org/CodeSystem/v3-RoleCode"
		if r.str() == "OTH" {
			system = nullFlavor
		}
		out = append(out, element.Concept(element.Coding(system, r.to(place).str(), "")))
	}
	for _, r := range v.at("rollen").items() {
		system := "urn:oid:2.16.840.1.113883.2.4.3.11.22.472"
		if len(r.str()) == 6 {
			system = "urn:oid:2.16.840.1.113883.2.4.3.11.60.40.4.23.1"
		}
		out = append(out, element.Concept(element.Coding(system, r.to(place).str(), "")))
	}
	return out
}
