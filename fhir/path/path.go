// Package path compiles FHIRPath for R4 into closures and runs them on the resource tree. It owns
// the grammar, the type rules and the functions of the language, and refuses storage: what an
// expression may ask of the outside comes in as a World.
package path

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/r4"
)

// World is what an expression may ask of the outside. A nil member answers as documented.
type World struct {
	// Resolve returns the resource behind a reference: its text ("Patient/1", an absolute URL,
	// a canonical), and Reference.type when it is given. References to contained resources never
	// come here. Nil: resolve() answers a stub of the type that the reference names, see Stub.
	Resolve func(reference, declared string) (Item, bool)
	// MemberOf reports whether a code, Coding or CodeableConcept is in the value set; known is
	// false when that cannot be said. Nil: never known.
	MemberOf func(item Item, valueSet string) (member, known bool)
	// Subsumes reports whether the concept a is b or a broader one; known is false when that cannot
	// be said. Nil: never known.
	Subsumes func(a, b Item) (subsumes, known bool)
	// ConformsTo reports whether a resource or element conforms to the profile; known is false for
	// a profile that is not loaded. Nil: the base definitions of R4 alone are known.
	ConformsTo func(item Item, profile string) (conforms, known bool)
	// Trace receives what trace() names. Nil: dropped.
	Trace func(name string, items []Item)
	// Now is the instant of evaluation. Zero: time.Now at the start of Eval.
	Now time.Time
	// Constants are further external constants (%name); compile them with Dialect.Constants.
	Constants map[string][]Item
	// Steps bounds the items that one evaluation may visit. Zero, or more than 1,048,576: that many.
	Steps int
	// Budget, when not nil, is what several evaluations may visit together: each takes from it. An
	// expression that is nothing but a path takes nothing.
	Budget *int
}

// Dialect changes how an expression is compiled. The zero Dialect is FHIRPath as published.
type Dialect struct {
	// Search reads the expression as the R4 search parameters were written: "as" filters a
	// collection of any size, and a system type name stands for the FHIR type of that name.
	Search bool
	// Words lets a word of an operator be a name behind a dot ("Patient.text.div"), as paths of
	// FHIRPath Patch are written. FHIRPath itself wants it delimited: text.`div`.
	Words bool
	// Constants names the external constants that World.Constants will hold.
	Constants []string
}

// Error says where an expression is wrong, and why. It never holds data, only the expression's own
// names and symbols.
type Error struct {
	Pos    int // offset in the expression, in bytes
	Reason string
}

// Error implements error.
func (e *Error) Error() string { return fmt.Sprintf("fhirpath: at %d: %s", e.Pos, e.Reason) }

// Expression is a compiled expression. It is safe for concurrent use.
type Expression struct {
	text  string
	eval  evalFunc
	names []string // set when the expression is nothing but a path
}

// Compile parses and compiles an expression. A function that is not implemented is refused here, by
// its name. The error is an *Error.
func Compile(expr string) (*Expression, error) { return CompileDialect(expr, Dialect{}) }

// CompileDialect is Compile for a dialect.
func CompileDialect(expr string, d Dialect) (*Expression, error) {
	if len(expr) > maxLength {
		return nil, &Error{Reason: "expression is too long"}
	}
	if !utf8.ValidString(expr) {
		return nil, &Error{Reason: "expression is not UTF-8"}
	}
	root, err := parse(expr, d.Words)
	if err != nil {
		return nil, err
	}
	c := compiler{dialect: d}
	eval, err := c.expr(root)
	if err != nil {
		return nil, err
	}
	e := &Expression{text: expr, eval: eval}
	if names, start := chain(root); start == nil {
		e.names = names
	}
	return e, nil
}

// String returns the text of the expression.
func (e *Expression) String() string { return e.text }

// Eval runs the expression on a node. The node's FHIR type follows from its place in its resource.
// The error is an *Error.
func (e *Expression) Eval(w World, focus fhir.Node) ([]Item, error) {
	return e.EvalItem(w, Typed(focus))
}

// EvalItem is Eval for an item, such as one of an earlier result or one of a known type.
func (e *Expression) EvalItem(w World, focus Item) ([]Item, error) {
	switch {
	case len(e.names) > 1 && isRoot(focus, e.names[0]): // the usual search parameter, without an allocation
		return deeper(members(nil, focus, e.names[1]), e.names[2:]), nil
	case e.names != nil && focus.Exists():
		return rooted([]Item{focus}, e.names), nil
	}
	return e.evalIn(w, focus)
}

