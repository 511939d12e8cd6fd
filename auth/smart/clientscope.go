package smart

import "strings"

func scopeRules() []clientRule {
	words := func(list func(Client) string) func(Client) []string {
		return func(c Client) []string { return strings.Fields(list(c)) }
	}
	registrable := func(_ Client, token string) bool { return isRegistrable(token) }
	const wrong = "each item must be a scope of SMART 2.2 on an R4 type; wildcards only under system/"
	whole := func(list func(Client) string) func(Client, string) bool {
		return func(c Client, _ string) bool { return isScopeList(list(c)) }
	}
	scope := func(c Client) string { return c.Scope }
	byDefault := func(c Client) string { return c.DefaultScope }
	required := func(c Client) string { return c.RequiredScope }
	return []clientRule{
		{"scope", nil, func(c Client, _ string) bool { return strings.TrimSpace(c.Scope) != "" }, "is required: the most that the client may be given"},
		{"scope", words(scope), registrable, wrong},
		{"scope", nil, whole(scope), "must be a list with single spaces, at most 200 items and 16 KiB"},
		{"default_scope", words(byDefault), registrable, wrong},
		{"default_scope", nil, whole(byDefault), "must be a list with single spaces, at most 200 items and 16 KiB"},
		{"default_scope", nil, func(c Client, _ string) bool { return c.DefaultScope == "" || c.Type == TypeBackend }, "is for backend clients"},
		{"required_scope", words(required), registrable, wrong},
		{"required_scope", nil, whole(required), "must be a list with single spaces, at most 200 items and 16 KiB"},
	}
}

// isRegistrable reports whether one scope may stand in a registration: known to the grammar, and
// without a wildcard type below patient/ and user/ (smart.md 4.3).
func isRegistrable(token string) bool {
	if strings.HasPrefix(token, "patient/*") || strings.HasPrefix(token, "user/*") {
		return false
	}
	_, known, err := parseScope(token)
	return err == nil && known
}
