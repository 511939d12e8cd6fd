package validate

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/drieluik/drieluik/fhir"
)

const (
	xhtmlNamespace = "http://www.w3.org/1999/xhtml"
	maxTagDepth    = 64
	maxAttributes  = 16
)

// The texts of faults in a narrative. Each is reported once.
const (
	divRoot       = "The narrative must be one <div xmlns=\"http://www.w3.org/1999/xhtml\"> and nothing beside it."
	divForm       = "The narrative is not well-formed XML; close every tag in order and quote every attribute."
	divEntity     = "The narrative may use &lt; &gt; &amp; &quot; &apos; and numeric references only; write other characters as they are."
	divElement    = "The narrative has an element that is not basic formatting; remove it."
	divAttribute  = "The narrative has an attribute that its element may not have, such as an event handler; remove it."
	divLink       = "A link of the narrative may be http, https, mailto, tel or within the document; remove the others."
	divImage      = "An image of the narrative must be a data: URI or refer to a contained resource with #; remove others."
	divStyle      = "A style of the narrative may not load or run anything; remove url(), expressions and escapes."
	divEmpty      = "The narrative shows nothing; give it text or an image."
	divProcessing = "The narrative may hold no document type, CDATA, processing instruction or misleading comment; remove it."
)

// checkNarrative checks txt-1 and txt-2, and that a browser cannot be made to run or load anything.
func (c *checker) checkNarrative(n fhir.Node) {
	x := &div{rest: n.Text()}
	x.read()
	for _, text := range x.faults {
		if text == divEmpty {
			c.add(emptyNarrative, n, text)
			continue
		}
		c.add(narrative, n, text)
	}
}

// div reads a narrative from front to back. It is stricter than XML: what an HTML parser would read
// in another way than an XML parser is refused.
type div struct {
	rest    string
	open    [maxTagDepth]string
	depth   int
	visible bool
	faults  []string
}

func (x *div) fault(text string) {
	for _, have := range x.faults {
		if have == text {
			return
		}
	}
	x.faults = append(x.faults, text)
}

// read goes through the whole text and stops where it is not well-formed.
func (x *div) read() {
	x.rest = strings.Trim(x.rest, " \t\r\n")
	if !strings.HasPrefix(x.rest, "<div") || len(x.rest) < 5 || !strings.ContainsRune(" \t\r\n>/", rune(x.rest[4])) {
		x.fault(divRoot)
		return
	}
	if strings.ContainsFunc(x.rest, isNoXML) {
		x.fault(divForm)
		return
	}
	for first := true; first || x.depth > 0; first = false {
		if !x.text() || !x.markup() {
			return
		}
	}
	if x.rest != "" {
		x.fault(divRoot)
		return
	}
	if !x.visible {
		x.fault(divEmpty)
	}
}

// text passes over characters up to the next tag.
func (x *div) text() bool {
	i := strings.IndexByte(x.rest, '<')
	if i < 0 {
		x.fault(divForm)
		return false
	}
	run := x.rest[:i]
	x.rest = x.rest[i:]
	x.visible = x.visible || strings.Trim(run, " \t\r\n") != ""
	x.references(run)
	return true
}

// references checks the & references of text and attribute values.
func (x *div) references(s string) {
	for {
		i := strings.IndexByte(s, '&')
		if i < 0 {
			return
		}
		s = s[i+1:]
		end := strings.IndexByte(s, ';')
		if end < 0 || character(s[:end]) < 0 {
			x.fault(divEntity)
			return
		}
		s = s[end+1:]
	}
}

// entities are the ones that XML itself has.
var entities = map[string]rune{"lt": '<', "gt": '>', "amp": '&', "quot": '"', "apos": '\''}

// character returns the character of a reference, without & and ;, or -1.
func character(name string) rune {
	if r, ok := entities[name]; ok {
		return r
	}
	base := 10
	number, ok := strings.CutPrefix(name, "#")
	if hex, isHex := strings.CutPrefix(number, "x"); isHex {
		number, base = hex, 16
	}
	code, err := strconv.ParseUint(number, base, 21)
	if !ok || err != nil || !utf8.ValidRune(rune(code)) || isNoXML(rune(code)) {
		return -1
	}
	return rune(code)
}

// isNoXML reports a character that XML 1.0 cannot hold.
func isNoXML(r rune) bool {
	return r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0xFFFE || r == 0xFFFF
}

// markup reads one tag or comment.
func (x *div) markup() bool {
	switch {
	case strings.HasPrefix(x.rest, "<!--"):
		return x.comment()
	case strings.HasPrefix(x.rest, "<!"), strings.HasPrefix(x.rest, "<?"):
		x.fault(divProcessing)
		return false
	case strings.HasPrefix(x.rest, "</"):
		return x.endTag()
	}
	return x.startTag()
}

