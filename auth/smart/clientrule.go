package smart

import (
	"encoding/hex"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/drieluik/drieluik/auth/egress"
	"github.com/drieluik/drieluik/auth/jose"
	"github.com/drieluik/drieluik/fhir"
)

// clientRule is one rule on one member. Of a rule with items, each item is judged on its own.
type clientRule struct {
	member string
	items  func(Client) []string
	holds  func(c Client, item string) bool
	text   string
}

func always(Client) []string { return []string{""} }

func whenSet(value func(Client) string) func(Client) []string {
	return func(c Client) []string {
		if v := value(c); v != "" {
			return []string{v}
		}
		return nil
	}
}

func oneOf(values ...string) func(Client, string) bool {
	return func(_ Client, item string) bool { return slices.Contains(values, item) }
}

// checkClient returns every fault of c. base is the JSON pointer of the client in its document,
// "" outside a file.
func checkClient(base string, c Client) []fhir.Issue {
	var issues []fhir.Issue
	for _, rules := range [][]clientRule{identityRules(), methodRules(), addressRules(), scopeRules(), keyRules(), organizationRules()} {
		for _, r := range rules {
			issues = append(issues, r.check(base, c)...)
		}
	}
	return issues
}

func (r clientRule) check(base string, c Client) []fhir.Issue {
	index := -1
	if r.items == nil {
		r.items = always
	}
	items := r.items(c)
	var issues []fhir.Issue
	for i, item := range items {
		if len(items) > 1 {
			index = i
		}
		if !r.holds(c, item) {
			issues = append(issues, clientIssue(pointerTo(base, r.member, index), "client."+r.member, r.text))
		}
	}
	return issues
}

func identityRules() []clientRule {
	name := func(_ Client, v string) bool { return isDisplayName(v) }
	return []clientRule{
		{"client_id", nil, func(c Client, _ string) bool { return isClientID(c.ID) }, "must begin with a letter or digit and have at most 128 of A-Z a-z 0-9 . _ ~ : / -"},
		{"client_name", nil, func(c Client, _ string) bool { return isDisplayName(c.Name) }, "is required: at most 80 characters without control or direction characters"},
		{"client_name#nl", whenSet(func(c Client) string { return c.NameNL }), name, "at most 80 characters without control or direction characters"},
		{"client_name#sv", whenSet(func(c Client) string { return c.NameSV }), name, "at most 80 characters without control or direction characters"},
		{"client_name#en", whenSet(func(c Client) string { return c.NameEN }), name, "at most 80 characters without control or direction characters"},
		{"type", func(c Client) []string { return []string{c.Type} }, oneOf(TypePublic, TypeConfidential, TypeBackend), "must be public, confidential or backend"},
		{"status", func(c Client) []string { return []string{c.Status} }, oneOf(StatusActive, StatusDisabled), "must be active or disabled"},
		{"application_type", whenSet(func(c Client) string { return c.ApplicationType }), oneOf("web", "native"), "must be web or native"},
		{"dpop", whenSet(func(c Client) string { return c.DPoP }), oneOf("off", "optional", "required"), "must be off, optional or required"},
	}
}

func methodRules() []clientRule {
	return []clientRule{
		{"token_endpoint_auth_method", nil, func(c Client, _ string) bool { return methodFits(c) }, "none is for public clients, private_key_jwt for confidential and backend, the secrets for confidential ones"},
		{"grant_types", func(c Client) []string { return c.GrantTypes }, oneOf(GrantCode, GrantRefresh, GrantCredentials), "must be authorization_code, refresh_token or client_credentials"},
		{"grant_types", nil, func(c Client, _ string) bool { return grantsFit(c) }, "client_credentials is the one grant of a backend client, and of no other"},
		{"grant_types", nil, func(c Client, _ string) bool { return !repeats(c.GrantTypes) }, "each grant once"},
		{"purposes", func(c Client) []string { return c.Purposes }, oneOf("COC", "ETREAT", "BTG", "HCOMPL", "PUBHLTH"), "must be COC, ETREAT, BTG, HCOMPL or PUBHLTH"},
		{"skip_consent", nil, func(c Client, _ string) bool {
			return !c.SkipConsent || c.Type == TypeConfidential && len(c.LaunchURIs) > 0
		}, "is for confidential clients with launch_uris"},
		{"may_launch", nil, func(c Client, _ string) bool { return !c.MayLaunch || c.Type != TypePublic }, "is not for public clients"},
		{"may_introspect", nil, func(c Client, _ string) bool { return !c.MayIntrospect || c.Type != TypePublic }, "is not for public clients"},
	}
}

func methodFits(c Client) bool {
	switch c.AuthMethod {
	case AuthNone:
		return c.Type == TypePublic
	case AuthJWT:
		return c.Type != TypePublic
	case AuthBasic, AuthPosted:
		return c.Type == TypeConfidential
	}
	return false
}

func grantsFit(c Client) bool {
	if c.Type == TypeBackend {
		return len(c.GrantTypes) == 1 && c.GrantTypes[0] == GrantCredentials
	}
	return len(c.GrantTypes) > 0 && !slices.Contains(c.GrantTypes, GrantCredentials)
}

