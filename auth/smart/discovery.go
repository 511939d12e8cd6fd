package smart

import "strings"

// metadata is what every discovery document says. It lists what works today and nothing else; an
// absent member is an absent feature.
type metadata struct {
	Issuer                string   `json:"issuer"`
	TokenEndpoint         string   `json:"token_endpoint"`
	IntrospectionEndpoint string   `json:"introspection_endpoint"`
	RevocationEndpoint    string   `json:"revocation_endpoint"`
	GrantTypes            []string `json:"grant_types_supported"`
	AuthMethods           []string `json:"token_endpoint_auth_methods_supported"`
	AuthAlgs              []string `json:"token_endpoint_auth_signing_alg_values_supported"`
	Scopes                []string `json:"scopes_supported"`
	Capabilities          []string `json:"capabilities,omitempty"` // smart-configuration alone
}

// smartConfiguration is the document of SMART App Launch (SMART-001 to 004).
func (s *Server) smartConfiguration() any {
	m := s.metadata()
	m.Capabilities = []string{"client-confidential-asymmetric", "permission-v1", "permission-v2"}
	return m
}

// serverMetadata is the document of RFC 8414 and OpenID Discovery, with the same values
// (SMART-005).
func (s *Server) serverMetadata() any { return s.metadata() }

func (s *Server) metadata() metadata {
	return metadata{
		Issuer:                s.base,
		TokenEndpoint:         s.base + "/auth/token",
		IntrospectionEndpoint: s.base + "/auth/introspect",
		RevocationEndpoint:    s.base + "/auth/revoke",
		GrantTypes:            []string{GrantCredentials},
		AuthMethods:           []string{AuthJWT},
		AuthAlgs:              s.settings.AssertionAlgs,
		Scopes:                s.scopesSupported(),
	}
}

// scopesSupported lists one system scope per served type with the letters that the type supports,
// and the server's own scopes (SMART-004).
func (s *Server) scopesSupported() []string {
	var scopes []string
	for _, t := range s.served() {
		if letters := strings.TrimSpace(t.Letters); letters != "" {
			scopes = append(scopes, "system/"+string(t.Type)+"."+letters)
		}
	}
	return append(scopes, scopeIntrospect)
}
