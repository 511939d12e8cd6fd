package auth

import (
	"net/url"
	"slices"
	"strings"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/r4"
)

// Limits of a scope list, smart.md 4.1.
const (
	maxScopeBytes  = 16 << 10
	maxScopeTokens = 200
	maxScopeItems  = 5
	maxScopeCodes  = 10
)

// Letters of SMART 2 in the order in which they are written.
const letterOrder = "cruds"

// letters is a set of the letters c, r, u, d, s: bit i stands for letterOrder[i].
type letters uint8

// v1 letters, smart.md 4.1.
var v1Letters = map[string]letters{"read": letterSet("rs"), "write": letterSet("cud"), "*": letterSet("cruds")}

// scopeLevels are the levels of a resource scope, in canonical order.
var scopeLevels = []string{"patient", "system", "user"}

// scopeWords are the tokens that name no resource; launch/… is matched apart.
var scopeWords = map[string]bool{
	"openid": true, "fhirUser": true, "offline_access": true, "online_access": true,
	"launch": true, "drieluik/launch": true, "drieluik/introspect": true,
}

// generalParams may narrow a scope of every type, smart.md 4.2. The others only where R4 defines
// them as token parameters of the type.
var (
	generalParams = map[string]bool{"_tag": true, "_security": true}
	typedParams   = map[string]bool{"category": true, "code": true, "status": true}
)

// Scopes is a granted scope list in canonical form (smart.md 4). ParseScopes makes it.
type Scopes struct {
	entries []scope
	words   []string
}

// scope is one resource scope.
type scope struct {
	level   string
	kind    string // resource type, or "*"
	letters letters
	query   []scopeItem // sorted by param
}

// scopeItem is one condition of a granular scope: any of the codes.
type scopeItem struct {
	param string
	codes []scopeCode // sorted
}

// scopeCode is "system|code", "|code" (no system) or "code" (any system).
type scopeCode struct {
	system string
	any    bool
	code   string
}

// ParseScopes reads a scope list. Tokens outside the grammar are dropped; an item that cannot be
// enforced is an error (invalid_scope).
func ParseScopes(list string) (Scopes, error) {
	if len(list) > maxScopeBytes {
		return Scopes{}, invalidScope("the list is longer than 16 KiB")
	}
	if strings.ContainsFunc(list, func(r rune) bool { return r < ' ' || r > '~' }) {
		return Scopes{}, invalidScope("only printable ASCII and blanks are allowed")
	}
	tokens := strings.Fields(list)
	if len(tokens) > maxScopeTokens {
		return Scopes{}, invalidScope("more than 200 scopes")
	}
	var s Scopes
	for _, t := range tokens {
		if isScopeWord(t) {
			s.words = append(s.words, t)
			continue
		}
		e, ok, err := parseScope(t)
		if err != nil {
			return Scopes{}, err
		}
		if ok {
			s.entries = append(s.entries, e)
		}
	}
	if len(s.entries) == 0 && len(s.words) == 0 {
		return Scopes{}, invalidScope("no known scope in the list")
	}
	return s.canonical(), nil
}

// isScopeWord reports whether t is a token without a resource.
func isScopeWord(t string) bool {
	if scopeWords[t] {
		return true
	}
	context, ok := strings.CutPrefix(t, "launch/")
	if !ok {
		return false
	}
	context, role, hasRole := strings.Cut(context, "?role=")
	lower := context != "" && !strings.ContainsFunc(context, func(r rune) bool { return r < 'a' || r > 'z' })
	if !hasRole {
		return lower
	}
	u, err := url.Parse(role)
	return lower && err == nil && u.Scheme != ""
}

