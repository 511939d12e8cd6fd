package jose_test

import (
	"testing"

	"github.com/drieluik/drieluik/auth/jose"
)

// Parsing and verifying one ES384 assertion: what a token request cannot do without.
func BenchmarkVerify(b *testing.B) {
	k := newKeys(b)
	in := input(goodHeader, goodClaims)
	compact := in + "." + b64(k.signEC(b, in))
	b.ReportAllocs()
	for b.Loop() {
		a, err := jose.ParseAssertion(compact)
		if err == nil {
			err = a.Verify(k.set, []string{jose.ES384})
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}

// Parsing alone: what anybody can make the server do.
func BenchmarkParseAssertion(b *testing.B) {
	k := newKeys(b)
	in := input(goodHeader, goodClaims)
	compact := in + "." + b64(k.signEC(b, in))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := jose.ParseAssertion(compact); err != nil {
			b.Fatal(err)
		}
	}
}
