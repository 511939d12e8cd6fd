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
}

// Clause is one condition: any of its values. The clauses of a Plan are joined by and.
type Clause struct {
	Param    string // "_id" and "_lastUpdated" are clauses too (Token, Date)
	Kind     Kind
	Modifier string // "", "exact", "contains", "missing", "not", "identifier", or a type name
	Values   []Value
}

// Sort is one key of an order.
type Sort struct {
	Param string
	Kind  Kind
	Desc  bool
}

// Plan is a parsed search of one resource type.
type Plan struct {
	Type   fhir.Type
	Where  []Clause
	Sort   []Sort
	Count  int    // page size, 0 for a count alone
	Total  bool   // whether Page.Total is wanted
	Cursor string // opaque position of the store, from Page.Next; "" for the first page
}

// Options of Parse.
type Options struct {
	Base     string    // FHIR base URL: references under it are local
	MaxCount int       // upper bound of _count; 0: none
	Count    int       // _count when the query has none
	Now      time.Time // for the prefix ap of dates; zero: time.Now
}

// Param describes one search parameter of a resource type, for the CapabilityStatement.
type Param struct {
	Code       string
	Kind       Kind
	Definition string // canonical URL
	Modifiers  []string
}
