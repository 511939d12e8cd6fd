package main

import (
	"context"

	"github.com/drieluik/drieluik/auth/smart"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/exchange"
)

// note puts an event of the authorisation server into the audit log.
func (a *app) note(ctx context.Context, i smart.Incident) error {
	ref := func(text string) fhir.Ref {
		out, _ := fhir.ParseRef(text) // zero for what is no reference
		return out
	}
	a.meters.events.WithLabelValues(i.Event, i.Outcome).Inc()
	return a.exchange.Note(ctx, exchange.Incident{
		Event: i.Event, Refused: i.Outcome == "refused" || i.Outcome == "revoked", Reason: i.Rule, Client: i.Client,
		Organization: ref(i.Organization), User: ref(i.User), Patient: ref(i.Patient), Address: i.Address,
		Details: map[string]string{
			"request": i.RequestID, "grant": i.Grant, "consent": i.Consent, "text-version": i.TextVersion,
			"scopes": i.Scopes, "by": i.By, "token": i.Digest, "change": changeOf(i),
		},
	})
}

// changeOf is what became of a registration.
func changeOf(i smart.Incident) string {
	if i.Outcome == "ok" || i.Outcome == "refused" {
		return ""
	}
	return i.Outcome
}
