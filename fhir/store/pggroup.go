package store

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/exchange"
)

// Bounds of transactions that units share.
const (
	pgAtOnce   = 2                     // of one process, while none of them waits for others: meanwhile more come together
	pgPatience = 50 * time.Millisecond // of a unit, until one more transaction is begun for it
	pgAbreast  = 8                     // transactions of one process, however long they wait
	pgBriefly  = "250ms"               // that one waits for a lock, before its units go on one by one
)

// pgJob is a unit that waits for a transaction.
type pgJob struct {
	*prepared
	ctx     context.Context
	op      string
	plan    plan
	touched map[string]bool
	state   atomic.Int32
	written []exchange.Written
	done    chan error // buffered
}

// pgLine has the units that wait. It is safe for concurrent use.
type pgLine struct {
	mu      sync.Mutex
	jobs    []*pgJob
	running int
}

func (l *pgLine) join(j *pgJob) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.jobs = append(l.jobs, j)
}

// hire reports whether one more is to work the line off, who then is one of so many.
func (l *pgLine) hire(most int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.jobs) == 0 || l.running >= most {
		return false
	}
	l.running++
	return true
}

// next takes the first units that may share a transaction, in their order, and leaves the others in theirs. When
// there is none, who asked is dismissed.
func (l *pgLine) next() []*pgJob {
	l.mu.Lock()
	defer l.mu.Unlock()
	g := pgGroup{locks: map[int64]bool{}, touched: map[string]bool{}}
	left := l.jobs[:0]
	for _, j := range l.jobs {
		if g.full() || !g.admits(j) {
			left = append(left, j)
		} else if j.state.CompareAndSwap(queued, taken) {
			g.add(j)
		}
	}
	clear(l.jobs[len(left):])
	l.jobs = left
	if len(g.jobs) == 0 {
		l.running--
	}
	return g.jobs
}

// pgGroup is units that may share a transaction: no two of them write one resource or setting, and none looks
// for what another one writes. Compartments they may have together: their state is carried from one to the next.
type pgGroup struct {
	jobs            []*pgJob
	size            int
	locks           map[int64]bool
	touched         map[string]bool
	sought, altered []fhir.Type // looked up by identifier; given a further version, which may take one away
}

func (g *pgGroup) full() bool {
	return len(g.jobs) == maxGroup || g.size >= maxGroupBytes || len(g.locks) >= maxLocks
}

func (g *pgGroup) admits(j *pgJob) bool {
	return len(g.jobs) == 0 || len(g.locks)+len(j.plan.locks) <= maxLocks && j.Passed == 0 &&
		apart(g.locks, j.plan.locks) && apart(g.touched, j.touched) &&
		disjoint(g.sought, j.plan.altered) && disjoint(g.altered, j.plan.sought)
}

func disjoint(a, b []fhir.Type) bool {
	return !slices.ContainsFunc(a, func(t fhir.Type) bool { return slices.Contains(b, t) })
}

// apart reports whether two may be together: true in either stands for what nobody may share.
func apart[K comparable](group, one map[K]bool) bool {
	for k, whole := range one {
		if other, ok := group[k]; ok && (whole || other) {
			return false
		}
	}
	return true
}

func (g *pgGroup) add(j *pgJob) {
	g.jobs, g.size = append(g.jobs, j), g.size+j.size
	g.sought, g.altered = append(g.sought, j.plan.sought...), append(g.altered, j.plan.altered...)
	for lock, whole := range j.plan.locks {
		g.locks[lock] = g.locks[lock] || whole
	}
	for what, wrote := range j.touched {
		g.touched[what] = g.touched[what] || wrote
	}
}

// touches are the resources, settings and dates of a unit: true for what it writes.
func (p *prepared) touches() map[string]bool {
	out := map[string]bool{}
	for i := range p.Relied {
		r := &p.Relied[i]
		if !r.Ref.IsZero() {
			out[r.Ref.Current().String()] = false
		}
		if r.Setting != nil {
			out["setting "+r.Setting.Key] = false
		}
	}
	for i := range p.writes {
		out[p.writes[i].Ref.Current().String()] = true
	}
	for i := range p.Settings {
		out["setting "+p.Settings[i].Key] = true
	}
	for i := range p.Due {
		out["due "+p.Due[i].Compartment] = true
	}
	return out
}

