package store

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Keys in kv of PostgreSQL alone.
const (
	keyStore  = "store"  // tells this store's locks from those of others in the same database
	keyOutbox = "outbox" // what is added to a transaction's number for the place of its notices
	keyPlace  = "place"  // where the store stood when it was opened last (pgPlace)
)

// pgMigrations lay out a PostgreSQL store, step by step; kv has how many were taken. A step only adds, so
// that processes of the release before it serve on while it is taken. The tables are those of a file
// (schema), with these differences: texts are compared by their bytes; a head leads to its version by
// (home, rid, ver), whose first column is a compartment; rowid is a number of the sequence versions, which
// gives resources theirs too; epoch.at is the instant of the chain's last row; the place of a notice begins
// with the number of its transaction.
//
// The second step leaves room beside rows that every unit changes, so that no index is written for it.
var pgMigrations = [...]string{`
CREATE TABLE kv(key TEXT COLLATE "C" PRIMARY KEY, value BYTEA NOT NULL);
CREATE SEQUENCE versions;
CREATE TABLE dict(n BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, text TEXT COLLATE "C" NOT NULL UNIQUE);
CREATE TABLE epoch(comp BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name TEXT COLLATE "C" NOT NULL UNIQUE,
	n BIGINT NOT NULL, writes BIGINT NOT NULL, seq BIGINT NOT NULL, hash BYTEA NOT NULL, at BIGINT NOT NULL DEFAULT 0);
CREATE TABLE locate(type BIGINT NOT NULL, id TEXT COLLATE "C" NOT NULL, rid BIGINT NOT NULL, home BIGINT NOT NULL,
	comps TEXT COLLATE "C" NOT NULL, keys TEXT COLLATE "C", PRIMARY KEY(type,id));
CREATE TABLE resource_version(comp BIGINT NOT NULL, rid BIGINT NOT NULL, ver BIGINT NOT NULL,
	at BIGINT NOT NULL, op BOOLEAN NOT NULL, dict BIGINT NOT NULL, meta_at BIGINT NOT NULL,
	facts BYTEA, body BYTEA NOT NULL, rowid BIGINT NOT NULL, PRIMARY KEY(comp,rid,ver));
ALTER TABLE resource_version ALTER COLUMN body SET STORAGE EXTERNAL;
CREATE TABLE resource_head(comp BIGINT NOT NULL, type BIGINT NOT NULL, rid BIGINT NOT NULL,
	id TEXT COLLATE "C" NOT NULL, ver BIGINT NOT NULL, at BIGINT NOT NULL, filed BIGINT NOT NULL,
	deleted BOOLEAN NOT NULL, home BIGINT NOT NULL, cust BIGINT NOT NULL, author BIGINT NOT NULL,
	pat TEXT COLLATE "C" NOT NULL, facts BYTEA NOT NULL, PRIMARY KEY(comp,type,rid));
CREATE INDEX head_type ON resource_head(type,rid);
CREATE INDEX head_cust ON resource_head(type,cust,rid) WHERE cust>0;
CREATE INDEX head_author ON resource_head(type,author,rid) WHERE author>0;
CREATE TABLE idx(comp BIGINT NOT NULL, rid BIGINT NOT NULL, param BIGINT NOT NULL, n BIGINT NOT NULL,
	sys BIGINT NOT NULL, val TEXT COLLATE "C" NOT NULL, low DOUBLE PRECISION, high DOUBLE PRECISION,
	text TEXT COLLATE "C", PRIMARY KEY(comp,rid,param,n));
CREATE TABLE gidx(type BIGINT NOT NULL, param BIGINT NOT NULL, val TEXT COLLATE "C" NOT NULL, sys BIGINT NOT NULL,
	comp BIGINT NOT NULL, rid BIGINT NOT NULL, PRIMARY KEY(type,param,val,sys,comp,rid));
CREATE TABLE idem(comp BIGINT NOT NULL, key TEXT COLLATE "C" NOT NULL, ver BIGINT NOT NULL,
	hash BYTEA NOT NULL, result BYTEA NOT NULL, PRIMARY KEY(comp,key,ver));
CREATE TABLE audit(comp BIGINT NOT NULL, seq BIGINT NOT NULL, at BIGINT NOT NULL, prev BYTEA NOT NULL,
	hash BYTEA NOT NULL, dict BIGINT NOT NULL, recorded_at BIGINT NOT NULL, body BYTEA NOT NULL,
	PRIMARY KEY(comp,seq));
ALTER TABLE audit ALTER COLUMN body SET STORAGE EXTERNAL;
CREATE INDEX audit_at ON audit USING brin(at) WITH (autosummarize=on);
CREATE TABLE outbox(seq BIGINT PRIMARY KEY, comp BIGINT NOT NULL, type BIGINT NOT NULL,
	id TEXT COLLATE "C" NOT NULL, ver BIGINT NOT NULL, kind TEXT COLLATE "C" NOT NULL);
CREATE TABLE lease(name TEXT COLLATE "C" PRIMARY KEY, holder TEXT COLLATE "C" NOT NULL, exp BIGINT NOT NULL);
CREATE TABLE auth_state(kind TEXT COLLATE "C" NOT NULL, key TEXT COLLATE "C" NOT NULL, value BYTEA NOT NULL,
	at BIGINT NOT NULL, exp BIGINT NOT NULL, PRIMARY KEY(kind,key));
CREATE INDEX auth_state_exp ON auth_state(exp);
CREATE TABLE due(comp BIGINT PRIMARY KEY, at BIGINT NOT NULL);
CREATE INDEX due_at ON due(at);
INSERT INTO kv VALUES('` + keyClock + `','0'),('` + keyOutbox + `','0');
`, `
ALTER TABLE epoch SET (fillfactor=50);
ALTER TABLE locate SET (fillfactor=90);
`}

