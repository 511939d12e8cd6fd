// Package exchange holds the use cases: decide, act, audit. Each reads top to bottom. It declares
// the Store that it needs and refuses HTTP and SQL.
package exchange

import (
	"context"
	"time"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/search"
)

// Store keeps resources durably. fhir/store implements it; storetest is its contract.
type Store interface {
	// View runs f on one consistent snapshot: data, facts and epochs together.
	View(ctx context.Context, f func(Snapshot) error) error
	// Commit writes a unit, all or nothing, and returns after it is durable. Conflict when
	// something it relied on has moved, Precondition when a Write.If fails, Unavailable when the
	// writer's queue is full.
	Commit(ctx context.Context, u Unit) ([]Written, error)
	// Lease takes or renews a named lease; false while another holder has it.
	Lease(ctx context.Context, name, holder string, ttl time.Duration) (bool, error)
}

// Snapshot reads one state of the store. It ends with the View that gave it.
type Snapshot interface {
	Lookups
	// Search runs a plan under a filter. Hidden rows change no match, total, page or order.
	Search(p search.Plan, f auth.Filter) (Page, error)
	// History returns versions, deletions too, newest first. NotFound when the resource of an
	// instance never was.
	History(span Span) (Page, error)
	// Audit returns the rows of a compartment's chain from seq, at most max.
	Audit(compartment string, seq int64, max int) ([]AuditRow, error)
	// Changes returns the notices after a position, at most max.
	Changes(after int64, max int) ([]Notice, error)
	// Due returns the children whom a rule of time must look at by an instant, the longest due first, at most max.
	Due(until time.Time, max int) ([]Due, error)
}

// Lookups are the reads without a plan.
type Lookups interface {
	// Read returns a version of a resource, the current one when ref names none.
	// NotFound, and Gone when it is deleted.
	Read(ref fhir.Ref) (Stored, error)
	// Identified returns the current resources of t that bear the identifier, of all compartments.
	Identified(t fhir.Type, id fhir.Identifier) ([]Stored, error)
	// Compartment returns the current resources of the types (all when none is given) in a
	// compartment, and its state.
	Compartment(id string, types ...fhir.Type) ([]Stored, State, error)
	// State returns the state of a compartment alone; zero for one that holds nothing.
	State(id string) (State, error)
	// Heads returns the facts of the current resources of t in a compartment, without bodies.
	Heads(compartment string, t fhir.Type) ([]auth.ResourceFacts, error)
	// Versions returns the current resources of the types in a compartment, with their versions alone, in no order.
	Versions(compartment string, types ...fhir.Type) ([]fhir.Ref, error)
	// Deleted returns the facts that the deleted resources of t in a compartment had last.
	Deleted(compartment string, t fhir.Type) ([]auth.ResourceFacts, error)
	// Related returns the compartments in which a current CareTeam, Consent, DetectedIssue or Task names the party.
	Related(party fhir.Ref) ([]string, error)
	// Held returns the compartments in which an organisation is custodian or author of a current resource, in
	// ascending order.
	Held(organization fhir.Ref) ([]string, error)
	// Strays returns the other compartments in which a current resource of t refers to a patient.
	Strays(t fhir.Type, patient string) ([]string, error)
	// Record returns the stored versions of a source record, in ascending order.
	Record(key string) ([]RecordVersion, error)
	// Recent returns the rows of a compartment's chain before seq (0: from its end), the newest first, at most max.
	Recent(compartment string, seq int64, max int) ([]AuditRow, error)
	// Settings returns the settings whose keys begin with prefix, which is ASCII, and lie behind after, in the
	// order of the bytes of their keys, at most max.
	Settings(prefix, after string, max int) ([]Setting, error)
}

// DirectoryCompartment and SystemCompartment hold what belongs to no child.
const (
	DirectoryCompartment = "_directory"
	SystemCompartment    = "_system"
)

// Stored is one version of a resource as it is kept.
type Stored struct {
	Ref     fhir.Ref // with version
	Updated time.Time
	Deleted bool
	Body    []byte // text without versionId and lastUpdated; see fhir.Serve
	MetaAt  int    // offset for fhir.Serve
	Facts   auth.ResourceFacts
}

