package child

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	ctpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/care_team_go_proto"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
	"github.com/drieluik/drieluik/mapping/element"
	"github.com/drieluik/drieluik/mapping/mks/record"
	"github.com/drieluik/drieluik/mapping/mks/tofhir"
)

// Steps are the record type kind on its way to FHIR.
func Steps() tofhir.Steps {
	return tofhir.Steps{Prepare: prepareKind, Stored: kindStored, Write: writeKind}
}

// writeKind adds what a kind record becomes (mks.md 3.2).
func writeKind(m *tofhir.Mapper) error {
	organisations(m)
	employees(m)
	if err := relatedPeople(m); err != nil {
		return err
	}
	if err := writePatient(m); err != nil {
		return err
	}
	writePregnancy(m)
	writeSchools(m)
	if err := writeCoverages(m); err != nil {
		return err
	}
	writeOrder(m)
	writeTeam(m)
	if err := endCustody(m); err != nil {
		return err
	}
	if err := moveIdentifiers(m); err != nil {
		return err
	}
	writeConflicts(m)
	return nil
}

// zibRoles are the ZorgverlenerRol of a teamrol; absent: none, "" code: v3-NullFlavor OTH.
var zibRoles = map[string]*struct{ system, code string }{
	"zorgcoordinator": {tofhir.SNOMED, "768832004"}, "hoofdbehandelaar": {tofhir.Participation, "RESP"},
	"kinderverpleegkundige": {tofhir.Participation, "PRF"}, "verpleegkundige": {tofhir.Participation, "PRF"},
	"paramedicus": {tofhir.Participation, "PRF"}, "dietist": {tofhir.Participation, "PRF"},
	"indicerend-kinderverpleegkundige": {tofhir.Participation, "CON"}, "jgz": {tofhir.Participation, "CON"},
	"kinderarts": {tofhir.Participation, "CON"}, "medisch-specialist": {tofhir.Participation, "CON"},
	"transferverpleegkundige": {tofhir.Participation, "REF"}, "huisarts": {tofhir.Participation, "ATND"},
	"ouder": nil, "kind": nil, "vrijwilliger": nil, "mantelzorger": nil,
}

// teamRoles returns the two concepts of a teamrol: ours and the zib's.
func teamRoles(role string) []*dpb.CodeableConcept {
	out := []*dpb.CodeableConcept{tofhir.ListConcept("teamrol", role)}
	zib, known := zibRoles[role]
	switch {
	case !known:
		return append(out, element.Concept(element.Coding(tofhir.NullFlavor, "OTH", "")))
	case zib == nil:
		return out
	default:
		return append(out, element.Concept(element.Coding(zib.system, zib.code, "")))
	}
}

// writeTeam adds the kindteam.
func writeTeam(m *tofhir.Mapper) {
	v := m.Content().At("kindteam")
	if !v.Present() {
		return
	}
	id := mapping.ID(m.Head.CareTeamKey())
	on := "CareTeam/" + id
	status := "active"
	if m.Head.Status == "ingetrokken" {
		status = "inactive"
	}
	t := &ctpb.CareTeam{
		Identifier: []*dpb.Identifier{element.Identifier(m.Head.Base()+"/kindteam", m.Head.LocalID)},
		Status:     element.Enum(&ctpb.CareTeam_StatusCode{}, status),
		Category:   []*dpb.CodeableConcept{tofhir.ListConcept("mks-categorie", "kindteam")},
		Name:       element.String(v.At("naam").To(on + ".name").Str()), Subject: m.PatientRef(),
		ManagingOrganization: []*dpb.Reference{element.Literal(m.Sender)},
	}
	if phone := v.At("aanspreekpunt24u"); phone.Present() {
		t.Telecom = points(phone, "phone", on+".telecom")
		t.Telecom[0].Rank = element.Positive(1)
	}
	for i, member := range v.At("leden").Items() {
		at := on + tofhir.Indexed(".participant", i)
		t.Participant = append(t.Participant, &ctpb.CareTeam_Participant{
			Role:   teamRoles(member.At("rol").To(at + ".role").Str()),
			Member: m.Ref(member.At("ref").To(at + ".member")), Period: m.Span(member, at+".period"),
		})
	}
	m.Add(t, tofhir.About{ID: id, Profiles: []string{element.StructureDefinition("mks-kindteam")}})
}

