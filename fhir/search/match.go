package search

import (
	"slices"
	"strconv"
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
// Only rows whose Param is the clause's Param count; under the modifiers "identifier" and "of-type"
// those of Param+":identifier" and Param+":of-type". One row that meets one value is enough, except
// for these modifiers:
//   - "missing": the value is "true" or "false"; true wants no row of Param nor of
//     Param+":identifier", false wants one.
//   - "not": no row may meet any value; a resource without a row matches.
//
// A row meets a value when:
//   - token, and modifiers "identifier" and "of-type": Value is equal, or empty in the query
//     ("system|"); and System is equal, or AnySystem is set. "text": Text begins with Value.
//   - reference, also with a type name as modifier: Value is equal; and System is equal, or
//     AnySystem is set and the row's System is not empty.
//   - uri: Value is equal. "below": or the row's Value goes on after Value and a slash; "above": or
//     Value goes on after the row's Value and a slash.
//   - string: the row's Value begins with Value; "contains": holds it; "exact": Text is equal.
//   - date, number, quantity, by Op, with [L,H] of the row and [l,h] of the value:
//     eq L>=l and H<=h · ne not eq · gt H>h · lt L<l · ge gt or eq · le lt or eq · sa L>=h ·
//     eb H<=l · ap L<h and H>l.
//   - quantity also wants the unit: System is equal and Value is empty or equal; or AnySystem is
//     set and Value is empty or equals the row's Value or Text.
//
// A composite wants, for one of its values, a group that has a row of Param+"$1" that meets the first
// part, one of Param+"$2" that meets the second, and so on. A clause with Any wants one of those.
// Hidden is left to who knows the id.
//
// The rows of one resource cannot tell what lies behind Hops: such a clause never matches here.
func Matches(rows []Row, c Clause) bool {
	switch {
	case c.Any != nil:
		return slices.ContainsFunc(c.Any, func(one Clause) bool { return Matches(rows, one) })
	case c.Hops != nil:
		return false
	case c.Modifier == "missing":
		return (len(c.Values) > 0 && c.Values[0].Value == "true") != has(rows, c.Param)
	case c.Modifier == "not":
		c.Modifier = ""
		return !Matches(rows, c)
	case c.Kind == Composite:
		return slices.ContainsFunc(c.Values, func(v Value) bool { return meetsParts(rows, &c, &v) })
	}
	param, kind := c.Column()
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

// Column returns the Param of the rows that the clause looks at, and the kind by which it compares.
func (c *Clause) Column() (string, Kind) {
	switch c.Modifier {
	case "identifier", "of-type":
		return c.Param + ":" + c.Modifier, Token
	}
	return c.Param, c.Kind
}

// Component returns the clause for one part of a composite: its rows and what they are compared with.
func (c *Clause) Component(i int, v Value) Clause {
	return Clause{Param: c.Param + "$" + strconv.Itoa(i+1), Kind: c.Parts[i], Values: []Value{v}}
}

// meetsParts reports whether some group meets all parts of v.
func meetsParts(rows []Row, c *Clause, v *Value) bool {
	for i := range rows {
		group := func(r Row) bool { return r.Group != rows[i].Group }
		if rows[i].Group == 0 {
			continue
		}
		of := slices.DeleteFunc(slices.Clone(rows), group)
		all := true
		for part := range c.Parts {
			all = all && Matches(of, c.Component(part, v.Parts[part]))
		}
		if all {
			return true
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
		if modifier == "text" {
			return strings.HasPrefix(row.Text, v.Value)
		}
		return (v.Value == "" || row.Value == v.Value) && (v.AnySystem || row.System == v.System)
	case Reference:
		return row.Value == v.Value && (row.System == v.System || v.AnySystem && row.System != "")
	case URI:
		return row.Value == v.Value || modifier == "below" && under(row.Value, v.Value) || modifier == "above" && under(v.Value, row.Value)
	case String:
		return meetsText(row, modifier, v.Value)
	case Date, Number:
		return compare(row, v)
	case Quantity:
		return compare(row, v) && meetsUnit(row, v)
	}
	return false
}

// under reports whether a URL goes on after top and a slash.
func under(url, top string) bool {
	rest, ok := strings.CutPrefix(url, strings.TrimSuffix(top, "/"))
	return ok && top != "" && strings.HasPrefix(rest, "/")
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
