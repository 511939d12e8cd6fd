package validate

import (
	"slices"
	"strings"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/path"
	"github.com/drieluik/drieluik/fhir/r4"
)

// coding is a code with its system, or a code alone.
type coding struct{ system, code string }

// required is a value set of a required binding, listed in full.
type required struct {
	codes map[coding]bool
	want  string // sentence that says what is expected
}

// bindingRules says how each type that R4 binds as required is checked.
var bindingRules = map[string]func(required) rule{
	"code": required.code, "CodeableConcept": required.concept,
}

// bindingRule returns the check of a required binding, or nil where there is nothing to check.
func bindingRule(b *r4.Binding, typ string) rule {
	check := bindingRules[typ]
	if b == nil || b.Strength != "required" || check == nil {
		return nil
	}
	listed, ok := r4.Codes(b.ValueSet)
	if !ok {
		return memberRule(b.ValueSet, typ)
	}
	set := required{codes: make(map[coding]bool, len(listed))}
	var names []string
	for text := range listed {
		if i := strings.LastIndexByte(text, '|'); i >= 0 {
			set.codes[coding{text[:i], text[i+1:]}] = true
			continue
		}
		set.codes[coding{code: text}] = true
		names = append(names, text)
	}
	slices.Sort(names)
	set.want = "Use a code that R4 allows here: " + list(names) + "."
	return check(set)
}

// memberRule asks the terminology about a set that R4 does not list in full.
func memberRule(valueSet, typ string) rule {
	return func(c *checker, n fhir.Node) {
		if c.options.Member != nil && c.inValueSet(path.TypedAs(n, fhir.Node{}, typ), valueSet) == no {
			c.add(codeRequired, n, "Use a code of the value set that R4 demands here.")
		}
	}
}

func (s required) code() rule {
	return func(c *checker, n fhir.Node) {
		if !s.codes[coding{code: n.Text()}] {
			c.add(codeRequired, n, s.want)
		}
	}
}

func (s required) concept() rule {
	return func(c *checker, n fhir.Node) {
		for one := range n.All("coding") {
			if s.has(one) {
				return
			}
		}
		c.add(codeRequired, n, s.want)
	}
}

// has reports whether a Coding is in the set; without its system it is not.
func (s required) has(n fhir.Node) bool {
	system := n.Member("system").Text()
	return system != "" && s.codes[coding{system, n.Member("code").Text()}]
}
