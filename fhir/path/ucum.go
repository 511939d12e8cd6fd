package path

import (
	"maps"
	"math/big"
	"sort"
	"strconv"
	"strings"
	"sync"
)

// unit is a unit as a multiple of base units.
type unit struct {
	factor *big.Rat
	dims   map[string]int // base unit: exponent
}

// atoms are the UCUM units that records use, each as a factor and base units; "" makes a base unit.
// Cel, [degF] and [pH] are not multiples of another unit; they compare with themselves alone.
var atoms = map[string]string{
	"m": "", "g": "", "s": "", "mol": "", "K": "", "C": "", "cd": "", "rad": "", "Cel": "", "[degF]": "",
	"[pH]": "", "[iU]": "", "[IU]": "1 [iU]", "U": "", "[arb'U]": "", "eq": "1 mol", "osm": "1 mol",
	"month": "", "year": "12 month",
	"min": "60 s", "h": "3600 s", "d": "86400 s", "wk": "604800 s", "mo": "2629800 s", "a": "31557600 s",
	"l": "1/1000 m3", "L": "1/1000 m3", "t": "1000000 g", "u": "1/602214076000000000000000 g",
	"[in_i]": "254/10000 m", "[ft_i]": "3048/10000 m", "[yd_i]": "9144/10000 m", "[mi_i]": "1609344/1000 m",
	"[lb_av]": "45359237/100000 g", "[oz_av]": "28349523125/1000000000 g", "[st_av]": "635029318/100000 g",
	"[foz_us]": "29573529562/1000000000000000 m3", "[drp]": "1/20000000 m3",
	"Hz": "1 s-1", "N": "1000 g.m.s-2", "Pa": "1000 g.m-1.s-2", "J": "1000 g.m2.s-2", "W": "1000 g.m2.s-3",
	"bar": "100000000 g.m-1.s-2", "m[Hg]": "133322000 g.m-1.s-2", "m[H2O]": "9806650 g.m-1.s-2",
	"cal": "4184 g.m2.s-2", "[Cal]": "4184000 g.m2.s-2", "A": "1 C.s-1", "V": "1000 g.m2.s-2.C-1",
	"Gy": "1 m2.s-2", "Sv": "1 m2.s-2", "Bq": "1 s-1", "kat": "1 mol.s-1", "deg": "17453292519943295/1000000000000000000 rad",
	"%": "1/100", "[ppth]": "1/1000", "[ppm]": "1/1000000", "10*": "10", "10^": "10",
}

// metric holds the metric prefixes, as powers of ten.
var metric = map[string]int{
	"Y": 24, "Z": 21, "E": 18, "P": 15, "T": 12, "G": 9, "M": 6, "k": 3, "h": 2, "da": 1,
	"d": -1, "c": -2, "m": -3, "u": -6, "n": -9, "p": -12, "f": -15, "a": -18,
}

// parsedAtoms holds the atoms as units.
var parsedAtoms = sync.OnceValue(func() map[string]unit {
	out := map[string]unit{}
	for name, definition := range atoms {
		if definition == "" {
			out[name] = unit{big.NewRat(1, 1), map[string]int{name: 1}}
		}
	}
	bases := maps.Clone(out)
	for name, definition := range atoms {
		text, term, _ := strings.Cut(definition, " ")
		factor, ok := new(big.Rat).SetString(text)
		u := unit{factor, map[string]int{}}
		if ok && u.multiply(term, bases) {
			out[name] = u
		}
	}
	return out
})

// multiply multiplies u by a UCUM term: atoms with exponents, joined by . and /.
func (u *unit) multiply(term string, atoms map[string]unit) bool {
	sign := 1
	for part := range splitTerm(term) {
		switch part {
		case ".":
			sign = 1
			continue
		case "/":
			sign = -1
			continue
		}
		if !u.factorIn(part, sign, atoms) {
			return false
		}
	}
	return true
}

// splitTerm yields the components of a term and the operators between them.
func splitTerm(term string) func(func(string) bool) {
	return func(yield func(string) bool) {
		start, depth := 0, 0
		for i := range len(term) {
			switch term[i] {
			case '[', '{':
				depth++
			case ']', '}':
				depth--
			case '.', '/':
				if depth > 0 {
					continue
				}
				if start < i && !yield(term[start:i]) || !yield(term[i:i+1]) {
					return
				}
				start = i + 1
			}
		}
		if start < len(term) {
			yield(term[start:])
		}
	}
}

// maxExponent bounds the exponents of units.
const maxExponent = 30

// factorIn multiplies u by one component to the power of sign.
func (u *unit) factorIn(part string, sign int, atoms map[string]unit) bool {
	if i := strings.IndexByte(part, '{'); i >= 0 { // an annotation has no meaning
		part = part[:i]
	}
	if part == "" || part == "1" {
		return true
	}
	atom, exponent, ok := findAtom(part, atoms)
	if !ok || exponent < -maxExponent || exponent > maxExponent {
		return false
	}
	exponent *= sign
	factor := atom.factor
	if exponent < 0 {
		factor = new(big.Rat).Inv(factor)
	}
	for range max(exponent, -exponent) {
		u.factor = new(big.Rat).Mul(u.factor, factor)
	}
	for base, n := range atom.dims {
		if u.dims[base] += n * exponent; u.dims[base] == 0 {
			delete(u.dims, base)
		}
	}
	return true
}

