package child

import (
	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	opb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/organization_go_proto"
	ppb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/practitioner_go_proto"
	rolepb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/practitioner_role_go_proto"
	rpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/related_person_go_proto"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping/element"
	"github.com/drieluik/drieluik/mapping/form"
	"github.com/drieluik/drieluik/mapping/mks/record"
	"github.com/drieluik/drieluik/mapping/mks/tofhir"
)

// organisations writes the list organisaties.
func organisations(m *tofhir.Mapper) {
	all := m.Content().At("organisaties")
	for _, v := range all.Items() {
		t := m.Own[v.At("id").Str()]
		on := t.Ref.String()
		o := &opb.Organization{
			Identifier: element.Some(
				element.Identifier(record.URASystem, tofhir.Traced(v.At("ura"), on+".identifier").Str()),
				element.Identifier(record.AGBSystem, tofhir.Traced(v.At("agb"), on+".identifier").Str()),
				element.Identifier(t.ID.System, v.At("id").To(on+".identifier").Str())),
			Active: element.Bool(true), Name: element.String(v.At("naam").To(on + ".name").Str()),
			Type:    []*dpb.CodeableConcept{tofhir.ListConcept("organisatie-soort", v.At("soort").To(on+".type").Str())},
			Telecom: points(v.At("telefoon"), "phone", on+".telecom"),
		}
		if kind := v.At("type"); kind.Present() {
			o.Type = append(o.Type, element.Concept(element.Coding(nictizOrganisation, kind.To(on+".type").Str(), "")))
		}
		if m.AddShared(o, tofhir.About{ID: t.Ref.ID, Profiles: careProvider(v)}, t.Stored, m.DirectoryUnion(t.Stored, v.At("ura").Str())) {
			m.Keep(all)
		}
	}
}

const nictizOrganisation = "http://nictiz.nl/fhir/NamingSystem/organization-type"

// careProvider returns the profile of an Organization with URA or AGB (mks.md 3.10).
func careProvider(v form.Value) []string {
	if v.At("ura").Present() || v.At("agb").Present() {
		return []string{tofhir.NlCore("HealthcareProvider-Organization")}
	}
	return nil
}

// employees writes the list medewerkers: a Practitioner and a PractitionerRole each.
func employees(m *tofhir.Mapper) {
	for _, v := range m.Content().At("medewerkers").Items() {
		t := m.Own[v.At("id").Str()]
		on := t.Person.String()
		p := &ppb.Practitioner{
			Identifier: element.Some(element.Identifier(record.BIGSystem, tofhir.Traced(v.At("big"), on+".identifier").Str())),
			Active:     element.Bool(true), Name: names(v.At("naam"), on+".name"),
		}
		if !v.At("big").Present() {
			p.Identifier = element.Some(element.IdentifierOf(t.ID))
		}
		if m.AddShared(p, tofhir.About{ID: t.Person.ID, Profiles: []string{tofhir.NlCore("HealthProfessional-Practitioner")}},
			t.PersonStored, m.DirectoryUnion(t.PersonStored, "")) {
			m.Keep(v.At("naam"))
		}
		addRole(m, v, t, p.Name[0].Text.Value)
	}
}

// addRole writes the PractitionerRole of an employee. Whoever may read a role alone, as a parent's
// app may, learns the name from it.
func addRole(m *tofhir.Mapper, v form.Value, t tofhir.Target, name string) {
	on := t.Ref.String()
	person := element.Reference(t.Person, t.ID)
	person.Display = element.String(name)
	r := &rolepb.PractitionerRole{
		Identifier: element.Some(element.Identifier(t.ID.System, v.At("id").To(on+".identifier").Str())), Active: element.Bool(true),
		Practitioner: person, Organization: m.Ref(v.At("organisatie").To(on + ".organization")),
		Code:    []*dpb.CodeableConcept{tofhir.ListConcept("teamrol", v.At("functie").To(on+".code").Str())},
		Telecom: points(v.At("telefoon"), "phone", on+".telecom"),
	}
	if s := v.At("uziRol"); s.Present() {
		r.Specialty = []*dpb.CodeableConcept{element.Concept(element.Coding("http://fhir.nl/fhir/NamingSystem/uzi-rolcode", s.To(on+".specialty").Str(), ""))}
	}
	m.Add(r, tofhir.About{ID: t.Ref.ID, Profiles: []string{tofhir.NlCore("HealthProfessional-PractitionerRole")}})
}

