package store

import (
	"errors"
	"fmt"
	"maps"

	"github.com/drieluik/drieluik/fhir"
)

// tx is the transaction of one group.
type tx struct {
	c     *conn
	dict  *interned
	fresh map[string]int64 // numbers this transaction made, not yet committed
	start int64            // commit instant of the group, milliseconds
	at    int64            // last instant used: start, or later for a second version in one group

	rid   int64       // last rid given out
	stale []recentKey // what this transaction changes of what is remembered
	swept bool        // it removes rows that are over, whichever they are

	pg *pgUnit // on PostgreSQL: what the unit has there

	made  map[string]int64   // numbers the running unit made
	comps map[string]*compID // compartments the running unit touched
}

// compID is a compartment's row of epoch.
type compID struct {
	n           int64
	name        string
	epoch       int64
	writes      int64
	seq         int64
	hash        []byte
	at          int64 // instant of the chain's last row; PostgreSQL keeps it
	after       int64 // earliest instant of units of this transaction
	moved, grew bool  // epoch or writes changed; the chain grew
}

// unit runs apply in a savepoint. outcome is what the one who asks is told; err means that the
// whole transaction is beyond use.
func (t *tx) unit(apply func(*tx) error) (outcome, err error) {
	t.made, t.comps = map[string]int64{}, map[string]*compID{}
	at := t.at
	if err := t.c.exec(`SAVEPOINT unit`); err != nil {
		return nil, err
	}
	outcome = t.safely(apply)
	if outcome == nil {
		outcome = t.saveComps()
	}
	if outcome != nil {
		t.at = at
		if err := t.c.exec(`ROLLBACK TO unit`); err != nil {
			return nil, errors.Join(outcome, err)
		}
	}
	if err := t.c.exec(`RELEASE unit`); err != nil {
		return nil, err
	}
	if outcome == nil {
		maps.Copy(t.fresh, t.made)
	}
	return outcome, nil
}

// safely turns a panic of apply into an error: the writer must live on.
func (t *tx) safely(apply func(*tx) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &fhir.Error{Kind: fhir.Internal, Op: "store.unit", Err: fmt.Errorf("panic: %v", p)}
		}
	}()
	return apply(t)
}

// number interns a text: 0 for "".
func (t *tx) number(text string) (int64, error) {
	if n, ok := t.made[text]; ok {
		return n, nil
	}
	if n, ok := t.fresh[text]; ok {
		return n, nil
	}
	n, err := t.dict.lookup(t.c, text)
	if err != nil || n >= 0 {
		return n, err
	}
	_, err = t.c.one(`INSERT INTO dict(text) VALUES(?) ON CONFLICT(text) DO UPDATE SET text=excluded.text RETURNING n`, args(t.c.key(text)), &n)
	if err == nil {
		t.made[text] = n
	}
	return n, err
}

// comp returns the row of a compartment, made when it is new.
func (t *tx) comp(name string) (*compID, error) {
	if t.pg != nil && t.pg.mine != nil && !t.pg.mine[name] {
		return nil, errAlone // it was not known that it would be changed
	}
	if c, ok := t.comps[name]; ok {
		return c, nil
	}
	c := &compID{name: name, hash: make([]byte, 32)}
	found, err := t.c.one(t.c.ownComp, args(name), &c.n, &c.epoch, &c.writes, &c.seq, &c.hash, &c.at)
	if err != nil {
		return nil, err
	}
	if !found {
		if _, err := t.c.one(`INSERT INTO epoch(name,n,writes,seq,hash) VALUES(?,0,0,0,?) RETURNING comp`, args(name, c.hash), &c.n); err != nil {
			return nil, err
		}
	}
	t.comps[name] = c
	t.at = max(t.at, c.at+1)
	return c, nil
}

// saveCounters makes the group's instant durable, and the last rid when it is beyond before.
func (t *tx) saveCounters(before int64) error {
	const save = `UPDATE kv SET value=? WHERE key=?`
	if err := t.c.exec(save, t.at, keyClock); err != nil || t.rid == before {
		return err
	}
	err := t.c.exec(save, t.rid, keyRid)
	return err
}

// saveComps writes what the unit changed in its compartments.
func (t *tx) saveComps() error {
	for _, c := range t.comps {
		if !c.moved && !c.grew {
			continue
		}
		values := args(c.epoch, c.writes, c.seq, c.hash, c.n)
		if t.pg != nil {
			values = append(values, c.at)
		}
		if err := t.c.exec(t.c.saveComp, values...); err != nil {
			return err
		}
	}
	return nil
}

// conflict is the answer when something has moved since the snapshot that a unit was made from.
func conflict(op, reason string) error {
	return &fhir.Error{Kind: fhir.Conflict, Op: op, Reason: reason, Issues: []fhir.Issue{{
		Severity: fhir.SeverityError, Code: "conflict", Diagnostics: reason,
		Text: "The data has changed in the meantime. Read it again and repeat the request.",
	}}}
}

// clock is the instant that leases go by, in milliseconds.
func (t *tx) clock() (int64, error) {
	if t.pg == nil || t.pg.w.now != nil {
		return t.start, nil
	}
	var now int64
	_, err := t.c.one(pgNow, nil, &now)
	return now, err
}
