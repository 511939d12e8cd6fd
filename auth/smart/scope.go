package smart

import (
	"slices"
	"strings"

	"github.com/drieluik/drieluik/auth"
)

// Limits of a scope list (smart.md 4.1).
const (
	maxScopeList = 16 << 10
	maxScopes    = 200
)

// grantScopes returns the scopes that a client gets of its own (SMART-309): request ∩ registration,
// of the levels system/ and drieluik/ and of served types, in the order asked. A scope that is
// granted whole comes back as it was asked, in v1 or v2 (smart.md 4.1).
func grantScopes(c *registered, asked string, served []TypeLetters) (string, error) {
	if asked == "" {
		asked = c.DefaultScope
	}
	if strings.Trim(asked, " ") == "" {
		return "", refuse("scope.missing")
	}
	if !isScopeList(asked) {
		return "", refuse("scope.form")
	}
	var granted []string
	for token := range strings.FieldsSeq(asked) {
		scope, known, err := parseScope(token)
		if err != nil {
			return "", err
		}
		if !known || !isClientScope(token, served) {
			continue
		}
		for _, g := range grantOne(token, scope, c.scopes) {
			if !slices.Contains(granted, g) {
				granted = append(granted, g)
			}
		}
	}
	if len(granted) == 0 {
		return "", refuse("scope.none")
	}
	return strings.Join(granted, " "), nil
}

// isScopeList reports whether the list has the form of smart.md 4.1: printable ASCII and blanks.
func isScopeList(list string) bool {
	if len(list) > maxScopeList || strings.ContainsFunc(list, func(r rune) bool { return r < ' ' || r > '~' }) {
		return false
	}
	return len(strings.Fields(list)) <= maxScopes
}

// parseScope reads one scope. known is false for a token outside the grammar, which is dropped; a
// granular item that cannot be enforced is scope.granular.
func parseScope(token string) (s auth.Scopes, known bool, err error) {
	s, err = auth.ParseScopes(token)
	if err == nil {
		return s, s.String() != "", nil
	}
	// ParseScopes refuses a list of which nothing is known, too; beside a known word only an item
	// that cannot be enforced is an error.
	if _, err := auth.ParseScopes("openid " + token); err != nil {
		return auth.Scopes{}, false, &fault{rule: "scope.granular", err: err}
	}
	return auth.Scopes{}, false, nil
}

// grantOne returns what the registration leaves of one scope: the scope as it was asked when it is
// there whole, beside which narrower ones say nothing.
func grantOne(token string, asked, registered auth.Scopes) []string {
	rest := strings.Fields(asked.Intersect(registered).String())
	if slices.Contains(rest, asked.String()) {
		return []string{token}
	}
	return rest
}

// isClientScope reports whether a token without a user may hold the scope: system/ of a served type
// or of all types, or one of the server's own.
func isClientScope(token string, served []TypeLetters) bool {
	if strings.HasPrefix(token, "drieluik/") {
		return true
	}
	rest, system := strings.CutPrefix(token, "system/")
	if !system {
		return false
	}
	name, _, _ := strings.Cut(rest, ".")
	return name == "*" || slices.ContainsFunc(served, func(t TypeLetters) bool { return string(t.Type) == name })
}
