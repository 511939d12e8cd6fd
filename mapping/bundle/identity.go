package bundle

import (
	"slices"
	"strings"
	"time"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
)

// mapper maps one Bundle.
type mapper struct {
	content content
	holder  fhir.Ref
	known   mapping.Known
	now     time.Time
	names   map[string]fhir.Ref // fullUrl and Type/id of an entry → what it becomes
	made    map[string]bool     // Type/id of what the entries become
	places  []place             // of content.entries
	patient fhir.Ref
	file    map[fhir.Type][]*mapping.Found // what is stored of the child, by type
	issues  []fhir.Issue
}

// place is what an entry becomes.
type place struct {
	ref  fhir.Ref
	kept *fhir.Resource // another organisation holds it: it is referred to and stays as it is
}

// locate finds the place of every entry, the child first: persons around it are known within its file.
func (m *mapper) locate() error {
	for _, patients := range []bool{true, false} {
		for i, e := range m.content.entries {
			if (e.resource.Type() == "Patient") != patients {
				continue
			}
			p, err := m.place(e)
			if err != nil {
				return err
			}
			if patients {
				m.patient = p.ref
			}
			m.places[i] = p
			m.name(e, p.ref)
		}
	}
	return nil
}

// name remembers how other entries refer to an entry.
func (m *mapper) name(e entry, ref fhir.Ref) {
	m.made[ref.String()] = true
	if e.fullURL != "" {
		m.names[e.fullURL] = ref
	}
	if e.resource.ID() != "" {
		m.names[e.resource.Ref().String()] = ref
	}
}

// place finds what an entry is in the store: what bears one of its identifiers, else what the same
// sender pushed under the same name.
func (m *mapper) place(e entry) (place, error) {
	t := e.resource.Type()
	found, err := m.identified(e)
	if err != nil {
		return place{}, err
	}
	if found != nil {
		p := place{ref: found.Resource.Ref()}
		if !m.holds(found) || t == "Organization" { // names, numbers and kinds come with a registration
			p.kept = found.Resource
		}
		return p, nil
	}
	name := e.fullURL
	if name == "" {
		name = m.content.key.String() + "/" + e.pointer
	}
	ref := fhir.Ref{Type: t, ID: mapping.ID("fhir/" + m.holder.ID + "/" + string(t) + "/" + name)}
	stored, err := m.known.Read(ref)
	if err == nil && stored != nil && t == "Organization" {
		return place{ref: ref, kept: stored.Resource}, nil
	}
	if err == nil && stored != nil && m.ofAnother(e, stored.Resource) {
		m.issues = append(m.issues, fault(e.path, "business-rule", "bundle-child",
			"This fullUrl was pushed for another child before; give the resource a fullUrl of its own."))
	}
	return place{ref: ref}, err
}

// ofAnother reports whether what was pushed under the name of an entry is about another child.
func (m *mapper) ofAnother(e entry, stored *fhir.Resource) bool {
	if e.resource.Type() != "Patient" {
		child := subjects(stored)
		return len(child) > 0 && !slices.Contains(child, m.patient.String())
	}
	for n := range e.resource.Root().All("identifier") {
		id := identifierAt(n)
		for old := range stored.Root().All("identifier") {
			if kept := identifierAt(old); id.Value != "" && kept.System == id.System && kept.Value != id.Value {
				return true
			}
		}
	}
	return false
}

func (m *mapper) holds(f *mapping.Found) bool { return f.Custodian.Current() == m.holder.Current() }

// identified returns the stored resource that an entry names by a business identifier, nil when there
// is none. A child is one person by its national number, whoever holds the file (access.md 5); staff
// and organisations are by any identifier. All else is known again only to who holds it, and only
// within the file of the child. That two numbers are those of two children is said only of what the
// sender holds.
func (m *mapper) identified(e entry) (*mapping.Found, error) {
	t := e.resource.Type()
	var out *mapping.Found
	for n := range e.resource.Root().All("identifier") {
		id := identifierAt(n)
		if id.Value == "" {
			continue
		}
		found, err := m.bearing(t, id)
		if err != nil {
			return nil, err
		}
		for _, f := range found {
			if !m.same(t, id, f) || out != nil && out.Resource.Ref() == f.Resource.Ref() {
				continue
			}
			if out != nil && m.holds(out) && m.holds(f) {
				m.issues = append(m.issues, fault(e.path+".identifier", "business-rule", "bundle-identity",
					"The identifiers of this resource are those of two stored ones; send one of them."))
			}
			if out == nil || m.holds(f) { // else the oldest
				out = f
			}
		}
	}
	return out, nil
}

