package validate

import (
	"strings"

	"github.com/drieluik/drieluik/fhir"
)

var (
	bundleURL     = fault{"FHIR-BUNDLE-URL", "value"}           // a fullUrl that is no absolute URL, or disagrees with the id
	bundleMissing = fault{"FHIR-BUNDLE-MISSING", "not-found"}   // a document lacks a resource that it refers to
	bundleStray   = fault{"FHIR-BUNDLE-STRAY", "business-rule"} // nothing in a document refers to an entry
	bundleRequest = fault{"FHIR-BUNDLE-REQUEST", "structure"}   // method and resource of an entry do not agree
)

// checkBundle checks what R4 says of Bundles in prose.
func (c *checker) checkBundle(n fhir.Node) {
	kind := n.Member("type").Text()
	for entry := range n.All("entry") {
		c.checkFullURL(entry)
		if kind == "batch" || kind == "transaction" {
			c.checkRequest(entry)
		}
	}
	if kind == "document" && n == c.resource.Root() {
		c.checkDocument(n)
	}
}

// checkFullURL demands an absolute URL that ends in type and id where it is one of a server.
func (c *checker) checkFullURL(entry fhir.Node) {
	url, inner := entry.Member("fullUrl"), entry.Member("resource")
	text, id := url.Text(), inner.Member("id").Text()
	scheme, _, absolute := strings.Cut(text, ":")
	switch {
	case text == "" || strings.Contains(text, history): // bdl-8
	case !absolute || strings.ContainsAny(scheme, "/?#"):
		c.add(bundleURL, url, "A fullUrl is an absolute URL or a URN; write it in full.")
	case strings.HasPrefix(text, "urn:uuid:") && !isUUID(strings.ToLower(text)):
		c.add(bundleURL, url, "A fullUrl with urn:uuid: has a uuid behind it; correct it.")
	case strings.HasPrefix(text, "urn:oid:") && !isOID(text):
		c.add(bundleURL, url, "A fullUrl with urn:oid: has an oid behind it; correct it.")
	case strings.HasPrefix(scheme, "http") && id != "" && isInstance(text) && !strings.HasSuffix(text, "/"+string(typeOf(inner))+"/"+id):
		c.add(bundleURL, url, "The fullUrl disagrees with type or id of the resource; correct one of them.")
	}
}

func isInstance(url string) bool {
	_, ok := instanceType(url)
	return ok
}

// withResource says which methods of a request carry a resource.
var withResource = map[string]bool{"POST": true, "PUT": true, "PATCH": true, "GET": false, "HEAD": false, "DELETE": false}

func (c *checker) checkRequest(entry fhir.Node) {
	request, inner := entry.Member("request"), entry.Member("resource")
	method := request.Member("method").Text()
	needed, known := withResource[method]
	switch {
	case !known:
	case needed && !inner.Exists():
		c.addMember(bundleRequest, entry, "resource", "An entry with this method needs a resource; add it.")
	case !needed && inner.Exists():
		c.add(bundleRequest, inner, "An entry with this method has no resource; remove it.")
	}
	url := request.Member("url")
	path, _, _ := strings.Cut(url.Text(), "?")
	path, _, _ = strings.Cut(strings.TrimPrefix(path, "/"), "/")
	if t := typeOf(inner); t != "" && withResource[method] && method != "PATCH" && path != string(t) && !strings.HasPrefix(path, "$") && !strings.Contains(url.Text(), "$") {
		c.add(bundleRequest, url, "The url of the request names another type than the resource has; correct it.")
	}
}

// documentParts are the references of a Composition whose targets R4 wants in the document.
var documentParts = [][]string{
	{"subject"}, {"encounter"}, {"author"}, {"attester", "party"}, {"custodian"}, {"event", "detail"},
}

var sectionParts = [][]string{{"author"}, {"focus"}, {"entry"}}

// checkDocument demands that what the Composition refers to is in the document, and that what is in
// it is referred to.
func (c *checker) checkDocument(n fhir.Node) {
	var first fhir.Node
	for first = range n.All("entry") {
		break
	}
	composition := first.Member("resource")
	if typeOf(composition) != "Composition" {
		return // bdl-11
	}
	for _, names := range documentParts {
		c.inDocument(composition, names)
	}
	c.sections(composition)
	c.checkStrays(n)
}

func (c *checker) sections(n fhir.Node) {
	for section := range n.All("section") {
		for _, names := range sectionParts {
			c.inDocument(section, names)
		}
		c.sections(section)
	}
}

func (c *checker) inDocument(n fhir.Node, names []string) {
	for one := range n.All(names...) {
		reference := one.Member("reference")
		text := reference.Text()
		if text == "" || text[0] == '#' {
			continue
		}
		if _, ok := c.referred(n, text); !ok {
			c.add(bundleMissing, reference, "A document holds what its Composition refers to; add the resource as an entry with this fullUrl.")
		}
	}
}

// referred finds the entry that a reference within n points to: by its fullUrl, and a relative one
// against the server in the fullUrl of the entry that holds n.
func (c *checker) referred(n fhir.Node, reference string) (fhir.Node, bool) {
	text, _, _ := strings.Cut(reference, history)
	if found, ok := c.entry(text); ok {
		return found, true
	}
	for n.Exists() && !n.Member("fullUrl").Exists() {
		n = n.Parent()
	}
	full := n.Member("fullUrl").Text()
	if t, ok := instanceType(full); ok {
		if i := strings.LastIndex(full, "/"+string(t)+"/"); i > 0 {
			return c.entry(full[:i+1] + text)
		}
	}
	return fhir.Node{}, false
}

// checkStrays warns of entries of a document that no other entry refers to.
func (c *checker) checkStrays(n fhir.Node) {
	referred := map[fhir.Node]bool{}
	c.gather(n, referred)
	first := true
	for entry := range n.All("entry") {
		inner := entry.Member("resource")
		back := map[fhir.Node]bool{}
		c.gather(inner, back)
		if !first && inner.Exists() && !referred[inner] && len(back) == 0 {
			c.warn(bundleStray, entry, "Nothing in the document refers to this entry; refer to it or leave it out.")
		}
		first = false
	}
}

// gather collects the entries that references below n point to.
func (c *checker) gather(n fhir.Node, into map[fhir.Node]bool) {
	if n.Name() == "reference" && n.Shape() == fhir.String {
		if found, ok := c.referred(n.Parent(), n.Text()); ok {
			into[found] = true
		}
	}
	for child := range n.Children() {
		c.gather(child, into)
	}
}