// Append is EvalItem that appends to dst. For an expression that is nothing but a path it allocates
// nothing while dst has room for the items and those on the way to them.
func (e *Expression) Append(dst []Item, w World, focus Item) ([]Item, error) {
	if len(e.names) > 0 && focus.Exists() {
		names, base := e.names, len(dst)
		if isRoot(focus, names[0]) {
			names = names[1:]
		} else if first := names[0][0]; first >= 'A' && first <= 'Z' && r4.Lookup(names[0]) != nil {
			return dst, nil // a path from another type
		}
		dst, start := appendLevels(append(dst, focus), base, names)
		return append(dst[:base], dst[start:]...), nil
	}
	items, err := e.EvalItem(w, focus)
	return append(dst, items...), err
}

// evaluation is what one evaluation needs, in one piece.
type evaluation struct {
	world World
	run   run
	scope scope
	this  [1]Item
}

func (e *Expression) evalIn(w World, focus Item) ([]Item, error) {
	x := &evaluation{world: w, this: [1]Item{focus}}
	if w.Now.IsZero() {
		x.world.Now = time.Now()
	}
	x.run = run{world: &x.world, focus: focus, steps: maxSteps}
	if w.Steps > 0 {
		x.run.steps = min(w.Steps, maxSteps)
	}
	if w.Budget != nil {
		x.run.steps = min(x.run.steps, *w.Budget)
	}
	given := x.run.steps
	x.scope.run = &x.run
	if focus.Exists() {
		x.scope.this = x.this[:]
	}
	found, err := e.eval(&x.scope)
	if w.Budget != nil {
		*w.Budget -= given - max(x.run.steps, 0)
	}
	return found, err
}

// Test evaluates an expression to one truth: true or false, and known false for an empty result.
// A result that is a single value which is no boolean counts as true.
func (e *Expression) Test(w World, focus Item) (truth, known bool, err error) {
	var room [8]Item
	items, err := e.Append(room[:0], w, focus)
	if err != nil {
		return false, false, err
	}
	return truthOf(items, 0)
}

// run is one evaluation.
type run struct {
	world *World
	focus Item
	steps int // items that may still be visited, so that no expression runs away
}

// scope is one context of evaluation: $this, $index and $total.
type scope struct {
	*run
	this  []Item
	index int
	total []Item
}

// evalFunc is a compiled expression. It must not append to, or write into, what another returned.
type evalFunc func(s *scope) ([]Item, error)

const (
	maxLength = 1 << 15
	maxDepth  = 200
	maxSteps  = 1 << 20
)

// spend counts n visited items and fails when an evaluation has visited too many.
func (r *run) spend(pos, n int) error {
	if r.steps -= n; r.steps < 0 {
		return &Error{Pos: pos, Reason: "evaluation takes too many steps"}
	}
	return nil
}

// compare counts the comparison of all items of a with all of b, by the size of their texts.
func (r *run) compare(pos int, a, b []Item) error {
	weight, other := len(a), 0
	for _, it := range a {
		weight += (len(it.node.Raw()) + it.built()) / 128
	}
	for _, it := range b {
		other += (len(it.node.Raw()) + it.built()) / 128
	}
	return r.spend(pos, weight*len(b)+weight+other*len(a))
}

// built is the size of a text that no document holds.
func (i Item) built() int {
	text, _ := i.val.(string)
	return len(text)
}

// reading is what it costs to read the texts among the items: that of a document is unquoted each time.
func reading(in []Item) int {
	n := 0
	for _, it := range in {
		if it.node.Shape() == fhir.String {
			n += len(it.node.Raw()) / 32
		}
		n += it.built() / 1024
	}
	return n
}

// Stub returns an item of a resource type without content. It is what resolve() answers when there
// is no store: enough for "resolve() is Patient".
func Stub(t fhir.Type) Item { return Item{typ: string(t)} }

// StubOf returns the stub of the resource type that a reference names: in its text ("Patient/1",
// "https://example.org/fhir/Patient/1/_history/2"), else as declared in Reference.type.
func StubOf(reference, declared string) (Item, bool) {
	if t, ok := typeInReference(reference); ok {
		return Stub(t), true
	}
	if t, ok := fhir.ParseType(declared); ok && r4.Lookup(declared) != nil {
		return Stub(t), true
	}
	return Item{}, false
}

// typeInReference finds the resource type before the last path segment of a reference.
func typeInReference(s string) (fhir.Type, bool) {
	s, _, _ = strings.Cut(s, "|")
	s, _, _ = strings.Cut(s, "#")
	s, _, _ = strings.Cut(s, "/_history/")
	i := strings.LastIndexByte(s, '/')
	if i < 0 {
		return "", false
	}
	name := s[:i]
	name = name[strings.LastIndexByte(name, '/')+1:]
	if r4.Lookup(name) == nil {
		return "", false
	}
	return fhir.ParseType(name)
}
