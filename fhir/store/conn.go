package store

import "context"

// link is one connection to a database: to a SQLite file or to PostgreSQL. One goroutine uses it at a
// time. Queries are written for SQLite, with ? for bound values.
type link interface {
	// exec runs a statement. It may be sent with the next one, whose error it then is.
	exec(query string, args ...any) error
	// change runs a statement and returns how many rows it changed.
	change(query string, args ...any) (int64, error)
	// one scans the only row of a query into dst; false when there is none.
	one(query string, args []any, dst ...any) (bool, error)
	// each calls f for every row of a query; scan reads the row. f must not use the link.
	each(ctx context.Context, f func(scan func(...any) error) error, query string, args ...any) error
	close() error
}

// conn is a link with what its database understands.
type conn struct {
	link
	*dialect
}

// dialect is where what the two databases understand differs, beyond words (pgWords).
type dialect struct {
	begin    string // of a snapshot
	patient  string // ends the bound on how long its queries may take; "": there is none
	planned  string // lets its queries be planned for their values; "": they are
	distinct string // begins a choice of one row for each rid
	grouped  string // ends it
	ownComp  string // the row of a compartment, which its transaction may change
	saveComp string // what changed in it
	unsigned string // rows of the log beyond its last checkpoint, and the instant of the oldest
	grown    string // heads that have changed since the last checkpoint; takes the name of its chain
	count    string // adds one to a counter of auth_state
	notice   string // adds to the outbox
	changes  string // reads it
	longest  int    // bytes of a text in a key; 0: any
}

var fileDialect = dialect{
	begin:    `BEGIN`,
	grouped:  ` GROUP BY h.rid`,
	ownComp:  `SELECT comp,n,writes,seq,hash,0 FROM epoch WHERE name=?`,
	saveComp: `UPDATE epoch SET n=?,writes=?,seq=?,hash=? WHERE comp=?`,
	notice:   `INSERT INTO outbox(comp,type,id,ver,kind) VALUES(?,?,?,?,?)`,
	changes: `SELECT o.seq,e.name,d.text,o.id,o.ver,o.kind FROM outbox o CROSS JOIN epoch e ON e.comp=o.comp
		CROSS JOIN dict d ON d.n=o.type WHERE o.seq>? ORDER BY o.seq LIMIT ?`,
	unsigned: `SELECT coalesce(max(rowid),0)-` + lastCheckpoint + `,
		coalesce((SELECT at FROM audit WHERE rowid>` + lastCheckpoint + ` ORDER BY rowid LIMIT 1),0) FROM audit`,
	grown: `SELECT name,seq,hash FROM epoch WHERE name<>? AND comp IN
		(SELECT comp FROM audit NOT INDEXED WHERE rowid>` + lastCheckpoint + `) ORDER BY name`,
	count: `INSERT INTO auth_state VALUES(?,?,1,?,?) ON CONFLICT(kind,key) DO UPDATE SET
		value=CASE WHEN exp<=excluded.at THEN 1 ELSE value+1 END,
		at=CASE WHEN exp<=excluded.at THEN excluded.at ELSE at END,
		exp=CASE WHEN exp<=excluded.at THEN excluded.exp ELSE exp END RETURNING value`,
}

// lastCheckpoint is the place of the last checkpoint in the table of a file, whose rows stand in the order
// in which they were committed.
const lastCheckpoint = `(SELECT coalesce(max(a.rowid),0) FROM epoch e CROSS JOIN audit a ON a.comp=e.comp AND a.seq=e.seq
	WHERE e.name='` + checkpoints + `')`

func args(v ...any) []any { return v }
