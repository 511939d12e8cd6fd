package validate

import "strings"

// set makes a set of the words of a text.
func set(words string) map[string]bool {
	all := map[string]bool{}
	for word := range strings.FieldsSeq(words) {
		all[word] = true
	}
	return all
}

// elements of a narrative: text, lists, tables, links and images of HTML 4.0.
var elements = set(`div span p br hr pre blockquote address h1 h2 h3 h4 h5 h6
	em strong dfn code samp kbd var cite abbr acronym q sub sup ins del bdo b i u tt big small
	ul ol li dl dt dd table caption colgroup col thead tfoot tbody tr th td a img map area`)

// attributeOf says which elements may have an attribute; nil means all.
var attributeOf = map[string]map[string]bool{
	"id": nil, "class": nil, "title": nil, "lang": nil, "xml:lang": nil, "dir": nil, "style": nil, "xmlns": nil,
	"href": set("a area"), "name": set("a map"), "rel": set("a"), "rev": set("a"), "hreflang": set("a"),
	"type": set("a ol ul li"), "charset": set("a"), "shape": set("a area"), "coords": set("a area"),
	"accesskey": set("a area"), "tabindex": set("a area"), "nohref": set("area"),
	"src": set("img"), "alt": set("img area"), "height": set("img td th"), "width": set("img table td th col colgroup hr"),
	"usemap": set("img"), "ismap": set("img"), "cite": set("blockquote q ins del"), "datetime": set("ins del"),
	"border": set("table img"), "cellpadding": set("table"), "cellspacing": set("table"), "summary": set("table"),
	"frame": set("table"), "rules": set("table"),
	"align":  set("table caption col colgroup thead tfoot tbody tr th td div p h1 h2 h3 h4 h5 h6 img hr"),
	"valign": set("col colgroup thead tfoot tbody tr th td"),
	"char":   set("col colgroup thead tfoot tbody tr th td"), "charoff": set("col colgroup thead tfoot tbody tr th td"),
	"span": set("col colgroup"), "colspan": set("td th"), "rowspan": set("td th"), "scope": set("td th"),
	"headers": set("td th"), "abbr": set("td th"), "axis": set("td th"), "nowrap": set("td th"),
	"bgcolor": set("table tr th td"), "start": set("ol"), "value": set("li"), "compact": set("ul ol dl"),
	"xml:space": set("pre"),
}

// attributeCheck is what an attribute's value must fulfil, and the text when it does not.
type attributeCheck struct {
	valid func(value string) bool
	text  string
}

var attributeChecks = map[string]attributeCheck{
	"href":   {isLink, divLink},
	"cite":   {isLink, divLink},
	"usemap": {isFragment, divImage},
	"src":    {isImage, divImage},
	"style":  {isStyle, divStyle},
	"xmlns":  {isNamespace, divRoot},
}

func isNamespace(s string) bool { return s == xhtmlNamespace }

func isFragment(s string) bool { return strings.HasPrefix(s, "#") }

// isLink admits what a reader may follow by hand. Control characters could hide a scheme.
func isLink(s string) bool {
	s = strings.TrimLeft(s, " ")
	if strings.ContainsFunc(s, isControlRune) {
		return false
	}
	i := strings.IndexAny(s, ":/?#")
	if i < 0 || s[i] != ':' {
		return !strings.HasPrefix(s, "//")
	}
	return links[strings.ToLower(s[:i])]
}

var links = set("http https mailto tel")

func isControlRune(r rune) bool { return r < ' ' || r == 0x7F }

// isImage admits what is in the resource itself: loading an image would tell that it is read.
// Browsers run nothing of an image, whatever media type it claims.
func isImage(s string) bool { return isFragment(s) || strings.HasPrefix(s, "data:") }

// isStyle refuses what loads or runs something, and escapes and comments that could hide it.
func isStyle(s string) bool {
	s = strings.ToLower(s)
	for _, bad := range []string{"url(", "image(", "image-set(", "src(", "expression(", "javascript:", "behavior", "binding", `\`, "/*", "@"} {
		if strings.Contains(s, bad) {
			return false
		}
	}
	return true
}
