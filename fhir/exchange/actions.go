package exchange

import (
	"context"
	"slices"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/workflow"
)

// Actions lists who carries out what of a child's plans in force, with how often a week (mks.md 7.12), as far
// as the principal may see it; a helper is told of what it does itself. It answers NotFound when the principal
// may not know the child.
func (s *Service) Actions(ctx context.Context, c Call, patient fhir.Ref) ([]workflow.Doer, error) {
	const op = "exchange.Actions"
	c.Operation = "actions"
	var out []workflow.Doer
	err := s.look(ctx, op, c, patient, nil, func(o *outlook) (refused, err error) {
		if _, refused, err := o.open(patient); refused != nil || err != nil {
			return refused, err
		}
		if out, err = workflow.Actions(o, patient.Current(), o.w.now); err != nil || c.Principal.Role != auth.Helper {
			return nil, err
		}
		own, err := o.w.ties(c.Principal.FHIRUser)
		out = slices.DeleteFunc(out, func(d workflow.Doer) bool {
			return !slices.Contains(own, kin{patient: patient.Current(), performer: d.Who})
		})
		return nil, err
	})
	return out, err
}
