package exchange

import (
	"cmp"
	"context"
	"encoding/json"
	"net/url"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/search"
	"github.com/drieluik/drieluik/mapping"
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
	for _, f := range s.formats {
		x, ok := f.(mapping.Extractor)
		if !ok || !sdc.Extractable(ask.Response) {
			continue
		}
		out, own, err := s.extractOwn(ctx, c, ask, x)
		if own || err != nil {
			return out, err
		}
	}
	form, err := s.formOf(ask)
	if err != nil {
		return Extracted{}, err
	}
	out := Extracted{}
	out.Bundle, out.Issues, err = sdc.Extract(form, ask.Response)
	return out, fhir.Wrap(op, err)
}

// extractOwn makes a transaction of an answer to a form of ours.
func (s *Service) extractOwn(ctx context.Context, c Call, ask Extraction, x mapping.Extractor) (out Extracted, own bool, err error) {
	const op = "exchange.Extract"
	e := s.event(c, auth.Read, ask.Response.Type())
	l := &lookups{s: s, e: &e}
	var found []mapping.Extracted
	err = s.store.View(ctx, func(v Snapshot) error {
		l.w, l.v = s.world(v), v
		found, own, err = x.Extract(ask.Response, l.optional)
		return err
	})
	var refused error
	if fhir.KindOf(err) == fhir.Unprocessable { // what was looked up until then was seen
		e.denied(auth.Decision{HTTP: 422, Reason: ruleOf(err)}, fhir.Ref{})
		refused, err = err, nil
	}
	if err != nil {
		return out, own, s.broke(ctx, op, e, err)
	}
	if err := l.disclose(context.WithoutCancel(ctx), op); err != nil || !own || refused != nil {
		return out, own, cmp.Or(err, refused)
	}
	out.Bundle, err = JSON(s.transactionOf(found))
	return out, own, fhir.Wrap(op, err)
}

// extracted is a transaction as it is written.
type extracted struct {
	ResourceType string           `json:"resourceType"`
	Type         string           `json:"type"`
	Entry        []extractedEntry `json:"entry,omitempty"`
}

type extractedEntry struct {
	FullURL  string          `json:"fullUrl,omitempty"`
	Resource json.RawMessage `json:"resource"`
	Request  struct {
		Method string `json:"method"`
		URL    string `json:"url"`
	} `json:"request"`
}

// transactionOf writes what has an id under it, what has an identifier by condition, and the rest anew.
func (s *Service) transactionOf(found []mapping.Extracted) extracted {
	out := extracted{ResourceType: "Bundle", Type: "transaction"}
	for _, f := range found {
		e := extractedEntry{FullURL: f.URN, Resource: f.Resource.Bytes()}
		e.Request.Method, e.Request.URL = "PUT", f.Resource.Ref().String()
		switch {
		case f.Resource.ID() != "":
			e.FullURL = s.base + "/" + e.Request.URL
		case f.Identifier != fhir.Identifier{}:
			e.Request.URL = string(f.Resource.Type()) + "?identifier=" + url.QueryEscape(f.Identifier.System+"|"+search.Escape(f.Identifier.Value))
		default:
			e.Request.Method, e.Request.URL = "POST", string(f.Resource.Type())
		}
		out.Entry = append(out.Entry, e)
	}
	return out
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
