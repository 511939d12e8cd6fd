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
	e := s.event(c, auth.Read, "QuestionnaireResponse")
	e.query = ask.Query
	x := &extracting{lookups: lookups{s: s, e: &e}, ask: ask}
	var refused error
	err := s.store.View(ctx, func(v Snapshot) error {
		x.w, x.v = s.world(v), v
		var err error
		refused, err = x.extract()
		return err
	})
	if fhir.KindOf(err) == fhir.Unprocessable { // what was looked up until then was seen
		e.denied(auth.Decision{HTTP: 422, Reason: ruleOf(err)}, fhir.Ref{})
		refused, err = err, nil
	}
	if err != nil {
		return Extracted{}, s.broke(ctx, op, e, err)
	}
	if err := x.disclose(context.WithoutCancel(ctx), op); err != nil || refused != nil {
		return Extracted{}, cmp.Or(err, refused)
	}
	return x.out, nil
}

// extracting is one response on its way.
type extracting struct {
	lookups
	ask Extraction
	out Extracted
}

// extract reads the response and makes a transaction of it: as the format knows its own forms, else as the
// Questionnaire says.
func (x *extracting) extract() (refused, err error) {
	const op = "exchange.Extract"
	if x.ask.Response == nil {
		served, refused, err := x.s.readOne(x.w, x.e, x.ask.Ref)
		if refused != nil || err != nil {
			return refused, err
		}
		if x.ask.Response, err = parsed(served.Body); err != nil {
			return nil, err
		}
	} else {
		x.e.asked(auth.Decision{Permit: true, HTTP: 200, Reason: "permit-directory"})
	}
	for _, f := range x.s.formats {
		extractor, ok := f.(mapping.Extractor)
		if !ok || !sdc.Extractable(x.ask.Response) {
			continue
		}
		found, own, err := extractor.Extract(x.ask.Response, x.optional)
		if err != nil {
			return nil, err
		}
		if own {
			x.out.Bundle, err = JSON(x.s.transactionOf(found))
			return nil, fhir.Wrap(op, err)
		}
	}
	form, err := x.s.formOf(x.ask)
	if err != nil {
		return nil, err
	}
	found, issues, err := sdc.Extract(form, x.ask.Response)
	if err != nil {
		return nil, err
	}
	x.out.Issues = issues
	x.out.Bundle, err = JSON(x.s.transactionOf(found))
	return nil, fhir.Wrap(op, err)
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
