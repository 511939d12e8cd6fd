package form

import (
	"bytes"
	"encoding/json"
)

// Schema is a JSON Schema (draft 2020-12), as far as a form needs one. Its zero value accepts everything.
type Schema struct {
	Dialect              string     `json:"$schema,omitempty"`
	ID                   string     `json:"$id,omitempty"`
	Ref                  string     `json:"$ref,omitempty"`
	Title                string     `json:"title,omitempty"`
	Description          string     `json:"description,omitempty"`
	Comment              string     `json:"$comment,omitempty"`
	Type                 string     `json:"type,omitempty"`
	Const                any        `json:"const,omitempty"`
	Enum                 []any      `json:"enum,omitempty"`
	Pattern              string     `json:"pattern,omitempty"`
	MaxLength            int        `json:"maxLength,omitempty"` // in characters
	Minimum              *int64     `json:"minimum,omitempty"`
	Maximum              *int64     `json:"maximum,omitempty"`
	ExclusiveMinimum     *int64     `json:"exclusiveMinimum,omitempty"`
	Required             []string   `json:"required,omitempty"`
	Properties           Properties `json:"properties,omitempty"`
	MinProperties        int        `json:"minProperties,omitempty"`
	AdditionalProperties *Schema    `json:"additionalProperties,omitempty"`
	Items                *Schema    `json:"items,omitempty"`
	Contains             *Schema    `json:"contains,omitempty"`
	MinItems             int        `json:"minItems,omitempty"`
	MaxItems             int        `json:"maxItems,omitempty"`
	Not                  *Schema    `json:"not,omitempty"`
	If                   *Schema    `json:"if,omitempty"`
	Then                 *Schema    `json:"then,omitempty"`
	AllOf                []Schema   `json:"allOf,omitempty"`
	AnyOf                []Schema   `json:"anyOf,omitempty"`
	Defs                 Properties `json:"$defs,omitempty"`

	lists   []List // closed lists whose codes the value is one of
	without string // the code that is not
}

// Property is a named schema.
type Property struct {
	Name   string
	Schema Schema
}

// Properties keep the order of the tables.
type Properties []Property

// MarshalJSON writes an object with the members in their order.
func (p Properties) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, x := range p {
		if i > 0 {
			b.WriteByte(',')
		}
		name, err := json.Marshal(x.Name)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(x.Schema)
		if err != nil {
			return nil, err
		}
		b.Write(name)
		b.WriteByte(':')
		b.Write(value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

func bound(n int64) *int64 { return &n }

// What Text, Trimmed and Line ask for: no control characters but tab and line ends, and one that is no white space.
// The characters stand for themselves, so that every dialect of regular expressions reads the same.
const (
	controls    = "\x00-\x08\x0b\x0c\x0e-\x1f"
	whiteSpace  = "\t\n\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
	solid       = "[^" + controls + whiteSpace + "]"
	filledText  = "^[^" + controls + "]*" + solid + "[^" + controls + "]*$"
	trimmedText = "^" + solid + "([^" + controls + "]*" + solid + ")?$"
	trimmedLine = "^" + solid + "([^" + controls + "\n]*" + solid + ")?$"
)

// Days that exist, 29 February in leap years alone.
const (
	leapYear = `([0-9]{2}(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)`
	anyDay   = `([0-9]{4}-(0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|[0-9]{4}-(0[469]|11)-(0[1-9]|[12][0-9]|30)` +
		`|[0-9]{4}-02-(0[1-9]|1[0-9]|2[0-8])|` + leapYear + `-02-29)`
	ofTheDay = `([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]+)?`
	zone     = `(Z|[+-](0[0-9]|1[0-3]):[0-5][0-9]|[+-]14:00)`
)

// yearZero is refused: FHIR has no such year.
var yearZero = Schema{Pattern: "^0000"}

var (
	dateSchema        = Schema{Pattern: "^" + anyDay + "$", Not: &yearZero}
	partialDateSchema = Schema{Pattern: "^([0-9]{4}(-(0[1-9]|1[0-2]))?|" + anyDay + ")$", Not: &yearZero}
	instantSchema     = Schema{Pattern: "^" + anyDay + "T" + ofTheDay + zone + "$", Not: &yearZero}
	bsnSchema         = Schema{
		Pattern: "^[0-9]{9}$", Not: &Schema{Const: "000000000"},
		Comment: "A BSN also passes the 11-proef: nine times the first digit, eight times the second and so on to twice the eighth, less the last, is a multiple of 11.",
	}
)
