package auth

import (
	"slices"
	"strings"

	"github.com/drieluik/drieluik/fhir"
)

// Directory is what policy knows of organisations, their staff and persons: types and country of an
// Organization, the Practitioner and Organization of a PractitionerRole, the links of a Person.
// A nil Directory knows nothing.
type Directory struct {
	orgs    map[string]orgEntry
	staff   map[string]staffEntry
	persons map[string][]fhir.Ref
}

type orgEntry struct {
	country string
	types   []Coding
}

type staffEntry struct{ practitioner, organization fhir.Ref }

// NewDirectory compiles directory resources (Organization, PractitionerRole) and Persons; others
// are left out. What a decision may ask for: Child.DirectoryNeeds, Principal.DirectoryNeeds, and
// the custodian of the resource.
func NewDirectory(resources []*fhir.Resource) *Directory {
	d := &Directory{orgs: map[string]orgEntry{}, staff: map[string]staffEntry{}, persons: map[string][]fhir.Ref{}}
	for _, r := range resources {
		if r == nil {
			continue
		}
		switch root := r.Root(); r.Type() {
		case "Organization":
			d.orgs[r.ID()] = orgEntry{country: strings.ToUpper(root.At("address", "country").Text()), types: readCodings(root, "type", "coding")}
		case "PractitionerRole":
			d.staff[r.ID()] = staffEntry{practitioner: refAt(root, "practitioner"), organization: refAt(root, "organization")}
		case "Person":
			d.persons[r.ID()] = refsAt(root, "link", "target")
		}
	}
	return d
}

// DirectoryNeeds returns what a Directory should hold to judge p: the organisation, and the Person
// of a user with several children.
func (p Principal) DirectoryNeeds() []fhir.Ref {
	var out []fhir.Ref
	if !p.Organization.IsZero() {
		out = append(out, p.Organization.Current())
	}
	if p.FHIRUser.Type == "Person" {
		out = append(out, p.FHIRUser.Current())
	}
	return out
}

// orgTypes returns the types of an organisation, and whether the organisation is known.
func (d *Directory) orgTypes(org fhir.Ref) ([]Coding, bool) {
	if d == nil || org.Type != "Organization" {
		return nil, false
	}
	e, ok := d.orgs[org.ID]
	return e.types, ok
}

func (d *Directory) country(org fhir.Ref) string {
	if d == nil || org.Type != "Organization" {
		return ""
	}
	return d.orgs[org.ID].country
}

// role returns the practitioner and organisation of a PractitionerRole.
func (d *Directory) role(ref fhir.Ref) (staffEntry, bool) {
	if d == nil || ref.Type != "PractitionerRole" {
		return staffEntry{}, false
	}
	e, ok := d.staff[ref.ID]
	return e, ok
}

// links returns the targets of a Person, and whether the Person is known.
func (d *Directory) links(person fhir.Ref) ([]fhir.Ref, bool) {
	if d == nil || person.Type != "Person" {
		return nil, false
	}
	l, ok := d.persons[person.ID]
	return l, ok
}

// caller is whom a principal is or acts for.
type caller struct{ organization, user fhir.Ref }

func (p *Principal) caller() caller { return caller{p.Organization, p.FHIRUser} }

// actsFor reports whether ref stands for the caller's organisation or user: one of them, or a
// PractitionerRole of one of them.
func (d *Directory) actsFor(ref fhir.Ref, c caller) bool {
	if ref.IsZero() {
		return false
	}
	if ref == c.organization || ref == c.user {
		return true
	}
	e, ok := d.role(ref)
	return ok && (!c.organization.IsZero() && e.organization == c.organization ||
		!c.user.IsZero() && e.practitioner == c.user)
}

// mustReport reports whether the organisation is of a kind with a duty to report to the social services.
func (d *Directory) mustReport(org fhir.Ref) bool {
	codes, _ := d.orgTypes(org)
	return slices.ContainsFunc(codes, func(c Coding) bool { return c.System == systemSwedishOrg && slices.Contains(reporters, c.Code) })
}

// careGiver reports whether the organisation is under the Swedish health-care act.
func (d *Directory) careGiver(org fhir.Ref) bool {
	codes, _ := d.orgTypes(org)
	return slices.Contains(codes, Coding{System: systemSwedishOrg, Code: "hsl"})
}

// readRef returns the literal reference of a Reference node, without version.
func readRef(n fhir.Node) fhir.Ref {
	ref, ok := fhir.ParseRef(n.Member("reference").Text())
	if !ok {
		return fhir.Ref{}
	}
	ref.ID = fhir.Interned(ref.ID)
	return ref.Current()
}

// refAt returns the literal reference at the names, zero when there is none.
func refAt(n fhir.Node, names ...string) fhir.Ref { return readRef(n.At(names...)) }

// refsAt returns every literal reference at the names.
func refsAt(n fhir.Node, names ...string) []fhir.Ref {
	var out []fhir.Ref
	for m := range n.All(names...) {
		if ref := readRef(m); !ref.IsZero() {
			out = append(out, ref)
		}
	}
	return out
}

// readCodings returns every Coding at the names.
func readCodings(n fhir.Node, names ...string) []Coding {
	var out []Coding
	for m := range n.All(names...) {
		if m.Shape() == fhir.Object {
			out = append(out, readCoding(m))
		}
	}
	return out
}

func readCoding(n fhir.Node) Coding {
	return Coding{System: fhir.Interned(n.Member("system").Text()), Code: fhir.Interned(n.Member("code").Text())}
}
