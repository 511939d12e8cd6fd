package mks

import (
	"slices"
	"strings"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
	"github.com/drieluik/drieluik/mapping/element"
	"github.com/drieluik/drieluik/mapping/form"
)

// target is what a reference of the source names.
type target struct {
	kind string   // bet, med, org or kind; "" when it was not found
	ref  fhir.Ref // RelatedPerson, PractitionerRole, Organization or Patient; zero: logical reference
	id   fhir.Identifier
	role string // betrokkene-soort, teamrol or organisatie-soort
	node fhir.Node
	// person is the Practitioner behind a med, big whether it has a BIG number.
	person fhir.Ref
	big    bool
	// stored and personStored are what a kind record's own list item was matched with.
	stored, personStored *mapping.Found
}

// listNames are the last part of the identifier systems of mks.md 2.5.
var listNames = map[string]string{"bet": "betrokkene", "med": "medewerker", "org": "organisatie"}

// checkReference holds REF-01, REF-02 and REF-03.
func (m *mapper) checkReference(v form.Value, allowed []string) error {
	s := v.Str()
	t, err := m.resolve(s)
	if err != nil {
		return err
	}
	switch {
	case t.kind == "" && m.own == nil && !m.child.stored:
		m.Warn("MKS-REF-01", v)
	case t.kind == "" && m.listsFaulty:
		m.Mark(v) // it may well be in the faulty list
	case t.kind == "":
		m.Fault("MKS-REF-02", v)
	case !slices.Contains(allowed, t.kind):
		m.Fault("MKS-REF-03", v)
	}
	return nil
}

// resolve finds what a local id names. The target has kind "" when there is nothing of that name.
func (m *mapper) resolve(s string) (target, error) {
	if t, ok := m.targets[s]; ok {
		return t, nil
	}
	t, err := m.lookUp(s)
	if err != nil {
		return target{}, err
	}
	m.targets[s] = t
	return t, nil
}

func (m *mapper) lookUp(s string) (target, error) {
	if s == "kind" {
		return target{kind: "kind", ref: m.child.ref, node: m.child.patient()}, nil
	}
	if number, ok := strings.CutPrefix(s, "ura:"); ok && uraNumber.MatchString(number) {
		return m.byURA(number)
	}
	if m.own != nil {
		return m.own[s], nil
	}
	unknown := target{id: fhir.Identifier{System: m.head.base() + "/onbekend", Value: s}}
	if !m.child.stored {
		return unknown, nil
	}
	for _, look := range []func(string) (target, error){m.betrokkene, m.medewerker, m.organisatie} {
		t, err := look(s)
		if err != nil || t.kind != "" {
			return t, err
		}
	}
	return unknown, nil
}

func (m *mapper) byURA(number string) (target, error) {
	t := target{kind: "org", id: fhir.Identifier{System: uraSystem, Value: number}}
	hits, err := m.known.Identified("Organization", t.id)
	if err != nil || len(hits) == 0 {
		return t, err
	}
	t.ref, t.node, t.role = hits[0].Resource.Ref(), found(hits[0]), organisationKind(found(hits[0]))
	return t, nil
}

// localID returns the identifier of a member of the lists bet, med or org.
func (h head) localIdentifier(kind, id string) fhir.Identifier {
	return fhir.Identifier{System: h.base() + "/" + listNames[kind], Value: id}
}

func (m *mapper) betrokkene(s string) (target, error) {
	id := m.head.localIdentifier("bet", s)
	hits, err := m.family(id)
	if err != nil || len(hits) == 0 {
		return target{}, err
	}
	n := found(hits[0])
	return target{kind: "bet", ref: hits[0].Resource.Ref(), id: id, node: n, role: relatedKind(n)}, nil
}

// family returns the child's RelatedPersons that bear a local id. Local ids repeat from child to
// child (mks.md 2.5), so that they are looked up in the child's own compartment alone.
func (m *mapper) family(id fhir.Identifier) ([]*mapping.Found, error) {
	if m.child.found == nil {
		return nil, nil
	}
	all, err := m.known.Child(m.child.ref, "RelatedPerson")
	if err != nil {
		return nil, err
	}
	var out []*mapping.Found
	for _, hit := range all {
		if hasIdentifier(found(hit), id) {
			out = append(out, hit)
		}
	}
	return out, nil
}

// relatedKind returns the betrokkene-soort of a RelatedPerson.
func relatedKind(n fhir.Node) string {
	for e := range n.All("extension") {
		if e.Member("url").Text() == element.StructureDefinition("betrokkene") {
			return part(e, "soort").Text()
		}
	}
	return ""
}

func (m *mapper) medewerker(s string) (target, error) {
	ref := fhir.Ref{Type: "PractitionerRole", ID: mapping.ID("PractitionerRole/" + m.head.source() + "/" + s)}
	hit, err := m.known.Read(ref)
	if err != nil || hit == nil {
		return target{}, err
	}
	n := found(hit)
	t := target{kind: "med", ref: ref, id: m.head.localIdentifier("med", s), node: n, role: codeIn(n, "code", "teamrol")}
	t.person, _ = fhir.ParseRef(n.At("practitioner", "reference").Text())
	if t.person.IsZero() {
		return t, nil
	}
	person, err := m.known.Read(t.person)
	for id := range found(person).All("identifier") {
		t.big = t.big || id.Member("system").Text() == bigSystem
	}
	return t, err
}

func (m *mapper) organisatie(s string) (target, error) {
	id := m.head.localIdentifier("org", s)
	hits, err := m.known.Identified("Organization", id)
	if err != nil || len(hits) == 0 {
		return target{}, err
	}
	return target{kind: "org", ref: hits[0].Resource.Ref(), id: id, node: found(hits[0]), role: organisationKind(found(hits[0]))}, nil
}

func organisationKind(n fhir.Node) string { return codeIn(n, "type", "organisatie-soort") }

// codeIn returns the code of one of our lists in a member of CodeableConcepts.
func codeIn(n fhir.Node, member, list string) string {
	for c := range n.All(member, "coding") {
		if c.Member("system").Text() == element.CodeSystem(list) {
			return c.Member("code").Text()
		}
	}
	return ""
}

// target returns what a reference of the source names; it was resolved by check.
func (m *mapper) target(v form.Value) target { return m.targets[v.Str()] }

// ref returns the Reference for a reference of the source: literal when it was resolved, with the
// source's identifier; nil for an absent one. A med gives its PractitionerRole.
func (m *mapper) ref(v form.Value) *dpb.Reference {
	if !v.Present() {
		return nil
	}
	t := m.target(v)
	return element.Reference(t.ref, t.id)
}

// person returns the Reference to the Practitioner of a med, with the same identifier.
func (m *mapper) person(v form.Value) *dpb.Reference {
	t := m.target(v)
	return element.Reference(t.person, t.id)
}

// patientRef returns the literal reference to the child.
func (m *mapper) patientRef() *dpb.Reference {
	return element.Reference(m.child.ref, fhir.Identifier{})
}

// recordRef returns the logical reference to "recordId/versie" of the same source (mks.md 2.5).
func (m *mapper) recordRef(v form.Value) *dpb.Reference {
	return element.Reference(fhir.Ref{}, fhir.Identifier{System: m.head.base() + "/bron-versie", Value: v.Str()})
}

// refOf returns the reference of a text, the zero Ref when it is not a relative literal one.
func refOf(s string) fhir.Ref {
	r, ok := fhir.ParseRef(s)
	if !ok {
		return fhir.Ref{}
	}
	return r
}
