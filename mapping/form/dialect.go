package form

import "github.com/drieluik/drieluik/fhir"

// Dialect is what one format adds to the reading of a form: the ids of its rules and what is said of
// them. It is read only.
type Dialect struct {
	Schema string // name of the format, such as "mks-bron/1"
	Rules  Rules
	// Texts say of a rule what is wrong and what to do, in one sentence without values of the source.
	Texts map[string]string
	// Translated are the same in other languages; it may be nil.
	Translated map[string]fhir.Translations
	// Codes are the issue codes of rules; what is not named is a business-rule.
	Codes map[string]string
	// Spans are the members that begin and end something (Rules.Order).
	Spans []Span
	// Body is the member at which a document past the bounds is refused; "" is the document.
	Body string
}

// Rules are the ids of the rules of form. The rule of a broken format or code comes with the type.
type Rules struct {
	Missing   string // a required member is absent, null or empty
	Shape     string // the wrong JSON type
	Count     string // too few or too many in a list, or none of the members that an object needs one of
	Large     string // the document is past the bounds
	Unknown   string // a member that the tables do not name; information
	Empty     string // an optional member that is null, [] or {}; information. "": nothing is said of it
	Duplicate string // two items of a list have the same id. "": a rule of the format looks at ids
	Order     string // an end before its start. "": a rule of the format looks at them
	More      string // there are more faults than are told
}

// Span is a start and an end, both days or moments, or times of one day.
type Span struct {
	From, To string // members
	Apart    bool   // they may not be equal either
}

// text returns what is said of a rule.
func (d *Dialect) text(rule string) string {
	if t, ok := d.Texts[rule]; ok {
		return t
	}
	return "This value breaks rule " + rule + " of " + d.Schema + "."
}

// code returns the issue code of a rule.
func (d *Dialect) code(rule string) string {
	if c, ok := d.Codes[rule]; ok {
		return c
	}
	return "business-rule"
}
