package smart

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// idTokenLife is the life of an id_token.
const idTokenLife = 300 * time.Second

// idToken returns the id_token of a grant (SMART-411). nonce is empty on refresh.
func (s *Server) idToken(ctx context.Context, g *grantRecord, nonce string, fhirUser bool) (string, error) {
	now := s.clock()
	claims := map[string]any{
		"iss": s.base, "sub": g.Subject, "aud": g.Client, "iat": now.Unix(), "exp": now.Add(idTokenLife).Unix(),
		"auth_time": g.AuthTime.Unix(), "acr": g.ACR,
	}
	if nonce != "" {
		claims["nonce"] = nonce
	}
	if fhirUser {
		claims["fhirUser"] = s.fhirBase + "/" + g.FHIRUser
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("id_token: %w", err)
	}
	return s.signing.sign(ctx, payload)
}

// keySet is the document of GET /auth/jwks (SMART-006).
func (s *Server) keySet() any {
	set, err := s.signing.publicSet(context.Background())
	if err != nil {
		s.log.Error("key_set_failed", "error", err)
		return nil
	}
	return json.RawMessage(set)
}
