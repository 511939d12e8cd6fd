package rest

import (
	"net/http"
	"net/url"

	"github.com/go-chi/chi/v5"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/exchange"
)

// validate serves $validate of a type and of one resource. It answers 200 with all that was found,
// also when that is that the content cannot be taken.
func (s *Server) validate(w http.ResponseWriter, r *http.Request) error {
	t, err := typeOf(r)
	if err != nil {
		return err
	}
	c, err := s.caller(r, auth.Read, t)
	if err != nil {
		return err
	}
	c.Operation = "validate"
	ask := exchange.Validation{Ref: fhir.Ref{Type: t}}
	if chi.URLParam(r, "id") != "" {
		if ask.Ref, err = refOf(r); err != nil {
			return s.Exchange.Reject(r.Context(), c, auth.Read, t, err)
		}
	}
	query, found, err := validation(r, &ask)
	if err != nil {
		return s.Exchange.Reject(r.Context(), c, auth.Read, t, err)
	}
	if fhir.HasErrors(found) {
		if err := s.Exchange.Answered(r.Context(), c, auth.Read, t, query); err != nil {
			return err
		}
		return writeOutcome(w, http.StatusOK, found)
	}
	issues, err := s.Exchange.Validate(r.Context(), c, ask, query)
	if err != nil {
		return err
	}
	return writeOutcome(w, http.StatusOK, issues)
}

// validation reads what is to be checked, and how: from the URL, and from a body that is the resource
// itself or Parameters around it. Issues are faults of its JSON.
func validation(r *http.Request, ask *exchange.Validation) (url.Values, []fhir.Issue, error) {
	const op = "rest.validation"
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, nil, fhir.Errorf(fhir.BadRequest, op, "invalid", "query-form", "The query is not properly percent-encoded.")
	}
	ask.Mode, ask.Profiles = query.Get("mode"), query["profile"]
	if r.ContentLength == 0 && ask.Ref.ID != "" {
		return query, nil, nil
	}
	b, err := body(r, "application/fhir+json", "application/json")
	if err != nil {
		return query, nil, err
	}
	limits := fhir.Limits{Bytes: len(b)}
	if _, issues := fhir.ParseDocument(b, limits); fhir.HasErrors(issues) {
		return query, nil, &fhir.Error{Kind: fhir.Malformed, Op: op, Issues: issues}
	}
	res, issues := fhir.Parse(b, limits)
	if fhir.HasErrors(issues) {
		return query, issues, nil
	}
	if inner, wrapped := wrappedIn(res, ask); wrapped {
		if inner == nil {
			return query, nil, nil
		}
		if res, issues = fhir.Parse(inner, limits); fhir.HasErrors(issues) {
			return query, issues, nil
		}
	}
	if res.Type() != ask.Ref.Type {
		e := fhir.Errorf(fhir.BadRequest, op, "invalid", "type-differs", "The resourceType in the body must be the type in the URL.")
		e.Issues[0].Expression = "resourceType"
		return query, nil, e
	}
	ask.Resource = res
	return query, nil, nil
}

// wrappedIn reads the parameters of a Parameters resource around the content: resource, mode, profile.
// Parameters that are themselves to be checked have none of that name.
func wrappedIn(res *fhir.Resource, ask *exchange.Validation) (content []byte, wrapped bool) {
	if res.Type() != "Parameters" {
		return nil, false
	}
	wrapped = ask.Ref.Type != "Parameters"
	for p := range res.Root().All("parameter") {
		switch p.Member("name").Text() {
		case "resource":
			content, wrapped = []byte(p.Member("resource").Raw()), true
		case "mode":
			ask.Mode = p.Member("valueCode").Text()
		case "profile":
			for _, kind := range []string{"valueUri", "valueCanonical"} {
				if v := p.Member(kind).Text(); v != "" {
					ask.Profiles = append(ask.Profiles, v)
				}
			}
		}
	}
	return content, wrapped
}
