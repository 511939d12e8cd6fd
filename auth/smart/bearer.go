package smart

import (
	"context"
	"net/http"
	"slices"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
)

// Authenticate returns the principal of a FHIR request. It looks at the Authorization header alone
// (SMART-601, 602). An absent or dead token is no error: Principal.State says TokenMissing or
// TokenInvalid, and auth.Decide answers. Errors: BadRequest for two headers, Unauthenticated for a
// DPoP proof that fails, Unavailable when the state cannot be read; nothing may be served then.
func (s *Server) Authenticate(r *http.Request) (auth.Principal, error) {
	const op = "smart.Authenticate"
	headers := r.Header.Values("Authorization")
	if len(headers) > 1 {
		return auth.Principal{}, fhir.Errorf(fhir.BadRequest, op, "invalid", "token.twice", "%s", s.faults["token.twice"].text)
	}
	if len(headers) == 0 {
		return auth.Principal{State: auth.TokenMissing}, nil
	}
	a, err := s.holder(r, headers[0])
	if err != nil {
		f := asFault(err)
		if f.rule == "token.invalid" {
			return auth.Principal{State: auth.TokenInvalid, Bound: f.bound}, nil
		}
		return auth.Principal{State: auth.TokenInvalid}, s.unproven(op, r, f)
	}
	c, found, err := s.registry.lookup(r.Context(), a.Client)
	if err != nil || !found {
		return auth.Principal{State: auth.TokenInvalid}, unavailable(op, err)
	}
	if a.grant != nil {
		return s.userPrincipal(r.Context(), a, c)
	}
	return principal(op, a, c)
}

// userPrincipal builds what access.md 1 says of a token with a user. Role and purpose are not in the
// token: they follow from the facts of now.
func (s *Server) userPrincipal(ctx context.Context, a *accessRecord, c *registered) (auth.Principal, error) {
	const op = "smart.Authenticate"
	scopes, err := auth.ParseScopes(a.Scopes)
	if err != nil {
		return auth.Principal{}, unavailable(op, err)
	}
	if !c.Changed.Before(a.Issued) {
		scopes = scopes.Intersect(c.scopes)
	}
	g := a.grant
	if g.isStaff() && !purposeFits(c, g.Purpose, true) { // the client lost it since
		return auth.Principal{State: auth.TokenInvalid}, nil
	}
	if g.isStaff() {
		return staffPrincipal(a, c, scopes), nil
	}
	standing, err := s.family.Standing(ctx, g.user(), refOf(g.Patient))
	if err != nil {
		return auth.Principal{}, unavailable(op, err)
	}
	p := auth.Principal{
		State: auth.TokenActive, Role: standing.Role, Client: c.ID, ClientName: c.Name, Subject: g.Subject,
		FHIRUser: refOf(g.FHIRUser), Patient: refOf(g.Patient), Scopes: scopes, Launch: g.launch(),
		Grant: g.ID, Bound: a.JKT != "", Issued: a.Issued, Expires: a.Expires,
	}
	if purposes := auth.Purposes(standing.Role); len(purposes) > 0 {
		p.Purpose = purposes[0]
	}
	return p, nil
}

// principal builds what access.md 1 says of a token without a user. Organisation, role and the
// bound of the scopes are those of the registration as it stands now.
func principal(op string, a *accessRecord, c *registered) (auth.Principal, error) {
	scopes, err := auth.ParseScopes(a.Scopes)
	if err != nil {
		return auth.Principal{}, unavailable(op, err)
	}
	if !c.Changed.Before(a.Issued) {
		scopes = scopes.Intersect(c.scopes)
	}
	return auth.Principal{
		State:        auth.TokenActive,
		Role:         c.role(),
		Client:       c.ID,
		ClientName:   c.Name,
		Organization: c.org,
		Scopes:       scopes,
		Purpose:      a.Purpose,
		Launch:       "none",
		Bound:        a.JKT != "",
		Issued:       a.Issued,
		Expires:      a.Expires,
	}, nil
}

// Standing returns who a client is without a user, as its registration stands now: with all scopes that it may
// ask for, and a purpose for which it once had a token. Its State is TokenInvalid when it is disabled, was
// removed, or has lost the purpose. It fails as Unavailable.
func (r *Registry) Standing(ctx context.Context, id, purpose string) (auth.Principal, error) {
	const op = "smart.Registry.Standing"
	c, found, err := r.lookup(ctx, id)
	if err != nil {
		return auth.Principal{State: auth.TokenInvalid}, unavailable(op, err)
	}
	if !found || !c.active() || !slices.Contains(c.GrantTypes, GrantCredentials) {
		return auth.Principal{State: auth.TokenInvalid}, nil
	}
	if _, err := purposeOf(c, purpose); err != nil { // it says only that the purpose is gone
		return auth.Principal{State: auth.TokenInvalid}, nil
	}
	return principal(op, &accessRecord{Scopes: c.scopes.String(), Purpose: purpose, Issued: r.c.Clock()}, c)
}

// unavailable makes every failure behind the token check one to try again: it fails closed.
func unavailable(op string, err error) error {
	if err == nil {
		return nil
	}
	return &fhir.Error{Kind: fhir.Unavailable, Op: op, Err: err, Issues: []fhir.Issue{{
		Severity: fhir.SeverityError, Code: "transient", Diagnostics: "state.down", Text: "Try again in a second.",
	}}}
}
