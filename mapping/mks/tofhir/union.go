package tofhir

import (
	"fmt"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
	"github.com/drieluik/drieluik/mapping/element"
	"github.com/drieluik/drieluik/mapping/mks/record"
	"github.com/drieluik/drieluik/mapping/rebuild"
)

// Union says how a resource is united with what is stored (mks.md 2.6). Identifiers are always of
// both. The zero union keeps nothing but those.
type Union struct {
	// wins reports whether the fresh value of a member stands where it differs from the stored one.
	wins func(member string) bool
	// Keeps reports whether a stored member stands that the fresh resource lacks.
	Keeps func(member string) bool
	// Barred members are as stored, whatever the fresh resource has.
	Barred map[string]bool
	// Extension reports whether a stored extension stands that the fresh resource lacks.
	Extension func(fhir.Node) bool
	numbers   bool     // those of national registers are as stored
	Labels    []string // JSON of stored labels that stay
	source    bool     // meta.source stays as stored
	Differs   func(member string)
}

// AddUnited adds a resource that unites with the stored one.
func (m *Mapper) AddUnited(r proto.Message, a About, stored *mapping.Found, u Union) {
	m.Add(r, a)
	m.Added[len(m.Added)-1].Unite(stored, u)
}

// AddShared is AddUnited for a person or an organisation that the record may name twice. It reports
// whether an earlier item of the record made it: then that one stands and gets the identifiers of this,
// and the caller keeps what this one says otherwise.
func (m *Mapper) AddShared(r proto.Message, a About, stored *mapping.Found, u Union) bool {
	ref := fhir.Ref{Type: element.TypeOf(r), ID: a.ID}
	for i := range m.Added {
		if m.Added[i].Ref == ref && m.Added[i].message != nil {
			element.ShareIdentifiers(m.Added[i].message, r)
			return true
		}
	}
	m.AddUnited(r, a, stored, u)
	return false
}

// Unite makes a resource unite with a stored one when it becomes a tree.
func (a *Added) Unite(stored *mapping.Found, u Union) { a.stored, a.union = stored, &u }

// Tree returns the resource as it will be written.
func (a *Added) Tree() (*fhir.Resource, error) {
	if a.Edited != nil {
		return a.Edited, nil
	}
	fresh, err := fhir.FromProto(a.message)
	if err != nil {
		return nil, fmt.Errorf("mks.tree: %s: %w", a.Ref.Type, err)
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
		return nil, fmt.Errorf("mks.tree: unite %s: %w", a.Ref.Type, err)
	}
	return united, nil
}

// edits returns what turns the fresh resource into the united one.
func (u Union) edits(stored, fresh fhir.Node) []fhir.Edit {
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
	for name := range u.Barred {
		if fresh.Member(name).Exists() && !stored.Member(name).Exists() {
			out = append(out, fhir.Edit{Path: []string{name}})
		}
	}
	if source := stored.At("meta", "source"); u.source && source.Exists() {
		out = append(out, fhir.Edit{Path: []string{"meta", "source"}, JSON: source.Raw()})
	}
	for _, l := range u.Labels {
		out = append(out, fhir.Edit{Path: []string{"meta", "security"}, JSON: l, Append: true})
	}
	return out
}

