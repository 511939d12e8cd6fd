package path

import (
	"strconv"
	"strings"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/r4"
)

// Kind is the system type of a value.
type Kind uint8

// Kinds of values. Complex is everything that is no value: an object of the tree.
const (
	Complex Kind = iota
	Boolean
	String
	Integer
	Decimals
	Date
	DateTime
	Time
	Quantity
)

// kindNames are the names of the System types.
var kindNames = [...]string{"", "Boolean", "String", "Integer", "Decimal", "Date", "DateTime", "Time", "Quantity"}

// String returns the name of the System type.
func (k Kind) String() string { return kindNames[k] }

// Measure is a quantity value.
type Measure struct {
	Value    Decimal
	Unit     string // UCUM code, or a calendar unit such as "days"
	Calendar bool
}

// String returns m as FHIRPath writes it.
func (m Measure) String() string {
	if m.Calendar {
		return m.Value.String() + " " + m.Unit
	}
	return m.Value.String() + " '" + m.Unit + "'"
}

// Item is one element of a collection: a node of the tree with its FHIR type, or a System value.
type Item struct {
	node      fhir.Node
	extension fhir.Node // the "_name" sibling of a primitive
	typ       string    // name of an r4.Structure; "" for System values and untyped nodes
	val       any       // bool, string, int64, Decimal, Temporal or Measure; nil for nodes
}

// BooleanItem returns a System.Boolean.
func BooleanItem(b bool) Item { return Item{val: b} }

// StringItem returns a System.String.
func StringItem(s string) Item { return Item{val: s} }

// IntegerItem returns a System.Integer.
func IntegerItem(n int64) Item { return Item{val: n} }

// TypedAs returns a node as an item of a known FHIR type; extension is the "_name" sibling of a
// primitive, or missing.
func TypedAs(n, extension fhir.Node, typ string) Item {
	return Item{node: n, extension: extension, typ: typ}
}

// Typed returns a node as an item; its type follows from its place in its resource, and is unknown
// when the node is in no resource.
func Typed(n fhir.Node) Item {
	if n.Shape() == fhir.Missing {
		return Item{}
	}
	if t := resourceType(n); t != "" {
		return Item{node: n, typ: t}
	}
	parent := n.Parent()
	if parent.Shape() == fhir.Array {
		parent = parent.Parent()
	}
	owner := Typed(parent)
	if f, ok := r4.Member(owner.typ, n.Name()); ok {
		return Item{node: n, extension: sibling(n, f.Type), typ: f.Type}
	}
	if main, ok := strings.CutPrefix(n.Name(), "_"); ok {
		if f, ok := r4.Member(owner.typ, main); ok && isPrimitive(f.Type) {
			value := companion(n, main)
			if value.Shape() == fhir.Null {
				value = fhir.Node{}
			}
			return Item{node: value, extension: n, typ: f.Type}
		}
	}
	return Item{node: n}
}

// sibling returns the "_name" node of a primitive.
func sibling(n fhir.Node, typ string) fhir.Node {
	if !isPrimitive(typ) {
		return fhir.Node{}
	}
	return companion(n, "_"+n.Name())
}

// companion returns what stands beside n in the member of another name: for an element of a list
// the one at its position.
func companion(n fhir.Node, name string) fhir.Node {
	parent := n.Parent()
	if parent.Shape() != fhir.Array {
		return parent.Member(name)
	}
	index := 0
	for c := range parent.Children() {
		if c == n {
			break
		}
		index++
	}
	for x := range parent.Parent().Member(name).Children() {
		if index--; index < 0 {
			return x
		}
	}
	return fhir.Node{}
}

// resourceMembers are the members whose value is a resource; "" is the root.
var resourceMembers = map[string]bool{"": true, "contained": true, "resource": true, "outcome": true}

// resourceType returns the type that a resource claims, if R4 has it. ExampleScenario.instance has a
// resourceType of another meaning, hence the look at the name.
func resourceType(n fhir.Node) string {
	if n.Shape() != fhir.Object || !resourceMembers[n.Name()] {
		return ""
	}
	t := n.Member("resourceType").Text()
	if t == "" || r4.Lookup(t) == nil {
		return ""
	}
	return t
}

// Exists reports whether the item is anything at all.
func (i Item) Exists() bool {
	return i.val != nil || i.typ != "" || i.node.Exists() || i.extension.Exists()
}

