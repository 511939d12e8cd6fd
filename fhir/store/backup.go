package store

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/drieluik/drieluik/fhir"
)

// ErrNotEmbedded says that the store is a database with tools of its own.
var ErrNotEmbedded = errors.New("this store is a PostgreSQL database: back it up with pg_dump, or archive its WAL, and restore with pg_restore")

// Backup writes one consistent state of the store into a new file that only its owner may read, while others
// read and write. The file is a database without a log, as small as it can be, and durable when Backup
// returns. It fails when the file is there already, ErrNotEmbedded when there
// is no file to copy.
func (s *Store) Backup(ctx context.Context, file string) (err error) {
	const op = "store.Backup"
	if _, ok := s.readers.(*pool); !ok {
		return ErrNotEmbedded
	}
	f, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	defer func() {
		err = errors.Join(err, f.Close())
		if err != nil {
			err = errors.Join(err, os.Remove(file))
		}
	}()
	c, err := s.readers.take(ctx)
	if err != nil {
		return &fhir.Error{Kind: fhir.Unavailable, Op: op, Err: err}
	}
	err = c.exec(`VACUUM INTO ?`, file)
	if err = errors.Join(err, s.readers.give(c, err == nil)); err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	return f.Sync()
}

// Sound reports what is wrong with the pages and indexes of an embedded store, nil when nothing is.
func (s *Store) Sound(ctx context.Context) error {
	const op = "store.Sound"
	if _, ok := s.readers.(*pool); !ok {
		return ErrNotEmbedded
	}
	c, err := s.readers.take(ctx)
	if err != nil {
		return &fhir.Error{Kind: fhir.Unavailable, Op: op, Err: err}
	}
	var said string
	_, err = c.one(`PRAGMA integrity_check(1)`, nil, &said)
	if err = errors.Join(err, s.readers.give(c, err == nil)); err == nil && said != "ok" {
		err = errors.New(said)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	return nil
}

// LostKey is the setting that tells when short-lived state was lost, RFC 3339.
const LostKey = "state/lost"

// Forget drops all short-lived state of the authorisation server: codes, tokens, claims.
func (s *Store) Forget(ctx context.Context) error {
	return s.writer.do(ctx, "store.Forget", 64, func(t *tx) error {
		t.swept = true
		return t.c.exec(`DELETE FROM auth_state`)
	})
}
