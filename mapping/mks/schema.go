package mks

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping/element"
)

// SchemaID is the $id of the JSON Schema of the format.
const SchemaID = "https://drieluik.example/ig/mks-bron-1.schema.json"

// JSONSchema returns the JSON Schema (draft 2020-12) of mks-bron/1, made of the tables that Read checks
// documents with: it accepts and refuses what the rules of form do (MKS-ENV-01, 02, 03, 05, 06 and
// those that stand in their place). What it cannot say stands in its $comment. The text is the same
// for the same tables.
func JSONSchema() ([]byte, error) {
	w := &schemaWriter{defs: map[string]schema{"absent": absentSchema}}
	content := schema{Type: "object", MinProperties: 1}
	root := w.object(envelope(typ{}))
	root.Dialect, root.ID = "https://json-schema.org/draft/2020-12/schema", SchemaID
	root.Title, root.Description, root.Comment = "mks-bron/1", schemaAbout, schemaLimits
	for i, p := range root.Properties {
		switch p.name {
		case "schema":
			root.Properties[i].schema = schema{Const: Format{}.Schema()}
		case "inhoud":
			root.Properties[i].schema = content
		}
	}
	for _, r := range records() {
		if r.write != nil {
			w.defs["inhoud-"+r.name] = titled(w.object(r.fields), "inhoud of "+r.name)
			root.AllOf = append(root.AllOf, contentOf(r.name))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(w.defs)) {
		root.Defs = append(root.Defs, property{name, w.defs[name]})
	}
	if w.silent != nil {
		return nil, w.silent
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	if err := e.Encode(root); err != nil {
		return nil, fhir.Wrap("mks.JSONSchema", err)
	}
	return b.Bytes(), nil
}

const (
	schemaAbout = "One record of a child who is nursed at home, as a source system sends it to POST /fhir/$submit. " +
		"Members that are not named here are kept and not interpreted."
	schemaLimits = "Not said here: the 11-proef of a BSN, the rules beyond the form (MKS-ENV-07 and on, and those of " +
		"each record), duplicate members, lists that are longer than in any real record (MKS-ENV-02), and numbers with more digits than a double holds. An optional member that is null, [] or {} counts as absent."
)

// contentOf binds the content of a document to its record type.
func contentOf(record string) schema {
	is := schema{Properties: properties{{"recordType", schema{Const: record}}}, Required: []string{"recordType"}}
	return schema{If: &is, Then: &schema{Properties: properties{{"inhoud", refTo("inhoud-" + record)}}}}
}

// schemaWriter gathers the types that have a name.
type schemaWriter struct {
	defs   map[string]schema
	silent error // a type whose check the schema does not say
}

// object says of an object what document.object checks.
func (w *schemaWriter) object(fs fields) schema {
	out := schema{Type: "object"}
	for i := range fs {
		x := &fs[i]
		out.Properties = append(out.Properties, property{x.name, w.member(x)})
		if bounds[x.card].low > 0 || x.elsewhere {
			out.Required = append(out.Required, x.name)
		}
	}
	return out
}

// member says of a member what document.member checks.
func (w *schemaWriter) member(x *field) schema {
	b := bounds[x.card]
	one := w.one(x.typ)
	if b.high > 0 {
		item := one
		one = schema{Type: "array", Items: &item, MinItems: b.low}
		one.MaxItems = min(b.high, maxItems)
		if x.each != "" {
			one.AllOf = eachOnce(x.typ.fields.named(x.each))
		}
	}
	switch {
	case x.elsewhere:
		absent := refTo("absent")
		return schema{AllOf: []schema{one, {Not: &absent}}}
	case b.low == 0:
		return schema{AnyOf: []schema{refTo("absent"), one}}
	case one.Type == "object" && one.Required == nil:
		one.MinProperties = 1
	}
	return one
}

// one says of one value what document.single checks.
func (w *schemaWriter) one(t typ) schema {
	if t.name == "" {
		return w.value(t)
	}
	if _, known := w.defs[t.name]; !known {
		w.defs[t.name] = w.value(t)
	}
	return refTo(t.name)
}

func (w *schemaWriter) value(t typ) schema {
	var out schema
	if t.says != nil {
		out = *t.says
	} else if t.check != nil {
		w.silent = fhir.Errorf(fhir.Internal, "mks.JSONSchema", "exception", "schema-silent",
			"A type has a check that its schema does not say; make it with checked, pattern, codeOf or integer.")
	}
	if out.Type == "" {
		out.Type = shapeTypes[t.shape]
	}
	if out.lists != nil {
		out.Enum = codesOf(out.lists, out.without)
		out.Description = "CodeSystem " + element.CodeSystem(out.lists[0])
	}
	if t.refs != nil {
		out.Description = fmt.Sprintf("Reference: the local id of %v in the kind record, or for an organisation ura: and its number.", t.refs)
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
func eachOnce(x *field) []schema {
	var out []schema
	for _, c := range codesOf(x.typ.says.lists, "") {
		out = append(out, schema{Contains: &schema{Properties: properties{{x.name, schema{Const: c}}}, Required: []string{x.name}}})
	}
	return out
}

// anyPresent wants one of the members to be there.
func anyPresent(fs fields) []schema {
	absent := refTo("absent")
	var out []schema
	for i := range fs {
		out = append(out, schema{Required: []string{fs[i].name}, Properties: properties{{fs[i].name, schema{Not: &absent}}}})
	}
	return out
}

func codesOf(names []string, without string) []any {
	var out []any
	for _, list := range names {
		for _, c := range slices.Sorted(maps.Keys(lists()[list])) {
			if c != without {
				out = append(out, c)
			}
		}
	}
	return out
}

func titled(s schema, title string) schema { s.Title = title; return s }

func refTo(name string) schema { return schema{Ref: "#/$defs/" + name} }

// absentSchema is what means absent in an optional member (MKS-ENV-16).
var absentSchema = schema{Description: "Means absent; kept for the way back.", Enum: []any{nil, []any{}, struct{}{}}}

// shapeTypes are the types of JSON Schema; what is not named is anything.
var shapeTypes = map[fhir.Shape]string{
	fhir.String: "string", fhir.Number: "number", fhir.Bool: "boolean", fhir.Object: "object", fhir.Array: "array",
}