// relatedUnion unites a betrokkene with the stored RelatedPerson. What bears rights is retold by the
// custodian and stands otherwise.
func relatedUnion(m *tofhir.Mapper, t tofhir.Target) (tofhir.Union, error) {
	all, err := m.Settings(t.Ref)
	if err != nil {
		return tofhir.Union{}, err
	}
	u := m.Latest(all)
	u.Extension = func(e fhir.Node) bool {
		switch e.Member("url").Text() {
		case element.StructureDefinition("gezag"):
			return !m.Rights || m.CustodyStays
		case element.StructureDefinition("afscherming"):
			return !m.Rights
		default:
			return u.Keeps("extension")
		}
	}
	if !m.Rights {
		u.Barred = map[string]bool{"period": true, "active": true}
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
func patientUnion(m *tofhir.Mapper) (tofhir.Union, error) {
	all, err := m.Settings(m.Child.Ref)
	if err != nil {
		return tofhir.Union{}, err
	}
	u := m.Latest(all)
	if !m.Rights {
		u.Barred = map[string]bool{"birthDate": true, "active": true}
	}
	first := slices.ContainsFunc(all, func(s tofhir.Setting) bool { return s.Elements == nil && s.Source == m.Head.Base() })
	u.Extension = func(e fhir.Node) bool {
		switch e.Member("url").Text() {
		case element.StructureDefinition("gezag"):
			return !m.Rights || m.CustodyStays || !m.Content().At("gezag").Present() && u.Keeps("extension")
		case element.StructureDefinition("source-member"):
			return !first
		default:
			return true
		}
	}
	u.Labels = storedSeals(m)
	u.Differs = func(member string) {
		if source, ok := patientPointers[member]; ok && m.Related && m.Child.Others && !u.Barred[member] {
			m.Inform("MKS-MRG-01", m.Content().At(source))
		}
	}
	return u, nil
}

// endCustody takes gezag from stored RelatedPersons that this record does not list, when it tells
// the child's gezag anew.
func endCustody(m *tofhir.Mapper) error {
	tells := m.Content().At("gezag").Present() || !m.Child.Others
	if m.Child.Found == nil || !m.Rights || m.CustodyStays || !tells {
		return nil
	}
	listed := map[fhir.Ref]bool{}
	for _, t := range m.Own {
		listed[t.Ref] = true
	}
	hits, err := m.Known.Child(m.Child.Ref, "RelatedPerson")
	if err != nil {
		return fmt.Errorf("mks.endCustody: %w", err)
	}
	for _, hit := range hits {
		if listed[hit.Resource.Ref()] || !tofhir.StoredCustody(tofhir.Found(hit)).Exists() {
			continue
		}
		if err := m.AddEdited(hit.Resource, withoutExtension(tofhir.Found(hit), element.StructureDefinition("gezag"))...); err != nil {
			return err
		}
		m.Added[len(m.Added)-1].Unlisted = true
	}
	return nil
}

// bearers returns the stored resources that bear the local id of t.
func bearers(m *tofhir.Mapper, t tofhir.Target) ([]*mapping.Found, error) {
	if t.Kind == "bet" {
		return m.Family(t.ID)
	}
	return m.Known.Identified(t.Ref.Type, t.ID)
}

// moveIdentifiers takes a local id from the resource that bore it before, when the record's person
// or organisation is another one now: a corrected BSN or URA.
func moveIdentifiers(m *tofhir.Mapper) error {
	for _, local := range slices.Sorted(maps.Keys(m.Own)) {
		t := m.Own[local]
		hits, err := bearers(m, t)
		if err != nil {
			return fmt.Errorf("mks.moveIdentifiers: %w", err)
		}
		for _, hit := range hits {
			if hit.Resource.Ref() == t.Ref {
				continue
			}
			if err := m.AddEdited(hit.Resource, withoutIdentifier(tofhir.Found(hit), t.ID)...); err != nil {
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
		if tofhir.IdentifierKey(x) == id.String() {
			continue
		}
		listed = listed || strings.HasSuffix(x.Member("system").Text(), "/"+record.ListNames["bet"])
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
