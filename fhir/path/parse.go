package path

import "slices"

// nodeKind is the kind of a syntax node.
type nodeKind uint8

const (
	nodeLiteral  nodeKind = iota // value; Empty: {}
	nodeMember                   // receiver.text; no receiver: $this.text
	nodeCall                     // receiver.text(args)
	nodeIndex                    // receiver[args[0]]
	nodeSign                     // text args[0]
	nodeBinary                   // args[0] text args[1]
	nodeType                     // args[0] is/as name
	nodeVariable                 // $text
	nodeConstant                 // %text
)

// node is one node of the syntax tree.
type node struct {
	kind     nodeKind
	pos      int
	text     string
	receiver *node
	args     []*node
	value    []Item
	typeName []string // nodeType
	depth    int
}

// parser turns tokens into a syntax tree by precedence climbing.
type parser struct {
	tokens []token
	at     int
	depth  int
	words  bool // Dialect.Words
}

func parse(src string, words bool) (*node, error) {
	tokens, err := lex(src)
	if err != nil {
		return nil, err
	}
	p := parser{tokens: tokens, words: words}
	n, err := p.expression(0)
	if err != nil {
		return nil, err
	}
	if t := p.peek(); t.kind != tokenEnd {
		return nil, p.unexpected(t)
	}
	return n, nil
}

// operators are the binary operators with their precedence: higher binds tighter.
var operators = map[string]int{
	"implies": 1,
	"or":      2, "xor": 2,
	"and": 3,
	"in":  4, "contains": 4,
	"=": 5, "~": 5, "!=": 5, "!~": 5,
	"<": 6, ">": 6, "<=": 6, ">=": 6,
	"|":  7,
	"is": 8, "as": 8,
	"+": 9, "-": 9, "&": 9,
	"*": 10, "/": 10, "div": 10, "mod": 10,
}

// reserved words cannot be identifiers unless delimited.
var reserved = []string{"and", "div", "false", "implies", "mod", "or", "true", "xor"}

func (p *parser) peek() token { return p.tokens[p.at] }

func (p *parser) take() token {
	t := p.tokens[p.at]
	if t.kind != tokenEnd {
		p.at++
	}
	return t
}

func (p *parser) accept(symbol string) bool {
	if !p.peek().is(symbol) {
		return false
	}
	p.at++
	return true
}

func (p *parser) expect(symbol string) error {
	if p.accept(symbol) {
		return nil
	}
	return &Error{Pos: p.peek().pos, Reason: "expected " + symbol}
}

func (p *parser) unexpected(t token) error {
	if t.kind == tokenEnd {
		return &Error{Pos: t.pos, Reason: "expression ends too early"}
	}
	return &Error{Pos: t.pos, Reason: "unexpected " + t.text}
}

// bound sets the depth of n over its parts, and fails when it is too deep to walk.
func (p *parser) bound(n *node) (*node, error) {
	deepest := 0
	if n.receiver != nil {
		deepest = n.receiver.depth
	}
	for _, a := range n.args {
		deepest = max(deepest, a.depth)
	}
	if n.depth = deepest + 1; n.depth > maxDepth {
		return nil, &Error{Pos: n.pos, Reason: "expression is too deep"}
	}
	return n, nil
}

// operator returns the binary operator at t and its precedence, 0 when there is none.
func operator(t token) int {
	if t.kind != tokenSymbol && t.kind != tokenName {
		return 0
	}
	return operators[t.text]
}

// expression parses operators that bind tighter than floor.
func (p *parser) expression(floor int) (*node, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, &Error{Pos: p.peek().pos, Reason: "expression is too deep"}
	}
	defer func() { p.depth-- }()
	left, err := p.signed()
	for err == nil {
		t := p.peek()
		prec := operator(t)
		if prec <= floor {
			return left, nil
		}
		p.take()
		n := &node{kind: nodeBinary, pos: t.pos, text: t.text, args: []*node{left}}
		if t.isWord("is") || t.isWord("as") {
			n.kind = nodeType
			n.typeName, err = p.typeName()
		} else {
			var right *node
			right, err = p.expression(prec)
			n.args = append(n.args, right)
		}
		if err == nil {
			left, err = p.bound(n)
		}
	}
	return nil, err
}

// signed parses + and - before a term.
func (p *parser) signed() (*node, error) {
	t := p.peek()
	if !t.is("-") && !t.is("+") {
		return p.postfix()
	}
	if p.depth++; p.depth > maxDepth {
		return nil, &Error{Pos: t.pos, Reason: "expression is too deep"}
	}
	defer func() { p.depth-- }()
	p.take()
	inner, err := p.signed()
	if err != nil {
		return nil, err
	}
	return p.bound(&node{kind: nodeSign, pos: t.pos, text: t.text, args: []*node{inner}})
}

