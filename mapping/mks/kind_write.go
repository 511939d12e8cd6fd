package mks

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	ctpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/care_team_go_proto"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
	"github.com/drieluik/drieluik/mapping/element"
)

// kindSteps are the record type kind on its way to FHIR.
func kindSteps() steps {
	return steps{prepare: prepareKind, stored: kindStored, write: writeKind}
}

// writeKind adds what a kind record becomes (mks.md 3.2).
func writeKind(m *mapper) error {
	m.organisations()
	m.employees()
	if err := m.relatedPeople(); err != nil {
		return err
	}
	if err := m.writePatient(); err != nil {
		return err
	}
	m.writePregnancy()
	m.writeSchools()
	if err := m.writeCoverages(); err != nil {
		return err
	}
	m.writeOrder()
	m.writeTeam()
	if err := m.endCustody(); err != nil {
		return err
	}
	if err := m.moveIdentifiers(); err != nil {
		return err
	}
	m.writeConflicts()
	return nil
}

func indexed(place string, i int) string { return place + "[" + strconv.Itoa(i) + "]" }

// zibRoles are the ZorgverlenerRol of a teamrol; absent: none, "" code: v3-NullFlavor OTH.
var zibRoles = map[string]*struct{ system, code string }{
	"zorgcoordinator": {snomed, "768832004"}, "hoofdbehandelaar": {participation, "RESP"},
	"kinderverpleegkundige": {participation, "PRF"}, "verpleegkundige": {participation, "PRF"},
	"paramedicus": {participation, "PRF"}, "dietist": {participation, "PRF"},
	"indicerend-kinderverpleegkundige": {participation, "CON"}, "jgz": {participation, "CON"},
	"kinderarts": {participation, "CON"}, "medisch-specialist": {participation, "CON"},
	"transferverpleegkundige": {participation, "REF"}, "huisarts": {participation, "ATND"},
	"ouder": nil, "kind": nil, "vrijwilliger": nil, "mantelzorger": nil,
}

const participation = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"

// teamRoles returns the two concepts of a teamrol: ours and the zib's.
func teamRoles(role string) []*dpb.CodeableConcept {
	out := []*dpb.CodeableConcept{listConcept("teamrol", role)}
	zib, known := zibRoles[role]
	switch {
	case !known:
		return append(out, element.Concept(element.Coding(nullFlavor, "OTH", "")))
	case zib == nil:
		return out
	default:
		return append(out, element.Concept(element.Coding(zib.system, zib.code, "")))
	}
}

// careTeamID returns the id of the kindteam of this source.
func (h head) careTeamKey() string { return "CareTeam/" + h.source() + "/" + h.localID }

// writeTeam adds the kindteam.
func (m *mapper) writeTeam() {
	v := m.inhoud().At("kindteam")
	if !v.Present() {
		return
	}
	id := mapping.ID(m.head.careTeamKey())
	on := "CareTeam/" + id
	status := "active"
	if m.head.status == "ingetrokken" {
		status = "inactive"
	}
	t := &ctpb.CareTeam{
		Identifier: []*dpb.Identifier{element.Identifier(m.head.base()+"/kindteam", m.head.localID)},
		Status:     element.Enum(&ctpb.CareTeam_StatusCode{}, status),
		Category:   []*dpb.CodeableConcept{listConcept("mks-categorie", "kindteam")},
		Name:       element.String(v.At("naam").To(on + ".name").Str()), Subject: m.patientRef(),
		ManagingOrganization: []*dpb.Reference{element.Literal(m.sender)},
	}
	if phone := v.At("aanspreekpunt24u"); phone.Present() {
		t.Telecom = points(phone, "phone", on+".telecom")
		t.Telecom[0].Rank = element.Positive(1)
	}
	for i, member := range v.At("leden").Items() {
		at := on + indexed(".participant", i)
		t.Participant = append(t.Participant, &ctpb.CareTeam_Participant{
			Role:   teamRoles(member.At("rol").To(at + ".role").Str()),
			Member: m.ref(member.At("ref").To(at + ".member")), Period: m.span(member, at+".period"),
		})
	}
	m.add(t, about{id: id, profiles: []string{element.StructureDefinition("mks-kindteam")}})
}

// relatedUnion unites a betrokkene with the stored RelatedPerson. What bears rights is retold by the
// custodian and stands otherwise.
func (m *mapper) relatedUnion(t target) (union, error) {
	all, err := m.settings(t.ref)
	if err != nil {
		return union{}, err
	}
	u := m.latest(all)
	u.extension = func(e fhir.Node) bool {
		switch e.Member("url").Text() {
		case element.StructureDefinition("gezag"):
			return !m.rights || m.custodyStays
		case element.StructureDefinition("afscherming"):
			return !m.rights
		default:
			return u.keeps("extension")
		}
	}
	if !m.rights {
		u.barred = map[string]bool{"period": true, "active": true}
	}
	return u, nil
}

