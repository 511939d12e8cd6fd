package smart

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/auth/jose"
	"github.com/drieluik/drieluik/fhir"
)

// Types of a client.
const (
	TypePublic       = "public"
	TypeConfidential = "confidential"
	TypeBackend      = "backend"
)

// Ways in which a client authenticates (token_endpoint_auth_method).
const (
	AuthNone   = "none"
	AuthJWT    = "private_key_jwt"
	AuthBasic  = "client_secret_basic"
	AuthPosted = "client_secret_post"
)

// Grant types.
const (
	GrantCode        = "authorization_code"
	GrantRefresh     = "refresh_token"
	GrantCredentials = "client_credentials"
)

// Status of a client.
const (
	StatusActive   = "active"
	StatusDisabled = "disabled"
)

// Client is one registration: the members of clients.json (smart.md 1).
type Client struct {
	ID                string          `json:"client_id"`
	Name              string          `json:"client_name"`
	NameNL            string          `json:"client_name#nl,omitempty"`
	NameSV            string          `json:"client_name#sv,omitempty"`
	NameEN            string          `json:"client_name#en,omitempty"`
	Type              string          `json:"type"`
	AuthMethod        string          `json:"token_endpoint_auth_method"`
	ApplicationType   string          `json:"application_type,omitempty"` // web, native
	GrantTypes        []string        `json:"grant_types"`
	RedirectURIs      []string        `json:"redirect_uris,omitempty"`
	LaunchURIs        []string        `json:"launch_uris,omitempty"`
	Origins           []string        `json:"origins,omitempty"`
	Scope             string          `json:"scope"`
	DefaultScope      string          `json:"default_scope,omitempty"`
	RequiredScope     string          `json:"required_scope,omitempty"`
	JWKS              json.RawMessage `json:"jwks,omitempty"`
	JWKSURI           string          `json:"jwks_uri,omitempty"`
	SecretHashes      []string        `json:"client_secret_sha256,omitempty"` // hex
	AssertionAlgs     []string        `json:"assertion_algs,omitempty"`
	Organization      string          `json:"organization"` // system|value
	OrganizationName  string          `json:"organization_name,omitempty"`
	OrganizationTypes []string        `json:"organization_type,omitempty"` // CODE or SYSTEM|CODE
	Purposes          []string        `json:"purposes,omitempty"`
	MayLaunch         bool            `json:"may_launch,omitempty"`
	MayIntrospect     bool            `json:"may_introspect,omitempty"`
	Admin             bool            `json:"admin,omitempty"`
	SkipConsent       bool            `json:"skip_consent,omitempty"`
	DPoP              string          `json:"dpop,omitempty"` // off, optional, required
	RequirePushed     bool            `json:"require_pushed_authorization_requests,omitempty"`
	Dynamic           bool            `json:"dynamic_registration,omitempty"` // registered itself by an initial access token
	Status            string          `json:"status"`
}

// withDefaults fills what a registration may leave out. Which values those are follows from the
// type and the keys.
func (c Client) withDefaults() Client {
	if c.Status == "" {
		c.Status = StatusActive
	}
	if c.AuthMethod == "" {
		c.AuthMethod = defaultMethod(c)
	}
	if len(c.GrantTypes) == 0 {
		c.GrantTypes = defaultGrants(c)
	}
	return c
}

func defaultMethod(c Client) string {
	switch {
	case c.Type == TypePublic:
		return AuthNone
	case c.Type == TypeBackend, len(c.JWKS) > 0, c.JWKSURI != "":
		return AuthJWT
	}
	return AuthBasic
}

func defaultGrants(c Client) []string {
	if c.Type == TypeBackend {
		return []string{GrantCredentials}
	}
	return []string{GrantCode, GrantRefresh}
}

// registered is a Client as it is kept in the main store.
type registered struct {
	Client
	OrganizationRef    string    `json:"organization_ref"`              // Organization/id
	OrganizationStored string    `json:"organization_stored,omitempty"` // name of that Organization at the registration
	SecretUntil        time.Time `json:"secret_until,omitzero"`         // end of all secrets but the first
	Changed            time.Time `json:"changed"`                       // last change by the operator

	keys   *jose.KeySet // of JWKS; nil without
	scopes auth.Scopes  // of Scope
	org    fhir.Ref     // of OrganizationRef

	leadsTo string // on a page: the host of its redirect URI; see organizationText
}

// decodeRegistered reads a record of the store and prepares what every request needs.
func decodeRegistered(src []byte) (*registered, error) {
	const op = "smart.decodeRegistered"
	c := &registered{}
	if err := json.Unmarshal(src, c); err != nil {
		return nil, fhir.Wrap(op, err)
	}
	if len(c.JWKS) > 0 {
		keys, err := jose.ParseKeySet(c.JWKS)
		if err != nil {
			return nil, fhir.Wrap(op, err)
		}
		c.keys = keys
	}
	scopes, err := auth.ParseScopes(c.Scope)
	if err != nil {
		return nil, fhir.Wrap(op, err)
	}
	c.scopes = scopes
	c.org, _ = fhir.ParseRef(c.OrganizationRef) // empty for a client of no organisation
	return c, nil
}

// nobodys reports whether the client registered itself and nobody vouches for its organisation.
func (c *registered) nobodys() bool { return c.Dynamic && c.OrganizationRef == "" }

// active reports whether the client may do anything at all.
func (c *registered) active() bool { return c.Status == StatusActive }

// party names the client in a log.
func (c *registered) party() party { return party{c.ID, c.OrganizationRef} }

// role is the role of the client's own tokens (access.md 1).
func (c *registered) role() auth.Role {
	if c.Admin {
		return auth.Admin
	}
	return auth.System
}

// secrets returns the hashes that are live at now.
func (c *registered) secrets(now time.Time) []string {
	if len(c.SecretHashes) > 1 && !c.SecretUntil.IsZero() && !now.Before(c.SecretUntil) {
		return c.SecretHashes[:1]
	}
	return c.SecretHashes
}

// algs returns the algorithms that the client may sign with, in the order of the settings.
func (c *registered) algs(allowed []string) []string {
	if len(c.AssertionAlgs) == 0 {
		return allowed
	}
	var out []string
	for _, alg := range allowed {
		if slices.Contains(c.AssertionAlgs, alg) {
			out = append(out, alg)
		}
	}
	return out
}
