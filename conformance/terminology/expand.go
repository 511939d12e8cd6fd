package terminology

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/r4"
	"github.com/drieluik/drieluik/fhir/search"
)

const (
	maxContains = 5_000   // codes of one answer
	maxVisited  = 200_000 // codes looked at for one answer
)

// entry is one code of an expansion.
type entry struct {
	system, version, code string
	wording               wording
}

// expansionError refuses an expansion.
func expansionError(code, rule, text string) error {
	return fhir.Errorf(fhir.Unprocessable, "terminology.expand", code, rule, "%s", text)
}

func tooCostly() error {
	return expansionError("too-costly", "TERM-TOO-COSTLY", fmt.Sprintf(
		"The expansion has more than %d codes; ask for pages with count and offset, or narrow it with filter.", maxContains))
}

// expand is ValueSet/$expand.
func (t *Terms) expand(r Request, f *form) (any, error) {
	set := t.setOf(r, f)
	if err := f.err("terminology.expand"); err != nil {
		return nil, err
	}
	if !t.hasSet(set) {
		return nil, notFound("TERM-VALUESET-UNKNOWN", noSet)
	}
	x := expander{evaluation: evaluation{terms: t, budget: maxVisited}}
	all, err := x.entries(set, 0)
	if err != nil {
		return nil, err
	}
	words := strings.Fields(search.Normalize(f.text("filter")))
	all = slices.DeleteFunc(all, func(e entry) bool {
		return f.flag("activeOnly") && isInactive(e.wording.known) || !e.wording.contains(e.code, words)
	})
	total := len(all)
	from := min(f.count("offset", 0), total)
	page := all[from:min(total, from+f.count("count", total))]
	if len(page) > maxContains {
		return nil, tooCostly()
	}
	return t.expansion(set, r, f, page, total), nil
}

// expander lists the codes of sets, each once.
type expander struct{ evaluation }

// entries lists a set: what its includes give, without what an exclude holds.
func (x *expander) entries(canonical string, depth int) ([]entry, error) {
	s, ok := x.terms.sets.get(canonical)
	if !ok || depth >= maxNesting {
		return x.tabled(canonical)
	}
	rules := s.rules()
	out := list{seen: map[string]bool{}}
	var failed error
	for i := range rules.include {
		found, err := x.included(&rules.include[i], depth)
		if err != nil {
			failed = err
			break
		}
		for _, e := range found {
			if rules.active && isInactive(e.wording.known) || out.seen[e.system+"|"+e.code] {
				continue
			}
			switch x.any(rules.exclude, false, e.system, e.code, depth) {
			case no:
				out.add(e)
			case unknown:
				return nil, expansionError("not-supported", "TERM-UNDECIDED", cannotExpand)
			}
		}
	}
	if failed == nil && len(rules.include) > 0 {
		return out.entries, nil
	}
	if rules.listed != nil {
		return x.given(rules.listed), nil
	}
	if tabled, err := x.tabled(canonical); err == nil {
		return tabled, nil
	}
	return nil, failed
}

// list gathers entries, each code of a system once.
type list struct {
	entries []entry
	seen    map[string]bool
}

func (l *list) add(e entry) {
	l.seen[e.system+"|"+e.code] = true
	l.entries = append(l.entries, e)
}

// cannotExpand is why a set cannot be listed.
const cannotExpand = "The value set depends on a code system or value set that is not loaded, or cannot be read here; load the package that holds it."

// included lists an include.
func (x *expander) included(c *clause, depth int) ([]entry, error) {
	var found []entry
	sets := c.sets
	switch {
	case c.system != "":
		var ok bool
		if found, ok = c.entries(); !ok {
			return nil, expansionError("not-supported", "TERM-UNDECIDED", cannotExpand)
		}
	case len(sets) > 0:
		var err error
		if found, err = x.entries(sets[0], depth+1); err != nil {
			return nil, err
		}
		sets = sets[1:]
	}
	if x.budget -= len(found); x.budget < 0 {
		return nil, tooCostly()
	}
	for _, set := range sets {
		kept := found[:0:0]
		for _, e := range found {
			switch x.in(set, e.system, e.code, depth+1) {
			case yes:
				kept = append(kept, e)
			case unknown:
				return nil, expansionError("not-supported", "TERM-UNDECIDED", cannotExpand)
			}
		}
		found = kept
	}
	return found, nil
}

// entries lists what a clause says of its system; false when that is not known here.
func (c *clause) entries() (out []entry, ok bool) {
	if c.codes != nil {
		for n := range c.node.All("concept") {
			e := entry{system: c.system, version: c.node.Member("version").Text(), code: n.Member("code").Text()}
			if c.loaded != nil {
				e.wording = c.loaded.wording(e.code)
			}
			e.wording.inSet = n
			out = append(out, e)
		}
		return out, true
	}
	if c.loaded == nil || c.undecided || !c.loaded.complete {
		return nil, false
	}
	for i, concept := range c.loaded.concepts().list {
		if c.pass == nil || c.pass[i] {
			out = append(out, entry{
				system: c.system, version: c.loaded.version, code: concept.node.Member("code").Text(),
				wording: wording{language: c.loaded.language, known: concept.node},
			})
		}
	}
	return out, true
}

