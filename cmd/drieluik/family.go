package main

import (
	"context"

	"github.com/drieluik/drieluik/auth/smart"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/exchange"
)

// family hands the use cases of exchange to the authorisation server, which knows no FHIR rules.
func (a *app) family() *smart.Family {
	x := a.exchange
	return &smart.Family{
		Children: func(ctx context.Context, user smart.User) ([]smart.ChildChoice, error) {
			views, err := x.Children(ctx, user.FHIRUser)
			out := make([]smart.ChildChoice, len(views))
			for i, v := range views {
				out[i] = smart.ChildChoice(v)
			}
			return out, err
		},
		Standing: func(ctx context.Context, user smart.User, patient fhir.Ref) (smart.Standing, error) {
			role, allowed, err := x.Standing(ctx, user.FHIRUser, patient)
			return smart.Standing{Role: role, Allowed: allowed}, err
		},
		GrantConsent: func(ctx context.Context, g smart.ConsentGrant) (fhir.Ref, error) {
			return x.GrantConsent(ctx, exchange.Grant{
				User: g.User.FHIRUser, Patient: g.Patient, Performer: g.Performer, Client: g.ClientID,
				ClientName: g.ClientName, Purpose: g.Purpose, Scopes: g.Scopes, Types: g.Types, Write: g.Write,
				From: g.From, Until: g.Until, Text: g.Text, Language: g.Language, TextVersion: g.TextVersion,
			})
		},
		ConsentLive: x.ConsentLive,
		WithdrawConsent: func(ctx context.Context, consent fhir.Ref, user smart.User) error {
			return x.WithdrawConsent(ctx, consent, user.FHIRUser)
		},
		Consents: func(ctx context.Context, user smart.User) ([]smart.GivenConsent, error) {
			given, err := x.Consents(ctx, user.FHIRUser)
			out := make([]smart.GivenConsent, len(given))
			for i, g := range given {
				out[i] = smart.GivenConsent{
					Consent: g.Consent, Patient: g.Patient, GivenName: g.GivenName, ClientID: g.Client,
					Scopes: g.Scopes, Since: g.Since, Until: g.Until,
				}
			}
			return out, err
		},
		Look: func(ctx context.Context, by smart.Reader, ref, patient fhir.Ref) (smart.Glimpse, error) {
			seen, err := x.Look(ctx, exchange.Call{
				Principal: by.Principal, Operation: "launch", Address: by.Address, RequestID: by.RequestID,
			}, ref, patient)
			return smart.Glimpse(seen), err
		},
	}
}
