package rest_test

import (
	"net/http"
	"testing"
)

// TestEveryRefusedMethodSaysWhichWouldDo: 405 without Allow leaves a client guessing (RFC 9110
// 15.5.6), also where policy refuses.
func TestEveryRefusedMethodSaysWhichWouldDo(t *testing.T) {
	g := newRig(t)
	for _, c := range []struct{ method, path, allow string }{
		{http.MethodPost, "/fhir/AuditEvent", "GET, HEAD"},
		{http.MethodPut, "/fhir/Provenance/x", "GET, HEAD"},
	} {
		a := g.do("hospital", c.method, c.path, "{}").want(t, http.StatusMethodNotAllowed)
		if got := a.header.Get("Allow"); got != c.allow || a.header.Get("X-Request-Id") == "" {
			t.Errorf("%s %s: Allow %q, want %q", c.method, c.path, got, c.allow)
		}
	}
}
