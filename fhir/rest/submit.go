package rest

import (
	"net/http"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/exchange"
)

// submit serves POST /$submit: 201 with the receipt, 200 for an exact repeat.
func (s *Server) submit(w http.ResponseWriter, r *http.Request) error {
	c, err := s.caller(r, auth.Create, "Provenance")
	if err != nil {
		return err
	}
	c.Operation = "submit"
	b, err := body(r, "application/json", "application/fhir+json")
	if err != nil {
		return s.Exchange.Reject(r.Context(), c, auth.Create, "", err)
	}
	receipt, err := s.Exchange.Submit(r.Context(), c, b, fhir.Limits{Bytes: int(s.MaxBody)})
	if err != nil {
		return err
	}
	status := http.StatusCreated
	if receipt.Repeat {
		status = http.StatusOK
	}
	return writeJSON(w, status, receipt.Outcome)
}

func writeOutcome(w http.ResponseWriter, status int, issues []fhir.Issue) error {
	b, err := exchange.JSON(exchange.NewOutcome(issues))
	if err != nil {
		return fhir.Wrap("rest.outcome", err)
	}
	return writeJSON(w, status, b)
}
