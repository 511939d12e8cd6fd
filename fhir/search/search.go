// Package search turns a query string into a Plan and a resource into index rows. It owns the
// semantics of R4 search parameters and refuses SQL: fhir/store runs plans.
package search

import (
	"net/url"

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
	Param  string // code of the search parameter, such as "category"; "subject:identifier" for Reference.identifier
	Kind   Kind
	System string // token, quantity: system; reference: resource type of a local target
	Value  string // token: code; reference: id of a local target, else the URL; string: normalised text; uri: the uri; quantity: code of the unit
	// Low and High bound the value: dates in milliseconds since 1970 (inclusive, exclusive), numbers
	// with the implied precision of R4. Zero for other kinds. Open ends are ±math.MaxFloat64.
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

// Value is one alternative of a Clause.
type Value struct {
	Op        Op
	System    string
	AnySystem bool // token "code": any system. System "" with AnySystem false: "|code", no system
	Value     string
	Low, High float64
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
	Base     string // FHIR base URL: references under it are local
	MaxCount int    // upper bound of _count
	Count    int    // _count when the query has none
}

// Parse reads a query string into a Plan. Every fault is one issue: an unknown parameter names the
// known ones. Issues are errors; the Plan is usable only without them.
func Parse(t fhir.Type, query url.Values, o Options) (Plan, []fhir.Issue) { return Plan{}, nil }

// Index returns the index rows of r for every R4 search parameter of its type and of Resource,
// but not _id and _lastUpdated, which the store keeps itself. base is the FHIR base URL, under
// which absolute references are local.
func Index(r *fhir.Resource, base string) ([]Row, error) { return nil, nil }

// Param describes one search parameter of a resource type, for the CapabilityStatement.
type Param struct {
	Code       string
	Kind       Kind
	Definition string // canonical URL
	Modifiers  []string
}

// Params returns the parameters of t that Parse accepts, in alphabetical order.
func Params(t fhir.Type) []Param { return nil }
