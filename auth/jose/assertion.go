package jose

import (
	"encoding/base64"
	"slices"
	"strings"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jws"
)

// AssertionType is the client_assertion_type of a JWT (RFC 7523).
const AssertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// MaxAssertion is the size limit of a compact assertion in bytes (SMART-321).
const MaxAssertion = 16 << 10

// Header is the part of a protected header that is looked at.
type Header struct {
	Alg    string
	KeyID  string
	KeySet string // jku; "" when absent
	Type   string // typ; "" when absent
}

// Claims are the claims of a client assertion (SMART-324).
type Claims struct {
	Issuer    string
	Subject   string
	Audience  string // a string, or the only element of an array
	ID        string // jti
	Expires   Instant
	IssuedAt  Instant
	NotBefore Instant
}

// Assertion is a client assertion of sound form. Its content is only the sender's word until
// Verify has accepted it.
type Assertion struct {
	Header Header
	Claims Claims

	input     string // what was signed
	signature []byte
}

// ParseAssertion reads a compact JWS. It refuses everything that is wrong in itself, whoever sent
// it: form, repeated members, forbidden header members, claims of a wrong JSON type
// (SMART-321, 322, 324). It never panics.
func ParseAssertion(compact string) (*Assertion, error) {
	parts := strings.Split(compact, ".")
	if len(compact) > MaxAssertion || len(parts) != 3 {
		return nil, refuse("jwt.form", "three parts of at most 16 KiB together are needed")
	}
	var raw [3][]byte
	for i, part := range parts {
		b, ok := decodePart(part)
		if !ok {
			return nil, refuse("jwt.form", "a part is empty or not unpadded base64url")
		}
		raw[i] = b
	}
	header, err := parseHeader(raw[0])
	if err != nil {
		return nil, err
	}
	claims, err := parseClaims(raw[1])
	if err != nil {
		return nil, err
	}
	return &Assertion{Header: header, Claims: claims, input: parts[0] + "." + parts[1], signature: raw[2]}, nil
}

// decodePart decodes unpadded base64url with zero trailing bits. The decoder of the standard
// library skips line breaks, so that they are looked for first.
func decodePart(s string) ([]byte, bool) {
	if s == "" || strings.ContainsAny(s, "\r\n") {
		return nil, false
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	return b, err == nil
}

// refusedMembers are header members that would let the sender choose the key or the meaning of the
// signature; x5t and its variants are caught by their prefix.
func refusedMember(name string) bool {
	switch name {
	case "crit", "b64", "jwk", "x5c", "x5u", "zip":
		return true
	}
	return strings.HasPrefix(name, "x5t")
}

func parseHeader(src []byte) (Header, error) {
	m, err := readObject(src)
	if err != nil {
		return Header{}, &Error{Rule: "jwt.json", Reason: "header", Err: err}
	}
	for name := range m {
		if refusedMember(name) {
			return Header{}, refuse("jwt.header", "a forbidden header member is present")
		}
	}
	alg, ok := m.text("alg")
	if !ok {
		return Header{}, refuse("jwt.alg", "alg is absent or no string")
	}
	typ, ok := m.text("typ")
	if _, sent := m["typ"]; sent && (!ok || !acceptedType(typ)) {
		return Header{}, refuse("jwt.typ", "typ is another")
	}
	jku, ok := m.text("jku")
	if _, sent := m["jku"]; sent && (!ok || jku == "") {
		return Header{}, refuse("jwt.jku", "jku is no string")
	}
	kid, ok := m.text("kid")
	if !ok || kid == "" || len(kid) > maxKeyID {
		return Header{}, refuse("jwt.kid", "kid is absent, no string, or longer than 256 bytes")
	}
	return Header{Alg: alg, KeyID: kid, KeySet: jku, Type: typ}, nil
}

func acceptedType(typ string) bool {
	return strings.EqualFold(typ, "JWT") || strings.EqualFold(typ, "client-authentication+jwt")
}

func parseClaims(src []byte) (Claims, error) {
	m, err := readObject(src)
	if err != nil {
		return Claims{}, &Error{Rule: "jwt.json", Reason: "claims", Err: err}
	}
	var c Claims
	var ok bool
	if c.Issuer, ok = m.text("iss"); !ok || c.Issuer == "" {
		return Claims{}, refuse("jwt.iss", "iss is absent or no string")
	}
	if c.Subject, ok = m.text("sub"); !ok || c.Subject == "" {
		return Claims{}, refuse("jwt.sub", "sub is absent or no string")
	}
	if c.Audience, ok = m.audience(); !ok {
		return Claims{}, refuse("jwt.aud", "aud is neither a string nor an array of one")
	}
	if c.Expires, ok = m.instant("exp"); !ok || !c.Expires.Sent {
		return Claims{}, refuse("jwt.exp", "exp is absent or no exact integer")
	}
	if c.NotBefore, ok = m.instant("nbf"); !ok {
		return Claims{}, refuse("jwt.nbf", "nbf is no exact integer")
	}
	if c.IssuedAt, ok = m.instant("iat"); !ok {
		return Claims{}, refuse("jwt.iat", "iat is no exact integer")
	}
	if c.ID, ok = m.text("jti"); !ok || c.ID == "" || len(c.ID) > 255 {
		return Claims{}, refuse("jwt.jti", "jti is absent, no string, or longer than 255 bytes")
	}
	return c, nil
}

func (m members) audience() (string, bool) {
	if s, ok := m.text("aud"); ok {
		return s, true
	}
	if list, ok := m.list("aud"); ok && len(list) == 1 {
		return list[0], true
	}
	return "", false
}

// Verify accepts the assertion when its alg is one of allowed and the signature verifies with the
// one key of the set that bears its kid and fits alg (SMART-322, 323). Rules: jwt.alg, jwt.kid,
// jwt.sig.
func (a *Assertion) Verify(set *KeySet, allowed []string) error {
	if err := a.CheckAlg(allowed); err != nil {
		return err
	}
	k, ok := set.pick(a.Header.KeyID, a.Header.Alg)
	if !ok {
		return refuse("jwt.kid", "none or more than one key fits")
	}
	v, err := jws.NewVerifier(jwa.SignatureAlgorithm(a.Header.Alg))
	if err != nil {
		return &Error{Rule: "jwt.alg", Reason: "no verifier", Err: err}
	}
	if v.Verify([]byte(a.input), a.signature, k.public) != nil {
		return refuse("jwt.sig", "the signature does not verify")
	}
	return nil
}

// CheckAlg refuses an alg that is not in allowed or that this package does not know (jwt.alg), so
// that a caller can refuse before it fetches keys.
func (a *Assertion) CheckAlg(allowed []string) error {
	if !KnownAlg(a.Header.Alg) || !slices.Contains(allowed, a.Header.Alg) {
		return refuse("jwt.alg", "alg is not allowed")
	}
	return nil
}
