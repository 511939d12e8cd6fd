package path

import (
	"slices"
	"strings"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/r4"
)

// typeSpec is a type named in an expression.
type typeSpec struct {
	system Kind   // System type, Complex when it is none
	fhir   string // FHIR type, "" when it is none
}

// typeOf resolves a qualified type name.
func (c *compiler) typeOf(names []string, pos int) (typeSpec, error) {
	fault := &Error{Pos: pos, Reason: "unknown type " + strings.Join(names, ".")}
	if len(names) > 2 || len(names) == 2 && names[0] != "FHIR" && names[0] != "System" {
		return typeSpec{}, fault
	}
	name := names[len(names)-1]
	var spec typeSpec
	if names[0] != "FHIR" || len(names) == 1 {
		if k := slices.Index(kindNames[:], name); k > 0 {
			spec.system = Kind(k)
		}
	}
	if names[0] != "System" || len(names) == 1 {
		if r4.Lookup(name) != nil {
			spec.fhir = name
		} else if small := strings.ToLower(name[:1]) + name[1:]; c.dialect.Search && r4.Lookup(small) != nil {
			spec.fhir = small
		}
	}
	if spec == (typeSpec{}) && len(names) == 2 && names[0] == "System" {
		return spec, nil // nothing is of that type
	}
	if spec == (typeSpec{}) {
		return typeSpec{}, fault
	}
	return spec, nil
}

// is reports whether an item is of the type or of one derived from it.
func (t typeSpec) is(it Item) bool {
	if it.val != nil {
		return t.system != Complex && it.Kind() == t.system
	}
	if it.typ == "" {
		return t.system != Complex && it.Kind() == t.system || t.fhir != "" && untypedIs(it, t.fhir)
	}
	return t.fhir != "" && r4.IsA(it.typ, t.fhir)
}

// exactly is what as and ofType mean: a primitive must be of that very type, so that a code is
// no string.
func (t typeSpec) exactly(it Item) bool {
	if isPrimitive(it.typ) {
		return it.val == nil && it.typ == t.fhir
	}
	return t.is(it)
}

// untypedIs compares the JSON shape of an untyped node with a primitive type.
func untypedIs(it Item, typ string) bool {
	return typ == "string" && it.node.Shape() == fhir.String || typ == "boolean" && it.node.Shape() == fhir.Bool
}

// typeNames returns the qualified name that an argument such as FHIR.Patient spells.
func typeNames(n *node) ([]string, error) {
	if n.kind != nodeMember {
		return nil, &Error{Pos: n.pos, Reason: "expected the name of a type"}
	}
	if n.receiver == nil {
		return []string{n.text}, nil
	}
	names, err := typeNames(n.receiver)
	return append(names, n.text), err
}

// typeTest compiles "is" and "as", as operators and as functions.
func typeTest(word string, pos int, receiver evalFunc, spec typeSpec, search bool) evalFunc {
	return func(s *scope) ([]Item, error) {
		in, err := receiver(s)
		if err != nil || len(in) == 0 {
			return nil, err
		}
		if word == "as" && search || word == "ofType" {
			return filter(in, spec.exactly), nil
		}
		if len(in) > 1 {
			return nil, &Error{Pos: pos, Reason: word + " needs a single item"}
		}
		if word == "is" {
			return []Item{BooleanItem(spec.is(in[0]))}, nil
		}
		return filter(in, spec.exactly), nil
	}
}

// filter returns the items that ok accepts.
func filter(in []Item, ok func(Item) bool) []Item {
	var out []Item
	for _, it := range in {
		if ok(it) {
			out = append(out, it)
		}
	}
	return out
}
