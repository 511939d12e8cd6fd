package main

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/drieluik/drieluik/fhir/exchange"
	"github.com/drieluik/drieluik/fhir/store"
)

type restoreCmd struct {
	storeFlags
	File string `arg:"" type:"existingfile" help:"Backup to restore."`
}

// Help shows an example.
func (restoreCmd) Help() string {
	return "Puts a backup into a data folder that is not there yet, or empty, after checking it. What came after the backup is not in it:\n" +
		"withdrawals too. Therefore all logins and tokens end, and for some minutes systems need a new assertion.\n\n" +
		"Example:\n  drieluik restore --store sqlite:/var/lib/drieluik /backup/drieluik-2026-11-22.tar"
}

// Run restores a backup.
func (c restoreCmd) Run(ctx context.Context, s streams) error {
	folder, ok := strings.CutPrefix(c.Store, "sqlite:")
	if !ok {
		return usageError{errors.New("a backup is restored into an embedded store: --store sqlite:FOLDER; for PostgreSQL use pg_restore")}
	}
	if there, err := os.ReadDir(folder); err == nil && len(there) > 0 {
		return usageError{fmt.Errorf("%s is not empty; restore into a new folder, and let it take the place of the old one when all is well", folder)}
	}
	part := strings.TrimRight(folder, "/") + ".part"
	if err := os.MkdirAll(filepath.Dir(part), 0o700); err != nil {
		return err
	}
	if err := os.Mkdir(part, 0o700); err != nil {
		return fmt.Errorf("cannot make %s; remove it if a restore was broken off", part)
	}
	m, err := unpack(c.File, part)
	if err == nil {
		err = settle(ctx, s, part, m)
	}
	if err == nil {
		_ = os.Remove(folder) // an empty one
		err = os.Rename(part, folder)
	}
	if err != nil {
		return errors.Join(err, os.RemoveAll(part))
	}
	_, err = fmt.Fprintf(s.out, "restored the state of %s into %s\ncheck its log with: drieluik audit verify --store %s\n",
		m.At.Local().Format(time.DateTime), folder, c.Store)
	return err
}

// errBackup is the sentence about a file that is no backup, or not a whole one.
var errBackup = errors.New("this is no backup of drieluik, or not a whole one; take another")

// unpack writes the files of a backup into a folder, and holds them to its manifest.
func unpack(file, folder string) (manifest, error) {
	f, err := os.Open(file)
	if err != nil {
		return manifest{}, err
	}
	defer f.Close() // it is read alone
	r := tar.NewReader(f)
	var m manifest
	head, err := r.Next()
	if err != nil || head.Name != backupManifest || json.NewDecoder(io.LimitReader(r, 1<<20)).Decode(&m) != nil {
		return m, errBackup
	}
	if m.Form != backupForm {
		return m, fmt.Errorf("the backup was made by release %s, whose form this release does not know", m.Release)
	}
	for _, want := range m.Files {
		head, err := r.Next()
		if err != nil || head.Name != want.Name || want.Name != databaseFile && !slices.Contains(backupKeys, want.Name) {
			return m, errBackup
		}
		if err := unpackFile(filepath.Join(folder, want.Name), r, want); err != nil {
			return m, err
		}
	}
	if len(m.Files) == 0 || m.Files[0].Name != databaseFile {
		return m, errBackup
	}
	return m, nil
}

func unpackFile(path string, r io.Reader, want manifestFile) (err error) {
	out, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	h := sha256.New()
	n, err := io.Copy(io.MultiWriter(out, h), r)
	if err != nil || n != want.Size || hex.EncodeToString(h.Sum(nil)) != want.SHA256 {
		return errBackup
	}
	return out.Sync()
}

// settle opens what was unpacked: its pages must be sound, what opened something before the backup opens
// nothing after it, and the log says so.
func settle(ctx context.Context, s streams, folder string, m manifest) error {
	a, err := openApp(ctx, settings{Store: "sqlite:" + folder, Signatures: "one", Jurisdiction: "nl"}, "http://127.0.0.1", commandLog(s.err))
	if errors.Is(err, store.ErrSchema) {
		return fmt.Errorf("the backup was made by release %s, whose data this release does not know", m.Release)
	}
	if err != nil {
		return err
	}
	err = a.store.Sound(ctx)
	if err == nil {
		err = a.store.Forget(ctx)
	}
	if err == nil {
		err = a.lose(ctx, time.Now())
	}
	if err == nil {
		err = a.exchange.Restored(ctx)
	}
	if err == nil {
		err = a.exchange.Note(ctx, exchange.Incident{Event: "restored", Details: map[string]string{"backup": written(m.At)}})
	}
	return errors.Join(err, a.Close())
}
