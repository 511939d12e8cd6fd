package jose

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwk"
	"github.com/lestrrat-go/jwx/v2/jws"
)

// rsaBits is the size of generated RSA keys (smart.md 3.4).
const rsaBits = 3072

// PrivateKey signs with one algorithm. It prints as *** everywhere; Secret alone returns its text.
type PrivateKey struct {
	key jwk.Key
	raw any
	alg string
}

// GenerateKey makes a key for alg: P-384 for ES384, P-256 for ES256, RSA of 3072 bits for the
// others. Its kid is the RFC 7638 thumbprint.
func GenerateKey(alg string) (*PrivateKey, error) {
	f, known := familyOf(alg)
	if !known {
		return nil, errors.New("jose: unknown algorithm")
	}
	raw, err := generate(f)
	if err != nil {
		return nil, fmt.Errorf("jose: generate: %w", err)
	}
	k, err := jwk.FromRaw(raw)
	if err != nil {
		return nil, fmt.Errorf("jose: generate: %w", err)
	}
	kid, err := thumbprint(k)
	if err != nil {
		return nil, err
	}
	for name, value := range map[string]any{jwk.KeyIDKey: kid, jwk.AlgorithmKey: jwa.SignatureAlgorithm(alg), jwk.KeyUsageKey: "sig"} {
		if err := k.Set(name, value); err != nil {
			return nil, fmt.Errorf("jose: generate: %w", err)
		}
	}
	return &PrivateKey{key: k, raw: raw, alg: alg}, nil
}

func generate(f family) (any, error) {
	switch f.crv {
	case "P-256":
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "P-384":
		return ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	}
	return rsa.GenerateKey(rand.Reader, rsaBits)
}

// ParsePrivateKey reads a private JWK with kid and alg. Without alg, EC P-384 means ES384, P-256
// means ES256 and RSA means RS384. Errors never hold a part of the key.
func ParsePrivateKey(src []byte) (*PrivateKey, error) {
	m, err := readObject(src)
	if err != nil {
		return nil, errors.New("jose: the private key is not one JSON object")
	}
	info, err := describeKey(m)
	if err != nil {
		return nil, fmt.Errorf("jose: private key: %w", err)
	}
	if info.kid == "" || len(info.kid) > maxKeyID {
		return nil, errors.New("jose: private key: kid must have 1 to 256 bytes")
	}
	if _, found := m["d"]; !found {
		return nil, errors.New("jose: the key has no private member d")
	}
	k, err := jwk.ParseKey(src)
	if err != nil {
		return nil, errors.New("jose: the members do not make a private key")
	}
	alg := info.alg
	if alg == "" {
		alg = map[family]string{{kty: "EC", crv: "P-384"}: ES384, {kty: "EC", crv: "P-256"}: ES256, {kty: "RSA"}: RS384}[family{info.kty, info.crv}]
	}
	if f, known := familyOf(alg); !known || f != (family{info.kty, info.crv}) {
		return nil, errors.New("jose: alg and key do not fit")
	}
	p := &PrivateKey{key: k, alg: alg}
	if err := k.Raw(&p.raw); err != nil {
		return nil, errors.New("jose: the members do not make a private key")
	}
	return p, nil
}

// KeyID returns the kid.
func (k *PrivateKey) KeyID() string { return k.key.KeyID() }

// Alg returns the algorithm that the key signs with.
func (k *PrivateKey) Alg() string { return k.alg }

// Secret returns the private JWK, to be written to a file of mode 0600 or sealed.
func (k *PrivateKey) Secret() ([]byte, error) {
	b, err := json.Marshal(k.key)
	if err != nil {
		return nil, fmt.Errorf("jose: secret: %w", err)
	}
	return b, nil
}

// String hides the key.
func (k *PrivateKey) String() string { return "***" }

// GoString hides the key.
func (k *PrivateKey) GoString() string { return "***" }

// Format hides the key under every verb.
func (k *PrivateKey) Format(f fmt.State, _ rune) {
	if _, err := f.Write([]byte("***")); err != nil {
		return // a fmt.State has nobody to tell
	}
}

// LogValue hides the key.
func (k *PrivateKey) LogValue() slog.Value { return slog.StringValue("***") }

// MarshalJSON hides the key.
func (k *PrivateKey) MarshalJSON() ([]byte, error) { return []byte(`"***"`), nil }

// PublicSet returns the JWKS of the public halves, as it is published or registered.
func PublicSet(keys ...*PrivateKey) ([]byte, error) {
	public := make([]jwk.Key, len(keys))
	for i, k := range keys {
		p, err := k.key.PublicKey()
		if err != nil {
			return nil, fmt.Errorf("jose: public key: %w", err)
		}
		public[i] = p
	}
	return json.Marshal(struct {
		Keys []jwk.Key `json:"keys"`
	}{public})
}

// SignAssertion returns a compact client assertion of the claims, with kid and typ JWT.
func (k *PrivateKey) SignAssertion(c Claims) (string, error) {
	claims := map[string]any{"iss": c.Issuer, "sub": c.Subject, "aud": c.Audience, "jti": c.ID}
	for name, at := range map[string]Instant{"exp": c.Expires, "iat": c.IssuedAt, "nbf": c.NotBefore} {
		if at.Sent {
			claims[name] = at.Unix
		}
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("jose: claims: %w", err)
	}
	return k.Sign(map[string]string{"typ": "JWT"}, payload)
}

// Sign returns the compact JWS of payload. alg and kid are added to the header.
func (k *PrivateKey) Sign(header map[string]string, payload []byte) (string, error) {
	full := map[string]string{}
	for name, value := range header {
		full[name] = value
	}
	full["alg"], full["kid"] = k.alg, k.KeyID()
	h, err := json.Marshal(full)
	if err != nil {
		return "", fmt.Errorf("jose: header: %w", err)
	}
	signer, err := jws.NewSigner(jwa.SignatureAlgorithm(k.alg))
	if err != nil {
		return "", fmt.Errorf("jose: signer: %w", err)
	}
	input := base64.RawURLEncoding.EncodeToString(h) + "." + base64.RawURLEncoding.EncodeToString(payload)
	signature, err := signer.Sign([]byte(input), k.raw)
	if err != nil {
		return "", fmt.Errorf("jose: sign: %w", err)
	}
	return input + "." + base64.RawURLEncoding.EncodeToString(signature), nil
}
