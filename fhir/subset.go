package fhir

import (
	"slices"
	"strings"

	"github.com/drieluik/drieluik/fhir/r4"
)

// Selection says which elements of a resource are shown, as _summary and _elements of R4 do. The
// zero Selection shows all.
type Selection struct {
	Summary  string   // true, text or data; "": no summary
	Elements []string // names of top-level elements; nil: no selection
}

// Whole reports whether s shows everything.
func (s Selection) Whole() bool { return s.Summary == "" && s.Elements == nil }

// Select returns r with the elements that s shows, marked SUBSETTED; r itself when s shows all.
// What R4 makes mandatory stays, and what changes the meaning of the rest. An error is a fault of
// the server.
func (r *Resource) Select(s Selection) (*Resource, error) {
	const op = "fhir.Resource.Select"
	if s.Whole() {
		return r, nil
	}
	out, err := r.reparse(op, s.object(r.Root(), r4.Lookup(string(r.Type())), true))
	if err != nil {
		return nil, err
	}
	marked := slices.ContainsFunc(slices.Collect(out.Root().All("meta", "tag")), func(n Node) bool {
		return n.Member("system").Text() == subsettedSystem && n.Member("code").Text() == "SUBSETTED"
	})
	if marked {
		return out, nil
	}
	return out.Edit(Edit{
		Path: []string{"meta", "tag"}, Append: true, JSON: `{"system":"` + subsettedSystem + `","code":"SUBSETTED"}`,
	})
}

// subsettedSystem is the system of the mark of a reduced resource.
const subsettedSystem = "http://terminology.hl7.org/CodeSystem/v3-ObservationValue"

// object returns the JSON text of the members of n that are shown, "" when there are none. In a
// summary the parts of a backbone element are chosen one by one; a data type is shown whole.
func (s Selection) object(n Node, typ *r4.Structure, top bool) string {
	var parts []string
	for c := range n.Children() {
		name := strings.TrimPrefix(c.Name(), "_")
		var f r4.Field
		if typ != nil {
			f, _ = typ.Member(name)
		}
		if name != "resourceType" && !s.shows(f, top) {
			continue
		}
		if text := s.value(c, f); text != "" {
			parts = append(parts, `"`+c.Name()+`":`+text)
		}
	}
	return enclosed("{", parts, "}")
}

// value returns the text of one member, "" when nothing of it is shown.
func (s Selection) value(n Node, f r4.Field) string {
	if s.Summary != "true" || f.Structure == nil || f.Structure.Kind != "backbone" {
		return n.Raw()
	}
	switch n.Shape() {
	case Array:
		var parts []string
		for c := range n.Children() {
			if text := s.value(c, f); text != "" {
				parts = append(parts, text)
			}
		}
		return enclosed("[", parts, "]")
	case Object:
		return s.object(n, f.Structure, false)
	}
	return n.Raw()
}

func enclosed(open string, parts []string, end string) string {
	if len(parts) == 0 {
		return ""
	}
	return open + strings.Join(parts, ",") + end
}

// always are the members that every selection shows.
var always = []string{"id", "meta", "implicitRules"}

// shows reports whether a member is shown; an unknown one is not.
func (s Selection) shows(f r4.Field, top bool) bool {
	e := f.Element
	switch {
	case e == nil:
		return false
	case e.Min > 0 || e.Modifier || top && slices.Contains(always, e.Name):
		return true
	case s.Summary == "true":
		return e.Summary
	case s.Summary == "text":
		return e.Name == "text"
	case s.Summary == "data":
		return e.Name != "text"
	}
	return slices.Contains(s.Elements, e.Name)
}