// Bounds of one step. A lock that keeps everybody out waits behind whoever reads, and everybody waits behind it.
const (
	stepLock  = "2s"
	stepTries = 60
)

// pgLayout is the lock that processes take in turn while they look at the layout.
const pgLayout = "7237963435470055787"

// migrate takes the steps that the store lacks, one process at a time, and returns what tells its locks
// from those of other stores.
func migrate(ctx context.Context, c *pgx.Conn, steps []string) (name string, err error) {
	defer func() {
		if _, e := c.Exec(context.WithoutCancel(ctx), `SELECT pg_advisory_unlock(`+pgLayout+`); RESET lock_timeout; RESET statement_timeout`); err == nil {
			err = e
		}
	}()
	if _, err := c.Exec(ctx, `SET lock_timeout=0; SET statement_timeout=0; SELECT pg_advisory_lock(`+pgLayout+`)`); err != nil {
		return "", err
	}
	taken, err := stepsTaken(ctx, c)
	if err != nil {
		return "", err
	}
	if taken > len(steps) {
		return "", ErrSchema
	}
	for n := taken; n < len(steps); n++ {
		if err := takeStep(ctx, c, n, steps[n]); err != nil {
			return "", fmt.Errorf("step %d of the layout: %w", n+1, err)
		}
	}
	if err := raiseOutbox(ctx, c); err != nil {
		return "", err
	}
	if err := pgx.BeginFunc(ctx, c, func(tx pgx.Tx) error { return elsewhere(ctx, tx) }); err != nil {
		return "", err
	}
	err = c.QueryRow(ctx, `SELECT convert_from(value,'UTF8') FROM kv WHERE key=$1`, keyStore).Scan(&name)
	return name, err
}

func stepsTaken(ctx context.Context, c *pgx.Conn) (int, error) {
	var there bool
	if err := c.QueryRow(ctx, `SELECT to_regclass('kv') IS NOT NULL`).Scan(&there); err != nil || !there {
		return 0, err
	}
	var taken string
	if err := c.QueryRow(ctx, `SELECT convert_from(value,'UTF8') FROM kv WHERE key=$1`, keySchema).Scan(&taken); err != nil {
		return 0, err
	}
	n, err := strconv.Atoi(taken)
	if err != nil {
		return 0, ErrSchema
	}
	return n, nil
}

// takeStep takes one step, whole or not at all, in a moment in which it keeps nobody waiting for long.
func takeStep(ctx context.Context, c *pgx.Conn, n int, step string) error {
	var err error
	for range stepTries {
		var told *pgconn.PgError
		if err = tryStep(ctx, c, n, step); !errors.As(err, &told) || told.Code != "55P03" { // a lock was not to be had
			break
		}
	}
	return err
}

func tryStep(ctx context.Context, c *pgx.Conn, n int, step string) error {
	return pgx.BeginFunc(ctx, c, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SET LOCAL lock_timeout='`+stepLock+`';`+step, pgx.QueryExecModeSimpleProtocol); err != nil {
			return err
		}
		var id [8]byte
		rand.Read(id[:]) // crypto/rand.Read never fails
		_, err := tx.Exec(ctx, `INSERT INTO kv VALUES($1,$2),($3,$4) ON CONFLICT(key) DO UPDATE SET
			value=CASE WHEN kv.key=$3 THEN kv.value ELSE excluded.value END`,
			keySchema, []byte(strconv.Itoa(n+1)), keyStore, []byte(hex.EncodeToString(id[:])))
		return err
	})
}
