package mks

import (
	"fmt"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
	"github.com/drieluik/drieluik/mapping/element"
)

// union says how a resource is united with what is stored (mks.md 2.6). Identifiers are always of
// both. The zero union keeps nothing but those.
type union struct {
	// wins reports whether the fresh value of a member stands where it differs from the stored one.
	wins func(member string) bool
	// keeps reports whether a stored member stands that the fresh resource lacks.
	keeps func(member string) bool
	// barred members are as stored, whatever the fresh resource has.
	barred map[string]bool
	// extension reports whether a stored extension stands that the fresh resource lacks.
	extension func(fhir.Node) bool
	numbers   bool     // those of national registers are as stored
	labels    []string // JSON of stored labels that stay
	source    bool     // meta.source stays as stored
	differs   func(member string)
}

// addUnited adds a resource that unites with the stored one.
func (m *mapper) addUnited(r proto.Message, a about, stored *mapping.Found, u union) {
	m.add(r, a)
	m.added[len(m.added)-1].unite(stored, u)
}

// addShared is addUnited for a person or an organisation that the record may name twice. It reports
// whether an earlier item of the record made it: then that one stands and gets the identifiers of this,
// and the caller keeps what this one says otherwise.
func (m *mapper) addShared(r proto.Message, a about, stored *mapping.Found, u union) bool {
	ref := fhir.Ref{Type: element.TypeOf(r), ID: a.id}
	for i := range m.added {
		if m.added[i].ref == ref && m.added[i].message != nil {
			element.ShareIdentifiers(m.added[i].message, r)
			return true
		}
	}
	m.addUnited(r, a, stored, u)
	return false
}

// unite makes a resource unite with a stored one when it becomes a tree.
func (a *added) unite(stored *mapping.Found, u union) { a.stored, a.union = stored, u }

// tree returns the resource as it will be written.
func (a *added) tree() (*fhir.Resource, error) {
	if a.edited != nil {
		return a.edited, nil
	}
	fresh, err := fhir.FromProto(a.message)
	if err != nil {
		return nil, fmt.Errorf("mks.tree: %s: %w", a.ref.Type, err)
	}
	if a.stored == nil {
		return fresh, nil
	}
	edits := a.union.edits(a.stored.Resource.Root(), fresh.Root())
	if len(edits) == 0 {
		return fresh, nil
	}
	united, err := fresh.Edit(edits...)
	if err != nil {
		return nil, fmt.Errorf("mks.tree: unite %s: %w", a.ref.Type, err)
	}
	return united, nil
}

// edits returns what turns the fresh resource into the united one.
func (u union) edits(stored, fresh fhir.Node) []fhir.Edit {
	var out []fhir.Edit
	for old := range stored.Children() {
		name := old.Name()
		switch name {
		case "resourceType", "id", "meta":
		case "identifier":
			if u.numbers {
				out = append(out, registered(old, fresh.Member(name)))
				continue
			}
			out = append(out, identifiers(old, fresh.Member(name))...)
		case "extension":
			out = append(out, u.extensions(old, fresh.Member(name))...)
		default:
			out = append(out, u.member(name, old, fresh)...)
		}
	}
	for name := range u.barred {
		if fresh.Member(name).Exists() && !stored.Member(name).Exists() {
			out = append(out, fhir.Edit{Path: []string{name}})
		}
	}
	if source := stored.At("meta", "source"); u.source && source.Exists() {
		out = append(out, fhir.Edit{Path: []string{"meta", "source"}, JSON: source.Raw()})
	}
	for _, l := range u.labels {
		out = append(out, fhir.Edit{Path: []string{"meta", "security"}, JSON: l, Append: true})
	}
	return out
}

// member returns the edit for one member: none when the fresh state stands.
func (u union) member(name string, old, fresh fhir.Node) []fhir.Edit {
	base := strings.TrimPrefix(name, "_")
	now := fresh.Member(name)
	carry := []fhir.Edit{{Path: []string{name}, JSON: old.Raw()}}
	switch {
	case u.barred[base]:
		return carry
	case !fresh.Member(base).Exists():
		if u.keeps != nil && u.keeps(base) {
			return carry
		}
		return nil
	case fhir.Equal(old, now):
		return nil
	}
	if u.differs != nil && base == name {
		u.differs(base)
	}
	if u.wins == nil || u.wins(base) {
		return nil
	}
	return carry
}

// identifiers carries stored identifiers that the fresh resource lacks. A number of a national
// register is one: the fresh one replaces the stored one.
func identifiers(old, fresh fhir.Node) []fhir.Edit {
	told := map[string]bool{}
	for n := range fresh.Children() {
		system := n.Member("system").Text()
		told[system] = registers[system]
	}
	var out []fhir.Edit
	for _, n := range lacking(old, fresh, identifierKey) {
		if !told[n.Member("system").Text()] {
			out = append(out, fhir.Edit{Path: []string{"identifier"}, JSON: n.Raw(), Append: true})
		}
	}
	return out
}

