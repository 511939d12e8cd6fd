package path

import "math/big"

// digitsOf is the number of digits by which a precision is asked for: YYYYMMDDhhmmssfff.
var digitsOf = map[Precision]int{Year: 4, Month: 6, Day: 8, Hour: 10, Minute: 12, Second: 14, Millisecond: 17}

// clockDigits is the same for times: hhmmssfff.
var clockDigits = map[Precision]int{Hour: 2, Minute: 4, Second: 6, Millisecond: 9}

// wholeDigits is the precision that a kind has by default.
var wholeDigits = map[Kind]int{Date: 8, DateTime: 17, Time: 9}

func (t Temporal) digits(p Precision) int {
	if t.kind == Time {
		return clockDigits[p]
	}
	return digitsOf[p]
}

// precision answers the digits behind the point of a number, and those of a date or time.
func precision(_ *scope, k call, in []Item) ([]Item, error) {
	if len(in) == 0 {
		return nil, nil
	}
	if len(in) > 1 {
		return nil, k.fail("needs a single item")
	}
	switch v := in[0].value().(type) {
	case Temporal:
		return []Item{IntegerItem(int64(v.digits(v.prec)))}, nil
	case Decimal:
		return []Item{IntegerItem(int64(v.scale))}, nil
	case int64:
		return []Item{IntegerItem(0)}, nil
	}
	return nil, k.fail("needs a number, date or time")
}

// boundary builds lowBoundary and highBoundary: the least or greatest value that a value of limited
// precision may stand for.
func boundary(high bool) func(*scope, call, []Item) ([]Item, error) {
	return func(s *scope, k call, in []Item) ([]Item, error) {
		if len(in) == 0 {
			return nil, nil
		}
		if len(in) > 1 {
			return nil, k.fail("needs a single item")
		}
		asked := -1
		if len(k.args) == 1 {
			n, ok, err := s.integer(k, 0)
			if err != nil || !ok || n < 0 {
				return nil, err
			}
			asked = n
		}
		if result := boundaryOf(in[0].value(), asked, high); result != nil {
			return []Item{{val: result}}, nil
		}
		return nil, nil
	}
}

// boundaryOf returns nil when there is no boundary; asked is -1 for the default precision.
func boundaryOf(v any, asked int, high bool) any {
	if t, ok := v.(Temporal); ok {
		return temporalBoundary(t, asked, high)
	}
	m, ok := asMeasure(v)
	if !ok {
		return nil
	}
	const standard, most = 8, 31
	if asked < 0 {
		asked = standard
	}
	if asked > most {
		return nil
	}
	m.Value = decimalBoundary(m.Value, asked, high)
	if _, isMeasure := v.(Measure); !isMeasure {
		return m.Value
	}
	return m
}

// decimalBoundary moves half a last digit and rounds outwards; what is below the precision asked
// for is zero.
func decimalBoundary(d Decimal, scale int, high bool) Decimal {
	if d.scale > scale && new(big.Int).Abs(d.coef).Cmp(pow10(d.scale-scale)) < 0 {
		return Decimal{new(big.Int), scale}
	}
	half := Decimal{big.NewInt(5), d.scale + 1}
	if !high {
		half = half.negate()
	}
	edge := d.add(half)
	coef := new(big.Int).Mul(edge.coef, pow10(scale))
	if high {
		coef.Neg(coef)
	}
	whole := Decimal{coef, edge.scale}.floor()
	if high {
		whole.Neg(whole)
	}
	return Decimal{whole, scale}
}

// temporalBoundary fills in, or cuts off, the digits of a date or time. R4 knows no hours without
// minutes, so a bare hour stands for its first minute.
func temporalBoundary(t Temporal, asked int, high bool) any {
	if asked < 0 {
		asked = wholeDigits[t.kind]
	}
	var wanted Precision
	for p := Year; p <= Millisecond; p++ {
		if t.digits(p) == asked {
			wanted = p
		}
	}
	if wanted == 0 || t.kind == Date && wanted > Day {
		return nil
	}
	if t.prec == Hour {
		t.prec = Minute
	}
	if high && wanted > t.prec {
		zone := t.offset
		t.offset = 0
		_, end := t.Range()
		t.local, t.offset = end-1, zone
	}
	t.prec = wanted
	if t.kind == DateTime && wanted > Day && !t.zoned {
		t.zoned, t.offset = true, 14*60
		if high {
			t.offset = -12 * 60
		}
	}
	return t.truncated()
}

// truncated returns t without what is finer than its precision.
func (t Temporal) truncated() Temporal {
	kind := DateTime
	if t.kind == Time {
		kind = Time
	}
	text := t.String()
	if cut, ok := ParseTemporal(kind, text); ok {
		cut.kind = t.kind
		return cut
	}
	return t
}
