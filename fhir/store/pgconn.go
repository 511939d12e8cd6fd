package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/drieluik/drieluik/fhir"
)

// noticeBits is how far the number of a transaction is shifted in the place of its notices: what is below
// counts them.
const (
	noticeBits = "16"
	maxNotices = 1 << 16
)

// pgFloor is the instant of the last checkpoint.
const pgFloor = `(SELECT convert_from(value,'UTF8')::bigint FROM kv WHERE key='` + keyClock + `')`

// pgPlaces is what a transaction's number lacks to begin the places of its notices.
const pgPlaces = `(SELECT convert_from(value,'UTF8')::bigint FROM kv WHERE key='` + keyOutbox + `')`

// pgNotices is where the notices of this transaction begin.
const pgNotices = `((pg_current_xact_id()::text::bigint+` + pgPlaces + `)<<` + noticeBits + `)`

var pgDialect = dialect{
	begin:    `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY`,
	patient:  `SET LOCAL statement_timeout=0`,
	planned:  `SELECT set_config('plan_cache_mode','force_custom_plan',true),set_config('enable_seqscan','on',true)`,
	distinct: `DISTINCT ON (h.rid) `,
	ownComp:  `SELECT comp,n,writes,seq,hash,at FROM epoch WHERE name=? FOR NO KEY UPDATE`,
	saveComp: `UPDATE epoch SET n=$1,writes=$2,seq=$3,hash=$4,at=$6 WHERE comp=$5`,
	unsigned: `SELECT count(*),coalesce(min(at),0) FROM audit WHERE at>` + pgFloor,
	grown:    `SELECT name,seq,hash FROM epoch WHERE name<>? AND comp IN (SELECT comp FROM audit WHERE at>` + pgFloor + `) ORDER BY name`,
	count: `INSERT INTO auth_state VALUES(?,?,'1',?,?) ON CONFLICT(kind,key) DO UPDATE SET
		value=CASE WHEN auth_state.exp<=excluded.at THEN '1' ELSE convert_to((convert_from(auth_state.value,'UTF8')::bigint+1)::text,'UTF8') END,
		at=CASE WHEN auth_state.exp<=excluded.at THEN excluded.at ELSE auth_state.at END,
		exp=CASE WHEN auth_state.exp<=excluded.at THEN excluded.exp ELSE auth_state.exp END
		RETURNING convert_from(value,'UTF8')::bigint`,
	notice: `INSERT INTO outbox(comp,type,id,ver,kind,seq)
		VALUES(?,?,?,?,?,` + pgNotices + `+?)`,
	changes: `SELECT o.seq,e.name,d.text,o.id,o.ver,o.kind FROM outbox o JOIN epoch e ON e.comp=o.comp
		JOIN dict d ON d.n=o.type WHERE o.seq>? AND
		o.seq<(pg_snapshot_xmin(pg_current_snapshot())::text::bigint+` + pgPlaces + `)<<` + noticeBits + ` ORDER BY o.seq LIMIT ?`,
	longest: 1000,
}

// key is a text that stands in a key: of what PostgreSQL does not take as it is, or not that long, a hash
// stands there.
func (d *dialect) key(text string) string {
	if d.longest == 0 || len(text) <= d.longest && pgString(text) == text {
		return text
	}
	sum := sha256.Sum256([]byte(text))
	return "sha256:" + hex.EncodeToString(sum[:])
}