// State is the write state of a compartment. Epoch moves with every write of a fact type
// (auth.FactTypes, Person), Writes with every write.
type State struct{ Epoch, Writes int64 }

// Page is one page of a search or a history.
type Page struct {
	Matches []Stored
	Total   int      // matches in all, when the plan wants it
	Next    string   // cursor of the next page, "" at the end
	Behind  []string // history: the cursor behind each match
}

// Span is what a history asks for: all versions of one resource, or those of the resources that pass
// a filter now. The caller decides on each version.
type Span struct {
	Ref     fhir.Ref                  // the resource, without version; zero: Filters say which
	Filters map[fhir.Type]auth.Filter // one for each type; granular scopes are not looked at
	Since   time.Time                 // versions of this instant or later; zero: all
	At      [2]time.Time              // versions that stood at some instant from the first and before the second; zero: all
	Count   int
	Cursor  string
}

// Unit is one atomic write.
type Unit struct {
	Writes  []Write
	Relied  []Reliance
	Audits  []Audit
	Notices []Notice
	Record  *RecordVersion // source record to remember
	Due     []Due          // the last one of a compartment counts
	// Settings are written with the rest; the last one of a key counts.
	Settings []Setting
	// Passed: notices up to this place are needed by nobody any more. The first of them go, at most MaxPassed,
	// but never the last notice of all. 0: none.
	Passed int64
}

// MaxPassed is how many notices one Unit removes at most.
const MaxPassed = 1000

// Setting is a value of the server's own beside the resources, such as how far a subscriber has been told.
type Setting struct {
	Key   string
	Value []byte // nil: there is none; none is empty
}

// Due says when a rule of time must look at a child next (Tick). A compartment without one is never looked at.
type Due struct {
	Compartment string
	At          time.Time // to the millisecond; zero: at once
	Never       bool      // nothing will be due until the child's record changes
}

// Write is one resource of a Unit.
type Write struct {
	Ref          fhir.Ref // Version is the version it will have: 1 creates, n updates version n-1
	Body         []byte   // empty: delete
	MetaAt       int
	Facts        auth.ResourceFacts // FiledAt and Updated are set by the store
	Rows         []search.Row
	Identifiers  []fhir.Identifier // looked up by Identified
	Compartments []string          // the first one keeps it; others index it
}

// Reliance is something that must not have moved since the snapshot: a resource version (0: absent),
// the state of a compartment, the ids behind an identifier, what a search found, or a setting.
type Reliance struct {
	Ref         fhir.Ref // with version; version 0: must not exist
	Compartment string
	State       State
	EpochOnly   bool // Compartment: compare Epoch, not Writes
	Identified  *Identified
	Sought      *Sought
	Setting     *Setting
}

// Sought is what a search found. Its plan has no cursor, and a count that holds more than it found.
type Sought struct {
	Plan   search.Plan
	Filter auth.Filter
	IDs    []string // in the order of the search
}

// Identified is the outcome of an identifier look-up.
type Identified struct {
	Type       fhir.Type
	Identifier fhir.Identifier
	IDs        []string // ascending
}

// Written says what became of a Write.
type Written struct {
	Ref     fhir.Ref // with version
	Updated time.Time
	Counts  []int64 // State.Writes of each of the Write's compartments, behind it
}

// RecordVersion is one stored version of a source record (mks.md 2.2).
type RecordVersion struct {
	Key         string
	Version     int
	Compartment string
	Hash        [32]byte // of the document as JSON value
	Result      []byte   // answer to repeat
}

// Audit is one AuditEvent to chain (access.md 8). Body is the complete resource but for the
// recorded instant, which the store splices in at RecordedAt when it knows the commit time.
type Audit struct {
	Compartment string
	Body        []byte
	RecordedAt  int
}

// AuditRow is one row of a chain.
type AuditRow struct {
	Compartment string
	Seq         int64
	At          time.Time
	Prev, Hash  [32]byte
	Body        []byte
}

// Notice is one entry of the outbox.
type Notice struct {
	Seq         int64 // set by the store
	Compartment string
	Ref         fhir.Ref
	Kind        string // create, update, delete
}
