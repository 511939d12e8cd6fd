package main

import (
	"context"
	"errors"
	"time"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/exchange"
)

// lateEvery is how often a server whose clock was wrong when it started looks whether it is right.
const lateEvery = 5 * time.Second

// skewed reports whether something failed because the clock is behind the log.
func skewed(err error) bool {
	var e *fhir.Error
	return errors.As(err, &e) && e.Kind == fhir.Unavailable && e.Reason == "clock-skew"
}

// started puts into the log that this process serves, and by what rules.
func (a *app) started(ctx context.Context) error {
	return a.exchange.Note(ctx, exchange.Incident{Event: "started", Details: map[string]string{
		"release": release, "jurisdiction": a.settings.Jurisdiction, "parent-read-12-15": a.settings.ParentRead1215,
	}})
}

// late does, when the clock has passed the log, what a server does when it starts: it imports its clients and
// notes that it serves. Until then it answers 503: one that did not start would tell nobody why.
func (a *app) late(ctx context.Context) {
	tick := time.NewTicker(lateEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		err := a.store.Exclusive(ctx, "clients", a.importClients)
		if err == nil {
			err = a.started(ctx)
		}
		switch {
		case err == nil:
			return
		case !skewed(err) && ctx.Err() == nil:
			a.log.Error("the clients of the settings were not imported, or the start is not in the log", "error", err.Error())
		}
	}
}
