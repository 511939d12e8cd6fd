package upstream

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/drieluik/drieluik/auth/jose"
)

// Bounds of what is asked of a provider.
const (
	answerTime  = 5 * time.Second
	answerSize  = 1 << 20 // bytes
	skew        = time.Minute
	oldest      = 10 * time.Minute // of an id_token
	assertLife  = time.Minute
	maxClaim    = 256 // bytes
	maxAuthTime = 100 * 365 * 24 * time.Hour
)

// Error is a login that came to nothing. Rule is stable: down, refused, token, id_token, nonce, acr, age.
type Error struct {
	Rule string
	Err  error // may hold what the provider said: not for people
}

// Error implements error.
func (e *Error) Error() string {
	if e.Err == nil {
		return "upstream: " + e.Rule
	}
	return "upstream: " + e.Rule + ": " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// RuleOf returns the rule of an Error; "" for every other error.
func RuleOf(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Rule
	}
	return ""
}

// Provider is one provider in use. It is safe for concurrent use.
type Provider struct {
	Config
	secret string
	key    *jose.PrivateKey
	client *http.Client
	clock  func() time.Time
	known  known
}

// New returns a provider of a checked Config. readFile reads the secret or the key.
func New(c Config, clock func() time.Time, readFile func(string) ([]byte, error)) (*Provider, error) {
	if faults := c.faults(); len(faults) > 0 {
		return nil, errors.New("upstream: " + strings.Join(faults, "; "))
	}
	p := &Provider{Config: c, clock: clock, client: &http.Client{
		Timeout: answerTime, Transport: bounded{http.DefaultTransport},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	b, err := readFile(c.SecretFile + c.KeyFile) // one of them is empty
	if err != nil {
		return nil, fmt.Errorf("upstream %s: the secret or key cannot be read: %w", c.ID, err)
	}
	if c.KeyFile != "" {
		if p.key, err = jose.ParsePrivateKey(b); err != nil {
			return nil, fmt.Errorf("upstream %s: %w", c.ID, err)
		}
	}
	if p.secret = strings.TrimSpace(string(b)); p.key != nil {
		p.secret = ""
	}
	return p, nil
}

// bounded cuts answers off: a provider that floods costs no more memory than this.
type bounded struct{ http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := b.RoundTripper.RoundTrip(r)
	if err == nil {
		res.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(res.Body, answerSize), res.Body}
	}
	return res, err
}

// Attempt is one login on its way. It is kept for the browser that began it and used once.
type Attempt struct {
	Provider string    `json:"provider"`
	State    string    `json:"state"`
	Nonce    string    `json:"nonce"`
	Verifier string    `json:"verifier"`
	Fresh    bool      `json:"fresh,omitempty"` // an older login at the provider does not count
	Begun    time.Time `json:"begun"`
}

// NewAttempt begins a login. name stands at the front of its state, so that the way back finds it.
func (p *Provider) NewAttempt(name string, fresh bool) *Attempt {
	return &Attempt{
		Provider: p.ID, State: name + "." + rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier(),
		Fresh: fresh, Begun: p.clock().UTC(),
	}
}

// Is reports whether a state is that of the attempt at this provider.
func (a *Attempt) Is(p *Provider, state string) bool {
	return a != nil && a.Provider == p.ID && hmac.Equal([]byte(a.State), []byte(state))
}

// Address is where the browser goes. Errors have the rule down.
func (p *Provider) Address(ctx context.Context, redirect string, a *Attempt) (string, error) {
	d, err := p.discover(ctx)
	if err != nil {
		return "", err
	}
	options := []oauth2.AuthCodeOption{oidc.Nonce(a.Nonce), oauth2.S256ChallengeOption(a.Verifier)}
	if len(p.ACRMin) > 0 {
		options = append(options, oauth2.SetAuthURLParam("acr_values", strings.Join(p.ACRMin, " ")))
	}
	if a.Fresh {
		options = append(options, oauth2.SetAuthURLParam("prompt", "login"), oauth2.SetAuthURLParam("max_age", "0"))
	}
	return p.oauth(d, redirect).AuthCodeURL(a.State, options...), nil
}

func (p *Provider) oauth(d *discovered, redirect string) *oauth2.Config {
	return &oauth2.Config{
		ClientID: p.ClientID, ClientSecret: p.secret, Endpoint: d.endpoint, RedirectURL: redirect,
		Scopes: slices.Concat([]string{oidc.ScopeOpenID}, p.Scopes),
	}
}

// Identity is who logged in, as the provider says.
type Identity struct {
	Subject      string
	ACR          string // "": the provider says none
	At           time.Time
	Match        string // claim of Config.Match; "": absent
	Organization string // claim of Config.OrgClaim; "": absent
}

// Redeem turns the code of an attempt into who logged in.
func (p *Provider) Redeem(ctx context.Context, redirect, code string, a *Attempt) (Identity, error) {
	d, err := p.discover(ctx)
	if err != nil {
		return Identity{}, err
	}
	ctx = oidc.ClientContext(ctx, p.client)
	options := []oauth2.AuthCodeOption{oauth2.VerifierOption(a.Verifier)}
	if p.key != nil {
		assertion, err := p.assertion(d.endpoint.TokenURL)
		if err != nil {
			return Identity{}, &Error{Rule: "token", Err: err}
		}
		options = append(options, oauth2.SetAuthURLParam("client_assertion_type", jose.AssertionType),
			oauth2.SetAuthURLParam("client_assertion", assertion))
	}
	token, err := p.oauth(d, redirect).Exchange(ctx, code, options...)
	if err != nil {
		return Identity{}, &Error{Rule: "token", Err: err}
	}
	raw, ok := token.Extra("id_token").(string)
	if !ok {
		return Identity{}, &Error{Rule: "id_token", Err: errors.New("the answer has none")}
	}
	t, err := d.verifier.Verify(ctx, raw)
	if err == nil && t.AccessTokenHash != "" {
		err = t.VerifyAccessToken(token.AccessToken)
	}
	if err != nil {
		return Identity{}, &Error{Rule: "id_token", Err: err}
	}
	return p.identity(t, a)
}

func (p *Provider) assertion(audience string) (string, error) {
	now := p.clock()
	return p.key.SignAssertion(jose.Claims{
		Issuer: p.ClientID, Subject: p.ClientID, Audience: audience, ID: rand.Text(),
		IssuedAt: jose.At(now.Unix()), Expires: jose.At(now.Add(assertLife).Unix()),
	})
}

// identity judges what the signature does not: nonce, party, age and level.
func (p *Provider) identity(t *oidc.IDToken, a *Attempt) (Identity, error) {
	claims := map[string]json.RawMessage{}
	if err := t.Claims(&claims); err != nil {
		return Identity{}, &Error{Rule: "id_token", Err: err}
	}
	id := Identity{Subject: t.Subject, ACR: text(claims["acr"]), At: p.clock().UTC()}
	party, named := claims["azp"]
	switch now := p.clock(); {
	case !hmac.Equal([]byte(t.Nonce), []byte(a.Nonce)):
		return Identity{}, &Error{Rule: "nonce"}
	case t.Subject == "" || len(t.Subject) > 255:
		return Identity{}, &Error{Rule: "id_token", Err: errors.New("no subject")}
	case named && text(party) != p.ClientID, !named && len(t.Audience) > 1:
		return Identity{}, &Error{Rule: "id_token", Err: errors.New("for another party")}
	case t.IssuedAt.After(now.Add(skew)), t.IssuedAt.Before(now.Add(-oldest)):
		return Identity{}, &Error{Rule: "age", Err: errors.New("issued at another time")}
	case len(p.ACRMin) > 0 && !slices.Contains(p.ACRMin, id.ACR):
		return Identity{}, &Error{Rule: "acr"}
	}
	var at float64
	if err := json.Unmarshal(claims["auth_time"], &at); err == nil && at > 0 && at < maxAuthTime.Seconds() {
		if then := time.Unix(int64(at), 0).UTC(); then.Before(id.At) {
			id.At = then
		}
	} else if a.Fresh {
		return Identity{}, &Error{Rule: "age", Err: errors.New("no time of the login")}
	}
	if a.Fresh && id.At.Before(a.Begun.Add(-skew)) {
		return Identity{}, &Error{Rule: "age", Err: errors.New("an older login")}
	}
	if p.Match != nil {
		id.Match = text(claims[p.Match.Claim])
	}
	if p.OrgClaim != "" {
		id.Organization = text(claims[p.OrgClaim])
	}
	return id, nil
}

// text reads a claim that is a string; everything else is as if it were absent.
func text(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) != nil || len(s) > maxClaim {
		return ""
	}
	return s
}