// keep implements applier.
func (w *pgWriter) keep(ctx context.Context, op string, p *prepared) ([]exchange.Written, error) {
	defer w.waiting.Add(-1)
	if err := w.admit(ctx, op); err != nil {
		return nil, err
	}
	j := &pgJob{prepared: p, ctx: ctx, op: op, plan: w.plan(p), touched: p.touches(), done: make(chan error, 1)}
	w.line.join(j)
	if w.line.hire(pgAtOnce) {
		go w.work()
	}
	patience := time.NewTimer(pgPatience)
	defer patience.Stop()
	for {
		select {
		case err := <-j.done:
			return j.written, fhir.Wrap(op, err)
		case <-patience.C:
			if j.state.Load() == queued && w.line.hire(pgAbreast) {
				go w.work()
			}
		case <-ctx.Done():
			if j.state.CompareAndSwap(queued, abandoned) {
				return nil, &fhir.Error{Kind: fhir.Unavailable, Op: op, Reason: "cancelled", Err: ctx.Err()}
			}
			err := <-j.done
			return j.written, fhir.Wrap(op, err)
		}
	}
}

// work runs transaction after transaction until nobody waits.
func (w *pgWriter) work() {
	for group := w.line.next(); len(group) > 0; group = w.line.next() {
		if len(group) == 1 {
			w.single(group[0])
		} else {
			w.together(group)
		}
	}
}

// single runs a unit in a transaction of its own.
func (w *pgWriter) single(j *pgJob) {
	j.done <- w.alone(context.WithoutCancel(j.ctx), j.op, func(t *tx) (err error) {
		j.written, err = t.commit(j.prepared)
		return err
	})
}

// together runs a group in one transaction and answers each. When the transaction fails, and is known to, each
// has one of its own: what made it fail may be one of them.
func (w *pgWriter) together(group []*pgJob) {
	ctx, cancel := context.WithTimeout(context.Background(), unitLimit)
	defer cancel()
	c, err := w.pool.Acquire(ctx)
	if err != nil {
		err = &fhir.Error{Kind: fhir.Unavailable, Op: "store.postgres", Reason: "no-connection", Err: err}
		for _, j := range group {
			j.done <- err
		}
		return
	}
	start, outcome := time.Now(), make([]error, len(group))
	again, _, err := w.transact(ctx, c, func(t *tx) error { return t.group(group, outcome) })
	c.Release() // one whose transaction is open is not lent again
	if w.told != nil {
		w.told(len(group), time.Since(start))
	}
	for i, j := range group {
		switch {
		case err == nil && !errors.Is(outcome[i], errAlone):
			j.done <- outcome[i]
		case err == nil, again, pgRefused(err):
			go w.single(j)
		default:
			j.done <- err
		}
	}
}

// pgRefused reports whether the server refused a statement of a transaction, which is not in then.
func pgRefused(err error) bool {
	var told *pgconn.PgError
	return errors.As(err, &told) && !slices.Contains([]string{"08", "57", "58", "XX"}, told.Code[:2])
}

// group runs units one after the other. One that fails leaves nothing; err means that none can be kept.
func (t *tx) group(jobs []*pgJob, outcome []error) error {
	units, plans := make([]*prepared, len(jobs)), make([]plan, len(jobs))
	for i, j := range jobs {
		units[i], plans[i] = j.prepared, j.plan
	}
	if err := t.intern(units...); err != nil {
		return err
	}
	if err := t.c.exec(`SET LOCAL lock_timeout='` + pgBriefly + `'`); err != nil {
		return err
	}
	l := joined(plans)
	if err := t.lock(&l); err != nil {
		return err
	}
	t.pg.link.shared = true
	for i, j := range jobs {
		if outcome[i] = t.share(j); !ofUnit(outcome[i]) {
			return outcome[i]
		}
	}
	t.pg.link.shared, t.pg.mine = false, nil
	return nil
}

// ofUnit reports whether an error is about one unit, and the transaction can go on.
func ofUnit(err error) bool {
	var told *pgconn.PgError
	return err == nil || !errors.As(err, &told) && fhir.KindOf(err) != fhir.Unavailable
}

// share runs one unit of several, at an instant that follows from its own compartments.
func (t *tx) share(j *pgJob) error {
	l, before := t.pg.link, make([]compID, len(j.plan.own))
	l.mark, t.at, t.pg.mine = len(l.held), t.pg.from, make(map[string]bool, len(before))
	for i, name := range j.plan.own {
		c := t.comps[name]
		before[i], t.pg.mine[name] = *c, true
		t.at = max(t.at, c.after, c.at)
	}
	err := t.safely(func(t *tx) (err error) {
		j.written, err = t.commit(j.prepared)
		return err
	})
	if err != nil {
		l.held, j.written = l.held[:l.mark], nil
		for i := range before {
			*t.comps[before[i].name] = before[i]
		}
	}
	return err
}
