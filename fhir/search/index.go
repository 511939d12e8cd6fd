package search

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/path"
	"github.com/drieluik/drieluik/fhir/r4"
)

// kinds are the R4 names of the kinds.
var kinds = map[string]Kind{
	"token": Token, "reference": Reference, "date": Date, "string": String, "number": Number,
	"quantity": Quantity, "uri": URI, "composite": Composite, "special": Special,
}

// parameter is a search parameter. Only one that is compiled reads resources: a query asks for no more than
// the rest.
type parameter struct {
	code        string
	definition  string
	kind        Kind
	targets     []string
	identifiers bool // token of type Identifier
	components  []component

	expression *path.Expression
	first      []string          // elements of which the expression needs one; none: that is not known
	systems    map[string]string // token of type code: its implied system, by code
}

// component is a part of a composite parameter. Its rows are named "code$1", "code$2" and so on.
type component struct {
	param      string
	kind       Kind
	expression *path.Expression
}

// typeParameters are the parameters of a resource type; each list is made once, when it is first needed.
type typeParameters struct {
	declared func() []parameter
	compiled func() ([]parameter, error)
}

var parameters = sync.OnceValue(func() map[fhir.Type]typeParameters {
	all := map[fhir.Type]typeParameters{}
	for _, name := range r4.Resources() {
		all[fhir.Type(name)] = typeParameters{
			declared: sync.OnceValue(func() []parameter { return declare(name) }),
			compiled: sync.OnceValues(func() ([]parameter, error) { return compile(name) }),
		}
	}
	return all
})

// parametersOf returns the parameters of a type that have an expression, not compiled.
func parametersOf(t fhir.Type) ([]parameter, error) {
	of, ok := parameters()[t]
	if !ok {
		return nil, unknownType()
	}
	return of.declared(), nil
}

// compiledOf returns the same, ready to read resources.
func compiledOf(t fhir.Type) ([]parameter, error) {
	of, ok := parameters()[t]
	if !ok {
		return nil, unknownType()
	}
	return of.compiled()
}

func unknownType() error {
	return fhir.Errorf(fhir.Internal, "search.parameters", "not-supported", "SEARCH-TYPE-UNKNOWN", "The resource type is unknown.")
}

// indexed returns the definitions of a type that have an expression; without one (_text, _content,
// _filter, _query) they are no index parameters.
func indexed(resource string) []r4.SearchParam {
	return slices.DeleteFunc(defined(resource), func(d r4.SearchParam) bool { return d.Expression == "" })
}

func declare(resource string) []parameter {
	definitions := indexed(resource)
	out := make([]parameter, len(definitions))
	for i, d := range definitions {
		out[i] = parameter{code: d.Code, definition: d.URL, kind: kinds[d.Type], targets: targetsOf(d)}
		out[i].identifiers = out[i].kind == Token && ofIdentifiers(d.Expression)
		for j, part := range d.Components {
			out[i].components = append(out[i].components, component{param: d.Code + "$" + strconv.Itoa(j+1), kind: kindOf(definitions, part.Definition)})
		}
	}
	return out
}

func compile(resource string) ([]parameter, error) {
	out := declare(resource)
	for i, d := range indexed(resource) {
		p := &out[i]
		var err error
		if p.expression, err = compileExpression(d.Expression); err != nil {
			return nil, fmt.Errorf("search: %s.%s: %w", resource, d.Code, err)
		}
		p.first = firstElements(d.Expression)
		if p.kind == Token {
			p.systems = impliedSystems(d.Expression)
		}
		for j, part := range d.Components {
			c := &p.components[j]
			if c.expression, err = compileExpression(part.Expression); err != nil {
				return nil, fmt.Errorf("search: %s.%s: %w", resource, c.param, err)
			}
		}
	}
	return out, nil
}

// targetsOf returns the types that a reference parameter can lead to: those that its expression
// tests for, where every alternative tests, else those that R4 lists.
func targetsOf(d r4.SearchParam) []string {
	var only []string
	for alternative := range strings.SplitSeq(d.Expression, " | ") {
		_, test, ok := strings.Cut(alternative, ".where(resolve() is ")
		if !ok {
			return d.Targets
		}
		name, _, _ := strings.Cut(test, ")")
		only = union(only, []string{name})
	}
	return only
}

func compileExpression(s string) (*path.Expression, error) {
	return path.CompileDialect(s, path.Dialect{Search: true})
}

// kindOf returns the kind of the parameter with a URL; 0 leaves it to the type of the value.
func kindOf(definitions []r4.SearchParam, url string) Kind {
	i := slices.IndexFunc(definitions, func(d r4.SearchParam) bool { return d.URL == url })
	if i < 0 {
		return 0
	}
	return kinds[definitions[i].Type]
}

