package path

import (
	"math/big"
	"strconv"
	"strings"
)

// Decimal is an exact decimal number: coef / 10^scale. The scale keeps the digits as written.
type Decimal struct {
	coef  *big.Int // never nil in a value from this package's functions
	scale int
}

const (
	maxDigits   = 200 // of a number as text, exponent applied
	maxBits     = 1024
	divideScale = 16
)

var ten = big.NewInt(10)

// ParseDecimal reads a JSON or FHIRPath number, with an optional sign and exponent. It reports false
// for other text and for numbers of more than 200 digits.
func ParseDecimal(s string) (Decimal, bool) {
	mantissa, exponent, hasExponent := strings.Cut(strings.ToLower(s), "e")
	power := 0
	if hasExponent {
		var err error
		if power, err = strconv.Atoi(exponent); err != nil {
			return Decimal{}, false
		}
	}
	whole, fraction, pointed := strings.Cut(mantissa, ".")
	if strings.TrimLeft(whole, "+-") == "" || pointed && fraction == "" {
		return Decimal{}, false
	}
	scale := len(fraction) - power
	if len(mantissa) > maxDigits || scale > maxDigits || scale < -maxDigits {
		return Decimal{}, false
	}
	unsigned := strings.TrimLeft(whole, "+-") + fraction
	if strings.Trim(unsigned, "0123456789") != "" {
		return Decimal{}, false
	}
	coef, ok := new(big.Int).SetString(whole+fraction, 10)
	if !ok {
		return Decimal{}, false
	}
	if scale < 0 {
		coef.Mul(coef, pow10(-scale))
		scale = 0
	}
	return Decimal{coef, scale}, true
}

// decimalOf returns an integer as a decimal.
func decimalOf(n int64) Decimal { return Decimal{big.NewInt(n), 0} }

// decimalFrom returns a float as a decimal; false when it is no finite number.
func decimalFrom(f float64) (Decimal, bool) {
	return ParseDecimal(strconv.FormatFloat(f, 'f', -1, 64))
}

func pow10(n int) *big.Int { return new(big.Int).Exp(ten, big.NewInt(int64(n)), nil) }

// Float returns d as the nearest float.
func (d Decimal) Float() float64 {
	f, _ := new(big.Rat).SetFrac(d.coef, pow10(d.scale)).Float64()
	return f
}

// Scale returns the number of digits behind the point.
func (d Decimal) Scale() int { return d.scale }

// String returns d with all its digits.
func (d Decimal) String() string {
	s := new(big.Int).Abs(d.coef).String()
	if d.scale > 0 {
		if len(s) <= d.scale {
			s = strings.Repeat("0", d.scale-len(s)+1) + s
		}
		s = s[:len(s)-d.scale] + "." + s[len(s)-d.scale:]
	}
	if d.coef.Sign() < 0 {
		s = "-" + s
	}
	return s
}

// align returns the coefficients of d and e at one scale.
func align(d, e Decimal) (a, b *big.Int, scale int) {
	a, b, scale = d.coef, e.coef, max(d.scale, e.scale)
	if d.scale < scale {
		a = new(big.Int).Mul(a, pow10(scale-d.scale))
	}
	if e.scale < scale {
		b = new(big.Int).Mul(b, pow10(scale-e.scale))
	}
	return a, b, scale
}

func (d Decimal) compare(e Decimal) int {
	a, b, _ := align(d, e)
	return a.Cmp(b)
}

func (d Decimal) add(e Decimal) Decimal {
	a, b, scale := align(d, e)
	return Decimal{new(big.Int).Add(a, b), scale}
}

func (d Decimal) negate() Decimal { return Decimal{new(big.Int).Neg(d.coef), d.scale} }

// multiply reports false when the product has too many digits.
func (d Decimal) multiply(e Decimal) (Decimal, bool) {
	p := new(big.Int).Mul(d.coef, e.coef)
	return Decimal{p, d.scale + e.scale}, p.BitLen() <= maxBits && d.scale+e.scale <= maxDigits
}

// divide rounds to 16 digits behind the point; false for a division by zero.
func (d Decimal) divide(e Decimal) (Decimal, bool) {
	if e.coef.Sign() == 0 {
		return Decimal{}, false
	}
	a, b, _ := align(d, e)
	q := new(big.Rat).SetFrac(a, b)
	return ratDecimal(q, divideScale).trim(), true
}

// quotient returns the whole part of d / e and the rest, towards zero; false for zero.
func (d Decimal) quotient(e Decimal) (q *big.Int, rest Decimal, ok bool) {
	if e.coef.Sign() == 0 {
		return nil, Decimal{}, false
	}
	a, b, scale := align(d, e)
	q, r := new(big.Int).QuoRem(a, b, new(big.Int))
	return q, Decimal{r, scale}, true
}

// ratDecimal rounds half away from zero.
func ratDecimal(q *big.Rat, scale int) Decimal {
	num := new(big.Int).Mul(q.Num(), pow10(scale))
	num.Mul(num, big.NewInt(2))
	if num.Sign() >= 0 {
		num.Add(num, q.Denom())
	} else {
		num.Sub(num, q.Denom())
	}
	return Decimal{num.Quo(num, new(big.Int).Mul(q.Denom(), big.NewInt(2))), scale}
}

// round rounds half away from zero to that many digits behind the point.
func (d Decimal) round(scale int) Decimal {
	if scale >= d.scale {
		return d
	}
	return ratDecimal(new(big.Rat).SetFrac(d.coef, pow10(d.scale)), scale)
}

// floor returns d without its fraction, towards minus infinity.
func (d Decimal) floor() *big.Int {
	q, r := new(big.Int).QuoRem(d.coef, pow10(d.scale), new(big.Int))
	if r.Sign() < 0 {
		q.Sub(q, big.NewInt(1))
	}
	return q
}

// trim drops zeros at the end of the fraction.
func (d Decimal) trim() Decimal {
	coef, scale := d.coef, d.scale
	for scale > 0 {
		q, r := new(big.Int).QuoRem(coef, ten, new(big.Int))
		if r.Sign() != 0 {
			break
		}
		coef, scale = q, scale-1
	}
	return Decimal{coef, scale}
}
