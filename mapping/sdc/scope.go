package sdc

import (
	"maps"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/path"
)

// scope holds what expressions may name as %name, where they stand.
type scope map[string][]path.Item

// with returns the scope with one name more.
func (s scope) with(name string, items []path.Item) scope {
	if name == "" {
		return s
	}
	out := maps.Clone(s)
	out[name] = items
	return out
}

// variables adds the variables of n, each of which may use those before it.
func (p *populating) variables(n fhir.Node, names scope) (scope, error) {
	for e := range n.All("extension") {
		if e.Member("url").Text() != variable {
			continue
		}
		expression := e.Member("valueExpression")
		name := expression.Member("name").Text()
		found, known, err := p.evaluate(expression, names)
		if err != nil {
			return nil, err
		}
		if !known {
			err = p.lack(name)
		} else {
			names, err = p.with(names, name, found)
		}
		if err != nil {
			return nil, err
		}
	}
	return names, nil
}

// with is scope.with, bounded.
func (p *populating) with(names scope, name string, found []path.Item) (scope, error) {
	if len(names) >= maxNames {
		return nil, tooLarge("variables", maxNames)
	}
	return names.with(name, found), p.spend(len(names))
}

// lack notes a name of which nothing is known.
func (p *populating) lack(name string) error {
	if p.absent[name] = true; len(p.absent) > maxNames {
		return tooLarge("variables", maxNames)
	}
	return nil
}

// lacks tells of the first name in an expression that nothing is known of, and reports whether there
// is one: what is not visible must not be taken for what is not so.
func (p *populating) lacks(at fhir.Node, expression string, names scope) bool {
	for name := range p.absent {
		_, given := names[name]
		for _, after := range strings.Split(expression, "%"+name)[1:] {
			if given || name == "" || after != "" && (after[0] == '_' || unicode.IsLetter(rune(after[0])) || unicode.IsDigit(rune(after[0]))) {
				continue
			}
			p.issue(at, fhir.SeverityInformation, "not-found", "SDC-ABSENT",
				"This needs data that was not given or is not visible to you; name it as context, or fill in the answer by hand.")
			return true
		}
	}
	return false
}

// Languages of expressions.
const (
	languagePath  = "text/fhirpath"
	languageQuery = "application/x-fhir-query"
)

// evaluate runs an Expression. It is not known what one yields that is wrong, an issue, or that asks for
// what the caller may not see.
func (p *populating) evaluate(e fhir.Node, names scope) (found []path.Item, known bool, err error) {
	switch e.Member("language").Text() {
	case languagePath:
		return p.path(e, e.Member("expression").Text(), names)
	case languageQuery:
		return p.query(e, names)
	}
	p.issue(e, fhir.SeverityWarning, "not-supported", "SDC-LANGUAGE",
		"Expressions in this language are not run; write it as text/fhirpath or application/x-fhir-query.")
	return nil, false, nil
}

// path runs a FHIRPath expression.
func (p *populating) path(at fhir.Node, expression string, names scope) ([]path.Item, bool, error) {
	if err := p.spend(16 + len(names) + len(expression)/8 + len(p.absent)*(1+len(expression)/64)); err != nil {
		return nil, false, err
	}
	if p.lacks(at, expression, names) {
		return nil, false, nil
	}
	compiled, err := path.CompileDialect(expression, path.Dialect{Constants: slices.Collect(maps.Keys(names))})
	if err != nil {
		p.issue(at, fhir.SeverityWarning, "invalid", "SDC-EXPRESSION", "The expression is no FHIRPath that runs here; correct the form.")
		return nil, false, nil
	}
	w := p.in.World
	w.Constants = names
	found, err := compiled.EvalItem(w, path.Item{})
	if err != nil {
		p.issue(at, fhir.SeverityWarning, "processing", "SDC-EXPRESSION", "The expression could not be carried out on this data; fill in the answer by hand.")
		return nil, false, nil
	}
	return found, true, p.spend(0) // of an answer of the terminology that was not had nothing may be concluded
}

// query runs a FHIR query. Where an expression in it finds nothing, there is nothing to ask.
func (p *populating) query(e fhir.Node, names scope) (found []path.Item, known bool, err error) {
	var b strings.Builder
	rest := e.Member("expression").Text()
	for {
		before, after, more := strings.Cut(rest, "{{")
		b.WriteString(before)
		if !more {
			break
		}
		expression, after, closed := strings.Cut(after, "}}")
		if !closed {
			p.issue(e, fhir.SeverityWarning, "invalid", "SDC-QUERY", "The query has {{ without }}; correct the form.")
			return nil, false, nil
		}
		values, known, err := p.path(e, expression, names)
		if err != nil || !known || len(values) == 0 {
			return nil, known, err
		}
		if !writeValues(&b, values) {
			return nil, false, tooLarge("bytes of one query", maxQuery)
		}
		rest = after
	}
	r, err := p.search(b.String())
	if err != nil || r == nil {
		return nil, false, err
	}
	return []path.Item{path.Typed(r.Root())}, true, nil
}

// search runs one query, nil for one that may not be run.
func (p *populating) search(query string) (*fhir.Resource, error) {
	if len(query) > maxQuery {
		return nil, tooLarge("bytes of one query", maxQuery)
	}
	if p.queries++; p.queries > maxQueries {
		return nil, tooLarge("queries", maxQueries)
	}
	r, err := p.in.Search(p.ctx, query)
	if err != nil || r == nil {
		return nil, err
	}
	if p.found += len(r.Bytes()); p.found > maxFound {
		return nil, tooLarge("bytes of data", maxFound)
	}
	return r, nil
}

// writeValues puts values into a query, as far as one may grow.
func writeValues(b *strings.Builder, values []path.Item) bool {
	for i, v := range values {
		if i > 0 {
			b.WriteByte(',')
		}
		text := v.Text()
		if b.Len()+len(text) > maxQuery {
			return false
		}
		b.WriteString(url.QueryEscape(text))
	}
	return true
}
