package mks

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/drieluik/drieluik/fhir"
)

// typ is a type of mks.md 2.1.
type typ struct {
	name  string  // in the JSON Schema; "": it is written where it is used
	says  *schema // the same as check, as far as JSON Schema can say it
	shape fhir.Shape
	// check returns the rule that a text breaks, or "".
	check func(text string) string
	// fields are the members of an object; entries the type of every member of a free object.
	fields  fields
	entries *typ
	atLeast bool     // at least one field must be present
	instant bool     // a moment, whose digits FHIR may write otherwise
	refs    []string // what a reference may name: bet, med, org, kind
}

// Simple types. The rule of a broken format is MKS-ENV-02, of a number that identifies somebody
// MKS-ENV-05 or MKS-ENV-06.
var (
	str      = textOf(500).named("str")
	text     = textOf(20000).named("text")
	ident    = pattern(`[A-Za-z0-9._-]{1,64}`, "MKS-ENV-02").named("id")
	slug     = pattern(`[a-z0-9-]{1,32}`, "MKS-ENV-02").named("slug")
	language = pattern(`[a-z]{2}`, "MKS-ENV-02").named("iso639")
	country  = pattern(`[A-Z]{2}`, "MKS-ENV-02").named("land")
	orgType  = pattern(`[A-Z][0-9A-Z]{1,3}`, "MKS-ENV-02").named("orgtype")
	uziRol   = pattern(`[0-9]{2}\.[0-9]{3}`, "MKS-ENV-02").named("uzirol")
	sct      = pattern(`[0-9]{6,18}`, "MKS-ENV-02").named("sct")
	ura      = pattern(`[0-9]{8}`, "MKS-ENV-06").named("ura")
	agb      = pattern(`[0-9]{8}`, "MKS-ENV-06").named("agb")
	big      = pattern(`[0-9]{11}`, "MKS-ENV-06").named("big")
	uzovi    = pattern(`[0-9]{4}`, "MKS-ENV-06").named("uzovi")
	bsn      = checked(validBSN, "MKS-ENV-05", bsnSchema).named("bsn")
	date     = checked(func(s string) bool { return len(s) == 10 && validDate(s) }, "MKS-ENV-02", dateSchema).named("date")
	pdate    = checked(validDate, "MKS-ENV-02", partialDateSchema).named("pdate")
	instant  = moment().named("dt")
	clock    = pattern(`([01][0-9]|2[0-3]):[0-5][0-9]`, "MKS-ENV-02").named("time")
	boolean  = typ{shape: fhir.Bool}
	number   = typ{shape: fhir.Number}
	positive = typ{shape: fhir.Number, check: when(aboveZero, "MKS-ENV-02"), says: &schema{ExclusiveMinimum: bound(0)}}
	// meting is one measurement.
	meting = obj(f("waarde", "1", number), f("op", "1", instant)).named("meting")
	// codering is a free coding: at least one of the code systems, or text.
	codering = typ{name: "codering", shape: fhir.Object, atLeast: true, fields: fields{
		f("sct", "0..1", str), f("omaha", "0..1", str), f("icf", "0..1", str), f("noc", "0..1", str),
		f("nic", "0..1", str), f("nanda", "0..1", str), f("icd10", "0..1", str), f("tekst", "0..1", str),
	}}
)

// obj is an object with these members.
func obj(fs ...field) typ { return typ{shape: fhir.Object, fields: fs} }

// named gives a type a place of its own in the JSON Schema. One name is one type.
func (t typ) named(name string) typ { t.name = name; return t }

// code is one code of a closed list (MKS-ENV-03).
func code(list string) typ { return codeOf(list).named(list) }

// codeOf is one code of any of the closed lists (MKS-ENV-03).
func codeOf(names ...string) typ {
	return typ{shape: fhir.String, says: &schema{lists: names}, check: when(func(s string) bool {
		return slices.ContainsFunc(names, func(list string) bool { return inList(list, s) })
	}, "MKS-ENV-03")}
}

// except leaves one code out of those of a list.
func (t typ) except(code string) typ {
	all := t.check
	t.name, t.says = "", &schema{lists: t.says.lists, without: code}
	t.check = func(s string) string {
		if s == code {
			return "MKS-ENV-03"
		}
		return all(s)
	}
	return t
}

// ref is a reference to a member of the lists of the kind record: bet, med, org, kind.
func ref(kinds ...string) typ {
	t := typ{shape: fhir.String, check: str.check, says: str.says, refs: kinds}
	return t.named("ref-" + strings.Join(kinds, "-"))
}

// integer is a whole number from low to high.
func integer(low, high int64) typ {
	return typ{shape: fhir.Number, says: &schema{Type: "integer", Minimum: bound(low), Maximum: bound(high)}, check: when(func(s string) bool {
		n, ok := wholeNumber(s)
		return ok && n >= low && n <= high
	}, "MKS-ENV-02")}
}

// checked is a text that a function holds to, and a JSON Schema as far as it can.
func checked(valid func(string) bool, rule string, says *schema) typ {
	return typ{shape: fhir.String, check: when(valid, rule), says: says}
}

func moment() typ {
	t := checked(validInstant, "MKS-ENV-02", instantSchema)
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

func pattern(expr, rule string) typ {
	re := regexp.MustCompile(`^(?:` + expr + `)$`)
	return checked(re.MatchString, rule, &schema{Pattern: re.String()})
}

func textOf(longest int) typ {
	return checked(func(s string) bool {
		return strings.TrimSpace(s) != "" && utf8.RuneCountInString(s) <= longest && !strings.ContainsFunc(s, control)
	}, "MKS-ENV-02", &schema{MaxLength: longest, Pattern: filledText})
}

// control reports whether a character is one that a FHIR string refuses.
func control(r rune) bool { return r < ' ' && r != '\t' && r != '\r' && r != '\n' }

// wholeNumber reads a JSON number that has an integer value, also one written as 1.0 or 1e2.
func wholeNumber(s string) (int64, bool) {
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

// validBSN holds the 11-proef.
func validBSN(s string) bool {
	if len(s) != 9 || s == "000000000" {
		return false
	}
	sum := 0
	for i := range 9 {
		digit := int(s[i]) - '0'
		if digit < 0 || digit > 9 {
			return false
		}
		weight := 9 - i
		if i == 8 {
			weight = -1
		}
		sum += weight * digit
	}
	return sum%11 == 0
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

// plainInstant is how FHIR writes an instant back as it came.
var plainInstant = regexp.MustCompile(`^[^.]*([.]([0-9]{3}|[0-9]{6}))?(Z|[+-][0-9]{2}:[0-9]{2})$`)

// plainCode is what a FHIR code can hold.
var plainCode = regexp.MustCompile(`^\S+(\s\S+)*$`)
