package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/drieluik/drieluik/fhir"
)

// pgFull is the SQLSTATE of a server, or a role, that has no connection left.
const pgFull = "53300"

// ErrNoPostgres says that the server of a postgres:// address cannot be used.
var ErrNoPostgres = errors.New("cannot use the PostgreSQL of --store; check that it runs, and address, database, user and password")

// Settings of the connections. Most queries look into one index by its whole key: they are planned once, and
// never as the reading of a whole table, which is the best way while it is empty. What is not like that is
// planned for its values (snapshot.planned).
var (
	pgReading = map[string]string{
		"application_name": "drieluik", "plan_cache_mode": "force_generic_plan", "enable_seqscan": "off", "jit": "off",
		"statement_timeout": "30s", "idle_in_transaction_session_timeout": "60s",
	}
	pgWriting = map[string]string{
		"application_name": "drieluik", "plan_cache_mode": "force_generic_plan", "enable_seqscan": "off", "jit": "off",
		"synchronous_commit": "on",
		"statement_timeout":  "10s", "lock_timeout": "8s", "idle_in_transaction_session_timeout": "30s",
	}
)

// Bounds of waiting for a server that says nothing: for a new connection, where the address does not say; for one that
// was idle; for one that others use; for the answers to one trip, which is beyond every statement_timeout.
const (
	connectLimit = 3 * time.Second
	pingLimit    = time.Second
	readerLimit  = 15 * time.Second
	tripLimit    = 35 * time.Second
)

// ErrElsewhere says that the database is at another place than when it was opened (pgPlace).
var ErrElsewhere = errors.New("the database stands elsewhere than before")

// IsPostgres reports whether a --store address is one of PostgreSQL.
func IsPostgres(dsn string) bool {
	return strings.HasPrefix(dsn, "postgres://") || strings.HasPrefix(dsn, "postgresql://")
}

// openPostgres opens the store of a database, which other processes may have open too, after it has taken the
// steps of its layout.
func openPostgres(ctx context.Context, dsn string, o Options, steps []string) (*Store, error) {
	now := o.Now
	o = o.withDefaults()
	at := &pgSite{left: make(chan struct{})}
	writing, err := pgPool(ctx, dsn, pgWriting, o.Writers, at)
	if err != nil {
		return nil, err
	}
	reading, err := pgPool(ctx, dsn, pgReading, o.Readers, at)
	if err != nil {
		writing.Close()
		return nil, err
	}
	shut := func() {
		writing.Close()
		reading.Close()
	}
	var name string
	err = writing.AcquireFunc(ctx, func(c *pgxpool.Conn) error {
		if name, err = migrate(ctx, c.Conn(), steps); err == nil {
			err = at.settle(ctx, c.Conn())
		}
		return err
	})
	if err != nil {
		shut()
		if errors.Is(err, ErrSchema) {
			return nil, err
		}
		return nil, noPostgres(err)
	}
	texts := &pgTexts{texts: map[string]string{}}
	s := &Store{dict: newInterned(), recent: newRecent(0), shut: func() error { return nil }, elsewhere: at.left}
	s.readers = &pgReaders{pool: reading, texts: texts}
	s.writer = &pgWriter{pool: writing, texts: texts, dict: s.dict, store: name, now: now, told: o.Committed, queue: int64(o.Queue)}
	return s, nil
}

// noPostgres says why a database cannot be used, as far as that is a code.
func noPostgres(err error) error {
	var told *pgconn.PgError
	if errors.As(err, &told) {
		hint := ""
		if told.Code == pgFull {
			hint = ": it has no connection left; raise max_connections, or let fewer processes use it"
		}
		return fmt.Errorf("%w (SQLSTATE %s)%s", ErrNoPostgres, told.Code, hint)
	}
	return ErrNoPostgres
}

// pgPool connects to the primary alone: what a standby shows may be older than a withdrawal.
func pgPool(ctx context.Context, dsn string, params map[string]string, size int, at *pgSite) (*pgxpool.Pool, error) {
	c, err := pgxpool.ParseConfig(dsn)
	if err != nil { // its text may hold the address
		return nil, errors.New("the address of --store cannot be read; use postgres://USER:PASSWORD@HOST:PORT/DATABASE")
	}
	for name, value := range params {
		c.ConnConfig.RuntimeParams[name] = value
	}
	if c.ConnConfig.ConnectTimeout == 0 {
		c.ConnConfig.ConnectTimeout = connectLimit
	}
	if c.ConnConfig.ValidateConnect == nil {
		c.ConnConfig.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsPrimary
	}
	c.AfterConnect, c.PingTimeout = at.check, pingLimit
	c.MaxConns = int32(size)
	return pgxpool.NewWithConfig(ctx, c)
}

// pgReaders lends connections to readers.
type pgReaders struct {
	pool   *pgxpool.Pool
	texts  *pgTexts
	closed atomic.Bool
}

func (r *pgReaders) take(ctx context.Context) (*conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if r.closed.Load() {
		return nil, errClosed
	}
	waits, end := context.WithTimeout(ctx, readerLimit)
	defer end()
	c, err := r.pool.Acquire(waits)
	if err != nil {
		return nil, err
	}
	return &conn{&pgLink{ctx: ctx, c: c, texts: r.texts, batch: &pgx.Batch{}}, &pgDialect}, nil
}

func (r *pgReaders) give(c *conn, whole bool) error {
	l, ok := c.link.(*pgLink)
	if !ok {
		return errForeign
	}
	if whole && l.begun {
		if _, err := l.ask(); err != nil { // the end of its transaction may wait
			whole = false
		}
	}
	if !whole {
		l.suspect(r.pool)
		return l.close()
	}
	l.c.Release()
	return nil
}

func (r *pgReaders) close() error {
	r.closed.Store(true)
	r.pool.Close()
	return nil
}

// Exclusive runs f while no other process of the same store runs one of this name. An embedded store has
// one process.
func (s *Store) Exclusive(ctx context.Context, name string, f func(context.Context) error) error {
	const op = "store.Exclusive"
	w, ok := s.writer.(*pgWriter)
	if !ok {
		return f(ctx)
	}
	c, err := w.pool.Acquire(ctx)
	if err != nil {
		return &fhir.Error{Kind: fhir.Unavailable, Op: op, Err: err}
	}
	defer c.Release()
	lock := w.lock("exclusive " + name)
	if _, err := c.Exec(ctx, `SET lock_timeout=0; SET statement_timeout=0`); err != nil {
		return fhir.Wrap(op, pgFault(err))
	}
	defer c.Conn().Close(context.WithoutCancel(ctx)) // gives back lock and settings
	if _, err := c.Exec(ctx, `SELECT pg_advisory_lock($1)`, lock); err != nil {
		return fhir.Wrap(op, pgFault(err))
	}
	return f(ctx)
}
