package path

import (
	"slices"

	"github.com/drieluik/drieluik/fhir"
)

// compiler turns syntax nodes into closures.
type compiler struct {
	dialect Dialect
}

func (c *compiler) expr(n *node) (evalFunc, error) {
	switch n.kind {
	case nodeLiteral:
		value := n.value
		return func(*scope) ([]Item, error) { return value, nil }, nil
	case nodeMember:
		return c.member(n)
	case nodeCall:
		return c.call(n)
	case nodeIndex:
		return c.index(n)
	case nodeSign:
		return c.sign(n)
	case nodeType:
		return c.typeOperator(n)
	case nodeVariable:
		return variables[n.text], nil
	case nodeConstant:
		return c.constant(n)
	}
	return c.binary(n)
}

func this(s *scope) ([]Item, error) { return s.this, nil }

// variables are the $ variables.
var variables = map[string]evalFunc{
	"this":  this,
	"index": func(s *scope) ([]Item, error) { return []Item{IntegerItem(int64(s.index))}, nil },
	"total": func(s *scope) ([]Item, error) { return s.total, nil },
}

// receiver compiles what stands before the dot; nothing there means $this.
func (c *compiler) receiver(n *node) (evalFunc, error) {
	if n.receiver == nil {
		return this, nil
	}
	return c.expr(n.receiver)
}

// chain returns the member names of a path, and what it starts from: nil for $this.
func chain(n *node) (names []string, receiver *node) {
	for receiver = n; receiver != nil && receiver.kind == nodeMember; receiver = receiver.receiver {
		names = append(names, receiver.text)
	}
	slices.Reverse(names)
	return names, receiver
}

// member compiles a chain of member names in one go.
func (c *compiler) member(n *node) (evalFunc, error) {
	names, start := chain(n)
	pos := n.pos
	if start == nil {
		return func(s *scope) ([]Item, error) {
			out := rooted(s.this, names)
			return out, s.spend(pos, 1+len(out))
		}, nil
	}
	receiver, err := c.expr(start)
	if err != nil {
		return nil, err
	}
	return func(s *scope) ([]Item, error) {
		in, err := receiver(s)
		if err != nil || len(in) == 0 {
			return nil, err
		}
		out := steps(in, names)
		return out, s.spend(pos, len(in)+len(out))
	}, nil
}

// walk maps each item to any number of items.
func walk(s *scope, pos int, in []Item, f func([]Item, Item) []Item) ([]Item, error) {
	var out []Item
	for _, it := range in {
		out = f(out, it)
	}
	return out, s.spend(pos, len(in)+len(out))
}

func (c *compiler) index(n *node) (evalFunc, error) {
	receiver, err := c.expr(n.receiver)
	if err != nil {
		return nil, err
	}
	index, err := c.expr(n.args[0])
	if err != nil {
		return nil, err
	}
	return func(s *scope) ([]Item, error) {
		in, err := receiver(s)
		if err != nil {
			return nil, err
		}
		at, err := index(s)
		if err != nil || len(at) == 0 {
			return nil, err
		}
		i, ok := at[0].value().(int64)
		if !ok || len(at) > 1 {
			return nil, &Error{Pos: n.pos, Reason: "an index is one integer"}
		}
		if i < 0 || i >= int64(len(in)) {
			return nil, nil
		}
		return in[i : i+1 : i+1], nil
	}, nil
}

func (c *compiler) sign(n *node) (evalFunc, error) {
	inner, err := c.expr(n.args[0])
	if err != nil {
		return nil, err
	}
	return func(s *scope) ([]Item, error) {
		v, err := inner(s)
		if err != nil || len(v) == 0 {
			return nil, err
		}
		if len(v) == 1 {
			if signed, ok := signedItem(v[0].value(), n.text == "-"); ok {
				return []Item{signed}, nil
			}
		}
		return nil, &Error{Pos: n.pos, Reason: n.text + " needs a single number"}
	}, nil
}

