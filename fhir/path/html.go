package path

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
)

// htmlElements are the elements that a narrative may have (R4 txt-1).
var htmlElements = set("a abbr acronym address b bdo big blockquote br caption cite code col colgroup dd del dfn div dl dt em " +
	"h1 h2 h3 h4 h5 h6 hr i img ins kbd li ol p pre q s samp small span strike strong sub sup table tbody td tfoot th thead tr tt u ul var")

// htmlAttributes are the attributes that a narrative may have.
var htmlAttributes = set("abbr accesskey align alt axis bgcolor border cellpadding cellspacing cellhalign char charoff charset cite " +
	"class colspan compact coords datetime dir frame headers height href hreflang hspace id lang longdesc name noshade " +
	"nowrap rel rev rowspan rules scope shape span src start style summary tabindex title type valign value vspace width xmlns xml:lang")

func set(words string) map[string]bool {
	m := map[string]bool{}
	for word := range strings.FieldsSeq(words) {
		m[word] = true
	}
	return m
}

// xhtml is the namespace of a narrative.
const xhtml = "http://www.w3.org/1999/xhtml"

// htmlChecks answers whether a narrative holds only the elements and attributes that R4 allows, and
// no address that runs a script.
func htmlChecks(_ *scope, k call, in []Item) ([]Item, error) {
	if len(in) == 0 {
		return nil, nil
	}
	text, ok, err := k.subject(in)
	if err != nil {
		return nil, err
	}
	return boolItems(ok && safeHTML(text)), nil
}

// safeHTML reads the narrative as XML; anything that is not well formed is refused.
func safeHTML(text string) bool {
	d := xml.NewDecoder(strings.NewReader(text))
	d.Entity = xml.HTMLEntity
	depth, roots := 0, 0
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return depth == 0 && roots == 1
		}
		if err != nil {
			return false
		}
		switch token := token.(type) {
		case xml.StartElement:
			if depth == 0 {
				roots++
			}
			depth++
			if !safeElement(token) || depth == 1 && token.Name.Local != "div" {
				return false
			}
		case xml.EndElement:
			depth--
		case xml.ProcInst, xml.Directive:
			return false
		}
	}
}

func safeElement(e xml.StartElement) bool {
	if !htmlElements[e.Name.Local] || e.Name.Space != xhtml && e.Name.Space != "" {
		return false
	}
	for _, a := range e.Attr {
		name := a.Name.Local
		if a.Name.Space != "" && a.Name.Space != "xmlns" && name != "lang" || a.Name.Space == "" && !htmlAttributes[name] {
			return false
		}
		if name == "href" && !safeAddress(a.Value, "image/") || name == "src" && !safeAddress(a.Value, "") {
			return false
		}
	}
	return true
}

// addressSchemes are the schemes that a narrative may point to; a fragment or relative address has
// none.
var addressSchemes = set("http https mailto tel urn data cid")

// safeAddress wants a known scheme; media is how the media type of a data address must begin.
func safeAddress(s, media string) bool {
	scheme, rest, found := strings.Cut(strings.ToLower(strings.TrimSpace(s)), ":")
	if !found || strings.ContainsAny(scheme, "/?#") {
		return true
	}
	return addressSchemes[scheme] && (scheme != "data" || strings.HasPrefix(rest, media))
}
