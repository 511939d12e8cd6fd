package smart_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/drieluik/drieluik/auth/smart"
)

// incidents keeps what it is handed, unless it is down.
type incidents struct {
	mu   sync.Mutex
	all  []smart.Incident
	down error
}

func (i *incidents) keep(_ context.Context, one smart.Incident) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.all = append(i.all, one)
	return i.down
}

// TestNoTokenLeavesWithoutItsAuditRow: and what is logged is kept with all that names it, whatever the
// level of the log.
func TestNoTokenLeavesWithoutItsAuditRow(t *testing.T) {
	kept := &incidents{}
	log := &syncBuffer{}
	quiet := slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelError}))
	b := newBench(t, func(c *smart.Config) { c.Log = smart.Audited(quiet, kept.keep) })
	k := ecKey(t, "k1")
	b.backend("hospital", k)
	if r := b.token("hospital", k); r.status != http.StatusOK {
		t.Fatal(r.status, r.body)
	}
	first := kept.all[0]
	if first.Event != "token_issued" || first.Outcome != "ok" || first.Client != "hospital" || first.Address == "" || first.RequestID == "" || len(first.Digest) != 8 {
		t.Errorf("kept is %+v", first)
	}
	if log.String() != "" {
		t.Errorf("the log has %s", log.String())
	}
	kept.down = errors.New("disk full")
	r := b.token("hospital", k)
	wantFault(t, r, http.StatusServiceUnavailable, "temporarily_unavailable", "state.down")
	if strings.Contains(r.body, "disk full") || strings.Contains(r.body, "access_token") {
		t.Errorf("without the row: %s", r.body)
	}
	if !strings.Contains(log.String(), "audit_failed") {
		t.Error("the operator is not told")
	}
}
