package fhir

import (
	"cmp"
	"fmt"
	"math"
	"strings"
	"unicode/utf8"
	"unsafe"
)

// Limits bounds what Parse accepts. Zero members mean the defaults.
type Limits struct {
	Bytes int // size of the input; default 5 MB
	Depth int // nesting of objects and arrays; default 64
	Nodes int // members and elements; default 1,000,000
}

// unbounded is for text made from what was accepted before.
var unbounded = Limits{Bytes: math.MaxInt32, Depth: 1024, Nodes: math.MaxInt32}

const (
	defaultBytes      = 5_000_000
	defaultDepth      = 64
	defaultNodes      = 1_000_000
	maxMembers        = 256 // of one R4 object; the widest R4 type has fewer than half of it
	maxFaults         = 100 // reported for one input
	maxExpression     = 500 // bytes of the path in an issue
	maxExponentDigits = 3   // of a number; a decimal of R4 has 18 digits in all
)

// rule is a class of faults: the id and the issue code under which it is reported, and its text.
type rule struct{ id, code, text string }

var (
	ruleSyntax    = rule{"FHIR-JSON-SYNTAX", "invalid", "This is not valid JSON"}
	ruleUTF8      = rule{"FHIR-JSON-UTF8", "invalid", "The text is not valid UTF-8; send UTF-8."}
	ruleSize      = rule{"FHIR-JSON-SIZE", "too-long", "This is larger than the server accepts"}
	ruleDuplicate = rule{"FHIR-JSON-DUPLICATE", "invalid", "The member occurs twice in one object; keep one of them."}
	ruleNull      = rule{"FHIR-JSON-NULL", "invalid", "null is allowed only in an array of primitives, beside a value or extension at the same index; leave the member out."}
	ruleEmpty     = rule{"FHIR-JSON-EMPTY", "invalid", "An object, array or string may not be empty; leave the member out."}
	ruleNumber    = rule{"FHIR-JSON-NUMBER", "value", "The exponent of the number is out of range."}
	ruleMembers   = rule{"FHIR-JSON-SIZE", "too-long", "The object has more members than any R4 element."}
	ruleObject    = rule{"FHIR-JSON-TYPE", "structure", "A JSON object is expected."}
	ruleNoType    = rule{"FHIR-JSON-TYPE", "required", "resourceType is missing."}
	ruleType      = rule{"FHIR-JSON-TYPE", "value", "resourceType must be a string that names a resource type of R4."}
)

// fault is a rule broken by a node.
type fault struct {
	node int32
	rule rule
}

// Parse reads one FHIR R4 JSON resource. It refuses what JSON or R4 JSON forbids: duplicate
// members, null outside the arrays of primitives, empty objects, arrays and strings, invalid UTF-8,
// a missing or unknown resourceType, and input past the limits. Elements are checked by
// conformance/validate, not here. The Resource is nil when an issue is an error.
func Parse(src []byte, limits Limits) (*Resource, []Issue) {
	return parse(string(src), limits, true)
}

// ParseDocument reads any JSON object with the same strictness on duplicates, UTF-8 and limits,
// but leaves null and empty values to the caller. It serves source documents, whose Issue
// expressions are JSON pointers.
func ParseDocument(src []byte, limits Limits) (*Resource, []Issue) {
	return parse(string(src), limits, false)
}

// ParseOwned reads as Parse does, and keeps src instead of a copy: the caller must not change it any more.
func ParseOwned(src []byte, limits Limits) (*Resource, []Issue) {
	return parse(unsafe.String(unsafe.SliceData(src), len(src)), limits, true)
}

// parse does the work of Parse (strict) and ParseDocument.
func parse(src string, limits Limits, strict bool) (*Resource, []Issue) {
	s, issues := scan(src, limits, strict)
	if s == nil {
		return nil, issues
	}
	return s.resource()
}

// resource returns what was scanned, when it is a resource, or for lenient reading an object.
func (s *scanner) resource() (*Resource, []Issue) {
	r := &Resource{src: s.src, nodes: s.nodes}
	if s.stop == nil {
		s.checkNulls()
		r.identify(s)
	}
	if s.stop == nil && len(s.faults) == 0 {
		return r, nil
	}
	return nil, s.issues(r)
}

