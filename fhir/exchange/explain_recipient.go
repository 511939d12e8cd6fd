package exchange

import (
	"net/url"
	"slices"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/search"
)

// recipients are the principals that the recipient may be: one, or one for each organisation that a
// member of staff works for. None when nobody is known under the reference.
func (x *explaining) recipients() ([]auth.Principal, error) {
	ref := x.ask.Recipient.Current()
	st, err := x.v.Read(ref)
	if missing(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	switch ref.Type {
	case "Organization":
		p, err := x.principal(auth.System, fhir.Ref{}, ref)
		return []auth.Principal{p}, err
	case "Practitioner":
		return x.staff(ref)
	case "Patient", "RelatedPerson", "Person":
		return x.kin(st)
	}
	return nil, nil
}

// kin is a person of the child: the child itself, a guardian or a helper.
func (x *explaining) kin(st Stored) ([]auth.Principal, error) {
	ref := st.Ref.Current()
	ties, err := x.w.ties(ref)
	if err != nil || !slices.ContainsFunc(ties, func(t kin) bool { return t.patient == x.ask.Patient }) {
		return nil, err
	}
	role, err := x.w.roleOf(ref, x.ask.Patient)
	if err != nil {
		return nil, err
	}
	p, err := x.principal(role, ref, fhir.Ref{})
	return []auth.Principal{p}, err
}

// staff is a member of staff at each organisation that it works for.
func (x *explaining) staff(ref fhir.Ref) ([]auth.Principal, error) {
	plan, issues := search.Parse("PractitionerRole", url.Values{"practitioner": {ref.String()}}, search.Options{Count: MaxClasses, Base: x.w.s.base})
	if fhir.HasErrors(issues) {
		return nil, &fhir.Error{Kind: fhir.Internal, Op: "exchange.staff", Issues: issues}
	}
	page, err := x.v.Search(plan, auth.Filter{Directory: true})
	if err != nil {
		return nil, fhir.Wrap("exchange.staff", err)
	}
	orgs := []fhir.Ref{}
	for _, role := range page.Matches {
		for _, r := range role.Facts.Refs {
			if r.Type == "Organization" && !slices.Contains(orgs, r.Current()) {
				orgs = append(orgs, r.Current())
			}
		}
	}
	if len(orgs) == 0 {
		orgs = append(orgs, fhir.Ref{}) // works nowhere that is known: no relation
	}
	out := make([]auth.Principal, len(orgs))
	for i, org := range orgs {
		if out[i], err = x.principal(auth.Professional, ref, org); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// principal is the recipient with every scope that its role may have: what is judged is the policy.
func (x *explaining) principal(role auth.Role, user, organization fhir.Ref) (auth.Principal, error) {
	p := auth.Principal{State: auth.TokenActive, Role: role, Organization: organization, FHIRUser: user, Purpose: x.ask.Purpose}
	if p.Purpose == "" {
		p.Purpose = auth.Purposes(role)[0]
	}
	if auth.OfFamily(role) {
		p.Patient = x.ask.Patient
	}
	var err error
	p.Scopes, err = auth.ParseScopes(auth.Levels(role)[0] + "/*.cruds")
	return p, fhir.Wrap("exchange.principal", err)
}
