package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/drieluik/drieluik/auth/jose"
	"github.com/drieluik/drieluik/auth/smart"
	"github.com/drieluik/drieluik/fhir/exchange"
	"github.com/drieluik/drieluik/fhir/store"
)

// When the log is signed (access.md 8), and how often old rows are looked for.
const (
	signEvery  = 10 * time.Minute
	signRows   = 10_000
	signLook   = time.Second
	purgeEvery = 24 * time.Hour
)

// auditKey returns the key that signs checkpoints and anchors of the log. It never rotates: what it
// signed must be verifiable as long as the log is kept. It lies beside an embedded store, not in it, readable
// by its owner alone; keep a copy elsewhere, for verification is worth what its key is. Processes that share
// a database share the key in it, sealed under the secret file: who has the database alone signs nothing.
func (a *app) auditKey(ctx context.Context) (key auditSigner, err error) {
	if !store.IsPostgres(a.settings.Store) {
		return a.auditKeyFile()
	}
	err = a.store.Exclusive(ctx, "audit-key", func(ctx context.Context) error {
		key, err = a.sealedAuditKey(ctx)
		return err
	})
	return key, err
}

// sameSecret refuses another secret file than that of the other processes on a database: what one seals the other
// could not open.
func (a *app) sameSecret(ctx context.Context) error {
	if !store.IsPostgres(a.settings.Store) {
		return nil
	}
	_, err := a.auditKey(ctx)
	return err
}

// auditKeySetting is where the sealed key stands, and what it is sealed for.
const auditKeySetting = "audit/key"

func (a *app) sealedAuditKey(ctx context.Context) (auditSigner, error) {
	secret, err := a.settings.secret()
	if err != nil {
		return auditSigner{}, err
	}
	sealed, found, err := a.store.Setting(ctx, auditKeySetting)
	if err != nil {
		return auditSigner{}, err
	}
	var text json.RawMessage
	if found {
		if err := smart.Unseal(secret, auditKeySetting, sealed, &text); err != nil {
			return auditSigner{}, errOtherSecret
		}
		k, err := jose.ParsePrivateKey(text)
		return auditSigner{k}, err
	}
	k, err := jose.GenerateKey(jose.ES384)
	if err != nil {
		return auditSigner{}, err
	}
	if text, err = k.Secret(); err == nil {
		sealed, err = smart.Seal(rand.Reader, secret, auditKeySetting, text)
	}
	if err == nil {
		err = a.store.SaveSetting(ctx, auditKeySetting, sealed)
	}
	return auditSigner{k}, err
}

// errOtherSecret says that what lies in the database was sealed under another secret.
var errOtherSecret = errors.New("the audit key in the database does not open: give --secret-file the file of the other processes and commands; docs/operations.md says what to do when it is lost")

func (a *app) auditKeyFile() (auditSigner, error) {
	path := filepath.Join(strings.TrimPrefix(a.settings.Store, "sqlite:"), "audit.key")
	text, err := os.ReadFile(path)
	if err == nil {
		k, err := jose.ParsePrivateKey(text)
		return auditSigner{k}, err
	}
	if !errors.Is(err, os.ErrNotExist) {
		return auditSigner{}, fmt.Errorf("the audit key of the data folder: %w", err)
	}
	k, err := jose.GenerateKey(jose.ES384)
	if err != nil {
		return auditSigner{}, err
	}
	if text, err = k.Secret(); err == nil {
		err = os.WriteFile(path, text, 0o600)
	}
	return auditSigner{k}, err
}

// auditSigner signs for store as a JWS.
type auditSigner struct{ key *jose.PrivateKey }

// Sign implements store.Signer.
func (s auditSigner) Sign(payload []byte) (string, error) {
	return s.key.Sign(map[string]string{"typ": "drieluik-audit"}, payload)
}

// Verify implements store.Signer.
func (s auditSigner) Verify(signed string) ([]byte, error) { return s.key.Verify(signed) }

// keepLog signs the log as it grows and drops what is older than it is kept, until ctx ends.
func (a *app) keepLog(ctx context.Context) {
	key, err := a.auditKey(ctx)
	if err != nil {
		a.log.Error("the log is not signed", "error", err.Error())
		return
	}
	tick := time.NewTicker(signLook)
	defer tick.Stop()
	purged := time.Time{}
	for {
		if time.Since(purged) >= purgeEvery {
			purged = time.Now()
			a.report(ctx, "the log is not purged", a.purge(ctx, key))
		}
		a.report(ctx, "the log is not signed", signDue(ctx, a.store, key, time.Now()))
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// signDue signs the log when it has grown by as many rows, or its oldest row without a signature is as
// old. Both are asked of the log itself, so that a restart begins no new interval.
func signDue(ctx context.Context, st *store.Store, by store.Signer, now time.Time) error {
	rows, since, err := st.Unsigned(ctx)
	if err != nil || rows < signRows && (rows == 0 || now.Sub(since) < signEvery) {
		return err
	}
	_, err = st.SignAudit(ctx, by)
	return err
}

func (a *app) report(ctx context.Context, what string, err error) {
	if err != nil && ctx.Err() == nil {
		a.log.Error(what, "error", err.Error())
	}
}

// purge drops the rows that are older than the log is kept, and says so in the log.
func (a *app) purge(ctx context.Context, key auditSigner) error {
	years := a.settings.retention()
	if years == 0 {
		return nil
	}
	n, err := a.store.PurgeAudit(ctx, key, time.Now().AddDate(-years, 0, 0))
	if n == 0 {
		return err
	}
	return errors.Join(err, a.exchange.Note(ctx, exchange.Incident{Event: "log_purged", Details: map[string]string{"rows": strconv.Itoa(n)}}))
}
