package smart

import (
	"context"
	"strings"

	"github.com/drieluik/drieluik/auth/upstream"
	"github.com/drieluik/drieluik/fhir"
)

// upstreamPrefix is where the main store leads from a login elsewhere to an account: by the subject at a
// provider, or by whom the account stands for.
const upstreamPrefix = "upstream/"

func upstreamKey(provider, kind, name string) string {
	return upstreamPrefix + hexHash(Secret(provider+"\x00"+kind+"\x00"+name))
}

// key is where the login elsewhere of an account is found; "" without one.
func (a *account) upstreamKey() string {
	provider, subject, named := strings.Cut(a.Upstream, "|")
	switch {
	case a.Upstream == "":
		return ""
	case named:
		return upstreamKey(provider, "subject", subject)
	}
	return upstreamKey(provider, "user", a.ref.String())
}

// bindUpstream writes the way from a login elsewhere to an account. Conflict when another account has it.
func (u *Users) bindUpstream(ctx context.Context, a *account) error {
	key := a.upstreamKey()
	if key == "" {
		return nil
	}
	other, err := u.byUpstream(ctx, key)
	if err != nil {
		return err
	}
	if other != nil && other.Subject != a.Subject {
		return fhir.Errorf(fhir.Conflict, "smart.Users.bindUpstream", "duplicate", "user.upstream", "Another account is bound to this login elsewhere; bind that one to another first.")
	}
	return u.c.Store.SaveSetting(ctx, key, []byte(a.Subject))
}

// byUpstream returns the account to which a key leads now; nil for none.
func (u *Users) byUpstream(ctx context.Context, key string) (*account, error) {
	subject, found, err := u.c.Store.Setting(ctx, key)
	if err != nil {
		return nil, &fhir.Error{Kind: fhir.Unavailable, Op: "smart.Users.byUpstream", Err: err}
	}
	if !found {
		return nil, nil
	}
	a, err := u.bySubject(ctx, string(subject))
	if err != nil || a == nil || a.upstreamKey() != key { // bound to another since
		return nil, err
	}
	return a, nil
}

// upstreamAccount returns the active account of who logged in elsewhere, nil when there is none: the
// operator has bound one to the subject, or one to the only person with the identifier of the claim. No
// account is ever made here.
func (s *Server) upstreamAccount(ctx context.Context, p *upstream.Provider, id upstream.Identity) (*account, error) {
	a, err := s.users.byUpstream(ctx, upstreamKey(p.ID, "subject", id.Subject))
	if err == nil && a == nil && p.Match != nil && id.Match != "" {
		var refs []fhir.Ref
		refs, err = s.upstream.Identified(ctx, fhir.Identifier{System: p.Match.System, Value: id.Match})
		if err == nil && len(refs) == 1 {
			a, err = s.users.byUpstream(ctx, upstreamKey(p.ID, "user", refs[0].Current().String()))
		}
	}
	if err != nil || a == nil || !a.active() || !a.actsFor(p, id) {
		return nil, unavailable("smart.upstreamAccount", err)
	}
	return a, nil
}

// actsFor reports whether the provider names the organisation of a professional, when it is to name one.
func (a *account) actsFor(p *upstream.Provider, id upstream.Identity) bool {
	if p.OrgClaim == "" || !a.staff() {
		return true
	}
	registered, _ := parseIdentifier(a.Organization)
	return id.Organization != "" && (id.Organization == registered.Value || id.Organization == a.Organization)
}
