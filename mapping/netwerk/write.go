package netwerk

import (
	"fmt"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	tpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/care_team_go_proto"
	opb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/organization_go_proto"
	ppb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/patient_go_proto"
	prpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/provenance_go_proto"
	rpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/related_person_go_proto"

	cpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/codes_go_proto"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
	"github.com/drieluik/drieluik/mapping/element"
	"github.com/drieluik/drieluik/mapping/form"
)

// write makes the resources of the record, in the order of network.md 3.
func (m *mapper) write() error {
	if err := m.writeChild(); err != nil {
		return err
	}
	for _, l := range m.at("leden").Items() {
		if err := m.writeMember(l); err != nil {
			return err
		}
	}
	at := len(m.out) // the CareTeam stands here, and is made last: it keeps what found no place
	for _, l := range m.at("leden").Items() {
		if err := m.writeConsents(l); err != nil {
			return err
		}
	}
	for i, a := range m.at("afspraken").Items() {
		if err := m.writeAgreement(i, a); err != nil {
			return err
		}
	}
	if err := m.retire(); err != nil {
		return err
	}
	if err := m.writeProvenance(); err != nil {
		return err
	}
	if err := m.writeTeam(); err != nil {
		return err
	}
	team := m.out[len(m.out)-1]
	copy(m.out[at+1:], m.out[at:len(m.out)-1])
	m.out[at] = team
	return nil
}

// writeChild writes the Patient. One that is stored is known by its identifiers; its custodian alone says
// the rest.
func (m *mapper) writeChild() error {
	c, ref := m.at("client"), m.patient
	if m.stored != nil {
		return m.knownChild(c)
	}
	p := &ppb.Patient{
		Name:      []*dpb.HumanName{{Text: element.String(c.At("naam").To(path(ref, "name[0].text")).Str())}},
		BirthDate: element.Date(c.At("geboortedatum").To(path(ref, "birthDate")).Day()),
	}
	for i, member := range []string{"bsn", "lokaalId"} {
		if id := element.IdentifierOf(m.client[i]); id != nil {
			c.At(member).To(path(ref, nth("identifier", len(p.Identifier))))
			p.Identifier = append(p.Identifier, id)
		}
	}
	return m.add(p, ref, element.Meta{Profiles: profile("Patient")})
}

// knownChild adds to the stored Patient the local id of this source. What its file does not say as this
// record does is kept with the record.
func (m *mapper) knownChild(c form.Value) error {
	root, ref := m.stored.Resource.Root(), m.patient
	for i, member := range []string{"bsn", "lokaalId"} {
		if bears(root, m.client[i]) || member == "lokaalId" {
			c.At(member).To(path(ref, "identifier"))
		}
	}
	if root.At("name", "text").Text() == c.At("naam").Str() {
		c.At("naam").To(path(ref, "name[0].text"))
	}
	if root.Member("birthDate").Text() == c.At("geboortedatum").Str() {
		c.At("geboortedatum").To(path(ref, "birthDate"))
	}
	if bears(root, m.client[1]) {
		return nil
	}
	tree, err := m.stored.Resource.Edit(fhir.Edit{
		Path: []string{"identifier"}, Append: true,
		JSON: fmt.Sprintf(`{"system":%q,"value":%q}`, m.client[1].System, m.client[1].Value), // both of letters, digits and marks
	})
	if err != nil {
		return err
	}
	m.out = append(m.out, mapping.Mapped{Resource: tree, Stub: m.stored.Custodian.IsZero(), Custodian: m.stored.Custodian, Author: m.stored.Author})
	return nil
}

// bears reports whether a resource has an identifier.
func bears(n fhir.Node, id fhir.Identifier) bool {
	for x := range n.All("identifier") {
		if id.Value != "" && x.Member("system").Text() == id.System && x.Member("value").Text() == id.Value {
			return true
		}
	}
	return false
}

// writeMember writes a person or an organisation. An organisation that is stored under its number stays
// as it is.
func (m *mapper) writeMember(l form.Value) error {
	key := l.At("id").Str()
	ref := m.refTo(key)
	if isOrganisation(l) {
		if m.shared[key] != nil {
			return nil
		}
		return m.writeOrganization(l, ref)
	}
	p := &rpb.RelatedPerson{
		Identifier:   []*dpb.Identifier{m.called(key)},
		Active:       element.Bool(m.mayHelp(l)),
		Patient:      element.Literal(m.patient),
		Relationship: m.relationship(l, ref),
		Name:         []*dpb.HumanName{{Text: element.String(l.At("naam").To(path(ref, "name[0].text")).Str())}},
		Telecom:      element.Some(element.Contact("phone", l.At("telefoon").To(path(ref, "telecom[0].value")).Str())),
	}
	l.At("id").To(path(ref, "identifier[0].value"))
	return m.add(p, ref, element.Meta{Profiles: profile("ContactPerson"), Tags: social()})
}

