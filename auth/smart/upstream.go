package smart

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/drieluik/drieluik/auth/upstream"
	"github.com/drieluik/drieluik/fhir"
)

// upstreamPath is where a login elsewhere begins; it comes back to …/callback.
const upstreamPath = "/auth/upstream/"

// Upstream are the logins elsewhere that a server offers (smart.md 1).
type Upstream struct {
	Providers []*upstream.Provider // in the order of the login page
	// Identified returns every RelatedPerson, Person, Practitioner and Patient with an identifier.
	// Required when a provider has a Match.
	Identified func(ctx context.Context, id fhir.Identifier) ([]fhir.Ref, error)
}

func (u Upstream) missing() error {
	for _, p := range u.Providers {
		if p.Match != nil && u.Identified == nil {
			return errors.New("member Identified of Upstream is required by a provider with match")
		}
	}
	return nil
}

// provider is that of the address of a visit. Only a GET begins or ends a login.
func (s *Server) provider(v *visit) (*upstream.Provider, error) {
	for _, p := range s.upstream.Providers {
		if p.ID != chi.URLParam(v.r, "provider") {
			continue
		}
		if v.r.Method != http.MethodGet {
			v.w.Header().Set("Allow", "GET")
			return nil, refuse("form.method")
		}
		return p, nil
	}
	return nil, &pageFault{status: http.StatusNotFound, text: "late"}
}

func (s *Server) callback(p *upstream.Provider) string {
	return s.base + upstreamPath + p.ID + "/callback"
}

// upstreamLogin sends the browser to a provider. What comes back must fit the attempt that is kept for it.
func (s *Server) upstreamLogin(v *visit) error {
	p, err := s.provider(v)
	if err != nil {
		return err
	}
	f, err := s.flow(v)
	if err != nil {
		return err
	}
	a := p.NewAttempt(f.id.Reveal(), f.Fresh)
	address, err := p.Address(v.ctx(), s.callback(p), a)
	if err != nil {
		return s.upstreamFailed(v, f, p, err)
	}
	if err := s.take(v.ctx(), f); err != nil {
		return err
	}
	f.Attempt = a
	if err := s.keep(v.ctx(), f.id, f.browser, f.interaction); err != nil {
		return err
	}
	return v.seeOther(address)
}

// upstreamBack takes who comes back from a provider. The attempt is spent before anything is asked of the
// provider: of two that come back with it, one gets through.
func (s *Server) upstreamBack(v *visit) error {
	p, err := s.provider(v)
	if err != nil {
		return err
	}
	state := v.value("state")
	id, _, _ := strings.Cut(state, ".")
	f, err := s.flowOf(v, Secret(id))
	if err != nil {
		return err
	}
	a := f.Attempt
	if iss := v.value("iss"); !a.Is(p, state) || iss != "" && iss != p.Issuer {
		return s.upstreamFailed(v, f, p, &upstream.Error{Rule: "state"})
	}
	if err := s.take(v.ctx(), f); err != nil {
		return err
	}
	f.Attempt = nil
	who, identity, failed := s.upstreamUser(v, p, a)
	if failed != nil || who == nil {
		if err := s.keep(v.ctx(), f.id, f.browser, f.interaction); err != nil {
			return err
		}
		return s.upstreamFailed(v, f, p, failed)
	}
	if !f.isFor(who) {
		if err := s.keep(v.ctx(), f.id, f.browser, f.interaction); err != nil {
			return err
		}
		return s.otherUser(v, f)
	}
	session, err := s.startSession(v, who, identity.ACR, identity.At)
	if err != nil {
		return err
	}
	f.attach(session)
	if err := s.keep(v.ctx(), f.id, f.browser, f.interaction); err != nil {
		return err
	}
	return v.seeOther(f.next(f.id))
}

// upstreamUser redeems the code of a provider. A nil account without an error is somebody whom nobody
// has bound.
func (s *Server) upstreamUser(v *visit, p *upstream.Provider, a *upstream.Attempt) (*account, upstream.Identity, error) {
	code := v.value("code")
	if code == "" || v.value("error") != "" {
		return nil, upstream.Identity{}, &upstream.Error{Rule: "refused"}
	}
	id, err := p.Redeem(v.ctx(), s.callback(p), code, a)
	if err != nil {
		return nil, id, err
	}
	if id.ACR == "" {
		id.ACR = acrUpstream
	}
	who, err := s.upstreamAccount(v.ctx(), p, id)
	return who, id, err
}

// upstreamFailed says that a login elsewhere came to nothing: on the login page again, or for somebody
// unknown on a page of its own (E-UNKNOWN). Nothing that the provider said is shown or logged.
func (s *Server) upstreamFailed(v *visit, f *flow, p *upstream.Provider, err error) error {
	rule := upstream.RuleOf(err)
	if err == nil {
		rule = "unknown"
	}
	s.logVisit(v, slog.LevelInfo, "login_failed", slog.String("outcome", "refused"), slog.String("client_id", f.Client),
		slog.String("provider", p.ID), slog.String("rule", "upstream."+rule))
	switch {
	case err == nil && f.client == nil:
		return &pageFault{status: http.StatusForbidden, text: "unknown"}
	case err == nil:
		return &pageFault{status: http.StatusForbidden, text: "unknown", back: s.denied(f.interaction), app: f.client.appName(v.lang)}
	case rule == "":
		return err // of this server: try again
	}
	return s.showLogin(v, f, http.StatusOK, "login.failed")
}
