package smart

import (
	"context"
	"slices"
	"strings"

	"github.com/drieluik/drieluik/fhir"
)

// staffType is the resource of a user who acts for an organisation.
const staffType fhir.Type = "Practitioner"

// isUserType reports whether an account can stand for a resource of the type.
func isUserType(t fhir.Type) bool {
	return slices.Contains([]fhir.Type{"RelatedPerson", "Person", "Patient", staffType}, t)
}

// Binding says whom an account stands for.
type Binding struct {
	FHIRUser         fhir.Ref // RelatedPerson, Person, Patient or Practitioner
	Organization     string   // system|value, of a Practitioner and of nobody else
	OrganizationName string   // absent: kept; an Organization that is not stored yet is named by its value
	Upstream         string   // PROVIDER or PROVIDER|SUBJECT: where the person logs in; absent: kept
}

// check returns every fault of a binding.
func (b Binding) check() []fhir.Issue {
	var issues []fhir.Issue
	if b.FHIRUser.ID == "" || !isUserType(b.FHIRUser.Type) {
		issues = append(issues, userIssue("user.fhirUser", "The account must stand for one RelatedPerson, Person, Patient or Practitioner, as Type/id."))
	}
	_, known := parseIdentifier(b.Organization)
	switch staff := b.FHIRUser.Type == staffType; {
	case staff && !known:
		issues = append(issues, userIssue("user.organization", "A Practitioner needs the identifier of one organisation, as system|value."))
	case !staff && b.Organization != "":
		issues = append(issues, userIssue("user.organization", "Only a Practitioner acts for an organisation."))
	}
	if b.OrganizationName != "" && !isDisplayName(b.OrganizationName) {
		issues = append(issues, userIssue("user.organization", "The name of the organisation has at most 80 characters, without control or direction characters."))
	}
	if b.Upstream != "" && !isUpstream(b.Upstream) {
		issues = append(issues, userIssue("user.upstream", "A login elsewhere is named by the id of its provider, or by PROVIDER|SUBJECT."))
	}
	return issues
}

// isUpstream reports whether a text names a provider, and a subject there or none.
func isUpstream(s string) bool {
	provider, subject, named := strings.Cut(s, "|")
	return isLogin(provider) && len(subject) <= 255 && (subject != "") == named
}

// bind writes the Organization of a checked binding, when it has one, and puts the binding into the
// account.
func (u *Users) bind(ctx context.Context, a *account, b Binding) error {
	a.ref = b.FHIRUser.Current()
	a.FHIRUser, a.Organization, a.OrganizationRef, a.org = a.ref.String(), "", "", fhir.Ref{}
	if b.Upstream != "" {
		a.Upstream = b.Upstream
	}
	if err := u.bindUpstream(ctx, a); err != nil {
		return err
	}
	if b.Organization == "" {
		return nil
	}
	identifier, _ := parseIdentifier(b.Organization)
	org, err := u.c.RegisterOrganization(ctx, Organization{Identifier: identifier, Name: b.OrganizationName, NameIfNew: identifier.Value})
	if err != nil {
		return err
	}
	a.org = org.Ref.Current()
	a.Organization, a.OrganizationRef = b.Organization, a.org.String()
	return nil
}
