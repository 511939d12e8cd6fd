package store

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/drieluik/drieluik/fhir"
)

// Backup writes one consistent state of the store into a new file that only its owner may read, while others
// read and write. The file is a database without a log, as small as it can be, and durable when Backup
// returns. It fails when the file is there already.
func (s *Store) Backup(ctx context.Context, file string) (err error) {
	const op = "store.Backup"
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
	_, err = c.c.ExecContext(ctx, `VACUUM INTO ?`, file)
	if err = errors.Join(err, s.readers.give(c, err == nil)); err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	return f.Sync()
}

// Sound reports what is wrong with the pages and indexes of the database, nil when nothing is.
func (s *Store) Sound(ctx context.Context) error {
	const op = "store.Sound"
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

// Forget drops all short-lived state of the authorisation server: codes, tokens, claims.
func (s *Store) Forget(ctx context.Context) error {
	return s.writer.do(ctx, "store.Forget", 64, func(t *tx) error {
		t.swept = true
		_, err := t.c.exec(`DELETE FROM auth_state`)
		return err
	})
}
