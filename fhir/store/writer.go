package store

import (
	"cmp"
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/drieluik/drieluik/fhir"
)

// Bounds of one group.
const (
	maxGroup      = 128
	maxGroupBytes = 1 << 20
)

// States of a job. The one who moves it from queued decides what becomes of it.
const (
	queued int32 = iota
	taken
	abandoned
)

// job is one unit of work for the writer: everything that changes the file.
type job struct {
	apply func(*tx) error // runs in a savepoint of its own
	size  int             // bytes, for the bound of a group
	state atomic.Int32
	done  chan error // buffered: the writer never waits for the one who asks
}

// writer owns the only connection that writes.
type writer struct {
	file    string
	db      driver.Connector
	dict    *interned
	recent  *recent
	readers *pool

	now  func() time.Time
	told func(units int, took time.Duration)
	jobs chan *job
	c    *conn // nil after damage, until it is opened anew
	last int64 // last instant given out, milliseconds
	rid  int64 // last number given to a resource

	walNext int64      // size of the log at which to checkpoint
	walStep int64      // how much the log may grow before that
	moved   chan error // of the checkpoint that runs beside commits; nil: none does

	mu     sync.RWMutex // guards closed against sends on jobs
	closed bool
	ended  chan struct{}
	fault  error // of the last checkpoint and of closing, once ended is closed
}

func newWriter(ctx context.Context, file string, db driver.Connector, s *Store, readers *pool, o Options) (*writer, error) {
	w := &writer{file: file, db: db, dict: s.dict, recent: s.recent, readers: readers, now: o.Now, told: o.Committed, jobs: make(chan *job, o.Queue), ended: make(chan struct{}), walNext: walLimit, walStep: walLimit}
	if err := w.connect(ctx); err != nil {
		return nil, err
	}
	if err := w.prepareFile(); err != nil {
		return nil, errors.Join(err, w.drop())
	}
	return w, nil
}

// connect opens the writer's connection, with a larger page cache than those of readers.
func (w *writer) connect(ctx context.Context) error {
	c, err := newConn(ctx, w.db)
	if err != nil {
		return err
	}
	if err := c.exec(`PRAGMA cache_size=-8000`); err != nil {
		return errors.Join(err, c.close())
	}
	w.c = c
	return nil
}

// prepareFile makes the schema in an empty file, refuses a foreign one, and reads the clock.
func (w *writer) prepareFile() error {
	var tables int
	if _, err := w.c.one(`SELECT count(*) FROM sqlite_master`, nil, &tables); err != nil {
		return err
	}
	if tables == 0 {
		if err := w.script(`BEGIN IMMEDIATE;` + schema +
			`INSERT INTO kv VALUES('` + keySchema + `','` + schemaVersion + `'),('` + keyClock + `',0),('` + keyRid + `',0); COMMIT;`); err != nil {
			return fmt.Errorf("make schema: %w", err)
		}
	}
	var version string
	if _, err := w.c.one(`SELECT value FROM kv WHERE key=?`, args(keySchema), &version); err != nil {
		return fmt.Errorf("read schema version: %w", err)
	}
	if version != schemaVersion {
		return ErrSchema
	}
	if moved, err := w.c.one(`SELECT 1 FROM kv WHERE key=?`, args(keyMoved), new(int)); err != nil || moved {
		return cmp.Or(err, ErrMoved)
	}
	if err := w.prepareDue(); err != nil {
		return fmt.Errorf("make the table of what is due: %w", err)
	}
	if _, err := w.c.one(`SELECT value FROM kv WHERE key=?`, args(keyClock), &w.last); err != nil {
		return err
	}
	if _, err := w.c.one(`SELECT value FROM kv WHERE key=?`, args(keyRid), &w.rid); err != nil {
		return err
	}
	return nil
}

// script runs statements that the driver takes as one text.
func (w *writer) script(text string) error {
	l, ok := w.c.link.(*fileLink)
	if !ok {
		return errForeign
	}
	return l.script(context.Background(), text)
}

// do queues a job and waits for its outcome. When ctx ends first, a job that is still queued will
// never be applied and the error is that of ctx; a job that the writer has taken is waited for.
func (w *writer) do(ctx context.Context, op string, size int, apply func(*tx) error) error {
	j := &job{apply: apply, size: size, done: make(chan error, 1)}
	if err := w.enqueue(ctx, op, j); err != nil {
		return err
	}
	select {
	case err := <-j.done:
		return fhir.Wrap(op, err)
	case <-ctx.Done():
	}
	if j.state.CompareAndSwap(queued, abandoned) {
		return &fhir.Error{Kind: fhir.Unavailable, Op: op, Reason: "cancelled", Err: ctx.Err()}
	}
	return fhir.Wrap(op, <-j.done)
}

