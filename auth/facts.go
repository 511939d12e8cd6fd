package auth

import (
	"time"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/search"
)

// Coding is a system and code.
type Coding struct{ System, Code string }

// ResourceFacts is what policy knows of one resource, access.md 2.1. It is computed at write and
// stored beside the head row, so that Decide and Filter never parse a body. The store keeps every
// member: a fact that is lost closes access that should be open.
type ResourceFacts struct {
	Ref       fhir.Ref   // with the version it speaks of
	Patients  []fhir.Ref // in id order; none for directory types
	Custodian fhir.Ref   // organisation, access.md 2.1
	Author    fhir.Ref
	FiledAt   time.Time // commit time of version 1; set by the store
	Updated   time.Time // commit time of this version; set by the store
	When      time.Time // zero: none in the resource
	Status    string
	Domains   []string // codes of mks-domein in meta.tag
	Labels    []Label
	Source    string     // meta.source without its fragment's version: one source record
	Codings   []Coding   // category, code, type, meta.tag; se-mote of a serviceType
	Refs      []fhir.Ref // literal references of the resource, for data meaning related and dependents
	// Parties are those a Consent names as organization or base actor, a Task as owner or requester,
	// a CareTeam as member or onBehalfOf. Of a DetectedIssue they are the custodian and author
	// organisations of what it implicates, which the caller adds: they are not in the resource.
	Parties   []fhir.Ref
	By        []fhir.Ref // who says it: Consent.performer, QuestionnaireResponse.source, Communication.sender, Provenance.agent.who
	Owner     fhir.Ref   // Task.owner
	Requester fhir.Ref   // Task.requester
	Doers     []fhir.Ref // CarePlan.activity.detail.performer
	Up        []fhir.Ref // partOf, basedOn, focus
	Down      []fhir.Ref // Composition section entries and encounter; goal, addresses, activity.reference
	Consent   *ConsentFacts
	Rights    bool   // bears custody, an access flag or a seal, which only the child's custodian writes
	Signed    bool   // Provenance.signature
	Rest      string // hash of all but the status of a Consent, Task or QuestionnaireResponse: what a change of status leaves alone
	// Granular holds the index rows that granular scopes may ask for: category, code, status, _tag, _security.
	Granular []search.Row
}

// ConsentFacts is what a write check needs of a Consent.
type ConsentFacts struct {
	Holders    []fhir.Ref // Consent.organization
	Other      bool       // of another scope than patient-privacy, such as a treatment directive: it opens nothing
	OpenPermit bool       // the base permits and names no actor
	Permits    bool       // some provision permits
	Device     bool       // a Device or an app is a permitted actor
	Permitted  []fhir.Ref // actors that some provision permits
	Member     fhir.Ref   // netwerk-toestemming: the RelatedPerson that it names
	Block      bool       // se-samtycke#sparr: what it names is hidden from others
	Blocked    []fhir.Ref // of a block: what it names; zero for what cannot be resolved
}

// Label is one coding of meta.security with the persons that a seal bars.
type Label struct {
	Coding
	Barred []fhir.Ref
}

// Settings are the operator's choices that decisions depend on.
type Settings struct {
	Jurisdiction   string    // nl, se: of a child that does not say
	ParentRead1215 string    // require-child-permit (default), deny-on-child-objection
	Policies       *Policies // tables of ages; nil: those of access.md 2.2
}

// Facts is all that Decide looks at beside the principal and the action. Children are those of the
// resource, read in one snapshot; in phase A, and for a care directory resource with Referrers, the
// token's patient.
type Facts struct {
	Now       time.Time
	Settings  Settings
	Resource  *ResourceFacts // nil: phase A alone is judged, and Permit means "go on"
	Children  []*Child       // in id order, one per patient of Resource
	Directory *Directory

	// Lookup gives the facts of another resource in the same snapshot, for Consents that share by
	// reference (Provision.data). A nil Lookup, or false, matches in a deny and not in a permit.
	Lookup func(fhir.Ref) (ResourceFacts, bool)
	// Referrers are resources of the token's patient that reference Resource. They are looked at
	// only when Resource is of a care directory type and the scopes are patient/ (CareDirectory).
	Referrers []ResourceFacts
	// Fresh are the Patients that the same write creates: nobody else keeps them yet.
	Fresh []fhir.Ref
}

// Material is what the store knows of one compartment, current versions only: the input of NewChild.
type Material struct {
	Compartment string // patient id
	Epoch       int64
	Resources   []Stored // Patient, RelatedPerson, CareTeam, Consent, Task, Flag of the child
}

// Stored is a resource tree with the facts that stand beside it.
type Stored struct {
	Resource *fhir.Resource
	Facts    ResourceFacts
}
