package smart

import (
	"context"
	"crypto/sha256"
	"strings"
	"time"

	"github.com/drieluik/drieluik/auth/jose"
)

// Times of SMART-324.
const (
	clockSkew    = 60 * time.Second
	maxAssertion = 360 * time.Second // of exp ahead of now, skew included
)

// byAssertion authenticates by private_key_jwt (SMART-321 to 325). Failures count per address.
func (s *Server) byAssertion(ctx context.Context, q request) (*registered, error) {
	c, err := s.checkAssertion(ctx, q)
	if err == nil {
		return c, nil
	}
	f := asFault(err)
	if f.rule == "state.down" || f.rule == "server.error" || f.rule == "client.rate" {
		return nil, err
	}
	if c != nil {
		f.client = c.party()
	}
	return nil, s.countFailure(ctx, q.address, f)
}

// checkAssertion judges the assertion. What is cheap comes first, keys are fetched only for an
// assertion that is otherwise right, and the jti is claimed last. With an error the client is the
// one that was named, if it exists.
func (s *Server) checkAssertion(ctx context.Context, q request) (*registered, error) {
	f := q.form
	if f["client_assertion_type"] != jose.AssertionType || f["client_assertion"] == "" {
		return nil, refuse("jwt.type")
	}
	a, err := jose.ParseAssertion(f["client_assertion"])
	if err != nil {
		return nil, err
	}
	if a.Claims.Subject != a.Claims.Issuer {
		return nil, refuse("jwt.sub")
	}
	if sent, found := f["client_id"]; found && sent != a.Claims.Issuer {
		return nil, refuse("jwt.iss")
	}
	c, found, err := s.registry.lookup(ctx, a.Claims.Issuer)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, refuse("client.auth")
	}
	if !c.active() || c.AuthMethod != AuthJWT {
		return c, refuse("client.auth")
	}
	if err := s.checkClaims(a, c); err != nil {
		return c, err
	}
	if err := s.mayVerify(q.address); err != nil {
		return c, err
	}
	if err := s.checkSignature(ctx, q, a, c); err != nil {
		return c, err
	}
	return c, s.claimAssertion(ctx, a.Claims)
}

// checkClaims judges everything that needs no key.
func (s *Server) checkClaims(a *jose.Assertion, c *registered) error {
	now := s.clock()
	latest := now.Add(clockSkew)
	algs := c.algs(s.settings.AssertionAlgs)
	if err := a.CheckAlg(algs); err != nil {
		return &fault{rule: jose.RuleOf(err), name: strings.Join(algs, ", "), err: err}
	}
	exp := time.Unix(a.Claims.Expires.Unix, 0)
	switch {
	case a.Header.KeySet != "" && a.Header.KeySet != c.JWKSURI:
		return refuse("jwt.jku")
	case a.Claims.Audience != s.base && a.Claims.Audience != s.base+"/auth/token":
		return refuse("jwt.aud")
	case !exp.After(now.Add(-clockSkew)):
		return refuse("jwt.exp")
	case exp.After(now.Add(maxAssertion)):
		return refuse("jwt.exp_far")
	case a.Claims.NotBefore.Sent && time.Unix(a.Claims.NotBefore.Unix, 0).After(latest):
		return refuse("jwt.nbf")
	case a.Claims.IssuedAt.Sent && time.Unix(a.Claims.IssuedAt.Unix, 0).After(latest):
		return refuse("jwt.iat")
	}
	return nil
}

// checkSignature verifies with the registered keys, by value or by URL (SMART-328).
func (s *Server) checkSignature(ctx context.Context, q request, a *jose.Assertion, c *registered) error {
	set := c.keys
	if c.JWKSURI != "" {
		fetched, err := s.keys.keySet(ctx, c.JWKSURI, a.Header.KeyID)
		if err != nil {
			s.logKeyFetch(ctx, q, c, err)
			return err
		}
		set = fetched
	}
	return a.Verify(set, c.algs(s.settings.AssertionAlgs))
}

// claimAssertion lets each (iss, jti) pass once until the assertion is over (SMART-325).
func (s *Server) claimAssertion(ctx context.Context, c jose.Claims) error {
	left := time.Unix(c.Expires.Unix, 0).Add(clockSkew).Sub(s.clock())
	key := sha256.Sum256([]byte(c.Issuer + "\x00" + c.ID))
	first, _, err := s.state.Once(ctx, kindAssertion, key, max(left, time.Second))
	if err != nil {
		return err
	}
	if !first {
		return refuse("jwt.replay")
	}
	return s.checkMemory(c)
}

// checkMemory refuses an assertion that may have been used before the state lost its claims: one
// without an iat after that, of a client whose clock is right. It is asked after the claim, which
// finds out about a loss.
func (s *Server) checkMemory(c jose.Claims) error {
	lost := s.lost()
	if lost.IsZero() {
		return nil
	}
	over := lost.Add(maxAssertion) // what was used before ends by then, and passes a minute longer
	old := s.clock().Before(over) || !time.Unix(c.Expires.Unix, 0).After(over)
	if old && (!c.IssuedAt.Sent || !time.Unix(c.IssuedAt.Unix, 0).After(lost.Add(clockSkew))) {
		return refuse("jwt.epoch")
	}
	return nil
}
