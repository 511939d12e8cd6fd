package main

import (
	"context"
	"fmt"
	"time"

	"github.com/drieluik/drieluik/auth/smart"
)

type clientTokenCmd struct {
	storeFlags
	Scope   string        `required:"" help:"The most that an app may register for."`
	Uses    int           `default:"1" help:"How many apps may register with it, at most 1000."`
	TTL     time.Duration `name:"ttl" default:"24h" help:"How long it may be used, such as 24h; at most 720h."`
	Org     string        `help:"Identifier of the organisation of the apps: SYSTEM|VALUE, or a URA number; without one only apps with users can register."`
	OrgName string        `help:"Name of the organisation; left out: kept."`
}

// Help shows an example.
func (clientTokenCmd) Help() string {
	return "The server takes registrations at /auth/register when it runs with --register.\n\nExample:\n  drieluik client token --scope \"launch/patient patient/Patient.r patient/CarePlan.rs\" --uses 5 --ttl 24h"
}

// Run prints a token with which apps register themselves.
func (c clientTokenCmd) Run(ctx context.Context, s streams) error {
	out, err := c.do(ctx, s, order{Do: "client token", Initial: smart.InitialAccess{
		Scope: c.Scope, Uses: c.Uses, TTL: c.TTL, Organization: organizationIdentifier(c.Org), OrganizationName: c.OrgName,
	}})
	if err != nil {
		return err
	}
	fmt.Fprintln(s.out, out.Secret)
	fmt.Fprintln(s.err, "This is the initial access token; it is shown this once.")
	return nil
}
