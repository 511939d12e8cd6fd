// Package sdc reads Questionnaires as Structured Data Capture writes them: it prefills answers
// (populate) and makes resources of them (extract). It refuses storage, and does not know what any
// form means: what an expression may look up comes in as functions.
package sdc

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/drieluik/drieluik/fhir"
)

// Extensions of a Questionnaire and its items (SDC 3.0.0, sdc-questionnaire-…).
const (
	sdcExtension = "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-"

	launchContext         = sdcExtension + "launchContext"
	initialExpression     = sdcExtension + "initialExpression"
	populationContext     = sdcExtension + "itemPopulationContext"
	observationLinkPeriod = sdcExtension + "observationLinkPeriod"
	observationExtract    = sdcExtension + "observationExtract"
	extractCategory       = sdcExtension + "observation-extract-category"
	extractionContext     = sdcExtension + "itemExtractionContext"
	variable              = "http://hl7.org/fhir/StructureDefinition/variable"
	unit                  = "http://hl7.org/fhir/StructureDefinition/questionnaire-unit"
)

// Bounds of one form.
const (
	maxItems   = 5_000      // items that are answered, repeated groups counted each time
	maxQueries = 50         // look-ups of one form
	maxQuery   = 8_000      // bytes of one query
	maxFound   = 50_000_000 // bytes of what all queries find together
	maxRepeats = 200        // answers of one item, groups of one context
	maxNames   = 200        // variables and contexts that one expression may name
	maxSteps   = 4_000_000  // items that all expressions visit together
	maxWork    = 1_000_000  // looks at the form itself, in pieces of some 64 bytes
	maxBytes   = 5_000_000  // of the answers, or of what is extracted
	maxIssues  = 1_000      // that one answer tells
)

// What one question to the terminology costs of maxWork: a value set may have to be listed for it.
const (
	listing = 5_000
	asking  = 500
)

// tooLarge refuses a form that would take more than one of the bounds.
func tooLarge(what string, most int) error {
	return fhir.Errorf(fhir.Unprocessable, "sdc", "too-costly", "SDC-LIMIT",
		"The form asks for more than %d %s; split it into several forms.", most, what)
}

// extension returns the first extension of that url, or a missing node.
func extension(n fhir.Node, url string) fhir.Node {
	for e := range n.All("extension") {
		if e.Member("url").Text() == url {
			return e
		}
	}
	return fhir.Node{}
}

// response is a QuestionnaireResponse as it is written.
type response struct {
	ResourceType  string          `json:"resourceType"`
	Questionnaire string          `json:"questionnaire,omitempty"`
	Status        string          `json:"status"`
	Subject       *reference      `json:"subject,omitempty"`
	Authored      string          `json:"authored"`
	Author        json.RawMessage `json:"author,omitempty"`
	Item          []*item         `json:"item,omitempty"`
}

type reference struct {
	Reference string `json:"reference"`
}

// item is an item of a response. An answer is an object of one member, valueX, and perhaps items.
type item struct {
	LinkID string   `json:"linkId"`
	Text   string   `json:"text,omitempty"`
	Answer []answer `json:"answer,omitempty"`
	Item   []*item  `json:"item,omitempty"`
}

// answer is a value with the name of its type, and the items below it.
type answer struct {
	typ   string // such as "Coding"
	value json.RawMessage
	items []*item
}

// MarshalJSON writes an answer as R4 does.
func (a answer) MarshalJSON() ([]byte, error) {
	out := append([]byte(`{"value`+a.typ+`":`), a.value...)
	if len(a.items) > 0 {
		below, err := encode(a.items)
		if err != nil {
			return nil, fmt.Errorf("sdc.answer: %w", err)
		}
		out = append(append(out, `,"item":`...), below...)
	}
	return append(out, '}'), nil
}

// encode writes JSON without a newline and without escapes for HTML.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, fmt.Errorf("sdc.encode: %w", err)
	}
	return bytes.TrimSpace(b.Bytes()), nil
}

// text is a JSON string.
func text(s string) json.RawMessage {
	b, err := encode(s)
	if err != nil {
		return json.RawMessage(`""`)
	}
	return b
}
