package tofhir

import (
	"slices"
	"strings"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
	"github.com/drieluik/drieluik/mapping/element"
	"github.com/drieluik/drieluik/mapping/form"
	"github.com/drieluik/drieluik/mapping/mks/record"
	"github.com/drieluik/drieluik/mapping/rebuild"
)

// HasIdentifier reports whether a resource bears an identifier.
func HasIdentifier(n fhir.Node, id fhir.Identifier) bool {
	for x := range n.All("identifier") {
		if x.Member("system").Text() == id.System && x.Member("value").Text() == id.Value {
			return true
		}
	}
	return false
}

// Target is what a reference of the source names.
type Target struct {
	Kind string   // bet, med, org or kind; "" when it was not found
	Ref  fhir.Ref // RelatedPerson, PractitionerRole, Organization or Patient; zero: logical reference
	ID   fhir.Identifier
	Role string // betrokkene-soort, teamrol or organisatie-soort
	Node fhir.Node
	// Person is the Practitioner behind a med, big whether it has a BIG number.
	Person  fhir.Ref
	Big     bool
	literal *dpb.Reference // Mapper.Ref
	// Stored and personStored are what a kind record's own list item was matched with.
	Stored, PersonStored *mapping.Found
}

// checkReference holds REF-01, REF-02 and REF-03.
func (m *Mapper) checkReference(v form.Value, allowed []string) error {
	s := v.Str()
	t, err := m.resolve(s)
	if err != nil {
		return err
	}
	switch {
	case t.Kind == "" && m.Own == nil && !m.Child.Stored:
		m.Warn("MKS-REF-01", v)
	case t.Kind == "" && m.ListsFaulty:
		m.Mark(v) // it may well be in the faulty list
	case t.Kind == "":
		m.Fault("MKS-REF-02", v)
	case !slices.Contains(allowed, t.Kind):
		m.Fault("MKS-REF-03", v)
	}
	return nil
}

// resolve finds what a local id names. The target has kind "" when there is nothing of that name.
func (m *Mapper) resolve(s string) (Target, error) {
	if t, ok := m.Targets[s]; ok {
		return t, nil
	}
	t, err := m.lookUp(s)
	if err != nil {
		return Target{}, err
	}
	m.Targets[s] = t
	return t, nil
}

func (m *Mapper) lookUp(s string) (Target, error) {
	if s == "kind" {
		return Target{Kind: "kind", Ref: m.Child.Ref, Node: m.Child.Patient()}, nil
	}
	if number, ok := strings.CutPrefix(s, "ura:"); ok && record.UraNumber.MatchString(number) {
		return m.byURA(number)
	}
	if m.Own != nil {
		return m.Own[s], nil
	}
	unknown := Target{ID: fhir.Identifier{System: m.Head.Base() + "/onbekend", Value: s}}
	if !m.Child.Stored {
		return unknown, nil
	}
	for _, look := range []func(string) (Target, error){m.betrokkene, m.medewerker, m.organisatie} {
		t, err := look(s)
		if err != nil || t.Kind != "" {
			return t, err
		}
	}
	return unknown, nil
}

func (m *Mapper) byURA(number string) (Target, error) {
	t := Target{Kind: "org", ID: fhir.Identifier{System: record.URASystem, Value: number}}
	hits, err := m.Known.Identified("Organization", t.ID)
	if err != nil || len(hits) == 0 {
		return t, err
	}
	t.Ref, t.Node, t.Role = hits[0].Resource.Ref(), Found(hits[0]), organisationKind(Found(hits[0]))
	return t, nil
}

func (m *Mapper) betrokkene(s string) (Target, error) {
	id := m.Head.LocalIdentifier("bet", s)
	hits, err := m.Family(id)
	if err != nil || len(hits) == 0 {
		return Target{}, err
	}
	n := Found(hits[0])
	return Target{Kind: "bet", Ref: hits[0].Resource.Ref(), ID: id, Node: n, Role: relatedKind(n)}, nil
}

