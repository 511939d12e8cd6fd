package mapping

import (
	"crypto/sha1" //nolint:gosec // RFC 4122 version 5 asks for SHA-1
	"encoding/hex"
	"strings"

	"github.com/drieluik/drieluik/fhir"
)

// ID returns the id of a key of mks-bron/1, and of what the server itself makes: UUID of "mks/" + key
// (mks.md 3.1). The key may come in parts, which are joined as they are.
func ID(key ...string) string { return named("mks/", key) }

// UUID returns the deterministic id of a key that begins with the name of its format: version 5 in the
// URL name space of Canonical/ + key.
func UUID(key string) string { return named(key, nil) }

// named returns the id of a key that begins so.
func named(begin string, rest []string) string {
	var buf [192]byte
	text := append(buf[:0], space[:]...)
	text = append(append(append(text, fhir.Canonical...), '/'), begin...)
	for _, part := range rest {
		text = append(text, part...)
	}
	u := sha1.Sum(text) //nolint:gosec // as above
	u[6] = u[6]&0x0f | 0x50
	u[8] = u[8]&0x3f | 0x80
	var out [36]byte
	hex.Encode(out[:8], u[:4])
	hex.Encode(out[9:13], u[4:6])
	hex.Encode(out[14:18], u[6:8])
	hex.Encode(out[19:23], u[8:10])
	hex.Encode(out[24:], u[10:16])
	out[8], out[13], out[18], out[23] = '-', '-', '-', '-'
	return string(out[:])
}

// space is the name space of URLs of RFC 4122.
var space = [16]byte{0x6b, 0xa7, 0xb8, 0x11, 0x9d, 0xad, 0x11, 0xd1, 0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8}

// IsID reports whether an id has the form of those that ID makes: a UUID of version 5. Who knows the key
// can compute the id, so that nobody but a push may create under one.
func IsID(id string) bool {
	if len(id) != 36 || id[14] != '5' {
		return false
	}
	for i := range len(id) {
		dash := i == 8 || i == 13 || i == 18 || i == 23
		if hexadecimal := strings.IndexByte("0123456789abcdefABCDEF", id[i]) >= 0; dash != (id[i] == '-') || !dash && !hexadecimal {
			return false
		}
	}
	return true
}