// postfix parses a term with its invocations and indexers.
func (p *parser) postfix() (*node, error) {
	n, err := p.term()
	for err == nil {
		t := p.peek()
		switch {
		case p.accept("."):
			n, err = p.invocation(n)
		case p.accept("["):
			var index *node
			if index, err = p.expression(0); err != nil {
				return nil, err
			}
			if err = p.expect("]"); err != nil {
				return nil, err
			}
			n, err = p.bound(&node{kind: nodeIndex, pos: t.pos, receiver: n, args: []*node{index}})
		default:
			return n, nil
		}
	}
	return nil, err
}

// identifier takes a name; keywords that the grammar allows as names are names.
func (p *parser) identifier() (token, error) {
	t := p.take()
	if t.kind == tokenQuoted && t.text != "" || t.kind == tokenName && !slices.Contains(reserved, t.text) {
		return t, nil
	}
	return t, p.unexpected(t)
}

// invocation parses what may follow a dot: a member, a function, $this, $index, $total.
func (p *parser) invocation(receiver *node) (*node, error) {
	if t := p.peek(); t.kind == tokenVariable {
		return nil, &Error{Pos: t.pos, Reason: "$" + t.text + " cannot follow a dot"}
	}
	t, err := p.identifier()
	if err != nil && (!p.words || receiver == nil || t.kind != tokenName) {
		return nil, err
	}
	n := &node{kind: nodeMember, pos: t.pos, text: t.text, receiver: receiver}
	if !p.accept("(") {
		return p.bound(n)
	}
	n.kind = nodeCall
	if p.accept(")") {
		return p.bound(n)
	}
	for {
		arg, err := p.expression(0)
		if err != nil {
			return nil, err
		}
		n.args = append(n.args, arg)
		if !p.accept(",") {
			break
		}
	}
	if err := p.expect(")"); err != nil {
		return nil, err
	}
	return p.bound(n)
}

func (p *parser) term() (*node, error) {
	t := p.peek()
	switch {
	case p.accept("("):
		n, err := p.expression(0)
		if err != nil {
			return nil, err
		}
		return n, p.expect(")")
	case p.accept("{"):
		return &node{kind: nodeLiteral, pos: t.pos, depth: 1}, p.expect("}")
	case t.kind == tokenVariable:
		return p.variable()
	case t.kind == tokenConstant:
		p.take()
		return &node{kind: nodeConstant, pos: t.pos, text: t.text, depth: 1}, nil
	case t.kind == tokenQuoted, t.kind == tokenName && !t.isWord("true") && !t.isWord("false"):
		return p.invocation(nil)
	}
	return p.literal()
}

func (p *parser) variable() (*node, error) {
	t := p.take()
	if t.text != "this" && t.text != "index" && t.text != "total" {
		return nil, &Error{Pos: t.pos, Reason: "unknown variable $" + t.text}
	}
	return &node{kind: nodeVariable, pos: t.pos, text: t.text, depth: 1}, nil
}

var temporalKinds = map[tokenKind]Kind{tokenDate: Date, tokenDateTime: DateTime, tokenTime: Time}

func (p *parser) literal() (*node, error) {
	t := p.take()
	var item Item
	switch t.kind {
	case tokenString:
		item = StringItem(t.text)
	case tokenNumber:
		return p.number(t)
	case tokenDate, tokenDateTime, tokenTime:
		v, ok := ParseTemporal(temporalKinds[t.kind], t.text)
		if !ok {
			return nil, &Error{Pos: t.pos, Reason: "not a date or time"}
		}
		item = Item{val: v}
	case tokenName:
		item = BooleanItem(t.text == "true")
	default:
		return nil, p.unexpected(t)
	}
	return &node{kind: nodeLiteral, pos: t.pos, value: []Item{item}, depth: 1}, nil
}

// number parses an integer, a decimal, or a quantity when a unit follows.
func (p *parser) number(t token) (*node, error) {
	item, ok := numberItem(t.text)
	if !ok {
		return nil, &Error{Pos: t.pos, Reason: "number is out of range"}
	}
	unit := p.peek()
	_, calendar := calendarUnits[unit.text]
	value, ok := ParseDecimal(t.text)
	if ok && (unit.kind == tokenString || unit.kind == tokenName && calendar) {
		p.take()
		item = Item{val: Measure{Value: value, Unit: unit.text, Calendar: unit.kind == tokenName}}
	}
	return &node{kind: nodeLiteral, pos: t.pos, value: []Item{item}, depth: 1}, nil
}

// typeName parses a qualified type name.
func (p *parser) typeName() ([]string, error) {
	t, err := p.identifier()
	if err != nil {
		return nil, err
	}
	names := []string{t.text}
	for p.peek().is(".") && len(names) < 2 && (names[0] == "FHIR" || names[0] == "System") {
		p.take()
		if t, err = p.identifier(); err != nil {
			return nil, err
		}
		names = append(names, t.text)
	}
	return names, nil
}
