package validate

import (
	"regexp"
	"slices"
)

// presence decides an invariant from the members that an object has, as bits. Half of the
// constraints of R4 ask nothing else ("detail.empty() or reference.empty()").
type presence func(seen uint64) bool

var presenceWord = regexp.MustCompile(`^\s*([A-Za-z]+(?:\.exists\(\)|\.empty\(\))?|[()=]|!=|\.not\(\))`)

// newPresence reads an expression of exists(), empty(), not() and boolean operators. It returns nil
// for every other one.
func newPresence(expression string, bits map[string]uint64) presence {
	r := presenceReader{bits: bits}
	for expression != "" {
		m := presenceWord.FindStringSubmatchIndex(expression)
		if m == nil {
			break
		}
		r.words = append(r.words, expression[m[2]:m[3]])
		expression = expression[m[1]:]
	}
	if expression != "" {
		return nil
	}
	p := r.operators(0)
	if r.failed || len(r.words) > 0 {
		return nil
	}
	return p
}

type presenceReader struct {
	words  []string
	bits   map[string]uint64
	failed bool
}

// presenceLevels are the operators from the loosest to the tightest.
var presenceLevels = [][]string{{"implies"}, {"or", "xor"}, {"and"}, {"=", "!="}}

var presenceOperators = map[string]func(a, b presence) presence{
	"implies": func(a, b presence) presence { return func(s uint64) bool { return !a(s) || b(s) } },
	"or":      func(a, b presence) presence { return func(s uint64) bool { return a(s) || b(s) } },
	"and":     func(a, b presence) presence { return func(s uint64) bool { return a(s) && b(s) } },
	"xor":     func(a, b presence) presence { return func(s uint64) bool { return a(s) != b(s) } },
	"!=":      func(a, b presence) presence { return func(s uint64) bool { return a(s) != b(s) } },
	"=":       func(a, b presence) presence { return func(s uint64) bool { return a(s) == b(s) } },
}

func (r *presenceReader) take() string {
	if len(r.words) == 0 {
		r.failed = true
		return ""
	}
	word := r.words[0]
	r.words = r.words[1:]
	return word
}

func (r *presenceReader) operators(level int) presence {
	if level == len(presenceLevels) {
		return r.operand()
	}
	left := r.operators(level + 1)
	for len(r.words) > 0 && slices.Contains(presenceLevels[level], r.words[0]) {
		join := presenceOperators[r.take()]
		left = join(left, r.operators(level+1))
	}
	return left
}

// operand reads "name.exists()", "name.empty()" or parentheses, with any number of .not() behind.
func (r *presenceReader) operand() presence {
	var p presence
	word := r.take()
	switch {
	case word == "(":
		p = r.operators(0)
		if r.take() != ")" {
			r.failed = true
		}
	default:
		p = r.member(word)
	}
	for len(r.words) > 0 && r.words[0] == ".not()" {
		r.take()
		inner := p
		p = func(s uint64) bool { return !inner(s) }
	}
	return p
}

func (r *presenceReader) member(word string) presence {
	m := presenceMember.FindStringSubmatch(word)
	if m == nil || r.bits[m[1]] == 0 {
		r.failed = true
		return nil
	}
	bit, empty := r.bits[m[1]], m[2] == "empty"
	return func(s uint64) bool { return (s&bit == 0) == empty }
}

var presenceMember = regexp.MustCompile(`^(\w+)\.(exists|empty)\(\)$`)
