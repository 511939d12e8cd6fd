package form

import (
	"strconv"
	"strings"
)

// Field is one row of a member table: name, cardinality, type.
type Field struct {
	name       string
	low, high  int // of values; a high of 0 is no list
	typ        Type
	absent     string // rule when it is missing, default Rules.Missing
	emptyMeans bool   // [] says something of its own
	elsewhere  bool   // it is required, and a rule of the format says so at its own place
	free       bool   // the ids of its items are compared elsewhere
	each       string // member of the items that has each code of its list once, which a rule of the format holds
}

// Fields is a member table.
type Fields []Field

// F returns the row of a member. card is "1" or "0..1" for one value, "low..high" with "*" for no
// bound, or one number above 1, for a list.
func F(name, card string, t Type) Field {
	x := Field{name: name, typ: t}
	low, high, span := strings.Cut(card, "..")
	if !span {
		high = low
	}
	x.low, x.high = number(low), number(high)
	if x.high == 1 {
		x.high = 0
	}
	return x
}

func number(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		return 1 << 30 // "*"
	}
	return n
}

// Instead names the rule that a missing member, or a list of the wrong length, breaks.
func (x Field) Instead(rule string) Field { x.absent = rule; return x }

// Reported says that a rule of the format reports the member when it is missing.
func (x Field) Reported() Field { x.elsewhere = true; return x }

// EachOnce says that a rule of the format wants each code of a member of the items once.
func (x Field) EachOnce(member string) Field { x.each = member; return x }

// OrNone lets the empty list stand for "none known".
func (x Field) OrNone() Field { x.emptyMeans = true; return x }

// FreeIDs says that a rule of the format, not Rules.Duplicate, compares the ids of the items.
func (x Field) FreeIDs() Field { x.free = true; return x }

// List reports whether the member is a list.
func (x Field) List() bool { return x.high > 0 }

// Name returns the name of the member.
func (x Field) Name() string { return x.name }

// Bounds returns the least and the greatest number of values; a greatest of 0 is no list.
func (x Field) Bounds() (low, high int) { return x.low, x.high }

// Type returns the type of the value, of a list that of its items.
func (x Field) Type() Type { return x.typ }

// Named returns the row of a member, nil when the table has none.
func (fs Fields) Named(name string) *Field {
	if i := fs.index(name); i >= 0 {
		return &fs[i]
	}
	return nil
}

// index returns the place of the row of a member, -1 when the table has none.
func (fs Fields) index(name string) int {
	for i := range fs {
		if fs[i].name == name {
			return i
		}
	}
	return -1
}

// Walk calls visit for every present value at and below v that the table describes, in its order.
func (v Value) Walk(fs Fields, visit func(Value, Type)) {
	for i := range fs {
		x := &fs[i]
		at := v.At(x.name)
		if !at.Present() {
			continue
		}
		if !x.List() {
			at.step(x.typ, visit)
			continue
		}
		for _, item := range at.Items() {
			item.step(x.typ, visit)
		}
	}
}

func (v Value) step(t Type, visit func(Value, Type)) {
	visit(v, t)
	v.Walk(t.fields, visit)
}
