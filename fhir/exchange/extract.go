package exchange

import (
	"context"
	"net/url"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping/sdc"
)

// Extraction asks what a filled form becomes (SDC QuestionnaireResponse-extract).
type Extraction struct {
	Response *fhir.Resource // sent along; nil: stored under Ref
	Ref      fhir.Ref
	Form     *fhir.Resource // its Questionnaire, where it is not published, loaded or contained
	Query    url.Values     // as sent, for the AuditEvent
}

// Extracted is a transaction Bundle, which nothing has carried out, with what could not be extracted.
type Extracted struct {
	Bundle []byte
	Issues []fhir.Issue
}

// Extract makes a transaction of a completed QuestionnaireResponse and carries nothing out. It answers
// NotFound for a response that is missing or hidden, and Unprocessable for one that is not completed,
// or whose Questionnaire is not known.
func (s *Service) Extract(ctx context.Context, c Call, ask Extraction) (Extracted, error) {
	const op = "exchange.Extract"
	c.Operation = "extract"
	if ask.Response == nil {
		served, err := s.Read(ctx, c, ask.Ref)
		if err != nil {
			return Extracted{}, err
		}
		if ask.Response, err = served.tree(); err != nil {
			return Extracted{}, fhir.Wrap(op, err)
		}
	} else if err := s.Answered(ctx, c, auth.Read, "QuestionnaireResponse", ask.Query); err != nil {
		return Extracted{}, err
	}
	form, err := s.formOf(ask)
	if err != nil {
		return Extracted{}, err
	}
	out := Extracted{}
	out.Bundle, out.Issues, err = sdc.Extract(form, ask.Response)
	return out, fhir.Wrap(op, err)
}

// formOf finds the Questionnaire of a response: sent along, contained, or published.
func (s *Service) formOf(ask Extraction) (*fhir.Resource, error) {
	if ask.Form != nil {
		return ask.Form, nil
	}
	root := ask.Response.Root()
	canonical := root.Member("questionnaire").Text()
	n, ok := s.definition(canonical)
	for inner := range root.All("contained") {
		if canonical == "#"+inner.Member("id").Text() {
			n, ok = inner, true
		}
	}
	if !ok || n.Member("resourceType").Text() != "Questionnaire" {
		e := fhir.Errorf(fhir.Unprocessable, "exchange.Extract", "not-found", "questionnaire-unknown",
			"The Questionnaire of this response is not known here; send it along as the parameter questionnaire.")
		e.Issues[0].Expression = "QuestionnaireResponse.questionnaire"
		return nil, e
	}
	return parsed([]byte(n.Raw()))
}
