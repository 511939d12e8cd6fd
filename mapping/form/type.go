package form

import (
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/drieluik/drieluik/fhir"
)

// Type is the type of a member. The zero Type takes anything.
type Type struct {
	name  string  // in the JSON Schema; "": it is written where it is used
	says  *Schema // the same as check, as far as JSON Schema can say it
	about string  // description in the JSON Schema
	shape fhir.Shape
	// check returns the rule that a text breaks, or "".
	check func(text string) string
	// fields are the members of an object; entries the type of every member of a free object.
	fields  Fields
	entries *Type
	atLeast bool     // at least one field must be present
	instant bool     // a moment, whose digits FHIR may write otherwise
	refs    []string // what a reference may name
}

// Object is an object with these members.
func Object(fs ...Field) Type { return Type{shape: fhir.Object, fields: fs} }

// Entries is an object whose members all are of one type, under any name.
func Entries(of Type) Type { return Type{shape: fhir.Object, entries: &of} }

// Bool is true or false.
func Bool() Type { return Type{shape: fhir.Bool} }

// Number is any number.
func Number() Type { return Type{shape: fhir.Number} }

// Above is a number greater than zero.
func Above(rule string) Type {
	return Type{shape: fhir.Number, check: when(aboveZero, rule), says: &Schema{ExclusiveMinimum: bound(0)}}
}

// Integer is a whole number from low to high, also written as 1.0 or 1e2.
func Integer(low, high int64, rule string) Type {
	return Type{shape: fhir.Number, says: &Schema{Type: "integer", Minimum: bound(low), Maximum: bound(high)}, check: when(func(s string) bool {
		n, ok := WholeNumber(s)
		return ok && n >= low && n <= high
	}, rule)}
}

// Named gives a type a place of its own in the JSON Schema. One name is one type.
func (t Type) Named(name string) Type { t.name = name; return t }

// AtLeastOne asks for one of the members of an object (Rules.Count).
func (t Type) AtLeastOne() Type { t.atLeast = true; return t }

// Refs says what a reference may name; Type.Kinds gives it back to the rules of the format. about is
// its description in the JSON Schema.
func (t Type) Refs(about string, kinds ...string) Type { t.about, t.refs = about, kinds; return t }

// Kinds returns what a reference may name, none for what is no reference.
func (t Type) Kinds() []string { return t.refs }

// Fields returns the members of an object.
func (t Type) Fields() Fields { return t.fields }

// Shape returns the JSON type of a value, fhir.Missing for one that takes anything.
func (t Type) Shape() fhir.Shape { return t.shape }

// Codes returns the codes of the closed lists that a value is of, none for another type.
func (t Type) Codes() []string {
	var out []string
	if t.says != nil {
		for _, l := range t.says.lists {
			out = append(out, l.Sorted()...)
		}
	}
	return out
}

// Accepts reports whether a text or number is one of the type; of another shape every text is.
func (t Type) Accepts(text string) bool { return t.check == nil || t.check(text) == "" }

// Code is one code of any of the closed lists.
func Code(rule string, lists ...List) Type {
	out := Type{shape: fhir.String, says: &Schema{lists: lists}, check: when(func(s string) bool {
		for _, l := range lists {
			if l.Has(s) {
				return true
			}
		}
		return false
	}, rule)}
	if len(lists) == 1 {
		out.name = lists[0].Name
	}
	return out
}

// Except leaves one code out of those of a list.
func (t Type) Except(code, rule string) Type {
	all := t.check
	t.name, t.says = "", &Schema{lists: t.says.lists, without: code}
	t.check = func(s string) string {
		if s == code {
			return rule
		}
		return all(s)
	}
	return t
}

// Checked is a text that a function holds to, and a JSON Schema as far as it can.
func Checked(valid func(string) bool, rule string, says Schema) Type {
	return Type{shape: fhir.String, check: when(valid, rule), says: &says}
}

