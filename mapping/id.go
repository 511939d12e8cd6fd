package mapping

import (
	"crypto/sha1" //nolint:gosec // RFC 4122 version 5 asks for SHA-1
	"encoding/hex"
	"strings"

	"github.com/drieluik/drieluik/fhir"
)

// ID returns the id of a key of mks-bron/1, and of what the server itself makes: UUID of "mks/" + key
// (mks.md 3.1).
func ID(key string) string { return UUID("mks/" + key) }

// UUID returns the deterministic id of a key that begins with the name of its format: version 5 in the
// URL name space of Canonical/ + key.
func UUID(key string) string {
	space := [16]byte{0x6b, 0xa7, 0xb8, 0x11, 0x9d, 0xad, 0x11, 0xd1, 0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8}
	h := sha1.New()
	h.Write(space[:])
	h.Write([]byte(fhir.Canonical + "/" + key))
	u := h.Sum(nil)[:16]
	u[6] = u[6]&0x0f | 0x50
	u[8] = u[8]&0x3f | 0x80
	s := hex.EncodeToString(u)
	return s[:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:20] + "-" + s[20:]
}

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
