package search

import (
	"strings"
	"time"
)

// OwnRows returns the rows of _id and _lastUpdated, which Index leaves to the store: a caller of
// Matches adds them when a clause may ask for them.
func OwnRows(id string, updated time.Time) []Row {
	at := float64(updated.UnixMilli())
	return []Row{
		{Param: "_id", Kind: Token, Value: id},
		{Param: "_lastUpdated", Kind: Date, Low: at, High: at + 1},
	}
}

// Matches reports whether the rows of a resource meet a clause. It is the meaning of a Clause: a
// store must find exactly what it finds.
//
// Only rows whose Param is the clause's Param count; under the modifier "identifier" those of
// Param+":identifier". One row that meets one value is enough, except for these modifiers:
//   - "missing": the value is "true" or "false"; true wants no row of Param nor of
//     Param+":identifier", false wants one.
//   - "not": no row may meet any value; a resource without a row matches.
//
// A row meets a value when:
//   - token, and modifier "identifier": Value is equal, or empty in the query ("system|"); and
//     System is equal, or AnySystem is set.
//   - reference, also with a type name as modifier: Value is equal; and System is equal, or
//     AnySystem is set and the row's System is not empty.
//   - uri: Value is equal.
//   - string: the row's Value begins with Value; "contains": holds it; "exact": Text is equal.
//   - date, number, quantity, by Op, with [L,H] of the row and [l,h] of the value:
//     eq L>=l and H<=h · ne not eq · gt H>h · lt L<l · ge gt or eq · le lt or eq · sa L>=h ·
//     eb H<=l · ap L<h and H>l.
//   - quantity also wants the unit: System is equal and Value is empty or equal; or AnySystem is
//     set and Value is empty or equals the row's Value or Text.
func Matches(rows []Row, c Clause) bool {
	switch c.Modifier {
	case "missing":
		return (len(c.Values) > 0 && c.Values[0].Value == "true") != has(rows, c.Param)
	case "not":
		c.Modifier = ""
		return !Matches(rows, c)
	}
	param, kind := c.Param, c.Kind
	if c.Modifier == "identifier" {
		param, kind = param+":identifier", Token
	}
	for i := range rows {
		if rows[i].Param != param {
			continue
		}
		for j := range c.Values {
			if meets(&rows[i], kind, c.Modifier, &c.Values[j]) {
				return true
			}
		}
	}
	return false
}

// has reports whether the parameter has a value at all.
func has(rows []Row, param string) bool {
	for i := range rows {
		if p := rows[i].Param; p == param || strings.TrimSuffix(p, ":identifier") == param {
			return true
		}
	}
	return false
}

func meets(row *Row, kind Kind, modifier string, v *Value) bool {
	switch kind {
	case Token:
		return (v.Value == "" || row.Value == v.Value) && (v.AnySystem || row.System == v.System)
	case Reference:
		return row.Value == v.Value && (row.System == v.System || v.AnySystem && row.System != "")
	case URI:
		return row.Value == v.Value
	case String:
		return meetsText(row, modifier, v.Value)
	case Date, Number:
		return compare(row, v)
	case Quantity:
		return compare(row, v) && meetsUnit(row, v)
	}
	return false
}

func meetsText(row *Row, modifier, text string) bool {
	switch modifier {
	case "exact":
		return row.Text == text
	case "contains":
		return strings.Contains(row.Value, text)
	}
	return strings.HasPrefix(row.Value, text)
}

func meetsUnit(row *Row, v *Value) bool {
	if v.AnySystem {
		return v.Value == "" || row.Value == v.Value || row.Text == v.Value
	}
	return row.System == v.System && (v.Value == "" || row.Value == v.Value)
}

// compare applies the prefix.
func compare(row *Row, v *Value) bool {
	equal := row.Low >= v.Low && row.High <= v.High
	switch v.Op {
	case Ne:
		return !equal
	case Gt:
		return row.High > v.High
	case Lt:
		return row.Low < v.Low
	case Ge:
		return row.High > v.High || equal
	case Le:
		return row.Low < v.Low || equal
	case Sa:
		return row.Low >= v.High
	case Eb:
		return row.High <= v.Low
	case Ap:
		return row.Low < v.High && row.High > v.Low
	}
	return equal
}
