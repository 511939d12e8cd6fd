package path

import (
	"slices"
	"strings"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/r4"
)

// navigation are the functions that walk the tree.
var navigation = map[string]function{
	"children":       {0, 0, func(s *scope, k call, in []Item) ([]Item, error) { return walk(s, k.pos, in, children) }},
	"descendants":    {0, 0, descendants},
	"extension":      {1, 1, extension},
	"hasExtension":   {1, 1, hasExtension},
	"checkModifiers": {0, 64, checkModifiers},
	"resolve":        {0, 0, resolve},
}

// world are the functions that ask of the outside, or of the engine.
var world = map[string]function{
	"memberOf":   {1, 1, memberOf},
	"subsumes":   {1, 1, func(s *scope, k call, in []Item) ([]Item, error) { return subsumption(s, k, in, false) }},
	"subsumedBy": {1, 1, func(s *scope, k call, in []Item) ([]Item, error) { return subsumption(s, k, in, true) }},
	"conformsTo": {1, 1, conformsTo},
	"trace":      {1, 2, trace},
	"now":        {0, 0, now},
	"today":      {0, 0, today},
	"timeOfDay":  {0, 0, timeOfDay},
	"type":       {0, 0, typeInfo},
	"htmlChecks": {0, 0, htmlChecks},
}

func descendants(s *scope, k call, in []Item) ([]Item, error) {
	level, err := walk(s, k.pos, in, children)
	var out []Item
	for err == nil && len(level) > 0 {
		out = append(out, level...)
		level, err = walk(s, k.pos, level, children)
	}
	return out, err
}

// extension returns the extensions with a url.
func extension(s *scope, k call, in []Item) ([]Item, error) {
	url, ok, err := s.text(k, 0)
	if err != nil || !ok {
		return nil, err
	}
	found, err := walk(s, k.pos, in, func(out []Item, it Item) []Item { return members(out, it, "extension") })
	return filter(found, func(x Item) bool { return x.node.Member("url").Text() == url }), err
}

// hasExtension stands in one R4 search parameter (QuestionnaireResponse item-subject).
func hasExtension(s *scope, k call, in []Item) ([]Item, error) {
	found, err := extension(s, k, in)
	return boolItems(len(found) > 0), err
}

// checkModifiers returns its input, and fails on a modifier extension that is not among the URLs.
func checkModifiers(s *scope, k call, in []Item) ([]Item, error) {
	var known []string
	for i := range k.args {
		url, ok, err := s.text(k, i)
		if err != nil {
			return nil, err
		}
		if ok {
			known = append(known, url)
		}
	}
	found, err := walk(s, k.pos, in, func(out []Item, it Item) []Item { return members(out, it, "modifierExtension") })
	if err != nil {
		return nil, err
	}
	if err := s.spend(k.pos, len(found)*len(known)); err != nil {
		return nil, err
	}
	for _, x := range found {
		if !slices.Contains(known, x.node.Member("url").Text()) {
			return nil, k.fail("found a modifier extension that it does not know")
		}
	}
	return in, nil
}

// resolve follows references: contained ones in the tree, others through the world.
func resolve(s *scope, k call, in []Item) ([]Item, error) {
	var out []Item
	for _, it := range in {
		reference, declared := it.Text(), ""
		if it.node.Shape() == fhir.Object {
			reference = it.node.Member("reference").Text()
			declared = it.node.Member("type").Text()
		}
		found, ok, err := s.follow(k, it, reference, declared)
		if err != nil {
			return nil, err
		}
		if ok {
			out = append(out, found)
		}
	}
	return out, s.spend(k.pos, len(in))
}

func (s *scope) follow(k call, from Item, reference, declared string) (found Item, ok bool, err error) {
	switch id, local := strings.CutPrefix(reference, "#"); {
	case local:
		return s.contained(k, rootOf(from), id)
	case reference == "" && declared == "":
	case s.world.Resolve == nil:
		found, ok = StubOf(reference, declared)
	default:
		found, ok = s.world.Resolve(reference, declared)
	}
	return found, ok, nil
}

// contained finds a contained resource by its id; "" is the container.
func (s *scope) contained(k call, root Item, id string) (Item, bool, error) {
	if id == "" {
		return root, root.Exists(), nil
	}
	for c := range root.node.All("contained") {
		if err := s.spend(k.pos, 1); err != nil {
			return Item{}, false, err
		}
		if c.Member("id").Text() == id {
			return Item{node: c, typ: resourceType(c)}, true, nil
		}
	}
	return Item{}, false, nil
}

func memberOf(s *scope, k call, in []Item) ([]Item, error) {
	valueSet, ok, err := s.text(k, 0)
	if err != nil || !ok || len(in) != 1 || s.world.MemberOf == nil {
		return nil, err
	}
	member, known := s.world.MemberOf(in[0], valueSet)
	if !known {
		return nil, nil
	}
	return boolItems(member), nil
}

