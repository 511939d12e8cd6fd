package search

import (
	"math"
	"strings"
	"sync"
	"time"
	_ "time/tzdata" // a day must not depend on the machine

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/path"
	"github.com/drieluik/drieluik/fhir/r4"
)

// reader adds the rows of one value to an extraction.
type reader func(x *extraction, it path.Item)

// readers are the readers of each kind by FHIR type; "" is a System value.
var readers = map[Kind]map[string]reader{
	Token: {
		"": systemToken, "code": codeToken, "boolean": booleanToken, "id": plainToken, "string": plainToken,
		"uri": plainToken, "url": plainToken, "canonical": plainToken, "oid": plainToken, "uuid": plainToken,
		"markdown": plainToken, "integer": plainToken, "positiveInt": plainToken, "unsignedInt": plainToken,
		"date": plainToken, "dateTime": plainToken,
		"Coding": coding, "CodeableConcept": concept, "Identifier": identifier, "ContactPoint": contactPoint,
	},
	Reference: {"Reference": reference, "canonical": canonical, "uri": canonical, "url": canonical, "oid": canonical, "uuid": canonical},
	Date: {
		"date": moment, "dateTime": moment, "instant": moment, "Period": period, "Timing": timing,
	},
	String: {
		"": plainString, "string": plainString, "markdown": plainString, "code": plainString, "uri": plainString,
		"HumanName": parts("text", "family", "given", "prefix", "suffix"),
		"Address":   parts("text", "line", "city", "district", "state", "postalCode", "country"),
	},
	Number: {
		"decimal": number, "integer": number, "positiveInt": number, "unsignedInt": number, "Range": measureRange,
	},
	Quantity: {
		"Quantity": quantity, "Age": quantity, "Duration": quantity, "Count": quantity, "Distance": quantity,
		"SimpleQuantity": quantity, "MoneyQuantity": quantity, "Money": money, "Range": measureRange,
		"SampledData": sampled,
	},
	URI:     {"uri": uri, "url": uri, "canonical": uri, "oid": uri, "uuid": uri, "string": uri, "code": uri},
	Special: {"Location.position": position},
}

func plainToken(x *extraction, it path.Item) {
	if s := it.Text(); s != "" {
		x.add(Row{Value: s})
	}
}

// systemToken reads a System value, such as the truth of an expression.
func systemToken(x *extraction, it path.Item) {
	if it.Kind() == path.Boolean {
		booleanToken(x, it)
		return
	}
	plainToken(x, it)
}

// specialValues is the system that R4 implies for booleans.
const specialValues = "http://terminology.hl7.org/CodeSystem/special-values"

func booleanToken(x *extraction, it path.Item) {
	if s := it.Text(); s != "" {
		x.add(Row{System: specialValues, Value: s})
	}
}

func codeToken(x *extraction, it path.Item) {
	if s := it.Text(); s != "" {
		x.add(Row{System: x.systems[s], Value: s})
	}
}

// elementAt returns the type and the definition at the end of a plain path, nil when there is none.
func elementAt(expression string) (string, *r4.Element) {
	names := strings.Split(expression, ".")
	typ := names[0]
	var element *r4.Element
	for _, name := range names[1:] {
		f, ok := r4.Member(typ, name)
		if !ok {
			return "", nil
		}
		typ, element = f.Type, f.Element
	}
	return typ, element
}

// ofIdentifiers reports whether a path, or one of its alternatives, leads to an Identifier.
func ofIdentifiers(expression string) bool {
	for alternative := range strings.SplitSeq(expression, "|") {
		if typ, _ := elementAt(strings.TrimSpace(alternative)); typ == "Identifier" {
			return true
		}
	}
	return false
}

// impliedSystems returns the system of each code that the element at the end of a plain path is
// bound to. It is nil when there is no such element, or its codes are not listed.
func impliedSystems(expression string) map[string]string {
	typ, element := elementAt(expression)
	if typ != "code" || element == nil || element.Binding == nil {
		return nil
	}
	codes, _ := r4.Codes(element.Binding.ValueSet)
	systems := map[string]string{}
	for c := range codes {
		if i := strings.LastIndexByte(c, '|'); i > 0 {
			system, code := c[:i], c[i+1:]
			if other, ok := systems[code]; ok && other != system {
				system = "" // of two systems neither is implied
			}
			systems[code] = system
		}
	}
	return systems
}

func coding(x *extraction, it path.Item) { x.coding(it.Node()) }

// coding adds a Coding with its normalised display, for :text.
func (x *extraction) coding(n fhir.Node) {
	row := Row{System: n.Member("system").Text(), Value: n.Member("code").Text(), Text: Normalize(n.Member("display").Text())}
	if row.System != "" || row.Value != "" || row.Text != "" {
		x.add(row)
	}
}

// concept adds the codings, and a row of the text alone where no coding has it as display.
func concept(x *extraction, it path.Item) {
	text := Normalize(it.Node().Member("text").Text())
	for c := range it.Node().All("coding") {
		x.coding(c)
		if Normalize(c.Member("display").Text()) == text {
			text = ""
		}
	}
	if text != "" {
		x.add(Row{Text: text})
	}
}

func identifier(x *extraction, it path.Item) { x.identifier(it.Node()) }

