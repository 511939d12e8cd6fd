package exchange

import (
	"context"
	"net/url"
	"slices"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
)

// Validation is what $validate asks (R4, Resource-operation-validate).
type Validation struct {
	Ref      fhir.Ref       // type; with an id, the stored resource that the content is to replace
	Resource *fhir.Resource // nil: what is stored under Ref, or for delete nothing
	Mode     string         // create, update, delete, profile, or "" for the content alone
	Profiles []string       // canonical URLs, besides those that the content claims
}

// validationModes are the modes of R4.
var validationModes = []string{"", "create", "update", "delete", "profile"}

// Validate checks content as a write would, and stores nothing. The issues are all that it found. The
// error is that of a read when a stored resource is named and may not be read, and BadRequest for a
// question that cannot be answered.
func (s *Service) Validate(ctx context.Context, c Call, v Validation, query url.Values) ([]fhir.Issue, error) {
	c.Operation = "validate"
	if err := s.askable(v); err != nil {
		return nil, s.Reject(ctx, c, auth.Read, v.Ref.Type, err)
	}
	if v.Ref.ID == "" {
		if err := s.Answered(ctx, c, auth.Read, v.Ref.Type, query); err != nil {
			return nil, err
		}
		return s.judged(ctx, v), nil
	}
	stored, err := s.Read(ctx, c, v.Ref)
	if err != nil {
		return nil, err
	}
	if v.Resource == nil && v.Mode != "delete" {
		if v.Resource, err = stored.tree(); err != nil {
			return nil, err
		}
	}
	return s.judged(ctx, v), nil
}

// askable refuses a question that has no answer: all that is wrong with it at once.
func (s *Service) askable(v Validation) error {
	var issues []fhir.Issue
	fault := func(wrong bool, rule, text string) {
		if wrong {
			issues = append(issues, fhir.Issue{Severity: fhir.SeverityError, Code: "invalid", Diagnostics: rule, Text: text})
		}
	}
	fault(!slices.Contains(validationModes, v.Mode), "validate-mode", "The mode is create, update, delete or profile.")
	fault(v.Mode == "profile" && len(v.Profiles) == 0, "validate-profile-missing", "The mode profile needs the parameter profile.")
	fault(v.Mode == "delete" && v.Ref.ID == "", "validate-delete", "Whether a resource may be deleted is asked of one: POST /Type/id/$validate.")
	fault(v.Resource == nil && v.Ref.ID == "", "validate-resource", "Send the resource to check, alone or as the parameter resource.")
	for _, p := range v.Profiles {
		fault(!s.checks.Knows(p), "validate-profile-unknown", "A profile that is asked for is not loaded; load the package that holds it.")
	}
	if len(issues) == 0 {
		return nil
	}
	return &fhir.Error{Kind: fhir.BadRequest, Op: "exchange.Validate", Issues: issues}
}

// judged checks the content, and what the mode says of its id.
func (s *Service) judged(ctx context.Context, v Validation) []fhir.Issue {
	if v.Mode == "delete" {
		if auth.Refused(v.Ref.Type, auth.Delete) {
			return []fhir.Issue{{Severity: fhir.SeverityError, Code: "not-supported", Diagnostics: "delete-refused", Text: refusalText("delete-refused")}}
		}
		return nil
	}
	var issues []fhir.Issue
	s.trace.run(ctx, StepValidate, func() Step {
		issues = s.checks.Resource(v.Resource, v.Profiles...)
		return judgedStep(v.Ref.Type, issues)
	})
	if v.Mode == "update" && (v.Resource.ID() == "" || v.Ref.ID != "" && v.Resource.ID() != v.Ref.ID) {
		issues = append(issues, fhir.Issue{
			Severity: fhir.SeverityError, Code: "invalid", Expression: string(v.Ref.Type) + ".id", Diagnostics: "id-differs",
			Text: "An update names its resource: the id in the body must be the id in the URL.",
		})
	}
	return issues
}