// registered adds to the stored identifiers those of the fresh resource that are not of a national register.
func registered(old, fresh fhir.Node) fhir.Edit {
	var all []string
	for n := range old.Children() {
		all = append(all, n.Raw())
	}
	for _, n := range lacking(fresh, old, identifierKey) {
		if !registers[n.Member("system").Text()] || n.Member("system").Text() == agbSystem && !has(old, agbSystem) {
			all = append(all, n.Raw())
		}
	}
	return fhir.Edit{Path: []string{"identifier"}, JSON: "[" + strings.Join(all, ",") + "]"}
}

// has reports whether some identifier is of a system.
func has(identifiers fhir.Node, system string) bool {
	for n := range identifiers.Children() {
		if n.Member("system").Text() == system {
			return true
		}
	}
	return false
}

// registers are the identifier systems in which a person or organisation has one number.
var registers = map[string]bool{bsnSystem: true, bigSystem: true, uraSystem: true, agbSystem: true, uzoviSystem: true}

// extensions carries stored extensions that the fresh resource lacks.
func (u union) extensions(old, fresh fhir.Node) []fhir.Edit {
	var out []fhir.Edit
	for _, n := range lacking(old, fresh, extensionKey) {
		if u.extension != nil && u.extension(n) {
			out = append(out, fhir.Edit{Path: []string{"extension"}, JSON: n.Raw(), Append: true})
		}
	}
	return out
}

// lacking returns the items of old whose key the fresh list lacks.
func lacking(old, fresh fhir.Node, key func(fhir.Node) string) []fhir.Node {
	have := map[string]bool{}
	for n := range fresh.Children() {
		have[key(n)] = true
	}
	var out []fhir.Node
	for n := range old.Children() {
		if !have[key(n)] {
			out = append(out, n)
		}
	}
	return out
}

func identifierKey(n fhir.Node) string {
	return n.Member("system").Text() + "|" + n.Member("value").Text()
}

// extensionKey is the URL, for bron-record with the source system, for source-member with the pointer.
func extensionKey(n fhir.Node) string {
	return n.Member("url").Text() + "|" + part(n, "ura").Text() + "|" + part(n, "applicatie").Text() + "|" + part(n, "pointer").Text()
}

// setting is one record version that wrote a resource.
type setting struct {
	source   string // {ura}/{app} part of the identifier system
	at       time.Time
	elements map[string]bool // members that it set; nil: all
}

// settings returns who wrote a resource of the child, from its Provenances.
func (m *mapper) settings(ref fhir.Ref) ([]setting, error) {
	if m.child.found == nil {
		return nil, nil
	}
	if m.provenances == nil {
		all, err := m.known.Child(m.child.ref, "Provenance")
		if err != nil {
			return nil, fmt.Errorf("mks.settings: %w", err)
		}
		m.provenances = append(all, nil) // not nil: looked up
	}
	var out []setting
	for _, p := range m.provenances {
		for target := range found(p).All("target") {
			if target.Member("reference").Text() == ref.String() {
				out = append(out, settingOf(found(p), target))
			}
		}
	}
	return out, nil
}

func settingOf(p, target fhir.Node) setting {
	s := setting{source: p.At("entity", "what", "identifier", "system").Text()}
	if i := strings.LastIndexByte(s.source, '/'); i > 0 {
		s.source = s.source[:i]
	}
	at, err := time.Parse(time.RFC3339Nano, p.Member("occurredDateTime").Text())
	if err == nil {
		s.at = at
	}
	for e := range target.All("extension") {
		if e.Member("url").Text() != element.StructureDefinition("gewijzigd-element") {
			continue
		}
		if s.elements == nil {
			s.elements = map[string]bool{}
		}
		_, member, _ := strings.Cut(e.Member("valueString").Text(), ".")
		s.elements[member] = true
	}
	return s
}

// setter returns the setting that a member is from: the latest that names it, else the latest that
// names none.
func setter(all []setting, member string) setting {
	var named, any setting
	for _, s := range all {
		if s.elements[member] && !s.at.Before(named.at) {
			named = s
		}
		if s.elements == nil && !s.at.Before(any.at) {
			any = s
		}
	}
	if named.source != "" {
		return named
	}
	return any
}

// latest returns a union in which, per member, the record with the latest vastgelegdOp wins.
func (m *mapper) latest(all []setting) union {
	return union{
		wins: func(member string) bool {
			s := setter(all, member)
			return s.source == m.head.base() || !m.head.recordedAt.Before(s.at)
		},
		keeps: func(member string) bool {
			return setter(all, member).source != m.head.base()
		},
	}
}

// directoryUnion unites an Organization or Practitioner: the source that wrote it and the organisation
// itself change it, others only add what it lacks. Of a registered organisation the number and the kind are the
// operator's, who gives access by them.
func (m *mapper) directoryUnion(stored *mapping.Found, ura string) union {
	base, _, _ := strings.Cut(found(stored).At("meta", "source").Text(), "#")
	mine := base == m.head.base() || ura != "" && ura == m.head.ura
	u := union{
		wins:      func(string) bool { return mine },
		keeps:     func(string) bool { return true },
		extension: func(fhir.Node) bool { return true },
		source:    !mine,
	}
	if stored != nil && stored.Resource.Type() == "Organization" && stored.Custodian.Current() == stored.Resource.Ref().Current() {
		u.numbers = true
		if found(stored).Member("type").Exists() {
			u.barred = map[string]bool{"type": true}
		}
	}
	return u
}
