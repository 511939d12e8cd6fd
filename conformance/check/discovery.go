package check

import (
	"context"
	"encoding/json"
	"net/http"
	"reflect"
	"strings"
)

const (
	smartPath  = "/fhir/.well-known/smart-configuration"
	openIDPath = "/.well-known/openid-configuration"
	serverPath = "/.well-known/oauth-authorization-server"
)

// configuration is what is looked at in the SMART configuration (smart.md SMART-002).
type configuration struct {
	Issuer        string   `json:"issuer"`
	KeySet        string   `json:"jwks_uri"`
	Authorize     string   `json:"authorization_endpoint"`
	Token         string   `json:"token_endpoint"`
	Introspection string   `json:"introspection_endpoint"`
	Revocation    string   `json:"revocation_endpoint"`
	Management    string   `json:"management_endpoint"`
	GrantTypes    []string `json:"grant_types_supported"`
	AuthMethods   []string `json:"token_endpoint_auth_methods_supported"`
	Algorithms    []string `json:"token_endpoint_auth_signing_alg_values_supported"`
	Scopes        []string `json:"scopes_supported"`
	Challenge     []string `json:"code_challenge_methods_supported"`
	Capabilities  []string `json:"capabilities"`
}

// needed are members that the SMART configuration must have.
var needed = []string{
	"issuer", "jwks_uri", "authorization_endpoint", "token_endpoint", "introspection_endpoint", "revocation_endpoint",
	"management_endpoint", "grant_types_supported", "response_types_supported", "response_modes_supported",
	"code_challenge_methods_supported", "token_endpoint_auth_methods_supported",
	"token_endpoint_auth_signing_alg_values_supported", "scopes_supported", "capabilities",
	"authorization_response_iss_parameter_supported", "request_parameter_supported", "request_uri_parameter_supported",
}

// discovery judges the documents that need no token (SMART-001 to 009).
func (s *session) discovery(ctx context.Context) {
	r, c, members, ok := s.smart(ctx)
	if !ok {
		return
	}
	on := "GET " + smartPath
	s.ledger.judge(ruleDiscovery, strings.HasPrefix(r.header.Get("Content-Type"), "application/json") &&
		strings.Contains(r.header.Get("Cache-Control"), "max-age"), on, "its Content-Type or Cache-Control is another than agreed")
	for _, name := range needed {
		_, there := members[name]
		s.ledger.judge(ruleDiscovery, there, on, "it lacks %s", name)
	}
	s.ledger.judge(ruleDiscovery, c.Issuer == s.base, on, "its issuer is another than the URL that you gave")
	for _, u := range []string{c.KeySet, c.Authorize, c.Token, c.Introspection, c.Revocation, c.Management} {
		s.ledger.judge(ruleDiscovery, strings.HasPrefix(u, s.base+"/"), on, "an endpoint does not stand under the public URL")
	}
	s.offered(ctx, members)
	s.agreement(ctx, members)
	s.keySet(ctx, c.KeySet)
	s.oauthURIs(c)
	s.openToAll(ctx)
}

// switched are endpoints that a server names only where they are on.
var switched = []string{"pushed_authorization_request_endpoint", "registration_endpoint"}

// offered holds that what is named is there: it refuses a request that says nothing.
func (s *session) offered(ctx context.Context, members map[string]any) {
	for _, name := range switched {
		value, there := members[name]
		if !there {
			continue
		}
		address, _ := value.(string)
		if !s.ledger.judge(ruleDiscovery, strings.HasPrefix(address, s.base+"/"), "GET "+smartPath, "%s does not stand under the public URL", name) {
			continue
		}
		r, err := s.wire.send(ctx, call{method: http.MethodPost, path: address})
		s.ledger.judge(ruleDiscovery, err == nil && r.status/100 == 4 && r.status != http.StatusNotFound && r.status != http.StatusMethodNotAllowed,
			"POST "+strings.TrimPrefix(address, s.base), "%s is named but answers %d", name, r.status)
	}
}

// smart reads the SMART configuration.
func (s *session) smart(ctx context.Context) (reply, configuration, map[string]any, bool) {
	var c configuration
	members := map[string]any{}
	r, err := s.wire.send(ctx, call{path: smartPath})
	ok := err == nil && r.status == http.StatusOK && json.Unmarshal(r.body, &c) == nil && json.Unmarshal(r.body, &members) == nil
	s.ledger.judge(ruleDiscovery, ok, "GET "+smartPath, "answered %d or no JSON object", r.status)
	return r, c, members, ok
}