// Pattern is a text that a regular expression matches from end to end.
func Pattern(expr, rule string) Type {
	re := regexp.MustCompile(`^(?:` + expr + `)$`)
	return Checked(re.MatchString, rule, Schema{Pattern: re.String()})
}

// Text is a text that is not blank, of at most so many characters, none of them one that a FHIR string
// refuses.
func Text(longest int, rule string) Type {
	return Checked(func(s string) bool { return filled(s, longest) }, rule, Schema{MaxLength: longest, Pattern: filledText})
}

// Trimmed is Text without white space at either end.
func Trimmed(longest int, rule string) Type {
	return Checked(func(s string) bool { return filled(s, longest) && strings.TrimSpace(s) == s }, rule,
		Schema{MaxLength: longest, Pattern: trimmedText})
}

// Line is Trimmed without line feeds.
func Line(longest int, rule string) Type {
	return Checked(func(s string) bool {
		return filled(s, longest) && strings.TrimSpace(s) == s && !strings.Contains(s, "\n")
	}, rule, Schema{MaxLength: longest, Pattern: trimmedLine})
}

// Date is a day that exists, YYYY-MM-DD.
func Date(rule string) Type {
	return Checked(func(s string) bool { return len(s) == 10 && validDate(s) }, rule, dateSchema)
}

// PartialDate is a year, a month or a day that exists.
func PartialDate(rule string) Type { return Checked(validDate, rule, partialDateSchema) }

// Instant is a moment of RFC 3339 with seconds and an offset that FHIR can write.
func Instant(rule string) Type {
	t := Checked(validInstant, rule, instantSchema)
	t.instant = true
	return t
}

func when(valid func(string) bool, rule string) func(string) string {
	return func(s string) string {
		if valid(s) {
			return ""
		}
		return rule
	}
}

func filled(s string, longest int) bool {
	return strings.TrimSpace(s) != "" && utf8.RuneCountInString(s) <= longest && !strings.ContainsFunc(s, control)
}

// control reports whether a character is one that a FHIR string refuses.
func control(r rune) bool { return r < ' ' && r != '\t' && r != '\r' && r != '\n' }

// WholeNumber reads a JSON number that has an integer value, also one written as 1.0 or 1e2.
func WholeNumber(s string) (int64, bool) {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return n, true
	}
	x, err := strconv.ParseFloat(s, 64)
	if err != nil || x != float64(int64(x)) || x > 1e15 || x < -1e15 {
		return 0, false
	}
	return int64(x), true
}

func aboveZero(s string) bool {
	x, err := strconv.ParseFloat(s, 64)
	return err == nil && x > 0
}

// validDate accepts YYYY, YYYY-MM and YYYY-MM-DD of an existing day.
func validDate(s string) bool {
	layouts := map[int]string{4: "2006", 7: "2006-01", 10: time.DateOnly}
	layout, ok := layouts[len(s)]
	if !ok {
		return false
	}
	_, err := time.Parse(layout, s)
	return err == nil && s[:4] != "0000"
}

// validInstant accepts RFC 3339 with an offset that FHIR can write. time.Parse alone would also take
// an hour of one digit and a comma before the fraction.
func validInstant(s string) bool {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil || s[:4] == "0000" || s[13] != ':' || strings.Contains(s, ",") {
		return false
	}
	_, seconds := t.Zone()
	return seconds <= 14*3600 && seconds >= -14*3600
}

// isPlainInstant reports whether FHIR writes an instant, which is a valid one, back as it came: Z or an offset behind
// it, and three digits of a fraction, six or none.
func isPlainInstant(s string) bool {
	moment, zulu := strings.CutSuffix(s, "Z")
	if !zulu {
		if len(s) < len("+00:00") || s[len(s)-3] != ':' {
			return false
		}
		moment = s[:len(s)-len("+00:00")]
	}
	_, fraction, found := strings.Cut(moment, ".")
	return !found || len(fraction) == 3 || len(fraction) == 6
}
