package jose

import (
	"encoding/base64"
	"errors"
	"strings"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwk"
	"github.com/lestrrat-go/jwx/v2/jws"
)

// errForeign says no more: what is not our own is of no interest.
var errForeign = errors.New("jose: this key did not sign it")

// Verify returns the payload of a compact JWS that this key signed (Sign); an error for every other text.
func (k *PrivateKey) Verify(compact string) ([]byte, error) {
	parts := strings.Split(compact, ".")
	if len(parts) != 3 {
		return nil, errForeign
	}
	var raw [3][]byte
	for i, part := range parts {
		var err error
		if raw[i], err = base64.RawURLEncoding.Strict().DecodeString(part); err != nil {
			return nil, errForeign
		}
	}
	header, err := readObject(raw[0])
	if err != nil {
		return nil, errForeign
	}
	alg, _ := header.text("alg")
	kid, _ := header.text("kid")
	if alg != k.alg || kid != k.KeyID() {
		return nil, errForeign
	}
	public, err := jwk.PublicRawKeyOf(k.raw)
	if err != nil {
		return nil, errForeign
	}
	verifier, err := jws.NewVerifier(jwa.SignatureAlgorithm(alg))
	if err != nil {
		return nil, errForeign
	}
	if err := verifier.Verify([]byte(parts[0]+"."+parts[1]), raw[2], public); err != nil {
		return nil, errForeign
	}
	return raw[1], nil
}