// agreement compares the other two documents with the SMART configuration.
func (s *session) agreement(ctx context.Context, smart map[string]any) {
	for _, path := range []string{openIDPath, serverPath} {
		on := "GET " + path
		other := map[string]any{}
		r, err := s.wire.send(ctx, call{path: path})
		ok := err == nil && r.status == http.StatusOK && json.Unmarshal(r.body, &other) == nil
		if !s.ledger.judge(ruleDiscoverySame, ok, on, "answered %d or no JSON object", r.status) {
			continue
		}
		for name, value := range other {
			if mine, shared := smart[name]; shared {
				s.ledger.judge(ruleDiscoverySame, reflect.DeepEqual(mine, value), on, "%s differs from the SMART configuration", name)
			}
		}
		for _, name := range []string{"issuer", "token_endpoint", "subject_types_supported", "id_token_signing_alg_values_supported"} {
			_, there := other[name]
			s.ledger.judge(ruleDiscoverySame, there, on, "it lacks %s", name)
		}
	}
}

// privateMembers would give a private key away.
var privateMembers = []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k"}

// keySet judges the public keys (SMART-006).
func (s *session) keySet(ctx context.Context, address string) {
	if address == "" {
		return
	}
	on := "GET " + strings.TrimPrefix(address, s.base)
	var set struct{ Keys []map[string]any }
	r, err := s.wire.send(ctx, call{path: address})
	ok := err == nil && r.status == http.StatusOK && json.Unmarshal(r.body, &set) == nil && len(set.Keys) > 0
	if !s.ledger.judge(ruleKeySet, ok, on, "answered %d or no key", r.status) {
		return
	}
	ids := map[any]bool{}
	for _, k := range set.Keys {
		for _, m := range privateMembers {
			_, there := k[m]
			s.ledger.judge(ruleKeySet, !there, on, "a key has the private member %s", m)
		}
		s.ledger.judge(ruleKeySet, k["kid"] != nil && k["kty"] != nil && k["use"] == "sig", on, "a key lacks kid, kty or use=sig")
		s.ledger.judge(ruleKeySet, !ids[k["kid"]], on, "two keys have the same kid")
		ids[k["kid"]] = true
	}
}

// oauthURIs compares the deprecated extension that old clients read (SMART-007).
func (s *session) oauthURIs(c configuration) {
	if s.caps == nil {
		return
	}
	const on = "GET /fhir/metadata"
	want := map[string]string{"authorize": c.Authorize, "token": c.Token, "introspect": c.Introspection, "revoke": c.Revocation, "manage": c.Management}
	got := map[string]string{}
	for _, e := range s.caps.Rest[0].Security.Extension {
		for _, inner := range e.Extension {
			got[inner.URL] = inner.ValueURI
		}
	}
	for name, address := range want {
		s.ledger.judge(ruleOAuthURIs, got[name] == address, on, "its oauth-uris name another %s than the SMART configuration", name)
	}
	smart := false
	for _, service := range s.caps.Rest[0].Security.Service {
		for _, coding := range service.Coding {
			smart = smart || coding.Code == "SMART-on-FHIR"
		}
	}
	s.ledger.judge(ruleOAuthURIs, smart, on, "its security service is not SMART-on-FHIR")
}

// openToAll judges CORS and forwarded headers of what needs no token (SMART-008, 009).
func (s *session) openToAll(ctx context.Context) {
	for _, path := range []string{smartPath, openIDPath, serverPath, "/fhir/metadata"} {
		on := "GET " + path
		plain, err := s.wire.send(ctx, call{path: path})
		if err != nil {
			continue
		}
		r, err := s.wire.send(ctx, call{path: path, header: map[string]string{"Origin": "https://anywhere.example"}})
		if err != nil {
			continue
		}
		s.ledger.judge(ruleCORS, r.header.Get("Access-Control-Allow-Origin") == "*" && r.header.Get("Access-Control-Allow-Credentials") == "", on,
			"Access-Control-Allow-Origin is not * or credentials are allowed")
		forwarded, err := s.wire.send(ctx, call{path: path, header: map[string]string{
			"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "gopher", "Forwarded": "host=evil.example;proto=gopher",
		}})
		if err == nil {
			s.ledger.judge(ruleForwarded, string(forwarded.body) == string(plain.body), on, "forwarded headers change the document")
		}
	}
}
