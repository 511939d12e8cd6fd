package validate

import (
	"regexp"
	"strings"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/path"
)

// place is an element of a profile that a discriminator points to, or a part of a pattern that
// stands above it.
type place struct {
	elements []*element
	patterns []fhir.Node
	targets  []string // behind resolve(): profiles of what a reference points to
}

// locate follows the steps of a discriminator through the elements of a profile.
func (c *checker) locate(from []*element, steps []string) place {
	at := place{elements: c.withTypes(from)}
	for _, step := range steps {
		if url, ok := extensionStep(step); ok {
			at = place{elements: extensionsIn(at.elements, url)}
		} else if step == "resolve()" {
			at = c.targetsOf(at.elements)
		} else if !strings.HasPrefix(step, "ofType(") {
			at = at.member(step)
		}
		at.elements = c.withTypes(at.elements)
	}
	return at
}

func (p place) member(name string) place {
	var out place
	for _, e := range p.elements {
		for _, found := range []*element{e.child(name, false), e.child(name+"[x]", false)} {
			if found != nil {
				out.elements = append(out.elements, found)
			}
		}
		for _, value := range []fhir.Node{e.fixed, e.pattern} {
			for one := range value.All(name) {
				out.patterns = append(out.patterns, one)
			}
		}
	}
	for _, n := range p.patterns {
		for one := range n.All(name) {
			out.patterns = append(out.patterns, one)
		}
	}
	return out
}

// withTypes adds the profiles on the types of elements.
func (c *checker) withTypes(in []*element) []*element {
	out := in
	for _, e := range in {
		if len(e.types) != 1 || len(e.types[0].profiles) != 1 {
			continue
		}
		if p := c.profile(e.types[0].profiles[0]); p != nil {
			out = append(out[:len(out):len(out)], p.root)
		}
	}
	return out
}

// targetsOf returns the profiles of what the elements, as references, point to.
func (c *checker) targetsOf(in []*element) place {
	var out place
	for _, e := range in {
		for _, t := range e.types {
			for _, canonical := range t.targets {
				out.targets = append(out.targets, canonical)
				if p := c.profile(canonical); p != nil {
					out.elements = append(out.elements, p.root)
				}
			}
		}
	}
	return out
}

// extensionsIn returns the slices of extensions with that url.
func extensionsIn(in []*element, url string) []*element {
	var out []*element
	for _, e := range in {
		for _, name := range []string{"extension", "modifierExtension"} {
			child := e.child(name, false)
			if child == nil {
				continue
			}
			for _, s := range child.slices {
				if s.isExtension(url) {
					out = append(out, s)
				}
			}
		}
	}
	return out
}

// isExtension reports whether a slice of extensions is that of a url.
func (e *element) isExtension(url string) bool {
	for _, t := range e.types {
		for _, canonical := range t.profiles {
			if defined, _, _ := strings.Cut(canonical, "|"); defined == url {
				return true
			}
		}
	}
	fixed := e.child("url", false)
	return fixed != nil && fixed.fixed.Text() == url
}

var extensionCall = regexp.MustCompile(`^extension\((?:url\s*=\s*)?'([^']+)'\)$`)

func extensionStep(step string) (url string, ok bool) {
	m := extensionCall.FindStringSubmatch(step)
	if m == nil {
		return "", false
	}
	return m[1], true
}

// newDiscriminator compiles the path of a discriminator.
func newDiscriminator(kind, text string) discriminator {
	d := discriminator{kind: kind, path: text}
	var asked []string
	for _, step := range splitPath(text) {
		if step == "$this" || step == "" {
			continue
		}
		d.steps = append(d.steps, step)
		if url, ok := extensionStep(step); ok {
			step = "extension('" + url + "')"
		}
		asked = append(asked, step)
	}
	source := strings.Join(asked, ".")
	if source == "" {
		source = "$this"
	}
	d.expression, _ = path.Compile(source) // nil: the discriminator cannot be evaluated
	return d
}

// splitPath splits at the dots outside of quotes and parentheses.
func splitPath(text string) []string {
	depth := 0
	quoted := false
	return strings.FieldsFunc(text, func(r rune) bool {
		switch {
		case r == '\'':
			quoted = !quoted
		case quoted:
		case r == '(':
			depth++
		case r == ')':
			depth--
		}
		return r == '.' && depth == 0 && !quoted
	})
}
