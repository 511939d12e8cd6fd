package jose_test

import (
	"strings"
	"testing"

	"github.com/drieluik/drieluik/auth/jose"
)

// TestAKeyKnowsItsOwnSignatures: what it signed comes back, everything else does not.
func TestAKeyKnowsItsOwnSignatures(t *testing.T) {
	t.Parallel()
	key, err := jose.GenerateKey(jose.ES384)
	if err != nil {
		t.Fatal(err)
	}
	other, err := jose.GenerateKey(jose.ES384)
	if err != nil {
		t.Fatal(err)
	}
	const payload = `{"heads":3}`
	signed, err := key.Sign(map[string]string{"typ": "log"}, []byte(payload))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := key.Verify(signed); err != nil || string(got) != payload {
		t.Errorf("%s %v", got, err)
	}
	if _, err := other.Verify(signed); err == nil {
		t.Error("another key takes it for its own")
	}
	for i := range signed {
		changed := signed[:i] + string(signed[i]^1) + signed[i+1:]
		if _, err := key.Verify(changed); err == nil {
			t.Errorf("byte %d changed: %s", i, changed)
		}
	}
	parts := strings.Split(signed, ".")
	for _, text := range []string{"", "..", parts[0] + "." + parts[1] + ".", strings.Join(parts[:2], "."), signed + ".x"} {
		if _, err := key.Verify(text); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}