// Family returns the child's RelatedPersons that bear a local id. Local ids repeat from child to
// child (mks.md 2.5), so that they are looked up in the child's own compartment alone.
func (m *Mapper) Family(id fhir.Identifier) ([]*mapping.Found, error) {
	if m.Child.Found == nil {
		return nil, nil
	}
	all, err := m.Known.Child(m.Child.Ref, "RelatedPerson")
	if err != nil {
		return nil, err
	}
	var out []*mapping.Found
	for _, hit := range all {
		if HasIdentifier(Found(hit), id) {
			out = append(out, hit)
		}
	}
	return out, nil
}

// relatedKind returns the betrokkene-soort of a RelatedPerson.
func relatedKind(n fhir.Node) string {
	for e := range n.All("extension") {
		if e.Member("url").Text() == element.StructureDefinition("betrokkene") {
			return rebuild.Part(e, "soort").Text()
		}
	}
	return ""
}

func (m *Mapper) medewerker(s string) (Target, error) {
	ref := fhir.Ref{Type: "PractitionerRole", ID: mapping.ID("PractitionerRole/" + m.Head.Source() + "/" + s)}
	hit, err := m.Known.Read(ref)
	if err != nil || hit == nil {
		return Target{}, err
	}
	n := Found(hit)
	t := Target{Kind: "med", Ref: ref, ID: m.Head.LocalIdentifier("med", s), Node: n, Role: CodeIn(n, "code", "teamrol")}
	t.Person, _ = fhir.ParseRef(n.At("practitioner", "reference").Text())
	if t.Person.IsZero() {
		return t, nil
	}
	person, err := m.Known.Read(t.Person)
	for id := range Found(person).All("identifier") {
		t.Big = t.Big || id.Member("system").Text() == record.BIGSystem
	}
	return t, err
}

func (m *Mapper) organisatie(s string) (Target, error) {
	id := m.Head.LocalIdentifier("org", s)
	hits, err := m.Known.Identified("Organization", id)
	if err != nil || len(hits) == 0 {
		return Target{}, err
	}
	return Target{Kind: "org", Ref: hits[0].Resource.Ref(), ID: id, Node: Found(hits[0]), Role: organisationKind(Found(hits[0]))}, nil
}

func organisationKind(n fhir.Node) string { return CodeIn(n, "type", "organisatie-soort") }

// CodeIn returns the code of one of our lists in a member of CodeableConcepts.
func CodeIn(n fhir.Node, member, list string) string {
	return rebuild.CodeIn(n.Member(member), element.CodeSystem(list)).Text()
}

// Target returns what a reference of the source names; it was resolved by check.
func (m *Mapper) Target(v form.Value) Target { return m.Targets[v.Str()] }

// Ref returns the Reference for a reference of the source: literal when it was resolved, with the
// source's identifier; nil for an absent one. A med gives its PractitionerRole. All who name the same share one
// message.
func (m *Mapper) Ref(v form.Value) *dpb.Reference {
	if !v.Present() {
		return nil
	}
	t := m.Target(v)
	if t.literal == nil {
		t.literal = element.Reference(t.Ref, t.ID)
		if t.literal != nil {
			m.Targets[v.Str()] = t
		}
	}
	return t.literal
}

// Know says which resource a reference of the source names from now on.
func (m *Mapper) Know(v form.Value, ref fhir.Ref) {
	t := m.Target(v)
	t.Ref, t.literal = ref, nil
	m.Targets[v.Str()] = t
}

// Person returns the Reference to the Practitioner of a med, with the same identifier.
func (m *Mapper) Person(v form.Value) *dpb.Reference {
	t := m.Target(v)
	return element.Reference(t.Person, t.ID)
}

// PatientRef returns the literal reference to the child: one message, which all resources share.
func (m *Mapper) PatientRef() *dpb.Reference {
	if m.patient == nil {
		m.patient = element.Literal(m.Child.Ref)
	}
	return m.patient
}

// RecordRef returns the logical reference to "recordId/versie" of the same source (mks.md 2.5).
func (m *Mapper) RecordRef(v form.Value) *dpb.Reference {
	return element.Reference(fhir.Ref{}, fhir.Identifier{System: m.Head.Base() + "/bron-versie", Value: v.Str()})
}

// RefOf returns the reference of a text, the zero Ref when it is not a relative literal one.
func RefOf(s string) fhir.Ref {
	r, ok := fhir.ParseRef(s)
	if !ok {
		return fhir.Ref{}
	}
	return r
}
