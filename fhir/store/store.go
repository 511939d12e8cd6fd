// Package store keeps resources, their index, audit chains, the outbox and short-lived
// authorisation state. It implements exchange.Store and knows no policy: it applies the filters
// that auth compiles. Its contract is storetest.
//
// It has two dialects. A SQLite file belongs to one process: one goroutine writes, in groups that share
// one fsync, and reads run in parallel on snapshots. A PostgreSQL is shared by any number of processes:
// each unit is a transaction that locks what it rests on (pgUnit). Queries are written once, for SQLite;
// what PostgreSQL calls otherwise is a table (pgWords), and where it does otherwise a member of dialect.
package store

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/drieluik/drieluik/fhir/exchange"

	"modernc.org/sqlite"
)

const (
	fileName = "drieluik.db"
	lockName = "drieluik.lock"
)

// ErrLocked says that another process has the folder.
var ErrLocked = errors.New("another process uses this data folder; stop it first, or choose another folder")

// ErrSchema says that the file was written by a release with another schema.
var ErrSchema = errors.New("the data file has a schema that this release does not know")

// Options of Open. Zero members mean the defaults.
type Options struct {
	Now     func() time.Time // default time.Now
	Queue   int              // units that may wait for the writer; default 1024
	Readers int              // snapshots open at a time; default 4 per processor, at least 8
	Writers int              // connections that write to PostgreSQL; default 16
	// Committed is told of each group that became durable, or failed as a whole: of its units and how long it took.
	Committed func(units int, took time.Duration)
}

// Store is an open store, over a folder or a database. It is safe for concurrent use.
type Store struct {
	dict    *interned
	writer  applier
	readers lender
	recent  *recent
	shut    func() error // releases what is held beside writer and readers

	elsewhere chan struct{} // nil: a folder
}

var _ exchange.Store = (*Store)(nil)

// applier makes what is asked for durable: the writer of a file, or PostgreSQL's.
type applier interface {
	// do applies a change in a transaction, alone or with others, and returns when it is durable. apply
	// may run more than once. When ctx ends before its turn it is never applied; after, it is waited for.
	do(ctx context.Context, op string, size int, apply func(*tx) error) error
	// keep does so with a unit.
	keep(ctx context.Context, op string, p *prepared) ([]exchange.Written, error)
	// waits returns how many units wait or run, of as many as may.
	waits() (units, room int)
	// stop finishes what was taken and refuses the rest; false when that was done before.
	stop() (bool, error)
}

// lender lends connections to readers.
type lender interface {
	// take waits for a connection. give must follow unless there is an error.
	take(ctx context.Context) (*conn, error)
	// give takes it back. One that is not whole may hold a transaction: it is closed.
	give(c *conn, whole bool) error
	// close refuses new readers and waits for those that are inside.
	close() error
}

// Open opens the store in the folder that dsn names ("sqlite:FOLDER", or the folder alone), and
// makes both when they are not there. The folder belongs to this process until Close: a second
// process gets ErrLocked. A dsn that begins with postgres:// names a database, which any number of
// processes share; ErrNoPostgres when it cannot be used.
func Open(ctx context.Context, dsn string, o Options) (*Store, error) {
	const op = "store.Open"
	if IsPostgres(dsn) {
		s, err := openPostgres(ctx, dsn, o, pgMigrations[:])
		return s, wrapped(op, err)
	}
	dir := strings.TrimPrefix(dsn, "sqlite:")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("%s: %w", op, err)
	}
	lock, err := lockFolder(dir)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", op, err)
	}
	s, err := open(ctx, filepath.Join(dir, fileName), lock, o.withDefaults())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", op, errors.Join(err, unlockFolder(lock)))
	}
	return s, nil
}

// Elsewhere is closed when a database turns out to be at another place than at Open: a standby took over, or a backup
// was brought back. What is known of it may be of rows that are not there any more, so that it gives nothing out from
// then on: close it, and open it again. That of a folder stays where it is.
func (s *Store) Elsewhere() <-chan struct{} { return s.elsewhere }

// Waiting returns how many units wait for the writer, of as many as may.
func (s *Store) Waiting() (units, room int) { return s.writer.waits() }

func wrapped(op string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", op, err)
}

func (o Options) withDefaults() Options {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Queue <= 0 {
		o.Queue = 1024
	}
	if o.Writers <= 0 {
		o.Writers = 16
	}
	if o.Readers <= 0 {
		o.Readers = max(8, 4*runtime.GOMAXPROCS(0))
	}
	return o
}

func open(ctx context.Context, file string, lock *os.File, o Options) (*Store, error) {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_RDWR, 0o600) // SQLite gives its WAL the same mode
	if err != nil {
		return nil, err
	}
	if err := f.Close(); err != nil {
		return nil, err
	}
	db, err := sqlite.NewConnector(source(file))
	if err != nil {
		return nil, err
	}
	readers := newPool(db, o.Readers)
	s := &Store{dict: newInterned(), readers: readers, recent: newRecent(maxRecent)}
	s.shut = func() error { return unlockFolder(lock) }
	w, err := newWriter(ctx, file, db, s, readers, o)
	if err != nil {
		return nil, err
	}
	s.writer = w
	go w.run()
	return s, nil
}

// source is the driver's name of a file. Every connection runs the pragmas. The path is absolute: the
// first part of a relative one would be read as a host.
func source(file string) string {
	if whole, err := filepath.Abs(file); err == nil {
		file = whole
	}
	q := url.Values{"_pragma": {
		"busy_timeout(5000)", "journal_mode(WAL)", "synchronous(FULL)", "cache_size(-500)",
		"wal_autocheckpoint(0)", fmt.Sprintf("journal_size_limit(%d)", walMost*walLimit), "temp_store(MEMORY)", "trusted_schema(OFF)",
	}}
	return (&url.URL{Scheme: "file", Path: file, RawQuery: q.Encode()}).String()
}

// Close lets the writer finish what is queued, and releases the folder. Later calls are Unavailable.
func (s *Store) Close() error {
	first, fault := s.writer.stop()
	if !first {
		return nil
	}
	err := errors.Join(fault, s.readers.close(), s.shut())
	s.recent.clear()
	if err != nil {
		return fmt.Errorf("store.Close: %w", err)
	}
	return nil
}
