// Package search turns a query string into a Plan and a resource into index rows. It owns the
// semantics of R4 search parameters and refuses SQL: fhir/store runs plans.
package search

import (
	"time"

	"github.com/drieluik/drieluik/fhir"
)

// Kind is the type of a search parameter.
type Kind uint8

// Kinds of search parameters.
const (
	Token Kind = iota + 1
	Reference
	Date
	String
	Number
	Quantity
	URI
	Composite
	Special
)

// Row is one index row of a resource.
type Row struct {
	Param  string // code of the search parameter, such as "category"; "subject:identifier" for Reference.identifier; "code-value-date$1" for the first part of a composite
	Kind   Kind
	System string // token, quantity: system; reference: resource type of a local target
	Value  string // token: code; reference: id of a local target, else the URL; string: normalised text; uri: the uri; quantity: code of the unit
	// Low and High bound the value: dates in milliseconds since 1970 (inclusive, exclusive), a number
	// is a point (Low equals High), a Range its bounds, Location.position latitude and longitude.
	// Zero for other kinds. Open ends are ±math.MaxFloat64.
	Low, High float64
	Text      string // string: the text as sent, for :exact; quantity: the unit as shown
	Group     int32  // rows of one composite or one repetition share a group; 0: none
}

// Op compares a value with a row.
type Op uint8

// Ops, from the prefixes of R4.
const (
	Eq Op = iota
	Ne
	Gt
	Lt
	Ge
	Le
	Sa
	Eb
	Ap
)

// Value is one alternative of a Clause. Matches says how it meets a Row.
type Value struct {
	Op        Op
	System    string
	AnySystem bool // token "code", reference "id", quantity "5||mg": any system. System "" with AnySystem false: "|code", no system
	Value     string
	Low, High float64 // date, number, quantity: span of the query's value, as Op needs it
	Parts     []Value // composite: one per component, in their order
}

// Clause is one condition: any of its values. The clauses of a Plan are joined by and.
type Clause struct {
	Param    string // "_id" and "_lastUpdated" are clauses too (Token, Date)
	Kind     Kind
	Modifier string // one that Matches knows, or a type name
	Values   []Value
	Parts    []Kind   // composite: the kinds of its components
	Hops     []Hop    // the condition is on resources that this one leads to: any of them
	Any      []Clause // any of these; then no other member is set
	Hidden   []string // ids of resources that do not meet the clause: what it asks for is withheld of them
}

// Hop is a step of a chain, or of _has, to resources of one type. A store follows it through those
// rows alone that the filter of the type lets pass.
type Hop struct {
	Type  fhir.Type
	Back  string // reference parameter of Type that leads back to the resource searched (_has); "": Clause.Param leads to Type
	Where Clause // what the resource there must meet

	Hidden []string // _has: ids of resources there whose references by Back are withheld
}

// Sort is one key of an order.
type Sort struct {
	Param string
	Kind  Kind
	Desc  bool
}

// Include asks for resources beside the matches: with Back those that refer to a match
// (_revinclude), else those that a match refers to (_include).
type Include struct {
	Source  fhir.Type // type that holds the reference
	Param   string    // its reference parameter; "*": all
	Target  fhir.Type // type referred to; "": any
	Iterate bool      // also beside what is included
	Back    bool
}

// Part is the search of one type among several.
type Part struct {
	Type  fhir.Type
	Where []Clause
}

// Plan is a parsed search of one resource type, or of several.
type Plan struct {
	Type    fhir.Type // "" when Parts are searched
	Where   []Clause
	Parts   []Part // several types; their matches come in one order
	Sort    []Sort
	Include []Include
	Select  fhir.Selection // what of each resource is shown
	Count   int            // page size, 0 for a count alone
	Total   bool           // whether Page.Total is wanted
	Cursor  string         // opaque position of the store, from Page.Next; "" for the first page
	Within  fhir.Ref       // compartment that is searched, by a condition in Where or Parts
	Granted bool           // of several types, leave out those without a scope instead of refusing
	Ignored []string       // parameters that a lenient Parse left out, as sent
}

// All returns the types that are searched with their conditions.
func (p Plan) All() []Part {
	if p.Type != "" {
		return []Part{{p.Type, p.Where}}
	}
	return p.Parts
}

// Code is a code with its system, as a value set or a code system knows it.
type Code struct{ System, Code string }

// Options of Parse.
type Options struct {
	Base     string    // FHIR base URL: references under it are local
	MaxCount int       // upper bound of _count; 0: none
	Count    int       // _count when the query has none
	Now      time.Time // for the prefix ap of dates; zero: time.Now
	Lenient  bool      // leave unknown parameters out and name them in Plan.Ignored, with a warning each
	Terms
}

// Terms are what the modifiers on codes ask a terminology service.
type Terms struct {
	// Expand returns the codes of a value set, for :in and :not-in, and whether it is known. Nil: the
	// modifiers are refused.
	Expand func(valueSet string) ([]Code, bool)
	// Subsumed returns the code with all codes below it in its code system, or above it, for :below
	// and :above, and whether the code is known. Nil: the modifiers are refused.
	Subsumed func(code Code, above bool) ([]Code, bool)
}

// Param describes one search parameter of a resource type, for the CapabilityStatement.
type Param struct {
	Code       string
	Kind       Kind
	Definition string // canonical URL
	Modifiers  []string
	Targets    []string // reference: the types that it may refer to
}
