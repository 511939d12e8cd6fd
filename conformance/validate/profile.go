package validate

import (
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/path"
	"github.com/drieluik/drieluik/fhir/r4"
)

// profile is what the differentials along a chain of base definitions say, in one sparse tree. It
// does not repeat what R4 itself says.
type profile struct {
	url     string
	name    string // for texts: the last part of the URL
	typ     string // the R4 type that it constrains
	broken  bool   // a definition of the chain is missing or of no use
	root    *element
	context []extensionContext
}

// element is one element of a profile.
type element struct {
	name     string // of the member, "value[x]" for a choice; "" for the root
	slice    string // name of the slice, "" for the element itself
	min, max int    // unset where the profile does not say
	types    []typeOption
	fixed    fhir.Node
	pattern  fhir.Node
	low      fhir.Node // minValue
	high     fhir.Node // maxValue
	length   int       // maxLength, 0: none
	binding  string    // value set
	strength string

	mustSupport bool
	modifier    bool
	invariants  []*invariant
	slicing     *slicing
	slices      []*element
	children    []*element
}

// unset is a cardinality that a profile says nothing of.
const unset = -2

// typeOption is one type that an element may have.
type typeOption struct {
	code     string
	profiles []string
	targets  []string // of a Reference or canonical
}

// slicing says how the values of an element are told apart.
type slicing struct {
	discriminators []discriminator
	rules          string // closed, open, openAtEnd
	ordered        bool
}

type discriminator struct {
	kind, path string
	steps      []string         // of the path, without $this
	expression *path.Expression // nil: cannot be evaluated
}

// extensionContext is where an extension may stand.
type extensionContext struct{ kind, expression string }

const coreDefinitions = "http://hl7.org/fhir/StructureDefinition/"

// maxChain bounds the base definitions of a profile.
const maxChain = 32

// profile returns the profile with a canonical URL, compiled when first asked for; nil when it is
// not loaded. A definition of R4 itself says nothing beyond the base rules.
func (v *Validator) profile(canonical string) *profile {
	if v.options.Definition == nil {
		return nil
	}
	def, ok := v.options.Definition(canonical)
	if !ok || def.Member("resourceType").Text() != "StructureDefinition" {
		return nil
	}
	// kept by definition: what the input claims must not grow the memory
	if p, ok := v.profiles.Load(def); ok {
		return p.(*profile)
	}
	p, _ := v.profiles.LoadOrStore(def, v.compile(def))
	return p.(*profile)
}

// core returns the R4 type whose base definition has this URL.
func core(canonical string) (string, bool) {
	url, _, _ := strings.Cut(canonical, "|")
	name, ok := strings.CutPrefix(url, coreDefinitions)
	return name, ok && r4.Lookup(name) != nil
}

// compile gathers the chain of a definition and applies the differentials from the base on.
func (v *Validator) compile(def fhir.Node) *profile {
	url := def.Member("url").Text()
	p := &profile{url: url, name: url[strings.LastIndexByte(url, '/')+1:], typ: def.Member("type").Text()}
	p.root = newElement("", "")
	for c := range def.All("context") {
		p.context = append(p.context, extensionContext{c.Member("type").Text(), c.Member("expression").Text()})
	}
	chain := []fhir.Node{def}
	whole := false // the end of the chain brings along what it is based on
	for len(chain) <= maxChain {
		last := chain[len(chain)-1]
		base := last.Member("baseDefinition").Text()
		if _, ok := core(base); ok || base == "" || last.Member("derivation").Text() == "specialization" {
			break
		}
		next, ok := v.options.Definition(base)
		if !ok || next.Member("resourceType").Text() != "StructureDefinition" {
			whole = last.Member("snapshot").Exists()
			p.broken = !whole
			break
		}
		chain = append(chain, next)
	}
	p.broken = p.broken || len(chain) > maxChain || r4.Lookup(p.typ) == nil
	for i, d := range slices.Backward(chain) {
		part := d.Member("differential")
		if snapshot := d.Member("snapshot"); !part.Exists() || whole && i == len(chain)-1 {
			part = snapshot
		}
		p.apply(part)
	}
	return p
}

func newElement(name, slice string) *element {
	return &element{name: name, slice: slice, min: unset, max: unset}
}

// apply adds what a differential or snapshot says.
func (p *profile) apply(part fhir.Node) {
	last := map[string]string{}
	for n := range part.All("element") {
		steps := stepsOf(n, last)
		if len(steps) == 0 || len(steps) > maxChain {
			continue
		}
		at := p.root
		for _, step := range steps[1:] {
			name, slice, _ := strings.Cut(step, ":")
			at = at.child(name, true)
			if slice != "" {
				at = at.sliceOf(slice, true)
			}
		}
		at.merge(n)
	}
}

