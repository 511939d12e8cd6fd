package store

import (
	"context"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/drieluik/drieluik/fhir"
)

// Errors of Move.
var (
	ErrNotEmpty = errors.New("the database holds data already; move into an empty one")
	ErrMoved    = errors.New("what this folder held was moved to PostgreSQL; serve that; when all is well there, keep the secret.key of this folder elsewhere and remove the folder")
)

// keyMoved says in a file that its content lives elsewhere now.
const keyMoved = "moved"

// movedColumn is a column of a table on PostgreSQL and what of a file goes into it.
type movedColumn struct {
	name string
	turn func(any) any // nil: as it is
}

// movedTable is a table and the query of a file that fills it, in the order of the columns.
type movedTable struct {
	name    string
	columns []movedColumn
	query   string
}

// turned are columns, some of which are turned into what PostgreSQL keeps.
func turned(names []string, how map[string]func(any) any) []movedColumn {
	out := make([]movedColumn, len(names))
	for i, name := range names {
		out[i] = movedColumn{name, how[name]}
	}
	return out
}

// movedTables are all but what a process alone knows (lease) and what PostgreSQL counts itself. What differs is
// told at pgMigrations.
var movedTables = []movedTable{
	{"kv", turned([]string{"key", "value"}, map[string]func(any) any{"value": asBytes}),
		`SELECT key,value FROM kv WHERE key LIKE '` + settingPrefix + `%'`},
	{"dict", turned([]string{"n", "text"}, map[string]func(any) any{"text": asKey}), `SELECT n,text FROM dict`},
	{"epoch", turned([]string{"comp", "name", "n", "writes", "seq", "hash", "at"}, map[string]func(any) any{"name": asText, "hash": asBytes}),
		`SELECT comp,name,n,writes,seq,hash,coalesce((SELECT a.at FROM audit a WHERE a.comp=e.comp AND a.seq=e.seq),0) FROM epoch e`},
	{"locate", turned([]string{"type", "id", "rid", "home", "comps", "keys"}, map[string]func(any) any{"id": asText, "keys": asKeys}),
		`SELECT type,id,rid,home,comps,keys FROM locate`},
	{"resource_version", turned([]string{"comp", "rid", "ver", "at", "op", "dict", "meta_at", "facts", "body", "rowid"}, map[string]func(any) any{"op": asBool, "body": asBytes}),
		`SELECT comp,rid,ver,at,op,dict,meta_at,facts,body,rowid FROM resource_version`},
	{"resource_head", turned([]string{"comp", "type", "rid", "id", "ver", "at", "filed", "deleted", "home", "cust", "author", "pat", "facts"},
		map[string]func(any) any{"id": asText, "deleted": asBool, "pat": asText, "facts": asBytes}),
		`SELECT h.comp,h.type,h.rid,h.id,h.ver,h.at,h.filed,h.deleted,v.comp,h.cust,h.author,h.pat,h.facts
			FROM resource_head h CROSS JOIN resource_version v ON v.rowid=h.vrow`},
	{"idx", turned([]string{"comp", "rid", "param", "n", "sys", "val", "low", "high", "text"},
		map[string]func(any) any{"val": asText, "low": asFloat, "high": asFloat, "text": asText}),
		`SELECT comp,rid,param,n,sys,val,low,high,text FROM idx`},
	{"gidx", turned([]string{"type", "param", "val", "sys", "comp", "rid"}, map[string]func(any) any{"val": asKey}),
		`SELECT type,param,val,sys,comp,rid FROM gidx`},
	{"idem", turned([]string{"comp", "key", "ver", "hash", "result"}, map[string]func(any) any{"key": asKey, "hash": asBytes, "result": asBytes}),
		`SELECT comp,key,ver,hash,result FROM idem`},
	{"audit", turned([]string{"comp", "seq", "at", "prev", "hash", "dict", "recorded_at", "body"},
		map[string]func(any) any{"prev": asBytes, "hash": asBytes, "body": asBytes}),
		`SELECT comp,seq,at,prev,hash,dict,recorded_at,body FROM audit ORDER BY rowid`},
	{"outbox", turned([]string{"seq", "comp", "type", "id", "ver", "kind"}, map[string]func(any) any{"id": asText}),
		`SELECT seq,comp,type,id,ver,kind FROM outbox`},
	{"auth_state", turned([]string{"kind", "key", "value", "at", "exp"}, map[string]func(any) any{"key": asText, "value": asBytes}),
		`SELECT kind,key,value,at,exp FROM auth_state`},
	{"due", turned([]string{"comp", "at"}, nil), `SELECT comp,at FROM due`},
}

// settled ends a move: what PostgreSQL counts goes on above what came, and its planner knows the tables.
const settled = `
SELECT setval(pg_get_serial_sequence('dict','n'),(SELECT coalesce(max(n),0)+1 FROM dict),false);
SELECT setval(pg_get_serial_sequence('epoch','comp'),(SELECT coalesce(max(comp),0)+1 FROM epoch),false);
SELECT setval('versions',greatest((SELECT coalesce(max(rid),0) FROM locate),(SELECT coalesce(max(rowid),0) FROM resource_version))+1,false);
ANALYZE;
`

