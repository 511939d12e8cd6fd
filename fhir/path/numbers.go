package path

import (
	"math"
	"math/big"
	"slices"
)

// numbers are the functions on a single number, and on the precision of values.
var numbers = map[string]function{
	"abs":          {0, 0, onNumber(absolute)},
	"ceiling":      {0, 0, onNumber(func(d Decimal, _ []Decimal) any { return ceiling(d) })},
	"floor":        {0, 0, onNumber(func(d Decimal, _ []Decimal) any { return integerOrNil(d.floor()) })},
	"truncate":     {0, 0, onNumber(func(d Decimal, _ []Decimal) any { return integerOrNil(new(big.Int).Quo(d.coef, pow10(d.scale))) })},
	"round":        {0, 1, onNumber(rounded)},
	"exp":          {0, 0, onNumber(func(d Decimal, _ []Decimal) any { return decimalOrNil(math.Exp(d.Float())) })},
	"ln":           {0, 0, onNumber(func(d Decimal, _ []Decimal) any { return decimalOrNil(math.Log(d.Float())) })},
	"log":          {1, 1, onNumber(func(d Decimal, a []Decimal) any { return decimalOrNil(math.Log(d.Float()) / math.Log(a[0].Float())) })},
	"sqrt":         {0, 0, onNumber(func(d Decimal, _ []Decimal) any { return decimalOrNil(math.Sqrt(d.Float())) })},
	"power":        {1, 1, onNumber(power)},
	"lowBoundary":  {0, 1, boundary(false)},
	"highBoundary": {0, 1, boundary(true)},
	"precision":    {0, 0, precision},
	"sort":         {0, 8, sorted},
}

// onNumber builds a function on a single number or quantity. f answers nil for an empty result.
func onNumber(f func(d Decimal, args []Decimal) any) func(*scope, call, []Item) ([]Item, error) {
	return func(s *scope, k call, in []Item) ([]Item, error) {
		if len(in) == 0 {
			return nil, nil
		}
		args := make([]Decimal, len(k.args))
		for i := range k.args {
			v, err := s.arg(k, i)
			if err != nil || len(v) == 0 {
				return nil, err
			}
			var ok bool
			if args[i], ok = asDecimal(v[0].value()); !ok || len(v) > 1 {
				return nil, k.fail("needs a number as argument")
			}
		}
		m, ok := asMeasure(in[0].value())
		if !ok || len(in) > 1 {
			return nil, k.fail("needs a single number")
		}
		result := f(m.Value, args)
		if result == nil {
			return nil, nil
		}
		return []Item{{val: likeInput(in[0].value(), result)}}, nil
	}
}

// likeInput gives a result the type of the input: a quantity stays one, and what is whole stays an
// integer.
func likeInput(in, result any) any {
	d, isDecimal := result.(Decimal)
	switch in := in.(type) {
	case Measure:
		if n, ok := result.(int64); ok {
			d = decimalOf(n)
		}
		return Measure{d, in.Unit, in.Calendar}
	case int64:
		if isDecimal && d.scale == 0 && d.coef.IsInt64() {
			return d.coef.Int64()
		}
	}
	return result
}

func absolute(d Decimal, _ []Decimal) any { return Decimal{new(big.Int).Abs(d.coef), d.scale} }

func ceiling(d Decimal) any {
	return integerOrNil(new(big.Int).Neg(d.negate().floor()))
}

func rounded(d Decimal, a []Decimal) any {
	scale := 0
	if len(a) == 1 {
		scale = int(a[0].Float())
	}
	if scale < 0 || scale > maxDigits {
		return nil
	}
	return d.round(scale)
}

// decimalOrNil returns a float as a decimal, nil when it is not a number.
func decimalOrNil(f float64) any {
	if d, ok := decimalFrom(f); ok {
		return d
	}
	return nil
}

// power is exact for small whole exponents.
func power(d Decimal, a []Decimal) any {
	exponent := a[0].Float()
	if exponent != math.Trunc(exponent) || exponent < 0 || exponent > 64 {
		return decimalOrNil(math.Pow(d.Float(), exponent))
	}
	result := decimalOf(1)
	for range int(exponent) {
		var ok bool
		if result, ok = result.multiply(d); !ok {
			return nil
		}
	}
	return result
}

// key is one argument of sort(): a minus before it sorts downwards.
type key struct {
	eval func(*scope) ([]Item, error)
	down bool
}

// sorted sorts by the keys, or by the items themselves. What has no key comes first.
func sorted(s *scope, k call, in []Item) ([]Item, error) {
	keys := k.keys
	if len(keys) == 0 {
		keys = []key{{eval: this}}
	}
	type row struct {
		item Item
		keys []Item
	}
	rows := make([]row, len(in))
	sub := *s
	for i, it := range in {
		rows[i] = row{it, make([]Item, len(keys))}
		sub.this, sub.index = []Item{it}, i
		for j, by := range keys {
			v, err := by.eval(&sub)
			if err != nil {
				return nil, err
			}
			if len(v) > 1 {
				return nil, k.fail("needs single keys")
			}
			if len(v) == 1 {
				rows[i].keys[j] = v[0]
			}
		}
	}
	slices.SortStableFunc(rows, func(a, b row) int {
		for j, by := range keys {
			if c := orderKeys(a.keys[j], b.keys[j], by.down); c != 0 {
				return c
			}
		}
		return 0
	})
	out := make([]Item, len(rows))
	for i, r := range rows {
		out[i] = r.item
	}
	return out, s.spend(k.pos, len(in)*len(keys))
}

func orderKeys(a, b Item, down bool) int {
	switch {
	case !a.Exists() && !b.Exists():
		return 0
	case !a.Exists():
		return -1
	case !b.Exists():
		return 1
	}
	order, known, ok := orderOf(a.value(), b.value())
	if !known || !ok {
		return 0
	}
	if down {
		return -order
	}
	return order
}