// subsumption asks whether one concept is broader than the other, or the same.
func subsumption(s *scope, k call, in []Item, turned bool) ([]Item, error) {
	other, err := s.arg(k, 0)
	if err != nil || len(in) != 1 || len(other) != 1 || s.world.Subsumes == nil {
		return nil, err
	}
	a, b := in[0], other[0]
	if turned {
		a, b = b, a
	}
	subsumes, known := s.world.Subsumes(a, b)
	if !known {
		return nil, nil
	}
	return boolItems(subsumes), nil
}

// baseDefinitions is the start of the URLs of R4's own structures.
const baseDefinitions = "http://hl7.org/fhir/StructureDefinition/"

func conformsTo(s *scope, k call, in []Item) ([]Item, error) {
	profile, ok, err := s.text(k, 0)
	if err != nil || !ok || len(in) != 1 {
		return nil, err
	}
	if s.world.ConformsTo != nil {
		conforms, known := s.world.ConformsTo(in[0], profile)
		if known {
			return boolItems(conforms), nil
		}
	}
	name, ok := strings.CutPrefix(profile, baseDefinitions)
	if !ok || r4.Lookup(name) == nil {
		return nil, k.fail("does not know the profile")
	}
	return boolItems(in[0].typ != "" && r4.IsA(in[0].typ, name)), nil
}

func trace(s *scope, k call, in []Item) ([]Item, error) {
	name, _, err := s.text(k, 0)
	if err != nil {
		return nil, err
	}
	shown := in
	if len(k.args) == 2 {
		k.args = k.args[1:]
		if shown, err = project(s, k, in); err != nil {
			return nil, err
		}
	}
	if s.world.Trace != nil {
		s.world.Trace(name, shown)
	}
	return in, nil
}

func now(s *scope, _ call, _ []Item) ([]Item, error) {
	return []Item{{val: temporalAt(s.world.Now)}}, nil
}

func today(s *scope, _ call, _ []Item) ([]Item, error) {
	return []Item{{val: temporalAt(s.world.Now).as(Date)}}, nil
}

func timeOfDay(s *scope, _ call, _ []Item) ([]Item, error) {
	t := temporalAt(s.world.Now)
	return []Item{{val: Temporal{kind: Time, prec: t.prec, local: (t.local%day + day) % day}}}, nil
}

// typeName is what type() answers: a value with a namespace and a name.
type typeName struct{ namespace, name string }

func (t typeName) member(out []Item, name string) []Item {
	switch name {
	case "namespace":
		return append(out, StringItem(t.namespace))
	case "name":
		return append(out, StringItem(t.name))
	}
	return out
}

func typeInfo(_ *scope, _ call, in []Item) ([]Item, error) {
	out := make([]Item, len(in))
	for i, it := range in {
		t := typeName{"FHIR", it.typ}
		if it.typ == "" {
			t = typeName{"System", it.Kind().String()}
		}
		out[i] = Item{val: t}
	}
	return out, nil
}

// text evaluates an argument to one string; ok is false when it is empty.
func (s *scope) text(k call, i int) (text string, ok bool, err error) {
	v, err := s.arg(k, i)
	if err != nil || len(v) == 0 {
		return "", false, err
	}
	if err := s.spend(k.pos, reading(v)); err != nil {
		return "", false, err
	}
	text, ok = v[0].value().(string)
	if !ok || len(v) > 1 {
		return "", false, k.fail("needs a string")
	}
	return text, true, nil
}

// constants are the external constants of the language and of FHIR.
var constants = map[string]evalFunc{
	"context":      func(s *scope) ([]Item, error) { return itemOrNone(s.focus), nil },
	"resource":     func(s *scope) ([]Item, error) { return itemOrNone(resourceOf(s.focus)), nil },
	"rootResource": func(s *scope) ([]Item, error) { return itemOrNone(rootOf(s.focus)), nil },
	"sct":          text("http://snomed.info/sct"),
	"loinc":        text("http://loinc.org"),
	"ucum":         text("http://unitsofmeasure.org"),
}

func text(s string) evalFunc {
	value := []Item{StringItem(s)}
	return func(*scope) ([]Item, error) { return value, nil }
}

func itemOrNone(it Item) []Item {
	if !it.Exists() {
		return nil
	}
	return []Item{it}
}

// constant compiles %name.
func (c *compiler) constant(n *node) (evalFunc, error) {
	if slices.Contains(c.dialect.Constants, n.text) {
		return func(s *scope) ([]Item, error) { return s.world.Constants[n.text], nil }, nil
	}
	if f, ok := constants[n.text]; ok {
		return f, nil
	}
	if name, ok := strings.CutPrefix(n.text, "vs-"); ok {
		return text("http://hl7.org/fhir/ValueSet/" + name), nil
	}
	if name, ok := strings.CutPrefix(n.text, "ext-"); ok {
		return text(baseDefinitions + name), nil
	}
	return nil, &Error{Pos: n.pos, Reason: "unknown constant %" + n.text}
}
