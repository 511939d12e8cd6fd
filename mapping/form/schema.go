package form

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/drieluik/drieluik/fhir"
)

// Published is a document whose JSON Schema is published.
type Published struct {
	ID      string // $id
	Version string // value of the member "schema", and the title
	About   string // description
	Limits  string // $comment: what the schema cannot say
	Table   Fields
	// Variants are the contents of the member Body by the value of the member Kind. None: the table says
	// it all.
	Variants   []Variant
	Kind, Body string
}

// Variant is one content of a document.
type Variant struct {
	Name  string // value of Kind
	Table Fields
}

// JSONSchema returns the JSON Schema (draft 2020-12) of a document, made of the tables that Read checks it
// with: it accepts and refuses what the rules of form do. The text is the same for the same tables. A
// type whose check no schema says is an Internal error.
func JSONSchema(p Published) ([]byte, error) {
	w := &writer{defs: map[string]Schema{"absent": absentSchema}}
	root := w.object(p.Table)
	root.Dialect, root.ID = "https://json-schema.org/draft/2020-12/schema", p.ID
	root.Title, root.Description, root.Comment = p.Version, p.About, p.Limits
	for i, x := range root.Properties {
		switch {
		case x.Name == "schema":
			root.Properties[i].Schema = Schema{Const: p.Version}
		case x.Name == p.Body && p.Variants != nil:
			root.Properties[i].Schema = Schema{Type: "object", MinProperties: 1}
		}
	}
	for _, v := range p.Variants {
		of := w.object(v.Table)
		of.Title = p.Body + " of " + v.Name
		w.defs[p.Body+"-"+v.Name] = of
		root.AllOf = append(root.AllOf, p.contentOf(v.Name))
	}
	for _, name := range slices.Sorted(maps.Keys(w.defs)) {
		root.Defs = append(root.Defs, Property{name, w.defs[name]})
	}
	if w.silent != nil {
		return nil, w.silent
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	if err := e.Encode(root); err != nil {
		return nil, fhir.Wrap("form.JSONSchema", err)
	}
	return b.Bytes(), nil
}

// contentOf binds the content of a document to its kind.
func (p Published) contentOf(kind string) Schema {
	is := Schema{Properties: Properties{{p.Kind, Schema{Const: kind}}}, Required: []string{p.Kind}}
	return Schema{If: &is, Then: &Schema{Properties: Properties{{p.Body, refTo(p.Body + "-" + kind)}}}}
}

// writer gathers the types that have a name.
type writer struct {
	defs   map[string]Schema
	silent error // a type whose check the schema does not say
}

// object says of an object what Document.Object checks.
func (w *writer) object(fs Fields) Schema {
	out := Schema{Type: "object"}
	for i := range fs {
		x := &fs[i]
		out.Properties = append(out.Properties, Property{x.name, w.member(x)})
		if x.low > 0 || x.elsewhere {
			out.Required = append(out.Required, x.name)
		}
	}
	return out
}

// member says of a member what Document.member checks.
func (w *writer) member(x *Field) Schema {
	one := w.one(x.typ)
	if x.List() {
		item := one
		one = Schema{Type: "array", Items: &item, MinItems: x.low}
		one.MaxItems = min(x.high, MaxItems)
		if x.each != "" {
			one.AllOf = eachOnce(x.typ.fields.Named(x.each))
		}
	}
	switch {
	case x.elsewhere:
		absent := refTo("absent")
		return Schema{AllOf: []Schema{one, {Not: &absent}}}
	case x.low == 0:
		return Schema{AnyOf: []Schema{refTo("absent"), one}}
	case one.Type == "object" && one.Required == nil:
		one.MinProperties = 1
	}
	return one
}

// one says of one value what Document.single checks.
func (w *writer) one(t Type) Schema {
	if t.name == "" {
		return w.value(t)
	}
	if _, known := w.defs[t.name]; !known {
		w.defs[t.name] = w.value(t)
	}
	return refTo(t.name)
}

func (w *writer) value(t Type) Schema {
	var out Schema
	if t.says != nil {
		out = *t.says
	} else if t.check != nil {
		w.silent = fhir.Errorf(fhir.Internal, "form.JSONSchema", "exception", "schema-silent",
			"A type has a check that its schema does not say; make it with Checked, Pattern, Code or Integer.")
	}
	if out.Type == "" {
		out.Type = shapeTypes[t.shape]
	}
	if out.lists != nil {
		out.Enum = codesOf(out.lists, out.without)
		if system := out.lists[0].System; system != "" {
			out.Description = "CodeSystem " + system
		}
	}
	if t.about != "" {
		out.Description = t.about
	}
	switch {
	case t.entries != nil:
		every := w.one(*t.entries)
		out.AdditionalProperties = &every
	case t.fields != nil:
		of := w.object(t.fields)
		out.Properties, out.Required = of.Properties, of.Required
		if t.atLeast {
			out.AnyOf = anyPresent(t.fields)
		}
	}
	return out
}

// eachOnce wants an item with each code of a member.
func eachOnce(x *Field) []Schema {
	var out []Schema
	for _, c := range codesOf(x.typ.says.lists, "") {
		out = append(out, Schema{Contains: &Schema{Properties: Properties{{x.name, Schema{Const: c}}}, Required: []string{x.name}}})
	}
	return out
}

// anyPresent wants one of the members to be there.
func anyPresent(fs Fields) []Schema {
	absent := refTo("absent")
	var out []Schema
	for i := range fs {
		out = append(out, Schema{Required: []string{fs[i].name}, Properties: Properties{{fs[i].name, Schema{Not: &absent}}}})
	}
	return out
}

func codesOf(lists []List, without string) []any {
	var out []any
	for _, l := range lists {
		for _, c := range l.Sorted() {
			if c != without {
				out = append(out, c)
			}
		}
	}
	return out
}

func refTo(name string) Schema { return Schema{Ref: fmt.Sprintf("#/$defs/%s", name)} }

// absentSchema is what means absent in an optional member.
var absentSchema = Schema{Description: "Means absent; kept for the way back.", Enum: []any{nil, []any{}, struct{}{}}}

// shapeTypes are the types of JSON Schema; what is not named is anything.
var shapeTypes = map[fhir.Shape]string{
	fhir.String: "string", fhir.Number: "number", fhir.Bool: "boolean", fhir.Object: "object", fhir.Array: "array",
}
