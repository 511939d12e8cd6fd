package main

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"time"

	_ "modernc.org/sqlite" // the bare loops that the store is measured against
)

// The bare tables: one row of a resource, twelve of its index, one of the log.
const bareSchema = `
CREATE TABLE r(comp TEXT, type TEXT, id TEXT, ver INT, body BLOB, PRIMARY KEY(comp,type,id,ver));
CREATE TABLE i(comp TEXT, type TEXT, param TEXT, val TEXT, id TEXT, PRIMARY KEY(comp,type,param,val,id)) WITHOUT ROWID;
CREATE TABLE a(comp TEXT, seq INT, body BLOB, PRIMARY KEY(comp,seq));`

const (
	bareGroup    = 32 // units of one commit
	bareIndex    = 12 // index rows of one unit
	bareStored   = 900
	bareAudit    = 300
	barePerChild = 40
)

// bareStore is a SQLite file as durable as the store: WAL and synchronous=FULL.
type bareStore struct {
	db  *sql.DB
	dir string
	n   int // units written
}

// openBare makes a store that holds so many units already.
func openBare(filled int) (*bareStore, error) {
	dir, err := os.MkdirTemp("", "drieluik-bench-bare-")
	if err != nil {
		return nil, err
	}
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "bare.db")+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)")
	if err != nil {
		return nil, err
	}
	s := &bareStore{db: db, dir: dir}
	if _, err := db.Exec(bareSchema); err != nil {
		return nil, fmt.Errorf("bare tables: %w", err)
	}
	for s.n < filled {
		if err := s.commit(min(1024, filled-s.n)); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (s *bareStore) close() {
	_ = s.db.Close() // the folder goes with it
	_ = os.RemoveAll(s.dir)
}

func bareChild(n int) string { return fmt.Sprintf("3f2504e0-4f89-41d3-9a0c-%012d", n) }

// commit writes so many units in one transaction.
func (s *bareStore) commit(units int) error {
	tx, err := s.db.Begin()
	if err != nil {
		return err
	}
	row, err := tx.Prepare(`INSERT INTO r VALUES(?,'CarePlan',?,1,?)`)
	if err != nil {
		return err
	}
	idx, err := tx.Prepare(`INSERT INTO i VALUES(?,'CarePlan',?,?,?)`)
	if err != nil {
		return err
	}
	body := bytes.Repeat([]byte{0xA5}, bareStored)
	for range units {
		child, id := bareChild(s.n/barePerChild), fmt.Sprintf("8c1fd6e2-6d0f-4d11-b36a-%012d", s.n)
		if _, err := row.Exec(child, id, body); err != nil {
			return err
		}
		for k := range bareIndex {
			param, value := "activity-code", fmt.Sprint(100000+k)
			if k == 0 {
				param, value = "status", "active"
			}
			if _, err := idx.Exec(child, param, value, id); err != nil {
				return err
			}
		}
		s.n++
	}
	return tx.Commit()
}

// logged writes so many rows of the log in one transaction.
func (s *bareStore) logged(rows, first int) error {
	tx, err := s.db.Begin()
	if err != nil {
		return err
	}
	row, err := tx.Prepare(`INSERT INTO a VALUES(?,?,?)`)
	if err != nil {
		return err
	}
	body := bytes.Repeat([]byte{0xA5}, bareAudit)
	for k := range rows {
		if _, err := row.Exec(bareChild(k), first+k, body); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// groups measures commits of so many units: C2 with 32, C3 with one. Its rate is units.
func (s *bareStore) groups(ctx context.Context, units int, long time.Duration) figures {
	return drive(ctx, 1, long, os.Getpid(), func(context.Context, *worker) (int, error) {
		return units, s.commit(units)
	})
}

// auditCPU is the processor time of one bare row of the log in a commit that 32 share.
func (s *bareStore) auditCPU(ctx context.Context, long time.Duration) float64 {
	first := 0
	before := ownCPU()
	f := drive(ctx, 1, long, 0, func(context.Context, *worker) (int, error) {
		first += bareGroup
		return bareGroup, s.logged(bareGroup, first)
	})
	if f.Units == 0 {
		return 0
	}
	return float64((ownCPU() - before).Microseconds()) / (float64(f.Units) * 1.1) // drive runs a tenth uncounted
}

// page measures C5: one patient's first page of 20 by a composite query.
func (s *bareStore) page(ctx context.Context, long time.Duration) (figures, error) {
	q, err := s.db.Prepare(`SELECT r.id, r.ver, r.body FROM i JOIN r ON r.comp=i.comp AND r.type=i.type AND r.id=i.id
		WHERE i.comp=? AND i.type='CarePlan' AND i.param='status' AND i.val='active' ORDER BY i.id LIMIT 20`)
	if err != nil {
		return figures{}, err
	}
	defer q.Close()
	children := max(s.n/barePerChild, 1)
	return drive(ctx, 1, long, os.Getpid(), func(ctx context.Context, w *worker) (int, error) {
		rows, err := q.QueryContext(ctx, bareChild(w.rnd.IntN(children)))
		if err != nil {
			return 0, err
		}
		defer rows.Close()
		var id string
		var ver int
		n := 0
		for rows.Next() {
			if err := rows.Scan(&id, &ver, &w.buf); err != nil {
				return 0, err
			}
			n++
		}
		return n, rows.Err()
	}), nil
}
