package validate

import (
	"slices"
	"strings"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/path"
	"github.com/drieluik/drieluik/fhir/r4"
)

// decide says whether what was found at the path of a discriminator agrees with what the profile
// says of that place.
func (c *checker) decide(kind string, found []path.Item, at place, slice *element) answer {
	switch kind {
	case "value", "pattern":
		return c.byValue(found, at, slice)
	case "exists":
		return byExistence(found, at)
	case "type":
		return c.byKind(found, at, slice)
	case "profile":
		return c.byProfile(found, at)
	}
	return unknown
}

// byValue compares with fixed values, patterns and bindings.
func (c *checker) byValue(found []path.Item, at place, slice *element) answer {
	result, said := yes, false
	one := func(holds func(path.Item) answer) {
		said = true
		best := no
		for _, it := range found {
			switch holds(it) {
			case yes:
				best = yes
			case unknown:
				if best == no {
					best = unknown
				}
			}
		}
		result = result.and(best)
	}
	for _, e := range at.elements {
		if e.fixed.Exists() {
			one(func(it path.Item) answer { return answerOf(fhir.Equal(it.Node(), e.fixed)) })
		}
		if e.pattern.Exists() {
			one(func(it path.Item) answer { return answerOf(matchesPattern(it.Node(), e.pattern)) })
		}
	}
	for _, p := range at.patterns {
		one(func(it path.Item) answer { return answerOf(matchesPattern(it.Node(), p)) })
	}
	if said {
		return result
	}
	if slice.name == "extension" || slice.name == "modifierExtension" {
		return byExtensionURL(found, slice)
	}
	for _, e := range at.elements {
		if e.binding != "" && e.strength == "required" {
			one(func(it path.Item) answer { return c.inValueSet(it, e.binding) })
		}
	}
	if !said {
		return unknown
	}
	return result
}

// byExtensionURL compares with the URL of the profile on the extension, which need not be loaded.
func byExtensionURL(found []path.Item, slice *element) answer {
	if len(slice.types) == 0 || len(slice.types[0].profiles) == 0 {
		return unknown
	}
	return answerOf(len(found) == 1 && slice.isExtension(found[0].Text()))
}

// byExistence compares with a minimum above 0 or a maximum of 0.
func byExistence(found []path.Item, at place) answer {
	for _, e := range at.elements {
		if e.max == 0 {
			return answerOf(len(found) == 0)
		}
		if e.min > 0 {
			return answerOf(len(found) > 0)
		}
	}
	return unknown
}

// byKind compares types.
func (c *checker) byKind(found []path.Item, at place, slice *element) answer {
	types := c.typesAt(at)
	if name := slice.sliceType(); len(types) == 0 && name != "" {
		types = []string{name}
	}
	if len(types) == 0 {
		return unknown
	}
	for _, it := range found {
		if it.Type() == "" || slices.ContainsFunc(types, func(t string) bool { return r4.IsA(it.Type(), t) }) {
			return answerOf(it.Type() != "")
		}
	}
	return no
}

// typesAt returns the types of a place: those of its elements, or behind resolve() of the targets.
func (c *checker) typesAt(at place) []string {
	var types []string
	for _, e := range at.elements {
		for _, t := range e.types {
			types = append(types, t.code)
		}
	}
	for _, canonical := range at.targets {
		if name, ok := core(canonical); ok {
			types = append(types, name)
		} else if p := c.profile(canonical); p != nil {
			types = append(types, p.typ)
		}
	}
	return types
}

// byProfile asks whether a value, or what a reference points to, conforms to a profile.
func (c *checker) byProfile(found []path.Item, at place) answer {
	canonicals := at.targets
	for _, e := range at.elements {
		for _, t := range e.types {
			canonicals = append(canonicals[:len(canonicals):len(canonicals)], t.profiles...)
		}
	}
	if len(found) == 0 || len(canonicals) == 0 {
		return unknown
	}
	return c.conformsToAny(found[0], canonicals)
}

