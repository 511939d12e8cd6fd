package fhir

import (
	"bytes"
	"encoding/json"
)

// Render returns v as JSON, as it stands in a resource: without escapes for HTML and without a line break.
func Render(v any) (string, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return "", Wrap("fhir.Render", err)
	}
	return string(bytes.TrimSpace(b.Bytes())), nil
}

// Make returns the tree of the resource that v renders as. op names the caller in errors; what is no resource is
// Internal.
func Make(op string, v any) (*Resource, error) {
	text, err := Render(v)
	if err != nil {
		return nil, Wrap(op, err)
	}
	r, issues := Parse([]byte(text), Limits{Bytes: len(text)})
	if HasErrors(issues) {
		return nil, &Error{Kind: Internal, Op: op, Issues: issues}
	}
	return r, nil
}
