package smart

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/drieluik/drieluik/auth"
)

// accessRecord is what is kept of an access token, under the hash of its text. It holds ids alone.
type accessRecord struct {
	Client       string    `json:"client"`
	Organization string    `json:"organization,omitempty"` // Organization/id
	Scopes       string    `json:"scopes"`                 // as answered
	Purpose      string    `json:"purpose,omitempty"`      // with a grant, the role's default at each request
	Grant        string    `json:"grant,omitempty"`        // of a token with a user
	Issued       time.Time `json:"issued"`
	Expires      time.Time `json:"expires"`
	JKT          string    `json:"jkt,omitempty"`    // thumbprint of the key that it is bound to
	Reason       []byte    `json:"reason,omitempty"` // of an emergency, sealed under the token

	grant  *grantRecord // of Grant, once it was looked up
	reason string       // Reason, opened
}

// party names the token's client in a log.
func (a *accessRecord) party() party { return party{a.Client, a.Organization} }

// tokenType is how the token is sent (SMART-712).
func (a *accessRecord) tokenType() string {
	if a.JKT != "" {
		return "DPoP"
	}
	return "Bearer"
}

// tokenAnswer is the answer of SMART-303.
type tokenAnswer struct {
	AccessToken string
	TokenType   string
	ExpiresIn   int // seconds
	Scope       string
	Refresh     Secret         // empty: none
	IDToken     string         // empty: none
	Context     map[string]any // members of the launch context

	grant *grantRecord // for the log; nil without a user
}

// body is the answer as it is written.
func (a tokenAnswer) body() map[string]any {
	m := map[string]any{
		"access_token": a.AccessToken, "token_type": a.TokenType, "expires_in": a.ExpiresIn, "scope": a.Scope,
	}
	maps.Copy(m, a.Context)
	for name, value := range map[string]string{"refresh_token": a.Refresh.Reveal(), "id_token": a.IDToken} {
		if value != "" {
			m[name] = value
		}
	}
	return m
}

// token answers POST /auth/token. The first failing step answers: transport, repeated parameters,
// grant_type, client authentication, whether the client may use the grant, the grant's own rules.
func (s *Server) token(w http.ResponseWriter, r *http.Request, q request) error {
	ctx := r.Context()
	grant := q.form["grant_type"]
	if grant == "" {
		return &fault{rule: "form.missing", name: "grant_type"}
	}
	if grant != GrantCredentials && grant != GrantCode && grant != GrantRefresh {
		return refuse("grant.type")
	}
	c, err := s.tokenClient(ctx, grant, q)
	if err != nil {
		return err
	}
	if err := s.crossOrigin(w.Header(), c, r); err != nil {
		return err
	}
	answer, err := s.grant(ctx, grant, c, q)
	if err != nil {
		return ofClient(err, c)
	}
	if grant != GrantCredentials { // a backend's is told of while it is stored
		if err := s.logIssued(ctx, q, c, grant, answer); err != nil {
			return ofClient(unavailable("smart.token", err), c)
		}
	}
	s.writeJSON(w, http.StatusOK, answer.body())
	return nil
}

// tokenClient authenticates the client. A public client may leave its name out of a refresh: the
// token names it (SMART-422).
func (s *Server) tokenClient(ctx context.Context, grant string, q request) (*registered, error) {
	unnamed := grant == GrantRefresh && q.form["refresh_token"] != "" && len(q.http.Header.Values("Authorization")) == 0
	for _, name := range []string{"client_id", "client_secret", "client_assertion", "client_assertion_type"} {
		unnamed = unnamed && q.form[name] == ""
	}
	if unnamed && s.family != nil {
		return s.byRefresh(ctx, q)
	}
	return s.authenticate(ctx, q)
}

func (s *Server) grant(ctx context.Context, grant string, c *registered, q request) (tokenAnswer, error) {
	if !slices.Contains(c.GrantTypes, grant) {
		return tokenAnswer{}, refuse("grant.client")
	}
	var err error
	if q.proof, err = s.proven(ctx, c, q); err != nil {
		return tokenAnswer{}, err
	}
	switch grant {
	case GrantCode:
		a, err := s.redeem(ctx, c, q)
		return a, s.provenForNothing(ctx, q, err)
	case GrantRefresh:
		a, err := s.refresh(ctx, c, q)
		return a, s.provenForNothing(ctx, q, err)
	}
	return s.clientCredentials(ctx, c, q)
}