// identifier adds an Identifier with the normalised text of its type, and rows of Param+":of-type"
// for the codes of its type.
func (x *extraction) identifier(n fhir.Node) {
	system, value := n.Member("system").Text(), n.Member("value").Text()
	if system == "" && value == "" {
		return
	}
	x.add(Row{System: system, Value: value, Text: Normalize(n.At("type", "text").Text())})
	param := x.param
	for c := range n.All("type", "coding") {
		x.param = param + ":of-type"
		x.add(Row{System: c.Member("system").Text(), Value: typedIdentifier(c.Member("code").Text(), value)})
	}
	x.param = param
}

// typedIdentifier is the code of an identifier's type and its value as one text.
func typedIdentifier(code, value string) string { return code + "|" + value }

func contactPoint(x *extraction, it path.Item) {
	if v := it.Node().Member("value").Text(); v != "" {
		x.add(Row{Value: v})
	}
}

// reference adds a row for a literal reference, and one of Param+":identifier" for a logical one.
func reference(x *extraction, it path.Item) {
	n := it.Node()
	if s := n.Member("reference").Text(); s != "" && s[0] != '#' {
		x.add(referenceRow(s, x.base))
	}
	if id := n.Member("identifier"); id.Exists() {
		param, kind := x.param, x.kind
		x.param, x.kind = param+":identifier", Token
		x.identifier(id)
		x.param, x.kind = param, kind
	}
}

// referenceRow splits a reference: a local one into type and id, any other is its URL.
func referenceRow(s, base string) Row {
	local := s
	if base != "" {
		local = strings.TrimPrefix(s, base+"/")
	}
	if ref, ok := fhir.ParseRef(local); ok {
		return Row{System: string(ref.Type), Value: ref.ID}
	}
	return Row{Value: s}
}

func withoutSlash(base string) string { return strings.TrimSuffix(base, "/") }

// canonical adds the URL without version and, when it has one, with it.
func canonical(x *extraction, it path.Item) {
	s := it.Text()
	if s == "" || s[0] == '#' {
		return
	}
	url, _, versioned := strings.Cut(s, "|")
	x.add(referenceRow(url, x.base))
	if versioned {
		x.add(Row{Value: s})
	}
}

func uri(x *extraction, it path.Item) {
	s := it.Text()
	if s == "" {
		return
	}
	if url, _, versioned := strings.Cut(s, "|"); versioned && it.Type() == "canonical" {
		x.add(Row{Value: url})
	}
	x.add(Row{Value: s})
}

func plainString(x *extraction, it path.Item) { x.text(it.Text()) }

func (x *extraction) text(s string) {
	if s != "" {
		x.add(Row{Value: Normalize(s), Text: s})
	}
}

// parts reads the named members of a complex type, each a row.
func parts(names ...string) reader {
	return func(x *extraction, it path.Item) {
		for _, name := range names {
			for n := range it.Node().All(name) {
				x.text(n.Text())
			}
		}
	}
}

// open is the bound of what has no bound.
const open = math.MaxFloat64

func moment(x *extraction, it path.Item) {
	if low, high, ok := dateRange(it.Text()); ok {
		x.add(Row{Low: low, High: high})
	}
}

// dateRange returns the span of a date, dateTime or instant. What names no zone is in that of the
// server, as R4 has it: a day begins at its midnight there.
func dateRange(s string) (low, high float64, ok bool) {
	t, ok := path.ParseTemporal(path.DateTime, s)
	if !ok {
		return 0, 0, false
	}
	from, to := t.Range()
	if !t.Zoned() {
		from, to = local(from), local(to)
	}
	return float64(from), float64(to), true
}

// zone is that of the Netherlands and Sweden, whose clocks have been the same since 1980.
var zone = sync.OnceValue(func() *time.Location {
	z, err := time.LoadLocation("Europe/Amsterdam")
	if err != nil { // the data is compiled in: only a broken build comes here
		return time.FixedZone("CET", 3600)
	}
	return z
})

// local returns the instant at which clocks of the server's zone show what those of UTC show at ms.
func local(ms int64) int64 {
	at := time.UnixMilli(ms).UTC()
	return time.Date(at.Year(), at.Month(), at.Day(), at.Hour(), at.Minute(), at.Second(), at.Nanosecond(), zone()).UnixMilli()
}

func period(x *extraction, it path.Item) {
	if low, high, ok := periodRange(it.Node()); ok {
		x.add(Row{Low: low, High: high})
	}
}

func periodRange(n fhir.Node) (low, high float64, ok bool) {
	low, high = -open, open
	if from, _, known := dateRange(n.Member("start").Text()); known {
		low, ok = from, true
	}
	if _, to, known := dateRange(n.Member("end").Text()); known {
		high, ok = to, true
	}
	return low, high, ok
}

// timing adds the outer limits of a Timing: its events and its bounds.
func timing(x *extraction, it path.Item) {
	low, high := open, -open
	for e := range it.Node().All("event") {
		if from, to, ok := dateRange(e.Text()); ok {
			low, high = min(low, from), max(high, to)
		}
	}
	if from, to, ok := periodRange(it.Node().At("repeat", "boundsPeriod")); ok {
		low, high = min(low, from), max(high, to)
	}
	if low < high {
		x.add(Row{Low: low, High: high})
	}
}

func position(x *extraction, it path.Item) {
	latitude, ok1 := parseNumber(it.Node().Member("latitude").Text())
	longitude, ok2 := parseNumber(it.Node().Member("longitude").Text())
	if ok1 && ok2 {
		x.add(Row{Low: latitude, High: longitude})
	}
}