// conformsToAny reports whether an item conforms to one of the profiles.
func (c *checker) conformsToAny(it path.Item, canonicals []string) answer {
	best := no
	for _, canonical := range canonicals {
		switch c.conforms(it, canonical) {
		case yes:
			return yes
		case unknown:
			best = unknown
		}
	}
	return best
}

// conforms asks whether an item conforms to a profile. Of a resource that is not here only the type
// is known.
func (c *checker) conforms(it path.Item, canonical string) answer {
	if name, ok := core(canonical); ok {
		return answerOf(it.Type() == "" || r4.IsA(it.Type(), name))
	}
	p := c.profile(canonical)
	switch {
	case p == nil:
		return unknown
	case it.Type() != "" && !r4.IsA(it.Type(), p.typ):
		return no
	case !it.Node().Exists():
		return unknown
	}
	key := subject{it.Node(), canonical}
	if verdict, ok := c.verdicts[key]; ok {
		return verdict
	}
	if c.verdicts == nil {
		c.verdicts = map[subject]answer{}
	}
	c.verdicts[key] = yes // resources that refer to each other do not fail for it
	sub := &checker{
		Validator: c.Validator, resource: c.resource, inBundle: c.inBundle, entries: c.entries, byID: c.byID,
		around: c.around, depth: c.depth + 1, done: map[subject]bool{}, verdicts: c.verdicts,
	}
	sub.against(it, canonical)
	c.verdicts[key] = answerOf(sub.errors == 0)
	return c.verdicts[key]
}

// inValueSet asks whether a code, Coding or CodeableConcept is in a value set.
func (c *checker) inValueSet(it path.Item, valueSet string) answer {
	n := it.Node()
	if n.Shape() == fhir.String {
		return c.isMember(valueSet, "", n.Text())
	}
	if !n.Member("coding").Exists() && it.Type() != "CodeableConcept" {
		return c.codingIn(valueSet, n)
	}
	best := no
	for coding := range n.All("coding") {
		switch c.codingIn(valueSet, coding) {
		case yes:
			return yes
		case unknown:
			best = unknown
		}
	}
	return best
}

// codingIn asks for a Coding or Quantity; without its system it is in no value set.
func (c *checker) codingIn(valueSet string, n fhir.Node) answer {
	system := n.Member("system").Text()
	if system == "" {
		return no
	}
	return c.isMember(valueSet, system, n.Member("code").Text())
}

// isMember asks the terminology, then the value sets that R4 lists in full.
func (c *checker) isMember(valueSet, system, code string) answer {
	if c.options.Member != nil {
		if member, known := c.options.Member(valueSet, system, code); known {
			return answerOf(member)
		}
	}
	set, _, _ := strings.Cut(valueSet, "|")
	codes, ok := r4.Codes(set)
	if !ok {
		return unknown
	}
	if system != "" {
		code = system + "|" + code
	}
	return answerOf(codes[code])
}

// checkBinding checks a required binding of a profile.
func (c *checker) checkBinding(it path.Item, e *element) {
	if e.binding == "" || e.strength != "required" || !bindable[it.Type()] {
		return
	}
	switch c.inValueSet(it, e.binding) {
	case no:
		c.add(profileCode, it.Node(), "The profile "+c.current.name+" demands a code of its value set here; use one of them.")
	case unknown:
		key := subject{fhir.Node{}, "binding " + e.binding}
		if !c.done[key] {
			c.done[key] = true
			c.inform(codeUnknown, it.Node(), "The value set of the profile "+c.current.name+" is not known in full, so that the code was not checked; load the package that defines it.")
		}
	}
}

// bindable are the types whose codes are bound to value sets.
var bindable = map[string]bool{"code": true, "Coding": true, "CodeableConcept": true, "uri": true, "string": true, "Quantity": true}