// extraction gathers the rows of one resource.
type extraction struct {
	base    string
	rows    []Row
	param   string
	kind    Kind
	group   int32
	groups  int32
	start   int // first row of the parameter
	systems map[string]string
}

// Index returns the index rows of r for every search parameter of its type and of Resource, R4's and ours,
// but not _id and _lastUpdated, which the store keeps itself (see OwnRows). base is the FHIR base
// URL, under which absolute references are local.
//
// Parameters without an expression in R4 (_text, _content, _filter, _query) have no rows.
// A reference to a contained resource has none either.
func Index(r *fhir.Resource, base string) ([]Row, error) {
	params, err := compiledOf(r.Type())
	if err != nil {
		return nil, err
	}
	scratch := rowsPool.Get().(*[]Row)
	x := extraction{base: withoutSlash(base), rows: (*scratch)[:0]}
	defer func() {
		clear(x.rows)
		if *scratch = x.rows; cap(x.rows) <= maxPooled {
			rowsPool.Put(scratch)
		}
	}()
	root, members := path.Typed(r.Root()), membersOf(r)
	for i := range params {
		if p := &params[i]; !kept(p.code) && p.mayGive(members) {
			if err := x.parameter(p, root); err != nil {
				return nil, fmt.Errorf("search: %s.%s: %w", r.Type(), p.code, err)
			}
		}
	}
	return append(make([]Row, 0, len(x.rows)), x.rows...), nil // those of a large transaction wait for each other
}

// rowsPool lends room in which the rows of a resource are gathered.
var rowsPool = sync.Pool{New: func() any { rows := make([]Row, 0, 64); return &rows }}

// maxPooled bounds the room that goes back, of about 0.1 kB a row.
const maxPooled = 4096

// kept reports whether the store keeps the parameter itself.
func kept(code string) bool { return code == "_id" || code == "_lastUpdated" }

func (x *extraction) parameter(p *parameter, root path.Item) error {
	items, err := p.expression.EvalItem(path.World{}, root)
	if err != nil {
		return err
	}
	if p.kind == Composite {
		return x.composite(p, items)
	}
	x.param, x.kind, x.group, x.systems = p.code, p.kind, 0, p.systems
	x.start = len(x.rows)
	for _, it := range items {
		x.read(it)
	}
	return nil
}

// composite adds the rows of each item that has a value for every component.
func (x *extraction) composite(p *parameter, items []path.Item) error {
	x.systems = nil
	for _, it := range items {
		before := len(x.rows)
		x.group = x.groups + 1
		for _, c := range p.components {
			x.param, x.start = c.param, len(x.rows)
			values, err := c.expression.EvalItem(path.World{}, it)
			if err != nil {
				return err
			}
			for _, v := range values {
				if x.kind = c.kind; x.kind == 0 {
					x.kind = kindOfType(v.Type())
				}
				x.read(v)
			}
			if len(x.rows) == x.start {
				clear(x.rows[before:])
				x.rows = x.rows[:before]
				break
			}
		}
		if len(x.rows) > before {
			x.groups++
		}
	}
	return nil
}

// kindOfType is the kind by which a value is indexed when no definition says so.
func kindOfType(typ string) Kind {
	for _, k := range []Kind{Token, Number, Date, Reference, Quantity, String, URI} {
		if _, ok := readers[k][typ]; ok {
			return k
		}
	}
	return 0
}

// read adds the rows of one value. A type that the kind has no use for adds none: R4 lets a
// parameter reach choices of which only some have its kind.
func (x *extraction) read(it path.Item) {
	if it.Type() == "Extension" {
		v, ok := extensionValue(it)
		if !ok {
			return
		}
		it = v
	}
	if x.kind == Reference && it.Node().Member("resourceType").Exists() {
		x.add(Row{System: it.Type(), Value: it.Node().Member("id").Text()})
		return
	}
	if f, ok := readers[x.kind][it.Type()]; ok {
		f(x, it)
	}
}

// extensionValue returns the value[x] of an extension.
func extensionValue(it path.Item) (path.Item, bool) {
	for c := range it.Node().Children() {
		f, ok := r4.Member("Extension", c.Name())
		if ok && f.Element.Choice {
			return path.TypedAs(c, fhir.Node{}, f.Type), true
		}
	}
	return path.Item{}, false
}

// add appends a row of the current parameter, unless it is there already.
func (x *extraction) add(row Row) {
	row.Param, row.Kind, row.Group = x.param, x.kind, x.group
	if !slices.Contains(x.rows[min(x.start, len(x.rows)):], row) {
		x.rows = append(x.rows, row)
	}
}
