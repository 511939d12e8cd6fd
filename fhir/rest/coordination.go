package rest

import (
	"net/http"

	"github.com/drieluik/drieluik/fhir/exchange"
)

// Headers by which overlap between organisations is told and acknowledged (coordination.md 5.3, 6).
const (
	issueHeader = "X-Coordination-Issue"
	ackHeader   = "X-Coordination-Ack"
)

// foundHeaders name the issues that a change brought, where no OperationOutcome tells of them.
func foundHeaders(w http.ResponseWriter, r *http.Request, out exchange.Done) {
	if preferred(r) == "OperationOutcome" {
		return
	}
	for _, ref := range out.Found {
		w.Header().Add(issueHeader, ref.String())
	}
}
