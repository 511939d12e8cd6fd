package smart

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"strings"
)

// Secret is a token or client secret. It prints as *** under every verb, in logs and in JSON;
// Reveal alone returns its text.
type Secret string

// Prefixes of random values (smart.md 3.1).
const (
	prefixAccess      = "dra_"
	prefixRefresh     = "drr_"
	prefixCode        = "drc_"
	prefixLaunch      = "drl_"
	prefixPushed      = "drp_"
	prefixSecret      = "drs_"
	prefixInitial     = "dri_"
	prefixClient      = "c_"
	prefixUser        = "u_"
	prefixGrant       = "g_"
	prefixInteraction = "i_"
	prefixBrowser     = "b_"
	prefixSession     = "s_"
)

const secretBytes = 32

// Reveal returns the text, for the one answer that hands it out.
func (s Secret) Reveal() string { return string(s) }

// String hides the secret.
func (s Secret) String() string { return "***" }

// GoString hides the secret.
func (s Secret) GoString() string { return "***" }

// Format hides the secret under every verb.
func (s Secret) Format(f fmt.State, _ rune) {
	if _, err := io.WriteString(f, "***"); err != nil {
		return // a fmt.State has nobody to tell
	}
}

// LogValue hides the secret.
func (s Secret) LogValue() slog.Value { return slog.StringValue("***") }

// MarshalJSON hides the secret.
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"***"`), nil }

// newSecret returns prefix and n random bytes as base64url.
func newSecret(random io.Reader, prefix string, n int) (Secret, error) {
	b := make([]byte, n)
	if _, err := io.ReadFull(random, b); err != nil {
		return "", fmt.Errorf("random source: %w", err)
	}
	return Secret(prefix + base64.RawURLEncoding.EncodeToString(b)), nil
}

// hash is the key under which a secret is kept: 256 random bits need no salt (smart.md 3.1).
func (s Secret) hash() [32]byte { return sha256.Sum256([]byte(s)) }

// trace is what a log may say of a secret, so that lines can be joined (smart.md 9).
func (s Secret) trace() string {
	h := s.hash()
	return hex.EncodeToString(h[:4])
}

// is reports whether s has the form of a random value with the prefix.
func (s Secret) is(prefix string) bool {
	body, found := strings.CutPrefix(string(s), prefix)
	return found && len(body) == base64.RawURLEncoding.EncodedLen(secretBytes)
}
