package smart

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"net/url"
	"strings"

	"github.com/drieluik/drieluik/auth/jose"
)

// request is one call of a JSON endpoint after its transport was checked.
type request struct {
	http    *http.Request
	form    form
	address string
	id      string      // X-Request-Id
	proof   *jose.Proof // what the client has shown; nil: none
}

// authenticate returns the client of a request by the one method that was used (SMART-307, 321 to
// 327). The client is active. A public client is only named, not authenticated.
func (s *Server) authenticate(ctx context.Context, q request) (*registered, error) {
	header := q.http.Header.Values("Authorization")
	basic := len(header) == 1 && isScheme(header[0], "Basic")
	_, assertion := q.form["client_assertion"]
	_, assertionType := q.form["client_assertion_type"]
	_, secret := q.form["client_secret"]
	used := 0
	for _, u := range []bool{basic, assertion || assertionType, secret} {
		if u {
			used++
		}
	}
	switch {
	case used > 1 || len(header) > 1:
		return nil, refuse("client.two")
	case basic:
		return s.byBasic(ctx, q, header[0])
	case secret:
		return s.bySecret(ctx, q, AuthPosted, q.form["client_id"], Secret(q.form["client_secret"]))
	case used == 1:
		return s.byAssertion(ctx, q)
	}
	return s.byName(ctx, q.form["client_id"])
}

func isScheme(header, scheme string) bool {
	first, _, _ := strings.Cut(header, " ")
	return strings.EqualFold(first, scheme)
}

// byName accepts a public client; another must authenticate.
func (s *Server) byName(ctx context.Context, id string) (*registered, error) {
	c, found, err := s.registry.lookup(ctx, id)
	if err != nil {
		return nil, err
	}
	if !found || !c.active() || c.Type != TypePublic {
		return nil, refuse("client.none")
	}
	return c, nil
}

// byBasic reads client_secret_basic: both halves are percent-decoded (SMART-326).
func (s *Server) byBasic(ctx context.Context, q request, header string) (*registered, error) {
	id, secret, ok := basicParts(header)
	if sent, found := q.form["client_id"]; !ok || found && sent != id {
		return nil, &fault{rule: "client.auth", basic: true}
	}
	c, err := s.bySecret(ctx, q, AuthBasic, id, secret)
	if err != nil {
		f := asFault(err)
		f.basic = true
		return nil, f
	}
	return c, nil
}

func basicParts(header string) (id string, secret Secret, ok bool) {
	_, encoded, _ := strings.Cut(header, " ")
	raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(encoded))
	if err != nil {
		return "", "", false
	}
	user, password, found := strings.Cut(string(raw), ":")
	id, idErr := url.QueryUnescape(user)
	text, secretErr := url.QueryUnescape(password)
	return id, Secret(text), found && idErr == nil && secretErr == nil
}

// bySecret compares in constant time over all live secrets. An unknown client takes the same path
// with a secret that nobody has, so that text and time are the same.
func (s *Server) bySecret(ctx context.Context, q request, method, id string, secret Secret) (*registered, error) {
	if err := s.checkBlock(ctx, id, q.address); err != nil {
		return nil, err
	}
	c, found, err := s.registry.lookup(ctx, id)
	if err != nil {
		return nil, err
	}
	hashes := []string{strings.Repeat("00", 32)}
	usable := found && c.active() && c.AuthMethod == method
	if usable {
		hashes = c.secrets(s.clock())
	}
	if !secretMatches(secret, hashes) || !usable {
		refusal := refuse("client.auth")
		if found {
			refusal.client = c.party()
		}
		return nil, s.countSecretFailure(ctx, id, q.address, refusal)
	}
	return c, nil
}

func secretMatches(secret Secret, hashes []string) bool {
	got := secret.hash()
	match := 0
	for _, h := range hashes {
		want, err := hex.DecodeString(h)
		if err != nil {
			continue // checked at registration
		}
		match |= subtle.ConstantTimeCompare(got[:], want)
	}
	return match == 1
}
