package validate

import (
	"regexp"
	"strings"
)

// sufficient returns what alone makes an expression true: the parts of "a or b or c", and of
// "a implies b" the opposite of a, as far as presence decides them. Most constraints that compare
// values have one ("type != 'display' or code.empty()"), and so are run for few elements only.
func sufficient(expression string, bits map[string]uint64) []presence {
	var out []presence
	words := outermost(expression)
	if parts := splitAt(expression, words, "implies"); len(parts) == 2 {
		if p := newPresence(parts[0], bits); p != nil {
			out = append(out, func(seen uint64) bool { return !p(seen) })
		}
		return append(out, sufficient(parts[1], bits)...)
	}
	if len(splitAt(expression, words, "xor")) > 1 {
		return nil
	}
	for _, part := range splitAt(expression, words, "or") {
		if p := newPresence(part, bits); p != nil {
			out = append(out, p)
		} else if m := withoutValue.FindStringSubmatch(part); m != nil && bits[m[1]] != 0 {
			bit := bits[m[1]]
			out = append(out, func(seen uint64) bool { return seen&bit == 0 })
		}
	}
	return out
}

var (
	withoutValue = regexp.MustCompile(`^\s*(\w+)\.hasValue\(\)\.not\(\)\s*$`)
	operator     = regexp.MustCompile(`\b(implies|xor|or)\b`)
)

// outermost returns where the operators stand that are in no parentheses, brackets or quotes.
func outermost(expression string) [][]int {
	var out [][]int
	for _, at := range operator.FindAllStringIndex(expression, -1) {
		before := expression[:at[0]]
		depth := strings.Count(before, "(") + strings.Count(before, "[") - strings.Count(before, ")") - strings.Count(before, "]")
		if depth == 0 && strings.Count(before, "'")%2 == 0 && strings.Count(before, "`")%2 == 0 {
			out = append(out, at)
		}
	}
	return out
}

// splitAt splits an expression at those of its outermost operators that are the given one.
func splitAt(expression string, operators [][]int, word string) []string {
	var parts []string
	start := 0
	for _, at := range operators {
		if expression[at[0]:at[1]] == word {
			parts = append(parts, expression[start:at[0]])
			start = at[1]
		}
	}
	return append(parts, expression[start:])
}