// comment passes over a comment that XML and HTML parsers end at the same place.
func (x *div) comment() bool {
	body, rest, ok := strings.Cut(x.rest[len("<!--"):], "--")
	if !ok || !strings.HasPrefix(rest, ">") || strings.HasPrefix(body, ">") || strings.HasPrefix(body, "->") {
		x.fault(divProcessing)
		return false
	}
	x.rest = rest[1:]
	return true
}

func (x *div) endTag() bool {
	name, rest := cutName(x.rest[len("</"):])
	rest = strings.TrimLeft(rest, " \t\r\n")
	if x.depth == 0 || x.open[x.depth-1] != name || !strings.HasPrefix(rest, ">") {
		x.fault(divForm)
		return false
	}
	x.depth--
	x.rest = rest[1:]
	return true
}

func (x *div) startTag() bool {
	name, rest := cutName(x.rest[1:])
	if name != "" && !elements[name] {
		x.fault(divElement)
	}
	x.visible = x.visible || name == "img"
	x.rest = rest
	closed, ok := x.attributes(name)
	if name == "" || !ok {
		x.fault(divForm)
		return false
	}
	if closed {
		return true
	}
	if x.depth == maxTagDepth {
		x.fault("The narrative is nested too deeply; make it simpler.")
		return false
	}
	x.open[x.depth] = name
	x.depth++
	return true
}

// attributes reads up to the end of a start tag, and reports whether the tag closes itself.
func (x *div) attributes(element string) (closed, ok bool) {
	var seen [maxAttributes]string
	namespace := element != "div" || x.depth > 0
	for count := 0; ; count++ {
		rest := strings.TrimLeft(x.rest, " \t\r\n")
		spaced := len(rest) < len(x.rest)
		if tail, end := strings.CutPrefix(rest, ">"); end {
			x.rest, ok = tail, true
		} else if tail, end := strings.CutPrefix(rest, "/>"); end {
			x.rest, closed, ok = tail, true, true
		}
		if ok {
			if !namespace {
				x.fault(divRoot)
			}
			return closed, true
		}
		name, value, tail, found := attribute(rest)
		if !found || !spaced || count == maxAttributes || contains(seen[:count], name) {
			return false, false
		}
		seen[count], x.rest = name, tail
		namespace = namespace || name == "xmlns" && value == xhtmlNamespace
		x.attribute(element, name, value)
	}
}

func contains(names []string, name string) bool {
	for _, n := range names {
		if n == name {
			return true
		}
	}
	return false
}

// attribute cuts name="value" from the front of s.
func attribute(s string) (name, value, rest string, ok bool) {
	name, rest = cutName(s)
	rest = strings.TrimLeft(rest, " \t\r\n")
	rest, ok = strings.CutPrefix(rest, "=")
	rest = strings.TrimLeft(rest, " \t\r\n")
	if !ok || name == "" || rest == "" || rest[0] != '"' && rest[0] != '\'' {
		return "", "", "", false
	}
	value, rest, ok = strings.Cut(rest[1:], rest[:1])
	return name, value, rest, ok && !strings.Contains(value, "<")
}

// cutName cuts an XML name from the front of s. Letters outside ASCII do not occur in XHTML names.
func cutName(s string) (name, rest string) {
	i := 0
	for i < len(s) {
		c := s[i]
		if c|0x20 >= 'a' && c|0x20 <= 'z' || c == ':' || c == '_' || i > 0 && (c >= '0' && c <= '9' || c == '-' || c == '.') {
			i++
			continue
		}
		break
	}
	return s[:i], s[i:]
}

// attribute checks one attribute of an element that may be there itself.
func (x *div) attribute(element, name, value string) {
	if !elements[element] {
		return
	}
	x.references(value)
	of, known := attributeOf[name]
	if !known || of != nil && !of[element] {
		x.fault(divAttribute)
		return
	}
	if check, ok := attributeChecks[name]; ok && !check.valid(decoded(value)) {
		x.fault(check.text)
	}
}

// decoded resolves the & references of an attribute value.
func decoded(s string) string {
	if !strings.Contains(s, "&") {
		return s
	}
	var b strings.Builder
	for s != "" {
		before, after, found := strings.Cut(s, "&")
		b.WriteString(before)
		name, rest, _ := strings.Cut(after, ";")
		if r := character(name); found && r >= 0 {
			b.WriteRune(r)
		}
		s = rest
		if !found {
			break
		}
	}
	return b.String()
}