// scan reads the nodes of src. The scanner is nil when src is not even text of bearable size.
func scan(src string, limits Limits, strict bool) (*scanner, []Issue) {
	limits = limits.orDefault()
	if len(src) > limits.Bytes {
		return nil, []Issue{ruleSize.issue("", fmt.Sprintf("%s: at most %d bytes.", ruleSize.text, limits.Bytes))}
	}
	if !utf8.ValidString(src) {
		return nil, []Issue{ruleUTF8.issue("", ruleUTF8.text)}
	}
	s := &scanner{src: src, limits: limits, strict: strict}
	s.scan()
	return s, nil
}

// Detach reads the value of n, such as an entry of a Bundle, as a resource of its own with a text that
// it shares. It refuses what Parse refuses.
func (n Node) Detach() (*Resource, []Issue) {
	return ParseText(n.Raw())
}

// ParseText reads a text that stands in what was accepted before, such as Node.Raw of an entry, and shares it.
// It refuses what Parse refuses, but for the limits.
func ParseText(src string) (*Resource, []Issue) {
	s := &scanner{src: src, limits: unbounded, strict: true}
	s.scan()
	return s.resource()
}

// identify takes type and id from the root, and checks them for a resource.
func (r *Resource) identify(s *scanner) {
	root := r.Root()
	if root.Shape() != Object {
		s.fault(0, ruleObject)
		return
	}
	if !s.strict {
		return
	}
	name := root.Member("resourceType")
	if !name.Exists() {
		s.fault(0, ruleNoType)
		return
	}
	typ, ok := ParseType(name.Text())
	if !ok || name.Shape() != String {
		s.fault(name.i, ruleType)
		return
	}
	r.typ = typ
	if id := root.Member("id"); id.Shape() == String {
		r.id = id.Text()
	}
}

// orDefault fills in the defaults. Offsets are int32, so that no input may be larger.
func (l Limits) orDefault() Limits {
	return Limits{
		Bytes: min(cmp.Or(l.Bytes, defaultBytes), math.MaxInt32-1),
		Depth: cmp.Or(l.Depth, defaultDepth),
		Nodes: min(cmp.Or(l.Nodes, defaultNodes), math.MaxInt32-1),
	}
}

// issue returns r broken at path.
func (r rule) issue(path, text string) Issue {
	return Issue{Severity: SeverityError, Code: r.code, Expression: path, Diagnostics: r.id, Text: text}
}

// issues renders the faults, then what stopped the scan.
func (s *scanner) issues(r *Resource) []Issue {
	for i := s.cur; i >= 0; i = r.nodes[i].parent { // what is still open reaches to here
		r.nodes[i].next = int32(len(r.nodes))
	}
	path := Node.Pointer
	if s.strict {
		path = Node.Path
	}
	out := make([]Issue, 0, len(s.faults)+1)
	for _, f := range s.faults {
		out = append(out, f.rule.issue(expression(Node{r: r, i: f.node}, path), f.rule.text))
	}
	if s.stop == nil {
		return out
	}
	before := s.src[:s.stop.at]
	line := 1 + strings.Count(before, "\n")
	column := 1 + utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:])
	text := fmt.Sprintf("%s: %s (line %d, column %d).", s.stop.rule.text, s.stop.text, line, column)
	where := ""
	if s.cur >= 0 {
		where = expression(Node{r: r, i: s.cur}, path)
	}
	return append(out, s.stop.rule.issue(where, text))
}

// expression returns the path of n, or of the nearest ancestor whose path is of bearable length.
func expression(n Node, path func(Node) string) string {
	for n.Exists() {
		if p := path(n); len(p) <= maxExpression {
			return p
		}
		n = n.Parent()
	}
	return ""
}

// syntax ends the scan with a syntax error and returns false.
func (s *scanner) syntax(text string) bool {
	if s.pos == 0 && strings.HasPrefix(s.src, "\ufeff") {
		text = "a byte order mark is not allowed"
	}
	return s.halt(ruleSyntax, text)
}

// halt ends the scan and returns false.
func (s *scanner) halt(r rule, text string) bool {
	s.stop = &stop{at: min(s.pos, len(s.src)), rule: r, text: text}
	return false
}

// fault notes a broken rule.
func (s *scanner) fault(i int32, r rule) {
	if len(s.faults) < maxFaults {
		s.faults = append(s.faults, fault{i, r})
	}
}
