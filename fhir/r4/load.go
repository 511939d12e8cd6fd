package r4

import (
	_ "embed" // the table
	"slices"
	"strings"
	"sync"
)

// table is made by fhir/r4/gen; its first lines describe the records.
//
//go:embed tables.txt
var table string

// tables reads the table once, when it is first needed.
var tables = sync.OnceValue(func() *index { return load(table) })

// index is the table in memory. Its texts share the memory of the table.
type index struct {
	structures   map[string]*Structure
	resources    []string
	params       map[string]func() []SearchParam
	compartments map[string]map[string][]string
	valueSets    map[string]func() map[string]bool
}

// loader holds the record that the following lines belong to.
type loader struct {
	index
	structure   *Structure
	elements    []Element                // of all structures one after the other
	own         map[string][]SearchParam // those declared for a type
	constraints *[]Constraint            // of the structure or the element before
	components  *[]Component             // of the search parameter before
	valueSet    string
	systems     map[string][]string // value set: "system TAB codes"
	types       map[string][]TypeRef
	bindings    map[string]*Binding
}

// records says how each kind of line is taken in. The generator and its test answer for the form.
var records = map[byte]func(*loader, fields){
	'T': (*loader).addStructure,
	'E': (*loader).addElement,
	'C': (*loader).addConstraint,
	'P': (*loader).addParam,
	'K': (*loader).addComponent,
	'M': (*loader).addCompartment,
	'V': (*loader).addValueSet,
	'S': (*loader).addSystem,
}

func load(text string) *index {
	l := &loader{
		index: index{
			structures:   make(map[string]*Structure, 1024),
			params:       map[string]func() []SearchParam{},
			compartments: map[string]map[string][]string{},
			valueSets:    map[string]func() map[string]bool{},
		},
		elements: make([]Element, 0, strings.Count(text, "\nE\t")),
		own:      map[string][]SearchParam{},
		systems:  map[string][]string{},
		types:    map[string][]TypeRef{},
		bindings: map[string]*Binding{},
	}
	for text != "" {
		line, rest, _ := strings.Cut(text, "\n")
		text = rest
		if len(line) < 2 {
			continue
		}
		if add, ok := records[line[0]]; ok {
			add(l, fields{line[2:]})
		}
	}
	l.finish()
	return &l.index
}

// fields reads the tab-separated fields of a line one after the other.
type fields struct{ rest string }

func (f *fields) next() string {
	field, rest, _ := strings.Cut(f.rest, "\t")
	f.rest = rest
	return field
}

func (l *loader) addStructure(f fields) {
	s := &Structure{Name: f.next(), Kind: f.next(), Base: f.next(), Abstract: f.next() != ""}
	l.structures[s.Name] = s
	l.structure, l.constraints = s, &s.Constraints
	if s.Kind == "resource" && !s.Abstract {
		l.resources = append(l.resources, s.Name)
	}
}

func (l *loader) addElement(f fields) {
	e := Element{Path: f.next()}
	name := e.Path[strings.LastIndexByte(e.Path, '.')+1:]
	e.Name, e.Choice = strings.CutSuffix(name, "[x]")
	e.Min, e.Max = cardinality(f.next())
	flags := f.next()
	e.Summary, e.Modifier = strings.Contains(flags, "s"), strings.Contains(flags, "m")
	e.Types = l.typeRefs(f.next())
	e.Binding = l.binding(f.next())
	l.elements = append(l.elements, e)
	end := len(l.elements)
	l.structure.Elements = l.elements[end-1-len(l.structure.Elements) : end : end]
	l.constraints = &l.elements[end-1].Constraints
}

// cardinality reads "0..*": both bounds have one character.
func cardinality(s string) (minimum, maximum int) {
	if len(s) != len("0..1") {
		return 0, Unbounded
	}
	if s[3] == '*' {
		return int(s[0] - '0'), Unbounded
	}
	return int(s[0] - '0'), int(s[3] - '0')
}

// typeRefs reads "Reference(Patient|Group) Quantity[profile]".
func (l *loader) typeRefs(text string) []TypeRef {
	if refs, ok := l.types[text]; ok {
		return refs
	}
	refs := make([]TypeRef, 0, 1+strings.Count(text, " "))
	for word := range strings.FieldsSeq(text) {
		var r TypeRef
		if head, targets, ok := strings.Cut(strings.TrimSuffix(word, ")"), "("); ok {
			word, r.Targets = head, strings.Split(targets, "|")
		}
		if head, profile, ok := strings.Cut(strings.TrimSuffix(word, "]"), "["); ok {
			word, r.Profile = head, profile
		}
		r.Code = word
		refs = append(refs, r)
	}
	l.types[text] = refs
	return refs
}