// findAtom resolves a component such as "mg", "m2" or "10*3".
func findAtom(part string, atoms map[string]unit) (unit, int, bool) {
	name, exponent := part, 1
	if i := strings.LastIndexFunc(part, func(r rune) bool { return r != '-' && r != '+' && (r < '0' || r > '9') }); i >= 0 && i+1 < len(part) {
		n, err := strconv.Atoi(part[i+1:])
		if err != nil {
			return unit{}, 0, false
		}
		name, exponent = part[:i+1], n
	}
	if a, ok := atoms[name]; ok {
		return a, exponent, true
	}
	for prefix, power := range metric {
		base, found := strings.CutPrefix(name, prefix)
		a, ok := atoms[base]
		if !found || !ok {
			continue
		}
		scale := new(big.Rat).SetInt(pow10(max(power, -power)))
		if power < 0 {
			scale.Inv(scale)
		}
		return unit{scale.Mul(scale, a.factor), a.dims}, exponent, true
	}
	return unit{}, 0, false
}

// unitOf returns the unit of a measure; false for one that UCUM, as far as it is known here, lacks.
func unitOf(m Measure) (unit, bool) {
	text := m.Unit
	if m.Calendar {
		c := calendarUnits[text]
		if text = c.ucum; c.months == 1 {
			text = "month"
		} else if c.months == 12 {
			text = "year"
		}
	}
	if len(text) > 64 || !m.Calendar && (text == "month" || text == "year") {
		return unit{}, false
	}
	u := unit{big.NewRat(1, 1), map[string]int{}}
	return u, u.multiply(text, parsedAtoms())
}

// String returns the base units of u as a UCUM term.
func (u unit) String() string {
	if len(u.dims) == 0 {
		return "1"
	}
	var parts []string
	for base, n := range u.dims {
		if n != 1 {
			base += strconv.Itoa(n)
		}
		parts = append(parts, base)
	}
	sort.Strings(parts)
	return strings.Join(parts, ".")
}

// in converts m to the unit of n; false when they have no common dimension.
func (m Measure) in(n Measure) (Measure, bool) {
	if m.Unit == n.Unit && m.Calendar == n.Calendar {
		return m, true
	}
	from, ok1 := unitOf(m)
	to, ok2 := unitOf(n)
	if !ok1 || !ok2 || from.String() != to.String() {
		return m, false
	}
	ratio := new(big.Rat).Quo(from.factor, to.factor)
	return Measure{Value: m.Value.times(ratio), Unit: n.Unit, Calendar: n.Calendar}, true
}

// times multiplies d by a ratio, rounded to 28 digits behind the point.
func (d Decimal) times(ratio *big.Rat) Decimal {
	q := new(big.Rat).SetFrac(d.coef, pow10(d.scale))
	return ratDecimal(q.Mul(q, ratio), 28).trim()
}

// order compares two quantities; false when their units have no common dimension.
func (m Measure) order(n Measure) (int, bool) {
	n, ok := n.in(m)
	if !ok {
		return 0, false
	}
	return m.Value.compare(n.Value), true
}

// equivalent compares at the precision of the coarser value; a calendar month is a 'mo'.
func (m Measure) equivalent(n Measure) bool {
	m, n = m.definite(), n.definite()
	return m.rounds(n) || n.rounds(m)
}

func (m Measure) rounds(n Measure) bool {
	n, ok := n.in(m)
	if !ok {
		return false
	}
	scale := min(m.Value.trim().scale, n.Value.trim().scale)
	return m.Value.round(scale).compare(n.Value.round(scale)) == 0
}

// definite returns m with a calendar month or year as the UCUM unit.
func (m Measure) definite() Measure {
	switch months := calendarUnits[m.Unit].months; {
	case m.Calendar && months == 1:
		return Measure{Value: m.Value, Unit: "mo"}
	case m.Calendar && months == 12:
		return Measure{Value: m.Value, Unit: "a"}
	}
	return m
}

// combined brings two quantities to base units, m with the unit of their product or quotient.
func combined(m, n Measure, divide bool) (Measure, Measure, bool) {
	u, ok1 := unitOf(m)
	v, ok2 := unitOf(n)
	if !ok1 || !ok2 {
		return m, n, false
	}
	m.Value, n.Value = m.Value.times(u.factor), n.Value.times(v.factor)
	for base, exponent := range v.dims {
		if divide {
			exponent = -exponent
		}
		if u.dims[base] += exponent; u.dims[base] == 0 {
			delete(u.dims, base)
		}
	}
	m.Unit, m.Calendar = u.String(), false
	return m, n, true
}
