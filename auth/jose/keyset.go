package jose

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/lestrrat-go/jwx/v2/jwk"
)

// Limits of a key set (smart.md 3.5).
const (
	MaxKeys    = 20
	MaxKeySet  = 64 << 10 // bytes
	maxKeyID   = 256
	minRSABits = 2048
	maxRSABits = 8192
)

// key is one public key of a set. A key of a family that no algorithm here uses (such as OKP) is
// kept without public, as RFC 7517 5 asks; it never fits.
type key struct {
	kid, kty, crv, use, alg string
	ops                     []string
	public                  crypto.PublicKey
	jwk                     jwk.Key
}

// KeySet is a checked set of public keys. It is immutable and safe for concurrent use.
type KeySet struct{ keys []key }

// ParseKeySet reads a JWKS and refuses it whole (jwks.form) when one key is not usable: no unique
// kid, private or symmetric members, an RSA size or exponent outside smart.md 3.5, a point that is
// not on its curve.
func ParseKeySet(src []byte) (*KeySet, error) {
	if len(src) > MaxKeySet {
		return nil, refuse("jwks.form", "the key set is larger than 64 KiB")
	}
	m, err := readObject(src)
	if err != nil {
		return nil, &Error{Rule: "jwks.form", Reason: "the key set", Err: err}
	}
	if m["keys"].Kind() != '[' {
		return nil, refuse("jwks.form", "keys is no array")
	}
	items, err := elements(m["keys"])
	if err != nil || len(items) == 0 || len(items) > MaxKeys {
		return nil, refuse("jwks.form", "keys must hold 1 to 20 keys")
	}
	set := &KeySet{}
	for i, item := range items {
		k, err := parseKey(item)
		if err != nil {
			return nil, &Error{Rule: "jwks.form", Reason: fmt.Sprintf("key %d of the set", i+1), Err: err}
		}
		if set.Has(k.kid) {
			return nil, refuse("jwks.form", "a kid occurs twice")
		}
		set.keys = append(set.keys, k)
	}
	if !slices.ContainsFunc(set.keys, func(k key) bool { return k.public != nil }) {
		return nil, refuse("jwks.form", "no key is RSA or EC on P-256, P-384, P-521")
	}
	return set, nil
}

// secretMembers are the private members of RFC 7518 6.2.2, 6.3.2 and the symmetric one of 6.4.1.
func secretMembers() []string {
	return []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k"}
}

func parseKey(src jsontext.Value) (key, error) {
	m, err := readObject(src)
	if err != nil {
		return key{}, err
	}
	k, err := describePublic(m)
	if err != nil {
		return key{}, err
	}
	if k.kid == "" || len(k.kid) > maxKeyID {
		return key{}, errors.New("kid must have 1 to 256 bytes")
	}
	if !usableFamily(k.kty, k.crv) {
		return k, nil
	}
	err = k.load(src)
	return k, err
}

// load makes the key of its members. jwx names the offending text in its errors, so that they are not
// passed on.
func (k *key) load(src []byte) error {
	var err error
	if k.jwk, err = jwk.ParseKey(src); err != nil {
		return errNoKey
	}
	if err := k.jwk.Raw(&k.public); err != nil {
		return errNoKey
	}
	return checkPublic(k.public)
}

var errNoKey = errors.New("its members do not make a key")

// describePublic is describeKey of a key that may be sent by anybody.
func describePublic(m members) (key, error) {
	for _, name := range secretMembers() {
		if _, found := m[name]; found {
			return key{}, errors.New("it has a private or symmetric member")
		}
	}
	return describeKey(m)
}

// describeKey reads the members that say what a key is for.
func describeKey(m members) (key, error) {
	k := key{}
	optional := []struct {
		name string
		into *string
	}{{"kid", &k.kid}, {"kty", &k.kty}, {"crv", &k.crv}, {"use", &k.use}, {"alg", &k.alg}}
	for _, o := range optional {
		if _, found := m[o.name]; !found {
			continue
		}
		s, ok := m.text(o.name)
		if !ok {
			return key{}, errors.New(o.name + " is no string")
		}
		*o.into = s
	}
	if k.kty == "" || k.kty == "oct" {
		return key{}, errors.New("kty is absent or symmetric")
	}
	if _, found := m["key_ops"]; found {
		ops, ok := m.list("key_ops")
		if !ok {
			return key{}, errors.New("key_ops is no array of strings")
		}
		k.ops = ops
		if len(ops) == 0 {
			return key{}, errors.New("key_ops is empty")
		}
	}
	return k, nil
}

func usableFamily(kty, crv string) bool {
	if kty == "RSA" {
		return true
	}
	return kty == "EC" && (crv == "P-256" || crv == "P-384" || crv == "P-521")
}

func checkPublic(public crypto.PublicKey) error {
	switch p := public.(type) {
	case *rsa.PublicKey:
		if bits := p.N.BitLen(); bits < minRSABits || bits > maxRSABits || p.E != 65537 {
			return errors.New("an RSA key needs 2048 to 8192 bits and e = 65537")
		}
	case *ecdsa.PublicKey:
		if _, err := p.ECDH(); err != nil {
			return errors.New("its point is not on the curve")
		}
	default:
		return errors.New("it is no public key")
	}
	return nil
}

// Has reports whether the set has a key of that kid.
func (s *KeySet) Has(kid string) bool {
	return slices.ContainsFunc(s.keys, func(k key) bool { return k.kid == kid })
}

// Len returns the number of keys.
func (s *KeySet) Len() int { return len(s.keys) }

// KeyIDs returns the kids in the order of the set.
func (s *KeySet) KeyIDs() []string {
	ids := make([]string, len(s.keys))
	for i, k := range s.keys {
		ids[i] = k.kid
	}
	return ids
}

// pick returns the one key that bears kid and fits alg. A nil set has no keys.
func (s *KeySet) pick(kid, alg string) (key, bool) {
	if s == nil {
		return key{}, false
	}
	var found key
	n := 0
	for _, k := range s.keys {
		if k.kid == kid && k.fits(alg) {
			found = k
			n++
		}
	}
	return found, n == 1
}

// fits reports whether k may verify alg: kty and crv must, use, alg and key_ops when present.
func (k key) fits(alg string) bool {
	f, known := familyOf(alg)
	if !known || k.public == nil || k.kty != f.kty || k.crv != f.crv {
		return false
	}
	if k.use != "" && k.use != "sig" {
		return false
	}
	if k.alg != "" && k.alg != alg {
		return false
	}
	return k.ops == nil || slices.Contains(k.ops, "verify")
}

// MarshalJSON returns the JWKS of the keys in use: {"keys": […]}, public members only.
func (s *KeySet) MarshalJSON() ([]byte, error) {
	keys := []jwk.Key{}
	for _, k := range s.keys {
		if k.jwk != nil {
			keys = append(keys, k.jwk)
		}
	}
	return json.Marshal(struct {
		Keys []jwk.Key `json:"keys"`
	}{keys})
}

// Thumbprint returns the RFC 7638 SHA-256 thumbprint of the key of that kid, base64url.
func (s *KeySet) Thumbprint(kid string) (string, error) {
	i := slices.IndexFunc(s.keys, func(k key) bool { return k.kid == kid && k.jwk != nil })
	if i < 0 {
		return "", errors.New("jose: no such key")
	}
	return thumbprint(s.keys[i].jwk)
}

func thumbprint(k jwk.Key) (string, error) {
	sum, err := k.Thumbprint(crypto.SHA256)
	if err != nil {
		return "", fmt.Errorf("jose: thumbprint: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(sum), nil
}
