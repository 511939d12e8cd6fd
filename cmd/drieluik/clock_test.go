package main_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/drieluik/drieluik/fhir/exchange"
	"github.com/drieluik/drieluik/fhir/store"
)

// TestAServerStartsAfterItsClockWasAhead: while the clock is behind the log it answers nothing, and says why; when
// the clock has passed the log it goes on by itself.
func TestAServerStartsAfterItsClockWasAhead(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	log := time.Now().Add(20 * time.Second)
	st, err := store.Open(t.Context(), s.store(), store.Options{Now: func() time.Time { return log }})
	if err != nil {
		t.Fatal(err)
	}
	row := exchange.Audit{Compartment: exchange.SystemCompartment, Body: []byte(`{"resourceType":"AuditEvent"}`), RecordedAt: 1}
	if _, err := st.Commit(context.Background(), exchange.Unit{Audits: []exchange.Audit{row}}); err != nil {
		t.Fatal(err)
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	sv := s.start(t)
	c := &caller{base: sv.base, http: http.DefaultClient}
	if got := c.status(t, "/healthz"); got != http.StatusOK {
		t.Errorf("healthz: %d", got)
	}
	got := c.status(t, "/readyz")
	if behind := time.Until(log) > 6*time.Second; behind { // a machine may be so slow that it is over
		if got != http.StatusServiceUnavailable {
			t.Errorf("readyz while the clock is behind the log: %d", got)
		}
		if !strings.Contains(sv.log.String(), "the clock is behind the newest row of the log") {
			t.Errorf("nothing says why: %s", sv.log.String())
		}
	}
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(40 * time.Second); c.status(t, "/readyz") != http.StatusOK; {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("not ready although the clock has passed the log")
		}
	}
}
