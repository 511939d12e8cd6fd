package back

import (
	"strings"

	"github.com/drieluik/drieluik/fhir"
)

// Code systems and structures of others.
const (
	snomed       = "http://snomed.info/sct"
	hl7Structure = "http://hl7.org/fhir/StructureDefinition/"
	uraSystem    = "http://fhir.nl/fhir/NamingSystem/ura"
	agbSystem    = "http://fhir.nl/fhir/NamingSystem/agb-z"
	uzoviSystem  = "http://fhir.nl/fhir/NamingSystem/uzovi"
	bigSystem    = "http://fhir.nl/fhir/NamingSystem/big"
	bsnSystem    = "http://fhir.nl/fhir/NamingSystem/bsn"
)

// codeSystem returns the canonical of our CodeSystem of a list.
func codeSystem(list string) string { return fhir.Canonical + "/CodeSystem/" + list }

// structure returns the canonical of an extension of ours.
func structure(name string) string { return fhir.Canonical + "/StructureDefinition/" + name }

// extensions returns the extensions of ours of that name on n, in order.
func extensions(n fhir.Node, name string) []fhir.Node { return withURL(n, structure(name)) }

// withURL returns the extensions, or parts of a complex extension, of a URL.
func withURL(n fhir.Node, url string) []fhir.Node {
	var out []fhir.Node
	for e := range n.All("extension") {
		if e.Member("url").Text() == url {
			out = append(out, e)
		}
	}
	return out
}

// extension returns the first extension of ours of that name, for a complex one.
func extension(n fhir.Node, name string) fhir.Node { return firstOf(extensions(n, name)) }

// ext returns the value of the first extension of ours of that name.
func ext(n fhir.Node, name string) fhir.Node { return valueOf(extension(n, name)) }

// part returns the value of a part of a complex extension, parts those of all of that name.
func part(e fhir.Node, name string) fhir.Node { return valueOf(firstOf(withURL(e, name))) }

func firstOf(all []fhir.Node) fhir.Node {
	if len(all) == 0 {
		return fhir.Node{}
	}
	return all[0]
}

// valueOf returns value[x] of an extension, an answer, an Observation or a component.
func valueOf(n fhir.Node) fhir.Node {
	for c := range n.Children() {
		if strings.HasPrefix(c.Name(), "value") {
			return c
		}
	}
	return fhir.Node{}
}

// values returns the values of all extensions of ours of that name.
func values(n fhir.Node, name string) []fhir.Node { return valuesOf(extensions(n, name)) }

// partsOf returns the values of all parts of that name of a complex extension.
func partsOf(e fhir.Node, name string) []fhir.Node { return valuesOf(withURL(e, name)) }

func valuesOf(all []fhir.Node) []fhir.Node {
	out := make([]fhir.Node, len(all))
	for i, e := range all {
		out[i] = valueOf(e)
	}
	return out
}

// nodes returns every node at the end of the member names, through all arrays.
func nodes(n fhir.Node, names ...string) []fhir.Node {
	var out []fhir.Node
	for c := range n.All(names...) {
		out = append(out, c)
	}
	return out
}

// code returns the code that a concept, or a list of concepts, has in a list of ours.
func code(concepts fhir.Node, list string) *node { return text(codeNode(concepts, codeSystem(list))) }

// codeNode returns the first code in a system among the codings of a concept or a list of concepts.
func codeNode(concepts fhir.Node, system string) fhir.Node {
	for c := range concepts.All("coding") {
		if c.Member("system").Text() == system {
			return c.Member("code")
		}
	}
	return fhir.Node{}
}

// has reports whether a concept, or one of a list of concepts, has a code of a list of ours.
func has(concepts fhir.Node, list, want string) bool {
	for c := range concepts.All("coding") {
		if c.Member("system").Text() == codeSystem(list) && c.Member("code").Text() == want {
			return true
		}
	}
	return false
}

// codingSystems are the members of a codering and their code systems (mks.md 3.1). Read only.
var codingSystems = []struct{ member, system string }{
	{"sct", snomed}, {"omaha", "urn:oid:2.16.840.1.113883.6.98"},
	{"icf", "http://hl7.org/fhir/sid/icf-nl"}, {"noc", "urn:oid:2.16.840.1.113883.6.16"},
	{"nic", "http://terminology.hl7.org/CodeSystem/nic"}, {"nanda", "urn:oid:2.16.840.1.113883.6.20"},
	{"icd10", "http://hl7.org/fhir/sid/icd-10-nl"},
}

// codering reads the codings of a concept: one member per code system, the first coding of each. The
// coding added by a profile (nil for none) is not the source's. tekst is no coding: a record whose
// text has no other place adds m("tekst", …) itself.
func codering(concept fhir.Node, added func(coding fhir.Node) bool, more ...member) *node {
	var members []member
	for _, s := range codingSystems {
		for c := range concept.All("coding") {
			if c.Member("system").Text() == s.system && (added == nil || !added(c)) {
				members = append(members, m(s.member, text(c.Member("code"))))
				break
			}
		}
	}
	return object(append(members, more...)...)
}

// day returns the calendar day of a date or dateTime, with the precision that it has.
func day(n fhir.Node) *node {
	s := n.Text()
	if n.Shape() != fhir.String || len(s) <= 10 {
		return text(n)
	}
	return str(s[:10])
}

// clock returns a time of the day as HH:MM.
func clock(n fhir.Node) *node {
	s := n.Text()
	if n.Shape() != fhir.String || len(s) <= 5 {
		return text(n)
	}
	return str(s[:5])
}

// words returns the texts of a list of elements.
func words(all []fhir.Node) *node { return each(all, text) }

// inverse reads a code through a table source → FHIR; nil for a code that the table does not have.
func inverse(table map[string]string, n fhir.Node) *node {
	for source, code := range table {
		if code == n.Text() {
			return str(source)
		}
	}
	return nil
}

// identified returns the value of the identifier of a system.
func identified(n fhir.Node, system string) fhir.Node {
	for id := range n.All("identifier") {
		if id.Member("system").Text() == system {
			return id.Member("value")
		}
	}
	return fhir.Node{}
}

// items returns the items of a QuestionnaireResponse, or of one of its groups, with a linkId.
func items(n fhir.Node, link string) []fhir.Node {
	var out []fhir.Node
	for i := range n.All("item") {
		if i.Member("linkId").Text() == link {
			out = append(out, i)
		}
	}
	return out
}

// answers returns value[x] of every answer to the items with a linkId, answer the first.
func answers(n fhir.Node, link string) []fhir.Node {
	var out []fhir.Node
	for _, i := range items(n, link) {
		for a := range i.All("answer") {
			out = append(out, valueOf(a))
		}
	}
	return out
}

func answer(n fhir.Node, link string) fhir.Node { return firstOf(answers(n, link)) }
