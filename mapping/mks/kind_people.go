package mks

import (
	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	opb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/organization_go_proto"
	ppb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/practitioner_go_proto"
	rolepb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/practitioner_role_go_proto"
	rpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/related_person_go_proto"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping/element"
	"github.com/drieluik/drieluik/mapping/form"
)

// nlCore returns the canonical of a profile of nl-core.
func nlCore(name string) string { return nictizStructure + "nl-core-" + name }

// organisations writes the list organisaties.
func (m *mapper) organisations() {
	all := m.inhoud().At("organisaties")
	for _, v := range all.Items() {
		t := m.own[v.At("id").Str()]
		on := t.ref.String()
		o := &opb.Organization{
			Identifier: element.Some(
				element.Identifier(uraSystem, traced(v.At("ura"), on+".identifier").Str()),
				element.Identifier(agbSystem, traced(v.At("agb"), on+".identifier").Str()),
				element.Identifier(t.id.System, v.At("id").To(on+".identifier").Str())),
			Active: element.Bool(true), Name: element.String(v.At("naam").To(on + ".name").Str()),
			Type:    []*dpb.CodeableConcept{listConcept("organisatie-soort", v.At("soort").To(on+".type").Str())},
			Telecom: points(v.At("telefoon"), "phone", on+".telecom"),
		}
		if kind := v.At("type"); kind.Present() {
			o.Type = append(o.Type, element.Concept(element.Coding(nictizOrganisation, kind.To(on+".type").Str(), "")))
		}
		if m.addShared(o, about{id: t.ref.ID, profiles: careProvider(v)}, t.stored, m.directoryUnion(t.stored, v.At("ura").Str())) {
			m.Keep(all)
		}
	}
}

const nictizOrganisation = "http://nictiz.nl/fhir/NamingSystem/organization-type"

// careProvider returns the profile of an Organization with URA or AGB (mks.md 3.10).
func careProvider(v form.Value) []string {
	if v.At("ura").Present() || v.At("agb").Present() {
		return []string{nlCore("HealthcareProvider-Organization")}
	}
	return nil
}

// traced records an optional member when it is there.
func traced(v form.Value, elements ...string) form.Value {
	if v.Present() {
		v.To(elements...)
	}
	return v
}

// employees writes the list medewerkers: a Practitioner and a PractitionerRole each.
func (m *mapper) employees() {
	for _, v := range m.inhoud().At("medewerkers").Items() {
		t := m.own[v.At("id").Str()]
		on := t.person.String()
		p := &ppb.Practitioner{
			Identifier: element.Some(element.Identifier(bigSystem, traced(v.At("big"), on+".identifier").Str())),
			Active:     element.Bool(true), Name: names(v.At("naam"), on+".name"),
		}
		if !v.At("big").Present() {
			p.Identifier = element.Some(element.IdentifierOf(t.id))
		}
		if m.addShared(p, about{id: t.person.ID, profiles: []string{nlCore("HealthProfessional-Practitioner")}},
			t.personStored, m.directoryUnion(t.personStored, "")) {
			m.Keep(v.At("naam"))
		}
		m.addRole(v, t, p.Name[0].Text.Value)
	}
}

// addRole writes the PractitionerRole of an employee. Whoever may read a role alone, as a parent's
// app may, learns the name from it.
func (m *mapper) addRole(v form.Value, t target, name string) {
	on := t.ref.String()
	person := element.Reference(t.person, t.id)
	person.Display = element.String(name)
	r := &rolepb.PractitionerRole{
		Identifier: element.Some(element.Identifier(t.id.System, v.At("id").To(on+".identifier").Str())), Active: element.Bool(true),
		Practitioner: person, Organization: m.ref(v.At("organisatie").To(on + ".organization")),
		Code:    []*dpb.CodeableConcept{listConcept("teamrol", v.At("functie").To(on+".code").Str())},
		Telecom: points(v.At("telefoon"), "phone", on+".telecom"),
	}
	if s := v.At("uziRol"); s.Present() {
		r.Specialty = []*dpb.CodeableConcept{element.Concept(element.Coding("http://fhir.nl/fhir/NamingSystem/uzi-rolcode", s.To(on+".specialty").Str(), ""))}
	}
	m.add(r, about{id: t.ref.ID, profiles: []string{nlCore("HealthProfessional-PractitionerRole")}})
}

