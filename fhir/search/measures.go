package search

import (
	"math"
	"strconv"
	"strings"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/path"
)

// A number in a resource is a point: its row has Low and High at its exact value. The implied
// precision of R4 belongs to the number in the query (numberSpan).

func parseNumber(s string) (float64, bool) {
	f, err := strconv.ParseFloat(s, 64)
	return f, err == nil && !math.IsInf(f, 0) && !math.IsNaN(f)
}

func number(x *extraction, it path.Item) {
	if f, ok := parseNumber(it.Text()); ok {
		x.add(Row{Low: f, High: f})
	}
}

// comparators widen a quantity to the side that it leaves open.
var comparators = map[string]struct{ low, high bool }{
	"<": {low: true}, "<=": {low: true}, ">": {high: true}, ">=": {high: true},
}

func quantity(x *extraction, it path.Item) {
	n := it.Node()
	row, ok := quantityRow(n)
	if !ok {
		return
	}
	widen := comparators[n.Member("comparator").Text()]
	if widen.low {
		row.Low = -open
	}
	if widen.high {
		row.High = open
	}
	x.add(row)
}

// quantityRow reads value and unit of a Quantity.
func quantityRow(n fhir.Node) (Row, bool) {
	f, ok := parseNumber(n.Member("value").Text())
	return Row{
		System: n.Member("system").Text(),
		Value:  n.Member("code").Text(),
		Text:   n.Member("unit").Text(),
		Low:    f, High: f,
	}, ok
}

// currencies is the system of the codes of Money.
const currencies = "urn:iso:std:iso:4217"

func money(x *extraction, it path.Item) {
	f, ok := parseNumber(it.Node().Member("value").Text())
	if !ok {
		return
	}
	row := Row{Value: it.Node().Member("currency").Text(), Low: f, High: f}
	if row.Value != "" {
		row.System = currencies
	}
	x.add(row)
}

// measureRange adds a Range: its unit is that of the bound that has one.
func measureRange(x *extraction, it path.Item) {
	low, ok1 := quantityRow(it.Node().Member("low"))
	high, ok2 := quantityRow(it.Node().Member("high"))
	switch {
	case ok1 && ok2:
		low.High = high.High
		x.add(low)
	case ok1:
		low.High = open
		x.add(low)
	case ok2:
		high.Low = -open
		x.add(high)
	}
}

// sampled adds the span of a SampledData: its values times factor, above its origin.
func sampled(x *extraction, it path.Item) {
	n := it.Node()
	row, ok := quantityRow(n.Member("origin"))
	if !ok {
		return
	}
	factor := 1.0
	if f, ok := parseNumber(n.Member("factor").Text()); ok {
		factor = f
	}
	low, high := open, -open
	for s := range strings.FieldsSeq(n.Member("data").Text()) {
		if f, ok := parseNumber(s); ok {
			low, high = min(low, row.Low+f*factor), max(high, row.Low+f*factor)
		}
	}
	if low <= high {
		row.Low, row.High = low, high
		x.add(row)
	}
}
