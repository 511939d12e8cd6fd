package search

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/r4"
)

// control reads the values of a parameter that steers the answer.
type control func(p *parsing, modifier string, values []string)

// controls are the parameters that are no conditions.
var controls = map[string]control{
	"_count": (*parsing).count, "_total": (*parsing).total, "_sort": (*parsing).sort,
	"_include":    func(p *parsing, modifier string, values []string) { p.include("_include", modifier, values) },
	"_revinclude": func(p *parsing, modifier string, values []string) { p.include("_revinclude", modifier, values) },
	"_summary":    (*parsing).summary, "_elements": (*parsing).elements,
	"_format": func(*parsing, string, []string) {}, "_pretty": func(*parsing, string, []string) {},
}

// single returns the only value of a parameter without modifier, and adds an issue when it is not so.
func (p *parsing) single(name, modifier string, values []string) (string, bool) {
	if modifier == "" && len(values) == 1 {
		return values[0], true
	}
	p.fault(name, "invalid", "SEARCH-CONTROL-FORM", "%s is given once and without a modifier.", name)
	return "", false
}

func (p *parsing) count(modifier string, values []string) {
	value, ok := p.single("_count", modifier, values)
	if !ok {
		return
	}
	n, err := strconv.Atoi(value)
	if err != nil || n < 0 {
		p.fault("_count", "invalid", "SEARCH-COUNT-FORMAT", "_count needs one whole number of at least 0.")
		return
	}
	if p.options.MaxCount > 0 {
		n = min(n, p.options.MaxCount)
	}
	p.plan.Count = n
}

// totals are the values of _total; an estimate is counted.
var totals = map[string]bool{"none": false, "estimate": true, "accurate": true}

func (p *parsing) total(modifier string, values []string) {
	value, ok := p.single("_total", modifier, values)
	if !ok {
		return
	}
	wanted, ok := totals[value]
	if !ok {
		p.fault("_total", "invalid", "SEARCH-TOTAL-FORMAT", "_total needs one of none, estimate, accurate.")
		return
	}
	p.plan.Total = p.plan.Total || wanted
}

func (p *parsing) sort(modifier string, values []string) {
	value, ok := p.single("_sort", modifier, values)
	if !ok {
		return
	}
	keys := strings.Split(value, ",")
	if len(keys) > maxSorts {
		p.fault("_sort", "too-costly", "SEARCH-SORT-MANY", "_sort takes at most %d keys.", maxSorts)
		return
	}
	for _, key := range keys {
		code, desc := strings.CutPrefix(key, "-")
		known, ok := lookup(p.params, code)
		if !ok || !ordered(known.kind) {
			p.fault("_sort", "not-supported", "SEARCH-SORT-UNKNOWN", "A key of _sort is none of %s. It can be sorted by: %s.",
				p.typ, strings.Join(p.sortable(), ", "))
			return
		}
		p.plan.Sort = append(p.plan.Sort, Sort{Param: known.code, Kind: known.kind, Desc: desc})
	}
}

// ordered reports whether values of a kind have an order.
func ordered(k Kind) bool { return k != Composite && k != Special }

// sortable lists the parameters that have an order.
func (p *parsing) sortable() []string {
	var out []string
	for i := range p.params {
		if ordered(p.params[i].kind) {
			out = append(out, p.params[i].code)
		}
	}
	return out
}

// include reads Source:param, Source:param:Target, Source:* and, of _include, *.
func (p *parsing) include(name, modifier string, values []string) {
	if modifier != "" && modifier != "iterate" {
		p.fault(name, "not-supported", "SEARCH-INCLUDE-MODIFIER", "%s has the modifier iterate alone.", name)
		return
	}
	for _, value := range values {
		if len(p.plan.Include) >= maxIncludes {
			p.fault(name, "too-costly", "SEARCH-INCLUDE-MANY", "A search takes at most %d _include and _revinclude together.", maxIncludes)
			return
		}
		inc := Include{Iterate: modifier == "iterate", Back: name == "_revinclude"}
		if value == "*" && !inc.Back && !apart[p.typ] {
			inc.Param = value
		} else if !p.includes(name, value, &inc) {
			continue
		}
		p.plan.Include = append(p.plan.Include, inc)
	}
}

