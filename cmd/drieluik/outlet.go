package main

import (
	"context"
	"crypto/rand"
	"net/url"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/auth/egress"
	"github.com/drieluik/drieluik/auth/smart"
	"github.com/drieluik/drieluik/fhir/exchange"
	"github.com/drieluik/drieluik/fhir/notify"
)

// outlet is how subscribers are reached. A server on loopback may tell receivers there, without TLS too.
func (a *app) outlet(secret []byte) *exchange.Outlet {
	guard := egress.Guard{Private: a.settings.NotifyHosts}
	if u, err := url.Parse(a.base); err == nil && egress.IsLoopback(u.Hostname()) {
		guard.LoopbackHTTP, guard.Loopback = true, true
	}
	client := notify.New(guard, release, nil)
	return &exchange.Outlet{
		Allowed: client.Allowed, Post: client.Post,
		Seal: func(label string, v any) ([]byte, error) { return smart.Seal(rand.Reader, secret, label, v) },
		Open: func(label string, sealed []byte, v any) error { return smart.Unseal(secret, label, sealed, v) },
		Client: func(ctx context.Context, id, purpose string) (auth.Principal, error) {
			return a.clients.Standing(ctx, id, purpose)
		},
	}
}