// pgWords are what PostgreSQL calls otherwise. No query has a value in its text.
var pgWords = sync.OnceValue(func() *strings.Replacer {
	return strings.NewReplacer(
		visibleRows, `SELECT l.rid FROM json_each(?::json) c CROSS JOIN json_array_elements_text(c.value) i
			JOIN locate l ON l.type=? AND l.id=i.value WHERE strpos(' '||l.comps||' ',' '||c.key||' ')>0`,
		`IN (SELECT value FROM json_each(?))`, `= ANY(ARRAY(SELECT json_array_elements_text(?::json)::bigint))`,
		`NOT IN (SELECT j.value FROM json_each(?) j)`, `<> ALL(ARRAY(SELECT json_array_elements_text(?::json)))`,
		`IN (SELECT j.value FROM json_each(?) j)`, `= ANY(ARRAY(SELECT json_array_elements_text(?::json)))`,
		`v.rowid=h.vrow`, `v.comp=h.home AND v.rid=h.rid AND v.ver=h.ver`,
		`c.rowid=h.vrow`, `c.comp=h.home AND c.rid=h.rid AND c.ver=h.ver`,
		`h.vrow`, `h.home`,
		`instr(`, `strpos(`,
		` AND +(`, ` AND (FALSE OR `, // a condition by itself, not a join
	)
})

// pgJoin is a join in the order in which SQLite must take it.
var pgJoin = regexp.MustCompile(`CROSS JOIN (\w+ \w+)\s+ON `)

// pgTexts keeps what queries are in PostgreSQL's words.
type pgTexts struct {
	mu    sync.Mutex
	texts map[string]string
}

// maxTexts bounds them; when there are more, all are let go.
const maxTexts = 1024

func (p *pgTexts) of(query string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if text, ok := p.texts[query]; ok {
		return text
	}
	if len(p.texts) >= maxTexts {
		clear(p.texts)
	}
	text := pgText(query)
	p.texts[query] = text
	return text
}

// pgText writes a query in PostgreSQL's words, with numbered values.
func pgText(query string) string {
	parts := strings.Split(pgJoin.ReplaceAllString(pgWords().Replace(query), "JOIN $1 ON "), "?")
	var b strings.Builder
	for i, part := range parts {
		if i > 0 {
			b.WriteString("$" + strconv.Itoa(i))
		}
		b.WriteString(part)
	}
	return b.String()
}

// pgArgs makes texts such that PostgreSQL can hold them: UTF-8 without NUL.
func pgArgs(args []any) []any {
	out := slices.Clone(args) // it waits, and the caller goes on
	for i, a := range out {
		if s, ok := a.(string); ok {
			out[i] = pgString(s)
		}
	}
	return out
}

// pgString is a text as PostgreSQL can hold it.
func pgString(s string) string {
	if utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 {
		return s
	}
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\ufffd"), "\x00", "\ufffd")
}

// pgLink is a connection to PostgreSQL. Statements without an answer wait, and go out in one batch with
// the next question; of those that are alike, one is made (together).
type pgLink struct {
	ctx   context.Context
	c     *pgxpool.Conn
	texts *pgTexts
	batch *pgx.Batch
	held  []question // statements that wait, behind batch
	begun bool       // something was sent
	final bool       // the commit was sent: what becomes of it may be unknown
	slow  bool       // an answer may take as long as it needs

	shared bool // several units hold statements: none of them is sent before all are done
	mark   int  // where those of the running unit begin in held
}

// errAlone says that a unit must have a transaction of its own: it looks at what it wrote itself, or changes a
// compartment that no other unit of its group knows of.
var errAlone = errors.New("the unit cannot share a transaction")

// question is a query with what becomes of its rows; nil for a statement.
type question struct {
	query string
	args  []any
	row   func(scan func(...any) error) error
}

// ask sends what waits, and some questions, in one trip.
func (l *pgLink) ask(questions ...question) (changed int64, err error) {
	if err := l.flush(); err != nil {
		return 0, err
	}
	waiting := l.batch.Len()
	for _, q := range questions {
		l.batch.Queue(l.texts.of(q.query), pgArgs(q.args)...)
	}
	batch := l.batch
	l.batch, l.begun = &pgx.Batch{}, true
	if batch.Len() == 0 {
		return 0, nil
	}
	ctx := l.ctx
	if !l.slow {
		var end context.CancelFunc
		ctx, end = context.WithTimeout(ctx, tripLimit)
		defer end()
	}
	results := l.c.SendBatch(ctx, batch)
	defer func() {
		if e := results.Close(); e != nil && err == nil {
			err = pgFault(e)
		}
	}()
	for range waiting {
		if _, err := results.Exec(); err != nil {
			return 0, pgFault(err)
		}
	}
	for _, q := range questions {
		if changed, err = answer(results, q); err != nil {
			return 0, err
		}
	}
	return changed, nil
}

