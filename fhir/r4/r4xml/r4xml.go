// Package r4xml reads FHIR resources in XML for tests: the suites of the standard hold them.
package r4xml

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"strings"
	"testing"

	"github.com/drieluik/drieluik/fhir/r4"
)

// element is an XML element of a FHIR resource.
type element struct {
	XMLName  xml.Name
	Attrs    []xml.Attr `xml:",any,attr"`
	Children []element  `xml:",any"`
	Inner    string     `xml:",innerxml"`
}

func (e element) attr(name string) string {
	for _, a := range e.Attrs {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// JSON returns the JSON form of a FHIR resource in XML; the R4 tables say what is an array and
// what a number.
func JSON(t testing.TB, src []byte) []byte {
	t.Helper()
	var root element
	src = bytes.ReplaceAll(src, []byte("\r\n"), []byte("\n")) // as XML reads line ends
	if err := xml.Unmarshal(src, &root); err != nil {
		t.Fatal(err)
	}
	out, err := json.Marshal(resourceJSON(t, root))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func resourceJSON(t testing.TB, e element) map[string]any {
	m := objectJSON(t, e, e.XMLName.Local)
	m["resourceType"] = e.XMLName.Local
	return m
}

func objectJSON(t testing.TB, e element, typ string) map[string]any {
	out := map[string]any{}
	for _, a := range e.Attrs {
		if a.Name.Local == "url" || a.Name.Local == "id" {
			out[a.Name.Local] = a.Value
		}
	}
	for _, c := range e.Children {
		name := c.XMLName.Local
		f, ok := r4.Member(typ, name)
		if !ok {
			t.Fatalf("%s has no %s", typ, name)
		}
		value, sibling := valueJSON(t, c, f.Type)
		put(out, name, value, f.Element.Max != 1)
		if sibling != nil || out["_"+name] != nil {
			put(out, "_"+name, sibling, f.Element.Max != 1)
		}
	}
	return out
}

func put(out map[string]any, name string, value any, array bool) {
	if array {
		list, ok := out[name].([]any)
		if !ok {
			list = []any{}
		}
		out[name] = append(list, value)
		return
	}
	if value != nil {
		out[name] = value
	}
}

func valueJSON(t testing.TB, e element, typ string) (value, sibling any) {
	if typ == "Resource" {
		return resourceJSON(t, e.Children[0]), nil
	}
	if typ == "xhtml" {
		return `<div xmlns="http://www.w3.org/1999/xhtml">` + e.Inner + "</div>", nil
	}
	if typ[0] < 'a' {
		return objectJSON(t, e, typ), nil
	}
	if s := objectJSON(t, e, "Element"); len(s) > 0 {
		sibling = s
	}
	text := e.attr("value")
	switch {
	case text == "":
		return nil, sibling
	case typ == "boolean":
		return text == "true", sibling
	case strings.Contains(" integer decimal positiveInt unsignedInt ", " "+typ+" "):
		return json.Number(text), sibling
	}
	return text, sibling
}