func addressRules() []clientRule {
	return []clientRule{
		{"redirect_uris", func(c Client) []string { return c.RedirectURIs }, isRedirectURI, "must be absolute without fragment, userinfo and *: https, http on a loopback address, or a private-use scheme with a dot for a native app"},
		{"redirect_uris", nil, func(c Client, _ string) bool {
			return len(c.RedirectURIs) > 0 || !slices.Contains(c.GrantTypes, GrantCode)
		}, "is required with authorization_code"},
		{"redirect_uris", nil, func(c Client, _ string) bool { return len(c.RedirectURIs) <= 10 }, "at most 10"},
		{"launch_uris", func(c Client) []string { return c.LaunchURIs }, func(_ Client, v string) bool { return isWebURI(v) }, "must be https, or http on a loopback address"},
		{"launch_uris", nil, func(c Client, _ string) bool { return len(c.LaunchURIs) <= 10 }, "at most 10"},
		{"origins", func(c Client) []string { return c.Origins }, func(_ Client, v string) bool { return isOrigin(v) }, "must be scheme://host[:port]; null and * are refused"},
		{"origins", nil, func(c Client, _ string) bool { return len(c.Origins) <= 10 }, "at most 10"},
	}
}

func keyRules() []clientRule {
	return []clientRule{
		{"jwks", nil, func(c Client, _ string) bool {
			return c.AuthMethod != AuthJWT || (len(c.JWKS) > 0) != (c.JWKSURI != "")
		}, "private_key_jwt needs exactly one of jwks and jwks_uri"},
		{"jwks", nil, func(c Client, _ string) bool {
			return c.AuthMethod == AuthJWT || len(c.JWKS) == 0 && c.JWKSURI == ""
		}, "keys are for private_key_jwt alone"},
		{"jwks", nil, func(c Client, _ string) bool {
			if len(c.JWKS) == 0 {
				return true
			}
			_, err := jose.ParseKeySet(c.JWKS)
			return err == nil
		}, "must hold 1 to 20 public keys with unique kid: RSA 2048 to 8192 bits with e 65537, or EC P-256, P-384, P-521"},
		{"jwks_uri", whenSet(func(c Client) string { return c.JWKSURI }), func(_ Client, v string) bool { return isWebURI(v) }, "must be https without userinfo and fragment, or http on a loopback address"},
		{"client_secret_sha256", func(c Client) []string { return c.SecretHashes }, func(_ Client, v string) bool {
			b, err := hex.DecodeString(v)
			return err == nil && len(b) == 32
		}, "must be the hex of a SHA-256"},
		{"client_secret_sha256", nil, func(c Client, _ string) bool { return len(c.SecretHashes) <= 2 }, "at most 2"},
		{"client_secret_sha256", nil, func(c Client, _ string) bool {
			return usesSecret(c) == (len(c.SecretHashes) > 0)
		}, "goes with client_secret_basic and client_secret_post, and with these alone"},
		{"assertion_algs", func(c Client) []string { return c.AssertionAlgs }, oneOf(assertionAlgs()...), "must be RS384, ES384, ES256, PS256 or PS384"},
		{"assertion_algs", nil, func(c Client, _ string) bool {
			return len(c.AssertionAlgs) == 0 || c.AuthMethod == AuthJWT
		}, "is for private_key_jwt alone"},
	}
}

func usesSecret(c Client) bool { return c.AuthMethod == AuthBasic || c.AuthMethod == AuthPosted }

// isClientID holds the pattern of client_id.
func isClientID(s string) bool {
	if len(s) == 0 || len(s) > 128 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		alnum := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !alnum && (i == 0 || !strings.ContainsRune("._~:/-", rune(c))) {
			return false
		}
	}
	return true
}

// isDisplayName holds what may stand on a consent page: no character that hides or turns text.
func isDisplayName(s string) bool {
	if strings.TrimSpace(s) == "" || !utf8.ValidString(s) || utf8.RuneCountInString(s) > 80 {
		return false
	}
	return !strings.ContainsFunc(s, func(r rune) bool {
		return unicode.IsControl(r) || unicode.In(r, unicode.Bidi_Control, unicode.Zl, unicode.Zp)
	})
}

// plainURI parses an absolute URI without fragment, userinfo, wildcard or white space.
func plainURI(s string) (*url.URL, bool) {
	u, err := url.Parse(s)
	if err != nil || !u.IsAbs() || u.User != nil || strings.ContainsAny(s, "#*\\ \t\r\n") || len(s) > 2048 {
		return nil, false
	}
	return u, true
}

func isWebURI(s string) bool {
	u, ok := plainURI(s)
	if !ok || u.Hostname() == "" {
		return false
	}
	return u.Scheme == "https" || u.Scheme == "http" && egress.IsLoopback(u.Hostname())
}

func isRedirectURI(c Client, s string) bool {
	if isWebURI(s) {
		return true
	}
	u, ok := plainURI(s)
	return ok && c.ApplicationType == "native" && strings.Contains(u.Scheme, ".")
}

func isOrigin(s string) bool {
	u, ok := plainURI(s)
	return ok && u.Hostname() != "" && s == u.Scheme+"://"+u.Host
}

func repeats(values []string) bool {
	seen := map[string]bool{}
	for _, v := range values {
		if seen[v] {
			return true
		}
		seen[v] = true
	}
	return false
}
