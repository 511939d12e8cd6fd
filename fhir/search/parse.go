package search

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/drieluik/drieluik/fhir"
)

// maxValues bounds the alternatives of one search.
const maxValues = 1000

// parsing is the state of one Parse.
type parsing struct {
	options Options
	params  []parameter
	plan    Plan
	issues  []fhir.Issue
	values  int
}

// control reads the values of a parameter that steers the answer.
type control func(p *parsing, name string, values []string)

// controls are the parameters that are no conditions.
var controls = map[string]control{
	"_count":  (*parsing).count,
	"_total":  (*parsing).total,
	"_format": func(*parsing, string, []string) {},
}

// Parse reads a query string into a Plan. Every fault is one issue: an unknown parameter names the
// known ones. Issues are errors; the Plan is usable only without them. The paging cursor is no
// parameter of a search: the caller takes it out before.
func Parse(t fhir.Type, query url.Values, o Options) (Plan, []fhir.Issue) {
	p := parsing{options: o, plan: Plan{Type: t, Count: o.Count}}
	p.options.Base = withoutSlash(o.Base)
	if p.options.Now.IsZero() {
		p.options.Now = time.Now()
	}
	var err error
	if p.params, err = parametersOf(t); err != nil {
		return Plan{}, []fhir.Issue{issue("", "not-supported", "SEARCH-TYPE-UNKNOWN", "This resource type cannot be searched.")}
	}
	for _, name := range slices.Sorted(maps.Keys(query)) {
		values := query[name]
		if read, ok := controls[name]; ok {
			read(&p, name, values)
			continue
		}
		for _, value := range values {
			p.condition(name, value)
		}
	}
	if p.values > maxValues {
		p.fault("", "too-costly", "SEARCH-TOO-MANY", "The search has more than %d values. Split it into several.", maxValues)
	}
	if p.issues != nil {
		return Plan{}, p.issues
	}
	return p.plan, nil
}

func issue(name, code, rule, text string) fhir.Issue {
	i := fhir.Issue{Severity: fhir.SeverityError, Code: code, Diagnostics: rule, Text: text}
	if name != "" && name != unreadable {
		i.Expression = "http." + name
	}
	return i
}

// fault adds an issue about a parameter. name must be safe to show.
func (p *parsing) fault(name, code, rule, format string, args ...any) {
	p.issues = append(p.issues, issue(name, code, rule, fmt.Sprintf(format, args...)))
}

// unreadable stands for a name that cannot be shown.
const unreadable = "(unreadable)"

// shown returns a name from the query as it may be echoed: a plain name, or a placeholder.
func shown(name string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_-:.", r)
	}
	if name == "" || len(name) > 64 || strings.ContainsFunc(name, func(r rune) bool { return !plain(r) }) {
		return unreadable
	}
	return name
}

func (p *parsing) count(name string, values []string) {
	n, err := strconv.Atoi(values[0])
	if err != nil || n < 0 || len(values) > 1 {
		p.fault(name, "invalid", "SEARCH-COUNT-FORMAT", "_count needs one whole number of at least 0.")
		return
	}
	if p.options.MaxCount > 0 {
		n = min(n, p.options.MaxCount)
	}
	p.plan.Count = n
	p.plan.Total = p.plan.Total || n == 0
}

// totals are the values of _total; an estimate is counted.
var totals = map[string]bool{"none": false, "estimate": true, "accurate": true}

func (p *parsing) total(name string, values []string) {
	wanted, ok := totals[values[0]]
	if !ok || len(values) > 1 {
		p.fault(name, "invalid", "SEARCH-TOTAL-FORMAT", "_total needs one of none, estimate, accurate.")
		return
	}
	p.plan.Total = p.plan.Total || wanted
}

// results are the parameters of R4 that shape a result, and are not supported.
var results = map[string]bool{
	"_sort": true, "_include": true, "_revinclude": true, "_summary": true, "_elements": true,
	"_contained": true, "_containedType": true, "_has": true, "_filter": true, "_text": true,
	"_content": true, "_list": true, "_query": true, "_type": true, "_score": true, "_pretty": true,
}

