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

// tables finds the records once, when they are first needed.
var tables = sync.OnceValue(func() *index { return load(table) })

// index is the table in memory. Its texts share the memory of the table. What a record says is read when
// somebody first asks for it: a program needs some of the types.
type index struct {
	structures   map[string]*record
	resources    []string
	params       map[string]func() []SearchParam
	compartments map[string]map[string][]string
	valueSets    map[string]func() map[string]bool

	mu       sync.Mutex // of what structures share
	types    map[string][]TypeRef
	bindings map[string]*Binding
}

// record is a structure: a line T with the lines E and C behind it.
type record struct {
	lines     []string
	once      sync.Once
	structure *Structure
}

// lookup returns the structure of that name, or nil.
func (x *index) lookup(name string) *Structure {
	r := x.structures[name]
	if r == nil {
		return nil
	}
	r.once.Do(func() { r.structure = x.read(r.lines) })
	return r.structure
}

// finder holds the record that the following lines belong to.
type finder struct {
	*index
	structure *record
	base      string              // of the search parameter before
	own       map[string][]string // type: the lines P and K of those declared for it
	valueSet  string
	systems   map[string][]string // value set: "system TAB codes"
}

// kindsOfLines says where each kind of line belongs. The generator and its test answer for the form.
var kindsOfLines = map[byte]func(f *finder, line string){
	'T': (*finder).addStructure,
	'E': (*finder).addPart,
	'C': (*finder).addPart,
	'P': (*finder).addParam,
	'K': (*finder).addComponent,
	'M': (*finder).addCompartment,
	'V': (*finder).addValueSet,
	'S': (*finder).addSystem,
}

func load(text string) *index {
	f := &finder{
		index: &index{
			structures:   make(map[string]*record, 1024),
			params:       map[string]func() []SearchParam{},
			compartments: map[string]map[string][]string{},
			valueSets:    map[string]func() map[string]bool{},
			types:        map[string][]TypeRef{},
			bindings:     map[string]*Binding{},
		},
		own:     map[string][]string{},
		systems: map[string][]string{},
	}
	for text != "" {
		line, rest, _ := strings.Cut(text, "\n")
		text = rest
		if len(line) < 2 {
			continue
		}
		if add, ok := kindsOfLines[line[0]]; ok {
			add(f, line)
		}
	}
	f.finish()
	return f.index
}

func (f *finder) addStructure(line string) {
	in := inside(line)
	name, kind := in.next(), in.next()
	_, abstract := in.next(), in.next() != ""
	f.structure = &record{lines: []string{line}}
	f.structures[name] = f.structure
	if kind == "resource" && !abstract {
		f.resources = append(f.resources, name)
	}
}

func (f *finder) addPart(line string) { f.structure.lines = append(f.structure.lines, line) }

func (f *finder) addParam(line string) {
	in := inside(line)
	f.base = in.next()
	f.addComponent(line)
}

func (f *finder) addComponent(line string) { f.own[f.base] = append(f.own[f.base], line) }

func (f *finder) addCompartment(line string) {
	in := inside(line)
	compartment, resource := in.next(), in.next()
	if f.compartments[compartment] == nil {
		f.compartments[compartment] = map[string][]string{}
	}
	f.compartments[compartment][resource] = words(in.rest)
}

func (f *finder) addValueSet(line string) {
	f.valueSet = inside(line).rest
	f.systems[f.valueSet] = nil
}

func (f *finder) addSystem(line string) {
	f.systems[f.valueSet] = append(f.systems[f.valueSet], inside(line).rest)
}

// finish says how what the lines only name is made on first use.
func (f *finder) finish() {
	for set, systems := range f.systems {
		f.valueSets[set] = sync.OnceValue(func() map[string]bool { return codes(systems) })
	}
	for _, name := range f.resources {
		f.params[name] = sync.OnceValue(func() []SearchParam { return paramsOf(f.lookup(name), f.own) })
	}
	slices.Sort(f.resources)
}