// relatedPeople writes the list betrokkenen.
func relatedPeople(m *tofhir.Mapper) error {
	for _, v := range m.Content().At("betrokkenen").Items() {
		t := m.Own[v.At("id").Str()]
		on := t.Ref.String()
		r := &rpb.RelatedPerson{
			Identifier: element.Some(
				relatedNumber(m, v.At("bsn"), on),
				element.Identifier(t.ID.System, v.At("id").To(on+".identifier").Str())),
			Active: element.Bool(true), Patient: m.PatientRef(), Relationship: relationship(v, on+".relationship"),
			Name: names(v.At("naam"), on+".name"), Telecom: telecoms(v.At("telefoon"), v.At("email"), on+".telecom"),
			Extension: element.Some(relatedExtension(m, v, on)),
		}
		relatedRights(m, r, v, t)
		u, err := relatedUnion(m, t)
		if err != nil {
			return err
		}
		if t.Stored != nil && u.Keeps("extension") {
			keepParts(r.Extension[0], tofhir.ExtensionOn(tofhir.Found(t.Stored), "betrokkene"))
		}
		m.AddUnited(r, tofhir.About{ID: t.Ref.ID, Profiles: []string{tofhir.NlCore("ContactPerson")}}, t.Stored, u)
	}
	return nil
}

// relatedNumber returns the BSN of a betrokkene unless it contradicts the stored one.
func relatedNumber(m *tofhir.Mapper, v form.Value, on string) *dpb.Identifier {
	if m.Conflict[v.Pointer()] {
		return nil
	}
	return element.Identifier(record.BSNSystem, tofhir.Traced(v, on+".identifier").Str())
}

func relatedExtension(m *tofhir.Mapper, v form.Value, on string) *dpb.Extension {
	ext := on + ".extension('" + element.StructureDefinition("betrokkene") + "')"
	out := element.OwnComplex("betrokkene", element.Extension("soort", element.CodeValue(v.At("soort").To(ext).Str())),
		element.Extension("woontBijKind", tofhir.Truth(tofhir.Traced(v.At("woontBijKind"), ext))),
		element.Extension("mantelzorger", tofhir.Truth(tofhir.Traced(v.At("mantelzorger"), ext))))
	if o := v.At("organisatie"); o.Present() {
		out.Extension = append(out.Extension, element.Extension("organisatie", m.Ref(o.To(ext))))
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
		if v := tofhir.Part(stored, name); v.Exists() && !said[name] {
			e.Extension = append(e.Extension, element.Extension(name, element.Bool(v.Text() == "true")))
		}
	}
	if v := tofhir.Part(stored, "organisatie"); v.Exists() && !said["organisatie"] {
		id := v.Member("identifier")
		e.Extension = append(e.Extension, element.Extension("organisatie", element.Reference(tofhir.RefOf(v.Member("reference").Text()),
			fhir.Identifier{System: id.Member("system").Text(), Value: id.Member("value").Text()})))
	}
}

// relatedRights writes what bears rights: tot, afgeschermd and the copy of gezag. From another
// organisation than the custodian they stay in the Provenance (mks.md 2.6).
func relatedRights(m *tofhir.Mapper, r *rpb.RelatedPerson, v form.Value, t tofhir.Target) {
	on := t.Ref.String()
	if until := v.At("tot"); until.Present() && !m.Conflict[until.Pointer()] {
		until.To(on+".period.end", on+".active")
		r.Period = element.Period("", until.Day())
		r.Active = element.Bool(!m.Head.RecordedDay.After(until.Day()))
	}
	if !m.Rights {
		return
	}
	if seal := v.At("afgeschermd"); seal.Present() {
		ext := on + ".extension('" + element.StructureDefinition("afscherming") + "')"
		r.Extension = append(r.Extension, element.OwnComplex("afscherming",
			element.Extension("vanaf", element.Date(seal.At("vanaf").To(ext, m.Child.Ref.String()+".meta.security").Day())),
			element.Extension("reden", element.String(seal.At("reden").To(ext).Str()))))
	}
	for _, h := range m.Content().At("gezag").At("houders").Items() {
		if h.Str() == v.At("id").Str() {
			r.Extension = append(r.Extension, custody(m, false))
		}
	}
}

// relationship returns relatie and rollen.
func relationship(v form.Value, place string) []*dpb.CodeableConcept {
	var out []*dpb.CodeableConcept
	if r := v.At("relatie"); r.Present() {
		system := "http://terminology.hl7.org/CodeSystem/v3-RoleCode"
		if r.Str() == "OTH" {
			system = tofhir.NullFlavor
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