// parseScope reads one resource scope. It reports false for a token outside the grammar.
func parseScope(t string) (scope, bool, error) {
	head, query, granular := strings.Cut(t, "?")
	level, rest, ok := strings.Cut(head, "/")
	if !ok || !slices.Contains(scopeLevels, level) {
		return scope{}, false, nil
	}
	dot := strings.LastIndexByte(rest, '.')
	if dot < 0 {
		return scope{}, false, nil
	}
	e := scope{level: level, kind: rest[:dot]}
	if _, known := fhir.ParseType(e.kind); !known && e.kind != "*" {
		return scope{}, false, nil
	}
	v1, isV1 := v1Letters[rest[dot+1:]]
	e.letters = v1
	if !isV1 {
		e.letters, ok = parseLetters(rest[dot+1:])
		if !ok {
			return scope{}, false, nil
		}
	}
	if !granular {
		return e, true, nil
	}
	if isV1 || e.kind == "*" {
		return scope{}, false, invalidScope("a condition needs one type and SMART 2 letters")
	}
	var err error
	e.query, err = parseScopeQuery(e.kind, query)
	return e, err == nil, err
}

// parseLetters reads letters that stand in the order of SMART 2, each at most once.
func parseLetters(s string) (letters, bool) {
	var l letters
	last := -1
	for _, r := range s {
		i := strings.IndexRune(letterOrder, r)
		if i <= last {
			return 0, false
		}
		last, l = i, l|1<<i
	}
	return l, l != 0
}

// parseScopeQuery reads the conditions of a granular scope of the type.
func parseScopeQuery(kind, query string) ([]scopeItem, error) {
	items := strings.Split(query, "&")
	if len(items) > maxScopeItems {
		return nil, invalidScope("more than five conditions in one scope")
	}
	out := make([]scopeItem, 0, len(items))
	for _, text := range items {
		param, value, ok := strings.Cut(text, "=")
		if !ok || !granularParam(kind, param) {
			return nil, invalidScope("a condition that cannot be enforced")
		}
		if slices.ContainsFunc(out, func(i scopeItem) bool { return i.param == param }) {
			return nil, invalidScope("a parameter twice in one scope")
		}
		codes, err := parseScopeCodes(value)
		if err != nil {
			return nil, err
		}
		out = append(out, scopeItem{param: param, codes: codes})
	}
	return out, nil
}

// parseScopeCodes reads a percent-encoded token list.
func parseScopeCodes(value string) ([]scopeCode, error) {
	plain, err := url.PathUnescape(value)
	if err != nil || strings.ContainsFunc(plain, func(r rune) bool { return r < ' ' || r > '~' || r == '$' || r == '\\' }) {
		return nil, invalidScope("a code with characters that are not allowed")
	}
	parts := strings.Split(plain, ",")
	if len(parts) > maxScopeCodes {
		return nil, invalidScope("more than ten codes in one condition")
	}
	codes := make([]scopeCode, 0, len(parts))
	for _, p := range parts {
		system, code, has := strings.Cut(p, "|")
		if !has {
			system, code = "", p
		}
		if code == "" || strings.Contains(code, "|") {
			return nil, invalidScope("a condition needs codes")
		}
		codes = append(codes, scopeCode{system: system, any: !has, code: code})
	}
	return codes, nil
}

// granularParam reports whether the parameter can narrow scopes of the type.
func granularParam(kind, param string) bool {
	if generalParams[param] {
		return true
	}
	return typedParams[param] && slices.ContainsFunc(r4.SearchParams(kind), func(p r4.SearchParam) bool {
		return p.Code == param && p.Type == "token"
	})
}

// letterSet returns the set of the letters of s.
func letterSet(s string) letters {
	var l letters
	for i := range len(letterOrder) {
		if strings.IndexByte(s, letterOrder[i]) >= 0 {
			l |= 1 << i
		}
	}
	return l
}

func (l letters) String() string {
	var b strings.Builder
	for i := range len(letterOrder) {
		if l&(1<<i) != 0 {
			b.WriteByte(letterOrder[i])
		}
	}
	return b.String()
}

// invalidScope is the error of a list that cannot be granted as it stands.
func invalidScope(text string) error {
	return fhir.Errorf(fhir.BadRequest, "auth.ParseScopes", "invalid", "invalid_scope", "%s", text)
}