// member returns the edit for one member: none when the fresh state stands.
func (u Union) member(name string, old, fresh fhir.Node) []fhir.Edit {
	base := strings.TrimPrefix(name, "_")
	now := fresh.Member(name)
	carry := []fhir.Edit{{Path: []string{name}, JSON: old.Raw()}}
	switch {
	case u.Barred[base]:
		return carry
	case !fresh.Member(base).Exists():
		if u.Keeps != nil && u.Keeps(base) {
			return carry
		}
		return nil
	case fhir.Equal(old, now):
		return nil
	}
	if u.Differs != nil && base == name {
		u.Differs(base)
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
	for _, n := range lacking(old, fresh, IdentifierKey) {
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
	for _, n := range lacking(fresh, old, IdentifierKey) {
		if !registers[n.Member("system").Text()] || n.Member("system").Text() == record.AGBSystem && !has(old, record.AGBSystem) {
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
var registers = map[string]bool{record.BSNSystem: true, record.BIGSystem: true, record.URASystem: true, record.AGBSystem: true, record.UZOVISystem: true}

// extensions carries stored extensions that the fresh resource lacks.
func (u Union) extensions(old, fresh fhir.Node) []fhir.Edit {
	var out []fhir.Edit
	for _, n := range lacking(old, fresh, extensionKey) {
		if u.Extension != nil && u.Extension(n) {
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

// IdentifierKey is "system|value" of a stored Identifier.
func IdentifierKey(n fhir.Node) string {
	return n.Member("system").Text() + "|" + n.Member("value").Text()
}

// extensionKey is the URL, for bron-record with the source system, for source-member with the pointer.
func extensionKey(n fhir.Node) string {
	return n.Member("url").Text() + "|" + rebuild.Part(n, "ura").Text() + "|" + rebuild.Part(n, "applicatie").Text() + "|" + rebuild.Part(n, "pointer").Text()
}

// Setting is one record version that wrote a resource.
type Setting struct {
	Source   string // {ura}/{app} part of the identifier system
	At       time.Time
	Elements map[string]bool // members that it set; nil: all
}

// Settings returns who wrote a resource of the child, from its Provenances.
func (m *Mapper) Settings(ref fhir.Ref) ([]Setting, error) {
	if m.Child.Found == nil {
		return nil, nil
	}
	if m.provenances == nil {
		all, err := m.Known.Child(m.Child.Ref, "Provenance")
		if err != nil {
			return nil, fmt.Errorf("mks.settings: %w", err)
		}
		m.provenances = append(all, nil) // not nil: looked up
	}
	var out []Setting
	for _, p := range m.provenances {
		for target := range Found(p).All("target") {
			if target.Member("reference").Text() == ref.String() {
				out = append(out, settingOf(Found(p), target))
			}
		}
	}
	return out, nil
}

func settingOf(p, target fhir.Node) Setting {
	s := Setting{Source: p.At("entity", "what", "identifier", "system").Text()}
	if i := strings.LastIndexByte(s.Source, '/'); i > 0 {
		s.Source = s.Source[:i]
	}
	at, err := time.Parse(time.RFC3339Nano, p.Member("occurredDateTime").Text())
	if err == nil {
		s.At = at
	}
	for e := range target.All("extension") {
		if e.Member("url").Text() != element.StructureDefinition("gewijzigd-element") {
			continue
		}
		if s.Elements == nil {
			s.Elements = map[string]bool{}
		}
		_, member, _ := strings.Cut(e.Member("valueString").Text(), ".")
		s.Elements[member] = true
	}
	return s
}

// Setter returns the setting that a member is from: the latest that names it, else the latest that
// names none.
func Setter(all []Setting, member string) Setting {
	var named, any Setting
	for _, s := range all {
		if s.Elements[member] && !s.At.Before(named.At) {
			named = s
		}
		if s.Elements == nil && !s.At.Before(any.At) {
			any = s
		}
	}
	if named.Source != "" {
		return named
	}
	return any
}

// Latest returns a union in which, per member, the record with the latest vastgelegdOp wins.
func (m *Mapper) Latest(all []Setting) Union {
	return Union{
		wins: func(member string) bool {
			s := Setter(all, member)
			return s.Source == m.Head.Base() || !m.Head.RecordedAt.Before(s.At)
		},
		Keeps: func(member string) bool {
			return Setter(all, member).Source != m.Head.Base()
		},
	}
}

// DirectoryUnion unites an Organization or Practitioner: the source that wrote it and the organisation
// itself change it, others only add what it lacks. Of a registered organisation the number and the kind are the
// operator's, who gives access by them.
func (m *Mapper) DirectoryUnion(stored *mapping.Found, ura string) Union {
	base, _, _ := strings.Cut(Found(stored).At("meta", "source").Text(), "#")
	mine := base == m.Head.Base() || ura != "" && ura == m.Head.URA
	u := Union{
		wins:      func(string) bool { return mine },
		Keeps:     func(string) bool { return true },
		Extension: func(fhir.Node) bool { return true },
		source:    !mine,
	}
	if stored != nil && stored.Resource.Type() == "Organization" && stored.Custodian.Current() == stored.Resource.Ref().Current() {
		u.numbers = true
		if Found(stored).Member("type").Exists() {
			u.Barred = map[string]bool{"type": true}
		}
	}
	return u
}
