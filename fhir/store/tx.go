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
	moved, grew bool // epoch or writes changed; the chain grew
}

// unit runs apply in a savepoint. outcome is what the one who asks is told; err means that the
// whole transaction is beyond use.
func (t *tx) unit(apply func(*tx) error) (outcome, err error) {
	t.made, t.comps = map[string]int64{}, map[string]*compID{}
	at := t.at
	if _, err := t.c.exec(`SAVEPOINT unit`); err != nil {
		return nil, err
	}
	outcome = t.safely(apply)
	if outcome == nil {
		outcome = t.saveComps()
	}
	if outcome != nil {
		t.at = at
		if _, err := t.c.exec(`ROLLBACK TO unit`); err != nil {
			return nil, errors.Join(outcome, err)
		}
	}
	if _, err := t.c.exec(`RELEASE unit`); err != nil {
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
	r, err := t.c.exec(`INSERT INTO dict(text) VALUES(?)`, text)
	if err != nil {
		return 0, err
	}
	if n, err = r.LastInsertId(); err != nil {
		return 0, err
	}
	t.made[text] = n
	return n, nil
}

// comp returns the row of a compartment, made when it is new.
func (t *tx) comp(name string) (*compID, error) {
	if c, ok := t.comps[name]; ok {
		return c, nil
	}
	c := &compID{name: name, hash: make([]byte, 32)}
	found, err := t.c.one(`SELECT comp,n,writes,seq,hash FROM epoch WHERE name=?`, args(name),
		&c.n, &c.epoch, &c.writes, &c.seq, &c.hash)
	if err != nil {
		return nil, err
	}
	if !found {
		r, err := t.c.exec(`INSERT INTO epoch(name,n,writes,seq,hash) VALUES(?,0,0,0,?)`, name, c.hash)
		if err != nil {
			return nil, err
		}
		if c.n, err = r.LastInsertId(); err != nil {
			return nil, err
		}
	}
	t.comps[name] = c
	return c, nil
}

// saveCounters makes the group's instant durable, and the last rid when it is beyond before.
func (t *tx) saveCounters(before int64) error {
	const save = `UPDATE kv SET value=? WHERE key=?`
	if _, err := t.c.exec(save, t.at, keyClock); err != nil || t.rid == before {
		return err
	}
	_, err := t.c.exec(save, t.rid, keyRid)
	return err
}

// saveComps writes what the unit changed in its compartments.
func (t *tx) saveComps() error {
	for _, c := range t.comps {
		if !c.moved && !c.grew {
			continue
		}
		_, err := t.c.exec(`UPDATE epoch SET n=?,writes=?,seq=?,hash=? WHERE comp=?`, c.epoch, c.writes, c.seq, c.hash, c.n)
		if err != nil {
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
