package smart_test

import (
	"context"
	"net/url"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5/middleware"

	"github.com/drieluik/drieluik/auth"
)

// TestSMART712_AChallengeForABoundTokenNamesDPoP: in each refusal that has one (RFC 9449 7.1).
func TestSMART712_AChallengeForABoundTokenNamesDPoP(t *testing.T) {
	t.Parallel()
	b := newWorld(t).bench
	k, token := b.bound(t)
	const algs = `, algs="ES256 ES384 PS256"`
	dead := "dra_" + strings.Repeat("A", 43)
	other := ecKey(t, "other")
	b.backend("other", other)
	plain := b.bearer("other", other, "scope", "system/Patient.r")
	for _, row := range []struct {
		name, path, scheme, token, challenge string
		proven                               bool
	}{
		{"another scope", "/auth/introspect", "DPoP", token, `DPoP realm="drieluik", error="insufficient_scope"` + algs, true},
		{"another scope at launch", "/auth/launch", "DPoP", token, `DPoP realm="drieluik", error="insufficient_scope"` + algs, true},
		{"sent as a bearer", "/auth/introspect", "Bearer", token, `DPoP realm="drieluik", error="invalid_token"` + algs, false},
		{"dead", "/auth/introspect", "DPoP", dead, `DPoP realm="drieluik", error="invalid_token"` + algs, true},
		{"dead at launch", "/auth/launch", "dpop", dead, `DPoP realm="drieluik", error="invalid_token"` + algs, true},
		{"dead bearer", "/auth/introspect", "Bearer", dead, `Bearer realm="drieluik", error="invalid_token"`, false},
		{"a bearer with another scope", "/auth/introspect", "Bearer", plain, `Bearer realm="drieluik", error="insufficient_scope"`, false},
		{"a bearer sent with a proof", "/auth/introspect", "DPoP", plain, `Bearer realm="drieluik", error="invalid_token"`, true},
	} {
		headers := []string{"Authorization", row.scheme + " " + row.token}
		if row.proven {
			headers = append(headers, "DPoP", b.proof(k, "POST", row.path, athOf(row.token)))
		}
		a := b.post(row.path, url.Values{"token": {"x"}}, headers...)
		if got := a.header.Get("WWW-Authenticate"); got != row.challenge {
			t.Errorf("%s: %d %q, want %q", row.name, a.status, got, row.challenge)
		}
	}
	r := b.fhirRequest(k, token, nil)
	if p, err := b.server.Authenticate(r); err != nil || !p.Bound || p.State != auth.TokenActive {
		t.Errorf("%+v %v", p, err)
	}
	for name, header := range map[string]string{"as a bearer": "Bearer " + token, "dead": "DPoP " + dead} {
		r := b.fhirRequest(k, token, nil)
		r.Header.Set("Authorization", header)
		if p, err := b.server.Authenticate(r); err != nil || !p.Bound || p.State != auth.TokenInvalid {
			t.Errorf("%s: %+v %v", name, p, err)
		}
	}
}

// TestAFailedProofAtTheFHIREndpointIsLoggedWithItsRequest: by the number that the answer bears.
func TestAFailedProofAtTheFHIREndpointIsLoggedWithItsRequest(t *testing.T) {
	t.Parallel()
	b, k, token := boundBench(t)
	r := b.fhirRequest(k, token, map[string]any{"htm": "POST"})
	b.wantUnproven(t, r.WithContext(context.WithValue(r.Context(), middleware.RequestIDKey, "request-17")), "dpop.htm")
	if !strings.Contains(b.log.String(), `"rule":"dpop.htm"`) || !strings.Contains(b.log.String(), `"request_id":"request-17"`) {
		t.Errorf("%s", b.log)
	}
}
