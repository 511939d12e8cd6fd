package jose

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jws"
)

// MaxProof is the size limit of a DPoP proof in bytes: an RSA key of 8192 bits and a long URL fit.
const MaxProof = 8 << 10

// ProofAlgs are the algorithms of DPoP proofs (SMART-711).
func ProofAlgs() []string { return []string{ES256, ES384, PS256} }

// Proof is a DPoP proof (RFC 9449) whose signature verifies with the key that it brings. What the
// claims say is not judged.
type Proof struct {
	Method     string // htm
	URL        string // htu
	ID         string // jti
	TokenHash  string // ath; "" when absent
	IssuedAt   Instant
	Thumbprint string // of the key: RFC 7638 with SHA-256, base64url
}

// ParseProof reads a compact DPoP proof and verifies it. Rules: dpop.form, dpop.typ, dpop.alg,
// dpop.jwk, dpop.sig, and those of the claims that are absent or of a wrong JSON type: dpop.htm,
// dpop.htu, dpop.iat, dpop.jti, dpop.ath. It never panics.
func ParseProof(compact string) (*Proof, error) {
	parts := strings.Split(compact, ".")
	if len(compact) > MaxProof || len(parts) != 3 {
		return nil, refuse("dpop.form", "three parts of at most 8 KiB together are needed")
	}
	var raw [3][]byte
	for i, part := range parts {
		b, ok := decodePart(part)
		if !ok {
			return nil, refuse("dpop.form", "a part is empty or not unpadded base64url")
		}
		raw[i] = b
	}
	alg, k, err := proofHeader(raw[0])
	if err != nil {
		return nil, err
	}
	p, err := proofClaims(raw[1])
	if err != nil {
		return nil, err
	}
	v, err := jws.NewVerifier(jwa.SignatureAlgorithm(alg))
	if err != nil {
		return nil, &Error{Rule: "dpop.alg", Reason: "no verifier", Err: err}
	}
	if v.Verify([]byte(parts[0]+"."+parts[1]), raw[2], k.public) != nil {
		return nil, refuse("dpop.sig", "the signature does not verify")
	}
	if p.Thumbprint, err = thumbprint(k.jwk); err != nil {
		return nil, &Error{Rule: "dpop.jwk", Reason: "no thumbprint", Err: err}
	}
	return p, nil
}

func proofHeader(src []byte) (string, key, error) {
	m, err := readObject(src)
	if err != nil {
		return "", key{}, &Error{Rule: "dpop.form", Reason: "header", Err: err}
	}
	for name := range m {
		if name != "jwk" && (name == "jku" || refusedMember(name)) {
			return "", key{}, refuse("dpop.form", "a forbidden header member is present")
		}
	}
	if typ, ok := m.text("typ"); !ok || typ != "dpop+jwt" {
		return "", key{}, refuse("dpop.typ", "typ is another")
	}
	alg, ok := m.text("alg")
	if !ok || !slices.Contains(ProofAlgs(), alg) {
		return "", key{}, refuse("dpop.alg", "alg is not allowed")
	}
	k, err := broughtKey(m["jwk"])
	if err != nil {
		return "", key{}, &Error{Rule: "dpop.jwk", Reason: "the key", Err: err}
	}
	if !k.fits(alg) {
		return "", key{}, refuse("dpop.jwk", "the key does not fit alg")
	}
	return alg, k, nil
}

// broughtKey reads the public key of a proof. Of its members only those that make the key are handed
// to the library, so that nothing else a sender puts there is looked at.
func broughtKey(src jsontext.Value) (key, error) {
	m, err := readObject(src)
	if err != nil {
		return key{}, err
	}
	k, err := describePublic(m)
	if err != nil {
		return key{}, err
	}
	if !usableFamily(k.kty, k.crv) {
		return key{}, errNoKey
	}
	bare := map[string]string{}
	for _, name := range []string{"kty", "crv", "x", "y", "n", "e"} {
		if value, ok := m.text(name); ok {
			bare[name] = value
		}
	}
	text, err := json.Marshal(bare)
	if err != nil {
		return key{}, errNoKey
	}
	err = k.load(text)
	return k, err
}

func proofClaims(src []byte) (*Proof, error) {
	m, err := readObject(src)
	if err != nil {
		return nil, &Error{Rule: "dpop.form", Reason: "claims", Err: err}
	}
	p := &Proof{}
	var ok bool
	if p.Method, ok = m.text("htm"); !ok || p.Method == "" {
		return nil, refuse("dpop.htm", "htm is absent or no string")
	}
	if p.URL, ok = m.text("htu"); !ok || p.URL == "" {
		return nil, refuse("dpop.htu", "htu is absent or no string")
	}
	if p.IssuedAt, ok = m.instant("iat"); !ok || !p.IssuedAt.Sent {
		return nil, refuse("dpop.iat", "iat is absent or no exact integer")
	}
	if p.ID, ok = m.text("jti"); !ok || p.ID == "" || len(p.ID) > 255 {
		return nil, refuse("dpop.jti", "jti is absent, no string, or longer than 255 bytes")
	}
	p.TokenHash, ok = m.text("ath")
	if _, sent := m["ath"]; sent && !ok {
		return nil, refuse("dpop.ath", "ath is no string")
	}
	return p, nil
}