// includes reads what _include and _revinclude name.
func (p *parsing) includes(name, value string, inc *Include) bool {
	parts := strings.Split(value, ":")
	source, ok := fhir.ParseType(parts[0])
	if !ok || len(parts) < 2 || len(parts) > 3 {
		p.fault(name, "invalid", "SEARCH-INCLUDE-FORMAT", "%s needs the form Type:reference-parameter or Type:reference-parameter:Target.", name)
		return false
	}
	if inc.Source = source; apart[source] || apart[p.typ] {
		p.apart(name, "AuditEvent")
		return false
	}
	params, err := parametersOf(source)
	if err != nil {
		return false
	}
	var targets []string
	if known, ok := lookup(params, parts[1]); ok && known.kind == Reference {
		inc.Param, targets = known.code, known.targets
	} else if parts[1] == "*" {
		inc.Param = "*"
	} else {
		p.fault(name, "not-supported", "SEARCH-INCLUDE-UNKNOWN", "%s has no such reference parameter. It has: %s.", source, orNone(references(params)))
		return false
	}
	if len(parts) == 3 {
		target, ok := fhir.ParseType(parts[2])
		if !ok || targets != nil && !slices.Contains(targets, parts[2]) {
			p.fault(name, "not-supported", "SEARCH-INCLUDE-TARGET", "%s %s does not refer to such a type; it refers to: %s.", source, inc.Param, orNone(targets))
			return false
		}
		inc.Target = target
	}
	return true
}

// references lists the reference parameters.
func references(params []parameter) []string {
	var out []string
	for i := range params {
		if params[i].kind == Reference {
			out = append(out, params[i].code)
		}
	}
	return out
}

// summaries are the values of _summary; count asks for the total alone.
var summaries = map[string]bool{"true": true, "text": true, "data": true, "count": true, "false": true}

func (p *parsing) summary(modifier string, values []string) {
	value, ok := p.single("_summary", modifier, values)
	switch {
	case !ok:
	case !summaries[value]:
		p.fault("_summary", "invalid", "SEARCH-SUMMARY-FORMAT", "_summary needs one of true, text, data, count, false.")
	case value != "false":
		p.plan.Select.Summary = value
	}
}

func (p *parsing) elements(modifier string, values []string) {
	var names []string
	for _, value := range values {
		names = append(names, strings.Split(value, ",")...)
	}
	if modifier != "" || len(names) > maxElements {
		p.fault("_elements", "invalid", "SEARCH-ELEMENTS-FORM", "_elements takes at most %d names and no modifier.", maxElements)
		return
	}
	s := r4.Lookup(string(p.typ))
	for _, name := range names {
		name = strings.TrimPrefix(name, string(p.typ)+".")
		if s == nil || !slices.ContainsFunc(s.Elements, func(e r4.Element) bool { return e.Name == name }) {
			p.fault("_elements", "invalid", "SEARCH-ELEMENTS-UNKNOWN", "_elements needs names of members of %s, such as id or meta.", p.typ)
			return
		}
		p.plan.Select.Elements = append(p.plan.Select.Elements, name)
	}
}

// together settles what several controls say of the answer.
func (p *parsing) together() {
	sel := &p.plan.Select
	if sel.Summary != "" && sel.Elements != nil {
		p.fault("_elements", "invalid", "SEARCH-SUMMARY-ELEMENTS", "Ask for _summary or for _elements, not for both.")
	}
	if sel.Summary == "text" && p.plan.Include != nil {
		p.fault("_include", "invalid", "SEARCH-SUMMARY-INCLUDE", "_summary=text cannot be combined with _include or _revinclude.")
	}
	if sel.Summary == "count" {
		sel.Summary, p.plan.Count = "", 0
	}
	p.plan.Total = p.plan.Total || p.plan.Count == 0
}

// ParseSelection reads _summary and _elements of a query that is no search, such as that of a read.
func ParseSelection(t fhir.Type, query url.Values) (fhir.Selection, []fhir.Issue) {
	plan := Plan{Type: t, Count: 1}
	p := parsing{options: &Options{}, typ: t, plan: &plan, used: &budget{}}
	for _, name := range []string{"_summary", "_elements"} {
		if values := query[name]; len(values) > 0 {
			controls[name](&p, "", values)
		}
	}
	if plan.Select.Summary == "count" {
		p.fault("_summary", "invalid", "SEARCH-SUMMARY-FORMAT", "_summary=count belongs to a search.")
	}
	p.together()
	return plan.Select, p.issues
}
