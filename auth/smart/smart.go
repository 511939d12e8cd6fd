// Package smart owns the SMART authorisation server: discovery, token, introspection and
// revocation endpoints, the code flow with its pages, the registries of clients and accounts, the
// keys of the id_token, and the check of bearer tokens that builds the Principal of access.md. It
// refuses SQL and FHIR rules: what a principal may see is decided by auth.Decide, and what the code
// flow needs of children and consents comes in through Family. Contract: smart.md.
package smart

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/drieluik/drieluik/auth/egress"
	"github.com/drieluik/drieluik/fhir"
	"github.com/go-chi/chi/v5"
)

// State is the short-lived state that the server needs; auth/state keeps it (smart.md 3.2).
// Get and Take answer NotFound for what is absent or over; every other failure is Unavailable.
type State interface {
	Put(ctx context.Context, kind string, hash [32]byte, value []byte, ttl time.Duration) error
	Get(ctx context.Context, kind string, hash [32]byte) ([]byte, error)
	Take(ctx context.Context, kind string, hash [32]byte) ([]byte, error)
	Once(ctx context.Context, kind string, hash [32]byte, ttl time.Duration) (first bool, at time.Time, err error)
	Count(ctx context.Context, bucket string, window time.Duration) (int, error)
}

// Kinds of state that this package writes.
const (
	kindAccess      = "at"
	kindAssertion   = "jti"
	kindRate        = "rate"
	kindGrant       = "grant"
	kindCode        = "code"
	kindCodeUsed    = "codeused"
	kindRefresh     = "rt"
	kindRefreshUsed = "rtused"
	kindInteraction = "ixn"
	kindSession     = "sess"
	kindLaunch      = "launch"
	kindPushed      = "par"
	kindProof       = "dpop"
	kindStyle       = "style"
)

// TypeLetters is one served resource type with the scope letters that it supports, in the order
// of "cruds".
type TypeLetters struct {
	Type    fhir.Type
	Letters string
}

// Config is what a Server is made of. Every member is required, but Family, Users and Keys, which are
// given together and without which there is no code flow, and what stands behind them.
type Config struct {
	Base     string               // public URL of the server: scheme, host, optional port, nothing more
	Clock    func() time.Time     // present instant
	Random   io.Reader            // source of tokens; crypto/rand.Reader outside tests
	State    State                // short-lived state
	Lost     func() time.Time     // when the state was seen to have lost its claims; zero: never
	Registry *Registry            // clients
	Served   func() []TypeLetters // types of the CapabilityStatement's table
	Log      *slog.Logger
	Settings Settings

	Family *Family // what the FHIR side knows of children and consents
	Users  *Users  // local accounts
	Keys   *Keys   // keys of the id_token

	Upstream Upstream // logins elsewhere; the zero value: local accounts alone

	// LogPage is where a person sees who looked, and LogClient the client of that page: the page of
	// apps leads there while the client is registered and active. Empty: it does not.
	LogPage, LogClient string
}

// Server answers the endpoints of the authorisation server. It is safe for concurrent use.
type Server struct {
	base     string
	origin   string // of base, as proofs are held to it
	fhirBase string
	clock    func() time.Time
	random   io.Reader
	state    State
	lost     func() time.Time
	registry *Registry
	served   func() []TypeLetters
	log      *slog.Logger
	settings Settings
	faults   map[string]entry
	keys     *fetcher
	rates    *limits

	family  *Family // nil: no code flow
	users   *Users
	signing *Keys
	pages   *pages

	upstream Upstream

	logPage, logClient string
}