// Node returns the node of the tree, or a missing node for a System value.
func (i Item) Node() fhir.Node { return i.node }

// Extension returns the "_name" sibling of a primitive, or a missing node.
func (i Item) Extension() fhir.Node { return i.extension }

// Type returns the name of the FHIR type ("code", "HumanName", "CarePlan.activity"), or "" for a
// System value.
func (i Item) Type() string { return i.typ }

// Kind returns the System type of the item's value: of a primitive the one it converts to.
// Complex when it has none.
func (i Item) Kind() Kind {
	switch v := i.value().(type) {
	case bool:
		return Boolean
	case string:
		return String
	case int64:
		return Integer
	case Decimal:
		return Decimals
	case Temporal:
		return v.kind
	case Measure:
		return Quantity
	}
	return Complex
}

// Text returns the value as toString() writes it, and "" for complex items.
func (i Item) Text() string {
	if i.val == nil && i.node.Shape() != fhir.Object {
		return i.node.Text()
	}
	return textOf(i.value())
}

// Bool returns the value of a boolean.
func (i Item) Bool() (value, ok bool) {
	if i.val == nil { // the value of another node is not even read
		return i.node.Text() == "true", i.node.Shape() == fhir.Bool
	}
	value, ok = i.val.(bool)
	return value, ok
}

// Temporal returns the value of a date, dateTime, instant or time.
func (i Item) Temporal() (Temporal, bool) {
	t, ok := i.value().(Temporal)
	return t, ok
}

func textOf(v any) string {
	switch v := v.(type) {
	case bool:
		return strconv.FormatBool(v)
	case string:
		return v
	case int64:
		return strconv.FormatInt(v, 10)
	case Decimal:
		return v.String()
	case Temporal:
		return v.String()
	case Measure:
		return v.String()
	}
	return ""
}

// primitiveKinds are the System types of the FHIR primitives that are no strings.
var primitiveKinds = map[string]Kind{
	"boolean": Boolean, "integer": Integer, "positiveInt": Integer, "unsignedInt": Integer,
	"decimal": Decimals, "date": Date, "dateTime": DateTime, "instant": DateTime, "time": Time,
}

// value returns the System value: of a primitive node its converted text, of a FHIR Quantity its
// measure, and nil for everything else.
func (i Item) value() any {
	if i.val != nil {
		return i.val
	}
	switch i.node.Shape() {
	case fhir.Bool:
		return i.node.Text() == "true"
	case fhir.Number:
		return numberValue(i.node.Text(), i.typ)
	case fhir.String:
		text := i.node.Text()
		if kind := primitiveKinds[i.typ]; kind >= Date {
			if t, ok := ParseTemporal(kind, text); ok {
				return t
			}
		}
		return text
	case fhir.Object:
		if isQuantity(i.typ) {
			if m, ok := measureOf(i.node); ok {
				return m
			}
		}
	}
	return nil
}

// quantityTypes are Quantity and the types that specialise it.
var quantityTypes = map[string]bool{
	"Quantity": true, "Age": true, "Count": true, "Distance": true, "Duration": true,
	"SimpleQuantity": true, "MoneyQuantity": true,
}

func isQuantity(typ string) bool { return quantityTypes[typ] }

// measureOf reads a FHIR Quantity. A comparator makes it no single value.
func measureOf(n fhir.Node) (Measure, bool) {
	value, ok := ParseDecimal(n.Member("value").Text())
	if !ok || n.Member("comparator").Exists() {
		return Measure{}, false
	}
	unit := n.Member("code").Text()
	if unit == "" {
		unit = n.Member("unit").Text()
	}
	if unit == "" {
		unit = "1"
	}
	return Measure{Value: value, Unit: unit}, true
}

// numberValue converts the text of a JSON number.
func numberValue(text, typ string) any {
	if primitiveKinds[typ] == Integer || typ == "" && !strings.ContainsAny(text, ".eE") {
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			return n
		}
	}
	if d, ok := ParseDecimal(text); ok {
		return d
	}
	return text
}

// numberItem reads a number literal.
func numberItem(text string) (Item, bool) {
	if !strings.Contains(text, ".") {
		n, err := strconv.ParseInt(text, 10, 64)
		return IntegerItem(n), err == nil
	}
	d, ok := ParseDecimal(text)
	return Item{val: d}, ok
}
