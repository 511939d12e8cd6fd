package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"os"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir/exchange"
	"github.com/drieluik/drieluik/fhir/search"
)

// OpenEarlier opens a PostgreSQL store as a release did that knew one step of its layout less.
func OpenEarlier(ctx context.Context, address string) (*Store, error) {
	return openPostgres(ctx, address, Options{}, pgMigrations[:len(pgMigrations)-1])
}

// Do runs f in the writer, inside a unit's savepoint.
func (s *Store) Do(ctx context.Context, f func() error) error {
	return s.writer.do(ctx, "test", 0, func(*tx) error { return f() })
}

// Exec runs SQL in the writer, inside a unit's savepoint.
func (s *Store) Exec(ctx context.Context, sql string) error {
	return s.writer.do(ctx, "test", 0, func(t *tx) error {
		l, ok := t.c.link.(*fileLink)
		if !ok {
			return t.c.exec(sql)
		}
		return l.script(ctx, sql)
	})
}

// LimitLog sets how far the write-ahead log may grow, in bytes.
func (s *Store) LimitLog(ctx context.Context, n int64) error {
	return s.Do(ctx, func() error {
		s.writer.(*writer).walNext, s.writer.(*writer).walStep = n, n
		return nil
	})
}

// HoldLog keeps the next move of the write-ahead log into the file from going on until release is closed; it closes
// began when there is one.
func (s *Store) HoldLog(ctx context.Context, began chan<- struct{}, release <-chan struct{}) error {
	return s.Do(ctx, func() error {
		w := s.writer.(*writer)
		w.db = &heldConnector{w.db, began, release}
		return nil
	})
}

type heldConnector struct {
	driver.Connector
	began   chan<- struct{}
	release <-chan struct{}
}

func (h *heldConnector) Connect(ctx context.Context) (driver.Conn, error) {
	if h.began != nil {
		close(h.began)
		h.began = nil
	}
	<-h.release
	return h.Connector.Connect(ctx)
}

// LogSize returns the size of the file of the write-ahead log in bytes: the most that it has held.
func (s *Store) LogSize() int64 {
	i, err := os.Stat(s.writer.(*writer).file + "-wal")
	if err != nil {
		return 0
	}
	return i.Size()
}

// Queued returns how many jobs wait for the writer.
func (s *Store) Queued() int { return len(s.writer.(*writer).jobs) }

// ScanValue reads a column of a row of SQLite.
var ScanValue = scanValue

// EncodeFacts and DecodeFacts are the codec of the facts column.
var (
	EncodeFacts = encodeFacts
	DecodeFacts = func(b []byte) (auth.ResourceFacts, error) { return decodeFacts(b) }
	Pack        = pack
	Unpack      = unpack
)

// Explain returns how SQLite would run the search of a plan of one type.
func (s *Store) Explain(ctx context.Context, p search.Plan, f auth.Filter) ([]string, error) {
	var steps []string
	err := s.View(ctx, func(v exchange.Snapshot) error {
		sn, ok := v.(*snapshot)
		if !ok {
			return errors.New("not a snapshot of this store")
		}
		typ, err := sn.lookup(string(p.Type))
		if err != nil {
			return err
		}
		sel, ok, err := sn.selection(typ, p, &f)
		if err != nil || !ok {
			return err
		}
		for _, arm := range sel.arms {
			q := sel.rids(arm)
			err := sn.c.each(ctx, func(scan func(...any) error) error {
				var id, parent, unused int
				steps = append(steps, "")
				return scan(&id, &parent, &unused, &steps[len(steps)-1])
			}, `EXPLAIN QUERY PLAN `+q.sql.String(), q.args...)
			if err != nil {
				return err
			}
		}
		return nil
	})
	return steps, err
}

// Dumped is a row of the audit table as it stands there.
type Dumped struct {
	Rowid, Comp, Seq, At, Dict, RecordedAt int64
	Prev, Hash, Body                       []byte
	Compartment                            string
}

// Dump returns every row of the audit table.
func (s *Store) Dump(ctx context.Context) ([]Dumped, error) {
	var out []Dumped
	err := s.writer.do(ctx, "test", 0, func(t *tx) error {
		return t.c.each(ctx, func(scan func(...any) error) error {
			var d Dumped
			err := scan(&d.Rowid, &d.Comp, &d.Seq, &d.At, &d.Dict, &d.RecordedAt, &d.Prev, &d.Hash, &d.Body, &d.Compartment)
			out = append(out, d)
			return err
		}, `SELECT a.rowid,a.comp,a.seq,a.at,a.dict,a.recorded_at,a.prev,a.hash,a.body,e.name FROM audit a JOIN epoch e ON e.comp=a.comp`)
	})
	return out, err
}

// Set puts the row before back, and changes one column of a row.
func (s *Store) Set(ctx context.Context, before, d Dumped, column string, value any) error {
	return s.writer.do(ctx, "test", 0, func(t *tx) error {
		if err := before.restore(t); err != nil {
			return err
		}
		err := t.c.exec(`UPDATE audit SET `+column+`=? WHERE rowid=?`, value, d.Rowid)
		return err
	})
}

// Restore puts a row back.
func (s *Store) Restore(ctx context.Context, d Dumped) error {
	return s.writer.do(ctx, "test", 0, d.restore)
}

func (d Dumped) restore(t *tx) error {
	err := t.c.exec(`UPDATE audit SET comp=?,seq=?,at=?,dict=?,recorded_at=?,prev=?,hash=?,body=? WHERE rowid=?`,
		d.Comp, d.Seq, d.At, d.Dict, d.RecordedAt, d.Prev, d.Hash, d.Body, d.Rowid)
	return err
}
