// Package jose owns every JOSE call: reading and verifying client assertions, reading key sets,
// generating keys, signing, thumbprints. It refuses policy: who may use which key, audience, time
// and replay are judged by auth/smart.
package jose

import (
	"bytes"
	"errors"
	"io"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// Error is a refusal. Its text never holds an input value.
type Error struct {
	Rule   string // rule of the error catalogue (smart.md 10), such as "jwt.kid"
	Reason string // fixed English text for the operator
	Err    error  // cause, for the log; nil when the reason says all
}

// Error implements error.
func (e *Error) Error() string {
	if e.Err != nil {
		return e.Rule + ": " + e.Reason + ": " + e.Err.Error()
	}
	return e.Rule + ": " + e.Reason
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// RuleOf returns the rule of err, or "" when err is no refusal of this package.
func RuleOf(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Rule
	}
	return ""
}

func refuse(rule, reason string) error { return &Error{Rule: rule, Reason: reason} }

// Algorithm names of RFC 7518 that this package signs and verifies with.
const (
	RS256 = "RS256"
	RS384 = "RS384"
	PS256 = "PS256"
	PS384 = "PS384"
	ES256 = "ES256"
	ES384 = "ES384"
)

// family is what an algorithm asks of its key.
type family struct{ kty, crv string }

// familyOf returns the key family of an algorithm; every other name, such as "none" or "HS256",
// has none.
func familyOf(alg string) (family, bool) {
	switch alg {
	case RS256, RS384, PS256, PS384:
		return family{kty: "RSA"}, true
	case ES256:
		return family{kty: "EC", crv: "P-256"}, true
	case ES384:
		return family{kty: "EC", crv: "P-384"}, true
	}
	return family{}, false
}

// KnownAlg reports whether alg is one that this package can verify with.
func KnownAlg(alg string) bool {
	_, ok := familyOf(alg)
	return ok
}

// members are the raw values of one JSON object by member name.
type members map[string]jsontext.Value

var errNotObject = errors.New("not one JSON object")

// readObject reads exactly one JSON object. The decoder refuses repeated members at every depth
// and invalid UTF-8.
func readObject(src []byte) (members, error) {
	d := jsontext.NewDecoder(bytes.NewReader(src))
	if d.PeekKind() != '{' {
		return nil, errNotObject
	}
	if _, err := d.ReadToken(); err != nil {
		return nil, errNotObject
	}
	m := members{}
	for d.PeekKind() == '"' {
		name, err := d.ReadToken()
		if err != nil {
			return nil, errNotObject
		}
		key := name.String() // the token dies with the next read
		value, err := d.ReadValue()
		if err != nil {
			return nil, errNotObject
		}
		m[key] = value.Clone()
	}
	if _, err := d.ReadToken(); err != nil {
		return nil, errNotObject
	}
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		return nil, errNotObject
	}
	return m, nil
}

// text returns a string member; ok is false when it is absent or no string.
func (m members) text(name string) (value string, ok bool) { return textOf(m[name]) }

func textOf(v jsontext.Value) (string, bool) {
	if v.Kind() != '"' {
		return "", false
	}
	s, err := jsontext.AppendUnquote(nil, v)
	return string(s), err == nil
}

// list returns the strings of an array member; ok is false for every other value.
func (m members) list(name string) (values []string, ok bool) {
	v, found := m[name]
	if !found || v.Kind() != '[' {
		return nil, false
	}
	items, err := elements(v)
	if err != nil {
		return nil, false
	}
	for _, item := range items {
		s, ok := textOf(item)
		if !ok {
			return nil, false
		}
		values = append(values, s)
	}
	return values, true
}

// elements splits a JSON array into its raw values.
func elements(v jsontext.Value) ([]jsontext.Value, error) {
	d := jsontext.NewDecoder(bytes.NewReader(v))
	if _, err := d.ReadToken(); err != nil {
		return nil, err
	}
	var out []jsontext.Value
	for d.PeekKind() != ']' {
		item, err := d.ReadValue()
		if err != nil {
			return nil, err
		}
		out = append(out, item.Clone())
	}
	return out, nil
}

// maxExact is the largest integer that every JSON reader holds exactly, 2^53.
const maxExact = 1 << 53

// Instant is a NumericDate of a token: whole seconds since 1970, when it was sent.
type Instant struct {
	Sent bool
	Unix int64
}

// At returns the instant of that second.
func At(unix int64) Instant { return Instant{Sent: true, Unix: unix} }

// instant reads an exact integer: no fraction, no exponent, at most 2^53 either way (SMART-324).
func (m members) instant(name string) (Instant, bool) {
	v, found := m[name]
	if !found {
		return Instant{}, true
	}
	if v.Kind() != '0' {
		return Instant{}, false
	}
	n, err := strconv.ParseInt(string(v), 10, 64)
	if err != nil || n > maxExact || n < -maxExact {
		return Instant{}, false
	}
	return At(n), true
}
