package main

import (
	"context"
	"fmt"
	"os"
	"text/tabwriter"
	"time"

	"github.com/drieluik/drieluik/auth/smart"
)

type clientRotateCmd struct {
	storeFlags
	ID      string `arg:"" help:"Client id."`
	JWKS    string `name:"jwks" type:"path" xor:"keys" help:"File with its new public keys."`
	JWKSURL string `name:"jwks-url" xor:"keys" help:"New URL of its public keys."`
	Now     bool   `help:"The old secret ends at once, not after 24 hours."`
}

// Help shows examples.
func (clientRotateCmd) Help() string {
	return "Examples:\n  drieluik client rotate hospital --jwks keys.json\n  drieluik client rotate portal --now"
}

// Run replaces the credentials of a client. The old keys end at once, an old secret after a day.
func (c clientRotateCmd) Run(ctx context.Context, s streams) error {
	with := smart.Client{ID: c.ID, JWKSURI: c.JWKSURL}
	if c.JWKS != "" {
		b, err := os.ReadFile(c.JWKS)
		if err != nil {
			return usageError{fmt.Errorf("cannot read %s; check the path", c.JWKS)}
		}
		with.JWKS = b
	}
	out, err := c.do(ctx, s, order{Do: "client rotate", Client: with, Now: c.Now})
	if err != nil || out.Secret == "" {
		return err
	}
	fmt.Fprintln(s.out, out.Secret)
	fmt.Fprintln(s.err, "This is the new secret; it is shown this once.")
	return nil
}

type keysCmd struct {
	List   keysListCmd   `cmd:"" help:"List the keys: next, active, retired, and since when."`
	Rotate keysRotateCmd `cmd:"" help:"Put the next key into use."`
}

type keysListCmd struct{ storeFlags }

// Run prints a line per key, the active one first.
func (c keysListCmd) Run(ctx context.Context, s streams) error {
	out, err := c.do(ctx, s, order{Do: "keys list"})
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(s.out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "KEY\tSTATE\tSINCE")
	for _, k := range out.Keys {
		fmt.Fprintf(w, "%s\t%s\t%s\n", k.ID, k.State, k.Since.Format(time.RFC3339))
	}
	return w.Flush()
}

type keysRotateCmd struct {
	storeFlags
	Now bool `help:"A new key at once; every other one is unpublished, as after a theft. Live id_tokens no longer verify."`
}

// Run changes the active key. Without --now it fails while the next one is published for less than a day.
func (c keysRotateCmd) Run(ctx context.Context, s streams) error {
	_, err := c.do(ctx, s, order{Do: "keys rotate", Now: c.Now})
	return err
}