// relatedPeople writes the list betrokkenen.
func (m *mapper) relatedPeople() error {
	for _, v := range m.inhoud().At("betrokkenen").Items() {
		t := m.own[v.At("id").Str()]
		on := t.ref.String()
		r := &rpb.RelatedPerson{
			Identifier: element.Some(
				m.relatedNumber(v.At("bsn"), on),
				element.Identifier(t.id.System, v.At("id").To(on+".identifier").Str())),
			Active: element.Bool(true), Patient: m.patientRef(), Relationship: relationship(v, on+".relationship"),
			Name: names(v.At("naam"), on+".name"), Telecom: telecoms(v.At("telefoon"), v.At("email"), on+".telecom"),
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
func (m *mapper) relatedNumber(v form.Value, on string) *dpb.Identifier {
	if m.conflict[v.Pointer()] {
		return nil
	}
	return element.Identifier(bsnSystem, traced(v, on+".identifier").Str())
}

func (m *mapper) relatedExtension(v form.Value, on string) *dpb.Extension {
	ext := on + ".extension('" + element.StructureDefinition("betrokkene") + "')"
	out := element.OwnComplex("betrokkene", element.Extension("soort", element.CodeValue(v.At("soort").To(ext).Str())),
		element.Extension("woontBijKind", truth(traced(v.At("woontBijKind"), ext))),
		element.Extension("mantelzorger", truth(traced(v.At("mantelzorger"), ext))))
	if o := v.At("organisatie"); o.Present() {
		out.Extension = append(out.Extension, element.Extension("organisatie", m.ref(o.To(ext))))
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
func (m *mapper) relatedRights(r *rpb.RelatedPerson, v form.Value, t target) {
	on := t.ref.String()
	if until := v.At("tot"); until.Present() && !m.conflict[until.Pointer()] {
		until.To(on+".period.end", on+".active")
		r.Period = element.Period("", until.Day())
		r.Active = element.Bool(!m.head.recordedDay.After(until.Day()))
	}
	if !m.rights {
		return
	}
	if seal := v.At("afgeschermd"); seal.Present() {
		ext := on + ".extension('" + element.StructureDefinition("afscherming") + "')"
		r.Extension = append(r.Extension, element.OwnComplex("afscherming",
			element.Extension("vanaf", element.Date(seal.At("vanaf").To(ext, m.child.ref.String()+".meta.security").Day())),
			element.Extension("reden", element.String(seal.At("reden").To(ext).Str()))))
	}
	for _, h := range m.inhoud().At("gezag").At("houders").Items() {
		if h.Str() == v.At("id").Str() {
			r.Extension = append(r.Extension, m.custody(false))
		}
	}
}

// relationship returns relatie and rollen.
func relationship(v form.Value, place string) []*dpb.CodeableConcept {
	var out []*dpb.CodeableConcept
	if r := v.At("relatie"); r.Present() {
		system := "http://terminology.hl7.org/CodeSystem/v3-RoleCode"
		if r.Str() == "OTH" {
			system = nullFlavor
		}
		out = append(out, element.Concept(element.Coding(system, r.To(place).Str(), "")))
	}
	for _, r := range v.At("rollen").Items() {
		system := "urn:oid:2.16.840.1.113883.2.4.3.11.22.472"
		if len(r.Str()) == 6 {
			system = "urn:oid:2.16.840.1.113883.2.4.3.11.60.40.4.23.1"
		}
		out = append(out, element.Concept(element.Coding(system, r.To(place).Str(), "")))
	}
	return out
}