// condition adds one clause, or one issue for each fault in it.
func (p *parsing) condition(name, value string) {
	code, modifier, _ := strings.Cut(name, ":")
	known, ok := lookup(p.params, code)
	switch {
	case results[code]:
		p.fault(code, "not-supported", "SEARCH-RESULT-UNSUPPORTED", "%s is not supported.", code)
		return
	case !ok && p.chain(code), ok && strings.Contains(modifier, "."):
		p.fault(shown(name), "not-supported", "SEARCH-CHAIN-UNSUPPORTED", "%s is a chain. Chained parameters are not supported.", shown(name))
		return
	case !ok:
		p.fault(shown(code), "not-supported", "SEARCH-PARAM-UNKNOWN", "The parameter %s is unknown. Known for %s: %s.",
			shown(code), p.plan.Type, strings.Join(p.names(), ", "))
		return
	}
	if c, ok := p.clause(known, modifier, value); ok {
		p.plan.Where = append(p.plan.Where, c)
	}
}

// chain reports whether a name without modifier is a chain over a parameter of the type.
func (p *parsing) chain(code string) bool {
	head, _, dotted := strings.Cut(code, ".")
	if !dotted {
		return false
	}
	known, ok := lookup(p.params, head)
	return ok && known.kind == Reference
}

// names lists what the type can be searched by.
func (p *parsing) names() []string {
	names := slices.Sorted(maps.Keys(controls))
	for i := range p.params {
		if accepted(&p.params[i]) {
			names = append(names, p.params[i].code)
		}
	}
	return names
}

// clause parses the alternatives of one parameter.
func (p *parsing) clause(known *parameter, modifier, value string) (Clause, bool) {
	c := Clause{Param: known.code, Kind: known.kind, Modifier: modifier}
	if modifier != "" && !allows(known, modifier) {
		p.fault(known.code, "not-supported", "SEARCH-MODIFIER-UNKNOWN", "%s does not have the modifier %s. It has: %s.",
			known.code, shown(modifier), modifierList(known))
		return Clause{}, false
	}
	parse := parsers[known.kind]
	switch modifier {
	case "missing":
		parse = missing
	case "identifier":
		parse = token
	}
	ok := true
	for _, alternative := range split(value, ',') {
		v, fault := parse(query{text: alternative, parameter: known, modifier: modifier, options: &p.options})
		if p.values++; fault != "" {
			ok = false
			p.fault(known.code, "invalid", "SEARCH-VALUE-FORMAT", "%s %s", known.code, fault)
			break
		}
		c.Values = append(c.Values, v)
	}
	if modifier == "missing" && len(c.Values) > 1 {
		p.fault(known.code, "invalid", "SEARCH-VALUE-FORMAT", "%s:missing needs one of true, false.", known.code)
		return Clause{}, false
	}
	return c, ok
}

func allows(known *parameter, modifier string) bool {
	if modifier == "type" {
		return false
	}
	list := modifiersOf(known)
	if slices.Contains(list, modifier) {
		return true
	}
	return slices.Contains(list, "type") && slices.Contains(known.targets, modifier)
}

func modifierList(known *parameter) string {
	var list []string
	for _, m := range modifiersOf(known) {
		if m == "type" {
			m = "the name of a type that it refers to"
		}
		list = append(list, m)
	}
	if list == nil {
		return "none"
	}
	return strings.Join(list, ", ")
}

// split cuts a text at a separator that no backslash escapes. The parts keep their escapes.
func split(s string, separator byte) []string {
	var parts []string
	start := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case separator:
			parts = append(parts, s[start:i])
			start = i + 1
		}
	}
	return append(parts, s[start:])
}

// unescaper undoes the escapes of a query value.
var unescaper = strings.NewReplacer(`\,`, ",", `\|`, "|", `\$`, "$", `\\`, `\`)

func unescape(s string) string { return unescaper.Replace(s) }
