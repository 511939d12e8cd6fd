// Package mapping is the kit that every source format shares: the Format interface, sources,
// results, trace, loss report and deterministic ids. It refuses the rules of any one format.
package mapping

import (
	"time"

	"github.com/drieluik/drieluik/fhir"
)

// Format is one source format. All methods are pure.
type Format interface {
	// Schema returns the value of the member "schema", such as "mks-bron/1".
	Schema() string
	// Read checks a parsed source document alone: form, lists, identifiers. Issues carry JSON
	// pointers and rule ids. The Source is usable for Map even with errors, so that Map can find
	// the other faults in the same answer.
	Read(doc *fhir.Resource, now time.Time) (Source, []fhir.Issue)
	// Map maps a source to FHIR with what is already stored. All faults come back as
	// Result.Issues; the error is for failed look-ups alone.
	Map(s Source, k Known, now time.Time) (Result, error)
	// Back rebuilds source documents from FHIR: one document, or a JSON array of several. by names the
	// source of what names none of its own. With an error among the issues there is no document.
	Back(rs []*fhir.Resource, by Origin) ([]byte, []fhir.Issue, error)
}

// Admitter is a Format whose records several organisations may send: who may send this version hangs on
// what is stored.
type Admitter interface {
	// Admits reports whether Source.Holder may send the document; else the answer is push-sender, before
	// anything is told of what is stored. The error is for failed look-ups alone.
	Admits(Source, Known) (bool, error)
}

// Origin is the source system in whose name FHIR of another origin is turned into documents: that of
// the caller.
type Origin struct {
	Organization fhir.Identifier // such as its URA
	Application  string          // id of the application: lower-case letters, digits, hyphens
	Name         string          // of the source system
}

// Source is a source document that was read.
type Source struct {
	Schema  string
	Record  string          // key of the record without its version: the idempotence key is Record and Version
	Version int             // version of the record, from 1
	Sender  fhir.Identifier // organisation that sent it, such as its URA
	Child   []fhir.Identifier
	Doc     *fhir.Resource // the document
	Faulty  bool           // Read found errors
	Value   any            // the format's own reading of Doc
	// Foreign: the document is FHIR as the sender wrote it, so that each resource is judged like a
	// write of the sender; and Record is unique to its sender alone.
	Foreign bool
	// Senders are further organisations that may send the document, besides Sender.
	Senders  []fhir.Identifier
	Versions Versions
	Holder   fhir.Ref // organisation that pushes, set between Read and Map
	// Arrives: the document is pushed, so that the beginning of a record is judged too, and who takes a step
	// of it; set between Read and Map. A conversion and an import take what there is.
	Arrives bool
}

// Versions are how a format calls the version of its documents, and the rules that a version breaks which
// was stored with another content, or lies below one that is stored. Its zero value is that of mks-bron/1.
type Versions struct{ Pointer, Changed, Lower string }

// Known answers what a mapping must look up. It is one consistent snapshot; exchange records every
// answer as relied on, so that Commit can say Conflict when one has moved.
type Known interface {
	// Read returns the current version of a resource, or nil when there is none.
	Read(fhir.Ref) (*Found, error)
	// Identified returns the current resources of t with that business identifier.
	Identified(t fhir.Type, id fhir.Identifier) ([]*Found, error)
	// Child returns the current resources of the types in the compartment of a patient.
	Child(patient fhir.Ref, types ...fhir.Type) ([]*Found, error)
	// Stored returns the versions of a record that were stored, in ascending order.
	Stored(record string) ([]int, error)
}

// Found is one stored resource with the facts that mappings need.
type Found struct {
	Resource  *fhir.Resource
	Version   int
	Updated   time.Time
	Custodian fhir.Ref // organisation
	Author    fhir.Ref
}

// Mapped is one resource to write.
type Mapped struct {
	Resource  *fhir.Resource
	Custodian fhir.Ref // zero: stays as stored, on a new resource Result.Sender
	Author    fhir.Ref // zero: as Custodian
	Stub      bool     // a Patient known by identifiers alone: it has no custodian and no author
	Path      string   // Foreign: place of the resource in the document, a FHIRPath; "" for what the mapping made
	// Sent is what a Foreign document says of a resource that another organisation holds: it is
	// judged as if it were new, and Resource is what is stored, so that no answer tells which it is.
	Sent *fhir.Resource
}

// Trace says where one member of the source went.
type Trace struct {
	Pointer  string   // RFC 6901, in the source document
	Elements []string // FHIRPath with Type/id, such as "Patient/x.name[0].family"
}

// Result is what a source document became.
type Result struct {
	Resources []Mapped // to create or update, in source order, Provenance last
	Anchor    fhir.Ref // the resource that carries the record
	Patient   fhir.Ref // the child
	Sender    fhir.Ref // the sending Organization: custodian and author of what is new
	Trace     []Trace
	Issues    []fhir.Issue // what Read did not report; with an error nothing may be stored
}
