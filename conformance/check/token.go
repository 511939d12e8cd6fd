package check

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/drieluik/drieluik/auth/jose"
)

// usable answers ErrKey unless the key can sign.
func usable(key []byte) error {
	if _, err := jose.ParsePrivateKey(key); err != nil {
		return ErrKey
	}
	return nil
}

// assertion signs a client assertion (RFC 7523) of one use.
func (s *session) assertion() (string, error) {
	key, err := jose.ParsePrivateKey(s.opt.Key)
	if err != nil {
		return "", ErrKey
	}
	now := s.now()
	return key.SignAssertion(jose.Claims{
		Issuer: s.opt.ClientID, Subject: s.opt.ClientID, Audience: s.base + tokenPath, ID: unguessed(16),
		IssuedAt: jose.At(now.Unix()), Expires: jose.At(now.Add(5 * time.Minute).Unix()),
	})
}

const tokenPath = "/auth/token"

// tokenAnswer is what the token endpoint says.
type tokenAnswer struct {
	AccessToken  string `json:"access_token"`
	TokenType    string `json:"token_type"`
	ExpiresIn    int    `json:"expires_in"`
	Scope        string `json:"scope"`
	RefreshToken string `json:"refresh_token"`
	Error        string `json:"error"`
}

// ask sends a form to an endpoint of the authorisation server.
func (s *session) ask(ctx context.Context, path string, form url.Values) (reply, tokenAnswer, error) {
	var a tokenAnswer
	r, err := s.wire.send(ctx, call{method: http.MethodPost, path: path, media: "application/x-www-form-urlencoded", body: form.Encode()})
	if err == nil && json.Unmarshal(r.body, &a) != nil {
		a = tokenAnswer{}
	}
	return r, a, err
}

func credentials(assertion, scope string) url.Values {
	return url.Values{
		"grant_type": {"client_credentials"}, "scope": {scope},
		"client_assertion": {assertion}, "client_assertion_type": {jose.AssertionType},
	}
}

// tokens gets a token and judges the token endpoint (SMART-301 to 325, 501 to 503).
func (s *session) tokens(ctx context.Context) {
	const on = "POST " + tokenPath
	text, err := s.assertion()
	if err != nil {
		s.ledger.fail(ruleToken, on, "the assertion cannot be signed")
		return
	}
	r, a, err := s.ask(ctx, tokenPath, credentials(text, s.opt.Scope))
	if err != nil || !s.ledger.judge(ruleToken, r.status == http.StatusOK && a.AccessToken != "", on, "answered %d %s", r.status, plainCode(a.Error)) {
		return
	}
	s.token = a.AccessToken
	s.ledger.judge(ruleToken, strings.EqualFold(a.TokenType, "Bearer") && a.ExpiresIn > 0 && a.ExpiresIn <= 300, on,
		"the token is no Bearer token of at most 300 seconds")
	s.ledger.judge(ruleToken, a.RefreshToken == "", on, "client credentials brought a refresh token")
	s.ledger.judge(ruleToken, a.Scope != "", on, "the answer does not say which scope was granted")
	s.ledger.judge(ruleToken, strings.Contains(r.header.Get("Cache-Control"), "no-store"), on, "the answer may be cached")
	r, a, err = s.ask(ctx, tokenPath, credentials(text, s.opt.Scope))
	if err == nil {
		s.ledger.judge(ruleTokenRefused, r.status == http.StatusUnauthorized && a.Error == "invalid_client", on, "a used assertion was answered %d", r.status)
	}
	s.refusedGrants(ctx)
	s.introspection(ctx)
}

// errorCodes are those of RFC 6749 5.2; another text of the server is not repeated.
var errorCodes = []string{"invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type", "invalid_scope"}

func plainCode(code string) string {
	if slices.Contains(errorCodes, code) {
		return code
	}
	return ""
}

