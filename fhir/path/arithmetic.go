package path

import "math/big"

// arithmetic applies + - * / div mod to two single values; one empty side gives empty.
func arithmetic(s *scope, op operation, a, b []Item) ([]Item, error) {
	if len(a) == 0 || len(b) == 0 {
		return nil, nil
	}
	if len(a) > 1 || len(b) > 1 {
		return nil, op.fail("needs single items")
	}
	result, err := op.apply(a[0].value(), b[0].value())
	if err != nil || result == nil {
		return nil, err
	}
	out := Item{val: result}
	return []Item{out}, s.spend(op.pos, out.built()/64)
}

// apply returns nil for an empty result, such as of a division by zero.
func (o operation) apply(v, w any) (any, error) {
	if s, ok := v.(string); ok && o.name == "+" {
		if t, ok := w.(string); ok && len(s)+len(t) <= maxText {
			return s + t, nil
		}
	}
	if t, ok := v.(Temporal); ok {
		return o.move(t, w)
	}
	_, isMeasure := v.(Measure)
	if _, other := w.(Measure); isMeasure || other {
		return o.measures(v, w)
	}
	i, ok1 := v.(int64)
	j, ok2 := w.(int64)
	if ok1 && ok2 && o.name != "/" {
		return o.integers(i, j), nil
	}
	d, ok1 := asDecimal(v)
	e, ok2 := asDecimal(w)
	if !ok1 || !ok2 {
		return nil, o.fail("cannot take these types")
	}
	return o.decimals(d, e), nil
}

// integers works exactly and answers nil for an overflow or a division by zero.
func (o operation) integers(i, j int64) any {
	a, b, r := big.NewInt(i), big.NewInt(j), new(big.Int)
	switch o.name {
	case "+":
		r.Add(a, b)
	case "-":
		r.Sub(a, b)
	case "*":
		r.Mul(a, b)
	default:
		if j == 0 {
			return nil
		}
		if o.name == "div" {
			r.Quo(a, b)
		} else {
			r.Rem(a, b)
		}
	}
	return integerOrNil(r)
}

func integerOrNil(n *big.Int) any {
	if !n.IsInt64() {
		return nil
	}
	return n.Int64()
}

func (o operation) decimals(d, e Decimal) any {
	var result Decimal
	ok := true
	switch o.name {
	case "+":
		result = d.add(e)
	case "-":
		result = d.add(e.negate())
	case "*":
		result, ok = d.multiply(e)
	case "/":
		result, ok = d.divide(e)
	default:
		q, rest, defined := d.quotient(e)
		if !defined {
			return nil
		}
		if o.name == "div" {
			return integerOrNil(q)
		}
		result = rest
	}
	if !ok {
		return nil
	}
	return result
}

// measures applies + and - to quantities of one dimension, and * and / to any.
func (o operation) measures(v, w any) (any, error) {
	m, ok1 := asMeasure(v)
	n, ok2 := asMeasure(w)
	if !ok1 || !ok2 {
		return nil, o.fail("cannot take these types")
	}
	if o.name == "*" || o.name == "/" {
		return o.scaled(m, n), nil
	}
	if o.name != "+" && o.name != "-" {
		return nil, o.fail("cannot take quantities")
	}
	if n, ok1 = n.in(m); !ok1 {
		return nil, nil
	}
	if o.name == "-" {
		n.Value = n.Value.negate()
	}
	m.Value = m.Value.add(n.Value)
	return m, nil
}

// scaled multiplies or divides quantities; nil when the unit or the number cannot be expressed.
func (o operation) scaled(m, n Measure) any {
	plain := n.Unit == "1" && !n.Calendar
	if !plain && !(m.Unit == "1" && o.name == "*") {
		var ok bool
		if m, n, ok = combined(m, n, o.name == "/"); !ok {
			return nil
		}
	} else if !plain {
		m, n = n, m
	}
	value, isDecimal := o.decimals(m.Value, n.Value).(Decimal)
	if !isDecimal {
		return nil
	}
	m.Value = value
	return m
}

// calendarUnits are the units of dates: months or milliseconds, and the UCUM code of the definite ones.
var calendarUnits = map[string]struct {
	months int
	millis int64
	ucum   string
}{
	"year": {12, 0, ""}, "years": {12, 0, ""},
	"month": {1, 0, ""}, "months": {1, 0, ""},
	"week": {0, 7 * day, "wk"}, "weeks": {0, 7 * day, "wk"},
	"day": {0, day, "d"}, "days": {0, day, "d"},
	"hour": {0, 3600_000, "h"}, "hours": {0, 3600_000, "h"},
	"minute": {0, 60_000, "min"}, "minutes": {0, 60_000, "min"},
	"second": {0, 1000, "s"}, "seconds": {0, 1000, "s"},
	"millisecond": {0, 1, "ms"}, "milliseconds": {0, 1, "ms"},
}

// calendarCodes are the UCUM codes that may move a date.
var calendarCodes = map[string]string{
	"wk": "week", "d": "day", "h": "hour", "min": "minute", "s": "second", "ms": "millisecond",
}

// finest is the unit of a date's own precision, in which a finer quantity is counted.
var finest = map[Precision]int64{Day: day, Hour: 3600_000, Minute: 60_000, Second: 1000, Millisecond: 1}

// move adds a quantity to, or takes it from, a date or time.
func (o operation) move(t Temporal, w any) (any, error) {
	m, ok := w.(Measure)
	if !ok || o.name != "+" && o.name != "-" {
		return nil, o.fail("needs a date or time and a quantity")
	}
	name := m.Unit
	if code, ok := calendarCodes[m.Unit]; ok && !m.Calendar {
		name = code
	}
	unit, ok := calendarUnits[name]
	if !ok {
		return nil, o.fail("needs a quantity of time")
	}
	if o.name == "-" {
		m.Value = m.Value.negate()
	}
	if t.kind == Time && (unit.months != 0 || unit.millis >= day) {
		return nil, o.fail("cannot move a time by days")
	}
	months, millis, ok := amount(t, m.Value, unit.months, unit.millis)
	if !ok {
		return nil, nil
	}
	moved, ok := t.add(months, millis)
	if !ok {
		return nil, nil
	}
	return moved, nil
}

// amount turns a value of a unit, its fraction dropped, into months or milliseconds at the precision
// of t: a year does not move by days.
func amount(t Temporal, value Decimal, months int, millis int64) (int, int64, bool) {
	whole := new(big.Int).Quo(value.coef, pow10(value.scale))
	if whole.BitLen() > 50 {
		return 0, 0, false
	}
	n := whole.Int64()
	if months != 0 {
		n *= int64(months)
		if t.prec == Year {
			n -= n % 12
		}
		return int(n), 0, n > -120_000 && n < 120_000
	}
	if n > limit/millis || n < -limit/millis {
		return 0, 0, false
	}
	n *= millis
	switch t.prec {
	case Year:
		return int(n/day/365) * 12, 0, true
	case Month:
		return int(n / day / 30), 0, true
	}
	return 0, n - n%finest[t.prec], true
}

// limit bounds how far a date moves, in milliseconds: 10,000 years.
const limit = 10_000 * 366 * day
