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
	"strings"
	"time"

	"github.com/drieluik/drieluik/fhir/exchange"
	"github.com/drieluik/drieluik/fhir/store"
)

// A backup is a tar: backup.json, which tells release, time and the digest of each other file, then the
// database as one state of it, and the keys that lie beside it.

const (
	backupManifest = "backup.json"
	backupForm     = 1
	databaseFile   = "drieluik.db"
)

// backupKeys are the files beside the database without which it is worth less: what seals signing keys, and
// what signed the log.
var backupKeys = []string{"secret.key", "audit.key"}

// manifest describes a backup.
type manifest struct {
	Form    int            `json:"form"`
	Release string         `json:"release"`
	At      time.Time      `json:"at"`
	Files   []manifestFile `json:"files"`
}

type manifestFile struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

type backupCmd struct {
	storeFlags
	File string `arg:"" type:"path" help:"File to write; it must not be there yet."`
}

// Help shows an example.
func (backupCmd) Help() string {
	return "One consistent state of the embedded store in one file, also while the server runs on it. The file holds all records,\n" +
		"and the keys of the data folder: keep it as safe as the store itself. Of a store in PostgreSQL use pg_dump.\n\n" +
		"Example:\n  drieluik backup --store sqlite:/var/lib/drieluik /backup/drieluik-2026-11-22.tar"
}

// Run writes a backup.
func (c backupCmd) Run(ctx context.Context, s streams) error {
	if store.IsPostgres(c.Store) {
		return usageError{store.ErrNotEmbedded}
	}
	if _, err := os.Stat(c.File); err == nil {
		return usageError{fmt.Errorf("%s is there already; choose another name", c.File)}
	}
	out, err := c.do(ctx, s, order{Do: "backup", Path: c.File})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.out, "%s: %d bytes\n", c.File, out.Count)
	return err
}

// backup carries out "backup". That all records were taken along is in the log, and in the backup's own.
func (a *app) backup(ctx context.Context, o order) (outcome, error) {
	if err := a.exchange.Note(ctx, exchange.Incident{Event: "backup"}); err != nil {
		return outcome{}, err
	}
	if _, err := a.auditKey(ctx); err != nil { // made at the first start of serve
		return outcome{}, err
	}
	copied := o.Path + ".db.part"
	for _, left := range []string{copied, o.Path + ".part"} {
		if exists(left) {
			return outcome{}, fmt.Errorf("%s is left of a backup that was broken off, or is being made; remove it when none is", left)
		}
	}
	if err := a.store.Backup(ctx, copied); err != nil {
		return outcome{}, fmt.Errorf("the backup cannot be written beside %s; is there room?: %w", o.Path, err)
	}
	defer os.Remove(copied)
	folder := strings.TrimPrefix(a.settings.Store, "sqlite:")
	files := []packed{{databaseFile, copied}}
	for _, key := range backupKeys {
		if path := filepath.Join(folder, key); exists(path) {
			files = append(files, packed{key, path})
		}
	}
	size, err := pack(o.Path, files)
	if err != nil {
		return outcome{}, fmt.Errorf("the backup cannot be written to %s: %w", o.Path, err)
	}
	return outcome{Count: int(size)}, nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// packed is a file of a backup and where it is.
type packed struct{ name, path string }

// pack writes a backup; a part of one is not left behind. It returns its size.
func pack(path string, files []packed) (size int64, err error) {
	part := path + ".part"
	out, err := os.OpenFile(part, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return 0, err
	}
	defer func() {
		if err = errors.Join(err, out.Close()); err != nil {
			err = errors.Join(err, os.Remove(part))
			return
		}
		err = os.Rename(part, path)
	}()
	if err := packInto(out, files); err != nil {
		return 0, err
	}
	if err := out.Sync(); err != nil {
		return 0, err
	}
	info, err := out.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// packInto writes the tar, the manifest first.
func packInto(out io.Writer, files []packed) error {
	m := manifest{Form: backupForm, Release: release, At: time.Now().UTC()}
	for _, f := range files {
		one, err := describe(f)
		if err != nil {
			return err
		}
		m.Files = append(m.Files, one)
	}
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	w := tar.NewWriter(out)
	header := func(name string, size int64) error {
		return w.WriteHeader(&tar.Header{Name: name, Size: size, Mode: 0o600, ModTime: m.At, Format: tar.FormatPAX})
	}
	if err := header(backupManifest, int64(len(text))); err != nil {
		return err
	}
	if _, err := w.Write(text); err != nil {
		return err
	}
	for i, f := range files {
		if err := header(f.name, m.Files[i].Size); err != nil {
			return err
		}
		if err := copyFile(w, f.path); err != nil {
			return err
		}
	}
	return w.Close()
}

func copyFile(w io.Writer, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close() // it was read alone
	_, err = io.Copy(w, f)
	return err
}

func describe(f packed) (manifestFile, error) {
	h := sha256.New()
	if err := copyFile(h, f.path); err != nil {
		return manifestFile{}, err
	}
	info, err := os.Stat(f.path)
	if err != nil {
		return manifestFile{}, err
	}
	return manifestFile{f.name, info.Size(), hex.EncodeToString(h.Sum(nil))}, nil
}
