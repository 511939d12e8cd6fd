package main_test

import (
	"net"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/drieluik/drieluik/fhir/store/storetest"
)

// TestAServerGoesOnWhereAStandbyTookOver: it begins anew by itself, with what the standby has, and what was handed out
// before opens nothing.
func TestAServerGoesOnWhereAStandbyTookOver(t *testing.T) {
	t.Parallel()
	pg := storetest.StartPostgres(t)
	s := newSharedSite(t, pg.NewStore(t))
	standby := pg.Standby(t)
	s.address = standby.Before(s.address)
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	free.Close()
	sv := s.start(t, "--secret-file", s.secret(), "--listen", free.Addr().String())
	c := sv.login(t, "homecare", "")
	created := "/fhir/Patient/" + c.made(t, "/fhir/Patient", []byte(`{"resourceType":"Patient","birthDate":"2020-01-01"}`))
	ctx := t.Context()
	until(t, "the standby to follow", func() bool {
		return pg.Exec(ctx, `SELECT 1/count(*) FROM pg_stat_replication WHERE replay_lsn=pg_current_wal_lsn()`) == nil
	})
	if err := pg.Stop(); err != nil {
		t.Fatal(err)
	}
	if err := standby.Exec(ctx, `SELECT pg_promote()`); err != nil {
		t.Fatal(err)
	}
	until(t, "the server to begin anew", func() bool { return len(readyLine.FindAllString(sv.log.String(), -1)) == 2 })
	if r, _ := c.get(t, created); r.status != http.StatusUnauthorized {
		t.Errorf("a token of before: %d", r.status)
	}
	out := t.TempDir()
	_, stderr, code := s.tool(t, "export", "--out", out)
	if b, err := os.ReadFile(out + "/Patient.ndjson"); err != nil || !strings.Contains(string(b), strings.TrimPrefix(created, "/fhir/Patient/")) {
		t.Errorf("what was stored before: exit %d %s %v", code, stderr, err)
	}
	if out, stderr, code := s.tool(t, "audit", "verify"); code != 0 {
		t.Errorf("audit verify: exit %d %s%s", code, out, stderr)
	}
}
