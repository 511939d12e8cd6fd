package validate

import (
	"slices"
	"strings"

	"github.com/drieluik/drieluik/fhir"
)

// referenceRule checks a Reference that may point to the given types only; none means any type.
func referenceRule(targets []string) rule {
	want := "This reference must be to " + strings.Join(targets, " or ") + "."
	allowed := func(t fhir.Type) bool {
		return t == "" || len(targets) == 0 || slices.Contains(targets, string(t))
	}
	return func(c *checker, n fhir.Node) {
		reference, named := n.Member("reference"), n.Member("type")
		var target fhir.Type
		if reference.Shape() == fhir.String {
			target = c.target(reference)
		}
		if !allowed(target) {
			c.add(refTarget, reference, want)
		}
		t, ok := fhir.ParseType(named.Text())
		switch {
		case !ok:
		case !allowed(t):
			c.add(refTarget, named, want)
		case target != "" && target != t:
			c.add(refTarget, named, "The type differs from the type of the reference; correct one of them.")
		}
	}
}

// target returns the type that a reference points to, or "" where its text does not tell.
// It reports a reference that cannot be one.
func (c *checker) target(n fhir.Node) fhir.Type {
	text := n.Text()
	if id, ok := strings.CutPrefix(text, "#"); ok {
		return c.localTarget(n, id)
	}
	if i := strings.IndexAny(text, ":/?"); i > 0 && text[i] == ':' {
		return c.absoluteTarget(text)
	}
	if t, ok := instanceType(text); ok && !strings.Contains(text[len(t)+1:], "/") || ok && isVersioned(text, t) {
		return t
	}
	if name, _, ok := strings.Cut(text, "?"); ok && c.inBundle {
		if t, ok := fhir.ParseType(name); ok {
			return t // a conditional reference of a transaction
		}
	}
	c.add(refFormat, n, "A relative reference has the form Type/id with a resource type of R4.")
	return ""
}

// isVersioned reports whether text is "Type/id/_history/version" without anything before it.
func isVersioned(text string, t fhir.Type) bool {
	head, _, ok := strings.Cut(text, history)
	return ok && strings.HasPrefix(head, string(t)+"/") && strings.Count(head, "/") == 1
}

const history = "/_history/"

// instanceType returns the type of a text that ends in "Type/id" or "Type/id/_history/version".
func instanceType(text string) (fhir.Type, bool) {
	if head, version, ok := strings.Cut(text, history); ok {
		if !fhir.ValidID(version) {
			return "", false
		}
		text = head
	}
	slash := strings.LastIndexByte(text, '/')
	if slash < 0 || !fhir.ValidID(text[slash+1:]) {
		return "", false
	}
	return fhir.ParseType(text[strings.LastIndexByte(text[:slash], '/')+1 : slash])
}

// absoluteTarget returns the type in a RESTful URL, or that of the entry with this fullUrl.
func (c *checker) absoluteTarget(text string) fhir.Type {
	if strings.HasPrefix(text, "http") {
		if t, ok := instanceType(text); ok {
			return t
		}
	}
	n, _ := c.entry(text)
	return typeOf(n)
}

// entry returns the resource of the Bundle with this fullUrl.
func (c *checker) entry(url string) (fhir.Node, bool) {
	if !c.inBundle || url == "" {
		return fhir.Node{}, false
	}
	if c.entries == nil {
		c.entries = map[string]fhir.Node{}
		for entry := range c.resource.Root().All("entry") {
			full := entry.Member("fullUrl").Text()
			if _, ok := c.entries[full]; !ok && full != "" {
				c.entries[full] = entry.Member("resource")
			}
		}
	}
	n, ok := c.entries[url]
	return n, ok && n.Exists()
}

// anyEntry is entry, and takes a relative reference for the entry of that type and id too, whatever
// its fullUrl.
func (c *checker) anyEntry(reference string) (fhir.Node, bool) {
	if n, ok := c.entry(reference); ok || !c.inBundle {
		return n, ok
	}
	if c.byID == nil {
		c.byID = map[string]fhir.Node{}
		for inner := range c.resource.Root().All("entry", "resource") {
			c.byID[string(typeOf(inner))+"/"+inner.Member("id").Text()] = inner
		}
	}
	reference, _, _ = strings.Cut(reference, history)
	n, ok := c.byID[reference]
	return n, ok
}

// localTarget returns the type of a contained resource; "" is the container itself.
func (c *checker) localTarget(n fhir.Node, id string) fhir.Type {
	if id == "" {
		return typeOf(c.scope.container)
	}
	if c.scope.local == nil {
		c.scope.local = map[string]fhir.Type{}
		for inner := range c.scope.container.All("contained") {
			c.scope.local[inner.Member("id").Text()] = typeOf(inner)
		}
	}
	t, ok := c.scope.local[id]
	if !ok {
		c.add(refLocal, n, "No contained resource has this id; contain it or correct the reference.")
	}
	return t
}

// typeOf returns the type of an inner resource, or "" when it has none.
func typeOf(n fhir.Node) fhir.Type {
	t, ok := fhir.ParseType(n.Member("resourceType").Text())
	if !ok {
		return ""
	}
	return t
}
