package smart

import (
	"context"
	"errors"
	"log/slog"
)

// Incident is one event of smart.md 9. Members that an event does not have are empty.
type Incident struct {
	Event, Outcome, Rule       string
	Client, Organization       string
	User, Patient, Grant       string
	Consent, TextVersion       string
	Scopes, By                 string
	Address, RequestID, Digest string // Digest traces a token: the first digits of its hash
}

// Audited returns a log that also hands every event to keep, which makes it durable and leaves out what
// it does not know. What keep cannot keep is logged; where an event must not go on without it, the
// caller asks the handler (Server.logIssued).
func Audited(log *slog.Logger, keep func(context.Context, Incident) error) *slog.Logger {
	return slog.New(auditing{log.Handler(), keep})
}

// auditing is the handler of Audited.
type auditing struct {
	slog.Handler
	keep func(context.Context, Incident) error
}

// Enabled takes every event: what is too small for the log is not too small to be kept.
func (auditing) Enabled(context.Context, slog.Level) bool { return true }

// Handle logs and keeps one event.
func (h auditing) Handle(ctx context.Context, r slog.Record) error {
	var logged error
	if h.Handler.Enabled(ctx, r.Level) {
		logged = h.Handler.Handle(ctx, r)
	}
	err := h.keep(context.WithoutCancel(ctx), incidentOf(r))
	if err == nil {
		return logged
	}
	failed := slog.NewRecord(r.Time, slog.LevelError, "audit_failed", r.PC)
	failed.AddAttrs(slog.String("event", r.Message), slog.String("error", err.Error()))
	return errors.Join(logged, h.Handler.Handle(ctx, failed), &notKept{err})
}

// notKept is an event without its audit row.
type notKept struct{ err error }

// Error names the cause.
func (n *notKept) Error() string { return "the audit row is not kept: " + n.err.Error() }

// Unwrap returns the cause.
func (n *notKept) Unwrap() error { return n.err }

// WithAttrs and WithGroup keep what is kept.
func (h auditing) WithAttrs(attrs []slog.Attr) slog.Handler {
	return auditing{h.Handler.WithAttrs(attrs), h.keep}
}

// WithGroup is that of the log.
func (h auditing) WithGroup(name string) slog.Handler {
	return auditing{h.Handler.WithGroup(name), h.keep}
}

// incidentOf reads the attributes of smart.md 9; others stay in the log alone.
func incidentOf(r slog.Record) Incident {
	i := Incident{Event: r.Message}
	to := map[string]*string{
		"outcome": &i.Outcome, "rule": &i.Rule, "client_id": &i.Client, "organization": &i.Organization, "user": &i.User,
		"patient": &i.Patient, "grant": &i.Grant, "consent": &i.Consent, "text_version": &i.TextVersion, "scopes": &i.Scopes,
		"by": &i.By, "address": &i.Address, "request_id": &i.RequestID, "token": &i.Digest,
	}
	r.Attrs(func(a slog.Attr) bool {
		if member, ok := to[a.Key]; ok {
			*member = a.Value.String()
		}
		return true
	})
	return i
}
