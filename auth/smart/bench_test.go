package smart_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/auth/smart"
)

// The check that every FHIR request pays, with state and registry in memory.
func BenchmarkAuthenticate(b *testing.B) {
	s := newBench(b)
	k := ecKey(b, "k")
	s.backend("homecare", k)
	s.advance(time.Second) // a token is younger than its client's registration
	r := withBearer(s.bearer("homecare", k))
	b.ReportAllocs()
	for b.Loop() {
		if p, err := s.server.Authenticate(r); err != nil || p.State != auth.TokenActive {
			b.Fatal(p.State, err)
		}
	}
}

// One token for one ES384 assertion, signing by the client included.
func BenchmarkToken(b *testing.B) {
	s := newBench(b, func(c *smart.Config) { c.Settings.TokenRate = 0 })
	k := ecKey(b, "k")
	s.backend("homecare", k)
	b.ReportAllocs()
	for b.Loop() {
		if a := s.token("homecare", k); a.status != http.StatusOK {
			b.Fatal(a.body)
		}
	}
}