func signedItem(v any, negative bool) (Item, bool) {
	if !negative {
		_, isInt := v.(int64)
		_, isDecimal := v.(Decimal)
		_, isMeasure := v.(Measure)
		return Item{val: v}, isInt || isDecimal || isMeasure
	}
	switch v := v.(type) {
	case int64:
		return IntegerItem(-v), true
	case Decimal:
		return Item{val: v.negate()}, true
	case Measure:
		v.Value = v.Value.negate()
		return Item{val: v}, true
	}
	return Item{}, false
}

func (c *compiler) typeOperator(n *node) (evalFunc, error) {
	left, err := c.expr(n.args[0])
	if err != nil {
		return nil, err
	}
	spec, err := c.typeOf(n.typeName, n.pos)
	if err != nil {
		return nil, err
	}
	return typeTest(n.text, n.pos, left, spec, c.dialect.Search), nil
}

func (c *compiler) binary(n *node) (evalFunc, error) {
	left, err := c.expr(n.args[0])
	if err != nil {
		return nil, err
	}
	right, err := c.expr(n.args[1])
	if err != nil {
		return nil, err
	}
	apply, ok := binaries[n.text]
	if !ok {
		return nil, &Error{Pos: n.pos, Reason: "unknown operator " + n.text}
	}
	op := operation{name: n.text, pos: n.pos}
	if n.text == "and" || n.text == "or" || n.text == "implies" {
		return shortCircuit(op, left, right, apply), nil
	}
	return func(s *scope) ([]Item, error) {
		a, err := left(s)
		if err != nil {
			return nil, err
		}
		b, err := right(s)
		if err != nil {
			return nil, err
		}
		if err := s.spend(op.pos, cost(a)+cost(b)); err != nil {
			return nil, err
		}
		return apply(s, op, a, b)
	}, nil
}

// cost counts more for a quantity, whose unit must be read.
func cost(in []Item) int {
	if len(in) != 1 {
		return 1
	}
	if _, ok := in[0].val.(string); ok || in[0].node.Shape() == fhir.String {
		return 1 + reading(in)
	}
	if _, ok := in[0].val.(Measure); ok || isQuantity(in[0].typ) {
		return 16
	}
	return 1
}

// call compiles a function by its row in the table.
func (c *compiler) call(n *node) (evalFunc, error) {
	f, ok := functions[n.text]
	if !ok {
		return nil, &Error{Pos: n.pos, Reason: "function " + n.text + "() is not supported"}
	}
	if len(n.args) < f.min || len(n.args) > f.max {
		return nil, &Error{Pos: n.pos, Reason: "wrong number of arguments for " + n.text + "()"}
	}
	receiver, err := c.receiver(n)
	if err != nil {
		return nil, err
	}
	if f.eval == nil {
		return c.typeCall(n, receiver)
	}
	k := call{name: n.text, pos: n.pos, args: make([]evalFunc, len(n.args)), memo: new(memo)}
	for i, a := range n.args {
		if k.args[i], err = c.expr(a); err != nil {
			return nil, err
		}
	}
	if n.text == "sort" {
		if k.keys, err = c.keys(n.args); err != nil {
			return nil, err
		}
	}
	return func(s *scope) ([]Item, error) {
		in, err := receiver(s)
		if err != nil {
			return nil, err
		}
		if err := s.spend(k.pos, 1+len(in)+reading(in)); err != nil {
			return nil, err
		}
		return f.eval(s, k, in)
	}, nil
}

func (c *compiler) typeCall(n *node, receiver evalFunc) (evalFunc, error) {
	names, err := typeNames(n.args[0])
	if err != nil {
		return nil, err
	}
	spec, err := c.typeOf(names, n.pos)
	if err != nil {
		return nil, err
	}
	return typeTest(n.text, n.pos, receiver, spec, c.dialect.Search), nil
}

// keys compiles the arguments of sort(): a minus in front means downwards, also for texts.
func (c *compiler) keys(args []*node) ([]key, error) {
	out := make([]key, len(args))
	for i, a := range args {
		if a.kind == nodeSign && a.text == "-" {
			out[i].down, a = true, a.args[0]
		}
		var err error
		if out[i].eval, err = c.expr(a); err != nil {
			return nil, err
		}
	}
	return out, nil
}
