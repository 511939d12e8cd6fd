package smart

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"
)

// Log lines hold ids and rules, never a token, secret, assertion, parameter or name (smart.md 9).

// logIssued tells of a token that leaves. Without its audit row it must not (see Audited); a log that
// cannot be written stops nothing.
func (s *Server) logIssued(ctx context.Context, q request, c *registered, grant string, a tokenAnswer) error {
	event := "token_issued"
	if grant == GrantRefresh {
		event = "token_refreshed"
	}
	r := slog.NewRecord(time.Now(), slog.LevelInfo, event, 0)
	r.AddAttrs(
		slog.String("outcome", "ok"),
		slog.String("client_id", c.ID),
		slog.String("organization", c.OrganizationRef),
		slog.String("token", Secret(a.AccessToken).trace()),
		slog.String("address", q.address),
		slog.String("request_id", q.id))
	if g := a.grant; g != nil {
		r.AddAttrs(slog.String("user", g.FHIRUser), slog.String("patient", g.Patient), slog.String("grant", g.ID))
	}
	h := s.log.Handler()
	if !h.Enabled(ctx, slog.LevelInfo) {
		return nil
	}
	var lost *notKept
	if err := h.Handle(ctx, r); errors.As(err, &lost) {
		return lost
	}
	return nil
}

// logVisit logs what happened on a page.
func (s *Server) logVisit(v *visit, level slog.Level, event string, attrs ...slog.Attr) {
	attrs = append(attrs, slog.String("address", v.address), slog.String("request_id", v.id))
	s.log.LogAttrs(v.ctx(), level, event, attrs...)
}

// eventOf names the event of a refusal.
func eventOf(f *fault, status int) string {
	switch {
	case f.rule == "jwt.replay" || f.rule == "dpop.replay":
		return "jti_replay"
	case f.rule == "client.rate":
		return "rate_limited"
	case status == http.StatusUnauthorized:
		return "client_auth_failed"
	case status >= http.StatusInternalServerError:
		return "request_failed"
	}
	return "request_refused"
}

func (s *Server) logFault(ctx context.Context, q request, f *fault) {
	status := cmp.Or(f.status, s.faults[f.rule].status)
	level := slog.LevelInfo
	if status >= http.StatusInternalServerError {
		level = slog.LevelError
	}
	attrs := []slog.Attr{
		slog.String("outcome", "refused"),
		slog.String("rule", f.rule),
		slog.String("client_id", f.client.id),
		slog.String("organization", f.client.organization),
		slog.String("address", q.address),
		slog.String("request_id", q.id),
	}
	if status >= http.StatusInternalServerError && f.err != nil {
		attrs = append(attrs, slog.String("error", f.err.Error()))
	}
	s.log.LogAttrs(ctx, level, eventOf(f, status), attrs...)
}

func (s *Server) logKeyFetch(ctx context.Context, q request, c *registered, err error) {
	f := asFault(err)
	s.log.LogAttrs(ctx, slog.LevelWarn, "jwks_fetch_failed",
		slog.String("outcome", "refused"), slog.String("rule", f.rule),
		slog.String("client_id", c.ID), slog.String("organization", c.OrganizationRef),
		slog.String("address", q.address), slog.String("request_id", q.id))
}
