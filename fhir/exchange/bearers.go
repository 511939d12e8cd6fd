package exchange

import (
	"context"

	"github.com/drieluik/drieluik/fhir"
)

// loginTypes are the types of people who can log in (smart.md 1).
var loginTypes = []fhir.Type{"RelatedPerson", "Person", "Practitioner", "Patient"}

// Bearers returns who bears a business identifier, among those who can log in. It is asked at a login
// elsewhere and tells nobody anything: what a person then sees of a child is an access of its own.
func (s *Service) Bearers(ctx context.Context, id fhir.Identifier) ([]fhir.Ref, error) {
	const op = "exchange.Bearers"
	var out []fhir.Ref
	err := s.store.View(ctx, func(v Snapshot) error {
		for _, t := range loginTypes {
			stored, err := identified(v, t, id)
			if err != nil {
				return err
			}
			for _, st := range stored {
				out = append(out, st.Ref.Current())
			}
		}
		return nil
	})
	return out, fhir.Wrap(op, err)
}