// patientPointers are the source members of the Patient's elements, for MRG-01.
var patientPointers = map[string]string{
	"name": "naam", "telecom": "telefoon", "gender": "geslacht", "birthDate": "geboortedatum", "address": "adres",
	"deceasedDateTime": "overleden", "multipleBirthBoolean": "meerling", "communication": "taal", "generalPractitioner": "huisarts",
}

// patientUnion unites the Patient: per member the latest record, rights-bearing facts as the custodian
// says.
func (m *mapper) patientUnion() (union, error) {
	all, err := m.settings(m.child.ref)
	if err != nil {
		return union{}, err
	}
	u := m.latest(all)
	if !m.rights {
		u.barred = map[string]bool{"birthDate": true, "active": true}
	}
	first := slices.ContainsFunc(all, func(s setting) bool { return s.elements == nil && s.source == m.head.base() })
	u.extension = func(e fhir.Node) bool {
		switch e.Member("url").Text() {
		case element.StructureDefinition("gezag"):
			return !m.rights || m.custodyStays || !m.inhoud().At("gezag").Present() && u.keeps("extension")
		case element.StructureDefinition("source-member"):
			return !first
		default:
			return true
		}
	}
	u.labels = m.storedSeals()
	u.differs = func(member string) {
		if source, ok := patientPointers[member]; ok && m.related && m.child.others && !u.barred[member] {
			m.Inform("MKS-MRG-01", m.inhoud().At(source), "Another source system sent another value. The value of the latest record stands.")
		}
	}
	return u, nil
}

// endCustody takes gezag from stored RelatedPersons that this record does not list, when it tells
// the child's gezag anew.
func (m *mapper) endCustody() error {
	tells := m.inhoud().At("gezag").Present() || !m.child.others
	if m.child.found == nil || !m.rights || m.custodyStays || !tells {
		return nil
	}
	listed := map[fhir.Ref]bool{}
	for _, t := range m.own {
		listed[t.ref] = true
	}
	hits, err := m.known.Child(m.child.ref, "RelatedPerson")
	if err != nil {
		return fmt.Errorf("mks.endCustody: %w", err)
	}
	for _, hit := range hits {
		if listed[hit.Resource.Ref()] || !storedCustody(found(hit)).Exists() {
			continue
		}
		if err := m.addEdited(hit.Resource, withoutExtension(found(hit), element.StructureDefinition("gezag"))...); err != nil {
			return err
		}
		m.added[len(m.added)-1].unlisted = true
	}
	return nil
}

// bearers returns the stored resources that bear the local id of t.
func (m *mapper) bearers(t target) ([]*mapping.Found, error) {
	if t.kind == "bet" {
		return m.family(t.id)
	}
	return m.known.Identified(t.ref.Type, t.id)
}

// moveIdentifiers takes a local id from the resource that bore it before, when the record's person
// or organisation is another one now: a corrected BSN or URA.
func (m *mapper) moveIdentifiers() error {
	for _, local := range slices.Sorted(maps.Keys(m.own)) {
		t := m.own[local]
		hits, err := m.bearers(t)
		if err != nil {
			return fmt.Errorf("mks.moveIdentifiers: %w", err)
		}
		for _, hit := range hits {
			if hit.Resource.Ref() == t.ref {
				continue
			}
			if err := m.addEdited(hit.Resource, withoutIdentifier(found(hit), t.id)...); err != nil {
				return err
			}
		}
	}
	return nil
}

// withoutIdentifier returns the edits that drop one identifier. A person whom no source lists any
// more is no longer involved.
func withoutIdentifier(n fhir.Node, id fhir.Identifier) []fhir.Edit {
	out := []fhir.Edit{{Path: []string{"identifier"}}}
	listed := false
	for x := range n.All("identifier") {
		if identifierKey(x) == id.String() {
			continue
		}
		listed = listed || strings.HasSuffix(x.Member("system").Text(), "/"+listNames["bet"])
		out = append(out, fhir.Edit{Path: []string{"identifier"}, JSON: x.Raw(), Append: true})
	}
	if n.Member("patient").Exists() && !listed {
		out = append(out, fhir.Edit{Path: []string{"active"}, JSON: "false"})
	}
	return out
}

// withoutExtension returns the edits that drop the extensions of one URL.
func withoutExtension(n fhir.Node, url string) []fhir.Edit {
	out := []fhir.Edit{{Path: []string{"extension"}}}
	for e := range n.All("extension") {
		if e.Member("url").Text() != url {
			out = append(out, fhir.Edit{Path: []string{"extension"}, JSON: e.Raw(), Append: true})
		}
	}
	return out
}

// addEdited adds a stored resource with edits, on top of those that this record made before.
func (m *mapper) addEdited(r *fhir.Resource, edits ...fhir.Edit) error {
	at := -1
	for i := range m.added {
		if m.added[i].edited != nil && m.added[i].ref == r.Ref() {
			at, r = i, m.added[i].edited
		}
	}
	edited, err := r.Edit(edits...)
	if err != nil {
		return fmt.Errorf("mks.addEdited: %s: %w", r.Type(), err)
	}
	if at >= 0 {
		m.added[at].edited = edited
		return nil
	}
	m.added = append(m.added, added{edited: edited, ref: r.Ref()})
	return nil
}
