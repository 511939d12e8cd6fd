package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/drieluik/drieluik/auth/smart"
	"github.com/drieluik/drieluik/fhir/exchange"
	"github.com/drieluik/drieluik/fhir/store"
)

type moveCmd struct {
	storeFlags
	From string `default:"sqlite:./data" help:"Data folder to move, on which no server runs: sqlite:FOLDER."`
}

// Help shows an example.
func (moveCmd) Help() string {
	return "Moves all that an embedded store holds into an empty PostgreSQL database: records with their versions, the log, clients,\n" +
		"accounts, logins. Stop the server first, and serve the database under the same --base-url after it. The folder is kept as it\n" +
		"is, and nobody opens it any more. With --redis all logins and tokens end.\n\n" +
		"Example:\n  DRIELUIK_STORE=postgres://drieluik:PASSWORD@db/drieluik drieluik move --from sqlite:/var/lib/drieluik"
}

// Run moves a store.
func (c moveCmd) Run(ctx context.Context, s streams) error {
	folder, embedded := strings.CutPrefix(c.From, "sqlite:")
	switch {
	case !embedded:
		return usageError{errors.New("--from is the folder of an embedded store: sqlite:FOLDER")}
	case !store.IsPostgres(c.Store):
		return usageError{errors.New("--store is the database to move into: postgres://… (prefer DRIELUIK_STORE for one with a password)")}
	}
	if err := (storeFlags{Store: c.From}).existing(); err != nil {
		return err
	}
	a, err := openApp(ctx, settings{Store: c.From, SecretFile: c.SecretFile, Signatures: "one", Jurisdiction: "nl"}, "http://127.0.0.1", commandLog(s.err))
	if errors.Is(err, store.ErrLocked) {
		return fmt.Errorf("a server or command has %s open; stop it first", folder)
	}
	if err != nil {
		return err
	}
	err = a.move(ctx, s, c.Store)
	if err = errors.Join(err, a.Close()); err != nil {
		return err
	}
	secret := c.SecretFile
	if secret == "" {
		secret = filepath.Join(folder, "secret.key")
	}
	_, err = fmt.Fprintf(s.out, "moved. Serve it with the same keys, on each machine:\n  drieluik serve --store postgres://… --secret-file %s\n"+
		"check its log with: drieluik audit verify --store postgres://… --secret-file %[1]s\n", secret)
	return err
}

// move copies the store, with its audit key sealed as processes that share a database keep it. That all was taken along
// is the last thing that its log tells in the folder, and is told in the database too.
func (a *app) move(ctx context.Context, s streams, to string) error {
	key, err := a.auditKey(ctx)
	if err != nil {
		return err
	}
	secret, err := a.settings.secret()
	if err != nil {
		return err
	}
	text, err := key.key.Secret()
	if err != nil {
		return err
	}
	sealed, err := smart.Seal(rand.Reader, secret, auditKeySetting, json.RawMessage(text))
	if err == nil {
		err = a.store.SaveSetting(ctx, auditKeySetting, sealed)
	}
	if err == nil {
		err = a.lose(ctx, time.Now())
	}
	if err == nil {
		err = a.exchange.Note(ctx, exchange.Incident{Event: "move"})
	}
	if err != nil {
		return err
	}
	return a.store.Move(ctx, to, func(table string, rows int64) {
		if rows > 0 {
			fmt.Fprintf(s.err, "%-17s %d rows\n", table, rows)
		}
	})
}