// read makes a structure of its lines, with the elements of its base types before its own.
func (x *index) read(lines []string) *Structure {
	in := inside(lines[0])
	s := &Structure{Name: in.next(), Kind: in.next(), Base: in.next(), Abstract: in.next() != ""}
	own := make([]Element, 0, len(lines)-1)
	x.mu.Lock()
	for _, line := range lines[1:] {
		in := inside(line)
		switch {
		case line[0] == 'E':
			own = append(own, x.element(in))
		case len(own) == 0:
			s.Constraints = append(s.Constraints, constraint(in))
		default:
			e := &own[len(own)-1]
			e.Constraints = append(e.Constraints, constraint(in))
		}
	}
	x.mu.Unlock()
	s.base = x.lookup(s.Base)
	s.inherit(own)
	s.fields = sync.OnceValue(func() map[string]Field { return fieldsOf(s, x.lookup) })
	return s
}

// inherit puts the elements of the base types before own, which replace those of the same name.
func (s *Structure) inherit(own []Element) {
	if s.base == nil {
		s.Elements = own
		return
	}
	inherited := s.base.Elements
	s.Elements = append(make([]Element, 0, len(inherited)+len(own)), inherited...)
	for _, e := range own {
		i := slices.IndexFunc(inherited, func(b Element) bool { return b.Name == e.Name })
		if i < 0 {
			s.Elements = append(s.Elements, e)
			continue
		}
		s.Elements[i] = e
	}
}

// fields reads the tab-separated fields of a line one after the other.
type fields struct{ rest string }

// inside is what stands behind the kind of a line.
func inside(line string) fields { return fields{line[2:]} }

func (f *fields) next() string {
	field, rest, _ := strings.Cut(f.rest, "\t")
	f.rest = rest
	return field
}

// element reads a line E.
func (x *index) element(f fields) Element {
	e := Element{Path: f.next()}
	name := e.Path[strings.LastIndexByte(e.Path, '.')+1:]
	e.Name, e.Choice = strings.CutSuffix(name, "[x]")
	e.Min, e.Max = cardinality(f.next())
	flags := f.next()
	e.Summary, e.Modifier = strings.Contains(flags, "s"), strings.Contains(flags, "m")
	e.Types = x.typeRefs(f.next())
	e.Binding = x.binding(f.next())
	return e
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
func (x *index) typeRefs(text string) []TypeRef {
	if refs, ok := x.types[text]; ok {
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
	x.types[text] = refs
	return refs
}

func (x *index) binding(text string) *Binding {
	if text == "" {
		return nil
	}
	if b, ok := x.bindings[text]; ok {
		return b
	}
	strength, set, _ := strings.Cut(text, " ")
	b := &Binding{Strength: strength, ValueSet: set}
	x.bindings[text] = b
	return b
}

func constraint(f fields) Constraint {
	return Constraint{Key: f.next(), Severity: f.next(), Expression: f.rest}
}

func words(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, " ")
}

// fieldsOf names the members of s as JSON does: value[x] becomes valueString, valueQuantity …
func fieldsOf(s *Structure, lookup func(string) *Structure) map[string]Field {
	all := make(map[string]Field, len(s.Elements))
	for i := range s.Elements {
		e := &s.Elements[i]
		for _, t := range e.Types {
			name := e.Name
			if e.Choice {
				name += strings.ToUpper(t.Code[:1]) + t.Code[1:]
			}
			all[name] = Field{Element: e, Type: t.Code, Structure: lookup(t.Code), Targets: t.Targets}
		}
	}
	return all
}

// paramsOf merges the parameters declared for a resource type and for its base types.
func paramsOf(s *Structure, declared map[string][]string) []SearchParam {
	var all []SearchParam
	for ; s != nil; s = s.base {
		for _, line := range declared[s.Name] {
			f := inside(line)
			if line[0] == 'K' {
				of := &all[len(all)-1].Components
				*of = append(*of, Component{Definition: f.next(), Expression: f.rest})
				continue
			}
			f.next() // the type
			p := SearchParam{Code: f.next(), Type: f.next(), URL: f.next()}
			p.Targets, p.Expression = words(f.next()), f.rest
			all = append(all, p)
		}
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