// same reports whether a stored resource with the identifier is the one that is meant.
func (m *mapper) same(t fhir.Type, id fhir.Identifier, f *mapping.Found) bool {
	shared := auth.IsDirectory(t) && t != "PractitionerRole" // for whom staff acts, each sender says of its own
	return m.holds(f) || shared || (t == "Patient" || t == "RelatedPerson") && auth.IsNational(id.System)
}

// bearing returns the stored resources of a type with an identifier: of all for a child, staff and
// organisations, else of the child's file.
func (m *mapper) bearing(t fhir.Type, id fhir.Identifier) ([]*mapping.Found, error) {
	if t == "Patient" || auth.IsDirectory(t) {
		return m.known.Identified(t, id)
	}
	file, read := m.file[t]
	if !read {
		var err error
		if file, err = m.known.Child(m.patient, t); err != nil {
			return nil, err
		}
		m.file[t] = file
	}
	return slices.DeleteFunc(slices.Clone(file), func(f *mapping.Found) bool {
		for n := range f.Resource.Root().All("identifier") {
			if identifierAt(n) == id {
				return false
			}
		}
		return true
	}), nil
}

// subjects returns the patients that a resource names, as Type/id.
func subjects(r *fhir.Resource) []string {
	var out []string
	for _, ref := range auth.FactsOf(r, nil, nil).Patients {
		out = append(out, ref.Current().String())
	}
	return out
}

// rename returns a resource as it is stored: under its own id, with references to what the other
// entries became.
func (m *mapper) rename(e entry, ref fhir.Ref) (*fhir.Resource, error) {
	edits := []fhir.Edit{{Path: []string{"id"}, JSON: `"` + ref.ID + `"`}}
	if !e.resource.Root().At("meta", "source").Exists() {
		edits = append(edits, fhir.Edit{Path: []string{"meta", "source"}, JSON: `"urn:uuid:` + m.recordID() + `"`})
	}
	r, err := e.resource.Edit(edits...)
	if err != nil {
		return nil, err
	}
	r, err = r.MapReferences(func(text string) string {
		if ref, ok := m.resolve(e, text); ok {
			return ref
		}
		return text
	})
	if err != nil {
		return nil, err
	}
	for text := range r.References() {
		if !strings.HasPrefix(text, "#") && !absolute(text) && !m.made[text] {
			m.issues = append(m.issues, fault(e.path, "not-found", "bundle-reference",
				"A reference names nothing in this Bundle; add the resource, or refer by identifier or absolute URL."))
			break
		}
	}
	return r, nil
}

// aboutChild reports whether a resource that names whom it is about names the child of the push, or
// something else of the Bundle, such as a device. By an identifier, or elsewhere, it would stand in the
// file of nobody, or of another.
func (m *mapper) aboutChild(r *fhir.Resource) bool {
	for _, name := range []string{"subject", "patient", "for", "beneficiary"} {
		who := r.Root().Member(name)
		if auth.IsDirectory(r.Type()) || who.Shape() != fhir.Object {
			continue
		}
		text := who.Member("reference").Text()
		if !m.made[text] || strings.HasPrefix(text, "Patient/") && text != m.patient.Current().String() {
			return false
		}
	}
	return true
}

// recordID is one id for all resources of the record: they have one source.
func (m *mapper) recordID() string {
	return mapping.ID("fhir/" + m.holder.ID + "/" + m.content.key.String())
}

// resolve follows a reference within the Bundle (R4, resolving references in Bundles).
func (m *mapper) resolve(e entry, text string) (string, bool) {
	name, _, _ := strings.Cut(text, "/_history/")
	if ref, ok := m.names[name]; ok {
		return ref.String(), true
	}
	if absolute(name) {
		return "", false
	}
	if base, ok := strings.CutSuffix(e.fullURL, e.resource.Ref().String()); ok && e.resource.ID() != "" {
		if ref, ok := m.names[base+name]; ok {
			return ref.String(), true
		}
	}
	return "", false
}

// absolute reports whether a reference is a URL that a server elsewhere answers.
func absolute(text string) bool {
	return strings.HasPrefix(text, "http://") || strings.HasPrefix(text, "https://")
}
