package path

// operation is an operator at its place in the expression.
type operation struct {
	name string
	pos  int
}

// fail returns an error at the operator.
func (o operation) fail(reason string) error {
	return &Error{Pos: o.pos, Reason: o.name + " " + reason}
}

// binaryFunc applies an operator to two collections.
type binaryFunc func(s *scope, op operation, a, b []Item) ([]Item, error)

// binaries are the binary operators but is and as.
var binaries = map[string]binaryFunc{
	"=":       equality,
	"!=":      equality,
	"~":       equivalence,
	"!~":      equivalence,
	"<":       inequality,
	"<=":      inequality,
	">":       inequality,
	">=":      inequality,
	"and":     logical,
	"or":      logical,
	"xor":     logical,
	"implies": logical,
	"in":      membership,
	"contains": func(s *scope, op operation, a, b []Item) ([]Item, error) {
		return membership(s, op, b, a)
	},
	"|":   union,
	"&":   concatenate,
	"+":   arithmetic,
	"-":   arithmetic,
	"*":   arithmetic,
	"/":   arithmetic,
	"div": arithmetic,
	"mod": arithmetic,
}

// truth values of three-valued logic.
const (
	no      = int8(-1)
	unknown = int8(0)
	yes     = int8(1)
)

func truth(b bool) int8 {
	if b {
		return yes
	}
	return no
}

// truthItems returns a truth as a collection: empty for unknown.
func truthItems(t int8) []Item {
	if t == unknown {
		return nil
	}
	return boolItems(t == yes)
}

// trueItems and falseItems are shared: no evalFunc writes into what another returned.
var trueItems, falseItems = []Item{BooleanItem(true)}, []Item{BooleanItem(false)}

func boolItems(b bool) []Item {
	if b {
		return trueItems
	}
	return falseItems
}

// truthOf reads a collection as a truth by singleton evaluation: one item that is no boolean is true.
func truthOf(in []Item, pos int) (value, known bool, err error) {
	if len(in) == 0 {
		return false, false, nil
	}
	if len(in) > 1 {
		return false, false, &Error{Pos: pos, Reason: "expected a single boolean, found several items"}
	}
	if b, ok := in[0].Bool(); ok {
		return b, true, nil
	}
	return true, true, nil
}

func threeValued(in []Item, pos int) (int8, error) {
	value, known, err := truthOf(in, pos)
	if err != nil || !known {
		return unknown, err
	}
	return truth(value), nil
}

// logicTables hold the outcome of each operator by its operands: no, unknown, yes.
var logicTables = map[string][3][3]int8{
	"and":     {{no, no, no}, {no, unknown, unknown}, {no, unknown, yes}},
	"or":      {{no, unknown, yes}, {unknown, unknown, yes}, {yes, yes, yes}},
	"xor":     {{no, unknown, yes}, {unknown, unknown, unknown}, {yes, unknown, no}},
	"implies": {{yes, yes, yes}, {unknown, unknown, yes}, {no, unknown, yes}},
}

func logical(_ *scope, op operation, a, b []Item) ([]Item, error) {
	left, err := threeValued(a, op.pos)
	if err != nil {
		return nil, err
	}
	right, err := threeValued(b, op.pos)
	if err != nil {
		return nil, err
	}
	return truthItems(logicTables[op.name][left+1][right+1]), nil
}

// deciding is the left operand that alone settles an operator.
var deciding = map[string]int8{"and": no, "or": yes, "implies": no}

// shortCircuit leaves the right side alone when the left side settles the outcome.
func shortCircuit(op operation, left, right evalFunc, apply binaryFunc) evalFunc {
	return func(s *scope) ([]Item, error) {
		a, err := left(s)
		if err != nil {
			return nil, err
		}
		t, err := threeValued(a, op.pos)
		if err != nil {
			return nil, err
		}
		if t == deciding[op.name] {
			return boolItems(op.name != "and"), nil
		}
		b, err := right(s)
		if err != nil {
			return nil, err
		}
		return apply(s, op, a, b)
	}
}

func equality(s *scope, op operation, a, b []Item) ([]Item, error) {
	if err := s.compare(op.pos, a, b[:min(len(b), 1)]); err != nil {
		return nil, err
	}
	t := equalAll(a, b)
	if op.name == "!=" {
		t = -t
	}
	return truthItems(t), nil
}

func equivalence(s *scope, op operation, a, b []Item) ([]Item, error) {
	if err := s.compare(op.pos, a, b); err != nil {
		return nil, err
	}
	return boolItems(equivalentAll(a, b) == (op.name == "~")), nil
}

// outcomes are the orders that make an inequality true.
var outcomes = map[string][3]bool{
	"<": {true, false, false}, "<=": {true, true, false},
	">": {false, false, true}, ">=": {false, true, true},
}

func inequality(_ *scope, op operation, a, b []Item) ([]Item, error) {
	if len(a) == 0 || len(b) == 0 {
		return nil, nil
	}
	if len(a) > 1 || len(b) > 1 {
		return nil, op.fail("needs single items")
	}
	order, known, ok := orderOf(a[0].value(), b[0].value())
	if !ok {
		return nil, op.fail("cannot compare these types")
	}
	if !known {
		return nil, nil
	}
	return boolItems(outcomes[op.name][order+1]), nil
}

// membership answers whether a is in b.
func membership(s *scope, op operation, a, b []Item) ([]Item, error) {
	if len(a) == 0 {
		return nil, nil
	}
	if len(a) > 1 {
		return nil, op.fail("needs a single item")
	}
	if err := s.compare(op.pos, a, b); err != nil {
		return nil, err
	}
	return boolItems(includes(b, a[0])), nil
}

// includes reports whether one item of in equals it.
func includes(in []Item, it Item) bool {
	for _, other := range in {
		if equal(other, it) == yes {
			return true
		}
	}
	return false
}

func union(s *scope, op operation, a, b []Item) ([]Item, error) {
	return s.distinct(op.pos, a, b)
}

// distinct returns the items of all collections, each once, in order.
func (s *scope) distinct(pos int, collections ...[]Item) ([]Item, error) {
	var out []Item
	for _, in := range collections {
		for i, it := range in {
			if err := s.compare(pos, in[i:i+1], out); err != nil {
				return nil, err
			}
			if !includes(out, it) {
				out = append(out, it)
			}
		}
	}
	return out, nil
}

func concatenate(s *scope, op operation, a, b []Item) ([]Item, error) {
	left, ok1 := textOrEmpty(a)
	right, ok2 := textOrEmpty(b)
	if !ok1 || !ok2 {
		return nil, op.fail("needs single strings")
	}
	if len(left)+len(right) > maxText {
		return nil, op.fail("makes too long a text")
	}
	return []Item{StringItem(left + right)}, s.spend(op.pos, (len(left)+len(right))/64)
}

// maxText bounds the texts that an expression may build.
const maxText = 1 << 18

func textOrEmpty(in []Item) (string, bool) {
	if len(in) == 0 {
		return "", true
	}
	s, ok := in[0].value().(string)
	return s, ok && len(in) == 1
}
