package main

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

const (
	structureBase  = "http://hl7.org/fhir/StructureDefinition/"
	systemTypeBase = "http://hl7.org/fhirpath/System."
)

type structure struct {
	Name           string
	Kind           string
	Abstract       bool
	BaseDefinition string
	Snapshot       struct{ Element []element }
}

type element struct {
	Path             string
	Min              int
	Max              string
	IsSummary        bool
	IsModifier       bool
	Type             []typeRef
	ContentReference string
	Binding          struct{ Strength, ValueSet string }
	Constraint       []constraint
}

type typeRef struct {
	Code          string
	FHIRType      string `json:"fhirType"`
	Profile       []string
	TargetProfile []string
}

type constraint struct{ Key, Severity, Expression string }

func (c constraint) line() string {
	return fmt.Sprintf("C\t%s\t%s\t%s\n", c.Key, c.Severity, strings.Join(strings.Fields(c.Expression), " "))
}

// part is one type or one nested part of a type, as it is written.
type part struct {
	name, kind, base string
	abstract         bool
	rules            []constraint
	members          []member
}

// member is an element in the form of the table, without the type that holds it.
type member struct {
	name, card, flags, types, binding string
	rules                             []constraint
}

// writeTypes writes each type and each nested part with the members it does not inherit.
func writeTypes(out []byte, d *definitions) ([]byte, error) {
	parts := map[string]*part{}
	for _, s := range d.types {
		if err := addParts(parts, s); err != nil {
			return nil, err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(parts)) {
		p := parts[name]
		inherited, err := ancestors(parts, p)
		if err != nil {
			return nil, err
		}
		out = p.write(out, parts, inherited)
	}
	return out, nil
}

// addParts splits a snapshot into the type itself and its nested parts.
func addParts(parts map[string]*part, s *structure) error {
	nested := map[string]bool{}
	for _, e := range s.Snapshot.Element {
		if i := strings.LastIndexByte(e.Path, '.'); i > 0 {
			nested[e.Path[:i]] = true
		}
	}
	for i, e := range s.Snapshot.Element {
		if i == 0 {
			parts[e.Path] = &part{
				name: s.Name, kind: s.Kind, abstract: s.Abstract, rules: e.Constraint,
				base: strings.TrimPrefix(s.BaseDefinition, structureBase),
			}
			continue
		}
		dot := strings.LastIndexByte(e.Path, '.')
		owner := parts[e.Path[:dot]]
		if owner == nil || e.Path[:dot] != owner.name {
			return fmt.Errorf("%s stands before its owner", e.Path)
		}
		m := member{name: e.Path[dot+1:], card: fmt.Sprintf("%d..%s", e.Min, e.Max), flags: flags(e)}
		m.types, m.rules = types(e), e.Constraint
		if nested[e.Path] {
			parts[e.Path] = &part{name: e.Path, kind: "backbone", base: m.types, rules: e.Constraint}
			m.types, m.rules = e.Path, nil
		}
		if e.Binding.ValueSet != "" {
			set, _, _ := strings.Cut(e.Binding.ValueSet, "|")
			m.binding = e.Binding.Strength + " " + set
		}
		owner.members = append(owner.members, m)
	}
	return nil
}

func flags(e element) string {
	s := ""
	if e.IsSummary {
		s += "s"
	}
	if e.IsModifier {
		s += "m"
	}
	return s
}

// types writes the types of an element: "Reference(Patient|Group) CodeableConcept".
func types(e element) string {
	if e.ContentReference != "" {
		return strings.TrimPrefix(e.ContentReference, "#")
	}
	var all []string
	for _, t := range e.Type {
		all = append(all, typeText(e.Path, t))
	}
	return strings.Join(all, " ")
}

func typeText(path string, t typeRef) string {
	code := t.Code
	if strings.HasPrefix(code, systemTypeBase) {
		code = systemType(path, t)
	}
	if len(t.Profile) > 0 {
		code += "[" + strings.Join(t.Profile, "|") + "]"
	}
	var targets []string
	for _, p := range t.TargetProfile {
		name := strings.TrimPrefix(p, structureBase)
		if name == "Resource" {
			return code // any
		}
		targets = append(targets, name)
	}
	if len(targets) > 0 {
		code += "(" + strings.Join(targets, "|") + ")"
	}
	return code
}

// systemType gives the FHIR type of an element that the definitions type by FHIRPath.
// The logical id of a resource is an id; the definitions call it a string (4.0.1 erratum).
func systemType(path string, t typeRef) string {
	owner, name, _ := strings.Cut(path, ".")
	switch {
	case name == "value":
		return owner // the value of a primitive
	case path == "Resource.id":
		return "id"
	case t.FHIRType != "":
		return t.FHIRType
	}
	return "string"
}

// ancestors returns the members and rules that p has from its base types.
func ancestors(parts map[string]*part, p *part) (*part, error) {
	all := &part{}
	for base := p.base; base != ""; {
		b := parts[base]
		if b == nil {
			return nil, fmt.Errorf("%s: unknown base %s", p.name, base)
		}
		for _, m := range b.members {
			if !slices.ContainsFunc(all.members, func(have member) bool { return have.name == m.name }) {
				all.members = append(all.members, m)
			}
		}
		all.rules = append(all.rules, b.rules...)
		base = b.base
	}
	return all, nil
}

func (p *part) write(out []byte, parts map[string]*part, inherited *part) []byte {
	abstract := ""
	if p.abstract {
		abstract = "abstract"
	}
	out = fmt.Appendf(out, "T\t%s\t%s\t%s\t%s\n", p.name, p.kind, p.base, abstract)
	for _, c := range p.rules {
		if !slices.Contains(inherited.rules, c) {
			out = append(out, c.line()...)
		}
	}
	for _, m := range p.members {
		if inherited.has(p, m) {
			continue
		}
		out = fmt.Appendf(out, "E\t%s.%s\t%s\t%s\t%s\t%s\n", p.name, m.name, m.card, m.flags, m.types, m.binding)
		for _, c := range m.rules {
			if !ofType(parts, m.types, c) {
				out = append(out, c.line()...)
			}
		}
	}
	return out
}

// has reports whether the member is as inherited. A resource's id keeps the type of Resource.id.
func (p *part) has(of *part, m member) bool {
	i := slices.IndexFunc(p.members, func(have member) bool { return have.name == m.name })
	if i < 0 {
		return false
	}
	if of.kind == "resource" && m.name == "id" {
		m.types = p.members[i].types
	}
	return reflect.DeepEqual(p.members[i], m)
}

// ofType reports whether every type of the list carries the rule already.
func ofType(parts map[string]*part, types string, c constraint) bool {
	for t := range strings.FieldsSeq(types) {
		name := t[:strings.IndexAny(t+"(", "([")]
		found := false
		for p := parts[name]; p != nil && !found; p = parts[p.base] {
			found = slices.Contains(p.rules, c)
		}
		if !found {
			return false
		}
	}
	return true
}