// mayHelp reports whether a person may be approached, and has not taken that back.
func (m *mapper) mayHelp(l form.Value) bool {
	may, _ := approachable(l)
	return may && !m.withdrawn(l)
}

// roles are the codes of the role that a kind of person has (zib RolCodelijst).
var roles = map[string]string{"buur": "19", "vriend": "20", "vrijwilliger": "09", "lotgenoot": "09"}

// relationship is the role of a person, and what they are to the child.
func (m *mapper) relationship(l form.Value, ref fhir.Ref) []*dpb.CodeableConcept {
	l.At("relatieCode").To(path(ref, "relationship"))
	return element.Some(
		element.Concept(element.Coding(relationRoles, roles[l.At("soort").Str()], "")),
		element.Concept(element.Coding(roleCodes, l.At("relatieCode").Str(), "")))
}

func (m *mapper) writeOrganization(l form.Value, ref fhir.Ref) error {
	o := &opb.Organization{
		Identifier: element.Some(m.called(l.At("id").To(path(ref, "identifier[0].value")).Str()),
			element.Identifier(uraSystem, l.At("ura").To(path(ref, "identifier[1].value")).Str())),
		Name:    element.String(l.At("naam").To(path(ref, "name")).Str()),
		Telecom: element.Some(element.Contact("phone", l.At("telefoon").To(path(ref, "telecom[0].value")).Str())),
	}
	return m.add(o, ref, element.Meta{Profiles: profile("HealthcareProvider-Organization")})
}

// writeTeam writes the CareTeam, with what found no place elsewhere.
func (m *mapper) writeTeam() error {
	ref := m.team
	t := &tpb.CareTeam{
		Identifier: []*dpb.Identifier{element.Identifier(systemOfSource+m.ura, m.at("recordId").To(path(ref, "identifier[0].value")).Str())},
		Status:     element.Enum(&tpb.CareTeam_StatusCode{}, "active"),
		Category:   []*dpb.CodeableConcept{element.Concept(element.Coding(loinc, "LA28866-4", "")), element.OwnConcept("careteam-soort", "netwerk")},
		Name:       element.String("Sociaal netwerk"),
		Subject:    element.Literal(m.patient),
		Period: element.Period(m.at("datum").To(path(ref, "period.start")).Day(),
			m.at("geldigTot").To(path(ref, "period.end")).Day()),
		Extension: m.teamExtensions(),
	}
	for i, l := range m.at("leden").Items() {
		t.Participant = append(t.Participant, m.participant(i, l))
	}
	m.at("schema").To()
	m.Untraced(func(v form.Value) {
		v.To(extensionAt(ref.String(), "source-member"))
		t.Extension = append(t.Extension, element.SourceMember(v.Pointer(), v.Compact()))
	})
	m.Reworded(func(v form.Value) {
		t.Extension = append(t.Extension, element.SourceMember(v.Pointer(), v.Compact()))
	})
	return m.add(t, ref, element.Meta{Tags: social()})
}

func (m *mapper) teamExtensions() []*dpb.Extension {
	on := m.team.String()
	b, at := m.at("besluit").To(extensionAt(on, "netwerk-besluit")), m.at("besluit").At("aanspreekpuntOrganisatie")
	out := []*dpb.Extension{
		element.OwnExtension("source-version", element.Positive(m.at("versie").To(extensionAt(on, "source-version")).Whole())),
		element.OwnComplex("netwerk-besluit",
			element.Extension("wie", element.String(b.At("wie").Str())), element.Extension("naam", element.String(at.At("naam").Str())),
			element.Extension("organisatie", element.String(at.At("organisatie").Str())), element.Extension("mandaat", element.String(at.At("mandaat").Str()))),
	}
	for _, t := range m.at("onderling").Items() {
		t.To(extensionAt(on, "netwerk-onderling"))
		out = append(out, element.OwnComplex("netwerk-onderling",
			element.Extension("a", m.literal(t.At("a"))), element.Extension("b", m.literal(t.At("b"))),
			element.Extension("sterkte", element.CodeValue(t.At("sterkte").Str()))))
	}
	return out
}

