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
	client, box := notify.New(guard, release, nil), smart.NewBox(secret, rand.Reader)
	return &exchange.Outlet{
		Allowed: client.Allowed, Post: client.Post, Seal: box.Seal, Open: box.Open,
		Client: func(ctx context.Context, id, purpose string) (auth.Principal, error) {
			return a.clients.Standing(ctx, id, purpose)
		},
	}
}
