package main_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/drieluik/drieluik/auth/jose"
)

// writeKey makes a key pair: private JWK and public key set.
func writeKey(t *testing.T, private, public string) {
	t.Helper()
	key, err := jose.GenerateKey(jose.ES384)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := key.Secret()
	if err != nil {
		t.Fatal(err)
	}
	set, err := jose.PublicSet(key)
	if err != nil {
		t.Fatal(err)
	}
	for file, b := range map[string][]byte{private: secret, public: set} {
		if err := os.WriteFile(file, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// sample reads a sample record.
func sample(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("../../testdata/mks", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// edited returns a sample record after a change.
func edited(t *testing.T, name string, change func(doc map[string]any)) []byte {
	t.Helper()
	doc := map[string]any{}
	if err := json.Unmarshal(sample(t, name), &doc); err != nil {
		t.Fatal(err)
	}
	change(doc)
	b, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// within returns an object member of an object.
func within(m map[string]any, name string) map[string]any {
	o, ok := m[name].(map[string]any)
	if !ok {
		return map[string]any{}
	}
	return o
}

// aboutChild makes a record one of another child: BSN, local id and record id.
func aboutChild(t *testing.T, name string, n int) []byte {
	t.Helper()
	return edited(t, name, func(doc map[string]any) {
		doc["recordId"] = fmt.Sprintf("%s-%d", doc["recordId"], n)
		child := within(doc, "kind")
		child["bsn"] = testBSN(n)
		child["lokaalId"] = fmt.Sprintf("%s-%d", child["lokaalId"], n)
	})
}

// testBSN returns the n-th BSN of the test range 9999xxxxx that passes the 11-proef.
func testBSN(n int) string {
	for i := range 100_000 {
		s := fmt.Sprintf("9999%05d", i)
		sum := 0
		for p := range 8 {
			sum += (9 - p) * int(s[p]-'0')
		}
		if sum%11 != int(s[8]-'0') {
			continue
		}
		if n--; n < 0 {
			return s
		}
	}
	return ""
}