// participant is a member in the network.
func (m *mapper) participant(i int, l form.Value) *tpb.CareTeam_Participant {
	key := l.At("id").Str()
	on := path(m.team, nth("participant", i))
	out := &tpb.CareTeam_Participant{
		Role:   []*dpb.CodeableConcept{element.OwnConcept("netwerk-soort", l.At("soort").To(on+".role").Str())},
		Member: element.Literal(m.refTo(key)),
	}
	if m.shared[key] != nil { // its own resource tells nothing of this record
		out.Member.Identifier = m.called(l.At("id").To(on + ".member.identifier").Str())
		out.Member.Display = element.String(l.At("naam").To(on + ".member.display").Str())
		l.At("ura").To(path(m.refTo(key), "identifier"))
	}
	at := func(name string) string { return extensionAt(on, "netwerk-"+name) }
	out.Extension = element.Some(
		element.OwnExtension("netwerk-kring", element.Integer(l.At("kring").To(at("kring")).Whole())),
		element.OwnExtension("netwerk-sterkte", element.CodeValue(l.At("sterkte").To(at("sterkte")).Str())),
		element.OwnExtension("netwerk-richting", element.CodeValue(l.At("richting").To(at("richting")).Str())),
		element.OwnExtension("netwerk-relatie", element.String(l.At("relatie").To(at("relatie")).Str())))
	for _, list := range []string{"aanbod", "niet"} {
		for _, v := range l.At(list).Items() {
			out.Extension = append(out.Extension, element.OwnExtension("netwerk-"+list, element.CodeValue(v.To(at(list)).Str())))
		}
	}
	for _, v := range l.At("grenzen").Items() {
		out.Extension = append(out.Extension, element.OwnExtension("netwerk-grens", element.String(v.To(at("grens")).Str())))
	}
	for _, v := range l.At("beschikbaarheid").Items() {
		parts := dayParts(v.To(at("beschikbaar")))
		parts = append(parts, element.Extension("van", element.Time(v.At("van").Str())), element.Extension("tot", element.Time(v.At("tot").Str())))
		out.Extension = append(out.Extension, element.OwnComplex("netwerk-beschikbaar", parts...))
	}
	return out
}

// dayParts are the days as parts of an extension.
func dayParts(v form.Value) []*dpb.Extension {
	var out []*dpb.Extension
	for _, day := range v.At("dagen").Strs() {
		out = append(out, element.Extension("dag", element.CodeValue(day)))
	}
	return out
}

// writeProvenance tells who drew the record up, in which system, and when.
func (m *mapper) writeProvenance() error {
	ref := fhir.Ref{Type: "Provenance", ID: m.id("Provenance", fmt.Sprint(m.version))}
	by, from := m.at("opgesteldDoor"), m.at("bronsysteem")
	custodian := element.Logical(fhir.Identifier{System: uraSystem, Value: from.At("ura").To(path(ref, "agent[1].who.identifier")).Str()})
	custodian.Display = element.String(from.At("naam").To(path(ref, "agent[1].who.display")).Str())
	source := element.Logical(fhir.Identifier{System: systemOfSource + m.ura, Value: m.record})
	source.Display = element.String(Schema)
	p := &prpb.Provenance{
		Target:   []*dpb.Reference{element.Literal(m.team)},
		Recorded: element.InstantOf(m.at("vastgelegdOp").To(path(ref, "recorded")).Str()),
		Agent: []*prpb.Provenance_Agent{{
			Type: element.Concept(element.Coding(agentType, "author", "")),
			Role: []*dpb.CodeableConcept{element.OwnConcept("netwerk-rol", by.At("rol").To(path(ref, "agent[0].role")).Str())},
			Who:  element.Display(by.At("naam").To(path(ref, "agent[0].who.display")).Str()),
		}, {
			Type: element.Concept(element.Coding(agentType, "custodian", "")),
			Who:  custodian,
			Extension: element.Some(element.OwnExtension("source-application",
				element.String(from.At("applicatie").To(extensionAt(path(ref, "agent[1]"), "source-application")).Str()))),
		}},
		Entity: []*prpb.Provenance_Entity{{
			Role: &prpb.Provenance_Entity_RoleCode{Value: cpb.ProvenanceEntityRoleCode_SOURCE}, What: source,
		}},
	}
	return m.add(p, ref, element.Meta{Tags: social()})
}
