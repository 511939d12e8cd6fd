package validate

import (
	"strings"

	"github.com/drieluik/drieluik/fhir"
)

var (
	sameFullURL = fault{"bdl-7", "invariant"} // two entries with one fullUrl and version
	sameLinkID  = fault{"que-2", "invariant"} // two items of a Questionnaire with one linkId
	sameConcept = fault{"csd-1", "invariant"} // two concepts of a CodeSystem with one code
)

// once reports every node whose key was met before. An empty key is passed over.
type once struct {
	*checker
	fault fault
	text  string
	seen  map[string]bool
}

func (o *once) check(n fhir.Node, key string) {
	if key == "" {
		return
	}
	if o.seen[key] {
		o.add(o.fault, n, o.text)
	}
	o.seen[key] = true
}

// below checks a member of every object in a tree of objects under one member name.
func (o *once) below(n fhir.Node, tree, member string) {
	for part := range n.All(tree) {
		id := part.Member(member)
		o.check(id, id.Text())
		o.below(part, tree, member)
	}
}

// checkEntries is bdl-7.
func (c *checker) checkEntries(n fhir.Node) {
	if n.Member("type").Text() == "history" {
		return
	}
	o := &once{c, sameFullURL, "Another entry has this fullUrl; give each resource its own.", map[string]bool{}}
	for entry := range n.All("entry") {
		url := entry.Member("fullUrl")
		if text := url.Text(); text != "" {
			o.check(url, text+" "+entry.At("resource", "meta", "versionId").Text())
		}
	}
}

// checkLinkIDs is que-2.
func (c *checker) checkLinkIDs(n fhir.Node) {
	o := &once{c, sameLinkID, "Another item has this linkId; give each item its own.", map[string]bool{}}
	o.below(n, "item", "linkId")
}

// checkConcepts is csd-1.
func (c *checker) checkConcepts(n fhir.Node) {
	o := &once{c, sameConcept, "Another concept has this code; give each concept its own.", map[string]bool{}}
	o.below(n, "concept", "code")
}

// checkContained demands that "#id" has one meaning, and dom-3: that something refers to each
// contained resource, or it to its container.
func (c *checker) checkContained(n fhir.Node) {
	contained := n.Member("contained")
	if !contained.Exists() {
		return
	}
	o := &once{c, sameID, "Another contained resource has this id; give each its own.", map[string]bool{}}
	named := map[string]bool{}
	fragments(n, named)
	for inner := range contained.All() {
		id := inner.Member("id")
		o.check(id, id.Text())
		if named["#"+id.Text()] || typeOf(inner) == "" {
			continue
		}
		back := map[string]bool{}
		if fragments(inner, back); !back["#"] {
			c.add(unreferenced, inner, "Nothing refers to this contained resource; refer to it with # and its id, or remove it.")
		}
	}
}

// fragments gathers the texts below n that may be references within the resource.
func fragments(n fhir.Node, into map[string]bool) {
	if n.Shape() == fhir.String && strings.HasPrefix(n.Raw(), `"#`) {
		into[n.Text()] = true
	}
	for child := range n.Children() {
		fragments(child, into)
	}
}
