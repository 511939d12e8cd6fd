package patch

import (
	"strings"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/r4"
)

// content returns the members of a part that hold its value: value[x], its companion, and the type
// as the name of value[x] has it ("HumanName", "Code").
func content(part fhir.Node) (main, twin fhir.Node, suffix string) {
	for m := range part.Children() {
		name, found := strings.CutPrefix(m.Name(), "_")
		typ, ok := strings.CutPrefix(name, "value")
		switch {
		case !ok:
		case found:
			twin, suffix = m, typ
		default:
			main, suffix = m, typ
		}
	}
	return main, twin, suffix
}

// fieldFor returns the element of an R4 type by its FHIRPath name, and its JSON name: that of a
// choice follows from the type of the value.
func fieldFor(typ, name string, part fhir.Node) (f r4.Field, json string, fault *rule) {
	if f, ok := r4.Member(typ, name); ok {
		if f.Element.Choice {
			return f, "", &ruleName
		}
		return f, name, nil
	}
	_, _, suffix := content(part)
	if f, ok := r4.Member(typ, name+suffix); ok && f.Element.Choice && f.Element.Name == name {
		return f, name + suffix, nil
	}
	if hasChoice(typ, name) {
		return f, "", &ruleKind
	}
	return f, "", &ruleName
}

// hasChoice reports whether an R4 type has a choice of that name.
func hasChoice(typ, name string) bool {
	s := r4.Lookup(typ)
	if s == nil {
		return false
	}
	for _, e := range s.Elements {
		if e.Choice && e.Name == name {
			return true
		}
	}
	return false
}

// isPrimitive reports whether an R4 type is a primitive.
func isPrimitive(typ string) bool {
	s := r4.Lookup(typ)
	return s != nil && s.Kind == "primitive-type"
}

// contentOf returns the value of a part as an element of an R4 type. Whether the text of a primitive
// fits is for the validator to say.
func contentOf(typ string, part fhir.Node) (slot, *rule) {
	s := slot{nothing, nothing}
	if resource := part.Member("resource"); resource.Exists() {
		if typ != "Resource" {
			return s, &ruleKind
		}
		s.main = member{value: value{src: resource}}
		return s, nil
	}
	if part.Member("part").Exists() {
		return built(typ, part)
	}
	main, twin, suffix := content(part)
	if !fits(suffix, typ) {
		return s, &ruleKind
	}
	if main.Exists() {
		s.main = member{value: value{src: main}}
	}
	if twin.Exists() {
		s.twin = member{value: value{src: twin}}
	}
	return s, nil
}

// fits reports whether a value of value[x] may stand where R4 has the type.
func fits(suffix, typ string) bool {
	if suffix == "" {
		return false
	}
	if isPrimitive(typ) {
		return isPrimitive(strings.ToLower(suffix[:1]) + suffix[1:])
	}
	return r4.IsA(suffix, typ)
}

// built makes an object of an R4 type from parts, each an element of it.
func built(typ string, part fhir.Node) (slot, *rule) {
	s := slot{nothing, nothing}
	if typ == "Resource" || isPrimitive(typ) {
		return s, &ruleKind
	}
	c := &container{object: true}
	for p := range part.Member("part").Children() {
		if fault := c.add(typ, p.Member("name").Text(), p); fault != nil {
			return s, fault
		}
	}
	s.main = member{value: value{open: c}}
	return s, nil
}
