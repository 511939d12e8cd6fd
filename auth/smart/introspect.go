package smart

import (
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/drieluik/drieluik/fhir"
)

// scopeIntrospect lets the holder of a token look at every token (SMART-501).
const scopeIntrospect = "drieluik/introspect"

// introspector is who asks: a client about its own tokens, or somebody about all.
type introspector struct {
	client party
	all    bool
}

// introspect answers POST /auth/introspect (SMART-501 to 503).
func (s *Server) introspect(w http.ResponseWriter, r *http.Request, q request) error {
	ctx := r.Context()
	asker, err := s.introspector(ctx, q)
	if err != nil {
		return err
	}
	token := Secret(q.form["token"])
	if token == "" {
		return &fault{rule: "form.missing", name: "token", client: asker.client}
	}
	found, about, err := s.aboutToken(ctx, token)
	if err != nil {
		return err
	}
	if about == nil || !asker.all && found != asker.client.id {
		if err := s.countGuess(ctx, asker.client.id); err != nil {
			return err
		}
		s.writeJSON(w, http.StatusOK, map[string]bool{"active": false})
		return nil
	}
	if found != asker.client.id {
		s.log.LogAttrs(ctx, slog.LevelInfo, "introspected", slog.String("outcome", "ok"),
			slog.String("client_id", asker.client.id), slog.String("organization", asker.client.organization), slog.String("of", found),
			slog.String("token", token.trace()), slog.String("address", q.address), slog.String("request_id", q.id))
	}
	s.writeJSON(w, http.StatusOK, about)
	return nil
}

// aboutToken returns the client of a live token and what introspection says of it (SMART-502), nil
// for everything else.
func (s *Server) aboutToken(ctx context.Context, token Secret) (string, map[string]any, error) {
	if token.is(prefixRefresh) {
		return s.aboutRefresh(ctx, token)
	}
	a, err := s.access(ctx, token)
	if err != nil || a == nil {
		return "", nil, err
	}
	about := map[string]any{
		"active": true, "scope": a.Scopes, "client_id": a.Client, "sub": a.Client,
		"exp": a.Expires.Unix(), "iat": a.Issued.Unix(), "token_type": a.tokenType(),
		"iss": s.base, "aud": s.fhirBase,
	}
	confirm(about, a.JKT)
	if g := a.grant; g != nil {
		about["sub"], about["fhirUser"] = g.Subject, s.fhirBase+"/"+g.FHIRUser
		maps.Copy(about, s.context(g))
	}
	return a.Client, about, nil
}

func (s *Server) aboutRefresh(ctx context.Context, token Secret) (string, map[string]any, error) {
	r, g, err := s.liveRefresh(ctx, token)
	if err != nil || r == nil {
		return "", nil, err
	}
	about := map[string]any{"active": true, "client_id": r.Client, "scope": g.Scopes, "exp": r.Expires.Unix()}
	confirm(about, r.JKT)
	return r.Client, about, nil
}

// confirm says to which key a token is bound.
func confirm(about map[string]any, jkt string) {
	if jkt != "" {
		about["cnf"] = map[string]string{"jkt": jkt}
	}
}

// introspector authenticates the caller: a bearer token with the scope, or a client that is not
// public.
func (s *Server) introspector(ctx context.Context, q request) (introspector, error) {
	if header := q.http.Header.Values("Authorization"); len(header) == 1 && (isScheme(header[0], "Bearer") || isScheme(header[0], "DPoP")) {
		return s.bearerIntrospector(ctx, q, header[0])
	}
	c, err := s.authenticate(ctx, q)
	if err != nil {
		return introspector{}, err
	}
	if c.Type == TypePublic {
		return introspector{}, &fault{rule: "client.auth", client: c.party()}
	}
	return introspector{client: c.party(), all: c.MayIntrospect}, nil
}

