package patch

import (
	"slices"
	"strconv"
	"strings"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/path"
)

// change is one operation of a FHIRPath Patch.
type change struct {
	path                       *path.Expression
	name                       string
	value                      fhir.Node // the part
	index, source, destination int
	act                        func(change, *run, []path.Item) *rule
}

// changes are the types of operation and the parts that each needs besides its path.
var changes = map[string]struct {
	act   func(change, *run, []path.Item) *rule
	parts []string
}{
	"add":     {change.add, []string{"name", "value"}},
	"insert":  {change.insert, []string{"value", "index"}},
	"delete":  {change.delete, nil},
	"replace": {change.replace, []string{"value"}},
	"move":    {change.move, []string{"source", "destination"}},
}

// parts reads each part of an operation and says whether its form is right.
var parts = map[string]func(*change, fhir.Node) *rule{
	"type": (*change).readType,
	"path": (*change).readPath,
	"name": func(c *change, n fhir.Node) *rule {
		v := n.Member("valueString")
		c.name = v.Text()
		return formOf(v, fhir.String)
	},
	"value": func(c *change, n fhir.Node) *rule {
		c.value = n
		return contentForm(n)
	},
	"index":       func(c *change, n fhir.Node) *rule { return readCount(&c.index, n) },
	"source":      func(c *change, n fhir.Node) *rule { return readCount(&c.source, n) },
	"destination": func(c *change, n fhir.Node) *rule { return readCount(&c.destination, n) },
}

// readFHIRPath parses a FHIRPath Patch and compiles its paths.
func readFHIRPath(body []byte) (Patch, []fhir.Issue) {
	r, issues := fhir.Parse(body, fhir.Limits{Bytes: max(len(body), 1)})
	if fhir.HasErrors(issues) {
		return Patch{}, issues
	}
	if r.Type() != "Parameters" {
		return Patch{}, []fhir.Issue{ruleParams.at(string(r.Type()))}
	}
	list := r.Root().Member("parameter")
	if list.Exists() && list.Shape() != fhir.Array {
		return Patch{}, []fhir.Issue{ruleParams.at(list.Path())}
	}
	if list.Len() > MaxOperations {
		return Patch{}, []fhir.Issue{ruleCount.at(list.Path())}
	}
	p := Patch{reads: true, name: func(i int) string { return "Parameters.parameter[" + strconv.Itoa(i) + "]" }}
	for n := range list.Children() {
		c, faults := readChange(n)
		issues = append(issues, faults...)
		p.steps = append(p.steps, c)
	}
	return p, issues
}

// readChange reads one operation.
func readChange(n fhir.Node) (c change, issues []fhir.Issue) {
	if n.Member("name").Text() != "operation" || n.Member("part").Shape() != fhir.Array {
		return c, []fhir.Issue{ruleParams.at(n.Path())}
	}
	var kind string
	var found []string
	for part := range n.Member("part").Children() {
		name := part.Member("name").Text()
		read, ok := parts[name]
		if !ok || slices.Contains(found, name) {
			issues = append(issues, rulePart.at(part.Path()))
			continue
		}
		found = append(found, name)
		if name == "type" {
			kind = part.Member("valueCode").Text()
		}
		if fault := read(&c, part); fault != nil {
			issues = append(issues, fault.at(part.Path()))
		}
	}
	return c, append(issues, c.unsuitable(n, kind, found)...)
}

// unsuitable reports the parts that an operation of that type lacks, or does not take.
func (c change) unsuitable(n fhir.Node, kind string, found []string) (issues []fhir.Issue) {
	needs := append([]string{"type", "path"}, changes[kind].parts...)
	for _, name := range needs {
		if !slices.Contains(found, name) {
			issue := ruleLacks.at(n.Path())
			issue.Text += name + "."
			issues = append(issues, issue)
		}
	}
	for part := range n.Member("part").Children() {
		if name := part.Member("name").Text(); c.act != nil && parts[name] != nil && !slices.Contains(needs, name) {
			issues = append(issues, rulePart.at(part.Path()))
		}
	}
	return issues
}

func (c *change) readType(n fhir.Node) *rule {
	kind, ok := changes[n.Member("valueCode").Text()]
	if !ok {
		return &ruleType
	}
	c.act = kind.act
	return nil
}

func (c *change) readPath(n fhir.Node) *rule {
	v := n.Member("valueString")
	if v.Shape() != fhir.String {
		return &rulePart
	}
	var err error
	if c.path, err = path.CompileDialect(v.Text(), path.Dialect{Words: true}); err != nil {
		return &rulePath
	}
	return nil
}

func readCount(to *int, n fhir.Node) *rule {
	v := n.Member("valueInteger")
	i, err := strconv.Atoi(v.Text())
	if v.Shape() != fhir.Number || err != nil || i < 0 {
		return &rulePart
	}
	*to = i
	return nil
}

func formOf(n fhir.Node, s fhir.Shape) *rule {
	if n.Shape() != s {
		return &rulePart
	}
	return nil
}

// contentForm checks a part that carries a value, and the parts in it.
func contentForm(n fhir.Node) *rule {
	kinds := map[string]bool{}
	for m := range n.Children() {
		name := strings.TrimPrefix(m.Name(), "_")
		if name == "resource" || name == "part" || strings.HasPrefix(name, "value") {
			kinds[name] = true
		}
	}
	if len(kinds) != 1 || !n.Member("name").Exists() {
		return &ruleContent
	}
	for part := range n.Member("part").Children() {
		if fault := contentForm(part); fault != nil {
			return fault
		}
	}
	return nil
}

// apply finds the elements of the path and changes them.
func (c change) apply(r *run) *rule {
	now, fault := r.current()
	if fault != nil {
		return fault
	}
	items, err := c.path.Eval(path.World{Steps: r.steps}, now.Root())
	if err != nil {
		return &ruleEval
	}
	if fault := c.act(c, r, items); fault != nil {
		return fault
	}
	r.root.prune()
	r.now = nil
	return nil
}