// New returns a Server. It fails with one error that names every fault of the configuration.
func New(c Config) (*Server, error) {
	base, baseErr := parseBase(c.Base)
	if err := errors.Join(baseErr, c.missing(), c.Settings.Check()); err != nil {
		return nil, fmt.Errorf("smart.New: %w", err)
	}
	rendered, err := newPages()
	if err != nil {
		return nil, fmt.Errorf("smart.New: %w", err)
	}
	return &Server{
		family: c.Family, users: c.Users, signing: c.Keys, pages: rendered,
		logPage: c.LogPage, logClient: c.LogClient, upstream: c.Upstream,
		base:     c.Base,
		origin:   originOf(base),
		fhirBase: c.Base + "/fhir",
		clock:    c.Clock,
		random:   c.Random,
		state:    c.State,
		lost:     c.Lost,
		registry: c.Registry,
		served:   c.Served,
		log:      c.Log,
		settings: c.Settings,
		faults:   indexed(c.Base),
		keys:     newFetcher(c.Clock, egress.Guard{LoopbackHTTP: egress.IsLoopback(base.Hostname()), Private: slices.Clone(c.Settings.JWKSPrivateHosts)}),
		rates:    newLimits(c.Settings.TokenRate, c.Settings.TokenBurst),
	}, nil
}

func (c Config) missing() error {
	present := []struct {
		name string
		ok   bool
	}{
		{"Clock", c.Clock != nil}, {"Random", c.Random != nil}, {"State", c.State != nil},
		{"Lost", c.Lost != nil}, {"Registry", c.Registry != nil}, {"Served", c.Served != nil}, {"Log", c.Log != nil},
	}
	var errs []error
	for _, p := range present {
		if !p.ok {
			errs = append(errs, fmt.Errorf("%s is required", p.name))
		}
	}
	if flow := c.Family != nil; flow != (c.Users != nil) || flow != (c.Keys != nil) {
		errs = append(errs, errors.New("Family, Users and Keys go together"))
	}
	if c.Family != nil {
		errs = append(errs, c.Family.missing())
	}
	errs = append(errs, c.Upstream.missing())
	return errors.Join(errs...)
}

// parseBase reads --base-url: links, issuer and audiences derive from it alone (SMART-009).
func parseBase(base string) (*url.URL, error) {
	u, err := url.Parse(base)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" || base != u.Scheme+"://"+u.Host {
		return &url.URL{}, errors.New("the base URL must be scheme, host and optional port, without path, query, fragment or trailing slash")
	}
	return u, nil
}

// Routes adds the endpoints to r, which must be the root router.
func (s *Server) Routes(r chi.Router) {
	r.Handle("/fhir/.well-known/smart-configuration", s.public(s.smartConfiguration))
	r.Handle("/.well-known/openid-configuration", s.public(s.serverMetadata))
	r.Handle("/.well-known/oauth-authorization-server", s.public(s.serverMetadata))
	r.Handle("/auth/token", s.endpoint(true, s.token))
	r.Handle("/auth/introspect", s.endpoint(false, s.introspect))
	r.Handle("/auth/revoke", s.endpoint(true, s.revoke))
	if s.settings.Register {
		r.Handle("/auth/register", s.answers("POST", s.register))
	}
	r.Handle("/auth/errors", http.HandlerFunc(s.errorsPage))
	if s.family != nil {
		s.flowRoutes(r)
	}
}

// flowRoutes adds what a person's browser meets (smart.md 1).
func (s *Server) flowRoutes(r chi.Router) {
	r.Handle("/auth/jwks", s.public(s.keySet))
	r.Handle("/auth/authorize", s.visits(maxForm, false, s.authorize))
	r.Handle("/auth/login", s.page(s.login))
	r.Handle("/auth/upstream/{provider}", s.page(s.upstreamLogin))
	r.Handle("/auth/upstream/{provider}/callback", s.page(s.upstreamBack))
	r.Handle("/auth/child", s.page(s.child))
	r.Handle("/auth/consent", s.page(s.consent))
	r.Handle("/auth/apps", s.page(s.apps))
	r.Handle("/auth/logout", s.page(s.logout))
	r.Handle("/auth/launch", s.answers("POST", s.launch))
	if s.settings.PAR {
		r.Handle("/auth/par", s.endpoint(false, s.pushed))
	}
	r.Handle("/auth/style/{name}", http.HandlerFunc(s.style))
	r.Handle("/auth/assets/{name}", http.HandlerFunc(s.asset))
}

// Handler returns the endpoints on a router of their own.
func (s *Server) Handler() http.Handler {
	r := chi.NewRouter()
	s.Routes(r)
	return r
}
