package search

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/drieluik/drieluik/fhir"
)

// query is one alternative of one condition, still escaped.
type query struct {
	text      string
	parameter *parameter
	modifier  string
	options   *Options
}

// valueParser reads one alternative. A fault is what the parameter needs instead, without the value.
type valueParser func(q query) (v Value, fault string)

// parsers are the kinds that Parse accepts.
var parsers = map[Kind]valueParser{
	Token: token, Reference: referenceValue, Date: date, String: text, Number: numberValue,
	Quantity: quantityValue, URI: uriValue, Composite: compositeValue,
}

// partParsers are the kinds of a component of a composite.
var partParsers = map[Kind]valueParser{
	Token: token, Reference: referenceValue, Date: date, String: text, Number: numberValue,
	Quantity: quantityValue, URI: uriValue,
}

// compositeValue reads one value for each component, with dollar signs between them.
func compositeValue(q query) (Value, string) {
	parts := split(q.text, '$')
	if len(parts) != len(q.parameter.components) {
		return Value{}, fmt.Sprintf(`needs %d values with $ between them; write \$ for a dollar sign in a value.`, len(q.parameter.components))
	}
	out := Value{Parts: make([]Value, len(parts))}
	for i, part := range parts {
		parse, ok := partParsers[q.parameter.components[i].kind]
		if !ok {
			return Value{}, "has a component that cannot be searched."
		}
		v, fault := parse(query{text: part, parameter: q.parameter, options: q.options})
		if fault != "" {
			return Value{}, "in part " + strconv.Itoa(i+1) + " " + fault
		}
		out.Parts[i] = v
	}
	return out, ""
}

const needsValue = "needs a value."

func missing(q query) (Value, string) {
	if q.text != "true" && q.text != "false" {
		return Value{}, "with :missing needs one of true, false."
	}
	return Value{Value: q.text}, ""
}

// token reads code, system|code, |code or system|.
func token(q query) (Value, string) {
	if q.text == "" || q.text == "|" {
		return Value{}, needsValue
	}
	parts := split(q.text, '|')
	if len(parts) > 2 {
		return Value{}, `needs system|code; write \| for a bar in a value.`
	}
	if len(parts) == 1 {
		return Value{AnySystem: true, Value: unescape(parts[0])}, ""
	}
	return Value{System: unescape(parts[0]), Value: unescape(parts[1])}, ""
}

// referenceValue reads id, Type/id, a URL, or with a type as modifier an id of that type.
func referenceValue(q query) (Value, string) {
	s := unescape(q.text)
	if s == "" {
		return Value{}, needsValue
	}
	row := referenceRow(s, q.options.Base)
	if fhir.ValidID(s) {
		return Value{System: q.modifier, Value: s, AnySystem: q.modifier == ""}, ""
	}
	if row.System == "" && !strings.Contains(s, ":") {
		return Value{}, "needs an id, Type/id or a URL."
	}
	if row.System != "" && q.modifier != "" && row.System != q.modifier {
		return Value{}, "names another type than its modifier."
	}
	return Value{System: row.System, Value: row.Value}, ""
}

// ofType reads system|code|value: the type of an identifier and its value.
func ofType(q query) (Value, string) {
	parts := split(q.text, '|')
	if len(parts) != 3 || slices.Contains(parts, "") {
		return Value{}, "with :of-type needs system|code|value, of the type of the identifier and of its value."
	}
	return Value{System: unescape(parts[0]), Value: typedIdentifier(unescape(parts[1]), unescape(parts[2]))}, ""
}

func uriValue(q query) (Value, string) {
	if q.text == "" {
		return Value{}, needsValue
	}
	if q.modifier != "" && strings.HasPrefix(q.text, "urn:") {
		return Value{}, "with :" + q.modifier + " needs a URL with a path; a urn has no parts."
	}
	return Value{Value: unescape(q.text)}, ""
}

func text(q query) (Value, string) {
	s := unescape(q.text)
	if q.modifier != "exact" {
		s = Normalize(s)
	}
	if s == "" {
		return Value{}, needsValue
	}
	return Value{Value: s}, ""
}