// provenForNothing counts a guess with which a proof came: anybody can sign one, and have it verified.
func (s *Server) provenForNothing(ctx context.Context, q request, err error) error {
	if f := (*fault)(nil); q.proof != nil && errors.As(err, &f) && (f.rule == "code.unknown" || f.rule == "refresh.unknown") {
		return s.countFailure(ctx, q.address, f)
	}
	return err
}

// clientCredentials gives a backend client a token of its own (SMART-309, 310).
func (s *Server) clientCredentials(ctx context.Context, c *registered, q request) (tokenAnswer, error) {
	if err := s.useProof(ctx, q); err != nil {
		return tokenAnswer{}, err
	}
	for _, name := range []string{"resource", "audience"} {
		if v, sent := q.form[name]; sent && v != s.fhirBase {
			return tokenAnswer{}, refuse("target")
		}
	}
	purpose, err := purposeOf(c, q.form["purpose_of_use"])
	if err != nil {
		return tokenAnswer{}, err
	}
	scopes, err := grantScopes(c, q.form["scope"], s.served())
	if err != nil {
		return tokenAnswer{}, err
	}
	now := s.clock()
	if !s.rates.allow(c.ID, now) {
		return tokenAnswer{}, &fault{rule: "client.rate", retry: 1}
	}
	return s.issueTold(ctx, accessRecord{
		Client: c.ID, Organization: c.OrganizationRef, Scopes: scopes, Purpose: purpose,
		Issued: now.UTC(), Expires: now.Add(s.settings.BackendTokenTTL).UTC(), JKT: q.jkt(),
	}, func(a tokenAnswer) error { return s.logIssued(ctx, q, c, GrantCredentials, a) })
}

// issue stores the record and returns the token, whose text is kept nowhere.
func (s *Server) issue(ctx context.Context, a accessRecord) (tokenAnswer, error) {
	return s.issueTold(ctx, a, func(tokenAnswer) error { return nil })
}

// issueTold is issue that tells the log beside storing, so that both are durable in the time of one.
// Without either there is no token.
func (s *Server) issueTold(ctx context.Context, a accessRecord, tell func(tokenAnswer) error) (tokenAnswer, error) {
	token, err := newSecret(s.random, prefixAccess, secretBytes)
	if err != nil {
		return tokenAnswer{}, err
	}
	if a.reason != "" {
		if a.Reason, err = seal(s.random, token, reasonSeal, a.reason); err != nil {
			return tokenAnswer{}, err
		}
	}
	value, err := json.Marshal(a)
	if err != nil {
		return tokenAnswer{}, err
	}
	life := a.Expires.Sub(a.Issued)
	answer := tokenAnswer{AccessToken: token.Reveal(), TokenType: a.tokenType(), ExpiresIn: int(life.Seconds()), Scope: a.Scopes}
	told := make(chan error, 1)
	go func() { told <- tell(answer) }()
	err = s.state.Put(ctx, kindAccess, token.hash(), value, life)
	if lost := <-told; err == nil && lost != nil {
		err = unavailable("smart.token", lost)
	}
	if err != nil {
		return tokenAnswer{}, err
	}
	return answer, nil
}

// purposeOf judges purpose_of_use (SMART-115): absent means the role's default; every other code
// must be one of the role and be registered for the client.
func purposeOf(c *registered, asked string) (string, error) {
	ofRole := auth.Purposes(c.role())
	if asked == "" || asked == ofRole[0] {
		return ofRole[0], nil
	}
	if !slices.Contains(ofRole, asked) || !slices.Contains(c.Purposes, asked) {
		return "", refuse("authz.purpose")
	}
	return asked, nil
}

// ofClient notes the authenticated client on a refusal, for the log.
func ofClient(err error, c *registered) error {
	f := asFault(err)
	f.client = c.party()
	return f
}