// stepsOf returns the way to an element: its id, or else its path with the names of the slices that
// came last.
func stepsOf(n fhir.Node, last map[string]string) []string {
	if id := n.Member("id").Text(); id != "" {
		return strings.Split(id, ".")
	}
	whole := n.Member("path").Text()
	steps := strings.Split(whole, ".")
	for known := range last {
		if known == whole || strings.HasPrefix(known, whole+".") {
			delete(last, known)
		}
	}
	if name := n.Member("sliceName").Text(); name != "" {
		last[whole] = name
	}
	for i := range steps {
		if slice := last[strings.Join(strings.Split(whole, ".")[:i+1], ".")]; slice != "" {
			steps[i] += ":" + slice
		}
	}
	return steps
}

// child returns the element of a member, which is made when asked for.
func (e *element) child(name string, create bool) *element {
	for _, c := range e.children {
		if c.name == name {
			return c
		}
	}
	if !create {
		return nil
	}
	c := newElement(name, "")
	e.children = append(e.children, c)
	return c
}

// sliceOf returns a slice of the element.
func (e *element) sliceOf(slice string, create bool) *element {
	for _, s := range e.slices {
		if s.slice == slice {
			return s
		}
	}
	if !create {
		return nil
	}
	s := newElement(e.name, slice)
	e.slices = append(e.slices, s)
	return s
}

// merge takes over what an element definition says; what it is silent about stays.
func (e *element) merge(n fhir.Node) {
	for m := range n.Children() {
		if set := merges[m.Name()]; set != nil {
			set(e, m)
			continue
		}
		if name := m.Name(); strings.HasPrefix(name, "fixed") {
			e.fixed = m
		} else if strings.HasPrefix(name, "pattern") {
			e.pattern = m
		} else if strings.HasPrefix(name, "minValue") {
			e.low = m
		} else if strings.HasPrefix(name, "maxValue") {
			e.high = m
		}
	}
}

// merges are the members of an element definition that the validator uses.
var merges = map[string]func(*element, fhir.Node){
	"min":         func(e *element, n fhir.Node) { e.min = number(n, unset) },
	"max":         func(e *element, n fhir.Node) { e.max = number(n, r4.Unbounded) },
	"maxLength":   func(e *element, n fhir.Node) { e.length = number(n, 0) },
	"mustSupport": func(e *element, n fhir.Node) { e.mustSupport = e.mustSupport || n.Text() == "true" },
	"isModifier":  func(e *element, n fhir.Node) { e.modifier = n.Text() == "true" },
	"type":        (*element).mergeTypes,
	"slicing":     (*element).mergeSlicing,
	"constraint":  (*element).mergeConstraints,
	"binding": func(e *element, n fhir.Node) {
		if set := n.Member("valueSet").Text(); set != "" {
			e.binding, e.strength = set, n.Member("strength").Text()
		}
	},
}

func number(n fhir.Node, other int) int {
	if i, err := strconv.Atoi(n.Text()); err == nil && i >= 0 {
		return i
	}
	return other
}

func (e *element) mergeTypes(n fhir.Node) {
	e.types = nil
	for t := range n.All() {
		e.types = append(e.types, typeOption{
			code: t.Member("code").Text(), profiles: textsOf(t.Member("profile")), targets: textsOf(t.Member("targetProfile")),
		})
	}
}

func textsOf(n fhir.Node) []string {
	var out []string
	for one := range n.All() {
		out = append(out, one.Text())
	}
	return out
}

func (e *element) mergeSlicing(n fhir.Node) {
	s := &slicing{rules: n.Member("rules").Text(), ordered: n.Member("ordered").Text() == "true"}
	for d := range n.All("discriminator") {
		s.discriminators = append(s.discriminators, newDiscriminator(d.Member("type").Text(), d.Member("path").Text()))
	}
	if len(s.discriminators) == 0 && e.slicing != nil {
		s.discriminators = e.slicing.discriminators
	}
	e.slicing = s
}

func (e *element) mergeConstraints(n fhir.Node) {
	for con := range n.All() {
		key, expression := con.Member("key").Text(), con.Member("expression").Text()
		if expression == "" || coreConstraints()[key+" "+expression] {
			continue
		}
		v := newInvariant(r4.Constraint{Key: key, Severity: con.Member("severity").Text(), Expression: expression})
		if v == nil {
			continue
		}
		v.human = strings.Join(strings.Fields(con.Member("human").Text()), " ")
		e.invariants = slices.DeleteFunc(e.invariants, func(o *invariant) bool { return o.key == key })
		e.invariants = append(e.invariants, v)
	}
}

// coreConstraints are R4's own constraints, which snapshots repeat.
var coreConstraints = sync.OnceValue(func() map[string]bool {
	all := map[string]bool{}
	for _, s := range r4.All() {
		for _, con := range s.Constraints {
			all[con.Key+" "+con.Expression] = true
		}
		for _, e := range s.Elements {
			for _, con := range e.Constraints {
				all[con.Key+" "+con.Expression] = true
			}
		}
	}
	return all
})