// answer reads what came of one question.
func answer(results pgx.BatchResults, q question) (int64, error) {
	if q.row == nil {
		tag, err := results.Exec()
		return tag.RowsAffected(), pgFault(err)
	}
	rows, err := results.Query()
	if err != nil {
		return 0, pgFault(err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := q.row(rows.Scan); err != nil {
			return 0, err
		}
	}
	return 0, pgFault(rows.Err())
}

// flush puts what is held into the batch. Who shares a transaction may only look before it writes.
func (l *pgLink) flush() error {
	if l.shared {
		if len(l.held) > l.mark {
			return errAlone
		}
		return nil
	}
	if len(l.held) == 0 {
		return nil
	}
	all, err := together(l.held)
	l.held = nil
	for _, q := range all {
		l.batch.Queue(l.texts.of(q.query), pgArgs(q.args)...)
	}
	return err
}

func (l *pgLink) exec(query string, args ...any) error {
	l.held = append(l.held, question{query: query, args: args})
	return nil
}

func (l *pgLink) change(query string, args ...any) (int64, error) {
	return l.ask(question{query: query, args: args})
}

func (l *pgLink) one(query string, args []any, dst ...any) (bool, error) {
	found := false
	_, err := l.ask(question{query, args, func(scan func(...any) error) error {
		if found {
			return nil
		}
		found = true
		return scan(dst...)
	}})
	return found && err == nil, err
}

// each goes by the context of the link: that of whoever took it.
func (l *pgLink) each(_ context.Context, f func(scan func(...any) error) error, query string, args ...any) error {
	_, err := l.ask(question{query, args, f})
	return err
}

// commit ends the transaction, unless it never did anything.
func (l *pgLink) commit() error {
	if !l.begun && l.batch.Len() == 1 && len(l.held) == 0 {
		return nil
	}
	l.final = true
	_, err := l.change(`COMMIT`)
	return err
}

// undo rolls back what was sent. A connection on which that fails is closed, which does it too.
func (l *pgLink) undo() error {
	l.batch, l.held, l.shared = &pgx.Batch{}, nil, false
	if l.c.Conn().IsClosed() || !l.begun {
		return nil
	}
	if _, err := l.change(`ROLLBACK`); err != nil {
		return l.c.Conn().Close(context.WithoutCancel(l.ctx))
	}
	return nil
}

// suspect reports whether this connection ended by itself, and then lets all of its pool go that are not in
// use: after a restart of PostgreSQL none of them works.
func (l *pgLink) suspect(pool *pgxpool.Pool) bool {
	if !l.c.Conn().IsClosed() || l.ctx.Err() != nil {
		return false
	}
	pool.Reset()
	return true
}

// close gives the connection up: what it had open is rolled back.
func (l *pgLink) close() error {
	err := l.c.Conn().Close(context.WithoutCancel(l.ctx))
	l.c.Release()
	return err
}

// pgFault makes a failure of PostgreSQL one that the caller may repeat: all but what says that a query of
// ours is wrong.
func pgFault(err error) error {
	if err == nil {
		return nil
	}
	var told *pgconn.PgError
	if errors.As(err, &told) {
		switch told.Code[:2] {
		case "08", "25", "40", "53", "55", "57", "58", "XX", "23":
		default:
			return err
		}
	}
	return &fhir.Error{Kind: fhir.Unavailable, Op: "store.postgres", Err: err}
}

// pgAgain reports whether a transaction failed by others that ran at the same time, and may be run again.
func pgAgain(err error) bool {
	var told *pgconn.PgError
	return errors.As(err, &told) && (told.Code[:2] == "40" || told.Code == "23505")
}
