package validate

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/drieluik/drieluik/fhir"
)

// shapes names the JSON shapes of primitives in a text.
var shapes = map[fhir.Shape]string{
	fhir.String: "a string", fhir.Number: "a number, without quotes", fhir.Bool: "true or false, without quotes",
}

// format is what a primitive type demands of a value.
type format struct {
	shape fhir.Shape
	valid func(text string) bool // nil: every value of the shape
	want  string                 // sentence that says what is expected
	raw   bool                   // valid reads the JSON text, with its quotes and escapes
	xhtml bool                   // a narrative, checked on its own
}

func (f *format) text(n fhir.Node) string {
	if f.raw {
		return n.Raw()
	}
	return n.Text()
}

const (
	wantText = "Text may hold no control characters besides tab and line breaks, and at most 1,048,576 characters."
	wantURI  = "A URI has no spaces or control characters."
)

// formats has a row for each primitive type of R4.
var formats = map[string]format{
	"boolean":      {shape: fhir.Bool},
	"decimal":      {shape: fhir.Number},
	"integer":      {shape: fhir.Number, valid: isInteger, want: "An integer is a whole number from -2147483648 to 2147483647, without decimals or exponent."},
	"positiveInt":  {shape: fhir.Number, valid: isPositiveInt, want: "A positiveInt is a whole number from 1 to 2147483647."},
	"unsignedInt":  {shape: fhir.Number, valid: isUnsignedInt, want: "An unsignedInt is a whole number from 0 to 2147483647."},
	"string":       {shape: fhir.String, valid: isText, raw: true, want: wantText},
	"markdown":     {shape: fhir.String, valid: isText, raw: true, want: wantText},
	"code":         {shape: fhir.String, valid: isCode, want: "A code has no leading, trailing or double spaces and no control characters."},
	"id":           {shape: fhir.String, valid: fhir.ValidID, want: "An id has 1 to 64 letters, digits, hyphens and dots."},
	"uri":          {shape: fhir.String, valid: isURI, want: wantURI},
	"url":          {shape: fhir.String, valid: isURI, want: wantURI},
	"canonical":    {shape: fhir.String, valid: isURI, want: wantURI},
	"oid":          {shape: fhir.String, valid: isOID, want: "An oid has the form urn:oid:1.2.3, without leading zeros."},
	"uuid":         {shape: fhir.String, valid: isUUID, want: "A uuid has the form urn:uuid: with 8-4-4-4-12 hexadecimal digits in lower case."},
	"base64Binary": {shape: fhir.String, valid: isBase64, want: "base64Binary has groups of four characters of the base64 alphabet, the last one padded with =."},
	"date":         {shape: fhir.String, valid: isDate, want: "A date has the form YYYY, YYYY-MM or YYYY-MM-DD and stands in the calendar."},
	"dateTime":     {shape: fhir.String, valid: isDateTime, want: "A dateTime is a date, or a date that stands in the calendar with a time as in YYYY-MM-DDThh:mm:ss+zz:zz."},
	"instant":      {shape: fhir.String, valid: isInstant, want: "An instant has the form YYYY-MM-DDThh:mm:ss.sss+zz:zz and stands in the calendar."},
	"time":         {shape: fhir.String, valid: isTime, want: "A time has the form hh:mm:ss, without time zone."},
	"xhtml":        {shape: fhir.String, xhtml: true},
}

// isWhole reports whether s is a whole number as R4 writes it.
func isWhole(s string) bool {
	return s == "0" || s != "" && s[0] != '0' && digits(s) == len(s)
}

// digits counts the leading decimal digits of s.
func digits(s string) int {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return i
		}
	}
	return len(s)
}

func isInteger(s string) bool {
	if !isWhole(strings.TrimPrefix(s, "-")) {
		return false
	}
	_, err := strconv.ParseInt(s, 10, 32)
	return err == nil
}

func isUnsignedInt(s string) bool { return isWhole(s) && isInteger(s) }

func isPositiveInt(s string) bool { return s != "0" && isUnsignedInt(s) }

// isText reads a JSON string with its quotes: control characters can only be escapes there.
func isText(raw string) bool {
	const most, quotes = 1 << 20, 2
	if len(raw) > most+quotes && characters(raw) > most+quotes {
		return false
	}
	for {
		i := strings.IndexByte(raw, '\\')
		if i < 0 || i+2 > len(raw) {
			return true
		}
		if isControl(raw[i+1:]) {
			return false
		}
		raw = raw[i+2:]
	}
}

// characters counts those of a JSON string, an escape as one.
func characters(raw string) int {
	n := utf8.RuneCountInString(raw)
	for {
		i := strings.IndexByte(raw, '\\')
		if i < 0 || i+2 > len(raw) {
			return n
		}
		n--
		if raw[i+1] == 'u' {
			n -= len("0000")
		}
		raw = raw[i+2:]
	}
}

// isControl reports whether an escape, without its backslash, is a character that R4 forbids.
func isControl(escape string) bool {
	if escape[0] == 'b' || escape[0] == 'f' {
		return true
	}
	if len(escape) < 5 || escape[0] != 'u' || escape[1:3] != "00" || escape[3] > '1' {
		return false
	}
	code, err := strconv.ParseUint(escape[3:5], 16, 8)
	return err == nil && code != '\t' && code != '\n' && code != '\r'
}

// isCode admits single white space within.
func isCode(s string) bool {
	space := true
	for i := range len(s) {
		switch c := s[i]; {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			if space {
				return false
			}
			space = true
		case c < ' ':
			return false
		default:
			space = false
		}
	}
	return !space
}

func isURI(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' {
			return false
		}
	}
	return s != ""
}

func isOID(s string) bool {
	rest, ok := strings.CutPrefix(s, "urn:oid:")
	if !ok || len(rest) < 3 || rest[0] > '2' || rest[0] < '0' || rest[1] != '.' {
		return false
	}
	for arc := range strings.SplitSeq(rest[2:], ".") {
		if !isWhole(arc) {
			return false
		}
	}
	return true
}

func isUUID(s string) bool {
	const form = "urn:uuid:xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"
	if len(s) != len(form) {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if form[i] == 'x' && (c >= '0' && c <= '9' || c >= 'a' && c <= 'f') {
			continue
		}
		if c != form[i] || c == 'x' {
			return false
		}
	}
	return true
}

// isBase64 admits white space between groups of four.
func isBase64(s string) bool {
	n, padding := 0, 0
	for i := range len(s) {
		switch c := s[i]; {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			if n%4 != 0 {
				return false
			}
			continue
		case c == '=':
			padding++
		case padding > 0 || !isBase64Char(c):
			return false
		}
		n++
	}
	return n > 0 && n%4 == 0 && padding <= 2
}

func isBase64Char(c byte) bool {
	return c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '+' || c == '/'
}