// prefixes are the comparison prefixes of R4.
var prefixes = map[string]Op{
	"eq": Eq, "ne": Ne, "gt": Gt, "lt": Lt, "ge": Ge, "le": Le, "sa": Sa, "eb": Eb, "ap": Ap,
}

// prefix cuts a comparison prefix off.
func prefix(s string) (Op, string) {
	if len(s) > 2 {
		if op, ok := prefixes[s[:2]]; ok {
			return op, s[2:]
		}
	}
	return Eq, s
}

const needsDate = "needs a date such as 2014-05 or 2014-05-21T10:00:00Z, with or without a prefix such as ge."

func date(q query) (Value, string) {
	op, s := prefix(q.text)
	low, high, ok := dateRange(s)
	if i := len(s) - len(" 01:00"); !ok && i > 0 && s[i] == ' ' {
		low, high, ok = dateRange(s[:i] + "+" + s[i+1:]) // a plus that was not encoded in the URL
	}
	if !ok {
		return Value{}, needsDate
	}
	if op == Ap { // R4: a tenth of the distance from now
		now := float64(q.options.Now.UnixMilli())
		margin := math.Abs(now-(low+high)/2) / 10
		low, high = low-margin, high+margin
	}
	return Value{Op: op, Low: low, High: high}, ""
}

func numberValue(q query) (Value, string) {
	op, s := prefix(q.text)
	low, high, ok := numberSpan(op, s)
	if !ok {
		return Value{}, "needs a number, with or without a prefix such as ge."
	}
	return Value{Op: op, Low: low, High: high}, ""
}

// quantityValue reads number, number|system|code or number||unit.
func quantityValue(q query) (Value, string) {
	parts := split(q.text, '|')
	v, fault := numberValue(query{text: parts[0]})
	if fault != "" || len(parts) != 1 && len(parts) != 3 {
		return Value{}, "needs number, number|system|code or number||unit, with or without a prefix such as ge."
	}
	v.AnySystem = len(parts) == 1 || parts[1] == ""
	if len(parts) == 3 {
		v.System, v.Value = unescape(parts[1]), unescape(parts[2])
	}
	return v, ""
}

// numberSpan returns the bounds that Op compares with: for eq and ne the implied precision of the
// number as written (100 is [99.5, 100.5), 1e2 is [95, 105)), for ap a tenth to both sides, for
// the others the number itself. The bounds fit the comparisons of Matches, which include both ends
// for eq, and let sa and eb touch.
func numberSpan(op Op, s string) (low, high float64, ok bool) {
	f, ok := parseNumber(s)
	if !ok || !plainNumber(s) {
		return 0, 0, false
	}
	switch op {
	case Eq, Ne:
		half := halfDigit(s)
		return f - half, math.Nextafter(f+half, math.Inf(-1)), true
	case Ap:
		margin := max(math.Abs(f)/10, halfDigit(s))
		return f - margin, f + margin, true
	case Sa:
		return f, math.Nextafter(f, math.Inf(1)), true
	case Eb:
		return math.Nextafter(f, math.Inf(-1)), f, true
	}
	return f, f, true
}

// plainNumber refuses what only Go calls a number: hexadecimal, underscores, infinity.
func plainNumber(s string) bool {
	return len(s) <= 64 && strings.Trim(s, "+-.0123456789eE") == "" && strings.ContainsAny(s[:1], "+-0123456789")
}

// halfDigit returns half of the last digit of a number as written. A whole number before an exponent
// counts as one digit more precise: R4 reads 1e2 as [95, 105).
func halfDigit(s string) float64 {
	mantissa, exponent, scientific := strings.Cut(strings.ToLower(s), "e")
	_, fraction, _ := strings.Cut(mantissa, ".")
	digits := len(fraction)
	if !scientific {
		return 0.5 * math.Pow(10, -float64(digits))
	}
	power, ok := parseNumber(exponent)
	if !ok {
		return 0
	}
	return 0.5 * math.Pow(10, power-float64(max(digits, 1)))
}