// given lists an expansion that came with the set.
func (x *expander) given(c *clause) []entry {
	out := list{seen: map[string]bool{}}
	var walk func(n fhir.Node)
	walk = func(n fhir.Node) {
		for child := range n.All("contains") {
			e := entry{system: child.Member("system").Text(), version: child.Member("version").Text(), code: child.Member("code").Text()}
			if e.code != "" && !out.seen[e.system+"|"+e.code] {
				e.wording.inSet = child
				out.add(e)
			}
			walk(child)
		}
	}
	walk(c.node)
	return out.entries
}

// tabled lists a set of the tables of R4, which hold no texts.
func (x *expander) tabled(canonical string) ([]entry, error) {
	codes, ok := r4.Codes(withoutVersion(canonical))
	if !ok {
		return nil, expansionError("not-supported", "TERM-UNDECIDED", cannotExpand)
	}
	var out []entry
	for _, text := range slices.Sorted(maps.Keys(codes)) {
		i := strings.LastIndexByte(text, '|')
		if i < 0 {
			continue
		}
		e := entry{system: text[:i], code: text[i+1:]}
		if s, ok := x.terms.systems.get(e.system); ok {
			e.wording = s.wording(e.code)
		}
		out = append(out, e)
	}
	return out, nil
}

func withoutVersion(canonical string) string {
	url, _, _ := strings.Cut(canonical, "|")
	return url
}

// expanded is a ValueSet with its expansion.
type expanded struct {
	ResourceType string    `json:"resourceType"`
	URL          string    `json:"url"`
	Version      string    `json:"version,omitempty"`
	Name         string    `json:"name,omitempty"`
	Title        string    `json:"title,omitempty"`
	Status       string    `json:"status"`
	Expansion    expansion `json:"expansion"`
}

type expansion struct {
	Timestamp string         `json:"timestamp"`
	Total     int            `json:"total"`
	Offset    int            `json:"offset"`
	Parameter []expandedWith `json:"parameter,omitempty"`
	Contains  []contains     `json:"contains,omitempty"`
}

type expandedWith struct {
	Name         string `json:"name"`
	ValueString  string `json:"valueString,omitempty"`
	ValueBoolean bool   `json:"valueBoolean,omitempty"`
	ValueInteger *int   `json:"valueInteger,omitempty"`
}

type contains struct {
	System      string        `json:"system,omitempty"`
	Abstract    bool          `json:"abstract,omitempty"`
	Inactive    bool          `json:"inactive,omitempty"`
	Version     string        `json:"version,omitempty"`
	Code        string        `json:"code"`
	Display     string        `json:"display,omitempty"`
	Designation []designation `json:"designation,omitempty"`
}

// expansion renders a page of entries.
func (t *Terms) expansion(canonical string, r Request, f *form, page []entry, total int) expanded {
	out := expanded{ResourceType: "ValueSet", URL: withoutVersion(canonical), Status: "active"}
	if s, ok := t.sets.get(canonical); ok {
		root := s.root
		out.URL, out.Version = s.url, s.version
		out.Name, out.Title, out.Status = root.Member("name").Text(), root.Member("title").Text(), root.Member("status").Text()
		if out.Status == "" {
			out.Status = "unknown"
		}
	}
	out.Expansion = expansion{
		Timestamp: r.Now.UTC().Format(time.RFC3339), Total: total, Offset: f.count("offset", 0), Parameter: f.echoed(),
	}
	wanted := f.texts("designation")
	withTexts := f.flag("includeDesignations") || len(wanted) > 0
	for _, e := range page {
		c := contains{
			System: e.system, Version: e.version, Code: e.code, Display: e.wording.display(r.language(f)),
			Abstract: isAbstract(e.wording.known), Inactive: isInactive(e.wording.known),
		}
		if withTexts {
			c.Designation = e.wording.chosen(wanted)
		}
		out.Expansion.Contains = append(out.Expansion.Contains, c)
	}
	return out
}

// echoed are the parameters that shaped an expansion.
func (f *form) echoed() (out []expandedWith) {
	for _, name := range []string{"filter", "displayLanguage"} {
		if f.has(name) {
			out = append(out, expandedWith{Name: name, ValueString: f.text(name)})
		}
	}
	for _, name := range []string{"activeOnly", "includeDesignations"} {
		if f.flag(name) {
			out = append(out, expandedWith{Name: name, ValueBoolean: true})
		}
	}
	for _, name := range []string{"count", "offset"} {
		if f.has(name) {
			n := f.count(name, 0)
			out = append(out, expandedWith{Name: name, ValueInteger: &n})
		}
	}
	return out
}
