package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

type searchParam struct {
	ID         string
	URL        string
	Code       string
	Base       []string
	Type       string
	Expression string
	Target     []string
	Component  []struct{ Definition, Expression string }
}

type compartment struct {
	Code     string
	Resource []struct {
		Code  string
		Param []string
	}
}

// writeParams writes each search parameter once for each type of its base. The examples among the
// definitions are left out: they would define standard codes a second time.
func writeParams(out []byte, d *definitions) ([]byte, error) {
	type row struct{ base, code, text string }
	var rows []row
	for _, p := range d.params {
		if strings.HasPrefix(p.ID, "example") {
			continue
		}
		for _, base := range p.Base {
			text := fmt.Sprintf("P\t%s\t%s\t%s\t%s\t%s\t%s\n", base, p.Code, p.Type, p.URL,
				strings.Join(p.Target, " "), expressionOf(p.Expression, base, d.types))
			for _, c := range p.Component {
				text += fmt.Sprintf("K\t%s\t%s\n", c.Definition, c.Expression)
			}
			rows = append(rows, row{base, p.Code, text})
		}
	}
	slices.SortStableFunc(rows, func(a, b row) int {
		return cmp.Or(cmp.Compare(a.base, b.base), cmp.Compare(a.code, b.code))
	})
	for i, r := range rows {
		if i > 0 && rows[i-1].base == r.base && rows[i-1].code == r.code {
			return nil, fmt.Errorf("search parameter %s of %s is defined twice", r.code, r.base)
		}
		out = append(out, r.text...)
	}
	return out, nil
}

// expressionOf keeps the alternatives that are about one type: those that begin with its name, and
// those that begin with no type name at all.
func expressionOf(expression, base string, types map[string]*structure) string {
	var kept []string
	for _, a := range alternatives(expression) {
		first := strings.TrimLeft(a, "( ")
		first = first[:strings.IndexAny(first+".", ". ()|[")]
		if types[first] == nil || first == base {
			kept = append(kept, a)
		}
	}
	return strings.Join(kept, " | ")
}

// alternatives splits at every | outside parentheses and quotes.
func alternatives(expression string) []string {
	var parts []string
	depth, quoted, start := 0, false, 0
	for i := range len(expression) {
		switch c := expression[i]; {
		case c == '\'':
			quoted = !quoted
		case quoted:
		case c == '(':
			depth++
		case c == ')':
			depth--
		case c == '|' && depth == 0:
			parts = append(parts, strings.TrimSpace(expression[start:i]))
			start = i + 1
		}
	}
	if rest := strings.TrimSpace(expression[start:]); rest != "" {
		parts = append(parts, rest)
	}
	return parts
}

// writeCompartments writes the types that can belong to each compartment.
func writeCompartments(out []byte, d *definitions) ([]byte, error) {
	slices.SortFunc(d.compartments, func(a, b compartment) int { return cmp.Compare(a.Code, b.Code) })
	for _, c := range d.compartments {
		for _, r := range c.Resource {
			if len(r.Param) > 0 {
				out = fmt.Appendf(out, "M\t%s\t%s\t%s\n", c.Code, r.Code, strings.Join(r.Param, " "))
			}
		}
	}
	return out, nil
}
