package fhir

import (
	"slices"
	"strconv"
	"strings"
)

// Equal reports whether a and b are the same JSON value: member order free, array order kept,
// numbers by value.
func Equal(a, b Node) bool {
	if a.Shape() != b.Shape() {
		return false
	}
	switch a.Shape() {
	case Object:
		return equalMembers(a, b)
	case Array:
		return equalElements(a, b)
	case Number:
		return a.Raw() == b.Raw() || canonicalNumber(a.Raw()) == canonicalNumber(b.Raw())
	}
	return a.Text() == b.Text()
}

// equalMembers compares objects. Names are unique, so that equal counts make it symmetric.
func equalMembers(a, b Node) bool {
	if a.Len() != b.Len() {
		return false
	}
	lookup := b.lookup()
	for m := range a.Children() {
		if !Equal(m, lookup(m.Name())) {
			return false
		}
	}
	return true
}

// equalElements compares arrays.
func equalElements(a, b Node) bool {
	if a.Len() != b.Len() {
		return false
	}
	y := slices.Collect(b.Children())
	i := 0
	for x := range a.Children() {
		if !Equal(x, y[i]) {
			return false
		}
		i++
	}
	return true
}

// lookup returns the member function of n, made for many calls when n has many members.
func (n Node) lookup() func(string) Node {
	if n.Len() <= 64 {
		return n.Member
	}
	members := make(map[string]Node)
	for m := range n.Children() {
		members[m.Name()] = m
	}
	return func(name string) Node { return members[name] }
}

// canonicalNumber returns one text for all texts of the same number: digits without zeros at
// either end, "e", and the exponent of the last digit.
func canonicalNumber(text string) string {
	rest, negative := strings.CutPrefix(text, "-")
	mantissa, exponent := rest, 0
	if i := strings.IndexAny(rest, "eE"); i >= 0 {
		mantissa, exponent = rest[:i], atoi(rest[i+1:])
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits := strings.TrimLeft(whole+fraction, "0")
	exponent -= len(fraction)
	trimmed := strings.TrimRight(digits, "0")
	if trimmed == "" {
		return "0"
	}
	exponent += len(digits) - len(trimmed)
	return numberText(negative, trimmed, exponent)
}

// numberText joins the parts of a canonical number.
func numberText(negative bool, digits string, exponent int) string {
	text := digits + "e" + strconv.Itoa(exponent)
	if negative {
		return "-" + text
	}
	return text
}

// atoi reads a signed number that the scanner accepted as an exponent.
func atoi(s string) int {
	n, err := strconv.Atoi(strings.TrimPrefix(s, "+"))
	if err != nil { // not possible: it has at most maxExponentDigits digits
		return 0
	}
	return n
}
