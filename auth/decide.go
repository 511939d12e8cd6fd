package auth

import (
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/search"
)

// Scopes is a granted scope list in canonical form (smart.md 4). ParseScopes makes it.
type Scopes struct{}

// ParseScopes reads a scope list. Tokens outside the grammar are dropped; an item that cannot be
// enforced is an error (invalid_scope).
func ParseScopes(list string) (Scopes, error) { return Scopes{}, nil }

// String returns the canonical list, separated by single spaces.
func (s Scopes) String() string { return "" }

// Intersect returns what both s and o grant (smart.md 4.3).
func (s Scopes) Intersect(o Scopes) Scopes { return s }

// Child is the compiled policy of one compartment. It is immutable and safe for concurrent use.
type Child struct {
	Patient fhir.Ref
	Epoch   int64
}

// FactTypes are the resource types that Material holds.
var FactTypes = [...]fhir.Type{"CareTeam", "Consent", "Flag", "Patient", "RelatedPerson", "Task"}

// NewChild compiles the material of one compartment. What it does not understand permits nothing
// and denies everything.
func NewChild(m Material) *Child { return nil }

// Directory is what policy knows of organisations and their staff: types of an Organization, and
// the Practitioner and Organization of a PractitionerRole.
type Directory struct{}

// NewDirectory compiles directory resources (Organization, PractitionerRole).
func NewDirectory(resources []*fhir.Resource) *Directory { return nil }

// FactsOf computes the facts of r that are written in r itself. patientsOf resolves a reference
// that only stands for patients (a RelatedPerson, the targets of a Provenance). Custodian, Author,
// FiledAt and Updated are left to the caller.
func FactsOf(r *fhir.Resource, rows []search.Row, patientsOf func(fhir.Ref) []fhir.Ref) ResourceFacts {
	return ResourceFacts{}
}

// IsDirectory reports whether t is a directory type (access.md 2.1).
func IsDirectory(t fhir.Type) bool { return false }

// IsAdmin reports whether t is an admin type (access.md 2.1).
func IsAdmin(t fhir.Type) bool { return false }

// Decide judges one action. Without Facts.Resource only phase A is judged and Permit means
// "go on". It is pure and total: every input has exactly one reason of access.md.
func Decide(p Principal, a Action, f Facts) Decision { return Decision{} }

// Filter is a decision compiled for the search of one type: the rows that pass. A row passes when
// Scopes hold and it is either of a directory type, an own record, or listed in Visible.
type Filter struct {
	None         bool                // nothing passes
	Directory    bool                // every row of the type passes
	Organization fhir.Ref            // rows with this custodian or author pass (own record)
	Patient      fhir.Ref            // rows whose patients are exactly this one; zero: any
	Visible      map[string][]string // compartment → ids that pass
	Scopes       [][]search.Clause   // granular scopes: any of, each all of; nil: no condition
}

// Compile returns the Filter of p for a search of a.Type. heads yields the facts of the stored
// resources of that type in each compartment that p has a relation to; Compile decides on each.
// The Decision is that of phase A: when it denies, the Filter passes nothing.
func Compile(p Principal, a Action, f Facts, heads func(c *Child) ([]ResourceFacts, error)) (Filter, Decision, error) {
	return Filter{None: true}, Decision{}, nil
}
