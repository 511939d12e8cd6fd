package store

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/drieluik/drieluik/fhir"
)

// Bounds of one unit on PostgreSQL.
const (
	unitLimit = 15 * time.Second // with its repeats
	unitTries = 10               // when others got in between
)

// pgWriter runs transactions, several at once: units that come together share one (pgGroup), anything else
// has its own. What must not move meanwhile is locked (pgUnit).
type pgWriter struct {
	line    pgLine
	pool    *pgxpool.Pool
	texts   *pgTexts
	dict    *interned
	store   string           // tells its locks from those of other stores
	now     func() time.Time // nil: the clock of the database
	told    func(units int, took time.Duration)
	queue   int64
	waiting atomic.Int64
	closed  atomic.Bool
}

// do implements applier.
func (w *pgWriter) do(ctx context.Context, op string, _ int, apply func(*tx) error) error {
	defer w.waiting.Add(-1)
	if err := w.admit(ctx, op); err != nil {
		return err
	}
	return w.alone(ctx, op, apply)
}

// admit refuses what cannot be begun. The caller has it leave the number of those who wait.
func (w *pgWriter) admit(ctx context.Context, op string) error {
	waiting := w.waiting.Add(1)
	if err := ctx.Err(); err != nil {
		return &fhir.Error{Kind: fhir.Unavailable, Op: op, Reason: "cancelled", Err: err}
	}
	if w.closed.Load() {
		return &fhir.Error{Kind: fhir.Unavailable, Op: op, Reason: "closed"}
	}
	if waiting > w.queue {
		return &fhir.Error{Kind: fhir.Unavailable, Op: op, Reason: "busy"}
	}
	return nil
}

// alone runs a change in a transaction of its own.
func (w *pgWriter) alone(ctx context.Context, op string, apply func(*tx) error) error {
	waits, end := context.WithTimeout(ctx, unitLimit)
	c, err := w.pool.Acquire(waits)
	end()
	if err != nil {
		return &fhir.Error{Kind: fhir.Unavailable, Op: op, Reason: refusal(ctx), Err: err}
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), unitLimit)
	defer cancel()
	start := time.Now()
	err = w.run(ctx, c, apply)
	if w.told != nil {
		w.told(1, time.Since(start))
	}
	return fhir.Wrap(op, err)
}

// run runs a unit until it is in, or cannot be: again when others got in between, and when a connection
// ended before the commit was sent. It releases the connection.
func (w *pgWriter) run(ctx context.Context, c *pgxpool.Conn, apply func(*tx) error) error {
	var err error
	for range unitTries {
		var again, lost bool
		again, lost, err = w.transact(ctx, c, apply)
		if !again {
			break
		}
		if !lost {
			continue
		}
		c.Release()
		next, none := w.pool.Acquire(ctx)
		if none != nil {
			return &fhir.Error{Kind: fhir.Unavailable, Op: "store.postgres", Reason: "no-connection", Err: none}
		}
		c = next
	}
	c.Release() // one whose transaction is open is not lent again
	return err
}

// refusal says why a connection was not to be had.
func refusal(ctx context.Context) string {
	if ctx.Err() != nil {
		return "cancelled"
	}
	return "no-connection"
}

func (w *pgWriter) waits() (units, room int) { return int(w.waiting.Load()), int(w.queue) }

func (w *pgWriter) stop() (bool, error) {
	if w.closed.Swap(true) {
		return false, nil
	}
	w.pool.Close()
	return true, nil
}

// transact runs one transaction: again says that a failed one may be run again, lost that its connection
// is gone.
func (w *pgWriter) transact(ctx context.Context, c *pgxpool.Conn, apply func(*tx) error) (again, lost bool, err error) {
	l := &pgLink{ctx: ctx, c: c, texts: w.texts, batch: &pgx.Batch{}}
	l.batch.Queue(`BEGIN ISOLATION LEVEL READ COMMITTED`) // what advisory locks guard is read after they are taken
	at := time.Now().UnixMilli()
	if w.now != nil {
		at = w.now().UnixMilli()
	}
	t := &tx{
		c: &conn{l, &pgDialect}, dict: w.dict, start: at, at: at, fresh: map[string]int64{},
		made: map[string]int64{}, comps: map[string]*compID{}, pg: &pgUnit{w: w, link: l},
	}
	err = t.safely(apply)
	if err == nil {
		err = t.saveComps()
	}
	if err == nil {
		err = l.commit()
	}
	if err != nil {
		lost = l.suspect(w.pool)
		return pgAgain(err) || lost && !l.final, lost, errors.Join(err, l.undo())
	}
	for text, n := range t.made {
		w.dict.add(text, n)
	}
	return false, false, nil
}
