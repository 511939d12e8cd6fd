package rebuild

import (
	"strings"

	"github.com/drieluik/drieluik/fhir"
)

// CodeSystem returns the canonical of our CodeSystem of that name.
func CodeSystem(name string) string { return fhir.Canonical + "/CodeSystem/" + name }

// StructureDefinition returns the canonical of an extension of ours.
func StructureDefinition(name string) string { return fhir.Canonical + "/StructureDefinition/" + name }

// Extensions returns the extensions of ours of that name on n, in order.
func Extensions(n fhir.Node, name string) []fhir.Node { return WithURL(n, StructureDefinition(name)) }

// WithURL returns the extensions, or parts of a complex extension, of a URL.
func WithURL(n fhir.Node, url string) []fhir.Node {
	var out []fhir.Node
	for e := range n.All("extension") {
		if e.Member("url").Text() == url {
			out = append(out, e)
		}
	}
	return out
}

// withURL returns the first of WithURL.
func withURL(n fhir.Node, url string) fhir.Node {
	for e := range n.All("extension") {
		if e.Member("url").Text() == url {
			return e
		}
	}
	return fhir.Node{}
}

// Extension returns the first extension of ours of that name, for a complex one.
func Extension(n fhir.Node, name string) fhir.Node { return withURL(n, StructureDefinition(name)) }

// Ext returns the value of the first extension of ours of that name.
func Ext(n fhir.Node, name string) fhir.Node { return ValueOf(Extension(n, name)) }

// Exts returns the values of all extensions of ours of that name.
func Exts(n fhir.Node, name string) []fhir.Node { return valuesOf(Extensions(n, name)) }

// Part returns the value of a part of a complex extension.
func Part(e fhir.Node, name string) fhir.Node { return ValueOf(withURL(e, name)) }

// Parts returns the values of all parts of that name of a complex extension.
func Parts(e fhir.Node, name string) []fhir.Node { return valuesOf(WithURL(e, name)) }

// FirstOf returns the first node, a missing one of none.
func FirstOf(all []fhir.Node) fhir.Node {
	if len(all) == 0 {
		return fhir.Node{}
	}
	return all[0]
}

// First returns the first element of a list, and anything else as it is.
func First(n fhir.Node) fhir.Node {
	for x := range n.All() {
		return x
	}
	return fhir.Node{}
}

// ValueOf returns value[x] of an extension, an answer, an Observation or a component.
func ValueOf(n fhir.Node) fhir.Node {
	for c := range n.Children() {
		if strings.HasPrefix(c.Name(), "value") {
			return c
		}
	}
	return fhir.Node{}
}

func valuesOf(all []fhir.Node) []fhir.Node {
	out := make([]fhir.Node, len(all))
	for i, e := range all {
		out[i] = ValueOf(e)
	}
	return out
}

// Nodes returns every node at the end of the member names, through all arrays.
func Nodes(n fhir.Node, names ...string) []fhir.Node {
	var out []fhir.Node
	for c := range n.All(names...) {
		out = append(out, c)
	}
	return out
}

// Code returns the code that a concept, or a list of concepts, has in a CodeSystem of ours.
func Code(concepts fhir.Node, name string) *Value { return Text(CodeIn(concepts, CodeSystem(name))) }

// CodeIn returns the first code in a system among the codings of a concept or a list of concepts.
func CodeIn(concepts fhir.Node, system string) fhir.Node {
	for c := range concepts.All("coding") {
		if c.Member("system").Text() == system {
			return c.Member("code")
		}
	}
	return fhir.Node{}
}

// Has reports whether a concept, or one of a list of concepts, has a code of a CodeSystem of ours.
func Has(concepts fhir.Node, name, want string) bool {
	return HasCode(concepts, CodeSystem(name), want)
}

// HasCode reports whether a concept, or one of a list of concepts, has a code of a system.
func HasCode(concepts fhir.Node, system, want string) bool {
	for c := range concepts.All("coding") {
		if c.Member("system").Text() == system && c.Member("code").Text() == want {
			return true
		}
	}
	return false
}

// Day returns the calendar day of a date or dateTime, with the precision that it has.
func Day(n fhir.Node) *Value {
	s := n.Text()
	if n.Shape() != fhir.String || len(s) <= 10 {
		return Text(n)
	}
	return String(s[:10])
}

// Clock returns a time of the day as HH:MM.
func Clock(n fhir.Node) *Value {
	s := n.Text()
	if n.Shape() != fhir.String || len(s) <= 5 {
		return Text(n)
	}
	return String(s[:5])
}

// Words returns the texts of a list of elements.
func Words(all []fhir.Node) *Value { return Each(all, Text) }

// Inverse reads a code through a table source → FHIR in which no code stands twice; nil for a code that
// the table does not have.
func Inverse(table map[string]string, n fhir.Node) *Value {
	for source, code := range table {
		if code == n.Text() {
			return String(source)
		}
	}
	return nil
}

// Identified returns the value of the identifier of a system.
func Identified(n fhir.Node, system string) fhir.Node {
	for id := range n.All("identifier") {
		if id.Member("system").Text() == system {
			return id.Member("value")
		}
	}
	return fhir.Node{}
}

// Items returns the items of a QuestionnaireResponse, or of one of its groups, with a linkId.
func Items(n fhir.Node, link string) []fhir.Node {
	var out []fhir.Node
	for i := range n.All("item") {
		if i.Member("linkId").Text() == link {
			out = append(out, i)
		}
	}
	return out
}

// Answers returns value[x] of every answer to the items with a linkId, Answer the first.
func Answers(n fhir.Node, link string) []fhir.Node {
	var out []fhir.Node
	for _, i := range Items(n, link) {
		for a := range i.All("answer") {
			out = append(out, ValueOf(a))
		}
	}
	return out
}

// Answer returns value[x] of the first answer to an item with a linkId.
func Answer(n fhir.Node, link string) fhir.Node { return FirstOf(Answers(n, link)) }