func (l *loader) binding(text string) *Binding {
	if text == "" {
		return nil
	}
	if b, ok := l.bindings[text]; ok {
		return b
	}
	strength, set, _ := strings.Cut(text, " ")
	b := &Binding{Strength: strength, ValueSet: set}
	l.bindings[text] = b
	return b
}

func (l *loader) addConstraint(f fields) {
	*l.constraints = append(*l.constraints, Constraint{Key: f.next(), Severity: f.next(), Expression: f.rest})
}

func (l *loader) addParam(f fields) {
	base := f.next()
	p := SearchParam{Code: f.next(), Type: f.next(), URL: f.next()}
	p.Targets, p.Expression = words(f.next()), f.rest
	l.own[base] = append(l.own[base], p)
	l.components = &l.own[base][len(l.own[base])-1].Components
}

func (l *loader) addComponent(f fields) {
	*l.components = append(*l.components, Component{Definition: f.next(), Expression: f.rest})
}

func (l *loader) addCompartment(f fields) {
	compartment, resource := f.next(), f.next()
	if l.compartments[compartment] == nil {
		l.compartments[compartment] = map[string][]string{}
	}
	l.compartments[compartment][resource] = words(f.rest)
}

func words(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, " ")
}

func (l *loader) addValueSet(f fields) {
	l.valueSet = f.rest
	l.systems[l.valueSet] = nil
}

func (l *loader) addSystem(f fields) {
	l.systems[l.valueSet] = append(l.systems[l.valueSet], f.rest)
}

// finish links what the lines only name. What only some programs need is made on first use.
func (l *loader) finish() {
	for set, systems := range l.systems {
		l.valueSets[set] = sync.OnceValue(func() map[string]bool { return codes(systems) })
	}
	done := make(map[*Structure]bool, len(l.structures))
	for _, s := range l.structures {
		l.inherit(s, done)
	}
	for _, s := range l.structures {
		s.fields = sync.OnceValue(func() map[string]Field { return fieldsOf(s, l.structures) })
	}
	for _, name := range l.resources {
		s := l.structures[name]
		l.params[name] = sync.OnceValue(func() []SearchParam { return paramsOf(s, l.own) })
	}
	slices.Sort(l.resources)
}

// inherit puts the elements of the base types before those of s; s replaces one of the same name.
func (l *loader) inherit(s *Structure, done map[*Structure]bool) {
	if done[s] {
		return
	}
	done[s] = true
	own := s.Elements
	s.base = l.structures[s.Base]
	if s.base == nil {
		s.Elements = slices.Clone(own)
		return
	}
	l.inherit(s.base, done)
	inherited := s.base.Elements
	s.Elements = make([]Element, 0, len(inherited)+len(own))
	s.Elements = append(s.Elements, inherited...)
	for _, e := range own {
		i := slices.IndexFunc(inherited, func(b Element) bool { return b.Name == e.Name })
		if i < 0 {
			s.Elements = append(s.Elements, e)
			continue
		}
		s.Elements[i] = e
	}
}

// fieldsOf names the members of s as JSON does: value[x] becomes valueString, valueQuantity …
func fieldsOf(s *Structure, structures map[string]*Structure) map[string]Field {
	all := make(map[string]Field, len(s.Elements))
	for i := range s.Elements {
		e := &s.Elements[i]
		for _, t := range e.Types {
			name := e.Name
			if e.Choice {
				name += strings.ToUpper(t.Code[:1]) + t.Code[1:]
			}
			all[name] = Field{Element: e, Type: t.Code, Structure: structures[t.Code], Targets: t.Targets}
		}
	}
	return all
}

// paramsOf merges the parameters declared for a resource type and for its base types.
func paramsOf(s *Structure, declared map[string][]SearchParam) []SearchParam {
	var all []SearchParam
	for ; s != nil; s = s.base {
		all = append(all, declared[s.Name]...)
	}
	slices.SortStableFunc(all, func(a, b SearchParam) int { return strings.Compare(a.Code, b.Code) })
	return slices.CompactFunc(all, func(a, b SearchParam) bool { return a.Code == b.Code })
}

// codes lists the codes of a value set with and without their system.
func codes(systems []string) map[string]bool {
	all := map[string]bool{}
	for _, line := range systems {
		f := fields{line}
		system := f.next()
		for f.rest != "" {
			code := f.next()
			all[code], all[system+"|"+code] = true, true
		}
	}
	return all
}
