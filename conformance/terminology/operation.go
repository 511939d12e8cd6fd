package terminology

import (
	"bytes"
	"encoding/json"
	"time"

	"github.com/drieluik/drieluik/fhir"
)

// Operation is one operation of R4 on terminology, as this package serves it.
type Operation struct {
	Type       fhir.Type // CodeSystem, ValueSet, ConceptMap
	Name       string    // without $, such as "expand"
	Definition string    // canonical URL of its OperationDefinition
	Instance   bool      // served on one resource too: /ValueSet/{id}/$expand

	takes map[string]kind
	run   func(*Terms, Request, *form) (any, error)
}

// Request is what an operation is asked.
type Request struct {
	Input
	ID       string    // of the resource, for an operation on one; "" else
	Language string    // wanted language where no displayLanguage is given, such as "nl"
	Now      time.Time // instant of an expansion
}

const definitions = "http://hl7.org/fhir/OperationDefinition/"

// Operations lists what Do serves.
func Operations() []Operation {
	return []Operation{
		{
			Type: "ValueSet", Name: "expand", Definition: definitions + "ValueSet-expand", Instance: true, run: (*Terms).expand,
			takes: map[string]kind{
				"url": oneText, "valueSetVersion": oneText, "filter": oneText, "offset": number, "count": number, "includeDesignations": yesNo,
				"designation": manyTexts, "activeOnly": yesNo, "excludeNested": yesNo, "displayLanguage": oneText,
			},
		},
		{
			Type: "ValueSet", Name: "validate-code", Definition: definitions + "ValueSet-validate-code", Instance: true, run: (*Terms).validateInSet,
			takes: map[string]kind{
				"url": oneText, "valueSetVersion": oneText, "code": oneText, "system": oneText, "systemVersion": oneText, "display": oneText,
				"coding": oneCoding, "codeableConcept": oneConcept, "abstract": yesNo, "displayLanguage": oneText,
			},
		},
		{
			Type: "CodeSystem", Name: "lookup", Definition: definitions + "CodeSystem-lookup", run: (*Terms).lookup,
			takes: map[string]kind{
				"code": oneText, "system": oneText, "version": oneText, "coding": oneCoding, "displayLanguage": oneText, "property": manyTexts,
			},
		},
		{
			Type: "CodeSystem", Name: "validate-code", Definition: definitions + "CodeSystem-validate-code", Instance: true, run: (*Terms).validateInSystem,
			takes: map[string]kind{
				"url": oneText, "code": oneText, "version": oneText, "display": oneText, "coding": oneCoding, "codeableConcept": oneConcept,
				"abstract": yesNo, "displayLanguage": oneText,
			},
		},
		{
			Type: "ConceptMap", Name: "translate", Definition: definitions + "ConceptMap-translate", Instance: true, run: (*Terms).translate,
			takes: map[string]kind{
				"url": oneText, "conceptMapVersion": oneText, "code": oneText, "system": oneText, "source": oneText, "coding": oneCoding,
				"codeableConcept": oneConcept, "target": oneText, "targetsystem": oneText, "reverse": yesNo,
			},
		},
	}
}

// Do runs an operation of Operations and returns a resource in JSON. BadRequest with all faults of
// the request, NotFound for a resource that is not loaded, Unprocessable for what cannot be said or
// is too costly.
func (t *Terms) Do(o Operation, r Request) ([]byte, error) {
	op := "terminology." + o.Name
	out, err := o.run(t, r, read(r.Input, o.takes))
	if err != nil {
		return nil, fhir.Wrap(op, err)
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(out); err != nil {
		return nil, fhir.Wrap(op, err)
	}
	return bytes.TrimSpace(b.Bytes()), nil
}

// parameters is a Parameters resource.
type parameters struct {
	ResourceType string      `json:"resourceType"`
	Parameter    []parameter `json:"parameter"`
}

type parameter struct {
	Name          string          `json:"name"`
	ValueBoolean  *bool           `json:"valueBoolean,omitempty"`
	ValueString   string          `json:"valueString,omitempty"`
	ValueCode     string          `json:"valueCode,omitempty"`
	ValueURI      string          `json:"valueUri,omitempty"`
	ValueDateTime string          `json:"valueDateTime,omitempty"`
	ValueInteger  json.RawMessage `json:"valueInteger,omitempty"`
	ValueDecimal  json.RawMessage `json:"valueDecimal,omitempty"`
	ValueCoding   json.RawMessage `json:"valueCoding,omitempty"`
	Part          []parameter     `json:"part,omitempty"`
}

// valueOf returns the parameter "value" that repeats value[x] of a property.
func valueOf(v fhir.Node) parameter {
	p := parameter{Name: "value"}
	switch v.Name() {
	case "valueBoolean":
		b := v.Text() == "true"
		p.ValueBoolean = &b
	case "valueCode":
		p.ValueCode = v.Text()
	case "valueDateTime":
		p.ValueDateTime = v.Text()
	case "valueInteger":
		p.ValueInteger = json.RawMessage(v.Raw())
	case "valueDecimal":
		p.ValueDecimal = json.RawMessage(v.Raw())
	case "valueCoding":
		p.ValueCoding = json.RawMessage(v.Raw())
	default:
		p.ValueString = v.Text()
	}
	return p
}

// codingOf writes a Coding.
func codingOf(c code) json.RawMessage {
	b, err := json.Marshal(struct {
		System  string `json:"system,omitempty"`
		Version string `json:"version,omitempty"`
		Code    string `json:"code"`
		Display string `json:"display,omitempty"`
	}{c.system, c.version, c.code, c.display})
	if err != nil {
		return nil // not possible: strings alone
	}
	return b
}

// result is the start of every answer about a code.
func result(ok bool, message string) []parameter {
	out := []parameter{{Name: "result", ValueBoolean: &ok}}
	if message != "" {
		out = append(out, parameter{Name: "message", ValueString: message})
	}
	return out
}

// notFound refuses what is not loaded.
func notFound(rule, text string) error {
	return fhir.Errorf(fhir.NotFound, "terminology", "not-found", rule, "%s", text)
}

// undecided refuses a question that nobody can answer here.
func undecided(text string) error {
	return fhir.Errorf(fhir.Unprocessable, "terminology", "not-supported", "TERM-UNDECIDED", "%s", text)
}

const (
	noSet       = "This value set is not loaded; check url and version, or load the package that holds it."
	noSystem    = "This code system is not loaded; check its URL and version, or load the package that holds it."
	noMap       = "This concept map is not loaded; check url and version, or load the package that holds it."
	lacksSystem = "Give system, the canonical URL of the code system that the code is of."
	lacksURL    = "Give url, the canonical URL, or call the operation on one resource by its id."
)
