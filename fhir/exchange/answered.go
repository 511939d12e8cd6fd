package exchange

import (
	"context"
	"net/url"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
)

// Answered audits a request that any live token may make and that touches no data of a patient,
// such as $expand (access.md 6.1); Admit has let it in. Without the row nothing may be answered.
func (s *Service) Answered(ctx context.Context, c Call, i auth.Interaction, t fhir.Type, query url.Values) error {
	e := s.event(c, i, t)
	e.query = query
	e.asked(auth.Decision{Permit: true, HTTP: 200, Reason: "permit-directory"})
	return s.record(ctx, "exchange.Answered", e.audits(s))
}
