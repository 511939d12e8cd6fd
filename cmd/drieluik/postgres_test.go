package main_test

import (
	"crypto/rand"
	"os"
	"testing"

	"github.com/drieluik/drieluik/auth/state/statetest"
	"github.com/drieluik/drieluik/fhir/store/storetest"
)

// pair is two processes on one PostgreSQL and one Redis.
type pair struct {
	*site
	pg   *storetest.Postgres
	a, b *server
}

func newPair(t *testing.T) *pair {
	t.Helper()
	p := &pair{site: &site{dir: t.TempDir(), keys: map[string]string{}}, pg: storetest.StartPostgres(t)}
	p.address = p.pg.NewStore(t)
	secret := make([]byte, 32)
	rand.Read(secret)
	if err := os.WriteFile(p.secret(), secret, 0o600); err != nil {
		t.Fatal(err)
	}
	p.register(t)
	redis := statetest.StartRedis(t)
	flags := []string{"--redis", redis.URL(), "--processes", "2", "--secret-file", p.secret()}
	p.a, p.b = p.startBehind(t, flags...), p.startBehind(t, flags...)
	return p
}

// TestTwoProcessesOnOnePostgres shares what takes long to start.
func TestTwoProcessesOnOnePostgres(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	h := p.a.enter(t, "hospital")
	t.Log(h.status(t, "/fhir/Organization"), h.at(p.b).status(t, "/fhir/Organization"))
	out, stderr, code := p.tool(t, "audit", "verify")
	t.Log(out, stderr, code)
	t.Log(p.a.log.String())
}
