package smart

import (
	"slices"
	"strings"

	"github.com/drieluik/drieluik/auth/jose"
	"github.com/drieluik/drieluik/fhir"
)

// metadata is what every discovery document says. It lists what works today and nothing else; an
// absent member is an absent feature.
type metadata struct {
	Issuer                string   `json:"issuer"`
	KeySet                string   `json:"jwks_uri,omitempty"`
	AuthorizeEndpoint     string   `json:"authorization_endpoint,omitempty"`
	TokenEndpoint         string   `json:"token_endpoint"`
	IntrospectionEndpoint string   `json:"introspection_endpoint"`
	RevocationEndpoint    string   `json:"revocation_endpoint"`
	ManagementEndpoint    string   `json:"management_endpoint,omitempty"`
	PushedEndpoint        string   `json:"pushed_authorization_request_endpoint,omitempty"`
	RegistrationEndpoint  string   `json:"registration_endpoint,omitempty"`
	GrantTypes            []string `json:"grant_types_supported"`
	ResponseTypes         []string `json:"response_types_supported,omitempty"`
	ResponseModes         []string `json:"response_modes_supported,omitempty"`
	ChallengeMethods      []string `json:"code_challenge_methods_supported,omitempty"`
	AuthMethods           []string `json:"token_endpoint_auth_methods_supported"`
	AuthAlgs              []string `json:"token_endpoint_auth_signing_alg_values_supported"`
	ProofAlgs             []string `json:"dpop_signing_alg_values_supported,omitempty"`
	Scopes                []string `json:"scopes_supported"`
	IssuerInAnswer        bool     `json:"authorization_response_iss_parameter_supported,omitempty"`
	RequestParameter      *bool    `json:"request_parameter_supported,omitempty"`
	RequestURIParameter   *bool    `json:"request_uri_parameter_supported,omitempty"`

	Capabilities []string `json:"capabilities,omitempty"` // smart-configuration alone

	// of the documents of RFC 8414 and OpenID Discovery alone
	SubjectTypes []string `json:"subject_types_supported,omitempty"`
	IDTokenAlgs  []string `json:"id_token_signing_alg_values_supported,omitempty"`
	Claims       []string `json:"claims_supported,omitempty"`
}

// smartConfiguration is the document of SMART App Launch (SMART-001 to 004).
func (s *Server) smartConfiguration() any {
	m := s.metadata()
	m.Capabilities = []string{"client-confidential-asymmetric", "permission-v1", "permission-v2"}
	if s.family != nil {
		m.Capabilities = []string{
			"launch-standalone", "launch-ehr", "authorize-post", "client-public", "client-confidential-symmetric",
			"client-confidential-asymmetric", "sso-openid-connect", "context-banner", "context-style",
			"context-standalone-patient", "context-ehr-patient", "context-ehr-encounter", "permission-offline",
			"permission-online", "permission-patient", "permission-user", "permission-v1", "permission-v2",
		}
	}
	return m
}

// serverMetadata is the document of RFC 8414 and OpenID Discovery, with the same values
// (SMART-005).
func (s *Server) serverMetadata() any {
	m := s.metadata()
	if s.family != nil {
		m.SubjectTypes, m.IDTokenAlgs = []string{"public"}, []string{"RS256"}
		m.Claims = []string{"iss", "sub", "aud", "exp", "iat", "nonce", "auth_time", "acr", "fhirUser"}
	}
	return m
}

func (s *Server) metadata() metadata {
	m := s.backendMetadata()
	if s.family == nil {
		return m
	}
	no := false
	if s.settings.PAR {
		m.PushedEndpoint = s.base + "/auth/par"
	}
	m.KeySet, m.AuthorizeEndpoint, m.ManagementEndpoint = s.base+"/auth/jwks", s.base+"/auth/authorize", s.base+"/auth/apps"
	m.GrantTypes = []string{GrantCode, GrantRefresh, GrantCredentials}
	m.ResponseTypes, m.ResponseModes, m.ChallengeMethods = []string{"code"}, []string{"query"}, []string{"S256"}
	m.AuthMethods = []string{AuthJWT, AuthBasic, AuthPosted, AuthNone}
	m.IssuerInAnswer, m.RequestParameter, m.RequestURIParameter = true, &no, &no
	return m
}

// backendMetadata is what there is without the code flow.
func (s *Server) backendMetadata() metadata {
	var proofs []string
	if s.settings.DPoP {
		proofs = jose.ProofAlgs()
	}
	registration := ""
	if s.settings.Register {
		registration = s.base + "/auth/register"
	}
	return metadata{
		RegistrationEndpoint:  registration,
		Issuer:                s.base,
		TokenEndpoint:         s.base + "/auth/token",
		IntrospectionEndpoint: s.base + "/auth/introspect",
		RevocationEndpoint:    s.base + "/auth/revoke",
		GrantTypes:            []string{GrantCredentials},
		AuthMethods:           []string{AuthJWT},
		AuthAlgs:              s.settings.AssertionAlgs,
		ProofAlgs:             proofs,
		Scopes:                s.scopesSupported(),
	}
}

// scopesSupported lists what can be granted: one scope per level and served type with the letters
// that the type supports, and the scopes without a type (SMART-004).
func (s *Server) scopesSupported() []string {
	var scopes []string
	level := func(level string, types []fhir.Type) {
		for _, t := range s.served() {
			if letters := strings.TrimSpace(t.Letters); letters != "" && slices.Contains(types, t.Type) {
				scopes = append(scopes, level+"/"+string(t.Type)+"."+letters)
			}
		}
	}
	if s.family != nil {
		scopes = []string{"openid", "fhirUser", "launch", "launch/patient", "launch/encounter", "offline_access", "online_access", scopeLaunch}
		level("patient", permittable(s.served()))
		level("user", s.servedTypes())
	}
	level("system", s.servedTypes())
	return append(scopes, scopeIntrospect)
}
