package path

import (
	"strings"

	"github.com/drieluik/drieluik/fhir"
)

// equalAll compares two collections item by item; unknown when one is empty.
func equalAll(a, b []Item) int8 {
	if len(a) == 0 || len(b) == 0 {
		return unknown
	}
	if len(a) != len(b) {
		return no
	}
	result := yes
	for i := range a {
		switch equal(a[i], b[i]) {
		case no:
			return no
		case unknown:
			result = unknown
		}
	}
	return result
}

// equal compares two items as "=" does.
func equal(a, b Item) int8 {
	if a.val == nil && b.val == nil && a.node.Exists() && a.node == b.node {
		return yes
	}
	v, w := a.value(), b.value()
	if v == nil || w == nil {
		if v != nil || w != nil {
			return no
		}
		return truth(a.typ == b.typ && sameNode(a.node, b.node) && sameNode(a.extension, b.extension))
	}
	return equalValues(v, w)
}

func sameNode(a, b fhir.Node) bool {
	if !a.Exists() || !b.Exists() {
		return a.Exists() == b.Exists()
	}
	return fhir.Equal(a, b)
}

func equalValues(v, w any) int8 {
	switch v := v.(type) {
	case bool:
		other, ok := w.(bool)
		return truth(ok && v == other)
	case string:
		other, ok := w.(string)
		return truth(ok && v == other)
	case Temporal:
		other, ok := w.(Temporal)
		if !ok || (v.kind == Time) != (other.kind == Time) {
			return no
		}
		order, known := v.order(other)
		if !known {
			return unknown
		}
		return truth(order == 0)
	case Measure:
		return equalMeasures(v, w)
	}
	if m, ok := w.(Measure); ok {
		return equalMeasures(m, v)
	}
	d, ok1 := asDecimal(v)
	e, ok2 := asDecimal(w)
	return truth(ok1 && ok2 && d.compare(e) == 0)
}

func equalMeasures(m Measure, w any) int8 {
	other, ok := asMeasure(w)
	if !ok {
		return no
	}
	order, ok := m.order(other)
	if !ok {
		return unknown
	}
	return truth(order == 0)
}

// asDecimal converts an integer implicitly.
func asDecimal(v any) (Decimal, bool) {
	switch v := v.(type) {
	case int64:
		return decimalOf(v), true
	case Decimal:
		return v, true
	}
	return Decimal{}, false
}

// asMeasure converts a number implicitly.
func asMeasure(v any) (Measure, bool) {
	if m, ok := v.(Measure); ok {
		return m, true
	}
	d, ok := asDecimal(v)
	return Measure{Value: d, Unit: "1"}, ok
}

// orderOf compares two values: known is false when precision or units leave it open, ok is false
// when the types have no order.
func orderOf(v, w any) (order int, known, ok bool) {
	switch v := v.(type) {
	case string:
		other, ok := w.(string)
		return strings.Compare(v, other), true, ok
	case Temporal:
		other, ok := w.(Temporal)
		if !ok || (v.kind == Time) != (other.kind == Time) {
			return 0, false, false
		}
		order, known := v.order(other)
		return order, known, true
	}
	_, isMeasure := v.(Measure)
	if _, other := w.(Measure); isMeasure || other {
		m, ok1 := asMeasure(v)
		n, ok2 := asMeasure(w)
		if !ok1 || !ok2 {
			return 0, false, false
		}
		order, known := m.order(n)
		return order, known, true
	}
	d, ok1 := asDecimal(v)
	e, ok2 := asDecimal(w)
	if !ok1 || !ok2 {
		return 0, false, false
	}
	return d.compare(e), true, true
}

// equivalentAll compares two collections without regard to order.
func equivalentAll(a, b []Item) bool {
	if len(a) != len(b) {
		return false
	}
	taken := make([]bool, len(b))
	for _, it := range a {
		found := false
		for j, other := range b {
			if !taken[j] && equivalent(it, other) {
				taken[j], found = true, true
				break
			}
		}
		if !found {
			return false
		}
	}
	return true
}

// equivalent compares two items as "~" does: case and spaces of strings, the finer digits of
// decimals and the order of members do not matter.
func equivalent(a, b Item) bool {
	v, w := a.value(), b.value()
	if v == nil || w == nil {
		return v == nil && w == nil && a.typ == b.typ && equivalentNodes(a, b)
	}
	if s, ok := v.(string); ok {
		t, ok := w.(string)
		return ok && normalSpace(s) == normalSpace(t)
	}
	if t, ok := v.(Temporal); ok {
		u, ok := w.(Temporal)
		samePrecision := ok && (t.prec == u.prec || t.prec >= Second && u.prec >= Second)
		return samePrecision && equalValues(t, u) == yes
	}
	if m, ok := v.(Measure); ok {
		n, ok := asMeasure(w)
		return ok && m.equivalent(n)
	}
	d, ok1 := asDecimal(v)
	e, ok2 := asDecimal(w)
	if ok1 && ok2 {
		scale := min(d.trim().scale, e.trim().scale)
		return d.round(scale).compare(e.round(scale)) == 0
	}
	return equalValues(v, w) == yes
}

func normalSpace(s string) string { return strings.ToLower(strings.Join(strings.Fields(s), " ")) }

// equivalentNodes compares complex items member by member, ids left out.
func equivalentNodes(a, b Item) bool {
	if a.node == b.node {
		return true
	}
	return equivalentAll(withoutID(children(nil, a)), withoutID(children(nil, b)))
}

func withoutID(in []Item) []Item {
	return filter(in, func(it Item) bool { return it.node.Name() != "id" })
}