// Move copies all that an embedded store holds into the empty database that dsn names, in one transaction, and
// marks the folder, which nobody opens after it (ErrMoved). told hears how many rows of which table were copied.
// It fails with ErrNotEmpty, with ErrNoPostgres, and with ErrNotEmbedded when s is a database itself; nothing has
// changed then.
func (s *Store) Move(ctx context.Context, dsn string, told func(table string, rows int64)) error {
	const op = "store.Move"
	if _, ok := s.readers.(*pool); !ok {
		return ErrNotEmbedded
	}
	settings := maps.Clone(pgWriting)
	settings["statement_timeout"], settings["idle_in_transaction_session_timeout"] = "0", "0"
	to, err := pgPool(ctx, dsn, settings, 1, &pgSite{})
	if err != nil {
		return err
	}
	defer to.Close()
	c, err := to.Acquire(ctx)
	if err != nil {
		return noPostgres(err)
	}
	defer c.Release()
	if _, err := migrate(ctx, c.Conn(), pgMigrations[:]); err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	from, err := s.readers.take(ctx)
	if err != nil {
		return &fhir.Error{Kind: fhir.Unavailable, Op: op, Err: err}
	}
	err = pgx.BeginFunc(ctx, c.Conn(), func(tx pgx.Tx) error { return moveAll(ctx, from, tx, told) })
	ctx = context.WithoutCancel(ctx) // what was committed there must not be served here any more
	if err = errors.Join(err, s.readers.give(from, err == nil)); err == nil {
		err = raiseOutbox(ctx, c.Conn())
	}
	if err == nil {
		err = s.writer.do(ctx, op, 64, func(t *tx) error {
			return t.c.exec(`INSERT INTO kv VALUES('` + keyMoved + `','') ON CONFLICT DO NOTHING`)
		})
	}
	return wrapped(op, err)
}

// moveAll copies every table of one snapshot.
func moveAll(ctx context.Context, from *conn, tx pgx.Tx, told func(string, int64)) error {
	l, ok := from.link.(*fileLink)
	if !ok {
		return errForeign
	}
	if _, err := tx.Exec(ctx, `LOCK TABLE kv,dict,epoch IN EXCLUSIVE MODE`); err != nil { // nobody begins to use it meanwhile
		return err
	}
	var used bool
	err := tx.QueryRow(ctx, `SELECT EXISTS(SELECT FROM epoch) OR EXISTS(SELECT FROM dict) OR EXISTS(SELECT FROM kv WHERE key LIKE '`+settingPrefix+`%')`).Scan(&used)
	if err == nil && used {
		err = ErrNotEmpty
	}
	if err != nil {
		return err
	}
	if err := from.exec(from.begin); err != nil {
		return err
	}
	for _, t := range movedTables {
		n, err := t.move(ctx, l, tx)
		if err != nil {
			return fmt.Errorf("%s: %w", t.name, err)
		}
		told(t.name, n)
	}
	var signed int64
	_, err = from.one(`SELECT coalesce(max(a.at),0) FROM audit a CROSS JOIN epoch e ON e.comp=a.comp WHERE e.name=?`, args(checkpoints), &signed)
	if err == nil {
		_, err = tx.Exec(ctx, `UPDATE kv SET value=convert_to($2::bigint::text,'UTF8') WHERE key=$1`, keyClock, signed)
	}
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, settled, pgx.QueryExecModeSimpleProtocol); err != nil {
		return err
	}
	return from.exec(`ROLLBACK`)
}

func (t *movedTable) move(ctx context.Context, from *fileLink, tx pgx.Tx) (n int64, err error) {
	rows, err := from.rows(ctx, t.query, nil)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	names := make([]string, len(t.columns))
	for i, c := range t.columns {
		names[i] = c.name
	}
	return tx.CopyFrom(ctx, pgx.Identifier{t.name}, names, &movedRows{rows: rows, columns: t.columns, row: make([]driver.Value, len(names))})
}

// movedRows feeds the rows of a query to PostgreSQL. It implements pgx.CopyFromSource.
type movedRows struct {
	rows    driver.Rows
	columns []movedColumn
	row     []driver.Value
	err     error
}

func (r *movedRows) Next() bool {
	if r.err == nil {
		r.err = r.rows.Next(r.row)
	}
	return r.err == nil
}

func (r *movedRows) Err() error {
	if errors.Is(r.err, io.EOF) {
		return nil
	}
	return r.err
}

func (r *movedRows) Values() ([]any, error) {
	values := make([]any, len(r.columns))
	for i, c := range r.columns {
		if values[i] = r.row[i]; c.turn != nil {
			values[i] = c.turn(values[i])
		}
	}
	return values, nil
}

func asText(v any) any {
	if b, ok := v.([]byte); ok {
		v = string(b)
	}
	if s, ok := v.(string); ok {
		return pgString(s)
	}
	return v
}

// asKey is a text that stands in a key.
func asKey(v any) any {
	if s, ok := v.(string); ok {
		return pgDialect.key(s)
	}
	return v
}

// asKeys are the gidx rows of a resource, which name texts of keys too.
func asKeys(v any) any {
	text, ok := v.(string)
	if !ok || len(text) <= pgDialect.longest && !strings.Contains(text, `\u`) {
		return v
	}
	var keys []gkey
	if json.Unmarshal([]byte(text), &keys) != nil {
		return asText(v)
	}
	for i := range keys {
		keys[i].Val = pgDialect.key(keys[i].Val)
	}
	b, err := json.Marshal(keys)
	if err != nil {
		return asText(v)
	}
	return string(b)
}

// asBytes is a blob that is never NULL: an empty one is read as nothing.
func asBytes(v any) any {
	switch v := v.(type) {
	case []byte:
		return append([]byte{}, v...)
	case string:
		return []byte(v)
	case int64:
		return strconv.AppendInt(nil, v, 10)
	}
	return []byte{}
}

func asBool(v any) any {
	n, ok := v.(int64)
	return pgtype.Bool{Bool: n != 0, Valid: ok}
}

func asFloat(v any) any {
	if n, ok := v.(int64); ok {
		return float64(n)
	}
	return v
}
