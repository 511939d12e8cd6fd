package path

import (
	"regexp"
	"strconv"
	"strings"
	"sync"
)

// converter turns a System value into another type, and reports false when it has no such value.
type converter func(v any) (any, bool)

// converters are the target types of toX() and convertsToX().
var converters = map[string]converter{
	"Boolean": toBoolean, "Integer": toInteger, "Decimal": toDecimal, "String": toText,
	"Date": toTemporal(Date), "DateTime": toTemporal(DateTime), "Time": toTemporal(Time), "Quantity": toMeasure,
}

// conversions are the functions toX() and convertsToX().
var conversions = conversionTable()

func conversionTable() map[string]function {
	table := map[string]function{}
	for name, convert := range converters {
		most := 0
		if name == "Quantity" {
			most = 1
		}
		table["to"+name] = function{0, most, conversion(convert, false)}
		table["convertsTo"+name] = function{0, most, conversion(convert, true)}
	}
	return table
}

func conversion(convert converter, ask bool) func(*scope, call, []Item) ([]Item, error) {
	return func(s *scope, k call, in []Item) ([]Item, error) {
		if len(in) == 0 {
			return nil, nil
		}
		if len(in) > 1 {
			return nil, k.fail("needs a single item")
		}
		v, ok := convert(in[0].value())
		if ok && len(k.args) == 1 {
			unit, given, err := s.text(k, 0)
			if err != nil || !given {
				return nil, err
			}
			_, calendar := calendarUnits[unit]
			m, isMeasure := v.(Measure)
			if isMeasure {
				v, ok = m.in(Measure{Unit: unit, Calendar: calendar})
			}
		}
		if ask {
			return boolItems(ok), nil
		}
		if !ok {
			return nil, nil
		}
		return []Item{{val: v}}, nil
	}
}

// truths are the texts that are booleans.
var truths = map[string]bool{
	"true": true, "t": true, "yes": true, "y": true, "1": true, "1.0": true,
	"false": false, "f": false, "no": false, "n": false, "0": false, "0.0": false,
}

func toBoolean(v any) (any, bool) {
	switch v := v.(type) {
	case bool:
		return v, true
	case string:
		b, ok := truths[strings.ToLower(v)]
		return b, ok
	}
	d, ok := asDecimal(v)
	switch {
	case ok && d.compare(decimalOf(1)) == 0:
		return true, true
	case ok && d.compare(decimalOf(0)) == 0:
		return false, true
	}
	return nil, false
}

func toInteger(v any) (any, bool) {
	switch v := v.(type) {
	case int64:
		return v, true
	case bool:
		if v {
			return int64(1), true
		}
		return int64(0), true
	case string:
		n, err := strconv.ParseInt(v, 10, 32)
		return n, err == nil
	}
	return nil, false
}

func toDecimal(v any) (any, bool) {
	switch v := v.(type) {
	case bool:
		if v {
			return decimalOf(1), true
		}
		return decimalOf(0), true
	case string:
		d, ok := ParseDecimal(v)
		return d, ok
	}
	d, ok := asDecimal(v)
	return d, ok
}

func toText(v any) (any, bool) { return textOf(v), v != nil }

func toTemporal(kind Kind) converter {
	return func(v any) (any, bool) {
		switch v := v.(type) {
		case string:
			t, ok := ParseTemporal(kind, v)
			if !ok && kind == Date {
				if t, ok = ParseTemporal(DateTime, v); ok {
					t = t.as(Date)
				}
			}
			return t, ok
		case Temporal:
			if (v.kind == Time) != (kind == Time) {
				return nil, false
			}
			return v.as(kind), true
		}
		return nil, false
	}
}

// quantityText is the form of a quantity in a string.
var quantityText = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^([+-]?\d+(?:\.\d+)?)\s*(?:'([^']+)'|([a-zA-Z]+))?$`)
})

func toMeasure(v any) (any, bool) {
	switch v := v.(type) {
	case Measure:
		return v, true
	case bool:
		d, ok := toDecimal(v)
		if !ok {
			return nil, false
		}
		return asMeasure(d)
	case string:
		parts := quantityText().FindStringSubmatch(v)
		if parts == nil {
			return nil, false
		}
		d, ok := ParseDecimal(parts[1])
		_, calendar := calendarUnits[parts[3]]
		switch {
		case parts[3] != "":
			return Measure{d, parts[3], true}, ok && calendar
		case parts[2] != "":
			return Measure{d, parts[2], false}, ok
		}
		return Measure{d, "1", false}, ok
	}
	m, ok := asMeasure(v)
	return m, ok
}