func (w *writer) enqueue(ctx context.Context, op string, j *job) error {
	if err := ctx.Err(); err != nil {
		return &fhir.Error{Kind: fhir.Unavailable, Op: op, Reason: "cancelled", Err: err}
	}
	w.mu.RLock()
	defer w.mu.RUnlock()
	if w.closed {
		return &fhir.Error{Kind: fhir.Unavailable, Op: op, Reason: "closed"}
	}
	select {
	case w.jobs <- j:
		return nil
	default:
		return &fhir.Error{Kind: fhir.Unavailable, Op: op, Reason: "busy"}
	}
}

func (w *writer) waits() (units, room int) { return len(w.jobs), cap(w.jobs) }

// stop closes the queue and waits until it is drained; false when that was done before.
func (w *writer) stop() (bool, error) {
	w.mu.Lock()
	was := w.closed
	if !was {
		w.closed = true
		close(w.jobs)
	}
	w.mu.Unlock()
	<-w.ended
	return !was, w.fault
}

// run commits group after group until the queue is closed and empty.
func (w *writer) run() {
	defer close(w.ended)
	for open := true; open; {
		var j *job
		var err error
		select {
		case j, open = <-w.jobs:
			if !open {
				continue
			}
			// Let those run who were answered just now: without it groups of one and of all the others
			// take turns, at twice the number of fsyncs.
			runtime.Gosched()
			w.commit(w.gather(j))
			err = w.checkpoint()
		case moved := <-w.moved:
			err = w.finish(moved)
		}
		if err != nil { // nothing is lost; a new connection tries again
			w.fault = errors.Join(err, w.drop())
		}
	}
	if w.moved != nil {
		w.fault = errors.Join(w.fault, <-w.moved)
	}
	w.fault = errors.Join(w.fault, w.drop())
}

// gather takes what is queued behind the first job, without waiting.
func (w *writer) gather(first *job) []*job {
	group, size := make([]*job, 0, maxGroup), 0
	for j := first; ; {
		if j.state.CompareAndSwap(queued, taken) {
			group = append(group, j)
			size += j.size
		}
		if len(group) == maxGroup || size >= maxGroupBytes {
			return group
		}
		var ok bool
		select {
		case j, ok = <-w.jobs:
			if !ok {
				return group
			}
		default:
			return group
		}
	}
}

// commit applies a group in one transaction and answers each job. A job that fails undoes only
// itself; a transaction that fails fails them all.
func (w *writer) commit(group []*job) {
	if len(group) == 0 {
		return
	}
	outcome, start := make([]error, len(group)), time.Now()
	err := w.transact(group, outcome)
	if w.told != nil {
		w.told(len(group), time.Since(start))
	}
	for i, j := range group {
		if err != nil {
			outcome[i] = err
		}
		j.done <- outcome[i]
	}
}

// transact runs one transaction. After any failure of it the connection is replaced, so that no
// half-open transaction can meet the next group.
func (w *writer) transact(group []*job, outcome []error) (err error) {
	const op = "store.commit"
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
		if err != nil {
			err = &fhir.Error{Kind: fhir.Unavailable, Op: op, Reason: "commit-failed", Err: errors.Join(err, w.drop())}
		}
	}()
	t, err := w.begin(group)
	if err != nil {
		return err
	}
	for i, j := range group {
		if outcome[i], err = t.unit(j.apply); err != nil {
			return err
		}
	}
	if err := t.saveCounters(w.rid); err != nil {
		return err
	}
	w.recent.forget(t)
	err = w.c.exec(`COMMIT`)
	w.recent.forget(t)
	if err != nil {
		return err
	}
	w.last, w.rid = t.at, t.rid
	for text, n := range t.fresh {
		w.dict.add(text, n)
	}
	return nil
}

func (w *writer) begin(group []*job) (*tx, error) {
	if w.c == nil {
		if err := w.connect(context.Background()); err != nil {
			return nil, err
		}
	}
	if err := w.c.exec(`BEGIN IMMEDIATE`); err != nil {
		return nil, err
	}
	at := max(w.now().UnixMilli(), w.last+1)
	return &tx{c: w.c, dict: w.dict, fresh: map[string]int64{}, start: at, at: at, rid: w.rid}, nil
}

// drop closes the connection, which rolls back what it had open.
func (w *writer) drop() error {
	if w.c == nil {
		return nil
	}
	c := w.c
	w.c = nil
	return c.close()
}