// refusedGrants judges requests that bring no token.
func (s *session) refusedGrants(ctx context.Context) {
	const on = "POST " + tokenPath
	fresh := func() url.Values {
		text, err := s.assertion()
		if err != nil {
			return url.Values{}
		}
		return credentials(text, s.opt.Scope)
	}
	unknown := fresh()
	unknown.Set("grant_type", "password")
	broken := fresh()
	if a := broken.Get("client_assertion"); len(a) > 8 {
		broken.Set("client_assertion", a[:len(a)-8]+"AAAAAAAA")
	}
	for _, c := range []struct {
		name, path string
		form       url.Values
		status     int
		code       string
	}{
		{"an unknown grant", tokenPath, unknown, http.StatusBadRequest, "unsupported_grant_type"},
		{"a signature that is not right", tokenPath, broken, http.StatusUnauthorized, "invalid_client"},
		{"a parameter in the URL", tokenPath + "?scope=x", fresh(), http.StatusBadRequest, "invalid_request"},
	} {
		if r, a, err := s.ask(ctx, c.path, c.form); err == nil {
			s.ledger.judge(ruleTokenRefused, r.status == c.status && a.Error == c.code, on, "%s was answered %d %s", c.name, r.status, plainCode(a.Error))
		}
	}
}

// introspection judges what the server says of its own token and of one that is none.
func (s *session) introspection(ctx context.Context) {
	const path = "/auth/introspect"
	for token, active := range map[string]bool{s.token: true, s.wire.missing(): false} {
		text, err := s.assertion()
		if err != nil {
			return
		}
		form := credentials(text, "")
		form.Del("scope")
		form.Del("grant_type")
		form.Set("token", token)
		r, _, err := s.ask(ctx, path, form)
		if err != nil {
			return
		}
		said := map[string]any{}
		ok := r.status == http.StatusOK && json.Unmarshal(r.body, &said) == nil && said["active"] == active && (active || len(said) == 1)
		s.ledger.judge(ruleIntrospect, ok, "POST "+path, "of a token that is live: %v, it answered %d with other members", active, r.status)
	}
}

// narrowScope judges a token that may read Patients alone.
func (s *session) narrowScope(ctx context.Context) {
	text, err := s.assertion()
	if err != nil {
		return
	}
	_, a, err := s.ask(ctx, tokenPath, credentials(text, "system/Patient.r"))
	if err != nil || a.AccessToken == "" {
		s.ledger.skip(ruleScope, "the client may not have system/Patient.r")
		return
	}
	for _, path := range []string{"/fhir/CarePlan?_count=1", "/fhir/CarePlan/" + s.wire.missing(), "/fhir/Patient?_count=1"} {
		r, err := s.wire.send(ctx, call{path: path, token: a.AccessToken})
		if err != nil {
			return
		}
		ok := r.status == http.StatusForbidden && r.outcome.has("forbidden") && strings.Contains(r.header.Get("WWW-Authenticate"), `error="insufficient_scope"`)
		s.ledger.judge(ruleScope, ok, "GET "+path, "with scope system/Patient.r it answered %d", r.status)
	}
}

// anonymous judges requests without a live token (SMART-601, 602).
func (s *session) anonymous(ctx context.Context) {
	for _, c := range []call{
		{path: "/fhir/Patient?_count=1"}, {path: "/fhir/Patient/" + s.wire.missing()},
		{method: http.MethodPost, path: "/fhir/Patient", media: "application/fhir+json", body: broken},
	} {
		if r, err := s.wire.send(ctx, c); err == nil {
			how := r.header.Get("WWW-Authenticate")
			s.ledger.judge(ruleNoToken, r.status == http.StatusUnauthorized && strings.HasPrefix(how, "Bearer") && !strings.Contains(how, "error="),
				c.String(), "without a token it answered %d", r.status)
		}
	}
	wrong := call{path: "/fhir/Patient?_count=1", token: s.wire.missing()}
	if r, err := s.wire.send(ctx, wrong); err == nil {
		s.ledger.judge(ruleBadToken, r.status == http.StatusUnauthorized && strings.Contains(r.header.Get("WWW-Authenticate"), `error="invalid_token"`),
			wrong.String(), "with a wrong token it answered %d", r.status)
	}
	inURL := call{path: "/fhir/Patient?access_token=" + s.wire.missing()}
	if r, err := s.wire.send(ctx, inURL); err == nil {
		s.ledger.judge(ruleBadToken, r.status == http.StatusUnauthorized, "GET /fhir/Patient?access_token=…", "with a token in the URL it answered %d", r.status)
	}
}
