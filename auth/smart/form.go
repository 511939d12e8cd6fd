package smart

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"
)

// Limits of a form (SMART-301).
const (
	maxForm       = 64 << 10
	maxParameters = 100
)

// form holds the parameters of a request. Each occurs once, and an empty value counts as absent
// (RFC 6749 3.1).
type form map[string]string

// knownParameter reports whether a name may stand in an answer; every other is the sender's text.
func knownParameter(name string) bool {
	switch name {
	case "grant_type", "scope", "client_id", "client_secret", "client_assertion", "client_assertion_type",
		"resource", "audience", "purpose_of_use", "code", "redirect_uri", "code_verifier", "refresh_token",
		"token", "token_type_hint", "response_type", "response_mode", "state", "aud", "code_challenge",
		"code_challenge_method", "nonce", "prompt", "max_age", "request", "request_uri", "registration",
		"ui_locales", "login_hint", "launch", "dpop_jkt":
		return true
	}
	return false
}

// readForm reads the body strictly (SMART-301, 302). net/http's own parser mixes in the URL and
// skips what it cannot read.
func readForm(w http.ResponseWriter, r *http.Request) (form, error) {
	if r.Method != http.MethodPost {
		return nil, refuse("form.method")
	}
	if !isForm(r.Header) {
		return nil, refuse("form.type")
	}
	if r.URL.RawQuery != "" || r.URL.ForceQuery {
		return nil, refuse("form.query")
	}
	body, err := readAll(w, r, maxForm)
	if err != nil {
		return nil, err
	}
	return parseForm(string(body))
}

// readAll reads a body of at most limit bytes. One that is announced as larger is refused unread, with the
// connection: nobody waits for what will not be looked at.
func readAll(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	if r.ContentLength > limit {
		w.Header().Set("Connection", "close")
		return nil, refuse("form.size")
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return nil, refuse("form.size")
	}
	if err != nil {
		return nil, &fault{rule: "form.encoding", err: err}
	}
	return body, nil
}

func isForm(h http.Header) bool {
	types := h.Values("Content-Type")
	if len(types) != 1 || len(h.Values("Content-Encoding")) > 0 {
		return false
	}
	media, params, err := mime.ParseMediaType(types[0])
	if err != nil || media != "application/x-www-form-urlencoded" {
		return false
	}
	charset, named := params["charset"]
	return !named || strings.EqualFold(charset, "utf-8")
}

func parseForm(body string) (form, error) {
	pairs, err := parsePairs(body)
	if err != nil {
		return nil, err
	}
	f := form{}
	seen := map[string]bool{}
	for _, p := range pairs {
		if seen[p.name] {
			return nil, repeatedParameter(p.name)
		}
		seen[p.name] = true
		if p.value != "" {
			f[p.name] = p.value
		}
	}
	return f, nil
}

// pair is one parameter as it was sent.
type pair struct{ name, value string }

// parsePairs reads every pair of a form or query, strictly and in order.
func parsePairs(body string) ([]pair, error) {
	if body == "" {
		return nil, nil
	}
	if strings.Count(body, "&") >= maxParameters {
		return nil, refuse("form.encoding")
	}
	var pairs []pair
	for text := range strings.SplitSeq(body, "&") {
		rawName, rawValue, _ := strings.Cut(text, "=")
		name, nameOK := decodePart(rawName)
		value, valueOK := decodePart(rawValue)
		if !nameOK || !valueOK {
			return nil, refuse("form.encoding")
		}
		pairs = append(pairs, pair{name, value})
	}
	return pairs, nil
}

func repeatedParameter(name string) *fault {
	if !knownParameter(name) {
		name = ""
	}
	return &fault{rule: "form.repeat", name: name}
}

func decodePart(s string) (string, bool) {
	decoded, err := url.QueryUnescape(s)
	if err != nil || !utf8.ValidString(decoded) || strings.ContainsRune(decoded, 0) {
		return "", false
	}
	return decoded, true
}
