package check

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
)

// bundle is what is looked at in a searchset.
type bundle struct {
	ResourceType, Type string
	Total              *int
	Link               []struct{ Relation, URL string }
	Entry              []struct {
		FullURL  string
		Resource json.RawMessage
		Search   struct{ Mode string }
	}
}

// matches counts the entries that are hits, not what came with them.
func (b bundle) matches() int {
	n := 0
	for _, e := range b.Entry {
		if e.Search.Mode == "match" {
			n++
		}
	}
	return n
}

func (b bundle) link(relation string) string {
	for _, l := range b.Link {
		if l.Relation == relation {
			return l.URL
		}
	}
	return ""
}

// find runs a search; ok is false when the answer is no searchset.
func (s *session) find(ctx context.Context, path string) (reply, bundle, bool) {
	var b bundle
	r, err := s.get(ctx, path)
	ok := err == nil && r.status == http.StatusOK && json.Unmarshal(r.body, &b) == nil && b.ResourceType == "Bundle" && b.Type == "searchset"
	return r, b, ok
}

// candidate is a value to try; hopeless says that no resource has it.
type candidate struct {
	value    string
	hopeless bool
}

// candidates are values by the type of a parameter.
func (s *session) candidates(name, kind string) []candidate {
	made := s.wire.missing()
	byName := map[string][]candidate{
		"_id":     {{made, true}},
		"_list":   {{made, true}},
		"_filter": {{"_id eq " + made, true}},
		"_has":    nil, // its name holds more than the name
		"_query":  nil,
		"_type":   {{"Patient", false}},
		"near":    {{"52.1|4.3|1|km", false}},
	}
	if c, ok := byName[name]; ok {
		return c
	}
	return map[string][]candidate{
		"token":     {{made, true}, {"true", false}},
		"reference": {{made, true}, {"Patient/" + made, true}, {s.base + "/fhir/Patient/" + made, true}},
		"date":      {{"1801-02-03", true}},
		"string":    {{made, true}},
		"uri":       {{"https://drieluik.example/" + made, true}},
		"number":    {{"987654321.125", true}},
		"quantity":  {{"987654321.125", true}, {"987654321.125||mg", true}},
		"composite": {
			{made + "$" + made, true}, {made + "$987654321.125", true}, {made + "$1801-02-03", true}, {"987654321.125$987654321.125", true},
			{"987654321.125$" + made, true}, {"1801-02-03$" + made, true}, {made + "$" + made + "$" + made, true},
		},
		"special": {{made, false}},
	}[kind]
}

// parameters asks every declared parameter of the sample, and some that are not declared.
func (s *session) parameters(ctx context.Context) {
	each(s.sample(), func(d declared) {
		if r, _, ok := s.find(ctx, "/"+d.Type+"?_count=1"); !ok {
			if r.status == http.StatusForbidden || !d.does("search-type") {
				return
			}
			s.ledger.fail(ruleServed, "GET /fhir/"+d.Type+"?_count=1", "answered %d or no searchset", r.status)
			return
		}
		for _, p := range d.SearchParam {
			s.parameter(ctx, d.Type, p.Name, p.Type)
		}
		s.unknownParameters(ctx, d)
		s.includes(ctx, d)
	})
}

// parameter judges one declared parameter: one of the values is taken, and one that no resource has
// finds none.
func (s *session) parameter(ctx context.Context, kind, name, paramType string) {
	all := s.candidates(name, paramType)
	if len(all) == 0 {
		return
	}
	status := 0
	for _, c := range all {
		path := "/" + kind + "?_count=1&" + url.QueryEscape(name) + "=" + url.QueryEscape(c.value)
		r, b, ok := s.find(ctx, path)
		if !ok {
			status = r.status
			continue
		}
		s.ledger.pass(ruleParameter)
		if c.hopeless {
			none := b.matches() == 0 && (b.Total == nil || *b.Total == 0)
			s.ledger.judge(ruleFilter, none, "GET /fhir/"+kind+"?"+name+"=…", "%s finds %d with a value that nothing has", name, b.matches())
		}
		return
	}
	s.ledger.fail(ruleParameter, "GET /fhir/"+kind+"?"+name+"=…", "%s (%s) is declared, and it answered %d", name, paramType, status)
}

// optional are parameters of R4 that a server may leave out and must then refuse.
var optional = []string{"_text", "_content", "_filter", "_query", "_list"}

func (s *session) unknownParameters(ctx context.Context, d declared) {
	bad := map[string]string{"drieluik-no-such": ruleUnknownParameter, "identifierr": ruleUnknownParameter, "_ID": ruleUnknownParameter}
	for _, name := range optional {
		if !d.takes(name) {
			bad[name] = ruleUnknownParameter
		}
	}
	for _, p := range d.SearchParam {
		if p.Type == "token" || p.Type == "string" || p.Type == "date" {
			bad[p.Name+":nonsense"] = ruleModifier
		}
	}
	for name, rule := range bad {
		r, err := s.get(ctx, "/"+d.Type+"?"+url.QueryEscape(name)+"="+s.wire.missing())
		if err == nil {
			s.ledger.judge(rule, r.status == http.StatusBadRequest, "GET /fhir/"+d.Type+"?"+name+"=…", "answered %d", r.status)
		}
	}
}

// includes asks the declared includes, and one of each kind that is not declared.
func (s *session) includes(ctx context.Context, d declared) {
	for name, values := range map[string][]string{"_include": d.SearchInclude, "_revinclude": d.SearchRevInclude} {
		for _, v := range values {
			path := "/" + d.Type + "?_count=1&" + name + "=" + url.QueryEscape(v)
			r, _, ok := s.find(ctx, path)
			s.ledger.judge(ruleInclude, ok || r.status == http.StatusForbidden, "GET /fhir"+path, "it is declared, and it answered %d", r.status)
		}
		path := "/" + d.Type + "?_count=1&" + name + "=" + d.Type + ":drieluik-no-such"
		if r, err := s.get(ctx, path); err == nil {
			s.ledger.judge(ruleInclude, r.status == http.StatusBadRequest, "GET /fhir"+path, "it is not declared, and it answered %d", r.status)
		}
		if len(values) > 0 {
			continue
		}
		if v := undeclaredInclude(d, name); v != "" {
			path := "/" + d.Type + "?_count=1&" + name + "=" + v
			if r, err := s.get(ctx, path); err == nil {
				s.ledger.judge(ruleInclude, r.status == http.StatusBadRequest, "GET /fhir"+path, "none is declared, and it answered %d", r.status)
			}
		}
	}
}

// undeclaredInclude names an include that a server could serve though it declares none.
func undeclaredInclude(d declared, name string) string {
	if name == "_revinclude" {
		return "Provenance:target"
	}
	for _, p := range d.SearchParam {
		if p.Type == "reference" && !strings.HasPrefix(p.Name, "_") {
			return d.Type + ":" + p.Name
		}
	}
	return ""
}
