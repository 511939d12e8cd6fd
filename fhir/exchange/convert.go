package exchange

import (
	"encoding/json"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
)

// Conversion is the outcome of Convert.
type Conversion struct {
	Bundle []byte       // Bundle of type collection: what all documents made, taken one after the other
	Issues []fhir.Issue // mapping report of all documents; Bundle is empty when one is an error
}

type collection struct {
	ResourceType string            `json:"resourceType"`
	Type         string            `json:"type"`
	Entry        []collectionEntry `json:"entry,omitempty"`
}

type collectionEntry struct {
	FullURL  string          `json:"fullUrl"`
	Resource json.RawMessage `json:"resource"`
}

// Convert maps source documents to FHIR without a store, as Submit would take them one after the
// other. Documents that are no JSON or of an unknown schema are errors; faults of their content are
// issues.
func (s *Service) Convert(docs [][]byte, limits fhir.Limits) (Conversion, error) {
	const op = "exchange.Convert"
	memory := mapping.NewMemory()
	var out Conversion
	for _, b := range docs {
		doc, issues := fhir.ParseDocument(b, limits)
		if fhir.HasErrors(issues) {
			return Conversion{}, &fhir.Error{Kind: fhir.Malformed, Op: op, Issues: issues}
		}
		format, err := s.format(doc)
		if err != nil {
			return Conversion{}, err
		}
		now := s.now()
		source, issues := format.Read(doc, now)
		result, err := format.Map(source, memory, now)
		if err != nil {
			return Conversion{}, fhir.Wrap(op, err)
		}
		out.Issues = append(append(out.Issues, issues...), result.Issues...)
		memory.Apply(source, result, now)
	}
	if fhir.HasErrors(out.Issues) {
		return out, nil
	}
	c := collection{ResourceType: "Bundle", Type: "collection"}
	for _, r := range memory.All() {
		c.Entry = append(c.Entry, collectionEntry{FullURL: fhir.Canonical + "/" + r.Ref().String(), Resource: r.Bytes()})
	}
	var err error
	out.Bundle, err = JSON(c)
	return out, fhir.Wrap(op, err)
}
