package validate

import (
	"maps"
	"math/bits"
	"slices"
	"strings"
	"sync"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/r4"
)

// plan is one structure made ready for the walk: one look-up per member, no names of types.
type plan struct {
	name     string
	resource bool
	members  map[string]*member // by JSON name
	required uint64             // bits of the elements with a minimum
	elements []string           // names in the order of the definition; the position is the bit
	rules    []rule             // hold for every value of the structure

	invariants []*invariant // constraints of the structure and of its base types
}

// member is one JSON member of a plan: an element, or one type of a choice.
type member struct {
	name      string
	typ       string // name of its R4 structure
	bit       uint64
	choice    bool
	repeats   bool
	forbidden bool         // maximum 0
	attribute bool         // a primitive that has no id and extensions of its own
	format    *format      // of a primitive
	plan      func() *plan // of everything else; of a primitive: its id and extensions
	anything  bool         // any resource
	rules     []rule       // hold for this member besides those of its type
}

// rule is a check of one value beyond its structure. A constraint that stands with an element is a
// rule of its member; those that come with a type are the invariants of its plan.
type rule func(*checker, fhir.Node)

// plans holds the plan of every structure; each is made when it is first needed.
var plans = sync.OnceValue(func() map[string]func() *plan {
	all := map[string]func() *plan{}
	for name := range r4.Names() {
		all[name] = sync.OnceValue(func() *plan { return newPlan(r4.Lookup(name), all) })
	}
	return all
})

// attributes are primitives that are attributes in XML and so cannot be extended.
var attributes = map[string]bool{"Element.id": true, "Extension.url": true}

// typeRules hold for every value of a type.
var typeRules = map[string][]rule{
	"Element":               {(*checker).checkContent},
	"Extension":             {(*checker).checkExtension, (*checker).noteExtension},
	"Meta":                  {(*checker).noteClaims},
	"DomainResource":        {(*checker).checkContained},
	"Bundle":                {(*checker).checkEntries, (*checker).checkBundle},
	"Questionnaire":         {(*checker).checkLinkIDs, (*checker).checkQuestionnaire},
	"QuestionnaireResponse": {(*checker).checkResponse},
	"CodeSystem":            {(*checker).checkConcepts},
	"Timing.repeat":         {(*checker).checkRepeat},
}

func newPlan(s *r4.Structure, all map[string]func() *plan) *plan {
	p := &plan{name: s.Name, resource: s.Kind == "resource", members: map[string]*member{}}
	primitive := s.Kind == "primitive-type"
	for base := s; base != nil && !primitive; base = r4.Lookup(base.Base) {
		p.rules = append(p.rules, typeRules[base.Name]...)
	}
	for i := range s.Elements {
		e := &s.Elements[i]
		if primitive && e.Name == "value" {
			continue // stands in the JSON value itself
		}
		bit := uint64(1) << len(p.elements)
		p.elements = append(p.elements, e.Name)
		if e.Min > 0 {
			p.required |= bit
		}
		for _, t := range e.Types {
			m := newMember(e, t)
			m.bit, m.plan = bit, all[t.Code]
			p.members[m.name] = m
		}
	}
	if !primitive {
		p.invariants = p.invariantsOf(s)
	}
	return p
}

func newMember(e *r4.Element, t r4.TypeRef) *member {
	m := &member{
		name: e.Name, typ: t.Code, choice: e.Choice, anything: t.Code == "Resource",
		repeats: e.Max == r4.Unbounded, forbidden: e.Max == 0, attribute: attributes[e.Path],
	}
	if e.Choice {
		m.name += strings.ToUpper(t.Code[:1]) + t.Code[1:]
	}
	if f, ok := formats[t.Code]; ok {
		m.format = &f
	}
	if t.Code == "Reference" {
		m.rules = append(m.rules, referenceRule(t.Targets))
	}
	if t.Profile == simpleQuantity {
		m.rules = append(m.rules, (*checker).checkSimpleQuantity)
	}
	if r := bindingRule(e.Binding, t.Code); r != nil {
		m.rules = append(m.rules, r)
	}
	for _, con := range e.Constraints {
		if r := elementRule(con, t.Code); r != nil {
			m.rules = append(m.rules, r)
		}
	}
	return m
}

// member returns the member of that JSON name, and whether the name is that of the twin which holds
// the id and extensions of a primitive ("_birthDate").
func (p *plan) member(name string) (m *member, twin bool) {
	if m, ok := p.members[name]; ok {
		return m, false
	}
	if len(name) < 2 || name[0] != '_' {
		return nil, false
	}
	m = p.members[name[1:]]
	if m == nil || m.format == nil || m.attribute {
		return nil, false
	}
	return m, true
}

// similar returns the member that was probably meant by an unknown name, or "": the same but for
// capitals or a plural, or one type of a choice that was given without a type.
func (p *plan) similar(name string) string {
	name = strings.TrimPrefix(name, "_")
	for _, known := range slices.Sorted(maps.Keys(p.members)) {
		element := p.elements[bits.TrailingZeros64(p.members[known].bit)]
		for _, meant := range []string{known, known + "s", strings.TrimSuffix(known, "s"), element} {
			if strings.EqualFold(meant, name) {
				return known
			}
		}
	}
	return ""
}