func (s *Server) bearerIntrospector(ctx context.Context, q request, header string) (introspector, error) {
	if q.form["client_assertion"] != "" || q.form["client_secret"] != "" {
		return introspector{}, refuse("client.two")
	}
	found, err := s.holder(q.http, header)
	if err != nil {
		return introspector{}, s.unheld(ctx, q, err)
	}
	if !slices.Contains(strings.Fields(found.Scopes), scopeIntrospect) {
		return introspector{}, &fault{rule: "token.scope", name: scopeIntrospect, bound: found.JKT != "", client: found.party()}
	}
	return introspector{client: found.party(), all: true}, nil
}

// revoke answers POST /auth/revoke (SMART-511): 200 without a body for own, unknown and foreign
// tokens; only own ones die.
func (s *Server) revoke(w http.ResponseWriter, r *http.Request, q request) error {
	ctx := r.Context()
	c, err := s.authenticate(ctx, q)
	if err != nil {
		return err
	}
	token := Secret(q.form["token"])
	if token == "" {
		return &fault{rule: "form.missing", name: "token", client: c.party()}
	}
	if err := s.crossOrigin(w.Header(), c, r); err != nil {
		return err
	}
	revoked, grant, err := s.revokeToken(ctx, c, token)
	if err != nil {
		return err
	}
	if revoked {
		s.log.LogAttrs(ctx, slog.LevelInfo, "grant_revoked", slog.String("outcome", "ok"),
			slog.String("client_id", c.ID), slog.String("organization", c.OrganizationRef), slog.String("token", token.trace()), slog.String("by", "client"),
			slog.String("grant", grant),
			slog.String("address", q.address), slog.String("request_id", q.id))
	}
	w.Header().Set("Content-Length", "0")
	w.WriteHeader(http.StatusOK)
	return nil
}

// revokeToken ends a token of the client: an access token alone, a refresh token with its grant, which it
// names.
func (s *Server) revokeToken(ctx context.Context, c *registered, token Secret) (revoked bool, grant string, err error) {
	if token.is(prefixRefresh) {
		r, err := s.refreshOf(ctx, token)
		if err != nil || r == nil || r.Client != c.ID {
			return false, "", err
		}
		return true, r.Grant, s.endGrant(ctx, r.Grant)
	}
	a, err := s.recordOf(ctx, token)
	if err != nil || a == nil || a.Client != c.ID {
		return false, "", err
	}
	_, err = s.state.Take(ctx, kindAccess, token.hash())
	return err == nil, a.Grant, absent(err)
}

// access returns the record of a live access token of an active client, and nil for everything
// else. It is the per-request check of smart.md 3.1, without a cache: record, end, client, and of a
// token with a user the grant, the user and the Consent.
func (s *Server) access(ctx context.Context, token Secret) (*accessRecord, error) {
	const op = "smart.access"
	a, err := s.recordOf(ctx, token)
	if err != nil || a == nil {
		return nil, fhir.Wrap(op, err)
	}
	c, found, err := s.registry.lookup(ctx, a.Client)
	if err != nil {
		return nil, fhir.Wrap(op, err)
	}
	if !found || !c.active() {
		return nil, nil
	}
	if a.Grant == "" {
		return a, nil
	}
	if s.family == nil {
		return nil, nil
	}
	if a.grant, err = s.grantOf(ctx, a.Grant); err != nil {
		return nil, fhir.Wrap(op, err)
	}
	live, err := s.alive(ctx, a.grant)
	if err != nil || !live {
		return nil, fhir.Wrap(op, err)
	}
	return a, nil
}

// recordOf returns the record of an access token that is not over.
func (s *Server) recordOf(ctx context.Context, token Secret) (*accessRecord, error) {
	if !token.is(prefixAccess) {
		return nil, nil
	}
	value, err := s.state.Get(ctx, kindAccess, token.hash())
	if err != nil {
		return nil, absent(err)
	}
	var a accessRecord
	if err := json.Unmarshal(value, &a); err != nil {
		return nil, fhir.Wrap("smart.recordOf", err)
	}
	if !s.clock().Before(a.Expires) {
		return nil, nil
	}
	return &a, fhir.Wrap("smart.recordOf", a.openReason(token))
}
