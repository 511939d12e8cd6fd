package rest

import (
	"net/http"
	"net/url"
	"strconv"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
)

// convert serves POST /$convert: what $submit would make of a document as a Bundle, and with to= the
// source documents of a Bundle. Prefer: return=OperationOutcome asks for the mapping report instead.
func (s *Server) convert(w http.ResponseWriter, r *http.Request) error {
	c, err := s.caller(r, auth.Read, "")
	if err != nil {
		return err
	}
	c.Operation = "convert"
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		err = fhir.Errorf(fhir.BadRequest, "rest.convert", "invalid", "query-form", "The query is not properly percent-encoded.")
		return s.Exchange.Reject(r.Context(), c, auth.Read, "", err)
	}
	b, err := body(r, "application/json", "application/fhir+json")
	if err != nil {
		return s.Exchange.Reject(r.Context(), c, auth.Read, "", err)
	}
	out, err := s.Exchange.ConvertFor(r.Context(), c, query.Get("to"), b, fhir.Limits{Bytes: int(s.MaxBody)}, query)
	switch {
	case err != nil:
		return err
	case prefers(r, "return=OperationOutcome"):
		return writeOutcome(w, http.StatusOK, out.Report())
	case out.Documents != nil:
		return writeDocuments(w, out.Documents)
	}
	return writeJSON(w, http.StatusOK, out.Bundle)
}

// writeDocuments answers with source documents, which are no FHIR.
func writeDocuments(w http.ResponseWriter, body []byte) error {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	_, err := w.Write(body)
	return err
}
