package decide

import (
	"slices"
	"strconv"
	"strings"

	"github.com/drieluik/drieluik/mapping/form"
)

// A decisionTable says what follows from the answers of a tree, row by row as in mks.md 5. Whoever
// checks it needs to read no code but the rows.
type Table []row

// row is one rule. It fires when all its conditions hold and nothing of unless fires.
type row struct {
	rule   string
	when   []condition
	unless string // rules or outcomes, separated by spaces
	then   string // the outcome: wet/onderdeel, or a beslisboom-uitkomst; "": none
	tell   string // the MKS rule that reports it; "": none
}

// condition asks one answer: ja, nee or another code, several with | between; "< 5" and ">= 5" of a
// number; "given" of a text.
type condition struct{ answer, is string }

// answers are those of one tree by linkId. A boolean is ja or nee, a list its first text.
type answers map[string]string

// AnswersOf reads antwoorden.
func AnswersOf(v form.Value) answers {
	out := answers{}
	for _, at := range v.Members() {
		name := at.Name()
		switch text := at.Node().Text(); {
		case !at.Sound():
		case text == "true":
			out[name] = "ja"
		case text == "false":
			out[name] = "nee"
		case len(at.Items()) > 0:
			out[name] = at.Items()[0].Str()
		default:
			out[name] = text
		}
	}
	return out
}

// holds reports whether an answer is what a condition asks.
func (a answers) holds(c condition) bool {
	got := a[c.answer]
	if c.is == "given" {
		return got != ""
	}
	if sign, text, ok := strings.Cut(c.is, " "); ok {
		limit, err := strconv.ParseInt(text, 10, 64)
		n, whole := form.WholeNumber(got)
		return err == nil && whole && (n < limit) == (sign == "<")
	}
	return slices.Contains(strings.Split(c.is, "|"), got)
}

// fires reports whether a row fires.
func (t Table) fires(r *row, a answers) bool {
	for _, c := range r.when {
		if !a.holds(c) {
			return false
		}
	}
	return !slices.ContainsFunc(strings.Fields(r.unless), func(name string) bool { return t.Fired(name, a) })
}

// Fired reports whether a rule fires, or one with that outcome.
func (t Table) Fired(name string, a answers) bool {
	for i := range t {
		if r := &t[i]; (r.rule == name || r.then == name) && t.fires(r, a) {
			return true
		}
	}
	return false
}

// outcomes returns what follows, sorted.
func (t Table) outcomes(a answers) []string {
	var out []string
	for i := range t {
		if r := &t[i]; r.then != "" && t.fires(r, a) {
			out = append(out, r.then)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Told returns the MKS rules that report the rows that fire.
func (t Table) Told(a answers) []string {
	var out []string
	for i := range t {
		if r := &t[i]; r.tell != "" && t.fires(r, a) {
			out = append(out, r.tell)
		}
	}
	return out
}

// Differs reports whether given outcomes are another set than the table gives.
func (t Table) Differs(given []string, a answers) bool {
	set := slices.Clone(given)
	slices.Sort(set)
	return !slices.Equal(slices.Compact(set), t.outcomes(a))
}
